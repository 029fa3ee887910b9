"""Tiles and lists of cells: every cell in one batch, each batch's products and matrices against dense arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array

from utils.counting.tiles import Batches, Cells, Tile


def matrix_of(V, density, seed):
    """A sparse matrix without stored zeros, fuller towards its upper left corner, and never empty."""
    rng = np.random.default_rng(seed)
    dense = random_array((V, V), density=density, rng=rng).toarray()
    dense[: V // 3 + 1, : V // 3 + 1] += rng.random((V // 3 + 1, V // 3 + 1))
    return csr_array(dense)


def rows_and_columns(batch):
    """Row and column of each cell of a batch."""
    if isinstance(batch, Cells):
        return batch.rows[batch.row_of], batch.columns[batch.column_of]
    rows, columns = np.divmod(batch.places, batch.columns.stop - batch.columns.start)
    return rows + batch.rows.start, columns + batch.columns.start


def together(batches, shape):
    """The matrix that the cells of all batches make, and how often each cell comes."""
    found, times = np.zeros(shape), np.zeros(shape, int)
    for batch in batches:
        places = rows_and_columns(batch)
        np.add.at(found, places, batch.values)
        np.add.at(times, places, 1)
    return found, times


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 40), st.floats(0, 0.5), st.integers(1, 16), st.sampled_from([0.0, 0.05, 0.4, 2.0]),
    st.integers(1, 50), st.integers(1, 60), st.integers(0, 99),
)  # fmt: skip
def test_every_cell_is_in_one_batch(V, density, side, full, panel, batch, seed):
    matrix = matrix_of(V, density, seed)
    batches = Batches(matrix, np.float64, side=side, full=full, panel=panel, batch=batch)
    parts = list(batches.shuffled(np.random.default_rng(seed)))
    assert len(parts) == len(batches)
    found, times = together(parts, matrix.shape)
    np.testing.assert_array_equal(found, matrix.toarray())
    np.testing.assert_array_equal(times, matrix.toarray() > 0)
    for part in parts:
        if isinstance(part, Cells):
            assert 1 <= len(part.values) <= batch
            assert len(set(part.rows // panel)) == len(set(part.columns // panel)) == 1
        else:
            assert len(part.values) >= full * np.prod([s.stop - s.start for s in (part.rows, part.columns)])


def test_full_tiles_are_tiles_and_the_rest_is_lists():
    matrix = np.zeros((8, 8))
    matrix[:4, :4] = 1  # full
    matrix[4:, 0] = 2  # a quarter of its tile
    matrix[6, 6] = 3  # a sixteenth
    batches = Batches(csr_array(matrix), side=4, full=0.25)
    corners = sorted((tile.rows.start, tile.columns.start) for tile in batches.tiles)
    assert corners == [(0, 0), (4, 0)]
    assert (batches.rows.tolist(), batches.columns.tolist(), batches.values.tolist()) == ([6], [6], [3])
    assert Batches(csr_array(matrix), side=4, full=0.26).tiles[0].values.tolist() == [1] * 16


@pytest.mark.parametrize("kind, full", [(Tile, 0.0), (Cells, 2.0)])
def test_products_matrices_and_bends_are_those_of_dense_matrices(kind, full, monkeypatch):
    monkeypatch.setattr("utils.counting.tiles.FETCHED", 7)  # several stretches
    matrix = matrix_of(30, 0.2, 1)
    rng = np.random.default_rng(2)
    for batch in Batches(matrix, np.float64, side=8, full=full, panel=16, batch=40).shuffled(rng):
        assert type(batch) is kind
        rows, columns = (np.r_[part] if isinstance(part, slice) else part for part in (batch.rows, batch.columns))
        x, y = rng.normal(size=(len(rows), 5)), rng.normal(size=(len(columns), 5))
        there = np.zeros((len(rows), len(columns)))
        i, j = rows_and_columns(batch)
        there[np.searchsorted(rows, i), np.searchsorted(columns, j)] = batch.values
        values = batch.spread(batch.values)
        sums = batch.matrix(values * batch.products(x, y))
        dense = sums if kind is Tile else sums.toarray()
        np.testing.assert_allclose(dense, there * (x @ y.T), rtol=1e-12)  # sums of five products
        squares = there * (x @ y.T) ** 2
        for transposed, wanted in ((False, squares.sum(axis=1)), (True, squares.sum(axis=0))):
            bends = batch.bends(values, y if transposed else x, x if transposed else y, transposed)
            if kind is Tile:
                np.testing.assert_allclose(bends, wanted, rtol=1e-12)
            else:  # a bound: equation 77
                assert (bends >= wanted * (1 - 1e-12)).all() and (bends <= 1e3 * wanted).any()


def test_the_order_depends_on_the_generator_and_may_be_taken_up_midway():
    batches = Batches(matrix_of(40, 0.3, 0), side=8, full=0.5, panel=16, batch=20)
    assert {type(batch) for batch in batches.shuffled(np.random.default_rng(0))} == {Tile, Cells}
    first, again, other = ([b.values.tolist() for b in batches.shuffled(np.random.default_rng(s))] for s in (0, 0, 1))
    assert first == again != other
    rest = batches.shuffled(np.random.default_rng(0), start=5)
    assert [batch.values.tolist() for batch in rest] == first[5:]


def test_the_lists_of_a_panel_are_dealt_anew():
    batches = Batches(matrix_of(40, 0.3, 0), full=2.0, batch=50)
    dealt = [sorted(sorted(b.values) for b in batches.shuffled(np.random.default_rng(seed))) for seed in (0, 1)]
    assert dealt[0] != dealt[1]
