"""Words: what belongs together stays on one line, and a term says what it means.

The first time that a chapter uses a term of the glossary it becomes a link to it; the meaning
shows when it is pointed at or reached with the keyboard.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

GLOSSARY = "book/glossary"
PERCENT = re.compile(r"(?<=\d) (?=%)")
UNIT = re.compile(r"(?<=\d) (?=(?:MB|kB|GB|ms|px)\b)")
KEEP = (
    nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.comment,
)  # fmt: skip


def keep_together(app: Sphinx, doctree: nodes.document) -> None:
    """Spaces before percent signs and units do not break."""
    for text in list(doctree.findall(nodes.Text)):
        if isinstance(text.parent, KEEP):
            continue
        written = UNIT.sub("\u00a0", PERCENT.sub("\u00a0", str(text)))
        if written != str(text):
            text.parent.replace(text, nodes.Text(written))


def terms(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Name in the page and meaning, by term."""
    if not hasattr(env, "book_terms"):
        env.book_terms = {}
    return env.book_terms


def note_terms(app: Sphinx, doctree: nodes.document) -> None:
    if app.env.docname != GLOSSARY:
        return
    for entry in doctree.findall(nodes.definition_list_item):
        meaning = entry.next_node(nodes.definition)
        for term in entry.findall(nodes.term):
            if meaning is not None and term["ids"]:
                told = " ".join(meaning.children[0].astext().split())
                terms(app.env)[term.astext().lower()] = (term["ids"][0], told)


def explain_terms(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link the first use of each term in a chapter."""
    if not page.startswith("notebooks/") or not terms(app.env):
        return
    left = dict(terms(app.env))
    pattern = re.compile(
        r"(?<![\w-])(" + "|".join(sorted(map(re.escape, left), key=len, reverse=True)) + r")s?\b",
        re.IGNORECASE,
    )
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if not in_running_text(paragraph):
            continue
        for text in [child for child in paragraph.children if isinstance(child, nodes.Text)]:
            pieces, last, written = [], 0, str(text)
            for match in pattern.finditer(written):
                found = left.pop(match[1].lower(), None)
                if found is None:
                    continue
                uri = f"{app.builder.get_relative_uri(page, GLOSSARY)}#{found[0]}"
                pieces.append(nodes.Text(written[last : match.start()]))
                pieces.append(
                    nodes.reference(
                        "", match[0], internal=True, refuri=uri, reftitle=found[1], classes=["term"]
                    )
                )
                last = match.end()
            if pieces:
                pieces.append(nodes.Text(written[last:]))
                paragraph.replace(text, pieces)


def in_running_text(node: nodes.Node) -> bool:
    while node is not None:
        if isinstance(node, nodes.figure | nodes.table | addnodes.desc | nodes.topic):
            return False
        if "claim" in getattr(node, "attributes", {}):
            return False
        node = node.parent
    return True


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", keep_together, priority=700)
    app.connect("doctree-read", note_terms, priority=700)
    app.connect("doctree-resolved", explain_terms, priority=700)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
