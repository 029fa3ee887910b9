"""The cells of a sparse matrix in batches: dense tiles where the matrix is nearly full, lists of cells elsewhere.

With rows and columns in the order of their number of cells, the largest part of a matrix of co-occurrence counts lies
in its upper left corner. There a square tile, with its empty cells, costs less as a dense matrix product than its cells
do one by one: these fetch two vectors each. Both kinds of batch give what the arithmetic needs, and it is written once.

A batch has R different rows, C different columns and n cells; d is the length of a vector.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

SIDE = 128  # words; of a tile
FULL = 0.05  # share of a tile's cells from which on it costs less as a whole: measured
PANEL = 4096  # words; of the square from which a list takes its cells
BATCH = 1 << 15  # cells of a list, at most
FETCHED = 1024  # cells whose vectors are fetched at a time, to stay in the cache
LEAST_LISTS = 64  # in a matrix: a small one gets shorter lists


class Tile(NamedTuple):
    """A batch of cells that lie close together.

    Attributes
    ----------
    rows, columns : slice
    places : ndarray of int32, shape (n,)
        Of the cells in the flattened tile.
    values : ndarray of float, shape (n,)
    """

    rows: slice
    columns: slice
    places: np.ndarray
    values: np.ndarray

    def spread(self, values):
        """Numbers of the cells, and 0 for the empty places: shape (R, C)."""
        R, C = (part.stop - part.start for part in (self.rows, self.columns))
        spread = np.zeros(R * C, values.dtype)
        spread[self.places] = values
        return spread.reshape(R, C)

    def products(self, x, y):
        """The product of each row's vector (R, d) with each column's (C, d): shape (R, C)."""
        return x @ y.T

    def matrix(self, numbers):
        """The matrix, (R, C), of numbers like those of `products`."""
        return numbers

    def bends(self, weights, moves, y, transposed=False):
        """For each row (column, if transposed) the weighted sum of (move . y)^2 over its cells: shape (R,)."""
        products = self.products(y, moves).T if transposed else self.products(moves, y)  # (R, C)
        products *= products
        return np.vecdot(products, weights.T if transposed else weights)


class Cells(NamedTuple):
    """A batch of cells that lie anywhere.

    Attributes
    ----------
    rows : ndarray of int32, shape (R,)
    columns : ndarray of int32, shape (C,)
        Each once, ascending.
    starts : ndarray of int32, shape (R + 1,)
        Where the cells of each row begin.
    row_of, column_of : ndarray of int32, shape (n,)
        Of each cell, among `rows` and `columns`.
    values : ndarray of float, shape (n,)
    """

    rows: np.ndarray
    columns: np.ndarray
    starts: np.ndarray
    row_of: np.ndarray
    column_of: np.ndarray
    values: np.ndarray

    def spread(self, values):
        """Numbers of the cells, as they are: shape (n,)."""
        return values

    def products(self, x, y):
        """The product of the row's vector, of (R, d), with the column's, of (C, d), for each cell: shape (n,)."""
        products = np.empty(len(self.values), x.dtype)
        for begin in range(0, len(products), FETCHED):
            part = slice(begin, begin + FETCHED)
            np.vecdot(x.take(self.row_of[part], axis=0), y.take(self.column_of[part], axis=0), out=products[part])
        return products

    def matrix(self, numbers):
        """The sparse matrix, (R, C), of numbers like those of `products`."""
        return csr_array((numbers, self.column_of, self.starts), shape=(len(self.rows), len(self.columns)))

    def bends(self, weights, moves, y, transposed=False):
        """What `Tile.bends` computes, bounded from above by Cauchy and Schwarz: the products would cost too much."""
        matrix = self.matrix(weights)
        return np.vecdot(moves, moves) * ((matrix.T if transposed else matrix) @ np.vecdot(y, y))


class Batches:
    """All cells of a matrix, each in one batch: tiles, then lists of cells that another permutation makes anew.

    The cells of a list lie in one panel of the matrix, so that they share more rows and columns than cells from
    anywhere would: every row costs as much as several cells.

    Parameters
    ----------
    matrix : csr_array, shape (V, V)
        Without stored zeros, its indices sorted. Rows and columns with many cells should come first.
    dtype : dtype
        Of the values.
    side, full, panel, batch : int, float, int, int
        See SIDE, FULL, PANEL and BATCH.
    """

    def __init__(self, matrix, dtype=np.float32, *, side=SIDE, full=FULL, panel=PANEL, batch=BATCH):
        self.shape = matrix.shape
        self.tiles, rest = [], []
        for begin in range(0, matrix.shape[0], side):
            block = matrix[begin : begin + side].astype(dtype)
            rows = np.repeat(np.arange(begin, begin + block.shape[0], dtype=np.int32), np.diff(block.indptr))  # (n,)
            tile_of = block.indices // side  # (n,)
            sizes = np.bincount(tile_of)
            areas = block.shape[0] * np.minimum(side, matrix.shape[1] - side * np.arange(len(sizes)))
            whole = sizes >= full * areas
            for number in np.flatnonzero(whole & (sizes > 0)):
                cells = np.flatnonzero(tile_of == number)
                corner = begin, int(number) * side
                self.tiles.append(self._tile(corner, side, rows[cells], block.indices[cells], block.data[cells]))
            cells = np.flatnonzero(~whole[tile_of])
            rest.append((rows[cells], block.indices[cells], block.data[cells]))
        rows, columns, values = map(np.concatenate, zip(*rest, strict=True))
        panel_of = rows // panel * -(-matrix.shape[1] // panel) + columns // panel  # (n,)
        order = np.argsort(panel_of, kind="stable")  # (n,): in a panel still row by row
        self.rows, self.columns, self.values = rows[order], columns[order], values[order]
        borders = np.flatnonzero(np.diff(panel_of[order], prepend=-1, append=-1))  # of the panels
        self.panels = list(map(slice, borders[:-1], borders[1:])) if len(rows) else []
        batch = min(batch, -(-len(rows) // LEAST_LISTS))
        self.lists = [part for panel in self.panels for part in _parts(panel, batch)]

    def __len__(self):
        """How many batches there are."""
        return len(self.tiles) + len(self.lists)

    def shuffled(self, rng, start=0):
        """All batches in random order, from the one of number `start` in it: yields Tile and Cells."""
        order = rng.permutation(len(self))
        cells = np.empty(len(self.rows), np.int32)
        for panel in self.panels:
            cells[panel] = rng.permutation(np.arange(panel.start, panel.stop, dtype=np.int32))
        for number in order[start:]:
            if number < len(self.tiles):
                yield self.tiles[number]
            else:
                yield self._list(np.sort(cells[self.lists[number - len(self.tiles)]]))

    def _tile(self, corner, side, rows, columns, values):
        row, column = corner
        ends = min(row + side, self.shape[0]), min(column + side, self.shape[1])
        places = (rows - np.int32(row)) * np.int32(ends[1] - column) + (columns - np.int32(column))
        return Tile(slice(row, ends[0]), slice(column, ends[1]), places, values)

    def _list(self, cells):
        rows, row_of, sizes = _distinct(self.rows[cells])
        columns, column_of, _ = _distinct(self.columns[cells])
        starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
        return Cells(rows, columns, starts, row_of, column_of, self.values[cells])


def _parts(panel, size):
    """Cut a panel into the fewest parts of at most so many cells, and of about the same size: a list of slices."""
    borders = np.linspace(panel.start, panel.stop, 1 - (panel.start - panel.stop) // size, dtype=int)
    return list(map(slice, borders[:-1], borders[1:]))


def _distinct(ids):
    """Each id once, ascending; where each of `ids` is among them; how often each comes."""
    least = ids.min()
    counts = np.bincount(ids - least)
    distinct = np.flatnonzero(counts)
    places = np.empty(len(counts), np.int32)
    places[distinct] = np.arange(len(distinct))
    return (distinct + least).astype(np.int32), places[ids - least], counts[distinct]
