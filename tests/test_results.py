"""From trained networks to committed tables, and back."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modlib import config as config_module
from modlib import experiments, results
from modlib.analysis import census
from modlib.analysis.tables import Tables
from modlib.config import AdditionConfig
from modlib.errors import InputError, StoreError
from modlib.experiments import KIND, Run, get_or_train, view_of
from modlib.models.mlp import initial_weights
from modlib.results import (
    SWEEP_EXPORTED,
    SweepTables,
    export,
    export_sweep,
    fine_tuning_example,
    first_fine_tuning,
    read_export,
    read_sweep_export,
    record_fine_tuning,
    recorded_fine_tuning,
)
from modlib.store import MANIFEST, Store, StoredRun, write_manifest

TINY = AdditionConfig(n=11, num_neurons=24, embed_dim=8, epochs=60)


@pytest.fixture
def no_training(monkeypatch):
    """From here on a call that trains fails."""

    def refuse(*args, **options):
        raise AssertionError("trained")

    monkeypatch.setattr(experiments, "train", refuse)


# The record of fine-tuning clusters


@pytest.fixture
def showcase(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "results" / "showcase" / "fine_tuning.json"
    monkeypatch.setattr(results, "SHOWCASE", path)
    return path


def test_the_first_seed_with_a_fine_tuning_cluster_is_taken(monkeypatch, showcase):
    asked = []

    def pretend(config, *, seed, device="auto"):
        asked.append((config.n, seed))
        stored = StoredRun(tensors={}, metrics=pd.DataFrame(), manifest={})
        return Run(config=config, seed=seed, stored=stored, trained_now=False)

    monkeypatch.setattr(results, "get_or_train", pretend)
    monkeypatch.setattr(results, "has_fine_tuning", lambda run: run.seed in (2, 3))
    assert first_fine_tuning(TINY, range(9)).seed == 2
    assert asked == [(11, 0), (11, 1), (11, 2)]
    assert first_fine_tuning(TINY, range(2)) is None
    assert recorded_fine_tuning(91) is None, "there is no record yet"
    assert record_fine_tuning((91, 89), limit=2)["first_seed"] == {"91": None, "89": None}
    assert recorded_fine_tuning(91) is None
    assert record_fine_tuning((91,), limit=3)["first_seed"] == {"91": 2}
    assert recorded_fine_tuning(91) == 2
    assert recorded_fine_tuning(97) is None
    own = pretend(TINY, seed=3)
    other = pretend(AdditionConfig(n=91), seed=5)
    assert fine_tuning_example(own) is own
    assert fine_tuning_example(other).seed == 2
    assert fine_tuning_example(replace(other, config=AdditionConfig(n=97))) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"first_seed": {"91": "two"}}'])
def test_a_damaged_record_is_refused_in_one_line(showcase, content):
    showcase.parent.mkdir(parents=True)
    showcase.write_text(content)
    write_manifest(showcase.parent, [showcase.name], {})
    with pytest.raises(
        (StoreError, InputError), match=r"fine_tuning\.json is not a readable record"
    ):
        recorded_fine_tuning(91)
    showcase.write_text("0" * len(content) + "0")
    with pytest.raises(StoreError, match="the manifest says"):
        recorded_fine_tuning(91)


# Exports


@pytest.fixture
def tiny_preset(monkeypatch) -> str:
    monkeypatch.setitem(config_module.PRESETS, "tiny", TINY)
    return "tiny"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    return tmp_path / "results"


def exported(name: str, results: Path, **options) -> Path:
    options = {"first_seed": 5, "num_seeds": 2, "device": "cpu", **options}
    return export(name, results=results, **options)


def test_an_export_holds_the_tables_of_its_seeds(tiny_preset, results):
    folder = exported(tiny_preset, results)
    assert {path.name for path in folder.iterdir()} == {*experiments.EXPORTED, MANIFEST}
    tables = read_export(tiny_preset, results)
    assert isinstance(tables, Tables)
    assert tables.summary.seed.tolist() == [5, 6]
    assert set(tables.neurons.seed) <= {5, 6}
    for table in tables:
        assert not (table.dtypes == "float64").any(), "float32 is enough, and half the size"
    for row in tables.summary.itertuples():
        run = run_of(config_module.PRESETS[tiny_preset], seed=row.seed)
        assert row.test_accuracy == pytest.approx(run.accuracy)
        assert row.learned == run.learned
        assert row.reached_epoch == (-1 if run.reached_epoch is None else run.reached_epoch)
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["seeds"] == [5, 6]
    assert manifest["device"] == "cpu"
    assert manifest["config"] == asdict(config_module.PRESETS[tiny_preset])


def test_an_export_takes_up_the_runs_that_there_are(tiny_preset, results, monkeypatch):
    exported(tiny_preset, results)
    monkeypatch.setattr(experiments, "train", None)
    exported(tiny_preset, results)
    assert len(read_export(tiny_preset, results).summary) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_seeds": 0}, "num_seeds must be an integer at least 1 .*, got 0"),
        ({"num_seeds": 2.0}, r"num_seeds must .*, got 2\.0"),
        ({"first_seed": -1}, "first_seed must .*, got -1"),
        ({"first_seed": True}, "first_seed must .*, got True"),
        ({"device": "cuda:99"}, "device must be present .*, got 'cuda:99'"),
    ],
)
def test_a_bad_export_is_refused_before_any_work(
    tiny_preset, results, no_training, options, message
):
    with pytest.raises(InputError, match=message):
        exported(tiny_preset, results, **options)
    with pytest.raises(InputError, match=r"preset must be one of .*, got 'A92'"):
        exported("A92", results)
    assert not results.exists()


def test_an_export_that_stops_on_its_way_leaves_no_folder(tiny_preset, results, monkeypatch):
    monkeypatch.setattr(experiments, "describe", None)
    with pytest.raises(TypeError):
        exported(tiny_preset, results)
    assert read_export(tiny_preset, results) is None
    assert list(results.iterdir()) == []


def test_results_that_cannot_be_written_are_refused_before_any_work(
    tiny_preset, results, no_training
):
    results.write_text("kept")
    with pytest.raises(StoreError, match=r"results/tiny cannot be written \("):
        exported(tiny_preset, results)
    assert results.read_text() == "kept"


def test_a_failed_export_leaves_the_one_before(tiny_preset, results, monkeypatch):
    folder = exported(tiny_preset, results)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    written = []

    def full(table, path, **options):
        if Path(path).name == "neurons.parquet":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(path)

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(StoreError, match="No space left on device"):
        exported(tiny_preset, results)
    assert len(written) == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_damaged_export_is_refused(tiny_preset, results):
    assert read_export(tiny_preset, results) is None
    folder = exported(tiny_preset, results)
    summary, manifest = folder / "summary.parquet", folder / MANIFEST
    whole = summary.read_bytes(), manifest.read_bytes()
    summary.write_bytes(whole[0][:-1])
    with pytest.raises(StoreError, match=r"summary\.parquet has \d+ bytes, the manifest says"):
        read_export(tiny_preset, results)
    summary.write_bytes(whole[0])
    write_manifest(folder, ["summary.parquet"], {})
    with pytest.raises(StoreError, match=r"must list clusters\.parquet, neurons\.parq"):
        read_export(tiny_preset, results)
    manifest.unlink()
    with pytest.raises(StoreError, match="the folder holds no finished result"):
        read_export(tiny_preset, results)
    manifest.write_bytes(whole[1])
    assert len(read_export(tiny_preset, results).summary) == 2
