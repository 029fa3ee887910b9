"""The scheme: points, bounds, packages and what Gradescope shows, from `scheme.toml` or an instructor's copy of it."""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from utils.system.errors import EnvironmentFailure, InputError

BUILT_IN = Path(__file__).with_name("scheme.toml")
SHAPE = (39078, 10)  # of the trained parameters: twice the vocabulary of SST, ten dimensions

PART_TITLES = {
    "sigmoid": "sigmoid",
    "softmax": "naiveSoftmaxLossAndGradient",
    "neg": "negSamplingLossAndGradient",
    "skipgram": "skipgram",
    "sgd": "sgd",
    "training": "training",
    "efficiency": "efficiency",
}

MEANINGS = {
    "sigmoid": {
        "values": "right for numbers, vectors and matrices",
        "large": "right for 1000 and -1000",
        "inputs": "leaves its argument as it is",
    },
    "softmax": {
        "loss": "loss of a pair",
        "centre": "gradCenterVec",
        "outside": "gradOutsideVecs",
        "numeric": "the gradients are the derivatives of the loss",
        "figures": "the handout's expected figures",
        "large": "scores of 1000",
        "inputs": "leaves its arguments and the random stream as they are",
    },
    "neg": {
        "loss": "loss of a pair, distinct negatives",
        "centre": "gradCenterVec, distinct negatives",
        "outside": "gradOutsideVecs, distinct negatives",
        "repeated": "a negative drawn twice counts twice",
        "draws": "K draws from the data set, each again where it gave the outside word",
        "numeric": "the gradients are the derivatives of the loss",
        "figures": "the handout's expected figures",
        "large": "scores of 1000",
        "inputs": "leaves its arguments and the random stream as they are",
    },
    "skipgram": {
        "loss": "sum of the losses of its pairs",
        "centre": "gradCenterVecs",
        "outside": "gradOutsideVectors",
        "calls": "calls the loss it is given, once for each outside word",
        "own": "with both of the solution's own losses, the naive softmax by default",
    },
    "sgd": {
        "steps": "x <- x - step * gradient, as often as asked",
        "halving": "the step is halved every 20,000 iterations",
        "postprocessing": "applied after each step",
        "printing": "the smoothed loss, every PRINT_EVERY iterations",
        "resume": "saves every 5,000 iterations and continues from there",
    },
    "training": {
        "trial": "60 iterations of training: losses and parameters",
        "parameters": "saved_params_40000.npy holds trained vectors",
        "fit": "the loss with these parameters",
        "plot": "word_vectors.png",
    },
    "efficiency": {"time": "time of an iteration"},
}
VISIBILITIES = ("hidden", "after_due_date", "after_published", "visible")
TEST_UNITS = ("part", "check")


class Line(NamedTuple):
    """One thing that is checked: points are lost line by line."""

    part: str
    check: str
    points: float
    meaning: str


@dataclass(frozen=True)
class Scheme:
    """How a solution is judged and shown.

    Attributes
    ----------
    lines : tuple of Line
    packages : tuple of str
        What a submission may import beside the standard library and its own files.
    bounds : dict of str to float
        Of the loss of a pair on "sst", "sample" and "other" treebanks; "efficiency", in times of a plain loop.
    free_days, points_per_day : float
        What being late costs.
    tests : {"part", "check"}
        What one test of Gradescope is.
    hidden : frozenset of str
        Parts, and checks as "part.check", that students do not see.
    hidden_visibility : str
    expected_values : bool
        Whether students are told right values.
    """

    lines: tuple
    packages: tuple
    bounds: dict
    free_days: float
    points_per_day: float
    tests: str
    hidden: frozenset
    hidden_visibility: str
    expected_values: bool

    def lines_of(self, part):
        return [line for line in self.lines if line.part == part]

    def graded_parts(self):
        """The parts with points."""
        return [part for part in PART_TITLES if any(line.points for line in self.lines_of(part))]

    def is_hidden(self, line):
        return line.part in self.hidden or f"{line.part}.{line.check}" in self.hidden


def read_scheme(path=BUILT_IN):
    """Read a scheme from a TOML file; what it leaves out is taken from the built-in one.

    Raises
    ------
    InputError
        It is missing, is not TOML, or has a key or value that means nothing.
    EnvironmentFailure
        It cannot be read.
    """
    content = _load(BUILT_IN)
    if Path(path) != BUILT_IN:
        _merge(content, _load(path), path)
    points, gradescope = content["points"], content["gradescope"]
    lines = [
        Line(part, check, points[part][check], meaning)
        for part, checks in MEANINGS.items()
        for check, meaning in checks.items()
    ]
    known = {*PART_TITLES, *(f"{line.part}.{line.check}" for line in lines)}
    if unknown := [name for name in gradescope["hidden"] if name not in known]:
        raise InputError(f'{path}: hidden names {unknown[0]!r}; wanted parts ("sgd") and checks ("neg.figures")')
    for key, choices in (("tests", TEST_UNITS), ("hidden_visibility", VISIBILITIES)):
        if gradescope[key] not in choices:
            raise InputError(f"{path}: {key} is {gradescope[key]!r}; wanted one of {', '.join(choices)}")
    return Scheme(
        lines=tuple(lines),
        packages=tuple(content["packages"]["allowed"]),
        bounds=content["bounds"],
        **content["late"],
        **{**gradescope, "hidden": frozenset(gradescope["hidden"])},
    )


def _load(path):
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing; copy {BUILT_IN} and edit the copy") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}") from None
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error


def _merge(into, content, path, where=""):
    """Replace values by those of another table, of the same kinds."""
    for key, value in content.items():
        name = f"{where}{key}"
        if key not in into:
            raise InputError(f"{path}: {name} is unknown; wanted one of {', '.join(into)}")
        old = into[key]
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value, path, f"{name}.")
        elif _wanted(old, value):
            into[key] = value
        else:
            raise InputError(f"{path}: {name} is {value!r}; wanted {_kind(old)}")


def _wanted(old, value):
    if isinstance(old, bool) or isinstance(value, bool):
        return isinstance(old, bool) and isinstance(value, bool)
    if isinstance(old, (int, float)):
        return isinstance(value, (int, float)) and 0 <= value < math.inf
    if isinstance(old, list):
        return isinstance(value, list) and all(isinstance(part, str) for part in value)
    return isinstance(old, str) and isinstance(value, str)


def _kind(old):
    kinds = {bool: "true or false", list: "a list of texts", str: "a text", dict: "a table"}
    return kinds.get(type(old), "a number of at least 0")
