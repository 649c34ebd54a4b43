"""Figures of chapter 03: variance by component, pairs of components, circles counted, shadows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Complex, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from modlib.analysis.micro.embeddings import Components, PairPicture
from modlib.config.thresholds import DEFAULT
from modlib.maths.groups import remapping_unit
from modlib.plots.base import MARKERS, NEUTRAL, PALETTE, WIDTH, cluster_color, empty_panel, figure
from modlib.plots.panels import panel_grid

CURVE = "#b0b0b0"
NETWORKS = ("black", NEUTRAL, "#a8a8a8")
"""A network as a whole, and its controls: colours are for clusters."""
LINES = ("-", "--", ":", "-.")
MOST_LABELS = 24
"""Positions of a circle up to which each is named by its coset."""


@figure
def variance_shares(shares: Mapping[str, Float[np.ndarray, " component"]]) -> Figure:
    """Share of the embedding's variance held by each principal component, a line a network."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for i, (name, share) in enumerate(shares.items()):
        component = np.arange(1, len(share) + 1)
        ax.plot(
            component,
            100 * share,
            ls=LINES[i % len(LINES)],
            marker=MARKERS[i % len(MARKERS)],
            color=NETWORKS[i % len(NETWORKS)],
            label=name,
        )
    longest = max((len(share) for share in shares.values()), default=1)
    ax.set(xlabel="principal component", ylabel="share of variance (%)", ylim=(0, None))
    ax.set_xticks(np.arange(1, longest + 1, 1 if longest <= 16 else 4))
    ax.legend(loc="upper right")
    return fig


@figure
def embedding_pairs(
    components: Components, pairs: Sequence[PairPicture], cluster_of: Mapping[int, int]
) -> Figure:
    """Pairs of components over (k, k), and below them the spectrum of each (figures A8 to A16).

    ``cluster_of``: index of the cluster of a frequency, for its colour. The grey curve is the
    pair's own, of two pure cosines. Where a frequency has cosets, marker and brightness tell
    them apart, and on a circle each position bears its residue modulo n / g; on other circles eight
    residues are named.
    """
    drawn = sorted({i for pair in pairs for i in (pair.first, pair.second)})
    pair_rows, strip_rows = max(1, -(-len(pairs) // 3)), max(1, -(-len(drawn) // 3))
    heights = [2.75] * pair_rows + [1.45] * strip_rows
    fig, axes = plt.subplots(
        len(heights), 3, figsize=(WIDTH, sum(heights) + 0.2), squeeze=False, height_ratios=heights
    )
    upper, lower = list(axes[:pair_rows].flat), list(axes[pair_rows:].flat)
    for ax, pair in zip(upper, pairs, strict=False):
        _pair(ax, components, pair, cluster_of)
    for ax, component in zip(lower, drawn, strict=False):
        _spectrum(ax, components, component, cluster_of)
    for ax in upper[len(pairs) :] + lower[len(drawn) :]:
        ax.set_axis_off()
    if not pairs:
        empty_panel(axes[0, 0], "no pair of components")
    for ax in lower[::3]:
        ax.set_ylabel("power (%)")
    for ax in lower[max(0, len(drawn) - 3) : len(drawn)]:
        ax.set_xlabel("frequency (cycles per n)")
    return fig


def _spectrum(
    ax: Axes, components: Components, component: int, cluster_of: Mapping[int, int]
) -> None:
    freq, highest = components.freqs[component], components.spectra.shape[1] - 1
    share = 100 * components.spectra[component, 1:]
    color = cluster_color(cluster_of.get(freq, -1))
    ax.vlines(np.arange(1, highest + 1), 0, share, color=color, lw=1.6)
    ax.set_title(f"PC{component + 1}: f = {freq}")
    ax.set(xlim=(0, highest + 1), ylim=(0, 105))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _pair(
    ax: Axes, components: Components, pair: PairPicture, cluster_of: Mapping[int, int]
) -> None:
    n = components.scores.shape[0]
    x, y = components.scores[:, pair.first], components.scores[:, pair.second]
    same, next_to = pair.freqs[0] == pair.freqs[1], ""
    clusters = [cluster_of.get(freq, -1) for freq in pair.freqs]
    ax.plot(pair.curve_x, pair.curve_y, color=CURVE, lw=0.8, zorder=1)
    positions = n // pair.coset_size
    on_circle = same and pair.circular
    named = on_circle and pair.coset_size > 1 and positions <= MOST_LABELS
    if pair.coset_size > 1:
        shades = plt.get_cmap("viridis")(np.linspace(0, 0.88, positions))
        for residue in range(positions):
            members = slice(residue, n, positions)
            ax.scatter(
                x[members],
                y[members],
                s=20,
                marker=MARKERS[residue % 7],
                color=shades[residue],
                label=f"{residue} mod {positions}",
                zorder=2,
            )
            if named:
                place = _outside(x, y, members)
                ax.annotate(str(residue), place, fontsize=8, ha="center", va="center")
    else:
        own = clusters[0] if same else -1
        ax.scatter(x, y, s=9, color=cluster_color(own), label="k", zorder=2)
        named = on_circle
        if on_circle:
            unit = remapping_unit(pair.freqs[0], n)
            next_to = f": neighbours {min(unit, n - unit)} apart"
            for place in np.unique(np.linspace(0, n, 9)[:-1].astype(int)).tolist():
                residue = unit * place % n
                at = _outside(x, y, slice(residue, residue + 1))
                ax.annotate(str(residue), at, fontsize=8, ha="center", va="center")
    reach = 1.45 if named else 1.15
    ax.set_xlim(-reach * abs(x).max(), reach * abs(x).max())
    ax.set_ylim(-reach * abs(y).max(), reach * abs(y).max())
    ax.set_box_aspect(1)
    ax.tick_params(labelsize=8)
    ax.set_title(
        f"f = {pair.freqs[0]}" + (next_to if same else f" and {pair.freqs[1]}"), fontsize=9
    )
    ax.set_xlabel(f"PC{pair.first + 1}", labelpad=1)
    ax.set_ylabel(f"PC{pair.second + 1}", labelpad=1)
    for spine, cluster in zip(("bottom", "left"), clusters, strict=True):
        ax.spines[spine].set(color=cluster_color(cluster), linewidth=2.5)


def _outside(x: np.ndarray, y: np.ndarray, members: slice) -> tuple[float, float]:
    """A place beyond all points, in the direction of the mean of some."""
    scale_x, scale_y = float(x.std()), float(y.std())
    centre = x[members].mean() / scale_x, y[members].mean() / scale_y
    beyond = 1.17 * np.hypot(x / scale_x, y / scale_y).max() / max(np.hypot(*centre), 1e-12)
    return centre[0] * scale_x * beyond, centre[1] * scale_y * beyond


@figure
def circularity(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Spread of the squared radius for every pair of components, a column a network.

    ``tables``: by network, the rows of ``analysis.micro.embeddings.component_pairs``.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6))
    kinds = ((True, "same frequency", "o", PALETTE[0]), (False, "other pairs", "x", PALETTE[4]))
    for same, label, marker, color in kinds:
        x, y = [], []
        for place, table in enumerate(tables.values()):
            chosen = table[table.same_freq == same]
            # Pairs of one network stand beside each other in their own order, not at random.
            x.append(place + np.linspace(-0.28, 0.28, len(table))[table.same_freq == same])
            y.append(chosen.radius_spread)
        ax.scatter(
            np.concatenate(x),
            np.concatenate(y),
            s=26,
            marker=marker,
            color=color,
            label=label,
            zorder=2,
        )
    right = len(tables) - 0.5
    levels = ((0.0, "an ellipse"), (0.5, "two cosines"), (1.0, "a normal cloud"))
    for level, text in levels:
        ax.axhline(level, color=CURVE, lw=0.8, zorder=1)
        ax.annotate(text, (right + 0.04, level), fontsize=8.5, va="center", annotation_clip=False)
    ax.axhline(DEFAULT.circular_below, color="black", lw=0.9, ls="--", zorder=1)
    ax.annotate(
        "circular below",
        (right + 0.04, DEFAULT.circular_below),
        fontsize=8.5,
        va="center",
        annotation_clip=False,
    )
    ax.set_xticks(range(len(tables)), list(tables))
    ax.set(xlim=(-0.5, right), ylim=(-0.04, None), ylabel="spread of the squared radius")
    ax.legend(loc="lower left", ncols=2, bbox_to_anchor=(0, 1.0))
    return fig


@figure
def projections(
    panels: Mapping[str, Complex[np.ndarray, " signal"]], color: str = NEUTRAL
) -> Figure:
    """What each signal takes of one frequency: alpha (cos, sin)(2 pi t / n), a panel a family.

    ``panels``: results of ``analysis.micro.embeddings.projections``. Units: those of the signals.
    """
    fig, axes = panel_grid(1, len(panels), (3.55, 3.5))
    for place, (ax, (title, vectors)) in enumerate(zip(axes[0], panels.items(), strict=True)):
        ax.set_title(title)
        if not len(vectors):
            empty_panel(ax, "no cluster at this frequency")
            continue
        ax.axhline(0, color=CURVE, lw=0.8)
        ax.axvline(0, color=CURVE, lw=0.8)
        for vector in vectors:
            ax.plot([0, vector.real], [0, vector.imag], color=color, lw=0.7, alpha=0.6)
        ax.scatter(vectors.real, vectors.imag, s=20, marker=MARKERS[place], color=color, zorder=2)
        reach = 1.1 * max(float(abs(vectors).max()), 1e-12)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="weight of cos(2π f k / n)")
        ax.set_box_aspect(1)
    axes[0, 0].set_ylabel("weight of sin(2π f k / n)")
    return fig
