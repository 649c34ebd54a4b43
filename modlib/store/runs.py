"""Runs on disk: written whole or not at all, checked by their own checksums when read.

Layout: ``root / kind / key / seed-000133 /`` with ``weights.safetensors``, ``metrics.parquet``
and ``MANIFEST.json``, written last; many seeds of a sweep lie together in a shard, ``root / kind /
key / seeds-001000-001199 /``, with its tables and, where asked for, the weights. A folder without
a manifest is no run. safetensors and Parquet let a flipped bit pass, so the manifest holds a
sha256 of every file.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from modlib import __version__
from modlib.errors import StoreError
from modlib.paths import ROOT, store_root

SCHEMA = 1
"""Version of the layout; another version is refused, never misread."""

MANIFEST = "MANIFEST.json"
WEIGHTS = "weights.safetensors"
METRICS = "metrics.parquet"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """What a run left behind: arrays by name, the metrics table, the manifest."""

    tensors: dict[str, np.ndarray]
    metrics: pd.DataFrame
    manifest: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class StoredShard:
    """What a block of seeds left behind: tables by name, arrays (seed, ...) if kept, manifest."""

    tables: dict[str, pd.DataFrame]
    tensors: dict[str, np.ndarray] | None
    manifest: dict[str, Any]


Seeds = int | range
"""The seed of a run, or the block of seeds of a shard."""


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance(device: str) -> dict[str, Any]:
    """Where and with what a result is made: command, commit, versions, machine."""
    packages = ("torch", "numpy", "scipy", "numba", "pandas", "safetensors")
    versions = {name: importlib.metadata.version(name) for name in packages}
    program = Path(sys.argv[0]).name
    return {
        "command": ["python -m modlib" if program == "__main__.py" else program, *sys.argv[1:]],
        "commit": _commit(),
        "versions": {"python": platform.python_version(), "modlib": __version__, **versions},
        "device": device,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@cache
def _commit() -> str | None:
    """The checkout's commit, with ``-dirty`` where files but results differ; None outside git.

    It is asked for once: what is committed while a training runs is not what it runs.
    """

    def git(*words: str) -> str:
        command = ["git", "-C", str(ROOT), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _one_line(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return " ".join((reason or str(error) or type(error).__name__).split())


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failed write (disk full, no permission) into a ``StoreError`` that names ``path``."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path} cannot be written ({_one_line(error)})") from error


def save_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write arrays in C order: safetensors writes memory as it lies, whatever the strides."""
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)
    path.chmod(0o644)
    _sync(path)


SCALE = "scale/"


