"""Figures of chapter 6: pizza neurons, and what changes on the way from pizza to clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Wedge

from modlib.analysis.meso.clock_pizza_circle import Pair
from modlib.analysis.meso.clock_pizza_lens import KEPT
from modlib.analysis.micro.harmonics import Portrait
from modlib.plots.base import (
    ANSWER,
    MARKERS,
    NEUTRAL,
    PALETTE,
    WIDTH,
    empty_figure,
    figure,
)
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
    "explained": "a cluster's votes: one cosine",
    "coset_overlap": "overlap with the approximate coset",
    "clock": "logits: one cosine a cluster",
    "preact_error": "preactivations: no sum over a, b",
}


@figure
def pizza_neurons(portraits: Sequence[Portrait], *, remapped: bool = False) -> Figure:
    """One neuron a cluster with its DFT (figure A17); the same remapped (figure A18).

    Left: preactivations of a and b less their mean; right: |DFT|, unnormalised, without its mean.
    """
    if not portraits:
        return empty_figure("no cluster of neurons")
    fig, axes = plt.subplots(
        len(portraits), 2, figsize=(WIDTH, 1.7 * len(portraits) + 0.5), sharex="col", squeeze=False
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
def two_hands(points: Float[np.ndarray, "n axis"], near: Pair, facing: Pair, freq: int) -> Figure:
    """A pair on one circle: a clock adds its angles, a pizza takes the middle of its points.

    ``points``: ``circle_points`` of ``freq``; ``near``, ``facing``: pairs that a clock and a pizza
    are shown on, and one that leaves a pizza nothing. Small dots of B and C: the middles of all
    pairs with the same sum, which lie in two opposite slices.
    """
    fig, axes = panel_grid(1, 3, (WIDTH / 3, 2.75))
    n = len(points)
    for ax, title in zip(
        axes[0],
        ("A. Clock: add angles", "B. Pizza: take the middle", "C. Face to face"),
        strict=True,
    ):
        ax.set(title=title, xlim=(-1.5, 1.5), ylim=(-1.35, 1.35), aspect="equal")
        ax.set_axis_off()
    _clock(axes[0, 0], points, near, freq)
    for ax, pair in zip(axes[0, 1:], (near, facing), strict=True):
        _slices(ax, freq, n, pair.c)
        _pizza(ax, points, pair)
    return fig


def _hands(ax: Axes, points: Float[np.ndarray, "n axis"], pair: Pair) -> None:
    ax.plot(*points.T, "o", ms=1.8, color=NEUTRAL)
    for letter, residue in (("a", pair.a), ("b", pair.b)):
        color, _, marker = INPUT_STYLES[letter]
        x, y = points[residue]
        ax.plot([0, x], [0, y], color=color, lw=1.4)
        ax.plot(x, y, marker, color=color, ms=6)
        _beside(ax, points[residue], f"{letter} = {residue}", color)


def _beside(ax: Axes, point: Float[np.ndarray, " axis"], text: str, color: str) -> None:
    """A word outside the circle, beside one of its points."""
    x, y = 1.12 * point
    side = "left" if x > 0.3 else "right" if x < -0.3 else "center"
    ax.text(x, y, text, color=color, ha=side, va="bottom" if y > 0 else "top")


def _clock(ax: Axes, points: Float[np.ndarray, "n axis"], pair: Pair, freq: int) -> None:
    """Hands of a, b and a + b, with the angle of b as an arc, once from 0 and once from a."""
    _hands(ax, points, pair)
    turn, color = 2 * np.pi * freq / len(points), INPUT_STYLES["b"][0]
    at_a, at_b = (float(turn * residue % (2 * np.pi)) for residue in (pair.a, pair.b))
    for start, radius in ((0.0, 0.35), (at_a, 0.55)):
        arc = np.linspace(start, start + at_b, 60)
        ax.plot(radius * np.cos(arc), radius * np.sin(arc), color=color, lw=1, ls=":")
    ax.plot([0, points[0, 0]], [0, points[0, 1]], color=NEUTRAL, lw=0.8)
    _beside(ax, points[0], "0", NEUTRAL)
    x, y = points[pair.c]
    ax.plot([0, x], [0, y], color=ANSWER, lw=2.2)
    ax.plot(x, y, "*", color=ANSWER, ms=12)
    _beside(ax, points[pair.c], f"a + b\n= {pair.c}", ANSWER)


def _slices(ax: Axes, freq: int, n: int, answer: int) -> None:
    """Two opposite slices for each place of an answer on the circle, the answer's own in gold."""
    places = n // gcd(freq, n)
    own = freq // gcd(freq, n) * answer % places
    for place in range(places):
        for half in (0, 180):
            middle = 180 * place / places + half
            width = 90 / places
            color = ANSWER if place == own else ("#f3e3c3", "#fbf4e6")[place % 2]
            ax.add_patch(Wedge((0, 0), 1, middle - width, middle + width, color=color, lw=0))


def _pizza(ax: Axes, points: Float[np.ndarray, "n axis"], pair: Pair) -> None:
    """The chord of a and b with its middle, and the middles of all pairs with the same sum."""
    _hands(ax, points, pair)
    k = np.arange(len(points))
    middles = (points + points[(pair.c - k) % len(points)]) / 2
    ax.plot(*middles.T, "o", ms=2.0, color="black", mfc="white", mew=0.5)
    ends = points[[pair.a, pair.b]]
    ax.plot(*ends.T, color="black", lw=1, ls="--")
    ax.plot(*ends.mean(0), "D", color="black", ms=7)


