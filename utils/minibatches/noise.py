"""Drawing from a distribution over many outcomes, at a cost that does not grow with their number."""

import numpy as np


class AliasTable:
    """Draws outcomes with given weights: pick a column, then the outcome whose column it is or its alias.

    Walker's method (A. J. Walker, ACM TOMS 3, 1977). The columns are filled by sweeping once over the outcomes that
    are lighter than the mean and once over the heavier ones, as prefix sums instead of a loop (L. Hübschle-Schneider
    and P. Sanders, ACM TOMS 48, 2022, sec. 4).

    Parameters
    ----------
    weights : array_like of float, shape (n,)
        At least 0, with a sum above 0.

    Attributes
    ----------
    threshold : ndarray of uint32, shape (n,)
        Column i gives `outcomes[i, 1]`, which is i, where 32 random bits are below the threshold, and its alias
        `outcomes[i, 0]` otherwise.
    outcomes : ndarray of int32, shape (n, 2)
    """

    def __init__(self, weights):
        share = np.asarray(weights, dtype=float)
        n = len(share)
        share = share * (n / share.sum())  # (n,): 1 on average, the height of a column
        limit = min(1, share.max())  # the largest is at least 1, but for rounding
        light, heavy = np.flatnonzero(share < limit), np.flatnonzero(share >= limit)
        lacking = np.cumsum(1 - share[light])  # what the light ones lack, up to and with each
        spare = np.cumsum(share[heavy] - 1)  # what the heavy ones can give
        self.outcomes = np.arange(n, dtype=np.int32).repeat(2).reshape(n, 2)
        alias = self.outcomes[:, 0]  # (n,)
        height = np.ones(n)

        # A light column is filled up by the heavy outcome whose turn it is when the column comes.
        giver = np.searchsorted(spare, lacking - (1 - share[light]), side="right")
        alias[light] = heavy[np.minimum(giver, len(heavy) - 1)]
        height[light] = share[light]
        # A heavy one has given more than it has to spare when the next one's turn comes, and gets the rest from that.
        last = np.searchsorted(lacking, spare[:-1], side="left")
        ends = last < len(light)
        owing = lacking[last[ends]] - spare[:-1][ends]
        alias[heavy[:-1][ends]] = heavy[1:][ends]
        height[heavy[:-1][ends]] = np.clip(1 - owing, 0, 1)
        self.threshold = np.minimum(height * 2**32, 2**32 - 1).astype(np.uint32)

    def draw(self, rng, shape):
        """Draw outcomes.

        Parameters
        ----------
        rng : numpy.random.Generator
        shape : int or tuple of int

        Returns
        -------
        ndarray of int32
        """
        bits = rng.integers(0, 2**64, size=shape, dtype=np.uint64)
        # The upper 32 bits, as a fraction, times n: a column. The lower 32 bits decide within it.
        column = ((bits >> np.uint64(32)) * np.uint64(len(self.threshold)) >> np.uint64(32)).astype(np.int64)
        own = bits.astype(np.uint32) < self.threshold.take(column)
        return self.outcomes.ravel().take(2 * column + own)
