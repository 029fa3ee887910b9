"""PMI, PPMI and SVD: the precept's figures on paper, the dense formula, and matrices with chosen singular values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array, csr_array, random_array
from scipy.sparse.linalg import svds
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.utils.extmath import randomized_range_finder

from utils.counting.pmi import SMALL, pmi, ppmi, svd_vectors
from utils.system.errors import InputError
from utils.vectors.signs import fix_signs

PRECEPT = [[0, 10, 10], [10, 0, 40], [10, 40, 0]]  # I, like, dogs
EXACT = 1e-14  # relative: a handful of roundings in float64


def dense_pmi(counts, cds=1.0, shift_k=1, smoothing=0.0):
    """The definition, over all cells: -inf where nothing was counted."""
    counts = np.asarray(counts, dtype=np.float64) + smoothing
    joint = counts / counts.sum()
    target = joint.sum(axis=1, keepdims=True)
    context = counts.sum(axis=0) ** cds / (counts.sum(axis=0) ** cds).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(joint / (target * context)) - np.log(shift_k)


# On paper


def test_the_precepts_pmi():
    matrix = pmi(PRECEPT)
    assert matrix.nnz == 6  # the diagonal, minus infinity, is not there
    like, dogs = math.log(1.2), math.log(1.92)
    np.testing.assert_allclose(matrix.toarray(), [[0, like, like], [like, 0, dogs], [like, dogs, 0]], rtol=EXACT)
    assert (round(like, 3), round(dogs, 3)) == (0.182, 0.652)


def test_rows_in_tuples_are_rows():
    rows = tuple(map(tuple, PRECEPT))  # three of them, which SciPy would take for the parts of a sparse matrix
    np.testing.assert_array_equal(pmi(rows).toarray(), pmi(PRECEPT).toarray())
    np.testing.assert_array_equal(svd_vectors(rows, d=2), svd_vectors(PRECEPT, d=2))


def test_the_precepts_pmi_is_that_of_its_probabilities():
    """p(like, I) = 1/12, p(I) = 1/6, p(like) = p(dogs) = 5/12, p(like, dogs) = 1/3."""
    matrix = pmi(PRECEPT).toarray()
    assert matrix[1, 0] == pytest.approx(math.log((1 / 12) / (5 / 12 * 1 / 6)), rel=EXACT)
    assert matrix[1, 2] == pytest.approx(math.log((1 / 3) / (5 / 12 * 5 / 12)), rel=EXACT)


def test_ppmi_floors_what_is_less_often_together_than_if_independent():
    counts = [[8, 2], [2, 8]]  # p(t) p(c) = 1/4 everywhere; 8/20 is more, 2/20 less
    np.testing.assert_allclose(pmi(counts).toarray(), np.log([[1.6, 0.4], [0.4, 1.6]]), rtol=EXACT)
    positive = ppmi(counts)
    assert positive.nnz == 2
    np.testing.assert_allclose(positive.toarray(), np.log([[1.6, 1], [1, 1.6]]), rtol=EXACT)


def test_independent_words_have_a_pmi_of_exactly_zero_which_is_stored():
    counts = np.outer([3, 7, 11], [2, 5, 13])
    matrix = pmi(counts)
    assert matrix.nnz == 9 and not matrix.data.any()
    assert ppmi(counts).nnz == 0


def test_context_distribution_smoothing_on_paper():
    counts = [[1, 15], [0, 66]]  # contexts seen 1 and 81 times: to the power 0.75 that is 1 and 27
    matrix = pmi(counts, cds=0.75)
    assert matrix.toarray()[0, 0] == pytest.approx(math.log(1 / 16 / (1 / 28)), rel=EXACT)
    assert matrix.toarray()[0, 1] == pytest.approx(math.log(15 / 16 / (27 / 28)), rel=EXACT)
    assert matrix.toarray()[0, 0] < pmi(counts).toarray()[0, 0]


def test_the_shift_takes_its_logarithm_before_the_floor():
    matrix = ppmi(PRECEPT, shift_k=1.5)
    assert matrix.nnz == 2  # ln 1.2 - ln 1.5 is negative
    assert matrix.toarray()[1, 2] == pytest.approx(math.log(1.92 / 1.5), rel=EXACT)
    assert ppmi(PRECEPT, shift_k=1.92).nnz == 0
    np.testing.assert_allclose(pmi(PRECEPT, shift_k=5).data, pmi(PRECEPT).data - math.log(5), rtol=EXACT)


def test_laplace_smoothing_adds_to_all_cells_and_shows_those_that_were_seen():
    matrix = pmi(PRECEPT, smoothing=2)  # 138 in all; rows and columns 26, 56, 56
    assert matrix.nnz == 6
    assert matrix.toarray()[0, 1] == pytest.approx(math.log(12 * 138 / (26 * 56)), rel=EXACT)
    assert matrix.toarray()[1, 2] == pytest.approx(math.log(42 * 138 / (56 * 56)), rel=EXACT)


def test_cosines_of_rows_of_counts_and_of_ppmi_on_paper():
    counts = cosine_similarity(csr_array(PRECEPT))
    assert counts[1, 2] == pytest.approx(100 / 1700, rel=EXACT)  # (10, 0, 40) and (10, 40, 0)
    a, b = math.log(1.2), math.log(1.92)
    assert cosine_similarity(ppmi(PRECEPT))[1, 2] == pytest.approx(a * a / (a * a + b * b), rel=EXACT)


# Against the dense formula


@given(
    arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 30)),
    st.floats(0.1, 1),
    st.floats(1, 20),
    st.floats(0, 5),
)
def test_pmi_and_ppmi_are_the_dense_formula_where_something_was_counted(counts, cds, shift_k, smoothing):
    matrix = pmi(counts, cds, shift_k, smoothing)
    seen = counts > 0
    np.testing.assert_array_equal(matrix.tocoo().coords, np.nonzero(seen))
    if seen.any():
        wanted = dense_pmi(counts, cds, shift_k, smoothing)[seen]
        # Absolute: logarithms of ratios near 1, each of a few roundings.
        np.testing.assert_allclose(matrix.data, wanted, rtol=0, atol=1e-12)
        positive = ppmi(counts, cds, shift_k, smoothing)
        np.testing.assert_array_equal(positive.toarray()[seen], np.maximum(matrix.data, 0))
        assert (positive.data > 0).all() and positive.nnz == (matrix.data > 0).sum()


@given(arrays(np.int64, (5, 5), elements=st.integers(0, 9)))
def test_pmi_of_symmetric_counts_is_symmetric(counts):
    matrix = pmi(counts + counts.T).toarray()
    np.testing.assert_array_equal(matrix, matrix.T)


def test_smoothed_contexts_break_the_symmetry():
    matrix = pmi(PRECEPT, cds=0.75).toarray()
    assert matrix[0, 1] != pytest.approx(matrix[1, 0], abs=0.01)


def test_counts_are_not_changed_nor_shared():
    counts = coo_array(([4.0, 0, 1, 2], ([0, 0, 1, 1], [0, 1, 1, 1])), shape=(2, 2)).tocsr()
    counts.data[1] = 0  # stored, but nothing was counted
    doubled = csr_array(([4.0, 1, 2], [0, 1, 1], [0, 1, 3]), shape=(2, 2))  # one cell in two parts
    proper = csr_array([[4.0, 0], [0, 3]])
    for given_counts in (counts, doubled, proper):
        before = given_counts.data.copy(), given_counts.indices.copy(), given_counts.indptr.copy()
        matrix = pmi(given_counts)
        np.testing.assert_allclose(matrix.toarray(), np.diag(np.log([7 / 4, 7 / 3])), rtol=EXACT)
        matrix.data[0] = 0
        matrix.eliminate_zeros()
        for part, old in zip((given_counts.data, given_counts.indices, given_counts.indptr), before, strict=True):
            np.testing.assert_array_equal(part, old)


def test_nothing_counted_gives_an_empty_matrix():
    assert pmi(csr_array((3, 3))).nnz == ppmi(csr_array((3, 3)), 0.75, 5, 1).nnz == 0


@pytest.mark.parametrize(
    "options, message",
    [
        ({"cds": 0}, "cds must be above 0 and at most 1, got 0"),
        ({"cds": 1.1}, "cds must be above 0 and at most 1, got 1.1"),
        ({"cds": math.nan}, "cds must be above 0"),
        ({"shift_k": 0.5}, "shift_k must be a finite number of at least 1, got 0.5"),
        ({"smoothing": -1}, "smoothing must be a finite number of at least 0, got -1"),
        ({"counts": [[1, -1]]}, "counts must be finite numbers of at least 0"),
        ({"counts": [[1, math.nan]]}, "counts must be finite numbers of at least 0"),
        ({"counts": [1, 2]}, "counts must be a matrix, got 1 dimension"),
    ],
)
@pytest.mark.parametrize("measure", [pmi, ppmi])
def test_what_is_out_of_range_is_named(measure, options, message):
    with pytest.raises(InputError, match=message):
        measure(**{"counts": PRECEPT} | options)


# Singular value decomposition


def with_singular_values(values, n, m, seed=0):
    """A matrix with these singular values and random directions: (matrix, left directions, right directions)."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((n, len(values))))[0]
    right = np.linalg.qr(rng.standard_normal((m, len(values))))[0]
    return left * values @ right.T, left, right


