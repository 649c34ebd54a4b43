"""Which clusters a network can do without, by how many it has: paper A, section 6."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.per_network import mean_over_rows, sums
from modlib.config.thresholds import DEFAULT, Thresholds
from modlib.maths.intervals import Interval, share_interval

MIN_NETWORKS = 5
"""Networks from which a number of clusters gets a row."""


class Redundancy(NamedTuple):
    """``by_number``: a row a number of clusters, with ``num_seeds``, the share of single removals
    that keep 99.9 % of the answers (``keeps``), and loss over the network's own, geometric means,
    without a cluster (``removed``) and without as many random live neurons (``control``), each
    with ``_low`` and ``_high``. Over all networks: that share (``keeps``), the share of networks
    of which it holds for ``each`` cluster, and the share of clusters whose removal costs less
    loss than the control (``cheaper``).
    """

    by_number: pd.DataFrame
    keeps: Interval
    each: Interval
    cheaper: Interval
    num_seeds: int


class Kept(NamedTuple):
    """Single removals of a cluster after which the answers stay right: their ``share``, of
    ``num_networks``; ``whole``: how many of these keep the answers without any one cluster."""

    share: Interval
    whole: int
    num_networks: int


def kept_without(
    clusters: pd.DataFrame, column: str = "removed_accuracy", level: float = DEFAULT.keeps
) -> Kept:
    """Removals that keep a share ``level`` of the answers; ``clusters``: ``unit``, ``column``."""
    keeps = clusters[column] >= level
    share, num_networks = mean_over_rows(clusters, keeps)
    by_network = sums(clusters, keeps)
    return Kept(share, int((by_network[:, 0] == by_network[:, 1]).sum()), num_networks)


def redundancy(
    clusters: pd.DataFrame, summary: pd.DataFrame, thresholds: Thresholds = DEFAULT
) -> Redundancy:
    """What described networks do without one of their clusters; intervals are over networks.

    ``clusters``: ``seed``, ``removed_accuracy``, ``removed_loss``, ``control_loss``; ``summary``:
    ``seed``, ``loss``. See ``macro.tables``.
    """
    table = clusters.assign(unit=clusters.seed)
    own = np.log(table.seed.map(summary.set_index("seed").loss))
    table["keeps"] = table.removed_accuracy >= thresholds.keeps
    table["removed"] = np.log(table.removed_loss) - own
    table["control"] = np.log(table.control_loss) - own
    number = table.seed.map(table.groupby("seed").size())
    rows = []
    for m, block in table.groupby(number):
        if block.seed.nunique() >= MIN_NETWORKS:
            keeps, num = mean_over_rows(block, block.keeps)
            losses = [mean_over_rows(block, block[name])[0] for name in ("removed", "control")]
            rows.append((int(m), num, *keeps, *(end for one in losses for end in one.map(np.exp))))
    names = [f"{name}{end}" for name in ("keeps", *LOSSES) for end in ("", "_low", "_high")]
    kept = kept_without(table, level=thresholds.keeps)
    return Redundancy(
        pd.DataFrame(rows, columns=["num_clusters", "num_seeds", *names]),
        kept.share,
        share_interval(kept.whole, kept.num_networks),
        mean_over_rows(table, table.removed < table.control)[0],
        kept.num_networks,
    )


LOSSES = ("removed", "control")
"""Kinds of removal: of a cluster, of as many random live neurons."""
