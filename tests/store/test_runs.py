"""Runs on disk: whole or not at all, checked when read, waited for, resumed after a kill."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modlib.config.addition import AdditionConfig
from modlib.errors import StoreError
from modlib.runs.get_or_train import get_or_train
from modlib.store import checkpoint as store_checkpoint
from modlib.store import files as store_files
from modlib.store import folder as store_folder
from modlib.store import runs as store_module
from modlib.store.checkpoint import Checkpoint
from modlib.store.files import write_atomically, writing
from modlib.store.folder import MANIFEST, read_manifest, write_manifest
from modlib.store.runs import (
    METRICS,
    WEIGHTS,
    Shelf,
    Store,
)

KEY = "0123456789abcdef"
SEED = 133
TENSORS = {
    "model/w": np.arange(12, dtype=np.float32).reshape(3, 4),
    "epochs": np.array([0, 1, 5]),
}
TABLE = pd.DataFrame({"epoch": [0, 1], "test_loss": [2.5, float("nan")]})


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def shelf_of(store: Store, key: str = KEY) -> Shelf:
    """Where a made-up configuration's runs lie."""
    return Shelf(store.root, "addition", key)


def save(store: Store, **changes):
    content = {
        "tensors": TENSORS,
        "metrics": TABLE,
        "config": {"n": 91},
        "device": "cpu",
        "wall_s": 1.25,
        **changes,
    }
    return shelf_of(store).save(SEED, **content)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes; locks, which are empty, left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


# What was written comes back


def test_a_run_comes_back_as_it_was_saved(store):
    saved = save(store)
    loaded = shelf_of(store).load(SEED)
    for run in (saved, loaded):
        assert run.tensors.keys() == TENSORS.keys()
        for name, array in TENSORS.items():
            assert run.tensors[name].dtype == array.dtype
            np.testing.assert_array_equal(run.tensors[name], array)
        pd.testing.assert_frame_equal(run.metrics, TABLE)
    assert loaded.manifest == saved.manifest


@pytest.mark.parametrize(
    "array",
    [
        TENSORS["model/w"].T,
        TENSORS["model/w"][::-1],
        TENSORS["model/w"][:, ::2],
        np.asfortranarray(TENSORS["model/w"]),
        np.broadcast_to(np.arange(3.0), (2, 3)),
        np.arange(6.0).astype(">f8"),
        np.array(3.5, dtype=np.float32),
        np.zeros((0, 4)),
        np.array([True, False]),
    ],
    ids=[
        *("transposed", "reversed", "strided", "Fortran", "broadcast"),
        *("big-endian", "no axis", "empty", "boolean"),
    ],
)
def test_arrays_of_any_layout_come_back_equal(store, array):
    save(store, tensors={"x": array})
    shelf_of(store).checkpoint(SEED).save({"x": array})
    for loaded in (shelf_of(store).load(SEED).tensors, shelf_of(store).checkpoint(SEED).load()):
        assert loaded["x"].shape == array.shape
        np.testing.assert_array_equal(loaded["x"], array)


def test_the_manifest_says_what_made_the_run_and_what_it_holds(store):
    manifest = save(store).manifest
    assert manifest == json.loads((shelf_of(store).folder(SEED) / MANIFEST).read_text())
    assert (manifest["schema"], manifest["kind"], manifest["key"]) == (1, "addition", KEY)
    assert (manifest["seeds"], manifest["config"], manifest["wall_s"]) == ([133], {"n": 91}, 1.25)
    assert manifest["files"].keys() == {WEIGHTS, METRICS}
    provenance = {"command", "commit", "versions", "device", "cpu_capability", "threads", "created"}
    assert provenance < manifest.keys()
    assert {"python", "modlib", "torch", "numpy"} <= manifest["versions"].keys()


def test_runs_of_other_seeds_and_keys_lie_apart(store):
    save(store)
    assert SEED in shelf_of(store)
    assert shelf_of(store).folder(SEED).name == "seed-000133"
    assert 134 not in shelf_of(store)
    assert SEED not in shelf_of(store, "f" * 16)


def test_files_can_be_read_by_others(store):
    save(store)
    folder = shelf_of(store).folder(SEED)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    for name in (WEIGHTS, METRICS, MANIFEST):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o644


# Damage is refused, and nothing is lost by it


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def edit(path: Path, **changes) -> None:
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, **changes}))