# Exact for a full decomposition; for the randomized one because the rank is below the dimension plus its oversampling.
SIZES = [(40, 30), (SMALL + 20, SMALL + 10)]


@pytest.mark.parametrize("shape", SIZES, ids=["full", "randomized"])
@pytest.mark.parametrize("eig", [0, 0.5, 1])
def test_chosen_singular_values_come_back_to_their_power(shape, eig):
    values = np.array([9.0, 4.0, 2.0, 1.0, 0.25])
    matrix, left, _ = with_singular_values(values, *shape)
    vectors = svd_vectors(matrix, 4, eig, random_state=0)
    np.testing.assert_allclose(vectors.T @ vectors, np.diag(values[:4] ** (2 * eig)), atol=1e-10)
    np.testing.assert_allclose(np.abs(np.sum(vectors * left[:, :4], axis=0)), values[:4] ** eig, rtol=1e-10)


@pytest.mark.parametrize("shape", SIZES, ids=["full", "randomized"])
def test_with_eig_1_products_of_vectors_are_those_of_rows(shape):
    matrix, _, _ = with_singular_values([5.0, 3.0, 2.0], *shape)
    vectors = svd_vectors(matrix, 3, eig=1, random_state=0)
    np.testing.assert_allclose(vectors @ vectors.T, matrix @ matrix.T, atol=1e-10)


