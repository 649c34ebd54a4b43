"""One list of papers and chapters: what it says is in the notebooks, the pages and the ledger."""

from __future__ import annotations

import json
import re

import pytest

from modlib.chapters import contents
from modlib.chapters.contents import load_contents
from modlib.claims.register import load_claims, load_figures
from modlib.errors import InputError
from modlib.machine import NOTEBOOKS, ROOT

ALL = load_contents()


def title_cells(name: str) -> list[str]:
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells[:2] if cell["cell_type"] == "markdown"]


def test_every_notebook_is_a_chapter_and_every_chapter_has_one():
    notebooks = {path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb")}
    assert {one.name for one in ALL.chapters} == notebooks


@pytest.mark.parametrize("chapter", ALL.chapters, ids=lambda one: one.name)
def test_a_chapter_has_its_number_and_names_its_papers(chapter):
    text = "\n".join(title_cells(chapter.name))
    assert re.match(rf"# {chapter.number} · \w", text)
    named = re.findall(r"\.\./book/bibliography\.md#(paper\w)", text)
    assert [ALL.papers[paper] for paper in chapter.papers] == list(dict.fromkeys(named))


def test_the_ledger_and_the_figures_know_these_papers_and_chapters():
    names = {one.name for one in ALL.chapters}
    rows = [*load_claims().values(), *load_figures().values()]
    assert {row.chapter for row in rows} <= names
    assert {row.paper for row in load_claims().values()} == set(ALL.papers)
    assert {row.id[0] for row in load_figures().values()} == set(ALL.papers)


def test_the_papers_are_in_the_bibliography():
    entries = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    assert set(ALL.papers.values()) <= set(re.findall(r"^@\w+\{(\w+),", entries, re.MULTILINE))


def test_the_pages_are_made_from_the_list():
    for path, text in contents.pages().items():
        assert path.read_text(encoding="utf-8") == text, "run: python scripts/rooms.py"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Clusters"', 'title = ""', "title of chapter 04_clusters must be a non-empty"),
        ('title = "Clusters"\n', "", "chapter 04_clusters must have the fields"),
        ('name = "04_clusters"', 'name = "03_embeddings"', "names of chapters must be used once"),
        ('papers = ["B", "A"]', 'papers = ["C"]', "papers of chapter 16_many_adders must be"),
    ],
)
def test_a_list_that_is_wrong_is_refused(tmp_path, old, new, said):
    text = (ROOT / contents.FILE).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / contents.FILE
    path.parent.mkdir(parents=True)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        load_contents(tmp_path)
