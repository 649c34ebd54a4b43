"""Figures of chapter 04: spectra of all neurons, one cluster's neurons, its phases, its vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from modlib.analysis.meso.choir import Sum
from modlib.analysis.meso.clusters import Cluster, Clustering
from modlib.maths.fourier import circular_difference
from modlib.plots.base import (
    ANSWER,
    MARK,
    MARKERS,
    NEUTRAL,
    WIDTH,
    cluster_color,
    empty_figure,
    empty_panel,
    figure,
)
from modlib.plots.panels import clear_rest, panel_grid


def _row_order(clustering: Clustering) -> tuple[list[int], list[int]]:
    """Live neurons cluster by cluster, the loose ones last; and where a new block begins."""
    order: list[int] = []
    starts = []
    for cluster in clustering.clusters:
        starts.append(len(order))
        order.extend(int(i) for i in cluster.neurons)
    starts.append(len(order))
    order.extend(int(i) for i in clustering.loose)
    return order, starts


def _heat(ax: Axes, share: Float[np.ndarray, "neuron freq"], clustering: Clustering) -> None:
    order, starts = _row_order(clustering)
    if not order:
        empty_panel(ax, "no live neuron")
        return
    image = ax.imshow(share[order][:, 1:], vmin=0, vmax=1, extent=_extent(share, len(order)))
    for cluster, start in zip(clustering.clusters, starts, strict=False):
        rows = (start, start + cluster.num_neurons)
        ax.plot(
            [0.2, 0.2],
            [rows[0] + 0.15, rows[1] - 0.15],
            lw=5,
            color=cluster_color(cluster.index),
            solid_capstyle="butt",
            clip_on=False,
        )
        ax.annotate(
            f"f = {cluster.freq}",
            (1.01, float(np.mean(rows))),
            va="center",
            fontsize=8,
            xycoords=("axes fraction", "data"),
            color="black",
        )
    ax.set_xlim(0.0, share.shape[1] - 0.5)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="frequency (cycles per n)", ylabel="live neuron, by cluster")
    ax.figure.colorbar(image, ax=ax, label="share of the neuron's power", pad=0.09)


def _extent(share: np.ndarray, num_rows: int) -> tuple[float, float, float, float]:
    return (0.5, share.shape[1] - 0.5, num_rows, 0.0)


@figure
def spectra_heatmap(share: Float[np.ndarray, "neuron freq"], clustering: Clustering) -> Figure:
    """Every live neuron a row, every frequency a column, brightness its share of power.

    Figure A7 at a glance. ``share``: power of each neuron divided by its sum.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 4.3))
    _heat(ax, share, clustering)
    return fig


@figure
def spectra_heatmaps(panels: Mapping[str, tuple[np.ndarray, Clustering]]) -> Figure:
    """``spectra_heatmap`` of several networks side by side, for controls."""
    fig, axes = panel_grid(1, len(panels), (3.55, 3.6))
    for ax, (title, (share, clustering)) in zip(axes[0], panels.items(), strict=True):
        _heat(ax, share, clustering)
        ax.set_title(title)
    return fig


@figure
def cluster_dfts(
    magnitude: Float[np.ndarray, "neuron freq"], clusters: Sequence[Cluster]
) -> Figure:
    """DFT of every neuron of each cluster, a panel a cluster (figure A7).

    ``magnitude``: |h^(f)| of the preactivations of a, unnormalised.
    """
    if not clusters:
        return empty_figure("no cluster in this network")
    columns = min(3, len(clusters))
    rows = -(-len(clusters) // columns)
    fig, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, 1.9 * rows + 0.4), sharex=True, sharey=True, squeeze=False
    )
    freq = np.arange(1, magnitude.shape[1])
    for ax, cluster in zip(axes.flat, clusters, strict=False):
        for neuron in cluster.neurons:
            ax.plot(freq, magnitude[neuron, 1:], color=cluster_color(cluster.index), lw=0.9)
        ax.set_title(f"cluster {cluster.index}: f = {cluster.freq}, {cluster.num_neurons} neurons")
    clear_rest(axes, len(clusters))
    for ax in list(axes.flat)[max(0, len(clusters) - columns) : len(clusters)]:
        ax.tick_params(labelbottom=True)
    fig.supxlabel("frequency (cycles per n)", fontsize=9.5)
    fig.supylabel("|DFT of the preactivation of a|", fontsize=9.5)
    return fig


