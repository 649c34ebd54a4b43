"""From trained networks to committed tables, and back."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view
from modlib.analysis.macro.tables import NetworkTables
from modlib.analysis.many_seeds import census
from modlib.analysis.many_seeds.census import Census
from modlib.analysis.many_seeds.sweep_tables import SweepTables, concat, select
from modlib.config import presets
from modlib.config.addition import AdditionConfig
from modlib.errors import InputError, StoreError
from modlib.models.mlp import SHARES
from modlib.results import folder as results_folder
from modlib.results import sample, shown, sweeps
from modlib.results.folder import save_compact, table_file, write_folder
from modlib.results.sample import (
    export,
    first_fine_tuning,
    read_export,
    record_fine_tuning,
    recorded_fine_tuning,
)
from modlib.results.sweeps import (
    collect_sweep,
    export_sweep,
    read_sweep_export,
    require_columns,
    rounded,
)
from modlib.runs import addition
from modlib.runs.addition import AdditionRun
from modlib.runs.get_or_train import get_or_train
from modlib.store.folder import MANIFEST, write_manifest
from modlib.store.runs import Store
from modlib.store.shards import save_shard
from modlib.training.addition.loop import weight_epochs

TINY = AdditionConfig(n=11, num_neurons=24, embed_dim=24, epochs=60)


@pytest.fixture
def no_training(monkeypatch):
    """From here on a call that trains fails."""

    def refuse(*args, **options):
        raise AssertionError("trained")

    monkeypatch.setattr(addition, "train", refuse)


# The record of fine-tuning clusters


@pytest.fixture
def showcase(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "results" / "showcase" / "fine_tuning.json"
    monkeypatch.setattr(sample, "SHOWCASE", path)
    return path


def test_the_first_seed_with_a_fine_tuning_cluster_is_taken(monkeypatch, showcase):
    asked = []

    def pretend(config, *, seed, device="auto"):
        asked.append((config.n, seed))
        return AdditionRun(
            config=config,
            seed=seed,
            weights={},
            history=pd.DataFrame(),
            manifest={},
            trained_now=False,
        )

    for module in (sample, shown):
        monkeypatch.setattr(module, "get_or_train", pretend)
        monkeypatch.setattr(module, "has_fine_tuning", lambda run: run.seed in (2, 3))
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
    monkeypatch.setattr(shown, "like_paper", lambda: None)
    assert shown.fine_tuning_example(own) is own
    assert shown.fine_tuning_example(other).seed == 2
    assert shown.fine_tuning_example(replace(other, config=AdditionConfig(n=97))) is None
    monkeypatch.setattr(shown, "has_fine_tuning", lambda run: False)
    assert shown.fine_tuning_example(other) is None, "it is looked at, not believed"


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
    monkeypatch.setitem(presets.ADDITION_PRESETS, "tiny", TINY)
    return "tiny"


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    return tmp_path / "results"


def exported(name: str, root: Path, **options) -> Path:
    options = {"first_seed": 5, "num_seeds": 2, "device": "cpu", **options}
    return export(name, results=root, **options)


def test_an_export_holds_the_tables_of_its_seeds(tiny_preset, root):
    folder = exported(tiny_preset, root)
    names = {*map(table_file, NetworkTables._fields), MANIFEST}
    assert {path.name for path in folder.iterdir()} == names
    tables = read_export(tiny_preset, root)
    assert isinstance(tables, NetworkTables)
    assert tables.summary.seed.tolist() == [5, 6]
    assert set(tables.neurons.seed) <= {5, 6}
    for table in tables:
        assert not (table.dtypes == "float64").any(), "float32 is enough, and half the size"
    for row in tables.summary.itertuples():
        run = get_or_train(TINY, seed=row.seed, device="cpu", progress=False)
        assert row.test_accuracy == pytest.approx(run.accuracy)
        assert row.learned == run.learned
        assert row.reached_epoch == (-1 if run.reached_epoch is None else run.reached_epoch)
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["seeds"] == [5, 6]
    assert manifest["device"] == "cpu"
    assert manifest["config"] == asdict(TINY)


def test_an_export_takes_up_the_runs_that_there_are(tiny_preset, root, monkeypatch):
    exported(tiny_preset, root)
    monkeypatch.setattr(addition, "train", None)
    exported(tiny_preset, root)
    assert len(read_export(tiny_preset, root).summary) == 2


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
def test_a_bad_export_is_refused_before_any_work(tiny_preset, root, no_training, options, message):
    with pytest.raises(InputError, match=message):
        exported(tiny_preset, root, **options)
    with pytest.raises(InputError, match=r"preset must be one of .*, got 'A92'"):
        exported("A92", root)
    assert not root.exists()


def test_an_export_that_stops_on_its_way_leaves_no_folder(tiny_preset, root, monkeypatch):
    monkeypatch.setattr(sample, "describe", None)
    with pytest.raises(TypeError):
        exported(tiny_preset, root)
    assert read_export(tiny_preset, root) is None
    assert list(root.iterdir()) == []


def test_results_that_cannot_be_written_are_refused_before_any_work(tiny_preset, root, no_training):
    root.write_text("kept")
    with pytest.raises(StoreError, match=r"results/tiny cannot be written \("):
        exported(tiny_preset, root)
    assert root.read_text() == "kept"


def test_a_failed_export_leaves_the_one_before(tiny_preset, root, monkeypatch):
    folder = exported(tiny_preset, root)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    written = []

    def full(table, path, **options):
        if Path(path).name == "neurons.parquet":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(path)

    monkeypatch.setattr(results_folder.pq, "write_table", full)
    with pytest.raises(StoreError, match="No space left on device"):
        exported(tiny_preset, root)
    assert len(written) == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_tables_are_written_without_loss_but_for_float64(root):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "seed": np.arange(300),
            "small": rng.integers(-5, 5, 300).astype(np.int32),
            "learned": rng.random(300) < 0.5,
            "kind": rng.choice(["simple", "fine-tuning"], 300),
            "wide": rng.normal(size=300),
            "single": rng.normal(size=300).astype(np.float32),
            "repeated": rng.integers(0, 9, 300).astype(np.float32) / 7,
            "gaps": np.where(rng.random(300) < 0.5, np.nan, 0.25).astype(np.float32),
        }
    )
    root.mkdir()
    tables = {"some": table, "none": table[:0], "one": table[["kind"]]}
    write_folder(root / "folder", tables, {})
    for name, written in tables.items():
        found = pd.read_parquet(root / "folder" / table_file(name))
        expected = written.astype({"wide": np.float32} if "wide" in written else {})
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_an_export_takes_away_what_the_one_before_had_more(root):
    root.mkdir()
    table, folder = pd.DataFrame({"a": [1]}), root / "folder"
    write_folder(folder, {"a": table}, {}, {"b": {"w": np.ones(2)}})
    (folder / "note.txt").write_text("mine")
    write_folder(folder, {"a": table}, {})
    assert {path.name for path in folder.iterdir()} == {"a.parquet", MANIFEST, "note.txt"}


def test_a_damaged_export_is_refused(tiny_preset, root):
    assert read_export(tiny_preset, root) is None
    folder = exported(tiny_preset, root)
    summary, manifest = folder / "summary.parquet", folder / MANIFEST
    whole = summary.read_bytes(), manifest.read_bytes()
    summary.write_bytes(whole[0][:-1])
    with pytest.raises(StoreError, match=r"summary\.parquet has \d+ bytes, the manifest says"):
        read_export(tiny_preset, root)
    summary.write_bytes(whole[0])
    said = {name: part for name, part in json.loads(whole[1]).items() if name != "files"}
    write_manifest(folder, ["summary.parquet"], said)
    with pytest.raises(StoreError, match=r"must list clusters\.parquet, neurons\.parq"):
        read_export(tiny_preset, root)
    manifest.unlink()
    with pytest.raises(StoreError, match="the folder holds no finished result"):
        read_export(tiny_preset, root)
    for told in ({"kind": "remainders"}, {"preset": "A91"}, {"config": {"n": 13}}, {"key": "0"}):
        manifest.write_text(json.dumps(json.loads(whole[1]) | told))
        with pytest.raises(StoreError, match="tiny was made with another configuration"):
            read_export(tiny_preset, root)
    manifest.write_text(json.dumps(json.loads(whole[1]) | {"seeds": [5, 7]}))
    with pytest.raises(StoreError, match="does not say which seeds it holds"):
        read_export(tiny_preset, root)
    manifest.write_bytes(whole[1])
    assert len(read_export(tiny_preset, root).summary) == 2


def test_compact_tables_come_back_with_their_types(tmp_path):
    table = pd.DataFrame(
        {
            "seed": np.arange(300),
            "freq": np.arange(300, dtype=np.int16),
            "loss": np.random.default_rng(0).normal(size=300).astype(np.float32),
            "learned": np.arange(300) % 3 == 0,
            "kind": pd.Series(["simple", "3f", None] * 100, dtype="str"),
        }
    )
    table.loc[7, "loss"] = np.nan
    for part in (table, table.iloc[:0]):
        save_compact(part, tmp_path / "compact.parquet")
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "compact.parquet"), part)
    save_compact(table, tmp_path / "compact.parquet")
    table.to_parquet(tmp_path / "plain.parquet", index=False, compression="zstd")
    sizes = [(tmp_path / f"{name}.parquet").stat().st_size for name in ("compact", "plain")]
    assert sizes[0] < 0.7 * sizes[1]


# Sweeps


def a_network(seed: int) -> Census:
    """The census of a network written down by hand, with what a sweep adds to it."""
    sizes = {1: 4 + seed % 3, 2 + seed % 4: 3} if seed % 5 else {}
    dead = TINY.num_neurons - sum(sizes.values())
    view = ideal_view(TINY.n, sizes, num_dead=dead, third=0.28, gain=1 + seed % 2)
    counted = census.census(view)
    networks = counted.networks.assign(
        reached_epoch=np.int32(40),
        learned=seed % 2 == 0,
        diverged=False,
        train_accuracy=np.float32(1),
        test_accuracy=np.float32(1),
        train_loss=np.float32(0.02 + seed / 7000),
        test_loss=np.float32(0.03 + seed / 7000),
    )
    return counted._replace(networks=networks)


def put_shard(store: Store, seeds: range, **manifest) -> Census:
    """Store a shard of ``a_network``; returns its tables."""
    tables = census.stack_census([a_network(seed) for seed in seeds], seeds)
    made = {"version": census.SCHEMA, "config": asdict(TINY), "device": "cpu", "wall_s": 2.0}
    save_shard(
        store.of(TINY),
        seeds,
        tables={**tables._asdict(), "weights": over_training(seeds)},
        tensors=None,
        **{**made, **manifest},
    )
    return tables


def over_training(seeds: range) -> pd.DataFrame:
    """The table ``weights`` of made-up trainings."""
    epochs = weight_epochs(TINY)
    table = pd.DataFrame({"seed": np.repeat(seeds, len(epochs))})
    sizes = np.random.default_rng(0).uniform(0, 1, (10_000, 3)).astype(np.float32)
    shares = pd.DataFrame(sizes[table.seed], columns=list(SHARES))
    return table.assign(epoch=np.tile(epochs, len(seeds)).astype(np.int32)).join(shares)


def as_exported(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table of a shard as an export holds it: without what it drops, some columns rounded."""
    kept = table.drop(columns=sweeps.DROPPED.get(name, []))
    columns = sweeps.ROUNDED.get(name, [])
    return kept.assign(**{column: rounded(kept[column].to_numpy()) for column in columns})


