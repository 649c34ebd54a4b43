"""The ledger: what the papers claim, what we measured, and the verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from modlib.claims.register import Claim, load_claims
from modlib.claims.verdict import MARKS, VERDICTS, Measurement, MissingExport, Verdict
from modlib.errors import InputError

IDENTITIES = (
    *("A.fig4a.within.n91", "A.fig4a.within.n89", "A.fig22.remap", "A.rem1.crt"),
    "A.fig17.pizza_shift",
)
"""Rows of the first edition that symmetry or algebra forces: shown and checked, counted apart."""

CARRIED: dict[Verdict, Verdict] = {
    "agrees": "agrees",
    "differs": "differs",
    "not testable at this size": "undecided",
}
"""Verdicts of the first edition in the second's words, of the rows that nothing replaces.

None of those is "differs" by an interval that holds its bound, which would be undecided now.
"""


HELD = "more networks, as the note says"
"""What would decide a row that is carried over undecided."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the ledger: a claim and its measurement, or None while that is to come.

    ``missing``: what it waits for; ``before``: the rows of the first edition that it replaces, or
    from which it is carried over.
    """

    claim: Claim
    measurement: Measurement | None = None
    missing: str = ""
    before: tuple[Row, ...] = ()

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


def ledger(edition: int, results: Mapping[str, Measurement | MissingExport]) -> list[Row]:
    """One row a claim of an edition: of the second its own, and those of the first that it keeps.

    A row stands in the place of the first one that it replaces, new rows at the end of their
    paper. ``results``: see ``measure``; a claim without one is pending. Raises ``InputError`` for
    the id of no claim and for an edition that there is not.
    """
    claims = load_claims()
    for claim_id in results:
        if claim_id not in claims:
            raise InputError("claim id", "be listed in claims.toml", claim_id)
    if edition not in VERDICTS:
        raise InputError("edition", f"be one of {tuple(VERDICTS)}", edition)
    first = {c.id: _row(c, results.get(c.id)) for c in claims.values() if c.edition == 1}
    if edition == 1:
        return list(first.values())
    of_second = [claim for claim in claims.values() if claim.edition == edition]
    replaced = {old: claim.id for claim in reversed(of_second) for old in claim.replaces}
    second = {
        c.id: _row(c, results.get(c.id), tuple(first[old] for old in c.replaces)) for c in of_second
    }
    own = {old: [c.id for c in of_second if old in c.replaces] for old in replaced}
    rows: dict[str, Row] = {}
    for paper in ("A", "B"):
        for claim_id, row in first.items():
            if row.claim.paper == paper:
                kept = own.get(claim_id)
                found = [_carried(row)] if kept is None else [second[i] for i in kept]
                for one in found:
                    rows.setdefault(one.claim.id, one)
        rows |= {i: row for i, row in second.items() if row.claim.paper == paper and i not in rows}
    return list(rows.values())


def _row(
    claim: Claim, result: Measurement | MissingExport | None, before: tuple[Row, ...] = ()
) -> Row:
    """A claim's row from what it came to."""
    if isinstance(result, Measurement):
        return Row(claim=claim, measurement=result, before=before)
    return Row(claim=claim, missing="" if result is None else str(result), before=before)


def _carried(row: Row) -> Row:
    """A row of the first edition as the second shows it."""
    if row.measurement is None:
        return replace(row, before=(row,))
    kept = row.measurement
    verdict: Verdict = "identity" if row.claim.id in IDENTITIES else CARRIED[kept.verdict]
    measured = replace(kept, verdict=verdict, needs=HELD if verdict == "undecided" else "")
    return replace(row, measurement=measured, before=(row,))


def as_table(rows: Sequence[Row]) -> pd.DataFrame:
    """The ledger with one row a claim: the claim's fields, the numbers, text and verdict.

    ``quantity`` is what is measured; ``measured`` is the value in words, empty while pending.
    """
    return pd.DataFrame([_record(row) for row in rows], columns=list(_COLUMNS))


