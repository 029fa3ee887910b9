"""Ranges of whole numbers, many at a time."""

import numpy as np


def ranges(begin, end):
    """All whole numbers from each beginning to before its end, one range after the other: int array."""
    lengths = end - begin
    return np.repeat(end - np.cumsum(lengths), lengths) + np.arange(lengths.sum())
