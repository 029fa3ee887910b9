"""The rows of a matrix that one step works on: read, and moved by all that was learnt about them.

E is the number of rows that are asked for, with repetitions; d the dimension.
"""

import numpy as np
from scipy.sparse import csc_array

try:
    # What SciPy's products call with a new array to add to. Adding to the matrix itself saves reading rows, adding up
    # those that repeat, and writing them: half the time for n-grams, more for the handout's minibatches.
    from scipy.sparse._sparsetools import csc_matvecs
except ImportError:  # it is not a part of SciPy's interface
    csc_matvecs = None


class Totals:
    """Sums of numbers by id.

    Parameters
    ----------
    V : int
        Ids are below.
    """

    def __init__(self, V):
        self._totals = np.zeros(V)

    def __reduce__(self):
        return Totals, (len(self._totals),)  # between calls there are only zeros

    def __call__(self, ids, numbers):
        """For each id, the sum of the numbers of all that are the same: float64, shape (E,)."""
        np.add.at(self._totals, ids, numbers.astype(float))
        totals = self._totals.take(ids)
        self._totals[ids] = 0
        return totals


class Rows:
    """Rows of a matrix, as often as they are needed, and how to move them.

    Parameters
    ----------
    matrix : ndarray of float, shape (V, d)
    ids : list of ndarray of int32
        Of any shapes, with E ids in all.
    totals : Totals
        For ids below V.

    Attributes
    ----------
    ids : ndarray of int32, shape (E,)
        All of them.
    parts : list of ndarray of float, shape (..., d)
        The rows of each array of ids: copies, to be overwritten with their gradients.
    """

    def __init__(self, matrix, ids, totals):
        self._matrix, self._totals = matrix, totals
        self.ids = np.concatenate([part.ravel() for part in ids])  # (E,)
        self._vectors = self._read()
        ends = np.cumsum([part.size for part in ids]).tolist()
        self.parts = [
            self._vectors[end - part.size : end].reshape(*part.shape, matrix.shape[1])
            for part, end in zip(ids, ends, strict=True)
        ]

    def _read(self):
        """The vectors of all ids: shape (E, d)."""
        return self._matrix.take(self.ids, axis=0)

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
        rate : float, or ndarray of float, shape (E,)
            For all rows, or for each of `ids`.
        """
        rates = self._rates(self._totals(self.ids, np.concatenate(pulls)), rate)  # (E,)
        add_product(self._matrix, (-rates, self.ids, np.arange(len(rates) + 1, dtype=np.int32)), self._vectors)

    def _rates(self, pull, rate):
        """Equation 71."""
        return (rate / np.maximum(1, rate * pull)).astype(self._matrix.dtype)


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
