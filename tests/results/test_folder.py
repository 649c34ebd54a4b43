"""A folder of tables is written whole, read checked, and lengthened only behind its last seed."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from modlib.config.addition import AdditionConfig
from modlib.config.rules import seed_range
from modlib.errors import InputError, StoreError
from modlib.results.folder import (
    ORIGIN,
    of_preset,
    open_folder,
    open_to_append,
    origin,
    said_of_networks,
    write_folder,
)
from modlib.store.schema import Table, columns

CONFIG = AdditionConfig(n=7)
NETWORKS = {"networks": Table(columns("seed", "int64"), ("seed",))}


def seeds_in(folder):
    return folder.tables(NETWORKS)["networks"].seed.tolist()


def write(folder, **content):
    seeds = range(5, 8)
    tables = {"networks": pd.DataFrame({"seed": list(seeds)}), "more": pd.DataFrame({"x": [0.5]})}
    said = said_of_networks("tiny", CONFIG, seeds) | {"origins": [{"seed": s} for s in seeds]}
    write_folder(folder, tables, said | content, {"weights": {"w": np.ones((2, 3), np.float32)}})


def test_what_is_written_is_read_and_says_what_it_is(tmp_path):
    folder = tmp_path / "tiny"
    assert open_folder(folder) is None
    write(folder)
    found = open_folder(folder, of_preset("tiny", CONFIG))
    assert {key: found.manifest[key] for key in ("kind", "preset", "key", "config", "seeds")} == {
        "kind": CONFIG.KIND,
        "preset": "tiny",
        "key": CONFIG.key(),
        "config": asdict(CONFIG),
        "seeds": [5, 7],
    }
    assert seeds_in(found) == [5, 6, 7]
    np.testing.assert_array_equal(found.arrays()["weights"]["w"], np.ones((2, 3)))
    found.require_files(["networks", "more"], ["weights"])
    found.require_files(["networks", "more"], others=["weights"])


def test_folders_that_do_not_fit_are_refused(tmp_path):
    folder = tmp_path / "tiny"
    write(folder)
    others = [of_preset("tiny", replace(CONFIG, l2=0.5)), of_preset("another", CONFIG)]
    for other in others:
        with pytest.raises(StoreError, match="tiny was made with another configuration; export"):
            open_folder(folder, other)
    found = open_folder(folder)
    for tables, arrays in ((["networks"], ["weights"]), (["networks", "more", "third"], [])):
        with pytest.raises(StoreError, match="must list"):
            found.require_files(tables, arrays)
    weights = found.arrays()["weights"]
    assert found.require_network("weights", weights, {"w": (2, 3)}) is weights
    with pytest.raises(
        StoreError, match=r"weights\.safetensors: w has shape \(2, 3\), expected \(3, 2\)"
    ):
        found.require_network("weights", weights, {"w": (3, 2)})
    with pytest.raises(
        StoreError, match=r"weights\.safetensors: w has numbers that are not finite"
    ):
        found.require_network("weights", {"w": np.full((2, 3), np.nan, np.float32)}, {"w": (2, 3)})


def test_seeds_are_appended_behind_the_last_only(tmp_path):
    folder = tmp_path / "tiny"
    with pytest.raises(StoreError, match="tiny is not there, so that nothing can be appended"):
        open_to_append(folder, CONFIG, 8, seeds_in)
    write(folder)
    assert open_to_append(folder, CONFIG, 8, seeds_in).manifest["seeds"] == [5, 7]
    for first in (7, 9):
        with pytest.raises(InputError, match="first_seed must be 8, behind the seeds of"):
            open_to_append(folder, CONFIG, first, seeds_in)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"seeds": [5, 9]}, "does not say which seeds it holds"),
        ({"origins": None}, "does not say what made its networks"),
        ({"origins": ["me"]}, "does not say what made its networks"),
    ],
)
def test_nothing_is_appended_to_what_does_not_say_where_it_comes_from(tmp_path, content, message):
    write(tmp_path / "tiny", **content)
    with pytest.raises(StoreError, match=message):
        open_to_append(tmp_path / "tiny", CONFIG, 8, seeds_in)


def test_an_origin_says_what_made_a_run_and_nothing_else():
    found = origin({"command": ["a"], "wall_s": 2.0, "threads": 1}, seed=5)
    assert list(found) == ["seed", *ORIGIN]
    assert (found["seed"], found["command"], found["commit"]) == (5, ["a"], None)


def test_seeds_of_an_export_are_one_or_more():
    assert seed_range(3, 2, at_most=9) == range(3, 5)
    for first, count, message in ((-1, 1, "first_seed must"), (0, 0, "num_seeds must")):
        with pytest.raises(InputError, match=message):
            seed_range(first, count, at_most=9)
    with pytest.raises(InputError, match="num_seeds must"):
        seed_range(0, 10, at_most=9)
    with pytest.raises(InputError, match="last seed must"):
        seed_range(2**63 - 1, 2, at_most=9)


def test_what_a_manifest_does_not_list_stays_folders_as_well(tmp_path):
    folder = tmp_path / "tiny"
    write(folder)
    (folder / "notes").mkdir()
    (folder / "notes" / "mine.txt").write_text("mine")
    (folder / "loose.txt").write_text("mine too")
    write(folder)
    assert (folder / "notes" / "mine.txt").read_text() == "mine"
    assert (folder / "loose.txt").read_text() == "mine too"
    assert seeds_in(open_folder(folder)) == [5, 6, 7]
