"""What stands around the pages: times, citing, links to the source, search, small files.

The address of the repository is said once, in ``_config.yml``; where it is empty, no button and
no link leads to it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml
from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from modlib.claims.register import load_figures
from site_parts.figures import book_figure

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[3]
WORDS_A_MINUTE = 230
ICON = re.compile(r"\bfa-([a-z0-9-]+)\b")
ICON_SET = re.compile(
    r'(?<=[{,])"?(?P<name>[a-z0-9-]+)"?:\[\d+,\d+,\[[^\]]*\],"[0-9a-f]+",'
    r'(?:"[^"]*"|\["[^"]*","[^"]*"\])\],?'
)
FONTS = "output/chtml/fonts/woff-v2"


# Times


class times(nodes.General, nodes.Element):
    """Where the minutes of a chapter stand."""


def place_times(app: Sphinx, doctree: nodes.document) -> None:
    """Put the time to read and to run below a chapter's title."""
    page = app.env.docname
    if not page.startswith("notebooks/"):
        return
    title = doctree.next_node(nodes.title)
    if title is not None:
        words = sum(
            len(node.astext().split())
            for node in unfolded(doctree)
            if isinstance(node, nodes.paragraph | nodes.table) and not in_table(node)
        )
        title.parent.insert(title.parent.index(title) + 1, times(words=words))


HIDDEN = ("output", "input+output", "all")
"""How a cell is folded whose outputs a page does not show."""


def unfolded(node: nodes.Node) -> Iterator[nodes.Node]:
    """What a reader sees who opens nothing: neither dropdowns, nor ``<details>``, nor outputs that
    are folded."""
    depth = 0
    for child in node.children:
        if isinstance(child, nodes.raw):
            depth += child.astext().count("<details") - child.astext().count("</details")
        elif depth == 0 and not is_folded(child):
            yield child
            yield from unfolded(child)


def is_folded(node: nodes.Node) -> bool:
    """Whether a node is closed until it is clicked."""
    if not isinstance(node, nodes.Element):
        return False
    return node.get("design_component") == "dropdown" or node.get("hide_mode") in HIDDEN


def in_table(node: nodes.Node) -> bool:
    node = node.parent
    while node is not None:
        if isinstance(node, nodes.table) or "claim" in getattr(node, "attributes", {}):
            return True
        node = node.parent
    return False


def write_times(app: Sphinx, doctree: nodes.document, page: str) -> None:
    for node in list(doctree.findall(times)):
        minutes = max(1, round(node["words"] / WORDS_A_MINUTE))
        told = f"{minutes} minute{'s' if minutes > 1 else ''} to read"
        executed = getattr(app.env, "nb_metadata", {}).get(page, {}).get("exec_data") or {}
        if executed.get("runtime"):
            told += f"; {duration(executed['runtime'])} to run when this page was made"
        node.replace_self(nodes.paragraph(told, told, classes=["times"]))


def duration(seconds: float) -> str:
    """Seconds in words a reader plans with."""
    if seconds < 90:
        return f"{max(10, round(seconds / 10) * 10)} seconds"
    return f"{round(seconds / 60)} minutes"


# Citing, and the papers' figures


class CiteThis(SphinxDirective):
    """``{cite-this}``: how to cite the book, from CITATION.cff."""

    def run(self) -> list[nodes.Node]:
        cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
        names = [
            one.get("name") or f"{one['family-names']}, {one['given-names']}"
            for one in cff["authors"]
        ]
        fields = {
            "title": f"{{{cff['title']}}}",
            "author": " and ".join(f"{{{name}}}" if " " in name else name for name in names),
            "version": cff["version"],
            "year": str(cff.get("date-released", ""))[:4],
            "url": cff.get("repository-code", ""),
            "note": f"Licence: {cff['license']}",
        }
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        text = "\n".join(["@software{how_networks_add,", *lines, "}"])
        said = f"This book is under the {cff['license']} licence. To cite it:"
        box = nodes.container(classes=["cite-this"])
        box += nodes.paragraph(said, said)
        box += nodes.literal_block(text, text, language="bibtex")
        return [box]


