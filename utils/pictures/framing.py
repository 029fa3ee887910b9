"""What part of the plane a map shows: one far word should not squeeze all others into a corner."""

import numpy as np

MOST_SHARE, MOST = 0.1, 12  # of the words that may lie outside
PRICE = 5  # a share s of the words left outside must enlarge the map more than exp(PRICE s) times
LEAST_GAIN = 1.4


def find_outliers(low, high, space):
    """Choose the few words without which the map of the others is much larger.

    Words are taken away one by one, each time the extreme one that shrinks the rest most, and the best stage is kept.

    Parameters
    ----------
    low, high : ndarray of float64, shape (n, 2)
        The corners of the rectangle that each word needs; equal for a point.
    space : array_like of float, shape (2,)
        Width and height of the map, any unit.

    Returns
    -------
    ndarray of bool, shape (n,)
        True for words left outside: at most one in ten and 12 in all, none if the map would be less than 1.4 times as
        large without them.
    """
    n, inside = len(low), np.ones(len(low), dtype=bool)
    whole = unit_of(low, high, space)
    best, best_score = inside.copy(), 1.0
    for count in range(1, min(int(MOST_SHARE * n), MOST) + 1):
        rest = np.flatnonzero(inside)
        extremes = rest[np.concatenate((low[rest].argmin(axis=0), high[rest].argmax(axis=0)))]  # (4,)
        units = [unit_of(low[rest[rest != i]], high[rest[rest != i]], space) for i in extremes]
        inside[extremes[np.argmin(units)]] = False
        if min(units) <= 0:  # the rest is one point
            break
        gain = whole / min(units)
        if gain >= LEAST_GAIN and gain * np.exp(-PRICE * count / n) > best_score:
            best, best_score = inside.copy(), gain * np.exp(-PRICE * count / n)
    return ~best


def unit_of(low, high, space):
    """The length that one unit of `space` stands for when rectangles from `low` to `high`, (n, 2) each, fill it."""
    return ((high.max(axis=0) - low.min(axis=0)) / space).max()
