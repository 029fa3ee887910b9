"""word2vec.py and utils/utils.py on the largest, smallest and emptiest numbers, against the equations in decimals.

Vectors hold small whole numbers times a power of two, so that their products and sums are exact in float64, however
large or small they are: what is left to compare are exponentials, logarithms and the sums of gradients. The oracle goes
from pair to pair in decimal numbers of 60 digits, whose exponents reach a thousand times as far as those of float64.
"""

import decimal
import functools
import random
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.minibatches.handout import Minibatch
from utils.utils import normalizeRows, softmax
from word2vec import (
    minibatchLossAndGradient,
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    sigmoid,
    skipgram,
    word2vec_sgd_wrapper,
)

EPS = 2.0**-52
DIGITS = decimal.Context(prec=60, Emin=-999_999, Emax=999_999, traps=[decimal.InvalidOperation, decimal.Overflow])
EXACT = decimal.Context(prec=3000, Emin=-999_999, Emax=999_999, traps=[decimal.Inexact])  # float64 spans 2**2098
TINY = Decimal("1e-40")  # below this, log(1 + e) is e to more digits than are compared


# The oracle


def softplus(x):
    """log(1 + exp(x)): minus the logarithm of sigmoid(-x), equation 27."""
    e = DIGITS.exp(-abs(x))
    return max(x, Decimal(0)) + (DIGITS.ln(1 + e) if e > TINY else e)


def sigma(x):
    """Equation 23."""
    e = DIGITS.exp(-abs(x))
    return (1 if x >= 0 else e) / (1 + e)


def dot(u, v):
    products = (EXACT.multiply(a, b) for a, b in zip(u, v, strict=True))
    return functools.reduce(EXACT.add, products, Decimal(0))


def softmax_of(scores):
    """Equation 9, and minus its logarithms; with inexact differences, large scores would swallow the rest."""
    behind = [EXACT.subtract(max(scores), score) for score in scores]
    exponentials = [DIGITS.exp(-difference) for difference in behind]
    total = sum(exponentials)
    return [e / total for e in exponentials], [DIGITS.ln(total) + difference for difference in behind]


def expected(x, pairs, windows):
    """Loss and gradient of (centre, outside, negatives), equations 11, 14, 20 (no negatives: None) and 27 to 35."""
    rows = [[Decimal(number) for number in row] for row in x.tolist()]
    V = len(rows) // 2
    loss, gradient = Decimal(0), [[Decimal(0)] * x.shape[1] for _ in rows]

    def add(row, weight, vector):
        gradient[row] = [old + weight * number for old, number in zip(gradient[row], vector, strict=True)]

    for centre, outside, negatives in pairs:
        v = rows[centre]
        if negatives is None:
            scores = [dot(u, v) for u in rows[V:]]
            probabilities, losses = softmax_of(scores)
            loss += losses[outside]
            deltas = [(w, p - (w == outside)) for w, p in enumerate(probabilities)]
        else:
            signed = [(outside, -1), *((negative, 1) for negative in negatives)]
            deltas = []
            for word, sign in signed:
                score = sign * dot(rows[V + word], v)
                loss += softplus(score)
                deltas.append((word, sign * sigma(score)))
        for word, delta in deltas:
            add(centre, delta, rows[V + word])
            add(V + word, delta, v)
    return float(loss / windows), np.array([[float(number / windows) for number in row] for row in gradient])


def assert_equal(got_loss, got_gradient, x, pairs, windows=1):
    """Compare with the oracle; everything finite, the loss not negative."""
    with decimal.localcontext(DIGITS):
        loss, gradient = expected(x, pairs, windows)
    V, got_gradient = len(x) // 2, np.asarray(got_gradient)
    assert np.asarray(got_loss).dtype == got_gradient.dtype == np.float64
    assert got_loss >= 0
    assert np.isfinite(got_loss)
    assert np.isfinite(got_gradient).all()
    # Each of so many terms is rounded a few times on its way into a sum; numbers below 1e-300 lose digits.
    terms = sum(V if negatives is None else 1 + len(negatives) for _, _, negatives in pairs)
    error = (terms + 16) * EPS
    # The logarithm of a total next to 1 is as exact as the total: to a part of 1. Of softplus, it is a part of itself.
    softmax_terms = sum(negatives is None for _, _, negatives in pairs)
    assert abs(got_loss - loss) <= error * (loss + softmax_terms / windows) + 1e-300
    for rows, others in ((slice(V), slice(V, None)), (slice(V, None), slice(V))):
        # A gradient is a sum of the other vectors, each times at most 1.
        largest = np.abs(x[others]).max() * terms / windows
        np.testing.assert_allclose(got_gradient[rows], gradient[rows], rtol=error, atol=error * largest + 1e-300)


