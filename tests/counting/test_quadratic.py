"""The closed form: against dense matrices, and what cannot be computed is refused.

Each formula of utils/counting/quadratic.py has its test in tests/derivations/test_quadratic.py.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from utils.counting.pmi import SMALL
from utils.counting.quadratic import Quadratic, closed_form_vectors
from utils.system.errors import InputError

# ARPACK's default is full precision; a few digits of the matrix's size are lost in an eigenvalue of A^T A.
LANCZOS = {"rtol": 1e-9, "atol": 1e-9}
MATRICES = arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 9))


def dense(counts, noise=None, k=1.0):
    """2 (P - N) / (P + N) in every cell; where both are 0 the cell counts as never seen."""
    counts = np.asarray(counts, dtype=float)
    pairs, noise = counts / counts.sum(), counts.sum(axis=0) if noise is None else np.asarray(noise, dtype=float)
    drawn = k * np.outer(pairs.sum(axis=1), noise / noise.sum())
    return 2 * np.divide(pairs - drawn, pairs + drawn, out=np.full(pairs.shape, -1.0), where=pairs + drawn > 0)


def large(symmetric=False):
    """Counts of more words than are decomposed as a dense matrix, most of them zero."""
    counts = np.random.default_rng(0).poisson(0.2, (SMALL + 60, SMALL + 60)) * 1.0
    return counts + counts.T if symmetric else counts[:, : SMALL + 20]


@given(MATRICES, st.floats(0.1, 10))
def test_the_operator_is_the_matrix(counts, k):
    counts[0, 0] += 1
    quadratic = Quadratic(counts, k=k)
    wanted = dense(counts, k=k)
    n, m = wanted.shape
    operator = quadratic.operator()
    np.testing.assert_allclose(operator @ np.eye(m), wanted, atol=1e-13)
    np.testing.assert_allclose(operator.T @ np.eye(n), wanted.T, atol=1e-13)
    np.testing.assert_allclose(operator @ np.arange(m), wanted @ np.arange(m), atol=1e-11)
    np.testing.assert_allclose(operator.T @ np.arange(n), wanted.T @ np.arange(n), atol=1e-11)


@pytest.mark.parametrize("form", [csr_array, np.asarray, np.ndarray.tolist])
def test_counts_in_any_form_stay_as_they_are(form):
    counts = form(np.array([[0.0, 3.0], [1.0, 0.0]]))
    assert Quadratic(counts).above.nnz == 2
    assert np.array_equal(counts.toarray() if form is csr_array else counts, [[0, 3], [1, 0]])


def test_noise_and_negatives_change_the_matrix():
    counts = large()
    noise = np.random.default_rng(1).uniform(size=counts.shape[1])
    wanted = dense(counts, noise, 5)
    np.testing.assert_allclose(Quadratic(counts, noise, 5).operator() @ np.eye(len(noise)), wanted, atol=1e-12)
    assert not np.allclose(wanted, dense(counts, noise)) and not np.allclose(wanted, dense(counts, k=5))


@pytest.mark.parametrize("d", [1, 5, 150])
def test_modes_are_singular_vectors_by_lanczos_and_by_a_dense_decomposition(d):
    """150 dimensions of 220 columns are too many for Lanczos' method to pay."""
    counts = large()
    modes, wanted = Quadratic(counts, k=2).modes(d), dense(counts, k=2)
    np.testing.assert_allclose(modes.strengths, np.linalg.svd(wanted, compute_uv=False)[:d], **LANCZOS)
    np.testing.assert_allclose(wanted @ modes.contexts, modes.targets * modes.strengths, atol=1e-8)
    np.testing.assert_allclose(modes.targets.T @ modes.targets, np.eye(d), atol=1e-8)
    np.testing.assert_allclose(modes.contexts.T @ modes.contexts, np.eye(d), atol=1e-8)


def test_modes_do_not_depend_on_where_lanczos_starts():
    one, other = (Quadratic(large()).modes(3, random_state=seed) for seed in (0, 1))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-8)
    again = Quadratic(large()).modes(3, random_state=0)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))


@pytest.mark.parametrize("d", [4, 140])
def test_closed_form_vectors_are_eigenvectors_of_positive_eigenvalues(d):
    """Of 260 words: 4 by Lanczos' method, 140 by a dense decomposition."""
    counts = large(symmetric=True)
    wanted = dense(counts)
    values = np.sort(np.linalg.eigvalsh(wanted))[::-1]
    positive = int((values > 0).sum())
    assert positive > 10 and abs(values).max() == -values.min()  # the strongest mode is a negative one
    vectors = {eig: closed_form_vectors(counts, d, eig) for eig in (0, 0.5, 1)}
    found = np.linalg.norm(vectors[0], axis=0)
    np.testing.assert_allclose(found, np.arange(d) < positive, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(vectors[0.5], axis=0) ** 2, np.maximum(values[:d], 0), **LANCZOS)
    np.testing.assert_allclose(vectors[1], vectors[0] * np.maximum(values[:d], 0), **LANCZOS)
    np.testing.assert_allclose(wanted @ vectors[0], vectors[1], atol=1e-7)
    assert not np.allclose(closed_form_vectors(counts, d, k=2), vectors[0.5])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1, -1]],), "at least 0"),
        (([[1, np.nan]],), "finite"),
        (([[0, 0]],), "no pair was counted"),
        (([1, 2],), "must be a matrix"),
        (([[1, 2]], [1]), "for each of 2"),
        (([[1, 2]], [1, -1]), "at least 0"),
        (([[1, 2]], [0, 0]), "not 0 in all"),
        (([[1, 2]], None, 0), "k must be a finite number above 0, got 0"),
        (([[1, 2]], None, np.inf), "k must be"),
    ],
)
def test_what_cannot_be_approximated_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Quadratic(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d": 0}, "must lie in 1 .. 2 for 2 words, got 0"),
        ({"d": 3}, "got 3"),
        ({"d": 1, "eig": -1}, "eig must be"),
        ({"d": 1, "counts": [[1, 2], [0, 1]]}, "symmetric"),
        ({"d": 1, "counts": [[1, 2]]}, "symmetric"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        closed_form_vectors(**{"counts": [[1, 2], [2, 1]], **options})
    with pytest.raises(InputError, match="must lie in 1 .. 1 for a matrix of 1 x 2, got 2"):
        Quadratic([[1, 2]]).modes(2)
