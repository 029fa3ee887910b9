"""The losses that are printed, against a training in plain loops: the handout's draws, one pair, one number at a time.

Nothing of the project but its command is used: draws come from `loops.Loops`, losses and gradients are sums of Python's
floats, and the smoothed loss is computed apart, as a weighted sum of all losses before it.
"""

import json
import math
import random
import re
import sys

import numpy as np
import pytest
from loops import Loops

import run
from utils.minibatches.handout import Minibatch
from word2vec import minibatchLossAndGradient

SETTINGS = {"dim": 3, "window": 4, "batch": 6, "step": 0.7, "seed": 5}
K = 4
ITERATIONS = 30


def dot(u, v):
    return sum(a * b for a, b in zip(u, v, strict=True))


def negative_sampling(v, outside, U, draw):
    """Equation 27 as it stands: (loss, derivative with respect to the score of each word)."""
    loss, deltas = 0.0, []
    negatives = []
    while len(negatives) < K:
        negative = draw()
        if negative != outside:
            negatives.append(negative)
    for word, sign in ((outside, 1), *((negative, -1) for negative in negatives)):
        sigma = 1 / (1 + math.exp(-sign * dot(U[word], v)))
        loss -= math.log(sigma)
        deltas.append((word, sign * (sigma - 1)))
    return loss, deltas


def naive_softmax(v, outside, U, draw):
    """Equations 1 and 2 as they stand."""
    exponentials = [math.exp(dot(u, v)) for u in U]
    total = math.fsum(exponentials)
    deltas = [(word, e / total - (word == outside)) for word, e in enumerate(exponentials)]
    return -math.log(exponentials[outside] / total), deltas


LOSSES = {"negative-sampling": negative_sampling, "naive-softmax": naive_softmax}


def trained(folder, loss_of_pair, *, dim, window, batch, step, seed):
    """The loss of each iteration, in plain loops, and the vectors after the last one."""
    dataset = Loops(folder, 1_000_000)
    V = len(dataset.tokens)
    random.seed(seed)
    np.random.seed(seed)
    centres, U = ((np.random.rand(V, dim) - 0.5) / dim).tolist(), [[0.0] * dim for _ in range(V)]
    losses = []
    for _ in range(ITERATIONS):
        pair_losses, gradient = [], {}
        for _ in range(batch):
            size = random.randint(1, window)
            centre, outsides = dataset.getRandomContext(size)
            centre = dataset.tokens[centre]
            v = centres[centre]
            for outside in outsides:
                loss, deltas = loss_of_pair(v, dataset.tokens[outside], U, dataset.sampleTokenIdx)
                pair_losses.append(loss)
                for word, delta in deltas:
                    add(gradient, (0, centre), delta, U[word])
                    add(gradient, (1, word), delta, v)
        losses.append(math.fsum(pair_losses) / batch)
        for (half, word), sums in gradient.items():
            row = (centres, U)[half][word]
            row[:] = [number - step * total / batch for number, total in zip(row, sums, strict=True)]
    return losses, centres + U


def add(gradient, row, delta, vector):
    sums = gradient.setdefault(row, [0.0] * len(vector))
    for i, number in enumerate(vector):
        sums[i] += delta * number


def smoothed(losses):
    """The handout's smoothed loss after the last of these: each weighs 5 % of what those after it have left over."""
    first, *others = losses
    return math.fsum(
        (0.95 ** len(others) * first, *(0.05 * 0.95**age * loss for age, loss in enumerate(reversed(others))))
    )


@pytest.fixture(scope="module")
def plain(sample_folder):
    """The plain training of each loss, computed once."""
    computed = {}

    def get(loss):
        if loss not in computed:
            computed[loss] = trained(sample_folder, LOSSES[loss], **SETTINGS)
        return computed[loss]

    return get


@pytest.fixture
def command(sample_folder, tmp_path, monkeypatch):
    """Train by the command, as far as asked: command("naive-softmax", iterations=7)."""
    monkeypatch.setattr(run, "draw", lambda *arguments: None)

    def call(loss, *more, iterations=ITERATIONS):
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        options += [f"--negatives={K}"] if loss == "negative-sampling" else []
        options += ["--data", str(sample_folder), "--out", str(tmp_path), "--loss", loss, *more]
        assert run.main([*options, "--iterations", str(iterations)]) == 0

    return call


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_printed_is_the_smoothed_loss_of_the_same_draws(plain, command, tmp_path, capsys, loss, every):
    losses, vectors = plain(loss)
    command(loss, "--print-every", str(every))
    out = capsys.readouterr().out
    reported = losses[every - 1 :: every]
    expected = [f"iter {(i + 1) * every}: {smoothed(reported[: i + 1]):.6f}" for i in range(len(reported))]
    assert re.findall("iter .*", out) == expected
    assert f"final loss: {smoothed(reported):.6f} (smoothed)" in out
    params = np.load(tmp_path / f"saved_params_{ITERATIONS}.npy")
    # The same sums in another order.
    np.testing.assert_allclose(params, vectors, rtol=0, atol=1e-12)


def test_the_smoothed_loss_goes_on_where_a_run_is_continued(plain, command, tmp_path, capsys):
    losses, _ = plain("negative-sampling")
    command("negative-sampling", "--print-every", "2", iterations=11)
    capsys.readouterr()
    command("negative-sampling", "--print-every", "2")
    reported = losses[1::2]
    expected = [f"iter {2 * i}: {smoothed(reported[:i]):.6f}" for i in range(6, 16)]
    assert re.findall("iter .*", capsys.readouterr().out) == expected
    state = json.loads((tmp_path / f"saved_state_{ITERATIONS}.json").read_text(encoding="utf-8"))
    assert state["loss"] == pytest.approx(smoothed(reported), rel=1e-13)


def test_the_progress_bar_shows_the_same_number(plain, command, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    command("negative-sampling")
    reported = plain("negative-sampling")[0][9::10]
    assert f"loss={smoothed(reported):.6f}" in capsys.readouterr().err.split("\r")[-1]


@pytest.mark.parametrize("K", [0, 5])
def test_the_loss_of_a_minibatch_is_the_mean_over_its_windows_in_double_precision(K):
    """Thousands of losses: in single precision, the sum would be wrong from the eighth digit on."""
    rng = np.random.default_rng(3)
    V, d, P, windows = 50, 4, 4000, 1300
    x = rng.standard_normal((2 * V, d))
    pairs = rng.integers(V, size=(P, K + 2)) + np.array([0, *[V] * (K + 1)])
    batch = Minibatch(pairs, windows)
    losses = []
    for v, *us in x[pairs].tolist():
        if K:
            losses += [math.log1p(math.exp(-dot(us[0], v))), *(math.log1p(math.exp(dot(u, v))) for u in us[1:])]
        else:
            losses.append(math.log(math.fsum(math.exp(dot(u, v)) for u in x[V:].tolist())) - dot(us[0], v))
    got, gradient = minibatchLossAndGradient(x, batch)
    assert np.asarray(got).dtype == gradient.dtype == np.float64
    assert got == pytest.approx(math.fsum(losses) / windows, rel=1e-13)
