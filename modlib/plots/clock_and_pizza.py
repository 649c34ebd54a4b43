"""Figures of chapter 6: pizza neurons, and what changes on the way from pizza to clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modlib.analysis.micro.harmonics import Portrait
from modlib.plots.base import MARKERS, NEUTRAL, PALETTE, empty_figure, figure
from modlib.plots.neurons import INPUT_STYLES
from modlib.plots.panels import legend_outside, panel_grid

METRICS = {
    "symmetricity": "gradient symmetricity",
    "distance_irrelevance": "distance irrelevance",
    "circularity": "circularity",
}
FORMULAS = {"clock": "clock's formula", "pizza": "pizza's formula"}
OTHER_FORMULA = 8 / np.pi**2
"""What either formula explains of the other's logits, nearly, whatever n."""
NO_NETWORKS = "no networks of other attention rates are committed"
LENS = {
    "explained": "a cluster's votes\nthat are one cosine",
    "coset_overlap": "overlap with the\napproximate coset",
    "clock": "logits that are one\ncosine a cluster",
    "preact_error": "preactivations that are\nno sum over a and b",
}


@figure
def pizza_neurons(portraits: Sequence[Portrait], *, remapped: bool = False) -> Figure:
    """One neuron a cluster with its DFT (figure A17); the same remapped (figure A18).

    Left: preactivations of a and b less their mean; right: |DFT|, unnormalised, without its mean.
    """
    if not portraits:
        return empty_figure("no cluster of neurons")
    fig, axes = plt.subplots(
        len(portraits), 2, figsize=(8, 1.9 * len(portraits) + 0.5), sharex="col", squeeze=False
    )
    for row, one in zip(axes, portraits, strict=True):
        signals = one.remapped if remapped else one.preact
        magnitudes = one.remapped_magnitude if remapped else one.magnitude
        freqs = np.arange(1, magnitudes.shape[1])
        for place, (letter, signal, magnitude) in enumerate(
            zip("ab", signals, magnitudes, strict=True)
        ):
            color, line, marker = INPUT_STYLES[letter]
            row[0].plot(signal - signal.mean(), color=color, ls=line, lw=0.7)
            row[0].plot(
                signal - signal.mean(), color=color, ls="", marker=marker, ms=2.8, label=letter
            )
            row[1].bar(freqs + 0.4 * place - 0.2, magnitude[1:], 0.4, color=color, label=letter)
        row[0].axhline(0, color="black", lw=0.5)
        row[0].set(title=f"neuron {one.neuron}, f = {one.freq}", ylabel="preactivation")
        row[1].set(title=f"remapped by {one.unit}" if remapped else "spectrum", ylabel="|DFT|")
    n = portraits[0].preact.shape[1]
    letter = "x, inputs are unit times x (mod n)" if remapped else "input (mod n)"
    axes[-1, 0].set(xlabel=letter, xlim=(-1, n))
    axes[-1, 1].set_xlabel("frequency")
    legend_outside(fig, axes[0, 0], 2, place="lower")
    return fig


