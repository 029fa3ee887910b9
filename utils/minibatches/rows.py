"""The rows of a matrix that one step works on: read once, and written once with all that was learnt about them.

E is the number of rows that are asked for, with repetitions; R that of the distinct ones; d the dimension.
"""

import numpy as np
from scipy.sparse import csc_array

try:
    # What SciPy's products call with a new array to add to. Adding to the matrix itself saves reading rows, adding up
    # those that repeat, and writing them: half the time for n-grams, more for the handout's minibatches.
    from scipy.sparse._sparsetools import csc_matvecs
except ImportError:  # it is not a part of SciPy's interface
    csc_matvecs = None


class Rows:
    """Rows of a matrix, as often as they are needed, and how to move them.

    Parameters
    ----------
    matrix : ndarray of float, shape (V, d)
        Stored row by row, without gaps.
    ids : list of ndarray of int
        Of any shapes, with E ids in all.
    distinct : Distinct

    Attributes
    ----------
    ids : ndarray of int, shape (R,)
        The distinct ones, in the order in which `descend` takes them.
    parts : list of ndarray of float, shape (..., d)
        The rows of each array of ids: copies, to be overwritten with their gradients.
    """

    def __init__(self, matrix, ids, distinct):
        self._matrix = matrix
        self.ids, self._places = distinct(np.concatenate([part.ravel() for part in ids]))  # (R,), (E,)
        self._vectors = self._read(self.ids).take(self._places, axis=0)  # (E, d)
        ends = np.cumsum([part.size for part in ids]).tolist()
        self.parts = [
            self._vectors[end - part.size : end].reshape(*part.shape, matrix.shape[1])
            for part, end in zip(ids, ends, strict=True)
        ]

    def _read(self, rows):
        """The vectors of the distinct ids: shape (R, d)."""
        self._values = self._matrix.take(rows, axis=0)
        return self._values

    def descend(self, pulls, rate):
        """Subtract from each row of the matrix the gradients of all its appearances, `rate` times or less.

        One after the other, each gradient of a word would see what the earlier ones have changed. All at once they
        would go too far in one direction, and a frequent word's vector would grow without bounds. A gradient is a sum
        of other vectors times the derivatives delta of their scores; where the |delta| of a row add up to more than
        1 / rate, the mean of these vectors is taken (docs/derivations.md, equation 71).

        Parameters
        ----------
        pulls : list of ndarray of float
            For each array of ids: the sum of the |delta| in the gradient of each.
        rate : float, or ndarray of float, shape (R,)
            For all rows, or for each of `ids`.
        """
        self._values -= self._sums(self._rates(self._pull(pulls), rate))
        write_rows(self._matrix, self.ids, self._values)

    def _pull(self, pulls):
        """The sum of the |delta| of each distinct id: shape (R,)."""
        return np.bincount(self._places, np.concatenate(pulls), len(self.ids))

    def _rates(self, pull, rate):
        """Equation 71."""
        return (rate / np.maximum(1, rate * pull)).astype(self._matrix.dtype)

    def _sums(self, rates):
        """The sum of the gradients of each distinct id, times its rate: shape (R, d)."""
        E = len(self._vectors)
        # Stored column by column (one number each), so that nothing needs to be sorted.
        columns = rates.take(self._places), self._places, np.arange(E + 1, dtype=np.int32)
        return csc_array(columns, shape=(len(rates), E)) @ self._vectors


def add_product(matrix, columns, vectors):
    """Do what matrix += csc_array(columns) @ vectors does, but touch only the rows that change.

    Parameters
    ----------
    matrix : ndarray of float, shape (n, d)
    columns : tuple of ndarray, shapes (E,), (E,) and (m + 1,)
        Numbers, their rows, and the borders between the m columns, as of csc_array. A row may repeat; that
        the matrix has it is not checked.
    vectors : ndarray of float, shape (m, d)
    """
    data, rows, borders = columns
    if csc_matvecs and matrix.flags.c_contiguous and data.dtype == vectors.dtype == matrix.dtype:
        shape = len(matrix), len(vectors), matrix.shape[1]
        csc_matvecs(*shape, borders, rows, data, vectors.ravel(), matrix.reshape(-1))
    else:
        distinct, places = np.unique(rows, return_inverse=True)
        matrix[distinct] += csc_array((data, places, borders), shape=(len(distinct), len(vectors))) @ vectors


def write_rows(matrix, rows, values):
    """Do what matrix[rows] = values does, in two thirds of the time if there are no gaps between the rows."""
    if matrix.flags.c_contiguous and values.size:
        row = np.dtype((np.void, values[0].nbytes))  # as one item each
        matrix.view(row)[:, 0].put(rows, values.view(row))
    else:
        matrix[rows] = values
