"""Figures of chapter 07: congruences as cosines, the clusters' votes, their sum, controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from modlib.analysis.meso.clusters import Cluster
from modlib.maths.fourier import circular_difference
from modlib.plots.base import ANSWER, MARKERS, NEUTRAL, WIDTH, cluster_color, empty_figure, figure
from modlib.plots.panels import legend_outside, panel_grid

FLOOR = 1e-7
"""Share under which nothing is drawn on a logarithmic axis."""
NO_CLUSTER = "no cluster in this network: nothing to draw"


def star(ax: Axes, x: float, y: float, label: str = "right answer", size: float = 11.0) -> None:
    """Mark the right answer: a star with a black edge, and a dotted line through it."""
    ax.axvline(x, color="black", lw=0.7, ls=":", zorder=1)
    ax.plot(
        [x],
        [y],
        "*",
        color=ANSWER,
        mec="black",
        mew=0.7,
        ms=size,
        zorder=5,
        label=label,
        clip_on=False,
    )


def mark(ax: Axes, index: int, x: ArrayLike, y: ArrayLike, size: float = 5.0) -> None:
    """Points in a cluster's colour and marker, with a black edge."""
    style = MARKERS[index % len(MARKERS)]
    ax.plot(x, y, style, color=cluster_color(index), mec="black", mew=0.5, ms=size)


@figure
def remark_1(
    terms: Mapping[str, Float[np.ndarray, "term k"]],
    moduli: Sequence[int],
    residues: Sequence[int],
    solution: int,
) -> Figure:
    """A congruence a row as a cosine, a version of the remark a column, sums below (Remark 1).

    Dots: the k that solve the row's congruence; they lie on the crests where the remark holds.
    """
    rows = len(moduli) + 1
    fig, axes = plt.subplots(
        rows,
        len(terms),
        figsize=(WIDTH, 1.25 * rows + 0.5),
        sharex=True,
        sharey="row",
        squeeze=False,
    )
    for column, (title, cosines) in enumerate(terms.items()):
        k = np.arange(cosines.shape[1])
        for i, (q, m) in enumerate(zip(moduli, residues, strict=True)):
            ax, color = axes[i, column], cluster_color(i)
            solves = k[k % q == m]
            ax.plot(k, cosines[i], color=color, lw=1.1)
            mark(ax, i, solves, cosines[i][solves])
            ax.set_ylim(-1.15, 1.25)
            if column == 0:
                ax.set_ylabel(f"k ≡ {m}\n(mod {q})")
        total = cosines.sum(0)
        ax = axes[-1, column]
        ax.plot(k, total, color="black", lw=1.1)
        highest = np.flatnonzero(total > total.max() - 1e-9)
        ax.plot(highest, total[highest], "o", mfc="none", mec="black", ms=10, label="largest")
        star(ax, solution, total[solution], "solution")
        ax.margins(y=0.16)
        ax.set(xlabel=f"k (mod {len(k)})", xlim=(-1, len(k)))
        axes[0, column].set_title(title)
    axes[-1, 0].set_ylabel("sum")
    legend_outside(fig, axes[-1, 0], 2, place="lower")
    return fig


def _row_name(ax: Axes, cluster: Cluster) -> None:
    ax.set_ylabel(f"f = {cluster.freq}\n{cluster.num_neurons} neurons")


@figure
def cluster_votes(
    votes: Float[np.ndarray, "cluster pair c"],
    clusters: Sequence[Cluster],
    pairs: Int[np.ndarray, "pair 2"],
) -> Figure:
    """Each cluster's vote for every answer, a row a cluster and a column a pair (figure A6).

    The last row is the sum of those above. The right answer has a star and a dotted line.
    """
    if not len(clusters):
        return empty_figure(NO_CLUSTER)
    num, num_pairs, n = votes.shape
    c, answers = np.arange(n), pairs.sum(1) % n
    fig, axes = plt.subplots(
        num + 1,
        num_pairs,
        figsize=(max(4.5, min(7.1, 2.8 * num_pairs)), 0.98 * num + 1.9),
        sharex=True,
        sharey="row",
        squeeze=False,
        height_ratios=[1.0] * num + [1.35],
    )
    for column in range(num_pairs):
        answer = int(answers[column])
        for i, cluster in enumerate(clusters):
            ax, vote = axes[i, column], votes[i, column]
            ax.plot(c, vote, marker=".", ms=2.5, lw=0.8, color=cluster_color(cluster.index))
            star(ax, answer, vote[answer])
        total = votes[:, column].sum(0)
        axes[-1, column].plot(c, total, marker=".", ms=2.5, lw=0.9, color="black")
        star(axes[-1, column], answer, total[answer])
        a, b = pairs[column]
        gap = " " if num_pairs < 5 else "\n"
        axes[0, column].set_title(f"{a} + {b}{gap}= {answer}", loc="center")
        axes[-1, column].set_xlim(-1, n)
    for ax, cluster in zip(axes[:, 0], clusters, strict=False):
        _row_name(ax, cluster)
    axes[-1, 0].set_ylabel("sum")
    fig.supxlabel(f"answer c (mod {n})", fontsize=9.5)
    fig.supylabel("vote (logit, mean over c removed)", fontsize=9.5)
    return fig


