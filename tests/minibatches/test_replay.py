"""The replay of the handout's stream, piece by piece, against plain loops over `random`."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.corpus.ids import Corpus
from utils.minibatches import ahead, replay
from utils.minibatches.decoding import TRUST, Choices
from utils.minibatches.handout import draw_minibatch
from utils.minibatches.replay import Replay


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
        assert got.pairs.tolist() == batch.pairs.tolist()
        assert got.windows == batch.windows
    assert random.getstate() == state
    return replayed


# The largest row is 2 V - 1; rows are kept in 8, 16 or 32 bits.
@pytest.mark.parametrize("V", [2, 3, 127, 128, 2**15 - 1, 2**15, 70_000])
@pytest.mark.parametrize("K", [0, 3])
def test_minibatches_of_any_vocabulary_are_those_of_the_loop(V, K):
    assert_same_minibatches(text(V, 300, 9), table_of(V), 4, 10, K, V, 20)


def test_negatives_that_are_often_the_outside_word():
    """A third of the table is one word, which is a third of the text: a draw is often repeated, and repeated again."""
    corpus, table = text(3, 50, 20), table_of(3)
    assert (table == 1).mean() > 0.3
    assert assert_same_minibatches(corpus, table, 5, 20, 8, 3, 15)._decoder.trust <= 0  # no guessing in the end


def test_where_few_guesses_are_wrong_guessing_goes_on():
    assert assert_same_minibatches(text(5000, 300, 9), table_of(5000), 4, 10, 3, 5000, 200)._decoder.trust > TRUST


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
    assert next(started[0]).pairs.dtype == np.uint32
