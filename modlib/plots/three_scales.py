"""Figure A1: one network at the three scales of paper A."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modlib.analysis.macro.crt import Scales
from modlib.maths.fourier import circular_difference
from modlib.plots.approximate_crt import mark, star
from modlib.plots.base import MARKERS, cluster_color, empty_figure, figure

MAX_ROWS = 3
"""Clusters of which a neuron and a vote are drawn; all are in the sum."""


@figure
def three_scales(rows: Sequence[Scales], answer: int) -> Figure:
    """Neurons, clusters, and all clusters summed, from left to right (figure A1).

    ``rows``: ``crt.at_three_scales``; the first three, whose waves the eye can follow, get a
    row each, all are summed.
    Left: preactivation of one neuron against input a, with its cosine. Middle: votes of the
    cluster's neurons at one pair, their sum, and its approximate coset. Right: the sum of all
    votes, the right answer starred; bars: what each cluster adds there, and to the best answer
    elsewhere.
    """
    if not rows:
        return empty_figure("no cluster in this network: nothing to draw at three scales")
    shown = list(rows[:MAX_ROWS])
    n = len(rows[0].vote)
    k = np.arange(n)
    fig = plt.figure(figsize=(8.8, 1.35 * len(shown) + 1.25))
    grid = fig.add_gridspec(len(shown), 3, width_ratios=[1, 1, 1.3])
    left, middle = [], []
    for i, row in enumerate(shown):
        index = row.cluster.index
        color, marker = cluster_color(index), MARKERS[index % len(MARKERS)]
        ax = fig.add_subplot(grid[i, 0])
        ax.plot(row.fine, row.fitted, color="#b0b0b0", lw=2.2)
        ax.plot(k, row.preact, marker, color=color, ms=2.4, mew=0)
        ax.set_ylabel(f"f = {row.cluster.freq}")
        left.append(ax)
        ax = fig.add_subplot(grid[i, 1])
        for vote in row.neuron_votes:
            ax.plot(k, vote, color=color, lw=0.5, alpha=0.45)
        ax.plot(k, row.vote, color=color, lw=1.2)
        mark(ax, index, k[row.members], row.vote[row.members], 4.5)
        middle.append(ax)
    for column in (left, middle):
        for ax in column:
            ax.set(xlim=(-1, n), yticks=[])
        for ax in column[:-1]:
            ax.set_xticklabels([])
    for ax in middle:
        ax.axvline(answer, color="black", lw=0.7, ls=":", zorder=0)
    left[0].set_title("one neuron: preactivation")
    middle[0].set_title("its cluster: votes")
    left[-1].set_xlabel(f"input a (mod {n})")
    middle[-1].set_xlabel(f"answer c (mod {n})")
    _sum_of_all(fig.add_subplot(grid[:, 2]), rows, answer)
    return fig


def _sum_of_all(ax: Axes, rows: Sequence[Scales], answer: int) -> None:
    """The sum of all votes; what each cluster adds at the answer and at the best one elsewhere."""
    votes = np.stack([row.vote for row in rows])
    total, n = votes.sum(0), votes.shape[1]
    ax.plot(np.arange(n), total, color="black", lw=1.1, zorder=2)
    width = n / 28
    near = np.abs(circular_difference(np.arange(n) - answer, n)) <= 2 * width
    others = np.where(near, -np.inf, total)
    for place in sorted({answer, answer if near.all() else int(others.argmax())}):
        below = above = 0.0
        for row, vote in zip(rows, votes[:, place], strict=True):
            start = above if vote >= 0 else below
            ax.bar(
                place,
                vote,
                width=width,
                bottom=start,
                color=cluster_color(row.cluster.index),
                edgecolor="black",
                lw=0.5,
                zorder=3,
                label=f"f = {row.cluster.freq}" if place == answer else None,
            )
            above, below = (start + vote, below) if vote >= 0 else (above, start + vote)
        top = (place, max(above, 0.0))
        if place != answer:
            ax.annotate("next best", top, (0, 3), textcoords="offset points", ha="center")
    star(ax, answer, total[answer], "right answer", size=15)
    ax.axhline(0, color="black", lw=0.5, zorder=0)
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.16 * (high - low), high)
    ax.set(xlim=(-1, n), xlabel=f"answer c (mod {n})", title="all clusters: sum of votes (logits)")
    ax.legend(
        loc="lower center",
        ncols=3,
        handlelength=1.0,
        columnspacing=0.9,
        frameon=True,
        facecolor="white",
        edgecolor="white",
        framealpha=1.0,
    )
