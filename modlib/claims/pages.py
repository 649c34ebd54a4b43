"""The second edition on a page: two lines a row, and everything else one click away."""

from __future__ import annotations

from collections.abc import Sequence

from modlib.claims.ledger import IDENTITIES, Row, deciding, would_decide
from modlib.claims.ledger import escape as as_it_stands
from modlib.claims.verdict import MARKS

KEPT = "No row replaces it: the first edition's networks and rule, in the second's words."
FORCED = "Algebra or symmetry forces it, so that it can't fail: a check of the code."


SIGNS = {"+-": "±", "R^2": "R²", " pi ": " π ", "sigma": "σ"}
"""How a page writes what the ledger's file has in plain letters."""


def escape(text: str) -> str:
    """Text that Markdown shows as it stands, with the signs that letters stand for."""
    for letters, sign in SIGNS.items():
        text = text.replace(letters, sign)
    return as_it_stands(text)


def as_folded(rows: Sequence[Row]) -> str:
    """Rows as Markdown: verdict and plain sentence, deciding number against its rule, details.

    Details are an HTML element that is closed at first, so that pages and JupyterLab both fold it.
    """
    return "\n\n".join(_folded(row) for row in rows)


def _folded(row: Row) -> str:
    verdict = f"**{MARKS[row.verdict]}\u00a0{row.verdict}**"
    before = f"; first edition: {_before(row, named=len(row.before) > 1)}" if row.before else ""
    lines = [
        f"{verdict} · {escape(row.claim.plainly)}<br>",
        f"{_sentence(deciding(row))}",
        "",
        f"<details><summary>Details of <code>{row.claim.id}</code>{before}</summary>",
        "",
        *(f"- *{name}*: {escape(text)}" for name, text in _details(row) if text),
        "",
        "</details>",
    ]
    return "\n".join(lines)


def _details(row: Row) -> list[tuple[str, str]]:
    """What stands behind a row, by name."""
    claim, found = row.claim, row.measurement
    kept = row.claim.edition == 1
    why = claim.changed or (KEPT if kept else "")
    if claim.id in IDENTITIES:
        why = FORCED
    return [
        ("The paper says" if claim.place != "ours" else "We say", claim.says),
        ("Where", f"paper {claim.paper}, {claim.place}" if claim.place != "ours" else ""),
        ("Reported", claim.reported),
        ("Quantity", claim.measured),
        ("Setting", claim.setting),
        ("It fails if", claim.fails_if),
        ("To decide it", would_decide(row)),
        ("Also", found.note if found else ""),
        ("Controls", found.controls if found else ""),
        ("Thresholds", found.sensitivity if found else ""),
        (
            "First edition",
            f"{_before(row, named=not kept)}. {why}" if row.before else "It had no such row.",
        ),
    ]


def _before(row: Row, *, named: bool) -> str:
    """The first edition's verdicts, with the names of their rows or without."""
    told = [f"{old.claim.id} {old.verdict}" if named else old.verdict for old in row.before]
    return ", ".join(told)


def _sentence(text: str) -> str:
    # A symbol that begins a sentence stays as it is: "n = 91" is no N = 91.
    return escape(text if text[1:].startswith(" = ") else text[0].upper() + text[1:])
