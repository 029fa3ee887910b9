"""The gradient checker: numeric against analytic, for the self-tests, the tests and the grader.

`gradcheck_naive` prints a verdict and returns it, as the handout's does; `assert_gradient` raises, for pytest.
The last two functions hold the handout's expected figures for skip-gram on its five-token vocabulary.
"""

import math
import random
from dataclasses import dataclass

import numpy as np

STEP = 1e-4  # of the central difference; the handout's
TOLERANCE = 1e-5  # of the relative difference; the handout's
# The handout gives its figures to 16 digits; sums in another order differ in the last two.
FIGURE_TOLERANCE = 1e-12

# Handout, expected losses of skip-gram on the vectors normalizeRows(randn(10, 3)), seeds 31415 and 9265:
# (centre word, window size, outside words, loss)
SOFTMAX_FIGURES = (
    ("c", 3, ("a", "b", "e", "d", "b", "c"), 11.16610900153398),
    ("b", 3, ("a", "b", "e", "d", "b", "c"), 9.87714910003414),
    ("a", 3, ("a", "b", "e", "d", "b", "c"), 10.810758628593335),
)
NEGATIVE_SAMPLING_FIGURES = (
    ("c", 1, ("a", "b"), 16.15119285363322),
    ("c", 2, ("a", "b", "c", "a"), 28.653567707668795),
    ("a", 3, ("a", "b", "e", "d", "b", "c"), 60.648705494891914),
)


@dataclass(frozen=True)
class Verdict:
    """What a check found. It is true if the check passed.

    Attributes
    ----------
    name : str
        What was checked.
    passed : bool
    problem : str
        Empty if it passed; otherwise what differs and where.
    index : tuple of int or None
        Where the first wrong component stands.
    analytic, numeric : float or None
        The two values there.
    step : float
        Half the width of the central difference.
    """

    name: str
    passed: bool
    problem: str = ""
    index: tuple | None = None
    analytic: float | None = None
    numeric: float | None = None
    step: float = STEP

    def __bool__(self):
        return self.passed

    def __str__(self):
        return f"passed: {self.name}" if self.passed else f"FAILED: {self.name}: {self.problem}"


def central_difference(f, x, index, step, state):
    """The numeric derivative of `f` with respect to one component of `x`.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x` and returns a number.
    x : ndarray of float
        Not changed.
    index : tuple of int
    step : float
        Half the width of the difference.
    state : tuple
        Of Python's `random`: both evaluations make the same draws.

    Returns
    -------
    float
    """
    values = []
    for shift in (step, -step):
        shifted = x.copy()
        shifted[index] += shift
        random.setstate(state)
        values.append(np.asarray(f(shifted), dtype=float).item())
    return (values[0] - values[1]) / (2 * step)


def check_gradient(f, x, name, step=STEP, tolerance=TOLERANCE):
    """Compare the gradient that `f` returns with central differences of its value.

    Before each evaluation Python's `random` is put back to the state it had on entry, so that a function that draws
    negative samples draws the same ones each time; afterwards the stream stands where one evaluation leaves it.

    Parameters
    ----------
    f : callable
        Takes an array and returns (value, gradient), the gradient of the array's shape.
    x : ndarray of float
        Where to check; it is not changed.
    name : str
        For the verdict.
    step, tolerance : float
        A component passes if |numeric - analytic| <= tolerance * max(1, |numeric|, |analytic|).

    Returns
    -------
    Verdict
    """
    x = np.array(x, dtype=float)
    state = random.getstate()
    gradient = np.array(f(x)[1], dtype=float)
    if gradient.shape != x.shape:
        return Verdict(name, False, f"the gradient has shape {gradient.shape}, x has shape {x.shape}", step=step)

    for index in np.ndindex(x.shape):
        analytic = gradient[index].item()
        numeric = central_difference(lambda shifted: f(shifted)[0], x, index, step, state)
        # Written so that a NaN fails, and infinity, next to which every difference is small.
        close = abs(numeric - analytic) <= tolerance * max(1, abs(numeric), abs(analytic))
        if not (close and math.isfinite(analytic)):
            problem = f"at index {index}: analytic {analytic:.10g}, numeric {numeric:.10g}, step {step:g}"
            return Verdict(name, False, problem, index, analytic, numeric, step)
    return Verdict(name, True, step=step)


def gradcheck_naive(f, x, gradientText):
    """Check the gradient of `f` at `x`, print the verdict and return it: the handout's interface.

    See `check_gradient` for the arguments. The verdict is true if the check passed, so that a caller can act on it.
    """
    verdict = check_gradient(f, x, gradientText)
    print(verdict)
    return verdict


def assert_gradient(f, x, name="gradient", step=STEP, tolerance=TOLERANCE):
    """Raise AssertionError unless the gradient of `f` at `x` is right; the caller's random streams stay untouched."""
    python_stream, numpy_stream = random.getstate(), np.random.get_state()
    try:
        verdict = check_gradient(f, x, name, step, tolerance)
    finally:
        random.setstate(python_stream)
        np.random.set_state(numpy_stream)
    if not verdict:
        raise AssertionError(str(verdict))


def check_figure(name, got, expected):
    """Compare a loss with its expected figure; return the Verdict."""
    got = np.asarray(got, dtype=float).item()
    if abs(got - expected) <= FIGURE_TOLERANCE * abs(expected):
        return Verdict(name, True)
    return Verdict(name, False, f"loss {got!r}, expected {expected!r}")


def grad_tests_softmax(skipgram, dummy_tokens, dummy_vectors, dataset):
    """Compare `skipgram` with the naive softmax loss with the handout's figures; print and return the verdicts."""
    return _check_figures(SOFTMAX_FIGURES, "naive softmax", skipgram, dummy_tokens, dummy_vectors, dataset)


def grad_tests_negsamp(skipgram, dummy_tokens, dummy_vectors, dataset, negSamplingLossAndGradient):
    """Compare `skipgram` with negative sampling with the handout's figures; print and return the verdicts.

    The figures depend on the draws: they hold after `word2vec.getDummyObjects` and the gradient checks that the
    self-test of `skipgram` makes before.
    """
    return _check_figures(
        NEGATIVE_SAMPLING_FIGURES,
        "negative sampling",
        skipgram,
        dummy_tokens,
        dummy_vectors,
        dataset,
        negSamplingLossAndGradient,
    )


def _check_figures(figures, loss_name, skipgram, tokens, vectors, dataset, *loss):
    half = len(vectors) // 2
    verdicts = []
    for centre, window, outsides, expected in figures:
        got = skipgram(centre, window, list(outsides), tokens, vectors[:half], vectors[half:], dataset, *loss)[0]
        name = f"skip-gram, {loss_name}, centre {centre!r}, outside words {' '.join(outsides)}"
        verdicts.append(check_figure(name, got, expected))
        print(verdicts[-1])
    return verdicts
