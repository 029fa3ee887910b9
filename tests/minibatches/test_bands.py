"""Bands of text, against loops over words and their windows."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.corpus.ids import Corpus
from utils.minibatches import bands as module
from utils.minibatches.bands import BLOCK, bands, chances, drawn, rooms, thin_out


def corpus_of(sentences):
    offsets = np.concatenate(([0], np.cumsum([len(sentence) for sentence in sentences]))).astype(np.int64)
    return Corpus(np.array([i for sentence in sentences for i in sentence], dtype=np.int32), offsets)


def looped(sentences, C, reach=None):
    """{(centre, outside): weight} by places in the text, one window at a time; copies of the centre left out."""
    found, begin = {}, 0
    for sentence in sentences:
        for i, centre in enumerate(sentence):
            for j, outside in enumerate(sentence):
                apart = abs(i - j)
                if 0 < apart <= (C if reach is None else reach[begin + i]) and outside != centre:
                    found[begin + i, begin + j] = (C + 1 - apart) / C if reach is None else 1
        begin += len(sentence)
    return found


def pairs_of(corpus, band):
    """{(centre, outside): weight} of a band, read off its weights; they hold the words that its tiles hold."""
    t, S, W = band.shape
    C = len(band.weights) // 2
    assert band.n % BLOCK == 0 and t * S == band.n and W == S + 2 * C
    rows, centres = np.nonzero(band.weights)
    tiles = np.zeros(band.shape)
    band.diagonals(tiles)[:] = band.weights.reshape(2 * C + 1, t, S)
    tile, row, column = np.nonzero(tiles)
    in_tiles = zip(band.centres()[tile * S + row], band.candidates()[tile, column], strict=True)
    places = band.begin + centres, band.begin + centres + rows - C
    assert Counter(in_tiles) == Counter(zip(*(corpus.ids[where] for where in places), strict=True))
    weights = band.weights[rows, centres]
    return dict(zip(zip(*(where.tolist() for where in places), strict=True), weights.tolist(), strict=True))


texts = st.lists(st.lists(st.integers(0, 5), max_size=9), max_size=8)
sizes = st.lists(st.integers(1, 300), max_size=4)
long_texts = sizes.map(lambda sizes: [[(i * i) % 7 for i in range(n)] for n in sizes])


@settings(max_examples=30)  # the loop goes over all pairs of words
@given(st.one_of(texts, long_texts), st.integers(1, 40), st.sampled_from([1, 64, 100, 1000]))
def test_a_window_is_that_of_the_loop(sentences, C, words):
    corpus, found = corpus_of(sentences), {}
    for band in bands(corpus, rooms(corpus, C), lambda farthest: chances(C, farthest), words, np.float64):
        found |= pairs_of(corpus, band)
    assert found == pytest.approx(looped(sentences, C), rel=1e-14)


@settings(max_examples=30)  # the loop goes over all pairs of words
@given(st.one_of(texts, long_texts), st.integers(1, 40), st.integers(0, 3))
def test_a_drawn_window_is_that_of_the_loop(sentences, C, seed):
    corpus, found = corpus_of(sentences), {}
    windows = drawn(rooms(corpus, C), C, np.random.default_rng(seed))
    for band in bands(corpus, windows, lambda farthest: np.ones(farthest + 1), 100):
        found |= pairs_of(corpus, band)
    reach = 1 + np.floor(np.random.default_rng(seed).random(len(corpus.ids)) * C)
    assert found == looped(sentences, C, reach)


@given(st.integers(1, 10), st.integers(0, 9))
def test_chances_are_those_of_reaches_drawn_from_1_to_C(C, apart):
    expected = np.mean([apart <= reach for reach in range(1, C + 1)])
    if 0 < apart <= C:
        assert chances(C, apart)[apart] == pytest.approx(expected, rel=1e-14)


def test_every_reach_is_equally_likely():
    corpus = corpus_of([list(range(30_000))])
    left, right = drawn(rooms(corpus, 5), 5, np.random.default_rng(0))
    middle = slice(10, -10)
    assert (left[middle] == right[middle]).all()
    # Five standard deviations.
    shares = np.bincount(left[middle])[1:] / (30_000 - 20)
    assert shares == pytest.approx(np.full(5, 0.2), abs=5 * np.sqrt(0.16 / 30_000))


@pytest.mark.parametrize("C", [10_000, 10**10, 10**400])
def test_a_long_window_costs_what_the_sentences_allow(C):
    corpus = corpus_of([list(range(n)) for n in (2, 8, 5, 3)] * 3000)
    windows = drawn(rooms(corpus, C), C, np.random.default_rng(0))
    for some in (rooms(corpus, C), windows):
        widths = {band.shape for band in bands(corpus, some, lambda farthest: chances(C, farthest), 1024)}
        assert {W - S for _, S, W in widths} == {14}  # as with a window of 7
    assert chances(C, 7)[7] == pytest.approx(1, abs=1e-3)


def test_the_memory_of_long_windows_in_long_sentences_is_bounded():
    corpus = corpus_of([list(range(20_000))])
    tracemalloc.start()
    for band in bands(corpus, rooms(corpus, 5_000), lambda farthest: chances(5_000, farthest), 1024):
        t, S, W = band.shape
        assert t * W <= max(module.MOST_CANDIDATES * 1024, W) and band.n >= BLOCK
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_thinning_out_keeps_the_order_and_drops_short_sentences():
    sentences = [[0, 1, 0, 2], [0, 1], [3], [1, 2, 3]]
    thin = thin_out(corpus_of(sentences), np.array([0, 1, 1, 1], np.float32), np.random.default_rng(0))
    assert thin.ids.tolist() == [1, 2, 1, 2, 3]
    assert thin.offsets.tolist() == [0, 2, 5]


def test_thinning_out_keeps_each_word_with_its_probability():
    corpus = corpus_of([[0, 1] * 1000] * 20)
    thin = thin_out(corpus, np.array([0.2, 0.9], np.float32), np.random.default_rng(0))
    # Five standard deviations of 20,000 draws.
    assert np.bincount(thin.ids) / 20_000 == pytest.approx([0.2, 0.9], abs=5 * np.sqrt(0.25 / 20_000))


@given(texts)
def test_thinning_out_nothing_keeps_all_longer_sentences(sentences):
    thin = thin_out(corpus_of(sentences), np.ones(6, np.float32), np.random.default_rng(0))
    assert [thin.sentence(s) for s in range(len(thin))] == [s for s in sentences if len(s) > 1]
