"""Whatever is installed with the book is pinned, and its licence lets everyone use it."""

from __future__ import annotations

import re
import runpy
from importlib.metadata import version
from types import SimpleNamespace

import pytest

from modlib.machine import ROOT

licences = SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "licences.py")))
FREE = re.compile(r"MIT|BSD|Apache|ISC|MPL|Mozilla|PSF|Python Software Foundation|Public Domain")


def test_every_requirement_is_pinned():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    assert len(named) == len(licences.pinned())


def test_every_package_has_a_licence_that_lets_everyone_use_it():
    unlike = [row for row in licences.rows() if not FREE.search(row[2])]
    assert unlike == []


def test_the_table_is_that_of_the_pinned_packages():
    installed = {name: version(name).partition("+")[0] for name in licences.pinned()}
    other = {name for name, pin in licences.pinned().items() if installed[name] != pin}
    if other:
        pytest.skip(f"other versions are installed: {', '.join(sorted(other))}")
    assert licences.TABLE.read_text(encoding="utf-8") == licences.table(), (
        "python scripts/licences.py writes it anew"
    )
