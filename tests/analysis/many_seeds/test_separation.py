"""Section 5.4: counting cleverly, counting all, and drawing must tell the same probability."""

from __future__ import annotations

from itertools import combinations, product
from math import log

import numpy as np
import pytest

from modlib.analysis.macro.crt import separation
from modlib.analysis.many_seeds import separation as sep
from modlib.errors import InputError


def brute_force(n: int, m: int, delta: float, model: str) -> float:
    """Every set (or every tuple of 1 .. n - 1) tried by the definition."""
    if model == "distinct":
        sets = list(combinations(range(1, n // 2 + 1), m))
    else:
        sets = list(product(range(1, n), repeat=m))
    d = np.arange(1, n)
    heights = np.cos(2 * np.pi * np.array(sets)[:, :, None] * d / n).sum(1)
    return float((m - heights.max(1) > delta * m + 1e-9).mean())


@pytest.mark.parametrize("n", [7, 9, 12, 15, 16, 23])
@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("delta", [sep.DELTA, 0.4])
@pytest.mark.parametrize("model", sep.MODELS)
def test_counting_the_sets_that_fail_is_exact(n, m, delta, model):
    found = sep.separation_probability(n, m, delta=delta, model=model)
    assert found.exact
    assert found.value == pytest.approx(brute_force(n, m, delta, model), abs=1e-12)


def test_larger_sets_are_counted_exactly_too():
    found = sep.separation_probability(31, 5)
    assert found.exact
    assert found.value == pytest.approx(brute_force(31, 5, sep.DELTA, "distinct"), abs=1e-12)


@pytest.mark.parametrize("model", sep.MODELS)
def test_drawn_probabilities_hold_the_counted_one(model):
    for n, m in ((59, 3), (89, 4), (91, 5), (113, 4)):
        exact = sep.separation_probability(n, m, model=model)
        assert exact.exact
        drawn = sep._drawn(n, m, sep.DELTA, model, 20_000, 1)
        assert not drawn.exact
        assert abs(drawn.value - exact.value) < 0.015


def test_gaps_are_the_separation_of_chapter_7():
    generator = np.random.default_rng(0)
    sets = np.stack([1 + generator.permutation(45)[:4] for _ in range(20)])
    np.testing.assert_allclose(sep.gaps(91, sets), [separation(91, row.tolist()) for row in sets])
    assert sep.is_separated(91, np.array([[7, 14]])).tolist() == [False]  # a coset has ties


def test_learned_gaps_keep_the_order_of_the_networks():
    freqs = [[7, 2, 30], [], [1, 5], [3, 4, 44]]
    gaps = sep.learned_gaps(91, freqs)
    assert np.isnan(gaps[1])
    for row in (0, 2, 3):
        assert gaps[row] == pytest.approx(separation(91, freqs[row]))
    assert sep.learned_gaps(91, []).shape == (0,)


def test_random_sets_follow_their_model():
    distinct = sep.random_sets(31, 4, 2000)
    assert (np.diff(np.sort(distinct, axis=1), axis=1) > 0).all()
    repeated = sep.random_sets(12, 2, 50_000, model="with replacement")
    shares = np.bincount(repeated.ravel(), minlength=7)[1:] / repeated.size
    np.testing.assert_allclose(shares, [2 / 11] * 5 + [1 / 11], atol=0.005)


def test_sets_with_a_pair_of_ratio_2_are_found():
    sets = np.array([[7, 14, 3], [7, 42, 3], [7, 3, 5], [13, 26, 39]])
    assert sep.has_double(91, sets).tolist() == [True, True, False, True]
    assert sep.has_double(9, np.array([[3, 1], [3, 4]])).tolist() == [False, False]  # 2 x 3 = -3


def test_the_formulas_are_those_of_the_paper():
    """Values of the Gamma formula and of Stirling's at n = 89, computed by hand elsewhere."""
    gamma = [sep.gamma_formula(89, m) for m in (2, 3, 4, 5, 6)]
    np.testing.assert_allclose(gamma, [-1.216, 0.317, 0.779, 0.927, 0.975], atol=2e-3)
    stirling = [sep.stirling_formula(89, m) for m in (3, 4, 5, 6)]
    np.testing.assert_allclose(stirling, [-1.2, 0.185, 0.700, 0.890], atol=0.02)


def test_stirlings_formula_is_one_half_at_ln_n():
    for n in (59, 91, 997):
        assert sep.stirling_clusters(n) == pytest.approx(log(n))
        m = sep.stirling_clusters(n)
        assert 1 - n / 2 * np.exp(m / 2 * (log(sep.DELTA / np.pi) + 1)) == pytest.approx(0.5)
        gamma = sep.gamma_clusters(n)
        assert sep.gamma_formula(n, gamma) >= 0.5 > sep.gamma_formula(n, gamma - 1)


def test_the_fewest_frequencies_are_the_first_that_do():
    for n in (23, 59, 89):
        for model in sep.MODELS:
            m = sep.fewest_frequencies(n, model=model)
            assert sep.separation_probability(n, m, model=model).value >= 0.5
            below = [sep.separation_probability(n, k, model=model).value for k in range(1, m)]
            assert all(value < 0.5 for value in below)


def test_the_table_holds_truth_and_formulas():
    table = sep.probability_table(23, [1, 2, 3])
    assert table.m.tolist() == [1, 2, 3]
    assert table["distinct"].tolist() == [
        sep.separation_probability(23, m).value for m in (1, 2, 3)
    ]
    assert (table.distinct_low <= table.distinct).all()
    assert table.Gamma.iloc[1] == sep.gamma_formula(23, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 2, "m": 1}, "n must be an integer at least 3"),
        ({"n": 9, "m": 0}, "m must be an integer at least 1"),
        ({"n": 9, "m": 5}, "m must be an integer at least 1 and at most 4"),
        ({"n": 9, "m": 2, "delta": 1.5}, "delta must be"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        sep.separation_probability(**arguments)


@pytest.mark.parametrize("n", [91, 120])
def test_single_precision_decides_nothing_that_double_does_not(n):
    """Gaps of small sets lie on a limit again and again."""
    for m in (2, 3, 5):
        sets = sep.random_sets(n, m, 3000, seed=1)
        gaps = sep.gaps(n, sets)
        for delta in (*np.unique(gaps)[:40], sep.DELTA):
            expected = gaps > delta + sep.ROUNDING
            np.testing.assert_array_equal(sep.is_separated(n, sets, float(delta)), expected)
        waves = sep._waves(n)
        for level in (m - 0.5, m * (1 - sep.DELTA)):
            expected = (sum(waves[column - 1] for column in sets.T) >= level).sum(1)
            np.testing.assert_array_equal(sep._times_reached(n, sets, level), expected)
