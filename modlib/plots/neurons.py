"""Figures of chapter 02: one neuron, the test on all of them, classes, fine-tuning neurons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from modlib.analysis.micro.harmonics import Portrait, WaveFit, rebuild
from modlib.analysis.micro.neurons import DEAD_BELOW, FINE_TUNING_FROM, KINDS, SIMPLE_BELOW
from modlib.plots.base import MARKERS, PALETTE, cluster_color, empty_figure, empty_panel, figure

KIND_STYLES = {
    "simple": (PALETTE[0], "", "o"),
    "3f": (PALETTE[1], "///", "s"),
    "bent": (PALETTE[2], "...", "^"),
    "fine-tuning": (PALETTE[4], "xxx", "D"),
    "diffuse": ("#b0b0b0", "", "v"),
}
"""Colour, hatch and marker of each class of live neurons."""
INPUT_STYLES = {"a": (PALETTE[0], "-", "o"), "b": (PALETTE[4], "--", "s")}
LOWEST_STRENGTH = 1e-4


def _thresholds(ax: Axes) -> None:
    """The two residuals that part the classes, as lines across an axis of residuals."""
    for value in (SIMPLE_BELOW, FINE_TUNING_FROM):
        ax.axvline(value, color="black", lw=0.8, ls=":")


@figure
def neuron_waves(
    signals: Mapping[str, Float[np.ndarray, " n"]],
    freq: int,
    radii: Sequence[float],
    phases: Sequence[float],
    color: str,
) -> Figure:
    """What one neuron hears of a and of b and says to c, with the cosine of the test.

    ``signals``: the weights by the letter of their residue; ``radii``, ``phases``: r and t of
    each at ``freq``. The cosine stands around the signal's mean; none is drawn for a phase of
    NaN (frequency n/2).
    """
    fig, axes = plt.subplots(len(signals), 1, figsize=(7, 1.6 * len(signals) + 0.4), sharex=True)
    for ax, (letter, signal), r, t in zip(
        np.atleast_1d(axes), signals.items(), radii, phases, strict=True
    ):
        n = len(signal)
        if not np.isnan(t):
            fine = np.linspace(0, n - 1, 10 * n)
            wave = signal.mean() + 2 * r * np.cos(2 * np.pi * (freq * fine - t) / n)
            ax.plot(fine, wave, color="#a0a0a0", lw=0.9, label="2 r cos(2π(f k − t)/n)")
        ax.plot(np.arange(n), signal, "o", color=color, ms=3, label="weights of the network")
        ax.set_title({"a": "hears of a", "b": "hears of b"}.get(letter, f"says to answer {letter}"))
        ax.set_ylabel("weight")
    ax.set(xlabel="residue k", xlim=(-0.5, n - 0.5))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def _by_cluster(table: pd.DataFrame) -> list[tuple[pd.DataFrame, str, str, str]]:
    """The rows of each cluster with its colour, marker and name; the loose ones last."""
    groups = []
    for index in sorted(table.cluster.unique(), key=lambda i: (i < 0, i)):
        rows = table[table.cluster == index]
        marker = "x" if index < 0 else MARKERS[int(index) % len(MARKERS)]
        name = "in no cluster" if index < 0 else f"cluster {index}"
        groups.append((rows, cluster_color(int(index)), marker, name))
    return groups


@figure
def simple_test(table: pd.DataFrame, n: int) -> Figure:
    """The test of appendix A.1 on every live neuron, coloured by cluster.

    ``table``: live rows of a clustering's table. Panels: residual against frequency, output
    phase against the sum of the input phases, the two radii, and both errors at once.
    """
    if table.empty:
        return empty_figure("no live neuron")
    fig, axes = plt.subplots(2, 2, figsize=(7.6, 6.8))
    groups = _by_cluster(table)
    largest = 1.08 * float(table[["r_a", "r_b"]].to_numpy().max())
    axes[0, 1].plot([0, n], [0, n], color="black", lw=0.7)
    axes[1, 0].plot([0, largest], [0, largest], color="black", lw=0.7)
    for rows, color, marker, name in groups:
        style = {"color": color, "marker": marker, "s": 24, "label": name, "alpha": 0.85}
        if marker != "x":
            style |= {"edgecolor": "white", "linewidth": 0.4}
        axes[0, 0].scatter(rows.freq, rows.residual, **style)
        expected = (rows.t_a + rows.t_b) % n
        axes[0, 1].scatter(expected, expected - rows.phase_error, **style)
        axes[1, 0].scatter(rows.r_a, rows.r_b, **style)
        axes[1, 1].scatter(rows.phase_error, rows.log_ratio, **style)
    for value in (SIMPLE_BELOW, FINE_TUNING_FROM):
        axes[0, 0].axhline(value, color="black", lw=0.8, ls=":")
    axes[0, 0].set(
        xlabel="frequency f (cycles per n)",
        ylabel="residual",
        ylim=(0, None),
        xlim=(0, n // 2 + 1),
        title="how much is off f",
    )
    axes[0, 1].set(
        xlabel="t_A + t_B mod n",
        ylabel="t_D",
        xlim=(0, n),
        ylim=(-1, n + 1),
        title="phases (a turn is n)",
    )
    axes[1, 0].set(xlabel="r_A", ylabel="r_B", xlim=(0, largest), ylim=(0, largest), title="radii")
    axes[1, 1].set(xlabel="t_A + t_B − t_D", ylabel="ln(r_A / r_B)", title="both errors")
    for ax in (axes[0, 1], axes[1, 0]):
        ax.set_aspect("equal")
    axes[1, 1].axhline(0, color="black", lw=0.5)
    axes[1, 1].axvline(0, color="black", lw=0.5)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@figure
def residual_histograms(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Residuals of the live neurons of each network, stacked by class, on a log axis.

    ``panels``: neuron tables by the name of the network.
    """
    edges = np.geomspace(0.02, 1.0, 41)
    fig, axes = plt.subplots(
        len(panels), 1, figsize=(7, 1.5 * len(panels) + 0.9), sharex=True, squeeze=False
    )
    for ax, (title, table) in zip(axes[:, 0], panels.items(), strict=True):
        stacked = np.zeros(len(edges) - 1)
        for kind in KINDS:
            if kind == "dead":
                continue
            residual = table.residual[table.kind == kind].clip(edges[0], edges[-1])
            counts = np.histogram(residual, edges)[0]
            color, hatch, _ = KIND_STYLES[kind]
            ax.bar(
                edges[:-1],
                counts,
                np.diff(edges),
                bottom=stacked,
                align="edge",
                color=color,
                hatch=hatch,
                edgecolor="white",
                linewidth=0.3,
                label=kind,
            )
            stacked += counts
        _thresholds(ax)
        ax.set(title=title, ylabel="neurons", xscale="log", xlim=(edges[0], edges[-1]))
        ax.set_ylim(0, max(1.0, 1.1 * stacked.max()))
    _residual_axis(axes[-1, 0])
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return fig


