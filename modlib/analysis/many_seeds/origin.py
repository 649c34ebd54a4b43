"""Where fine-tuning neurons come from: clusters that a network has anyway, and pairs f and 2f."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from modlib.analysis.many_seeds.frequencies import pairs_of_ratio
from modlib.maths.intervals import Interval, interval_of, ratio_of_sums, resampled_sums


def has_pair(found: Bool[np.ndarray, "seed freq"], n: int) -> Bool[np.ndarray, " seed"]:
    """Which networks have two clusters of frequencies f and 2f modulo n, up to sign."""
    f, g = np.array(pairs_of_ratio(n, 2)).T
    return np.asarray((found[:, f] & found[:, g]).any(1))


class Led(NamedTuple):
    """Fine-tuning neurons led by two frequencies that are both clusters of their network.

    ``share`` of neurons, with its interval over networks; ``chance``: where the second frequency
    is any other than the first, mean over neurons; ``num_networks`` that have such neurons.
    """

    share: Interval
    chance: float
    num_networks: int


def led_by_clusters(neurons: pd.DataFrame, num_clusters: pd.Series, n: int) -> Led:
    """``neurons``: ``seed``, ``clustered_1``, ``clustered_2``; ``num_clusters`` by seed."""
    both = (neurons.clustered_1 & neurons.clustered_2).to_numpy(dtype=float)
    grouped = pd.DataFrame({"seed": neurons.seed.to_numpy(), "both": both}).groupby("seed").both
    counts = grouped.agg(["sum", "size"]).to_numpy(dtype=float)
    share = ratio_of_sums(counts[:, :1], counts[:, 1:]).at(0)
    others = (num_clusters.loc[neurons.seed].to_numpy() - 1).clip(0) / (n // 2 - 1)
    return Led(share, float(others.mean()), len(counts))


def ratio_of_shares(
    has: Bool[np.ndarray, " seed"], group: Bool[np.ndarray, " seed"]
) -> tuple[Interval, Float[np.ndarray, 2]]:
    """Share of networks that have something, in a group over outside it; and both shares."""
    columns = np.stack([has & group, group, has & ~group, ~group], axis=1).astype(float)

    def ratio(totals: Float[np.ndarray, "row 4"]) -> Float[np.ndarray, " row"]:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (totals[:, 0] / totals[:, 1]) / (totals[:, 2] / totals[:, 3])

    total = columns.sum(0, keepdims=True)
    low, high = interval_of(ratio(resampled_sums(columns))[:, None])[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = total[0, [0, 2]] / total[0, [1, 3]]
    return Interval(float(ratio(total)[0]), float(low), float(high)), shares
