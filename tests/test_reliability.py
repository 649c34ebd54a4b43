"""The parts of the battery with few tries: what ``make reliability`` does many times over."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modlib.machine import ROOT
from tried import company, damage, hostile, inputs, kills, load, oracles, places, planted, ports
from tried.battery import Battery

ONLY_HERE = pytest.mark.skipif(sys.platform != "linux", reason="kills and limits are Linux's")
pytestmark = [ONLY_HERE, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def battery(tmp_path: Path) -> Iterator[Battery]:
    """Few tries; at the end none has broken a promise."""
    logging.disable(logging.CRITICAL)
    few = Battery(1, 1, tmp_path)
    yield few
    logging.disable(logging.NOTSET)
    assert few.wrong == []


def test_a_battery_counts_what_breaks_a_promise(tmp_path):
    battery = Battery(1, 0, tmp_path, lambda line: None)
    battery.note("kills", "sweep", "as it was")
    battery.note("kills", "sweep", "refused")
    battery.measure("seconds", 1.0, "s", 2.0)
    for _ in range(19):
        battery.note_edit("results", "refused", "")
    battery.note_edit("results", "silent", "")
    assert battery.wrong == []
    battery.note("kills", "sweep", "silent")
    battery.note_edit("results", "silent", "")
    battery.measure("seconds", 3.0, "s", 2.0)
    assert battery.wrong == ["kills, sweep: silent", "seconds: 3 s", "edits: 90.5% caught"]


@pytest.mark.parametrize("name", ["train, addition", "sweep", "export of a sweep", "edition"])
def test_a_killed_command_goes_on_and_ends_with_the_same_bits(battery, name):
    kills.kills(battery, [name])
    assert sum(counts.total() for counts in battery.counts.values()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", kills.COMMANDS)
def test_every_killed_command_goes_on(battery, name):
    kills.kills(battery, [name])


def test_damaged_and_swapped_files_are_refused(battery):
    damage.damage(battery)
    damage.swaps(battery)


def test_hostile_checkpoints_are_refused(battery):
    hostile.hostile(battery)


def test_odd_places_work_or_are_refused(battery):
    places.places(battery)
    places.read_only(battery)


@pytest.mark.slow
def test_several_processes_and_a_prune_leave_what_one_leaves(battery):
    company.company(battery)


def test_a_pruned_sweep_is_whole_again(battery):
    company.pruned_sweeps(battery)


def test_numbers_are_those_of_another_way(battery):
    oracles.oracles(battery)


def test_false_claims_do_not_agree(battery):
    planted.planted_claims(battery)


def test_a_chapters_kernel_obeys_nobody_without_its_key(battery):
    ports.kernels(battery)
    ports.served(battery)


@pytest.mark.slow
def test_load(battery):
    load.load(battery, 300, 100, 100)


def test_anything_public_answers_or_refuses_in_a_line(battery):
    inputs.inputs(battery, 400)


def test_the_committed_table_loses_nothing_and_what_it_broke_is_told():
    table = (ROOT / "results" / "reliability.md").read_text(encoding="utf-8")
    page = (ROOT / "book" / "reliability.md").read_text(encoding="utf-8")
    total = next(line for line in table.splitlines() if line.startswith("| **All** |"))
    *_, lost, silent, ended = (cell.strip() for cell in total.strip("|").split("|"))
    assert (lost, silent) == ("0", "0")
    assert ended == "0" or f"Its {ended} tracebacks are of" in page
    kept = {"Promises broken: none.", "Promises broken: inputs, public functions: traceback."}
    assert {line for line in table.splitlines() if line.startswith("Promises")} <= kept
