"""utils/minibatches/handout.py: the handout's random stream in bulk, and single draws from the corpus."""

import random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from utils.minibatches.stream import random_numbers
from utils.system.errors import InputError
from utils.treebank import StanfordSentiment


@pytest.mark.parametrize("n", [0, 1, 5, 311, 312, 313, 1000, 100000])
def test_random_numbers_are_those_of_as_many_calls(n):
    one_by_one = random.Random(3)
    random.seed(3)
    assert random_numbers(n).tolist() == [one_by_one.random() for _ in range(n)]
    assert random.getstate() == one_by_one.getstate()


@given(st.integers(0, 2**32), st.lists(st.integers(0, 700), max_size=4), st.integers(0, 3))
def test_random_numbers_go_on_where_the_stream_stands(seed, portions, words_before):
    random.seed(seed)
    random.gauss(0, 1)  # leaves half a pair behind, which stays
    random.getrandbits(32 * words_before)
    one_by_one = random.Random()
    one_by_one.setstate(random.getstate())
    for n in portions:
        assert random_numbers(n).tolist() == [one_by_one.random() for _ in range(n)]
        assert random.getrandbits(7) == one_by_one.getrandbits(7)
        assert random.getstate() == one_by_one.getstate()


@st.composite
def treebanks(draw, write_treebank, folder):
    """A treebank of few words and long sentences, some of which survive subsampling."""
    words = draw(st.lists(st.sampled_from("abcde"), min_size=2, max_size=40))
    sentences = [" ".join(words * 40), " ".join(words[::-1] * 25), "a b", "c"]
    return StanfordSentiment(write_treebank(folder, sentences), tablesize=draw(st.integers(2, 50)))


@settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.data(), st.lists(st.integers(1, 7), min_size=1, max_size=20))
def test_a_window_is_cut_from_the_sentence_drawn_until_it_has_an_outside_word(
    tmp_path_factory, write_treebank, data, sizes
):
    treebank = data.draw(treebanks(write_treebank, tmp_path_factory.mktemp("treebank")))
    try:
        sentences = treebank.allSentences()
    except InputError:
        assume(False)  # no two different neighbours are left
    loops = random.Random()
    loops.setstate(random.getstate())
    for C in sizes:
        outsides = []
        while not outsides:
            sentence = sentences[loops.randint(0, len(sentences) - 1)]
            at = loops.randint(0, len(sentence) - 1)
            near = [word for place, word in enumerate(sentence) if 0 < abs(place - at) <= C]
            outsides = [word for word in near if word != sentence[at]]
        assert treebank.getRandomContext(C) == (sentence[at], outsides)
        assert random.getstate() == loops.getstate()


def test_a_negative_sample_is_an_entry_of_the_table(sample_folder):
    treebank = StanfordSentiment(sample_folder, tablesize=77)
    table = treebank.sampleTable().tolist()
    loops = random.Random()
    loops.setstate(random.getstate())
    drawn = [treebank.sampleTokenIdx() for _ in range(500)]
    assert drawn == [table[loops.randint(0, 76)] for _ in range(500)]
    assert random.getstate() == loops.getstate()
    assert set(drawn) == set(table)


def test_the_text_is_expanded_when_first_drawn_from_and_subsampled_in_its_order(tmp_path, write_treebank):
    """Thirty times over the text: a number for each word that may be left out, and the sentence is kept from two on."""
    write_treebank(tmp_path, [" ".join(["x", "y"] * 300), "x y", " ".join(["z"] * 150)])
    treebank = StanfordSentiment(tmp_path)
    reject = dict(zip(treebank.words(), treebank.rejectProb().tolist(), strict=True))
    assert min(reject[word] for word in "xyz") > 0.99
    loops = random.Random()
    loops.setstate(random.getstate())
    copies = [[word for word in s if loops.random() >= reject[word]] for s in treebank.sentences() * 30]
    assert treebank.allSentences() == [sentence for sentence in copies if len(sentence) > 1]
    assert random.getstate() == loops.getstate()
    assert len(treebank.allSentences()) > 10
    assert random.getstate() == loops.getstate()
