"""Statistics whose unit is the network: sums resampled over seeds, and a test of equivalence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike
from scipy import stats

from modlib.errors import InputError, require_float, require_int

CONFIDENCE = 0.95
LEVELS = (0.025, 0.975)
"""Ends of every interval: 95 %."""
NUM_RESAMPLES = 2000
MAX_UNITS = 5000
"""Seeds beyond this number are added up in as many blocks before they are resampled."""

Item = TypeVar("Item")


class Interval(NamedTuple):
    """A value with the ends of its 95 % interval; NaN where nothing was seen."""

    value: float
    low: float
    high: float

    def map(self, function: Callable[[float], float]) -> Interval:
        """An increasing function of value and ends."""
        return Interval(*(float(function(part)) for part in self))


class Intervals(NamedTuple):
    """Several values with the ends of their intervals."""

    value: Float[np.ndarray, " k"]
    low: Float[np.ndarray, " k"]
    high: Float[np.ndarray, " k"]

    def at(self, k: int) -> Interval:
        """The k-th of them."""
        return Interval(*(float(part[k]) for part in self))


def resampled_sums(
    values: Shaped[np.ndarray, "seed k"], *, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> Float[np.ndarray, "resample k"]:
    """Sums over as many seeds drawn with replacement, a row a draw.

    Seeds are drawn whole, so that what belongs to a network stays together. Of more than
    ``MAX_UNITS`` seeds, neighbours are added up first: blocks of independent seeds are
    independent as well, and the spread of their sums is that of the seeds.
    """
    num_seeds = len(values)
    if num_seeds < 2:
        raise InputError("values", "hold at least 2 seeds", num_seeds)
    num_resamples = require_int("num_resamples", num_resamples, at_least=1)
    units = values.astype(np.float64)
    if num_seeds > MAX_UNITS:
        starts = np.linspace(0, num_seeds, MAX_UNITS, endpoint=False).astype(int)
        units = np.add.reduceat(units, starts, axis=0)
    generator = np.random.default_rng(seed)
    sums = np.empty((num_resamples, units.shape[1]))
    for row in range(num_resamples):
        chosen = generator.integers(len(units), size=len(units))
        sums[row] = np.bincount(chosen, minlength=len(units)) @ units
    return sums


def resampled_weights(
    num_seeds: int, *, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> Float[np.ndarray, "resample seed"]:
    """How often each seed is drawn, for statistics that are no functions of sums."""
    generator = np.random.default_rng(seed)
    draws = (generator.integers(num_seeds, size=num_seeds) for _ in range(num_resamples))
    return np.stack([np.bincount(drawn, minlength=num_seeds) for drawn in draws]).astype(float)


def interval_of(resamples: Float[np.ndarray, "resample k"]) -> Float[np.ndarray, "2 k"]:
    """Ends of the 95 % percentile interval, resamples without a value left out."""
    kept = np.where(np.isfinite(resamples), resamples, np.nan)
    seen = np.isfinite(kept).any(0)
    ends = np.full((2, resamples.shape[1]), np.nan)
    ends[:, seen] = np.nanquantile(kept[:, seen], LEVELS, axis=0)
    return ends


def ratio_of_sums(
    numerator: Shaped[np.ndarray, "seed k"],
    denominator: Shaped[np.ndarray, "seed k"],
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Sum over seeds of one quantity by the sum of another, with intervals over seeds.

    With ones below it is a mean. The same draws of seeds serve both sums and all columns.
    """
    k = numerator.shape[1]
    both = np.concatenate([numerator, denominator], axis=1)
    total = both.sum(0, dtype=np.float64)
    draws = resampled_sums(both, num_resamples=num_resamples, seed=seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, resamples = total[:k] / total[k:], draws[:, :k] / draws[:, k:]
    return Intervals(value, *interval_of(resamples))


def mean_over_seeds(values: Shaped[np.ndarray, "seed k"], *, seed: int = 0) -> Intervals:
    """Means over seeds with their intervals."""
    return ratio_of_sums(values, np.ones(values.shape), seed=seed)


class Equivalence(NamedTuple):
    """``difference`` of two means with its 95 % interval, and the p value of "not within"."""

    difference: float
    low: float
    high: float
    p_value: float

    @property
    def interval(self) -> Interval:
        """The difference with its interval."""
        return Interval(self.difference, self.low, self.high)


def equivalence(
    first: Shaped[np.ndarray, " seed"], second: Shaped[np.ndarray, " other"], margin: float
) -> Equivalence:
    """Two one-sided Welch tests of |mean(first) - mean(second)| < margin.

    Both must reject for the means to be equivalent; the larger of their p values is returned.
    """
    margin = require_float("margin", margin, at_least=0.0)
    if min(len(first), len(second)) < 2:
        raise InputError("samples", "hold at least 2 seeds each", (len(first), len(second)))
    one, other = first.astype(np.float64), second.astype(np.float64)
    if max(np.ptp(one), np.ptp(other)) == 0:  # nothing varies: no test is needed, nor possible
        exact = float(one[0] - other[0])
        return Equivalence(exact, exact, exact, 0.0 if abs(exact) < margin else 1.0)
    both = stats.ttest_ind(one, other, equal_var=False)
    low, high = both.confidence_interval(0.95)
    p_values = (
        stats.ttest_ind(one + margin, other, equal_var=False, alternative="greater").pvalue,
        stats.ttest_ind(one - margin, other, equal_var=False, alternative="less").pvalue,
    )
    return Equivalence(
        float(one.mean() - other.mean()), float(low), float(high), float(max(p_values))
    )


def mean_of_few(
    values: ArrayLike,
    *,
    lowest: float = -np.inf,
    highest: float = np.inf,
) -> Interval:
    """Mean over a handful of seeds with Student's 95 % interval: a bootstrap is too narrow there.

    The interval is cut to what the quantity can be, ``lowest`` to ``highest``; one seed has
    none, and its ends are those.
    """
    numbers = np.asarray(values, dtype=float)
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return Interval(mean, lowest, highest)
    deviation = float(numbers.std(ddof=1)) / np.sqrt(len(numbers))
    half = float(stats.t.ppf(LEVELS[1], len(numbers) - 1)) * deviation
    return Interval(mean, max(mean - half, lowest), min(mean + half, highest))


def bootstrap_over_seeds(
    values_by_seed: Sequence[Item],
    statistic: Callable[[list[Item]], float],
    *,
    num_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """A statistic of several seeds with its 95 % percentile interval.

    Seeds are resampled with replacement, whole: what belongs to one seed (its neurons, its
    clusters) stays together. ``statistic`` takes the list of the chosen seeds' items.
    """
    num_seeds = len(values_by_seed)
    if num_seeds < 2:
        raise InputError("values_by_seed", "hold at least 2 seeds", num_seeds)
    if num_resamples < 1:
        raise InputError("num_resamples", "be at least 1", num_resamples)

    def of_seeds(chosen: np.ndarray) -> float:
        value = float(statistic([values_by_seed[i] for i in chosen.tolist()]))
        if not math.isfinite(value):
            raise InputError("statistic", "be finite on every resample", value)
        return value

    result = stats.bootstrap(
        (np.arange(num_seeds),),
        of_seeds,
        n_resamples=num_resamples,
        batch=100,
        vectorized=False,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = result.confidence_interval
    return Interval(of_seeds(np.arange(num_seeds)), float(low), float(high))


def share_interval(successes: int, total: int) -> Interval:
    """A share of seeds with its 95 % Wilson interval.

    The bootstrap gives an interval of no width when all seeds agree; see the deviations page.
    """
    interval = stats.binomtest(successes, total).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(successes / total, float(interval.low), float(interval.high))
