"""Figures of chapter 08: distributions over many networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

from modlib.analysis.many_seeds.embedding_weights import NEAR, TAIL, largest_bounds
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


def whole_numbers(ax: Axes) -> None:
    """Ticks of an axis that counts."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


@figure
def weight_histograms(
    panels: Mapping[str, pd.DataFrame], control: pd.DataFrame | None = None
) -> Figure:
    """Share of the embedding weights in each bin of their value, a panel a set-up (figure A3).

    Tables: ``centre``, ``share``, ``low``, ``high``. The scale is logarithmic, so that no bin
    has to be left out. ``control``: drawn in grey in every panel.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7, 2.3), (0, 0.6), sharex=True, sharey=True)
    for i, (ax, (title, table)) in enumerate(zip(axes[:, 0], panels.items(), strict=True)):
        if control is not None:
            ax.step(
                control.centre,
                control.share,
                where="mid",
                color=NEUTRAL,
                lw=1,
                ls="--",
                label="untrained",
            )
        ax.fill_between(
            table.centre,
            table.low,
            table.high,
            step="mid",
            color=PALETTE[i],
            alpha=0.35,
            lw=0,
            label="95 %",
        )
        ax.step(table.centre, table.share, where="mid", color=PALETTE[i], lw=1.2, label="trained")
        for edge in (-1, 1):
            ax.axvline(edge, color="black", lw=0.7, ls=":")
        ax.set(title=title, ylabel="share of weights")
        ax.set_yscale("log")
        ax.set_ylim(1e-7, 1)
        ax.legend(loc="upper right")
    axes[-1, 0].set_xlabel("embedding weight (bins of .025)")
    return fig


@figure
def weights_over_training(spreads: Mapping[str, pd.DataFrame]) -> Figure:
    """Shares of large and of small embedding weights and the largest, by epoch (figure A3).

    ``spreads``: ``spread_over_training`` by batch regime (``n``, ``full``). Grey bands: what
    figure 3 shows with batches of n; in C with a band a regime, in its colour. Dotted: half of
    the networks have reached 100 % on the held-out pairs.
    """
    known = {regime: table for regime, table in spreads.items() if len(table)}
    if not known:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(1, 3, (WIDTH / 3, 3.1), sharex=True)
    for place, (regime, table) in enumerate(known.items()):
        label = {"n": "batches of n", "full": "full batch"}[regime]
        color, line, marker = PALETTE[place], STYLES[place], MARKERS[place]
        learned = table.epoch[table.able >= 0.5]
        for ax, column, unit in zip(
            axes[0], ("beyond", "near", "largest"), (100, 100, 1), strict=True
        ):
            ax.plot(
                table.epoch,
                unit * table[column],
                color=color,
                ls=line,
                marker=marker,
                ms=3,
                lw=1,
                label=label,
            )
            for epoch in learned[:1]:
                ax.axvline(epoch, color=color, lw=0.9, ls=":")
        axes[0, 2].axhspan(*largest_bounds(regime), color=color, alpha=0.18, lw=0)
    for ax, bounds in zip(axes[0], (TAIL, NEAR), strict=False):
        ax.axhspan(*(100 * bound for bound in bounds), color=NEUTRAL, alpha=0.3, lw=0)
        ax.set(yscale="log", ylabel="% of weights", ylim=(0.2, 100))
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.yaxis.set_minor_formatter(NullFormatter())
    for ax, title in zip(
        axes[0], ("A. beyond ±1", "B. within ±.025", "C. largest weight"), strict=True
    ):
        ax.set(title=title, xlabel="epoch", xscale="log")
    axes[0, 2].set_ylabel("size")
    legend_outside(fig, axes[0, 0], 2, place="lower")
    return fig


@figure
def frequency_rates(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of networks with a cluster at each frequency, a panel a modulus (figure A4a).

    Tables: ``rates_by_freq``. A marker a gcd class, the dashed line the mean of all.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.1, 2.5), (0, 0.4), sharey=True)
    for ax, (title, table) in zip(axes[:, 0], panels.items(), strict=True):
        for i, (common, rows) in enumerate(table.groupby("gcd")):
            intervals(ax, rows.freq, rows.rate, rows.low, rows.high, place=i, label=f"gcd {common}")
        ax.axhline(table.rate.mean(), color="black", lw=0.9, ls="--", label="mean")
        ax.set(title=title, ylabel="networks with it")
        ax.legend(loc="lower right", ncols=4)
        whole_numbers(ax)
    axes[-1, 0].set(xlabel="frequency (cycles per n)", ylim=(0, None))
    return fig


@figure
def rank_histogram(
    ranks: pd.DataFrame | None,
    clusters: Mapping[str, Float[np.ndarray, " cluster"]],
    n: int,
    title: str = "every pair, every cluster",
) -> Figure:
    """Rank of the right answer when one cluster alone decides (figure A5a).

    ``ranks``: ``rank``, ``share`` of pairs, ``low``, ``high``. ``clusters``: by name, the mean
    rank of every cluster. ``title``: what ``ranks`` are over. The dashed line is a guess, 1/n for
    every rank.
    """
    if ranks is None:
        return empty_figure(NOTHING)
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.3), width_ratios=(1.35, 1))
    ax = axes[0]
    ax.bar(ranks["rank"], ranks.share, width=1.0, color=PALETTE[0], alpha=0.85)
    intervals(
        ax,
        ranks["rank"],
        ranks.share,
        ranks.low,
        ranks.high,
        color="black",
        fmt="none",
        label="95 %",
    )
    ax.axhline(1 / n, color="black", lw=0.9, ls="--", label=f"a guess, n = {n}")
    ax.set(
        xlabel="rank of the right answer (0 is first)",
        ylabel="share of pairs",
        xlim=(-1, n),
        title=title,
    )
    ax.legend(loc="upper right")
    worst = max((float(means.max()) for means in clusters.values() if len(means)), default=0.0)
    edges = np.linspace(0, max(n / 2, worst), 46)
    for i, (name, means) in enumerate(clusters.items()):
        heights = np.histogram(means, bins=edges)[0] / max(1, len(means))
        axes[1].stairs(heights, edges, color=PALETTE[i], ls=STYLES[i], lw=1.5, label=name)
    axes[1].axvline((n - 1) / 2, color="black", lw=0.9, ls="--", label=f"a guess, n = {n}")
    axes[1].set(xlabel="mean rank in one cluster", ylabel="share of clusters", title="by cluster")
    axes[1].legend(loc="center right", bbox_to_anchor=(0.96, 0.7))
    return fig


@figure
def cluster_numbers(
    sets: Mapping[str, pd.DataFrame], logs: Mapping[str, float], failed: Mapping[str, Sequence[int]]
) -> Figure:
    """How many clusters a network has, by set-up (figure A5b), and those that did not learn.

    ``sets``: ``clusters``, ``share`` of the networks that learned, ``low``, ``high``; ``logs``:
    ln n by modulus; ``failed``: numbers of clusters of the networks that did not learn.
    """
    if not sets:
        return empty_figure(NOTHING)
    names = [*sets, *(name for name in failed if name not in sets)]
    fig, (ax, lower) = plt.subplots(
        2, 1, figsize=(7, 4.6), sharex=True, height_ratios=(3, 1), squeeze=True
    )
    width = 0.8 / len(names)
    place = {name: (i - (len(names) - 1) / 2) * width for i, name in enumerate(names)}
    color = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}
    for name, table in sets.items():
        x = table.clusters + place[name]
        ax.bar(x, table.share, width=width, color=color[name], alpha=0.85, label=name)
        intervals(ax, x, table.share, table.low, table.high, color="black", fmt="none")
    for style, (name, value) in zip(STYLES[1:], logs.items(), strict=False):
        ax.axvline(value, color="black", lw=1, ls=style, label=name)
    ax.set_ylabel("share of networks\nthat learned")
    ax.legend(loc="upper right")
    drawn, only_failed = 0, []
    for name, numbers in failed.items():
        if len(numbers):
            values, times = np.unique(np.asarray(numbers), return_counts=True)
            at = values + place[name]
            bars = lower.bar(at, times, width=width, color=color[name], hatch="//", label=name)
            drawn += len(numbers)
            only_failed += [] if name in sets else [bars]
    if only_failed:
        lower.legend(handles=only_failed, loc="upper right")
    lower.set(xlabel="clusters in the network", ylabel="networks that\ndid not")
    if not drawn:
        lower.text(
            0.5, 0.5, "every network learned", ha="center", va="center", transform=lower.transAxes
        )
        lower.set_ylim(0, 1)
    whole_numbers(lower)
    return fig
