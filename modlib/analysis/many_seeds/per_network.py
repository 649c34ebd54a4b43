"""Numbers made inside each network, then over networks, which are the units of every interval.

Tables have a column ``unit`` that says whose a row is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.maths.circular import nearest_limits
from modlib.maths.intervals import Interval, ratio_of_sums


def sums(table: pd.DataFrame, values: np.ndarray | pd.Series) -> Float[np.ndarray, "unit 2"]:
    """Sum of a value over each network's rows, and the number of rows."""
    place, names = pd.factorize(table.unit, sort=True)
    total = np.bincount(place, weights=np.asarray(values, dtype=float), minlength=len(names))
    return np.stack([total, np.bincount(place, minlength=len(names))], axis=1)


def mean_over_rows(table: pd.DataFrame, values: np.ndarray | pd.Series) -> tuple[Interval, int]:
    """Mean of a value over all rows with its interval over networks, and their number."""
    both = sums(table, values)
    return ratio_of_sums(both[:, :1], both[:, 1:]).at(0), len(both)


MIN_ROWS = 3
"""Rows from which a network has a rank correlation."""


def rank_correlations(table: pd.DataFrame, x: str, y: str) -> Float[np.ndarray, " unit"]:
    """Spearman's correlation of two columns inside each network, mid-ranks for ties.

    Networks of fewer than ``MIN_ROWS`` rows, and those in which a column does not vary, are left
    out.
    """
    grouped = table.groupby("unit")
    ranks = pd.DataFrame({name: grouped[name].rank() for name in (x, y)})
    centred = ranks - ranks.groupby(table.unit).transform("mean")
    products = pd.DataFrame(
        {"xy": centred[x] * centred[y], "xx": centred[x] ** 2, "yy": centred[y] ** 2}
    )
    total = products.groupby(table.unit).sum()
    kept = (grouped.size() >= MIN_ROWS) & (total.xx > 0) & (total.yy > 0)
    return (total.xy / np.sqrt(total.xx * total.yy))[kept].to_numpy()


def variations(table: pd.DataFrame, column: str, ddof: int = 1) -> Float[np.ndarray, " unit"]:
    """Coefficient of variation of a column inside each network of two rows or more."""
    grouped = table.groupby("unit")[column]
    kept = grouped.size() > 1
    return (grouped.std(ddof=ddof) / grouped.mean())[kept].to_numpy()


def evenness(clusters: pd.DataFrame) -> pd.Series:
    """What each cluster's phases are against pairs drawn evenly on the torus.

    ``even``: its mean nearest distance lies within the middle 95 % of such draws, "too even"
    above them, "clumped" below. ``clusters``: ``nearest_ratio``, ``num_phases`` of two or more.
    """
    limits = {int(m): nearest_limits(int(m)) for m in clusters.num_phases.unique()}
    low, high = np.array([limits[int(m)] for m in clusters.num_phases]).reshape(-1, 2).T
    ratio = clusters.nearest_ratio.to_numpy()
    words = np.select([ratio > high, ratio < low], ["too even", "clumped"], "even")
    return pd.Series(words, index=clusters.index)
