"""Sums of weighted vectors, row by row: how the gradients of a minibatch's pairs become those of its rows."""

import numpy as np
from scipy.sparse import csc_array


class RowSums:
    """Adds up the gradients of pairs by row, for minibatches of at most a given size.

    All of it is one product of a sparse matrix, a line for each row, with the vectors that are added. The matrix is
    kept and refilled, since making a new one takes longer than multiplying by it.

    Parameters
    ----------
    rows, pairs : int
        Most distinct rows and most pairs of a minibatch.
    """

    def __init__(self, rows, pairs):
        self._matrix = csc_array((rows, 2 * pairs))
        self._indptr = {}  # by the shape of the weights

    def __call__(self, places, scale, weights, v, grad_v):
        """Add up by row, and scale: of each target a weight times v, of each centre word grad_v.

        Parameters
        ----------
        places : ndarray of int32, shape (P * (K + 2),)
            The row of each target, pair by pair, and then of each centre word.
        scale : float
        weights : ndarray of float, shape (P, K + 1)
        v, grad_v : ndarray of float, shape (P, d)

        Returns
        -------
        ndarray of float, shape (rows, d)
        """
        matrix, unused = self._matrix, self._matrix.shape[1] - 2 * len(v)
        if weights.shape not in self._indptr:
            P, targets = weights.shape
            lengths = np.repeat([targets, 1, 0], [P, P, unused])
            self._indptr[weights.shape] = np.append(0, np.cumsum(lengths)).astype(np.int32)
        data = np.empty(len(places))
        np.multiply(weights.ravel(), scale, out=data[: weights.size])
        data[weights.size :] = scale
        matrix.data, matrix.indices, matrix.indptr = data, places, self._indptr[weights.shape]
        return matrix @ np.concatenate((v, grad_v, np.empty((unused, v.shape[1]))))