@pytest.fixture
def swept(tiny_preset, root) -> Census:
    """The tables of three shards in the store, whose last two share seeds."""
    store = Store()
    for seeds in (range(10, 17), range(17, 20), range(18, 24)):
        put_shard(store, seeds)
    return census.stack_census([a_network(seed) for seed in range(10, 24)], range(10, 24))


def exported_sweep(root: Path, name: str = "tiny", **options) -> SweepTables:
    folder = export_sweep(name, results=root, **{"first_seed": 10, **options})
    assert folder == root / "sweeps" / name
    return read_sweep_export(name, root)


@pytest.mark.parametrize("at_once", [3, 1000])
def test_an_exported_sweep_holds_every_network_once(swept, root, monkeypatch, at_once):
    monkeypatch.setattr(sweeps, "READ_AT_ONCE", at_once)
    tables = exported_sweep(root)
    for name in ("networks", "clusters"):
        expected = as_exported(name, getattr(swept, name))
        pd.testing.assert_frame_equal(getattr(tables, name), expected)
    assert not {"weight_counts", "rank_counts"} & {*tables.networks, *tables.clusters}
    pd.testing.assert_frame_equal(tables.window, swept.window)
    expected = as_exported("weights", over_training(range(10, 24)))
    pd.testing.assert_frame_equal(tables.weights, expected)
    shaped = swept.neurons[swept.neurons.residual >= 0.25].reset_index(drop=True)
    assert len(shaped) > 50
    assert set(shaped.kind) == {"3f"}
    expected = as_exported("fine_tuning", shaped[sweeps.KEPT_OF_NEURONS])
    pd.testing.assert_frame_equal(tables.fine_tuning, expected)
    assert not {"t_a", "r_a"} & set(tables.fine_tuning.columns)


