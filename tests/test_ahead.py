"""Chapters of the book are executed side by side, and the pages are what they were."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from modlib.machine import ROOT, available_cores

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "site_parts.ahead"]
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_kernel_rgx_aliases = {{".*": "python3"}}
"""
# Each tells that it has begun, and goes on when the other has.
WAITING = """
import time
from pathlib import Path
Path("{own}.begun").touch()
end = time.monotonic() + 60
while not Path("{other}.begun").exists():
    assert time.monotonic() < end, "alone"
    time.sleep(0.1)
print("{own} and {other}")
"""


def notebook(path: Path, *cells: str) -> None:
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(f"# {path.stem}")]
        + [nbformat.v4.new_code_cell(cell) for cell in cells],
        # An alias leads to the kernel that is there.
        metadata={"kernelspec": {"name": "elsewhere", "display_name": "", "language": "python"}},
    )
    nbformat.write(made, path)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text("# Book\n\n```{toctree}\nfirst\nsecond\n```\n")
    notebook(folder / "first.ipynb", WAITING.format(own="first", other="second"))
    notebook(folder / "second.ipynb", WAITING.format(own="second", other="first"))
    return folder


def build(book: Path) -> tuple[int, str]:
    """The status of a build and what it said."""
    command = [sys.executable, "-m", "sphinx", "--no-color", "-b", "html", str(book)]
    done = subprocess.run(
        [*command, str(book / "_build" / "html")], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(available_cores() < 2, reason="one core")
def test_chapters_run_side_by_side_once_each_and_are_found_by_the_next_build(book):
    status, said = build(book)
    assert status == 0, said
    for own, other in (("first", "second"), ("second", "first")):
        assert f"{own} and {other}" in (book / "_build/html" / f"{own}.html").read_text()
        assert f"{own}: executed in" in said
    assert said.count("Using cached notebook") == 2  # MyST-NB has executed none itself
    assert "Executing notebook using" not in said
    # What has not changed is not executed again, and what has is.
    notebook(book / "second.ipynb", "print(6 * 7)")
    status, said = build(book)
    assert status == 0, said
    assert "first: executed" not in said
    assert "second: executed" in said
    assert "42" in (book / "_build/html/second.html").read_text()


def test_a_chapter_that_fails_ends_the_build_with_its_error_and_stops_the_others(book):
    notebook(book / "first.ipynb", "raise RuntimeError('planted')")
    notebook(book / "second.ipynb", "import time; time.sleep(600)")
    status, said = build(book)  # would take ten minutes if the other went on
    assert status != 0
    assert "planted" in said
    assert "first.ipynb" in said


def test_a_kernel_that_dies_leaves_its_chapter_to_the_build_itself(book):
    once = "from pathlib import Path; import os\n"
    once += "if not Path('died').exists(): Path('died').touch(); os._exit(1)\nprint(6 * 7)"
    notebook(book / "first.ipynb", once)
    notebook(book / "second.ipynb", "print('whole')")
    status, said = build(book)
    assert status == 0, said
    assert "42" in (book / "_build/html/first.html").read_text()
    assert "whole" in (book / "_build/html/second.html").read_text()
    assert "first is executed again" in said