@figure
def right_answers(panels: Mapping[str, Float[np.ndarray, "y x"]]) -> Figure:
    """The right answer's logit of every pair less its mean, by x and y: ``right_logits``.

    y runs from -n/2 to n/2; one colour scale for all panels.
    """
    if not panels:
        return empty_figure("no cluster of neurons")
    fig, axes = panel_grid(1, len(panels), (3.3, 3.5), sharey=True)
    centred = {name: table - table.mean() for name, table in panels.items()}
    bound = max(float(np.abs(table).max()) for table in centred.values()) or 1.0
    for ax, (name, table) in zip(axes[0], centred.items(), strict=True):
        n = len(table)
        image = ax.imshow(
            np.roll(table, n // 2, axis=0),
            cmap="RdBu_r",
            vmin=-bound,
            vmax=bound,
            origin="lower",
            extent=(-0.5, n - 0.5, -(n // 2) - 0.5, n - n // 2 - 0.5),
        )
        ax.set(title=name, xlabel="x, with b = unit x (mod n)")
    axes[0, 0].set_ylabel("y, with a - b = unit y (mod n)")
    fig.colorbar(image, ax=axes[0].tolist(), shrink=0.8, label="logit less its mean")
    return fig


def _by_rate(ax: Axes, networks: pd.DataFrame, column: str, place: int, label: str) -> None:
    """A mark a network, and a line through the means of each rate."""
    color, marker = PALETTE[place], MARKERS[place]
    means = networks.groupby("rate")[column].mean()
    ax.plot(means.index, means, color=color, lw=1.2)
    ax.plot(networks.rate, networks[column], marker, color=color, ms=4, alpha=0.75, label=label)


def _published(ax: Axes, published: pd.DataFrame, column: str) -> None:
    ax.plot(
        published.rate, published[column], "*", color="black", mfc="white", ms=11, label="published"
    )


def _rate_axis(ax: Axes) -> None:
    ax.set(xlabel="attention rate", xlim=(-0.06, 1.06))


def _legend(fig: Figure, axes: Sequence[Axes]) -> None:
    """One legend for all panels, a name once."""
    found: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(str(label), handle)
    fig.legend(found.values(), found.keys(), loc="outside lower center", ncols=3)


@figure
def pizza_to_clock(
    networks: pd.DataFrame, published: pd.DataFrame, untrained: pd.DataFrame
) -> Figure:
    """The metrics of Zhong et al. against the attention rate: a mark a seed, stars published,
    crosses untrained. The tables: rows of ``results_clock_pizza``.
    """
    if networks.empty:
        return empty_figure(NO_NETWORKS)
    fig, axes = plt.subplots(1, 4, figsize=(11, 3.2), sharey=True)
    for ax, (column, name) in zip(axes, METRICS.items(), strict=False):
        _by_rate(ax, networks, column, 0, "trained here")
        _published(ax, published, column)
        ax.plot(untrained.rate, untrained[column], "x", color=NEUTRAL, ms=6, label="untrained")
        ax.set_title(name)
        _rate_axis(ax)
    for place, (column, name) in enumerate(FORMULAS.items(), start=1):
        _by_rate(axes[3], networks, f"{column}_alone", place, f"by the {name}")
    axes[3].set_title("one circle alone:\nlogits explained")
    _rate_axis(axes[3])
    axes[0].set(ylabel="value", ylim=(-0.04, 1.04))
    _legend(fig, axes)
    return fig


@figure
def lens_by_rate(
    networks: pd.DataFrame, published: pd.DataFrame, untrained: pd.DataFrame
) -> Figure:
    """What paper A's lens sees against the attention rate; crosses: untrained networks."""
    if networks.empty:
        return empty_figure(NO_NETWORKS)
    fig, axes = plt.subplots(1, len(LENS), figsize=(11, 3.2), sharey=True)
    for ax, (column, name) in zip(axes, LENS.items(), strict=True):
        _by_rate(ax, networks, column, 0, "trained here")
        _published(ax, published, column)
        ax.plot(untrained.rate, untrained[column], "x", color=NEUTRAL, ms=6, label="untrained")
        ax.set_title(name)
        _rate_axis(ax)
    axes[0].set(ylabel="share", ylim=(-0.04, 1.04))
    _legend(fig, axes)
    return fig


@figure
def shifted_strength(
    shifts: pd.DataFrame, marks: Mapping[int, tuple[int, float]], n: int
) -> Figure:
    """How strong a cluster's neurons are a shift away from where they are strong.

    ``shifts``: ``freq``, ``shift``, ``strength``; ``marks``: step and period of each frequency.
    """
    freqs = shifts.freq.unique()
    if not len(freqs):
        return empty_figure("no neuron with a strength at a alone")
    fig, axes = panel_grid(len(freqs), 1, (8, 1.7), (0, 0.6), sharex=True)
    for ax, freq in zip(axes[:, 0], freqs, strict=True):
        rows = shifts[shifts.freq == freq]
        signed = (rows["shift"] + n // 2) % n - n // 2
        order = np.argsort(signed.to_numpy())
        x, y = signed.to_numpy()[order], rows.strength.to_numpy()[order]
        ax.plot(x, y, color=PALETTE[0], marker="o", ms=2.6, lw=0.7, label="mean strength")
        step, period = marks[int(freq)]
        height = dict(zip(x.tolist(), y.tolist(), strict=True))
        near = (round(period) + n // 2) % n - n // 2
        for place, (shift, name) in enumerate(((step, "step d"), (near, "period n/f, rounded"))):
            if shift == 0:
                continue
            at = [s for s in (shift, -shift) if s in height]
            ax.plot(
                at,
                [height[s] for s in at],
                ls="",
                marker=MARKERS[1 + place],
                ms=10 - 3 * place,
                mfc="none" if place == 0 else PALETTE[4],
                mec=PALETTE[1] if place == 0 else PALETTE[4],
                mew=1.8,
                label=name,
            )
        ax.axhline(0, color="black", lw=0.5)
        ax.margins(y=0.15)
        ax.set(ylabel="strength", title=f"f = {freq}: d = {step}, n/f = {period:.2f}")
    axes[-1, 0].set_xlabel("shift s")
    legend_outside(fig, axes[0, 0], 3, place="lower")
    return fig


@figure
def mean_votes(
    votes: Mapping[int, Float[np.ndarray, " d"]], cosets: Mapping[int, Sequence[int]]
) -> Figure:
    """Each cluster's mean vote for the answer a + b + d, in units of its highest, by frequency.

    Filled: the members of the cosine's approximate coset.
    """
    if not votes:
        return empty_figure("no cluster of neurons")
    fig, axes = panel_grid(len(votes), 1, (8, 1.5), (0, 0.6), sharex=True)
    for place, (ax, (freq, vote)) in enumerate(zip(axes[:, 0], votes.items(), strict=True)):
        n, color = len(vote), PALETTE[place % len(PALETTE)]
        shown, d = vote / np.abs(vote).max(), np.arange(n)
        signed = (d + n // 2) % n - n // 2
        order, inside = np.argsort(signed), np.isin(d, list(cosets[freq]))
        ax.plot(signed[order], shown[order], color=color, lw=0.7)
        ax.plot(signed[~inside], shown[~inside], "o", color=color, mfc="white", ms=3.5)
        ax.plot(signed[inside], shown[inside], "o", color=color, ms=4.5)
        ax.axhline(0, color="black", lw=0.5)
        ax.set(ylabel="vote", ylim=(-1.15, 1.15), title=f"cluster at f = {freq}")
    axes[-1, 0].set_xlabel("c - a - b (mod n)")
    return fig


@figure
def circle_formulas(table: pd.DataFrame) -> Figure:
    """What the two formulas explain of each cluster's frequency; ``table``: ``circle_table``."""
    if table.empty:
        return empty_figure("no cluster of neurons")
    freqs, kept = table.freq.unique(), table.kept.unique()
    fig, axes = plt.subplots(1, len(kept), figsize=(9, 2.9), sharey=True, squeeze=False)
    for ax, name in zip(axes[0], kept, strict=True):
        rows = table[table.kept == name].set_index("freq").loc[freqs]
        for place, (column, label) in enumerate(FORMULAS.items()):
            ax.plot(
                np.arange(len(freqs)) + 0.16 * place - 0.08,
                rows[column],
                ls="",
                marker=MARKERS[place],
                color=PALETTE[1 + place],
                label=f"by the {label}",
            )
        ax.axhline(OTHER_FORMULA, color=NEUTRAL, lw=0.8, ls=":")
        ax.set(title=name, xlabel="cluster's f", ylim=(-0.03, 1.05), xlim=(-0.5, len(freqs) - 0.5))
        ax.set_xticks(np.arange(len(freqs)), [str(freq) for freq in freqs])
    axes[0, 0].set_ylabel("variance explained")
    legend_outside(fig, axes[0, 0], 2, place="lower")
    return fig