@figure
def sieve(
    members: Bool[np.ndarray, "cluster c"],
    left: Bool[np.ndarray, "cluster c"],
    clusters: Sequence[Cluster],
    answer: int,
) -> Figure:
    """Which answers each cluster admits, and which are left after it, from the top down.

    Small ticks: ``members`` of the row's approximate coset; large markers: ``left``, those that
    are members of it and of all above.
    """
    if not len(clusters):
        return empty_figure(NO_CLUSTER)
    fig, ax = plt.subplots(figsize=(WIDTH, 0.42 * len(clusters) + 1.0))
    for row, cluster in enumerate(clusters):
        color = cluster_color(cluster.index)
        admitted, survives = np.flatnonzero(members[row]), np.flatnonzero(left[row])
        ax.plot(admitted, np.full(len(admitted), row), "|", color=color, ms=9, mew=0.9)
        mark(ax, cluster.index, survives, np.full(len(survives), row), 6)
        place = ("axes fraction", "data")
        text = f"{len(survives)} left"
        ax.annotate(text, (1.01, row), xycoords=place, va="center", fontsize=9)
    star(ax, answer, len(clusters) - 0.3)
    ax.set_yticks(range(len(clusters)), [f"f = {cluster.freq}" for cluster in clusters])
    n = members.shape[1]
    ax.set(xlabel=f"answer c (mod {n})", xlim=(-1, n), ylim=(len(clusters) + 0.1, -0.6))
    return fig


@figure
def narrowing(table: pd.DataFrame, n: int) -> Figure:
    """Answers left, and pairs decided, against the number of clusters that vote together.

    ``table``: ``analysis.macro.crt.growing_sets``. A marker is the mean over all sets of that many
    clusters, its bar runs from the worst set to the best.
    """
    if table.empty:
        return empty_figure(NO_CLUSTER)
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.4))
    by_size = table.groupby("size")
    size = np.array(list(by_size.groups))

    def draw(ax: Axes, column: str, color: str, style: str, offset: float, label: str) -> None:
        mean, low, high = by_size[column].mean(), by_size[column].min(), by_size[column].max()
        ax.vlines(size + offset, low, high, color=color, lw=2.5, alpha=0.45)
        ax.plot(size + offset, mean, style, color=color, label=label)

    draw(axes[0], "left", cluster_color(0), "o-", -0.06, "network")
    draw(axes[0], "ideal_left", NEUTRAL, "s--", 0.06, "exact cosines")
    axes[0].axhline(1, color="black", lw=0.7, ls=":")
    lowest = min(0.7, 0.8 * float(table.left[table.left > 0].min()))
    axes[0].set(ylabel="answers left", yscale="log", ylim=(lowest, n), title="all must agree")
    ticks = [t for t in (0.1, 0.3, 1, 3, 10, 30, 100, 300) if lowest <= t <= n]
    axes[0].set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes[0].minorticks_off()
    draw(axes[1], "first", cluster_color(4), "D-", -0.08, "votes added: right answer first")
    draw(axes[1], "kept", NEUTRAL, "s--", 0.08, "all must agree: right answer left")
    draw(axes[1], "alone", cluster_color(0), "o-", 0.0, "all must agree: it alone is left")
    axes[1].set(ylabel="share of all pairs", ylim=(-0.03, 1.03), title="is the answer found?")
    for ax in axes:
        ax.set(xlabel="clusters that vote together", xlim=(size[0] - 0.4, size[-1] + 0.4))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return fig


@figure
def sum_and_ideal(
    measured: Float[np.ndarray, " d"],
    ideal: Float[np.ndarray, " d"],
    equal: Float[np.ndarray, " d"],
    step_of: Sequence[int] = (),
) -> Figure:
    """The summed votes against d = c - a - b, beside cosines of the same frequencies.

    ``measured``: mean over all pairs; ``ideal``: cosines with the fitted amplitudes; ``equal``:
    with equal ones. The runner-up of the measured sum is marked, with its d and with the
    frequencies, ``step_of``, of which that is one step.
    """
    n = len(measured)
    if not np.any(measured):
        return empty_figure(NO_CLUSTER)
    d = circular_difference(np.arange(n), n)
    order = np.argsort(d)
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    ax.plot(d[order], ideal[order], color=NEUTRAL, lw=1.6, label="cosines, fitted A")
    ax.plot(d[order], equal[order], color="#E69F00", lw=1.0, ls="--", label="cosines, equal A")
    ax.plot(d[order], measured[order], "o", color="black", ms=3.0, label="network, mean over pairs")
    star(ax, 0, measured[0])
    runner = int(measured[1:].argmax()) + 1
    ax.plot([d[runner]], [measured[runner]], "s", mfc="none", mec="black", ms=9, label="runner-up")
    why = f": a step of f = {' and '.join(map(str, step_of))}" if step_of else ""
    said = f"d = {d[runner]:.0f}{why}"
    ax.annotate(said, (d[runner], measured[runner]), (8, 8), textcoords="offset points")
    ax.set(xlabel="d = c - a - b (mod n, 0 is the answer)", ylabel="sum of votes (logit)")
    ax.legend(loc="upper center", ncols=3, bbox_to_anchor=(0.5, -0.2))
    return fig


