"""What is measured of a claim, and the rules by which it agrees or differs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from scipy import stats

from modlib.errors import InputError, require_choice
from modlib.maths.intervals import CONFIDENCE

Verdict = Literal[
    "agrees", "differs", "not testable at this size", "undecided", "identity", "pending"
]
VERDICTS: dict[int, tuple[Verdict, ...]] = {
    1: ("agrees", "differs", "not testable at this size", "pending"),
    2: ("agrees", "differs", "undecided", "identity", "pending"),
}
"""The verdicts of each edition."""
MARKS: dict[Verdict, str] = {
    "agrees": "✓",
    "differs": "✗",
    "not testable at this size": "○",
    "undecided": "○",
    "identity": "≡",
    "pending": "…",
}


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A measured value, its 95 % interval and the verdict on its claim."""

    value: float
    """In ``unit``, as are ``low`` and ``high``."""
    low: float | None = None
    """Lower end of the interval; None, with ``high``, where nothing was sampled."""
    high: float | None = None
    """Upper end of the interval."""
    num_seeds: int | None = None
    """Independent networks behind the value; None where there are none."""
    verdict: Verdict
    """The rule applied to the interval."""
    text: str = ""
    """The value in words; built from the numbers unless given."""
    unit: str = ""
    """Of the three numbers, for example %."""
    note: str = ""
    """A remark; with "not testable at this size", the size it would need."""
    needs: str = ""
    """With "undecided": the networks that it would take, and what they cost here."""
    controls: str = ""
    """The same number where there is nothing to find: untrained, shuffled, at random."""
    sensitivity: str = ""
    """The verdict over a range of each threshold of ours that it rests on."""

    def __post_init__(self) -> None:
        require_choice("verdict", self.verdict, get_args(Verdict))
        if self.verdict == "undecided" and not self.needs:
            raise InputError("needs", "say the networks that would decide it", self.needs)
        if self.verdict == "not testable at this size" and not self.note:
            raise InputError("note", "say the size the claim would need", self.note)
        if not math.isfinite(self.value):
            raise InputError("value", "be finite", self.value)
        if self.num_seeds is not None and self.num_seeds < 1:
            raise InputError("num_seeds", "be at least 1", self.num_seeds)
        if (self.low is None) != (self.high is None):
            raise InputError("low and high", "be both given or both None", (self.low, self.high))
        if self.low is not None and self.high is not None:
            check_interval(self.low, self.high)
        if not self.text:
            object.__setattr__(self, "text", self._text_of_numbers())

    def _text_of_numbers(self) -> str:
        decimals = num_decimals(self.low, self.high)
        value = f"{formatted(self.value, decimals)} {self.unit}".rstrip()
        details = []
        if self.low is not None and self.high is not None:
            low, high = formatted(self.low, decimals), formatted(self.high, decimals)
            details.append(f"{100 * CONFIDENCE:.0f} % {low} to {high}")
        if self.num_seeds is not None:
            details.append(f"{self.num_seeds} seed" + "s" * (self.num_seeds != 1))
        return f"{value} ({', '.join(details)})" if details else value


ONE_NETWORK = "one network of each share trained on, no interval"
"""Note of the claims that are judged by single networks of the paper's own size."""


class MissingExport(LookupError):
    """The tables that a claim is measured on are not in ``results/``, or not complete."""


def with_interval(
    value: float,
    low: float,
    high: float,
    num_seeds: int,
    verdict: Verdict,
    *,
    unit: str = "",
    note: str = "",
) -> Measurement:
    """A measurement of a share or number; in the unit % all three are multiplied by 100."""
    factor = 100.0 if unit == "%" else 1.0
    return Measurement(
        value=factor * value,
        low=factor * low,
        high=factor * high,
        num_seeds=num_seeds,
        verdict=verdict,
        unit=unit,
        note=note,
    )


def interval_verdict(
    low: float,
    high: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Verdict:
    """Verdict "agrees" if every value of the interval [low, high] keeps every given bound.

    For a value without sampling error give it as both ends.
    """
    check_interval(low, high)
    if all(bound is None for bound in (at_least, at_most, above, below)):
        raise InputError("rule", "hold at least one bound", None)
    holds = (
        (at_least is None or low >= at_least)
        and (at_most is None or high <= at_most)
        and (above is None or low > above)
        and (below is None or high < below)
    )
    return "agrees" if holds else "differs"


def margin_verdict(intervals: Sequence[tuple[float, float]], low: float, high: float) -> Verdict:
    """Verdict of a claim of no difference: "agrees" if every interval lies within the margin.

    One that lies wholly outside makes it "differs". Where neither holds, too few networks were
    counted to tell: "not testable at this size".
    """
    if all(low <= a and b <= high for a, b in intervals):
        return "agrees"
    outside = any(b < low or a > high for a, b in intervals)
    return "differs" if outside else "not testable at this size"


def networks_to_show(num_networks: int, half_width: float, margin: float) -> int:
    """Networks that would show equality, if it holds, with a chance of 80 %.

    ``half_width``: of the 95 % interval at ``num_networks``, which falls with their root.
    """
    factor = (1 + stats.norm.ppf(0.9) / stats.norm.ppf(0.975)) * half_width / margin
    return math.ceil(num_networks * factor**2)


def all_agree(*verdicts: Verdict) -> Verdict:
    """Verdict of a rule in several parts: it fails with one, and is open while one is."""
    for verdict in ("differs", *verdicts):
        if verdict != "agrees" and verdict in verdicts:
            return verdict
    return "agrees"


def check_interval(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise InputError("low and high", "be finite and in order", (low, high))


def num_decimals(low: float | None, high: float | None) -> int | None:
    """Decimals that resolve the interval into 4 steps or more; None without an interval."""
    if low is None or high is None or low == high:
        return None
    return max(0, -math.floor(round(math.log10((high - low) / 4), 9)))


def formatted(value: float, decimals: int | None) -> str:
    return f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"
