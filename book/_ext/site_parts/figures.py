"""Figures: drawn at the width of the page, of a phone, and for a dark page.

In the built book a cell's output holds the figure itself (``plots.base``). It is written beside
the build, drawn by ``plots.page`` once for as long as it and the drawing code stay the same, and
shown as vectors with its size, so that nothing jumps and nothing is loaded before it is near.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from html import escape
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from myst_nb.core import render

from modlib.machine import end_with

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.writers.html5 import HTML5Translator

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "_build" / "figures"
MIME = "application/vnd.modlib.figure"
DRAWN_BY = ("base.py", "page.py", "phone.py", "modlib.mplstyle")
SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"')
"""Both lengths of a drawing, in points of 1/72 inch; a page has 96 pixels to the inch."""

under_way: dict[str, Future[None]] = {}
"""Figures that this build draws, by key."""


class book_figure(nodes.General, nodes.Element):
    """A figure by its key; ``name`` is that of its files, ``alt`` what it shows in words."""


class Renderer:
    """Takes the outputs that hold a figure; every other is left to the notebook's renderer."""

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        if data.mime_type != MIME:
            return None
        options = data.cell_metadata.get("mystnb", {}).get("image", {})
        return [book_figure(key=keep(data.string), alt=options.get("alt", ""), name="")]


def drawing_code() -> str:
    plots = ROOT / "modlib" / "plots"
    return "".join(hashlib.sha256((plots / name).read_bytes()).hexdigest() for name in DRAWN_BY)


def keep(packed: str) -> str:
    """Write a packed figure down; its key depends on it and on what draws it."""
    key = hashlib.sha256((packed + drawing_code()).encode()).hexdigest()[:20]
    folder = FOLDER / key
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / "packed").write_text(packed)
    begin_to_draw(key)
    return key


@cache
def drawers() -> ProcessPoolExecutor:
    """A process a core. Each starts anew: this one has threads, which a fork would not take."""
    return ProcessPoolExecutor(
        os.cpu_count() or 1,
        mp_context=get_context("spawn"),
        initializer=end_with,
        initargs=(os.getpid(),),
    )


def begin_to_draw(key: str) -> None:
    """Draw a figure while the next chapter is executed."""
    if key not in under_way and not (FOLDER / key / "done").exists():
        under_way[key] = drawers().submit(draw, key)


def draw(key: str) -> None:
    """Draw every rendering of a figure into its folder."""
    from modlib.plots.page import renderings

    folder = FOLDER / key
    for ending, content in renderings((folder / "packed").read_text()).items():
        (folder / f"figure{ending}").write_bytes(content)
    (folder / "done").touch()


def draw_missing(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Wait for the figures that are being drawn, and for those that a kill has left undrawn."""
    for packed in FOLDER.glob("*/packed"):
        begin_to_draw(packed.parent.name)
    for drawing in under_way.values():
        drawing.result()
    return []


def name_files(app: Sphinx, doctree: nodes.document) -> None:
    """Give a figure's files a name that tells where it is from."""
    stem = app.env.docname.rpartition("/")[2]
    figures = list(doctree.findall(book_figure))
    for number, node in enumerate(figures, start=1):
        parent = node.parent
        while parent is not None and not isinstance(parent, nodes.figure):
            parent = parent.parent
        label = parent["ids"][0] if parent is not None and parent["ids"] else str(number)
        node["name"] = f"{stem}-{label}"


def visit(self: HTML5Translator, node: book_figure) -> None:
    folder, target = FOLDER / node["key"], Path(self.builder.outdir) / self.builder.imagedir
    if not (folder / "done").exists():
        draw(node["key"])
    target.mkdir(parents=True, exist_ok=True)
    files = {}
    for path in sorted(folder.glob("figure*")):
        ending = path.name.removeprefix("figure")
        shutil.copyfile(path, target / f"{node['name']}{ending}")
        files[ending] = f"{self.builder.imgpath}/{node['name']}{ending}"
    alt = escape(node["alt"])
    parts = ['<div class="book-figure">']
    for kind, dark in (("only-light", ""), ("only-dark", "-dark")):
        wide, narrow = size(folder / "figure.svg"), size(folder / "figure-phone.svg")
        parts.append(
            f'<picture class="{kind}">'
            f'<source media="(max-width: 640px)" srcset="{files[f"-phone{dark}.svg"]}" '
            f'width="{narrow[0]}" height="{narrow[1]}">'
            f'<img class="{kind}" src="{files[f"{dark}.svg"]}" alt="{alt}" loading="lazy" '
            f'width="{wide[0]}" height="{wide[1]}"></picture>'
        )
    links = [
        f'<a href="{files[ending]}" download>{text}</a>'
        for ending, text in ((".svg", "SVG"), (".png", "PNG"), (".csv", "CSV"), (".csv.gz", "CSV"))
        if ending in files
    ]
    larger = '<button type="button" class="figure-larger">Enlarge</button>'
    parts.append(f'<div class="figure-tools">{larger}{"".join(links)}</div></div>')
    self.body.append("".join(parts))
    raise nodes.SkipNode


def size(drawing: Path) -> tuple[int, int]:
    width, height = SIZE.search(drawing.read_text()[:2000]).groups()  # type: ignore[union-attr]
    return round(float(width) * 96 / 72), round(float(height) * 96 / 72)


def skip(self: Any, node: nodes.Node) -> None:
    raise nodes.SkipNode


def ask_for_figures(app: Sphinx, config: Any) -> None:
    """Kernels of this build put figures into their outputs, and pages prefer them."""
    os.environ["MODLIB_BOOK"] = "1"
    for builder in ("html", "dirhtml"):
        config["nb_mime_priority_overrides"].append((builder, MIME, 1))


def setup(app: Sphinx) -> dict[str, bool]:
    render.load_mime_renders = lambda: [Renderer]
    app.add_node(
        book_figure, html=(visit, None), latex=(skip, None), text=(skip, None), man=(skip, None)
    )
    app.connect("config-inited", ask_for_figures, priority=100)
    app.connect("doctree-read", name_files, priority=600)
    app.connect("env-updated", draw_missing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
