"""Figures of chapter 13: neurons of two digits, frequencies through time, attention, tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from modlib.analysis.remainders.active_sets import TABLE_3, Dominance
from modlib.plots.base import (
    MARK,
    MARKERS,
    NEUTRAL,
    PALETTE,
    STYLES,
    empty_figure,
    empty_panel,
    figure,
)

CROP = 37
"""Side of the corner that the paper's figures show."""
NO_NETWORK = "no network of this size is committed"
ACROSS = 3
"""Panels in a row where networks are drawn beside one another."""


def _centred_spectrum(ax: Axes, magnitudes: Float[np.ndarray, "f0 f1"]) -> None:
    """A spectrum with frequency 0 in the middle; x1's frequency to the right."""
    p = len(magnitudes)
    edge = p // 2 + 0.5
    ax.imshow(
        np.fft.fftshift(magnitudes), cmap="magma", aspect="equal", extent=(-edge, edge, edge, -edge)
    )
    ax.xaxis.set_major_locator(FixedLocator([-(p // 2), 0, p // 2]))
    ax.yaxis.set_major_locator(FixedLocator([-(p // 2), 0, p // 2]))


@figure
def neuron_images(
    groups: Mapping[str, Float[np.ndarray, "neuron x0 x1"]],
    spectra: Mapping[str, Float[np.ndarray, "neuron f0 f1"]],
    crops: Mapping[str, Float[np.ndarray, "neuron f0 f1"]] | None = None,
) -> Figure:
    """Neurons over both digits, above the magnitudes of their 2-D transform.

    A group of columns a network, each image on its own scale. ``crops``: transforms of the images'
    corner of ``CROP`` x ``CROP``, as the authors took them, in a third row.
    """
    if not groups:
        return empty_figure(NO_NETWORK)
    num_neurons = sum(map(len, groups.values()))
    rows = 3 if crops else 2
    alone = num_neurons == 1
    shape = (1, rows) if alone else (rows, num_neurons)
    fig, axes = plt.subplots(
        *shape,
        figsize=(5.6, 2.8) if alone else (max(1.75 * num_neurons, 5), 1.85 * rows + 0.3),
        squeeze=False,
    )
    columns = iter(axes if alone else axes.T)
    labels = [
        ("$x_1$", "$x_0$"),
        ("cycles per p of $x_1$", "cycles per p of $x_0$"),
        (f"cycles per {CROP} of $x_1$", f"cycles per {CROP} of $x_0$"),
    ]
    for name, images in groups.items():
        for index, image in enumerate(images):
            column = next(columns)
            column[0].imshow(image, cmap="cividis", aspect="equal")
            column[0].set_title(name if alone else f"{name}\nneuron {index}", fontsize=8.5)
            _centred_spectrum(column[1], spectra[name][index])
            if crops:
                _centred_spectrum(column[2], crops[name][index])
            for ax, (right, _) in zip(column, labels, strict=False):
                ax.set_xlabel(right, fontsize=8)
                ax.tick_params(labelsize=7)
    for ax, (_, down) in zip(axes[0] if alone else axes[:, 0], labels, strict=False):
        ax.set_ylabel(down)
    return fig


def _log_steps(ax: Axes, last: int, marks: Sequence[int]) -> None:
    ax.set_xscale("log")
    ax.set_xlim(1, max(last, 2))
    for mark in marks:
        if mark <= last:
            ax.axvline(mark, color=NEUTRAL, lw=0.8, ls=":")
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


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
        figsize=(4.4 * len(columns), 6.6),
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
        edges = np.sqrt(rows.step.to_numpy()[:-1] * rows.step.to_numpy()[1:])
        edges = np.concatenate([[0.7], edges, [rows.step.iloc[-1] * 1.05]])
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
            beside.tick_params(labelsize=7)
            if column == len(columns) - 1:
                beside.set_ylabel("held-out accuracy\n(dashed)")
        for ax in (top, middle, bottom):
            _log_steps(ax, int(rows.step.iloc[-1]), list(TABLE_3))
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
        down, across, figsize=(max(3.3 * across, 6), 0.5 + 2.5 * down), squeeze=False, sharey=True
    )
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
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
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
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
        figsize=(max(3.4 * columns, 6), 0.4 + 2.3 * rows),
        squeeze=False,
        sharey=True,
    )
    for ax in axes.flat[len(tables) :]:
        ax.set_axis_off()
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
    for ax in axes[:, 0]:
        ax.set_ylabel("active frequencies\n(log scale above 10)")
    axes[0, 0].set_ylim(0, None)
    named = next((ax for ax in axes.flat if ax.lines), axes[0, 0])
    fig.legend(*named.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig


@figure
def attention_images(images: Mapping[str, Float[np.ndarray, "head x0 x1"]]) -> Figure:
    """Attention from the answer's place to x0, a row a network, a column a head; one scale."""
    if not images:
        return empty_figure(NO_NETWORK)
    num_heads = max(len(heads) for heads in images.values())
    fig, axes = plt.subplots(
        len(images),
        num_heads,
        figsize=(max(1.8 * num_heads, 5), 1.9 * len(images) + 0.3),
        squeeze=False,
    )
    for row, (name, heads) in zip(axes, images.items(), strict=True):
        for head, ax in enumerate(row):
            if head >= len(heads):
                ax.set_axis_off()
                continue
            shown = ax.imshow(heads[head], vmin=0, vmax=1, aspect="equal")
            ax.set_title(f"head {head}: mean {heads[head].mean():.2f}", fontsize=8.5)
            ax.set_xlabel("x1", fontsize=8)
            ax.tick_params(labelsize=7)
        row[0].set_ylabel(f"{name}\nx0")
    fig.colorbar(shown, ax=axes, label="attention to x0", shrink=0.8)
    return fig


@figure
def logit_profiles(
    profiles: Mapping[str, Float[np.ndarray, " q"]],
    amplitudes: Mapping[str, Float[np.ndarray, " freq"]],
    title: str,
) -> Figure:
    """Mean logit at each distance c - x of an answer, and its cosines' amplitudes (equation 5)."""
    fig, axes = plt.subplots(1, 2, figsize=(8, 3), width_ratios=[1.3, 1])
    for place, (name, profile) in enumerate(profiles.items()):
        q = len(profile)
        distance = np.arange(q) - q // 2
        style: dict[str, Any] = {"color": PALETTE[place], "marker": MARKERS[place], "ms": 3}
        axes[0].plot(distance, np.roll(profile, q // 2), label=name, **style)
        k = np.arange(1, len(amplitudes[name]) + 1)
        axes[1].plot(k, amplitudes[name], lw=0.8, **style)
    axes[0].set(xlabel="c − x mod q", ylabel="logit, mean over x", title=title)
    axes[1].set(xlabel="k", ylabel="amplitude A_k", title="its cosines cos(2πk(x − c)/q)")
    axes[1].xaxis.set_major_locator(MaxNLocator(integer=True))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return fig


@figure
def shares_by_task(
    panels: Mapping[str, Mapping[str, pd.Series]],
    *,
    ylabel: str,
    lines: Sequence[float] = (),
) -> Figure:
    """A number of each task: a panel a question, a series a network or a control.

    Series are indexed by q; dashed ``lines`` mark bounds.
    """
    drawn = {title: series for title, series in panels.items() if series}
    if not drawn:
        return empty_figure(NO_NETWORK)
    fig, axes = plt.subplots(
        len(drawn), 1, figsize=(7.6, 2.3 * len(drawn) + 0.5), squeeze=False, sharey=True
    )
    for ax, (title, series) in zip(axes[:, 0], drawn.items(), strict=True):
        qs = sorted(set().union(*(values.index for values in series.values())))
        for place, (name, values) in enumerate(series.items()):
            style: dict[str, Any] = {"color": PALETTE[place], "marker": MARKERS[place]}
            at = [qs.index(q) for q in values.index]
            ax.plot(at, values, ls=":", lw=0.8, label=name, **style)
        for line in lines:
            ax.axhline(line, color=NEUTRAL, lw=0.8, ls="--")
        ax.xaxis.set_major_locator(FixedLocator(list(range(len(qs)))))
        ax.set_xticklabels([str(q) for q in qs], fontsize=7.5 if len(qs) < 20 else 6)
        ax.set(xlabel="task q", ylabel=ylabel, title=title)
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return fig


@figure
def line_spectra(
    spectra: Mapping[str, Float[np.ndarray, " freq"]],
    p: int,
    qs: Int[np.ndarray, " task"],
    named: Sequence[int],
) -> Figure:
    """Spectra over the integer x, a panel a network, with the characters of some tasks marked.

    ``spectra``: see ``task_lens.line_spectrum``, drawn times their number, so that 1 is flat;
    ``named``: the tasks, of all ``qs``, that have lines; all have ticks.
    """
    fig, axes = plt.subplots(
        len(spectra), 1, figsize=(8, 1.7 * len(spectra) + 0.5), sharex=True, squeeze=False
    )
    for ax, (name, spectrum) in zip(axes[:, 0], spectra.items(), strict=True):
        at = np.arange(len(spectrum)) / p**2
        ax.plot(at, spectrum * len(spectrum), color="black", lw=0.6)
        for place, q in enumerate(named):
            for k in range(1, int(q) // 2 + 1):
                ax.axvline(k / q, color=PALETTE[place], lw=0.9, alpha=0.55, zorder=0)
        every = np.concatenate([np.arange(1, q // 2 + 1) / q for q in qs])
        ax.plot(every, np.zeros(len(every)), "|", color=MARK, ms=5, clip_on=False)
        ax.set(title=name, ylabel="power, 1 = flat", xlim=(0, 0.502))
        ax.set_ylim(0, None)
    axes[-1, 0].set_xlabel("cycles per step of x; ticks: k/q of every task")
    handles = [
        Line2D([], [], color=PALETTE[place], label=f"q = {q}") for place, q in enumerate(named)
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=max(len(named), 1))
    return fig


@figure
def neurons_by_task(
    panels: Mapping[str, Float[np.ndarray, "task neuron"]], qs: Int[np.ndarray, " task"]
) -> Figure:
    """Share of every live neuron's variance that each task explains, on one scale.

    ``panels``: see ``task_lens.sorted_by_task``; a row a task.
    """
    if not panels:
        return empty_figure(NO_NETWORK)
    largest = max(float(shares.max(initial=0)) for shares in panels.values())
    fig, axes = plt.subplots(
        len(panels), 1, figsize=(8, 0.6 + 1.9 * len(panels)), squeeze=False, sharey=True
    )
    every = max(1, len(qs) // 12)
    for ax, (name, shares) in zip(axes[:, 0], panels.items(), strict=True):
        if shares.shape[1] == 0:
            empty_panel(ax, f"{name}: no live neuron")
            continue
        shown = ax.imshow(shares, vmin=0, vmax=largest or 1.0, cmap="magma")
        ax.yaxis.set_major_locator(FixedLocator(list(range(0, len(qs), every))))
        ax.yaxis.set_ticklabels([str(q) for q in qs[::every]], fontsize=7)
        ax.set(title=f"{name}: {shares.shape[1]} live neurons", ylabel="task q")
        fig.colorbar(shown, ax=ax, label="share of variance")
    axes[-1, 0].set_xlabel("neurons, by the task that explains them best")
    return fig


@figure
def task_matrices(
    panels: Mapping[str, Float[np.ndarray, "row column"]],
    qs: Int[np.ndarray, " task"],
    *,
    rows: str,
    columns: str,
    label: str,
    symmetric: bool = False,
) -> Figure:
    """Numbers of pairs of tasks, side by side on one scale.

    ``symmetric``: the scale runs from minus to plus the largest size, in two colours.
    """
    largest = max(float(np.nanmax(np.abs(matrix), initial=0)) for matrix in panels.values())
    bounds = {"vmin": -largest if symmetric else 0.0, "vmax": largest or 1.0}
    fig, axes = plt.subplots(
        1, len(panels), figsize=(4.0 * len(panels) + 0.6, 3.9), squeeze=False, sharey=True
    )
    every = max(1, len(qs) // 12)
    for ax, (title, matrix) in zip(axes[0], panels.items(), strict=True):
        cmap = "RdBu_r" if symmetric else "cividis"
        shown = ax.imshow(matrix, cmap=cmap, aspect="equal", **bounds)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(FixedLocator(list(range(0, len(qs), every))))
            axis.set_ticklabels([str(q) for q in qs[::every]], fontsize=7.5)
        ax.set(title=title, xlabel=columns)
    axes[0, 0].set_ylabel(rows)
    fig.colorbar(shown, ax=axes, label=label, shrink=0.8)
    return fig
