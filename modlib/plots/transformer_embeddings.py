"""Figures of chapter 12: position and token embeddings of paper B's transformer."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from modlib.analysis.remainders.token_embeddings import InBasis, Periodogram, Spread, Vectors
from modlib.plots.base import MARK, MARKERS, NEUTRAL, PALETTE, STYLES, figure

MAX_VECTORS = 16
"""Singular vectors drawn of one network."""
MAX_LABELS = 3
"""Marked rows that carry their label."""
ACROSS = 4
"""Panels in a row where networks are drawn beside one another."""


def _panels(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A grid of ``count`` panels, ``ACROSS`` in a row; the rest of the last row is left empty."""
    across = min(ACROSS, count)
    rows = -(-count // across)
    fig, axes = plt.subplots(
        rows, across, figsize=(0.5 + width * across, height * rows), squeeze=False
    )
    flat = list(axes.ravel())
    for ax in flat[count:]:
        ax.set_axis_off()
    return fig, flat[:count]


@figure
def position_embeddings(positions: Mapping[str, Float[np.ndarray, "2 embed"]]) -> Figure:
    """The embeddings of both places, coordinate by coordinate and against each other (B7).

    A row a network: left one column a coordinate, right one point a coordinate.
    """
    fig, axes = plt.subplots(
        len(positions),
        2,
        figsize=(8, 0.5 + 1.5 * len(positions)),
        width_ratios=(4, 1),
        squeeze=False,
    )
    for (image, scatter), (name, pair) in zip(axes, positions.items(), strict=True):
        bound = float(np.abs(pair).max()) or 1.0
        shown = image.imshow(pair, cmap="RdBu_r", vmin=-bound, vmax=bound)
        image.set_yticks([0, 1], ["place of $x_0$", "place of $x_1$"])
        image.set_title(name)
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
    fig, axes = _panels(len(spreads), 2.3, 2.5)
    for ax, (name, spread) in zip(axes, spreads.items(), strict=True):
        number = 1 + np.arange(len(spread.values))
        ax.bar(number, spread.values, width=0.9, color="#b8c7d4")
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
                    fontsize=7,
                    ha="left" if i else "right",
                    va="top",
                )
        ax.set(title=name, xlabel="component", ylim=(0, 1.25 * spread.values.max()))
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
        figsize=(8, 0.9 + sum(0.75 + 0.14 * c for c in counts)),
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


@figure
def fourier_tokens(networks: Mapping[str, InBasis]) -> Figure:
    """Token embeddings in the Fourier basis, as written and as coded; a row a network (B11-B13).

    The strongest of the rows that the authors' code marks have its label and their frequency f.
    """
    fig, axes = plt.subplots(
        len(networks),
        4,
        figsize=(12, 0.4 + 2.7 * len(networks)),
        width_ratios=(1.1, 1, 1.1, 1),
        squeeze=False,
    )
    for row, (name, found) in zip(axes, networks.items(), strict=True):
        height = len(found.coefficients)
        freq = 1 + np.arange(height // 2)
        shown = row[0].imshow(
            np.abs(found.coefficients), extent=(0, found.coefficients.shape[1], height, 0)
        )
        places = np.arange(0, height, 2 * max(1, height // 12))
        row[0].set_yticks(places + 1, [str(place // 2 + 1) for place in places])
        row[0].set(title=f"{name}\ntokens only: |coefficient|", ylabel="frequency (cycles per p)")
        fig.colorbar(shown, ax=row[0], label="|coefficient|")
        row[1].bar(freq - 0.22, found.power[::2], width=0.44, label="cosine")
        row[1].bar(freq + 0.22, found.power[1::2], width=0.44, label="sine")
        row[1].set(title="power of each basis vector", ylabel="share of all")
        row[1].set_ylim(0, 1.3 * found.power.max())
        row[1].legend(loc="upper right")
        coded = found.coded
        height, width = coded.magnitudes.shape
        shown = row[2].imshow(coded.magnitudes, extent=(0, width, height, 0))
        row[2].set(title="as coded: 2-D transform", ylabel="row of the transform")
        fig.colorbar(shown, ax=row[2], label="magnitude")
        row[3].bar(
            np.arange(height), coded.norms**2, width=0.9, color="#b8c7d4", label="not marked"
        )
        marked = np.flatnonzero(coded.marked)
        row[3].bar(marked, coded.norms[marked] ** 2, width=0.9, color=MARK, label="marked")
        for place in marked[np.argsort(-coded.norms[marked])][:MAX_LABELS]:
            row[3].annotate(
                f"{coded.labels[place]}\n(f = {coded.freqs[place]})",
                (place, coded.norms[place] ** 2),
                fontsize=6,
                ha="center",
                va="bottom",
            )
        row[3].set(title="its rows' squared norms", ylabel="squared norm")
        row[3].set_ylim(0, 1.3 * float((coded.norms**2).max()))
    axes[-1, 0].set_xlabel("coordinate of the embedding")
    axes[-1, 1].set_xlabel("frequency (cycles per p)")
    axes[-1, 2].set_xlabel("frequency (cycles per row)")
    axes[-1, 3].set_xlabel("row of the transform")
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
        len(found), 1, figsize=(8, 0.9 + 1.35 * len(found)), sharex=True, squeeze=False
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
    fig, axes = plt.subplots(len(panels), 1, figsize=(8, 0.6 + 2.6 * len(panels)), squeeze=False)
    for ax, (title, (qs, powers)) in zip(axes[:, 0], panels.items(), strict=True):
        for i, (name, power) in enumerate(powers.items()):
            ax.plot(
                range(len(qs)), power, marker=MARKERS[i], ls=STYLES[i % 4], lw=1, ms=5, label=name
            )
        ax.axhline(1, color=NEUTRAL, lw=0.8)
        ax.set_xticks(range(len(qs)), [str(q) for q in qs], fontsize=8 if len(qs) < 20 else 6)
        ax.set(title=title, ylabel="mean power at k/q,\nover the mean of all")
        ax.set_ylim(0, 1.3 * ax.get_ylim()[1])
        ax.legend(loc="upper right", ncols=2)
    axes[-1, 0].set_xlabel("modulus q")
    return fig
