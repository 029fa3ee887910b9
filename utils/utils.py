"""The two helpers that the handout gives: softmax and row normalization."""

import numpy as np


def softmax(x):
    """Turn scores into probabilities along the last axis (equations 9 and 10; handout 1).

    Parameters
    ----------
    x : array_like, shape (..., n)
        Scores, left as they are; any finite size, since the largest of each row is subtracted before the exponential.

    Returns
    -------
    ndarray, float, shape (..., n)
        Non-negative, each row sums to 1 (handout, equation 1).
    """
    x = np.asarray(x) + 0.0  # whole numbers would wrap round
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))  # (..., n)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)  # (..., n)


def normalizeRows(x):
    """Scale each row to unit length; a zero row stays zero. The input is left as it is.

    Parameters
    ----------
    x : array_like, shape (n, d)

    Returns
    -------
    ndarray, float, shape (n, d)
    """
    x = np.asarray(x) + 0.0
    # A power of two takes the largest number of each row near 1, exactly: no square overflows, and none that matters
    # is lost.
    _, exponents = np.frexp(np.abs(x).max(axis=1, keepdims=True, initial=0))  # (n, 1)
    x = np.ldexp(x, -exponents)  # (n, d)
    lengths = np.linalg.norm(x, axis=1, keepdims=True)  # (n, 1)
    return x / np.where(lengths == 0, 1, lengths)  # (n, d)
