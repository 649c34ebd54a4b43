"""Reading a figure back: its lines by label, and the ends of its intervals."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from modlib import plots


def points(fig: Figure, axes: int = 0) -> dict[str, pd.DataFrame]:
    """Lines and markers of a panel, by label."""
    drawn = plots.data(fig)
    rows = drawn[(drawn["axes"] == axes) & (drawn.artist == "line")]
    return dict(list(rows.groupby("label")))


def intervals(fig: Figure, axes: int = 0) -> set[tuple[float, ...]]:
    """(x, low, high) of every interval of a panel."""
    lines = [c for c in fig.axes[axes].collections if isinstance(c, LineCollection)]
    return {
        tuple(round(float(v), 6) for v in (segment[0][0], segment[0][1], segment[1][1]))
        for line in lines
        for segment in line.get_segments()
    }


def expected_intervals(
    x: Iterable[float], low: Iterable[float], high: Iterable[float]
) -> set[tuple[float, ...]]:
    """The same of arrays."""
    return {tuple(round(float(v), 6) for v in ends) for ends in zip(x, low, high, strict=True)}


def out_of_view(fig: Figure) -> list[str]:
    """Lines and sets of points of which no point lies within its panel's limits, by panel."""
    return [
        f"panel {place}: {label}"
        for place, ax in enumerate(fig.axes)
        for label, x, y in _in_data(ax)
        if np.isfinite(x + y).any() and not _inside(ax, x, y).any()
    ]


def _in_data(ax: Axes) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """What is drawn in both of a panel's own coordinates: label and places."""
    found = []
    for line in ax.lines:
        if all(line.get_transform().contains_branch_seperately(ax.transData)):
            x, y = (np.atleast_1d(np.asarray(v, dtype=float)) for v in line.get_data())
            found.append((str(line.get_label()), x, y))
    for dots in ax.collections:
        if isinstance(dots, PathCollection):
            x, y = np.asarray(dots.get_offsets(), dtype=float).T
            found.append((str(dots.get_label()), x, y))
    return found


def _inside(ax: Axes, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    (left, right), (low, high) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
    return (left <= x) & (x <= right) & (low <= y) & (y <= high)
