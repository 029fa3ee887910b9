"""Word vectors in closed form: what the quadratic approximation of negative sampling converges to, and when.

Near scores of 0 the loss of skip-gram with negative sampling is a parabola in each score, with its minimum at

    M[t, c] = 2 (P - N) / (P + N) = 2 tanh((PMI[t, c] - log K) / 2)

where P is the probability of the pair and N that of drawing it as noise, K times a product of two probabilities
(equations 81 and 82). If all pairs have the same weight, training learns the singular vectors of M one after the other
(equations 85 to 88). Where a pair never occurred M is -2, so M has no zeros, but M + 2 is as sparse as the counts: M is
a sparse matrix less one of rank one (equation 83), and multiplying by it costs no more than multiplying by PPMI.

Source: D. Karkada, J. Simon, Y. Bahri & M. DeWeese 2025, "Closed-Form Training Dynamics Reveal Learned Features and
Linear Structure in Word2Vec-like Models". They tie centre and outside vectors, and so have eigenvectors for our
singular vectors. Equation numbers are those of docs/derivations.md.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh, svds

from utils.counting.pmi import SMALL, checked_counts
from utils.system.errors import InputError
from utils.vectors.signs import fix_signs


class Modes(NamedTuple):
    """The largest singular values of a matrix, in falling order, and their singular vectors.

    Attributes
    ----------
    targets : ndarray of float64, shape (n, k)
    strengths : ndarray of float64, shape (k,)
    contexts : ndarray of float64, shape (m, k)
    """

    targets: np.ndarray
    strengths: np.ndarray
    contexts: np.ndarray


class Quadratic:
    """The quadratic approximation of the expected loss of a pair (equations 80 and 81).

    Parameters
    ----------
    counts : sparse array or array_like, shape (n, m)
        How often each target (row) occurred with each context (column); at least 0, with a sum above 0.
    noise : array_like, shape (m,), optional
        Weights of the contexts as noise; by default the column sums of `counts`, each word as often as it is a context.
    k : float
        Negative samples K of a pair, above 0.

    Raises
    ------
    InputError
        A count or weight that is negative, NaN or infinite, sums of 0, or k out of range.
    """

    def __init__(self, counts, noise=None, k=1.0):
        counts = checked_counts(counts)
        if not counts.nnz:
            raise InputError("no pair was counted: there is nothing to approximate")
        noise = np.asarray(counts.sum(axis=0) if noise is None else noise, dtype=np.float64)  # (m,)
        if noise.shape != counts.shape[1:] or not (np.isfinite(noise).all() and (noise >= 0).all() and noise.any()):
            raise InputError(f"noise must be a weight of at least 0, and not 0 in all, for each of {counts.shape[1]}")
        if not 0 < k < np.inf:
            raise InputError(f"k must be a finite number above 0, got {k}")
        self.pairs = counts / counts.sum()  # (n, m): P, sparse
        self.targets, self.noise, self.k = self.pairs.sum(axis=1), noise / noise.sum(), k  # (n,), (m,)
        rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))  # (nnz,)
        drawn = k * self.targets[rows] * self.noise[counts.indices]  # (nnz,): N
        self.above = self.pairs.copy()  # (n, m): M + 2, sparse
        self.above.data = 4 * self.pairs.data / (self.pairs.data + drawn)

    def operator(self) -> LinearOperator:
        """M, which is never made: `above` less 2 in every cell."""
        above, transposed = self.above, self.above.T.tocsr()
        return LinearOperator(
            above.shape, dtype=np.float64,
            matvec=lambda x: above @ x - 2 * x.sum(axis=0), matmat=lambda x: above @ x - 2 * x.sum(axis=0),
            rmatvec=lambda x: transposed @ x - 2 * x.sum(axis=0), rmatmat=lambda x: transposed @ x - 2 * x.sum(axis=0),
        )  # fmt: skip

    def modes(self, d: int, random_state: int = 0) -> Modes:
        """The d largest singular values of M, by Lanczos' method (ARPACK), exact to about 1e-8.

        Signs are those of `fix_signs` on each column of the targets.

        Parameters
        ----------
        d : int
            From 1 to min(n, m).
        random_state : int
            Of the vector that the method starts from.
        """
        n, m = self.above.shape
        if not 1 <= d <= min(n, m):
            raise InputError(f"the dimension must lie in 1 .. {min(n, m)} for a matrix of {n} x {m}, got {d}")
        if min(n, m) > max(SMALL, 2 * d):
            U, S, Vt = svds(self.operator(), d, v0=_start(min(n, m), random_state))
        else:
            U, S, Vt = np.linalg.svd(self.above.toarray() - 2, full_matrices=False)
        largest = np.argsort(-S, kind="stable")[:d]
        signed = fix_signs(np.hstack((U.T, Vt))[largest])  # (d, n + m)
        return Modes(signed[:, :n].T, S[largest], signed[:, n:].T)

    def rates(self, modes: Modes) -> np.ndarray:
        """How fast the factors of each mode grow from small vectors: a^T (P - N) c / 2, shape (k,) (equation 89)."""
        of_pairs = np.einsum("nk,nk->k", modes.targets, self.pairs @ modes.contexts)  # (k,)
        of_noise = self.k * (self.targets @ modes.targets) * (self.noise @ modes.contexts)  # (k,)
        return (of_pairs - of_noise) / 2


def closed_form_vectors(counts, d: int, eig: float = 0.5, k: float = 1.0, random_state: int = 0) -> np.ndarray:
    """Where training by the quadratic approximation ends if each word has one vector, as centre and outside word.

    These are the eigenvectors of the d largest positive eigenvalues of M, times a power of these: a product of a
    matrix with its transpose has no negative ones (equation 90). The strongest mode is among those that are left out:
    nearly all cells of M are -2, which is about no word in particular.

    Parameters
    ----------
    counts : sparse array or array_like, shape (n, n)
        Symmetric. The noise is that of the counts.
    d : int
    eig : float
        Exponent of the eigenvalues, at least 0; 1/2 is where the training ends.
    k : float
        See `Quadratic`.
    random_state : int
        See `Quadratic.modes`.

    Returns
    -------
    ndarray of float64, shape (n, d)
        The largest eigenvalue first. Columns beyond the positive eigenvalues are 0.

    Raises
    ------
    InputError
        Counts that are not symmetric, or an option out of range.

    Examples
    --------
    >>> closed_form_vectors([[8, 2], [2, 8]], d=1).round(3)
    array([[0.   ],
           [1.147],
           [1.147]])
    """
    quadratic = Quadratic(counts, k=k)
    n, m = quadratic.above.shape
    if n != m or abs(quadratic.pairs - quadratic.pairs.T).max() > 1e-12 * quadratic.pairs.max():
        raise InputError("one vector for each word takes symmetric counts")
    if not 1 <= d <= n:
        raise InputError(f"the dimension must lie in 1 .. {n} for {n} words, got {d}")
    if not 0 <= eig < np.inf:
        raise InputError(f"eig must be a finite number of at least 0, got {eig}")
    if n > max(SMALL, 2 * d):
        values, vectors = eigsh(quadratic.operator(), d, which="LA", v0=_start(n, random_state))
    else:
        values, vectors = np.linalg.eigh(quadratic.above.toarray() - 2)
    largest = np.argsort(-values, kind="stable")[:d]
    values, vectors = values[largest], fix_signs(vectors[:, largest].T).T  # (d,), (n, d)
    noise = n * np.finfo(np.float64).eps * abs(values).max()  # what rounding may leave of an eigenvalue of 0
    return vectors * np.where(values > noise, np.abs(values) ** eig, 0)


def _start(size, random_state):
    """The vector that Lanczos' method starts from: (size,)."""
    return np.random.default_rng(random_state).uniform(-1, 1, size)


