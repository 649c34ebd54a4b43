"""Chapters are executed again when anything changes that their numbers and words rest on."""

from __future__ import annotations

import subprocess

import pytest

from modlib.machine import ROOT

NO_INPUT = {"modlib/py.typed"}


@pytest.fixture
def book(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    import modlib_book

    return modlib_book


def test_every_file_of_the_package_and_every_table_beside_manifests_is_an_input(book):
    if not (ROOT / ".git").exists():
        pytest.skip("what belongs to the package is asked of git")
    asked = ["git", "ls-files", "modlib", "results/*.csv"]
    tracked = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = (path for pattern in book.INPUTS for path in ROOT.glob(pattern))
    inputs = {path.relative_to(ROOT).as_posix() for path in found}
    there = {name for name in tracked.split() if (ROOT / name).exists()}
    assert len(there) > 300
    assert there - inputs == NO_INPUT


def test_one_changed_letter_is_seen(book, tmp_path, monkeypatch):
    monkeypatch.setattr(book, "ROOT", tmp_path)
    for name in ("modlib/a/say.md", "modlib/a/live.js", "modlib/a/live.css", "results/one.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old")
        before = book.fingerprint()
        path.write_text("new")
        assert book.fingerprint() != before
