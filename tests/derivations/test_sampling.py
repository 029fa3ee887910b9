"""docs/derivations.md, section 4: sigmoid, negative sampling, one window. A test has its equation's number."""

import functools

import numpy as np
import pytest
from derivations import (
    EXACT,
    Prescribed,
    cases,
    gradient,
    jacobian,
    naive_softmax,
    negative_sampling,
    sigma,
    y_hat,
)
from hypothesis import given
from hypothesis import strategies as st

from word2vec import naiveSoftmaxLossAndGradient, negSamplingLossAndGradient, sigmoid, skipgram

NUMBERS = st.floats(-30, 30)
THREE_NEGATIVES = functools.partial(negSamplingLossAndGradient, K=3)


def ours(case, negatives):
    """The function of word2vec.py on given negatives, with its gradients turned into columns."""
    dataset = Prescribed(negatives)
    loss, grad_v, grad_U = negSamplingLossAndGradient(case.v, case.o, case.U.T, dataset, K=len(negatives))
    return loss, grad_v, grad_U.T


# Leaky ReLU and sigmoid


@given(st.floats(-100, 100), st.floats(0.01, 0.99))
def test_equation_21_leaky_relu_is_one_of_two_lines(x, alpha):
    assert max(alpha * x, x) == (x if x >= 0 else alpha * x)


@given(st.floats(0.1, 100), st.sampled_from([-1, 1]), st.floats(0.01, 0.99))
def test_equation_22_derivative_of_leaky_relu(size, sign, alpha):
    def f(x):
        return max(alpha * x, x)

    x, step = sign * size, 0.05  # a straight line on either side of zero: the difference is exact but for rounding
    numeric = (f(x + step) - f(x - step)) / (2 * step)
    np.testing.assert_allclose(1 if x > 0 else alpha, numeric, rtol=1e-10, atol=1e-10)


@given(NUMBERS)
def test_equation_23_both_forms_of_the_sigmoid(x):
    np.testing.assert_allclose(1 / (1 + np.exp(-x)), np.exp(x) / (np.exp(x) + 1), rtol=1e-14)
    np.testing.assert_allclose(sigmoid(x), 1 / (1 + np.exp(-x)), rtol=1e-14)


@given(NUMBERS)
def test_equation_24_sigmoid_of_minus_x_is_one_minus_sigmoid(x):
    # 1 - sigmoid(x) loses the digits that stand behind a 1, so the comparison is absolute.
    np.testing.assert_allclose(1 / (1 + np.exp(x)), 1 - sigma(x), atol=1e-15)
    np.testing.assert_allclose(sigmoid(-x), 1 - sigmoid(x), atol=1e-15)


@given(NUMBERS)
def test_equation_25_derivative_of_the_sigmoid(x):
    numeric = gradient(sigma, x)
    middle = 1 / (1 + np.exp(-x)) * (np.exp(-x) / (1 + np.exp(-x)))
    np.testing.assert_allclose(-1 * (-np.exp(-x)) / (1 + np.exp(-x)) ** 2, numeric, rtol=1e-12)
    np.testing.assert_allclose(middle, numeric, rtol=1e-12)
    np.testing.assert_allclose(sigmoid(x) * (1 - sigmoid(x)), numeric, atol=1e-15)  # as for (24)


@given(NUMBERS)
def test_equation_26_derivative_of_log_sigmoid(x):
    numeric = gradient(lambda x: np.log(sigma(x)), x)
    np.testing.assert_allclose(1 - sigma(x), numeric, atol=1e-14)
    np.testing.assert_allclose(sigmoid(-x), numeric, rtol=1e-12)


# Negative sampling


@cases
def test_equation_27_loss(case):
    for negatives in (case.distinct, case.repeated):
        loss = -np.log(sigma(case.U[:, case.o] @ case.v))
        for w in negatives:
            loss -= np.log(sigma(-case.U[:, w] @ case.v))
        np.testing.assert_allclose(loss, ours(case, negatives)[0], **EXACT)


@cases
def test_equation_28_derivatives_with_respect_to_the_scores(case):
    def loss(scores):
        return -np.log(sigma(scores[0])) - np.log(sigma(-scores[1:])).sum()

    scores = np.array([case.U[:, w] @ case.v for w in (case.o, *case.distinct)])
    analytic = [sigma(scores[0]) - 1, *(sigma(s) for s in scores[1:])]
    np.testing.assert_allclose(analytic, gradient(loss, scores), **EXACT)


