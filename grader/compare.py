"""Compare what came back with what is right, and describe the difference.

What makes no difference to a training is accepted with a remark: a loss of shape (1,), a gradient of shape (1, d),
values that differ in the last digits.
"""

from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from grader import advice
from grader.reply import Answer, Other, sent_array
from grader.sandbox import answered, first_failure

# Right answers agree to 1e-14. A solution that guards a logarithm with an epsilon is off by more, and still right.
TOLERANCE = 1e-6
CLOSE = 1e-10  # what differs more than this gets a remark; a hint is given only where the match is closer
REMARK_DIGITS = "{what} differs from the exact value in the {place} digit"
REMARK_EPSILON = ": is there an epsilon inside a logarithm?"
REMARK_SINGLE = "it computes in single precision (float32), which has 7 digits: use float64, NumPy's default"
SEED_INSIDE = (
    "a seed inside a function (`random.seed`, `np.random.seed`) makes every call draw the same numbers: remove it"
)
SINGLE_TOLERANCE = 1e-5  # of sums and products of a few numbers of 7 digits


@dataclass
class Outcome:
    """The result of one check.

    Attributes
    ----------
    passed : bool
    message : str
        What was observed, if it failed.
    hints : list of str
        What the mistake looks like.
    plain : str
        The message without right values; empty if it contains none.
    """

    passed: bool = True
    message: str = ""
    hints: list = field(default_factory=list)
    plain: str = ""

    def shown(self, expected_values=True):
        """The message, with or without right values."""
        return self.message if expected_values or not self.plain else self.plain


def failed(message, *hints, plain=""):
    return Outcome(False, message, [hint for hint in hints if hint], plain)


CONSEQUENCES = {
    "distinct": "as with distinct negatives",
    "pieces": "as with the given pieces",
    "small": "as at small scores",
    "nothing": "counts only where something else is right",
}


def follows(kind, outcomes):
    """The outcome of a check that others decide: theirs where it is one and the same, else one that refers to them."""
    first, *others = outcomes
    if first.message and all(outcome.message == first.message for outcome in others):
        return failed(first.message, *first.hints, plain=first.plain)
    return failed(CONSEQUENCES[kind])


def of_failure(failure):
    """The outcome of a job that failed."""
    return failed(advice.describe(failure), advice.advise(failure))


def values_of(jobs):
    """The values that jobs of one step each returned, or the Outcome of the first that failed: (values, outcome)."""
    for job in jobs:
        if failure := first_failure(job):
            return None, of_failure(failure)
    return [answered(job)[-1].value for job in jobs], None


def spread(trouble, outcomes):
    """Charge the failure of some cases to one line: the first that the other cases would have earned."""
    if trouble and (earned := [line for line, outcome in outcomes.items() if outcome.passed]):
        outcomes[earned[0]] = trouble
    return outcomes


def fits(got, expected, tolerance=TOLERANCE):
    """Whether an array has the expected shape and values (relative to the largest expected one, at least 1)."""
    expected = np.asarray(expected, dtype=float)
    if not isinstance(got, np.ndarray) or got.shape != expected.shape:
        return False
    if is_single(got):
        tolerance = max(tolerance, SINGLE_TOLERANCE)
    scale = max(1.0, np.abs(expected).max(initial=0))
    with np.errstate(invalid="ignore"):  # infinity less infinity
        return bool((np.abs(got - expected) <= tolerance * scale).all())


def is_same(got, expected):
    """Whether two arrays are equal to rounding: the test for a hint."""
    return fits(got, expected, CLOSE)


def is_single(got):
    """Whether an array was computed in single precision or less."""
    return isinstance(got, np.ndarray) and got.dtype == np.float32


def settle(got, expected, remarks, what):
    """Bring a value into the expected shape where the difference does no harm, with a remark."""
    shape = np.shape(expected)
    if not isinstance(got, np.ndarray) or got.shape == shape:
        return got
    harmless = got.size == 1 if shape == () else got.shape == (1, *shape)
    if harmless:
        extra = "is an array of one number" if shape == () else "has a first axis of length 1 too many"
        remarks.append(f"{what} {extra}, which costs nothing")
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
        if any(is_single(got) for got, _ in pairs):
            remarks.append(REMARK_SINGLE)
        elif largest > CLOSE:
            remark = REMARK_DIGITS.format(what=what, place=f"{int(-np.log10(largest)) + 1}th")
            remarks.append(remark + (REMARK_EPSILON if what == "loss" else ""))
        return Outcome()
    got, expected = pairs[wrong[0]]
    message, plain = difference(got, expected, what)
    return failed(message, *hints(pairs, known), plain=plain)


