"""Figures of chapter 09: the number of clusters against width and n, and section 5.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, StrMethodFormatter

from modlib.plots.base import (
    MARKERS,
    NEUTRAL,
    NOTHING,
    PALETTE,
    STYLES,
    WIDTH,
    empty_figure,
    figure,
    intervals,
)
from modlib.plots.panels import legend_outside, panel_grid


def _ticks(ax: Axes, values: Sequence[int]) -> None:
    """A logarithmic axis that names these values in full."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(list(values)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _spread(ax: Axes, x: pd.Series, rows: pd.DataFrame, label: str) -> None:
    """One standard deviation over networks either side of the mean, as a line."""
    low, high = rows["mean"] - rows.deviation, rows["mean"] + rows.deviation
    intervals(ax, x, rows["mean"], low, high, color=NEUTRAL, fmt="none", label=label)


def _means(ax: Axes, x: pd.Series, rows: pd.DataFrame, **options: Any) -> None:
    """Means with their intervals, thicker than the spread."""
    intervals(ax, x, rows["mean"], rows.low, rows.high, elinewidth=2.5, **options)


@figure
def clusters_by_width(points: pd.DataFrame, log_n: float) -> Figure:
    """Clusters a network against the number of neurons, a panel a batch regime (figure A29).

    ``points``: ``batch``, ``width``, ``num_seeds``, ``mean``, ``low``, ``high`` (95 % of the mean),
    ``deviation`` over networks. The shaded band is one cluster either side of the first width.
    """
    regimes = list(dict.fromkeys(points.batch))
    if not regimes:
        return empty_figure("no width is committed yet")
    fig, axes = panel_grid(1, len(regimes), (3.2, 3.4), (0.7, 0), sharey=True)
    for i, (ax, regime) in enumerate(zip(axes[0], regimes, strict=True)):
        rows = points[points.batch == regime].sort_values("width")
        base = rows["mean"].iloc[0]
        ax.axhspan(base - 1, base + 1, color="#e8e8e8", label="one cluster either way")
        ax.axhline(log_n, color="black", lw=1, ls="--", label="ln n")
        _spread(ax, rows.width, rows, "s.d. over networks")
        _means(ax, rows.width, rows, place=i, ms=6, label="mean, 95 %")
        _ticks(ax, rows.width.tolist())
        names = [f"{row.width:,}\n{row.num_seeds:,} nets" for row in rows.itertuples()]
        ax.set_xticks(rows.width, names)
        ax.set(
            title="full batch" if regime == "full" else f"batch {regime}",
            xlabel="hidden neurons (log scale)",
        )
        ax.legend(loc="lower left")
    axes[0, 0].set_ylabel("clusters in a network")
    axes[0, 0].set_ylim(0, None)
    return fig


@figure
def clusters_by_modulus(
    points: pd.DataFrame,
    learned: pd.DataFrame,
    curves: Mapping[str, Float[np.ndarray, " grid"]],
    grid: Float[np.ndarray, " grid"],
    fixed: pd.DataFrame,
    learned_fixed: pd.DataFrame,
) -> Figure:
    """Clusters a network against n with fitted curves and ln n; the share that learned (A30).

    ``points``: ``n``, ``num_seeds``, ``mean``, ``low``, ``high``, ``deviation``, ``composite``;
    ``learned``: ``n``, ``share``, ``low``, ``high``; ``curves`` by name over ``grid``; ``fixed``
    and ``learned_fixed``: the same tables for networks with the L2 of n = 91.
    """
    fig, (ax, lower) = plt.subplots(2, 1, figsize=(WIDTH, 5.4), sharex=True, height_ratios=(3, 1.1))
    ax.plot(grid, np.log(grid), color="black", lw=1.3, ls="--", label="ln n")
    for i, (name, values) in enumerate(curves.items()):
        ax.plot(grid, values, color=PALETTE[i + 1], lw=1.2, ls=STYLES[i % 4], label=f"fit: {name}")
    for common, marker, name in ((False, "o", "prime n"), (True, "s", "composite n")):
        rows = points[points.composite == common]
        _spread(ax, rows.n, rows, "_")
        face = "white" if common else PALETTE[0]
        _means(ax, rows.n, rows, fmt=marker, ms=5, mfc=face, label=f"{name}: mean, 95 %")
    other: dict[str, Any] = {
        "color": "black",
        "fmt": "v",
        "ms": 4,
        "mfc": "white",
        "elinewidth": 0.8,
    }
    intervals(ax, fixed.n, fixed["mean"], fixed.low, fixed.high, label="L2 as at 91", **other)
    ax.set(
        title=f"{points.num_seeds.min():,} to {points.num_seeds.max():,} networks a modulus",
        ylabel="clusters in a network that learned\n(grey: s.d. over networks)",
    )
    ax.set_ylim(0, None)
    ax.legend(loc="lower right", ncols=2)
    intervals(lower, learned.n, learned.share, learned.low, learned.high, fmt="o", ms=4)
    rows = learned_fixed
    intervals(lower, rows.n, rows.share, rows.low, rows.high, **other)
    lower.set(xlabel="modulus n (log scale)", ylabel="share that\nlearned", ylim=(0, 1.05))
    _ticks(
        lower,
        [
            n
            for n in (31, 43, 59, 77, 100, 131, 180, 250)
            if n <= max(learned.n.max(), learned_fixed.n.max()) * 1.05
        ],
    )
    return fig


