"""What a phone asks of a figure: nothing stands beside its panels.

A legend, a bar of colour or the names of rows can take more than half of 350 pixels. Legends and
bars go below the panels, long names of rows are broken.
"""

from __future__ import annotations

import re
import textwrap
from itertools import pairwise
from typing import Any

from matplotlib.figure import Figure

LINE = 1.3
"""Height of a line of text, in sizes of its letters; a letter is some 0.56 of it wide."""
LETTER = 0.56
NAMES = 0.3
"""Share of the width that the names of rows may take."""
WIDE = 0.4
"""Share of the width from which on the legend of the only panel is too wide."""
BAR = 0.55
"""Inches that a bar of colour takes below a panel, with its numbers and its label."""
FORMULA = re.compile(r"\$[^$]+\$")
UNSEEN = re.compile(r"\\mathdefault|\\(?=[a-zA-Z])|[${}^_\s]")
"""What a formula is written with and does not show; a command's name is about as long as its sign
and the space around it."""


def letters(text: str) -> int:
    """About how many letters wide a text of one line is."""
    return len(FORMULA.sub(lambda formula: UNSEEN.sub("", formula[0]), text))


def broken(text: str, room: int) -> str:
    """A text in lines of so many letters; formulas and "p = 37" stay on one."""
    formulas = FORMULA.findall(text)
    plain = FORMULA.sub(lambda formula: "\1" * max(1, letters(formula[0])), text)
    plain = plain.replace(" = ", "\0=\0")
    lines = [
        part
        for line in plain.split("\n")
        for part in textwrap.wrap(line, room, break_long_words=False) or [""]
    ]
    joined = "\n".join(lines).replace("\0", " ")
    return re.sub("\1+", lambda _: formulas.pop(0), joined)


def clear_sides(fig: Figure, width: float) -> float:
    """Move what stands beside the panels; return the inches of height that it asks for."""
    return _legends_below(fig, width) + _bars_below(fig) + _names_broken(fig, width)


def _legends_below(fig: Any, width: float) -> float:
    found: dict[str, Any] = {}
    for ax in fig.axes:
        legend = ax.get_legend()
        if legend is None or not _in_the_way(legend, ax, width if len(fig.axes) == 1 else 99.0):
            continue
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            found.setdefault(text.get_text(), handle)
        size = legend.get_texts()[0].get_fontsize()
        legend.remove()
    if not found:
        return 0.0
    widest = max(map(letters, found)) * LETTER * size / 72 + 0.5
    across = max(1, min(len(found), int(width / widest)))
    fig.legend(list(found.values()), list(found), loc="outside lower center", ncols=across)
    return -(-len(found) // across) * LINE * size / 72


def _in_the_way(legend: Any, ax: Any, width: float) -> bool:
    """Whether a legend stands beside its panel, or is wide and its panel alone."""
    box, panel = legend.get_window_extent(), ax.get_window_extent()
    wide = box.width / ax.get_figure(root=True).dpi > WIDE * width
    return bool(box.x0 > panel.x1 - 1 or wide)


def _bars_below(fig: Any) -> float:
    rows = set()
    for ax in [ax for ax in fig.axes if hasattr(ax, "_colorbar")]:
        bar, info = ax._colorbar, ax._colorbar_info
        parents = [parent for parent in info["parents"] if parent in fig.axes]
        if bar.orientation == "horizontal" or not parents:
            continue
        for parent in parents:
            parent._colorbars.remove(ax)
        ax.remove()
        fig.colorbar(
            bar.mappable, ax=parents, location="bottom", aspect=30, fraction=0.05,
            label=ax.get_ylabel().replace("\n", " "), ticks=bar.locator, format=bar.formatter,
        )  # fmt: skip
        rows.add(tuple(id(parent) for parent in parents))
    return len(rows) * BAR


def _names_broken(fig: Any, width: float) -> float:
    extra = 0.0
    for ax in fig.axes:
        labels = [label for label in ax.get_yticklabels() if label.get_text()]
        if not labels or hasattr(ax, "_colorbar"):
            continue
        size = labels[0].get_fontsize()
        room = int(NAMES * width * 72 / (LETTER * size))
        names = [label.get_text() for label in ax.get_yticklabels()]
        in_lines = [broken(" ".join(name.split()), room) for name in names]
        if in_lines == names or max(map(letters, names)) <= room:
            continue
        ax.set_yticks(ax.get_yticks(), in_lines)
        lines = [name.count("\n") + 1 for name in in_lines]
        closest = max(a + b for a, b in pairwise(lines)) / 2 if len(lines) > 1 else lines[0]
        have = ax.get_window_extent().height / fig.dpi
        extra += max(0.0, len(lines) * closest * LINE * size / 72 - have)
    return extra


def labels_inside(fig: Any) -> bool:
    """Break labels of axes that reach out of the figure; return whether any is."""
    extra = 0.0
    for ax in fig.axes:
        label = ax.xaxis.label
        box = label.get_window_extent()
        middle = (box.x0 + box.x1) / 2
        if label.get_text() and (box.x0 < 0 or box.x1 > fig.bbox.x1):
            inches = 2 * min(middle, fig.bbox.x1 - middle) / fig.dpi
            room = max(8, int(inches * 72 / (LETTER * label.get_fontsize())))
            label.set_text(broken(" ".join(label.get_text().split()), room))
            extra += label.get_text().count("\n") * LINE * label.get_fontsize() / 72
    fig.set_figheight(fig.get_figheight() + extra)
    return extra > 0
