"""The second edition's rows about broken clusters."""

from __future__ import annotations

from modlib.analysis.many_seeds.per_network import mean_over_rows, rank_correlations
from modlib.analysis.many_seeds.redundancy import kept_without
from modlib.claims import fresh
from modlib.claims.committed import mean_of, with_bounds
from modlib.claims.decide import decide, judged, over, part, share_of
from modlib.claims.fresh import BOTH
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, Verdict

REMOVED = ("removed_accuracy", "removed_loss", "control_accuracy", "control_loss")


@measures("A2.fig27.within")
def unequal_within() -> Measurement:
    """Spearman of a cluster's size with the loss after its removal, inside each network."""
    clusters = fresh.pooled("clusters", needs=REMOVED)
    found = rank_correlations(clusters, "num_neurons", "removed_loss")
    amplitude = mean_of(rank_correlations(clusters, "amplitude", "removed_loss"))
    control = mean_of(rank_correlations(clusters, "num_neurons", "control_loss"))
    size = clusters.unit.map(clusters.groupby("unit").size())
    told = []
    for k in (4, 5, 6):
        own = rank_correlations(clusters[size == k], "num_neurons", "removed_loss")
        if len(own):
            told.append(f"of {k} clusters {with_bounds(mean_of(own))}")
    return judged(
        part("mean correlation", mean_of(found), len(found), jobs=BOTH, above=0.5),
        note=f"networks {', '.join(told)}; with the amplitude in place of the size "
        f"{with_bounds(amplitude)}",
        controls=f"as many random live neurons removed: {with_bounds(control)}",
    )


@measures("A2.fig27.control")
def random_hurts_more() -> Measurement:
    """Clusters whose removal raises the loss less than that of as many random live neurons."""
    clusters = fresh.pooled("clusters", needs=REMOVED)
    share, num = mean_over_rows(clusters, clusters.control_loss > clusters.removed_loss)
    ratio = (clusters.control_loss / clusters.removed_loss).median()
    return judged(
        part("random neurons hurt more", share, num, jobs=BOTH, unit="%", at_least=0.9),
        note=f"{len(clusters)} clusters; median ratio of the losses {ratio:.1f}",
        controls="the row compares with its control",
    )


@measures("A2.sec6.redundancy")
def redundancy() -> Measurement:
    """Single removals of a cluster after which 99.9 % of the answers are right."""
    clusters = fresh.pooled("clusters", needs=REMOVED)
    kept = kept_without(clusters)
    any_one = share_of(kept.whole, kept.num_networks)
    random = kept_without(clusters, "control_accuracy").share

    def at(limit: float) -> Verdict:
        found = kept_without(clusters, level=limit).share
        return decide(found.low, found.high, above=0.5)

    return judged(
        part(
            "removals that keep 99.9 %",
            kept.share,
            kept.num_networks,
            jobs=BOTH,
            unit="%",
            above=0.5,
        ),
        note="networks that keep it without any one cluster: "
        f"{100 * any_one.value:.1f} % ({100 * any_one.low:.1f} to {100 * any_one.high:.1f})",
        controls=f"without as many random neurons: {100 * random.value:.1f} %",
        sensitivity=over((0.99, 0.995, 0.999, 0.9999), at, "kept accuracy"),
    )
