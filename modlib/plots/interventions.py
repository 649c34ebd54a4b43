"""Figures of chapter 05: noise and removal, what is left of a vote, which cluster matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modlib.analysis.clusters import Cluster
from modlib.plots.base import MARKERS, NEUTRAL, PALETTE, cluster_color, figure, say_nothing_to_show

LINES = ("-", "--", ":", "-.")


@figure
def noise_damage(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> Figure:
    """Loss and accuracy against sigma, a curve a cluster, and its control (figure A26).

    ``summary``: ``over_draws`` of ``damage_curves`` by cluster, control and sigma. The band runs
    from the smallest draw to the largest.
    """
    return _damage(summary, clusters, "sigma", "noise on the cluster's weights, σ of ln(weight)")


@figure
def removal_damage(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> Figure:
    """Loss and accuracy against the share of a cluster removed, and its control (figure A27).

    ``summary``: ``over_draws`` of ``damage_curves`` by cluster, control and fraction.
    """
    return _damage(summary, clusters, "fraction", "share of the cluster's neurons removed")


def _damage(summary: pd.DataFrame, clusters: Sequence[Cluster], by: str, xlabel: str) -> Figure:
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.9))
    if not clusters:
        for ax in axes:
            say_nothing_to_show(ax, "no cluster in this network")
        return fig
    for ax, measure in zip(axes, ("loss", "accuracy"), strict=True):
        for cluster in clusters:
            own = summary[summary.cluster == cluster.index]
            color = cluster_color(cluster.index)
            rows, control = own[~own.control.astype(bool)], own[own.control.astype(bool)]
            first = cluster.index == clusters[0].index
            label = "as many random live neurons" if first else "_control"
            ax.plot(control[by], control[measure], ls="--", lw=1, color=NEUTRAL, label=label)
            ax.fill_between(
                rows[by],
                rows[f"{measure}_low"],
                rows[f"{measure}_high"],
                color=color,
                alpha=0.15,
                lw=0,
            )
            ax.plot(
                rows[by],
                rows[measure],
                color=color,
                marker=MARKERS[cluster.index % len(MARKERS)],
                label=f"f = {cluster.freq} ({cluster.num_neurons})",
            )
        ax.set_title(f"{measure} over all pairs")
    axes[0].set(yscale="log", ylabel="cross-entropy (nats)")
    axes[1].set(ylabel="share of pairs right", ylim=(-0.03, 1.03))
    fig.supxlabel(xlabel, fontsize=9.5)
    _legend(fig, axes[1])
    return fig


def _legend(fig: Figure, ax: Axes) -> None:
    """One legend above all panels."""
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=min(4, max(1, len(labels))))


@figure
def votes_left(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> Figure:
    """How much of a cluster's say in the logits is still its cosine when neurons are gone.

    ``summary``: ``over_draws`` of ``analysis.interventions.votes_left`` by cluster and fraction.
    """
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.6))
    if not clusters:
        for ax in axes:
            say_nothing_to_show(ax, "no cluster in this network")
        return fig
    titles = {"explained": "variance that is the cosine (%)", "amplitude": "amplitude A (logits)"}
    for ax, (measure, title) in zip(axes, titles.items(), strict=True):
        scale = 100 if measure == "explained" else 1
        for cluster in clusters:
            rows = summary[summary.cluster == cluster.index]
            color = cluster_color(cluster.index)
            low, high = scale * rows[f"{measure}_low"], scale * rows[f"{measure}_high"]
            ax.fill_between(rows.fraction, low, high, color=color, alpha=0.15, lw=0)
            ax.plot(
                rows.fraction,
                scale * rows[measure],
                color=color,
                marker=MARKERS[cluster.index % len(MARKERS)],
                label=f"f = {cluster.freq} ({cluster.num_neurons})",
            )
        ax.set_title(title)
        ax.set_ylim(0, None)
    fig.supxlabel("share of the cluster's neurons removed", fontsize=9.5)
    _legend(fig, axes[0])
    return fig


@figure
def damage_by_cluster(table: pd.DataFrame) -> Figure:
    """Loss without a cluster against its size, and against the margin that is left to the others.

    ``table``: a row a cluster with cluster, freq, num_neurons, margin_left, loss, control_loss,
    and ``loss_whole``, the loss of the untouched network.
    """
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True)
    if table.empty:
        for ax in axes:
            say_nothing_to_show(ax, "no cluster in this network")
        return fig
    for row in table.itertuples():
        look = {"marker": MARKERS[row.cluster % len(MARKERS)], "s": 46, "zorder": 2}
        label = f"f = {row.freq} ({row.num_neurons})"
        axes[0].plot([row.num_neurons] * 2, [row.loss, row.control_loss], color=NEUTRAL, lw=0.7)
        axes[0].scatter(
            row.num_neurons,
            row.control_loss,
            facecolor="white",
            edgecolor=NEUTRAL,
            label="_control",
            **look,
        )
        for ax, x in zip(axes, (row.num_neurons, row.margin_left), strict=True):
            ax.scatter(x, row.loss, color=cluster_color(row.cluster), label=label, **look)
    for ax in axes:
        ax.axhline(table.loss_whole.iloc[0], color="black", lw=0.8, ls=":", label="_whole")
        ax.set_yscale("log")
    axes[0].set(xlabel="neurons of the cluster", ylabel="loss without it (nats)")
    axes[1].set(xlabel="margin that the other cosines leave (logits)")
    axes[0].set_title("hollow: as many random neurons")
    _legend(fig, axes[1])
    return fig


@figure
def network_damage(
    noise: Mapping[str, pd.DataFrame], removal: Mapping[str, pd.DataFrame]
) -> Figure:
    """Noise and removal in several networks: loss above, accuracy below.

    ``noise``, ``removal``: by network, ``over_draws`` of a ``noise_curve`` by sigma and of a
    ``removal_curve`` by fraction.
    """
    fig, axes = plt.subplots(2, 2, figsize=(8, 5.6), sharex="col", sharey="row")
    columns = ((noise, "sigma", "σ of the noise"), (removal, "fraction", "share removed"))
    for column, (curves, by, xlabel) in enumerate(columns):
        for row, measure in enumerate(("loss", "accuracy")):
            ax = axes[row, column]
            for i, (name, summary) in enumerate(curves.items()):
                color = PALETTE[i % len(PALETTE)]
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
    axes[0, 0].set(yscale="log", ylabel="loss (nats)")
    axes[1, 0].set(ylabel="share of pairs right", ylim=(-0.03, 1.03))
    _legend(fig, axes[0, 0])
    return fig
