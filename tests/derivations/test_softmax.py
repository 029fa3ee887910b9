"""docs/derivations.md, sections 2 and 3: rules of differentiation, naive softmax. A test has its equation's number."""

from fractions import Fraction

import numpy as np
import pytest
from derivations import EXACT, Case, cases, gradient, jacobian, naive_softmax, y_hat
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from utils.utils import normalizeRows, softmax
from word2vec import naiveSoftmaxLossAndGradient

SCORES = arrays(float, st.integers(1, 8), elements=st.floats(-30, 30))


def ours(case: Case):
    """The function of word2vec.py, with its gradients turned into columns."""
    loss, grad_v, grad_U = naiveSoftmaxLossAndGradient(case.v, case.o, case.U.T, None)
    return loss, grad_v, grad_U.T


# Rules


def curve(x):
    """Some smooth function from three numbers to two."""
    return np.stack([np.sin(x[0]) * x[1], np.exp(x[2]) + x[0] ** 2])


@cases
def test_equation_01_jacobian_has_a_row_for_each_output(case):
    x = case.rng.normal(size=3)
    by_hand = [[np.cos(x[0]) * x[1], np.sin(x[0]), 0], [2 * x[0], 0, np.exp(x[2])]]
    np.testing.assert_allclose(jacobian(curve, x), by_hand, **EXACT)
    assert jacobian(curve, x).shape == (2, 3)


@cases
def test_equation_02_chain_rule(case):
    x = case.rng.normal(size=3)

    def outer(z):
        return z[0] * z[1] + np.cos(z[0])

    analytic = jacobian(curve, x).T @ gradient(outer, curve(x))
    np.testing.assert_allclose(analytic, gradient(lambda x: outer(curve(x)), x), **EXACT)


@cases
def test_equation_03_matrix_times_column(case):
    W = case.U.T
    np.testing.assert_allclose(W, jacobian(lambda x: W @ x, case.v), **EXACT)


@cases
def test_equation_04_row_times_matrix(case):
    W = case.U
    np.testing.assert_allclose(W.T, jacobian(lambda x: x @ W, case.v), **EXACT)


@cases
def test_equation_05_elementwise(case):
    np.testing.assert_allclose(np.diag(np.cos(case.v)), jacobian(np.sin, case.v), **EXACT)


def some_number(z):
    return np.sin(z).sum() + z.prod()


@cases
def test_equation_06_number_by_matrix_times_column(case):
    W, x = case.U.T, case.v
    delta = gradient(some_number, W @ x)
    np.testing.assert_allclose(np.outer(delta, x), gradient(lambda W: some_number(W @ x), W), **EXACT)


@cases
def test_equation_07_number_by_row_times_matrix(case):
    W, x = case.U, case.v
    delta = gradient(some_number, x @ W)
    np.testing.assert_allclose(np.outer(x, delta), gradient(lambda W: some_number(x @ W), W), **EXACT)


@cases
def test_equation_08_inner_product(case):
    u, v = case.U[:, 0], case.v
    np.testing.assert_allclose(u, gradient(lambda v: u @ v, v), **EXACT)
    np.testing.assert_allclose(v, gradient(lambda u: u @ v, u), **EXACT)


# The loss


@cases
def test_equation_09_model(case):
    scores = [case.U[:, w] @ case.v for w in range(case.words)]
    predicted = [np.exp(scores[w]) / sum(np.exp(s) for s in scores) for w in range(case.words)]
    np.testing.assert_allclose(predicted, softmax(case.U.T @ case.v), **EXACT)
    np.testing.assert_allclose(predicted[case.o], np.exp(-ours(case)[0]), **EXACT)


@given(SCORES, st.floats(-30, 30))
def test_equation_10_softmax_does_not_change_when_all_scores_shift(scores, a):
    direct = np.exp(scores + a) / np.exp(scores + a).sum()
    # Rounding scores + a, at most 60, changes its exponential by up to 60 units in the last of 16 digits.
    np.testing.assert_allclose(direct, np.exp(scores) / np.exp(scores).sum(), rtol=1e-13)
    np.testing.assert_allclose(softmax(scores + a), softmax(scores), rtol=1e-13)


