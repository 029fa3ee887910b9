"""The replay of the handout's stream, piece by piece, against plain loops over `random`."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.corpus.ids import Corpus
from utils.minibatches import ahead, replay
from utils.minibatches.decoding import Choices
from utils.minibatches.handout import Minibatch, draw_minibatch
from utils.minibatches.replay import Replay
from utils.minibatches.rowsums import RowSums


@given(st.integers(1, 2**32 - 1), st.lists(st.integers(0, 2**32 - 1), max_size=30), st.integers(0, 40))
def test_a_choice_is_what_the_loop_of_randint_makes_of_the_outputs(n, outputs, rejected):
    """CPython's `_randbelow`: as many of the top bits as n has, again while they are not below n."""
    outputs = [2**32 - 1] * rejected + outputs  # the longest run is one that no choice accepts
    choices = Choices(np.array([*outputs, 0], dtype=np.uint32), n)
    bits = n.bit_length()
    for place in range(len(outputs)):
        at = place
        while at < len(outputs) and outputs[at] >> (32 - bits) >= n:
            at += 1
        places = np.array([place])
        assert choices.accepted(places).tolist() == [at]
        assert choices.chosen(np.array([at])).tolist() == [outputs[at] >> (32 - bits) if at < len(outputs) else 0]


def text(V, sentences, length, seed=0):
    rng = np.random.default_rng(seed)
    ids = rng.integers(V, size=sentences * length).astype(np.int32)
    ids[-1] = V - 1  # the largest id of all
    return Corpus(ids, np.arange(0, len(ids) + 1, length))


def table_of(V, size=3000):
    table = np.sort(np.random.default_rng(1).integers(V, size=size)).astype(np.int32)
    table[-1] = V - 1
    return table


def assert_same_minibatches(corpus, table, C, windows, K, V, n):
    random.seed(6)
    drawn = [
        draw_minibatch(lambda: corpus, lambda: table[random.randrange(len(table))].item(), C, windows, K, V)
        for _ in range(n)
    ]
    state = random.getstate()
    random.seed(6)
    replayed = Replay(corpus, table, C, windows, K, V)
    for batch in drawn:
        got = replayed.minibatch()
        assert got.centres.tolist() == batch.centres.tolist()
        assert got.targets.tolist() == batch.targets.tolist()
        assert sorted(got.rows.tolist()) == sorted({*batch.centres.tolist(), *batch.targets.ravel().tolist()})
        assert got.rows[got.places].tolist() == [*batch.targets.ravel().tolist(), *batch.centres.tolist()]
    assert random.getstate() == state


# The largest row is 2 V - 1; rows are kept in 8, 16 or 32 bits.
@pytest.mark.parametrize("V", [2, 3, 127, 128, 2**15 - 1, 2**15, 70_000])
@pytest.mark.parametrize("K", [0, 3])
def test_minibatches_of_any_vocabulary_are_those_of_the_loop(V, K):
    assert_same_minibatches(text(V, 300, 9), table_of(V), 4, 10, K, V, 20)


def test_negatives_that_are_often_the_outside_word():
    """A third of the table is one word, which is a third of the text: a draw is often repeated, and repeated again."""
    corpus, table = text(3, 50, 20), table_of(3)
    assert (table == 1).mean() > 0.3
    assert_same_minibatches(corpus, table, 5, 20, 8, 3, 15)


def test_a_minibatch_of_more_outputs_than_are_decoded_at_a_time(monkeypatch):
    monkeypatch.setattr("utils.minibatches.decoding.MOST_OUTPUTS", 1 << 12)
    assert_same_minibatches(text(500, 300, 9), table_of(500), 5, 200, 10, 500, 2)


def test_a_second_process_sends_the_same_minibatches_of_a_large_vocabulary(monkeypatch):
    started = []
    elsewhere = ahead.elsewhere
    monkeypatch.setattr(replay, "WORTH_A_PROCESS", 1 << 13)
    monkeypatch.setattr(ahead, "usable_cores", lambda: 2)
    monkeypatch.setattr(ahead, "elsewhere", lambda stretches: started.append(elsewhere(stretches)) or started[-1])
    assert_same_minibatches(text(70_000, 300, 9), table_of(70_000), 4, 10, 3, 70_000, 60)
    assert len(started) == 1
    assert next(started[0]).rows.dtype == np.uint32


# Adding up the gradients of pairs


@pytest.mark.parametrize("d", [1, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_by_row_of_minibatches_of_different_sizes(d, dtype):
    """One after the other with the same matrix, the largest in between: nothing is left over from one to the next."""
    rng = np.random.default_rng(5)
    sums = RowSums(30, 9)
    for P, width, R in [(4, 3, 7), (9, 3, 30), (1, 3, 3), (4, 3, 5), (6, 2, 30), (4, 3, 7)]:
        places = rng.integers(R, size=P * (width + 1)).astype(np.int32)
        weights = rng.standard_normal((P, width)).astype(dtype)
        v, grad_v = rng.standard_normal((2, P, d)).astype(dtype)
        expected = np.zeros((30, d))
        for p in range(P):
            for k in range(width):
                expected[places[p * width + k]] += 0.25 * weights[p, k] * v[p].astype(float)
            expected[places[P * width + p]] += 0.25 * grad_v[p]
        # Sums of a few dozen numbers of size one, in double precision.
        np.testing.assert_allclose(sums(places, 0.25, weights, v, grad_v), expected, rtol=0, atol=1e-13)


def test_a_minibatch_of_pairs_knows_them():
    pairs = np.array([[1, 7, 9, 7], [0, 9, 9, 8]])
    batch = Minibatch.of(pairs, 2)
    assert batch.pairs.tolist() == pairs.tolist()
    assert sorted(batch.rows.tolist()) == [0, 1, 7, 8, 9]
    weights, v, grad_v = np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[10.0], [100]]), np.array([[0.5], [0.25]])
    gradient = dict(zip(batch.rows.tolist(), batch.gradient(weights, v, grad_v)[:, 0].tolist(), strict=True))
    assert gradient == {0: 0.125, 1: 0.25, 7: 20.0, 9: 460.0, 8: 300.0}  # the mean over two windows
