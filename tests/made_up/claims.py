"""The measures of a chapter's claims, and tables put in place of the committed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from modlib.claims import committed, fresh
from modlib.claims.measure import registered
from modlib.claims.register import load_claims
from modlib.claims.verdict import Measurement
from modlib.queue.jobs import JOBS


def measures_of(chapter: str) -> list[Callable[[], Measurement]]:
    """What measures the claims that a chapter shows."""
    found = registered()
    claims = load_claims(edition=1).values()
    return [found[claim.id] for claim in claims if claim.chapter == chapter]


def place_tables(monkeypatch: pytest.MonkeyPatch, **finders: Callable[..., Any]) -> None:
    """Measures find these in place of what is committed: ``sweep``, ``remainders`` and so on.

    Called with a preset's name, a finder returns its tables, or None.
    """
    for kind, find in finders.items():
        monkeypatch.setattr(committed, f"_{kind}", lambda *args, find=find: find(*args[:-1]))


def place_fresh(
    monkeypatch: pytest.MonkeyPatch,
    *,
    pizzas: Any = None,
    **tables: Mapping[str, Any],
) -> None:
    """The second edition finds these tables: ``sweep``, ``remainders`` by preset, and ``pizzas``.

    Jobs whose networks are among them want all that are there; others want what they want, so that
    their claims are pending.
    """
    place_tables(monkeypatch, **{kind: found.get for kind, found in tables.items()})
    place_tables(monkeypatch, clock_pizza=lambda: pizzas)
    held = {
        (name, kind == "sample"): (found.summary if kind == "sample" else found.networks).seed
        for kind, by_name in tables.items()
        for name, found in by_name.items()
    }
    if pizzas is not None:
        ours = pizzas.of("ours")
        held |= {(f"C59-rate-{rate:g}", False): rows.seed for rate, rows in ours.groupby("rate")}
    jobs = []
    for job in JOBS:
        own = [
            held[preset, job.described] for preset in job.presets if (preset, job.described) in held
        ]
        if len(own) == len(job.presets):
            job = replace(job, seeds=range(int(own[0].min()), int(own[0].max()) + 1))
        jobs.append(job)
    monkeypatch.setattr(fresh, "JOBS", tuple(jobs))