@cases
def test_equation_29_gradient_with_respect_to_the_centre_vector(case):
    for negatives in (case.distinct, case.repeated):
        u_o = case.U[:, case.o]
        analytic = (sigma(u_o @ case.v) - 1) * u_o
        for w in negatives:
            analytic = analytic + sigma(case.U[:, w] @ case.v) * case.U[:, w]
        numeric = gradient(lambda v, words=negatives: negative_sampling(v, case.o, case.U, words), case.v)
        np.testing.assert_allclose(analytic, numeric, **EXACT)
        np.testing.assert_allclose(ours(case, negatives)[1], numeric, **EXACT)


@cases
def test_equation_30_gradient_with_respect_to_the_outside_vector(case):
    for negatives in (case.distinct, case.repeated):
        analytic = (sigma(case.U[:, case.o] @ case.v) - 1) * case.v
        numeric = gradient(lambda U, words=negatives: negative_sampling(case.v, case.o, U, words), case.U)[:, case.o]
        np.testing.assert_allclose(analytic, numeric, **EXACT)
        np.testing.assert_allclose(ours(case, negatives)[2][:, case.o], numeric, **EXACT)


@cases
def test_equation_31_gradient_with_respect_to_a_negative_sample(case):
    numeric = gradient(lambda U: negative_sampling(case.v, case.o, U, case.distinct), case.U)
    for w in case.distinct:
        np.testing.assert_allclose(sigma(case.U[:, w] @ case.v) * case.v, numeric[:, w], **EXACT)
    np.testing.assert_allclose(ours(case, case.distinct)[2], numeric, **EXACT)


def signed_columns(case):
    """[u_o, -u_w1, ..., -u_wK], shape (d, K + 1)."""
    return np.stack([case.U[:, case.o], *(-case.U[:, w] for w in case.distinct)], axis=1)


@cases
def test_equation_32_what_to_reuse(case):
    r = np.ones(len(case.distinct) + 1) - sigma(signed_columns(case).T @ case.v)
    u_o = case.U[:, case.o]
    rows = [1 - sigma(u_o @ case.v), *(1 - sigma(-case.U[:, w] @ case.v) for w in case.distinct)]
    np.testing.assert_allclose(r, rows, **EXACT)
    delta = [sigma(u_o @ case.v) - 1, *(sigma(case.U[:, w] @ case.v) for w in case.distinct)]
    np.testing.assert_allclose(r, [-delta[0], *delta[1:]], **EXACT)


@cases
def test_equation_33_all_gradients_from_it(case):
    columns = signed_columns(case)
    r = 1 - sigma(columns.T @ case.v)
    numeric = gradient(lambda A: -np.log(sigma(A.T @ case.v)).sum(), columns)
    np.testing.assert_allclose(-np.outer(case.v, r), numeric, **EXACT)
    _, grad_v, grad_U = ours(case, case.distinct)
    np.testing.assert_allclose(-columns @ r, grad_v, **EXACT)
    np.testing.assert_allclose(-np.outer(case.v, r)[:, 0], grad_U[:, case.o], **EXACT)
    np.testing.assert_allclose(np.outer(case.v, r)[:, 1:], grad_U[:, case.distinct], **EXACT)  # the sign turns


def touched(gradient):
    """How many columns are not zero."""
    return int(gradient.any(axis=0).sum())


@cases
def test_equation_34_outside_vectors_touched(case):
    naive = touched(naiveSoftmaxLossAndGradient(case.v, case.o, case.U.T, None)[2].T)
    sampled = touched(ours(case, case.distinct)[2])
    assert naive / sampled == case.words / (len(case.distinct) + 1)
    assert naive / touched(ours(case, case.repeated * 9)[2]) > case.words / (len(case.repeated) * 9 + 1)


def test_equation_34_the_figures_of_the_page():
    assert round(19539 / (10 + 1)) == 1776


@cases
def test_equation_35_repeated_negatives(case):
    negatives = case.repeated
    assert len(set(negatives)) < len(negatives)
    numeric = gradient(lambda U: negative_sampling(case.v, case.o, U, negatives), case.U)
    for w in set(negatives):
        one_by_one = sum(sigma(case.U[:, x] @ case.v) * case.v for x in negatives if x == w)
        np.testing.assert_allclose(one_by_one, numeric[:, w], **EXACT)
        np.testing.assert_allclose(negatives.count(w) * sigma(case.U[:, w] @ case.v) * case.v, numeric[:, w], **EXACT)
    np.testing.assert_allclose(ours(case, negatives)[2], numeric, **EXACT)


