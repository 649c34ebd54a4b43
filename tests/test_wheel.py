"""What a wheel carries, and what an installation without a checkout does and refuses."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from modlib.machine import NOTEBOOKS, RESULTS, ROOT

SOURCES = ("modlib", "notebooks", "results")
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with the wheel's content, inside a repository that is not ours."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    for name in SOURCES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, tree)
    (tree / "results" / ".left").mkdir()
    (tree / "results" / ".left" / "half.parquet").touch()
    build = [*("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")]
    subprocess.run([sys.executable, *build, "-w", str(folder), str(tree)], check=True)
    (wheel,) = folder.glob("*.whl")
    place = folder / "elsewhere"
    zipfile.ZipFile(wheel).extractall(place)
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "not ours"]):
        name = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", "-C", str(place), *name, *words], check=True)
    return place


def modlib(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """``python -m modlib`` of the wheel."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "modlib", *words]
    return subprocess.run(
        command, cwd=installed, env=environment, capture_output=True, text=True, check=False
    )


def test_a_wheel_carries_chapters_and_tables_and_nothing_that_is_hidden(installed):
    carried = installed / "modlib" / "carried"
    for folder, pattern in ((NOTEBOOKS, "[0-9]*.ipynb"), (RESULTS, "**/*.*")):
        ours = {path.relative_to(ROOT) for path in folder.glob(pattern) if path.is_file()}
        ours = {name for name in ours if not any(part.startswith(".") for part in name.parts)}
        there = {p.relative_to(carried) for p in (carried / folder.name).rglob("*") if p.is_file()}
        assert there == ours
    assert (installed / "modlib" / "claims" / "figures.toml").is_file()


def imported(source: str) -> set[str]:
    """Top-level names that a source imports, but for the standard library's and modlib's."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.partition(".")[0] for name in names}
    return found - sys.stdlib_module_names - {"modlib"}


@pytest.mark.parametrize("chapter", sorted(NOTEBOOKS.glob("[0-9]*.ipynb")), ids=lambda p: p.stem)
def test_a_chapter_imports_only_what_a_wheel_brings(chapter):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[^\w.-]", line)[0].lower() for line in project["dependencies"]}
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    brought_by = packages_distributions()
    for name in imported("\n".join(sources)):
        assert declared & {package.lower() for package in brought_by[name]}, name


def test_a_wheel_runs_chapters_and_measures_claims(installed):
    listed = modlib(installed, "run", "99")
    assert "04_clusters" in listed.stderr
    assert "--seed int" in modlib(installed, "run", "04", "--help").stdout
    program = "from modlib.claims.measure import measure; print(measure(['A.sec54.log_growth']))"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=installed, env=environment, capture_output=True, text=True)
    assert "Measurement(" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "words", ["export A91 --num-seeds 1", "queue run A91", "search --export", "export A91 --sweep"]
)
def test_what_would_write_into_a_wheel_is_refused(installed, words):
    done = modlib(installed, *words.split())
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("modlib: results must be a folder of a checkout")


def test_the_commit_of_a_repository_around_it_is_not_ours(installed, tmp_path):
    words = "train --n 7 --num-neurons 8 --embed-dim 4 --epochs 1 --device cpu"
    environment = {**os.environ, "PYTHONPATH": str(installed), "MODLIB_STORE": str(tmp_path)}
    command = [sys.executable, "-m", "modlib", *words.split()]
    subprocess.run(command, cwd=installed, env=environment, capture_output=True, check=True)
    (manifest,) = tmp_path.rglob("MANIFEST.json")
    assert json.loads(manifest.read_text())["commit"] is None