def _difference(got, expected):
    return (np.abs(got - expected) / max(1.0, np.abs(expected).max(initial=0))).max(initial=0).item()


def difference(got, expected, what):
    """Describe how a value differs, by index, expected and got, or by the shapes: (with the right value, without)."""
    if got is None or isinstance(got, (Other, tuple)):
        kind = "a tuple or list" if isinstance(got, tuple) else getattr(got, "type", "None").replace("NoneType", "None")
        return f"{what} is {kind}, expected {'a number' if expected.ndim == 0 else f'an array {expected.shape}'}", ""
    if got.shape != expected.shape:
        return f"{what} has shape {got.shape}, expected {expected.shape or 'a number'}", ""
    scale = max(1.0, np.abs(expected).max(initial=0))
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(got - expected) <= TOLERANCE * scale)
    index = tuple(map(int, np.argwhere(wrong)[0]))
    where = f"{what}[{', '.join(map(str, index))}]" if index else what
    share = f" ({int(wrong.sum())} of {wrong.size} entries differ)" if wrong.size > 1 else ""
    found = f"got {got[index]:.8g}{share}"
    return f"{where}: expected {expected[index]:.8g}, {found}", f"{where}: {found}, which is wrong"


def hints(pairs, known):
    """Name the mistake: the first of the known ones that gives all the values, to rounding; or a general one."""
    if any(isinstance(got, np.ndarray) and np.isnan(got).any() for got, _ in pairs):
        return ["it contains NaN: from 0 / 0, infinity - infinity, 0 * infinity, or the logarithm of a negative number"]
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
    ("it is correct except for the sign", lambda expected: -expected),
    ("it is correct, but transposed", lambda expected: expected.T),
    (
        "it is correct, but a column: its shape should be (d,)",
        lambda expected: expected[:, None] if expected.ndim == 1 else expected,
    ),
    ("it is zero everywhere", np.zeros_like),
)


def _factor(pairs):
    """A hint where every value is the right one times the same factor."""
    if not all(isinstance(got, np.ndarray) and got.shape == expected.shape for got, expected in pairs):
        return None
    got = np.concatenate([got.ravel() for got, _ in pairs])
    expected = np.concatenate([expected.ravel() for _, expected in pairs])
    if len(pairs) < 2 and got.size < 2:
        return None  # one number is a multiple of any other
    with np.errstate(all="ignore"):  # infinities, or nothing but zeros
        factor = (got @ expected / (expected @ expected)).item()
    if np.isfinite(factor) and abs(factor) > CLOSE and is_same(got, factor * expected):
        return f"every entry is {factor:.6g} times the right one"
    return None


def other_order(values, rights, names):
    """A hint where every tuple holds the right values in another order, or None.

    Parameters
    ----------
    values, rights : list of tuples of three
    names : tuple of str
        Of the three right values.
    """
    for order in permutations(range(3)):
        if order != (0, 1, 2) and all(
            is_same(settle(value[place], right[n], [], ""), right[n])
            for value, right in zip(values, rights, strict=True)
            for place, n in enumerate(order)
        ):
            returned = ", ".join(names[n] for n in order)
            return f"it returns {returned}: the order should be {', '.join(names)}"
    return None


def unchanged(jobs):
    """Judge whether functions left the arrays given to them, and the random streams, as they were.

    Calls that failed are not judged; where all failed, the first failure is the outcome.
    """
    done = [(step, answer) for job in jobs for step, answer in zip(job.steps, job.answers, strict=False)]
    done = [(arguments, answer) for (_, arguments), answer in done if isinstance(answer, Answer)]
    if not done:
        return next((of_failure(failure) for job in jobs if (failure := first_failure(job))), failed("never called"))
    for arguments, answer in done:
        for n, (sent, kept) in enumerate(zip(arguments["args"], answer.args, strict=False)):
            before = sent_array(sent)
            if before is not None and isinstance(kept, np.ndarray) and not np.array_equal(kept, before):
                return failed(
                    f"argument {n + 1} of {arguments['function']} is changed by the call",
                    "an array handed in is changed in place (`*=`, `-=`, `x[...] = ...`): work on a copy",
                )
    moved = (stream_moved(arguments["function"], answer) for arguments, answer in done)
    return next(filter(None, moved), Outcome())


def stream_moved(function, answer):
    """The Outcome of a call that changed a global random stream, or None."""
    if not answer.moved:
        return None
    if answer.seeded:
        return failed(
            f"{function} sets the state of the global random stream ({' and '.join(answer.seeded)})", SEED_INSIDE
        )
    return failed(f"{function} draws from the global random stream ({' and '.join(answer.moved)}) by itself")
