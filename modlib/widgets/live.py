"""One live figure: an ipywidget where Python is there, one classic script where it is not."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import ipywidgets
import numpy as np
from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.figure import Figure

FOLDER = Path(__file__).parent
SCRIPTS = {
    "breaker": ("shared/network.js",),
    "choir": ("shared/network.js",),
    "cloud": ("shared/residues.js",),
    "company": ("shared/residues.js",),
    "crests": ("shared/network.js", "crests/view.js"),
    "desk": ("shared/remainders.js",),
    "film": ("shared/remainders.js",),
    "song": ("shared/remainders.js",),
    "spiral": ("shared/remainders.js",),
    "workers": ("shared/remainders.js",),
    "draw": ("shared/residues.js",),
    "drop": (
        *("shared/residues.js", "shared/initial.js", "shared/network.js", "crests/view.js"),
        *("drop/files.js", "drop/layouts.js", "drop/clusters.js"),
    ),
    "hands": ("shared/residues.js",),
    "trainer": (
        *("shared/residues.js", "shared/initial.js", "shared/network.js"),
        *("crests/view.js", "trainer/engine.js"),
    ),
    "unit": ("shared/residues.js", "shared/network.js"),
}
"""Scripts that a figure's module stands on, beside those that all share."""
EXPORT = "export default {"
SMALLER: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"(?s)<metadata>.*?</metadata>|<!--.*?-->", ""),
    (r"\s*\n\s*", " "),
    (r"(\d+\.\d)\d+", r"\1"),  # tenths of a point
    (r'<g id="[^"]*">', "<g>"),
    (r'(<use [^>]*?) style="[^"]*"', r"\1"),  # said by what is used
    (r' transform="rotate\(-0 [^"]*\)"', ""),
    (r" font-family: 'DejaVu Sans';?", ""),
    (r' d="[^"CQ]*"', lambda path: re.sub(r"(?<=\d) L (?=[\d.-])", " ", path[0])),
    (r"> <", "><"),
)
"""What makes an ``svg`` of matplotlib smaller and looks the same, in this order.

The last but one: a line goes on without being told so, but not after a curve.
"""


@cache
def read(*names: str) -> str:
    """These files of the folder, one after another."""
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)


def module_of(name: str) -> str:
    """A figure's front-end module, with what it stands on before it."""
    return read("shared/kit.js", "shared/philox.js", *SCRIPTS[name], f"{name}/widget.js")


def style_of(name: str) -> str:
    """A figure's style, after what all share."""
    own = FOLDER / name / "widget.css"
    return read("shared/live.css", *([f"{name}/widget.css"] if own.exists() else []))


def compact(source: str) -> str:
    """A script without lines of comment and without the space that begins its lines."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not re.match(r"//|/\*\*|\*/|\* ", line))


def as_script(name: str) -> str:
    """The module as a function that returns it: what a page opened from a file can run."""
    return f"() => {{\n{compact(module_of(name)).replace(EXPORT, 'return {')}\n}}"


def as_json(value: Any) -> str:
    """JSON that may stand in a script; bytes become ``{"base64": ...}``."""

    def encoded(what: Any) -> Any:
        if isinstance(what, bytes | memoryview):
            return {"base64": base64.b64encode(what).decode()}
        raise TypeError(f"{type(what).__name__} has no place in a page")

    text = json.dumps(value, default=encoded, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c")


def shares(values: Float[np.ndarray, ...]) -> bytes:
    """Numbers from 0 to 1 in steps of 1/65535, in C order, little-endian."""
    return np.round(np.clip(values, 0, 1) * 65535).astype("<u2").tobytes()


def in_pixels(fig: Figure) -> Figure:
    """A figure whose dots and images are pixels in an ``svg``, where they would be too many."""
    for artist in (artist for ax in fig.axes for artist in ax.collections):
        artist.set_rasterized(True)
    return fig


def as_svg(fig: Figure, words: str) -> str:
    """A figure as an ``svg`` that says in words what it shows, without what a reader never sees."""
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "live"}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for pattern, instead in SMALLER:
        svg = re.sub(pattern, instead, svg)
    spoken = f'<svg role="img" aria-label="{escape(words)}" font-family="DejaVu Sans, sans-serif"'
    return svg.replace("<svg", spoken, 1)


class LiveFigure(anywidget.AnyWidget):
    """What all live figures are; one gives its NAME, LINKED traits, ``picture`` and WORDS.

    Shown, it offers the widget and a text/html that works alone: with the module, the data, and
    a picture of the first state for print and for readers without JavaScript.
    """

    NAME: ClassVar[str]
    """Its folder, its name in a page's address."""
    LINKED: ClassVar[tuple[str, ...]] = ()
    """Traits that stand in the page's address: numbers or lists of numbers."""
    WORDS: ClassVar[str] = ""
    """What the picture shows."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "NAME" in vars(cls):  # not in the class that anywidget makes of each figure
            cls._esm, cls._css = module_of(cls.NAME), style_of(cls.NAME)
        super().__init_subclass__(**kwargs)

    def picture(self) -> Figure:
        """The first state, as a figure."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """The figure's own traits, by name."""
        shared = ipywidgets.DOMWidget.class_trait_names()
        names = [name for name in self.trait_names(sync=True) if name not in shared]
        return {name: getattr(self, name) for name in names if not name.startswith("_")}

    def html(self) -> str:
        """What a page shows where no kernel is."""
        state, linked = as_json(self.state()), json.dumps(self.LINKED)
        return (
            f'<div class="modlib-live" data-live="{self.NAME}">'
            f'<div class="live-picture">{as_svg(self.picture(), self.WORDS)}</div>'
            f"<style>{style_of(self.NAME)}</style>"
            f"<script>{compact(read('shared/host.js'))}</script>"
            f'<script>modlibLive.define("{self.NAME}", {as_script(self.NAME)});\n'
            f'modlibLive.start(document.currentScript.parentElement, "{self.NAME}", '
            f"{state}, {linked});</script></div>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        buffer = io.BytesIO()
        self.picture().savefig(buffer, format="png")
        return {**bundle, "text/html": self.html(), "image/png": buffer.getvalue()}, metadata