@pytest.mark.parametrize("shape", SIZES, ids=["full", "randomized"])
def test_columns_beyond_the_rank_are_zero_even_without_singular_values(shape):
    matrix, _, _ = with_singular_values([5.0, 3.0], *shape)
    vectors = svd_vectors(matrix, 4, eig=0, random_state=0)
    np.testing.assert_array_equal(vectors[:, 2:], 0)
    assert np.linalg.norm(vectors[:, :2], axis=0) == pytest.approx([1, 1])
    np.testing.assert_array_equal(svd_vectors(np.zeros((3, 3)), 2), 0)


def test_the_leading_values_of_a_sparse_matrix_agree_with_arpack():
    matrix = random_array((500, 500), density=0.05, rng=0)
    vectors = svd_vectors(matrix, 5, eig=1, random_state=0)
    wanted = svds(matrix.tocsr(), 5, return_singular_vectors=False, rng=1)
    lengths = np.linalg.norm(vectors, axis=0)
    assert lengths[0] == pytest.approx(wanted.max(), rel=1e-8)  # stands apart from the others
    np.testing.assert_allclose(lengths, np.sort(wanted)[::-1], rtol=0.1)  # lie close together, and are only approached


def range_then_triangle(matrix, d, seed):
    """Halko, Martinsson & Tropp 2011, with a QR factorization before the small decomposition: (U, S, Vt)."""
    Q = randomized_range_finder(matrix, size=d + 10, n_iter=7, power_iteration_normalizer="LU", random_state=seed)
    P, R = np.linalg.qr(matrix.T @ Q)
    U, S, Vt = np.linalg.svd(R.T)
    return Q @ U[:, :d], S[:d], Vt[:d] @ P.T


