"""Figures of chapter 14: networks without a part of their training, and a search over settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, StrMethodFormatter

from modlib.plots.base import (
    MARK,
    MARKERS,
    NEUTRAL,
    PALETTE,
    STYLES,
    empty_figure,
    figure,
    intervals,
    log_steps,
)

NAMES = {
    "dropout": "dropout",
    "lam": "λ",
    "weight_decay": "weight decay",
    "embed_dim": "width d",
    "lr": "learning rate",
    "heads": "heads",
}
"""Settings as the figures name them."""
ABSENT = "these networks are not committed yet"
NO_STUDY = "no study is committed yet"
STOPPED: dict[str, Any] = {
    "label": "stopped early",
    "marker": "x",
    "ls": "",
    "ms": 8,
    "color": "black",
}
"""Mark of a trial stopped early."""


def _value(value: float) -> str:
    """A setting's value as short as it can be said."""
    return "1/3" if abs(value - 1 / 3) < 1e-6 else f"{value:g}"


@figure
def mean_curves(panels: Mapping[str, Mapping[str, pd.DataFrame]]) -> Figure:
    """Mean accuracy over tasks by step: a panel a split, a colour a kind of network.

    Tables: ``ablations.over_tasks``; a line a seed.
    """
    kept = {
        title: {name: table[table.step > 0] for name, table in lines.items()}
        for title, lines in panels.items()
    }
    kept = {title: {n: t for n, t in lines.items() if len(t)} for title, lines in kept.items()}
    kept = {title: lines for title, lines in kept.items() if lines}
    if not kept:
        return empty_figure("no network with a step to show")
    fig, axes = plt.subplots(
        1, len(kept), figsize=(1.4 + 3.6 * len(kept), 3.4), sharey=True, squeeze=False
    )
    for ax, (title, lines) in zip(axes[0], kept.items(), strict=True):
        for i, (name, table) in enumerate(lines.items()):
            for j, (_, rows) in enumerate(table.groupby("seed")):
                label = name if j == 0 else f"_{name}"
                style = {"color": PALETTE[i % len(PALETTE)], "ls": STYLES[i % 4]}
                marker = "." if len(rows) == 1 else ""
                ax.plot(rows.step, rows["mean"], lw=1.0, label=label, marker=marker, **style)
        log_steps(ax, max(float(table.step.max()) for table in lines.values()))
        ax.set(title=title, xlabel="step (log scale)")
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
    fig, axes = plt.subplots(
        1, len(kept), figsize=(1.4 + 3.6 * len(kept), 3.2), sharey=True, squeeze=False
    )
    for ax, (title, table) in zip(axes[0], kept.items(), strict=True):
        label = "active frequencies"
        ax.plot(table.step, table["count"], marker=".", ms=4, lw=1.2, label=label)
        for place, (q, step) in enumerate(learned.get(title, pd.Series()).dropna().items()):
            style = {"color": PALETTE[(place + 1) % len(PALETTE)], "ls": STYLES[place % 4]}
            ax.axvline(step, lw=1, label=f"q = {q} learned", **style)
        log_steps(ax, float(table.step.max()))
        ax.set(title=title, xlabel="step (log scale)")
        ax.legend(fontsize=8)
    axes[0, 0].set_ylabel("active frequencies")
    axes[0, 0].set_ylim(0, None)
    return fig


@figure
def delay_by_task(table: pd.DataFrame, bound: float) -> Figure:
    """Steps with masked tasks over steps without, by task: a point a seed (``ablations.delays``).

    Open points: not reached with the mask, counted with all the steps. The dashed line is the
    bound of what counts as a small delay.
    """
    rows = table.dropna(subset="ratio")
    if rows.empty:
        return empty_figure("no task beyond 7 to compare that was learned without the mask")
    qs = sorted(rows.q.unique())
    fig, ax = plt.subplots(figsize=(7.4, 3.4))
    for reached, face in ((True, PALETTE[0]), (False, "white")):
        own = rows[rows.masked.notna() == reached]
        place = np.array([qs.index(q) for q in own.q], dtype=float)
        beside = own.groupby("q").cumcount() - (own.groupby("q").q.transform("size") - 1) / 2
        label = "a seed" if reached else "never reached with the mask"
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
    ax.set(xlabel="task q", ylabel="steps, masked over unmasked\n(log scale)")
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
    fig, axes = plt.subplots(1, len(measures), figsize=(2.5 * len(measures), 3.2), squeeze=False)
    labels = {"lambda": "gradient filter: 1 + λ", "learning rate": "learning rate x factor, λ = 0"}
    for ax, measure in zip(axes[0], measures, strict=True):
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
        ax.set(title=measure, xlabel="factor (log scale)")
        if measure.startswith("steps"):
            ax.set_ylim(0, 1.1 * ax.get_ylim()[1])
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes[0, 0].set_ylabel("mean, 95 % over seeds")
    handles, names = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper center", ncols=3)
    return fig


