"""The noise distribution gives each word its probability, and draws accordingly."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from utils.minibatches.noise import NoiseDistribution
from utils.system.errors import InputError


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60).filter(any))
def test_integer_weights_have_exact_probabilities(weights):
    expected = [float(Fraction(weight, sum(weights))) for weight in weights]
    assert NoiseDistribution(weights).probabilities() == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("weights", [[1, 2, 3], [0, 8, 16], [1], [0, 0, 5], [1, 1, 1, 1], [3, 0, 0]])
def test_weights_whose_sums_tie(weights):
    found = NoiseDistribution(weights).probabilities()
    assert found == pytest.approx(np.array(weights) / sum(weights), abs=1e-15)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60).filter(lambda weights: sum(weights) > 1e-3))
def test_any_weights(weights):
    # Each cumulative sum of up to 60 terms is rounded 60 times.
    assert NoiseDistribution(weights).probabilities() == pytest.approx(np.array(weights) / sum(weights), abs=1e-13)


def test_large_zipf_distribution():
    weights = (np.arange(100_000) + 1.0) ** -0.75
    found = NoiseDistribution(weights).probabilities()
    assert np.abs(found - weights / weights.sum()).max() < 1e-12


@pytest.mark.parametrize("N", [1, 4, 16])
def test_draws_follow_the_weights(N):
    weights = np.array([5, 1, 0, 3, 0.5, 0.5])
    drawn = NoiseDistribution(weights).draw(np.random.default_rng(0), 1_000_000 // N, N)
    assert drawn.shape == (1_000_000 // N, N) and drawn.dtype == np.int32
    seen = np.bincount(drawn.ravel(), minlength=6)
    assert seen[2] == 0
    expected = weights[weights > 0] / weights.sum() * drawn.size
    # Strata make the counts vary less than independent draws would; a wrong table of this size fails by far.
    assert chisquare(seen[weights > 0], expected).pvalue > 1e-3


@given(st.lists(st.sampled_from([0, 1e-9, 1e-3, 1, 7]), min_size=1, max_size=400).filter(any), st.integers(0, 9))
def test_the_table_finds_the_word_of_every_number(weights, seed):
    """Also of numbers at a border, and where many words share a cell of the table."""
    noise = NoiseDistribution(weights)
    borders = noise.cumulative[noise.cumulative < 1]
    points = np.concatenate((np.random.default_rng(seed).random(100), borders, np.nextafter(borders, 0), [0]))
    found = noise._words(points)
    assert found.tolist() == np.searchsorted(noise.cumulative, points, side="right").tolist()
    assert found.dtype == np.int32


class Highest:
    """A generator of the largest numbers below 1."""

    def random(self, shape):
        return np.full(shape, np.nextafter(1, 0))

    def permuted(self, words, axis):
        return words


def test_numbers_next_to_1_have_a_word():
    assert NoiseDistribution([1, 1, 1, 0]).draw(Highest(), 2, 3)[:, -1].tolist() == [2, 2]


def test_each_row_has_one_word_from_every_part_of_the_distribution():
    drawn = NoiseDistribution(np.ones(100)).draw(np.random.default_rng(0), 1000, 10)
    assert (np.sort(drawn) // 10 == np.arange(10)).all()
    assert np.unique(drawn).tolist() == list(range(100))


def test_each_place_of_a_row_has_the_whole_distribution():
    drawn = NoiseDistribution(np.ones(10)).draw(np.random.default_rng(0), 20_000, 5)
    for place in drawn.T:
        assert chisquare(np.bincount(place, minlength=10)).pvalue > 1e-4


def test_words_of_no_weight_at_either_end_are_never_drawn():
    drawn = NoiseDistribution([0, 1, 2, 0]).draw(np.random.default_rng(0), 10_000, 3)
    assert np.unique(drawn).tolist() == [1, 2]


def test_same_generator_same_draws_other_generator_others():
    noise = NoiseDistribution(np.arange(1, 100))
    first, again, other = (noise.draw(np.random.default_rng(seed), 5, 10).tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1, 3], [1, np.inf], [1, np.nan]])
def test_weights_without_a_distribution(weights):
    with pytest.raises(InputError, match="at least 0, with a finite sum above 0"):
        NoiseDistribution(weights)