def test_an_export_keeps_neurons_that_another_threshold_would_call_fine_tuning(swept, root):
    """Fine-tuning begins at a residual of .30."""
    assert swept.neurons.residual.between(0.25, 0.3).any()
    assert (exported_sweep(root).fine_tuning.residual >= 0.25).all()


def test_rounding_keeps_eleven_bits_of_any_size():
    values = np.array([0.0, 1.0, -2.5, 1 / 3, 1e-30, 1e30, np.nan, np.inf], dtype=np.float32)
    found = rounded(values)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[[0, 1, 2, 6, 7]], values[[0, 1, 2, 6, 7]])
    np.testing.assert_allclose(found[3:6], values[3:6], rtol=2**-11)
    ordinary = np.random.default_rng(0).uniform(-9, 9, 500).astype(np.float32)
    np.testing.assert_array_equal(rounded(ordinary), ordinary.astype(np.float16))
    np.testing.assert_array_equal(rounded(rounded(ordinary)), rounded(ordinary))


def test_what_is_rounded_in_an_export_are_columns_of_it(swept, root):
    tables = exported_sweep(root)
    for name, columns in sweeps.ROUNDED.items():
        assert set(columns) <= set(getattr(tables, name).columns)
    assert not [c for c in tables.networks if c.endswith("accuracy") and c in sweeps.ROUNDED]