# One window


class Window:
    """A centre word, its outside words (one of them twice, one of them the centre word) and all vectors as columns."""

    def __init__(self, case, loss):
        self.names = [f"w{i}" for i in range(case.words)]
        self.centre, self.U = case.other, case.U
        self.V = case.rng.normal(size=case.U.shape)
        self.outsides = [case.o, case.other, case.o, *case.rng.integers(0, case.words, size=2).tolist()]
        self.negatives = [[w for w in range(case.words) if w != o][:3] for o in self.outsides]
        self.loss = loss

    def pair(self, j, V, U):
        if self.loss == "naive softmax":
            return naive_softmax(V[:, self.centre], self.outsides[j], U)
        return negative_sampling(V[:, self.centre], self.outsides[j], U, self.negatives[j])

    def sum_of_pairs(self, V, U):
        return sum(self.pair(j, V, U) for j in range(len(self.outsides)))

    def pair_gradient(self, j):
        """(with respect to v_c, with respect to U), by the formulas for one pair."""
        v, o = self.V[:, self.centre], self.outsides[j]
        if self.loss == "naive softmax":
            error = y_hat(v, self.U) - np.eye(len(self.names))[o]
            return self.U @ error, np.outer(v, error)  # (14), (20)
        grad_v, grad_U = np.zeros(len(v)), np.zeros(self.U.shape)
        for w, label in [(o, 1), *((w, 0) for w in self.negatives[j])]:
            delta = sigma(self.U[:, w] @ v) - label
            grad_v += delta * self.U[:, w]  # (29)
            grad_U[:, w] += delta * v  # (30), (35)
        return grad_v, grad_U

    def ours(self):
        """The function of word2vec.py, with its gradients turned into columns."""
        arguments = {
            "word2Ind": {name: i for i, name in enumerate(self.names)},
            "centerWordVectors": self.V.T,
            "outsideVectors": self.U.T,
            "dataset": Prescribed(sum(self.negatives, [])),
        }
        words = [self.names[o] for o in self.outsides]

        loss = naiveSoftmaxLossAndGradient if self.loss == "naive softmax" else THREE_NEGATIVES
        centre = self.names[self.centre]
        value, grad_V, grad_U = skipgram(centre, 3, words, **arguments, word2vecLossAndGradient=loss)
        return value, grad_V.T, grad_U.T


both_losses = pytest.mark.parametrize("loss", ["naive softmax", "negative sampling"])


@both_losses
@cases
def test_equation_36_the_loss_of_a_window_is_the_sum_over_its_outside_words(case, loss):
    window = Window(case, loss)
    total = sum(window.pair(j, window.V, window.U) for j in range(len(window.outsides)))
    np.testing.assert_allclose(total, window.ours()[0], **EXACT)


@both_losses
@cases
def test_equation_37_gradient_with_respect_to_the_outside_vectors(case, loss):
    window = Window(case, loss)
    numeric = gradient(lambda U: window.sum_of_pairs(window.V, U), window.U)
    analytic = sum(window.pair_gradient(j)[1] for j in range(len(window.outsides)))
    np.testing.assert_allclose(analytic, numeric, **EXACT)
    np.testing.assert_allclose(window.ours()[2], numeric, **EXACT)


@both_losses
@cases
def test_equation_38_gradient_with_respect_to_the_centre_vector(case, loss):
    window = Window(case, loss)
    numeric = gradient(lambda V: window.sum_of_pairs(V, window.U), window.V)[:, window.centre]
    analytic = sum(window.pair_gradient(j)[0] for j in range(len(window.outsides)))
    np.testing.assert_allclose(analytic, numeric, **EXACT)
    np.testing.assert_allclose(window.ours()[1][:, window.centre], numeric, **EXACT)


@both_losses
@cases
def test_equation_39_gradient_with_respect_to_the_other_centre_vectors_is_zero(case, loss):
    window = Window(case, loss)
    others = np.arange(case.words) != window.centre
    numeric = jacobian(lambda V: window.sum_of_pairs(V, window.U), window.V)
    assert not numeric[:, others].any()
    assert numeric[:, window.centre].any()
    assert not window.ours()[1][:, others].any()
