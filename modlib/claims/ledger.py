"""The ledger: what the papers claim, what we measured, and the verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from modlib.claims.register import Claim, load_claims
from modlib.claims.verdict import MARKS, VERDICTS, Measurement, Verdict
from modlib.errors import InputError


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
