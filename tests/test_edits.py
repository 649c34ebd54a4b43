"""Files edited so that their checksums fit are refused in a line that says what to do."""

from __future__ import annotations

import logging
import random
import re
from pathlib import Path

import pytest

from edits import Edit, Kind, counted, edits_in, kinds_of_results, kinds_of_store, look
from modlib.store.folder import MANIFEST

TRIES = 20
"""Edits of a kind that are looked at here; all of them by the slow battery."""
ALLOWED = {"key missing", "seed missing"}
"""States of older versions say nothing of whose they are."""
RESULTS = {kind.name: kind for kind in kinds_of_results()}


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> dict[str, Kind]:
    return {kind.name: kind for kind in kinds_of_store(tmp_path_factory.mktemp("stored"))}


def look_at(kind: Kind, tmp_path: Path) -> None:
    """Make some edits and read each; not one passes unseen, none ends in the depths."""
    untouched = Edit(MANIFEST, "nothing", lambda path: None)
    assert look(kind, untouched, tmp_path).outcome == "silent", "it is read where it is whole"
    edits = [edit for edit in edits_in(kind.folder) if edit.label not in ALLOWED]
    chosen = random.Random(kind.name).sample(edits, min(TRIES, len(edits)))
    seen = {edit: look(kind, edit, tmp_path) for edit in chosen}
    others = {f"{e.file}, {e.label}": s for e, s in seen.items() if s.outcome != "caught"}
    assert not others
    for one in seen.values():
        assert "\n" not in one.said
        assert re.search(r"move |again or take it back: git checkout -- ", one.said), one.said
    (row,) = counted({kind.name: list(seen.values())}).to_dict("records")
    assert row["caught"] == row["tries"] == len(chosen)


@pytest.mark.parametrize("name", RESULTS)
def test_edited_results_are_refused(name, tmp_path):
    look_at(RESULTS[name], tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        *(
            f"store: {what} of {family}"
            for what in ("run", "state")
            for family in ("addition", "remainders", "clock and pizza")
        ),
        "store: shard",
    ],
)
def test_edited_runs_and_states_are_refused(stored, name, tmp_path):
    logging.disable(logging.WARNING)
    try:
        look_at(stored[name], tmp_path)
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", RESULTS)
def test_what_is_not_edited_is_read(name):
    kind = RESULTS[name]
    assert kind.read(kind.root) is not None
