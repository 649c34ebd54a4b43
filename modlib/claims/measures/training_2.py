"""The second edition's rows about learning at all."""

from __future__ import annotations

from modlib.claims import fresh
from modlib.claims.decide import judged, part, share_of
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement

SETS = (
    ("A91", "A91", "n = 91, batch n"),
    ("A89", "A89", "n = 89, batch n"),
    ("A-full", "A91-full", "n = 91, full batch"),
    ("A-full", "A89-full", "n = 89, full batch"),
)
"""Job, preset and what it is."""


@measures("A2.accuracy")
def accuracy() -> Measurement:
    """Share of runs that learn, both moduli, both regimes."""
    parts = []
    for job, preset, said in SETS:
        learned = fresh.sweep(job, preset=preset, learned_only=False).networks.learned
        share = share_of(int(learned.sum()), len(learned))
        parts.append(part(said, share, len(learned), jobs=job, unit="%", at_least=0.95))
    return judged(*parts)
