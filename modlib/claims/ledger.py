"""The ledger: what the papers claim, what we measured, and the verdict.

The claims and the rule of each verdict stand in ``claims.toml``, written before measuring.
A claim without a measurement is ``pending``.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import pandas as pd
from scipy import stats

from modlib.errors import InputError

Item = TypeVar("Item")

CLAIMS_FILE = Path(__file__).with_name("claims.toml")
CONFIDENCE = 0.95

Verdict = Literal["agrees", "differs", "not testable at this size", "pending"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
MARKS: dict[Verdict, str] = {
    "agrees": "✓",
    "differs": "✗",
    "not testable at this size": "○",
    "pending": "…",
}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of a paper and the rule by which our measurement agrees with it."""

    id: str
    """Final name, starting with the paper."""
    paper: str
    """A or B."""
    place: str
    """Where the paper says it."""
    says: str
    """The statement, in our words."""
    reported: str
    """The number or the words the paper gives."""
    measured: str
    """The quantity we measure."""
    rule: str
    """The verdict is "agrees" if this holds."""
    chapter: str
    """The notebook that shows the measurement."""


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

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise InputError("verdict", f"be one of {', '.join(VERDICTS)}", self.verdict)
        if self.verdict == "not testable at this size" and not self.note:
            raise InputError("note", "say the size the claim would need", self.note)
        if not math.isfinite(self.value):
            raise InputError("value", "be finite", self.value)
        if self.num_seeds is not None and self.num_seeds < 1:
            raise InputError("num_seeds", "be at least 1", self.num_seeds)
        if (self.low is None) != (self.high is None):
            raise InputError("low and high", "be both given or both None", (self.low, self.high))
        if self.low is not None and self.high is not None:
            _check_interval(self.low, self.high)
        if not self.text:
            object.__setattr__(self, "text", self._text_of_numbers())

    def _text_of_numbers(self) -> str:
        decimals = _decimals(self.low, self.high)
        value = f"{_format(self.value, decimals)} {self.unit}".rstrip()
        details = []
        if self.low is not None and self.high is not None:
            low, high = _format(self.low, decimals), _format(self.high, decimals)
            details.append(f"{100 * CONFIDENCE:.0f} % {low} to {high}")
        if self.num_seeds is not None:
            details.append(f"{self.num_seeds} seed" + "s" * (self.num_seeds != 1))
        return f"{value} ({', '.join(details)})" if details else value


ONE_NETWORK = "one network of each share trained on, no interval"
"""Note of the claims that are judged by single networks of the paper's own size."""


class MissingExport(LookupError):
    """The tables that a claim is measured on are not in ``results/``."""


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


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the ledger: a claim and its measurement, or None while that is to come."""

    claim: Claim
    measurement: Measurement | None = None

    @property
    def verdict(self) -> Verdict:
        """The measurement's verdict, "pending" without one."""
        return "pending" if self.measurement is None else self.measurement.verdict

    @property
    def text(self) -> str:
        """The measured value in words, with its note; empty while pending."""
        if self.measurement is None:
            return ""
        return "; ".join(part for part in (self.measurement.text, self.measurement.note) if part)


def load_claims(path: Path = CLAIMS_FILE) -> dict[str, Claim]:
    """Every claim by id, in the order of the file.

    Raises InputError for a missing, empty or unknown field and for an id used twice.
    """
    names = {field.name for field in fields(Claim)}
    claims: dict[str, Claim] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("claim", []):
        label = entry.get("id", entry)
        if set(entry) != names:
            raise InputError(f"claim {label}", f"have the fields {sorted(names)}", sorted(entry))
        for name, content in entry.items():
            if not isinstance(content, str) or not content.strip():
                raise InputError(f"{name} of claim {label}", "be a non-empty text", content)
        claim = Claim(**entry)
        if claim.paper not in ("A", "B") or not claim.id.startswith(f"{claim.paper}."):
            raise InputError(f"id of claim {label}", "start with its paper, A. or B.", claim.paper)
        if claim.id in claims:
            raise InputError("claim ids", "be unique", claim.id)
        claims[claim.id] = claim
    return claims


