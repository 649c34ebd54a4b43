"""Figures of chapter 11: tasks through training, gradient norms, and the gradient filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from modlib.analysis.remainders.grokking import (
    DEPTH,
    EASY,
    LEARNED,
    Settling,
    by_step,
)
from modlib.plots.base import (
    MARK,
    MARKERS,
    NEUTRAL,
    PALETTE,
    STYLES,
    TASKS,
    empty_figure,
    figure,
    log_edges,
    log_steps,
)

SPLITS = {"train": "numbers trained on", "validation": "validation numbers"}
GROUPS: dict[str, tuple[str, ...]] = {
    "embeddings (tok, pos)": ("tok", "pos"),
    "attention (q, k, v, o)": ("q", "k", "v", "o"),
    "FFN (w_in, w_out)": ("w_in", "w_out"),
    "unembed": ("unembed",),
}
SHOWN = 0.99
"""Share of the ratios that a panel shows: where a gradient all but vanishes, they run away."""
UNTRAINED = "an untrained network has no steps to show"


def _trained(histories: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The histories of networks that made a step, without step 0, which has no logarithm."""
    made = {title: table[table.step > 0] for title, table in histories.items()}
    return {title: table for title, table in made.items() if len(table)}


@figure
def task_curves(
    histories: Mapping[str, pd.DataFrame], value: Literal["accuracy", "loss"] = "accuracy"
) -> Figure:
    """A value by step, a line a task, training above validation, a column a network.

    2, 3, 5 and 7 have colours of their own, the other tasks a scale over q (figures 5 and 6).
    """
    made = _trained(histories)
    if not made:
        return empty_figure(UNTRAINED)
    largest = max(int(table.q.max()) for table in made.values())
    dark = ListedColormap(plt.colormaps["cividis"](np.linspace(0, 0.85, 256)))
    scale = ScalarMappable(LogNorm(EASY[-1], max(largest, EASY[-1] + 1)), dark)
    width = min(9.5, 1.8 + 3.4 * len(made))
    fig, axes = plt.subplots(
        2, len(made), figsize=(width, 5.2), sharey=True, sharex="col", squeeze=False
    )
    for column, (title, table) in zip(axes.T, made.items(), strict=True):
        for ax, (split, name) in zip(column, SPLITS.items(), strict=True):
            values = by_step(table, split, value)
            for q in reversed(values.columns):
                single = {"marker": "o", "clip_on": False} if len(values) == 1 else {}
                style = single | _style(q, scale)
                ax.plot(values.index, values[q], label=f"q = {q}", **style)
            ax.set_title(name)
            log_steps(ax, float(values.index.max()))
        column[0].set_title(f"{title}\n{SPLITS['train']}")
        column[1].set_xlabel("step (log scale)")
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy" if value == "accuracy" else "cross-entropy (nats)")
    if value == "accuracy":
        axes[0, 0].set_ylim(-0.03, 1.03)
    else:
        axes[0, 0].set_yscale("log")
    lines, labels = axes[0, 0].get_legend_handles_labels()
    easy = {f"q = {q}" for q in EASY}
    named = [(line, label) for line, label in zip(lines, labels, strict=True) if label in easy]
    if named:
        fig.legend(*zip(*reversed(named), strict=True), loc="outside upper center", ncols=4)
    if largest > EASY[-1]:
        bar = fig.colorbar(scale, ax=axes, label="other tasks: q (log scale)", aspect=40)
        ticks = [q for q in (11, 17, 29, 47, 71, 109) if q <= largest]
        bar.ax.yaxis.set_major_locator(FixedLocator(ticks))
        bar.ax.yaxis.set_minor_locator(NullLocator())
        bar.ax.yaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    return fig


def _style(q: int, scale: ScalarMappable) -> dict[str, Any]:
    if q in EASY:
        return {"color": TASKS[q], "ls": STYLES[EASY.index(q)], "lw": 1.8}
    return {"color": scale.to_rgba(np.array(q)), "lw": 0.9}


