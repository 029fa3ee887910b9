"""Rows of a matrix: what a step reads, and how far it moves them, against loops over the ids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.minibatches import rows as module
from utils.minibatches.distinct import Distinct
from utils.minibatches.rows import Rows, Totals, add_product

V, D = 30, 3
IDS = np.array([7, 2, 7, 29, 2, 7], np.int32)
PARTS = [IDS[:2], IDS[2:].reshape(2, 2), IDS[:0]]  # together they are IDS
many_ids = st.lists(st.integers(0, V - 1), max_size=60)


@given(st.lists(many_ids, min_size=1, max_size=3))
def test_the_distinct_ids_and_their_places(several):
    distinct = Distinct(V)
    for ids in several:  # nothing is left over from one call to the next
        rows, places = distinct(np.array(ids, np.int32))
        assert sorted(rows.tolist()) == sorted(set(ids))
        assert rows[places].tolist() == ids


@given(st.lists(st.lists(st.tuples(st.integers(0, V - 1), st.integers(-9, 9)), min_size=1), min_size=1, max_size=3))
def test_totals_by_id(several):
    totals = Totals(V)
    for summands in several:  # nothing is left over from one call to the next
        ids, numbers = np.array(summands, np.int32).T
        expected = [sum(number for other, number in summands if other == i) for i in ids]
        assert totals(ids, numbers.astype(np.float32)).tolist() == expected


def matrix(dtype=np.float64):
    return np.random.default_rng(0).standard_normal((V, D)).astype(dtype)


def descend(M, gradients, pulls, rate):
    """Move the rows IDS of M, asked for in parts."""
    rows = Rows(M, PARTS, Totals(V))
    for part, gradient in zip(rows.parts, (gradients[:2], gradients[2:], gradients[:0]), strict=True):
        part[:] = gradient.reshape(part.shape)
    rows.descend((pulls[:2], pulls[2:], pulls[:0]), rate)


def test_vectors_are_copies_of_the_rows():
    M = matrix()
    rows = Rows(M, PARTS, Totals(V))
    assert [part.tolist() for part in rows.parts] == [M[ids].tolist() for ids in PARTS]
    for part in rows.parts:
        part[:] = 0
    assert np.array_equal(M, matrix())


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-14), (np.float32, 1e-6)])
@pytest.mark.parametrize("rate", [0.01, 0.2, 1e6])
def test_descending_against_a_loop(dtype, tolerance, rate):
    rng = np.random.default_rng(1)
    gradients, pulls = rng.standard_normal((len(IDS), D)).astype(dtype), rng.random(len(IDS)).astype(dtype) * 4
    M, expected = matrix(dtype), matrix(dtype).astype(float)
    for word in set(IDS.tolist()):
        here = word == IDS
        expected[word] -= min(rate, 1 / pulls[here].sum(dtype=float)) * gradients[here].sum(axis=0, dtype=float)
    descend(M, gradients, pulls, rate)
    assert M.dtype == dtype
    np.testing.assert_allclose(M, expected, atol=tolerance)  # sums of a few numbers of size 1


def test_each_row_may_have_a_rate_of_its_own():
    M, rates = np.zeros((V, D)), np.zeros(V)
    rates[[7, 2, 29]] = 0.5, 0.0, 0.25
    rows = Rows(M, PARTS, Totals(V))
    for part in rows.parts:
        part[:] = 1
    pulls = [np.ones(part.size) for part in PARTS]
    rows.descend(pulls, rates[rows.ids])
    # 7 is there three times: 0.5 * 3 is more than 1, so that the mean of its gradients is taken; 29 once.
    assert {i: M[i].tolist() for i in range(V) if M[i].any()} == {7: [-1.0] * D, 29: [-0.25] * D}


def test_a_part_of_a_matrix_is_moved_in_place():
    whole = np.zeros((2 * V, D))
    descend(whole[V:], np.ones((len(IDS), D)), np.zeros(len(IDS)), 0.5)
    assert whole[V + 7].tolist() == [-1.5] * D and np.flatnonzero(whole.any(axis=1)).tolist() == [V + 2, V + 7, V + 29]


WAYS = ["in place", "without SciPy's function", "with gaps between the rows", "columns of another precision"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("numbers", [np.int32, np.int64])
def test_a_product_is_added_to_the_rows_that_it_changes(monkeypatch, numbers, dtype, way):
    rng = np.random.default_rng(0)
    rows, borders = np.array([5, 1, 5, 5, 0], numbers), np.array([0, 2, 2, 5], numbers)
    data, vectors = rng.standard_normal(5), rng.standard_normal((3, 4)).astype(dtype)
    if way != "columns of another precision":
        data = data.astype(dtype)
    if way == "without SciPy's function":
        monkeypatch.setattr(module, "csc_matvecs", None)
    else:
        assert module.csc_matvecs is not None
    whole = rng.standard_normal((8, 8)).astype(dtype)
    M = whole[1:7, 2:6] if way == "with gaps between the rows" else whole[:, :4].copy()[1:7]
    before, expected = whole.copy(), M.astype(float)
    for summand, (row, vector) in enumerate(zip(rows, [0, 0, 2, 2, 2], strict=True)):
        expected[row] += data[summand].astype(float) * vectors[vector]
    add_product(M, (data, rows, borders), vectors)
    assert M.dtype == dtype
    np.testing.assert_allclose(M, expected, rtol=2e-6 if dtype == np.float32 else 1e-14)  # three summands of size 1
    before[1:7, 2:6] = whole[1:7, 2:6]
    assert np.array_equal(whole, before)  # nothing beside it has changed


def test_a_product_of_nothing_changes_nothing():
    M, empty = matrix(), np.array([], np.int64)
    add_product(M, (np.array([]), empty, np.zeros(1, np.int64)), np.empty((0, D)))
    add_product(M, (np.array([]), empty, np.zeros(3, np.int64)), np.ones((2, D)))
    assert np.array_equal(M, matrix())
