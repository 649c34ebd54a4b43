"""How paper B's claim about its tasks is measured."""

from __future__ import annotations

from modlib.analysis.remainders.tasks import zero_free_kinds
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, Verdict


@measures("B.sec.primes")
def only_primes() -> Measurement:
    """Numbers below 113^2 for which "no remainder is zero" and "is prime" differ."""
    _, others, missed = zero_free_kinds(113).items()
    count = len(others[1]) + len(missed[1])
    named = ", ".join(str(x) for x in others[1]) or "none"
    note = f"without a zero and not prime: {named}; primes with one: {len(missed[1])}"
    verdict: Verdict = "differs" if count else "agrees"
    return Measurement(value=count, text=f"{count} exceptions", verdict=verdict, note=note)
