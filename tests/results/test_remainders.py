"""Paper B's committed tables: made from runs, read back, refused when damaged."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from modlib.config.presets import REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError, StoreError
from modlib.models.transformer import initial_weights
from modlib.results import networks as rn
from modlib.results import remainders as rr
from modlib.results import shown
from modlib.results.folder import arrays_file
from modlib.runs.get_or_train import get_or_train
from modlib.store.files import save_arrays
from modlib.store.folder import read_manifest, write_manifest
from modlib.store.runs import Store
from modlib.training import resume

TINY = RemaindersConfig(p=11, embed_dim=16, heads=2, steps=300)


@pytest.fixture
def presets(monkeypatch, tmp_path):
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    monkeypatch.setitem(REMAINDERS_PRESETS, "B11", TINY)
    monkeypatch.setattr(rr, "SHOWN", ("B11",))


@pytest.fixture
def exported(presets, tmp_path):
    rr.export_remainders("B11", num_seeds=2, results=tmp_path)
    return rr.read_remainders("B11", tmp_path)


def test_tables_hold_every_seed_and_the_first_ones_network(exported, tmp_path):
    assert exported.seeds == [1000, 1001]
    assert exported.steps == 300
    assert set(exported.history.seed) == set(exported.spectra.seed) == {1000, 1001}
    assert len(exported.tasks) == 2 * 4
    run = get_or_train(TINY, seed=1000)
    for name, value in run.weights.items():
        np.testing.assert_array_equal(exported.run.weights[name], value)
    # The power of every cell is not kept.
    assert exported.run.spectra.keys() == run.spectra.keys() - {"power"}
    for name, value in exported.run.spectra.items():
        rounded = name in ("attention", "character", "character_power", "magnitude")
        rtol = 2.0**-11 if rounded else 1e-6
        np.testing.assert_allclose(value, run.spectra[name], rtol=rtol, atol=1e-7)
    (smoothed,) = exported.run.neuron_zero.values()
    summed = run.neuron_zero["smoothed"].sum(1, keepdims=True)
    np.testing.assert_allclose(smoothed, summed, rtol=1e-6)
    assert exported.run.first_neurons.keys() == {"epochs", "smoothed"}
    for name, value in exported.run.first_neurons.items():
        np.testing.assert_array_equal(value, run.first_neurons[name])
    kept = exported.spectra[exported.spectra.seed == 1000]
    assert kept.off_axes_kept.iloc[-1] == 1
    assert (kept.characters > 0).any()
    for name in ("history", "norms"):
        pd.testing.assert_frame_equal(
            getattr(exported.run, name), getattr(run, name), check_dtype=False
        )
    assert exported.run.steps == 300
    assert (tmp_path / "remainders" / "B11" / "MANIFEST.json").exists()


def test_an_export_again_gives_the_same_files(exported, presets, tmp_path):
    folder = tmp_path / "remainders" / "B11"
    before = json.loads((folder / "MANIFEST.json").read_text())["files"]
    rr.export_remainders("B11", num_seeds=2, results=tmp_path)
    assert json.loads((folder / "MANIFEST.json").read_text())["files"] == before


def test_seeds_are_appended_to_what_is_committed(exported, presets, tmp_path):
    whole = {name: getattr(exported, name) for name in rr.TABLES}
    rr.export_remainders("B11", num_seeds=1, results=tmp_path)
    rr.export_remainders("B11", first_seed=1001, num_seeds=1, append=True, results=tmp_path)
    appended = rr.read_remainders("B11", tmp_path)
    for name, table in whole.items():
        pd.testing.assert_frame_equal(getattr(appended, name), table)
    assert appended.manifest["seeds"] == [1000, 1001]
    assert [origin["seed"] for origin in appended.manifest["origins"]] == [1000, 1001]
    assert len(appended.manifest["steps"]) == 2
    for name, array in exported.run.weights.items():
        np.testing.assert_array_equal(appended.run.weights[name], array)
    with pytest.raises(InputError, match="first_seed must be 1002, behind the seeds of"):
        rr.export_remainders("B11", first_seed=1001, append=True, results=tmp_path)
    with pytest.raises(StoreError, match="so that nothing can be appended"):
        rr.export_remainders("B11", append=True, results=tmp_path / "empty")


def test_a_run_under_way_is_taken_as_far_as_it_is(presets, monkeypatch, tmp_path):
    monkeypatch.setattr(rr, "FIRST_COUNTED", 100)
    monkeypatch.setattr(resume, "pause_s", lambda took: 0.0)
    full = get_or_train(TINY, seed=1000, store=Store(tmp_path / "whole"))

    class Stop(Exception):
        pass

    save = resume.Checkpoint.save

    def save_then_stop(self, tensors):
        save(self, tensors)
        if tensors["progress"][0] >= 150:
            raise Stop

    monkeypatch.setattr(resume.Checkpoint, "save", save_then_stop)
    with pytest.raises(Stop):
        get_or_train(TINY, seed=1000)
    folder = rr.export_remainders("B11", partial=True, results=tmp_path)
    partial = rr.read_remainders("B11", tmp_path)
    assert partial.steps == 150
    assert partial.run.spectrum_steps.max() <= 150
    assert len(partial.run.spectra["magnitude"]) == len(partial.run.spectrum_steps)
    kept = full.history[full.history.step <= 150].reset_index(drop=True)
    pd.testing.assert_frame_equal(partial.run.history, kept, check_dtype=False)
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    assert manifest["steps"] == [150]
    (origin,) = manifest["origins"]
    assert origin["commit"] == manifest["commit"]
    assert origin["command"] == manifest["command"]
    assert origin["device"] == "cpu"
    assert origin["wall_s"] > 0
    assert 1000 not in Store().of(TINY)


def test_a_run_with_too_few_steps_does_not_count(presets, tmp_path):
    with pytest.raises(StoreError, match="has made 0 of 300 steps; a run counts from 16384 on"):
        rr.export_remainders("B11", partial=True, results=tmp_path)


def test_what_is_not_there_is_none_and_what_is_damaged_is_refused(exported, tmp_path):
    assert rr.read_remainders("B11", tmp_path / "elsewhere") is None
    with pytest.raises(InputError, match="preset must be one of"):
        rr.read_remainders("B12", tmp_path)
    network = tmp_path / "remainders" / "B11" / arrays_file(rn.NETWORK)
    network.write_bytes(network.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match="does not match the sha256"):
        rr.read_remainders("B11", tmp_path)


@pytest.mark.parametrize(("change", "reason"), [(np.nan, "not finite"), (None, "tok has shape")])
def test_a_committed_network_must_fit_and_be_finite(exported, tmp_path, change, reason):
    folder = tmp_path / "remainders" / "B11"
    weights = {name: np.array(value) for name, value in exported.run.weights.items()}
    if change is None:
        weights["tok"] = weights["tok"][:2]
    else:
        weights["tok"][0, 0] = change
    save_arrays(weights, folder / arrays_file(rn.NETWORK))
    content = {k: v for k, v in exported.manifest.items() if k not in ("schema", "files")}
    write_manifest(folder, [*exported.manifest["files"]], content)
    with pytest.raises(StoreError, match=f"{arrays_file(rn.NETWORK)}: .*{reason}"):
        rr.read_remainders("B11", tmp_path)


def test_an_export_trains_on_the_device_that_is_asked_for(presets, tmp_path):
    with pytest.raises(InputError, match="device must be auto, cpu"):
        rr.export_remainders("B11", device="tpu", results=tmp_path)


def test_an_export_of_another_configuration_is_refused(exported, monkeypatch, tmp_path):
    monkeypatch.setitem(REMAINDERS_PRESETS, "B11", RemaindersConfig(p=11, steps=5))
    with pytest.raises(StoreError, match="another configuration"):
        rr.read_remainders("B11", tmp_path)


def test_chapters_read_the_committed_network_and_train_any_other(exported, tmp_path):
    found = shown.remainders_network(p=11, seed=0, steps=3, results=tmp_path)
    assert found.config == RemaindersConfig(p=11, steps=3)
    assert found.steps == 3


@pytest.mark.parametrize(
    ("name", "value"), [("num_seeds", 0), ("first_seed", -1), ("num_seeds", "2")]
)
def test_bad_arguments_are_refused_before_any_work(presets, tmp_path, name, value):
    with pytest.raises(InputError, match=f"{name} must"):
        rr.export_remainders("B11", results=tmp_path, **{name: value})
    assert not (tmp_path / "store").exists()


# What of a network is kept


def folder_of(tmp_path):
    return tmp_path / "remainders" / "B11"


def test_only_networks_that_chapters_look_into_are_kept(presets, monkeypatch, tmp_path):
    monkeypatch.setattr(rr, "SHOWN", ())
    rr.export_remainders("B11", results=tmp_path)
    exported = rr.read_remainders("B11", tmp_path)
    assert not (folder_of(tmp_path) / arrays_file(rn.NETWORK)).exists()
    assert exported.run.weights == {}
    assert len(exported.run.spectra["magnitude"]) > 0
    with pytest.raises(StoreError, match="the network of seed 1000 is not kept with its tables"):
        _ = exported.run.view
    rr.export_remainders("B11", network=True, results=tmp_path)
    kept = rr.read_remainders("B11", tmp_path).run
    for name, value in get_or_train(TINY, seed=1000).weights.items():
        np.testing.assert_array_equal(kept.weights[name], value)
    assert kept.view.weights.keys() == kept.weights.keys()
    monkeypatch.setattr(rr, "SHOWN", ("B11",))
    rr.export_remainders("B11", network=False, results=tmp_path)
    assert rr.read_remainders("B11", tmp_path).run.weights == {}


def test_a_network_without_training_is_made_again(presets, monkeypatch, tmp_path):
    config = TINY.untrained()
    monkeypatch.setitem(REMAINDERS_PRESETS, "B11", config)
    folder = rr.export_remainders("B11", first_seed=7, num_seeds=2, results=tmp_path)
    assert not (folder / arrays_file(rn.NETWORK)).exists()
    found = rr.read_remainders("B11", tmp_path).run.weights
    for name, value in initial_weights(config, 7).items():
        np.testing.assert_array_equal(found[name], value)


def test_large_networks_are_rounded_and_read_in_float32(presets, monkeypatch, tmp_path):
    monkeypatch.setattr(rn, "LARGE", 1)
    rr.export_remainders("B11", results=tmp_path)
    exported = rr.read_remainders("B11", tmp_path)
    for name, value in get_or_train(TINY, seed=1000).weights.items():
        found = exported.run.weights[name]
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, value, rtol=2.0**-11, atol=2.0**-38)
    files = exported.manifest["files"]
    assert files[arrays_file(rn.NETWORK)]["bytes"] < sum(
        v.nbytes for v in exported.run.weights.values()
    )
    named = exported.manifest["precision"]["float16"]
    assert named[arrays_file(rn.NETWORK)] == sorted(exported.run.weights)
    rounded = ("attention", "character", "character_power", "magnitude")
    assert named[arrays_file(rn.LOGGED)] == [f"spectra/{name}" for name in rounded]
    rr.export_remainders("B11", first_seed=1001, append=True, results=tmp_path)
    after = rr.read_remainders("B11", tmp_path).manifest
    for name in (arrays_file(rn.NETWORK), arrays_file(rn.LOGGED)):
        assert after["files"][name] == files[name]
    assert after["precision"] == exported.manifest["precision"]


def test_snapshots_are_kept_where_they_are_asked_for(presets, tmp_path, monkeypatch):
    monkeypatch.setattr("modlib.results.networks.SNAPSHOT_STEPS", (256,))
    folder = rr.export_remainders("B11", snapshots=True, results=tmp_path)
    run = get_or_train(TINY, seed=1000)
    assert list(run.snapshots) == [256]
    found = rr.read_remainders("B11", tmp_path).run.snapshots
    assert found.keys() == {256}
    for name, value in run.snapshots[256].items():
        assert found[256][name].dtype == np.float32
        np.testing.assert_allclose(found[256][name], value, rtol=2.0**-11, atol=2.0**-38)
    with pytest.raises(InputError, match="network and snapshots must be left out with append"):
        rr.export_remainders("B11", first_seed=1001, append=True, snapshots=True, results=tmp_path)
    rr.export_remainders("B11", first_seed=1001, append=True, results=tmp_path)
    again = rr.read_remainders("B11", tmp_path)
    np.testing.assert_array_equal(again.run.snapshots[256]["tok"], found[256]["tok"])
    rr.export_remainders("B11", results=tmp_path)
    assert rr.read_remainders("B11", tmp_path).run.snapshots == {}
    assert {path.name for path in folder.iterdir()} == {
        *read_manifest(folder)["files"],
        "MANIFEST.json",
    }


def test_a_second_edition_lies_under_a_root_of_its_own(exported, tmp_path):
    second = tmp_path / "edition2"
    folder = rr.export_remainders("B11", first_seed=2000, results=second)
    assert folder == second / "remainders" / "B11"
    assert rr.read_remainders("B11", second).seeds == [2000]
    assert rr.read_remainders("B11", tmp_path).seeds == [1000, 1001]


@pytest.mark.parametrize(
    ("gone", "extra"), [("logged", None), (None, "snapshot-x"), (None, "other")]
)
def test_a_folder_lists_its_arrays_and_no_others(exported, tmp_path, gone, extra):
    folder = folder_of(tmp_path)
    content = {k: v for k, v in exported.manifest.items() if k not in ("schema", "files")}
    names = {*exported.manifest["files"]} - {f"{gone}.safetensors"}
    if extra:
        names.add(f"{extra}.safetensors")
        save_arrays(exported.run.weights, folder / f"{extra}.safetensors")
    write_manifest(folder, [*names], content)
    with pytest.raises(StoreError, match=r"must list .*logged\.safetensors"):
        rr.read_remainders("B11", tmp_path)


def test_the_committed_showcase_reproduces_its_history():
    """The network that lies in results/ gives the accuracy that its table says."""
    exported = rr.read_remainders("B37")
    if exported is None:
        pytest.skip("results/remainders/B37 is not there")
    from modlib.tasks.remainders import RemaindersTask

    run = exported.run
    view = run.view
    right = view.accuracy(view.logits, RemaindersTask(run.config, run.seed).answers)
    held_out = RemaindersTask(run.config, run.seed).split["validation"]
    table = run.final[run.final.split == "validation"]
    np.testing.assert_allclose(right[held_out].mean(0), table.accuracy, atol=0.005)
