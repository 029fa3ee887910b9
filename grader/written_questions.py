"""The questions of the written part: what their letters stand for, and the derivatives that are wanted, numerically.

Points and letters are the handout's; how the points of one question are divided among its formulas is ours. Equation
numbers are those of docs/derivations.md.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from grader.written_expressions import Scope
from utils.gradcheck import central_difference

STEP = 1e-5  # of the central difference: its error is below 1e-9 for losses of this size
TOLERANCE = 1e-6  # of a component, relative to the largest: far above that error, far below any mistake


@dataclass(frozen=True)
class Case:
    """A random point: vectors as columns, the outside word, another word, and the negative samples.

    Attributes
    ----------
    v : ndarray, shape (d,)
    U : ndarray, shape (d, V)
    o, w : int
    samples : tuple of int
        Ids of the K samples; the first may come again.
    x, alpha : float
    window : tuple of int
        Outside words of a whole window.
    """

    v: np.ndarray
    U: np.ndarray
    o: int
    w: int
    samples: tuple
    x: float
    alpha: float
    window: tuple

    @property
    def repeated(self):
        return len(set(self.samples)) < len(self.samples)

    @property
    def negatives(self):
        return self.U[:, list(self.samples)]  # (d, K)

    @property
    def sizes(self):
        """Letters for the sizes that occur; one that two of them share has no letter."""
        d, V = self.U.shape
        letters = {}
        for size, letter in ((d, "d"), (V, "|V|"), (len(self.samples), "K"), (len(self.samples) + 1, "K + 1")):
            letters[size] = letter if size not in letters else str(size)
        return {**letters, 1: "1"}

    @property
    def yhat(self):
        return np.exp(-np.array([naive_softmax(self.v, o, self.U) for o in range(self.U.shape[1])]))  # (V,)


# d, V and the pattern of the samples: the first has a letter for every size; then one sample, a square U, as many
# samples as dimensions, and samples that repeat.
SHAPES = (
    *((4, 7, "ab"), (3, 8, "abcde"), (2, 6, "a"), (5, 5, "abc"), (3, 7, "abc")),
    *((4, 7, "aba"), (3, 8, "aabac"), (5, 6, "aa")),
)


def make_cases(seed=0):
    """Random points of several shapes: a list of Case."""
    rng = np.random.default_rng(seed)
    cases = []
    for d, V, pattern in SHAPES:
        o, *others = rng.permutation(V).tolist()
        samples = tuple(others["abcde".index(letter)] for letter in pattern if "abcde".index(letter) < len(others))
        x, alpha = float(rng.normal()), float(rng.uniform(0.1, 0.9))
        window = tuple(rng.integers(V, size=5).tolist())
        cases.append(Case(rng.normal(size=d), rng.normal(size=(d, V)), o, others[0], samples, x, alpha, window))
    return cases


# The losses, as the handout defines them


def naive_softmax(v, o, U):
    """Equation 11."""
    scores = U.T @ v
    return np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[o]


def negative_sampling(v, u_o, negatives):
    """Equation 27, the samples as columns."""
    return np.log1p(np.exp(-(u_o @ v))) + np.log1p(np.exp(negatives.T @ v)).sum()


def _sigma(x):
    return 1 / (1 + np.exp(-x))


def derivative(f, x):
    """The numeric derivative of a number, in the shape of `x`."""
    x, state = np.asarray(x, dtype=float), random.getstate()
    found = [central_difference(f, x, index, STEP, state) for index in np.ndindex(x.shape)]
    return np.reshape(found, x.shape)


# What the letters stand for


def _softmax_scope(case):
    V = case.U.shape[1]
    y = np.eye(V)[case.o]
    values = {"U": case.U, "y": y, "yhat": case.yhat, "v_c": case.v}
    families = {"u": list(case.U.T), "y": list(y), "yhat": list(case.yhat)}
    return Scope(values, families, {"o": case.o, "w": case.w}, V, case.sizes)


def _scalar_scope(case):
    return Scope({"x": case.x, "alpha": case.alpha, "s": _sigma(case.x)})


def _sampling_scope(case):
    negatives, K, u_o = case.negatives, len(case.samples), case.U[:, case.o]
    values = {"v_c": case.v, "u_o": u_o, "W": negatives, "U_ow": np.column_stack((u_o, -negatives)), "K": K}
    return Scope(values, {"u": list(negatives.T)}, {"s": 0}, K, case.sizes)


def _repeated_scope(case):
    same = [float(sample == case.samples[0]) for sample in case.samples]
    values = {"v_c": case.v, "W": case.negatives, "K": len(same), "n": sum(same), "same": same}
    return Scope(values, {"u": list(case.negatives.T), "same": same}, {"s": 0}, len(same), case.sizes)


def _window_scope(case):
    to_U = [derivative(lambda U, o=o: naive_softmax(case.v, o, U), case.U) for o in case.window]
    to_v = [derivative(lambda v, o=o: naive_softmax(v, o, case.U), case.v) for o in case.window]
    return Scope({}, {"dU": to_U, "dv": to_v}, {"j": 0}, len(case.window), case.sizes)


def _precept_scope(case):
    negatives, K = case.negatives, len(case.samples)
    values = {"u_t": case.v, "v_c": case.U[:, case.o], "C": negatives, "K": K}
    return Scope(values, {"v_c": list(negatives.T)}, {"j": 0}, K, case.sizes)


# What is wanted


def _window(case, U, v):
    return sum(naive_softmax(v, o, U) for o in case.window)


def _sampled(case):
    return lambda u: negative_sampling(case.v, case.U[:, case.o], _with_first(case, u))


def _with_first(case, u):
    """The samples with the word of the first changed to another vector, wherever it was drawn."""
    negatives = case.negatives
    negatives[:, [sample == case.samples[0] for sample in case.samples]] = u[:, None]
    return negatives


def _to_centre(case):
    return derivative(lambda v: negative_sampling(v, case.U[:, case.o], case.negatives), case.v)


def _to_outside(case):
    return derivative(lambda u: negative_sampling(case.v, u, case.negatives), case.U[:, case.o])


def _to_sample(case):
    return derivative(_sampled(case), case.negatives[:, 0])


def _to_word(word):
    def wanted(case):
        return derivative(lambda U: naive_softmax(case.v, case.o, U), case.U)[:, word(case)]

    return wanted


def _leaky(x_sign):
    def wanted(case):
        return derivative(lambda x: np.maximum(case.alpha * x, x), x_sign * (0.1 + abs(case.x)))

    return wanted


def _shared(case):
    """The factors that the three gradients share: derivatives by the scores of [u_o, -u_w1, ...], equation 32."""
    columns = np.column_stack((case.U[:, case.o], -case.negatives))
    return derivative(lambda scores: np.log1p(np.exp(-scores)).sum(), columns.T @ case.v)


@dataclass(frozen=True)
class Question:
    """One formula that is asked for.

    Attributes
    ----------
    name : str
        As it stands in the file of answers: "b.i". Its first part is the handout's letter.
    points : float
    meaning : str
    names : str
        Which names may be used, for the form.
    scope, wanted : callable
        Take a Case, and return the Scope and the right value.
    equation : str
        Where docs/derivations.md derives it.
    repeats : bool
        Whether samples may be drawn twice.
    either_sign : bool
        Whether minus the right value is as right.
    """

    name: str
    points: float
    meaning: str
    names: str
    scope: Callable
    wanted: Callable
    equation: str
    repeats: bool = False
    either_sign: bool = False

    @property
    def letter(self):
        return self.name.split(".")[0]

    def cases(self, cases):
        return [case for case in cases if self.repeats or not case.repeated]


class Prose(NamedTuple):
    """A question whose answer is an argument: a teacher reads it."""

    name: str
    points: float
    meaning: str
    argument: str

    @property
    def letter(self):
        return self.name.split(".")[0]


SOFTMAX = "y, yhat, U, v_c; y_w, yhat_w, u_w; y_o, yhat_o, u_o"
SAMPLING = "v_c, u_o, u_s (the s-th sample), W = [u_w1 ... u_wK], U_ow = [u_o, -u_w1 ... -u_wK], K"
WINDOW = "dU_j = dJ(v_c, w_t+j, U)/dU, dv_j = dJ(v_c, w_t+j, U)/dv_c"
PRECEPT = "u_t, v_c, v_c_i (the i-th sample), C = [v_c1 ... v_cK], K"

QUESTIONS = (
    Question(
        "b.i", 4, "dJ/dv_c, naive softmax", SOFTMAX, _softmax_scope,
        lambda case: derivative(lambda v: naive_softmax(v, case.o, case.U), case.v), "(14)",
    ),
    Question("d.o", 2.5, "dJ/du_w for w = o", SOFTMAX, _softmax_scope, _to_word(lambda case: case.o), "(19)"),
    Question(
        "d.other", 2.5, "dJ/du_w for any other w", SOFTMAX, _softmax_scope, _to_word(lambda case: case.w), "(19)"
    ),
    Question(
        "e", 1, "dJ/dU, naive softmax", SOFTMAX, _softmax_scope,
        lambda case: derivative(lambda U: naive_softmax(case.v, case.o, U), case.U), "(20)",
    ),
    Question("f.positive", 1, "f'(x) of the leaky ReLU for x > 0", "x, alpha", _scalar_scope, _leaky(1), "(22)"),
    Question("f.negative", 1, "f'(x) of the leaky ReLU for x < 0", "x, alpha", _scalar_scope, _leaky(-1), "(22)"),
    Question(
        "g", 3, "the derivative of the sigmoid", "s = sigma(x), x", _scalar_scope,
        lambda case: derivative(_sigma, case.x), "(25)",
    ),
    Question("h.i.v_c", 2, "dJ/dv_c, negative sampling", SAMPLING, _sampling_scope, _to_centre, "(29)"),
    Question("h.i.u_o", 1, "dJ/du_o, negative sampling", SAMPLING, _sampling_scope, _to_outside, "(30)"),
    Question("h.i.u_s", 1, "dJ/du_ws, negative sampling", SAMPLING, _sampling_scope, _to_sample, "(31)"),
    Question(
        "h.ii", 1, "the K + 1 numbers that the three gradients share", SAMPLING, _sampling_scope, _shared, "(32)",
        either_sign=True,
    ),
    Question(
        "i", 2, "dJ/du_ws where samples may repeat",
        "v_c, u_s, u_i (the i-th sample), W, K, n (how many samples are w_s), same_i (1 if w_i = w_s, else 0)",
        _repeated_scope, _to_sample, "(35)", repeats=True,
    ),
    Question(
        "j.i", 1, "dJ/dU of a window", WINDOW, _window_scope,
        lambda case: derivative(lambda U: _window(case, U, case.v), case.U), "(37)",
    ),
    Question(
        "j.ii", 1, "dJ/dv_c of a window", WINDOW, _window_scope,
        lambda case: derivative(lambda v: _window(case, case.U, v), case.v), "(38)",
    ),
    Question(
        "j.iii", 1, "dJ/dv_w of a window, w not c", WINDOW, _window_scope,
        lambda case: np.zeros(len(case.v)), "(39)",
    ),
    Question("q2.a", 0, "dL/du_t", PRECEPT, _precept_scope, _to_centre, "(47)"),
    Question("q2.b", 0, "dL/dv_c", PRECEPT, _precept_scope, _to_outside, "(48)"),
    Question("q2.c", 0, "dL/dv_cj", PRECEPT + ", v_c_j", _precept_scope, _to_sample, "(49)"),
)  # fmt: skip

PROSE = (
    Prose("a", 2, "why the loss is a cross-entropy", "equation (12)"),
    Prose("b.ii", 1, "when the gradient is zero", "equation (15)"),
    Prose("b.iii", 1, "what its two terms do", "equation (16)"),
    Prose("c", 1, "when normalising loses information", "equations (17) and (18)"),
    Prose("h.iii", 1, "why negative sampling is cheaper", "equation (34)"),
)
