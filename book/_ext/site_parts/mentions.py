"""Mentions: the text before a figure or a table tells its number.

Where a chapter does not refer to one by itself, the last sentence before it ends with a link,
"(Figure 7.3)". So every number is told, and none of them is typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes
from sphinx.util.nodes import make_refnode

from site_parts.ledger import claim_card
from site_parts.numbering import noted

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NAMES = {"figure": ("Figure", "Figures"), "table": ("Table", "Tables")}
AROUND = (nodes.document, nodes.section, nodes.container, addnodes.only)
"""What a paragraph of the running text stands in: no list, no box, no caption, no table."""
ENDS = (".", ":", "?", "!", ";")


class mention(nodes.Inline, nodes.Element):
    """Numbers to tell: ``figure`` and ``table`` hold the names of what is meant."""


def mention_shown(app: Sphinx, doctree: nodes.document) -> None:
    """Give every numbered figure and table that a chapter does not refer to a mention.

    It stands in the last paragraph before, or the first after where a section begins with it.
    """
    page = app.env.docname
    if not page.startswith("notebooks/"):
        return
    known = {
        name: kind
        for kind, names in noted(app.env)[page].items()
        if kind in NAMES
        for name in names
    }
    told = {link["reftarget"] for link in doctree.findall(addnodes.pending_xref)}
    before: list[nodes.paragraph] = []
    waiting: dict[nodes.section | None, list[tuple[str, int]]] = {}
    for node in list(doctree.findall(nodes.Element)):
        own = section_of(node)
        if isinstance(node, nodes.paragraph) and in_text(node):
            before.append(node)
            for name, _ in waiting.pop(own, ()):
                add(node, known[name], name)
        for name in known.keys() & set(node["ids"]) - told:
            if before and section_of(before[-1]) is own:
                add(before[-1], known[name], name)
            else:
                waiting.setdefault(own, []).append((name, max(len(before), 1)))
    for name, place in (one for left in waiting.values() for one in left):
        if before:  # its section has no text: the last before it
            add(before[place - 1], known[name], name)


def in_text(paragraph: nodes.paragraph) -> bool:
    """Whether a paragraph says something and stands in the running text."""
    node = paragraph.parent
    while node is not None:
        if not isinstance(node, AROUND) or isinstance(node, claim_card):
            return False
        node = node.parent
    return "times" not in paragraph["classes"] and len(paragraph.astext().split()) > 3


def section_of(node: nodes.Node | None) -> nodes.section | None:
    while node is not None and not isinstance(node, nodes.section):
        node = node.parent
    return node


def add(paragraph: nodes.paragraph, kind: str, name: str) -> None:
    """Tell one more number at the end of a paragraph, before its last mark."""
    found = next(paragraph.findall(mention), None)
    if found is None:
        found = mention(figure=[], table=[])
        last = paragraph.children[-1]
        written = str(last).rstrip() if isinstance(last, nodes.Text) else ""
        if written.endswith(ENDS):
            paragraph.replace(last, nodes.Text(written[:-1]))
            paragraph += [found, nodes.Text(written[-1])]
        else:
            paragraph += found
    found[kind].append(name)


def tell(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Write the numbers of a mention, each a link."""
    for node in list(doctree.findall(mention)):
        parts: list[nodes.Node] = []
        for kind, words in NAMES.items():
            numbers = app.env.toc_fignumbers.get(page, {}).get(kind, {})
            links = [
                make_refnode(
                    app.builder, page, page, name, nodes.Text(".".join(map(str, numbers[name])))
                )
                for name in node[kind]
            ]
            if not links:
                continue
            parts.append(nodes.Text((", " if parts else "") + words[len(links) > 1] + "\u00a0"))
            for i, link in enumerate(links):
                joint = " and " if i == len(links) - 1 else ", "
                parts += [nodes.Text(joint), link] if i else [link]
        node.replace_self([nodes.Text(" ("), *parts, nodes.Text(")")])


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(mention)
    app.connect("doctree-read", mention_shown, priority=560)  # after numbers are given
    app.connect("doctree-resolved", tell, priority=300)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
