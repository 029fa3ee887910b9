"""What a map shows: a few far words are left outside, many never, and only where it pays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.pictures.framing import LEAST_GAIN, MOST, find_outliers, unit_of

SPACE = (1200, 900)


def outliers(points, space=SPACE):
    return np.flatnonzero(find_outliers(points, points, space)).tolist()


def grid(n):
    return np.array([(i % 6, i // 6) for i in range(n)], dtype=float)


@pytest.mark.parametrize("place", [(30, 1), (-30, 2), (2, 30), (1, -30), (30, 30)])
def test_a_far_word_is_found_wherever_it_is(place):
    points = grid(24)
    points[7] = place
    assert outliers(points) == [7]


def test_two_far_words_side_by_side_are_found_together():
    points = grid(24)
    points[[3, 20]] = (30, 1), (30.1, 1.2)  # either alone would change nothing
    assert outliers(points) == [3, 20]


def test_words_that_are_spread_or_few_or_in_one_place_all_stay():
    for points in (grid(24), np.zeros((24, 2)), np.random.default_rng(0).normal(size=(24, 2))):
        assert outliers(points) == []
    few = grid(9)
    few[0] = (99, 0)
    assert outliers(few) == []  # one in nine is more than one in ten
    points = np.zeros((24, 2))
    points[0] = (1, 0)
    assert outliers(points) == []  # the others have no extent to show


def test_what_a_word_needs_on_all_maps_counts():
    low = high = grid(24)
    wandering = high.copy()
    wandering[4] = (30, 1)
    assert np.flatnonzero(find_outliers(low, wandering, SPACE)).tolist() == [4]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 200), scale=st.sampled_from([1e-9, 1.0, 2.0**40]))
def test_few_are_left_out_and_only_where_the_map_grows(seed, n, scale):
    points = scale * np.random.default_rng(seed).standard_cauchy(size=(n, 2))
    outside = find_outliers(points, points, SPACE)
    assert outside.sum() <= min(n / 10, MOST)
    if outside.any():
        rest = points[~outside]
        assert unit_of(points, points, SPACE) >= LEAST_GAIN * unit_of(rest, rest, SPACE)
