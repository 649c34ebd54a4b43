"""A figure as a page of the book needs it: for a column and for a phone, and with its numbers.

A page is narrower than some figures and a phone is narrower than most, while letters have to
keep their size. So a figure that is too wide is drawn again and its panels are put into fewer
columns, in reading order; each of them then says for itself what its row or column said.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Sequence
from itertools import pairwise
from string import ascii_lowercase
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import Collection, PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.projections.polar import PolarAxes

from modlib.plots import phone
from modlib.plots.base import STYLE, data, unpack

COLUMN, PHONE = 688 / 96, 350 / 96
"""Widths in inches; a page has 96 pixels to the inch."""
MOST_BYTES = 300_000
"""A drawing larger than this has its points and lines turned into pixels."""
DPI = 192
"""Of whatever is pixels: two a pixel of the page."""
MOST_POINTS = 1500
"""Markers or bars of one artist from which on they are pixels."""

NUMBER = re.compile(r"-?\d+\.\d{3,}")
LETTER = re.compile(r"\(?[a-z]\)|[A-Z]\. ")
ROW_NAME = re.compile(r"[a-z]{3}")
"""What names a row and is no number: none of several is left out."""
GAP = 0.1
"""Inches between the titles of two panels."""
ROW = 0.35
"""Inches between the rows of a figure, for a title and the labels of ticks."""


def renderings(packed: str) -> dict[str, bytes]:
    """Files of a figure that ``plots.base`` packed, by ending.

    ``.svg`` for a column, ``-phone.svg`` for a narrow screen, both also ``-dark``, ``.png``, and
    ``.csv``: the arrays that are drawn, packed as ``.csv.gz`` where there are very many.
    """
    files: dict[str, bytes] = {}
    for name, width, columns in (("", COLUMN, 3), ("-phone", PHONE, 1)):
        with plt.style.context(STYLE):
            fig = unpack(packed)
            added = name_panels(fig)
            if fig.get_figwidth() > width + 0.01 or _across(_rows(_panels(fig))) > columns:
                fit(fig, width, columns)
            elif break_titles(fig) or added:
                lay_out(fig)
            fig.set_layout_engine("none")  # everything has its place
            text = as_svg(fig)
            files[f"{name}.svg"] = text.encode()
            files[f"{name}-dark.svg"] = in_the_dark(text).encode()
            if not name:
                files[".png"] = _png(fig)
                files |= _table(fig)
        plt.close(fig)
    return files


def lay_out(fig: Figure) -> None:
    """Give everything its place. The layout alone: a drawing costs as much again."""
    engine = fig.get_layout_engine()
    if engine is not None:
        engine.execute(fig)


# Each file is drawn once, by its canvas: ``savefig`` would draw once more before, for the layout.
def _png(fig: Figure) -> bytes:
    buffer, drawn_at = io.BytesIO(), fig.dpi
    fig.dpi = DPI
    FigureCanvasAgg(fig).print_png(buffer)
    fig.dpi = drawn_at
    return buffer.getvalue()


def _table(fig: Figure) -> dict[str, bytes]:
    drawn = data(fig).dropna(axis="columns", how="all")
    text = drawn.to_csv(index=False, float_format="%.6g").encode()
    large = len(text) > MOST_BYTES
    return {".csv.gz": gzip.compress(text, mtime=0)} if large else {".csv": text}


DARK = {
    "#000000": "#e6e6e6",
    "#ffffff": "#121212",
    "#767676": "#a3a3a3",
    "#4d4d4d": "#b8b8b8",
    "#0072b2": "#3fa3e0",
    "#8c6d1f": "#c9a44a",
    "#009e73": "#21bd92",
    "#d55e00": "#f07c26",
    "#b0b0b0": "#6d7278",
    "#d9d9d9": "#3a4048",
    "#262626": "#e6e6e6",
}
"""What lines, letters and grounds are on a dark page; the colours of images stay."""
COLOR = re.compile(r"(?<=: )#[0-9a-f]{6}\b")


def in_the_dark(svg: str) -> str:
    """The same drawing for a dark page: what has no colour of its own becomes light."""
    svg = COLOR.sub(lambda color: DARK.get(color[0], color[0]), svg)
    return svg.replace("<svg ", '<svg fill="#e6e6e6" ', 1)


def as_svg(fig: Figure) -> str:
    """The figure as SVG: letters as outlines, what has very many points as pixels."""
    _to_pixels(artist for artist in _artists(fig) if _has_many_points(artist))
    text = _svg(fig)
    if len(text) > MOST_BYTES:
        _to_pixels(_artists(fig))
        text = _svg(fig)
    return text


def _svg(fig: Figure) -> str:
    buffer, drawn_at = io.StringIO(), fig.dpi
    settings: Any = {"svg.fonttype": "path", "svg.hashsalt": "modlib"}
    with plt.rc_context(settings):
        fig.dpi = DPI  # of what is pixels in it
        FigureCanvasSVG(fig).print_svg(buffer, metadata={"Date": None, "Creator": None})
    fig.dpi = drawn_at
    text = buffer.getvalue()
    return NUMBER.sub(_rounded, text)


def _rounded(number: re.Match[str]) -> str:
    """Hundredths of a point are enough for places; what is below one may be a scale."""
    value = float(number[0])
    return number[0] if abs(value) < 1 else f"{value:.2f}".rstrip("0").rstrip(".")


def _artists(fig: Figure) -> list[Artist]:
    found: list[Artist] = []
    for ax in fig.axes:
        found += [*ax.lines, *ax.collections, *ax.patches]
    return found


def _has_many_points(artist: Artist) -> bool:
    if isinstance(artist, QuadMesh):
        return True
    if isinstance(artist, PathCollection):
        return len(np.asarray(artist.get_offsets())) > MOST_POINTS
    if isinstance(artist, Collection):
        return len(artist.get_paths()) > MOST_POINTS
    if isinstance(artist, Line2D):
        marked = artist.get_marker() not in ("None", "none", "", " ", None)
        return len(np.asarray(artist.get_xydata())) > (MOST_POINTS if marked else 20 * MOST_POINTS)
    return False


def _to_pixels(artists: Any) -> None:
    for artist in artists:
        artist.set_rasterized(True)


def name_panels(fig: Figure) -> bool:
    """Give each of several panels a letter, in reading order, unless it has one.

    Return whether one had no title before, so that there may be no room for its letter.
    """
    panels = [panel[0] for row in _rows(_panels(fig)) for panel in row]
    if not 1 < len(panels) <= len(ascii_lowercase) or any(
        LETTER.match(_title(ax)) for ax in panels
    ):
        return False
    added = not all(_title(ax) for ax in panels)
    for letter, ax in zip(ascii_lowercase, panels, strict=False):
        where: Any = "left" if ax.get_title(loc="left") or not ax.get_title() else "center"
        ax.set_title(f"({letter}) {_title(ax)}".strip(), loc=where)
    return added


def break_titles(fig: Figure) -> bool:
    """Break titles that reach into the next panel, which a letter may do; return whether any."""
    extra = 0.0
    for row in _rows(_panels(fig)):
        for panel, after in zip(row, [*row[1:], None], strict=True):
            end = fig.bbox.x1 if after is None else after[0].get_window_extent().x0 - GAP * fig.dpi
            for title in (panel[0].title, panel[0]._left_title):  # type: ignore[attr-defined]
                box = title.get_window_extent()
                if title.get_text() and box.x1 > end:
                    extra = max(extra, _break(title, (end - box.x0) / fig.dpi))
    fig.set_figheight(fig.get_figheight() + extra)
    return extra > 0


def fit(fig: Figure, width: float, columns: int) -> None:
    """Put the panels of a figure into fewer columns so that it is ``width`` inches wide.

    Everything has its place then.
    """
    panels = _panels(fig)
    rows = _rows(panels)
    narrow = columns == 1
    if narrow and len(panels) > 8:
        columns = 2
    across = min(columns, max(_across(rows), 1))
    placed = _across(rows) > columns
    heights = [fig.get_figheight()]
    if placed:
        ordered = _ordered(rows, columns)
        heights = _heights(ordered, width, columns)
        _speak_for_themselves(rows)
        _place(fig, ordered, heights)
    fig.set_figwidth(width)
    extra = phone.clear_sides(fig, width) if narrow else 0.0
    extra += _wrap(fig, width, across)
    rest = ROW * len(heights) + 0.35 if placed else 0.0
    fig.set_figheight(sum(heights) + rest + extra)
    lay_out(fig)
    thinned = [_thin(axis) for ax in fig.axes for axis in (ax.xaxis, ax.yaxis)]
    if any([*thinned, narrow and phone.labels_inside(fig), break_titles(fig)]):
        lay_out(fig)


def _ordered(rows: Sequence[Sequence[list[Axes]]], columns: int) -> list[list[list[Axes] | None]]:
    """New rows. A full grid keeps its columns beside each other, so many at a time."""
    across = _across(rows)
    if columns > 1 and len(rows) > 1 and all(len(row) == across for row in rows):
        chunks = [range(i, min(i + columns, across)) for i in range(0, across, columns)]
        made = [[row[i] for i in chunk] for chunk in chunks for row in rows]
    else:
        panels = [panel for row in rows for panel in row]
        made = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    return [[*row, *[None] * (columns - len(row))] for row in made]


def _panels(fig: Figure) -> list[list[Axes]]:
    """Axes by place: twins lie on each other; bars of colour belong to their panels."""
    placed: dict[Any, list[Axes]] = {}
    for ax in fig.axes:
        spec = ax.get_subplotspec()
        if spec is None or hasattr(ax, "_colorbar"):
            continue
        if not ax.axison and not ax.has_data() and not ax.texts:
            continue
        placed.setdefault(tuple(np.round(ax.get_position(original=True).bounds, 3)), []).append(ax)
    return list(placed.values())


def _rows(panels: Sequence[list[Axes]]) -> list[list[list[Axes]]]:
    """Panels by row, from the top, each from the left; one over several rows stands in the first.

    The order of ``panels`` in place becomes this reading order.
    """
    by_top: dict[int, list[list[Axes]]] = {}
    for panel in panels:
        spec = panel[0].get_subplotspec()
        by_top.setdefault(spec.rowspan.start if spec else 0, []).append(panel)
    rows = [by_top[top] for top in sorted(by_top)]
    return [sorted(row, key=lambda panel: panel[0].get_position().x0) for row in rows]


def _across(rows: Sequence[Sequence[list[Axes]]]) -> int:
    return max((len(row) for row in rows), default=0)


def _heights(
    ordered: Sequence[Sequence[list[Axes] | None]], width: float, columns: int
) -> list[float]:
    """Inches of every new row: as high as its panels were, or square where they have to be."""
    room = width / columns - 0.6
    heights = []
    for row in ordered:
        found = []
        for ax in [panel[0] for panel in row if panel is not None]:
            box = ax.get_window_extent()
            fixed = isinstance(ax, PolarAxes) or ax.get_aspect() != "auto" or bool(ax.images)
            tall = room * box.height / max(box.width, 1.0) if fixed else box.height / _dpi(ax)
            found.append(float(np.clip(tall, 0.9, max(room, 2.6))))
        heights.append(max(found))
    return heights


def _dpi(ax: Axes) -> float:
    return float(ax.get_figure(root=True).dpi)  # type: ignore[union-attr]


def _speak_for_themselves(rows: Sequence[Sequence[list[Axes]]]) -> None:
    """Give each panel the labels that stood at the edge of its row or column, or on all of them."""
    last = rows[-1]
    for row in rows:
        for place, panel in enumerate(row):
            for ax in panel:
                first = row[0][0]
                if not ax.get_ylabel() and _shares(ax, first, "y"):
                    ax.set_ylabel(first.get_ylabel())
                foot = last[min(place, len(last) - 1)][0]
                if not ax.get_xlabel() and _shares(ax, foot, "x"):
                    ax.set_xlabel(foot.get_xlabel())
                _show_labels(ax, first, foot)
        heads = rows[0]
        for place, panel in enumerate(row):
            ax, head = panel[0], heads[min(place, len(heads) - 1)][0]
            if not _title(ax) and len(row) == len(heads):
                ax.set_title(_title(head), loc="left")


def _title(ax: Axes) -> str:
    return ax.get_title(loc="left") or ax.get_title()


def _shares(ax: Axes, other: Axes, name: str) -> bool:
    """Whether two panels have one axis in common, or the same limits of it."""
    if getattr(ax, f"get_shared_{name}_axes")().joined(ax, other):
        return True
    low, high = getattr(ax, f"get_{name}lim")(), getattr(other, f"get_{name}lim")()
    return bool(np.allclose(low, high))


def _show_labels(ax: Axes, first: Axes, foot: Axes) -> None:
    """Show the labels of ticks that only the first or the lowest of several panels had."""
    if _shares(ax, first, "y") and first.yaxis.get_tick_params().get("labelleft", True):
        ax.tick_params(labelleft=True)
    if _shares(ax, foot, "x") and foot.xaxis.get_tick_params().get("labelbottom", True):
        ax.tick_params(labelbottom=True)


def _place(
    fig: Figure, ordered: Sequence[Sequence[list[Axes] | None]], heights: Sequence[float]
) -> None:
    """Give every panel its place in a new grid; what was blank goes."""
    grid = fig.add_gridspec(len(heights), len(ordered[0]), height_ratios=list(heights))
    kept = {id(ax) for row in ordered for panel in row if panel for ax in panel}
    for ax in list(fig.axes):
        bar = hasattr(ax, "_colorbar")
        if ax.get_subplotspec() is not None and not bar and id(ax) not in kept:
            ax.remove()
    for y, row in enumerate(ordered):
        for x, panel in enumerate(row):
            for ax in panel or ():
                ax.set_subplotspec(grid[y, x])
                first = row[0][0] if row[0] else ax
                if ax is not first and ax.get_ylabel() == first.get_ylabel():
                    ax.set_ylabel("")


def _wrap(fig: Any, width: float, columns: int) -> float:
    """Break what is wider than its panel; return how many inches that adds to the height."""
    room = width / columns - (0.5 if columns == 1 else 0.8)
    of_row: dict[int, float] = {}
    for ax in fig.axes:
        spec = ax.get_subplotspec()
        of_bar = hasattr(ax, "_colorbar")
        titles = max(_break(one, room) for one in (ax.title, ax._left_title, ax._right_title))
        below = _break(ax.xaxis.label, width - 0.5 if of_bar else room)
        _break(ax.yaxis.label, max(1.4, ax.get_window_extent().height / fig.dpi))
        row = spec.rowspan.start if spec is not None else -1
        of_row[row] = max(of_row.get(row, 0.0), titles + below)
    extra = sum(of_row.values())
    if fig._suptitle is not None:
        extra += _break(fig._suptitle, width - 0.2)
    for legend in list(fig.legends):
        extra += _narrow(fig, legend, width)
    for ax in fig.axes:
        inside = ax.get_legend()
        if inside is not None:
            _slim(ax, inside, width / columns - 0.6)
    return extra


def _break(text: Any, inches: float) -> float:
    written = text.get_text()
    room = max(8, int(inches * 72 / (phone.LETTER * text.get_fontsize())))
    in_lines = phone.broken(written, room)
    more = in_lines.count("\n") - written.count("\n")
    if more > 0:
        text.set_text(in_lines)
    return more * phone.LINE * float(text.get_fontsize()) / 72


def _narrow(fig: Any, legend: Any, width: float) -> float:
    """A legend of a whole figure in as many columns as fit; return what it gains in height."""
    names = [text.get_text() for text in legend.get_texts()]
    size = legend.get_texts()[0].get_fontsize() if names else 8.0
    widest = max(map(phone.letters, names), default=0) * phone.LETTER * size / 72 + 0.5
    fits = max(1, int(width / widest))
    if fits >= legend._ncols:
        return 0.0
    rows = -(-len(names) // fits) - -(-len(names) // legend._ncols)
    title = legend.get_title().get_text()
    place = getattr(legend, "_outside_loc", None) or "upper"
    handles = list(legend.legend_handles)
    legend.remove()
    options: Any = {"title": title} if title else {}
    fig.legend(handles, names, loc=f"outside {place} center", ncols=fits, **options)
    return rows * 1.5 * size / 72


def _slim(ax: Any, legend: Any, room: float) -> None:
    """One column for a panel's own legend that is wider; the panel keeps its width."""
    inches = legend.get_window_extent().width / _dpi(ax)
    if inches > room and legend._ncols > 1:
        names = [text.get_text() for text in legend.get_texts()]
        ax.legend(list(legend.legend_handles), names, loc=legend._loc, ncols=1)
    if inches > room:
        ax.get_legend().set_in_layout(False)


def _thin(axis: Any) -> bool:
    """Hide every other label of an axis for as long as labels touch; return whether any is."""
    hidden = False
    shown = [label for label in axis.get_ticklabels() if label.get_text() and label.get_visible()]
    across = axis.axis_name == "x"
    if not across and any(ROW_NAME.search(label.get_text()) for label in shown):
        return False
    while len(shown) > 2:
        boxes = [label.get_window_extent() for label in shown]
        ends = [(box.x0, box.x1) if across else (box.y0, box.y1) for box in boxes]
        ends.sort()
        if all(b[0] - a[1] > 2 for a, b in pairwise(ends)):
            break
        for label in shown[1::2]:
            label.set_visible(False)
        shown, hidden = shown[::2], True
    return hidden
