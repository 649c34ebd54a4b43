"""Runs on disk: written whole or not at all, checked by their own checksums when read.

Layout: ``root / kind / key / seed-000133 /`` with ``weights.safetensors``, ``metrics.parquet``
and ``MANIFEST.json``, written last; many seeds of a sweep lie together in a shard, ``root / kind /
key / seeds-001000-001199 /``, with its tables and, where asked for, the weights. A folder without
a manifest is no run. safetensors and Parquet let a flipped bit pass, so the manifest holds a
sha256 of every file.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from safetensors.numpy import load_file

from modlib.edge import public
from modlib.errors import StoreError
from modlib.machine import store_root
from modlib.store.checkpoint import Checkpoint
from modlib.store.files import UNREADABLE_FILES, reason_of, save_arrays, save_table, sync, writing
from modlib.store.folder import MANIFEST, provenance, read_manifest, write_manifest

WEIGHTS = "weights.safetensors"
METRICS = "metrics.parquet"
FINISHED = ".finished"
"""Where finished networks wait until their shard is whole."""


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """What a run left behind: arrays by name, the metrics table, the manifest."""

    tensors: dict[str, np.ndarray]
    metrics: pd.DataFrame
    manifest: dict[str, Any]


Seeds = int | range
"""The seed of a run, or the block of seeds of a shard."""


class Keyed(Protocol):
    """What runs are of: its kind, and the key that stands for its settings."""

    KIND: ClassVar[str]

    def key(self) -> str:
        """Sixteen hexadecimal digits of all that affects a run but the seed."""


class Store:
    """Runs by kind, key of the configuration, and seed.

    ``root`` None: ``$MODLIB_STORE``, else the user's cache folder. Raises ``StoreError`` where
    the folder cannot be made or written.
    """

    @public
    def __init__(self, root: Path | None = None) -> None:
        try:
            self.root = store_root() if root is None else root
            _require_place(self.root)
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except (
            OSError,
            RuntimeError,
            ValueError,
        ) as error:  # RuntimeError: ~user that is not there
            chosen = os.environ.get("MODLIB_STORE") if root is None else str(root)
            raise StoreError(
                f"MODLIB_STORE must be a folder that can be written ({reason_of(error)}), "
                f"got {(chosen or str(store_root()))!r}"
            ) from None

    def of(self, config: Keyed, kind: str | None = None) -> Shelf:
        """The runs of a configuration; ``kind``: those made of it for something else."""
        return Shelf(self.root, config.KIND if kind is None else kind, config.key())


def _require_place(root: Path) -> None:
    """Refuse (``ValueError``) what is no path of a folder, though it could be made one."""
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(root), re.IGNORECASE):
        raise ValueError("an address, not a folder")
    str(root).encode()  # the libraries that write tables take UTF-8 alone


class Shelf:
    """The runs of one configuration, by seed; shards lie beside them (``store.shards``)."""

    def __init__(self, root: Path, kind: str, key: str) -> None:
        self.kind, self.key = kind, key
        self.home = root / kind / key

    def folder(self, seeds: Seeds) -> Path:
        """Where a seed's run, or a block's shard, lies."""
        if isinstance(seeds, range):
            name = f"seeds-{seeds.start:06d}-{seeds.stop - 1:06d}"
        else:
            name = f"seed-{seeds:06d}"
        return self.home / name

    def __contains__(self, seeds: Seeds) -> bool:
        """Whether something lies in the place; ``load`` refuses what is not whole."""
        return os.path.lexists(self.folder(seeds))

    @contextmanager
    def lock(self, seeds: Seeds, *, wait: bool = True) -> Iterator[bool]:
        """Hold a run, or a shard and with it every block that shares a seed with it.

        A second process waits here until the first has written it. Yields whether it is held;
        False only where ``wait`` is False and another process holds it. Raises ``StoreError``
        where the folder of the runs cannot be made or written.
        """
        folder = self.folder(seeds)
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

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Say that this process works on these runs, also where it holds none: none is pruned."""
        with writing(self.home):
            self.home.mkdir(parents=True, exist_ok=True)
            for left in self.home.glob(".in-use-*.lock"):  # by a kill, where nobody holds it
                with suppress(Timeout), FileLock(left, timeout=0):
                    left.unlink(missing_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self.home, prefix=".in-use-", suffix=".lock")
            os.close(descriptor)
        try:
            with FileLock(name):
                yield
        finally:
            Path(name).unlink(missing_ok=True)

    def checkpoint(self, seed: int, device: str = "cpu") -> Checkpoint:
        """Where an unfinished run keeps its state."""
        folder = self.folder(seed)
        return Checkpoint(folder.with_name(f".{folder.name}.partial"), device)

    def finished(self, seed: int) -> Checkpoint:
        """Where a finished network waits until its shard is whole."""
        folder = self.folder(seed)
        return Checkpoint(folder.with_name(FINISHED) / folder.name)

    def load(self, seed: int) -> StoredRun:
        """Read a run and check it against its manifest.

        Raises ``StoreError`` naming the file; nothing is deleted, so that a damaged run can be
        looked at or moved away.
        """
        folder = self.folder(seed)
        with refusing(folder, "train this seed again"):
            manifest = read_manifest(folder, (WEIGHTS, METRICS))
            self.require_own(manifest, [seed], folder)
            return StoredRun(
                tensors=load_file(folder / WEIGHTS),
                metrics=pd.read_parquet(folder / METRICS),
                manifest=manifest,
            )

    def save(
        self,
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
            save_table(metrics, work / METRICS)

        content = self.content([seed], config, device, wall_s)
        manifest = put(self.folder(seed), fill, content)
        return StoredRun(tensors=dict(tensors), metrics=metrics, manifest=manifest)

    def require_own(self, manifest: Mapping[str, Any], seeds: list[int], folder: Path) -> None:
        """Refuse (``StoreError``) what a folder holds where it says that it lies elsewhere."""
        if (manifest["kind"], manifest["key"], manifest["seeds"]) != (self.kind, self.key, seeds):
            raise StoreError(f"{folder} belongs to another run than its path says")

    def content(
        self, seeds: list[int], config: Mapping[str, Any], device: str, wall_s: float
    ) -> dict[str, Any]:
        """What the manifest of a run or a shard says of it, beside its files."""
        return {
            "kind": self.kind,
            "key": self.key,
            "config": dict(config),
            "seeds": seeds,
            "wall_s": round(wall_s, 3),
            **provenance(device),
        }


def block_named(name: str) -> range | None:
    """The seeds that a shard's name says; None for other names."""
    named = re.fullmatch(r"seeds-(\d{6,})-(\d{6,})", name, re.ASCII)
    first, last = (int(end) for end in named.groups()) if named else (0, -1)
    return range(first, last + 1) if last >= first else None


def _rivals(own: Path, seeds: Seeds) -> list[Path]:
    """The lock of a run; of a block, also those of all blocks that share a seed with it."""
    if not isinstance(seeds, range):
        return [own]
    named = {path: block_named(path.stem[1:]) for path in own.parent.glob(".seeds-*.lock")}
    return sorted(
        p for p, b in named.items() if b and b.start < seeds.stop and b.stop > seeds.start
    )


@contextmanager
def refusing(folder: Path, remedy: str) -> Iterator[None]:
    """Turn what is wrong with a stored folder into one line that says what to do about it."""
    try:
        yield
    except UNREADABLE_FILES as error:
        reason = (
            str(error)
            if isinstance(error, StoreError)
            else (f"{folder} cannot be read ({reason_of(error)})")
        )
        raise StoreError(f"{reason}; move {folder} away to {remedy}") from None


def put(folder: Path, fill: Callable[[Path], None], content: Mapping[str, Any]) -> dict[str, Any]:
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
            sync(folder.parent)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
    return manifest