DAMAGES = {
    "flipped bit in the weights": (lambda f: flip(f / WEIGHTS, -1), "does not match the sha256"),
    "flipped bit in the header": (lambda f: flip(f / WEIGHTS, 9), "does not match the sha256"),
    "flipped bit in the table": (lambda f: flip(f / METRICS, 40), "does not match the sha256"),
    "truncated weights": (lambda f: os.truncate(f / WEIGHTS, 20), "has 20 bytes, the manifest"),
    "truncated table": (lambda f: os.truncate(f / METRICS, 0), "has 0 bytes, the manifest"),
    "missing weights": (lambda f: (f / WEIGHTS).unlink(), "is missing although"),
    "truncated manifest": (lambda f: os.truncate(f / MANIFEST, 30), "not a readable manifest"),
    "empty manifest": (lambda f: os.truncate(f / MANIFEST, 0), "not a readable manifest"),
    "missing manifest": (lambda f: (f / MANIFEST).unlink(), "holds no finished result"),
    "manifest is a list": (lambda f: (f / MANIFEST).write_text("[]"), "not a readable manifest"),
    "manifest nested too deep": (
        lambda f: (f / MANIFEST).write_text("[" * 100_000),
        "not a readable manifest",
    ),
    "manifest is no text": (lambda f: (f / MANIFEST).write_bytes(b"\xff{}"), "not a readable"),
    "files is a list": (lambda f: edit(f / MANIFEST, files=[]), "not a readable manifest"),
    "files without sha256": (
        lambda f: edit(f / MANIFEST, files={WEIGHTS: {}}),
        "not a readable manifest",
    ),
    "no file listed": (
        lambda f: edit(f / MANIFEST, files={}),
        "must list metrics.parquet, weights",
    ),
    "newer schema": (lambda f: edit(f / MANIFEST, schema=2), "has schema 2, this version"),
    "another kind": (lambda f: edit(f / MANIFEST, kind="remainders"), "belongs to another run"),
    "another key": (lambda f: edit(f / MANIFEST, key="f" * 16), "belongs to another run"),
    "another seed": (lambda f: edit(f / MANIFEST, seeds=[134]), "belongs to another run"),
    "a file in its place": (
        lambda f: (f.rename(f.with_name("away")), f.write_text("x")),
        "holds no finished result",
    ),
    "an empty folder in its place": (
        lambda f: (f.rename(f.with_name("away")), f.mkdir()),
        "holds no finished result",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_refused_and_left_as_it_is(store, damage):
    save(store)
    folder = shelf_of(store).folder(SEED)
    harm, reason = DAMAGES[damage]
    harm(folder)
    before = contents(store.root)
    assert SEED in shelf_of(store), "what lies there is not trained over"
    with pytest.raises(StoreError) as refusal:
        shelf_of(store).load(SEED)
    message = str(refusal.value)
    assert reason in message
    assert str(folder) in message
    assert message.endswith(f"move {folder} away to train this seed again")
    assert "\n" not in message
    assert contents(store.root) == before


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """A foreign file with a manifest that vouches for it."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["schema"], manifest["files"]
    write_manifest(folder, [WEIGHTS, METRICS], manifest)


@pytest.mark.parametrize("name", [WEIGHTS, METRICS])
def test_a_foreign_file_that_its_manifest_vouches_for_is_refused(store, name):
    save(store)
    rewrite(shelf_of(store).folder(SEED), name, b"not of this format, though long enough to be one")
    with pytest.raises(StoreError, match=r"cannot be read .*; move .* away"):
        shelf_of(store).load(SEED)


def test_no_flipped_bit_changes_the_numbers_unseen(store):
    """A bit anywhere in the three files: the run is refused, or reads the same."""
    save(store)
    folder = shelf_of(store).folder(SEED)
    generator = np.random.default_rng(0)
    refused = {WEIGHTS: 0, METRICS: 0, MANIFEST: 0}
    for name in refused:
        whole = (folder / name).read_bytes()
        for _ in range(60):
            damaged = bytearray(whole)
            damaged[generator.integers(len(whole))] ^= 1 << generator.integers(8)
            (folder / name).write_bytes(damaged)
            try:
                run = shelf_of(store).load(SEED)
            except StoreError:
                refused[name] += 1
            else:
                assert run.tensors["model/w"].tobytes() == TENSORS["model/w"].tobytes()
                pd.testing.assert_frame_equal(run.metrics, TABLE)
        (folder / name).write_bytes(whole)
    assert refused[WEIGHTS] == refused[METRICS] == 60
    assert 0 < refused[MANIFEST] < 60, "what is provenance alone may change"
    shelf_of(store).load(SEED)


# Failed writes leave nothing


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fail(*args, **options):
    raise FULL


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (store_files, "save_file"),
        (pd.DataFrame, "to_parquet"),
        (store_files, "sync"),
        (store_module, "write_manifest"),
        (store_files.tempfile, "mkdtemp"),
        (store_files.os, "replace"),
        (store_files.os, "rename"),
    ],
)
def test_a_failed_write_leaves_no_half_run(store, monkeypatch, owner, name):
    save(store, tensors={"x": np.ones(2)})
    shelf = shelf_of(store)
    before = contents(store.root)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        with pytest.raises(StoreError, match=r"cannot be written \(No space left on device\)"):
            shelf.save(7, tensors=TENSORS, metrics=TABLE, config={}, device="cpu", wall_s=0.0)
    assert contents(store.root) == before
    assert 7 not in shelf
    shelf.save(7, tensors=TENSORS, metrics=TABLE, config={}, device="cpu", wall_s=0.0)
    shelf.load(7)


def test_a_full_disk_is_said_in_one_line(tmp_path):
    """The real thing: /dev/full takes no byte."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with (
        pytest.raises(StoreError) as refusal,
        writing(tmp_path),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")
    assert str(refusal.value) == f"{tmp_path} cannot be written (No space left on device)"


@pytest.mark.parametrize(
    ("owner", "name"),
    [(store_files, "save_file"), (store_files, "sync"), (store_checkpoint, "write_manifest")],
)
def test_a_failed_checkpoint_leaves_the_one_before(tmp_path, monkeypatch, owner, name):
    checkpoint = Checkpoint(tmp_path / "partial")
    checkpoint.save({"epoch": np.array(1)})
    before = contents(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        with pytest.raises(StoreError, match="cannot be written"):
            checkpoint.save({"epoch": np.array(2)})
    assert contents(tmp_path) == before
    assert checkpoint.load()["epoch"] == 1
    checkpoint.save({"epoch": np.array(3)})
    assert checkpoint.load()["epoch"] == 3
    assert len(contents(tmp_path)) == 2, "the state and its manifest"
    checkpoint.clear()
    assert contents(tmp_path) == {}
    assert checkpoint.load() is None


def test_an_interrupt_right_after_the_manifest_leaves_the_new_state(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "partial")
    checkpoint.save({"epoch": np.array(1)})

    def interrupted(*args):
        write_manifest(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store_checkpoint, "write_manifest", interrupted)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.save({"epoch": np.array(2)})
    assert checkpoint.load()["epoch"] == 2


def test_a_checkpoint_says_what_made_it(tmp_path):
    checkpoint = shelf_of(Store(tmp_path)).checkpoint(SEED, "cuda")
    assert checkpoint.manifest() == {}
    checkpoint.save({"epoch": np.array(1)})
    made = checkpoint.manifest()
    assert made["device"] == "cuda"
    assert {"command", "commit", "versions", "created"} < made.keys()
    (checkpoint.path / MANIFEST).write_text("[1]")
    assert checkpoint.manifest() == {}


def test_a_kill_between_state_and_manifest_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    class Kill(BaseException):
        pass

    def kill(*args, **options):
        raise Kill

    checkpoint = Checkpoint(tmp_path / "partial")
    checkpoint.save({"epoch": np.array(1)})
    with monkeypatch.context() as patch:
        patch.setattr(store_folder, "write_manifest", kill)
        patch.setattr(store_checkpoint, "write_manifest", kill)
        patch.setattr(store_module, "write_manifest", kill)
        patch.setattr(Path, "unlink", lambda *args, **options: None)  # a kill cleans nothing up
        with pytest.raises(Kill):
            checkpoint.save({"epoch": np.array(2)})
    assert checkpoint.load()["epoch"] == 1
    checkpoint.save({"epoch": np.array(3)})
    assert checkpoint.load()["epoch"] == 3
    assert len(contents(tmp_path)) == 2


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(store_files.os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, b"new and longer")
    assert contents(tmp_path) == {"record.json": b"old"}
    write_atomically(path, b"new")
    assert contents(tmp_path) == {"record.json": b"new"}


# A store that cannot be written


def test_a_store_that_is_a_file_or_below_one_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("kept")
    monkeypatch.chdir(tmp_path)
    below = (file, file / "store", Path("/proc/store"), Path("/dev/null/store"))
    for root in (*below, Path("s3://runs"), Path("https://runs/of"), tmp_path / "no\udcfftext"):
        rule = r"MODLIB_STORE must be a folder that can be written \(.+\), got "
        with pytest.raises(StoreError, match=rule + re.escape(repr(str(root)))):
            Store(root)
        monkeypatch.setenv("MODLIB_STORE", str(root))
        with pytest.raises(StoreError, match=rule + re.escape(repr(str(root)))):
            get_or_train(AdditionConfig(n=7, epochs=0), seed=0, device="cpu")
    assert file.read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("level", ["kind", "key"])
def test_a_file_where_a_folder_of_the_store_belongs_is_refused_before_training(
    store, monkeypatch, level
):
    config = AdditionConfig(n=7, epochs=0)
    place = store.of(config).folder(0).parent
    blocked = place if level == "key" else place.parent
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("kept")
    monkeypatch.setattr("modlib.training.addition.single.CompiledTraining", None)
    with pytest.raises(StoreError, match=r"cannot be written \("):
        get_or_train(config, seed=0, device="cpu", store=store)
    assert blocked.read_text() == "kept"


def test_a_home_folder_that_nobody_has_is_refused(monkeypatch):
    monkeypatch.setenv("MODLIB_STORE", "~no-such-user/runs")
    with pytest.raises(StoreError, match=r"MODLIB_STORE must be a folder .* '~no-such-user/runs'"):
        Store()


def test_the_home_folder_may_be_written_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MODLIB_STORE", "~/runs")
    assert Store().root == tmp_path / "runs"


# Locks and kills, in processes of their own


SMALL = AdditionConfig(n=11, num_neurons=16, embed_dim=8, epochs=40, train_pairs=121)

WORKER = f"""
import time
from modlib.runs import addition as experiments
from modlib.config.addition import AdditionConfig
from modlib.runs.get_or_train import get_or_train
from modlib.training import resume

resume.pause_s = lambda took: 0.0
measure = experiments._measure_frequencies

def slowly(model):
    print("measured", flush=True)
    time.sleep(0.02)
    return measure(model)

experiments._measure_frequencies = slowly
print("ready", flush=True)
run = get_or_train({SMALL!r}, seed=3, device="cpu", progress=False)
print("trained" if run.trained_now else "read", flush=True)
"""


@contextmanager
def worker(root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that asks for a small run, once it has loaded what it needs."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER],
        env={**os.environ, "MODLIB_STORE": str(root), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """The run that the processes ask for, trained without interruption."""
    root = tmp_path_factory.mktemp("whole")
    return get_or_train(SMALL, seed=3, device="cpu", store=Store(root), progress=False)


def test_after_a_kill_the_same_call_resumes_and_ends_with_the_same_bits(store, small_run):
    with worker(store.root) as process:
        for _ in range(15):
            assert process.stdout.readline() == "measured\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    saved = store.of(SMALL).checkpoint(3).load()
    assert 0 < saved["progress"][0] < 40, "killed in the middle"
    assert 3 not in store.of(SMALL)
    assert list(store.root.rglob("*.lock")), "a stale lock stays behind"
    resumed = get_or_train(SMALL, seed=3, device="cpu", store=store, progress=False)
    assert resumed.trained_now
    for name in ("weights", "logged"):
        found, wanted = getattr(resumed, name), getattr(small_run, name)
        assert found.keys() == wanted.keys()
        for key, array in wanted.items():
            assert found[key].tobytes() == array.tobytes(), key
    assert resumed.history.equals(small_run.history)
    names = {path.rpartition("/")[2] for path in contents(store.root)}
    assert names == {WEIGHTS, METRICS, MANIFEST}, "the checkpoint is gone"


def test_a_second_process_waits_and_reads_what_the_first_wrote(store, small_run):
    tensors = {f"model/{name}": array for name, array in small_run.weights.items()}
    with ExitStack() as stack:
        with store.of(SMALL).lock(3):
            process = stack.enter_context(worker(store.root))
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.0)
            store.of(SMALL).save(
                3,
                tensors=tensors | small_run.logged,
                metrics=small_run.history,
                config=small_run.manifest["config"],
                device="cpu",
                wall_s=0.0,
            )
        assert process.stdout.read() == "read\n", "it trained nothing"


def test_the_lock_is_given_back_after_an_error(store):
    class Mishap(Exception):
        pass

    with pytest.raises(Mishap), shelf_of(store).lock(SEED):
        raise Mishap
    began = time.perf_counter()
    with shelf_of(store).lock(SEED):
        pass
    assert time.perf_counter() - began < 1


def test_an_error_inside_the_lock_is_not_called_a_failed_write(store):
    with pytest.raises(OSError, match="my own"), shelf_of(store).lock(SEED):
        raise OSError("my own")


def test_a_folder_without_manifest_is_no_result(tmp_path):
    (tmp_path / "summary.parquet").write_bytes(b"x")
    with pytest.raises(StoreError, match="the folder holds no finished result"):
        read_manifest(tmp_path)
