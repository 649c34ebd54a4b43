"""Notebooks as tests (nbval): a machine that is busy may answer late, and that is no failure."""

from __future__ import annotations

import pytest

OUTPUT_TIMEOUT_S = 120
"""How long nbval waits for what a cell shows once it has run; its own 5 s fail under load."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for cell in items:
        if hasattr(cell, "output_timeout"):  # nbval has no option for it
            cell.output_timeout = OUTPUT_TIMEOUT_S
