"""docs/derivations.md, section 11, on dense matrices of a small vocabulary. A test has its equation's number."""

import numpy as np
import pytest
from derivations import EXACT, gradient
from scipy.integrate import solve_ivp

import epochs
from utils.corpus.ids import Corpus
from utils.counting.cooccurrence import cooccurrence
from utils.counting.quadratic import Modes, Quadratic, closed_form_vectors, half_times, starts, strengths_at
from utils.minibatches.bands import bands, chances, rooms

RNG = np.random.default_rng(5)
V, D, K, G = 12, 6, 3, 0.7
COUNTS = RNG.poisson(1.5, (V, V)) * (1 + RNG.integers(5, size=V))  # with zeros; not symmetric
P = COUNTS / COUNTS.sum()
NOISE = RNG.dirichlet(np.ones(V))
N = K * np.outer(P.sum(axis=1), NOISE)
M = 2 * (P - N) / (P + N)
QUADRATIC = Quadratic(COUNTS, NOISE, K)
A, STRENGTHS, Bt = np.linalg.svd(M)


def rng():
    """A new generator, so that what a test draws does not depend on the tests before it."""
    return np.random.default_rng(6)


def softplus(x):
    return np.log1p(np.exp(x))  # of complex numbers, too: `gradient` takes its steps in the imaginary direction


def pair_loss(s):
    """Equation 59, divided by the number of pairs."""
    return P * softplus(-s) + N * softplus(s)


def parabola(s):
    """Equation 80."""
    return (P + N) * np.log(2) - (P - N) * s / 2 + (P + N) * s**2 / 8


def quadratic_loss(X, U, weights=G):
    """Equation 81 over all pairs, less its constant."""
    return np.sum(weights / 8 * (X.T @ U - M) ** 2)


def flow(X0, U0, times, tied=False):
    """Integrate the gradient flow of the loss with equal weights: the scores X^T U at each time, (s, V, V)."""

    def down(t, x):
        X, U = x.reshape(2, D, V)
        rest = M if not tied else (M + M.T) / 2
        grad = G / 4 * (U @ (X.T @ U - rest).T), G / 4 * (X @ (X.T @ U - rest))
        return -np.ravel((grad[0] + grad[1], grad[0] + grad[1]) if tied else grad)

    found = solve_ivp(down, (0, times[-1]), np.ravel((X0, U0)), t_eval=times, rtol=1e-10, atol=1e-14)
    return np.array([X.T @ U for X, U in found.y.T.reshape(-1, 2, D, V)])


def aligned(s0):
    """Vectors whose modes are the first D of M, each with the strength s0."""
    r = np.linalg.qr(rng().normal(size=(D, D)))[0]  # orthonormal columns
    return np.sqrt(s0) * r @ A[:, :D].T, np.sqrt(s0) * r @ Bt[:D]


def test_equation_80_a_parabola_near_0():
    s = rng().choice([-0.2, -0.1, 0.1, 0.2], size=(V, V))
    beyond = (pair_loss(s) - parabola(s)) / (P + N)
    np.testing.assert_allclose(beyond, -(s**4) / 192, rtol=0.01)  # the next term; the one after it is s^6 / 2880


def test_equation_81_the_best_score_of_a_pair():
    s = rng().normal(size=(V, V))
    constant = parabola(M)
    np.testing.assert_allclose(parabola(s), constant + (P + N) / 8 * (s - M) ** 2, **EXACT)
    np.testing.assert_allclose(gradient(lambda s: np.sum(parabola(s)), M), np.zeros((V, V)), atol=1e-15)
    np.testing.assert_allclose(QUADRATIC.operator() @ np.eye(V), M, **EXACT)


def test_equation_82_a_bounded_shifted_pmi():
    seen = P > 0
    with np.errstate(divide="ignore"):
        shifted = np.log(P / np.outer(P.sum(axis=1), NOISE)) - np.log(K)
    np.testing.assert_allclose(M, 2 * np.tanh(shifted / 2), **EXACT)
    assert seen.any() and not seen.all()
    assert (M[~seen] == -2).all() and (abs(M[seen]) < 2).all()


