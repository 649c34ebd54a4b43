"""Claims that are false on purpose: each must differ, and the true one beside it agree."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.claims import place_tables
from made_up.planted import CASES, planted
from modlib.claims import measure
from modlib.claims.decide import judged, part, share_of
from tried.battery import Battery

NETWORKS = 400
SMALL_SAMPLES = 2000
"""Samples a tenth of the tries, at the truth that lies on the bound."""


def planted_claims(battery: Battery) -> None:
    """Tables of a good and of a bad case for each claim; then rules on shares that are false."""
    measures = measure.registered()
    for claim, spoiled in CASES.items():
        for columns, verdict in (({}, "agrees"), (spoiled, "differs")):
            with pytest.MonkeyPatch.context() as patch:
                cases = {f"A{n}": planted(n, **columns) for n in (91, 89)}
                place_tables(patch, sample=cases.get)
                found = measures[claim]().verdict
            row = "false in its tables" if columns else "true in its tables"
            good = "refused" if columns else "as it was"
            outcome = good if found == verdict else "silent" if columns else "lost"
            battery.note("planted claims", row, outcome, f"{claim}: {found}")
    _shares(battery)


def _shares(battery: Battery) -> None:
    """A rule "at least half" on shares well below, and how often it passes on the bound's edge."""
    generator = np.random.default_rng(battery.seed)
    for truth in (0.0, 0.1, 0.25, 0.35):
        for hits in generator.binomial(NETWORKS, truth, battery.tries):
            verdict = _verdict(int(hits))
            outcome = "refused" if verdict == "differs" else "silent"
            battery.note("planted claims", "false shares", outcome, f"{truth}: {hits}")
    count = SMALL_SAMPLES * battery.some(0.1) // 5
    passed = [_verdict(int(h)) == "agrees" for h in generator.binomial(NETWORKS, 0.4999, count)]
    what = "false claims on the edge of their bound that agree by chance"
    slack = 3 * 100 * (0.025 * 0.975 / count) ** 0.5
    battery.measure(what, 100 * float(np.mean(passed)), "%", 2.5 + slack)


def _verdict(hits: int) -> str:
    return judged(part("half", share_of(hits, NETWORKS), NETWORKS, at_least=0.5)).verdict
