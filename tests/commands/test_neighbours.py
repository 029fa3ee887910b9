"""The neighbours that commands list: which words are asked about, which may answer, about the mean."""

import numpy as np
import pytest

from utils.commands import neighbours
from utils.commands.neighbours import print_neighbours
from utils.vectors.wordvectors import WordVectors

WORDS = ["great", "tea", "coffee", "rare", "other"]
VECTORS = np.array([[1.0, 0.0], [0.0, 1.0], [0.1, 1.0], [0.05, 1.0], [-1.0, -1.0]]) + 100  # a large common part


@pytest.fixture
def listed(capsys):
    def call(words, counts):
        print_neighbours(words, WordVectors(WORDS, VECTORS), np.array(counts), print)
        head, *lines = capsys.readouterr().out.splitlines()
        return head, [line.split() for line in lines]

    return call


def test_nearest_first_about_the_mean(listed):
    head, lines = listed(["tea"], [20, 20, 20, 20, 20])
    assert head == "nearest neighbours among 5 words that occur 10 times or more, by cosine about the mean:"
    centred = VECTORS - VECTORS.mean(axis=0)
    cosines = centred @ centred[1] / np.linalg.norm(centred, axis=1)
    order = [WORDS[i] for i in np.argsort(-cosines) if i != 1]
    assert [word for word in lines[0] if word in WORDS] == ["tea", *order]


def test_rare_words_are_asked_about_but_do_not_answer(listed):
    head, lines = listed(["rare"], [20, 20, 20, 9, 20])
    assert "among 5 words" in head
    head, lines = listed(["tea"], [20, 20, 20, 9, 20])
    assert "among 4 words" in head
    assert "rare" not in lines[0]


def test_of_a_large_vocabulary_the_most_frequent_answer(listed, monkeypatch):
    monkeypatch.setattr(neighbours, "AMONG", 2)
    head, lines = listed(["tea"], [20, 20, 31, 30, 20])
    assert "among 3 words" in head  # coffee, rare, and the one asked about
    assert {"coffee", "rare"} <= set(lines[0])
    assert "great" not in lines[0]


def test_the_handouts_words_are_asked_about_if_they_are_there(listed):
    _, lines = listed(["other", "coffee"], [20] * 5)
    assert [line[0] for line in lines] == ["coffee"]
    _, lines = listed(["other", "tea"], [20] * 5)
    assert [line[0] for line in lines] == ["other", "tea"]
