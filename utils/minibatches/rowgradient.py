"""The gradient of a large matrix of which a minibatch touches a few hundred rows."""

import numpy as np

from utils.minibatches.rows import write_rows


class RowGradient(np.lib.mixins.NDArrayOperatorsMixin):
    """A matrix that is zero outside some rows, and holds just those.

    It stands for a dense array of `shape`: in arithmetic with arrays, in NumPy functions and under indexing it
    behaves as that array. Two things it does without ever building it: scaling by a number gives a RowGradient again,
    and `x -= g` or `x += g` changes only the rows of `x` that it holds. So any SGD loop of the form
    `x -= step * grad` costs what the minibatch costs, however large the vocabulary is.

    Parameters
    ----------
    rows : ndarray of int, shape (R,)
        Which rows are held; each at most once.
    values : ndarray of float, shape (R, d)
    shape : (int, int)
        Shape (n, d) of the dense array.

    Examples
    --------
    >>> x = np.ones((4, 2))
    >>> x -= 0.5 * RowGradient(np.array([2]), np.array([[1.0, 2.0]]), (4, 2))
    >>> x[2].tolist()
    [0.5, 0.0]
    """

    ndim = 2

    def __init__(self, rows, values, shape):
        self.rows = rows  # (R,)
        self.values = values  # (R, d)
        self.shape = shape

    @property
    def dtype(self):
        return self.values.dtype

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        return np.asarray(self)[key]

    def __array__(self, dtype=None, copy=None):
        dense = np.zeros(self.shape, dtype or self.dtype)  # (n, d)
        dense[self.rows] = self.values
        return dense

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        if method == "__call__" and not kwargs:
            if ufunc in (np.add, np.subtract) and inputs[1] is self and self._fits_into(inputs[0], out):
                values = out[0].take(self.rows, axis=0)  # (R, d)
                write_rows(out[0], self.rows, ufunc(values, self.values, out=values))
                return out[0]
            into_array = out is not None and not isinstance(out[0], RowGradient)
            if not into_array and (ufunc is np.multiply or (ufunc is np.divide and inputs[0] is self)):
                other = inputs[1] if inputs[0] is self else inputs[0]
                if np.ndim(other) == 0:
                    return RowGradient(self.rows, ufunc(self.values, other), self.shape)
        dense = [np.asarray(x) if isinstance(x, RowGradient) else x for x in inputs]
        if out is not None and not isinstance(out[0], RowGradient):
            kwargs["out"] = out
        return getattr(ufunc, method)(*dense, **kwargs)

    def _fits_into(self, x, out):
        """Whether `x += self` is meant, and is what the dense array could do too."""
        return (
            out is not None
            and out[0] is x
            and x.shape == self.shape
            and np.can_cast(self.dtype, x.dtype, casting="same_kind")
        )

    def __repr__(self):
        return f"RowGradient({len(self.rows)} rows of {self.shape[0]} x {self.shape[1]})"
