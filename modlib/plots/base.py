"""Style, colours, and the arrays behind a figure."""

from __future__ import annotations

import base64
import io
import os
import pickle
import textwrap
import zlib
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from modlib import edge
from modlib.errors import InputError, Refusal

STYLE = Path(__file__).with_name("modlib.mplstyle")
PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#8C6D1F",
    "#4D4D4D",
)
"""Okabe and Ito's colours, the cycle of ``modlib.mplstyle``."""
FOR_BOOK = "MODLIB_BOOK"
"""The environment's variable that the build of the book sets for its kernels."""
MIME = "application/vnd.modlib.figure"
"""The kind of output that a figure has then, beside the usual picture."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
NEUTRAL = "#767676"
"""What belongs to no cluster, and controls."""
ANSWER = "#FFD23F"
"""The right answer: gold, which no cluster has, and always a star with a black edge."""
SPLITS = {"train": PALETTE[0], "test": PALETTE[4], "validation": PALETTE[4]}
"""What was trained on is blue in every chapter, what was held out vermilion."""
TASKS = {2: PALETTE[4], 3: PALETTE[3], 5: PALETTE[2], 7: "black"}
"""Paper B's four easiest tasks, by q; the others go by a scale of q."""

P = ParamSpec("P")
STYLES = ("-", "--", ":", "-.")
NOTHING = "no two networks that learned"
WIDTH = 7.15
"""Inches of a figure as wide as the page's column of 688 pixels."""
UNDRAWN = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What drawing raises for no panel, an empty array, a table without its columns."""
MARK = PALETTE[4]
"""What a panel is about, always with a word beside it."""


def figure(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the book's style and close the figure, so that a page shows it once.

    Arguments are held to their types: see ``modlib.edge``. What is of the right type and cannot be
    drawn, no panel or a table without its columns, is refused too (``InputError``).
    """
    checked = edge.drawn(draw)

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with plt.style.context(STYLE):
            try:
                fig = checked(*args, **kwargs)
            except Refusal:
                raise
            except UNDRAWN as error:
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                rule = f"be given what it can draw ({reason})"
                given = [*(type(value).__name__ for value in args), *kwargs]
                raise InputError(f"plots.{draw.__name__}", rule, given) from error
            fig.canvas.draw()
        if FOR_BOOK in os.environ:
            canvas: Any = fig.canvas
            vars(fig)["_repr_mimebundle_"] = _Whole(fig, np.array(canvas.buffer_rgba()))
        plt.close(fig)
        return fig

    edge.PUBLIC[f"{draw.__module__}.{draw.__qualname__}"] = drawn
    return drawn


class _Whole:
    """A figure's output in the built book: itself, so that the build can draw it at any width.

    ``drawn``: its pixels, the usual picture beside it, which is then not drawn again for this.
    """

    def __init__(self, fig: Figure, drawn: np.ndarray) -> None:
        self.fig, self.drawn = fig, drawn

    def __call__(self, **_: Any) -> dict[str, str]:
        """The figure itself, or nothing where it can't be written: the usual picture is left."""
        picture = io.BytesIO()
        imsave(picture, self.drawn, format="png")
        whole = vars(self.fig).pop("_repr_mimebundle_", None)
        try:
            packed = base64.b64encode(zlib.compress(pickle.dumps(self.fig))).decode()
        except (pickle.PicklingError, AttributeError):
            return {}
        finally:
            vars(self.fig)["_repr_mimebundle_"] = whole
        return {MIME: packed, "image/png": base64.b64encode(picture.getvalue()).decode()}


def unpack(packed: str) -> Figure:
    """The figure that the output of a cell holds: a pickle, so only of cells this build has run."""
    return pickle.loads(zlib.decompress(base64.b64decode(packed)))


def cluster_color(index: int) -> str:
    """The colour that a cluster keeps through the book; -1 (no cluster) is grey."""
    return NEUTRAL if index < 0 else PALETTE[index % len(PALETTE)]


def intervals(
    ax: Axes,
    x: Any,
    value: Any,
    low: Any,
    high: Any,
    *,
    place: int = 0,
    color: str | None = None,
    label: str = "",
    **options: Any,
) -> None:
    """Points with the ends of their intervals; ``place`` chooses marker and colour."""
    value, low, high = (np.asarray(v, dtype=float) for v in (value, low, high))
    shape: dict[str, Any] = {"fmt": MARKERS[place % len(MARKERS)], "ms": 4, "elinewidth": 1.0}
    shape |= options
    ax.errorbar(
        np.asarray(x, dtype=float),
        value,
        yerr=np.stack([np.maximum(value - low, 0), np.maximum(high - value, 0)]),
        color=color or PALETTE[place % len(PALETTE)],
        label=label,
        **shape,
    )