@figure
def task_heatmaps(histories: Mapping[str, pd.DataFrame], firsts: Mapping[str, pd.Series]) -> Figure:
    """Accuracy as brightness, a row a task, the smallest q on top: the authors' form of figure 5.

    A row of panels a network; ``firsts`` by the same titles: a mark at the first step at which a
    task counts as learned.
    """
    made = _trained(histories)
    if not made:
        return empty_figure(UNTRAINED)
    fig, axes = plt.subplots(
        len(made), 2, figsize=(8.4, 0.9 + 2.6 * len(made)), sharey="row", squeeze=False
    )
    mesh = None
    for row, (title, table) in zip(axes, made.items(), strict=True):
        for ax, (split, name) in zip(row, SPLITS.items(), strict=True):
            accuracy = by_step(table, split)
            steps, count = accuracy.index.to_numpy(dtype=float), accuracy.shape[1]
            mesh = ax.pcolormesh(
                log_edges(steps), np.arange(count + 1) - 0.5, accuracy.T.to_numpy(), vmin=0, vmax=1
            )
            log_steps(ax, steps[-1])
            if split == "validation":
                first = firsts[title].reindex(accuracy.columns)
                ax.plot(
                    first,
                    np.arange(count),
                    ls="",
                    marker="|",
                    ms=9,
                    mew=2,
                    color=MARK,
                    clip_on=False,
                )
            _task_ticks(ax, accuracy.columns.to_list())
            ax.set_title(f"{title}\n{name}" if split == "train" else name)
        row[0].set_ylabel("task q")
    for ax in axes[-1]:
        ax.set_xlabel("step (log scale)")
    assert mesh is not None
    fig.colorbar(mesh, ax=axes, label=f"accuracy (mark: first at {LEARNED} or more)", pad=0.02)
    return fig


def _task_ticks(ax: Axes, qs: list[int]) -> None:
    """Names of the tasks, every third where there are many."""
    places = range(0, len(qs), 1 if len(qs) < 15 else 3)
    ax.yaxis.set_major_locator(FixedLocator(list(places)))
    ax.set_yticklabels([str(qs[place]) for place in places])
    ax.set_ylim(len(qs) - 0.5, -0.5)


@figure
def learning_order(firsts: Mapping[str, pd.DataFrame], lasts: Mapping[str, int]) -> Figure:
    """The step at which each task is learned, against q: a panel a setting, a marker a seed.

    ``firsts``: tables with a row a seed and a column a task; ``lasts``: the steps made. Tasks
    that are never learned stand, hollow, above the dashed line of the last step.
    """
    if not firsts:
        return empty_figure("no network to show")
    fig, axes = plt.subplots(
        1, len(firsts), figsize=(min(9.5, 1.4 + 3.2 * len(firsts)), 3.8), squeeze=False
    )
    for ax, (title, table) in zip(axes[0], firsts.items(), strict=True):
        last, qs = max(lasts[title], 1), table.columns.to_numpy(dtype=float)
        for place, (seed, first) in enumerate(table.iterrows()):
            never = first.isna().to_numpy()
            options = {"marker": MARKERS[place % len(MARKERS)], "ms": 4.5, "ls": ""}
            color = PALETTE[place % len(PALETTE)]
            learned = np.where(never, np.nan, np.maximum(first.to_numpy(dtype=float), 1))
            ax.plot(qs, learned, color=color, label=f"seed {seed}", **options)
            ax.plot(qs, np.where(never, 1.6 * last, np.nan), color=color, mfc="white", **options)
        ax.axhline(last, color=NEUTRAL, lw=0.9, ls="--")
        ax.set(xscale="log", yscale="log", title=title, xlabel="task q (log scale)")
        ax.set_ylim(0.8, 2.4 * last)
        ticks = [q for q in (2, 3, 5, 7, 11, 19, 31, 53, 109) if qs.min() <= q <= qs.max()]
        ax.xaxis.set_major_locator(FixedLocator(ticks or qs.tolist()))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        ax.legend(loc="lower right")
    axes[0, 0].set_ylabel(f"first step at {LEARNED} or more\n(hollow: not reached)")
    return fig


