"""Chapters read alike on the site, in JupyterLab and in any other viewer of notebooks.

Roles of Sphinx (``cite``, ``doc``, ``ref``) are raw names there: chapters use links. Formulas are
numbered by JupyterLab too, but each notebook by itself, and not in what a cell says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from functools import cache

import pytest
from pybtex.database import parse_file

from modlib.chapters.contents import load_contents
from modlib.chapters.say import templates
from modlib.machine import NOTEBOOKS, ROOT

CHAPTERS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
ROLE = re.compile(r"\{([\w:]+)\}`([^`]*)`")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]*)#?([^)\s]*)\)")
EQUATION = re.compile(r"^:label: (\S+)", re.MULTILINE)


TITLES = {one.name: one.label for one in load_contents().chapters}
"""Each chapter's number and name."""


@cache
def papers() -> dict[str, set[str]]:
    """What a paper of the bibliography may be called, by its key."""
    names = {}
    for key, entry in parse_file(str(ROOT / "book" / "references.bib")).entries.items():
        last = ["".join(map(str, one.rich_last_names)) for one in entry.persons["author"]]
        who = f"{last[0]} et al." if len(last) > 2 else " and ".join(last)
        called = re.findall(r"Called (paper [AB])", entry.fields.get("note", ""))
        names[key] = {f"{who} ({entry.fields['year']})", f"{who}, {entry.fields['year']}", *called}
    return names


@cache
def labels(page: str) -> set[str]:
    text = (NOTEBOOKS / page).resolve().read_text(encoding="utf-8")
    return set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))


def texts(cells: list[dict]) -> Iterator[tuple[str, str]]:
    """What a reader meets, with its kind: ``markdown`` or ``caption``."""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            yield "markdown", "".join(cell["source"])
        yield "caption", cell["metadata"].get("mystnb", {}).get("figure", {}).get("caption", "")


def misread(kind: str, text: str, equations: Set[str] = frozenset()) -> list[str]:
    """The roles of a text that JupyterLab cannot show, and links that lead or read wrong."""
    shown = {
        "markdown": lambda role, target: role == "eq" and target in equations,
        "caption": lambda role, target: role == "glue:md",
        "template": lambda role, target: False,
    }[kind]
    wrong = [m[0] for m in ROLE.finditer(text) if not shown(m[1], m[2])]
    for said, page, place in LINK.findall(text):
        if page.endswith("bibliography.md"):
            fine = bool({said, said[:1].lower() + said[1:]} & papers().get(place, set()))
        elif page.endswith(".ipynb"):
            fine = TITLES.get(page.removesuffix(".ipynb")) == said and not place
        elif "://" in page:
            fine = True
        else:
            there = page.endswith(".md") and (NOTEBOOKS / page).exists()
            fine = bool(said) and there and (not place or place in labels(page))
        wrong += [] if fine else [f"[{said}]({page}#{place})"]
    return wrong


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_no_role_that_lab_leaves_raw_and_no_link_that_misleads(chapter):
    path = NOTEBOOKS / f"{chapter}.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    found = list(texts(cells))
    equations = {label for _, text in found for label in EQUATION.findall(text)}
    wrong = [role for kind, text in found for role in misread(kind, text, equations)]
    wrong += [role for _, text in templates(path) for role in misread("template", text)]
    assert wrong == []


def test_nor_have_the_templates_that_chapters_share():
    shared = sorted((ROOT / "modlib" / "chapters" / "templates").glob("*.md"))
    assert shared
    assert [misread("template", path.read_text(encoding="utf-8")) for path in shared] == (
        [[]] * len(shared)
    )


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("markdown", "as chapter {doc}`04_clusters` says"),
        ("markdown", "found {cite:p}`zhong2023`"),
        ("markdown", "equation {eq}`eq-elsewhere`"),
        ("markdown", "[5 · Clusters](04_clusters.ipynb)"),
        ("markdown", "[](04_clusters.ipynb)"),
        ("markdown", "[Zhong et al. (2024)](../book/bibliography.md#zhong2023)"),
        ("markdown", "[paper A](../book/bibliography.md#paperB)"),
        ("markdown", "[Zhong et al. (2023)](../book/bibliography.md)"),
        ("markdown", "[notation](../book/notations.md)"),
        ("markdown", "[deviations](../book/deviations.md#dev-none)"),
        ("caption", "as {eq}`eq-here` has it"),
        ("template", "by {eq}`eq-here`"),
        ("template", "by {ref}`dev-noise`"),
    ],
)
def test_what_misreads_is_named(kind, text):
    assert len(misread(kind, text, {"eq-here"})) == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("markdown", "[4 · Clusters](04_clusters.ipynb), [notation](../book/notation.md)"),
        ("markdown", "[Paper A](../book/bibliography.md#paperA) and {eq}`eq-here`"),
        ("markdown", "[Syrkis and Søgaard (2024)](../book/bibliography.md#paperB)"),
        ("template", "[deviations](../book/deviations.md#dev-noise)"),
        ("caption", "{glue:md}`name`"),
    ],
)
def test_what_reads_well_is_let_through(kind, text):
    assert misread(kind, text, {"eq-here"}) == []
