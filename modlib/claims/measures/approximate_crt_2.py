"""The second edition's rows about all clusters together."""

from __future__ import annotations

import pandas as pd

from modlib.analysis.macro.tables import LARGE
from modlib.analysis.many_seeds.per_network import mean_over_rows, variations
from modlib.claims import fresh
from modlib.claims.committed import mean_of
from modlib.claims.decide import Bounds, Part, decide, judged, over, part, share_of
from modlib.claims.fresh import BOTH, DESCRIBED
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, Verdict

MANY, FEW = 12, 4
"""Neurons of the clusters that fit, and of those that do not."""
NO_CLUSTERS = "an untrained network has no clusters, so that there is none to fit"


@measures("A2.fig6.intersection")
def intersection() -> Measurement:
    """Runs, learned or not, in which the right logit is the largest for every pair."""
    parts = []
    for job in BOTH:
        margin = fresh.sweep(job, learned_only=False).networks.margin
        share = share_of(int((margin > 0).sum()), len(margin))
        said = f"n = {job[1:]}"
        parts.append(part(said, share, len(margin), jobs=job, unit="%", at_least=0.95))
    return judged(*parts)


def _by_size(table: pd.DataFrame, column: str, jobs: tuple[str, ...]) -> Measurement:
    """Mean of a column over large clusters and over small ones, and over all sizes between."""
    parts: list[Part] = []
    for said, chosen, bounds in (
        (f"{MANY} neurons or more", table.num_neurons >= MANY, Bounds(at_least=0.9)),
        (f"{FEW} neurons or fewer", table.num_neurons <= FEW, Bounds(below=0.5)),
    ):
        mean, num = mean_over_rows(table[chosen], table[column][chosen])
        parts.append(Part(what=said, interval=mean, bounds=bounds, num_networks=num, jobs=jobs))
    bins = ((1, 4), (5, 7), (8, 9), (10, 11), (12, 13), (14, 10**6))
    told = []
    for low, high in bins:
        chosen = table.num_neurons.between(low, high)
        if chosen.any():
            said = f"{low} to {high}" if high < 10**6 else f"{low} and more"
            told.append(f"{said} neurons {table[column][chosen].mean():.2f}")

    def at(fewest: float) -> Verdict:
        chosen = table.num_neurons >= fewest
        found, _ = mean_over_rows(table[chosen], table[column][chosen])
        return decide(found.low, found.high, at_least=0.9)

    return judged(
        *parts,
        note=f"by size: {', '.join(told)}",
        controls=NO_CLUSTERS,
        sensitivity=over((8, 10, 12, 14), at, "clusters of at least"),
    )


@measures("A2.fig6.cosine")
def cosine_fit() -> Measurement:
    """Variance of a cluster's logits that one cosine explains, by the cluster's size."""
    return _by_size(fresh.pooled("clusters"), "explained", BOTH)


@measures("A2.fig31.equivariant")
def equivariant() -> Measurement:
    """Cosine of a cluster's shifted logits with those of shifted inputs, by its size."""
    clusters = fresh.pooled_sample("clusters", DESCRIBED)
    return _by_size(clusters, "shift_cosine", DESCRIBED)


@measures("A2.equal_amplitude")
def equal_amplitude() -> Measurement:
    """Coefficient of variation of A over a run's clusters of 8 or more, mean over runs."""
    clusters = fresh.pooled("clusters")

    def at(fewest: float, ddof: int = 1) -> Part:
        found = variations(clusters[clusters.num_neurons >= fewest], "amplitude", ddof)
        return part("coefficient of variation", mean_of(found), len(found), jobs=BOTH, below=0.25)

    other = at(LARGE, 0)
    thresholds = over((1, 5, 8, 10, 12), lambda m: at(m).verdict, "clusters of at least")
    return judged(
        at(LARGE),
        note=f"divided by the number of clusters and not by one less: {other.text}",
        sensitivity=f"{thresholds}; ddof 0: {other.verdict}",
    )