def test_equation_83_sparse_less_rank_one():
    np.testing.assert_allclose(4 * P / (P + N) - 2 * np.outer(np.ones(V), np.ones(V)), M, **EXACT)
    np.testing.assert_allclose(QUADRATIC.above.toarray(), 4 * P / (P + N), **EXACT)
    assert QUADRATIC.above.nnz == np.count_nonzero(COUNTS)


def test_equation_84_the_best_vectors():
    for d in (1, 3, D):
        modes = QUADRATIC.modes(d)
        X, U = (vectors.T * np.sqrt(modes.strengths)[:, None] for vectors in (modes.targets, modes.contexts))
        least = G / 8 * np.sum(STRENGTHS[d:] ** 2)
        np.testing.assert_allclose(quadratic_loss(X, U), least, **EXACT)
        for change in 0.01 * rng().normal(size=(20, d, V)):  # least squares beside anything near cannot go below
            near = X + change
            assert quadratic_loss(near, np.linalg.lstsq(near.T, M, rcond=None)[0]) >= least
        np.testing.assert_allclose(U, np.linalg.lstsq(X.T, M, rcond=None)[0], rtol=1e-10, atol=1e-12)


def test_equation_85_the_gradient():
    X, U = rng().normal(size=(2, D, V))
    np.testing.assert_allclose(-gradient(lambda X: quadratic_loss(X, U), X), G / 4 * U @ (M - X.T @ U).T, **EXACT)
    np.testing.assert_allclose(-gradient(lambda U: quadratic_loss(X, U), U), G / 4 * X @ (M - X.T @ U), **EXACT)


INTEGRATED = {"rtol": 1e-6, "atol": 1e-7}  # of an integration whose steps are exact to 1e-10


def test_equation_86_sigmoids():
    times, s0, rates = np.linspace(0, 20, 9), 1e-3, G * STRENGTHS[:D] / 4
    scores = flow(*aligned(s0), times)
    predicted = strengths_at(times, STRENGTHS[:D], np.full(D, s0), rates)  # (s, D)
    assert predicted[-1, 0] > 0.99 * STRENGTHS[0] and predicted[0, 0] == pytest.approx(s0)
    found = np.einsum("vk,svw,kw->sk", A[:, :D], scores, Bt[:D])
    np.testing.assert_allclose(found, predicted, **INTEGRATED)
    modes = (A[:, :D] * predicted[:, None]) @ Bt[:D]  # nothing else grows
    np.testing.assert_allclose(scores, modes, **INTEGRATED)


def test_equation_87_half_grown():
    start, rates = np.array([1e-3, 1e-4]), np.array([0.7, 0.2])
    times = half_times(STRENGTHS[:2], start, rates)
    np.testing.assert_allclose(np.diag(strengths_at(times, STRENGTHS[:2], start, rates)), STRENGTHS[:2] / 2, **EXACT)
    assert half_times([2.0], [0.1], [-1.0]) == np.inf == half_times([2.0], [0.1], [0.0])


def test_equation_88_the_beginning():
    """From small random centre vectors and outside vectors of 0, the closer the smaller they are."""
    modes = Modes(A[:, :3], STRENGTHS[:3], Bt[:3].T)
    errors = []
    for size in (1e-3, 1e-5):
        X0 = size * np.random.default_rng(1).normal(size=(D, V))
        start, rates = starts(X0.T, modes), G * STRENGTHS[:3] / 4
        assert start[0] == pytest.approx(np.sum((X0 @ A[:, 0]) ** 2) / 4, rel=1e-12)
        predicted = half_times(modes.strengths, start, rates)
        times = np.linspace(0, 1.5 * predicted.max(), 4000)
        scores = flow(X0, 0 * X0, times)
        along = np.einsum("vk,svw,wk->sk", modes.targets, scores, modes.contexts)  # (s, k)
        measured = times[np.argmax(along >= modes.strengths / 2, axis=0)]
        errors.append(abs(measured / predicted - 1).max())
    assert errors[1] < errors[0] < 0.1 and errors[1] < 0.05


