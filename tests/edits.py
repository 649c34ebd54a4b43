"""Edits of stored files whose checksums fit: what an editor may do, not what an accident does.

Every column and array is given another type, a number that is missing, another name, or is left
out; arrays other shapes; tables rows of another seed, one row less, one twice, none.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.errors import Refusal
from modlib.machine import RESULTS, results_of
from modlib.results.clock_pizza import read_clock_pizza
from modlib.results.portraits import read_paper_neurons
from modlib.results.published_pizza import read_published_pizza
from modlib.results.remainders import read_remainders
from modlib.results.sample import read_export
from modlib.results.search import read_search
from modlib.results.sweeps import read_sweep_export
from modlib.runs.get_or_train import get_or_train
from modlib.runs.one_shard import load_weights
from modlib.runs.shards import read_sweep, read_weights
from modlib.runs.sweep import sweep
from modlib.store.checkpoint import Checkpoint
from modlib.store.folder import MANIFEST, write_manifest
from modlib.store.runs import Store
from modlib.training import resume

SMALL = {
    "addition": AdditionConfig(n=7, embed_dim=4, num_neurons=8, epochs=20),
    "remainders": RemaindersConfig(p=5, embed_dim=8, heads=2, steps=20),
    "clock and pizza": ClockPizzaConfig(n=5, embed_dim=8, heads=2, num_neurons=12, steps=60),
}
SEED = 5
SWEPT = AdditionConfig(n=13, epochs=60)


class Edit(NamedTuple):
    """A file, what is done to it, and what then stands in it."""

    file: str
    label: str
    write: Callable[[Path], None]


@dataclass(frozen=True)
class Kind:
    """A folder with a manifest, and how it is read: ``read`` gets the root that it lies in."""

    name: str
    root: Path
    folder: Path
    read: Callable[[Path], Any]


# What is done


def of_column(table: pd.DataFrame, name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    column = table[name]
    kind = column.dtype.kind if hasattr(column.dtype, "kind") else "O"
    others = {"f": ["float64" if column.dtype != "float64" else "float32", "int64"]}
    others |= {"i": ["float64", "int8"], "b": ["int64"]}
    for dtype in others.get(kind, []):
        with np.errstate(invalid="ignore"):
            changed = column.fillna(0).astype(dtype) if dtype == "int64" else column.astype(dtype)
        if column.dtype != dtype:
            yield f"{name} as {dtype}", table.assign(**{name: changed})
    if kind not in "fib":
        yield f"{name} as numbers", table.assign(**{name: np.arange(len(table))})
    if kind == "f":
        for number in (np.nan, np.inf):
            values = column.to_numpy(copy=True)
            values[len(values) // 2] = number
            yield f"{name} with {number}", table.assign(**{name: values})
    yield f"{name} missing", table.drop(columns=name)
    yield f"{name} renamed", table.rename(columns={name: f"{name}_"})


def of_table(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    if not len(table):
        return
    for name in table:
        yield from of_column(table, name)
    if "seed" in table:
        yield "rows of another seed", table.assign(seed=table.seed + 100_000)
        one = table.seed.to_numpy(copy=True)
        one[-1] += 100_000
        yield "a row of another seed", table.assign(seed=one)
    yield "a row less", table.iloc[:-1]
    yield "a row twice", pd.concat([table, table.iloc[-1:]], ignore_index=True)
    yield "no rows", table.iloc[:0]


Arrays = dict[str, np.ndarray]


def of_arrays(arrays: Arrays) -> Iterator[tuple[str, Arrays]]:
    for name, array in arrays.items():
        floats = array.dtype.kind == "f"
        other = np.float64 if array.dtype == np.float32 else np.float32 if floats else np.int32
        changed = {f"{name} as {np.dtype(other)}": array.astype(other)}
        changed[f"{name} with an axis more"] = array[None]
        if array.size and array.ndim:
            changed |= {f"{name} without its last": array[:-1], f"{name} empty": array[:0]}
        if array.ndim > 1 and array.shape[0] != array.shape[-1]:
            changed[f"{name} transposed"] = np.ascontiguousarray(array.T)
        if floats and array.size:
            for number in (np.nan, np.inf):
                values = array.copy()
                values.flat[array.size // 2] = number
                changed[f"{name} with {number}"] = values
        for label, value in changed.items():
            yield label, {**arrays, name: value}
        rest = {k: v for k, v in arrays.items() if k != name}
        yield f"{name} missing", rest
        yield f"{name} renamed", {**rest, f"{name}_": array}
    yield "an array more", {**arrays, "more": np.zeros(3, np.float32)}


def edits_in(folder: Path) -> Iterator[Edit]:
    """All edits of the files that a manifest lists."""
    for file in json.loads((folder / MANIFEST).read_text())["files"]:
        path = folder / file
        if path.suffix == ".parquet":
            for label, table in of_table(pd.read_parquet(path)):
                yield Edit(file, label, lambda to, table=table: table.to_parquet(to, index=False))
        elif path.suffix == ".safetensors" or file.startswith("state"):
            for label, arrays in of_arrays(load_file(path)):
                yield Edit(file, label, lambda to, arrays=arrays: save_file(arrays, to))


def vouch(folder: Path) -> None:
    """Write the manifest anew, so that it fits its files."""
    manifest = json.loads((folder / MANIFEST).read_text())
    names = list(manifest.pop("files"))
    del manifest["schema"]
    write_manifest(folder, names, manifest)


# What is read


def kinds_of_results() -> list[Kind]:
    """Committed folders of every kind."""
    second = results_of("2")

    def kind(folder: str, read: Callable[[Path], Any], root: Path = RESULTS) -> Kind:
        return Kind(f"results/{folder}", root / folder, root / folder, read)

    def of(reader: Callable[..., Any], name: str, depth: int) -> Callable[[Path], Any]:
        return lambda folder: reader(name, folder.parents[depth])

    grid = "A59-grid-l2-0.25-lr-1-width-128"
    return [
        kind("A89", of(read_export, "A89", 0)),
        kind("sweeps/A35", of(read_sweep_export, "A35", 1)),
        kind(f"sweeps/{grid}", of(read_sweep_export, grid, 1), second),
        kind("remainders/B37", of(read_remainders, "B37", 1)),
        kind("remainders/B37-untrained", of(read_remainders, "B37-untrained", 1), second),
        kind("clock_pizza", lambda folder: read_clock_pizza(folder.parent)),
        kind("paper_neurons", lambda folder: read_paper_neurons(folder.parent)),
        kind("published_pizza", lambda folder: read_published_pizza(folder.parent)),
        kind("remainders/search", lambda folder: read_search(results=folder.parents[1])),
    ]


class Killed(BaseException):
    """Stands for a kill."""


def kinds_of_store(root: Path) -> list[Kind]:
    """A store that is made here: a run and a saved state of each family, and a shard."""
    made = []
    for name, config in SMALL.items():

        def read(root: Path, config: Any = config) -> Any:
            return get_or_train(config, seed=SEED, store=Store(root), progress=False, device="cpu")

        run, state = root / f"run of {name}", root / f"state of {name}"
        read(run)
        _killed(lambda read=read, state=state: read(state), config)
        made += [
            Kind(f"store: {run.name}", run, Store(run).of(config).folder(SEED), read),
            Kind(
                f"store: {state.name}", state, Store(state).of(config).checkpoint(SEED).path, read
            ),
        ]
    shard = root / "shard"
    seeds, options = range(3), {"progress": False, "device": "cpu", "threads": 1}
    sweep(SWEPT, seeds, store=Store(shard), keep_weights=True, **options)

    def read_shard(root: Path) -> Any:
        store = Store(root)
        return (
            read_sweep(store, SWEPT),
            read_weights(store, SWEPT),
            load_weights(store, SWEPT, seeds),
        )

    return [*made, Kind("store: shard", shard, Store(shard).of(SWEPT).folder(seeds), read_shard)]


def _killed(train: Callable[[], Any], config: Any) -> None:
    """Train until half of it is saved, and no further."""
    save, pause = Checkpoint.save, resume.pause_s
    half = getattr(config, "num_epochs", 0) or config.steps

    def save_and_die(self: Checkpoint, tensors: Mapping[str, np.ndarray]) -> None:
        if "progress" in tensors and tensors["progress"][0] >= half // 2:
            save(self, tensors)
            raise Killed

    Checkpoint.save, resume.pause_s = save_and_die, lambda took: 0.0
    try:
        train()
    except Killed:
        pass
    finally:
        Checkpoint.save, resume.pause_s = save, pause


# What becomes of it


class Seen(NamedTuple):
    """What became of an edit: ``caught``, ``silent`` or ``traceback``; and what was said."""

    outcome: str
    said: str


def look(kind: Kind, edit: Edit, work: Path) -> Seen:
    """Make an edit in a copy and read it."""
    root = work / "copy" / kind.root.name
    if kind.root == kind.folder:  # results: the reader looks two folders further up at most
        root = work / "copy" / "results" / kind.folder.parent.name / kind.folder.name
    shutil.rmtree(work / "copy", ignore_errors=True)
    shutil.copytree(kind.root, root)
    folder = root / kind.folder.relative_to(kind.root)
    edit.write(folder / edit.file)
    vouch(folder)
    try:
        kind.read(root)
    except Refusal as refusal:
        return Seen("caught", str(refusal))
    except Exception as error:
        return Seen("traceback", f"{type(error).__name__}: {error}")
    return Seen("silent", "")


def counted(seen: Mapping[str, list[Seen]]) -> pd.DataFrame:
    """A row a kind: ``tries``, ``caught``, ``silent``, ``traceback``."""
    rows = []
    for name, all_of_it in seen.items():
        counts = Counter(one.outcome for one in all_of_it)
        outcomes = {outcome: counts[outcome] for outcome in ("caught", "silent", "traceback")}
        rows.append({"kind": name, "tries": len(all_of_it), **outcomes})
    return pd.DataFrame(rows)