# What is drawn


EXPONENTS = [-500, -30, -1, 0, 3, 6, 10, 100, 470]  # of two; scores are their products, up to 1e285


@st.composite
def problems(draw):
    """Vectors, and windows of (centre, outsides, K): from two words and one dimension up, K beyond the vocabulary."""
    V, d = draw(st.sampled_from([2, 2, 3, 7, 20])), draw(st.sampled_from([1, 1, 2, 3, 8]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    whole = rng.integers(-8, 9, size=(2 * V, d)) * rng.integers(0, 2, size=(2 * V, 1))  # half of them zero vectors
    if draw(st.booleans()):
        whole = rng.integers(-8, 9, size=(2 * V, d))
    x = np.ldexp(whole, np.repeat(draw(st.tuples(*[st.sampled_from(EXPONENTS)] * 2)), V)[:, None])
    words = st.integers(0, V - 1)
    outsides = st.lists(words, min_size=1, max_size=6)
    windows = draw(st.lists(st.tuples(words, outsides), min_size=1, max_size=3))
    return x.astype(float), windows, draw(st.sampled_from([1, 2, V + 1, 3 * V])), draw(st.integers(0, 10**6))


class Drawing:
    """A data set over V words that gives the listed windows and uniform negatives."""

    def __init__(self, V, windows=()):
        self.V, self.windows = V, iter(windows)

    def sampleTokenIdx(self):
        return random.randrange(self.V)

    def getRandomContext(self, size):
        centre, outsides = next(self.windows)
        return str(centre), [str(outside) for outside in outsides]


def pairs_of(windows, V, K):
    """The pairs, with the negatives that are drawn from `random`: an outside word is drawn again."""
    pairs = []
    for centre, outsides in windows:
        for outside in outsides:
            negatives = []
            while len(negatives) < K:
                negatives += [word for word in [random.randrange(V)] if word != outside]
            pairs.append((centre, outside, negatives if K else None))
    return pairs


def losses(most):
    """Both losses, each with the K that stands for it."""
    return ((naiveSoftmaxLossAndGradient, 0), (functools.partial(negSamplingLossAndGradient, K=most), most))


@pytest.fixture(autouse=True)
def no_flags():
    """Nothing overflows, divides by zero or is invalid on the way, not even where the result is right."""
    with np.errstate(all="raise", under="ignore"):
        yield


# One pair, one window, a minibatch


@settings(max_examples=60)
@given(problems())
def test_one_pair(problem):
    x, ((centre, (outside, *_)), *_), most, seed = problem
    V = len(x) // 2
    for loss, K in losses(most):
        random.seed(seed)
        pairs = pairs_of([(centre, [outside])], V, K)
        random.seed(seed)
        value, grad_v, grad_U = loss(x[centre], outside, x[V:], Drawing(V))
        gradient = np.concatenate((np.zeros((V, x.shape[1])), grad_U))
        gradient[centre] = grad_v
        assert_equal(value, gradient, x, pairs)


@settings(max_examples=60)
@given(problems())
def test_one_window(problem):
    x, (window, *_), most, seed = problem
    V = len(x) // 2
    word2Ind = {str(i): i for i in range(V)}
    for loss, K in losses(most):
        random.seed(seed)
        pairs = pairs_of([window], V, K)
        random.seed(seed)
        outsides = [str(outside) for outside in window[1]]
        value, *gradients = skipgram(str(window[0]), 5, outsides, word2Ind, x[:V], x[V:], Drawing(V), loss)
        assert_equal(value, np.concatenate(gradients), x, pairs)


@settings(max_examples=60)
@given(problems())
def test_a_minibatch_window_by_window(problem):
    x, windows, most, seed = problem
    V = len(x) // 2
    word2Ind = {str(i): i for i in range(V)}
    for loss, K in losses(most):
        random.seed(seed)
        pairs = []
        for window in windows:
            random.randint(1, 5)  # its size
            pairs += pairs_of([window], V, K)
        random.seed(seed)
        value, gradient = word2vec_sgd_wrapper(
            skipgram, word2Ind, x, Drawing(V, windows), 5, loss, batchsize=len(windows)
        )
        assert_equal(value, gradient, x, pairs, len(windows))


@settings(max_examples=60)
@given(problems())
def test_a_minibatch_at_once(problem):
    x, windows, most, seed = problem
    V = len(x) // 2
    for _, K in losses(most):
        random.seed(seed)
        pairs = pairs_of(windows, V, K)
        rows = np.array([[c, *(V + word for word in (o, *(negatives or ())))] for c, o, negatives in pairs])
        batch = Minibatch(rows, len(windows))
        assert_equal(*minibatchLossAndGradient(x, batch), x, pairs, len(windows))


@pytest.mark.parametrize("score", [0.0, 700.0, 1e3, 1e6, 1e150, 1e300])
@pytest.mark.parametrize("sign", [1, -1])
def test_two_words_one_dimension_and_scores_of_any_size(score, sign):
    x = np.array([[1.0], [0.0], [sign * score], [0.0]])
    for K in (0, 1, 50):
        pairs = [(0, 0, [1] * K or None), (0, 1, [0] * K or None), (1, 0, [1] * K or None)]
        rows = np.array([[c, *(2 + word for word in (o, *(negatives or ())))] for c, o, negatives in pairs])
        batch = Minibatch(rows, 1)
        assert_equal(*minibatchLossAndGradient(x, batch), x, pairs)


# sigmoid, softmax, normalizeRows


ANY = st.floats(-8e307, 8e307, allow_subnormal=False)


@given(st.lists(ANY, min_size=1, max_size=20))
def test_sigmoid(xs):
    with decimal.localcontext(DIGITS):
        wanted = [float(sigma(Decimal(x))) for x in xs]
    np.testing.assert_allclose(sigmoid(np.array(xs)), wanted, rtol=8 * EPS, atol=1e-300)


@given(st.lists(st.lists(ANY, min_size=3, max_size=3), min_size=1, max_size=4))
def test_softmax(rows):
    got = softmax(np.array(rows))
    with decimal.localcontext(DIGITS):
        # The difference from the largest score, rounded once, stands in an exponent: exact to a part of itself.
        wanted = [softmax_of([Decimal(x - max(row)) for x in row])[0] for row in rows]
    assert np.isfinite(got).all()
    np.testing.assert_allclose(got, np.array(wanted, dtype=float), rtol=16 * EPS, atol=1e-300)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.float32, np.float64])
