"""Blocks of seeds that lie together on a shelf: their tables and, where kept, their weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from modlib.errors import StoreError
from modlib.store.files import save_arrays, save_table, writing
from modlib.store.folder import provenance, read_manifest, write_manifest
from modlib.store.runs import WEIGHTS, Shelf, block_named, put, refusing


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
    with refusing(folder, "compute this shard again"):
        manifest = read_manifest(folder)
        shelf.require_own(manifest, [seeds.start, seeds.stop - 1], folder)
        if type(manifest["tables"]) is not int or not isinstance(manifest["config"], dict):
            raise StoreError(
                f"{folder} does not say its configuration and the version of its tables"
            )
        return manifest


def load_shard(
    shelf: Shelf, seeds: range, *, names: Collection[str], weights: bool = False
) -> StoredShard:
    """Read the named tables of a shard, and its weights where asked for; as ``load`` refuses.

    The version of its tables stands in the manifest, as ``tables``.
    """
    folder = shelf.folder(seeds)
    manifest = shard_manifest(shelf, seeds)
    with refusing(folder, "compute this shard again"):
        version = manifest["tables"]
        tables = {name: pd.read_parquet(folder / table_file(name, version)) for name in names}
        for name, table in tables.items():
            if "seed" not in table or not table.seed.isin(seeds).all():
                raise StoreError(f"{folder} has a table {name!r} of other seeds than its own")
        tensors = load_file(folder / WEIGHTS) if weights else None
        return StoredShard(tables=tables, tensors=tensors, manifest=manifest)


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