def test_equation_89_how_a_mode_begins_to_grow():
    modes = QUADRATIC.modes(4)
    rates = QUADRATIC.rates(modes)
    np.testing.assert_allclose(rates, np.diag(modes.targets.T @ (P - N) @ modes.contexts) / 2, **EXACT)
    np.testing.assert_allclose((P - N) / 2, (P + N) * M / 4, **EXACT)
    r = np.linalg.qr(rng().normal(size=(D, D)))[0]
    for k, rate in enumerate(rates):
        X, U = (1e-6 * np.outer(r[:, k], side[:, k]) for side in (modes.targets, modes.contexts))
        down = [-gradient(lambda X, U=U: np.sum(pair_loss(X.T @ U)), X)]
        down.append(-gradient(lambda U, X=X: np.sum(pair_loss(X.T @ U)), U))
        change = modes.targets[:, k] @ (down[0].T @ U + X.T @ down[1]) @ modes.contexts[:, k]
        assert change / 1e-12 == pytest.approx(2 * rate, rel=1e-9)  # of s = 1e-12; the loss is not quite linear there


def test_equation_90_one_vector_for_each_word():
    symmetric = (M + M.T) / 2
    values, vectors = np.linalg.eigh(symmetric)
    assert values[0] < -1 and values[-1] > 0.5  # of both signs
    X = rng().normal(size=(D, V))
    tied = gradient(lambda X: np.sum(G / 8 * (X.T @ X - symmetric) ** 2), X)
    np.testing.assert_allclose(-tied, G / 2 * X @ (symmetric - X.T @ X), **EXACT)
    r, times, s0 = np.linalg.qr(rng().normal(size=(D, D)))[0], np.linspace(0, 20, 9), 1e-3
    some = [-1, -2, -3, 0, 1, 2]  # the largest and the smallest eigenvalues
    X0 = np.sqrt(s0) * r @ vectors[:, some].T
    found = np.einsum("vk,svw,wk->sk", vectors[:, some], flow(X0, X0, times, tied=True), vectors[:, some])
    predicted = values[some] / (1 + (values[some] / s0 - 1) * np.exp(-G * values[some] * times[:, None]))
    np.testing.assert_allclose(found, predicted, **INTEGRATED)
    assert np.all(abs(found[-1, 3:]) < s0)  # the negative ones die out

    counts = COUNTS + COUNTS.T
    pairs, margin = counts / counts.sum(), counts.sum(axis=1) / counts.sum()
    target = 2 * (pairs - np.outer(margin, margin)) / (pairs + np.outer(margin, margin))
    values, vectors = np.linalg.eigh(target)
    best = (vectors * np.maximum(values, 0)) @ vectors.T
    ours = closed_form_vectors(counts, V)
    np.testing.assert_allclose(ours @ ours.T, best, **EXACT)


def test_equation_91_time_is_step_times_pairs():
    """A step of the library's training, its noise words in exact proportion, is the flow of the expected loss."""
    words, C = 4, 2
    noise = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 3])
    sentence = np.array([0, 1, 2, 0, 3, 1, 3], np.int32)
    corpus = Corpus(sentence, np.array([0, len(sentence)]))
    counts = cooccurrence(corpus, C, "linear", V=words).toarray()
    np.fill_diagonal(counts, 0)
    pairs, rate = counts.sum(), 1e-6
    X, U = rng().normal(size=(2, 3, words))

    def loss(X, U):
        p, s = counts / pairs, X.T @ U
        drawn = K * np.outer(p.sum(axis=1), np.bincount(noise) / len(noise))
        return np.sum(p * softplus(-s) + drawn * softplus(s))

    settings = epochs.Settings(dim=3, negatives=K, noise=len(noise), dtype="float64")
    trainer = epochs.Trainer(np.ones(words, int), np.ones(words), settings)
    (band,) = bands(corpus, rooms(corpus, C), lambda farthest: chances(C, farthest), 64, np.float64)
    before = np.concatenate((X.T, U.T))
    after = before.copy()
    _, n = trainer.step(after, band, noise[None].astype(np.int32), rate)
    assert n == pytest.approx(pairs, rel=1e-12)
    down = np.concatenate((-gradient(lambda X: loss(X, U), X).T, -gradient(lambda U: loss(X, U), U).T))
    np.testing.assert_allclose((after - before) / (rate * n), down, rtol=1e-8, atol=1e-9)  # a difference of 1e-6
