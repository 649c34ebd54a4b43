"""Figures of chapter 07: the ladder of replacements, and one cluster told a + s in place of a."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modlib.analysis.macro.shifts import Foretold
from modlib.analysis.meso.clusters import Cluster
from modlib.maths.fourier import circular_difference
from modlib.plots.base import (
    MARKERS,
    NEUTRAL,
    PALETTE,
    WIDTH,
    cluster_color,
    empty_figure,
    empty_panel,
    figure,
)
from modlib.plots.panels import legend_outside

SEEN = 0.05
"""Share of pairs from which an answer is drawn."""


@figure
def replacement_ladder(own: pd.DataFrame, means: pd.DataFrame) -> Figure:
    """Accuracy and loss on each rung: this network, many networks with intervals, controls.

    ``own``: ``ladder``; ``means``: ``rung_means``, whose rungs are some of these.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.6), sharey=True)
    place = {rung: i for i, rung in enumerate(own.rung)}
    first = int((~own.control).sum())
    for ax, measure in zip(axes, ("accuracy", "loss"), strict=True):
        for control, color, label in (
            (False, PALETTE[0], "this network"),
            (True, NEUTRAL, "this network, controls"),
        ):
            rows = own[own.control == control]
            ax.plot(rows[measure], rows.rung.map(place) - 0.14, "o", color=color, ms=6, label=label)
        value = means[measure].to_numpy()
        ends = [value - means[f"{measure}_low"], means[f"{measure}_high"] - value]
        ax.errorbar(
            value,
            means.rung.map(place) + 0.18,
            xerr=np.maximum(np.array(ends), 0),
            fmt="D",
            color="black",
            mfc="white",
            ms=4.5,
            elinewidth=1.4,
            label="many networks, mean and 95 %",
        )
        ax.axhline(first - 0.5, color="black", lw=0.7, ls=":")
        ax.grid(axis="x")
    axes[0].set_yticks(range(len(place)), list(place))
    axes[0].set(ylim=(len(place) - 0.5, -0.5), xlim=(-0.04, 1.04), xlabel="share of pairs right")
    axes[1].set(xscale="log", xlabel="loss (nats)")
    for ax, title in zip(axes, ("(a) accuracy", "(b) loss over all pairs"), strict=True):
        ax.set_title(title)
    legend_outside(fig, axes[0], 3)
    return fig


@figure
def answers_foretold(
    clusters: Sequence[Cluster],
    shifts: Int[np.ndarray, " shift"],
    foretold: Foretold,
    shares: Float[np.ndarray, "cluster shift d"],
    control: Float[np.ndarray, "cluster shift"],
    shown: int,
) -> Figure:
    """Answers when one cluster hears a + s, with those foretold; how often these come out.

    ``shares``: ``answers_when_told``. Left: cluster ``shown``, an answer's share as darkness and
    what was foretold as circles. Right: share of pairs as foretold against the lead foretold,
    where a wrong answer was foretold; ``control``: as many random neurons told the same.
    """
    if not clusters:
        return empty_figure("no cluster in this network: nobody to tell")
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.7))
    _rings(axes[0], clusters[shown], shifts, foretold.answer[shown], shares[shown])
    label = "as many random neurons"
    for i, cluster in enumerate(clusters):
        wrong = foretold.answer[i] != 0
        style = MARKERS[cluster.index % len(MARKERS)]
        if not wrong.any():
            continue
        lead = foretold.lead[i][wrong]
        axes[1].plot(lead, control[i][wrong], "x", color=NEUTRAL, ms=4, label=label)
        axes[1].plot(
            lead,
            shares[i, wrong, foretold.answer[i][wrong]],
            style,
            color=cluster_color(cluster.index),
            ms=4.5,
            label=f"f = {cluster.freq}",
        )
        label = "_control"
    axes[1].set(xlabel="lead foretold (logits)", ylabel="pairs with the answer foretold")
    axes[1].set(ylim=(-0.04, 1.04), xlim=(0, None), title="(b) wherever a wrong answer is foretold")
    if axes[1].lines:
        legend_outside(fig, axes[1], 5, place="lower")
    else:
        empty_panel(axes[1], "no wrong answer is foretold")
    return fig


def _rings(
    ax: Axes,
    cluster: Cluster,
    shifts: Int[np.ndarray, " shift"],
    answer: Int[np.ndarray, " shift"],
    shares: Float[np.ndarray, "shift d"],
) -> None:
    """Answers that come out as dots, the darker the more pairs, and rings where they should."""
    n = shares.shape[-1]
    d = circular_difference(np.arange(n), n)
    told, slot = np.nonzero(shares >= SEEN)
    dots = ax.scatter(
        shifts[told], d[slot], c=shares[told, slot], s=7, cmap="Greys", vmin=0, vmax=1
    )
    ax.figure.colorbar(dots, ax=ax, label="share of pairs with that answer")
    ax.plot(
        shifts,
        circular_difference(answer, n),
        "o",
        mfc="none",
        mew=0.8,
        ms=6,
        color=cluster_color(cluster.index),
        label="foretold",
    )
    ax.set(xlabel="s: the cluster hears a + s", ylabel="answer given, less a + b")
    ax.set_title(f"(a) f = {cluster.freq}: foretold (rings), given (dots)")
