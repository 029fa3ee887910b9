"""docs/derivations.md, section 9. A test has its equation's number."""

import numpy as np
import pytest
from derivations import EXACT, gradient
from scipy.sparse import csr_array

from utils.corpus.ids import Corpus
from utils.counting.cooccurrence import cooccurrence
from utils.counting.glove import Settings, Trainer
from utils.counting.pmi import pmi
from utils.counting.tiles import Batches, Cells, Tile

D = 3
A, B, C = range(3)
TEXT = [A, B, A, C]
# On paper, window 2: A and B are neighbours twice, A and C once; two words apart are A and A, and B and C. The pair of
# A with itself counts from both of its ends.
COUNTS = np.array([[1, 2, 1], [2, 0, 0.5], [1, 0.5, 0]])
FULL = np.array([[4.0, 2.0, 30.0], [1.0, 3.0, 0.5], [12.0, 0.25, 7.0]])  # not symmetric, no cell empty
RNG = np.random.default_rng(5)
U, V = RNG.normal(size=(3, D)), RNG.normal(size=(3, D))
BIAS_U, BIAS_V = RNG.normal(size=3), RNG.normal(size=3)


def trained(counts, kind=Tile, **settings):
    """A trainer whose batches are of one kind, and parameters of it in which words have the vectors above."""
    trainer = Trainer(csr_array(counts), Settings(**{"dim": D, "dtype": "float64", **settings}))
    order = trainer.order
    if kind is Cells:
        trainer.batches = Batches(csr_array(csr_array(counts)[order][:, order]), np.float64, full=2)
        trainer.batches.lists = trainer.batches.panels  # all in one batch
    x = trainer.initial()
    x[0, 0, :, :D], x[0, 1, :, :D] = U[order], V[order]
    x[0, 0, :, D], x[0, 1, :, D + 1] = BIAS_U[order], BIAS_V[order]
    return trainer, x


def stepped(counts, kind=Tile, **settings):
    """The only step of an iteration: its cost, and how centre and outside vectors and biases have moved."""
    trainer, x = trained(counts, kind, **settings)
    before = x.copy()
    (batch,) = trainer.shuffled(0)
    assert type(batch) is kind
    cost = trainer.step(x, batch)
    change = before - x
    moved = trainer.stacked(change).reshape(2, 3, D)
    return cost, (*moved, *trainer.biases(change))


def f(x, x_max=10, a=0.75):
    return min(1, (x / x_max) ** a)


def loss(U, V, b, c, counts):
    """Equation 72, one cell at a time."""
    cells = [(i, j) for i, j in np.ndindex(counts.shape) if counts[i, j] > 0]
    return sum(f(counts[i, j]) * (U[i] @ V[j] + b[i] + c[j] - np.log(counts[i, j])) ** 2 for i, j in cells)


def of_one(parameters, place, counts):
    """The loss as a function of one of the four parameters, the others as given."""
    return lambda x: loss(*(x if k == place else other for k, other in enumerate(parameters)), counts)


kinds = pytest.mark.parametrize("kind", [Tile, Cells])
tables = pytest.mark.parametrize("counts", [COUNTS, FULL], ids=["paper", "full"])


@kinds
@tables
def test_equation_72_loss(counts, kind):
    corpus = Corpus(np.array(TEXT, np.int32), np.array([0, len(TEXT)]))
    np.testing.assert_allclose(cooccurrence(corpus, 2, "harmonic", V=3).toarray(), COUNTS, rtol=0)
    cost, _ = stepped(counts, kind)
    assert cost == pytest.approx(loss(U, V, BIAS_U, BIAS_V, counts) / 2, rel=1e-13)


def test_equation_73_weight():
    assert f(10) == f(1000) == 1
    assert f(5) == 0.5**0.75
    for x_max, alpha in ((10, 0.75), (2, 0.75), (10, 0.5), (10, 0)):
        trainer, _ = trained(FULL, x_max=x_max, alpha=alpha)
        (batch,) = trainer.shuffled(0)
        weights = batch.spread(trainer.weights(batch.values))  # (3, 3), rows and columns in the order of training
        wanted = [[f(x, x_max, alpha) for x in row] for row in FULL[trainer.order][:, trainer.order]]
        np.testing.assert_allclose(weights, wanted, rtol=1e-14)


@kinds
@tables
def test_equation_74_gradients(counts, kind):
    rate = 1e-4  # small enough for (77) to change nothing; the first sums of (76) are 1
    _, moved = stepped(counts, kind, step=rate)
    parameters = [U, V, BIAS_U, BIAS_V]
    for place, change in enumerate(moved):
        by_hand = gradient(of_one(parameters, place, counts), parameters[place]) / 2
        # What is taken off a number near 1 is known to 1e-16, divided by the rate to 1e-12.
        np.testing.assert_allclose(change / rate, by_hand, rtol=1e-11, atol=1e-11)


def test_equation_75_pmi_and_biases():
    scores = pmi(FULL).toarray()
    logs = np.log(FULL.sum(axis=1)), np.log(FULL.sum(axis=0))
    half = np.log(FULL.sum()) / 2
    np.testing.assert_allclose(np.log(FULL), scores + logs[0][:, None] + logs[1] - 2 * half, **EXACT)
    # With these vectors and biases nothing is left of the loss.
    assert loss(scores, np.eye(3), logs[0] - half, logs[1] - half, FULL) < 1e-25
    assert loss(scores, np.eye(3), logs[0], logs[1] - half, FULL) > 1


@kinds
def test_equation_76_adagrad(kind):
    trainer, x = trained(FULL, kind, step=0.02)
    parameters = [U, V, BIAS_U, BIAS_V]
    sums = [np.ones(p.shape) for p in parameters]
    for _ in range(3):
        (batch,) = trainer.shuffled(0)
        trainer.step(x, batch)
        gradients = [gradient(of_one(parameters, k, FULL), old) / 2 for k, old in enumerate(parameters)]
        parameters = [p - 0.02 * g / np.sqrt(s) for p, g, s in zip(parameters, gradients, sums, strict=True)]
        sums = [s + (0.02 * g) ** 2 for g, s in zip(gradients, sums, strict=True)]
    assert max(s.max() for s in sums) > 1.01  # they matter
    found = (*trainer.stacked(x[:1]).reshape(2, 3, D), *trainer.biases(x))
    for here, wanted in zip(found, parameters, strict=True):
        np.testing.assert_allclose(here, wanted, rtol=1e-11, atol=1e-11)


@kinds
def test_equation_77_no_row_goes_beyond_its_minimum(kind):
    _, moved = stepped(FULL, kind, step=0.02)
    _, far = stepped(FULL, kind, step=100.0)
    for i in range(3):

        def along(t, i=i):
            """Half the loss when row i alone has gone t of its way."""
            U_t, b_t = U + 0 * t, BIAS_U + 0 * t
            U_t[i] -= t * far[0][i]
            b_t[i] -= t * far[2][i]
            return loss(U_t, V, b_t, BIAS_V, FULL) / 2

        slopes = [gradient(along, np.array(t)) for t in (0.0, 1.0)]
        assert slopes[0] < 0
        if kind is Tile:  # it goes just there
            assert abs(slopes[1]) < 1e-9 * abs(slopes[0])
        else:
            assert slopes[1] < 1e-9 * abs(slopes[0])
        # The first step of (76) has the direction of the gradient: a short one is shorter, and no other.
        shares = moved[0][i] / far[0][i]
        assert 0 < shares[0] < 1
        np.testing.assert_allclose(shares, shares[0], rtol=1e-9)
