"""Sweeps: shards whole or not at all, the same bits however often they were stopped."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result

from modlib.analysis.many_seeds import census
from modlib.cli.main import main
from modlib.config.addition import AdditionConfig
from modlib.config.rules import seed_range
from modlib.errors import InputError, StoreError
from modlib.machine import ROOT
from modlib.models.mlp import PARAMETERS, SHARES
from modlib.runs import one_shard
from modlib.runs.one_shard import TABLES, describing, run_shard
from modlib.runs.shard_tables import shard_arrays, shard_tables
from modlib.runs.shards import blocks, checked_shards, plan, read_sweep, read_weights
from modlib.runs.sweep import sweep
from modlib.store import checkpoint, files
from modlib.store import folder as store_folder
from modlib.store import runs as store_module
from modlib.store import shards as shards_module
from modlib.store.folder import MANIFEST, write_manifest
from modlib.store.runs import WEIGHTS, Store
from modlib.store.shards import load_shard, replace_tables, shards_on, table_file
from modlib.tasks.learned import Outcome, outcome
from modlib.training.addition.ensemble import train_ensemble
from modlib.training.addition.loop import WEIGHT_HISTORY, weight_epochs

TINY = AdditionConfig(n=7, num_neurons=8, embed_dim=4, epochs=3)
SEEDS = range(1000, 1010)
CPU = torch.device("cpu")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def run(store: Store, seeds: range = SEEDS, config: AdditionConfig = TINY, **options):
    options = {"shard_size": 4, "device": "cpu", "threads": 2, "progress": False, **options}
    return sweep(config, seeds, store=store, **options)


def contents(store: Store) -> dict[str, bytes]:
    """Every finished file but the manifests, which hold times, with its bytes."""
    return {
        str(path.relative_to(store.root)): path.read_bytes()
        for path in sorted(store.root.rglob("*"))
        if path.is_file() and path.suffix in (".parquet", ".safetensors")
    }


@pytest.fixture
def trained(monkeypatch) -> list[int]:
    """The seeds that were trained, in order."""
    seen: list[int] = []

    def noting(config, seeds, **options):
        for member in train_ensemble(config, seeds, **options):
            seen.append(member.seed)
            yield member

    monkeypatch.setattr(one_shard, "train_ensemble", noting)
    return seen


def folder_of(store: Store, shard: range, config: AdditionConfig = TINY) -> Path:
    return store.of(config).folder(shard)


# Which shards


@pytest.mark.parametrize(("first", "total", "size"), [(1000, 10, 4), (3, 1, 5), (0, 12, 4)])
def test_blocks_are_cut_at_the_same_places_for_every_sweep(first, total, size):
    seeds = range(first, first + total)
    cut = blocks(seeds, size)
    assert [seed for block in cut for seed in block] == list(seeds)
    assert all(block.start % size == 0 for block in cut[1:])
    assert all(block.stop % size == 0 for block in cut[:-1])


def test_a_sweep_is_extended_and_nothing_is_computed_twice(store, trained):
    run(store, range(1002, 1005))
    assert trained == [1002, 1003, 1004]
    assert plan(store, TINY, SEEDS, shard_size=4) == [
        range(1000, 1002),
        range(1005, 1008),
        range(1008, 1010),
    ]
    swept = run(store)
    assert (swept.num_networks, swept.num_shards) == (10, 5)
    assert sorted(trained) == list(SEEDS)
    run(store, shard_size=3)
    assert len(trained) == 10


def test_a_shard_covered_by_larger_ones_of_another_size_is_left_out(store):
    run(store, shard_size=100)
    assert plan(store, TINY, range(1003, 1007), shard_size=2) == []
    assert plan(store, TINY, range(999, 1011), shard_size=1000) == [
        range(999, 1000),
        range(1010, 1011),
    ]


# What a shard holds


def test_tables_depend_on_the_seeds_alone(store, tmp_path):
    other = Store(tmp_path / "other")
    run(store)
    run(other, shard_size=100, threads=1)
    for one, two in zip(read_sweep(store, TINY), read_sweep(other, TINY), strict=True):
        pd.testing.assert_frame_equal(one, two)
    some = read_sweep(other, TINY, range(1003, 1006))
    assert some.networks.seed.tolist() == [1003, 1004, 1005]
    assert set(some.neurons.seed) <= {1003, 1004, 1005}


def test_overlapping_shards_give_each_seed_once(store, tmp_path):
    run(store, range(1000, 1006), shard_size=1000)
    other = Store(tmp_path / "other")
    run(other, range(1004, 1010), shard_size=1000)
    place = folder_of(store, range(1004, 1010))
    folder_of(other, range(1004, 1010)).rename(place)
    tables = read_sweep(store, TINY)
    assert tables.networks.seed.tolist() == list(SEEDS)
    assert not tables.neurons.duplicated(["seed", "neuron"]).any()


def test_a_shard_keeps_what_training_gave(store):
    run(store, range(1000, 1003), keep_weights=True)
    shard = load_shard(
        store.of(TINY),
        range(1000, 1003),
        expected=shard_tables(TINY),
        arrays=shard_arrays(TINY, 3),
    )
    assert shard.manifest["config"] == asdict(TINY)
    assert shard.manifest["seeds"] == [1000, 1002]
    assert shard.manifest["tables"] == census.SCHEMA
    members = train_ensemble(TINY, range(1000, 1003), device=CPU, progress=False)
    for index, member in enumerate(members):
        for name in PARAMETERS:
            np.testing.assert_array_equal(shard.tensors[name][index], member.weights[name])
        history = shard.tables["history"]
        kept = history[history.seed == member.seed].drop(columns="seed").reset_index(drop=True)
        pd.testing.assert_frame_equal(kept, member.history, check_dtype=False)
        weights = shard.tables["weights"]
        kept = weights[weights.seed == member.seed].drop(columns="seed").reset_index(drop=True)
        assert kept.dtypes.tolist() == [np.int32, *[np.float32] * 3]
        pd.testing.assert_frame_equal(kept, member.weight_history.astype(kept.dtypes))
        row = shard.tables["networks"].iloc[index]
        for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
            assert row[name] == np.float32(member.history[name].iloc[-1])
        became = outcome(member.history, TINY.n**2 - TINY.num_train)
        assert row[list(SHARES)].tolist() == kept.iloc[-1][list(SHARES)].tolist()
        assert row.learned == became.learned
        assert row.reached_epoch == (-1 if became.reached_epoch is None else became.reached_epoch)


def test_weights_over_training_are_read_like_the_other_tables(store):
    run(store)
    table = read_weights(store, TINY, range(1002, 1006))
    assert table.columns.tolist() == ["seed", *WEIGHT_HISTORY]
    epochs = weight_epochs(TINY)
    assert table.seed.tolist() == [seed for seed in range(1002, 1006) for _ in epochs]
    assert table.epoch.tolist() == epochs * 4
    assert table.notna().all(axis=None)
    with pytest.raises(StoreError, match="holds no shard of these seeds"):
        read_weights(store, TINY, range(2000, 2001))


def test_controls_are_drawn_by_each_networks_seed(store, monkeypatch):
    seen = []
    described = census.census

    def noting(view, *, seed):
        seen.append(seed)
        return described(view, seed=seed)

    monkeypatch.setattr(census, "census", noting)
    run(store, range(1000, 1005))
    assert seen == list(range(1000, 1005))


def test_weights_are_kept_only_on_request(store):
    run(store, range(1000, 1002))
    assert WEIGHTS not in checked_shards(store, TINY)[range(1000, 1002)]["files"]
    before = contents(store)
    with pytest.raises(StoreError, match=r"was computed without keeping its weights; move .* away"):
        run(store, range(1000, 1005), keep_weights=True)
    assert contents(store) == before


@pytest.mark.parametrize(
    ("test_accuracy", "became"),
    [
        ([0.1, 1.0, 0.9995], Outcome(10, 0.9995, True)),
        ([0.1, 1.0, 0.99], Outcome(10, 0.99, False)),
        ([0.1, 0.9999, 0.9999], Outcome(None, 0.9999, False)),
        ([1.0, 0.1, 1.0], Outcome(0, 1.0, True)),
    ],
)
def test_a_network_learned_if_it_reached_all_and_ends_near(test_accuracy, became):
    history = pd.DataFrame({"epoch": [0, 10, 20], "test_accuracy": test_accuracy})
    assert outcome(history, 5) == became
    held_none = history.rename(columns={"test_accuracy": "train_accuracy"})
    assert outcome(held_none, 0) == became


def test_networks_of_zeros_stand_for_parameters_that_are_not_finite(store, monkeypatch):
    def diverging(config, seeds, **options):
        for member in train_ensemble(config, seeds, **options):
            if member.seed == 1001:
                member.weights["hidden.bias"][0] = np.nan
            yield member

    monkeypatch.setattr(one_shard, "train_ensemble", diverging)
    run(store, range(1000, 1003), keep_weights=True)
    networks = read_sweep(store, TINY).networks
    assert networks.diverged.tolist() == [False, True, False]
    assert networks.num_live.iloc[1] == 0


def test_descriptions_made_beside_the_training_are_the_same(store, tmp_path):
    run(store)
    other = Store(tmp_path / "other")
    with describing(2) as pool:
        for shard in blocks(SEEDS, 4):
            assert run_shard(other, TINY, shard, device=CPU, threads=1, describers=pool)
    assert contents(other) == contents(store)


# Stopped and resumed


class Stop(BaseException):
    """Like a kill: nothing is tidied up for it."""


def stop_after(monkeypatch, count: int) -> None:
    def stopping(config, seeds, **options):
        for number, member in enumerate(train_ensemble(config, seeds, **options)):
            if number == count:
                raise Stop
            yield member

    monkeypatch.setattr(one_shard, "train_ensemble", stopping)


def test_finished_networks_of_an_unfinished_shard_are_not_trained_again(
    store, tmp_path, monkeypatch, request
):
    whole = Store(tmp_path / "whole")
    run(whole, shard_size=100, keep_weights=True)
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        with pytest.raises(Stop):
            run(store, shard_size=100, keep_weights=True)
    assert shards_on(store.of(TINY)) == []
    damaged = store.of(TINY).finished(1001)
    (state,) = damaged.path.glob("state-*")
    state.write_bytes(state.read_bytes()[:-1] + b"?")
    trained = request.getfixturevalue("trained")
    run(store, shard_size=100, keep_weights=True)
    assert trained == [1001, *range(1003, 1010)], "1001 was damaged"
    assert contents(store) == contents(whole)
    assert not any(store.root.rglob("state-*"))


def test_networks_that_an_older_version_finished_are_trained_again(store, tmp_path, monkeypatch):
    """They lack their weights over training, which nothing but training gives."""
    whole = Store(tmp_path / "whole")
    run(whole, shard_size=100)
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        with pytest.raises(Stop):
            run(store, shard_size=100)
    older = store.of(TINY).finished(1001)
    older.save({name: array for name, array in older.load().items() if name != "weights"})
    run(store, shard_size=100)
    assert read_weights(store, TINY).notna().all(axis=None)
    assert contents(store) == contents(whole)


SERVER = """
import os, sys
from pathlib import Path
import torch
from modlib.runs import one_shard, sweep
from modlib.config.addition import AdditionConfig
from modlib.store.runs import Store
from modlib.training.addition.ensemble import train_ensemble

