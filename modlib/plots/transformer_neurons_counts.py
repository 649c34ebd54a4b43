"""Figures of chapter 13 through training: active frequencies, and what tasks explain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, StrMethodFormatter

from modlib.analysis.remainders.active_sets import TABLE_3, Dominance
from modlib.plots.base import (
    MARKERS,
    NEUTRAL,
    PALETTE,
    STYLES,
    WIDTH,
    empty_figure,
    empty_panel,
    figure,
    log_edges,
    log_steps,
)
from modlib.plots.panels import clear_rest
from modlib.plots.transformer_neurons import NO_NETWORK

ACROSS = 3
"""Panels in a row where networks are drawn beside one another."""


@figure
def counts_if_ended(table: pd.DataFrame, title: str = "") -> Figure:
    """Active frequencies, as coded, at the epochs of table 3: a line an end of the log.

    ``table``: of ``active_sets.counts_if_ended``; the paper's printed counts stand below.
    """
    if table.empty:
        return empty_figure("no epoch of the table was reached")
    epochs = list(TABLE_3)
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for place, (end, row) in enumerate(table.iterrows()):
        own = row.dropna()
        style: dict[str, Any] = {"color": PALETTE[place], "marker": MARKERS[place]}
        style["ls"] = STYLES[place % len(STYLES)]
        at = [epochs.index(step) for step in own.index]
        ax.plot(at, own.to_numpy(dtype=float), label=f"log ends at {end:,}", **style)
    ax.set_xticks(range(len(epochs)), [f"{step:,}\n({count})" for step, count in TABLE_3.items()])
    ax.set(xlabel="epoch (in brackets what the paper prints)", ylabel="active frequencies")
    ax.set(title=title, ylim=(0, None), xlim=(-0.3, len(epochs) - 0.7))
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return fig


@figure
def dominance(
    columns: Mapping[str, Dominance],
    accuracy: pd.DataFrame | None = None,
    title: str = "",
) -> Figure:
    """Frequencies through training: a column a way of counting.

    Each frequency is drawn relative to its own maximum; ``accuracy``: ``step``, ``accuracy`` of
    held-out numbers, mean over tasks. Step 0 is left out of the logarithmic axis; dotted lines
    stand at the epochs of table 3.
    """
    if not columns:
        return empty_figure(NO_NETWORK)
    fig, axes = plt.subplots(
        3,
        len(columns),
        figsize=(WIDTH, 6.4),
        sharex=True,
        squeeze=False,
        gridspec_kw={"height_ratios": [2.2, 1.2, 1]},
    )
    for column, (name, (table, cells)) in enumerate(columns.items()):
        top, middle, bottom = axes[:, column]
        late = table.step.to_numpy() > 0
        rows, strengths = table[late], cells[late]
        if len(rows) < 2:
            for ax in axes[:, column]:
                empty_panel(ax, "no step after the first was logged")
            continue
        peak = strengths.max(0)
        relative = strengths / np.where(peak > 0, peak, 1)
        edges = log_edges(rows.step.to_numpy(dtype=float))
        top.pcolormesh(edges, np.arange(relative.shape[1] + 1), relative.T, cmap="magma")
        top.set_title(f"{title}, {name}" if title else name)
        top.yaxis.set_major_locator(MaxNLocator(integer=True))
        middle.plot(rows.step, rows["count"], color=PALETTE[0])
        middle.set_ylim(0, 1.1 * max(rows["count"].max(), 1))
        bottom.plot(rows.step, rows.variance, color=PALETTE[1])
        if accuracy is not None:
            beside = bottom.twinx()
            beside.plot(accuracy.step, accuracy.accuracy, color=PALETTE[2], ls="--")
            beside.set_ylim(0, 1.05)
            beside.tick_params(labelsize=7.7)
            if column == len(columns) - 1:
                beside.set_ylabel("held-out accuracy\n(dashed)")
        for ax in (top, middle, bottom):
            log_steps(ax, int(rows.step.iloc[-1]))
            for mark in TABLE_3:
                if mark <= rows.step.iloc[-1]:
                    ax.axvline(mark, color=NEUTRAL, lw=0.8, ls=":")
        middle.yaxis.set_major_locator(MaxNLocator(integer=True))
        bottom.set_xlabel("step (log scale)")
        bottom.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    axes[0, 0].set_ylabel("strongest frequencies,\nby step of the maximum")
    axes[1, 0].set_ylabel("active frequencies")
    axes[2, 0].set_ylabel("variance over\nfrequencies")
    return fig


@figure
def explained_by_step(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of the neurons' variance that each task's remainder explains through training.

    ``panels``: rows steps, columns tasks, mean over live neurons. Step 0 is left out of the
    logarithmic axis.
    """
    if not panels:
        return empty_figure(NO_NETWORK)
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    fig, axes = plt.subplots(
        down, across, figsize=(WIDTH, 0.5 + 2.4 * down), squeeze=False, sharey=True
    )
    clear_rest(axes, len(panels))
    for ax, (name, table) in zip(axes.flat, panels.items(), strict=False):
        late = table[table.index > 0]
        if len(late) < 2:
            empty_panel(ax, "no step after the first was logged")
            continue
        for place, q in enumerate(late.columns):
            style: dict[str, Any] = {"color": NEUTRAL, "lw": 0.6}
            if place < len(STYLES):
                style = {"color": PALETTE[place], "ls": STYLES[place], "lw": 1.4, "zorder": 3}
            ax.plot(late.index, late[q], label=f"q = {q}", **style)
        log_steps(ax, float(late.index[-1]))
        ax.set(title=name, xlabel="step (log scale)")
    for ax in axes[:, 0]:
        ax.set_ylabel("share of the\nneurons' variance")
    handles, labels = max(
        (ax.get_legend_handles_labels() for ax in axes.flat), key=lambda found: len(found[1])
    )
    shown = min(len(labels), len(STYLES) + 1)
    names = [*labels[: len(STYLES)], "others"][:shown]
    fig.legend(handles[:shown], names, loc="outside upper center", ncols=5)
    return fig