def _residual_axis(ax: Axes) -> None:
    ax.set_xlabel("residual (log scale; dotted: the thresholds)")
    ax.xaxis.set_major_locator(FixedLocator([0.02, 0.05, 0.12, 0.3, 1.0]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


@figure
def threshold_sensitivity(
    strength: Float[np.ndarray, " neuron"],
    residuals: Float[np.ndarray, " residual"],
    shares: Float[np.ndarray, "dead residual"],
    dead_below: Sequence[float],
    num_live: Int[np.ndarray, " dead"],
) -> Figure:
    """Strengths in falling order, and the share of live neurons under each residual.

    One curve of ``shares`` for each threshold of strength in ``dead_below``.
    """
    fig, axes = plt.subplots(2, 1, figsize=(7, 5.6))
    falling = np.sort(strength)[::-1].clip(LOWEST_STRENGTH)
    axes[0].plot(np.arange(1, len(falling) + 1), falling, ".", color=PALETTE[0])
    axes[0].axhline(DEAD_BELOW, color="black", lw=0.8, ls=":")
    axes[0].set(
        xlabel="neuron, strongest first",
        ylabel="strength (strongest = 1)",
        yscale="log",
        ylim=(LOWEST_STRENGTH * 0.8, 1.3),
        title=f"who is dead (drawn no lower than {LOWEST_STRENGTH:g})",
    )
    styles = ("-", "--", "-.", ":")
    for i, (threshold, row, live) in enumerate(zip(dead_below, shares, num_live, strict=True)):
        axes[1].plot(
            residuals,
            row,
            color=PALETTE[(0, 4, 2, 7)[i % 4]],
            ls=styles[i % 4],
            lw=1.8,
            label=f"dead below {threshold:g}: {live} live",
        )
    axes[1].set(
        ylabel="share of live neurons",
        ylim=(-0.03, 1.03),
        xscale="log",
        xlim=(residuals[0], residuals[-1]),
        title="with a residual under …",
    )
    _thresholds(axes[1])
    _residual_axis(axes[1])
    axes[1].legend(loc="best")
    return fig


@figure
def harmonic_profile(
    inputs: Mapping[str, Float[np.ndarray, "neuron order"]],
    outputs: Mapping[str, Float[np.ndarray, "neuron order"]],
) -> Figure:
    """Mean share of power at f, 2 f, 3 f, ... of input and output weights, by class."""
    if not any(len(rows) for rows in inputs.values()):
        return empty_figure("no live neuron of these classes")
    fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.6), sharey=True)
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
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@figure
def remapped_shapes(portraits: Mapping[str, Portrait]) -> Figure:
    """One neuron of each class, remapped and scaled to a largest value of 1, with its cosine.

    The cosine is the part of the signal at the remapped frequency, gcd(f, n).
    """
    if not portraits:
        return empty_figure("no live neuron of these classes")
    fig, axes = plt.subplots(
        len(portraits), 1, figsize=(7, 1.65 * len(portraits) + 0.5), sharex=True, squeeze=False
    )
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
        figsize=(8, 2.0 * len(portraits) + 0.4),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for row, one in zip(axes, portraits, strict=True):
        for ax, signal, letter in zip(row, one.preact, "ab", strict=True):
            color, _, marker = INPUT_STYLES[letter]
            ax.plot(signal, color=color, lw=0.7)
            ax.plot(signal, color=color, ls="", marker=marker, ms=2.6)
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
        figsize=(8, 2.1 * len(portraits) + 0.4),
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
        rows, 2, figsize=(8, 1.75 * rows + 0.5), sharex=True, sharey=True, squeeze=False
    )
    panels = zip(axes.flat, names, steps[1:], residual[1:], strict=False)
    for i, (ax, name, step, missing) in enumerate(panels):
        ax.plot(signal, ".", color="#909090", ms=4, label="the neuron")
        ax.plot(step, color=PALETTE[4], lw=1.3, label="sum so far")
        ax.set_title(f"{'+ ' if i else ''}{name}: residual {missing:.2f}")
    for ax in list(axes.flat)[len(names) :]:
        ax.set_axis_off()
    fig.supxlabel("x (mod n), remapped", fontsize=9.5)
    fig.supylabel("preactivation of a", fontsize=9.5)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


@figure
def before_and_after(portraits: Mapping[str, Portrait | None]) -> Figure:
    """Two neurons before and after remapping, a column a neuron (figure A2).

    Rows: preactivations of a and b, their |DFT|, the same remapped by a unit, and its |DFT|. A
    name without a portrait leaves a column that says so.
    """
    if not any(portraits.values()):
        return empty_figure(f"no {' and no '.join(portraits)} neuron to show")
    fig, axes = plt.subplots(4, len(portraits), figsize=(8, 8.4), squeeze=False)
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
    fig, axes = plt.subplots(
        len(fits), 1, figsize=(7, 1.6 * len(fits) + 0.5), sharex=True, squeeze=False
    )
    for ax, (name, fit) in zip(axes[:, 0], fits.items(), strict=True):
        ax.plot(fit.wave, color=PALETTE[4], lw=1.3, label="best fit")
        ax.plot(signal, ".", color=PALETTE[0], ms=5, label="the neuron, remapped")
        ax.set(ylabel="preactivation", title=f"{WAVE_NAMES[name]}: R² = {fit.explained:.3f}")
    axes[-1, 0].set(xlabel="x (mod n)", xlim=(-0.5, len(signal) - 0.5))
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig
