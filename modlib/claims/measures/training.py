"""How the claims about learning at all are measured."""

from __future__ import annotations

from modlib.claims.committed import REGIMES, sweep_tables
from modlib.claims.measures import measures
from modlib.claims.verdict import (
    Measurement,
    all_agree,
    interval_verdict,
    with_interval,
)
from modlib.maths.intervals import share_interval


@measures("A.sec4.accuracy.n91", n=91)
@measures("A.sec4.accuracy.n89", n=89)
def accuracy(n: int) -> Measurement:
    """Share of runs that learn, in both batch regimes."""
    shares, verdicts, totals = {}, [], {}
    for regime, ending in REGIMES.items():
        learned = sweep_tables(f"A{n}{ending}", learned_only=False).networks.learned
        shares[regime] = share_interval(int(learned.sum()), len(learned))
        totals[regime] = len(learned)
        verdicts.append(interval_verdict(*shares[regime][1:], at_least=0.95))
    full = with_interval(*shares["full"], totals["full"], verdicts[1], unit="%")
    note = f"batch n; full batch {full.text}"
    return with_interval(*shares["n"], totals["n"], all_agree(*verdicts), unit="%", note=note)
