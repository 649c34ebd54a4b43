"""A chapter's minutes are those of what a reader sees who opens nothing."""

from __future__ import annotations

from docutils import nodes

from modlib.machine import ROOT


def paragraph(text: str) -> nodes.paragraph:
    return nodes.paragraph(text, text)


def test_folded_text_is_not_counted(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    from site_parts.frame import unfolded

    shut = nodes.container("", paragraph("in a dropdown"), design_component="dropdown")
    hidden = nodes.container("", paragraph("a folded output"), hide_mode="output")
    code = nodes.container("", paragraph("beside folded code"), hide_mode="input")
    raw = [nodes.raw("", text, format="html") for text in ("<details><summary>", "</details>")]
    section = nodes.section("", paragraph("seen"), shut, hidden, code)
    section += [raw[0], paragraph("in details"), raw[1], paragraph("after")]
    found = [n.astext() for n in unfolded(section) if isinstance(n, nodes.paragraph)]
    assert found == ["seen", "beside folded code", "after"]
