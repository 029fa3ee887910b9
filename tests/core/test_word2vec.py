"""word2vec.py: sigmoid, the two losses, one window, and the objective that goes window by window.

The oracles below are the handout's equations as plain loops over plain numbers.
"""

import functools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import selftests
from utils.gradcheck import assert_gradient, grad_tests_negsamp, grad_tests_softmax, gradcheck_naive
from utils.system.errors import InputError
from word2vec import (
    getNegativeSamples,
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    sigmoid,
    skipgram,
    word2vec_sgd_wrapper,
)

# Sums of at most a hundred terms of the size of one, in another order: a few units in the last of 16 digits.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}
LOSSES = [
    naiveSoftmaxLossAndGradient,
    negSamplingLossAndGradient,
    functools.partial(negSamplingLossAndGradient, K=3),
]


# The oracles


def dot(u, v):
    return math.fsum(float(a) * float(b) for a, b in zip(u, v, strict=True))


def sigma(x):
    """Equation 23, in the form that is safe on each side."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (math.exp(x) + 1)


def softmax_oracle(v, o, U):
    """Equations 1 and 2; gradients as in 9 and 19."""
    exponentials = [math.exp(dot(u, v)) for u in U]
    y_hat = [e / math.fsum(exponentials) for e in exponentials]
    errors = [y_hat[w] - (1 if w == o else 0) for w in range(len(U))]
    grad_v = [math.fsum(errors[w] * U[w][i] for w in range(len(U))) for i in range(len(v))]
    grad_U = [[errors[w] * v[i] for i in range(len(v))] for w in range(len(U))]
    return -math.log(y_hat[o]), grad_v, grad_U


def negative_sampling_oracle(v, o, U, negatives):
    """Equation 27, one term after the other, each with its part of the gradients."""
    loss, grad_v, grad_U = 0.0, np.zeros(len(v)), np.zeros((len(U), len(v)))
    for word, sign in [(o, 1), *((negative, -1) for negative in negatives)]:
        p = sigma(sign * dot(U[word], v))
        loss -= math.log(p)
        for i in range(len(v)):
            grad_v[i] -= sign * (1 - p) * U[word][i]
            grad_U[word][i] -= sign * (1 - p) * v[i]
    return loss, grad_v, grad_U


def sum_of_pairs(pairs, centre, shape):
    """Equations 44 to 47."""
    loss, grad_centre, grad_outside = 0.0, np.zeros(shape), np.zeros(shape)
    for pair_loss, grad_v, grad_U in pairs:
        loss += pair_loss
        grad_centre[centre] += grad_v
        grad_outside += grad_U
    return loss, grad_centre, grad_outside


class Drawn:
    """A data set that gives the listed ids, one after the other; a draw too many raises IndexError."""

    def __init__(self, ids):
        self.ids, self.draws = list(ids), 0

    def sampleTokenIdx(self):
        self.draws += 1
        return self.ids[self.draws - 1]


class Uniform:
    """A data set that draws from all V words, noting what it drew."""

    def __init__(self, V):
        self.V, self.drawn = V, []

    def sampleTokenIdx(self):
        self.drawn.append(random.randrange(self.V))
        return self.drawn[-1]


@st.composite
def problems(draw):
    """Vectors, a centre word, the outside words of a window, K; a third of them over two words only."""
    V = draw(st.one_of(st.just(2), st.integers(2, 12), st.integers(2, 12)))
    d = draw(st.integers(1, 6))
    m = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    outsides = rng.integers(V, size=draw(st.integers(1, 2 * m))).tolist()
    centre, K = draw(st.integers(0, V - 1)), draw(st.integers(1, 8))
    return rng.standard_normal((V, d)), rng.standard_normal((V, d)), centre, outsides, K


def names(ids):
    return [f"word {i}" for i in ids]


def window(loss, centre, outsides, centre_vectors, U, dataset):
    word2Ind = {name: i for i, name in enumerate(names(range(len(U))))}
    return skipgram(names([centre])[0], 5, names(outsides), word2Ind, centre_vectors, U, dataset, loss)


def assert_same(got, expected):
    for one, other in zip(got, expected, strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, **CLOSE)


# sigmoid


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=20))
def test_sigmoid_is_equation_26_to_the_last_digits_on_both_sides(xs):
    # Relative: four roundings of 1.1e-16 each, and those of two libraries' exp.
    np.testing.assert_allclose(sigmoid(np.array(xs)), [sigma(x) for x in xs], rtol=2e-15, atol=0)


@pytest.mark.parametrize("x", [0, -3, 2.5, True, np.float64(1.5), [1, -1], [[0.5], [2]], np.ones((2, 3, 4)), []])
def test_sigmoid_takes_numbers_lists_and_arrays_and_keeps_their_shape(x):
    got = sigmoid(x)
    assert got.shape == np.shape(x)
    assert got.dtype == np.float64
    assert got.ravel().tolist() == pytest.approx([sigma(float(each)) for each in np.ravel(x)], rel=2e-15)


@pytest.mark.parametrize("x", [np.float32(1.5), np.linspace(-5, 5, 11, dtype=np.float32)])
def test_sigmoid_keeps_float32(x):
    got = sigmoid(x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, sigmoid(np.asarray(x, dtype=float)), rtol=1e-6)  # some roundings of 6e-8


def test_sigmoid_of_extreme_numbers_is_exact_and_raises_no_flag():
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid(np.array([1e3, -1e3, 1e308, -1e308, np.inf, -np.inf])).tolist() == [1, 0, 1, 0, 1, 0]
        assert (sigmoid(1000), sigmoid(-1000)) == (1, 0)


@given(st.floats(-1e3, 1e3))
def test_sigmoid_is_symmetric_about_one_half(x):
    assert abs(sigmoid(-x) - (1 - sigmoid(x))) <= 2**-52


def test_sigmoid_leaves_its_argument_as_it_is():
    x = np.array([-1.0, 0.0, 2.0])
    sigmoid(x)
    assert x.tolist() == [-1.0, 0.0, 2.0]


# One pair


@given(problems())
def test_naive_softmax_is_equations_1_to_19(problem):
    centre_vectors, U, centre, (o, *_), _ = problem
    v = centre_vectors[centre]
    assert_same(naiveSoftmaxLossAndGradient(v, o, U, None), softmax_oracle(v, o, U))


@given(problems())
def test_negative_sampling_is_equation_28_each_draw_counting_once(problem):
    centre_vectors, U, centre, (o, *_), K = problem
    dataset = Uniform(len(U))
    got = negSamplingLossAndGradient(centre_vectors[centre], o, U, dataset, K)
    negatives = [word for word in dataset.drawn if word != o]
    assert len(negatives) == K
    assert_same(got, negative_sampling_oracle(centre_vectors[centre], o, U, negatives))


@settings(max_examples=30)
@given(problems())
def test_gradients_of_one_pair_are_those_of_its_loss(problem):
    centre_vectors, U, centre, (o, *_), K = problem
    v, dataset = centre_vectors[centre], Uniform(len(U))
    for loss in (naiveSoftmaxLossAndGradient, functools.partial(negSamplingLossAndGradient, K=K)):
        assert_gradient(lambda x, loss=loss: loss(x, o, U, dataset)[:2], v)
        assert_gradient(lambda x, loss=loss: loss(v, o, x, dataset)[::2], U)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_returns_a_number_and_gradients_shaped_as_their_vectors(loss):
    value, grad_v, grad_U = loss(np.ones(3), 1, np.ones((4, 3)), Uniform(4))
    assert (np.shape(value), grad_v.shape, grad_U.shape) == ((), (3,), (4, 3))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_leaves_the_vectors_as_they_are(loss):
    v, U = np.random.randn(3), np.random.randn(4, 3)
    v_before, U_before = v.copy(), U.copy()
    first = loss(v, 1, U, Uniform(4))
    for gradient in first[1:]:
        gradient += 1  # what it returned is nobody else's
    assert v.tobytes() == v_before.tobytes()
    assert U.tobytes() == U_before.tobytes()


@pytest.mark.parametrize(
    ("outside", "scores", "softmax_loss", "negative_loss"),
    [
        (0, [1000, 0], 0, math.log(2)),
        (1, [1000, 0], 1000, math.log(2) + 1000),
        (0, [1000, -1000], 0, 0),
        (0, [-1000, 1000], 2000, 2000),
        (0, [1000, 1000], math.log(2), 1000),
        (0, [-1000, -1000], math.log(2), 1000),
    ],
)
def test_losses_and_gradients_of_large_scores_are_their_limits(outside, scores, softmax_loss, negative_loss):
    U = np.array(scores, dtype=float)[:, None]  # (2, 1)
    dataset, both = Drawn([1 - outside]), [outside, 1 - outside]
    with np.errstate(all="raise", under="ignore"):
        softmax = naiveSoftmaxLossAndGradient(np.ones(1), outside, U, None)
        negative = negSamplingLossAndGradient(np.ones(1), outside, U, dataset, K=1)
    # One rounding of a number of the size of a thousand.
    assert (softmax[0], negative[0]) == pytest.approx((softmax_loss, negative_loss), rel=0, abs=2**-43)
    # Derivatives with respect to both scores; the vectors are numbers, the centre vector is 1.
    sigmas = [0.5 if score == 0 else float(score > 0) for score in scores]
    y_hat = 0.5 if scores[0] == scores[1] else float(scores[outside] > scores[1 - outside])
    for (_, grad_v, grad_U), probabilities in ((softmax, [y_hat, 1 - y_hat]), (negative, np.take(sigmas, both))):
        expected = np.array([probabilities[0] - 1, probabilities[1]])
        assert grad_U[both, 0].tolist() == expected.tolist()
        assert grad_v.tolist() == [expected @ U[both, 0]]


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_no_loss_is_below_zero(score, other):
    U = np.array([[score], [other]])
    assert naiveSoftmaxLossAndGradient(np.ones(1), 0, U, None)[0] >= 0
    assert negSamplingLossAndGradient(np.ones(1), 0, U, Drawn([1] * 4), K=4)[0] >= 0


# Negative samples


def test_the_outside_word_is_drawn_again_and_other_draws_keep_their_order():
    dataset = Drawn([2, 0, 0, 3, 0, 2])
    assert list(getNegativeSamples(0, dataset, 3)) == [2, 3, 2]
    assert dataset.draws == 6


def test_no_negatives_take_no_draw():
    assert list(getNegativeSamples(0, Drawn([]), 0)) == []


def test_ten_negatives_are_drawn_unless_told_otherwise():
    dataset = Drawn([1] * 11)
    negSamplingLossAndGradient(np.ones(2), 0, np.ones((2, 2)), dataset)
    assert dataset.draws == 10


def test_a_sampler_that_gives_nothing_but_the_outside_word_is_refused():
    class Stuck:
        def sampleTokenIdx(self):
            return 1

    with pytest.raises(InputError, match="outside word 1"):
        getNegativeSamples(1, Stuck(), 2)


# One window


@pytest.mark.parametrize("loss", LOSSES[1:])
def test_a_window_draws_for_its_outside_words_in_their_order(loss):
    K = 10 if loss is negSamplingLossAndGradient else 3
    first, second = [3, 2, 1, 3, 3, 1, 2, 1, 2, 3][:K], [0, 2, 3, 3, 0, 0, 2, 2, 3, 0][:K]
    dataset = Drawn([0, *first, 1, 1, *second])
    centre_vectors, U = np.random.randn(4, 2), np.random.randn(4, 2)
    got = window(loss, 2, [0, 1], centre_vectors, U, dataset)
    assert dataset.draws == 2 * K + 3
    pairs = [negative_sampling_oracle(centre_vectors[2], o, U, drawn) for o, drawn in ((0, first), (1, second))]
    assert_same(got, sum_of_pairs(pairs, 2, U.shape))


@given(problems(), st.integers(0, 10**6))
def test_a_window_is_the_sum_of_its_pairs_whoever_wrote_the_loss(problem, seed):
    centre_vectors, U, centre, outsides, K = problem
    for ours in (*LOSSES, functools.partial(negSamplingLossAndGradient, K=K)):

        def foreign(v, o, U, dataset, ours=ours):
            return ours(v, o, U, dataset)

        random.seed(seed)
        pairs = [ours(centre_vectors[centre], o, U, Uniform(len(U))) for o in outsides]
        expected, state = sum_of_pairs(pairs, centre, U.shape), random.getstate()
        for loss in (ours, foreign, functools.partial(foreign, ours=ours), functools.partial(ours)):
            random.seed(seed)
            assert_same(window(loss, centre, outsides, centre_vectors, U, Uniform(len(U))), expected)
            assert random.getstate() == state


def test_no_negatives_leave_the_outside_word_alone():
    centre_vectors, U = np.random.randn(3, 2), np.random.randn(3, 2)
    loss = functools.partial(negSamplingLossAndGradient, K=0)
    pairs = [negative_sampling_oracle(centre_vectors[0], o, U, []) for o in (1, 2)]
    assert_same(window(loss, 0, [1, 2], centre_vectors, U, Drawn([])), sum_of_pairs(pairs, 0, U.shape))


@settings(max_examples=20)
@given(problems())
def test_gradients_of_a_window_are_those_of_its_loss(problem):
    centre_vectors, U, centre, outsides, K = problem
    dataset, V = Uniform(len(U)), len(U)
    for loss in (naiveSoftmaxLossAndGradient, functools.partial(negSamplingLossAndGradient, K=K)):

        def objective(x, loss=loss):
            value, *gradients = window(loss, centre, outsides, x[:V], x[V:], dataset)
            return value, np.concatenate(gradients)

        assert_gradient(objective, np.concatenate((centre_vectors, U)))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_window_without_outside_words_is_zero(loss):
    value, *gradients = window(loss, 1, [], np.ones((4, 3)), np.ones((4, 3)), Drawn([]))
    assert value == 0
    assert [gradient.tolist() for gradient in gradients] == [np.zeros((4, 3)).tolist()] * 2


@pytest.mark.parametrize("loss", LOSSES)
def test_a_window_leaves_its_arguments_as_they_are(loss):
    centre_vectors, U = np.random.randn(4, 3), np.random.randn(4, 3)
    before = centre_vectors.tobytes(), U.tobytes()
    word2Ind, outsides = {"a": 0, "b": 1, "c": 2, "d": 3}, ["b", "b", "c"]
    skipgram("a", 2, outsides, word2Ind, centre_vectors, U, Uniform(4), loss)
    assert (centre_vectors.tobytes(), U.tobytes()) == before
    assert outsides == ["b", "b", "c"]
    assert word2Ind == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_the_handouts_expected_figures_come_out_digit_for_digit(capsys):
    dataset, vectors, tokens = selftests.getDummyObjects()

    def check_minibatch(loss):
        def objective(x):
            return word2vec_sgd_wrapper(skipgram, tokens, x, dataset, 5, loss)

        assert gradcheck_naive(objective, vectors, "minibatch")

    # The order matters: the figures of negative sampling hold for the draws that come after these.
    check_minibatch(naiveSoftmaxLossAndGradient)
    assert [bool(v) for v in grad_tests_softmax(skipgram, tokens, vectors, dataset)] == [True] * 3
    check_minibatch(negSamplingLossAndGradient)
    state = random.getstate()
    verdicts = grad_tests_negsamp(skipgram, tokens, vectors, dataset, negSamplingLossAndGradient)
    assert [bool(v) for v in verdicts] == [True] * 3
    assert "FAILED" not in capsys.readouterr().out
    random.setstate(state)
    loss = skipgram("c", 1, ["a", "b"], tokens, vectors[:5], vectors[5:], dataset, negSamplingLossAndGradient)[0]
    assert loss == pytest.approx(16.15119285363322, rel=1e-12)


# The objective, window by window


class Windows:
    """A data set that gives the listed windows, drawing nothing, and notes the sizes asked for."""

    def __init__(self, windows):
        self.windows, self.sizes = windows, []

    def getRandomContext(self, size):
        self.sizes.append(size)
        return self.windows[len(self.sizes) - 1]

    def sampleTokenIdx(self):
        return 0


def test_the_objective_is_the_mean_over_windows_of_random_size():
    word2Ind, x = {"a": 0, "b": 1, "c": 2}, np.random.randn(6, 2)
    windows = [("a", ["b", "b"]), ("b", ["a"]), ("a", ["c"]), ("c", ["a", "b", "b"])]
    dataset, stream = Windows(windows), random.Random(31)
    random.seed(31)
    got = word2vec_sgd_wrapper(skipgram, word2Ind, x, dataset, 7, naiveSoftmaxLossAndGradient, 4)
    assert dataset.sizes == [stream.randint(1, 7) for _ in range(4)]
    assert random.getstate() == stream.getstate()
    loss, gradient = 0.0, np.zeros((6, 2))
    for centre, outsides in windows:
        for outside in outsides:
            pair_loss, grad_v, grad_U = softmax_oracle(x[word2Ind[centre]], word2Ind[outside], x[3:])
            loss += pair_loss / 4
            gradient[word2Ind[centre]] += np.array(grad_v) / 4
            gradient[3:] += np.array(grad_U) / 4
    assert_same(got, (loss, gradient))


def test_the_objective_calls_any_model_with_the_handouts_arguments():
    x, calls = np.arange(12.0).reshape(6, 2), []
    word2Ind, dataset, loss = {"a": 0, "b": 1, "c": 2}, Windows([("a", ["b"])]), object()

    def model(*arguments):
        calls.append(arguments)
        return 2.0, np.full((3, 2), 1.0), np.full((3, 2), 3.0)

    value, gradient = word2vec_sgd_wrapper(model, word2Ind, x, dataset, 1, loss, batchsize=1)
    centre, size, outsides, ids, centre_vectors, U, given_dataset, given_loss = calls[0]
    assert (centre, size, outsides, ids) == ("a", 1, ["b"], word2Ind)
    assert (centre_vectors.tolist(), U.tolist()) == (x[:3].tolist(), x[3:].tolist())
    assert (given_dataset, given_loss) == (dataset, loss)
    assert (value, gradient.tolist()) == (2.0, [[1.0, 1.0]] * 3 + [[3.0, 3.0]] * 3)
