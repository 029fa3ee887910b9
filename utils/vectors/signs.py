"""Signs of singular vectors, which the singular value decomposition does not determine."""

import numpy as np

TIE = 1e-6  # components this close in size (relative) differ by rounding only


def fix_signs(directions: np.ndarray) -> np.ndarray:
    """Give each direction the sign that makes its component of largest magnitude positive.

    The SVD does not determine the sign of a singular vector, and machines differ in it; with this rule pictures and
    saved vectors do not. Of components whose sizes differ only by rounding (relative 1e-6) the first one decides.

    Parameters
    ----------
    directions : ndarray of float, shape (k, d)
        One direction per row.

    Returns
    -------
    ndarray, shape (k, d)
        A new array of the same dtype; rows of zeros stay as they are.

    Examples
    --------
    >>> fix_signs(np.array([[0.6, -0.8], [0.8, 0.6]]))
    array([[-0.6,  0.8],
           [ 0.8,  0.6]])
    """
    magnitudes = np.abs(directions)  # (k, d)
    largest = np.argmax(magnitudes >= (1 - TIE) * magnitudes.max(axis=1, keepdims=True), axis=1)  # (k,)
    decisive = np.take_along_axis(directions, largest[:, None], axis=1)  # (k, 1)
    return np.where(decisive < 0, -directions, directions)
