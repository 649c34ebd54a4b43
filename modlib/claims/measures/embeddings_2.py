"""The second edition's rows about embeddings."""

from __future__ import annotations

from modlib.analysis.macro.tables import LARGE
from modlib.analysis.many_seeds.per_network import mean_over_rows, sums
from modlib.analysis.micro.embeddings import ROUND
from modlib.claims import fresh
from modlib.claims.decide import decide, judged, over, part, share_of
from modlib.claims.fresh import BOTH, DESCRIBED
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, Verdict
from modlib.maths.intervals import Interval, ratio_of_sums

PLANES = ["axes_ratio_a", "axes_ratio_b"]


@measures("A2.fig8.circular")
def circular() -> Measurement:
    """Planes of the clusters' frequencies that are round; circular pairs of two frequencies."""
    clusters = fresh.pooled("clusters", needs=PLANES)
    large = clusters[clusters.num_neurons >= LARGE].dropna(subset=PLANES)
    small = clusters[clusters.num_neurons < LARGE].dropna(subset=PLANES)
    flatter = large[PLANES].min(axis=1)
    share, num = mean_over_rows(large, flatter > ROUND)
    summary = fresh.pooled_sample("summary", DESCRIBED)
    apart, pairs = (sums(summary, summary[c])[:, :1] for c in ("num_pairs_apart", "num_pairs"))
    rate = ratio_of_sums(apart, pairs).at(0)
    if rate.low == rate.high:  # no pair: the share of networks with one bounds that of pairs
        rate = Interval(rate.value, rate.low, share_of(int((apart > 0).sum()), len(apart)).high)

    def at(limit: float) -> Verdict:
        found, _ = mean_over_rows(large, flatter > limit)
        return decide(found.low, found.high, at_least=0.9)

    return judged(
        part(
            "planes with an axis ratio over .7",
            share,
            num,
            jobs=BOTH,
            unit="%",
            at_least=0.9,
        ),
        part(
            "pairs of components that are circular with two frequencies",
            rate,
            len(summary),
            jobs=DESCRIBED,
            unit="%",
            below=0.01,
        ),
        note=f"{len(large)} clusters of {LARGE} neurons or more, the flatter of both embeddings' "
        f"planes; median ratio {flatter.median():.2f}; of the {len(small)} smaller clusters "
        f"{100 * (small[PLANES].min(axis=1) > ROUND).mean():.1f} % are round",
        sensitivity=over((0.5, 0.6, 0.7, 0.8, 0.9), at, "axis ratio over"),
    )