def test_lists_are_summed_by_outcome_with_their_spread(swept, root, monkeypatch):
    monkeypatch.setattr(sweeps, "READ_AT_ONCE", 4)
    tables = exported_sweep(root)
    for learned in (True, False):
        networks = swept.networks[swept.networks.learned == learned]
        weights = np.stack(networks.weight_counts.tolist())
        bins = tables.histogram[tables.histogram.learned == learned]
        assert bins["count"].tolist() == weights.sum(0).tolist()
        np.testing.assert_allclose(bins.sd, weights.std(0, ddof=1), rtol=1e-6)
        np.testing.assert_allclose(bins.centre, np.linspace(-3, 3, 241), atol=1e-6)
        ranks = np.zeros((len(networks), TINY.n))
        for place, seed in enumerate(networks.seed):
            for counts in swept.clusters.rank_counts[swept.clusters.seed == seed]:
                ranks[place] += counts
        row = tables.ranks[tables.ranks.learned == learned]
        assert row["rank"].tolist() == list(range(TINY.n))
        assert row["count"].tolist() == ranks.sum(0).tolist()
        np.testing.assert_allclose(row.sd, ranks.std(0, ddof=1), rtol=1e-6)


def test_networks_without_clusters_can_be_exported(tiny_preset, root):
    put_shard(Store(), range(10, 11))
    tables = exported_sweep(root)
    assert (len(tables.networks), len(tables.clusters), len(tables.fine_tuning)) == (1, 0, 0)
    assert tables.ranks["count"].sum() == 0


def test_the_manifest_of_a_sweep_says_what_made_its_shards(swept, root):
    exported_sweep(root)
    manifest = json.loads((root / "sweeps" / "tiny" / MANIFEST).read_text())
    assert (manifest["preset"], manifest["key"]) == ("tiny", TINY.key())
    assert manifest["config"] == asdict(TINY)
    assert manifest["seeds"] == [10, 23]
    assert manifest["tables"] == census.SCHEMA
    (origin,) = manifest["origins"]
    assert origin["shards"] == [[10, 16], [17, 19], [18, 23]]
    assert origin["wall_s"] == 6.0
    assert {"command", "commit", "device", "cpu_capability"} < origin.keys()


def test_a_collected_sweep_is_what_its_export_holds(swept, root):
    collected = collect_sweep(Store(), TINY, range(10, 24))
    for table, read in zip(collected, exported_sweep(root), strict=True):
        pd.testing.assert_frame_equal(table.astype(read.dtypes), read)


def test_a_part_of_a_sweep_can_be_exported(swept, root):
    tables = exported_sweep(root, first_seed=12, num_seeds=7)
    assert tables.networks.seed.tolist() == list(range(12, 19))
    assert set(tables.clusters.seed) <= set(range(12, 19))