def test_softmax_of_any_type_of_number(dtype):
    scores = np.array([[1, 2, 127], [3, 3, 0]], dtype=dtype)
    with decimal.localcontext(DIGITS):
        wanted = np.array([softmax_of([Decimal(int(x)) for x in row])[0] for row in scores], dtype=float)
    got = softmax(scores)
    assert got.dtype == (np.float32 if dtype == np.float32 else np.float64)
    np.testing.assert_allclose(got, wanted, rtol=1e-5 if dtype == np.float32 else 1e-14, atol=1e-37)


@given(st.lists(st.lists(st.floats(-1.7e308, 1.7e308), min_size=3, max_size=3), min_size=1, max_size=4))
def test_normalizeRows(rows):
    got = normalizeRows(np.array(rows))
    assert np.isfinite(got).all()
    with decimal.localcontext(DIGITS):
        for row, normalized in zip(rows, got.tolist(), strict=True):
            length = DIGITS.sqrt(dot(*[[Decimal(x) for x in row]] * 2))
            wanted = [float(Decimal(x) / length) if length else 0.0 for x in row]
            assert normalized == pytest.approx(wanted, rel=8 * EPS, abs=1e-300)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-38, 1e-30, 1.0, 1e30])
def test_normalizeRows_where_squares_leave_the_type(dtype, scale):
    got = normalizeRows(np.array([[3, 4], [0, 0], [-1, 0]], dtype=dtype) * dtype(scale))
    assert got.dtype == dtype
    # 3 and 4 times the scale are rounded, and smaller ones than 1e-38 have fewer digits.
    np.testing.assert_allclose(got, [[0.6, 0.8], [0, 0], [-1, 0]], rtol=1e-6)


def test_normalizeRows_of_whole_numbers_and_of_nothing():
    assert normalizeRows(np.array([[3, 4]])).tolist() == [[0.6, 0.8]]
    assert normalizeRows(np.zeros((2, 0))).shape == (2, 0)
    assert normalizeRows(np.zeros((0, 3))).shape == (0, 3)
