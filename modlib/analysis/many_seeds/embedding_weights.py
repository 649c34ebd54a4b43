"""How the embedding weights are spread, through training: what paper A's figure 3 shows at one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.sweep_tables import SweepTables

TAIL, NEAR = (0.04, 0.06), (0.027, 0.062)
"""Shares of weights beyond 1 in size, and within .025 of zero, as in figure 3 for batches of n."""
LARGEST = {"n": 2.0, "full": 1.5}
"""Where figure 3 ends on either side, by batch regime."""
WITHIN = 0.1
"""How far a largest weight may be off, relative to ``LARGEST``."""
SPREAD = ("share_above_1", "share_within_025", "abs_max")
"""Columns of the table ``weights`` that this takes."""


def spread_over_training(tables: SweepTables, reached: pd.Series | None = None) -> pd.DataFrame:
    """Means over networks at each epoch at which weights are counted, in ascending order.

    ``reached``: the first epoch with 100 % on the held-out pairs (-1: never) of networks of this
    set-up that are evaluated often: long runs are not. ``epoch``; ``beyond``, ``near``: shares
    beyond 1 in size and within .025 of zero; ``largest``: weight in size, of all networks;
    ``able``: share of those of ``reached`` that are there by then, NaN without them. Empty where
    no table has them.
    """
    columns = ["epoch", "beyond", "near", "largest", "able"]
    if not set(SPREAD) <= set(tables.weights.columns):
        return pd.DataFrame(columns=columns)
    by_epoch = tables.weights.groupby("epoch")
    found = by_epoch[list(SPREAD[:2])].mean()
    found["largest"] = by_epoch.abs_max.max()
    found["able"] = np.nan
    if reached is not None and len(reached):
        steps, epochs = reached.to_numpy(), found.index.to_numpy()[:, None]
        found["able"] = ((steps >= 0) & (steps <= epochs)).mean(1)
    return found.reset_index().set_axis(columns, axis=1)


def largest_bounds(regime: str) -> tuple[float, float]:
    """Between which figure 3's largest weight of a batch regime is met."""
    return LARGEST[regime] * (1 - WITHIN), LARGEST[regime] * (1 + WITHIN)


def fits(spread: pd.DataFrame, regime: str = "n") -> pd.DataFrame:
    """Which of the epochs have the paper's ``shares``, both, its ``range``, and ``all``."""
    shares = spread.beyond.between(*TAIL) & spread.near.between(*NEAR)
    largest = spread.largest.between(*largest_bounds(regime))
    return pd.DataFrame({"shares": shares, "range": largest, "all": shares & largest}, dtype=bool)
