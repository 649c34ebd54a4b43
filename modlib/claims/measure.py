"""Measuring the claims: each by the function that registered itself for it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from importlib import import_module

from modlib.claims import measures
from modlib.claims.ledger import Row, ledger
from modlib.claims.register import load_claims
from modlib.claims.verdict import Measurement, MissingExport


def registered(chapters: Iterable[str] | None = None) -> dict[str, Callable[[], Measurement]]:
    """What measures a claim, by id: of these files of ``claims.measures``, None: of all.

    A chapter's measures of the second edition may stand in a file of their own, whose name ends
    in ``_2``.
    """
    known = {module.name for module in pkgutil.iter_modules(measures.__path__)}
    wanted = known if chapters is None else {name for c in chapters for name in (c, f"{c}_2")}
    for name in sorted(known & wanted):
        import_module(f"{measures.__name__}.{name}")
    return measures.REGISTERED


def measure(claim_ids: Iterable[str]) -> dict[str, Measurement | MissingExport]:
    """What the named claims come to: their measurement, or what it is that is missing.

    What measures several claims does so once. Raises ``InputError`` where a result is not finite.
    """
    claims = load_claims()
    wanted = [claims[i] for i in claim_ids if i in claims]
    functions = registered({claim.chapter.partition("_")[2] for claim in wanted})
    made: dict[Callable[[], Measurement], Measurement | MissingExport] = {}
    found: dict[str, Measurement | MissingExport] = {}
    for claim in wanted:
        function = functions.get(claim.id)
        if function is None:
            found[claim.id] = MissingExport("it is not measured yet")
            continue
        if function not in made:
            made[function] = _measured(function)
        found[claim.id] = made[function]
    return found


def _measured(function: Callable[[], Measurement]) -> Measurement | MissingExport:
    """What a function measures, or the tables that it lacks."""
    try:
        return function()
    except MissingExport as missing:
        return missing


def measured_ledger(edition: int, chapter: str | None = None) -> list[Row]:
    """The rows of an edition, measured: of one chapter, or of all."""
    claims = load_claims()
    rows = [row for row in ledger(edition, {}) if chapter in (None, row.claim.chapter)]
    ids = dict.fromkeys(i for row in rows for i in (row.claim.id, *row.claim.replaces))
    kept = {row.claim.id for row in rows}
    results = measure(i for i in ids if i in claims)
    return [row for row in ledger(edition, results) if row.claim.id in kept]
