"""Figures of chapter 14's search: which settings were tried, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from modlib.plots.base import (
    MARK,
    MARKERS,
    NEUTRAL,
    PALETTE,
    STYLES,
    WIDTH,
    empty_figure,
    figure,
)
from modlib.plots.panels import clear_rest

SETTINGS = {
    "dropout": "dropout",
    "lam": "λ",
    "weight_decay": "weight decay",
    "embed_dim": "width d",
    "lr": "learning rate",
    "heads": "heads",
}
"""Settings as figures, tables and sentences name them."""
ACROSS, LETTERS = 3, "abcdefgh"
"""Panels in a row, and what they are called."""
NO_STUDY = "no study is committed yet"
STOPPED: dict[str, Any] = {
    "label": "stopped early",
    "marker": "x",
    "ls": "",
    "ms": 8,
    "color": "black",
}
"""Mark of a trial stopped early."""


def as_value(number: float) -> str:
    """A setting's value as short as it can be said."""
    return "1/3" if abs(number - 1 / 3) < 1e-6 else f"{number:.4g}"


def _panels(names: Sequence[str], height: float) -> tuple[Figure, dict[str, Axes]]:
    """A panel a setting, ``ACROSS`` in a row, each with its letter."""
    rows = -(-len(names) // ACROSS)
    fig, axes = plt.subplots(
        rows, ACROSS, figsize=(WIDTH, height * rows), sharey=True, squeeze=False
    )
    clear_rest(axes, len(names))
    flat = list(axes.ravel())
    for place, (ax, name) in enumerate(zip(flat, names, strict=False)):
        ax.set_title(f"({LETTERS[place]}) {SETTINGS.get(name, name)}")
    return fig, dict(zip(names, flat, strict=False))


@figure
def search_space(values: pd.DataFrame, paper: Mapping[str, Sequence[float]]) -> Figure:
    """How many trials had each value of each setting (``ablations.by_value``; table 1).

    Lighter: stopped early. Values that the paper's table lacks are marked.
    """
    if not values.trials.sum():
        return empty_figure(NO_STUDY)
    names = list(dict.fromkeys(values.setting))
    fig, panels = _panels(names, 2.1)
    for name, ax in panels.items():
        rows = values[values.setting == name]
        place = np.arange(len(rows))
        ended = rows.trials - rows.pruned
        ax.bar(place, ended, color=PALETTE[0], label="to the end")
        ax.bar(place, rows.pruned, bottom=ended, color="#b8cfe0", label="stopped early")
        ticks = [
            as_value(value) + ("" if any(np.isclose(value, paper[name])) else "\nadded")
            for value in rows.value
        ]
        ax.set_xticks(place, ticks)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    for name in names[::ACROSS]:
        panels[name].set_ylabel("trials")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


@figure
def search_importance(table: pd.DataFrame) -> Figure:
    """Each setting's share in what tells the best trials from all (``ablations.importance``)."""
    if table.empty:
        return empty_figure(NO_STUDY)
    rows = table.sort_values("importance", ignore_index=True)
    fig, ax = plt.subplots(figsize=(WIDTH, 2.6))
    place = np.arange(len(rows))
    ax.barh(place, rows.importance, color="#b8cfe0")
    ax.hlines(place, rows.low, rows.high, color="black", lw=1.2)
    ax.set_yticks(place, [SETTINGS.get(name, name) for name in rows.setting])
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
    fig, panels = _panels(list(settings), 2.2)
    best = trials.loc[trials.accuracy.idxmax()]
    spread = np.random.default_rng(0).uniform(-0.22, 0.22, len(trials))
    for name, values in settings.items():
        ax = panels[name]
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
        star: dict[str, Any] = {"marker": "*", "s": 110, "color": MARK, "label": "best trial"}
        ax.scatter([at + spread[trials.index.get_loc(best.name)]], [best.accuracy], **star)
        ax.set_xticks(range(len(values)), [as_value(value) for value in values])
        ax.set_xlim(-0.5, len(values) - 0.5)
    for name in list(settings)[::ACROSS]:
        panels[name].set_ylabel("validation accuracy")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


@figure
def trial_curves(trials: pd.DataFrame, reports: pd.DataFrame, setting: str = "lr") -> Figure:
    """Accuracy of every trial on its way, coloured by one setting; a cross where it was stopped."""
    if trials.empty:
        return empty_figure(NO_STUDY)
    fig, ax = plt.subplots(figsize=(WIDTH, 3.3))
    values = sorted(trials[setting].unique())
    styles: dict[float, dict[str, Any]] = {
        value: {
            "label": f"{SETTINGS.get(setting, setting)} {as_value(value)}",
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
