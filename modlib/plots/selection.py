"""Figures of chapter 09 on what sets the number of clusters: chosen frequencies, and L2."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from modlib.plots.base import NEUTRAL, PALETTE, WIDTH, empty_figure, figure, intervals


@figure
def learned_selection(shares: pd.DataFrame | None, delta: float) -> Figure:
    """Share of sets whose gap is at most delta: learned ones with their band, and random ones.

    ``shares``: ``many_seeds.selection``; the dotted line is the delta asked for.
    """
    if shares is None:
        return empty_figure("no networks to compare")
    fig, ax = plt.subplots(figsize=(WIDTH, 3.1))
    ax.fill_between(shares.delta, shares.low, shares.high, color=PALETTE[0], alpha=0.2, lw=0)
    ax.plot(shares.delta, shares.learned, "o-", color=PALETTE[0], ms=3.5, label="learned sets")
    chance: dict[str, Any] = {"color": NEUTRAL, "ms": 3.5, "label": "random sets, same sizes"}
    ax.plot(shares.delta, shares.random, "s--", **chance)
    ax.axvline(delta, color="black", lw=0.9, ls=(0, (1, 3)), label="delta")
    ax.set(xlabel="gap to the runner-up, as a share of m", ylabel="share of sets up to this gap")
    ax.set_ylim(-0.02, None)
    ax.legend(loc="upper left")
    return fig


@figure
def clusters_by_l2(table: pd.DataFrame) -> Figure:
    """Clusters gained where L2 weighs ``times`` as much, a point a modulus (``more_l2``)."""
    if table.empty:
        return empty_figure("no modulus is committed with two values of L2")
    fig, ax = plt.subplots(figsize=(WIDTH, 3.1))
    ends = (table.difference, table.low, table.high)
    intervals(ax, table.times, *ends, color=PALETTE[0], elinewidth=1.6, ms=5)
    for row in table.iloc[[0, -1]].itertuples():
        ax.annotate(f"n = {row.n}", (row.times, row.difference), (7, 4), textcoords="offset points")
    ax.axhline(0, color="black", lw=0.7)
    ax.axvline(1, color="black", lw=0.7, ls=":")
    ax.set_xscale("log")
    ticks = [t for t in (0.35, 0.5, 0.7, 1, 1.4, 2, 2.8) if table.times.min() * 0.9 <= t]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="the paper's L2 over L2 in proportion to 1/n", ylabel="clusters gained")
    return fig
