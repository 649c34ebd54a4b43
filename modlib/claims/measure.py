"""Measuring the claims: each by the function that registered itself for it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from modlib.claims import measures
from modlib.claims.ledger import Row, ledger
from modlib.claims.register import load_claims
from modlib.claims.verdict import Measurement, MissingExport
from modlib.results.measured import Entry, entry, keep_measured, read_measured


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


Result = Measurement | MissingExport
"""What a claim comes to, or what it is that is missing."""


def measure(claim_ids: Iterable[str]) -> dict[str, Result]:
    """What the named claims come to, measured now; see ``measured``.

    What measures several claims does so once. Raises ``InputError`` where a result is not finite.
    """
    return {name: result for name, (result, _) in _measure(claim_ids).items()}


def measured(claim_ids: Iterable[str]) -> dict[str, Result]:
    """What the named claims come to: kept from before where neither tables nor code have changed,
    measured and kept otherwise."""
    kept = read_measured()
    claims = load_claims()
    ids = [claim_id for claim_id in claim_ids if claim_id in claims]
    new = _measure(claim_id for claim_id in ids if claim_id not in kept)
    if new:
        keep_measured({name: entry(*_told(*found)) for name, found in new.items()})
    return {i: new[i][0] if i in new else _result(kept[i]) for i in ids}


def keep_all() -> Path:
    """Write what every claim comes to for everyone, as ``results/measured.json``; returns it."""
    kept = read_measured()
    new = _measure(claim_id for claim_id in load_claims() if claim_id not in kept)
    made = {name: entry(*_told(*found)) for name, found in new.items()}
    return keep_measured({**kept, **made}, committed=True)


def _measure(claim_ids: Iterable[str]) -> dict[str, tuple[Result, set[Path]]]:
    """What the claims come to, and the folders of tables that were asked for on the way."""
    wanted_ids = list(claim_ids)
    if not wanted_ids:
        return {}
    from modlib.claims import committed  # not at the top: what reads tables loads what trains

    claims = load_claims()
    wanted = [claims[i] for i in wanted_ids if i in claims]
    functions = registered({claim.chapter.partition("_")[2] for claim in wanted})
    made: dict[Callable[[], Measurement], tuple[Result, set[Path]]] = {}
    found: dict[str, tuple[Result, set[Path]]] = {}
    for claim in wanted:
        function = functions.get(claim.id)
        if function is None:
            found[claim.id] = MissingExport("it is not measured yet"), set()
            continue
        if function not in made:
            with committed.noting() as folders:
                made[function] = _measured(function), folders
        found[claim.id] = made[function]
    return found


def _measured(function: Callable[[], Measurement]) -> Result:
    """What a function measures, or the tables that it lacks."""
    try:
        return function()
    except MissingExport as missing:
        return missing


def _told(result: Result, folders: set[Path]) -> tuple[set[Path], Any]:
    """A result as it is kept: the fields of a measurement, or what is missing."""
    return folders, asdict(result) if isinstance(result, Measurement) else str(result)


def _result(kept: Entry) -> Result:
    told = kept["told"]
    return MissingExport(told) if isinstance(told, str) else Measurement(**told)


def measured_ledger(edition: int, chapter: str | None = None) -> list[Row]:
    """The rows of an edition, measured: of one chapter, or of all."""
    claims = load_claims()
    rows = [row for row in ledger(edition, {}) if chapter in (None, row.claim.chapter)]
    ids = dict.fromkeys(i for row in rows for i in (row.claim.id, *row.claim.replaces))
    kept = {row.claim.id for row in rows}
    results = measured(i for i in ids if i in claims)
    return [row for row in ledger(edition, results) if row.claim.id in kept]
