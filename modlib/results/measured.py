"""Measured values, kept with checksums of what they rest on: the tables, and the code.

``results/measured.json`` is committed; what it lacks, or what has changed since, is measured again
and kept in the store. A value counts as long as all its checksums hold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from modlib.machine import RESULTS, store_root
from modlib.store.files import digest_of, write_atomically, writing
from modlib.store.folder import UNREADABLE
from modlib.store.replacing import found

FILE = "measured.json"

PACKAGE = Path(__file__).resolve().parents[1]

ROOMS = (
    *(
        "errors.py",
        "edge.py",
        "machine.py",
        "config",
        "maths",
        "tasks",
        "store",
        "models",
        "analysis",
    ),
    *("runs/remainders.py", "results", "queue", "claims"),
)
"""Where the code lies that makes a measured value of tables: of runs, what views of committed
networks and steps of their spectra come from."""

Entry = Mapping[str, Any]
"""``code`` and ``tables``, the checksums by folder, and ``told``: what was measured."""


@cache
def code_checksum() -> str:
    """One sha256 over the code that measures."""
    digest = hashlib.sha256()
    for room in ROOMS:
        place = PACKAGE / room
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            name = path.relative_to(PACKAGE).as_posix()
            digest.update(f"{name}\n{path.read_text(encoding='utf-8')}\n".encode())
    return digest.hexdigest()


@cache
def tables_checksum(folder: Path) -> str:
    """One sha256 over the files of a folder of tables; empty where there is no folder."""
    place = found(folder)
    files = [path for path in sorted(place.glob("*")) if path.is_file() and path.name[0] != "."]
    lines = "".join(f"{path.name} {digest_of(path)[1]}\n" for path in files)
    return hashlib.sha256(lines.encode()).hexdigest() if files else ""


def entry(tables: Collection[Path], told: Any) -> Entry:
    """What is kept of a value that was measured on these folders of ``results/``."""
    names = sorted(folder.relative_to(RESULTS).as_posix() for folder in tables)
    checksums = {name: tables_checksum(RESULTS / name) for name in names}
    return {"code": code_checksum(), "tables": checksums, "told": told}


def holds(kept: Entry) -> bool:
    """Whether neither the code nor a table has changed since."""
    try:
        return kept["code"] == code_checksum() and all(
            tables_checksum(RESULTS / name) == checksum for name, checksum in kept["tables"].items()
        )
    except (KeyError, TypeError, AttributeError):
        return False


def read_measured() -> dict[str, Entry]:
    """Entries by claim that still hold, of the committed file and of the store's."""
    return {name: kept for file in _files() for name, kept in _read(file).items() if holds(kept)}


def keep_measured(entries: Mapping[str, Entry], *, committed: bool = False) -> Path:
    """Add entries to the store's file, or write those of the committed one anew; returns it.

    Entries of the store's file that hold no longer are dropped.
    """
    ours, own = _files()
    file = ours if committed else own
    before = {} if committed else {n: kept for n, kept in _read(file).items() if holds(kept)}
    everything = dict(sorted({**before, **entries}.items()))
    text = json.dumps(everything, indent=1, ensure_ascii=False, default=_plain) + "\n"
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text.encode())
    return file


def _files() -> tuple[Path, Path]:
    return RESULTS / FILE, store_root() / FILE


def _read(file: Path) -> dict[str, Entry]:
    """What a file holds; nothing where it is missing or no longer readable."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except UNREADABLE:
        return {}
    return content if isinstance(content, dict) else {}


def _plain(number: Any) -> Any:
    """A number of NumPy's as Python's."""
    return number.item()
