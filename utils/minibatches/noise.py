"""The noise distribution, from which negative samples are drawn."""

import numpy as np

from utils.system.errors import InputError

NOISE_POWER = 0.75  # of the counts (Mikolov et al. 2013b, sec. 2.2; equation 61)
CELLS = 1 << 18  # of the table; a power of two, so that the cell of a number is found without rounding


class NoiseDistribution:
    """Draws words with given probabilities, by inverting the cumulative distribution.

    A table holds, for each of many equal cells of [0, 1), the word at the cell's beginning. From there it is seldom far
    to the word of a number in the cell, and the numbers' own probabilities are kept (the "guide table" of Chen & Asau,
    On generating random variates from an empirical distribution, 1974).

    Parameters
    ----------
    weights : array_like of float, shape (V,)
        At least 0, with a finite sum above 0; a word's probability is its share of the sum.

    Attributes
    ----------
    cumulative : ndarray of float64, shape (V,)
        The probability of a word or one before it; word w is drawn for numbers in [cumulative[w - 1], cumulative[w]).

    Raises
    ------
    InputError
        A weight is negative, or the sum is zero or not finite.

    Examples
    --------
    >>> NoiseDistribution([1, 2, 3]).probabilities().round(3).tolist()
    [0.167, 0.333, 0.5]
    """

    def __init__(self, weights):
        weights = np.asarray(weights, dtype=float)
        total = np.cumsum(weights)  # (V,)
        if not (len(weights) and weights.min() >= 0 and 0 < total[-1] < np.inf):
            raise InputError("the weights of the noise distribution must be at least 0, with a finite sum above 0")
        self.cumulative = total / total[-1]  # (V,)
        beginnings = np.arange(CELLS) / CELLS
        self._first = np.searchsorted(self.cumulative, beginnings, side="right").astype(np.int32)  # (CELLS,)

    def probabilities(self):
        """The probability of each word: ndarray of float64, shape (V,)."""
        return np.diff(self.cumulative, prepend=0)

    def draw(self, rng, rows, N):
        """Draw rows of N words each, one from every N-th part of the distribution (stratified sampling).

        Each word has its probability in expectation, N times in a row, as in N independent draws; but a row cannot
        be made of frequent words only, so the sums over it vary less.

        Parameters
        ----------
        rng : numpy.random.Generator
        rows, N : int

        Returns
        -------
        ndarray of int32, shape (rows, N)
        """
        # A part's draws lie close together in the table: going through it part by part is gentle on the cache.
        points = (np.arange(N)[:, None] + rng.random((N, rows))) / N  # (N, rows), in [0, 1)
        words = self._words(np.minimum(points, np.nextafter(1, 0)).ravel()).reshape(N, rows)
        # In random order: the first few words of a row have the distribution of all.
        return rng.permuted(words.T, axis=1)

    def _words(self, points):
        """The words of numbers in [0, 1): ndarray of int32, shape of `points`, (P,)."""
        words = self._first.take((points * CELLS).astype(np.intp))  # (P,)
        behind = np.arange(len(points))  # of these, the word may come later
        while len(behind := behind[self.cumulative.take(words.take(behind)) <= points.take(behind)]):
            words[behind] += 1
        return words
