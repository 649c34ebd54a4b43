"""Where the project's own files lie, and where runs are kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

ROOT = Path(__file__).resolve().parent.parent
"""Top of the checkout that this package is installed from."""

NOTEBOOKS = ROOT / "notebooks"
RESULTS = ROOT / "results"
EDITIONS = ("1", "2")
"""Editions of the ledger, each of which rests on seeds of its own."""


def results_of(edition: str) -> Path:
    """Root of the tables of an edition's networks; the first edition's is ``RESULTS``."""
    return RESULTS if edition == EDITIONS[0] else RESULTS / f"edition{edition}"


def store_root() -> Path:
    """Folder of the run store: ``$MODLIB_STORE``, else the user's cache folder."""
    chosen = os.environ.get("MODLIB_STORE")
    return Path(chosen).expanduser() if chosen else user_cache_path("modlib")
