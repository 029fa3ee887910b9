"""docs/derivations.md, section 5: the precept. A test has its equation's number."""

import math

import numpy as np
import pytest
from derivations import EXACT, Prescribed, cases, gradient, sigma
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from utils.corpus.reading import encode
from utils.counting import pmi as room
from utils.counting.cooccurrence import cooccurrence
from utils.treebank import StanfordSentiment
from utils.vectors.wordvectors import WordVectors
from word2vec import naiveSoftmaxLossAndGradient, negSamplingLossAndGradient

COUNTS = np.array([[0, 10, 10], [10, 0, 40], [10, 40, 0]])  # the precept's: I, like, dogs
MATRICES = arrays(float, st.tuples(st.integers(2, 6), st.integers(2, 6)), elements=st.integers(0, 9).map(float))


def probabilities(W):
    """Equation 40: joint, of targets (n, 1), of contexts (1, n)."""
    joint = W / W.sum()
    return joint, joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)


def pmi(W):
    """Equation 41."""
    joint, targets, contexts = probabilities(W)
    with np.errstate(divide="ignore"):
        return np.log(joint / (targets * contexts))


# PMI


def test_equation_40_probabilities_of_pairs_drawn_at_random():
    joint, targets, contexts = probabilities(COUNTS)
    pairs = [(t, c) for t in range(3) for c in range(3) for _ in range(COUNTS[t, c])]
    assert len(pairs) == 120
    for t in range(3):
        assert targets[t, 0] == pytest.approx(sum(pair[0] == t for pair in pairs) / 120, rel=1e-15)
        assert contexts[0, t] == pytest.approx(sum(pair[1] == t for pair in pairs) / 120, rel=1e-15)
        for c in range(3):
            assert joint[t, c] == pytest.approx(pairs.count((t, c)) / 120, rel=1e-15)
    text = [["I", "like"]] * 10 + [["I", "dogs"]] * 10 + [["like", "dogs"]] * 40
    np.testing.assert_array_equal(cooccurrence(encode(text)[0], 1, V=3).toarray(), COUNTS)


def test_equation_41_pmi_of_the_precept():
    values = pmi(COUNTS)
    assert values[0, 1] == pytest.approx(math.log((10 / 120) / (20 / 120 * 50 / 120)), rel=1e-14)
    assert values[0, 1] == pytest.approx(math.log(1.2), rel=1e-14)
    assert values[1, 2] == pytest.approx(math.log(1.92), rel=1e-14)
    assert [f"{values[0, 1]:.3f}", f"{values[1, 2]:.3f}"] == ["0.182", "0.652"]
    assert np.isneginf(values.diagonal()).all()
    ours = room.pmi(COUNTS)
    assert ours.nnz == 6  # minus infinity is not stored
    np.testing.assert_allclose(ours.toarray()[COUNTS > 0], values[COUNTS > 0], rtol=1e-14)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_equation_41_is_zero_for_independent_words_and_its_sign_says_more_or_less_often(rows, columns):
    W = np.outer(rows, columns)
    np.testing.assert_allclose(pmi(W), 0, atol=1e-14)
    W[0, 0] += 1
    values = pmi(W)
    assert values[0, 0] > 0 > values[0, 1]


def test_equation_41_the_figures_of_the_page():
    p, pairs = 1e-6, 1e9
    assert pairs * p * p == pytest.approx(0.001, rel=1e-12)  # expected meetings
    assert f"{math.log(1 / pairs / (p * p)):.1f}" == "6.9"  # PMI after one


@given(MATRICES)
def test_equation_42_ppmi_keeps_the_positive_and_is_zero_where_the_count_is(W):
    W[:, 0] += 1
    W[0] += 1
    values = pmi(W)
    cut = np.maximum(values, 0)
    assert np.isfinite(cut).all()
    assert not cut[W == 0].any()
    assert (cut[values > 0] == values[values > 0]).all()
    assert not cut[values <= 0].any()
    np.testing.assert_allclose(room.ppmi(W).toarray(), cut, atol=1e-14)


# SVD and cosine


@cases
def test_equation_43_truncated_svd_is_closest(case):
    M = case.U
    A, S, Ct = np.linalg.svd(M, full_matrices=False)
    for k in range(1, len(S)):
        error = np.sum((M - A[:, :k] * S[:k] @ Ct[:k]) ** 2)
        np.testing.assert_allclose(error, np.sum(S[k:] ** 2), **EXACT)
        rows = room.svd_vectors(M, k, eig=1)  # A_k S_k: what is left of M beside their directions is as much
        directions = rows / np.linalg.norm(rows, axis=0)
        np.testing.assert_allclose(np.sum((M - directions @ (directions.T @ M)) ** 2), error, **EXACT)
        for _ in range(20):  # neither at random nor near it is there anything closer of that rank
            left, right = case.rng.normal(size=(len(M), k)), case.rng.normal(size=(k, M.shape[1]))
            best_right = np.linalg.lstsq(left, M, rcond=None)[0]
            near = (A[:, :k] * S[:k] + 0.01 * left) @ (Ct[:k] + 0.01 * right)
            assert min(np.sum((M - left @ best_right) ** 2), np.sum((M - near) ** 2)) >= error


