"""Measuring the claims: each by the function that registered itself for it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from modlib.claims import measures
from modlib.claims.register import load_claims
from modlib.claims.verdict import Measurement, MissingExport


def registered(chapters: Iterable[str] | None = None) -> dict[str, Callable[[], Measurement]]:
    """What measures a claim, by id: of these files of ``claims.measures``, None: of all."""
    known = {module.name for module in pkgutil.iter_modules(measures.__path__)}
    for name in sorted(known if chapters is None else known.intersection(chapters)):
        import_module(f"{measures.__name__}.{name}")
    return measures.REGISTERED


def measure(claim_ids: Sequence[str] | None = None) -> dict[str, Measurement]:
    """Measurements of the named claims (None: of all) as far as there are any.

    A claim whose tables are not in ``results/`` is left out. What measures several claims does so
    once. Raises ``InputError`` where a result is not finite.
    """
    claims = load_claims()
    wanted = [claims[i] for i in (claims if claim_ids is None else claim_ids) if i in claims]
    functions = registered(claim.chapter.partition("_")[2] for claim in wanted)
    made: dict[Callable[[], Measurement], Measurement | None] = {}
    for function in (functions[claim.id] for claim in wanted if claim.id in functions):
        if function not in made:
            made[function] = _measured(function)
    found = {claim.id: made.get(functions[claim.id]) for claim in wanted if claim.id in functions}
    return {claim_id: result for claim_id, result in found.items() if result is not None}


def _measured(function: Callable[[], Measurement]) -> Measurement | None:
    """What a function measures; None where its tables are missing."""
    try:
        return function()
    except MissingExport:
        return None