class quoted(nodes.General, nodes.Element):
    """A figure of another page: ``label``, ``alt``."""


class QuotedFigure(SphinxDirective):
    """``{quoted-figure} label``: a chapter's figure with a caption of this page's own."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"alt": str}

    def run(self) -> list[nodes.Node]:
        figure = nodes.figure(classes=["quoted"])
        figure += quoted(label=self.arguments[0], alt=self.options.get("alt", ""))
        caption = nodes.caption()
        box = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, box)
        caption += box.children[0].children if box.children else []
        figure += caption
        return [figure]


class PapersFigures(SphinxDirective):
    """``{papers-figures} A``: which figure of a paper is where in the book."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        rows = [f for f in load_figures().values() if f.id.startswith(self.arguments[0])]
        table = nodes.table(classes=["papers-figures"])
        group = nodes.tgroup(cols=3)
        table += group
        group += [nodes.colspec(colwidth=width) for width in (10, 20, 70)]
        head, body = nodes.thead(), nodes.tbody()
        group += [head, body]
        head += row_of(*(nodes.paragraph(t, t) for t in ("Paper's", "Here", "What it shows")))
        for figure in rows:
            link = nodes.inline("", "", figure_label=figure.label, page=figure.chapter)
            row = row_of(
                nodes.paragraph(figure.id, figure.id),
                nodes.paragraph("", "", link),
                nodes.paragraph(figure.shows, figure.shows),
            )
            row["ids"].append(f"figure-{figure.id.lower()}")
            body += row
        return [table]


def row_of(*cells: nodes.Node) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