@figure
def search_space(values: pd.DataFrame, paper: Mapping[str, Sequence[float]]) -> Figure:
    """How many trials had each value of each setting (``ablations.by_value``; table 1).

    Lighter: stopped early. Values that the paper's table lacks are marked.
    """
    if not values.trials.sum():
        return empty_figure(NO_STUDY)
    names = list(dict.fromkeys(values.setting))
    fig, axes = plt.subplots(1, len(names), figsize=(9.6, 2.8), sharey=True, squeeze=False)
    for ax, name in zip(axes[0], names, strict=True):
        rows = values[values.setting == name]
        place = np.arange(len(rows))
        ended = rows.trials - rows.pruned
        ax.bar(place, ended, color=PALETTE[0], label="to the end")
        ax.bar(place, rows.pruned, bottom=ended, color="#b8cfe0", label="stopped early")
        ticks = [
            _value(value) + ("" if any(np.isclose(value, paper[name])) else "\nadded")
            for value in rows.value
        ]
        ax.set_xticks(place, ticks, fontsize=8)
        ax.set(title=NAMES.get(name, name))
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0, 0].set_ylabel("trials")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig


@figure
def search_importance(table: pd.DataFrame) -> Figure:
    """Each setting's share in what tells the best trials from all (``ablations.importance``)."""
    if table.empty:
        return empty_figure(NO_STUDY)
    rows = table.sort_values("importance", ignore_index=True)
    fig, ax = plt.subplots(figsize=(6.6, 2.8))
    place = np.arange(len(rows))
    ax.barh(place, rows.importance, color="#b8cfe0")
    ax.hlines(place, rows.low, rows.high, color="black", lw=1.2)
    ax.set_yticks(place, [NAMES.get(name, name) for name in rows.setting])
    ax.axvline(1 / len(rows), color=NEUTRAL, lw=1, ls=":", label="equal shares")
    ax.set(xlabel="share of importance, 95 % over trials", xlim=(0, 1))
    ax.legend(loc="lower right")
    return fig


@figure
def search_values(trials: pd.DataFrame, settings: Mapping[str, Sequence[float]]) -> Figure:
    """Every trial's accuracy by the value of each setting: a panel a setting, a point a trial.

    Open points were stopped early. The best trial is marked.
    """
    if trials.empty:
        return empty_figure(NO_STUDY)
    fig, axes = plt.subplots(1, len(settings), figsize=(9.6, 3.2), sharey=True, squeeze=False)
    best = trials.loc[trials.accuracy.idxmax()]
    spread = np.random.default_rng(0).uniform(-0.22, 0.22, len(trials))
    for ax, (name, values) in zip(axes[0], settings.items(), strict=True):
        place = np.abs(trials[name].to_numpy()[:, None] - np.array(values)).argmin(1)
        for pruned, face in ((False, PALETTE[0]), (True, "white")):
            own = (trials.pruned == pruned).to_numpy()
            label = "stopped early" if pruned else "to the end"
            ax.scatter(
                (place + spread)[own],
                trials.accuracy[own],
                s=16,
                label=label,
                facecolors=face,
                edgecolors=PALETTE[0],
                linewidths=0.9,
            )
        at = int(np.abs(best[name] - np.array(values)).argmin())
        star = {"marker": "*", "s": 110, "color": MARK, "label": "best trial"}
        ax.scatter([at + spread[trials.index.get_loc(best.name)]], [best.accuracy], **star)
        ax.set_xticks(range(len(values)), [_value(value) for value in values], fontsize=8)
        ax.set_xlim(-0.5, len(values) - 0.5)
        ax.set(title=NAMES.get(name, name))
    axes[0, 0].set_ylabel("mean validation accuracy")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


@figure
def trial_curves(trials: pd.DataFrame, reports: pd.DataFrame, setting: str = "lr") -> Figure:
    """Accuracy of every trial on its way, coloured by one setting; a cross where it was stopped."""
    if trials.empty:
        return empty_figure(NO_STUDY)
    fig, ax = plt.subplots(figsize=(7.4, 3.4))
    values = sorted(trials[setting].unique())
    styles: dict[float, dict[str, Any]] = {
        value: {
            "label": f"{NAMES.get(setting, setting)} {_value(value)}",
            "color": PALETTE[i % len(PALETTE)],
            "ls": STYLES[i % len(STYLES)],
            "marker": MARKERS[i % len(MARKERS)],
            "ms": 4,
        }
        for i, value in enumerate(values)
    }
    for row in trials.itertuples():
        own = reports[reports.trial == row.trial].sort_values("step")
        ax.plot(own.step, own.accuracy, lw=0.9, **styles[getattr(row, setting)])
        if row.pruned:
            ax.plot(own.step.iloc[-1:], own.accuracy.iloc[-1:], **STOPPED)
    shown = [*styles.values(), *([STOPPED] if trials.pruned.any() else [])]
    ax.set(xlabel="step", ylabel="mean validation accuracy")
    ax.set_ylim(0, None)
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    fig.legend(
        handles=[Line2D([], [], **style) for style in shown], loc="outside upper center", ncols=4
    )
    return fig
