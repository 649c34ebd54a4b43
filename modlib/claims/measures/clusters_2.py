"""The second edition's rows about the neurons of a cluster."""

from __future__ import annotations

from modlib.analysis.many_seeds.per_network import evenness, mean_over_rows
from modlib.claims import fresh
from modlib.claims.decide import decide, judged, over, part
from modlib.claims.fresh import BOTH
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, Verdict

FEWEST = 3


@measures("A2.phases")
def phases() -> Measurement:
    """Simple clusters whose pairs of phases lie as independent even ones would on the torus."""
    clusters = fresh.pooled("clusters", needs=("num_phases", "nearest_ratio"))
    chosen = clusters[(clusters.kind == "simple") & (clusters.num_phases >= FEWEST)]
    found = evenness(chosen)
    share, num = mean_over_rows(chosen, found == "even")

    def at(fewest: float) -> Verdict:
        kept = chosen.num_phases >= fewest
        one, _ = mean_over_rows(chosen[kept], (found == "even")[kept])
        return decide(one.low, one.high, at_least=0.35, at_most=0.65)

    others = ", ".join(
        f"{100 * (found == kind).mean():.1f} % {said}"
        for kind, said in (("too even", "spread more evenly than those"), ("clumped", "less"))
    )
    return judged(
        part(
            "not told from random draws",
            share,
            num,
            jobs=BOTH,
            unit="%",
            at_least=0.35,
            at_most=0.65,
        ),
        note=f"{len(chosen)} clusters; {others}; median distance to the nearest "
        f"{chosen.nearest_ratio.median():.2f} times that of random draws",
        controls="pairs of phases drawn at random: 95 %, by the making of the test",
        sensitivity=over((3, 5, 8, 12), at, "clusters of at least"),
    )
