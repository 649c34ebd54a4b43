"""The second edition's verdicts: what an interval says to a rule, and what would decide it.

One convention for all rules: ``agrees`` where every value of the interval keeps the rule,
``differs`` where none does, which is evidence against it, else ``undecided``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from scipy import stats

from modlib.claims.verdict import Measurement, Verdict, check_interval, formatted, num_decimals
from modlib.edge import public
from modlib.errors import InputError, require_int
from modlib.maths.intervals import CONFIDENCE, Interval
from modlib.queue.jobs import JOBS

POWER = 0.8
"""Chance with which the named number of networks would decide a claim."""
MOST_NETWORKS = 10_000_000
"""Beyond this many a number of networks is not told."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a value must keep; at least one bound. An interval is judged by ``decide``."""

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if not self.given:
            raise InputError("rule", "hold at least one bound", None)

    @property
    def given(self) -> list[float]:
        """The bounds that there are."""
        every = (self.at_least, self.above, self.at_most, self.below)
        return [bound for bound in every if bound is not None]

    def keeps(self, value: float) -> bool:
        """Whether a value keeps them all."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


def decide(low: float, high: float, **bounds: float | None) -> Verdict:
    """What the interval [low, high] says to a rule; bounds as in ``Bounds``.

    For a value without sampling error give it as both ends: it is never undecided.
    """
    check_interval(low, high)
    rule = Bounds(**bounds)
    if rule.keeps(low) and rule.keeps(high):
        return "agrees"
    beyond = (
        (rule.at_least is not None and high < rule.at_least)
        or (rule.at_most is not None and low > rule.at_most)
        or (rule.above is not None and high <= rule.above)
        or (rule.below is not None and low >= rule.below)
    )
    return "differs" if beyond else "undecided"


def every(verdicts: Iterable[Verdict]) -> Verdict:
    """Verdict of a rule whose parts must all hold."""
    found = list(verdicts)
    order: tuple[Verdict, ...] = ("differs", "undecided", "agrees")
    return next(verdict for verdict in order if verdict in found)


def some(verdicts: Iterable[Verdict]) -> Verdict:
    """Verdict of a rule of which one part must hold."""
    found = list(verdicts)
    order: tuple[Verdict, ...] = ("agrees", "undecided", "differs")
    return next(verdict for verdict in order if verdict in found)


@public
def share_of(successes: int, total: int) -> Interval:
    """A share of networks with the exact 95 % interval, that of Clopper and Pearson.

    Wilson's is narrower, but holds a share of .99 in 93.2 % of samples of 400 only.
    """
    total = require_int("total", total, at_least=1)
    successes = require_int("successes", successes, at_least=0, at_most=total)
    interval = stats.binomtest(successes, total).proportion_ci(CONFIDENCE, method="exact")
    return Interval(successes / total, float(interval.low), float(interval.high))


def networks_needed(
    value: float, low: float, high: float, num_networks: int, bounds: Bounds
) -> int | None:
    """Networks that would decide, with a chance of ``POWER`` or more, if the value is the truth.

    The interval's width falls with the root of their number; its end must clear the nearest bound,
    and between two bounds each end its own. None where that is more than ``MOST_NETWORKS``.
    """
    distance = min(abs(value - bound) for bound in bounds.given)
    if distance == 0:
        return None
    between = min(bounds.given) < value < max(bounds.given)
    # Each of two ends may miss its bound in half of the cases that are left.
    power = (1 + POWER) / 2 if between else POWER
    factor = 1 + stats.norm.ppf(power) / stats.norm.ppf(0.5 + CONFIDENCE / 2)
    needed = num_networks * (factor * (high - low) / 2 / distance) ** 2
    return max(math.ceil(needed), num_networks + 1) if needed < MOST_NETWORKS else None


def cost_hours(num_networks: float, *jobs: str) -> float:
    """Core-hours of so many networks of each of these jobs of the queue."""
    chosen = [job for job in JOBS if job.name in jobs]
    if len(chosen) != len(set(jobs)):
        raise InputError("jobs", "be in the queue", jobs)
    return sum(num_networks * job.core_hours / job.num_networks for job in chosen)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A number of a rule with its interval and its bounds.

    ``what`` it is, in words that stand before the number; ``num_networks`` behind it (None:
    nothing was sampled); ``jobs`` that train such networks, for what more would cost: together,
    or ``each`` so many where they are compared; ``unit``: in % the numbers are shown a hundredfold,
    the bounds are not.
    """

    what: str
    interval: Interval
    bounds: Bounds
    num_networks: int | None = None
    jobs: tuple[str, ...] = ()
    each: bool = False
    unit: str = ""

    @property
    def verdict(self) -> Verdict:
        """What the interval says to the bounds."""
        return decide(self.interval.low, self.interval.high, **vars(self.bounds))

    @property
    def shown(self) -> Interval:
        """The numbers in their unit."""
        factor = 100.0 if self.unit == "%" else 1.0
        return self.interval.map(lambda x: factor * x)

    @property
    def text(self) -> str:
        """What it is, the value and the ends of its interval."""
        value, low, high = self.shown
        decimals = num_decimals(low, high)
        number = f"{formatted(value, decimals)} {self.unit}".rstrip()
        if low == high:
            return f"{self.what}: {number}"
        return f"{self.what}: {number} ({formatted(low, decimals)} to {formatted(high, decimals)})"

    @property
    def needs(self) -> str:
        """The networks that would decide it and what they cost; empty where it is decided."""
        if self.verdict != "undecided" or self.num_networks is None:
            return ""
        needed = networks_needed(*self.interval, self.num_networks, self.bounds)
        if needed is None:
            return f"more than {MOST_NETWORKS:,} networks, so near is the bound ({self.what})"
        more = needed - self.num_networks
        said = f"about {needed:,} networks ({self.what}), {more:,} more than there are"
        if not self.jobs:
            return said
        hours = cost_hours(more if self.each else more / len(self.jobs), *self.jobs)
        return f"{said}, which take {max(0.1, hours):,.1f} core-hours here"


