"""Read what comes back from a child, which is untrusted."""

import base64
import binascii
import json
from dataclasses import dataclass, field

import numpy as np

MOST_PARTS = 20  # of a tuple; of the arguments of a call


class BadReply(Exception):
    """A line that `child.py` does not write."""


@dataclass(frozen=True)
class Other:
    """A value that is neither a number nor an array nor a tuple.

    Attributes
    ----------
    type : str
    """

    type: str


@dataclass(frozen=True)
class Failure:
    """A step that failed.

    Attributes
    ----------
    type : str
        Of the exception; or Timeout, Ended, NotRun, BadReply, Start, Missing.
    text : str
    file, line : str and int, or None
        The last line of the solution that the exception passed through.
    code : str
        The text of that line.
    """

    type: str
    text: str
    file: str | None = None
    line: int | None = None
    code: str = ""


@dataclass(frozen=True)
class Answer:
    """The result of one step.

    Attributes
    ----------
    value : ndarray, Other, tuple of these, or None
    args : list of (ndarray or None)
        The arrays among its arguments, as they were afterwards.
    printed : str
    warnings : tuple of str
    missing : tuple of str
        Functions that a module does not have.
    moved, seeded : tuple of str
        Global random streams whose state changed, and those of them that were set to another: "random", "np.random".
    draws, called, postprocessed : int
        Negative samples taken; calls of the objective and of the postprocessing.
    calls : list of tuples
        Arguments of each call of the loss function.
    seen, drawn : ndarray or Other or None
        Parameters that the objective was called with; its draws from the random stream.
    """

    value: object = None
    args: list = field(default_factory=list)
    printed: str = ""
    warnings: tuple = ()
    missing: tuple = ()
    moved: tuple = ()
    seeded: tuple = ()
    draws: int = 0
    called: int = 0
    postprocessed: int = 0
    calls: list = field(default_factory=list)
    seen: object = None
    drawn: object = None


def read_answers(line, name, steps):
    """Parse the reply to a job.

    Parameters
    ----------
    line : bytes
    name : str
        Of the job.
    steps : list of (str, dict)
        What it was asked to do.

    Returns
    -------
    list of Answer and Failure
        One for each step, with as many `args` as it was given; or fewer, the last one a Failure.

    Raises
    ------
    BadReply
        It is not the reply to this job, or is malformed.
    """
    try:
        reply = json.loads(line)
        if reply["id"] != name or not 0 < len(reply["answers"]) <= len(steps):
            raise BadReply("it belongs to another job")
        answers = [_read(answer) for answer in reply["answers"]]
        if len(answers) < len(steps) and not isinstance(answers[-1], Failure):
            raise BadReply("it ends too early")
        for answer, (_, arguments) in zip(answers, steps, strict=False):
            if isinstance(answer, Answer) and "args" in arguments:
                answer.args.extend([None] * (len(arguments["args"]) - len(answer.args)))
        return answers
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, MemoryError) as error:
        raise BadReply(type(error).__name__) from error


def _read(answer):
    if "error" in answer:
        error = answer["error"]
        line = None if error.get("line") is None else int(error["line"])
        file = None if error.get("file") is None else _text(error["file"], 100)
        code = _text(error.get("code", ""), 200)
        return Failure(_text(error["type"], 100), _text(error["text"], 500), file, line, code)
    return Answer(
        value=_value(answer.get("value")),
        args=[_value(part) for part in answer.get("args", [])[:MOST_PARTS]],
        printed=_text(answer["printed"], 20_000, lines=True),
        warnings=tuple(_text(text, 300) for text in answer["warnings"][:5]),
        missing=tuple(_text(text, 100) for text in answer.get("missing", [])[:20]),
        moved=tuple(_text(text, 20) for text in answer.get("moved", [])[:2]),
        seeded=tuple(_text(text, 20) for text in answer.get("seeded", [])[:2]),
        draws=int(answer.get("draws", 0)),
        called=int(answer.get("called", 0)),
        postprocessed=int(answer.get("postprocessed", 0)),
        calls=[tuple(_value(part) for part in call) for call in answer.get("calls", [])[:50]],
        seen=_value(answer.get("seen")),
        drawn=_value(answer.get("drawn")),
    )


def _text(text, most, lines=False):
    """Text of a solution for display, without control characters: they could move the cursor or fake a line."""
    kept = "".join(c if c.isprintable() or (lines and c == "\n") else " " for c in str(text)[:most])
    return kept.encode("utf-8", "replace").decode("utf-8")


def _value(value):
    if value is None:
        return None
    if "tuple" in value:
        return tuple(_value(part) for part in value["tuple"][:MOST_PARTS])
    if "other" in value:
        return Other(_text(value["other"], 100))
    shape = tuple(int(n) for n in value["shape"])
    if len(shape) > 8 or any(n < 0 for n in shape):
        raise BadReply("an array of impossible shape")
    try:
        data = base64.b64decode(value["array"], validate=True)
    except binascii.Error as error:
        raise BadReply("an array that is not base64") from error
    return np.frombuffer(data, "<f8").reshape(shape).astype(np.float32 if value.get("single") else np.float64)


def array(values, dtype="<f8"):
    """Encode an array or number for a child."""
    values = np.asarray(values, dtype=dtype)
    return {"array": {"data": base64.b64encode(values.tobytes()).decode(), "dtype": dtype, "shape": list(values.shape)}}


def sent_array(argument):
    """The array that `array` has encoded; None if the argument is not an array."""
    if not isinstance(argument, dict) or "array" not in argument:
        return None
    what = argument["array"]
    return np.frombuffer(base64.b64decode(what["data"]), what["dtype"]).reshape(what["shape"])