def bootstrap_over_seeds(
    values_by_seed: Sequence[Item],
    statistic: Callable[[list[Item]], float],
    *,
    num_resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """A statistic of several seeds with its 95 % percentile interval: (value, low, high).

    Seeds are resampled with replacement, whole: what belongs to one seed (its neurons, its
    clusters) stays together. ``statistic`` takes the list of the chosen seeds' items.
    """
    num_seeds = len(values_by_seed)
    if num_seeds < 2:
        raise InputError("values_by_seed", "hold at least 2 seeds", num_seeds)
    if num_resamples < 1:
        raise InputError("num_resamples", "be at least 1", num_resamples)

    def of_seeds(chosen: np.ndarray) -> float:
        value = float(statistic([values_by_seed[int(i)] for i in chosen]))
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
    return of_seeds(np.arange(num_seeds)), float(low), float(high)


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
    _check_interval(low, high)
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


def share_interval(successes: int, total: int) -> tuple[float, float, float]:
    """A share of seeds with its 95 % Wilson interval.

    The bootstrap gives an interval of no width when all seeds agree; see the deviations page.
    """
    interval = stats.binomtest(successes, total).proportion_ci(CONFIDENCE, method="wilson")
    return successes / total, float(interval.low), float(interval.high)


def ledger(measurements: Mapping[str, Measurement]) -> list[Row]:
    """One row a claim, in the order of the claims; InputError for an unknown id."""
    claims = load_claims()
    for claim_id in measurements:
        if claim_id not in claims:
            raise InputError("claim id", "be listed in claims.toml", claim_id)
    return [Row(claim=claim, measurement=measurements.get(claim.id)) for claim in claims.values()]


def as_table(rows: Sequence[Row]) -> pd.DataFrame:
    """The ledger with one row a claim: the claim's fields, the numbers, text and verdict.

    ``quantity`` is what is measured; ``measured`` is the value in words, empty while pending.
    """
    return pd.DataFrame([_record(row) for row in rows], columns=list(_COLUMNS))


def count_verdicts(rows: Sequence[Row], by: str = "paper") -> pd.DataFrame:
    """Number of claims by a column of ``as_table`` (rows) and verdict (columns)."""
    table = as_table(rows)
    if by not in table.columns:
        raise InputError("by", f"be one of {', '.join(_COLUMNS)}", by)
    counts = pd.crosstab(table[by], table["verdict"])
    return counts.reindex(columns=list(VERDICTS), fill_value=0).rename_axis(columns=None)


def as_json(rows: Sequence[Row]) -> str:
    """The ledger as a JSON list of {id, place, reported, measured, verdict}.

    ``measured`` is null while pending, else {value, low, high, num_seeds, unit, text, note}.
    """
    entries = []
    for row in rows:
        measured = None if row.measurement is None else asdict(row.measurement)
        if measured is not None:
            del measured["verdict"]
        claim = row.claim
        entries.append(
            {
                "id": claim.id,
                "place": f"paper {claim.paper}, {claim.place}",
                "reported": claim.reported,
                "measured": measured,
                "verdict": row.verdict,
            }
        )
    return json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False)


def as_text(rows: Sequence[Row]) -> str:
    """The ledger for a terminal: three lines a claim and a last line of counts."""
    lines = []
    for row in rows:
        claim = row.claim
        lines += [
            f"{MARKS[row.verdict]} {row.verdict}  {claim.id}  (paper {claim.paper}, {claim.place})",
            f"    reported: {claim.reported}",
            f"    measured: {row.text or '-'}",
        ]
    counts = [f"{sum(row.verdict == v for row in rows)} {v}" for v in VERDICTS]
    return "\n".join([*lines, f"{len(rows)} claims: {', '.join(counts)}"])


def as_markdown(
    rows: Sequence[Row],
    columns: Sequence[str] = ("id", "place", "says", "reported", "measured", "verdict"),
) -> str:
    """The ledger as a Markdown table.

    ``columns`` are those of ``as_table``, and two that take less room: ``claim`` (says, place
    and id) and ``measurement`` (the quantity and its value). A verdict is a sign and a word, so
    that it does not rest on colour.
    """
    for column in columns:
        if column not in (*_COLUMNS, "claim", "measurement"):
            allowed = ", ".join((*_COLUMNS, "claim", "measurement"))
            raise InputError("columns", f"be among {allowed}", column)
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for row in rows:
        cells = _markdown_cells(row)
        lines.append("| " + " | ".join(cells[column] for column in columns) + " |")
    return "\n".join(lines)


_COLUMNS = (
    *("id", "paper", "chapter", "place", "says", "reported", "quantity", "rule"),
    *("measured", "value", "low", "high", "num_seeds", "unit", "note", "verdict"),
)


def _record(row: Row) -> dict[str, Any]:
    record: dict[str, Any] = dict.fromkeys(_COLUMNS) | asdict(row.claim)
    record["quantity"] = row.claim.measured
    if row.measurement is not None:
        record |= asdict(row.measurement)
        del record["text"]
    return record | {"measured": row.text, "verdict": row.verdict}


def _markdown_cells(row: Row) -> dict[str, str]:
    cells = {name: "" if c is None else _escape(str(c)) for name, c in _record(row).items()}
    cells["verdict"] = f"{MARKS[row.verdict]}\u00a0{row.verdict}"
    place = cells["place"][0].upper() + cells["place"][1:]
    cells["claim"] = f"{cells['says']} *{place}.* `{row.claim.id}`"
    value = f": **{cells['measured']}**" if row.text else ""
    cells["measurement"] = cells["quantity"] + value
    return cells


def _escape(text: str) -> str:
    """Text that Markdown shows as it stands: no emphasis, math, HTML or table syntax."""
    return re.sub(r"([\\|*_<>`$~\[\]])", r"\\\1", text)


def _check_interval(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise InputError("low and high", "be finite and in order", (low, high))


def _decimals(low: float | None, high: float | None) -> int | None:
    """Decimals that resolve the interval into 4 steps or more; None without an interval."""
    if low is None or high is None or low == high:
        return None
    return max(0, -math.floor(round(math.log10((high - low) / 4), 9)))


def _format(value: float, decimals: int | None) -> str:
    return f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"
