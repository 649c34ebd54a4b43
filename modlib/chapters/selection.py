"""What chapter 09 tells of what sets the number of clusters, as numbers."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
from scipy.stats import poisson

from modlib.analysis.many_seeds.growth import LogFit
from modlib.analysis.many_seeds.selection import Selection


class Chosen(NamedTuple):
    """``close`` of ``num_sets`` learned sets at modulus ``n`` stay within ``delta``, where random
    ones would with ``expected``; ``smallest``: the least gap learned. ``num_sets`` 0: no set.
    ``better``: so few would be fewer than chance in 95 of 100 draws."""

    n: int
    delta: float
    num_sets: int = 0
    close: int = 0
    expected: float = 0.0
    smallest: float = 0.0
    better: bool = False


def chosen(n: int, delta: float, found: Selection | None) -> Chosen:
    """Whether networks end with frequencies that separate the answers badly."""
    if found is None:
        return Chosen(n, delta)
    better = bool(poisson.cdf(found.close, found.expected) < 0.05)
    return Chosen(n, delta, found.num_sets, found.close, found.expected, found.smallest, better)


class Heavier(NamedTuple):
    """Clusters gained at the modulus where the paper's L2 is least and most beside the scaled one,
    as (n, times, (difference, low, high)); ``fewer``: moduli of ``num_heavier`` at which more L2
    surely leaves fewer clusters, ``more`` of ``num_lighter`` at which less L2 leaves more."""

    least: tuple[int, float, tuple[float, float, float]] | None
    most: tuple[int, float, tuple[float, float, float]] | None
    num_heavier: int = 0
    fewer: int = 0
    num_lighter: int = 0
    more: int = 0


def heavier(table: pd.DataFrame) -> Heavier:
    """What L2 does to the number of clusters; ``table``: ``selection.more_l2``."""
    if table.empty:
        return Heavier(None, None)
    least, most = (
        (int(row.n), float(row.times), (float(row.difference), float(row.low), float(row.high)))
        for row in (table.loc[table.times.idxmin()], table.loc[table.times.idxmax()])
    )
    above, below = table[table.times > 1], table[table.times < 1]
    return Heavier(
        least,
        most,
        num_heavier=len(above),
        fewer=int((above.high < 0).sum()),
        num_lighter=len(below),
        more=int((below.low > 0).sum()),
    )


class Reasons(NamedTuple):
    """Why there are so many clusters. ``by_width``: largest change of the mean with the width, by
    its absolute value (None: no width is there); ``slope``: clusters on ln n where training is
    steady, (value, low, high), or None; ``usual``: clusters that networks at ``n`` have most often
    (several where they tie, none without networks) and ``needed``, frequencies that separate by
    ``delta`` every second time."""

    n: int
    by_width: float | None
    slope: tuple[float, float, float] | None
    usual: list[int]
    needed: int
    chosen: Chosen


def reasons(
    differences: pd.DataFrame,
    line: LogFit | None,
    usual: list[int],
    needed: int,
    chosen: Chosen,
) -> Reasons:
    """The answer of the chapter; ``differences``: ``growth.width_differences``."""
    change = None if differences.empty else float(differences.difference.abs().max())
    return Reasons(chosen.n, change, None if line is None else line.b, usual, needed, chosen)
