"""docs/derivations.md, sections 8 and 10. A test has its equation's number."""

import itertools

import numpy as np
import pytest
from derivations import EXACT, gradient, sigma

import epochs
from utils.corpus.ids import Corpus
from utils.minibatches.bands import bands, chances, rooms
from utils.minibatches.inputs import Composed
from utils.vectors.subwords import NGrams

V, D, K = 4, 3, 2
NOISE = np.array([0.1, 0.2, 0.3, 0.4])
RNG = np.random.default_rng(3)
X, U = RNG.normal(size=(D, V)), RNG.normal(size=(D, V))  # centre and outside vectors, one word per column
SENTENCE = [0, 1, 2, 0, 3]
RATE = 1e-3  # small enough for (71) to change nothing


def log_sigma(x):
    return -np.log1p(np.exp(-x))  # of complex numbers, too: `gradient` takes its steps in the imaginary direction


def moved(model, noise, rate=RATE, sentence=SENTENCE, C=2, weight=None):
    """What a step of ours adds to the centre and outside vectors, as columns, divided by -rate; and its loss."""
    settings = epochs.Settings(dim=D, negatives=K, noise=len(noise), model=model, dtype="float64")
    trainer = epochs.Trainer(np.ones(V, int), np.ones(V), settings)
    corpus = Corpus(np.array(sentence, np.int32), np.array([0, len(sentence)]))
    (band,) = bands(corpus, rooms(corpus, C), weight or (lambda farthest: chances(C, farthest)), 64, np.float64)
    before = np.concatenate((X.T, U.T))
    after = before.copy()
    loss, _ = trainer.step(after, band, np.array([noise], np.int32), rate)
    change = (before - after) / rate
    return change[:V].T, change[V:].T, loss


def windows(C, weight):
    """(centre, [(outside, weight)])."""
    for i, centre in enumerate(SENTENCE):
        near = [(o, weight(abs(i - j))) for j, o in enumerate(SENTENCE) if 0 < abs(i - j) <= C and o != centre]
        yield centre, near


def test_equation_67_expectation_over_the_reach():
    for C in (1, 2, 5):
        reaches = range(1, C + 1)
        for k in reaches:
            assert chances(C, k)[k] == pytest.approx(np.mean([reach >= k for reach in reaches]), rel=1e-14)

    def loss(reach):
        return sum(-log_sigma(U[:, o] @ X[:, c]) for c, near in windows(reach, lambda k: 1) for o, _ in near)

    expected = sum(-a * log_sigma(U[:, o] @ X[:, c]) for c, near in windows(2, lambda k: (3 - k) / 2) for o, a in near)
    np.testing.assert_allclose((loss(1) + loss(2)) / 2, expected, **EXACT)


def shared(X, U, noise):
    """Equation 68, over all windows."""
    total = 0.0
    for c, near in windows(2, lambda k: (3 - k) / 2):
        m = sum(a for _, a in near)
        total -= sum(a * log_sigma(U[:, o] @ X[:, c]) for o, a in near)
        total -= m * K / len(noise) * sum(log_sigma(-U[:, w] @ X[:, c]) for w in noise)
    return total


def test_equation_68_gradient_of_shared_negatives():
    noise = [3, 1, 3]
    by_x, by_u, _ = moved("skip-gram", noise)
    np.testing.assert_allclose(by_x, gradient(lambda X: shared(X, U, noise), X), **EXACT)
    np.testing.assert_allclose(by_u, gradient(lambda U: shared(X, U, noise), U), **EXACT)


def test_equation_69_expectation_over_the_noise():
    expected = 0.0
    for c, near in windows(2, lambda k: (3 - k) / 2):
        m = sum(a for _, a in near)
        expected -= sum(a * log_sigma(U[:, o] @ X[:, c]) for o, a in near)
        expected -= m * K * sum(p * log_sigma(-U[:, w] @ X[:, c]) for w, p in enumerate(NOISE))
    draws = list(itertools.product(range(V), repeat=2))
    mean = sum(NOISE[a] * NOISE[b] * shared(X, U, (a, b)) for a, b in draws)
    np.testing.assert_allclose(mean, expected, **EXACT)

    # The gradients: K negatives of their own for every pair, in expectation, and ours.
    mean_x = sum(NOISE[a] * NOISE[b] * moved("skip-gram", (a, b))[0] for a, b in draws)
    by_x = np.zeros(X.shape)
    for c, near in windows(2, lambda k: (3 - k) / 2):
        for o, a in near:
            by_x[:, c] += a * (sigma(U[:, o] @ X[:, c]) - 1) * U[:, o]
            by_x[:, c] += a * K * sum(p * sigma(U[:, w] @ X[:, c]) * U[:, w] for w, p in enumerate(NOISE))
    np.testing.assert_allclose(mean_x, by_x, **EXACT)