def test_a_sweep_in_two_parts_is_the_whole_sweep(swept, root, monkeypatch):
    whole = exported_sweep(root)
    exported_sweep(root, num_seeds=7)
    first = json.loads((root / "sweeps" / "tiny" / MANIFEST).read_text())
    shutil.rmtree(Store().of(TINY).home / "seeds-000010-000016")
    appended = exported_sweep(root, first_seed=17, append=True)
    for name, table in whole._asdict().items():
        pd.testing.assert_frame_equal(getattr(appended, name), table, check_dtype=True)
    manifest = json.loads((root / "sweeps" / "tiny" / MANIFEST).read_text())
    assert manifest["seeds"] == [10, 23]
    assert [origin["shards"] for origin in manifest["origins"]] == [
        [[10, 16]],
        [[17, 19], [18, 23]],
    ]
    assert manifest["origins"][0] == first["origins"][0]


def test_a_shard_in_two_parts_gives_each_its_share_of_the_time(swept, root):
    exported_sweep(root, num_seeds=3)
    exported_sweep(root, first_seed=13, num_seeds=4, append=True)
    manifest = json.loads((root / "sweeps" / "tiny" / MANIFEST).read_text())
    assert [origin["shards"] for origin in manifest["origins"]] == [[[10, 12]], [[13, 16]]]
    shard = json.loads((Store().of(TINY).home / "seeds-000010-000016" / MANIFEST).read_text())
    shares = [shard["wall_s"] * k / 7 for k in (3, 4)]
    assert [origin["wall_s"] for origin in manifest["origins"]] == pytest.approx(shares, abs=0.06)


def test_only_seeds_that_follow_are_appended(swept, root):
    with pytest.raises(StoreError, match="is not there, so that nothing can be appended"):
        exported_sweep(root, append=True)
    exported_sweep(root, num_seeds=7)
    before = (root / "sweeps" / "tiny" / MANIFEST).read_text()
    for seed in (10, 16, 18):
        with pytest.raises(InputError, match="first_seed must be 17, behind the seeds of"):
            exported_sweep(root, first_seed=seed, append=True)
    assert (root / "sweeps" / "tiny" / MANIFEST).read_text() == before


@pytest.mark.parametrize(
    "change",
    [{"seeds": None}, {"seeds": [5]}, {"seeds": [10, 99]}, {"origins": None}, {"key": None}],
)
def test_nothing_is_appended_to_a_manifest_that_does_not_tell(swept, root, change):
    exported_sweep(root, num_seeds=7)
    folder = root / "sweeps" / "tiny"
    manifest = json.loads((folder / MANIFEST).read_text()) | change
    write_manifest(folder, list(manifest["files"]), manifest)
    with pytest.raises(StoreError, match=r"export (the sweep|it) again"):
        exported_sweep(root, first_seed=17, append=True)


def test_a_sweep_with_missing_shards_is_refused(tiny_preset, root):
    store = Store()
    with pytest.raises(StoreError, match="lacks 1 of 1 seeds from 10 on, first of all 10: run"):
        exported_sweep(root)
    put_shard(store, range(10, 12))
    put_shard(store, range(15, 17))
    with pytest.raises(StoreError, match="lacks 3 of 7 seeds from 10 on, first of all 12: run"):
        exported_sweep(root)
    with pytest.raises(StoreError, match="lacks 1 of 3 seeds from 15 on, first of all 17: run"):
        exported_sweep(root, first_seed=15, num_seeds=3)
    assert read_sweep_export("tiny", root) is None
    assert not root.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_seeds": 0}, "num_seeds must be an integer at least 1 .*, got 0"),
        ({"first_seed": -1}, "first_seed must .*, got -1"),
        ({"name": "A92"}, "preset must be one of .*, got 'A92'"),
    ],
)
def test_a_bad_export_of_a_sweep_is_refused(tiny_preset, root, options, message):
    with pytest.raises(InputError, match=message):
        exported_sweep(root, **options)
    assert not root.exists()


@pytest.mark.parametrize("version", [0, 3, "2", None])
def test_tables_of_another_version_are_refused(swept, root, version):
    exported_sweep(root)
    relabel(root / "sweeps" / "tiny", version)
    said = f"has tables of version {version!r}, this version of modlib reads 1 and 2; export the"
    with pytest.raises(StoreError, match=said):
        read_sweep_export("tiny", root)


