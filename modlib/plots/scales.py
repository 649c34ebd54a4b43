"""Figure A1: one network at the three scales of paper A."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modlib.analysis.crt import Scales
from modlib.plots.base import ANSWER, MARKERS, cluster_color, figure, say_nothing_to_show

MAX_ROWS = 3
"""Clusters of which a neuron and a vote are drawn; all are in the sum."""


@figure
def three_scales(rows: Sequence[Scales], answer: int) -> Figure:
    """Neurons, clusters, and all clusters summed, from left to right (figure A1).

    ``rows``: ``analysis.crt.at_three_scales``; the first three get a row each, all are summed.
    Left: preactivation of one neuron against input a, with its cosine. Middle: votes of the
    cluster's neurons at one pair, their sum, and its approximate coset. Right: the sum of all
    votes, the right answer starred; bars there and at the runner-up: what each cluster adds.
    """
    if not rows:
        fig, ax = plt.subplots(figsize=(8, 1.2))
        say_nothing_to_show(ax, "no cluster in this network: nothing to draw at three scales")
        return fig
    shown = list(rows[:MAX_ROWS])
    n = len(rows[0].vote)
    k = np.arange(n)
    fig = plt.figure(figsize=(8.8, 1.35 * len(shown) + 1.25))
    grid = fig.add_gridspec(len(shown), 3, width_ratios=[1, 1, 1.3])
    left, middle = [], []
    for i, row in enumerate(shown):
        color, marker = cluster_color(row.cluster.index), MARKERS[row.cluster.index % len(MARKERS)]
        ax = fig.add_subplot(grid[i, 0])
        ax.plot(k, row.fitted, color="#b0b0b0", lw=2.2)
        ax.plot(k, row.preact, marker, color=color, ms=2.4, mew=0)
        ax.set_ylabel(f"f = {row.cluster.freq}")
        left.append(ax)
        ax = fig.add_subplot(grid[i, 1])
        for vote in row.neuron_votes:
            ax.plot(k, vote, color=color, lw=0.5, alpha=0.45)
        ax.plot(k, row.vote, color=color, lw=1.2)
        ax.plot(
            k[row.members], row.vote[row.members], marker, color=color, mec="black", mew=0.5, ms=4.5
        )
        middle.append(ax)
    for column in (left, middle):
        for ax in column:
            ax.set_xlim(-1, n)
            ax.set_yticks([])
        for ax in column[:-1]:
            ax.set_xticklabels([])
    for ax in middle:
        ax.axvline(answer, color="black", lw=0.7, ls=":", zorder=0)
    left[0].set_title("one neuron")
    middle[0].set_title("its cluster")
    left[-1].set_xlabel(f"input a (mod {n})")
    middle[-1].set_xlabel(f"answer c (mod {n})")
    _sum_of_all(fig.add_subplot(grid[:, 2]), rows, answer)
    return fig


def _sum_of_all(ax: Axes, rows: Sequence[Scales], answer: int) -> None:
    """The sum of all votes, and at the answer and its runner-up what each cluster adds to it."""
    votes = np.stack([row.vote for row in rows])
    total, n = votes.sum(0), votes.shape[1]
    ax.plot(np.arange(n), total, color="black", lw=1.1, zorder=2)
    others = np.where(np.arange(n) == answer, -np.inf, total)
    for place in (answer, int(others.argmax())):
        below = above = 0.0
        for row, vote in zip(rows, votes[:, place], strict=True):
            start = above if vote >= 0 else below
            ax.bar(place, vote, width=n / 28, bottom=start, color=cluster_color(row.cluster.index),
                   edgecolor="black", lw=0.5, zorder=3,
                   label=f"f = {row.cluster.freq}" if place == answer else None)
            above, below = (start + vote, below) if vote >= 0 else (above, start + vote)
    ax.plot([answer], [total[answer]], "*", color=ANSWER, mec="black", mew=0.8, ms=15, zorder=5)
    ax.axvline(answer, color="black", lw=0.7, ls=":", zorder=0)
    ax.axhline(0, color="black", lw=0.5, zorder=0)
    ax.margins(y=0.08)
    ax.set(xlim=(-1, n), xlabel=f"answer c (mod {n})", title="all clusters, summed")
    ax.set_yticks([])
    ax.legend(loc="lower center", ncols=3, handlelength=1.0, columnspacing=0.9)


def as_image(fig: Figure, alt: str) -> HTML:
    """A figure as an ``img`` that carries its own data and says in words what it shows.

    For ``myst_nb.glue``: a figure glued into another page would lose its words.
    """
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    return HTML(f'<img alt="{alt}" src="data:image/png;base64,{data}">')