@public
def part(
    what: str,
    interval: Iterable[float],
    num_networks: int | None = None,
    *,
    jobs: str | tuple[str, ...] = (),
    each: bool = False,
    unit: str = "",
    **bounds: float | None,
) -> Part:
    """A part of a rule, see ``Part`` and ``Bounds``; an interval of one value is exact."""
    ends = [float(x) for x in interval]
    if len(ends) != 3:
        raise InputError("interval", "be a value and its two ends", ends)
    named = (jobs,) if isinstance(jobs, str) else tuple(jobs)
    rule = Bounds(**bounds)
    return Part(
        what=what,
        interval=Interval(*ends),
        bounds=rule,
        num_networks=num_networks,
        jobs=named,
        each=each,
        unit=unit,
    )


def exactly(value: float) -> Interval:
    """A value without sampling error."""
    return Interval(value, value, value)


@public
def judged(
    *parts: Part,
    combine: Callable[[Iterable[Verdict]], Verdict] = every,
    beside: Iterable[Part] = (),
    **extra: Any,
) -> Measurement:
    """The measurement of a rule in parts: the first part with the rule's verdict is its number.

    ``combine``: ``every``, or ``some`` where one part is enough. The other parts stand in the
    note, each with its verdict, and so do those ``beside``, which do not decide. ``extra``:
    ``note``, ``controls``, ``sensitivity``, ``needs`` of ``Measurement``.
    """
    if not parts:
        raise InputError("parts", "be one or more", parts)
    verdict = combine(one.verdict for one in parts)
    deciding = next(one for one in parts if one.verdict == verdict)
    told = [f"{one.text}, {one.verdict}" for one in parts if one is not deciding]
    told += [f"beside it, {one.text}, {one.verdict}" for one in beside]
    note = "; ".join([*told, *filter(None, [extra.pop("note", "")])])
    if verdict == "undecided":
        needs = "; ".join(one.needs for one in parts if one.needs)
        extra["needs"] = "; ".join(filter(None, [extra.get("needs", ""), needs]))
    value, low, high = deciding.shown
    count = f", {deciding.num_networks:,} networks" if deciding.num_networks is not None else ""
    return Measurement(
        value=value,
        low=low if low < high else None,
        high=high if low < high else None,
        num_seeds=deciding.num_networks,
        unit=deciding.unit,
        text=deciding.text + count,
        verdict=verdict,
        note=note,
        **extra,
    )


def counted(
    what: str, holds: Iterable[bool], *, needed: int | None = None, **extra: Any
) -> Measurement:
    """The measurement of a rule that single networks decide: "3 of 3 networks (29 to 100 %)".

    The share's interval, Clopper and Pearson's, decides nothing: the measurement agrees if all
    networks keep the rule (or ``needed`` of them), and differs else. ``holds``: whether each does.
    """
    found = list(holds)
    if not found:
        raise InputError("networks", "be at least one", 0)
    kept, total = sum(found), len(found)
    enough = kept >= (total if needed is None else needed)
    share = share_of(kept, total)
    between = f"{100 * share.low:.0f} to {100 * share.high:.0f} %"
    return Measurement(
        value=kept,
        num_seeds=total,
        text=f"{what}: {kept} of {total} network{'s' * (total != 1)} ({between})",
        verdict="agrees" if enough else "differs",
        **extra,
    )


def over(thresholds: Iterable[float], verdict_at: Callable[[float], Verdict], name: str) -> str:
    """The verdict over a range of a threshold, in words: ``order 4: differs, 5: agrees``."""
    return f"{name} " + ", ".join(f"{at:g}: {verdict_at(at)}" for at in thresholds)
