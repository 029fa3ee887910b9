"""utils/scoring/bootstrap.py: resampled correlations by a plain loop, and intervals that cover what they should."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from utils.scoring import bootstrap
from utils.scoring.bootstrap import (
    difference_interval,
    interval,
    mean_interval,
    share_interval,
    spearman_resampled,
)

CLOSE = 1e-12  # sums of some hundred products in float64


def columns(n=40, seed=0):
    """Judgements with many ties, and two columns that resemble them."""
    rng = np.random.default_rng(seed)
    judged = rng.integers(0, 6, n).astype(float)
    return [judged + rng.standard_normal(n), np.round(judged + 2 * rng.standard_normal(n))], judged


@pytest.mark.parametrize("batch", [1, 1000, 2**20])
def test_resampled_correlations_are_those_of_the_pairs_drawn(monkeypatch, batch):
    monkeypatch.setattr(bootstrap, "BATCH", batch)
    monkeypatch.setattr(bootstrap, "RESAMPLES", 60)
    both, judged = columns()
    found = spearman_resampled(both, judged)
    assert found.shape == (2, 60)
    rng = np.random.default_rng(bootstrap.SEED)
    for resample in range(60):
        times = rng.multinomial(40, np.full(40, 1 / 40))
        rows = np.repeat(np.arange(40), times)
        for k in range(2):
            assert found[k, resample] == pytest.approx(spearmanr(both[k][rows], judged[rows])[0], abs=CLOSE)


def test_the_same_pairs_have_the_same_interval_and_others_another():
    one, other = (spearman_resampled(*columns(seed=seed)) for seed in (0, 1))
    assert interval(one[0]) == interval(spearman_resampled(*columns(seed=0))[0])
    assert interval(one[0]) != interval(other[0])


def test_resamples_without_a_correlation_do_not_count():
    found = spearman_resampled([np.array([1.0, 2, 3])], np.array([1.0, 2, 3]))
    assert np.isnan(found).any()  # one pair drawn three times
    assert interval(found[0]) == (1, 1)
    assert interval(np.array([np.nan])) is None


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    """Of a normal pair of correlation 0.5 Spearman's is 0.483 (6 / pi * arcsin(0.25))."""
    rng, truth, covered = np.random.default_rng(7), 6 / np.pi * np.arcsin(0.25), 0
    for _ in range(100):
        left, noise = rng.standard_normal((2, 100))
        low, high = interval(spearman_resampled([0.5 * left + 0.75**0.5 * noise], left)[0])
        covered += low <= truth <= high
    assert 87 <= covered <= 100  # 95 expected; three standard errors are 6.5


def test_the_interval_of_a_share():
    low, high = share_interval(300, 1000)
    assert (low, high) == pytest.approx((0.3 - 0.0284, 0.3 + 0.0284), abs=0.004)  # 1.96 standard errors of 0.0145
    assert share_interval(0, 0) is None
    assert share_interval(5, 5) == (1, 1)


def test_the_interval_of_a_difference_knows_that_the_questions_are_the_same():
    rng = np.random.default_rng(0)
    hard = rng.random(2000)
    left, right = hard < 0.5, hard < 0.48  # alike but for 2 % of the questions
    low, high = difference_interval(left, right)
    assert low < np.mean(left) - np.mean(right) < high
    assert high - low < 0.02  # of independent questions it would be 0.06
    assert difference_interval(left, left) == (0, 0)
    assert difference_interval(left[:0], right[:0]) is None
    assert difference_interval(right, left) == pytest.approx((-high, -low), abs=0.003)


def test_the_interval_of_a_mean():
    values = np.random.default_rng(0).standard_normal(400)
    low, high = mean_interval(values)
    assert (low, high) == pytest.approx((values.mean() - 0.098, values.mean() + 0.098), abs=0.02)
    assert mean_interval(np.full(3, 7.0)) == (7, 7)
    assert mean_interval(np.empty(0)) is None
