"""The licence of every package that requirements.txt pins, as the installed packages tell it.

    python scripts/licences.py

Writes ``results/licences.md``, which a page of the book shows.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageMetadata, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "results" / "licences.md"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)", re.MULTILINE)
UNTOLD = {"axe-playwright-python": "MIT"}
"""Licences that stand in a package's file LICENSE and not in its metadata."""


def pinned() -> dict[str, str]:
    """The version that requirements.txt names for each package."""
    return dict(PIN.findall((ROOT / "requirements.txt").read_text(encoding="utf-8")))


def licence(told: PackageMetadata) -> str:
    """A package's licence: its expression, else its classifiers, else its own words."""
    classifiers = [
        one.rpartition(" :: ")[2].removesuffix(" License")
        for one in told.get_all("Classifier") or []
        if one.startswith("License ::") and not one.endswith("OSI Approved")
    ]
    own = (told.get("License") or "").strip().partition("\n")[0]
    return told.get("License-Expression") or ", ".join(classifiers) or own


def rows() -> list[tuple[str, str, str]]:
    """Name, pinned version and licence of each package, by name."""
    return [
        (name, version, UNTOLD.get(name) or licence(metadata(name)))
        for name, version in sorted(pinned().items())
    ]


def table() -> str:
    """The rows as a page shows them."""
    lines = [f"| {' | '.join(row)} |" for row in rows()]
    return "\n".join(["| Package | Version | Licence |", "|---|---|---|", *lines]) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
