"""Figures of chapter 16: one wave a neuron, clusters by task, tasks knocked out one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from modlib.analysis.remainders.adders import PAPER_A_PHASE, Folded
from modlib.analysis.remainders.task_clusters import LAWS
from modlib.config.thresholds import DEFAULT
from modlib.plots.base import (
    MARK,
    MARKERS,
    NEUTRAL,
    PALETTE,
    STYLES,
    empty_figure,
    figure,
)
from modlib.plots.panels import legend_outside

NO_WAVE = "no neuron is of one wave"
FINE = np.linspace(0, 1, 201)
MANY_TASKS = 12
"""Tasks from which on only some have a tick of their own."""


@figure
def one_adder(panels: Mapping[str, Folded], entries: Sequence[str], title: str = "") -> Figure:
    """A neuron's tables of both digits and of its task's answers, in order and on their waves.

    ``entries``: what the entries of each table are. Above, as they come; below, by their place on
    the wave, with the wave and its crest.
    """
    if not panels:
        return empty_figure(NO_WAVE)
    fig, axes = plt.subplots(2, len(panels), figsize=(8, 4.9), squeeze=False)
    for column, (name, found) in enumerate(panels.items()):
        above, below = axes[:, column]
        color = PALETTE[column]
        above.plot(found.values, color=color, lw=0.9, marker="o", ms=2.2)
        above.set(title=name, xlabel=entries[column])
        below.plot(FINE, found.at(FINE), color=NEUTRAL, lw=1.2)
        below.plot(found.turns, found.values, "o", color=color, ms=3.2)
        below.axvline(found.phase, color=MARK, ls="--", lw=1.2)
        below.set(xlabel="place on the wave, turns", xlim=(-0.02, 1.02))
        below.set_title(f"crest at {round(found.phase, 2) % 1:.2f}", color=MARK)
        below.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axes[0, 0].set_ylabel("in order")
    axes[1, 0].set_ylabel("along the wave")
    fig.suptitle(title, x=0.01, ha="left", fontsize=10)
    return fig


@figure
def best_waves(curves: Mapping[str, Float[np.ndarray, " neuron"]], title: str = "") -> Figure:
    """Share of each neuron's variance that its best wave explains, from the best neuron down.

    ``curves``: shares by network or control, at most four.
    """
    fig, ax = plt.subplots(figsize=(8, 3.4))
    for place, (name, shares) in enumerate(curves.items()):
        ranked = np.sort(shares[np.isfinite(shares)])[::-1]
        at = (np.arange(len(ranked)) + 0.5) / max(len(ranked), 1)
        ax.plot(at, ranked, color=PALETTE[place], ls=STYLES[place], lw=2, label=name)
    ax.axhline(DEFAULT.one_wave, color=NEUTRAL, lw=0.8, ls="--")
    ax.text(0.35, DEFAULT.one_wave + 0.012, f"{DEFAULT.one_wave:g}: of one wave", color="#555555")
    ax.set(xlim=(0, 1), ylim=(0, 1.02), title=title)
    ax.set(xlabel="share of the neurons", ylabel="variance explained\nby the best wave")
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return fig


@figure
def phase_sums(neurons: pd.DataFrame, title: str = "") -> Figure:
    """t_A + t_B against t_D of each neuron, and the difference with paper A's bound.

    ``neurons``: rows of ``adders.neuron_waves``. The grey line is what random phases would give.
    """
    if neurons.empty:
        return empty_figure(NO_WAVE)
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.5), width_ratios=[1, 1.25])
    total = (neurons.phase_0 + neurons.phase_1) % 1.0
    left.plot([0, 1], [0, 1], color=NEUTRAL, lw=0.8)
    left.scatter(total, neurons.phase_out, s=7, color=PALETTE[0], alpha=0.6, linewidths=0)
    left.set(xlabel="crests of what it hears, $t_A + t_B$", ylabel="crest of what it says, $t_D$")
    left.set(xlim=(0, 1), ylim=(0, 1), title="in turns")
    edges = np.linspace(-0.1, 0.1, 41)
    errors = neurons.phase_error.to_numpy()
    right.hist(np.clip(errors, -0.1, 0.1), bins=edges, color=PALETTE[0])
    right.axhline(len(errors) * (edges[1] - edges[0]), color=NEUTRAL, lw=1.2)
    for bound in (-PAPER_A_PHASE, PAPER_A_PHASE):
        right.axvline(bound, color=MARK, ls="--", lw=1.2)
    right.set(xlabel="$t_A + t_B - t_D$, turns (beyond ±.1 at the ends)", ylabel="neurons")
    right.xaxis.set_major_locator(FixedLocator([-0.1, -0.05, 0, 0.05, 0.1]))
    right.set_title(title)
    return fig


@figure
def clusters_by_task(
    sizes: pd.DataFrame, numbers: pd.Series, growth: pd.DataFrame, title: str = ""
) -> Figure:
    """Where the clusters lie, and how many a task has.

    ``sizes``: ``q``, ``k``, ``size`` (``adders.cluster_sizes``), drawn with that area;
    ``numbers``: clusters by q; ``growth``: laws fitted to them.
    """
    if sizes.empty:
        return empty_figure(NO_WAVE)
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4.2), width_ratios=[1, 1])
    qs = numbers.index.to_numpy()
    place = np.searchsorted(qs, sizes.q)
    left.scatter(
        sizes.k / sizes.q, place, s=4 * sizes["size"], color=PALETTE[0], alpha=0.75, linewidths=0
    )
    _tasks(left, qs, "y")
    left.set(xlabel="frequency k/q", ylabel="task q", xlim=(0, 0.52), title="a dot is a cluster")
    right.plot(qs, numbers, "o", color=PALETTE[0], ms=6, label="a task")
    fine = np.geomspace(qs[0], qs[-1], 100)
    for index, (name, law) in enumerate(LAWS.items()):
        if name in growth.index:
            fit = growth.loc[name]
            style = {"color": PALETTE[index + 1], "ls": STYLES[index], "lw": 1.6}
            right.plot(fine, fit.start + fit.slope * law(fine), label=f"{name} fitted", **style)
    right.set_xscale("log")
    right.xaxis.set_major_locator(FixedLocator([q for q in (2, 5, 10, 20, 50, 100) if q <= qs[-1]]))
    right.xaxis.set_minor_locator(NullLocator())
    right.xaxis.set_major_formatter("{x:.0f}")
    right.yaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlabel="task q (log scale)", ylabel="clusters", title=title)
    right.set_ylim(0, None)
    right.legend(loc="upper left")
    return fig


def _tasks(ax: Axes, qs: Int[np.ndarray, " task"], *sides: str) -> None:
    """Ticks at tasks, some where there are many."""
    every = 1 if len(qs) <= MANY_TASKS else 4
    for side in sides:
        axis = {"x": ax.xaxis, "y": ax.yaxis}[side]
        axis.set_major_locator(FixedLocator(list(range(0, len(qs), every))))
        axis.set_ticklabels([str(q) for q in qs[::every]])


@figure
def knock_outs(
    removed: Float[np.ndarray, "removed task"],
    others: Float[np.ndarray, " task"],
    at_random: Float[np.ndarray, " task"],
    qs: Int[np.ndarray, " task"],
    titles: tuple[str, str] = ("", ""),
) -> Figure:
    """Accuracy of every task without each task's neurons.

    Left all of them, right the task itself and the mean of the ``others``, which without as many
    random neurons is ``at_random``.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4.6), width_ratios=[1.1, 1])
    shown = left.imshow(removed, vmin=0, vmax=1, aspect="equal")
    _tasks(left, qs, "x", "y")
    left.set(xlabel="accuracy at task", ylabel="neurons removed of task", title=titles[0])
    fig.colorbar(shown, ax=left, shrink=0.8)
    at = np.arange(len(qs))
    series = {
        "the task itself": (np.diagonal(removed), PALETTE[4]),
        "the others, mean": (others, PALETTE[0]),
        "the same, random neurons": (at_random, NEUTRAL),
    }
    for place, (name, (values, color)) in enumerate(series.items()):
        style = {"color": color, "ls": "", "marker": MARKERS[place], "ms": 5}
        right.plot(at, values, label=name, **style)
    right.plot(at, 1 / qs, color=NEUTRAL, lw=0.8, label="guessing, 1/q")
    _tasks(right, qs, "x")
    right.set(xlabel="task whose neurons are removed", ylim=(-0.03, 1.05), title=titles[1])
    legend_outside(fig, right, 2, place="lower")
    return fig


@figure
def rungs(whole: pd.Series, replaced: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy of each task, by q, with parts of the network replaced: a line a column.

    ``whole``: with none, in grey.
    """
    fig, ax = plt.subplots(figsize=(8, 3.6))
    at = np.arange(len(whole))
    ax.plot(at, whole, color=NEUTRAL, lw=3, alpha=0.6, label="the whole network")
    for place, name in enumerate(replaced):
        style: dict[str, Any] = {"color": PALETTE[place], "ls": STYLES[place]}
        style["marker"] = MARKERS[place]
        ax.plot(at, replaced[name], label=name, lw=1.2, **style)
    _tasks(ax, whole.index.to_numpy(), "x")
    ax.set(xlabel="task q", ylabel="held-out accuracy", ylim=(0, 1.04), title=title)
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return fig
