"""What chapter 05 tells of clusters that a network can do without, as numbers."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from modlib.analysis.many_seeds.redundancy import Redundancy
from modlib.config.thresholds import DEFAULT

MISSED = 0.01
"""Fall of accuracy from which a cluster is missed, and drawn in its colour."""


def missed(removal: pd.DataFrame) -> list[int]:
    """Clusters without which, in part or whole, accuracy falls by more than a point.

    ``removal``: ``over_draws`` of the removal curves by cluster, control and fraction.
    """
    if removal.empty:
        return []
    own = removal[~removal.control.astype(bool)]
    untouched = own[own.fraction == 0.0].accuracy.max()
    return sorted(int(c) for c in own[own.accuracy < untouched - MISSED].cluster.unique())


class Spare(NamedTuple):
    """Of ``num_clusters`` the network keeps 99.9 % without any one of ``free`` (frequencies), as
    many random neurons in ``random_free`` cases. Over ``num_seeds`` networks of modulus ``n``:
    shares as (value, low, high) of removals that keep it, of networks of which each does, and of
    clusters that cost less than random neurons; shares with the fewest and the most clusters.
    ``whole``: accuracy with all clusters, to be compared with ``keep``, 99.9 %."""

    num_clusters: int
    free: list[int]
    random_free: int
    n: int
    num_seeds: int
    keeps: tuple[float, float, float]
    each: tuple[float, float, float]
    cheaper: tuple[float, float, float]
    fewest: tuple[int, float]
    most: tuple[int, float]
    whole: float
    keep: float = DEFAULT.keeps


def spare(table: pd.DataFrame, found: Redundancy, n: int, whole: float) -> Spare:
    """Which clusters can go; ``table``: ``damage_table``; ``found``: of networks of modulus n;
    ``whole``: accuracy with all clusters."""
    free = [] if table.empty else table.freq[table.accuracy >= DEFAULT.keeps].tolist()
    ends = [
        (int(row.num_clusters), float(row.keeps))
        for row in found.by_number.sort_values("num_clusters").itertuples()
    ]
    return Spare(
        num_clusters=len(table),
        free=sorted(int(f) for f in free),
        random_free=0 if table.empty else int((table.control_accuracy >= DEFAULT.keeps).sum()),
        n=n,
        num_seeds=found.num_seeds,
        keeps=found.keeps,
        each=found.each,
        cheaper=found.cheaper,
        fewest=ends[0],
        most=ends[-1],
        whole=float(whole),
    )