@figure
def gradient_norms(late: Mapping[str, Settling], whole: Mapping[str, Settling]) -> Figure:
    """Norm of each weight matrix's gradient over its largest, by step, rows by depth (figure 17).

    A row a network: left ``late``, as the authors draw it, without the first steps and on a linear
    axis; right, by the same titles, ``whole`` from the first step on. Marks stand at the last step
    at half of the peak.
    """
    made = {title: shown for title, shown in whole.items() if shown.norms.shape[1]}
    if not made:
        return empty_figure(UNTRAINED)
    fig, axes = plt.subplots(
        len(made), 2, figsize=(9.5, 0.8 + 1.9 * len(made)), sharey=True, squeeze=False
    )
    scale = Normalize(0, 1)
    for row, title in zip(axes, made, strict=True):
        for ax, shown in zip(row, (late[title], made[title]), strict=True):
            if shown.norms.shape[1]:
                _norm_rows(ax, shown, scale)
        steps = late[title].norms.columns
        row[0].set(title=f"{title}\nfrom step {steps.min():,.0f} on" if len(steps) else title)
        log_steps(row[1], float(made[title].norms.columns.max()))
        row[1].set(title="from the first step on")
    for ax in axes[:, 0]:
        ax.set_yticks(np.arange(len(DEPTH)), list(DEPTH))
        ax.set_ylim(len(DEPTH) - 0.5, -0.5)
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes[-1, 0].set_xlabel("step")
    axes[-1, 1].set_xlabel("step (log scale)")
    label = "gradient norm over the row's largest\n(mark: last step at half of it)"
    fig.colorbar(ScalarMappable(scale, "cividis"), ax=axes, label=label, pad=0.02)
    return fig


def _norm_rows(ax: Axes, shown: Settling, scale: Normalize) -> None:
    """A panel of ``gradient_norms``."""
    edges = log_edges(shown.norms.columns.to_numpy(dtype=float))
    ax.pcolormesh(edges, np.arange(len(DEPTH) + 1) - 0.5, shown.norms, norm=scale)
    ax.plot(
        shown.last.reindex(list(DEPTH)),
        np.arange(len(DEPTH)),
        ls="",
        marker="|",
        ms=9,
        mew=2,
        color=MARK,
        clip_on=False,
    )


@figure
def filter_response(
    period: Float[np.ndarray, " wave"],
    gain: Float[np.ndarray, " wave"],
    lam: float,
    alpha: float,
    noise: float,
) -> Figure:
    """The filter's gain against the period of a gradient's swing; ``noise``: on fresh noise."""
    fig, ax = plt.subplots(figsize=(7.0, 3.2))
    ax.plot(period, gain, label="equation 13")
    ax.axhline(1 + lam, color="black", lw=1, ls="--", label="1 + λ: a constant gradient")
    ax.axhline(noise, color=NEUTRAL, lw=1, ls=":", label="noise, fresh at every step")
    ax.axvline(2 * np.pi / (1 - alpha), color=MARK, lw=1, ls="-.", label="period 2π / (1 - α)")
    log_steps(ax, float(period[-1]))
    ax.set_xlim(period[0], period[-1])
    ax.set(xlabel="period of the swing in steps (log scale)", ylabel="gain")
    ax.set_ylim(0.9, 1.1 * max(1 + lam, 1.1))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


@figure
def filter_ratio(panels: Mapping[str, pd.DataFrame], lam: float, noise: float) -> Figure:
    """Gradient norm after the filter over that before it, by step, a line a weight matrix.

    ``panels``: see ``grokking.filter_ratios``; the horizontal lines are what a constant gradient
    and fresh noise would give.
    """
    made = {title: ratios for title, ratios in panels.items() if len(ratios)}
    if not made:
        return empty_figure(UNTRAINED)
    fig, axes = plt.subplots(len(made), 1, figsize=(8.0, 1.0 + 2.5 * len(made)), squeeze=False)
    for ax, (title, ratios) in zip(axes[:, 0], made.items(), strict=True):
        steps = ratios.index.to_numpy(dtype=float)
        for place, (group, names) in enumerate(GROUPS.items()):
            for i, name in enumerate(names):
                ax.plot(
                    steps,
                    ratios[name],
                    color=PALETTE[place],
                    ls=STYLES[i % 4],
                    lw=1.0,
                    marker="." if len(steps) == 1 else "",
                    clip_on=len(steps) > 1,
                    label=group if i == 0 else f"_{name}",
                )
        ax.axhline(1 + lam, color="black", lw=1, ls="--", label="1 + λ: a constant gradient")
        ax.axhline(noise, color="black", lw=1, ls=":", label="noise, fresh at every step")
        log_steps(ax, float(steps[-1]))
        values = ratios.to_numpy()[np.isfinite(ratios.to_numpy())]
        top = 1.1 * max(1 + lam, float(np.quantile(values, SHOWN)))
        above = int((values > top).sum())
        beyond = f" ({above} of {len(values):,} values lie above the panel)" if above else ""
        ax.set(title=title + beyond, ylabel="norm after the filter\nover norm before")
        ax.set_ylim(min(0.9, float(values.min())), top)
    axes[-1, 0].set_xlabel("step (log scale)")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig
