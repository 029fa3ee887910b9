"""Which words the commands show: the ones asked for, the handout's, or frequent ones that say something."""

import numpy as np
import pytest

from utils.commands.words import (
    MAP_GROUPS,
    MAP_WORDS,
    SHOWN,
    choose_words,
    frequent_words,
    groups_of,
    telling_words,
)
from utils.pictures.wordmap import MOST_WORDS
from utils.system.errors import InputError

WORDS = ["the", ",", "of", "cat", "42", "dog", "great", "boring"]
COUNTS = np.array([500, 400, 300, 9, 8, 7, 6, 5])


def test_the_words_asked_for_come_in_their_order(capsys):
    assert choose_words(["dog", "cat", "zebra"], WORDS, COUNTS, quiet=False) == ["dog", "cat"]
    assert capsys.readouterr().err == "not in the vocabulary, left out of the pictures: zebra\n"
    assert choose_words(["dog", "zebra"], WORDS, COUNTS, quiet=True) == ["dog"]
    assert capsys.readouterr().err == ""


def test_a_treebank_shows_the_handouts_words_and_your_own_text_its_own():
    assert choose_words(None, WORDS, COUNTS, quiet=False) == ["great", "boring"]
    assert choose_words(None, WORDS, COUNTS, quiet=False, handout=False) == [w for w in WORDS if w.isalpha()]
    assert choose_words(None, WORDS[:7], COUNTS[:7], quiet=False) == ["the", "of", "cat", "dog", "great"]


def test_the_very_commonest_words_are_passed_over_where_enough_others_are_left():
    rare = [f"w{i:03}" for i in range(2000)]
    counts = np.array([3000, 2000, *range(2000, 0, -1)])
    found = frequent_words(["the", "of", *rare], counts)
    assert len(found) == SHOWN
    # A thousandth of the 2,006,000 words is 2006: only "the" is commoner.
    assert found == ["of", *rare[: SHOWN - 1]]
    few = frequent_words(["the", "of", *rare[:10]], np.array([3000, 2000, *range(20, 10, -1)]))
    assert few == ["the", "of", *rare[:10]]


def test_without_counts_the_order_of_the_words_tells_how_frequent_they_are():
    words = [f"w{i}" for i in range(20_000)]
    # The share of rank r is 1 / (r (ln 20,000 + 0.58)): below a thousandth from the 96th word on.
    assert telling_words(words) == words[95 : 95 + SHOWN]
    assert telling_words(words[:30]) == words[6:30]


def test_a_single_letter_of_an_alphabet_says_nothing_and_a_chinese_sign_does():
    words = ["s", "я", "猫", "it's", "44", *(f"w{i}" for i in range(SHOWN - 2))]
    counts = np.arange(len(words), 0, -1)
    assert frequent_words(words, counts) == ["猫", "it's", *words[5:]]
    assert frequent_words(words[:20], counts[:20]) == words[:4] + words[5:20]  # of few words all are needed


def test_a_text_without_letters_shows_what_it_has():
    assert frequent_words(["1", "2"], np.array([3, 2])) == ["1", "2"]


def test_the_handouts_groups_mark_its_own_words_only():
    assert groups_of(MAP_WORDS) == groups_of(["great", "rain", "other"]) == MAP_GROUPS
    assert groups_of(["man", "law", "body"]) == groups_of(["man", "law"]) == {}


def test_words_that_are_not_there_and_too_many_are_refused():
    with pytest.raises(InputError, match="none of these words is in the vocabulary: a, b; give other --words"):
        choose_words(["a", "b"], WORDS, COUNTS, quiet=False)
    many = [f"w{i}" for i in range(MOST_WORDS + 1)]
    with pytest.raises(InputError, match=f"at most {MOST_WORDS} words"):
        choose_words(many, many, np.ones(len(many)), quiet=False)
    assert set(MAP_WORDS) >= {"great", "boring"}
