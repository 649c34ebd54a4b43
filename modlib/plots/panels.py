"""What figures of several chapters repeat: grids of panels, and one legend for all of them."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend


def panel_grid(
    rows: int,
    columns: int,
    size: tuple[float, float],
    extra: tuple[float, float] = (0.0, 0.0),
    **options: Any,
) -> tuple[Figure, np.ndarray]:
    """A figure and its axes, (rows, columns); inches: ``size`` of a panel, ``extra`` beside."""
    width, height = size[0] * columns + extra[0], size[1] * rows + extra[1]
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, **options)


def legend_outside(fig: Figure, ax: Axes, ncols: int, *, place: str = "upper") -> Legend:
    """One legend above (``lower``: below) all panels, of what one of them names."""
    where: Any = f"outside {place} center"
    return fig.legend(*ax.get_legend_handles_labels(), loc=where, ncols=ncols)


def clear_rest(axes: np.ndarray, used: int) -> None:
    """Leave the panels after the first ``used`` ones blank."""
    for ax in axes.flat[used:]:
        ax.set_axis_off()