def starts(initial: np.ndarray, modes: Modes) -> np.ndarray:
    """The strength from which each mode seems to grow, if centre vectors begin small and outside vectors at 0.

    A quarter of the squared length of what the initial vectors have in the mode's direction and not in those of the
    modes before it, which must come in the order in which they are learnt (equation 88).

    Parameters
    ----------
    initial : ndarray of float, shape (n, d)
    modes : Modes
        At most d of them.

    Returns
    -------
    ndarray of float64, shape (k,)
    """
    along = modes.targets.T @ initial  # (k, d)
    return np.diag(np.linalg.qr(along.T, mode="r")) ** 2 / 4


def strengths_at(times, strengths, start, rates) -> np.ndarray:
    """The singular value of each mode in the course of time (equation 86): shape (len(times), k).

    Parameters
    ----------
    times : array_like, shape (s,)
    strengths, start, rates : array_like, shape (k,)
        Where the singular values end, where they begin, and how fast they grow.
    """
    times, strengths, start, rates = map(np.asarray, (times, strengths, start, rates))
    return strengths / (1 + (strengths / start - 1) * np.exp(-2 * rates * times[:, None]))


def half_times(strengths, start, rates) -> np.ndarray:
    """When each mode reaches half of its strength (equation 87): shape (k,); infinity if it does not grow."""
    strengths, start, rates = map(np.asarray, (strengths, start, rates))
    grows = rates > 0  # (k,)
    return np.where(grows, np.log(strengths / start - 1) / np.where(grows, 2 * rates, 1), np.inf)
