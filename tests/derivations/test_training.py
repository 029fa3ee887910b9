"""docs/derivations.md, sections 6 and 7: what is computed here, and why it works. A test has its equation's number."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from derivations import EXACT, Prescribed, cases, gradient, naive_softmax, negative_sampling, sigma, y_hat
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar

from sgd import sgd
from utils.counting import pmi as room
from utils.minibatches.handout import Minibatch
from utils.treebank import NOISE_POWER, SUBSAMPLING_THRESHOLD, StanfordSentiment
from word2vec import minibatchLossAndGradient, naiveSoftmaxLossAndGradient, negSamplingLossAndGradient, sigmoid

LARGE = st.floats(-1e3, 1e3)

# As computed here


def exact_softmax_loss(scores, o):
    """(11) in decimal numbers of 60 digits, which do not overflow."""
    with localcontext(prec=60):
        scores = [Decimal(float(s)) for s in scores]
        return float(sum(s.exp() for s in scores).ln() - scores[o])


@given(arrays(float, st.integers(2, 6), elements=LARGE))
def test_equation_52_log_sum_exp(scores):
    m = scores.max()
    loss = np.log(sum(np.exp(s - m) for s in scores)) + (m - scores[0])
    # The log of a sum just above 1 is as exact as that sum: to 1e-16.
    np.testing.assert_allclose(loss, exact_softmax_loss(scores, 0), rtol=1e-13, atol=1e-15)
    ours = naiveSoftmaxLossAndGradient(np.ones(1), 0, scores[:, None], None)[0]  # one dimension: u_w is the score
    np.testing.assert_allclose(ours, loss, rtol=1e-13, atol=1e-15)
    assert ours >= 0


@pytest.mark.parametrize("gap, finite", [(745, True), (746, False)])
def test_equation_52_where_the_log_of_the_softmax_fails(gap, finite):
    with np.errstate(divide="ignore"):
        direct = -np.log(np.exp(-float(gap)) / (1 + np.exp(-float(gap))))
    assert np.isfinite(direct) == finite
    loss = naiveSoftmaxLossAndGradient(np.ones(1), 0, np.array([[-float(gap)], [0.0]]), None)[0]
    np.testing.assert_allclose(loss, gap, rtol=1e-15)


@given(LARGE)
def test_equation_53_sigmoid_of_large_numbers(x):
    e = math.exp(-abs(x))
    analytic = 1 / (1 + e) if x >= 0 else e / (1 + e)
    assert sigmoid(x) == pytest.approx(analytic, rel=1e-15)
    if abs(x) < 700:
        assert analytic == pytest.approx(1 / (1 + math.exp(-x)), rel=1e-14)


@given(LARGE)
def test_equation_54_softplus_of_large_numbers(x):
    analytic = max(x, 0) + math.log1p(math.exp(-abs(x)))
    if -30 < x < 700:  # below, 1 + e^x has lost the digits of e^x
        assert analytic == pytest.approx(math.log(1 + math.exp(x)), rel=1e-10, abs=1e-15)
    if -700 < x < 30:
        assert analytic == pytest.approx(-math.log1p(-1 / (1 + math.exp(-x))), rel=1e-2 if x > 15 else 1e-8)
    # In one dimension the outside word 0 and the negative 1 have the scores -x and x: each costs softplus(x).
    loss = negSamplingLossAndGradient(np.ones(1), 0, np.array([[-x], [x]]), Prescribed([1]), K=1)[0]
    assert loss == pytest.approx(2 * analytic, rel=1e-15)


class Batch:
    """Five pairs from three windows, with a centre word in two windows and an outside word in several pairs."""

    centres, outsides, windows = [0, 0, 1, 0, 2], [1, 2, 2, 2, 0], 3

    def __init__(self, case, K):
        self.V, self.U = case.rng.normal(size=case.U.shape), case.U
        self.words = case.words
        self.negatives = [[(o + 1 + (p * k) % 3) % case.words for k in range(K)] for p, o in enumerate(self.outsides)]

    def pair(self, p, V, U):
        v, o = V[:, self.centres[p]], self.outsides[p]
        return negative_sampling(v, o, U, self.negatives[p]) if self.negatives[p] else naive_softmax(v, o, U)

    def loss(self, V, U):
        return sum(self.pair(p, V, U) for p in range(len(self.centres))) / self.windows

    def ours(self):
        """(loss, gradients with respect to V and U as columns) from word2vec.py."""
        pairs = [
            [c, self.words + o, *(self.words + w for w in negatives)]
            for c, o, negatives in zip(self.centres, self.outsides, self.negatives, strict=True)
        ]
        batch = Minibatch(np.array(pairs), self.windows)
        loss, grad = minibatchLossAndGradient(np.concatenate([self.V.T, self.U.T]), batch)
        dense = np.asarray(grad)
        return loss, dense[: self.words].T, dense[self.words :].T


@pytest.mark.parametrize("K", [0, 1, 3])
@cases
def test_equation_55_loss_of_a_minibatch(case, K):
    batch = Batch(case, K)
    per_window = [[0, 1], [2], [3, 4]]
    mean = sum(sum(batch.pair(p, batch.V, batch.U) for p in window) for window in per_window) / 3
    np.testing.assert_allclose(mean, batch.loss(batch.V, batch.U), **EXACT)
    np.testing.assert_allclose(mean, batch.ours()[0], **EXACT)


@pytest.mark.parametrize("K", [1, 3])
@cases
def test_equation_56_rows_of_the_gradient(case, K):
    batch = Batch(case, K)
    B, pairs = batch.windows, range(len(batch.centres))
    targets = [[batch.outsides[p], *batch.negatives[p]] for p in pairs]
    scores = [[batch.U[:, w] @ batch.V[:, batch.centres[p]] for w in targets[p]] for p in pairs]
    delta = [[sigma(s) - (k == 0) for k, s in enumerate(of_pair)] for of_pair in scores]
    by_u, by_v = np.zeros(batch.U.shape), np.zeros(batch.V.shape)
    for w in range(case.words):
        for p in pairs:
            for k in range(K + 1):
                if targets[p][k] == w:
                    by_u[:, w] += delta[p][k] * batch.V[:, batch.centres[p]] / B
                if batch.centres[p] == w:
                    by_v[:, w] += delta[p][k] * batch.U[:, targets[p][k]] / B
    np.testing.assert_allclose(by_u, gradient(lambda U: batch.loss(batch.V, U), batch.U), **EXACT)
    np.testing.assert_allclose(by_v, gradient(lambda V: batch.loss(V, batch.U), batch.V), **EXACT)
    np.testing.assert_allclose(batch.ours()[1], by_v, **EXACT)
    np.testing.assert_allclose(batch.ours()[2], by_u, **EXACT)


@cases
def test_equation_57_naive_softmax_of_many_pairs(case):
    batch = Batch(case, K=0)
    by_v, by_U = np.zeros(batch.V.shape), np.zeros(batch.U.shape)
    for c in set(batch.centres):
        counts = np.zeros(case.words)
        for centre, outside in zip(batch.centres, batch.outsides, strict=True):
            counts[outside] += centre == c
        excess = counts.sum() * y_hat(batch.V[:, c], batch.U) - counts
        by_v[:, c] = batch.U @ excess / batch.windows
        by_U += np.outer(batch.V[:, c], excess) / batch.windows
    np.testing.assert_allclose(by_v, gradient(lambda V: batch.loss(V, batch.U), batch.V), **EXACT)
    np.testing.assert_allclose(by_U, gradient(lambda U: batch.loss(batch.V, U), batch.U), **EXACT)
    np.testing.assert_allclose(batch.ours()[1], by_v, **EXACT)
    np.testing.assert_allclose(batch.ours()[2], by_U, **EXACT)


# Why it works


@cases
def test_equation_58_logistic_regression(case):
    words = [case.o, *case.repeated]
    labels = [1, *(0 for _ in case.repeated)]
    scores = np.array([case.U[:, w] @ case.v for w in words])

    def cross_entropy(s):
        return -sum(y * np.log(sigma(x)) + (1 - y) * np.log(1 - sigma(x)) for x, y in zip(s, labels, strict=True))

    dataset = Prescribed(case.repeated)
    ours = negSamplingLossAndGradient(case.v, case.o, case.U.T, dataset, K=len(case.repeated))[0]
    np.testing.assert_allclose(cross_entropy(scores), ours, **EXACT)
    np.testing.assert_allclose(sigma(scores) - labels, gradient(cross_entropy, scores), **EXACT)


def expected_loss(s, seen, centre, K, noise):
    """Equation 59."""
    return -seen * math.log(sigma(s)) - K * centre * noise * math.log(sigma(-s))


def test_equation_59_mean_over_the_draws():
    """All draws of K = 2 negatives from three words, weighted by their probability, against the formula, by score."""
    seen, noise, K = [3, 1, 2], [0.2, 0.5, 0.3], 2  # how often the centre word is seen with each word
    scores = np.array([0.3, -0.7, 1.1])
    total = 0.0
    for o in range(3):
        for first in range(3):
            for second in range(3):
                loss = -math.log(sigma(scores[o])) - math.log(sigma(-scores[first])) - math.log(sigma(-scores[second]))
                total += seen[o] * noise[first] * noise[second] * loss
    by_score = sum(expected_loss(scores[w], seen[w], sum(seen), K, noise[w]) for w in range(3))
    assert total == pytest.approx(by_score, rel=1e-13)


@given(st.integers(1, 50), st.integers(50, 500), st.integers(1, 20), st.floats(0.01, 0.5))
def test_equation_60_optimum_is_pmi_less_log_K(seen, centre, K, noise):
    best = minimize_scalar(expected_loss, args=(seen, centre, K, noise), bracket=(-5, 5), tol=1e-10).x
    analytic = math.log(seen / (centre * noise)) - math.log(K)
    assert best == pytest.approx(analytic, abs=1e-5)  # a minimum is found to the square root of the last digit


def test_equation_60_a_trained_model_arrives_at_pmi_less_log_K():
    W = np.array([[8, 4, 2], [4, 6, 5], [2, 5, 9]])
    joint = W / W.sum()
    noise, K = joint.sum(axis=0), 3
    pmi = np.log(joint / np.outer(joint.sum(axis=1), noise))
    V, U = np.random.default_rng(0).normal(size=(2, 3, 3))  # three dimensions for three words: room for any scores
    for _ in range(20_000):
        scores = V.T @ U
        delta = joint * (sigma(scores) - 1) + K * np.outer(joint.sum(axis=1), noise) * sigma(scores)  # of (59)
        V, U = V - U @ delta.T, U - V @ delta
    np.testing.assert_allclose(V.T @ U, pmi - math.log(K), atol=1e-6)
    np.testing.assert_allclose(room.pmi(W, shift_k=K).toarray(), pmi - math.log(K), rtol=1e-13)


def test_equation_61_noise_distribution(write_treebank, tmp_path):
    folder = write_treebank(tmp_path / "treebank", ["a b c d"] * 3 + ["a b a e f"] * 40)
    dataset = StanfordSentiment(folder, tablesize=100_000)
    counts = dataset.counts()
    expected = np.array([count**0.75 for count in counts])
    shares = np.bincount(dataset.sampleTable(), minlength=len(counts)) / 100_000
    # A word's share of the table is cut off to a whole entry at either end.
    np.testing.assert_allclose(shares, expected / expected.sum(), atol=2e-5)
    assert NOISE_POWER == 0.75
    p = 0.01**0.75 / (0.01**0.75 + 0.99**0.75)
    assert f"{p:.2f}" == "0.03"


def test_equation_61_the_figures_of_the_page(sst_folder):
    dataset = StanfordSentiment(sst_folder)
    counts, the = dataset.counts(), dataset.tokens()["the"]
    noise = counts**0.75 / (counts**0.75).sum()
    assert [f"{counts[the] / counts.sum():.1%}", f"{noise[the]:.1%}"] == ["4.5%", "1.4%"]
    five = [dataset.tokens()[word] for word in (".", ",", "the", "a", "and")]
    assert round(counts[five].sum() / counts.sum(), 1) == 0.2
    assert 0.45 < (counts == 1).mean() < 0.5


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=6))
def test_equation_62_smoothing_lowers_pmi_with_rare_contexts(frequencies):
    p = np.array(frequencies) / sum(frequencies)
    smoothed = p**0.75 / sum(x**0.75 for x in p)
    assert smoothed.sum() == pytest.approx(1, rel=1e-14)
    change = -np.log(smoothed / p)  # PMI_3/4 - PMI, in each column
    order = np.argsort(frequencies)
    assert (np.diff(change[order]) >= -1e-12).all()  # the rarer the context, the more it loses
    assert change[order[0]] <= 1e-12
    if len(set(frequencies)) > 1:
        assert change[order[0]] < 0 < change[order[-1]]


def test_equation_62_is_the_optimum_with_the_smoothed_noise():
    W = np.array([[8, 4, 20], [4, 6, 5], [2, 5, 9]])
    joint = W / W.sum()
    p_c = joint.sum(axis=0)
    smoothed = p_c**0.75 / (p_c**0.75).sum()
    for t in range(3):
        for c in range(3):
            best = minimize_scalar(expected_loss, args=(W[t, c], W[t].sum(), 5, smoothed[c]), bracket=(-5, 5)).x
            pmi = math.log(joint[t, c] / (joint[t].sum() * smoothed[c]))
            assert best == pytest.approx(pmi - math.log(5), abs=1e-5)
            assert room.pmi(W, cds=0.75, shift_k=5).toarray()[t, c] == pytest.approx(pmi - math.log(5), rel=1e-13)


def kept(dataset):
    """Share of the occurrences of each word that stay: (63) with the frequencies of the data set."""
    frequencies = dataset.counts() / dataset.counts().sum()
    return np.array([1 - max(0, 1 - math.sqrt(1e-5 / f)) for f in frequencies]), frequencies


def test_equation_63_probability_of_dropping_a_word(write_treebank, tmp_path):
    dataset = StanfordSentiment(write_treebank(tmp_path / "treebank", ["a b c d"] * 3 + ["a b a e f"] * 40))
    np.testing.assert_allclose(dataset.rejectProb(), 1 - kept(dataset)[0], rtol=1e-12)
    assert SUBSAMPLING_THRESHOLD == 1e-5


def test_equation_63_the_figures_of_the_page(sst_folder):
    dataset = StanfordSentiment(sst_folder)
    stay, frequencies = kept(dataset)
    np.testing.assert_allclose(dataset.rejectProb(), 1 - stay, rtol=1e-9, atol=1e-15)
    assert f"{stay[dataset.tokens()['the']]:.1%}" == "1.5%"
    assert f"{frequencies @ stay:.0%}" == "23%"
    assert dataset.counts()[stay == 1].max() == 2


@given(st.floats(1e-7, 1), st.floats(1e-6, 1e-3))
def test_equation_64_share_that_remains(f, t):
    remains = f * (1 - max(0, 1 - math.sqrt(t / f)))
    assert remains == pytest.approx(min(f, math.sqrt(t * f)), rel=1e-9)
    if f > t and 100 * f <= 1:
        hundredfold = 100 * f * (1 - max(0, 1 - math.sqrt(t / (100 * f))))
        assert hundredfold == pytest.approx(10 * remains, rel=1e-9)


def test_equation_65_the_step_is_halved_every_20000_iterations():
    steps = []

    def slope(x):
        steps.append(x)
        return 0.0, 1.0

    steps.append(sgd(slope, 0.0, 0.5, 40002, PRINT_EVERY=10**9))
    taken = -np.diff(steps)
    for i in (1, 2, 19999, 20000, 20001, 40000, 40001, 40002):
        assert taken[i - 1] == pytest.approx(0.5 * 2.0 ** -((i - 1) // 20000), rel=1e-9)


@pytest.mark.parametrize("alpha, h, tau", [(0.3, 1.0, 2.0), (0.15, 1.0, 2.0), (0.1, 4.0, 0.5)])
def test_equation_66_how_far_a_constant_step_hovers(alpha, h, tau):
    q = 0.0
    for _ in range(2000):  # of the variance, exactly
        q = (1 - alpha * h) ** 2 * q + alpha**2 * tau**2
    assert q == pytest.approx(alpha * tau**2 / (h * (2 - alpha * h)), rel=1e-12)

    # ... and of 40,000 descents by our optimiser, all at once; the variance of so many is known to 0.7 %.
    rng = np.random.default_rng(0)

    def noisy(x):
        return 0.0, h * x + tau * rng.normal(size=x.shape)

    x = sgd(noisy, np.zeros(40_000), alpha, 100, PRINT_EVERY=10**9)
    assert x.var() == pytest.approx(q, rel=0.03)


def test_equation_66_halving_a_small_step_halves_the_variance():
    def q(alpha):
        return alpha / (2 - alpha)

    assert q(0.005) / q(0.01) == pytest.approx(0.5, rel=0.01)
    assert q(0.01) == pytest.approx(0.01 / 2, rel=0.01)
