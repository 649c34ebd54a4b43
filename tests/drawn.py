"""Reading a figure back: its lines by label, and the ends of its intervals."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.collections import LineCollection
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