@figure
def threshold_lines(panels: Mapping[str, pd.DataFrame], x: str, label: str) -> Figure:
    """Mean clusters against ``x`` for every threshold of size and strength.

    Panels by limit of dead neurons; tables: ``x``, ``min_size``, ``mean``, ``low``, ``high``.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.2), sharey=True, squeeze=False)
    for ax, (title, table) in zip(axes[0], panels.items(), strict=True):
        for i, (size, rows) in enumerate(table.groupby("min_size")):
            rows = rows.sort_values(x)
            intervals(
                ax,
                rows[x],
                rows["mean"],
                rows.low,
                rows.high,
                place=i,
                ls=STYLES[i % 4],
                lw=1,
                label=f"{size} neurons or more",
            )
        _ticks(ax, _spaced(sorted(set(table[x].tolist()))))
        ax.set(title=title, xlabel=label)
        ax.tick_params(axis="x", labelrotation=45)
    axes[0, 0].set_ylabel("clusters in a network")
    axes[0, 0].set_ylim(0, None)
    legend_outside(fig, axes[0, 0], 4)
    return fig


def _spaced(values: Sequence[int], ratio: float = 1.35) -> list[int]:
    """Values of a logarithmic axis that leave room for their names."""
    kept: list[int] = []
    for value in values:
        if not kept or value >= ratio * kept[-1]:
            kept.append(value)
    return kept


@figure
def separation_probability(
    panels: Mapping[int, pd.DataFrame], formulas: Sequence[str] = ("Gamma", "Stirling")
) -> Figure:
    """P(m - h > delta m) against m: the truth under both models, and the formulas (section 5.4).

    A panel a modulus; tables: ``probability_table`` with a column ``measured``, the share of
    networks that have m clusters.
    """
    fig, axes = panel_grid(1, len(panels), (3.3, 3.7), (0.5, 0), sharey=True)
    for ax, (n, table) in zip(axes[0], panels.items(), strict=True):
        ax.bar(
            table.m, table.measured, width=0.75, color="#d4d4d4", label="networks with m clusters"
        )
        for i, model in enumerate(("distinct", "with replacement")):
            intervals(
                ax,
                table.m,
                table[model],
                table[f"{model}_low"],
                table[f"{model}_high"],
                place=i,
                ls=STYLES[i],
                lw=1.3,
                ms=5,
                label=f"true, {model}",
            )
        for i, formula in enumerate(formulas, start=2):
            ax.plot(
                table.m,
                table[formula],
                color=PALETTE[i],
                ls=STYLES[i % 4],
                lw=1.4,
                marker=MARKERS[i],
                label=f"{formula} formula",
            )
        ax.axhline(0.5, color="black", lw=0.6)
        ax.axvline(float(np.log(n)), color="black", lw=1, ls="--", label="m = ln n")
        ax.set(title=f"n = {n}", xlabel="frequencies m", ylim=(-0.03, 1.03))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0, 0].set_ylabel("probability of separation;\nshare of networks")
    legend_outside(fig, axes[0, 0], 3)
    return fig


@figure
def frequencies_needed(
    table: pd.DataFrame,
    measured: pd.DataFrame,
    lines: Mapping[str, Float[np.ndarray, " grid"]],
    grid: Float[np.ndarray, " grid"],
) -> Figure:
    """Fewest frequencies that separate with probability one half, against n (section 5.4).

    ``table``: ``n`` and a column a model or formula; ``measured``: ``n``, ``mean``, ``low``,
    ``high`` clusters of networks; ``lines`` over ``grid``, such as ln n.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.8))
    for style, (name, values) in zip(("--", ":"), lines.items(), strict=False):
        ax.plot(grid, values, color="black", lw=1.1, ls=style, label=name)
    for i, name in enumerate(column for column in table.columns if column != "n"):
        ax.plot(
            table.n,
            table[name],
            color=PALETTE[i],
            marker=MARKERS[i],
            ls=STYLES[i % 4],
            lw=1.1,
            ms=5,
            label=name,
        )
    if len(measured):
        intervals(
            ax,
            measured.n,
            measured["mean"],
            measured.low,
            measured.high,
            color=NEUTRAL,
            fmt="P",
            ms=6,
            label="clusters of networks, mean",
        )
    _ticks(ax, [23, 59, 131, 251, 499, 997, 1999])
    ax.set(xlabel="modulus n (log scale)", ylabel="frequencies m", ylim=(0, None))
    ax.legend(loc="upper left", ncols=2)
    ax.set_ylim(0, 1.35 * ax.get_ylim()[1])
    return fig


@figure
def learned_separations(
    panels: Mapping[str, Mapping[str, Float[np.ndarray, " set"]]], delta: float
) -> Figure:
    """Separation of the frequencies that networks learned, against as many at random.

    A panel a number of clusters, a series a kind of sets: separations as shares of m.
    """
    if not panels:
        return empty_figure("no networks to compare")
    fig, axes = panel_grid(1, len(panels), (2.2, 3.0), (0.5, 0), sharey=True)
    for ax, (title, series) in zip(axes[0], panels.items(), strict=True):
        edges = np.linspace(0, 1, 31)
        for i, (name, values) in enumerate(series.items()):
            heights = np.histogram(values, bins=edges)[0] / max(1, len(values))
            color = (PALETTE[0], NEUTRAL, PALETTE[1])[i % 3]
            ax.stairs(heights, edges, color=color, ls=STYLES[i % 4], lw=1.6, label=name)
        ax.axvline(delta, color="black", lw=0.9, ls=(0, (1, 3)), label="delta")
        ax.set(title=title, xlabel="separation / m")
    axes[0, 0].set_ylabel("share")
    legend_outside(fig, axes[0, 0], 2)
    return fig
