"""Figures of chapter 02: fine-tuning neurons, their harmonics and what rebuilds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from modlib.analysis.micro.harmonics import Portrait, WaveFit, rebuild
from modlib.plots.base import PALETTE, WIDTH, empty_figure, empty_panel, figure
from modlib.plots.neurons import INPUT_STYLES, KIND_STYLES
from modlib.plots.panels import clear_rest, legend_outside, panel_grid


@figure
def harmonic_profile(
    inputs: Mapping[str, Float[np.ndarray, "neuron order"]],
    outputs: Mapping[str, Float[np.ndarray, "neuron order"]],
) -> Figure:
    """Mean share of power at f, 2 f, 3 f, ... of input and output weights, by class."""
    if not any(len(rows) for rows in inputs.values()):
        return empty_figure("no live neuron of these classes")
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.6), sharey=True)
    titles = ("inputs: what neurons hear", "outputs: what they say")
    for ax, shares, title in zip(axes, (inputs, outputs), titles, strict=True):
        for kind, rows in shares.items():
            if not len(rows):
                continue
            color, _, marker = KIND_STYLES[kind]
            order = np.arange(1, rows.shape[1] + 1)
            mean = rows.mean(0)
            ax.plot(
                order,
                np.where(mean > 0, mean, np.nan),
                color=color,
                marker=marker,
                ms=6,
                lw=1,
                label=f"{kind} ({len(rows)})",
            )
        ax.set(yscale="log", ylim=(1e-5, 1.5), title=title, xlabel="frequency")
        ax.set_xticks(order, ["f", *(f"{m}f" for m in order[1:])])
    axes[0].set_ylabel("mean share of power")
    legend_outside(fig, axes[0], 4, place="lower")
    return fig


@figure
def remapped_shapes(portraits: Mapping[str, Portrait]) -> Figure:
    """One neuron of each class, remapped and scaled to a largest value of 1, with its cosine.

    The cosine is the part of the signal at the remapped frequency, gcd(f, n).
    """
    if not portraits:
        return empty_figure("no live neuron of these classes")
    fig, axes = panel_grid(len(portraits), 1, (7, 1.65), (0, 0.5), sharex=True)
    for ax, (kind, one) in zip(axes[:, 0], portraits.items(), strict=True):
        signal = one.remapped[0] - one.remapped[0].mean()
        scale = np.abs(signal).max()
        n = len(signal)
        (mean, with_cosine), _ = rebuild(one.remapped[0], [gcd(one.freq, n)])
        color, _, marker = KIND_STYLES[kind]
        ax.plot((with_cosine - mean) / scale, color="#808080", lw=1.2, label="its cosine")
        ax.plot(signal / scale, ls="", marker=marker, color=color, ms=3.4, label=kind)
        ax.set(ylabel="scaled", ylim=(-1.25, 1.25))
        ax.set_title(f"{kind}: neuron {one.neuron}, f = {one.freq}, drawn at a = {one.unit} x")
    axes[-1, 0].set(xlabel="x (mod n)", xlim=(-0.5, n - 0.5))
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2).texts[
        1
    ].set_text("preactivation of a, less its mean")
    return fig


@figure
def fine_tuning_preacts(portraits: Sequence[Portrait]) -> Figure:
    """Preactivations of neurons of a fine-tuning cluster, of a and of b (figure A19)."""
    fig, axes = plt.subplots(
        len(portraits),
        2,
        figsize=(WIDTH, 2.0 * len(portraits) + 0.4),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for row, one in zip(axes, portraits, strict=True):
        for ax, signal, letter in zip(row, one.preact, "ab", strict=True):
            color, _, marker = INPUT_STYLES[letter]
            ax.plot(signal, color=color, ls="", marker=marker, ms=3.2)
            ax.axhline(0, color="black", lw=0.5)
            ax.set_title(f"neuron {one.neuron}, input {letter}")
        row[0].set_ylabel("preactivation")
    for ax, letter in zip(axes[-1], "ab", strict=True):
        ax.set(xlabel=f"{letter} (mod n)", xlim=(-1, portraits[0].preact.shape[1]))
    return fig


@figure
def fine_tuning_dfts(portraits: Sequence[Portrait], names: Sequence[Mapping[int, str]]) -> Figure:
    """|DFT| of the same preactivations, with names at the leading frequencies (figure A20)."""
    fig, axes = plt.subplots(
        len(portraits),
        2,
        figsize=(WIDTH, 2.1 * len(portraits) + 0.4),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for row, one, named in zip(axes, portraits, names, strict=True):
        for ax, magnitude, letter in zip(row, one.magnitude, "ab", strict=True):
            freq = np.arange(1, len(magnitude))
            color = INPUT_STYLES[letter][0]
            ax.vlines(freq, 0, magnitude[1:], color=color, lw=1.6)
            ax.plot(freq, magnitude[1:], ls="", marker=".", ms=3, color=color)
            for at, name in named.items():
                ax.annotate(
                    name,
                    (at, magnitude[at]),
                    xytext=(0, 3),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=8,
                )
            ax.set_title(f"neuron {one.neuron}, input {letter}")
        row[0].set_ylabel("|DFT|")
    top = max(one.magnitude[:, 1:].max() for one in portraits)
    axes[0, 0].set_ylim(0, 1.2 * top)
    for ax in axes[-1]:
        ax.set_xlabel("frequency (cycles per n)")
    return fig


@figure
def rebuild_steps(
    signal: Float[np.ndarray, " n"],
    steps: Float[np.ndarray, "step n"],
    residual: Float[np.ndarray, " step"],
    names: Sequence[str],
) -> Figure:
    """A neuron as a growing sum of its representations, a panel a step (figure A21).

    ``signal`` and ``steps`` are drawn as they are given (remapped, in the chapter); ``names``:
    what each step adds, the mean left out; ``residual``: of each row of ``steps``.
    """
    rows = -(-len(names) // 2)
    fig, axes = plt.subplots(
        rows, 2, figsize=(WIDTH, 1.75 * rows + 0.5), sharex=True, sharey=True, squeeze=False
    )
    panels = zip(axes.flat, names, steps[1:], residual[1:], strict=False)
    for i, (ax, name, step, missing) in enumerate(panels):
        ax.plot(signal, ".", color="#909090", ms=4, label="the neuron")
        ax.plot(step, color=PALETTE[4], lw=1.3, label="sum so far")
        ax.set_title(f"{'+ ' if i else ''}{name}: residual {missing:.2f}")
    clear_rest(axes, len(names))
    fig.supxlabel("x (mod n), remapped", fontsize=9.5)
    fig.supylabel("preactivation of a", fontsize=9.5)
    legend_outside(fig, axes[0, 0], 2)
    return fig


@figure
def before_and_after(portraits: Mapping[str, Portrait | None]) -> Figure:
    """Two neurons before and after remapping, a column a neuron (figure A2).

    Rows: preactivations of a and b, their |DFT|, the same remapped by a unit, and its |DFT|. A
    name without a portrait leaves a column that says so.
    """
    if not any(portraits.values()):
        return empty_figure(f"no {' and no '.join(portraits)} neuron to show")
    fig, axes = plt.subplots(4, len(portraits), figsize=(WIDTH, 8.4), squeeze=False)
    for column, (name, one) in zip(axes.T, portraits.items(), strict=True):
        if one is None:
            empty_panel(column[0], f"no {name} neuron to show")
            for ax in column[1:]:
                ax.set_axis_off()
            continue
        blocks = (one.preact, one.magnitude, one.remapped, one.remapped_magnitude)
        for i, (ax, both) in enumerate(zip(column, blocks, strict=True)):
            spectrum = i % 2 == 1
            for signal, letter in zip(both, "ab", strict=True):
                color, style, marker = INPUT_STYLES[letter]
                x = np.arange(int(spectrum), len(signal))
                ax.plot(x, signal[x], color=color, ls=style, lw=0.9, marker=marker, ms=2.2)
        slow = int(np.gcd(one.freq, one.preact.shape[1]))
        column[0].set(title=f"{name}: neuron {one.neuron}, f = {one.freq}", xlabel="residue")
        column[2].set(title=f"remapped by the unit {one.unit}", xlabel=f"x (residue {one.unit} x)")
        column[1].set_xlabel("frequency (cycles per n)")
        column[3].set(xlabel="frequency (cycles per n)", title=f"now led by gcd(f, n) = {slow}")
    for row, label in zip(axes, ("preactivation", "|DFT|", "preactivation", "|DFT|"), strict=True):
        row[0].set_ylabel(label)
    handles = [
        Line2D([], [], color=color, ls=style, marker=marker, ms=3.5, label=f"of {letter}")
        for letter, (color, style, marker) in INPUT_STYLES.items()
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=2)
    return fig


WAVE_NAMES = {
    "full": "a full period of a sine",
    "hump": "half a period, the hump",
    "flank": "half a period, the flank",
}


@figure
def wave_fits(signal: Float[np.ndarray, " n"], fits: Mapping[str, WaveFit]) -> Figure:
    """A remapped neuron under the best full and half periods of a sine."""
    fig, axes = panel_grid(len(fits), 1, (7, 1.6), (0, 0.5), sharex=True)
    for ax, (name, fit) in zip(axes[:, 0], fits.items(), strict=True):
        ax.plot(fit.wave, color=PALETTE[4], lw=1.3, label="best fit")
        ax.plot(signal, ".", color=PALETTE[0], ms=5, label="the neuron, remapped")
        ax.set(ylabel="preactivation", title=f"{WAVE_NAMES[name]}: R² = {fit.explained:.3f}")
    axes[-1, 0].set(xlabel="x (mod n)", xlim=(-0.5, len(signal) - 0.5))
    legend_outside(fig, axes[0, 0], 2, place="lower")
    return fig