@cases
def test_equation_44_short_rows_have_the_inner_products_of_the_long_ones(case):
    A, S, Ct = np.linalg.svd(case.U, full_matrices=False)
    k = 2
    short, long = A[:, :k] * S[:k], A[:, :k] * S[:k] @ Ct[:k]
    assert short.shape == (case.d, k)
    np.testing.assert_allclose(short @ short.T, long @ long.T, **EXACT)
    ours = room.svd_vectors(case.U, k, eig=1)
    np.testing.assert_allclose(ours @ ours.T, long @ long.T, **EXACT)
    signs = np.array([1, -1])
    np.testing.assert_allclose((A[:, :k] * signs * S[:k]) @ (Ct[:k].T * signs).T, long, **EXACT)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.integers(0, 99))
def test_equation_45_cosine_does_not_change_with_length(alpha, beta, seed):
    x, y = np.random.default_rng(seed).normal(size=(2, 4))

    def cosine(x, y):
        return x @ y / (math.sqrt(x @ x) * math.sqrt(y @ y))

    assert cosine(alpha * x, beta * y) == pytest.approx(cosine(x, y), abs=1e-14)
    ((_, similarity),) = WordVectors(["x", "y"], np.stack([alpha * x, beta * y])).most_similar("x")
    assert similarity == pytest.approx(cosine(x, y), abs=1e-14)


# Negative sampling in the precept's letters: u of targets, v of contexts


def precept(case):
    """(u_t, contexts as columns: v_c first, then the v_{c_i})."""
    return case.v, case.U[:, [case.o, *case.distinct]]


def precept_loss(u_t, v):
    return -np.log(sigma(u_t @ v[:, 0])) - sum(np.log(sigma(-(u_t @ v[:, i]))) for i in range(1, v.shape[1]))


def handout(case):
    dataset = Prescribed(case.distinct)
    return negSamplingLossAndGradient(case.v, case.o, case.U.T, dataset, K=len(case.distinct))


@cases
def test_equation_46_loss(case):
    np.testing.assert_allclose(precept_loss(*precept(case)), handout(case)[0], **EXACT)


@cases
def test_equation_47_gradient_with_respect_to_the_target_vector(case):
    u_t, v = precept(case)
    analytic = (sigma(u_t @ v[:, 0]) - 1) * v[:, 0]
    for i in range(1, v.shape[1]):
        analytic = analytic + sigma(u_t @ v[:, i]) * v[:, i]
    np.testing.assert_allclose(analytic, gradient(lambda u_t: precept_loss(u_t, v), u_t), **EXACT)
    np.testing.assert_allclose(analytic, handout(case)[1], **EXACT)


@cases
def test_equation_48_gradient_with_respect_to_the_context_vector(case):
    u_t, v = precept(case)
    analytic = (sigma(u_t @ v[:, 0]) - 1) * u_t
    np.testing.assert_allclose(analytic, gradient(lambda v: precept_loss(u_t, v), v)[:, 0], **EXACT)
    np.testing.assert_allclose(analytic, handout(case)[2][case.o], **EXACT)


@cases
def test_equation_49_gradient_with_respect_to_an_alternative_context_vector(case):
    u_t, v = precept(case)
    numeric = gradient(lambda v: precept_loss(u_t, v), v)
    for j, word in enumerate(case.distinct, start=1):
        analytic = sigma(u_t @ v[:, j]) * u_t
        np.testing.assert_allclose(analytic, numeric[:, j], **EXACT)
        np.testing.assert_allclose(analytic, handout(case)[2][word], **EXACT)


# Parameters


@cases
def test_equation_50_parameters(case):
    assert np.concatenate([case.U.T, case.U.T]).size == 2 * case.d * case.words


def test_equation_50_parameters_of_the_treebank(sst_folder):
    words = len(StanfordSentiment(sst_folder).tokens())
    assert [words, 2 * 10 * words, (words + 1) * 10, (10 + 2) * 10] == [19539, 390780, 195400, 120]


@cases
def test_equation_51_parameters_touched_by_one_pair(case):
    naive = naiveSoftmaxLossAndGradient(case.v, case.o, case.U.T, None)
    assert sum(np.count_nonzero(g) for g in naive[1:]) == (case.words + 1) * case.d
    assert sum(np.count_nonzero(g) for g in handout(case)[1:]) == (len(case.distinct) + 2) * case.d
