"""Where fine-tuning neurons come from: clusters that a network has anyway, and pairs f and 2f.

A fine-tuning cluster is itself one half of a pair, wherever its frequency is a harmonic of another
cluster's: what is said of pairs is said with such clusters and without them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from modlib.analysis.many_seeds.company import pairs_of_ratio, ratio_lifts
from modlib.analysis.many_seeds.frequencies import presence
from modlib.maths.intervals import Interval, interval_of, ratio_of_sums, resampled_sums


def has_pair(found: Bool[np.ndarray, "seed freq"], n: int) -> Bool[np.ndarray, " seed"]:
    """Which networks have two clusters of frequencies f and 2f modulo n, up to sign."""
    f, g = np.array(pairs_of_ratio(n, 2), dtype=int).reshape(-1, 2).T
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


class SecondPart(NamedTuple):
    """Neurons whose second frequency is that of one of their network's ordinary clusters.

    Ordinary: not a fine-tuning cluster, nor the neuron's own. ``share`` of the neurons, with its
    interval over networks; ``chance``: the share of all other frequencies that such clusters
    have, mean over neurons; ``both``: the share whose first frequency is one as well.
    """

    share: Interval
    chance: float
    both: Interval
    num_neurons: int
    num_networks: int


def second_parts(neurons: pd.DataFrame, clusters: pd.DataFrame, n: int) -> SecondPart | None:
    """``neurons``: ``seed``, ``freq_1``, ``freq_2``; ``clusters``: ``seed``, ``freq``, ``kind``.

    None where fewer than two networks have such neurons.
    """
    seeds = neurons.seed.unique().tolist()
    if len(seeds) < 2 or n // 2 < 2:
        return None
    ordinary = presence(clusters[clusters.kind != "fine-tuning"], seeds, n)
    row = pd.Series(np.arange(len(seeds)), index=seeds).loc[neurons.seed].to_numpy()
    first, second = (neurons[name].to_numpy(dtype=int) for name in ("freq_1", "freq_2"))
    is_cluster = ordinary[row, second]
    both = is_cluster & ordinary[row, first]
    others = ordinary[row].sum(1) - ordinary[row, first]
    counts = np.zeros((len(seeds), 3))
    np.add.at(counts, row, np.stack([is_cluster, both, np.ones(len(row))], axis=1).astype(float))
    shares = ratio_of_sums(counts[:, :2], counts[:, [2, 2]])
    chance = float((others / (n // 2 - 1)).mean())
    return SecondPart(shares.at(0), chance, shares.at(1), len(row), len(seeds))


POPULATIONS = ("no fine-tuning neurons", "fine-tuning neurons", "the same, their clusters left out")
"""Networks without fine-tuning neurons, those with them, and these without such clusters."""


def doubles_apart(
    has: Bool[np.ndarray, " seed"], clusters: pd.DataFrame, seeds: list[int], n: int
) -> pd.DataFrame:
    """How often f and 2f are learned together, in each of ``POPULATIONS``.

    ``has``: which of ``seeds`` has fine-tuning neurons; ``clusters``: ``seed``, ``freq``,
    ``kind``. ``population``, ``num_networks``, and ``observed``, ``expected``, ``lift``, ``low``,
    ``high`` of ``company.ratio_lifts``. Populations of fewer than two networks are left out, and
    those where no pair is expected.
    """
    every = presence(clusters, seeds, n)
    ordinary = presence(clusters[clusters.kind != "fine-tuning"], seeds, n)
    rows = []
    for name, found in zip(POPULATIONS, (every[~has], every[has], ordinary[has]), strict=True):
        if len(found) > 1:
            lifts = ratio_lifts(found, n, [2])
            kept = lifts[lifts.expected > 0].drop(columns=["ratio", "num_pairs"])
            rows.append(kept.assign(population=name, num_networks=len(found)))
    columns = ["population", "num_networks", "observed", "expected", "lift", "low", "high"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)