@figure
def right_answers(panels: Mapping[str, Float[np.ndarray, "y x"]]) -> Figure:
    """The right answer's logit of every pair less its mean, by x and y: ``right_logits``.

    y runs from -n/2 to n/2; a colour scale a panel.
    """
    if not panels:
        return empty_figure("no cluster of neurons")
    fig, axes = panel_grid(1, len(panels), (WIDTH / 3, 3.1), sharey=True)
    for ax, letter, (name, table) in zip(axes[0], "ABC", panels.items(), strict=False):
        n, centred = len(table), table - table.mean()
        bound = float(np.abs(centred).max()) or 1.0
        image = ax.imshow(
            np.roll(centred, n // 2, axis=0),
            cmap="RdBu_r",
            vmin=-bound,
            vmax=bound,
            origin="lower",
            extent=(-0.5, n - 0.5, -(n // 2) - 0.5, n - n // 2 - 0.5),
        )
        ax.set(title=f"{letter}. {name}", xlabel="x, with b = unit x")
        fig.colorbar(image, ax=ax, location="bottom", label="logit less its mean")
    axes[0, 0].set_ylabel("y, with a - b = unit y")
    return fig


def _by_rate(ax: Axes, networks: pd.DataFrame, column: str, place: int, label: str) -> None:
    """A mark a network, and a line through the means of each rate."""
    color, marker = PALETTE[place], MARKERS[place]
    means = networks.groupby("rate")[column].mean()
    ax.plot(means.index, means, color=color, lw=1.2)
    ax.plot(networks.rate, networks[column], marker, color=color, ms=4, alpha=0.5, label=label)


def _published(ax: Axes, published: pd.DataFrame, column: str) -> None:
    ax.plot(
        published.rate, published[column], "*", color="black", mfc="white", ms=11, label="published"
    )


def _rate_axes(grid: np.ndarray, label: str) -> None:
    """The axes of a grid of panels with the attention rate across."""
    for ax in grid[-1]:
        ax.set(xlabel="attention rate", xlim=(-0.06, 1.06))
    for ax in grid[:, 0]:
        ax.set(ylabel=label, ylim=(-0.04, 1.04))


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
    fig, grid = plt.subplots(2, 2, figsize=(WIDTH, 4.9), sharex=True, sharey=True)
    axes = grid.ravel()
    for ax, letter, (column, name) in zip(axes, "ABC", METRICS.items(), strict=False):
        _by_rate(ax, networks, column, 0, "trained here")
        _published(ax, published, column)
        ax.plot(untrained.rate, untrained[column], "x", color=NEUTRAL, ms=6, label="untrained")
        ax.set_title(f"{letter}. {name}")
    for place, (column, name) in enumerate(FORMULAS.items(), start=1):
        _by_rate(axes[3], networks, f"{column}_alone", place, f"by the {name}")
    axes[3].set_title("D. one circle alone: logits explained")
    _rate_axes(grid, "value")
    _legend(fig, axes)
    return fig


@figure
def lens_by_rate(
    networks: pd.DataFrame, published: pd.DataFrame, untrained: pd.DataFrame
) -> Figure:
    """What paper A's lens sees against the attention rate; crosses: untrained networks."""
    if networks.empty:
        return empty_figure(NO_NETWORKS)
    fig, grid = plt.subplots(2, 2, figsize=(WIDTH, 4.9), sharex=True, sharey=True)
    axes = grid.ravel()
    for ax, letter, (column, name) in zip(axes, "ABCD", LENS.items(), strict=True):
        _by_rate(ax, networks, column, 0, "trained here")
        _published(ax, published, column)
        ax.plot(untrained.rate, untrained[column], "x", color=NEUTRAL, ms=6, label="untrained")
        ax.set_title(f"{letter}. {name}")
    _rate_axes(grid, "share")
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
    fig, axes = panel_grid(len(freqs), 1, (WIDTH, 1.5), (0, 0.6), sharex=True)
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
    fig, axes = panel_grid(len(votes), 1, (WIDTH, 1.35), (0, 0.6), sharex=True)
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
    fig, axes = plt.subplots(1, len(kept), figsize=(WIDTH, 2.9), sharey=True, squeeze=False)
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


@figure
def circles_of_many(kinds: Mapping[str, pd.DataFrame]) -> Figure:
    """What the two formulas explain of every cluster's circle, alone and with its double.

    ``kinds``: ``clock_pizza_circles``.
    """
    if not kinds:
        return empty_figure(NO_NETWORKS)
    fig, axes = panel_grid(1, 2, (WIDTH / 2, 3.4), sharey=True)
    for ax, letter, kept in zip(axes[0], "AB", KEPT, strict=False):
        ax.plot([0, 1], [0, 1], color=NEUTRAL, lw=0.8, ls=":")
        for place, (name, table) in enumerate(kinds.items()):
            rows = table[table.kept == kept]
            ax.plot(
                rows.clock,
                rows.pizza,
                ls="",
                marker=MARKERS[place],
                ms=4,
                mew=0,
                alpha=0.5,
                color=PALETTE[place],
                label=name,
            )
        ax.set(title=f"{letter}. {kept}", xlabel="explained by the clock's formula")
        ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axes[0, 0].set_ylabel("by the pizza's formula")
    legend_outside(fig, axes[0, 0], 2, place="lower")
    return fig
