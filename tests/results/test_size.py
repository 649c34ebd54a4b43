"""What is committed stays small: the tables, and the whole tree, so that it can be copied."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modlib.machine import RESULTS, ROOT

MB, MIB = 10**6, 2**20


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of a folder's files by path: those that git tracks, and those that it would."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others"]
    try:
        done = subprocess.run(
            [*command, "--exclude-standard", "--", str(folder)],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("outside a checkout there is nothing to say which files belong to the project")
    paths = {ROOT / name for name in done.stdout.split("\0") if name}
    return {str(path.relative_to(ROOT)): path.stat().st_size for path in paths if path.is_file()}


def test_results_stay_under_45_mb():
    assert sum(sizes(RESULTS).values()) < 45 * MB


def test_no_file_of_results_is_above_4_mb():
    assert {name: size for name, size in sizes(RESULTS).items() if size > 4 * MB} == {}


def test_the_tree_without_its_history_stays_under_60_mib():
    assert sum(sizes(ROOT).values()) < 60 * MIB
