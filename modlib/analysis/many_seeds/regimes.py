"""Batches of n against the full batch: is the difference surely small?"""

from __future__ import annotations

import pandas as pd

from modlib.maths.intervals import (
    Equivalence,
    equivalence,
)

CLUSTER_MARGIN, SHARE_MARGIN = 0.25, 0.03
"""What counts as no difference between batch regimes: clusters a run, share of simple neurons."""


def regime_differences(
    small: pd.DataFrame, full: pd.DataFrame
) -> dict[str, tuple[Equivalence, float]]:
    """Full batch less batch n at one modulus: what is compared, the test, and its margin.

    ``small``, ``full``: ``networks`` of both, as in ``SweepTables``.
    """
    simple = [(t.neurons_simple / t.num_live).to_numpy() for t in (full, small)]
    clusters = [t.num_clusters.to_numpy() for t in (full, small)]
    return {
        "clusters a run": (equivalence(clusters[0], clusters[1], CLUSTER_MARGIN), CLUSTER_MARGIN),
        "share of simple neurons": (equivalence(simple[0], simple[1], SHARE_MARGIN), SHARE_MARGIN),
    }