def test_equation_70_cbow():
    noise = [3, 1, 3]

    def loss(X, U, scaled=1):
        total = 0.0
        for c, near in windows(2, lambda k: 1):
            if near:
                h = sum(X[:, o] for o, _ in near) / len(near)
                negatives = sum(log_sigma(-U[:, w] @ h) for w in noise if w != c)
                one = -log_sigma(U[:, c] @ h) - K / len(noise) * negatives
                total += one * (len(near) if scaled is None else scaled)
        return total

    by_x, by_u, _ = moved("cbow", noise, weight=lambda farthest: np.ones(farthest + 1))
    np.testing.assert_allclose(by_u, gradient(lambda U: loss(X, U), U), **EXACT)
    # A window's gradient is taken m times: the derivative of a sum in which each window counts m times.
    np.testing.assert_allclose(by_x, gradient(lambda X: loss(X, U, scaled=None), X), **EXACT)


def test_equation_71_no_step_is_longer_than_the_longest_vector():
    for rate in (0.1, 10, 1e6):
        by_x, by_u, _ = moved("skip-gram", [3, 1, 3], rate=rate)
        assert np.linalg.norm(by_x * rate, axis=0).max() <= np.linalg.norm(U, axis=0).max() * (1 + 1e-9)
        assert np.linalg.norm(by_u * rate, axis=0).max() <= np.linalg.norm(X, axis=0).max() * (1 + 1e-9)


WORDS = ["ab", "abc", "bcbc", "cab"]  # "bc" is twice in one of them
BIGRAMS = NGrams(2, 2, 10**6)
COMPOSED = Composed(WORDS, BIGRAMS)
ROWS = COMPOSED.rows
MEMBERS = np.zeros((ROWS, V))  # n_rw: how often a row is among those of a word
for w, word in enumerate(WORDS):
    MEMBERS[w, w] = 1
    bordered = f"<{word}>"
    for i in range(len(bordered) - 1):
        several = dict.fromkeys(pair for other in WORDS for pair in map("".join, itertools.pairwise(f"<{other}>")))
        MEMBERS[V + list(several).index(bordered[i : i + 2]), w] += 1
Z = RNG.normal(size=(D, ROWS))


def composed(Z):
    """Equation 78: the input vectors of the words, as columns."""
    return Z @ MEMBERS / MEMBERS.sum(axis=0)


def moved_rows(noise, rate):
    """What a step of ours subtracts from the rows and the outside vectors, as columns."""
    settings = epochs.Settings(dim=D, negatives=K, noise=len(noise), dtype="float64")
    trainer = epochs.Trainer(np.ones(V, int), np.ones(V), settings, COMPOSED)
    corpus = Corpus(np.array(SENTENCE, np.int32), np.array([0, len(SENTENCE)]))
    (band,) = bands(corpus, rooms(corpus, 2), lambda farthest: chances(2, farthest), 64, np.float64)
    before = np.concatenate((Z.T, U.T))
    after = before.copy()
    trainer.step(after, band, np.array([noise], np.int32), rate)
    return (before - after)[:ROWS].T, (before - after)[ROWS:].T


def test_equation_78_a_word_is_the_mean_of_its_rows():
    assert (
        MEMBERS.max() == 2 and (MEMBERS > 0).sum(axis=1).max() > 1
    )  # a row that is twice in a word, and one in several
    np.testing.assert_allclose(COMPOSED.of_words(Z.T), composed(Z).T, **EXACT)
    noise = [3, 1, 3]
    by_x = gradient(lambda X: shared(X, U, noise), composed(Z))
    by_z = gradient(lambda Z: shared(composed(Z), U, noise), Z)
    np.testing.assert_allclose(by_z, by_x @ (MEMBERS / MEMBERS.sum(axis=0)).T, **EXACT)


def test_equation_79_each_row_takes_the_whole_gradient():
    noise = [3, 1, 3]
    by_x = gradient(lambda X: shared(X, U, noise), composed(Z))
    by_z, by_u = (change / RATE for change in moved_rows(noise, RATE))
    np.testing.assert_allclose(by_z, by_x @ MEMBERS.T, **EXACT)
    np.testing.assert_allclose(by_u, gradient(lambda U: shared(composed(Z), U, noise), U), **EXACT)
    for rate in (0.1, 10, 1e6):
        farthest = np.linalg.norm(moved_rows(noise, rate)[0], axis=0).max()
        assert farthest <= np.linalg.norm(U, axis=0).max() * (1 + 1e-9)
