"""Figures of chapter 14: networks without a part of their training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from modlib.plots.base import (
    MARK,
    MARKERS,
    NEUTRAL,
    PALETTE,
    STYLES,
    WIDTH,
    empty_figure,
    figure,
    intervals,
    log_steps,
)

ABSENT = "these networks are not committed yet"


@figure
def ends_by_kind(kinds: Mapping[str, Float[np.ndarray, " seed"]], learned: float) -> Figure:
    """Accuracy at the end: a row a kind of network, a point a seed.

    Kinds of which no network is at ``learned`` are drawn in the mark's colour.
    """
    if not kinds:
        return empty_figure(ABSENT)
    fig, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.3 * len(kinds)))
    for place, values in enumerate(kinds.values()):
        half = min(0.045 * (len(values) - 1), 0.3)  # a row's points stay in its row
        beside = np.linspace(-half, half, len(values))
        color = PALETTE[0] if (values >= learned).any() else MARK
        ax.plot(values, place + beside, "o", color=color, ms=5, alpha=0.85)
    ax.axvline(learned, color=NEUTRAL, ls="--", lw=1)
    ax.annotate(f"learned from {learned:g} on ", (learned, -0.75), ha="right", va="center")
    ax.set_yticks(range(len(kinds)), list(kinds))
    ax.set(xlim=(0, 1.03), ylim=(len(kinds) - 0.4, -1.1))
    ax.set_xlabel("accuracy on validation numbers at the end, mean over tasks")
    return fig


def _not_empty(
    panels: Mapping[str, Mapping[str, pd.DataFrame]],
) -> dict[str, dict[str, pd.DataFrame]]:
    """The tables that have a row, and the panels that have such a table."""
    kept = {title: {n: t for n, t in kinds.items() if len(t)} for title, kinds in panels.items()}
    return {title: kinds for title, kinds in kept.items() if kinds}


@figure
def paces(panels: Mapping[str, Mapping[str, pd.DataFrame]], factor: float) -> Figure:
    """Steps of networks over those of the plain one, by the mean accuracy that is passed.

    A panel a size, a colour a kind; tables: ``ablations.pace``, a thin line a seed and a thick one
    for the geometric mean of several. Lines: the same pace, and slower by ``factor``.
    """
    drawn = _not_empty(panels)
    if not drawn:
        return empty_figure("no two networks that pass the same accuracies")
    fig, axes = plt.subplots(1, len(drawn), figsize=(WIDTH, 3), sharey=True, squeeze=False)
    for letter, ax, (title, kinds) in zip("abc", axes[0], drawn.items(), strict=False):
        ax.axhline(1, color="black", lw=0.7)
        ax.axhline(factor, color=NEUTRAL, lw=1, ls="--", label=f"1 + λ = {factor:g}")
        for place, (name, table) in enumerate(kinds.items()):
            color = PALETTE[place]
            for row in table.to_numpy() if len(table) > 1 else []:
                ax.plot(table.columns, row, color=color, lw=0.8, alpha=0.6, label="_a seed")
            mean = np.exp(np.log(table).mean())
            style = {"color": color, "lw": 2, "ls": STYLES[place], "marker": MARKERS[place]}
            ax.plot(table.columns, mean, ms=4, label=name, **style)
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(FixedLocator([0.25, 0.35, 0.5, 0.7, 1, 1.5, 2, 3, 4]))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.set(xlim=(0, 1), title=f"({letter}) {title}", xlabel="mean accuracy that is passed")
        ax.legend(loc="lower right")
    axes[0, 0].set_ylabel("times the steps with λ = .5\n(log scale)")
    return fig


@figure
def mean_curves(panels: Mapping[str, Mapping[str, pd.DataFrame]]) -> Figure:
    """Mean accuracy over tasks by step: a panel a split, a colour a kind of network.

    Tables: ``ablations.over_tasks``; a line a seed.
    """
    kept = _not_empty(
        {
            title: {name: table[table.step > 0] for name, table in lines.items()}
            for title, lines in panels.items()
        }
    )
    if not kept:
        return empty_figure("no network with a step to show")
    fig, axes = plt.subplots(1, len(kept), figsize=(WIDTH, 3), sharey=True, squeeze=False)
    for letter, ax, (title, lines) in zip("abc", axes[0], kept.items(), strict=False):
        for i, (name, table) in enumerate(lines.items()):
            for j, (_, rows) in enumerate(table.groupby("seed")):
                label = name if j == 0 else f"_{name}"
                style = {"color": PALETTE[i % len(PALETTE)], "ls": STYLES[i % 4]}
                marker = "." if len(rows) == 1 else ""
                ax.plot(rows.step, rows["mean"], lw=1.0, label=label, marker=marker, **style)
        log_steps(ax, max(float(table.step.max()) for table in lines.values()))
        ax.set(title=f"({letter}) {title}", xlabel="step (log scale)")
    axes[0, 0].set_ylabel("accuracy, mean over tasks")
    axes[0, 0].set_ylim(-0.03, 1.03)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=4)
    return fig


@figure
def active_counts(counts: Mapping[str, pd.DataFrame], learned: Mapping[str, pd.Series]) -> Figure:
    """Number of active frequencies by step: a panel a network.

    ``counts``: tables with ``step`` and ``count``; ``learned``: by network, the step at which each
    task q is learned, marked where it is known.
    """
    kept = {title: table[table.step > 0] for title, table in counts.items()}
    kept = {title: table for title, table in kept.items() if len(table)}
    if not kept:
        return empty_figure("no network with a step to show")
    fig, axes = plt.subplots(1, len(kept), figsize=(WIDTH, 3), sharey=True, squeeze=False)
    for letter, ax, (title, table) in zip("abc", axes[0], kept.items(), strict=False):
        label = "active frequencies"
        ax.plot(table.step, table["count"], marker=".", ms=4, lw=1.2, label=label)
        for place, (q, step) in enumerate(learned.get(title, pd.Series()).dropna().items()):
            style = {"color": PALETTE[(place + 1) % len(PALETTE)], "ls": STYLES[place % 4]}
            ax.axvline(step, lw=1, label=f"q = {q} learned", **style)
        log_steps(ax, float(table.step.max()))
        ax.set(title=f"({letter}) {title}", xlabel="step (log scale)")
        ax.legend()
    axes[0, 0].set_ylabel("active frequencies")
    axes[0, 0].set_ylim(0, None)
    return fig


@figure
def delay_by_task(
    table: pd.DataFrame, bound: float, one: str = "masked", other: str = "unmasked"
) -> Figure:
    """Steps of ``one`` kind over those of the ``other``, by task: a point a seed.

    ``table``: of ``ablations.delays``. Open points: not reached by the first kind, counted with all
    the steps. The dashed line is the bound of what counts as a small delay.
    """
    rows = table.dropna(subset="ratio")
    if rows.empty:
        return empty_figure(f"no task beyond 7 to compare that was learned by {other} networks")
    qs = sorted(rows.q.unique())
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for reached, face in ((True, PALETTE[0]), (False, "white")):
        own = rows[rows.masked.notna() == reached]
        place = np.array([qs.index(q) for q in own.q], dtype=float)
        beside = own.groupby("q").cumcount() - (own.groupby("q").q.transform("size") - 1) / 2
        label = "a seed" if reached else f"never reached, {one}"
        if len(own):
            ax.scatter(
                place + 0.06 * beside.to_numpy(),
                own.ratio,
                s=22,
                label=label,
                facecolors=face,
                edgecolors=PALETTE[0],
            )
    mean = np.exp(np.log(rows.ratio).groupby(rows.q).mean())
    ax.plot(range(len(qs)), mean, ls="", marker="_", ms=18, color="black", label="geometric mean")
    ax.axhline(1, color="black", lw=0.7)
    ax.axhline(bound, color=MARK, lw=1, ls="--", label=f"{bound:g}")
    ax.set_yscale("log")
    span = [*rows.ratio, 1.0, bound]
    ax.set_ylim(min(span) / 1.25, max(span) * 1.25)
    ax.yaxis.set_major_locator(FixedLocator([0.1, 0.25, 0.5, 0.8, 1, 1.25, 2, 4, 10]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.set_xticks(range(len(qs)), [str(q) for q in qs])
    ax.set(xlabel="task q", ylabel=f"steps, {one} over {other}\n(log scale)")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig


@figure
def wave_through_training(kinds: Mapping[str, pd.DataFrame], q: int, after: int) -> Figure:
    """What x mod q explains of the neurons, mean over networks, against the step: a line a kind.

    ``kinds``: tables of spectra by name; ``after``: the step that is marked.
    """
    if not kinds:
        return empty_figure(ABSENT)
    fig, ax = plt.subplots(figsize=(WIDTH, 3.0))
    for at, (name, spectra) in enumerate(kinds.items()):
        mean = spectra[spectra.step > 0].groupby("step")[f"explained_{q}"].mean()
        ax.plot(mean.index, mean, color=PALETTE[at], ls=STYLES[at], lw=1.8, label=name)
    ax.axvline(after, color=MARK, lw=1, ls="--", label=f"step {after}")
    log_steps(ax, max(spectra.step.max() for spectra in kinds.values()))
    # Before the wave there is nothing to see.
    ax.set_xlim(left=after / 8)
    ax.set(xlabel="step (log scale)", ylabel=f"share of the variance\nthat x mod {q} explains")
    ax.set_ylim(bottom=0)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig


def _open_points(ax: Axes, rows: pd.DataFrame) -> None:
    """White centres where not every seed got there; accuracies always do."""
    short = rows.reached < rows.num_seeds
    for kind, factor, value in rows.loc[short, ["kind", "factor", "value"]].to_numpy():
        place = 2 if factor == 1 else int(kind != "lambda")
        x = factor * (1 if place == 2 else 0.985 + 0.03 * place)
        color = "black" if place == 2 else PALETTE[place]
        style: dict[str, Any] = {"mec": color, "mfc": "white", "ms": 6, "zorder": 4}
        ax.plot([x], [value], MARKERS[place], label="_", **style)


@figure
def matched_compute(summary: pd.DataFrame) -> Figure:
    """Networks whose slow gradient or learning rate is multiplied by a factor.

    ``summary``: ``ablations.compare_arms``; a panel a measure, a series a kind, against the factor.
    The network with neither stands at 1. Open points: not all seeds got there.
    """
    if summary.empty:
        return empty_figure(ABSENT)
    measures = list(dict.fromkeys(summary.measure))
    rows_down = -(-len(measures) // 2)
    fig, axes = plt.subplots(rows_down, 2, figsize=(WIDTH, 0.4 + 2.3 * rows_down), squeeze=False)
    labels = {"lambda": "gradient filter: 1 + λ", "learning rate": "learning rate x factor, λ = 0"}
    for letter, ax, measure in zip("abcd", axes.flat, measures, strict=True):
        rows = summary[summary.measure == measure]
        plain = rows[rows.factor == 1]
        for i, (kind, label) in enumerate(labels.items()):
            own = rows[(rows.kind == kind) & (rows.factor > 1)].sort_values("factor")
            x = own.factor * (0.985 + 0.03 * i)
            intervals(ax, x, own.value, own.low, own.high, place=i, ms=6, label=label)
        intervals(
            ax,
            plain.factor,
            plain.value,
            plain.low,
            plain.high,
            place=2,
            ms=6,
            color="black",
            label="neither",
        )
        _open_points(ax, rows)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator([1, 1.5, 2, 3]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.set_xlim(0.9, 3.4)
        ax.set(title=f"({letter}) {measure}", xlabel="factor (log scale)")
        if measure.startswith("steps"):
            ax.set_ylim(0, 1.1 * ax.get_ylim()[1])
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for ax in axes[:, 0]:
        ax.set_ylabel("mean, 95 % over seeds")
    handles, names = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper center", ncols=3)
    return fig
