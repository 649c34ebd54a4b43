"""Figures of chapter 01: the split, loss and accuracy by epoch, frequencies by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from modlib.analysis.meso.clusters import Cluster
from modlib.plots.base import MARKERS, NEUTRAL, PALETTE, cluster_color, empty_panel, figure
from modlib.plots.base import SPLITS as COLORS
from modlib.plots.panels import legend_outside

SPLITS = {
    "train": ("training pairs", COLORS["train"], "-", "o"),
    "test": ("held-out pairs", COLORS["test"], "--", "s"),
}
"""Label, colour, line style and marker of each part of the pairs."""
MARK_STYLES = (":", "-.")


def _epoch_axis(ax: Axes, last: int) -> None:
    """A logarithmic axis of epochs with room for epoch 0, linear up to 1."""
    ax.set_xscale("symlog", linthresh=1, linscale=0.5)
    powers = [10**power for power in range(len(str(max(last, 1)))) if 10**power <= max(last, 1)]
    ax.xaxis.set_major_locator(FixedLocator([0, *powers]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.set_xlim(0, max(last, 1))


def _marks(ax: Axes, marks: Mapping[str, int | None], *, color: str = "black") -> None:
    """Vertical lines at named epochs; none where the epoch never came."""
    for (name, epoch), style in zip(marks.items(), MARK_STYLES, strict=False):
        if epoch is not None:
            ax.axvline(epoch, color=color, lw=1.2, ls=style, label=f"{name}: epoch {epoch}")


@figure
def training_split(answers: Int[np.ndarray, "a b"], is_train: Bool[np.ndarray, "a b"]) -> Figure:
    """The addition table with the held-out pairs left blank, and training pairs by answer."""
    n = len(answers)
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), width_ratios=(1.25, 1))
    image = axes[0].imshow(np.where(is_train, answers, np.nan), vmin=0, vmax=n - 1, aspect="equal")
    axes[0].set(xlabel="b", ylabel="a", title="training pairs (blank: held out)")
    fig.colorbar(image, ax=axes[0], label="answer c = a + b mod n", shrink=0.9)
    counts = np.bincount(answers[is_train], minlength=n)
    axes[1].bar(np.arange(n), counts, width=1.0, color=PALETTE[0])
    axes[1].axhline(counts.mean(), color="black", lw=1, ls="--", label="mean")
    axes[1].set(
        xlabel="answer c", ylabel="training pairs", title=f"of the {n} pairs of each answer"
    )
    axes[1].set_ylim(0, n)
    axes[1].legend(loc="upper right")
    return fig


def _curves(loss: Axes, accuracy: Axes, history: pd.DataFrame) -> None:
    """Loss and accuracy of both parts of the pairs; a part that does not exist is left out."""
    for split, (label, color, style, marker) in SPLITS.items():
        kept = history.dropna(subset=[f"{split}_loss"])
        if kept.empty:
            continue
        shown = marker if len(kept) == 1 else ""
        options: dict[str, Any] = {"color": color, "ls": style, "label": label}
        options |= {"marker": shown, "ms": 7, "clip_on": not shown}
        loss.plot(kept.epoch, kept[f"{split}_loss"], **options)
        accuracy.plot(kept.epoch, kept[f"{split}_accuracy"], **options)
    for ax in (loss, accuracy):
        _epoch_axis(ax, int(history.epoch.iloc[-1]))
    loss.set_yscale("log")
    accuracy.set_ylim(-0.03, 1.03)
    accuracy.set_xlabel("epoch (log scale)")


@figure
def learning_curves(
    history: pd.DataFrame, marks: Mapping[str, int | None], chance: float
) -> Figure:
    """Loss and accuracy by epoch on training and held-out pairs.

    ``marks``: named epochs; ``chance``: the loss of a guess, ln n.
    """
    fig, axes = plt.subplots(2, 1, figsize=(7, 5.2), sharex=True)
    _curves(axes[0], axes[1], history)
    axes[0].axhline(chance, color=NEUTRAL, lw=0.9, ls=(0, (1, 3)), label="guessing, ln n")
    axes[0].set_ylabel("cross-entropy (nats)")
    axes[1].set_ylabel("accuracy")
    for ax in axes:
        _marks(ax, marks)
    legend_outside(fig, axes[0], 2, place="lower")
    return fig


@figure
def control_curves(
    histories: Mapping[str, pd.DataFrame],
    numbers: Mapping[str, tuple[Int[np.ndarray, " epoch"], Float[np.ndarray, " epoch"]]],
) -> Figure:
    """Loss, accuracy and number of frequencies by epoch, a column a network.

    ``numbers``: epochs and the effective number of frequencies at each, by the same names.
    """
    count = len(histories)
    fig, axes = plt.subplots(
        3, count, figsize=(1.2 + 3.2 * count, 6.4), sharey="row", sharex="col", squeeze=False
    )
    for column, (title, history) in zip(axes.T, histories.items(), strict=True):
        _curves(column[0], column[1], history)
        column[0].set_title(title)
        epochs, number = numbers[title]
        column[2].plot(
            epochs, number, color="black", marker=".", ms=5, lw=1, clip_on=len(epochs) > 1
        )
        _epoch_axis(column[2], int(history.epoch.iloc[-1]))
        column[1].set_xlabel("")
        column[2].set_xlabel("epoch (log scale)")
    most = max((float(number.max()) for _, number in numbers.values()), default=1.0)
    axes[2, 0].set_ylim(0, 1.05 * most)
    axes[0, 0].set_ylabel("cross-entropy (nats)")
    axes[1, 0].set_ylabel("accuracy")
    axes[2, 0].set_ylabel("effective number\nof frequencies")
    legend_outside(fig, axes[0, 0], 2, place="lower")
    return fig


def _edges(epochs: Int[np.ndarray, " epoch"]) -> Float[np.ndarray, " edge"]:
    """Borders between measured epochs: half-way; the outer ones at the outer epochs."""
    if len(epochs) == 1:
        return np.array([0.0, 1.0])
    return np.concatenate([epochs[:1], (epochs[1:] + epochs[:-1]) / 2, epochs[-1:]]).astype(float)


@figure
def frequency_heatmap(
    epochs: Int[np.ndarray, " epoch"],
    share: Float[np.ndarray, "epoch freq"],
    clusters: Sequence[Cluster],
    marks: Mapping[str, int | None],
) -> Figure:
    """Share of the neurons' power at each frequency (rows) by epoch (columns).

    ``share`` starts at frequency 0. The frequencies of ``clusters`` are named on the right.
    """
    fig, ax = plt.subplots(figsize=(7.4, 4.6))
    last = share.shape[1] - 1
    rows = np.arange(last + 1) + 0.5
    mesh = ax.pcolormesh(
        _edges(epochs),
        rows,
        share[:, 1:].T,
        norm=PowerNorm(0.5, vmin=0, vmax=share.max()),
        shading="flat",
    )
    _epoch_axis(ax, int(epochs[-1]))
    _marks(ax, marks, color="white")
    proxies = [
        Line2D([], [], color="black", lw=1.2, ls=line.get_linestyle(), label=line.get_label())
        for line in ax.lines
    ]
    if proxies:
        fig.legend(handles=proxies, loc="outside upper center", ncols=2)
    for cluster in clusters:
        ax.annotate(
            f"f = {cluster.freq}",
            (1.02, cluster.freq),
            va="center",
            fontsize=8,
            xycoords=("axes fraction", "data"),
            annotation_clip=False,
        )
        ax.plot(
            [1.005],
            [cluster.freq],
            marker=MARKERS[cluster.index % len(MARKERS)],
            ms=5,
            color=cluster_color(cluster.index),
            clip_on=False,
            transform=ax.get_yaxis_transform(),
        )
    ax.set(xlabel="epoch (log scale)", ylabel="frequency (cycles per n)", ylim=(0.5, last + 0.5))
    fig.colorbar(mesh, ax=ax, label="share of the neurons' power (root scale)", pad=0.02)
    return fig


@figure
def frequency_race(
    epochs: Int[np.ndarray, " epoch"],
    share: Float[np.ndarray, "epoch freq"],
    clusters: Sequence[Cluster],
    others: Sequence[int],
    marks: Mapping[str, int | None],
) -> Figure:
    """Shares of the clusters' frequencies by epoch, and of ``others`` in grey, dashed."""
    fig, ax = plt.subplots(figsize=(7, 4.2))
    if not clusters and not others:
        empty_panel(ax, "no frequency stood out at any epoch")
        return fig
    for cluster in clusters:
        ax.plot(
            epochs,
            share[:, cluster.freq],
            color=cluster_color(cluster.index),
            lw=1.7,
            ms=4.5,
            marker=MARKERS[cluster.index % len(MARKERS)],
            markevery=4,
            label=f"f = {cluster.freq}",
        )
    for i, freq in enumerate(others):
        names = f"no cluster at the end: {', '.join(str(other) for other in others)}"
        ax.plot(
            epochs, share[:, freq], color=NEUTRAL, lw=1.1, ls="--", label=f"_{freq}" if i else names
        )
    _epoch_axis(ax, int(epochs[-1]))
    _marks(ax, marks)
    ax.set(xlabel="epoch (log scale)", ylabel="share of the neurons' power", ylim=(0, None))
    legend_outside(fig, ax, 3)
    return fig
