"""Comparing what came back with what is right, and telling how it differs.

What is the same for a training is accepted: a loss of shape (1,), a gradient of shape (1, d), single digits that differ
in the last places. It gets a remark.
"""

from dataclasses import dataclass, field

import numpy as np

from grader import advice
from grader.reply import Other, sent_array
from grader.sandbox import answered, first_failure

# Right answers agree to 1e-14. A solution that guards a logarithm with an epsilon is off by more, and still right.
TOLERANCE = 1e-6
CLOSE = 1e-10  # what differs more than this gets a remark; a hint is given only where the match is closer
REMARK_DIGITS = "{what} differs from ours in the {place} digit: something like an epsilon inside a logarithm?"


@dataclass
class Outcome:
    """What became of one line of the scheme.

    Attributes
    ----------
    passed : bool
    message : str
        What was seen, where it did not pass.
    hints : list of str
        What it looks like.
    """

    passed: bool = True
    message: str = ""
    hints: list = field(default_factory=list)


def failed(message, *hints):
    return Outcome(False, message, [hint for hint in hints if hint])


def of_failure(failure):
    """The outcome of a job that did not come to its end."""
    return failed(advice.describe(failure), advice.advise(failure))


def values_of(jobs):
    """The values that jobs of one step each returned, or the Outcome of the first that failed: (values, outcome)."""
    for job in jobs:
        if failure := first_failure(job):
            return None, of_failure(failure)
    return [answered(job)[-1].value for job in jobs], None


def fits(got, expected, tolerance=TOLERANCE):
    """Whether an array has the expected shape and values (relative to the largest expected one, at least 1)."""
    expected = np.asarray(expected, dtype=float)
    if not isinstance(got, np.ndarray) or got.shape != expected.shape:
        return False
    scale = max(1.0, np.abs(expected).max(initial=0))
    with np.errstate(invalid="ignore"):  # infinity less infinity
        return bool((np.abs(got - expected) <= tolerance * scale).all())


def is_same(got, expected):
    """Whether two arrays are equal to rounding: the test for a hint."""
    return fits(got, expected, CLOSE)


def settle(got, expected, remarks, what):
    """Bring a value into the expected shape where the difference does no harm, with a remark."""
    shape = np.shape(expected)
    if not isinstance(got, np.ndarray) or got.shape == shape:
        return got
    harmless = got.size == 1 if shape == () else got.shape == (1, *shape)
    if harmless:
        extra = "is an array of one number" if shape == () else "has a first axis of length 1 too many"
        remarks.append(f"{what} {extra}: it does no harm here")
        return got.reshape(shape)
    return got


def judge(pairs, what, remarks, known=()):
    """Judge several values of one kind.

    Parameters
    ----------
    pairs : list of (value, ndarray or float)
        Got and expected.
    what : str
        Its name, for messages.
    remarks : list of str
        Is added to.
    known : iterable of (str, list of ndarray)
        Hints, and what the mistake gives in place of each expected value.

    Returns
    -------
    Outcome
    """
    pairs = [(settle(got, expected, remarks, what), np.asarray(expected, dtype=float)) for got, expected in pairs]
    wrong = [n for n, (got, expected) in enumerate(pairs) if not fits(got, expected)]
    if not wrong:
        largest = max((_difference(got, expected) for got, expected in pairs), default=0)
        if largest > CLOSE:
            remarks.append(REMARK_DIGITS.format(what=what, place=f"{int(-np.log10(largest)) + 1}th"))
        return Outcome()
    got, expected = pairs[wrong[0]]
    return failed(difference(got, expected, what), *hints(pairs, known))


def _difference(got, expected):
    return (np.abs(got - expected) / max(1.0, np.abs(expected).max(initial=0))).max(initial=0).item()


def difference(got, expected, what):
    """One sentence on how a value differs: index, expected, got; or the shapes."""
    if got is None or isinstance(got, (Other, tuple)):
        kind = "a tuple" if isinstance(got, tuple) else getattr(got, "type", "nothing")
        return f"{what} is {kind}, wanted {'a number' if expected.ndim == 0 else f'an array {expected.shape}'}"
    if got.shape != expected.shape:
        return f"{what} has shape {got.shape}, wanted {expected.shape or 'a number'}"
    scale = max(1.0, np.abs(expected).max(initial=0))
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(got - expected) <= TOLERANCE * scale)
    index = tuple(map(int, np.argwhere(wrong)[0]))
    where = f"{what}[{', '.join(map(str, index))}]" if index else what
    share = f" ({int(wrong.sum())} of {wrong.size} entries differ)" if wrong.size > 1 else ""
    return f"{where}: expected {expected[index]:.8g}, got {got[index]:.8g}{share}"


def hints(pairs, known):
    """What the values look like: the first of the known mistakes that gives them all, to rounding; or a general one."""
    if any(isinstance(got, np.ndarray) and np.isnan(got).any() for got, _ in pairs):
        return ["there are NaNs in it: 0 / 0, infinity - infinity, or the logarithm of a negative number"]
    for hint, mistaken in known:
        if _explains(pairs, mistaken):
            return [hint]
    for hint, change in GENERAL:
        if _explains(pairs, [change(expected) for _, expected in pairs]):
            return [hint]
    return [hint] if (hint := _factor(pairs)) else []


def _explains(pairs, mistaken):
    """Whether a mistake gives every value, and not merely by being right."""
    return all(is_same(got, m) for (got, _), m in zip(pairs, mistaken, strict=True)) and not all(
        is_same(np.asarray(m, dtype=float), expected) for (_, expected), m in zip(pairs, mistaken, strict=True)
    )


GENERAL = (
    ("it is the right one with the sign turned", lambda expected: -expected),
    ("it is the right one transposed", lambda expected: expected.T),
    (
        "it is a column: wanted a row of shape (d,)",
        lambda expected: expected[:, None] if expected.ndim == 1 else expected,
    ),
    ("it is zero everywhere", np.zeros_like),
)


def _factor(pairs):
    """A hint where every value is the same number of times the right one."""
    if not all(isinstance(got, np.ndarray) and got.shape == expected.shape for got, expected in pairs):
        return None
    got = np.concatenate([got.ravel() for got, _ in pairs])
    expected = np.concatenate([expected.ravel() for _, expected in pairs])
    if len(pairs) < 2 and got.size < 2:
        return None  # one number is a multiple of any other
    with np.errstate(all="ignore"):  # infinities, or nothing but zeros
        factor = (got @ expected / (expected @ expected)).item()
    if np.isfinite(factor) and abs(factor) > CLOSE and is_same(got, factor * expected):
        return f"it is everywhere {factor:.6g} times the right one"
    return None


def unchanged(jobs):
    """Judge whether functions left the arrays as they were; `before` comes from the jobs' own requests."""
    for job in jobs:
        if failure := first_failure(job):
            return of_failure(failure)
        for step, answer in zip(job.steps, job.answers, strict=True):
            for n, (sent, kept) in enumerate(zip(step[1]["args"], answer.args, strict=False)):
                before = sent_array(sent)
                if before is not None and isinstance(kept, np.ndarray) and not np.array_equal(kept, before):
                    return failed(
                        f"argument {n + 1} of {step[1]['function']} is not what it was before the call",
                        "an array handed in is changed in place (`*=`, `-=`, `x[...] = ...`): work on a copy",
                    )
    return Outcome()
