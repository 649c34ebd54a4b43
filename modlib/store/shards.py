"""Blocks of seeds that lie together on a shelf: their tables and, where kept, their weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors.numpy import load_file

from modlib.errors import StoreError
from modlib.store.files import save_arrays, save_table, writing
from modlib.store.folder import provenance, read_manifest, write_manifest
from modlib.store.runs import WEIGHTS, Shelf, block_named, put, refusing
from modlib.store.schema import Array, Table, wrong_arrays, wrong_tables

AGAIN = "compute this shard again"


@dataclass(frozen=True, kw_only=True)
class StoredShard:
    """What a block of seeds left behind: tables by name, arrays (seed, ...) if kept, manifest."""

    tables: dict[str, pd.DataFrame]
    tensors: dict[str, np.ndarray] | None
    manifest: dict[str, Any]


def shards_on(shelf: Shelf) -> list[range]:
    """The blocks of seeds that have a shard, by first seed; larger ones first."""
    named = shelf.home.glob("seeds-*")
    found = [seeds for folder in named if (seeds := block_named(folder.name)) is not None]
    return sorted(found, key=lambda block: (block.start, -block.stop))


def shard_manifest(shelf: Shelf, seeds: range) -> dict[str, Any]:
    """The manifest of a shard, after checking it and its files; as ``load`` refuses."""
    folder = shelf.folder(seeds)
    with refusing(folder, AGAIN):
        manifest = read_manifest(folder)
        shelf.require_own(manifest, [seeds.start, seeds.stop - 1], folder)
        if type(manifest["tables"]) is not int or not isinstance(manifest["config"], dict):
            raise StoreError(
                f"{folder} does not say its configuration and the version of its tables"
            )
        return manifest


def load_shard(
    shelf: Shelf,
    seeds: range,
    *,
    expected: Mapping[str, Table],
    arrays: Mapping[str, Array] | None = None,
) -> StoredShard:
    """Read tables of a shard, and its weights where it is said what they must be.

    Refuses as ``Shelf.load``, also what is not as ``expected``. The version of its tables stands in
    the manifest, as ``tables``.
    """
    folder = shelf.folder(seeds)
    manifest = shard_manifest(shelf, seeds)
    with refusing(folder, AGAIN):
        version = manifest["tables"]
        tables = {name: pd.read_parquet(folder / table_file(name, version)) for name in expected}
        tensors = None if arrays is None else load_file(folder / WEIGHTS)
        reason = wrong_tables(tables, expected, seeds)
        if tensors is not None and arrays is not None:
            reason = reason or wrong_arrays(tensors, arrays)
        if reason:
            raise StoreError(f"{folder} is damaged ({reason})")
        return StoredShard(tables=tables, tensors=tensors, manifest=manifest)


def read_tables(
    shelf: Shelf,
    manifests: Mapping[range, Mapping[str, Any]],
    expected: Mapping[str, Table],
    columns: Collection[str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Tables of many shards under one another; each seed from the first shard that has it.

    ``manifests``: those of ``shard_manifest``, of one version; ``columns``: these only. Refuses
    what is not as ``expected`` in columns, types and seeds; the caller looks at the whole.
    """
    parts: dict[str, list[pa.Table]] = {name: [] for name in expected}
    stop = 0
    for shard, manifest in manifests.items():
        folder = shelf.folder(shard)
        with refusing(folder, AGAIN):
            for name, table in expected.items():
                file = folder / table_file(name, manifest["tables"])
                # One thread: thousands of small files gain nothing from more.
                whole = pq.ParquetFile(file, pre_buffer=False)
                part = whole.read(columns, use_threads=False)
                wanted = set(columns or table.columns)
                if other := wanted.symmetric_difference(part.column_names):
                    raise StoreError(f"{folder} is damaged (the table {name}: column {min(other)})")
                if shard.start < stop:
                    part = part.filter(pc.field("seed") >= stop)
                parts[name].append(part)
        stop = max(stop, shard.stop)
    try:
        found = {name: pa.concat_tables(tables).to_pandas() for name, tables in parts.items()}
    except pa.ArrowInvalid:  # one of them has other types: which?
        for shard in manifests:
            load_shard(shelf, shard, expected=expected)
        raise
    for name, table in found.items():
        _require_own_seeds(shelf, list(manifests), name, table.seed.to_numpy(), parts[name])
    return found


def _require_own_seeds(
    shelf: Shelf, shards: Sequence[range], name: str, seeds: np.ndarray, parts: Sequence[pa.Table]
) -> None:
    """Refuse rows that are not of the shard's seeds in which they lie."""
    sizes = [len(part) for part in parts]
    start, stop = (np.repeat([getattr(s, end) for s in shards], sizes) for end in ("start", "stop"))
    other = np.flatnonzero((seeds < start) | (seeds >= stop))
    if len(other):
        folder = shelf.folder(range(int(start[other[0]]), int(stop[other[0]])))
        reason = f"{folder} has a table {name!r} of other seeds than its own"
        raise StoreError(f"{reason}; move {folder} away to {AGAIN}")


def save_shard(
    shelf: Shelf,
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
    content = {"tables": version, **shelf.content(ends, config, device, wall_s)}
    return put(shelf.folder(seeds), fill, content)


def replace_tables(
    shelf: Shelf,
    seeds: range,
    *,
    tables: Mapping[str, pd.DataFrame],
    version: int,
) -> dict[str, Any]:
    """Give a shard tables of another version; a kill on the way leaves the old ones whole."""
    folder = shelf.folder(seeds)
    old = shard_manifest(shelf, seeds)
    content = {name: value for name, value in old.items() if name not in ("schema", "files")} | {
        "tables": version,
        "tables_made": provenance("cpu"),
    }
    with writing(folder):
        names = _save_tables(tables, version, folder)
        names += [WEIGHTS] if WEIGHTS in old["files"] else []
        manifest = write_manifest(folder, names, content)
        for name in old["files"].keys() - names:
            (folder / name).unlink(missing_ok=True)
    return manifest


def table_file(name: str, version: int) -> str:
    """A table's file in a shard: its version stands in the name."""
    return f"{name}.v{version}.parquet"


def _save_tables(tables: Mapping[str, pd.DataFrame], version: int, folder: Path) -> list[str]:
    names = {name: table_file(name, version) for name in tables}
    for name, table in tables.items():
        save_table(table, folder / names[name], compression="zstd")
    return list(names.values())
