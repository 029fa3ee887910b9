"""Bootstrap intervals: how much a score could change with another sample of pairs or questions.

Pairs (or questions) are drawn with replacement, as many as there are, RESAMPLES times; the interval holds the middle
95 % of the scores (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13). The seed is fixed, so the
same file always has the same interval. What the interval does not know of: other pairs chosen by other people, and
another seed or text of the training.
"""

import numpy as np

RESAMPLES, SEED = 1000, 0
TAILS = (2.5, 97.5)  # percentiles: a 95 % interval
BATCH = 2**20  # pairs resampled at a time, in all resamples together


def spearman_resampled(columns: list[np.ndarray], judged: np.ndarray) -> np.ndarray:
    """Spearman's correlation of each column with the judgements, over the same resamples for all columns.

    Parameters
    ----------
    columns : list of k ndarray of float, shape (n,)
    judged : ndarray of float, shape (n,)

    Returns
    -------
    ndarray, shape (k, RESAMPLES)
        NaN where a resample has nothing but equal values.
    """
    n, rng = len(judged), np.random.default_rng(SEED)
    found = np.empty((len(columns), RESAMPLES))
    step = max(1, BATCH // n)
    for start in range(0, RESAMPLES, step):
        rows = min(step, RESAMPLES - start)
        times = rng.multinomial(n, np.full(n, 1 / n), size=rows).astype(
            np.float64
        )  # (rows, n): how often each is drawn
        right = _ranks(judged, times)
        for k, column in enumerate(columns):
            found[k, start : start + rows] = _correlations(_ranks(column, times), right, times)
    return found


def _ranks(values, times):
    """Ranks less their mean of values that are drawn so many times each; equal ones share theirs: (rows, n)."""
    order = np.argsort(values, kind="stable")  # (n,)
    first = np.concatenate(([True], values[order][1:] != values[order][:-1]))  # (n,): where a group of ties begins
    groups = np.add.reduceat(times[:, order], np.flatnonzero(first), axis=1)  # (rows, groups)
    ranks = np.cumsum(groups, axis=1) - (groups - 1) / 2
    back = np.empty(len(values), np.int64)
    back[order] = np.cumsum(first) - 1  # the group of each value
    return ranks[:, back] - (len(values) + 1) / 2


def _correlations(left, right, times):
    with np.errstate(invalid="ignore"):
        product = np.einsum("bn,bn,bn->b", left, right, times)
        return product / np.sqrt(np.einsum("bn,bn->b", left**2, times) * np.einsum("bn,bn->b", right**2, times))


def interval(resampled: np.ndarray) -> tuple[float, float] | None:
    """The middle 95 % of resampled scores, None where they are not defined."""
    known = resampled[np.isfinite(resampled)]
    return tuple(float(bound) for bound in np.percentile(known, TAILS)) if len(known) else None


def share_interval(right: int, used: int) -> tuple[float, float] | None:
    """The interval of a share of right answers."""
    if not used:
        return None
    return interval(np.random.default_rng(SEED).binomial(used, right / used, RESAMPLES) / used)


def difference_interval(left: np.ndarray, right: np.ndarray) -> tuple[float, float] | None:
    """The interval of the mean of `left - right`, answers to the same questions that are right (1) or wrong (0).

    Parameters
    ----------
    left, right : ndarray of bool, shape (q,)
    """
    if not len(left):
        return None
    shares = [np.mean(left & ~right), np.mean(~left & right)]
    counts = np.random.default_rng(SEED).multinomial(len(left), [*shares, 1 - sum(shares)], RESAMPLES)  # (RESAMPLES, 3)
    return interval((counts[:, 0] - counts[:, 1]) / len(left))


def mean_interval(values: np.ndarray) -> tuple[float, float] | None:
    """The interval of a mean.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
    """
    if not len(values):
        return None
    rng = np.random.default_rng(SEED)
    rows = max(1, BATCH // len(values))
    sizes = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    means = [rng.choice(values, (size, len(values))).mean(axis=1) for size in sizes]
    return interval(np.concatenate(means))