def log_steps(ax: Axes, last: float) -> None:
    """A logarithmic axis from step 1 on."""
    ax.set_xscale("log")
    ax.set_xlim(1, max(last, 2))
    ax.xaxis.set_major_locator(FixedLocator([10**power for power in range(7)]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def log_edges(steps: Float[np.ndarray, " step"]) -> Float[np.ndarray, " edge"]:
    """Borders half-way between steps, in the logarithm."""
    if len(steps) == 1:
        return np.array([steps[0] / 2, steps[0] * 2])
    middles = np.sqrt(steps[1:] * steps[:-1])
    return np.concatenate([steps[:1], middles, steps[-1:]])


def empty_panel(ax: Axes, text: str) -> None:
    """An empty panel that says why it is empty, in lines no wider than itself."""
    ax.set_axis_off()
    fig = ax.get_figure(root=True)
    inches = ax.get_position().width * (fig.get_figwidth() if fig is not None else WIDTH)
    letters = int(72 * inches / (0.6 * plt.rcParams["font.size"]))
    said = ax.text(
        *(0.5, 0.5, textwrap.fill(text, max(12, letters))),
        ha="center",
        va="center",
        transform=ax.transAxes,
    )
    said.set_in_layout(False)  # else the panels beside it give way


def empty_figure(text: str) -> Figure:
    """A low figure that says why it is empty, in the book's style and closed as all others are."""
    with plt.style.context(STYLE):
        fig, ax = plt.subplots(figsize=(8, 1.2))
        empty_panel(ax, text)
        fig.canvas.draw()
    plt.close(fig)
    return fig


@edge.public
def data(fig: Figure) -> pd.DataFrame:
    """The arrays drawn in a figure: a row a point.

    Columns: ``axes`` (position, from 0), ``title``, ``artist`` (line, points, bar, area, image),
    ``series`` (position among its kind, from 0), ``label``, ``x``, ``y``, ``value`` (of images).
    """
    rows: list[pd.DataFrame] = []
    for position, ax in enumerate(fig.axes):
        for artist, series, label, columns in _artists(ax):
            block = pd.DataFrame(columns)
            block.insert(0, "axes", position)
            block.insert(1, "title", ax.get_title(loc="left"))
            block.insert(2, "artist", artist)
            block.insert(3, "series", series)
            block.insert(4, "label", label)
            rows.append(block)
    if not rows:
        return pd.DataFrame(columns=["axes", "title", "artist", "series", "label", "x", "y"])
    return pd.concat(rows, ignore_index=True)


def _artists(ax: Axes) -> list[tuple[str, int, str, dict[str, np.ndarray]]]:
    """Kind, position, label and arrays of everything with data in it."""
    found: list[tuple[str, int, str, dict[str, np.ndarray]]] = []
    for i, line in enumerate(ax.lines):
        x, y = (np.atleast_1d(np.asarray(v, dtype=float)) for v in line.get_data())
        found.append(("line", i, str(line.get_label()), {"x": x, "y": y}))
    points = [c for c in ax.collections if isinstance(c, PathCollection)]
    for i, collection in enumerate(points):
        offsets = np.asarray(collection.get_offsets(), dtype=float)
        label = str(collection.get_label())
        found.append(("points", i, label, {"x": offsets[:, 0], "y": offsets[:, 1]}))
    areas = [c for c in ax.collections if isinstance(c, PolyCollection)]
    for i, area in enumerate(areas):
        outline = np.concatenate([np.asarray(path.vertices) for path in area.get_paths()])
        found.append(("area", i, str(area.get_label()), {"x": outline[:, 0], "y": outline[:, 1]}))
    bars = [p for p in ax.patches if isinstance(p, Rectangle)]
    if bars:
        centre = np.array([bar.get_x() + bar.get_width() / 2 for bar in bars])
        height = np.array([bar.get_height() for bar in bars])
        found.append(("bar", 0, "", {"x": centre, "y": height}))
    grids = [np.asarray(image.get_array(), dtype=float) for image in ax.images]
    grids += [
        np.asarray(mesh.get_array(), dtype=float)
        for mesh in ax.collections
        if isinstance(mesh, QuadMesh)
    ]
    for i, grid in enumerate(grids):
        row, column = np.indices(grid.shape[:2])
        columns = {"x": column.ravel(), "y": row.ravel(), "value": grid.reshape(row.size, -1)[:, 0]}
        found.append(("image", i, "", columns))
    return found
