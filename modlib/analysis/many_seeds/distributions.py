"""What the figures over many networks draw: shares and means with their intervals over seeds."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, Shaped
from scipy import stats

from modlib.maths.intervals import mean_over_seeds, share_interval


def summed_shares(
    sums: pd.DataFrame,
    place: str,
    num_networks: int,
    *,
    learned: bool = True,
    total_sd: float = 0.0,
) -> pd.DataFrame:
    """Shares of counts that were summed over networks: ``place``, ``share``, ``low``, ``high``.

    ``sums``: ``learned``, ``place``, ``count`` and ``sd`` of a network's count. The interval is
    that of a mean over ``num_networks`` networks, by the normal law. ``total_sd``: of a network's
    sum of counts, where networks differ in it. A share is a ratio then, whose interval is taken
    for the worst that count and sum may have to do with each other: it holds 95 % or more.
    """
    rows = sums[sums.learned == learned]
    total = max(1, rows["count"].sum())
    share = rows["count"] / total
    # sd(count - share * sum) is at most the sum of both: what they share is not in the tables.
    spread = rows.sd + share * total_sd
    reach = stats.norm.ppf(0.975) * spread * np.sqrt(max(1, num_networks)) / total
    return pd.DataFrame(
        {place: rows[place], "share": share, "low": (share - reach).clip(lower=0.0)}
        | {"high": share + reach}
    ).reset_index(drop=True)


def num_summed(histogram: pd.DataFrame, num_weights: int, *, learned: bool = True) -> int:
    """How many networks a histogram of ``num_weights`` embedding weights each was summed over."""
    return round(int(histogram["count"][histogram.learned == learned].sum()) / num_weights)


def number_shares(numbers: Int[np.ndarray, " network"]) -> pd.DataFrame:
    """Share of networks with each number: ``clusters``, ``share``, ``low``, ``high``."""
    values = np.arange(numbers.min(), numbers.max() + 1)
    share = mean_over_seeds(numbers[:, None] == values)
    return pd.DataFrame(
        {"clusters": values, "share": share.value, "low": share.low, "high": share.high}
    )


def means(groups: Mapping[object, Shaped[np.ndarray, " network"]], name: str) -> pd.DataFrame:
    """A row a group: ``name``, ``num_seeds``, ``mean`` with ``low``, ``high``, ``deviation``.

    Groups of fewer than two networks are left out.
    """
    rows = []
    for label, values in groups.items():
        if len(values) > 1:
            mean = mean_over_seeds(values[:, None])
            rows.append([label, len(values), *(float(v[0]) for v in mean), values.std(ddof=1)])
    return pd.DataFrame(rows, columns=[name, "num_seeds", "mean", "low", "high", "deviation"])


def learned_shares(groups: Mapping[int, Bool[np.ndarray, " network"]]) -> pd.DataFrame:
    """A row a modulus: ``n``, ``networks``, ``share`` that learned, ``low``, ``high`` (Wilson)."""
    rows = []
    for n, learned in groups.items():
        rows.append([n, len(learned), *share_interval(int(learned.sum()), len(learned))])
    return pd.DataFrame(rows, columns=["n", "networks", "share", "low", "high"])


def threshold_means(networks: pd.DataFrame) -> pd.DataFrame:
    """Mean clusters by threshold: ``min_size``, ``dead_below``, ``mean``, ``low``, ``high``.

    ``networks``: columns ``clusters_<size>_<percent>`` of ``analysis.many_seeds.census``.
    """
    columns = [name for name in networks.columns if re.fullmatch(r"clusters_\d+_\d+", name)]
    found = mean_over_seeds(networks[columns].to_numpy())
    pairs = [name.split("_")[1:] for name in columns]
    return pd.DataFrame(
        {
            "min_size": [int(size) for size, _ in pairs],
            "dead_below": [int(percent) / 100 for _, percent in pairs],
            "mean": found.value,
            "low": found.low,
            "high": found.high,
        }
    )