@figure
def counts_by_epoch(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Table 3 as lines: the paper's counts, and each run's as written, as coded, as printed.

    ``tables``: see ``active_sets.at_epochs``; a panel a run. The paper's counts are drawn at all
    epochs, ours as far as the run got.
    """
    columns = 3 if len(tables) == 3 else min(2, len(tables))
    rows = -(-len(tables) // columns)
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(WIDTH, 0.5 + 2.2 * rows),
        squeeze=False,
        sharey=True,
    )
    clear_rest(axes, len(tables))
    for ax, (name, table) in zip(axes.flat, tables.items(), strict=False):
        if table.empty:
            empty_panel(ax, f"{name}: no epoch of the table was reached")
            continue
        epochs = list(TABLE_3)
        for place, way in enumerate(("paper", "written", "coded", "printed")):
            style = {"color": NEUTRAL if way == "paper" else PALETTE[place], "ls": STYLES[place]}
            counts = pd.Series(TABLE_3) if way == "paper" else table[way]
            at = [epochs.index(step) for step in counts.index]
            ax.plot(at, counts, marker=MARKERS[place], label=way, **style)
        ax.xaxis.set_major_locator(FixedLocator(list(range(len(epochs)))))
        ax.set_xticklabels([f"{step:,}" for step in epochs])
        ax.set(title=name, xlabel="epoch")
        ax.set_yscale("symlog", linthresh=10, linscale=0.7)
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    named = next((ax for ax in axes.flat if ax.lines), axes[0, 0])
    for ax in {named, *(row[0] for row in axes if row[0].lines)}:
        ax.set_ylabel("active frequencies\n(log scale above 10)")
        ax.tick_params(labelleft=True)
    axes[0, 0].set_ylim(0, None)
    fig.legend(*named.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig
