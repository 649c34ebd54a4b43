"""Figures of chapter 10: numbers by their digits, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from modlib.plots.base import MARKERS, NEUTRAL, PALETTE, SPLITS, figure
from modlib.plots.panels import panel_grid

NUMBERED_UP_TO = 11
"""Base up to which the numbers are written into their cells."""


@figure
def number_spirals(panels: Mapping[str, Mapping[str, Int[np.ndarray, " x"]]]) -> Figure:
    """Numbers in polar coordinates (x, x mod 2 pi), a panel a set of series (figure B1)."""
    fig, axes = panel_grid(1, len(panels), (2.6, 2.9), subplot_kw={"projection": "polar"})
    for ax, (title, series) in zip(axes[0], panels.items(), strict=True):
        for color, (label, numbers) in zip(PALETTE, series.items(), strict=False):
            angle = numbers % (2 * np.pi)
            ax.scatter(angle, numbers, s=1.6, color=color, label=label, linewidths=0)
        ax.set(title=title, xticks=[], yticks=[])
        if len(series) > 1:
            ax.legend(loc="lower left", bbox_to_anchor=(-0.12, -0.2), markerscale=4)
    return fig


@figure
def digit_grids(panels: Mapping[str, Int[np.ndarray, "x0 x1"]]) -> Figure:
    """The number at each pair of digits, a panel an order of the digits (figure B2)."""
    fig, axes = panel_grid(1, len(panels), (3.9, 4.0), (0.6, 0), sharey=True)
    for ax, (title, grid) in zip(axes[0], panels.items(), strict=True):
        ax.imshow(grid, aspect="equal")
        ax.set(title=title, xlabel="$x_1$")
        if len(grid) <= NUMBERED_UP_TO:
            for (x0, x1), x in np.ndenumerate(grid):
                shade = "white" if x < grid.max() / 2 else "black"
                ax.text(x1, x0, str(x), ha="center", va="center", color=shade, fontsize=7.7)
    axes[0, 0].set_ylabel("$x_0$")
    return fig


@figure
def remainder_grids(panels: Mapping[str, Int[np.ndarray, "x0 x1"]]) -> Figure:
    """Answers over the digits, larger squares for larger answers, a panel a task (figure B3)."""
    fig, axes = panel_grid(1, len(panels), (2.05, 2.5), (0.4, 0), sharey=True)
    for ax, (title, grid) in zip(axes[0], panels.items(), strict=True):
        x0, x1 = np.indices(grid.shape)
        side = 9.5 * (0.12 + 0.88 * grid / max(1, grid.max()))
        ax.scatter(x1.ravel(), x0.ravel(), s=side.ravel() ** 2, marker="s", linewidths=0)
        ax.set(title=title, xlabel="$x_1$", aspect="equal")
    axes[0, 0].set_ylabel("$x_0$")
    axes[0, 0].invert_yaxis()
    return fig


@figure
def wave_spectra(
    panels: Mapping[str, tuple[Float[np.ndarray, "x0 x1"], Float[np.ndarray, "f0 f1"]]],
) -> Figure:
    """Waves over the digits above their two-dimensional spectra.

    Spectra: magnitudes over the largest, on a logarithmic scale down to 1/1000, with frequency 0
    in the middle.
    """
    fig, axes = plt.subplots(
        2, len(panels), figsize=(0.9 + 2.2 * len(panels), 4.6), squeeze=False, sharey="row"
    )
    for column, (title, (wave, magnitude)) in zip(axes.T, panels.items(), strict=True):
        column[0].imshow(wave, aspect="equal", vmin=-1, vmax=1)
        column[0].set(title=title, xlabel="$x_1$")
        relative = np.fft.fftshift(magnitude) / magnitude.max()
        half = len(magnitude) // 2
        shown = column[1].imshow(
            np.log10(np.maximum(relative, 1e-3)),
            aspect="equal",
            vmin=-3,
            vmax=0,
            extent=(-half - 0.5, half + 0.5, half + 0.5, -half - 0.5),
        )
        column[1].set(xlabel="cycles per p of $x_1$")
    axes[0, 0].set_ylabel("$x_0$")
    axes[1, 0].set_ylabel("cycles per p of $x_0$")
    fig.colorbar(shown, ax=axes, shrink=0.6, label="log10 of magnitude\nover the largest")
    return fig


@figure
def fourier_matrix(basis: Float[np.ndarray, "p p"], products: Float[np.ndarray, "p p"]) -> Figure:
    """The Fourier basis, a row a vector, and the inner products of its vectors."""
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.6))
    limit = np.abs(basis).max()
    panels = {"value": (basis, limit), "inner product": (products, 1.0)}
    for ax, (label, (values, bound)) in zip(axes, panels.items(), strict=True):
        shown = ax.imshow(values, aspect="equal", cmap="RdBu_r", vmin=-bound, vmax=bound)
        fig.colorbar(shown, ax=ax, shrink=0.85, label=label)
        ax.set_ylabel("basis vector: 1, cos 1, sin 1, cos 2, ...")
    axes[0].set(title="the basis", xlabel="token $x$")
    axes[1].set(title="inner products", xlabel="basis vector")
    return fig


@figure
def zero_free_numbers(
    panels: Mapping[str, Mapping[str, tuple[Int[np.ndarray, " x"], Int[np.ndarray, " x"]]]],
) -> Figure:
    """Kinds of numbers at their digits (x0, x1), a panel a base."""
    fig, axes = panel_grid(1, len(panels), (4.0, 4.6), (0.6, 0))
    for ax, (title, kinds) in zip(axes[0], panels.items(), strict=True):
        for i, (label, (x0, x1)) in enumerate(kinds.items()):
            color, size = (NEUTRAL, 4) if i == 0 else (PALETTE[(0, 4)[i % 2]], 26)
            ax.scatter(
                x1, x0, s=size, color=color, marker=MARKERS[i], label=f"{label}: {len(x0):,}"
            )
        ax.set(title=title, xlabel="$x_1$", aspect="equal")
        ax.invert_yaxis()
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), markerscale=1.3)
    axes[0, 0].set_ylabel("$x_0$")
    return fig


@figure
def accuracy_by_task(final: pd.DataFrame) -> Figure:
    """Accuracy of each task at the end, a series a split, with chance.

    ``final``: ``split``, ``q``, ``accuracy``.
    """
    qs = sorted(final.q.unique())
    places = {q: i for i, q in enumerate(qs)}
    fig, ax = plt.subplots(figsize=(max(4.0, 2 + 0.4 * len(qs)), 3.2))
    for i, (split, rows) in enumerate(final.groupby("split", sort=False)):
        shift = 0.14 * (i - 1)
        x = [places[q] + shift for q in rows.q]
        color = SPLITS.get(str(split), PALETTE[i])
        ax.plot(x, rows.accuracy, MARKERS[i], color=color, ms=6, label=str(split))
    chance = 1 / np.array(qs)
    ax.plot(range(len(qs)), chance, "_", color="black", ms=12, label="chance, 1/q")
    ax.set_xticks(range(len(qs)), [str(q) for q in qs])
    ax.set(xlabel="modulus q", ylabel="accuracy", ylim=(0, 1.04))
    fig.legend(loc="outside upper center", ncols=4)
    return fig
