"""Figures of chapter 05: noise and removal, what is left of a vote, which cluster matters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from modlib.analysis.meso.clusters import Cluster
from modlib.plots.base import (
    MARKERS,
    NEUTRAL,
    PALETTE,
    WIDTH,
    cluster_color,
    empty_panel,
    figure,
    intervals,
)
from modlib.plots.panels import legend_outside

LINES = ("-", "--", ":", "-.")
RANDOM = "as many random live neurons"
NETWORKS = (PALETTE[0], "black", NEUTRAL, "#a8a8a8")
"""Cluster 0 in its colour; sets that are no cluster, and controls, in black and greys."""
BESIDE_PT = 8.0
"""Points between clusters of one size."""


@figure
def noise_damage(
    summary: pd.DataFrame, clusters: Sequence[Cluster], missed: Collection[int]
) -> Figure:
    """Loss and accuracy against sigma, a curve a cluster, and its control (figure A26).

    ``summary``: ``over_draws`` of ``damage_curves`` by cluster, control and sigma. The band runs
    from the smallest draw to the largest. ``missed``: clusters that keep their colour, the others
    are grey.
    """
    xlabel = "σ: every weight is multiplied by exp(s), s from N(0, σ²)"
    return _damage(summary, clusters, missed, "sigma", xlabel)


@figure
def removal_damage(
    summary: pd.DataFrame, clusters: Sequence[Cluster], missed: Collection[int]
) -> Figure:
    """Loss and accuracy against the share of a cluster removed, and its control (figure A27).

    ``summary``: ``over_draws`` of ``damage_curves`` by cluster, control and fraction; ``missed``
    as in ``noise_damage``.
    """
    return _damage(summary, clusters, missed, "fraction", "share of the cluster's neurons removed")


def _damage(
    summary: pd.DataFrame,
    clusters: Sequence[Cluster],
    missed: Collection[int],
    by: str,
    xlabel: str,
) -> Figure:
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.7))
    if not clusters:
        for ax in axes:
            empty_panel(ax, "no cluster in this network")
        return fig
    for ax, measure in zip(axes, ("loss", "accuracy"), strict=True):
        for place, cluster in enumerate(clusters):
            own = summary[summary.cluster == cluster.index]
            rows, control = own[~own.control.astype(bool)], own[own.control.astype(bool)]
            label = "_control" if place else "dashed: as many random live neurons"
            color = cluster_color(cluster.index) if cluster.index in missed else NEUTRAL
            ax.plot(control[by], control[measure], ls="--", lw=1, color=color, label=label)
            _curve(ax, rows, by, measure, cluster, color)
        ax.set_title(f"({'ab'[measure == 'accuracy']}) {measure} over all pairs")
    _plain_log(axes[0])
    axes[0].set_ylabel("cross-entropy (nats)")
    axes[1].set_ylabel("share of pairs right")
    axes[1].set_ylim(None, min(1.02, axes[1].get_ylim()[1]))
    fig.supxlabel(xlabel, fontsize=9.5)
    _legend(fig, axes[1])
    return fig


def _legend(fig: Figure, ax: Axes) -> None:
    """One legend above all panels."""
    labels = ax.get_legend_handles_labels()[1]
    legend_outside(fig, ax, min(4, max(1, len(labels))))


@figure
def votes_left(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> Figure:
    """A cluster's cosine, and all else that it says, when a share of its neurons is gone.

    ``summary``: ``over_draws`` of ``interventions.votes_left`` by cluster and fraction.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.4), sharex=True)
    if not clusters:
        for ax in axes:
            empty_panel(ax, "no cluster in this network")
        return fig
    titles = {"amplitude": "its cosine: A", "rest": "the rest: root mean square"}
    for ax, (measure, title) in zip(axes, titles.items(), strict=True):
        for cluster in clusters:
            rows = summary[summary.cluster == cluster.index]
            _curve(ax, rows, "fraction", measure, cluster, cluster_color(cluster.index))
        ax.set_title(title)
        ax.set_ylim(0, None)
    axes[0].set_ylabel("logits")
    fig.supxlabel("share of the cluster's neurons removed", fontsize=9.5)
    _legend(fig, axes[0])
    return fig


def _curve(
    ax: Axes, rows: pd.DataFrame, by: str, measure: str, cluster: Cluster, color: str
) -> None:
    """Mean over draws as a line, smallest to largest as a band."""
    ax.fill_between(
        rows[by], rows[f"{measure}_low"], rows[f"{measure}_high"], color=color, alpha=0.12, lw=0
    )
    ax.plot(
        rows[by],
        rows[measure],
        color=color,
        marker=MARKERS[cluster.index % len(MARKERS)],
        label=f"f = {cluster.freq} ({cluster.num_neurons})",
    )


