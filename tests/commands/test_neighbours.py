"""The neighbours that commands list: which words are asked about, which may answer, and whether about the mean."""

import numpy as np
import pytest

from utils.commands.neighbours import listed, print_neighbours
from utils.vectors import view
from utils.vectors.wordvectors import WordVectors

WORDS = ["great", "tea", "coffee", "rare", "other"]
VECTORS = np.array([[1.0, 0.0], [0.0, 1.0], [0.1, 1.0], [0.05, 1.0], [-1.0, -1.0]])
COMMON = VECTORS + 100  # a large common part


@pytest.fixture
def listing(capsys):
    def call(words, counts, vectors=COMMON):
        print_neighbours(words, WordVectors(WORDS, vectors), np.array(counts), print)
        head, *lines = capsys.readouterr().out.splitlines()
        return head, [line.split() for line in lines]

    return call


def neighbours(vectors, row):
    cosines = vectors @ vectors[row] / np.linalg.norm(vectors, axis=1)
    return [WORDS[i] for i in np.argsort(-cosines) if i != row]


def test_nearest_first_about_the_mean_where_that_is_most_of_each_vector(listing):
    head, lines = listing(["tea"], [20, 20, 20, 20, 20])
    assert head == "nearest neighbours among the 5 most frequent words, by cosine about the mean:"
    assert [word for word in lines[0] if word in WORDS] == ["tea", *neighbours(COMMON - COMMON.mean(axis=0), 1)]


def test_nearest_first_as_they_are_otherwise(listing):
    head, lines = listing(["great"], [20, 20, 20, 20, 20], VECTORS)
    assert head == "nearest neighbours among the 5 most frequent words, by cosine:"
    assert [word for word in lines[0] if word in WORDS] == ["great", *neighbours(VECTORS, 0)]


def test_rare_words_are_asked_about_but_do_not_answer(listing, monkeypatch):
    monkeypatch.setattr(view, "FEWEST", 3)
    head, lines = listing(["tea"], [20, 3, 20, 9, 20])
    assert "among the 3 most frequent words" in head
    assert {word for word in lines[0] if word in WORDS} == {"tea", "great", "coffee", "other"}


def test_the_handouts_words_are_asked_about_if_they_are_there(listing):
    _, lines = listing(["other", "coffee"], [20] * 5)
    assert [line[0] for line in lines] == ["coffee"]
    _, lines = listing(["other", "tea"], [20] * 5)
    assert [line[0] for line in lines] == ["other", "tea"]


def test_a_third_decimal_is_shown_where_two_are_all_alike():
    assert listed([("a", 0.9961), ("b", 0.9958)]) == "a 0.996  b 0.996"
    assert listed([("a", 0.9961), ("b", 0.9938)]) == "a 1.00  b 0.99"
    assert listed([]) == ""