@cases
def test_equation_11_loss(case):
    loss = -case.U[:, case.o] @ case.v + np.log(sum(np.exp(case.U[:, w] @ case.v) for w in range(case.words)))
    np.testing.assert_allclose(loss, -np.log(y_hat(case.v, case.U)[case.o]), **EXACT)
    np.testing.assert_allclose(loss, ours(case)[0], **EXACT)


@cases
def test_equation_12_cross_entropy(case):
    predicted = y_hat(case.v, case.U)
    cross_entropy = -sum(case.y[w] * np.log(predicted[w]) for w in range(case.words))
    np.testing.assert_allclose(cross_entropy, ours(case)[0], **EXACT)


@cases
def test_equation_13_gradient_with_respect_to_the_scores(case):
    def loss(scores):
        return -scores[case.o] + np.log(np.exp(scores).sum())

    np.testing.assert_allclose(y_hat(case.v, case.U) - case.y, gradient(loss, case.U.T @ case.v), **EXACT)


@cases
def test_equation_14_gradient_with_respect_to_the_centre_vector(case):
    error = y_hat(case.v, case.U) - case.y
    as_sum = sum(error[w] * case.U[:, w] for w in range(case.words))
    numeric = gradient(lambda v: naive_softmax(v, case.o, case.U), case.v)
    np.testing.assert_allclose(as_sum, numeric, **EXACT)
    np.testing.assert_allclose(case.U @ error, numeric, **EXACT)
    np.testing.assert_allclose(ours(case)[1], numeric, **EXACT)


def with_zero_gradient(case):
    """The outside vectors with that of `o` moved to where (15) wants it; its weights do not depend on u_o itself."""
    U = case.U.copy()
    others = np.arange(case.words) != case.o
    U[:, case.o] = U[:, others] @ y_hat(case.v, U[:, others])
    return U


@cases
def test_equation_15_zero_exactly_where_the_true_vector_is_the_weighted_mean_of_the_others(case):
    U = with_zero_gradient(case)
    predicted = y_hat(case.v, U)
    others = [w for w in range(case.words) if w != case.o]
    mean = sum(predicted[w] / (1 - predicted[case.o]) * U[:, w] for w in others)
    np.testing.assert_allclose(mean, U[:, case.o], **EXACT)
    np.testing.assert_allclose(gradient(lambda v: naive_softmax(v, case.o, U), case.v), 0, atol=1e-12)
    # Anywhere else it is (1 - yhat_o) times the distance from that mean.
    predicted = y_hat(case.v, case.U)
    mean = sum(predicted[w] / (1 - predicted[case.o]) * case.U[:, w] for w in others)
    distance = (1 - predicted[case.o]) * (mean - case.U[:, case.o])
    np.testing.assert_allclose(distance, ours(case)[1], **EXACT)
    assert np.abs(distance).max() > 1e-3


@cases
def test_equation_15_with_all_outside_vectors_zero_no_centre_vector_moves(case):
    assert not naiveSoftmaxLossAndGradient(case.v, case.o, np.zeros((case.words, case.d)), None)[1].any()


@cases
def test_equation_15_never_zero_with_independent_columns(case):
    U = np.linalg.qr(case.rng.normal(size=(9, case.words)))[0]  # (9, words), columns of unit length at right angles
    grad = naiveSoftmaxLossAndGradient(case.rng.normal(size=9), case.o, U.T, None)[1]
    assert np.linalg.norm(grad) > 1e-3


@cases
def test_equation_16_a_step_pulls_to_the_true_word_and_pushes_from_the_expected_one(case):
    alpha, predicted, u_o = 1e-6, y_hat(case.v, case.U), case.U[:, case.o]
    expected = sum(predicted[w] * case.U[:, w] for w in range(case.words))
    stepped = case.v - alpha * ours(case)[1]
    np.testing.assert_allclose(stepped, case.v + alpha * u_o - alpha * expected, rtol=1e-14, atol=1e-15)
    # The first term by itself raises the true word's score by alpha |u_o|^2 ...
    np.testing.assert_allclose(u_o @ (case.v + alpha * u_o) - u_o @ case.v, alpha * (u_o @ u_o), rtol=1e-7)
    # ... and both together lower the loss by alpha |gradient|^2, to first order.
    drop = naive_softmax(case.v, case.o, case.U) - naive_softmax(stepped, case.o, case.U)
    np.testing.assert_allclose(drop, alpha * np.sum(ours(case)[1] ** 2), rtol=1e-4)


