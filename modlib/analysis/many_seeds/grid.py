"""Conjecture 1 on a grid of modulus, L2, learning rate and width: clusters against L2 and loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.maths.intervals import NUM_RESAMPLES, Interval, interval_of

MIN_LEARNED = 5
"""Networks that learned from which a point of the grid counts."""


class GridResult(NamedTuple):
    """``slopes``: a row a modulus that tells of L2, clusters gained a fourfold L2 (``n``,
    ``slope``, ``low``, ``high``, ``num_networks``); ``width``: clusters gained by the wider
    networks at equal final loss; ``num_networks`` that this rests on, ``num_points`` of the grid
    that have enough. Where no modulus tells of L2, the table is empty and the interval NaN."""

    slopes: pd.DataFrame
    width: Interval
    num_networks: int
    num_points: int


def analyse_grid(
    networks: pd.DataFrame, *, num_resamples: int = NUM_RESAMPLES // 4, seed: int = 0
) -> GridResult:
    """What networks that learned say of L2 and width; ``n``, ``l2``, ``lr``, ``width``,
    ``num_clusters``, ``train_loss``, a row a network.

    The slope at a modulus is by least squares on log4 of L2's factor, with a level of its own for
    each learning rate and width; moduli at which none of these has two values of L2 are left out.
    At equal loss: clusters on ln of the final loss, with a level and a slope for each modulus, and
    one step from the narrowest width to the widest for all. Networks are resampled inside their
    points.
    """
    point = networks.groupby(["n", "l2", "lr", "width"]).ngroup().to_numpy()
    size = np.bincount(point)
    kept = size[point] >= MIN_LEARNED
    num_l2 = networks[kept].groupby(["n", "lr", "width"]).l2.nunique().groupby("n").max()
    kept &= networks.n.isin(num_l2.index[num_l2 > 1]).to_numpy()
    if not kept.any():
        nothing = pd.DataFrame(columns=["n", "slope", "low", "high", "num_networks"], dtype=float)
        return GridResult(nothing, Interval(np.nan, np.nan, np.nan), 0, 0)
    table, point = networks[kept].reset_index(drop=True), point[kept]
    moduli = sorted(table.n.unique().tolist())
    levels = [
        table.groupby(["n", "lr", "width"]).ngroup().to_numpy() == k
        for k in range(table.groupby(["n", "lr", "width"]).ngroups)
    ]
    at = [(table.n == n).to_numpy() for n in moduli]
    log_l2 = np.log(table.l2.to_numpy()) / np.log(4)
    log_loss = np.log(table.train_loss.to_numpy(dtype=float))
    wide = (table.width == table.width.max()).to_numpy(dtype=float)
    by_l2 = np.stack([*(log_l2 * a for a in at), *levels], axis=1).astype(float)
    by_loss = np.stack([wide, *at, *(log_loss * a for a in at)], axis=1).astype(float)
    counts = table.num_clusters.to_numpy(dtype=float)
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(point == one) for one in np.unique(point)]

    def fitted(rows: np.ndarray) -> Float[np.ndarray, " k"]:
        slopes = np.linalg.lstsq(by_l2[rows], counts[rows], rcond=None)[0][: len(moduli)]
        step = np.linalg.lstsq(by_loss[rows], counts[rows], rcond=None)[0][:1]
        return np.concatenate([slopes, step])

    whole = fitted(np.arange(len(table)))
    draws = np.stack(
        [
            fitted(np.concatenate([generator.choice(m, len(m)) for m in members]))
            for _ in range(num_resamples)
        ]
    )
    low, high = interval_of(draws)
    slopes = pd.DataFrame({"n": moduli, "slope": whole[:-1], "low": low[:-1], "high": high[:-1]})
    slopes["num_networks"] = [int(one.sum()) for one in at]
    return GridResult(
        slopes,
        Interval(*(float(x[-1]) for x in (whole, low, high))),
        len(table),
        len(members),
    )
