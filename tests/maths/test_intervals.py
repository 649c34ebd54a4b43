"""Intervals resample whole networks; equivalence has to be shown, not assumed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from modlib.errors import InputError
from modlib.maths import intervals
from modlib.maths.intervals import bootstrap_over_seeds


def test_the_fast_interval_is_the_readable_one():
    """Up to the noise of resampling: ``intervals.bootstrap_over_seeds`` takes any statistic."""
    generator = np.random.default_rng(0)
    values = generator.poisson(5, (200, 2)).astype(float)
    fast = intervals.ratio_of_sums(values[:, :1], values[:, 1:], num_resamples=4000)
    slow = bootstrap_over_seeds(
        list(values), lambda chosen: np.sum(chosen, axis=0)[0] / np.sum(chosen, axis=0)[1]
    )
    assert fast.value[0] == pytest.approx(slow[0])
    width = slow[2] - slow[1]
    assert abs(fast.low[0] - slow[1]) < 0.1 * width
    assert abs(fast.high[0] - slow[2]) < 0.1 * width


def test_intervals_hold_the_truth_nineteen_times_in_twenty():
    generator = np.random.default_rng(1)
    samples = generator.exponential(2.0, (100, 200))
    mean = intervals.mean_over_seeds(samples, seed=2)
    inside = (mean.low < 2.0) & (mean.high > 2.0)
    assert 0.88 <= inside.mean() <= 0.99


def test_blocks_of_many_seeds_keep_the_spread(monkeypatch):
    values = np.random.default_rng(3).normal(1.0, 1.0, (3000, 1))
    plain = intervals.mean_over_seeds(values)
    monkeypatch.setattr(intervals, "MAX_UNITS", 500)
    blocked = intervals.mean_over_seeds(values)
    assert blocked.value == pytest.approx(plain.value)
    ratio = (blocked.high - blocked.low) / (plain.high - plain.low)
    assert 0.85 < ratio[0] < 1.15


def test_rows_of_a_network_stay_together():
    """Ten copies of each value are no ten values: the interval is that of the networks."""
    values = np.random.default_rng(4).normal(0, 1, (50, 1))
    counted = intervals.ratio_of_sums(10 * values, np.full((50, 1), 10.0))
    once = intervals.mean_over_seeds(values)
    np.testing.assert_allclose([counted.low, counted.high], [once.low, once.high])


def test_nothing_seen_has_no_interval():
    empty = intervals.ratio_of_sums(np.zeros((5, 1)), np.zeros((5, 1)))
    assert np.isnan(empty.value[0])
    assert np.isnan(empty.low[0])
    with pytest.raises(InputError, match="values must hold at least 2 seeds, got 1"):
        intervals.resampled_sums(np.ones((1, 1)))


def test_weights_draw_as_many_seeds_as_there_are():
    weights = intervals.resampled_weights(30, num_resamples=50)
    assert weights.shape == (50, 30)
    assert (weights.sum(1) == 30).all()


def test_equal_means_are_equivalent_and_planted_differences_are_not():
    generator = np.random.default_rng(5)
    one, other = generator.normal(5, 1, 800), generator.normal(5, 1, 800)
    assert intervals.equivalence(one, other, 0.25).p_value < 0.01
    assert intervals.equivalence(one, other + 0.5, 0.25).p_value > 0.9
    few = intervals.equivalence(one[:20], other[:20], 0.25)
    assert few.p_value > 0.05  # not to have seen a difference is not enough
    assert intervals.equivalence(one, other + 0.5, 0.25).difference == pytest.approx(
        one.mean() - other.mean() - 0.5
    )


def test_networks_without_any_spread_are_compared_exactly():
    assert intervals.equivalence(np.full(5, 4), np.full(7, 4), 0.25).p_value == 0
    assert intervals.equivalence(np.full(5, 4), np.full(7, 5), 0.25).p_value == 1


def test_two_one_sided_tests_are_a_90_percent_interval_inside_the_margin():
    generator = np.random.default_rng(6)
    for shift in np.linspace(0, 0.4, 9):
        one, other = generator.normal(0, 1, 90), generator.normal(shift, 1.3, 120)
        low, high = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.9)
        inside = low > -0.4 and high < 0.4
        assert (intervals.equivalence(one, other, 0.4).p_value < 0.05) == inside
    with pytest.raises(InputError, match="samples must hold at least 2"):
        intervals.equivalence(np.ones(1), np.ones(5), 0.1)
    with pytest.raises(InputError, match="margin must be"):
        intervals.equivalence(np.ones(5), np.ones(5), -0.1)


def test_an_interval_is_taken_out_of_several_and_carried_through_a_function():
    several = intervals.Intervals(np.array([1.0, 2]), np.array([0.0, 1]), np.array([3.0, 4]))
    assert several.at(1) == intervals.Interval(2.0, 1.0, 4.0)
    assert several.at(1).map(np.sqrt) == (np.sqrt(2.0), 1.0, 2.0)
    test = intervals.equivalence(np.arange(5.0), np.arange(7.0), 0.5)
    assert test.interval == (test.difference, test.low, test.high)