config = {config!r}
list(train_ensemble(config, [0], device=torch.device("cpu"), threads=1, progress=False))
keep = one_shard._keep_and_describe

def noting(place, config, seed, state, trained_now):
    if trained_now:
        os.write(1, f"trained {{seed}}\\n".encode())
    return keep(place, config, seed, state, trained_now)

one_shard._keep_and_describe = noting
os.write(1, b"ready\\n")
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sweep.sweep(config, range({first}, {stop}), store=Store(Path(sys.argv[1])),
                    shard_size=int(sys.argv[2]),
                    keep_weights=True, device="cpu", threads=1, progress=False)
        os._exit(0)
    os.write(1, f"started {{child}}\\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(1, f"ended {{status}}\\n".encode())
"""
SMALL = AdditionConfig(n=23, num_neurons=32, embed_dim=8, epochs=60)
MANY = range(1000, 1044)


@contextmanager
def server(root: Path, shard_size: int = 8) -> Iterator[subprocess.Popen[str]]:
    """A process that has loaded all it needs, and runs the sweep in a child for each line."""
    code = SERVER.format(config=SMALL, first=MANY.start, stop=MANY.stop)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(root), str(shard_size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def start(process: subprocess.Popen[str]) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def end(process: subprocess.Popen[str]) -> tuple[int, list[int]]:
    """Exit status of the sweep, and the seeds it trained."""
    trained = []
    for line in process.stdout:
        word, number = line.split()
        if word == "trained":
            trained.append(int(number))
        if word == "ended":
            return int(number), trained
    raise AssertionError("the server is gone")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Store:
    whole = Store(tmp_path_factory.mktemp("whole"))
    run(whole, MANY, SMALL, shard_size=8, keep_weights=True)
    return whole


def test_ten_kills_at_random_moments_change_no_bit(store, uninterrupted):
    moment = random.Random(3)
    killed = 0
    with server(store.root) as process:
        for _ in range(10):
            start(process)
            while not (line := process.stdout.readline()).startswith("started"):
                pass
            for _ in range(moment.randrange(3)):  # networks, whatever the machine's pace
                process.stdout.readline()
            time.sleep(moment.uniform(0.0, 0.02))
            os.kill(int(line.split()[1]), signal.SIGKILL)
            status, _ = end(process)
            killed += os.WIFSIGNALED(status)
        start(process)
        status, last = end(process)
    assert status == 0
    assert killed == 10, "none was through before it was killed"
    assert len(last) < len(MANY), "what the killed ones finished was used"
    assert contents(store) == contents(uninterrupted)
    assert not any(store.root.rglob("state-*"))


def test_two_processes_share_the_shards_and_train_each_seed_once(store, uninterrupted):
    with server(store.root) as one, server(store.root) as two:
        for process in (one, two):
            start(process)
        ended = [end(process) for process in (one, two)]
    assert [status for status, _ in ended] == [0, 0]
    assert sorted(ended[0][1] + ended[1][1]) == list(MANY)
    assert contents(store) == contents(uninterrupted)


def test_processes_that_cut_the_seeds_otherwise_train_each_once_too(store, uninterrupted):
    with server(store.root) as one, server(store.root, shard_size=12) as two:
        for process in (one, two):
            start(process)
        ended = [end(process) for process in (one, two)]
    assert [status for status, _ in ended] == [0, 0]
    assert sorted(ended[0][1] + ended[1][1]) == list(MANY)
    for name in ("networks", "neurons"):
        mine, theirs = (getattr(read_sweep(s, SMALL), name) for s in (store, uninterrupted))
        pd.testing.assert_frame_equal(mine, theirs)


def test_blocks_that_share_a_seed_are_held_together(store):
    shelf = store.of(TINY)
    with shelf.lock(range(0, 10)):
        for seeds, free in [(range(5, 8), 0), (range(9, 20), 0), (range(10, 20), 1), (3, 1)]:
            with shelf.lock(seeds, wait=False) as held:
                assert held == bool(free)
    with shelf.lock(range(5, 20), wait=False) as held:
        assert held
        assert not run_shard(store, TINY, range(0, 10), device=CPU, wait=False)


def test_a_shard_that_another_got_a_part_of_is_planned_anew(store, trained):
    run(store, range(1002, 1004))
    assert not run_shard(store, TINY, range(1000, 1004), device=CPU)
    assert trained == [1002, 1003]


def test_a_held_shard_is_left_to_its_holder(store):
    shard = range(1000, 1002)
    with store.of(TINY).lock(shard) as held:
        assert held
        assert not run_shard(store, TINY, shard, device=CPU, wait=False)
    assert run_shard(store, TINY, shard, device=CPU, wait=False)
    assert run_shard(store, TINY, shard, device=CPU, wait=False), "computed before: nothing to do"


# Versions of the tables


def test_older_tables_are_made_again_from_kept_weights(store, tmp_path, monkeypatch, trained):
    run(store, keep_weights=True)
    kept, weights = read_sweep(store, TINY), read_weights(store, TINY)
    names = {path.name for path in folder_of(store, range(1000, 1004)).iterdir()}
    assert names == {MANIFEST, WEIGHTS, *(table_file(name, census.SCHEMA) for name in TABLES)}
    monkeypatch.setattr(census, "SCHEMA", census.SCHEMA + 1)
    older = f"older version than {census.SCHEMA}; run the sweep again"
    with pytest.raises(StoreError, match=older):
        read_sweep(store, TINY)
    before = contents(store)
    with monkeypatch.context() as patch:
        patch.setattr(store_folder, "write_manifest", lambda *args: exec("raise Stop", globals()))
        patch.setattr(checkpoint, "write_manifest", lambda *args: exec("raise Stop", globals()))
        patch.setattr(shards_module, "write_manifest", lambda *args: exec("raise Stop", globals()))
        with pytest.raises(Stop):
            run(store, keep_weights=True)
    assert before.items() <= contents(store).items(), "a kill on the way leaves the old ones whole"
    trained.clear()
    run(store)
    assert trained == []
    for old, new in zip(kept, read_sweep(store, TINY), strict=True):
        pd.testing.assert_frame_equal(old, new)
    pd.testing.assert_frame_equal(read_weights(store, TINY), weights)
    names = {path.name for path in folder_of(store, range(1000, 1004)).iterdir()}
    assert names == {MANIFEST, WEIGHTS, *(table_file(name, census.SCHEMA) for name in TABLES)}


def test_shards_of_version_1_are_brought_up_to_date_without_weights_before_the_last(
    store, trained, caplog
):
    run(store, keep_weights=True, shard_size=100)
    kept, weights, before = read_sweep(store, TINY), read_weights(store, TINY), contents(store)
    expected = {"history": shard_tables(TINY)["history"]}
    history = load_shard(store.of(TINY), SEEDS, expected=expected).tables
    tables = {**history, **kept._asdict()}
    tables["clusters"] = tables["clusters"].drop(columns="removed_loss")
    replace_tables(store.of(TINY), SEEDS, tables=tables, version=1)
    assert table_file("weights", 1) not in str(contents(store).keys())
    for read in (read_sweep, read_weights):
        with pytest.raises(StoreError, match="has tables of an older version than 2; run the swee"):
            read(store, TINY)
    trained.clear()
    caplog.clear()
    run(store)
    assert trained == []
    (said,) = caplog.messages
    assert said.endswith("was trained without counting weights: only the last are known")
    after = contents(store)
    differ = {name for name in before if before[name] != after[name]}
    assert {Path(name).name for name in differ} == {table_file("weights", 2)}
    found = read_weights(store, TINY)
    assert found.dtypes.equals(weights.dtypes)
    last = found.epoch == TINY.num_epochs
    pd.testing.assert_frame_equal(found[last], weights[last])
    assert found[["seed", "epoch"]].equals(weights[["seed", "epoch"]])
    assert found[~last][list(SHARES)].isna().all(axis=None)


@pytest.mark.parametrize(("step", "keep_weights"), [(1, False), (-1, True), (-1, False)])
def test_tables_of_another_version_are_refused_naming_both(store, monkeypatch, step, keep_weights):
    run(store, keep_weights=keep_weights)
    version = census.SCHEMA
    monkeypatch.setattr(census, "SCHEMA", version + step)
    before = contents(store)
    for use in (lambda: run(store), lambda: read_sweep(store, TINY)):
        with pytest.raises(
            StoreError,
            match=f"has tables of version {version}, this version of modlib reads {version + step}",
        ):
            use()
    assert contents(store) == before


# Damage, foreign shards, a full disk


def edit(folder: Path, **changes) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


def other_seeds(folder: Path) -> None:
    """A table of other seeds, with a manifest that vouches for it."""
    path = folder / table_file("networks", census.SCHEMA)
    table = pd.read_parquet(path)
    table.assign(seed=table.seed + 1).to_parquet(path, index=False)
    manifest = json.loads((folder / MANIFEST).read_text())
    names = list(manifest.pop("files"))
    del manifest["schema"]
    write_manifest(folder, names, manifest)


DAMAGES = {
    "flipped bit": (
        lambda f: flip(f / table_file("neurons", census.SCHEMA)),
        "does not match the sha256",
    ),
    "missing table": (lambda f: (f / table_file("window", census.SCHEMA)).unlink(), "is missing"),
    "missing manifest": (lambda f: (f / MANIFEST).unlink(), "holds no finished result"),
    "newer store": (lambda f: edit(f, schema=2), "has schema 2, this version of modlib reads 1"),
    "no version": (lambda f: edit(f, tables=None), "the version of its tables"),
    "no configuration": (lambda f: edit(f, config=None), "the version of its tables"),
    "another kind": (lambda f: edit(f, kind="remainders"), "belongs to another run"),
    "another key": (lambda f: edit(f, key="f" * 16), "belongs to another run"),
    "other seeds": (lambda f: edit(f, seeds=[1001, 1004]), "belongs to another run"),
    "another configuration": (
        lambda f: edit(f, config=asdict(replace(TINY, n=11))),
        "holds networks of another configuration",
    ),
    "table of other seeds": (other_seeds, "has a table 'networks' of other seeds"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_shard_is_refused_and_left_as_it_is(store, damage, trained):
    run(store, range(1000, 1004))
    folder = folder_of(store, range(1000, 1004))
    harm, reason = DAMAGES[damage]
    harm(folder)
    trained.clear()
    before = contents(store)
    for use in (lambda: run(store, range(1000, 1004)), lambda: read_sweep(store, TINY)):
        with pytest.raises(StoreError) as refusal:
            use()
        message = str(refusal.value)
        assert reason in message
        assert message.endswith(f"move {folder} away to compute this shard again")
        assert "\n" not in message
    assert contents(store) == before
    assert trained == []


def test_a_seed_without_a_shard_is_said(store):
    with pytest.raises(StoreError, match="holds no shard of these seeds"):
        read_sweep(store, TINY)
    run(store, range(1000, 1002))
    with pytest.raises(StoreError, match="holds no shard of these seeds"):
        read_sweep(store, TINY, range(2000, 2001))


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fail(*args, **options):
    raise FULL


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (pd.DataFrame, "to_parquet"),
        (files, "save_file"),
        (checkpoint, "write_manifest"),
        (store_module, "write_manifest"),
        (files.os, "rename"),
    ],
)
def test_a_full_disk_is_said_in_one_line_and_costs_nothing(
    store, tmp_path, monkeypatch, trained, owner, name
):
    whole = Store(tmp_path / "whole")
    run(whole, keep_weights=True)
    run(store, range(1000, 1004), keep_weights=True)
    before = contents(store)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        with pytest.raises(StoreError, match=r"cannot be written \(No space left on device\)"):
            run(store, keep_weights=True)
    finished = [path for path in contents(store) if path not in before]
    assert finished == []
    kept = {int(path.name[-6:]) for path in store.root.rglob(".finished/*") if any(path.iterdir())}
    trained.clear()
    run(store, keep_weights=True)
    assert not kept & set(trained), "networks that were kept before the disk was full"
    assert contents(store) == contents(whole)


# Arguments


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"seeds": range(5, 5)}, "seeds must be a range of one seed or more"),
        ({"seeds": range(0, 9, 2)}, "seeds must be a range of one seed or more, in steps of 1"),
        ({"shard_size": 0}, "shard_size must be an integer at least 1"),
        ({"shard_size": 2.5}, "shard_size must be an integer, got 2.5"),
        ({"threads": 0}, "threads must be an integer at least 1"),
        ({"threads": "two"}, "threads must be an integer, got 'two'"),
        ({"device": "tpu"}, "device must be auto, cpu, cuda or cuda:INDEX"),
        ({"workers": 0}, "workers must be an integer at least 1"),
        ({"workers": 2, "scheduler": "tcp://a:1"}, "scheduler must be left out where workers"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(store, trained, options, rule):
    with pytest.raises(InputError, match=rule):
        run(store, **options)
    assert trained == []
    assert not any(store.root.iterdir())


@pytest.mark.parametrize(
    ("first", "total", "rule"),
    [
        (1000, 0, "num_seeds must be an integer at least 1"),
        (1000, -5, "num_seeds must be an integer at least 1"),
        (1000, "x", "num_seeds must be an integer at least 1"),
        (-1, 5, "first_seed must be an integer at least 0"),
        (True, 5, "first_seed must be an integer at least 0"),
        (2**63 - 1, 2, "last seed must be an integer at least 0"),
    ],
)
def test_seeds_out_of_range_are_refused(first, total, rule):
    with pytest.raises(InputError, match=rule):
        seed_range(first, total)


# The command


@pytest.fixture
def command(store, monkeypatch):
    """``python -m modlib sweep`` on a tiny network, with the store of the test."""
    monkeypatch.setenv("MODLIB_STORE", str(store.root))
    tiny = "sweep --n 7 --num-neurons 8 --embed-dim 4 --epochs 3 --device cpu"

    def call(words: str, status: int = 0) -> Result:
        done = CliRunner().invoke(main, [*tiny.split(), *words.split()])
        assert done.exit_code == status, done.output
        return done

    return call


def test_the_command_ends_with_what_the_store_holds(command, store):
    said = command("--num-seeds 10 --shard-size 4").stdout
    assert re.fullmatch(r"3 shards, 10 networks, [\d.]+ % learned, \d+ s\n", said)
    assert shards_on(store.of(TINY)) == blocks(SEEDS, 4)
    assert command("--num-seeds 10 --shard-size 4 --first-seed 1002").stdout.startswith("4 shards")


def test_jobs_of_an_array_make_one_sweep(command, store, trained):
    for number in (1, 0, 2):
        said = command(f"--num-seeds 10 --shard-size 4 --shard {number}").stdout
        assert said.startswith("1 shards, ")
    assert trained == [*range(1004, 1008), *range(1000, 1004), 1008, 1009]
    assert plan(store, TINY, SEEDS, shard_size=4) == []


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("--num-seeds 0", "num_seeds must be an integer at least 1 and at most 10000000, got 0"),
        ("--num-seeds -3", "num_seeds must be an integer at least 1 and at most 10000000, got -3"),
        (
            "--num-seeds all",
            "num_seeds must be an integer at least 1 and at most 10000000, got 'all'",
        ),
        ("--first-seed -1 --num-seeds 2", "first_seed must be an integer at least 0 and"),
        (
            "--num-seeds 10 --shard-size 4 --shard 3",
            "shard must be an integer at least 0 and at most 2",
        ),
        ("--num-seeds 10 --shard -1", "shard must be an integer at least 0 and at most 0, got -1"),
        ("--num-seeds 10 --shard-size 0", "shard_size must be an integer at least 1"),
        ("--num-seeds 10 --threads 0", "threads must be an integer at least 1"),
        ("--num-seeds 10 --batch m", "batch must be one of full, n, got 'm'"),
        ("--num-seeds 10 --preset B", "preset must be one of "),
        ("--num-seeds 10 --device tpu", "device must be auto, cpu, cuda or cuda:INDEX, got 'tpu'"),
        ("", "Missing option '--num-seeds'."),
    ],
)
def test_a_bad_word_is_refused_in_one_line(command, store, words, refusal):
    done = command(words, status=2)
    assert done.stderr.startswith(f"modlib: {refusal}")
    assert done.stderr.count("\n") == 1
    assert not any(store.root.iterdir())


def test_the_slurm_script_asks_for_the_shard_of_its_task(tmp_path):
    """With a Python in its place that says how it was called."""
    said = tmp_path / "python"
    said.write_text('#!/bin/sh\necho "$@"\n')
    said.chmod(0o755)
    done = subprocess.run(
        ["bash", str(ROOT / "scripts" / "sweep.slurm"), "--preset", "A91", "--num-seeds", "4000"],
        env={
            **os.environ,
            "MODLIB_PYTHON": str(said),
            "MODLIB_STORE": str(tmp_path),
            "SLURM_ARRAY_TASK_ID": "7",
            "SLURM_CPUS_PER_TASK": "4",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == (
        "-m modlib sweep --preset A91 --num-seeds 4000 --shard 7 --threads 4"
    )


def test_a_shard_across_a_power_of_ten_is_found_again(tmp_path):
    """Its name has ends of six and of seven digits."""
    config = AdditionConfig(n=5, num_neurons=8, embed_dim=4, epochs=0)
    store, seeds = Store(tmp_path), range(999_990, 1_000_010)
    sweep(config, seeds, store=store, shard_size=300, progress=False, device="cpu")
    before = sorted(path.name for path in store.of(config).home.iterdir())
    sweep(config, seeds, store=store, shard_size=300, progress=False, device="cpu")
    assert sorted(path.name for path in store.of(config).home.iterdir()) == before


def test_locks_that_a_kill_left_are_cleared_away(tmp_path):
    config = AdditionConfig(n=5, num_neurons=8, embed_dim=4, epochs=0)
    shelf = Store(tmp_path).of(config)
    shelf.home.mkdir(parents=True)
    (shelf.home / ".in-use-dead.lock").touch()
    with shelf.in_use(), shelf.in_use():
        assert len(list(shelf.home.glob(".in-use-*.lock"))) == 2, "those that are held stay"
    assert list(shelf.home.glob(".in-use-*.lock")) == []


def test_credentials_without_a_scheduler_are_refused(tmp_path):
    with pytest.raises(InputError, match="tls must be left out without scheduler"):
        sweep(AdditionConfig(n=5), range(2), store=Store(tmp_path), tls=("a", "b", "c"))
