"""What a store holds, and what of it can go."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from modlib.errors import InputError
from modlib.store.files import writing
from modlib.store.folder import MANIFEST, UNREADABLE
from modlib.store.runs import Shelf, Store
from modlib.store.shards import shards_on

UNFINISHED = re.compile(r"\.(seeds?-[\d-]+\.partial|seeds?-[\d-]+-\w{8}|finished|pruned-.+)")
"""Names of what stopped processes leave: states, half-written folders, networks without shard."""


@dataclass(frozen=True, kw_only=True)
class Holding:
    """All that a store holds of one configuration.

    ``config``: its settings from a manifest, None where none can be read; ``num_runs``: networks
    that were trained alone; ``shards``: blocks of seeds; ``tables``: versions of their tables;
    ``unfinished``: what stopped processes left.
    """

    folder: Path
    kind: str
    key: str
    config: dict[str, Any] | None
    num_runs: int
    shards: list[range]
    tables: list[int]
    num_bytes: int
    unfinished: list[Path]

    @property
    def num_networks(self) -> int:
        """Finished networks, each seed of the shards counted once."""
        total, stop = self.num_runs, 0
        for shard in self.shards:  # by first seed
            total += max(0, shard.stop - max(shard.start, stop))
            stop = max(stop, shard.stop)
        return total


def holdings(store: Store) -> list[Holding]:
    """What the store holds, by kind and key. Checksums are not looked at."""
    held = []
    for folder in sorted(store.root.glob("[!.]*/*")):
        named = re.fullmatch(r"[0-9a-f]{16}", folder.name) or UNFINISHED.fullmatch(folder.name)
        if named and folder.is_dir():
            with suppress(FileNotFoundError):  # it is pruned meanwhile
                held.append(_holding(store, folder))
    return held


def _holding(store: Store, folder: Path) -> Holding:
    kind, key = folder.parent.name, folder.name
    shelf = Shelf(store.root, kind, key)
    inside = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    runs = [folder / name for name in inside if name.startswith("seed-")]
    found = {shard: _settings(shelf.folder(shard) / MANIFEST) for shard in shards_on(shelf)}
    # All say one configuration: of thousands of runs one is read.
    manifests = chain(found.values(), (_settings(run / MANIFEST) for run in runs))
    configs = (m["config"] for m in manifests if m and isinstance(m.get("config"), dict))
    return Holding(
        folder=folder,
        kind=kind,
        key=key,
        config=next(configs, None),
        num_runs=len(runs),
        shards=[shard for shard, manifest in found.items() if manifest is not None],
        tables=sorted({m["tables"] for m in found.values() if m and type(m.get("tables")) is int}),
        num_bytes=size_of(folder),
        unfinished=(
            [folder]
            if UNFINISHED.fullmatch(key)
            else [folder / name for name in inside if _is_left(folder / name)]
        ),
    )


def _is_left(path: Path) -> bool:
    """Whether a stopped process left this; an emptied folder of finished networks is none."""
    if not UNFINISHED.fullmatch(path.name):
        return False
    try:
        return any(path.iterdir())
    except FileNotFoundError:  # whoever left it is back and done
        return False


def _settings(path: Path) -> dict[str, Any] | None:
    """What a manifest says; empty where it cannot be read, None where there is none."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


def size_of(path: Path) -> int:
    """Bytes of all files below a folder; what goes meanwhile counts nothing."""
    total, folders = 0, [os.fspath(path)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        with suppress(OSError):
                            total += entry.stat().st_size
        except OSError:
            continue
    return total


def to_prune(store: Store, what: str) -> list[Path]:
    """The folders that ``prune`` removes: all unfinished leftovers, or a key's whole folder.

    Raises ``InputError`` unless ``what`` is ``partial`` or a key that the store holds.
    """
    held = holdings(store)
    if what == "partial":
        return [path for holding in held for path in holding.unfinished]
    keys = sorted({holding.key for holding in held if not holding.key.startswith(".")})
    if what not in keys:
        raise InputError("prune", f"be one of {', '.join(['partial', *keys])}", what)
    return [holding.folder for holding in held if holding.key == what]


def prune(folders: list[Path]) -> list[Path]:
    """Remove folders of ``to_prune``; returns those left alone because a process uses their runs.

    Raises ``StoreError`` where one cannot be removed.
    """
    left = []
    for folder in folders:
        home = folder if re.fullmatch(r"[0-9a-f]{16}", folder.name) else folder.parent
        with _all_locks(home) as held:
            if held:
                _remove(folder)
            else:
                left.append(folder)
    return left


@contextmanager
def _all_locks(home: Path) -> Iterator[bool]:
    """Hold every lock of a configuration's folder; False where another process holds one."""
    with ExitStack() as stack:
        free = True
        with writing(home):
            for path in home.glob(".*.lock"):
                try:
                    stack.enter_context(FileLock(path, timeout=0))
                except Timeout:
                    free = False
                    break
        yield free


def _remove(folder: Path) -> None:
    """Out of the way in one step, so that a kill leaves no half run; then file by file."""
    with writing(folder):
        away = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".pruned-"))
        folder.rename(away / folder.name)
        shutil.rmtree(away)