@figure
def margins(
    panels: Mapping[str, Float[np.ndarray, "a b"]],
    trained_on: Mapping[str, Bool[np.ndarray, "a b"]],
) -> Figure:
    """Histograms of the margin over all pairs, a panel a network; right of 0 is a right answer.

    Filled: pairs that the network never saw; outlined: its training pairs.
    """
    fig, axes = panel_grid(1, len(panels), (2.36, 2.7))
    for ax, (title, margin) in zip(axes[0], panels.items(), strict=True):
        mask = trained_on[title]
        edges = np.linspace(min(0.0, margin.min()), max(0.0, margin.max()), 41)
        seen, unseen = (
            np.append(np.histogram(margin[chosen], edges)[0], 0) for chosen in (mask, ~mask)
        )
        ax.fill_between(edges, unseen, step="post", color=cluster_color(5), label="never seen")
        ax.plot(edges, seen, drawstyle="steps-post", color="black", lw=1.2, label="trained on")
        ax.axvline(0, color="black", lw=1.0, ls=":")
        ax.set(title=title, xlabel="margin (logits)")
    axes[0, 0].set_ylabel("pairs (a, b)")
    legend_outside(fig, axes[0, 0], 2, place="lower")
    return fig


@figure
def vote_spectra(
    spectra: Mapping[str, Float[np.ndarray, " freq"]], clusters: Sequence[Cluster]
) -> Figure:
    """What each cosine A cos(2 pi f (c - a - b) / n) explains of the logits, a panel a network.

    Frequencies of ``clusters`` keep their colours and markers in the first panel.
    """
    fig, axes = plt.subplots(1, len(spectra), figsize=(WIDTH, 3.0), sharey=True, squeeze=False)
    for column, (title, explained) in enumerate(spectra.items()):
        ax, freq = axes[0, column], np.arange(1, len(explained))
        height = np.maximum(explained, FLOOR)
        ax.vlines(freq, FLOOR, height[1:], color=NEUTRAL, lw=0.8)
        ax.plot(freq, height[1:], ".", color=NEUTRAL, ms=3.5)
        for cluster in clusters if column == 0 else []:
            color, f = cluster_color(cluster.index), cluster.freq
            ax.vlines(f, FLOOR, height[f], color=color, lw=2.0)
            mark(ax, cluster.index, [f], [height[f]], 6.5)
        ax.set(title=title, xlabel="f (cycles per n)", yscale="log", ylim=(FLOOR / 2, 1.5))
        ax.set_yticks([1e-6, 1e-4, 1e-2, 1], ["0.0001 %", "0.01 %", "1 %", "100 %"])
        ax.minorticks_off()
    axes[0, 0].set_ylabel("share of logit variance")
    return fig


@figure
def shifted_votes(
    votes: Float[np.ndarray, "cluster pair c"],
    moved_back: Float[np.ndarray, "cluster pair c"],
    clusters: Sequence[Cluster],
    pairs: Int[np.ndarray, "pair 2"],
    report: pd.DataFrame,
) -> Figure:
    """Votes at (a, b), and at (a + s, b + s) moved back by 2 s, a row a cluster (figure A31).

    ``report``: ``cluster_report``, for the cosine and the relative error over all pairs.
    """
    if not len(clusters):
        return empty_figure(NO_CLUSTER)
    num, num_pairs, n = votes.shape
    fig, axes = plt.subplots(
        num,
        num_pairs,
        figsize=(max(4.5, min(7.1, 4.2 * num_pairs)), 1.1 * num + 1.0),
        sharex=True,
        sharey="row",
        squeeze=False,
    )
    c = np.arange(n)
    agreement = report.set_index("cluster")
    for i, cluster in enumerate(clusters):
        for column in range(num_pairs):
            ax = axes[i, column]
            ax.plot(
                c, votes[i, column], color=cluster_color(cluster.index), lw=1.6, label="at (a, b)"
            )
            ax.plot(
                c,
                moved_back[i, column],
                ".",
                color="black",
                ms=2.6,
                label="at (a + s, b + s), moved back by 2s",
            )
        _row_name(axes[i, 0], cluster)
        row = agreement.loc[cluster.index]
        axes[i, -1].annotate(
            f"cos {row.shift_cosine:.2f}\nerr {row.shift_error:.2f}",
            (1.02, 0.5),
            xycoords="axes fraction",
            va="center",
            fontsize=9,
        )
    for column, (a, b) in enumerate(pairs):
        axes[0, column].set_title(f"(a, b) = ({a}, {b})", loc="center")
        axes[-1, column].set(xlabel=f"answer c (mod {n})", xlim=(-1, n))
    legend_outside(fig, axes[0, 0], 2, place="lower")
    fig.supylabel("vote (logit, mean over c removed)", fontsize=9.5)
    return fig
