"""Runs on disk: written whole or not at all, checked by their own checksums when read.

Layout: ``root / kind / key / seed-000133 /`` with ``weights.safetensors``, ``metrics.parquet``
and ``MANIFEST.json``, written last. A folder without a manifest is no run. safetensors and
Parquet let a flipped bit pass, so the manifest holds a sha256 of every file.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock
from safetensors import SafetensorError
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


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance(device: str) -> dict[str, Any]:
    """Where and with what a result is made: command, commit, versions, machine."""
    packages = ("torch", "numpy", "scipy", "pandas", "safetensors")
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


def _commit() -> str | None:
    """The checkout's commit, with ``-dirty`` where files differ; None outside git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


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


def _save_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write arrays in C order: safetensors writes memory as it lies, whatever the strides."""
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)
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
    """The state of an unfinished run: the file that its manifest names, and no other."""

    def __init__(self, path: Path) -> None:
        self.path = path

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
                _save_arrays(tensors, state)
                write_manifest(self.path, [state.name], {})
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
        except (StoreError, SafetensorError, ValueError) as error:
            log.warning("checkpoint left out, the run starts again: %s", _one_line(error))
            return None

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

    def folder(self, kind: str, key: str, seed: int) -> Path:
        """Where a seed's run lies."""
        return self.root / kind / key / f"seed-{seed:06d}"

    def __contains__(self, address: tuple[str, str, int]) -> bool:
        """Whether something lies in the run's place; ``load`` refuses what is not a whole run."""
        return os.path.lexists(self.folder(*address))

    @contextmanager
    def lock(self, kind: str, key: str, seed: int) -> Iterator[None]:
        """Hold a seed's run: a second process waits here until the first has written it.

        Raises ``StoreError`` where the folder of the runs cannot be made or written.
        """
        folder = self.folder(kind, key, seed)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        with writing(folder.parent):
            folder.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def checkpoint(self, kind: str, key: str, seed: int) -> Checkpoint:
        """Where an unfinished run keeps its state."""
        folder = self.folder(kind, key, seed)
        return Checkpoint(folder.with_name(f".{folder.name}.partial"))

    def load(self, kind: str, key: str, seed: int) -> StoredRun:
        """Read a run and check it against its manifest.

        Raises ``StoreError`` naming the file; nothing is deleted, so that a damaged run can be
        looked at or moved away.
        """
        folder = self.folder(kind, key, seed)
        try:
            manifest = read_manifest(folder, (WEIGHTS, METRICS))
            if (manifest["kind"], manifest["key"], manifest["seeds"]) != (kind, key, [seed]):
                raise StoreError(f"{folder} belongs to another run than its path says")
            return StoredRun(
                tensors=load_file(folder / WEIGHTS),
                metrics=pd.read_parquet(folder / METRICS),
                manifest=manifest,
            )
        except (StoreError, OSError, ValueError, KeyError, SafetensorError) as error:
            reason = (
                str(error)
                if isinstance(error, StoreError)
                else (f"{folder} cannot be read ({_one_line(error)})")
            )
            raise StoreError(f"{reason}; move {folder} away to train this seed again") from None

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
        folder = self.folder(kind, key, seed)
        content = {
            "kind": kind,
            "key": key,
            "config": dict(config),
            "seeds": [seed],
            "wall_s": round(wall_s, 3),
            **provenance(device),
        }
        with writing(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
            try:
                _save_arrays(tensors, work / WEIGHTS)
                metrics.to_parquet(work / METRICS, index=False)
                (work / METRICS).chmod(0o644)
                _sync(work / METRICS)
                manifest = write_manifest(work, [WEIGHTS, METRICS], content)
                work.chmod(0o755)
                os.rename(work, folder)
                _sync(folder.parent)
            except BaseException:
                shutil.rmtree(work, ignore_errors=True)
                raise
        return StoredRun(tensors=dict(tensors), metrics=metrics, manifest=manifest)