def count_verdicts(rows: Sequence[Row], by: str = "paper", *, edition: int) -> pd.DataFrame:
    """Number of claims by a column of ``as_table`` (rows) and verdict of the edition (columns)."""
    table = as_table(rows)
    if by not in table.columns:
        raise InputError("by", f"be one of {', '.join(_COLUMNS)}", by)
    counts = pd.crosstab(table[by], table["verdict"])
    return counts.reindex(columns=list(VERDICTS[edition]), fill_value=0).rename_axis(columns=None)


def as_json(rows: Sequence[Row], *, edition: int) -> str:
    """The ledger as a JSON list.

    The first edition: {id, place, reported, measured, verdict}, ``measured`` null while pending,
    else {value, low, high, num_seeds, unit, text, note}. The second has more of both: the claim's
    fields (what is measured is its ``quantity``), ``needs``, ``controls`` and ``sensitivity`` of
    the measurement, what a pending row is ``missing``, and ``before``: id and verdict of the first
    edition's rows.
    """
    entries = []
    for row in rows:
        claim = row.claim
        entry: dict[str, Any] = {
            "id": claim.id,
            "place": f"paper {claim.paper}, {claim.place}",
            "reported": claim.reported,
            "measured": _numbers(row, edition),
            "verdict": row.verdict,
        }
        if edition > 1:
            more = asdict(claim) | {"quantity": claim.measured, "says_plainly": claim.plainly}
            entry |= {name: more[name] for name in _MORE} | {"missing": row.missing}
            entry["before"] = [{"id": old.claim.id, "verdict": old.verdict} for old in row.before]
        entries.append(entry)
    return json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False)


_MORE = (
    *("edition", "says_plainly", "says", "quantity", "rule", "fails_if", "setting", "chapter"),
    *("replaces", "changed"),
)


def _numbers(row: Row, edition: int) -> dict[str, Any] | None:
    if row.measurement is None:
        return None
    later = ("needs", "controls", "sensitivity") if edition == 1 else ()
    left_out = ("verdict", *later)
    return {name: x for name, x in asdict(row.measurement).items() if name not in left_out}


def as_text(rows: Sequence[Row], *, edition: int) -> str:
    """The ledger for a terminal: two or three lines a claim, and a last line of counts."""
    lines = []
    for row in rows:
        claim, name = row.claim, f"{MARKS[row.verdict]} {row.verdict}  {row.claim.id}"
        if edition == 1:
            lines += [
                f"{name}  (paper {claim.paper}, {claim.place})",
                f"    reported: {claim.reported}",
                f"    measured: {row.text or '-'}",
            ]
        else:
            lines += [f"{name}  {claim.plainly}", f"    {deciding(row)}"]
            lines += [f"    {needed}"] if (needed := would_decide(row)) else []
    return "\n".join([*lines, counts_in_words(rows, edition=edition)])


def deciding(row: Row) -> str:
    """The deciding number against its rule, or what a row waits for."""
    found = row.measurement
    said = found.text if found else row.missing or "it is not measured yet"
    return f"{said}; rule: {row.claim.rule}"


def would_decide(row: Row) -> str:
    """What an undecided row would take; empty for others."""
    found = row.measurement
    return f"it would take {found.needs}" if found and found.verdict == "undecided" else ""


def counts_in_words(rows: Sequence[Row], *, edition: int) -> str:
    """How many rows have which verdict; identities are counted apart."""
    number = {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS[edition]}
    apart = number.pop("identity", 0)
    words = f"{len(rows) - apart} claims: " + ", ".join(f"{n} {v}" for v, n in number.items())
    if not apart:
        return words
    return f"{words}; apart from them {apart} identit{'y' if apart == 1 else 'ies'}"


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


def escape(text: str) -> str:
    """Text that Markdown shows as it stands: no emphasis, math, HTML or table syntax."""
    return re.sub(r"([\\|*_<>`$~\[\]])", r"\\\1", text)
