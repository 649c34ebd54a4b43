"""Folders of tables in ``results/``: one way in which all of them are written, read, lengthened.

A folder holds Parquet files and safetensors files by name, and a manifest that says what made
them. What the names are, and what the manifest must say, each family knows for itself.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file

from modlib.config.rules import MAX_SEEDS
from modlib.errors import InputError, StoreError
from modlib.store.files import UNREADABLE_FILES, reason_of, save_arrays, writing
from modlib.store.folder import MANIFEST, read_manifest, write_manifest
from modlib.store.replacing import found, replacing
from modlib.store.schema import Array, Table, wrong_arrays, wrong_tables

ORIGIN = ("command", "commit", "device", "cpu_capability", "wall_s")
"""What of a run's or shard's manifest says what made it."""

Arrays = dict[str, np.ndarray]


class Config(Protocol):
    """A configuration of any family, or a study: a dataclass with a kind and a key."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    KIND: ClassVar[str]

    def key(self) -> str:
        """Its hash, under which the store keeps its runs."""


def table_file(name: str) -> str:
    """The file of a table."""
    return f"{name}.parquet"


def arrays_file(name: str) -> str:
    """The file of a set of arrays."""
    return f"{name}.safetensors"


# What is written


def require_writable(folder: Path) -> None:
    """Refuse a folder of tables that cannot be made or written (``StoreError``)."""
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent):
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


