"""Windows of whole stretches of text, against loops over their words."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.corpus.ids import Corpus
from utils.minibatches import windows


def corpus_of(sentences):
    offsets = np.concatenate(([0], np.cumsum([len(sentence) for sentence in sentences]))).astype(np.int64)
    return Corpus(np.array([i for sentence in sentences for i in sentence], dtype=np.int32), offsets)


def looped(sentences, C, rng):
    """Centre and outside words of each window, one window at a time."""
    reach = iter(rng.integers(1, C + 1, size=sum(map(len, sentences)), dtype=np.int32))
    found = []
    for sentence in sentences:
        for i, centre in enumerate(sentence):
            size = next(reach)
            around = sentence[max(0, i - size) : i] + sentence[i + 1 : i + size + 1]
            found.append((centre, [word for word in around if word != centre]))
    return found


texts = st.lists(st.lists(st.integers(0, 5), max_size=9), max_size=8)


@given(texts, st.integers(1, 12), st.integers(0, 3))
def test_pairs_are_those_of_the_loop(sentences, C, seed):
    centres, outsides = windows.pairs(corpus_of(sentences), C, np.random.default_rng(seed))
    expected = Counter(
        (centre, outside) for centre, bag in looped(sentences, C, np.random.default_rng(seed)) for outside in bag
    )
    assert Counter(zip(centres.tolist(), outsides.tolist(), strict=True)) == expected


@given(texts, st.integers(1, 12), st.integers(0, 3))
def test_bags_are_those_of_the_loop(sentences, C, seed):
    centres, outsides, offsets = windows.bags(corpus_of(sentences), C, np.random.default_rng(seed))
    bags = [outsides[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    expected = [window for window in looped(sentences, C, np.random.default_rng(seed)) if window[1]]
    assert list(zip(centres.tolist(), bags, strict=True)) == expected


def test_neighbours_come_before_words_further_apart():
    centres, outsides = windows.pairs(corpus_of([[0, 1, 2]]), 2, np.random.default_rng(0))
    apart = np.abs(centres - outsides)
    assert (np.diff(apart) >= 0).all() and set(apart) == {1, 2}


def test_thinning_out_keeps_the_order_and_drops_short_sentences():
    sentences = [[0, 1, 0, 2], [0, 1], [3], [1, 2, 3]]
    thin = windows.thin_out(corpus_of(sentences), np.array([0, 1, 1, 1], np.float32), np.random.default_rng(0))
    assert thin.ids.tolist() == [1, 2, 1, 2, 3]
    assert thin.offsets.tolist() == [0, 2, 5]


def test_thinning_out_keeps_each_word_with_its_probability():
    corpus = corpus_of([[0, 1] * 1000] * 20)
    thin = windows.thin_out(corpus, np.array([0.2, 0.9], np.float32), np.random.default_rng(0))
    # Five standard deviations of 20,000 draws.
    assert np.bincount(thin.ids) / 20_000 == pytest.approx([0.2, 0.9], abs=5 * np.sqrt(0.25 / 20_000))


@given(texts)
def test_thinning_out_nothing_keeps_all_longer_sentences(sentences):
    thin = windows.thin_out(corpus_of(sentences), np.ones(6, np.float32), np.random.default_rng(0))
    assert [thin.sentence(s) for s in range(len(thin))] == [s for s in sentences if len(s) > 1]
