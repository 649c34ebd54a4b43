"""A folder of tables in ``results/``: written whole, with its manifest."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from modlib.config.addition import AdditionConfig
from modlib.errors import StoreError
from modlib.store.files import save_arrays, writing
from modlib.store.folder import MANIFEST, read_manifest, write_manifest


def require_writable(folder: Path) -> None:
    """Refuse a folder of tables that cannot be made or written (``StoreError``)."""
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder if folder.exists() else folder.parent):
            pass


def save_compact(table: pd.DataFrame, path: Path) -> None:
    """Parquet without what nobody reads here: pandas' and Arrow's descriptions, statistics, index.

    What pandas reads back has the same columns and types. A column of float32 with mostly distinct
    values goes byte by byte (its signs and exponents repeat, which zstd sees), all others through a
    dictionary.
    """
    floats = table.select_dtypes("float32")
    distinct = [name for name in floats if floats[name].nunique() > len(floats) / 4]
    bare = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(
        bare,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in table if name not in distinct],
        use_byte_stream_split=distinct,
        write_statistics=False,
        store_schema=False,
    )


def write_tables(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    content: Mapping[str, Any],
    arrays: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> None:
    """Write tables and arrays by file name, tables' floats in 32 bits, and their manifest.

    What the folder held before goes all together, at the end.
    """
    with (
        writing(folder),
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".writing-") as scratch,
    ):
        work = Path(scratch)
        for name, table in tables.items():
            floats = dict.fromkeys(table.select_dtypes("float64").columns, np.float32)
            save_compact(table.astype(floats), work / name)
        for name, tensors in (arrays or {}).items():
            save_arrays(tensors, work / name)
        names = [*tables, *(arrays or {})]
        write_manifest(work, names, content)
        folder.mkdir(exist_ok=True)
        gone = _listed(folder) - {*names}
        (folder / MANIFEST).unlink(missing_ok=True)
        for name in (*names, MANIFEST):
            os.replace(work / name, folder / name)
        for name in gone:
            (folder / name).unlink(missing_ok=True)


def _listed(folder: Path) -> set[str]:
    """The files that a folder's manifest lists; none where it cannot be read."""
    try:
        return set(read_manifest(folder)["files"])
    except StoreError:
        return set()


def said_of_networks(preset_name: str, config: AdditionConfig, seeds: range) -> dict[str, Any]:
    """What the manifest of every export says of its networks."""
    return {
        "kind": config.KIND,
        "preset": preset_name,
        "key": config.key(),
        "config": asdict(config),
        "seeds": [seeds.start, seeds.stop - 1],
    }


def last_seed(manifest: Mapping[str, Any], seeds: Sequence[int], folder: Path) -> int:
    """The last of the seeds that a manifest tells of; ``seeds``: those of its networks.

    Raises ``StoreError`` for a manifest that does not tell of them, or not of what made them.
    """
    whole = list(range(min(seeds), max(seeds) + 1)) if seeds else []
    told = [min(seeds), max(seeds)] if seeds else None
    if sorted(seeds) != whole or manifest.get("seeds") != told or not seeds:
        raise StoreError(f"{folder} does not say which seeds it holds; export it again")
    origins = manifest.get("origins")
    if not isinstance(origins, list) or not all(isinstance(one, dict) for one in origins):
        raise StoreError(f"{folder} does not say what made its networks; export it again")
    return max(seeds)
