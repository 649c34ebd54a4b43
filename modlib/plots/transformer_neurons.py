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
from matplotlib.ticker import FixedLocator, MaxNLocator

from modlib.plots.base import (
    MARK,
    MARKERS,
    NEUTRAL,
    PALETTE,
    WIDTH,
    empty_figure,
    empty_panel,
    figure,
)

CROP = 37
"""Side of the corner that the paper's figures show."""
NO_NETWORK = "no network of this size is committed"


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
    side = WIDTH / max(num_neurons, 3)
    size = (WIDTH, 3.4) if alone else (side * num_neurons, (side + 0.15) * rows + 0.3)
    fig, axes = plt.subplots(*shape, figsize=size, squeeze=False)
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
                ax.tick_params(labelsize=7.7)
    for ax, (_, down) in zip(axes[0] if alone else axes[:, 0], labels, strict=False):
        ax.set_ylabel(down)
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
        figsize=(WIDTH, 1.75 * len(images) + 0.3),
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
            ax.tick_params(labelsize=7.7)
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
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3), width_ratios=[1.3, 1])
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
        len(drawn), 1, figsize=(WIDTH, 2.3 * len(drawn) + 0.5), squeeze=False, sharey=True
    )
    for ax, (title, series) in zip(axes[:, 0], drawn.items(), strict=True):
        qs = sorted(set().union(*(values.index for values in series.values())))
        for place, (name, values) in enumerate(series.items()):
            style: dict[str, Any] = {"color": PALETTE[place], "marker": MARKERS[place]}
            at = [qs.index(q) for q in values.index]
            ax.plot(at, values, ls=":", lw=0.8, label=name, **style)
        for line in lines:
            ax.axhline(line, color=NEUTRAL, lw=0.8, ls="--")
        every = 1 if len(qs) < 20 else 3
        ax.set_xticks(range(0, len(qs), every), [str(q) for q in qs[::every]])
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
        len(spectra), 1, figsize=(WIDTH, 1.7 * len(spectra) + 0.5), sharex=True, squeeze=False
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
        len(panels), 1, figsize=(WIDTH, 0.6 + 1.7 * len(panels)), squeeze=False, sharey=True
    )
    every = max(1, len(qs) // 12)
    for ax, (name, shares) in zip(axes[:, 0], panels.items(), strict=True):
        if shares.shape[1] == 0:
            empty_panel(ax, f"{name}: no live neuron")
            continue
        shown = ax.imshow(shares, vmin=0, vmax=largest or 1.0, cmap="magma")
        ax.yaxis.set_major_locator(FixedLocator(list(range(0, len(qs), every))))
        ax.yaxis.set_ticklabels([str(q) for q in qs[::every]], fontsize=7.7)
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
    fig, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.6), squeeze=False, sharey=True)
    every = max(1, len(qs) // 12)
    for ax, (title, matrix) in zip(axes[0], panels.items(), strict=True):
        cmap = "RdBu_r" if symmetric else "cividis"
        shown = ax.imshow(matrix, cmap=cmap, aspect="equal", **bounds)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(FixedLocator(list(range(0, len(qs), every))))
            axis.set_ticklabels([str(q) for q in qs[::every]], fontsize=7.7)
        ax.set(title=title, xlabel=columns)
    axes[0, 0].set_ylabel(rows)
    fig.colorbar(shown, ax=axes, label=label, shrink=0.8)
    return fig