# Normalising


@given(arrays(float, 4, elements=st.floats(-5, 5)), st.floats(0.01, 100), st.sampled_from([-1, 1]))
def test_equation_17_normalising_keeps_the_direction_and_the_sign_only(u_y, size, sign):
    assume(np.linalg.norm(u_y) > 1e-3)
    x, y = normalizeRows(np.stack([sign * size * u_y, u_y]))
    np.testing.assert_allclose(x, sign * y, rtol=1e-12, atol=1e-15)


def decisions(projections, lengths, phrase):
    """Sign of the sum of a phrase's projections, as they are and with normalised vectors; exact fractions."""
    raw = sum(k * p for k, p in zip(phrase, projections, strict=True))
    unit = sum(k * Fraction(p) / length for k, p, length in zip(phrase, projections, lengths, strict=True))
    return np.sign(raw), int(np.sign(unit))


WORDS = st.lists(st.tuples(st.integers(-4, 4), st.integers(1, 4)), min_size=1, max_size=4)  # projection, length


@given(WORDS, st.lists(st.integers(0, 9), min_size=4, max_size=4))
def test_equation_18_equal_lengths_keep_every_decision(words, counts):
    projections, lengths = zip(*words, strict=True)
    for_it, against = ({length for p, length in words if sign * p > 0} for sign in (1, -1))
    assume(all(a == b for a in for_it for b in against))
    assert len(set(decisions(projections, lengths, counts[: len(words)]))) == 1


@given(st.integers(1, 9), st.integers(-9, -1), st.integers(1, 9), st.integers(1, 9))
def test_equation_18_unequal_lengths_turn_the_decision_on_some_phrase(p, q, length_x, length_y):
    assume(length_x != length_y)
    at, normalised_at = Fraction(-q, p), Fraction(-q, p) * Fraction(length_x, length_y)
    between = (at + normalised_at) / 2  # times x for each y
    raw, unit = decisions([p, q], [length_x, length_y], [between.numerator, between.denominator])
    assert raw == -unit != 0


STRENGTH = {"good": 1, "bad": -1, "superb": 3, "awful": -3}


TABLE = [("good bad good", 1, 1), ("superb bad", 2, 0), ("good good awful", -1, 1)]


@pytest.mark.parametrize("phrase, raw, unit", TABLE)
def test_equation_18_the_table_of_the_page(phrase, raw, unit):
    vectors = np.array([[float(STRENGTH[word])] for word in phrase.split()])  # (words, 1)
    assert vectors.sum() == raw
    assert normalizeRows(vectors).sum() == unit


# Outside vectors


@cases
def test_equation_19_gradient_with_respect_to_each_outside_vector(case):
    predicted = y_hat(case.v, case.U)
    numeric = gradient(lambda U: naive_softmax(case.v, case.o, U), case.U)
    for w in range(case.words):
        np.testing.assert_allclose((predicted[w] - case.y[w]) * case.v, numeric[:, w], **EXACT)
        by_case = predicted[w] - 1 if w == case.o else predicted[w]
        np.testing.assert_allclose(by_case * case.v, ours(case)[2][:, w], **EXACT)


@cases
def test_equation_20_gradient_with_respect_to_all_outside_vectors(case):
    predicted = y_hat(case.v, case.U)
    outer = case.v[:, None] @ (predicted - case.y)[None, :]
    columns = [(predicted[w] - (w == case.o)) * case.v for w in range(case.words)]
    np.testing.assert_allclose(outer, np.stack(columns, axis=1), **EXACT)
    np.testing.assert_allclose(outer, gradient(lambda U: naive_softmax(case.v, case.o, U), case.U), **EXACT)
    np.testing.assert_allclose(outer, ours(case)[2], **EXACT)
