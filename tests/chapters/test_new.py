"""A chapter to begin with passes what every chapter has to, and every chapter has its places."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chapter_rule import broken, measure

from modlib.chapters.new import new_chapter
from modlib.chapters.parameters import check_values, declared_parameters
from modlib.errors import InputError
from modlib.machine import NOTEBOOKS, ROOT

CHAPTERS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))


def missing(root: Path, chapter: str) -> list[str]:
    """What a chapter still lacks."""
    tests = "".join(p.read_text(encoding="utf-8") for p in (root / "tests/chapters").glob("*.py"))
    toc = (root / "_toc.yml").read_text(encoding="utf-8")
    index = (root / "book/index.md").read_text(encoding="utf-8")
    source = (root / "notebooks" / f"{chapter}.ipynb").read_text(encoding="utf-8")
    facts = re.findall(r"from modlib\.chapters import (\w+) as facts", source)
    wanted = {
        "a line in _toc.yml": f"file: notebooks/{chapter}\n" in toc,
        "a row in book/index.md": f"](../notebooks/{chapter}.ipynb) | " in index,
        "a test of what it says": f'"{chapter}"' in tests,
        "its facts": all((root / f"modlib/chapters/{name}.py").exists() for name in facts),
    }
    return [name for name, there in wanted.items() if not there]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_chapter_has_its_places(chapter):
    assert missing(ROOT, chapter) == []


@pytest.fixture
def tree(tmp_path) -> Path:
    """A copy of the checkout without tables."""
    for name in ("modlib", "scripts", "book", "notebooks", "tests"):
        left_out = shutil.ignore_patterns("__pycache__", "_build", "assets")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=left_out)
    for name in ("_toc.yml", "CONTRIBUTING.md", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def run(tree: Path, *words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_chapter_keeps_every_rule_from_the_start(tree):
    import nbformat

    written = new_chapter("17_two_circles", tree)
    assert {path.relative_to(tree).as_posix() for path in written} == {
        *("notebooks/17_two_circles.ipynb", "modlib/chapters/two_circles.py"),
        *("tests/chapters/test_two_circles.py", "modlib/chapters/chapters.toml"),
        *("book/api/chapters.md", "_toc.yml", "book/index.md", "README.md"),
    }
    assert missing(tree, "17_two_circles") == []
    notebook = tree / "notebooks" / "17_two_circles.ipynb"
    text = notebook.read_text(encoding="utf-8")
    assert nbformat.writes(nbformat.reads(text, as_version=4)) + "\n" == text
    assert broken(measure(nbformat.reads(text, as_version=4))) == {}
    check_values(*declared_parameters(notebook))
    files = [str(path) for path in written if path.suffix in (".py", ".ipynb")]
    run(tree, "ruff", "check", *files)
    run(tree, "ruff", "format", "--check", *files)
    run(tree, "pytest", "-q", "-p", "no:cacheprovider", "tests/chapters/test_two_circles.py")


@pytest.mark.parametrize("part", ["_toc.yml", "book/index.md", "tests/chapters/test_circles.py"])
def test_what_a_chapter_lacks_is_named(tree, part):
    name = "_".join(("17", "circles"))  # not in one word, which would be found in this test
    new_chapter(name, tree)
    (tree / part).write_text("")
    (said,) = missing(tree, name)
    assert Path(part).name.split(".")[0].replace("test_circles", "test") in said


@pytest.mark.parametrize("name", ["17", "circles", "7_circles", "17_Circles", "../17_a", "17_a.b"])
def test_a_name_of_another_form_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="two digits, _ and a word"):
        new_chapter(name, tmp_path)


@pytest.mark.parametrize("name", ["16_circles", "17_clusters"])
def test_what_is_there_is_not_written_over(tree, name):
    before = {p: p.read_bytes() for p in tree.rglob("*") if p.is_file()}
    with pytest.raises(InputError, match="name must"):
        new_chapter(name, tree)
    assert before == {p: p.read_bytes() for p in tree.rglob("*") if p.is_file()}