def test_the_randomized_decomposition_is_that_of_its_range_to_the_last_digits():
    matrix = csr_array(random_array((400, 300), density=0.05, rng=0))
    U, S, Vt = range_then_triangle(matrix, 20, seed=3)
    vectors = svd_vectors(matrix, 20, eig=1, random_state=3)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), S, rtol=3e-14)  # two ways to add up 400 squares
    signed = fix_signs(np.hstack((U.T, Vt)))[:, :400].T * S
    np.testing.assert_allclose(vectors, signed, atol=1e-11)  # directions: rounding over the gaps of S, of some 0.05


def test_a_seed_gives_the_same_bytes():
    matrix = random_array((400, 400), density=0.05, rng=0)
    vectors = [svd_vectors(matrix, 3, random_state=seed) for seed in (0, 0, 1)]
    assert vectors[0].tobytes() == vectors[1].tobytes() != vectors[2].tobytes()
    np.testing.assert_allclose(vectors[0][:, 0], vectors[2][:, 0], atol=1e-4)  # the other sign would be off by 0.2
    draws = [svd_vectors(matrix, 3, random_state=np.random.default_rng(seed)) for seed in (5, 5, 6)]
    assert draws[0].tobytes() == draws[1].tobytes() != draws[2].tobytes()


@pytest.mark.parametrize("shape", SIZES, ids=["full", "randomized"])
def test_signs_are_those_that_make_the_largest_component_of_both_sides_positive(shape):
    values = np.array([9.0, 4.0, 2.0])
    matrix, left, right = with_singular_values(values, *shape)
    signed = fix_signs(np.hstack((left.T, right.T)))[:, : shape[0]].T
    np.testing.assert_allclose(svd_vectors(matrix, 3, random_state=0), signed * np.sqrt(values), atol=1e-10)


def test_context_sum_adds_the_contexts_vectors():
    matrix = [[0, 4], [1, 0]]  # U = (e1, e2), V = (e2, e1), S = (4, 1)
    np.testing.assert_allclose(svd_vectors(matrix, 2, eig=0.5), [[2, 0], [0, 1]], atol=1e-15)
    np.testing.assert_allclose(svd_vectors(matrix, 2, eig=0.5, context="sum"), [[2, 1], [2, 1]], atol=1e-15)


def test_in_a_symmetric_matrix_contexts_double_or_cancel():
    matrix = [[0.5, 1], [1, 0.5]]  # eigenvalues 1.5 and -0.5
    target, both = svd_vectors(matrix, 2), svd_vectors(matrix, 2, context="sum")
    np.testing.assert_allclose(both, target * [2, 0], atol=1e-15)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"d": 0}, r"dimension must lie in 1 \.\. 3 for a matrix of 3 x 3, got 0"),
        ({"d": 4}, r"dimension must lie in 1 \.\. 3 for a matrix of 3 x 3, got 4"),
        ({"eig": -1}, "eig must be a finite number of at least 0, got -1"),
        ({"context": "both"}, "context must be target or sum, got 'both'"),
        ({"matrix": [[1, 2, 3]], "d": 1, "context": "sum"}, "takes a square matrix, got 1 x 3"),
        ({"matrix": [[math.inf, 1], [1, 1]], "d": 1}, "finite numbers only"),
    ],
)
def test_what_cannot_be_decomposed_is_named(options, message):
    with pytest.raises(InputError, match=message):
        svd_vectors(**{"matrix": PRECEPT, "d": 2} | options)