@figure
def cluster_preacts(
    preact_a: Float[np.ndarray, "member n"],
    preact_b: Float[np.ndarray, "member n"],
    cluster: Cluster,
    followed: Sequence[int] = (),
    *,
    unit: int = 1,
) -> Figure:
    """Preactivations of a cluster's neurons, of a and of b (figures A22 and A23).

    Up to three, ``followed``, are drawn to be followed, the others are grey. ``unit``: what the
    inputs were multiplied by before the signals came here (``groups.remap``).
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.0), sharey=True)
    looks = {
        neuron: {"color": color, "ls": style, "lw": 1.5, "zorder": 3}
        for neuron, color, style in zip(
            followed, (cluster_color(cluster.index), "black", MARK), ("-", "--", "-."), strict=False
        )
    }
    grey = {"color": "#c9c9c9", "lw": 0.8, "label": "_others"}
    for ax, preact, name in zip(axes, (preact_a, preact_b), "ab", strict=True):
        for neuron, signal in enumerate(preact):
            ax.plot(signal, **looks.get(neuron, grey))
        ax.axhline(0, color="black", lw=0.5)
        read = f"x, drawn at {name} = {unit} x" if unit > 1 else name
        ax.set(xlabel=f"{read} (mod {cluster.n})", xlim=(0, cluster.n - 1))
    axes[0].set_ylabel("preactivation, without bias")
    return fig


@figure
def cluster_phases(table: pd.DataFrame, cluster: Cluster) -> Figure:
    """Phases of a cluster's neurons: histogram, (t_a, t_b), and t_a + t_b against t_d (A24).

    ``table``: rows of ``neuron_table`` for neurons that have a phase. Phases are in units of n.
    """
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.7))
    if table.empty:
        for ax in axes:
            empty_panel(ax, "no neuron with a phase")
        return fig
    n, color = cluster.n, cluster_color(cluster.index)
    marker = MARKERS[cluster.index % len(MARKERS)]
    both = np.concatenate([table.t_a, table.t_b])
    axes[0].hist(both, bins=12, range=(0, n), color=color)
    axes[0].set(xlabel="phase, $t_A$ and $t_B$", ylabel="neurons", xlim=(0, n), title="histogram")
    axes[1].scatter(table.t_a, table.t_b, color=color, marker=marker, s=22)
    axes[1].set(xlabel="$t_A$", ylabel="$t_B$", xlim=(0, n), ylim=(0, n), title="a against b")
    expected = (table.t_a + table.t_b) % n
    axes[2].plot([0, n], [0, n], color="black", lw=0.7)
    axes[2].scatter(expected, expected - table.phase_error, color=color, marker=marker, s=22)
    axes[2].set(
        xlabel="$t_A + t_B$ mod n", ylabel="$t_D$", xlim=(0, n), title="input against output"
    )
    for ax in axes[1:]:
        ax.set_aspect("equal")
    return fig


@figure
def cosine_vote(mean_vote: Float[np.ndarray, " d"], amplitude: float, cluster: Cluster) -> Figure:
    """A cluster's logits against d = c - a - b, averaged over all pairs, with its cosine.

    The answer is starred; squares mark what the cluster cannot tell from it: the rest of its
    coset where that is exact, else the candidates one step away on either side.
    """
    n = cluster.n
    d = circular_difference(np.arange(n), n)
    order = np.argsort(d)
    fig, ax = plt.subplots(figsize=(WIDTH, 2.8))
    fine = np.linspace(-n / 2, n / 2, 12 * n)
    ax.plot(
        fine,
        amplitude * np.cos(2 * np.pi * cluster.freq * fine / n),
        color="#b0b0b0",
        lw=1,
        label=r"$A \cos(2 \pi f d / n)$",
    )
    ax.plot(
        d[order],
        mean_vote[order],
        "o",
        color=cluster_color(cluster.index),
        ms=3.2,
        label="cluster, mean over pairs",
    )
    step = n // cluster.coset_size if cluster.coset_size > 1 else cluster.step
    reach = cluster.coset_size // 2 if cluster.coset_size > 1 else 1
    rivals = circular_difference(step * np.setdiff1d(np.arange(-reach, reach + 1), [0]), n)
    ax.plot(
        rivals,
        mean_vote[rivals.astype(int) % n],
        "s",
        ms=8,
        mfc="none",
        color="black",
        label="same coset" if cluster.coset_size > 1 else "one step away",
    )
    ax.plot(0, mean_vote[0], "*", ms=13, color=ANSWER, mec="black", label="the answer")
    ax.set(xlabel="d = c - a - b (mod n, 0 is the answer)", ylabel="logit")
    ax.legend(loc="lower right", ncols=4, bbox_to_anchor=(1, 1.0))
    return fig


@figure
def votes_adding_up(sums: Sequence[Sum], cluster: Cluster, answer: int) -> Figure:
    """Votes of 1, 2, 4, ... neurons of a cluster at one pair: each thin, their sum thick.

    Grey: the cosine around the right answer, which has the star, with the whole cluster's
    amplitude in proportion to the neurons. Each panel has its own height.
    """
    columns = min(3, len(sums))
    rows = -(-len(sums) // columns)
    fig, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, 1.9 * rows + 0.5), sharex=True, squeeze=False
    )
    n, whole = cluster.n, sums[-1]
    fine = np.linspace(0, n - 1, 8 * n)
    wave = np.cos(2 * np.pi * cluster.freq * (fine - answer) / n)
    color = cluster_color(cluster.index)
    for place, (ax, one) in enumerate(zip(axes.flat, sums, strict=False)):
        grown = whole.amplitude * one.num_neurons / whole.num_neurons
        ax.plot(fine, grown * wave, color="#b0b0b0", lw=2.4, label="A cos, in proportion")
        for vote in one.votes:
            ax.plot(vote, color=NEUTRAL, lw=0.5, alpha=0.6, label="_vote")
        ax.plot(one.total, color=color, lw=1.5, label="their sum")
        ax.plot(answer, one.total[answer], "*", color=ANSWER, mec="black", ms=11, zorder=5)
        said = "1 neuron" if one.num_neurons == 1 else f"{one.num_neurons} neurons"
        ax.set_title(f"({'abcdef'[place]}) {said}: {100 * one.explained:.0f} %")
    clear_rest(axes, len(sums))
    fig.supxlabel(f"answer c (mod {n})", fontsize=9.5)
    fig.supylabel("vote (logits)", fontsize=9.5)
    return fig
