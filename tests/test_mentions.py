"""The text before a figure or a table tells its number, wherever the chapter does not itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes

from modlib.machine import ROOT

PAGE = "notebooks/07_page"


@pytest.fixture
def mentions(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    from site_parts import mentions

    return mentions


def page(*sections: list[nodes.Node]) -> nodes.document:
    doctree = new_document(PAGE)
    for content in sections:
        doctree += nodes.section("", nodes.title("", "A heading"), *content)
    return doctree


def said(text: str, *more: nodes.Node) -> nodes.paragraph:
    return nodes.paragraph("", "", nodes.Text(text), *more)


def figure(name: str) -> nodes.figure:
    return nodes.figure("", nodes.caption("", "What is found, in a sentence."), ids=[name])


def told(mentions, doctree: nodes.document, page: str = PAGE) -> list[str]:
    """The paragraphs of a page once every number is told."""
    shown = {
        "figure": [node["ids"][0] for node in doctree.findall(nodes.figure)],
        "table": [node["ids"][0] for node in doctree.findall(nodes.table)],
    }
    numbers = {k: {name: (7, i) for i, name in enumerate(v, 1)} for k, v in shown.items()}
    env = SimpleNamespace(docname=page, book_numbered={page: shown}, toc_fignumbers={page: numbers})
    builder = SimpleNamespace(get_relative_uri=lambda *_: "")
    app = SimpleNamespace(env=env, builder=builder)
    mentions.mention_shown(app, doctree)
    mentions.tell(app, doctree, page)
    return [
        node.astext().replace("\u00a0", " ")
        for node in doctree.findall(nodes.paragraph)
        if not isinstance(node.parent, nodes.figure)
    ]


def test_a_number_stands_before_the_last_mark_of_the_paragraph_before(mentions):
    first, second = said("Look at the two curves."), said("What was seen is here.")
    assert told(mentions, page([first, figure("a"), second])) == [
        "Look at the two curves (Figure 7.1).",
        "What was seen is here.",
    ]


def test_what_follows_one_paragraph_is_told_together(mentions):
    table = nodes.table(ids=["t"])
    doctree = page([said("Three ways to see it:"), figure("a"), figure("b"), table])
    assert told(mentions, doctree) == ["Three ways to see it (Figures 7.1 and 7.2, Table 7.1):"]


def test_a_section_that_begins_with_a_figure_tells_it_after(mentions):
    doctree = page(
        [said("Of another section, this one.")], [figure("a"), said("It rises at once.")]
    )
    assert told(mentions, doctree) == [
        "Of another section, this one.",
        "It rises at once (Figure 7.1).",
    ]


def test_a_section_without_text_has_its_figure_told_before(mentions):
    doctree = page([said("The only text there is.")], [figure("a")])
    assert told(mentions, doctree) == ["The only text there is (Figure 7.1)."]


def test_a_number_that_the_text_tells_by_itself_is_told_once(mentions):
    link = addnodes.pending_xref("", reftarget="a")
    doctree = page([said("The curve rises, as here: ", link), figure("a")])
    assert told(mentions, doctree) == ["The curve rises, as here: "]


def test_lists_boxes_and_words_alone_tell_no_number(mentions):
    box = nodes.admonition("", said("A box beside the running text."))
    points = nodes.bullet_list("", nodes.list_item("", said("One of several points here.")))
    doctree = page([said("The text before the figure"), box, points, said("Here:"), figure("a")])
    assert told(mentions, doctree)[0] == "The text before the figure (Figure 7.1)"


def test_pages_that_are_no_chapters_stay_as_they_are(mentions):
    doctree = page([said("What the words mean."), figure("a")])
    assert told(mentions, doctree, "book/glossary") == ["What the words mean."]
