"""What the tests of docs/derivations.md share: numeric derivatives, random cases, and the losses as the page has them.

Everything here is in the page's convention, one word per column, and knows nothing of `word2vec.py`.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from utils.system.paths import PROJECT

PAGE = PROJECT / "docs" / "derivations.md"

# Complex-step derivatives are exact to rounding; both sides are sums of at most a hundred terms of the size of ten.
EXACT = {"rtol": 1e-12, "atol": 1e-12}
TINY = 1e-200  # its square vanishes in floating point, and no difference is taken: nothing cancels


def jacobian(f, x):
    """Derivatives of each component of `f(x)` with respect to each component of `x`, by complex steps.

    `f` must be made of functions that are differentiable over the complex numbers (no absolute value, no maximum).
    Shape: that of f(x), then that of x.
    """
    x = np.asarray(x, dtype=complex)
    columns = []
    for index in np.ndindex(x.shape):
        shifted = x.copy()
        shifted[index] += 1j * TINY
        columns.append(np.imag(f(shifted)) / TINY)
    columns = np.stack(columns, axis=-1)
    return columns.reshape(columns.shape[:-1] + x.shape)


def gradient(f, x):
    """The derivative of a number with respect to `x`, in the shape of `x`."""
    derivative = jacobian(f, x)
    assert derivative.shape == np.shape(x)
    return derivative


def sigma(x):
    """Equation 23, first form."""
    return 1 / (1 + np.exp(-x))


def y_hat(v, U):
    """Equation 9 for all words: shape (words,)."""
    exponentials = np.exp(U.T @ v)
    return exponentials / exponentials.sum()


def naive_softmax(v, o, U):
    """Equation 11."""
    return -(U[:, o] @ v) + np.log(np.exp(U.T @ v).sum())


def negative_sampling(v, o, U, negatives):
    """Equation 27."""
    return -np.log(sigma(U[:, o] @ v)) - sum(np.log(sigma(-(U[:, w] @ v))) for w in negatives)


@dataclass(frozen=True)
class Case:
    """A centre vector, an outside word, outside vectors as columns, and negative samples of two kinds."""

    d: int
    words: int
    v: np.ndarray  # (d,)
    o: int
    U: np.ndarray  # (d, words)
    distinct: list  # negatives, none twice
    repeated: list  # negatives, at least one of them twice
    seed: int

    @property
    def y(self):
        return np.eye(self.words)[self.o]  # (words,)

    @property
    def rng(self):
        """A new generator, so that what a test draws does not depend on the tests before it."""
        return np.random.default_rng([self.seed, 1])

    @property
    def other(self):
        """A word that is not the outside word."""
        return self.distinct[0]


def make_case(seed):
    """A random Case of random shape."""
    rng = np.random.default_rng(seed)
    d, words = int(rng.integers(2, 6)), int(rng.integers(4, 9))
    o = int(rng.integers(words))
    others = [w for w in rng.permutation(words).tolist() if w != o]
    distinct = others[: int(rng.integers(2, len(others) + 1))]
    repeated = [*distinct, distinct[0], *rng.choice(others, size=2).tolist()]
    return Case(d, words, rng.normal(size=d), o, rng.normal(size=(d, words)), distinct, repeated, seed)


cases = pytest.mark.parametrize("case", [make_case(seed) for seed in range(6)], ids=lambda c: f"d{c.d}-words{c.words}")


class Prescribed:
    """A data set that gives the negative samples it was told to give."""

    def __init__(self, negatives):
        self._negatives = iter(negatives)

    def sampleTokenIdx(self):
        return next(self._negatives)
