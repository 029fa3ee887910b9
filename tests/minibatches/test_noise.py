"""The alias table gives each outcome its share of the columns, and draws accordingly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from utils.minibatches.noise import AliasTable


def shares(table):
    """What the columns give to each outcome in all, to be compared with what was asked for."""
    height = table.threshold / 2**32  # (n,): the share of each column that is its own
    given_away = np.bincount(table.outcomes[:, 0], 1 - height, minlength=len(height))
    return (height + given_away) / len(height)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60).filter(lambda weights: sum(weights) > 1e-3))
def test_the_columns_hold_each_outcome_in_its_share(weights):
    # Thresholds are rounded to 2**-32, and each of n columns may be off by as much.
    tolerance = (len(weights) + 1) * 2.0**-32
    assert shares(AliasTable(weights)) == pytest.approx(np.array(weights) / sum(weights), abs=tolerance)


def test_large_zipf_table():
    weights = (np.arange(100_000) + 1.0) ** -0.75
    # Rounded thresholds, and the rounding of cumulated sums.
    assert np.abs(shares(AliasTable(weights)) - weights / weights.sum()).max() < 2.0**-32 + 1e-11


def test_draws_follow_the_weights():
    weights = np.array([5, 1, 0, 3, 0.5, 0.5])
    drawn = AliasTable(weights).draw(np.random.default_rng(0), (1000, 1000))
    assert drawn.shape == (1000, 1000)
    seen = np.bincount(drawn.ravel(), minlength=6)
    assert seen[2] == 0
    expected = weights[weights > 0] / weights.sum() * drawn.size
    assert chisquare(seen[weights > 0], expected).pvalue > 1e-3  # a wrong table of this size fails by far


def test_same_generator_same_draws_other_generator_others():
    table = AliasTable(np.arange(1, 100))
    first, again, other = (table.draw(np.random.default_rng(seed), 50).tolist() for seed in (1, 1, 2))
    assert first == again != other