def to_float16(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays rounded to float16, and under ``scale/NAME`` the power of two that multiplies each.

    It brings the largest magnitude to 2^14 or more and below 2^15: then numbers down to 2^-28 of
    it keep float16's 11 bits.
    """
    rounded: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        exponent = int(np.frexp(np.abs(array).max(initial=0.0))[1])
        scale = np.float32(2.0 ** min(max(15 - exponent, -126), 126))  # float32's normal powers
        rounded |= {name: (array * scale).astype(np.float16), f"{SCALE}{name}": np.array(scale)}
    return rounded


def from_float16(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Undo ``to_float16``, in float32; arrays that were not rounded are left as they are."""
    scales = {name.removeprefix(SCALE): a for name, a in arrays.items() if name.startswith(SCALE)}
    return {
        name: array.astype(np.float32) / scales[name] if name in scales else array
        for name, array in arrays.items()
        if not name.startswith(SCALE)
    }


def rounded_arrays(files: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """What a manifest says of precision: the arrays that are float16, by file; {} without any."""
    found = {
        file: sorted(name for name, array in arrays.items() if array.dtype == np.float16)
        for file, arrays in files.items()
    }
    kept = {file: names for file, names in found.items() if names}
    return {"precision": {"float16": kept}} if kept else {}


def _save_table(table: pd.DataFrame, path: Path, **options: Any) -> None:
    table.to_parquet(path, index=False, **options)
    path.chmod(0o644)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by ``content`` so that a kill or a full disk leaves the old one whole."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_manifest(folder: Path, names: list[str], content: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``MANIFEST.json`` over the named files of a folder, last of all; returns it."""
    files = {
        name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}
        for name in sorted(names)
    }
    manifest = {"schema": SCHEMA, **content, "files": files}
    write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    return manifest


def read_manifest(folder: Path, names: Collection[str] | None = None) -> dict[str, Any]:
    """The manifest of a folder, after checking schema and every file's size and sha256.

    ``names``: the files that it must list; None: any. Raises ``StoreError`` naming the file and
    what is wrong with it.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        schema = manifest["schema"]
        files = {
            name: (entry["bytes"], entry["sha256"]) for name, entry in manifest["files"].items()
        }
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"{path} is missing: the folder holds no finished result") from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise StoreError(f"{path} is not a readable manifest ({_one_line(error)})") from None
    if schema != SCHEMA:
        raise StoreError(f"{path} has schema {schema!r}, this version of modlib reads {SCHEMA}")
    if names is not None and set(files) != set(names):
        raise StoreError(f"{path} must list {', '.join(sorted(names))}, got {sorted(files)}")
    for name, (expected, digest) in files.items():
        file = folder / name
        if not file.is_file():
            raise StoreError(f"{file} is missing although the manifest lists it")
        size = file.stat().st_size
        if size != expected:
            raise StoreError(f"{file} has {size} bytes, the manifest says {expected}")
        if sha256(file) != digest:
            raise StoreError(f"{file} does not match the sha256 in its manifest")
    return manifest


class Checkpoint:
    """The state of an unfinished run: the file that its manifest names, and no other.

    ``device``: what the run is made on, for the manifest.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self.path = path
        self.device = device

    def save(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Replace the checkpoint by these arrays; a kill on the way leaves the old one whole.

        Raises ``StoreError`` where they cannot be written.
        """
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self.path, prefix="state-")
            os.close(descriptor)
            state = Path(name)
            try:
                save_arrays(tensors, state)
                write_manifest(self.path, [state.name], provenance(self.device))
            except BaseException:
                state.unlink(missing_ok=True)
                raise
            for other in self.path.glob("state*"):
                if other != state:
                    other.unlink(missing_ok=True)

    def load(self) -> dict[str, np.ndarray] | None:
        """The saved arrays; None where there are none.

        A damaged checkpoint is left out with a warning: the run starts again from its beginning.
        """
        if not (self.path / MANIFEST).exists():
            return None
        try:
            (name,) = read_manifest(self.path)["files"]
            return load_file(self.path / name)
        except (StoreError, SafetensorError, ValueError, OSError) as error:
            log.warning("checkpoint left out, the run starts again: %s", _one_line(error))
            return None

    def peek(self, name: str) -> np.ndarray | None:
        """One array of the saved state, unchecked; None where there is none to be read now."""
        try:
            (state,) = self.manifest()["files"]
            with safe_open(self.path / state, "numpy") as arrays:
                return arrays.get_tensor(name)
        except (KeyError, ValueError, OSError, SafetensorError):
            return None

    def manifest(self) -> dict[str, Any]:
        """What the saved state says of its making; empty where there is none."""
        try:
            manifest = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return manifest if isinstance(manifest, dict) else {}

    def clear(self) -> None:
        """Remove the checkpoint."""
        shutil.rmtree(self.path, ignore_errors=True)


class Store:
    """Runs by kind, key of the configuration, and seed.

    ``root`` None: ``$MODLIB_STORE``, else the user's cache folder. Raises ``StoreError`` where
    the folder cannot be made or written.
    """

    def __init__(self, root: Path | None = None) -> None:
        try:
            self.root = store_root() if root is None else root
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except (OSError, RuntimeError) as error:  # RuntimeError: ~user that there is not
            chosen = os.environ.get("MODLIB_STORE") if root is None else str(root)
            raise StoreError(
                f"MODLIB_STORE must be a folder that can be written ({_one_line(error)}), "
                f"got {(chosen or str(store_root()))!r}"
            ) from None

    def folder(self, kind: str, key: str, seeds: Seeds) -> Path:
        """Where a seed's run, or a block's shard, lies."""
        if isinstance(seeds, range):
            name = f"seeds-{seeds.start:06d}-{seeds.stop - 1:06d}"
        else:
            name = f"seed-{seeds:06d}"
        return self.root / kind / key / name

    def __contains__(self, address: tuple[str, str, Seeds]) -> bool:
        """Whether something lies in the place; ``load`` refuses what is not whole."""
        return os.path.lexists(self.folder(*address))

    def shards(self, kind: str, key: str) -> list[range]:
        """The blocks of seeds that have a shard, by first seed; larger ones first."""
        folders = (self.root / kind / key).glob("seeds-*")
        found = [seeds for folder in folders if (seeds := _block(folder.name)) is not None]
        return sorted(found, key=lambda block: (block.start, -block.stop))

    @contextmanager
    def lock(self, kind: str, key: str, seeds: Seeds, *, wait: bool = True) -> Iterator[bool]:
        """Hold a run, or a shard and with it every block that shares a seed with it.

        A second process waits here until the first has written it. Yields whether it is held;
        False only where ``wait`` is False and another process holds it. Raises ``StoreError``
        where the folder of the runs cannot be made or written.
        """
        folder = self.folder(kind, key, seeds)
        own = folder.with_name(f".{folder.name}.lock")
        with ExitStack() as held:
            with writing(folder.parent):
                folder.parent.mkdir(parents=True, exist_ok=True)
                own.touch()  # before others are looked for: of two processes, one sees the other
                taken: list[Path] = []
                while (wanted := _rivals(own, seeds)) != taken:
                    held.close()
                    try:
                        for path in wanted:  # in one order for all, so that none waits in a circle
                            held.enter_context(FileLock(path, timeout=-1 if wait else 0))
                    except Timeout:
                        held.close()
                        break
                    taken = wanted
            yield taken == wanted

    def checkpoint(self, kind: str, key: str, seed: int, device: str = "cpu") -> Checkpoint:
        """Where an unfinished run keeps its state."""
        folder = self.folder(kind, key, seed)
        return Checkpoint(folder.with_name(f".{folder.name}.partial"), device)

    def finished(self, kind: str, key: str, seed: int) -> Checkpoint:
        """Where a finished network waits until its shard is whole."""
        folder = self.folder(kind, key, seed)
        return Checkpoint(folder.with_name(".finished") / folder.name)

    def load(self, kind: str, key: str, seed: int) -> StoredRun:
        """Read a run and check it against its manifest.

        Raises ``StoreError`` naming the file; nothing is deleted, so that a damaged run can be
        looked at or moved away.
        """
        folder = self.folder(kind, key, seed)
        with _refusing(folder, "train this seed again"):
            manifest = read_manifest(folder, (WEIGHTS, METRICS))
            _require_address(folder, manifest, kind, key, [seed])
            return StoredRun(
                tensors=load_file(folder / WEIGHTS),
                metrics=pd.read_parquet(folder / METRICS),
                manifest=manifest,
            )

    def save(
        self,
        kind: str,
        key: str,
        seed: int,
        *,
        tensors: Mapping[str, np.ndarray],
        metrics: pd.DataFrame,
        config: Mapping[str, Any],
        device: str,
        wall_s: float,
    ) -> StoredRun:
        """Write a run beside its place, then move it there in one step.

        Raises ``StoreError`` where it cannot be written; nothing of it is then left.
        """

        def fill(work: Path) -> None:
            save_arrays(tensors, work / WEIGHTS)
            _save_table(metrics, work / METRICS)

        content = _content(kind, key, [seed], config, device, wall_s)
        manifest = _place(self.folder(kind, key, seed), fill, content)
        return StoredRun(tensors=dict(tensors), metrics=metrics, manifest=manifest)

    def shard_manifest(self, kind: str, key: str, seeds: range) -> dict[str, Any]:
        """The manifest of a shard, after checking it and its files; as ``load`` refuses."""
        folder = self.folder(kind, key, seeds)
        with _refusing(folder, "compute this shard again"):
            manifest = read_manifest(folder)
            _require_address(folder, manifest, kind, key, [seeds.start, seeds.stop - 1])
            if type(manifest["tables"]) is not int or not isinstance(manifest["config"], dict):
                raise StoreError(
                    f"{folder} does not say its configuration and the version of its tables"
                )
            return manifest

    def load_shard(
        self, kind: str, key: str, seeds: range, *, names: Collection[str], weights: bool = False
    ) -> StoredShard:
        """Read the named tables of a shard, and its weights where asked for; as ``load`` refuses.

        The version of its tables stands in the manifest, as ``tables``.
        """
        folder = self.folder(kind, key, seeds)
        manifest = self.shard_manifest(kind, key, seeds)
        with _refusing(folder, "compute this shard again"):
            version = manifest["tables"]
            tables = {name: pd.read_parquet(folder / table_file(name, version)) for name in names}
            for name, table in tables.items():
                if "seed" not in table or not table.seed.isin(seeds).all():
                    raise StoreError(f"{folder} has a table {name!r} of other seeds than its own")
            tensors = load_file(folder / WEIGHTS) if weights else None
            return StoredShard(tables=tables, tensors=tensors, manifest=manifest)

    def save_shard(
        self,
        kind: str,
        key: str,
        seeds: range,
        *,
        tables: Mapping[str, pd.DataFrame],
        version: int,
        tensors: Mapping[str, np.ndarray] | None,
        config: Mapping[str, Any],
        device: str,
        wall_s: float,
    ) -> dict[str, Any]:
        """Write a shard as ``save`` writes a run; returns its manifest."""

        def fill(work: Path) -> None:
            _save_tables(tables, version, work)
            if tensors is not None:
                save_arrays(tensors, work / WEIGHTS)

        ends = [seeds.start, seeds.stop - 1]
        content = {"tables": version, **_content(kind, key, ends, config, device, wall_s)}
        return _place(self.folder(kind, key, seeds), fill, content)

    def replace_tables(
        self,
        kind: str,
        key: str,
        seeds: range,
        *,
        tables: Mapping[str, pd.DataFrame],
        version: int,
    ) -> dict[str, Any]:
        """Give a shard tables of another version; a kill on the way leaves the old ones whole."""
        folder = self.folder(kind, key, seeds)
        old = self.shard_manifest(kind, key, seeds)
        content = {
            name: value for name, value in old.items() if name not in ("schema", "files")
        } | {"tables": version, "tables_made": provenance("cpu")}
        with writing(folder):
            names = _save_tables(tables, version, folder)
            names += [WEIGHTS] if WEIGHTS in old["files"] else []
            manifest = write_manifest(folder, names, content)
            for name in old["files"].keys() - names:
                (folder / name).unlink(missing_ok=True)
        return manifest


def _block(name: str) -> range | None:
    """The seeds that a shard's name says; None for other names."""
    named = re.fullmatch(r"seeds-(\d{6,})-(\d{6,})", name, re.ASCII)
    return range(int(named[1]), int(named[2]) + 1) if named and named[2] >= named[1] else None


def _rivals(own: Path, seeds: Seeds) -> list[Path]:
    """The lock of a run; of a block, also those of all blocks that share a seed with it."""
    if not isinstance(seeds, range):
        return [own]
    named = {path: _block(path.stem[1:]) for path in own.parent.glob(".seeds-*.lock")}
    return sorted(
        p for p, b in named.items() if b and b.start < seeds.stop and b.stop > seeds.start
    )


def table_file(name: str, version: int) -> str:
    """A table's file in a shard: its version stands in the name."""
    return f"{name}.v{version}.parquet"


def _save_tables(tables: Mapping[str, pd.DataFrame], version: int, folder: Path) -> list[str]:
    names = {name: table_file(name, version) for name in tables}
    for name, table in tables.items():
        _save_table(table, folder / names[name], compression="zstd")
    return list(names.values())


@contextmanager
def _refusing(folder: Path, remedy: str) -> Iterator[None]:
    """Turn what is wrong with a stored folder into one line that says what to do about it."""
    try:
        yield
    except (StoreError, OSError, ValueError, KeyError, SafetensorError) as error:
        reason = (
            str(error)
            if isinstance(error, StoreError)
            else (f"{folder} cannot be read ({_one_line(error)})")
        )
        raise StoreError(f"{reason}; move {folder} away to {remedy}") from None


def _require_address(
    folder: Path, manifest: Mapping[str, Any], kind: str, key: str, seeds: list[int]
) -> None:
    if (manifest["kind"], manifest["key"], manifest["seeds"]) != (kind, key, seeds):
        raise StoreError(f"{folder} belongs to another run than its path says")


def _content(
    kind: str, key: str, seeds: list[int], config: Mapping[str, Any], device: str, wall_s: float
) -> dict[str, Any]:
    """What the manifest of a run or a shard says of it, beside its files."""
    return {
        "kind": kind,
        "key": key,
        "config": dict(config),
        "seeds": seeds,
        "wall_s": round(wall_s, 3),
        **provenance(device),
    }


def _place(
    folder: Path, fill: Callable[[Path], None], content: Mapping[str, Any]
) -> dict[str, Any]:
    """Fill a folder beside its place, add the manifest, and move it there in one step."""
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        try:
            fill(work)
            manifest = write_manifest(work, [path.name for path in work.iterdir()], content)
            work.chmod(0o755)
            try:
                os.rename(work, folder)
            except OSError:
                if not (folder / MANIFEST).exists():
                    raise
                # Where locks do not hold, another process may have written the same meanwhile.
                shutil.rmtree(work)
                return read_manifest(folder)
            _sync(folder.parent)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
    return manifest
