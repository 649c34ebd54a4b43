"""Curves of the number of clusters: planted ones are found again, and on held-out moduli too."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.many_seeds import growth
from modlib.errors import InputError

MODULI = np.array([31, 43, 59, 77, 91, 131, 180, 251])
PLANTED = {
    "constant": lambda n: 5.0 + 0 * n,
    "log n": lambda n: 1.0 + 0.9 * np.log(n),
    "power": lambda n: 1.2 * n**0.7037,
    "linear": lambda n: 2.0 + 0.05 * n,
}


@pytest.mark.parametrize("name", growth.CURVES)
def test_a_planted_curve_is_fitted_exactly(name):
    mean = PLANTED[name](MODULI.astype(float))
    fit = growth.fit_curve(name, MODULI, mean, np.ones(len(MODULI)))
    np.testing.assert_allclose(growth.curve(name, fit, MODULI), mean, rtol=1e-4)


@pytest.mark.parametrize("name", ["log n", "power", "linear"])
def test_a_planted_curve_predicts_held_out_moduli_best(name):
    errors = growth.held_out_errors(MODULI, PLANTED[name](MODULI.astype(float)), np.ones(8))
    assert min(errors, key=lambda key: errors[key]) == name
    assert errors[name] < 1e-3


def test_a_modulus_left_out_is_not_looked_at():
    mean = PLANTED["linear"](MODULI.astype(float))
    mean[3] += 10.0
    weight = np.where(np.arange(8) == 3, 1e-9, 1.0)
    assert growth.held_out_errors(MODULI, mean, weight)["linear"] < 1e-2


def counts(name: str, num_seeds: int = 80) -> dict[int, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        int(n): PLANTED[name](float(n)) + generator.normal(0, 0.8, num_seeds)
        for n in MODULI.tolist()
    }


def test_slow_growth_is_told_from_fast_growth():
    slow = growth.compare_growth(counts("log n"), num_contests=60)
    assert 0.2 < slow.share_slow < 0.9  # a small power of n looks the same over one decade
    fast = growth.compare_growth(counts("linear"), num_contests=60)
    assert fast.share_slow < 0.05
    assert fast.curves.set_index("curve").error.idxmin() == "linear"
    assert fast.points.ratio.iloc[-1] > 2
    assert growth.compare_growth(counts("constant"), num_contests=60).share_slow > 0.6


def test_a_falling_curve_is_bounded_by_log_n():
    assert growth.is_slow("linear", -0.1)
    assert growth.is_slow("power", 0.0)
    assert growth.is_slow("log n", 3.0)
    assert not growth.is_slow("power", 0.1)


def test_points_hold_means_and_intervals():
    result = growth.compare_growth(counts("constant"), num_contests=60)
    assert result.points.n.tolist() == MODULI.tolist()
    assert (result.points.low < result.points["mean"]).all()
    assert (result.points.high > result.points["mean"]).all()
    np.testing.assert_allclose(result.points.ratio, result.points["mean"] / np.log(MODULI))
    assert result.curves.share_best.sum() == pytest.approx(1.0)


def test_three_moduli_are_too_few_and_unknown_curves_refused():
    with pytest.raises(InputError, match="moduli must be at least 4"):
        growth.held_out_errors(MODULI[:3], np.ones(3), np.ones(3))
    with pytest.raises(InputError, match="curve must be one of"):
        growth.fit_curve("cubic", MODULI, np.ones(8), np.ones(8))


def test_widths_are_compared_to_the_narrowest_of_their_regime():
    counts = {("n", 128): np.array([4, 5, 6]), ("full", 128): np.array([3, 4, 5])}
    counts |= {("n", 512): np.array([6, 7, 8]), ("full", 2048): np.array([3, 4, 5])}
    table = growth.width_differences(counts)
    assert table[["batch", "width"]].to_numpy().tolist() == [["n", 512], ["full", 2048]]
    assert table.difference.tolist() == [2, 0]
    assert growth.width_differences({}).empty
