"""The measures of a chapter's claims, and tables put in place of the committed ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modlib.claims import committed
from modlib.claims.measure import registered
from modlib.claims.register import load_claims
from modlib.claims.verdict import Measurement


def measures_of(chapter: str) -> list[Callable[[], Measurement]]:
    """What measures the claims that a chapter shows."""
    found = registered()
    return [found[claim.id] for claim in load_claims().values() if claim.chapter == chapter]


def place_tables(monkeypatch: pytest.MonkeyPatch, **finders: Callable[..., Any]) -> None:
    """Measures find these in place of what is committed: ``sweep``, ``remainders`` and so on.

    Called with a preset's name, a finder returns its tables, or None.
    """
    for kind, find in finders.items():
        monkeypatch.setattr(committed, f"_{kind}", lambda *args, find=find: find(*args[:-1]))
