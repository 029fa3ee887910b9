"""The gradient of a large matrix of which a minibatch touches a few hundred rows."""

import numpy as np

from utils.minibatches.rows import add_product


class RowGradient(np.lib.mixins.NDArrayOperatorsMixin):
    """A matrix whose rows are sums of multiples of a few vectors, and zero but for some; it holds just these.

    It stands for a dense array of `shape`: in arithmetic with arrays, in NumPy functions and under indexing it
    behaves as that array, but for the rounding of sums. Two things it does without ever building it: scaling by a
    number gives a RowGradient again, and `x -= g` or `x += g` changes only the rows of `x` that it adds to. So any SGD
    loop of the form `x -= step * grad` costs what the minibatch costs, however large the vocabulary is.

    Parameters
    ----------
    columns : tuple of ndarray, shapes (E,), (E,) and (m + 1,)
        The summands of all rows as a sparse matrix has them, vector by vector: by what number the vector is
        multiplied, to which row it is added (int64, not checked), and where the summands of each vector begin and end.
    vectors : ndarray of float, shape (m, d)
    shape : (int, int)
        Shape (n, d) of the dense array.
    scale : float
        By which all of it is multiplied.

    Examples
    --------
    >>> x = np.ones((4, 2))
    >>> x -= 0.5 * RowGradient.of_rows(np.array([2]), np.array([[1.0, 2.0]]), (4, 2))
    >>> x[2].tolist()
    [0.5, 0.0]
    """

    ndim = 2

    def __init__(self, columns, vectors, shape, scale=1.0):
        self.columns, self.vectors, self.shape, self.scale = columns, vectors, shape, scale

    @classmethod
    def of_rows(cls, rows, values, shape):
        """The matrix that has these values, (R, d), in these rows, (R,). The values of a row that repeats add up.

        Raises
        ------
        IndexError
            There is no such row.
        """
        rows = np.asarray(rows, dtype=np.int64)
        if len(rows) and not 0 <= rows.min() <= rows.max() < shape[0]:
            raise IndexError(f"rows {rows.min()} to {rows.max()} of a matrix of {shape[0]} rows")
        return cls((np.ones(len(rows), values.dtype), rows, np.arange(len(rows) + 1)), values, shape)

    @property
    def dtype(self):
        return np.result_type(self.columns[0], self.vectors, self.scale)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        return np.asarray(self)[key]

    def __array__(self, dtype=None, copy=None):
        dense = np.zeros(self.shape, self.dtype)  # (n, d)
        self._add_to(dense, 1)
        return dense if dtype is None else dense.astype(dtype)

    def _add_to(self, x, sign):
        weights, rows, borders = self.columns
        add_product(x, (sign * self.scale * weights, rows, borders), self.vectors)

    def __rmul__(self, other):
        # What every step of a descent does, `step * gradient`, without the detour over NumPy.
        return self._scaled(self.scale * other) if isinstance(other, float) else super().__rmul__(other)

    def _scaled(self, scale):
        return RowGradient(self.columns, self.vectors, self.shape, scale)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        if method == "__call__" and not kwargs:
            if ufunc in (np.add, np.subtract) and inputs[1] is self and self._fits_into(inputs[0], out):
                self._add_to(out[0], 1 if ufunc is np.add else -1)
                return out[0]
            into_array = out is not None and not isinstance(out[0], RowGradient)
            if not into_array and (ufunc is np.multiply or (ufunc is np.divide and inputs[0] is self)):
                other = inputs[1] if inputs[0] is self else inputs[0]
                if np.ndim(other) == 0:
                    return self._scaled(ufunc(self.dtype.type(self.scale), other))
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
        return f"RowGradient({len(self.vectors)} vectors, for rows of {self.shape[0]} x {self.shape[1]})"