def write_folder(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    content: Mapping[str, Any],
    arrays: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> None:
    """Write tables, their floats in 32 bits, and sets of arrays by name, and their manifest.

    They take the place of what the folder held all together, at the end; files that its manifest
    did not list stay.
    """
    with replacing(folder) as work:
        for name, table in tables.items():
            floats = dict.fromkeys(table.select_dtypes("float64").columns, np.float32)
            save_compact(table.astype(floats), work / table_file(name))
        for name, tensors in (arrays or {}).items():
            save_arrays(tensors, work / arrays_file(name))
        names = [*map(table_file, tables), *map(arrays_file, arrays or {})]
        write_manifest(work, names, content)
        for path in _others(folder):
            if (work / path.name).exists():
                continue
            if path.is_dir():
                shutil.copytree(path, work / path.name, symlinks=True)
            else:
                shutil.copy2(path, work, follow_symlinks=False)


def _others(folder: Path) -> list[Path]:
    """What lies in a folder and its manifest does not list; all where it cannot be read."""
    if not folder.is_dir():
        return []
    try:
        listed = set(read_manifest(folder)["files"])
    except StoreError:
        listed = set()
    return [path for path in folder.iterdir() if path.name not in listed]


def said_of_networks(preset_name: str, config: Config, seeds: range) -> dict[str, Any]:
    """What the manifest of a preset's networks says of them."""
    return {
        "kind": config.KIND,
        "preset": preset_name,
        "key": config.key(),
        "config": asdict(config),
        "seeds": [seeds.start, seeds.stop - 1],
    }


def origin(manifest: Mapping[str, Any], **whose: Any) -> dict[str, Any]:
    """What made a run or shard, by its manifest; ``whose``: what tells which one it is."""
    return whose | {name: manifest.get(name) for name in ORIGIN}


# What is read


def seeds_told(manifest: Mapping[str, Any]) -> range | None:
    """The seeds that a manifest says its tables are of; None where it does not say."""
    told = manifest.get("seeds")
    if not isinstance(told, list) or [type(seed) for seed in told] != [int, int]:
        return None
    first, last = told
    return range(first, last + 1) if 0 <= first <= last < first + MAX_SEEDS else None


@contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    """Turn what is wrong with a folder of tables into one line that says what to do about it."""
    try:
        yield
    except UNREADABLE_FILES as error:
        reason = str(error)
        if not isinstance(error, StoreError):
            reason = f"{folder} cannot be read ({reason_of(error)})"
        if "export" not in reason:
            reason += "; export it again"
        raise StoreError(f"{reason} or take it back: git checkout -- {folder}") from None


@dataclass(frozen=True)
class Committed:
    """A folder that is there; every file matched its manifest when it was opened."""

    path: Path
    manifest: dict[str, Any]

    def require_files(
        self, tables: Iterable[str], arrays: Iterable[str] = (), others: Iterable[str] = ()
    ) -> None:
        """Refuse another list of files (``StoreError``); ``others``: arrays that may be there."""
        needed = {*map(table_file, tables), *map(arrays_file, arrays)}
        listed = set(self.manifest["files"])
        if not needed <= listed <= needed | {*map(arrays_file, others)}:
            named = ", ".join(sorted(needed))
            self.refuse(f"{self.path / MANIFEST} must list {named}, got {sorted(listed)}")

    def tables(
        self, expected: Mapping[str, Table], seeds: Sequence[int] | None = None
    ) -> dict[str, pd.DataFrame]:
        """Tables by name; refused (``StoreError``) where one is not as it must be.

        ``seeds``: those of whose networks they may have rows; None: of any.
        """
        with _refusing(self.path):
            found = {name: pd.read_parquet(self.path / table_file(name)) for name in expected}
        self.require(wrong_tables(found, expected, seeds))
        return found

    def arrays(self) -> dict[str, Arrays]:
        """All sets of arrays by name, as they lie there."""
        names = (Path(file) for file in self.manifest["files"])
        stems = [name.stem for name in names if name.name == arrays_file(name.stem)]
        with _refusing(self.path):
            return {stem: load_file(self.path / arrays_file(stem)) for stem in stems}

    def require(self, reason: str | None) -> None:
        """Refuse the folder (``StoreError``) where there is a reason."""
        if reason:
            self.refuse(f"{self.path} is damaged ({reason})")

    def refuse(self, reason: str) -> NoReturn:
        """Raise ``StoreError`` that says what to do about the folder."""
        with _refusing(self.path):
            raise StoreError(reason)
        raise AssertionError

    def require_network(
        self, name: str, weights: Arrays, shapes: Mapping[str, tuple[int, ...]]
    ) -> Arrays:
        """Weights read from a file of the folder, unless they are no network (``StoreError``)."""
        reason = wrong_arrays(weights, {key: Array(shape) for key, shape in shapes.items()})
        self.require(reason and f"{arrays_file(name)}: {reason}")
        return weights

    @property
    def seeds(self) -> list[int]:
        """Those that the manifest tells of; refused (``StoreError``) where it does not."""
        told = seeds_told(self.manifest)
        if told is None:
            self.refuse(f"{self.path} does not say which seeds it holds")
        return list(told)

    def require_seeds(self, seeds: Sequence[int]) -> None:
        """Refuse (``StoreError``) networks that are not those whose seeds the manifest tells."""
        if sorted(seeds) != self.seeds:
            self.refuse(f"{self.path} does not say which seeds it holds")

    def last_seed(self, seeds: Sequence[int]) -> int:
        """The last of the seeds that the manifest tells of; ``seeds``: those of its networks.

        Raises ``StoreError`` for a manifest that does not tell of them, or not of what made them.
        """
        self.require_seeds(seeds)
        origins = self.manifest.get("origins")
        if not isinstance(origins, list) or not all(isinstance(one, dict) for one in origins):
            self.refuse(f"{self.path} does not say what made its networks")
        return max(seeds)


def open_folder(
    folder: Path, fits: Callable[[Mapping[str, Any]], bool] = lambda manifest: True
) -> Committed | None:
    """A folder of tables, each of its files checked against the manifest; None where absent.

    ``fits``: whether a manifest tells of what is asked for. Raises ``StoreError`` for a damaged
    folder and for one that does not fit.
    """
    place = found(folder)
    if not place.is_dir():
        return None
    with _refusing(folder):
        manifest = read_manifest(place)
        if not fits(manifest):
            raise StoreError(f"{folder} was made with another configuration")
    return Committed(place, manifest)


def of_preset(preset_name: str, config: Config) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a manifest tells of a preset's networks, in all that it says of them but the seeds:
    for ``open_folder``. A folder put under another's name is refused."""
    said = json.loads(json.dumps(said_of_networks(preset_name, config, range(0))))
    del said["seeds"]
    return lambda manifest: all(manifest.get(name) == value for name, value in said.items())


# What is appended


def open_to_append(
    folder: Path, config: Config, first_seed: int, seeds_in: Callable[[Committed], Sequence[int]]
) -> Committed:
    """The folder behind whose seeds others are to come.

    ``seeds_in``: reads the seeds of its networks. Raises ``StoreError`` where the folder is
    absent, damaged or of another configuration, ``InputError`` unless ``first_seed`` is the one
    that follows.
    """
    before = open_folder(folder, of_preset(folder.name, config))
    if before is None:
        raise StoreError(f"{folder} is not there, so that nothing can be appended to it")
    last = before.last_seed(seeds_in(before))
    if first_seed != last + 1:
        raise InputError("first_seed", f"be {last + 1}, behind the seeds of {folder}", first_seed)
    return before
