"""The input vectors of words: rows of their own, or means of rows that words share (Bojanowski et al. 2017).

A training gives and takes vectors of words; in which rows of the parameters they are kept is this module's business.
V is the vocabulary's size, B the number of rows for n-grams, d the dimension. A step asks for the vectors of R
different words, which have E rows in all.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from utils.minibatches.distinct import Distinct
from utils.minibatches.rows import Rows, add_product
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
        self._distinct = Distinct(V)
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
        return Rows(matrix, ids, self._distinct)

    def descend(self, rows: Rows, pulls: list[np.ndarray], rate: float) -> None:
        """Move what `read` has returned, but not the words that stay as they are: see `Rows.descend`."""
        rows.descend(pulls, rate if self._learns is None else rate * self._learns.take(rows.ids))

    def touched(self, ids: np.ndarray) -> np.ndarray:
        """The distinct rows of some words: shape (R,), in any order."""
        return self._distinct(ids)[0]

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
        self._words, self._distinct = Distinct(V), Distinct(self.rows)

    def read(self, matrix, ids):
        return ComposedRows(matrix, ids, self._words, self)

    def touched(self, ids):
        return self._distinct(self.rows_of(self._words(ids)[0])[1])[0]

    def of_words(self, matrix):
        rows = np.ones(len(self._rows), matrix.dtype), self._rows, self._borders
        lengths = np.diff(self._borders).astype(matrix.dtype)  # (V,)
        return csr_array(rows, shape=(len(lengths), len(matrix))) @ matrix / lengths[:, None]

    def subwords(self, matrix):
        order = np.argsort(self._buckets)  # (B,)
        return Subwords(self.ngrams, matrix[self.rows - len(order) :][order], self._buckets[order])

    def rows_of(self, words):
        """The rows of R words: the borders between the words, (R + 1,), and the rows, (E,)."""
        begins = self._borders[words]  # (R,)
        lengths = self._borders[words + 1] - begins  # (R,)
        borders = np.append(0, lengths.cumsum()).astype(np.int32)
        return borders, self._rows.take(np.repeat(begins - borders[:-1], lengths) + np.arange(borders[-1]))

    def pulls(self, rows, pulls):
        """Each of E rows' sum of the pulls at all that are the same row: shape (E,)."""
        distinct, places = self._distinct(rows)
        return np.bincount(places, pulls, len(distinct)).take(places)


class ComposedRows(Rows):
    """As Rows, for vectors that are means of rows."""

    def __init__(self, matrix, ids, distinct, inputs):
        self._inputs = inputs
        super().__init__(matrix, ids, distinct)

    def _read(self, words):
        """The vectors of R words: shape (R, d)."""
        self._borders, self._members = self._inputs.rows_of(words)  # (R + 1,), (E,)
        self._lengths = np.diff(self._borders)  # (R,)
        ones = np.ones(len(self._members), self._matrix.dtype)
        vectors = csr_array((ones, self._members, self._borders), shape=(len(words), len(self._matrix))) @ self._matrix
        vectors /= self._lengths.astype(vectors.dtype)[:, None]
        return vectors

    def descend(self, pulls, rate):
        """As `Rows.descend`: each row of a word takes the whole of the word's gradient (equation 79)."""
        gradients = self._sums(np.ones(len(self.ids), self._matrix.dtype))  # (R, d)
        pull = self._inputs.pulls(self._members, np.repeat(self._pull(pulls), self._lengths))  # (E,)
        add_product(self._matrix, (-self._rates(pull, rate), self._members, self._borders), gradients)
