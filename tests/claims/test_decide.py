"""An interval inside the rule agrees, one wholly outside differs, any other is undecided."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from modlib.claims.decide import (
    Bounds,
    cost_hours,
    counted,
    decide,
    every,
    exactly,
    judged,
    networks_needed,
    over,
    part,
    share_of,
    some,
)
from modlib.claims.verdict import Measurement
from modlib.errors import InputError
from modlib.maths.intervals import mean_of_few, mean_over_seeds, ratio_of_sums, share_interval


@pytest.mark.parametrize(
    ("interval", "bounds", "verdict"),
    [
        ((0.96, 0.99), {"at_least": 0.95}, "agrees"),
        ((0.95, 0.99), {"at_least": 0.95}, "agrees"),
        ((0.94, 0.99), {"at_least": 0.95}, "undecided"),
        ((0.90, 0.95), {"at_least": 0.95}, "undecided"),
        ((0.90, 0.94), {"at_least": 0.95}, "differs"),
        ((0.2, 0.4), {"at_most": 0.4}, "agrees"),
        ((0.3, 0.5), {"at_most": 0.4}, "undecided"),
        ((0.5, 0.6), {"at_most": 0.4}, "differs"),
        ((1.0, 2.0), {"above": 1.0}, "undecided"),
        ((1.1, 2.0), {"above": 1.0}, "agrees"),
        ((0.5, 1.0), {"above": 1.0}, "differs"),
        ((0.5, 1.0), {"below": 1.0}, "undecided"),
        ((0.5, 0.9), {"below": 1.0}, "agrees"),
        ((1.0, 1.4), {"below": 1.0}, "differs"),
        ((-0.2, 0.2), {"at_least": -0.25, "at_most": 0.25}, "agrees"),
        ((-0.2, 0.3), {"at_least": -0.25, "at_most": 0.25}, "undecided"),
        ((-0.3, 0.3), {"at_least": -0.25, "at_most": 0.25}, "undecided"),
        ((0.3, 0.4), {"at_least": -0.25, "at_most": 0.25}, "differs"),
        ((1.0, 1.0), {"above": 1.0}, "differs"),
        ((1.0, 1.0), {"at_least": 1.0}, "agrees"),
    ],
)
def test_a_verdict_is_what_the_whole_interval_says(interval, bounds, verdict):
    assert decide(*interval, **bounds) == verdict


def test_an_exact_value_is_never_undecided():
    for value in np.linspace(-1, 1, 21):
        for bounds in ({"at_least": 0.0}, {"above": 0.0}, {"above": -0.5, "at_most": 0.5}):
            assert decide(value, value, **bounds) != "undecided"


@pytest.mark.parametrize(
    ("interval", "bounds", "message"),
    [
        ((0.0, 1.0), {}, "rule must hold at least one bound"),
        ((1.0, 0.0), {"above": 0.0}, "low and high must be finite and in order"),
        ((np.nan, 1.0), {"above": 0.0}, "low and high must be finite and in order"),
    ],
)
def test_what_cannot_be_judged_is_refused(interval, bounds, message):
    with pytest.raises(InputError, match=message):
        decide(*interval, **bounds)


def test_no_networks_no_parts_and_half_an_interval_are_refused():
    with pytest.raises(InputError, match="total must be an integer at least 1, got 0"):
        share_of(0, 0)
    with pytest.raises(InputError, match="successes must be an integer at least 0 and at most 3"):
        share_of(4, 3)
    with pytest.raises(InputError, match="parts must be one or more"):
        judged()
    with pytest.raises(InputError, match="interval must be a value and its two ends"):
        part("a share", [0.5, 0.4], above=0.3)


def test_parts_combine_as_all_or_as_some():
    words = ("agrees", "undecided", "differs")
    for one in words:
        for other in words:
            both = {one, other}
            wanted = next(w for w in ("differs", "undecided", "agrees") if w in both)
            assert every([one, other]) == wanted
            wanted = next(w for w in ("agrees", "undecided", "differs") if w in both)
            assert some([one, other]) == wanted


def test_the_deciding_part_is_the_first_with_the_verdict_and_the_others_are_told():
    good = part("large", (0.97, 0.96, 0.98), 200, unit="%", at_least=0.9)
    bad = part("small", (0.5, 0.4, 0.6), 200, unit="%", at_least=0.9)
    found = judged(good, bad, controls="untrained 3 %")
    assert (found.verdict, found.value, found.low, found.high) == ("differs", 50, 40, 60)
    assert found.text == "small: 50 % (40 to 60), 200 networks"
    assert "large: 97.0 % (96.0 to 98.0), agrees" in found.note
    assert found.controls == "untrained 3 %"
    assert judged(good, bad, combine=some).text.startswith("large: 97.0 %")
    beside = judged(good, beside=[bad])
    assert beside.verdict == "agrees"
    assert "beside it, small: 50 % (40 to 60), differs" in beside.note


def test_undecided_carries_the_networks_that_it_would_take_and_their_cost():
    held = part("share", (0.93, 0.89, 0.97), 100, jobs="A91", unit="%", at_least=0.9)
    found = judged(held)
    assert found.verdict == "undecided"
    needed = networks_needed(0.93, 0.89, 0.97, 100, Bounds(at_least=0.9))
    assert f"about {needed:,} networks (share), {needed - 100:,} more than there are" in found.needs
    assert "core-hours here" in found.needs
    nearest = part("share", (0.9, 0.88, 0.92), 100, unit="%", at_least=0.9)
    assert "more than 10,000,000 networks" in judged(nearest).needs
    with pytest.raises(InputError, match="needs must say the networks"):
        Measurement(value=1.0, verdict="undecided")


def test_the_networks_named_decide_with_the_chance_that_they_promise():
    """A mean of .05 with standard deviation 1 against 0: its interval must clear 0."""
    value, half = 0.05, 1.96 / np.sqrt(100)
    needed = networks_needed(value, value - half, value + half, 100, Bounds(above=0.0))
    error = 1 / np.sqrt(needed)
    assert stats.norm.cdf(value / error - 1.96) == pytest.approx(0.8, abs=0.005)


def test_between_two_bounds_both_ends_have_that_chance():
    """A mean of 0 with standard deviation 1 within -.05 and .05."""
    half = 1.96 / np.sqrt(100)
    needed = networks_needed(0.0, -half, half, 100, Bounds(at_least=-0.05, at_most=0.05))
    clears = stats.norm.cdf(0.05 * np.sqrt(needed) - 1.96)
    assert 2 * clears - 1 == pytest.approx(0.8, abs=0.005)
    outside = networks_needed(
        0.1, 0.1 - half, 0.1 + half, 100, Bounds(at_least=-0.05, at_most=0.05)
    )
    above = networks_needed(0.1, 0.1 - half, 0.1 + half, 100, Bounds(at_most=0.05))
    assert outside == above


def test_what_networks_cost_is_taken_from_their_job():
    assert cost_hours(4000, "A91") == pytest.approx(2.3)
    assert cost_hours(40, "A91", "A91-width-8192") == pytest.approx(0.023 + 2.8)
    with pytest.raises(InputError, match="jobs must be in the queue"):
        cost_hours(1, "A92")


def test_a_share_has_the_exact_interval():
    assert share_of(3, 3).low == pytest.approx(0.025 ** (1 / 3))
    assert share_of(0, 10).high == pytest.approx(1 - 0.025**0.1)
    wilson = share_interval(90, 100)
    assert share_of(90, 100).low < wilson.low < wilson.high < share_of(90, 100).high


def test_single_networks_are_counted_in_words():
    found = counted("in order", [True, True, True])
    assert (found.text, found.verdict) == ("in order: 3 of 3 networks (29 to 100 %)", "agrees")
    assert counted("in order", [True, False]).verdict == "differs"
    assert counted("in order", [True, False], needed=1).verdict == "agrees"
    assert counted("in order", [True]).text == "in order: 1 of 1 network (3 to 100 %)"
    with pytest.raises(InputError, match="networks must be at least one"):
        counted("in order", [])


def test_a_threshold_shows_its_verdicts():
    told = over((4, 6), lambda at: decide(5, 5, above=at), "order above")
    assert told == "order above 4: agrees, 6: differs"


def test_an_exact_part_has_no_interval():
    found = judged(part("maximum", exactly(2.1), at_least=1.8, at_most=2.2))
    assert (found.low, found.high, found.num_seeds) == (None, None, None)
    assert found.text == "maximum: 2.1"


# ------------------------------------------------------------------ coverage, simulated

ROUNDS = 2000
"""A share of so many has a standard deviation of .005; of 500, which once failed, it had .01."""


def coverage(interval_of, truth: float) -> float:
    """Share of simulated samples whose interval holds the truth."""
    held = 0
    for index in range(ROUNDS):
        _, low, high = interval_of(np.random.default_rng(index))
        held += low <= truth <= high
    return held / ROUNDS


@pytest.mark.parametrize("total", [3, 10, 73, 400])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.97, 0.99])
def test_intervals_of_shares_cover(total, share):
    """Exactly, by enumeration."""
    seen = np.arange(total + 1)
    held = [share_of(k, total).low <= share <= share_of(k, total).high for k in seen.tolist()]
    assert stats.binom.pmf(seen, total, share)[held].sum() >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 5, 20, 73])
def test_intervals_of_few_cover(count):
    assert coverage(lambda g: mean_of_few(g.normal(1.0, 2.0, count)), 1.0) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("count", [100, 400])
def test_intervals_of_means_over_networks_cover(count):
    """Counts of clusters, rounded and skewed as those of networks are."""
    values = np.array([3, 4, 5, 6, 7, 8])
    odds = np.array([0.06, 0.25, 0.36, 0.22, 0.09, 0.02])
    found = coverage(
        lambda g: mean_over_seeds(g.choice(values, size=(count, 1), p=odds)).at(0), values @ odds
    )
    assert found >= 0.93


@pytest.mark.slow
def test_intervals_of_shares_of_rows_cover():
    """Neurons of a network are alike: 120 networks, of each one to eight neurons of one share."""

    def interval(generator):
        rows = generator.integers(1, 9, 120)
        share = generator.beta(8, 2, 120)
        kept = generator.binomial(rows, share)
        return ratio_of_sums(kept[:, None].astype(float), rows[:, None].astype(float)).at(0)

    assert coverage(interval, 0.8) >= 0.93