def _plain_log(ax: Axes) -> None:
    """A logarithmic axis whose ticks are plain numbers at 1, 2 and 5; at 1 over many decades."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e4 * low else (1.0,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())


@figure
def damage_by_cluster(table: pd.DataFrame) -> Figure:
    """Loss without a cluster against its size, and against the margin that is left to the others.

    ``table``: a row a cluster with cluster, freq, num_neurons, margin_left, loss, control_loss,
    and ``loss_whole``, the loss of the untouched network.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.4), sharey=True)
    if table.empty:
        for ax in axes:
            empty_panel(ax, "no cluster in this network")
        return fig
    of_a_size = table.groupby("num_neurons").cluster
    places = of_a_size.cumcount() - (of_a_size.transform("size") - 1) / 2
    for row, place in zip(table.itertuples(), places, strict=True):
        look = {"marker": MARKERS[row.cluster % len(MARKERS)], "s": 46, "zorder": 2}
        label = f"f = {row.freq} ({row.num_neurons})"
        # Clusters of one size stand side by side, each at its own number in the data.
        beside = ScaledTranslation(place * BESIDE_PT / 72, 0, fig.dpi_scale_trans)
        at_size = {"transform": axes[0].transData + beside}
        sizes, losses = [row.num_neurons] * 2, [row.loss, row.control_loss]
        axes[0].plot(sizes, losses, color=NEUTRAL, lw=0.7, **at_size)
        hollow = {"facecolor": "white", "edgecolor": NEUTRAL, "label": "_control"}
        axes[0].scatter(row.num_neurons, row.control_loss, **hollow, **look, **at_size)
        filled = {"color": cluster_color(row.cluster), "label": label, **look}
        axes[0].scatter(row.num_neurons, row.loss, **filled, **at_size)
        axes[1].scatter(row.margin_left, row.loss, **filled)
    # What is moved by points of the page does not count for an axis's limits: said here.
    for losses in (table.loss, table.control_loss):
        axes[0].update_datalim(np.column_stack([table.num_neurons, losses]))
    axes[0].margins(x=0.1)
    whole = float(table.loss_whole.iloc[0])
    for ax in axes:
        ax.axhline(whole, color="black", lw=0.8, ls=":", label="_whole")
    place = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "bottom"}
    axes[1].annotate("untouched", (0.98, whole), fontsize=8.5, **place)
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    _plain_log(axes[0])
    axes[0].set(xlabel="neurons of the cluster", ylabel="loss without it (nats)")
    axes[1].set(xlabel="margin that the other cosines leave (logits)")
    axes[0].set_title("hollow: as many random neurons")
    _legend(fig, axes[1])
    return fig


@figure
def redundancy(damage: pd.DataFrame, by_number: pd.DataFrame) -> Figure:
    """What goes with one cluster: this network's accuracy; many networks, by number of clusters.

    ``damage``: ``interventions.damage_table``; ``by_number``: ``many_seeds.redundancy``. Hollow and
    crosses: as many random live neurons.
    """
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.1), width_ratios=(1.1, 1, 1))
    if damage.empty:
        empty_panel(axes[0], "no cluster in this network")
    else:
        place = range(len(damage))
        axes[0].plot(place, damage.control_accuracy, "x", color=NEUTRAL, label=RANDOM)
        for spot, row in zip(place, damage.itertuples(), strict=True):
            axes[0].plot(
                spot,
                row.accuracy,
                MARKERS[row.cluster % len(MARKERS)],
                color=cluster_color(row.cluster),
                ms=6,
            )
        axes[0].set_xticks(place, [f"{row.freq}" for row in damage.itertuples()])
        axes[0].set(xlabel="f of the cluster taken out", ylabel="share of pairs right")
    rows = by_number
    options: dict[str, Any] = {"elinewidth": 1.4}
    ends = ("keeps", "keeps_low", "keeps_high")
    intervals(axes[1], rows.num_clusters, *(rows[end] for end in ends), color="black", **options)
    axes[1].set(ylabel="removals that keep 99.9 %", ylim=(-0.03, 1.03))
    for shift, (name, label, color, shape) in enumerate(
        (("removed", "a cluster", "black", "o"), ("control", RANDOM, NEUTRAL, "x"))
    ):
        ends = (name, f"{name}_low", f"{name}_high")
        x = rows.num_clusters + 0.16 * (shift - 0.5)
        values = (rows[end] for end in ends)
        intervals(axes[2], x, *values, color=color, fmt=shape, label=label, **options)
    axes[2].set(ylabel="loss, times untouched")
    _plain_log(axes[2])
    for ax in axes[1:]:
        ax.set(xlabel="clusters of the network")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for ax, title in zip(
        axes, ("(a) this network", "(b) many networks", "(c) their loss"), strict=True
    ):
        ax.set_title(title)
    legend_outside(fig, axes[2], 2)
    return fig


@figure
def network_damage(
    noise: Mapping[str, pd.DataFrame], removal: Mapping[str, pd.DataFrame]
) -> Figure:
    """Noise and removal in several networks: loss above, accuracy below.

    ``noise``, ``removal``: by network, ``over_draws`` of a ``noise_curve`` by sigma and of a
    ``removal_curve`` by fraction.
    """
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.4), sharex="col", sharey="row")
    columns = ((noise, "sigma", "σ of the noise"), (removal, "fraction", "share removed"))
    skipped = max(0, len(NETWORKS) - len(noise))
    for column, (curves, by, xlabel) in enumerate(columns):
        for row, measure in enumerate(("loss", "accuracy")):
            ax = axes[row, column]
            for i, (name, summary) in enumerate(curves.items()):
                color = NETWORKS[(i + skipped) % len(NETWORKS)]
                ax.fill_between(
                    summary[by],
                    summary[f"{measure}_low"],
                    summary[f"{measure}_high"],
                    color=color,
                    alpha=0.15,
                    lw=0,
                )
                ax.plot(
                    summary[by],
                    summary[measure],
                    color=color,
                    ls=LINES[i % len(LINES)],
                    marker=MARKERS[i % len(MARKERS)],
                    label=name,
                )
        axes[1, column].set_xlabel(xlabel)
    _plain_log(axes[0, 0])
    axes[0, 0].set_ylabel("loss (nats)")
    axes[1, 0].set(ylabel="share of pairs right", ylim=(-0.03, 1.03))
    _legend(fig, axes[0, 0])
    return fig
