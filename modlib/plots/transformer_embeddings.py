"""Figures of chapter 12: position and token embeddings of paper B's transformer."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from modlib.analysis.remainders.token_embeddings import (
    AsCoded,
    InBasis,
    Periodogram,
    Spread,
    Vectors,
)
from modlib.plots.base import (
    MARK,
    MARKERS,
    NEUTRAL,
    PALETTE,
    STYLES,
    WIDTH,
    figure,
)
from modlib.plots.panels import clear_rest

MAX_VECTORS = 16
"""Singular vectors drawn of one network."""
MAX_LABELS = 3
"""Marked rows that carry their label."""
ACROSS = 2
"""Panels in a row where networks are drawn beside one another."""
MANY_BARS = 50
"""Frequencies from which on bars would be thinner than a pixel, and lines are drawn."""


@figure
def position_correlations(
    found: Mapping[str, Float[np.ndarray, " seed"]], own: Mapping[str, float]
) -> Figure:
    """Correlation of the two places: a row a kind of network, a dot a seed.

    ``own``: the run's networks, a row each below them, with a ring.
    """
    rows = list(found.items())
    rows += [(f"this run: {name}", np.array([value])) for name, value in own.items()]
    fig, ax = plt.subplots(figsize=(WIDTH, 0.8 + 0.28 * len(rows)))
    for place, (_, values) in enumerate(rows):
        beside = 0.07 * (np.arange(len(values)) - (len(values) - 1) / 2)
        colors = [PALETTE[4] if value > 0 else PALETTE[0] for value in values]
        ring = place >= len(found)
        face = "none" if ring else colors
        ax.scatter(values, place + beside, s=34, facecolors=face, edgecolors=colors)
    ax.axvline(0, color="black", lw=0.8)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set(xlim=(-1.05, 1.05), ylim=(len(rows) - 0.4, -0.6))
    ax.set_xlabel("correlation of the two places: opposed (left), alike (right)")
    return fig


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A grid of ``count`` panels, ``ACROSS`` in a row; the rest of the last row is left empty."""
    rows = -(-count // ACROSS)
    fig, axes = plt.subplots(rows, ACROSS, figsize=(WIDTH, height * rows), squeeze=False)
    clear_rest(axes, count)
    return fig, list(axes.flat[:count])


@figure
def position_embeddings(positions: Mapping[str, Float[np.ndarray, "2 embed"]]) -> Figure:
    """The embeddings of both places, coordinate by coordinate and against each other (B7).

    A row a network: left one column a coordinate, right one point a coordinate.
    """
    fig, axes = plt.subplots(
        len(positions),
        2,
        figsize=(WIDTH, 0.5 + 1.4 * len(positions)),
        width_ratios=(4, 1),
        squeeze=False,
    )
    for (image, scatter), (name, pair) in zip(axes, positions.items(), strict=True):
        bound = float(np.abs(pair).max()) or 1.0
        shown = image.imshow(pair, cmap="RdBu_r", vmin=-bound, vmax=bound)
        image.set_yticks([0, 1], ["place of $x_0$", "place of $x_1$"])
        varies = bool((pair.std(1) > 0).all())
        image.set_title(f"{name}: r = {np.corrcoef(*pair)[0, 1]:+.2f}" if varies else name)
        fig.colorbar(shown, ax=image, pad=0.01, label="value")
        scatter.scatter(*pair, s=5, alpha=0.7)
        limits = (-1.1 * bound, 1.1 * bound)
        scatter.set(xlim=limits, ylim=limits, aspect="equal")
        scatter.xaxis.set_major_locator(MaxNLocator(2, symmetric=True))
        scatter.set_ylabel("place of $x_1$")
    axes[-1, 0].set_xlabel("coordinate of the embedding")
    axes[-1, 1].set_xlabel("place of $x_0$")
    return fig


@figure
def singular_values(spreads: Mapping[str, Spread]) -> Figure:
    """Singular values of the token embedding with ticks at 50 % and 90 % (figure B8)."""
    fig, axes = _panels(len(spreads), 2.2)
    for ax, (name, spread) in zip(axes, spreads.items(), strict=True):
        number = 1 + np.arange(len(spread.values))
        ax.bar(number, spread.values, width=1.0, color="#b8c7d4")
        for marks, color, style, label in (
            (spread.variance, PALETTE[4], "-", "of the variance"),
            (spread.coded, PALETTE[0], "--", "of the sum, as coded"),
        ):
            for i, (mark, share) in enumerate(zip(marks, (50, 90), strict=True)):
                ax.axvline(mark + 0.5, color=color, ls=style, lw=1.2, label="_" if i else label)
                ax.annotate(
                    f" {share} ",
                    (mark + 0.5, 1.0 if style == "-" else 0.88),
                    xycoords=("data", "axes fraction"),
                    color=color,
                    fontsize=7.7,
                    ha="left" if i else "right",
                    va="top",
                )
        ax.set(title=name, xlabel="component", ylim=(0, 1.25 * spread.values.max()))
    for letter, ax in zip("abcdefgh", axes, strict=False):
        ax.set_title(f"({letter}) {ax.get_title(loc='left')}")
    for ax in axes[::ACROSS]:
        ax.set_ylabel("singular value")
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig


@figure
def singular_vectors(networks: Mapping[str, Vectors]) -> Figure:
    """Leading left singular vectors by token, with their spectra; a row a network (B9, B10)."""
    counts = [min(MAX_VECTORS, len(v.vectors)) for v in networks.values()]
    fig, axes = plt.subplots(
        len(networks),
        2,
        figsize=(WIDTH, 0.9 + sum(0.75 + 0.14 * c for c in counts)),
        width_ratios=(2, 1),
        height_ratios=[0.75 + 0.14 * c for c in counts],
        squeeze=False,
    )
    for row, count, (name, (vectors, spectra)) in zip(axes, counts, networks.items(), strict=True):
        bound = float(np.abs(vectors[:count]).max())
        extent = (-0.5, vectors.shape[1] - 0.5, count + 0.5, 0.5)
        row[0].imshow(vectors[:count], cmap="RdBu_r", vmin=-bound, vmax=bound, extent=extent)
        more = f", {count} of {len(vectors)}" if count < len(vectors) else ""
        row[0].set(title=f"{name}{more}", ylabel="vector")
        extent = (-0.5, spectra.shape[1] - 0.5, count + 0.5, 0.5)
        shown = row[1].imshow(spectra[:count], vmin=0, vmax=1, extent=extent)
        for ax in row:
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        fig.colorbar(shown, ax=row[1], label="share of power")
    axes[-1, 0].set_xlabel("token")
    axes[-1, 1].set_xlabel("frequency (cycles per p)")
    return fig


def _by_cosine_and_sine(ax: Axes, power: Float[np.ndarray, " basis"]) -> None:
    """Power of each basis vector, cosine beside sine."""
    freq = 1 + np.arange(len(power) // 2)
    for place, (name, own) in enumerate({"cosine": power[::2], "sine": power[1::2]}.items()):
        if len(freq) > MANY_BARS:
            ax.plot(freq, own, lw=0.9, label=name)
        else:
            ax.bar(freq + 0.44 * place - 0.22, own, width=0.44, label=name)
    ax.set(title="power of each basis vector", ylabel="share of all")
    ax.set(xlabel="frequency (cycles per p)", ylim=(0, 1.3 * power.max()))
    ax.legend(loc="upper right", ncols=2)


def _as_coded(ax: Axes, coded: AsCoded) -> None:
    """Squared norms of the transform's rows, those that the authors' code marks with labels."""
    squares, marked = coded.norms**2, np.flatnonzero(coded.marked)
    ax.bar(np.arange(len(squares)), squares, width=1, color="#b8c7d4", label="not marked")
    ax.bar(marked, squares[marked], width=1, color=MARK, label="marked")
    for place in marked[np.argsort(-squares[marked])][:MAX_LABELS]:
        text = f"{coded.labels[place]}\n(f = {coded.freqs[place]})"
        ax.annotate(text, (place, squares[place]), fontsize=7.7, ha="center", va="bottom")
    ax.set(title="its rows' squared norms", xlabel="row of the transform", ylabel="squared norm")
    ax.set_ylim(0, 1.45 * float(squares.max()))


@figure
def fourier_tokens(networks: Mapping[str, InBasis]) -> Figure:
    """Token embeddings in the Fourier basis, as written and as coded below (B11-B13).

    Four panels a network. The strongest of the rows that the authors' code marks have its label
    and their frequency f.
    """
    size = (WIDTH, 4.6 * len(networks))
    fig, axes = plt.subplots(2 * len(networks), 2, figsize=size, squeeze=False)
    for place, (name, found) in enumerate(networks.items()):
        written, coded = axes[2 * place : 2 * place + 2]
        height, width = found.coefficients.shape
        shown = written[0].imshow(np.abs(found.coefficients), extent=(0, width, height, 0))
        places = np.arange(0, height, 2 * max(1, height // 12))
        written[0].set_yticks(places + 1, [str(at // 2 + 1) for at in places])
        written[0].set(title=f"{name}: tokens only", ylabel="frequency (cycles per p)")
        written[0].set_xlabel("coordinate of the embedding")
        fig.colorbar(shown, ax=written[0], label="|coefficient|")
        _by_cosine_and_sine(written[1], found.power)
        height, width = found.coded.magnitudes.shape
        shown = coded[0].imshow(found.coded.magnitudes, extent=(0, width, height, 0))
        coded[0].set(title="as coded: 2-D transform", ylabel="row of the transform")
        coded[0].set_xlabel("frequency (cycles per row)")
        fig.colorbar(shown, ax=coded[0], label="magnitude")
        _as_coded(coded[1], found.coded)
    for letter, ax in zip("abcdefgh", axes.flat, strict=False):
        ax.set_title(f"({letter}) {ax.get_title(loc='left')}")
    return fig


@figure
def token_periodograms(
    found: Mapping[str, Periodogram],
    primes: Mapping[int, Float[np.ndarray, " k"]],
) -> Figure:
    """Power of the token embedding at every frequency, with the frequencies that tasks ask for.

    A panel a network; ``primes``: k / q of a few moduli, drawn as vertical lines.
    """
    fig, axes = plt.subplots(
        len(found), 1, figsize=(WIDTH, 0.9 + 1.25 * len(found)), sharex=True, squeeze=False
    )
    for ax, (name, (freq, power)) in zip(axes[:, 0], found.items(), strict=True):
        for i, (q, places) in enumerate(primes.items()):
            for j, place in enumerate(places):
                label = "_" if j else f"k / {q}"
                ax.axvline(place, color=PALETTE[1 + i], ls=STYLES[i % 4], lw=1, label=label)
        ax.axhline(1, color=NEUTRAL, lw=0.8)
        ax.plot(freq, power, color="black", lw=0.9, label="_")
        ax.set(title=name, ylim=(0, None), xlim=(0, 0.505))
    axes[len(found) // 2, 0].set_ylabel("power, over the mean")
    axes[-1, 0].set_xlabel("frequency (cycles a digit)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=len(primes))
    return fig


@figure
def power_by_prime(
    panels: Mapping[str, tuple[Int[np.ndarray, " task"], Mapping[str, Float[np.ndarray, " task"]]]],
) -> Figure:
    """Power of token embeddings at the frequencies k / q: a panel a base, a line a network."""
    fig, axes = plt.subplots(
        len(panels), 1, figsize=(WIDTH, 0.6 + 2.6 * len(panels)), squeeze=False
    )
    for ax, (title, (qs, powers)) in zip(axes[:, 0], panels.items(), strict=True):
        for i, (name, power) in enumerate(powers.items()):
            ax.plot(
                range(len(qs)), power, marker=MARKERS[i], ls=STYLES[i % 4], lw=1, ms=5, label=name
            )
        ax.axhline(1, color=NEUTRAL, lw=0.8)
        every = 1 if len(qs) < 20 else 2
        ax.set_xticks(range(0, len(qs), every), [str(q) for q in qs[::every]])
        ax.set(title=title, ylabel="mean power at k/q,\nover the mean of all")
        ax.set_ylim(0, 1.3 * ax.get_ylim()[1])
        ax.legend(loc="upper right", ncols=2)
    axes[-1, 0].set_xlabel("modulus q")
    return fig