def fill_quotes(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put other pages' figures and their numbers where they are asked for."""
    where = {f.label: f"notebooks/{f.chapter}" for f in load_figures().values()}
    for node in list(doctree.findall(quoted)):
        if where[node["label"]] not in app.env.found_docs:
            logger.warning("%s is on no page", node["label"], location=page)
            node.parent.remove(node)
            continue
        there = app.env.get_doctree(where[node["label"]])
        named = (f for f in there.findall(nodes.figure) if node["label"] in f["ids"])
        found = next((f for one in named for f in one.findall(book_figure)), None)
        if found is None:
            logger.warning("%s is not drawn", node["label"], location=page)
            node.parent.remove(node)
            continue
        copy = found.deepcopy()
        copy["alt"] = node["alt"] or copy["alt"]
        node.replace_self(copy)
    for node in list(doctree.findall(nodes.inline)):
        if "figure_label" not in node:
            continue
        there = f"notebooks/{node['page']}"
        number = app.env.toc_fignumbers.get(there, {}).get("figure", {}).get(node["figure_label"])
        chapter = int(node["page"][:2])
        words = f"Figure {'.'.join(map(str, number))}" if number else f"chapter {chapter}"
        name = node["figure_label"] if number else ""
        if there in app.env.found_docs:
            node.replace_self(make_refnode(app.builder, page, there, name, nodes.Text(words)))
        else:
            node.replace_self(nodes.Text("to come"))


# Links to the source


def link_source(app: Sphinx, config: Any) -> None:
    """Buttons for source, changes and questions where the repository has an address."""
    config["html_search_scorer"] = str(ROOT / "book" / "assets" / "search.js")
    options = config["html_theme_options"]
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    url = settings["url"]
    if not url:
        return
    options |= {
        "repository_url": url,
        "repository_branch": settings["branch"],
        "path_to_docs": settings["path_to_book"],
        "use_repository_button": True,
        "use_edit_page_button": True,
        "use_issues_button": True,
    }
    if "github.com" in url:
        options["launch_buttons"] = {
            "binderhub_url": "https://mybinder.org",
            "notebook_interface": "jupyterlab",
        }


# What a page says of itself


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """A line for search engines and cards; tables and lists without what confuses a reader."""
    if doctree is not None:
        told = description(doctree)
        title = re.sub("<[^>]+>", "", context.get("title", ""))
        base = (app.config.html_baseurl or "").rstrip("/")
        card = (
            f"{base}/_static/three_scales.png"
            if base
            else context["pathto"]("_static/three_scales.png", 1)
        )
        tags = {"og:title": title, "og:description": told, "og:type": "article", "og:image": card}
        context["metatags"] = context.get("metatags", "") + "".join(
            f'\n<meta property="{name}" content="{escape(value)}">' for name, value in tags.items()
        )
        context["metatags"] += f'\n<meta name="description" content="{escape(told)}">'
        context["metatags"] += '\n<meta name="twitter:card" content="summary_large_image">'
    if "body" in context:
        body = context["body"].replace("<th></th>", "<td></td>")
        body = body.replace('<th class="head', '<th scope="col" class="head')
        body = body.replace('<th class="head"><p></p></th>', "<td></td>")
        body = re.sub(r' role="doc-(biblioentry|backlinks)"', "", body)
        context["body"] = body.replace('<div role="list" class="citation-list">', "<div>")
    if page == "search":
        app.add_js_file("texts.js")


def description(doctree: nodes.document) -> str:
    """The question of a chapter, or a page's first sentences."""
    for node in doctree.findall(nodes.paragraph):
        text = " ".join(node.astext().split())
        if len(text) > 40 and "times" not in node["classes"]:
            return text if len(text) <= 200 else text[:197].rsplit(" ", 1)[0] + "..."
    return doctree.next_node(nodes.title).astext() if doctree.next_node(nodes.title) else ""


# Small files


def finish(app: Sphinx, error: Exception | None) -> None:
    """Beside the pages: MathJax and its fonts, only the icons in use, the texts to search."""
    if error is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    package = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    target = (out / "_static" / app.config.mathjax_path).parent
    target.mkdir(parents=True, exist_ok=True)
    name = Path(app.config.mathjax_path).name
    shutil.copyfile(package / name, target / name)
    shutil.copytree(package / FONTS, target / FONTS, dirs_exist_ok=True)
    keep_icons(out)
    write_texts(app, out)


def keep_icons(out: Path) -> None:
    """Leave the icons that some page or script of the theme names."""
    script = out / "_static" / "scripts" / "fontawesome.js"
    if not script.exists():
        return
    scripts = ("sphinx-book-theme.js", "pydata-sphinx-theme.js")
    places = [*out.rglob("*.html"), *(script.parent / name for name in scripts)]
    named = {name for path in places for name in ICON.findall(path.read_text(encoding="utf-8"))}

    def kept(match: re.Match[str]) -> str:
        return match[0] if match["name"] in named else ""

    text = script.read_text(encoding="utf-8")
    script.write_text(ICON_SET.sub(kept, text), encoding="utf-8")
    for leftover in script.parent.glob("*.map"):
        leftover.unlink()


def write_texts(app: Sphinx, out: Path) -> None:
    """The words of every page, for the results of a search on a page without a server."""
    texts = {}
    for page in sorted(app.env.found_docs):
        if page.startswith("book/api"):
            continue
        doctree = app.env.get_doctree(page)
        parts = [
            node.astext()
            for node in doctree.findall(nodes.paragraph)
            if not isinstance(node.parent, nodes.entry) and "times" not in node["classes"]
        ]
        texts[page] = " ".join(" ".join(parts).split())
    content = f"window.BOOK_TEXTS = {json.dumps(texts, ensure_ascii=False)};\n"
    (out / "_static" / "texts.js").write_text(content, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("cite-this", CiteThis)
    app.add_directive("quoted-figure", QuotedFigure)
    app.add_directive("papers-figures", PapersFigures)
    app.connect("config-inited", link_source, priority=100)
    app.connect("doctree-read", place_times, priority=650)
    app.connect("doctree-resolved", write_times)
    app.connect("doctree-resolved", fill_quotes, priority=300)
    app.connect("html-page-context", describe)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