def relabel(folder: Path, version: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    write_manifest(folder, list(manifest["files"]), manifest | {"tables": version})


NEW = {
    "networks": [
        *("accuracy", "loss", "strict_accuracy", "strict_loss"),
        *("strict_2f_accuracy", "strict_2f_loss", "gap", "delta"),
    ],
    "clusters": [
        *("removed_accuracy", "removed_loss", "control_accuracy", "control_loss"),
        *("num_phases", "nearest_ratio", "axes_ratio_a", "axes_ratio_b"),
    ],
    "fine_tuning": ["clustered_1", "clustered_2"],
    "weights": ["epoch", *SHARES],
}
"""Columns of version 2, by table."""


@pytest.fixture
def of_version_1(swept, root) -> SweepTables:
    """An export whose tables are of version 1."""
    tables, folder = exported_sweep(root), root / "sweeps" / "tiny"
    (folder / "weights.parquet").unlink()
    for name in ("networks", "clusters", "fine_tuning"):
        table = getattr(tables, name).drop(columns=NEW[name])
        table.to_parquet(folder / f"{name}.parquet", index=False)
    manifest = json.loads((folder / MANIFEST).read_text())
    names = [name for name in manifest["files"] if name != "weights.parquet"]
    write_manifest(folder, names, manifest | {"tables": 1})
    return tables


def test_tables_of_version_1_are_read_without_what_came_later(of_version_1, root):
    found = read_sweep_export("tiny", root)
    for name in ("networks", "clusters", "fine_tuning", "window", "histogram", "ranks"):
        expected = getattr(of_version_1, name).drop(columns=NEW.get(name, []))
        pd.testing.assert_frame_equal(getattr(found, name), expected)
    assert found.weights.columns.tolist() == ["seed"]
    assert len(found.weights) == 0


def test_a_later_column_of_an_older_table_is_refused_by_name(of_version_1, root):
    found = read_sweep_export("tiny", root)
    for table, column in [(t, c) for t in NEW for c in NEW[t]]:
        with pytest.raises(StoreError) as refusal:
            require_columns("tiny", found, {"clusters": ["freq"], table: ["seed", column]})
        assert str(refusal.value) == (
            f"the sweep of tiny has tables of version 1, in which {table} has no column {column}; "
            "version 2 has it: export the sweep again"
        )
    with pytest.raises(StoreError, match="of tiny has tables of version 1, in which networks has"):
        read_sweep_export("tiny", root, needs={"networks": ["gap"]})


def test_columns_that_are_there_are_given(swept, root):
    exported_sweep(root)
    tables = read_sweep_export("tiny", root, needs=NEW)
    assert {"accuracy", "strict_2f_loss"} < set(tables.networks)
    with pytest.raises(InputError, match="needs must name columns of the table clusters, got 'x'"):
        read_sweep_export("tiny", root, needs={"clusters": ["x"]})


def test_nothing_is_appended_to_tables_of_an_older_version(of_version_1, swept, root):
    put_shard(Store(), range(24, 26))
    before = (root / "sweeps" / "tiny" / MANIFEST).read_text()
    with pytest.raises(StoreError, match="has tables of version 1, to which none of version 2 can"):
        exported_sweep(root, first_seed=24, append=True)
    assert (root / "sweeps" / "tiny" / MANIFEST).read_text() == before
    assert len(exported_sweep(root).weights) > 0, "a whole new export takes its place"


def test_sets_of_two_versions_have_the_columns_of_the_older(of_version_1, root):
    older = read_sweep_export("tiny", root)
    newer = collect_sweep(Store(), TINY, range(17, 24))
    whole = concat([select(older, list(range(10, 17))), newer], list(range(10, 24)))
    assert whole.networks.columns.equals(older.networks.columns)
    assert whole.clusters.columns.equals(older.clusters.columns)
    assert whole.networks.seed.tolist() == list(range(10, 24))
    assert len(whole.weights) == 0, "some networks lack them"
    assert len(concat([newer], list(range(17, 24))).weights) == 7 * len(weight_epochs(TINY))


def test_a_damaged_sweep_export_is_refused(swept, root):
    exported_sweep(root)
    file = root / "sweeps" / "tiny" / "ranks.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"ranks\.parquet has \d+ bytes, the manifest says"):
        read_sweep_export("tiny", root)


def test_committed_sweeps_are_whole():
    for folder in sorted((sample.RESULTS / "sweeps").glob("*")):
        tables = read_sweep_export(folder.name)
        assert tables.networks.seed.is_unique
        assert set(tables.clusters.seed) <= set(tables.networks.seed)
