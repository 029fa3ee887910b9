"""utils/vectors/view.py: when the mean is taken away, and among which words neighbours are sought."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from utils.system.errors import InputError
from utils.vectors.view import COMMON, FEWEST, decimals, frequent, mean_cosine, view
from utils.vectors.wordvectors import WordVectors


def named(matrix):
    return WordVectors([f"w{i}" for i in range(len(matrix))], matrix)


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 4)), elements=st.integers(-5, 5)))
def test_the_mean_cosine_is_that_of_all_pairs(matrix):
    vectors = named(matrix)
    rows = [row for row in vectors.directions if row.any()]
    pairs = [a @ b for a, b in itertools.combinations(rows, 2)]
    assert mean_cosine(vectors) == pytest.approx(np.mean(pairs) if pairs else 0, abs=1e-12)  # sums of some products


def at_mean_cosine(cosine, n=400, d=300):
    """Vectors whose cosines are all near this one."""
    rows = np.random.default_rng(0).standard_normal((n, d)) / d**0.5
    return named(np.hstack((rows * (1 - cosine) ** 0.5, np.full((n, 1), cosine**0.5))))


def test_the_mean_is_taken_away_where_it_is_more_than_half_of_the_vectors():
    assert not view(at_mean_cosine(COMMON - 0.02)).centred
    shown = view(at_mean_cosine(COMMON + 0.02))
    assert shown.centred
    assert shown.mean_cosine == pytest.approx(COMMON + 0.02, abs=0.01)  # chance, over 80,000 pairs
    np.testing.assert_allclose(shown.vectors.vectors.mean(axis=0), 0, atol=1e-12)


def test_the_rule_can_be_overruled():
    vectors = at_mean_cosine(0.9)
    assert view(vectors, centre=False).vectors is vectors
    assert view(at_mean_cosine(0.1), centre=True).centred


def test_mean_and_neighbours_are_those_of_the_first_words():
    vectors = named([[1.0, 0], [0, 1], [9, 9], [0.5, 0.1]])
    shown = view(vectors, centre=True, among=2)
    assert shown.vectors.vectors.tolist() == [[0.5, -0.5], [-0.5, 0.5], [8.5, 8.5], [0.0, -0.4]]
    assert [word for word, _ in shown.neighbours("w3", 5)] == ["w0", "w1"]
    with pytest.raises(InputError, match="got 0"):
        view(vectors, among=0)


@pytest.mark.parametrize("n, among", [(1, 1), (FEWEST, FEWEST), (8 * FEWEST, FEWEST), (19_539, 2442), (10**6, 125_000)])
def test_how_many_words_are_frequent(n, among):
    assert frequent(n) == among


def test_decimals():
    assert decimals([0.991, 0.989]) == 3
    assert decimals([0.996, 0.994]) == 2
    assert decimals([]) == 2
