"""Numbers: figure 7.3, table 8.2 and equation (4.1), the same wherever they are referred to.

Sphinx numbers by the sections of its contents; here the number before the point is that of the
chapter. The papers' own numbers (A6, B16) stand behind a caption and lead to the page that lists
them all; "figure A6" in a sentence leads to our figure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.nodes import make_refnode

from modlib.claims.register import load_figures
from site_parts.ledger import claim_card

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

LETTERS = {"notation": "N", "how_to_run": "H", "many_seeds": "M", "scoreboard": "S"}
LETTERS |= {"deviations": "D", "glossary": "G"}
LIST_OF_FIGURES = "book/figures_of_the_papers"
PAPER_ID = re.compile(r"^((?:A|B)T?\d+[a-z]?)(?:,? (?:to|and) ((?:A|B)?T?\d+[a-z]?))?\. ")
IN_PROSE = re.compile(r"(?<![\w.])((?:A|B)T?\d{1,2}[a-z]?)\b(?![.\w]*\w)")
AFTER = re.compile(r"\b[Ff]igures?\s+(?:[AB]T?\d+[a-z]?(?:,\s+|\s+(?:and|to|or)\s+))*$")


def chapter_of(page: str) -> str:
    """What stands before the point: the chapter's number, or a letter on other pages."""
    stem = page.rpartition("/")[2]
    return str(int(stem[:2])) if page.startswith("notebooks/") else LETTERS.get(stem, "")


def note_numbered(app: Sphinx, doctree: nodes.document) -> None:
    """Remember which figures, tables and equations a page has, in their order."""
    env, page = app.env, app.env.docname
    figures = []
    for number, figure in enumerate(doctree.findall(nodes.figure), start=1):
        caption = figure.next_node(nodes.caption)
        if caption is None:
            continue
        if not figure["ids"]:
            figure["ids"].append(f"fig-{number}")
        figures.append(figure["ids"][0])
        move_paper_id(caption)
    equations = [
        node["ids"][0]
        for node in doctree.findall(nodes.math_block)
        if node.get("label") and node["ids"]
    ]
    tables = name_tables(doctree) if page.startswith("notebooks/") else []
    noted(env)[page] = {"figure": figures, "table": tables, "displaymath": equations}


def name_tables(doctree: nodes.document) -> list[str]:
    """Give each table of a chapter's text a name, and a title for its number; rows of the ledger
    have neither."""
    names = []
    for table in doctree.findall(nodes.table):
        if inside(table, claim_card):
            continue
        names.append(f"table-{len(names) + 1}")
        table["ids"].append(names[-1])
        if not isinstance(table.children[0], nodes.title):
            table.insert(0, nodes.title())
    return names


def inside(node: nodes.Node, kind: type[nodes.Node]) -> bool:
    while node is not None and not isinstance(node, kind):
        node = node.parent
    return node is not None


def move_paper_id(caption: nodes.caption) -> None:
    """A caption "A6. The votes ..." ends with the paper's number and begins with the finding."""
    first = caption.children[0] if caption.children else None
    if not isinstance(first, nodes.Text):
        return
    match = PAPER_ID.match(first)
    if match is None:
        return
    rest = str(first)[match.end() :]
    caption.replace(first, nodes.Text(rest[:1].upper() + rest[1:]))
    ids = match[0].strip().rstrip(".")
    caption += nodes.Text(" ")
    caption += nodes.inline("", "", nodes.Text(ids), classes=["paper-figure"], paper_id=match[1])


def noted(env: BuildEnvironment) -> dict[str, dict[str, list[str]]]:
    if not hasattr(env, "book_numbered"):
        env.book_numbered = {}
    return env.book_numbered


def forget(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    noted(env).pop(page, None)


def merge(
    app: Sphinx, env: BuildEnvironment, pages: Iterable[str], other: BuildEnvironment
) -> None:
    noted(env).update({page: noted(other)[page] for page in pages if page in noted(other)})


def number(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Put our numbers in the place of Sphinx's."""
    env.toc_fignumbers = {
        page: {
            kind: {name: numbered(page, i) for i, name in enumerate(names, start=1)}
            for kind, names in found.items()
        }
        for page, found in noted(env).items()
    }
    return []


def numbered(page: str, place: int) -> tuple[Any, ...]:
    chapter = chapter_of(page)
    return (chapter, place) if chapter else (place,)


def link_papers_figures(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Lead from "figure A6" to our figure, and from a caption to the list of all of them."""
    known = {
        name: figure
        for name, figure in load_figures().items()
        if f"notebooks/{figure.chapter}" in app.env.found_docs
    }
    for mark in list(doctree.findall(nodes.inline)):
        if "paper_id" in mark and LIST_OF_FIGURES in app.env.found_docs:
            target = f"figure-{mark['paper_id'].lower()}"
            link = make_refnode(
                app.builder, page, LIST_OF_FIGURES, target, mark.deepcopy(), "the papers' figures"
            )
            mark.replace_self(link)
    for text in list(doctree.findall(nodes.Text)):
        if not linkable(text):
            continue
        pieces, last, written = [], 0, str(text)
        for match in IN_PROSE.finditer(written):
            figure = known.get(match[1])
            if figure is None or not AFTER.search(written[: match.start()]):
                continue
            pieces.append(nodes.Text(written[last : match.start()]))
            target = f"notebooks/{figure.chapter}"
            pieces.append(
                make_refnode(app.builder, page, target, figure.label, nodes.Text(match[1]))
            )
            last = match.end()
        if pieces:
            pieces.append(nodes.Text(written[last:]))
            text.parent.replace(text, pieces)


def linkable(text: nodes.Text) -> bool:
    node = text.parent
    while node is not None:
        if isinstance(
            node,
            nodes.reference
            | nodes.literal
            | nodes.literal_block
            | nodes.title
            | nodes.raw
            | nodes.math
            | nodes.math_block
            | nodes.topic
            | nodes.caption,
        ):
            return False
        node = node.parent
    return True


def one_pair_of_brackets(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """An equation's number has brackets: none around them."""
    for link in list(doctree.findall(nodes.reference)):
        written = link.astext()
        if not re.fullmatch(r"\([\dA-Z.]+\)", written):
            continue
        place = link.parent.index(link)
        around = link.parent.children
        before = around[place - 1] if place else None
        after = around[place + 1] if place + 1 < len(around) else None
        if (
            isinstance(before, nodes.Text)
            and before.endswith("(")
            and isinstance(after, nodes.Text)
            and after.startswith(")")
        ):
            link.parent.replace(before, nodes.Text(str(before)[:-1]))
            link.parent.replace(after, nodes.Text(str(after)[1:]))


def count_by_chapter(app: Sphinx, config: Any) -> None:
    config["numfig"] = True
    config["math_numfig"] = True
    config["numfig_format"] = {"figure": "Figure %s", "table": "Table %s"}


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", count_by_chapter, priority=910)
    app.connect("doctree-read", note_numbered, priority=550)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-get-updated", number, priority=900)  # after Sphinx's own
    app.connect("doctree-resolved", link_papers_figures)
    app.connect("doctree-resolved", one_pair_of_brackets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
