"""The noise distribution, from which negative samples are drawn."""

import numpy as np

from utils.system.errors import InputError

NOISE_POWER = 0.75  # of the counts (Mikolov et al. 2013b, sec. 2.2; equation 61)


class NoiseDistribution:
    """Draws words with given probabilities, by inverting the cumulative distribution.

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
        words = np.searchsorted(self.cumulative, points, side="right")  # (N, rows)
        words = words.clip(max=len(self.cumulative) - 1).astype(np.int32)
        # In random order: the first few words of a row have the distribution of all.
        return rng.permuted(words.T, axis=1)
