"""The input vectors of words: rows of their own, or means of rows that words share (Bojanowski et al. 2017).

A training gives and takes vectors of words; in which rows of the parameters they are kept is this module's business.
V is the vocabulary's size, B the number of rows for n-grams, d the dimension. A step asks for the vectors of R
different words, which have E rows in all.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csc_array, csr_array

from utils.minibatches.distinct import Distinct
from utils.minibatches.ranges import ranges
from utils.minibatches.rows import Rows, Totals, add_product
from utils.system.errors import InputError
from utils.vectors.subwords import NGrams, Subwords


class Inputs:
    """Input vectors that are rows of their own.

    Parameters
    ----------
    V : int
    frozen : ndarray of int, optional
        The words whose input vectors stay as they are.

    Attributes
    ----------
    rows : int
        How many rows the input vectors take.
    """

    _learns = None

    def __init__(self, V: int, frozen: np.ndarray | None = None):
        self.rows = V
        self._totals = Totals(V)
        if frozen is not None:
            self._learns = np.ones(V)  # 0 for words that stay as they are
            self._learns[frozen] = 0

    def read(self, matrix: np.ndarray, ids: list[np.ndarray]) -> Rows:
        """The input vectors of some words, to be overwritten with their gradients: see `Rows`.

        Parameters
        ----------
        matrix : ndarray of float, shape (rows, d)
        ids : list of ndarray of int
            Of any shapes.
        """
        return Rows(matrix, ids, self._totals)

    def descend(self, rows: Rows, pulls: list[np.ndarray], rate: float) -> None:
        """Move what `read` has returned, but not the words that stay as they are: see `Rows.descend`."""
        rows.descend(pulls, rate if self._learns is None else rate * self._learns.take(rows.ids))

    def touched(self, ids: np.ndarray) -> np.ndarray:
        """The distinct rows of some words, in ascending order: shape (R,)."""
        return np.unique(ids)

    def of_words(self, matrix: np.ndarray) -> np.ndarray:
        """The input vectors of all words: shape (V, d)."""
        return matrix

    def subwords(self, matrix: np.ndarray) -> Subwords | None:
        """What the vectors of other words are composed from; None if they cannot be composed."""
        return None


class Composed(Inputs):
    """Input vectors that are each the mean of a row of the word's own and the rows of its n-grams (equation 78).

    The first V rows are the words' own; the others are those of the n-grams' buckets, as far as the words have any in
    them. They stand in the order in which the words come to them, so that the rows of a word are near each other.

    Parameters
    ----------
    words : sequence of str, length V
    ngrams : NGrams

    Raises
    ------
    InputError
        No word has an n-gram.
    """

    def __init__(self, words: Sequence[str], ngrams: NGrams):
        V = len(words)
        borders, buckets = ngrams.of(words)  # (V + 1,), (m,)
        if not len(buckets):
            raise InputError(
                f"no word has n-grams of {ngrams.shortest} to {ngrams.longest} characters: give shorter ones"
            )
        used, first, places = np.unique(buckets, return_index=True, return_inverse=True)  # (B,), (B,), (m,)
        order = np.argsort(first)  # (B,)
        self.ngrams, self._buckets = ngrams, used[order]  # (B,)
        self.rows = V + len(used)
        of_ngrams = V + np.argsort(order)[places]  # (m,)
        rows = np.insert(of_ngrams, borders[:-1], np.arange(V))  # (V + m,): of each word its own, then its n-grams'
        self._rows = rows.astype(np.int32)
        self._borders = borders + np.arange(V + 1)  # (V + 1,)
        self.distinct, self.totals = Distinct(V), Totals(self.rows)

    def read(self, matrix, ids):
        return ComposedRows(matrix, ids, self)

    def touched(self, ids):
        return np.unique(self.rows_of(np.unique(ids))[1])

    def of_words(self, matrix):
        rows = np.ones(len(self._rows), matrix.dtype), self._rows, self._borders
        lengths = np.diff(self._borders).astype(matrix.dtype)  # (V,)
        return csr_array(rows, shape=(len(lengths), len(matrix))) @ matrix / lengths[:, None]

    def subwords(self, matrix):
        order = np.argsort(self._buckets)  # (B,)
        return Subwords(self.ngrams, matrix[self.rows - len(order) :][order], self._buckets[order])

    def rows_of(self, words):
        """The rows of R words: the borders between the words, (R + 1,), and the m rows."""
        begins = self._borders[words]  # (R,)
        lengths = self._borders[words + 1] - begins  # (R,)
        borders = np.append(0, lengths.cumsum()).astype(np.int32)
        return borders, self._rows.take(ranges(begins, begins + lengths))


class ComposedRows(Rows):
    """As Rows, for vectors that are means of rows."""

    def __init__(self, matrix, ids, inputs):
        self._inputs = inputs
        super().__init__(matrix, ids, inputs.totals)

    def _read(self):
        words, self._places = self._inputs.distinct(self.ids)  # (R,), (E,)
        self._borders, self._members = self._inputs.rows_of(words)  # (R + 1,), (m,)
        self._lengths = np.diff(self._borders)  # (R,)
        ones = np.ones(len(self._members), self._matrix.dtype)
        vectors = csr_array((ones, self._members, self._borders), shape=(len(words), len(self._matrix))) @ self._matrix
        vectors /= self._lengths.astype(vectors.dtype)[:, None]
        return vectors.take(self._places, axis=0)

    def descend(self, pulls, rate):
        """As `Rows.descend`: each row of a word takes the whole of the word's gradient (equation 79)."""
        E, R = len(self.ids), len(self._lengths)
        ones = np.ones(E, self._matrix.dtype)
        gradients = csc_array((ones, self._places, np.arange(E + 1)), shape=(R, E)) @ self._vectors  # (R, d)
        pull = np.repeat(np.bincount(self._places, np.concatenate(pulls), R), self._lengths)  # (m,)
        rates = self._rates(self._totals(self._members, pull), rate)  # (m,)
        add_product(self._matrix, (-rates, self._members, self._borders), gradients)
