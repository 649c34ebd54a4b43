"""Figures of chapter 02: one neuron, the test on all of them, classes, thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from modlib.analysis.micro.neurons import KINDS
from modlib.config.thresholds import DEFAULT
from modlib.plots.base import MARKERS, PALETTE, WIDTH, cluster_color, empty_figure, figure
from modlib.plots.panels import legend_outside, panel_grid

KIND_STYLES = {
    "simple": (PALETTE[0], "", "o"),
    "3f": (PALETTE[1], "///", "s"),
    "bent": (PALETTE[2], "...", "^"),
    "fine-tuning": (PALETTE[4], "xxx", "D"),
    "diffuse": ("#b0b0b0", "", "v"),
}
"""Colour, hatch and marker of each class of live neurons."""
INPUT_STYLES = {"a": (PALETTE[0], "-", "o"), "b": (PALETTE[4], "--", "s")}


def _thresholds(ax: Axes) -> None:
    """The two residuals that part the classes, as lines across an axis of residuals."""
    for value in (DEFAULT.simple_below, DEFAULT.fine_tuning_from):
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
    legend_outside(fig, ax, 2, place="lower")
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
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 6.4))
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
    for value in (DEFAULT.simple_below, DEFAULT.fine_tuning_from):
        axes[0, 0].axhline(value, color="black", lw=0.8, ls=":")
    axes[0, 0].set(
        xlabel="frequency f (cycles per n)",
        ylabel="residual",
        ylim=(0, None),
        xlim=(0, n // 2 + 1),
        title="how much is off f",
    )
    axes[0, 1].set(
        xlabel="$t_A + t_B$ mod n",
        ylabel="$t_D$",
        xlim=(0, n),
        ylim=(-1, n + 1),
        title="phases (a turn is n)",
    )
    axes[1, 0].set(
        xlabel="$r_A$", ylabel="$r_B$", xlim=(0, largest), ylim=(0, largest), title="radii"
    )
    axes[1, 1].set(xlabel="$t_A + t_B - t_D$", ylabel=r"$\ln(r_A / r_B)$", title="both errors")
    for ax in (axes[0, 1], axes[1, 0]):
        ax.set_aspect("equal")
    axes[1, 1].axhline(0, color="black", lw=0.5)
    axes[1, 1].axvline(0, color="black", lw=0.5)
    legend_outside(fig, axes[0, 0], 4, place="lower")
    return fig


@figure
def residual_histograms(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Residuals of the live neurons of each network, stacked by class, on a log axis.

    ``panels``: neuron tables by the name of the network.
    """
    edges = np.geomspace(0.02, 1.0, 41)
    fig, axes = panel_grid(len(panels), 1, (7, 1.5), (0, 0.9), sharex=True)
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
    legend_outside(fig, axes[0, 0], 5, place="lower")
    return fig


def _residual_axis(ax: Axes) -> None:
    ax.set_xlabel("residual (log scale; dotted: the thresholds)")
    thresholds = [DEFAULT.simple_below, DEFAULT.fine_tuning_from]
    ax.xaxis.set_major_locator(FixedLocator([0.02, 0.05, *thresholds, 1.0]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
