"""Signs of singular vectors, which the singular value decomposition leaves open."""

import numpy as np

TIE = 1e-6  # components this close in size (relative) are told apart by rounding alone


def fix_signs(directions):
    """Give each direction the sign that makes its component of largest magnitude positive.

    The SVD leaves the sign of each singular vector open, and machines differ in it; with this rule pictures and saved
    vectors do not. Of components whose sizes differ by rounding alone (relative 1e-6) the first one decides.

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
