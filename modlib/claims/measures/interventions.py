"""How the claims about broken clusters are measured."""

from __future__ import annotations

import numpy as np

from modlib.claims.committed import bootstrap, pooled_sample, rank_correlation
from modlib.claims.measures import measures
from modlib.claims.measures.approximate_crt import _large_clusters
from modlib.claims.verdict import Measurement, all_agree, interval_verdict, with_interval


@measures("A.fig26.sigma225")
def noise_at_sigma() -> Measurement:
    """Loss with noise of sigma .225 in a large cluster over loss without; and accuracy."""
    table = _large_clusters()
    summary = pooled_sample("summary")
    base = summary.set_index("unit").loss
    table = table.assign(ratio=table.noise_loss / table.unit.map(base))
    value, low, high, num = bootstrap(table, ["ratio"], np.mean)
    accuracy = bootstrap(table, ["noise_accuracy"], np.mean)
    verdict = all_agree(
        interval_verdict(low, high, below=2.0),
        interval_verdict(accuracy[1], accuracy[2], at_least=0.995),
    )
    note = (
        f"mean over {len(table)} clusters; accuracy {accuracy[0]:.4f} "
        f"({accuracy[1]:.4f} to {accuracy[2]:.4f})"
    )
    return with_interval(value, low, high, num, verdict, note=note)


@measures("A.fig27.unequal")
def unequal_clusters() -> Measurement:
    """Spearman correlation of a cluster's size with the loss once it is removed, pooled."""
    table = pooled_sample("clusters")
    value, low, high, num = rank_correlation(table, "num_neurons", "removed_loss")
    return with_interval(value, low, high, num, interval_verdict(low, high, above=0.5))
