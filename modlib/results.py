"""Tables in ``results/``: made once from trained networks, committed, read by the chapters."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from modlib.analysis.census import BIN_WIDTH, NUM_BINS, SCHEMA, Census
from modlib.analysis.tables import Tables, describe, stack
from modlib.config import AdditionConfig, preset, require_seed, resolve_device
from modlib.errors import InputError, StoreError, require_int
from modlib.experiments import KIND, Run, get_or_train
from modlib.paths import RESULTS
from modlib.store import (
    MANIFEST,
    Store,
    provenance,
    read_manifest,
    save_arrays,
    write_atomically,
    write_manifest,
    writing,
)
from modlib.sweep_tables import PER_SEED, SweepTables, rounded, together

NUM_EXPORTED = 128
"""Networks of an export, unless said."""
SHOWCASE = RESULTS / "showcase" / "fine_tuning.json"
EXPORTED = tuple(f"{name}.parquet" for name in Tables._fields)
"""Files of an export, in the order of ``Tables``."""
SWEEPS = "sweeps"
"""Folder of the exported sweeps under ``results/``."""
READ_AT_ONCE = 1000
"""Seeds of a sweep whose tables are held at once."""
KEPT_OF_NEURONS = [
    *("seed", "neuron", "cluster", "kind", "strength", "residual", "freq"),
    *("freq_1", "freq_2", "freq_3", "share_1", "share_2", "share_3"),
    *("clustered_1", "clustered_2"),
]
"""Columns of the neurons that an exported sweep holds."""
KEPT_FROM = 0.25
"""Residual from which neurons are exported: below that of fine-tuning ones, so that it shows what
another threshold would do."""
DROPPED = {"networks": ["weight_counts"], "clusters": ["rank_counts", "nearest"]}
"""Columns that an export leaves out: lists, which it sums up, and what others tell."""
ROUNDED = {
    "networks": ["margin", "loss", "strict_loss", "strict_2f_loss", "abs_q999", "abs_max"],
    "clusters": [
        *("amplitude", "explained", "rank_mean", "removed_loss", "control_loss"),
        *("nearest_ratio", "axes_ratio_a", "axes_ratio_b"),
    ],
    "fine_tuning": ["strength", "residual", "share_1", "share_2", "share_3"],
    "weights": ["abs_max"],
}
"""Columns that an export rounds; shares of pairs and of weights are exact."""
FIRST_VERSION = {"weights": 2}
"""The version that brought a table of an exported sweep, where it was not the first."""
READABLE = tuple(range(1, SCHEMA + 1))
"""Versions of an exported sweep's tables that can be read."""


def sweep_files(version: int = SCHEMA) -> dict[str, str]:
    """Files of an exported sweep of that version, by table in the order of ``SweepTables``."""
    names = (name for name in SweepTables._fields if version >= FIRST_VERSION.get(name, 1))
    return {name: f"{name}.parquet" for name in names}


def has_fine_tuning(run: Run) -> bool:
    """Whether a run that learned has a cluster of fine-tuning neurons."""
    return run.learned and any(c.kind == "fine-tuning" for c in run.clustering.clusters)


def first_fine_tuning(config: AdditionConfig, seeds: Sequence[int], **options: Any) -> Run | None:
    """The first run among ``seeds`` that has a fine-tuning cluster; None if none has."""
    for seed in seeds:
        run = get_or_train(config, seed=seed, **options)
        if has_fine_tuning(run):
            return run
    return None


def recorded_fine_tuning(n: int) -> int | None:
    """The recorded first seed from 0 with a fine-tuning cluster, default set-up at n; or None."""
    if not SHOWCASE.exists():
        return None
    read_manifest(SHOWCASE.parent)
    try:
        seed = json.loads(SHOWCASE.read_text(encoding="utf-8"))["first_seed"].get(str(n))
        return None if seed is None else require_seed(seed)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{SHOWCASE} is not a readable record ({error})") from None


def record_fine_tuning(
    moduli: Sequence[int], limit: int = 64, device: str = "auto"
) -> dict[str, Any]:
    """Find the first seed from 0 with a fine-tuning cluster for each modulus and record it."""
    limit = require_int("limit", limit, at_least=1)
    found: dict[str, Any] = {}
    for n in moduli:
        run = first_fine_tuning(AdditionConfig(n=n), range(limit), device=device)
        found[str(n)] = None if run is None else run.seed
    record = {
        "rule": "first seed from 0 whose run learned and has a cluster of kind fine-tuning",
        "limit": limit,
        "first_seed": found,
    }
    SHOWCASE.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(SHOWCASE, (json.dumps(record, indent=1) + "\n").encode())
    content = {"kind": "showcase", **provenance(str(resolve_device(device)))}
    write_manifest(SHOWCASE.parent, [SHOWCASE.name], content)
    return record


def fine_tuning_example(run: Run, device: str = "auto") -> Run | None:
    """A run with a fine-tuning cluster at the same modulus: this one, else the recorded seed's.

    None where the modulus has no recorded seed.
    """
    if has_fine_tuning(run):
        return run
    seed = recorded_fine_tuning(run.config.n)
    if seed is None:
        return None
    return get_or_train(AdditionConfig(n=run.config.n), seed=seed, device=device)


def require_writable(folder: Path) -> None:
    """Refuse a folder of tables that cannot be made or written (``StoreError``)."""
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder if folder.exists() else folder.parent):
            pass


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
            table.astype(floats).to_parquet(work / name, index=False, compression="zstd")
        for name, tensors in (arrays or {}).items():
            save_arrays(tensors, work / name)
        names = [*tables, *(arrays or {})]
        write_manifest(work, names, content)
        folder.mkdir(exist_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)
        for name in (*names, MANIFEST):
            os.replace(work / name, folder / name)


def _content(preset_name: str, config: AdditionConfig, seeds: range) -> dict[str, Any]:
    """What the manifest of every export says of its networks."""
    return {
        "kind": KIND,
        "preset": preset_name,
        "key": config.key(),
        "config": asdict(config),
        "seeds": [seeds.start, seeds.stop - 1],
    }


def export(
    preset_name: str,
    *,
    first_seed: int = 1000,
    num_seeds: int = NUM_EXPORTED,
    device: str = "auto",
    results: Path = RESULTS,
) -> Path:
    """Train and describe seeds of a preset, and write ``results/<preset>`` with its manifest.

    Runs that the store holds are not trained again, so an interrupted export goes on where it
    was. The tables that lie there are replaced at the end, all together. Returns the folder.
    """
    config = preset(preset_name)
    first_seed = require_seed(first_seed, "first_seed")
    num_seeds = require_int("num_seeds", num_seeds, at_least=1, at_most=10**6)
    require_seed(first_seed + num_seeds - 1, "last seed")
    torch_device = resolve_device(device)
    store = Store()
    folder = results / preset_name
    require_writable(folder)
    began = time.perf_counter()
    seeds = range(first_seed, first_seed + num_seeds)
    described = []
    for seed in tqdm(seeds, desc=preset_name, unit="seed"):
        run = get_or_train(config, seed=seed, device=device, store=store, progress=False)
        tables = describe(run.view)
        reached = -1 if run.reached_epoch is None else run.reached_epoch
        summary = tables.summary.assign(
            reached_epoch=reached, test_accuracy=run.accuracy, learned=run.learned
        )
        described.append(tables._replace(summary=summary))
    content = {
        **_content(preset_name, config, seeds),
        "wall_s": round(time.perf_counter() - began, 1),
        **provenance(str(torch_device)),
    }
    write_tables(folder, dict(zip(EXPORTED, stack(described, seeds), strict=True)), content)
    return folder


def read_export(preset_name: str, results: Path = RESULTS) -> Tables | None:
    """The committed tables of a preset, checked against their manifest; None where absent."""
    folder = results / preset_name
    if not folder.is_dir():
        return None
    read_manifest(folder, EXPORTED)
    return Tables(*(pd.read_parquet(folder / name) for name in EXPORTED))


class _Totals:
    """Counts of many networks summed up, and their squares, by whether a network learned."""

    def __init__(self, name: str, places: np.ndarray) -> None:
        self.name, self.places = name, places
        self.sums: dict[bool, list[Any]] = {}

    def add(self, counts: np.ndarray, learned: np.ndarray) -> None:
        """Take in the counts of some networks, (network, place), and which of them learned."""
        for outcome in np.unique(learned):
            chosen = counts[learned == outcome].astype(float)
            block = [len(chosen), chosen.sum(0), (chosen**2).sum(0)]
            before = self.sums.get(bool(outcome), [0, 0, 0])
            self.sums[bool(outcome)] = [old + new for old, new in zip(before, block, strict=True)]

    def table(self) -> pd.DataFrame:
        """A row an outcome and place: ``learned``, the place by its name, ``count``, ``sd``."""
        parts = []
        for learned, (number, total, squares) in sorted(self.sums.items(), reverse=True):
            variance = np.clip(squares - total**2 / number, 0, None) / max(number - 1, 1)
            columns = {self.name: self.places, "count": total.astype(int), "sd": np.sqrt(variance)}
            parts.append(pd.DataFrame({"learned": learned, **columns}))
        return pd.concat(parts, ignore_index=True)


def _ranks_by_network(part: Census, n: int) -> np.ndarray:
    """Pairs by rank, (network, rank): ``rank_counts`` summed over each network's clusters."""
    totals = np.zeros((len(part.networks), n))
    counts = np.array(part.clusters.rank_counts.tolist()).reshape(-1, n)
    np.add.at(totals, np.searchsorted(part.networks.seed, part.clusters.seed), counts)
    return totals


def _seeds_to_export(
    store: Store, config: AdditionConfig, first_seed: int, num_seeds: int | None
) -> range:
    """The seeds from ``first_seed`` on; ``num_seeds`` None: to the last one that the store holds.

    Raises ``StoreError`` where shards of some are missing.
    """
    from modlib.sweep import plan, seed_range

    if num_seeds is None:
        shards = store.shards(KIND, config.key())
        num_seeds = max(1, max((shard.stop for shard in shards), default=0) - first_seed)
    seeds = seed_range(first_seed, num_seeds)
    missing = plan(store, config, seeds)
    if missing:
        raise StoreError(
            f"{store.root} lacks {sum(map(len, missing))} of {len(seeds)} seeds from {first_seed} "
            f"on, first of all {missing[0].start}: run the sweep over them"
        )
    return seeds


def _origins(store: Store, config: AdditionConfig, seeds: range) -> list[dict[str, Any]]:
    """What made the shards: each commit, machine and command once, with its shards and time."""
    origins: dict[str, dict[str, Any]] = {}
    for shard in store.shards(KIND, config.key()):
        if shard.start < seeds.stop and shard.stop > seeds.start:
            manifest = store.shard_manifest(KIND, config.key(), shard)
            made = {key: manifest[key] for key in ("command", "commit", "device", "cpu_capability")}
            origin = origins.setdefault(json.dumps(made), {**made, "wall_s": 0.0, "shards": []})
            origin["wall_s"] = round(origin["wall_s"] + manifest["wall_s"], 1)
            origin["shards"].append([shard.start, shard.stop - 1])
    return list(origins.values())


def collect_sweep(store: Store, config: AdditionConfig, seeds: range) -> SweepTables:
    """The shards of these seeds, all of which the store holds, in the tables of an export."""
    # Not at the top: to read tables, chapters need no compiled trainer.
    from modlib.sweep import read_sweep, read_weights

    middle = NUM_BINS // 2
    histogram = _Totals("centre", BIN_WIDTH * np.arange(-middle, middle + 1))
    ranks = _Totals("rank", np.arange(config.n))
    kept: dict[str, list[pd.DataFrame]] = {name: [] for name in PER_SEED}
    for start in range(seeds.start, seeds.stop, READ_AT_ONCE):
        block = range(start, min(start + READ_AT_ONCE, seeds.stop))
        part = read_sweep(store, config, block)
        learned = part.networks.learned.to_numpy(dtype=bool)
        histogram.add(np.stack(part.networks.weight_counts.tolist()), learned)
        ranks.add(_ranks_by_network(part, config.n), learned)
        tuned = part.neurons[part.neurons.residual >= KEPT_FROM]
        found = {
            "networks": part.networks,
            "clusters": part.clusters,
            "fine_tuning": tuned[KEPT_OF_NEURONS],
            "window": part.window,
            "weights": read_weights(store, config, block),
        }
        for name, table in found.items():
            kept[name].append(table.drop(columns=DROPPED.get(name, [])))
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in kept.items()}
    for name, columns in ROUNDED.items():
        values = {column: rounded(tables[name][column].to_numpy()) for column in columns}
        tables[name] = tables[name].assign(**values)
    return SweepTables(**tables, histogram=histogram.table(), ranks=ranks.table())


def export_sweep(
    preset_name: str,
    *,
    first_seed: int = 1000,
    num_seeds: int | None = None,
    append: bool = False,
    store: Store | None = None,
    results: Path = RESULTS,
) -> Path:
    """Write ``results/sweeps/<preset>`` from the shards that the store holds; returns the folder.

    ``num_seeds`` None: all from ``first_seed`` to the last one in the store. ``append``: behind
    the networks that the folder holds, whose shards need not be in the store any more;
    ``first_seed`` is then the one that follows them. Trains nothing: raises ``StoreError`` where
    a seed's shard is missing, damaged, or of another version, ``InputError`` where the seeds do
    not follow. Tables of an older version get nothing appended.
    """
    config = preset(preset_name)
    first_seed = require_seed(first_seed, "first_seed")
    store = store or Store()
    folder = results / SWEEPS / preset_name
    before = _committed_before(preset_name, config, first_seed, results) if append else None
    seeds = _seeds_to_export(store, config, first_seed, num_seeds)
    require_writable(folder)
    origins, tables = _origins(store, config, seeds), collect_sweep(store, config, seeds)
    if before is not None:
        committed, earlier = before
        seeds = range(earlier["seeds"][0], seeds.stop)
        origins = [*earlier["origins"], *origins]
        tables = together([committed, tables], list(seeds))
    content = {
        **_content(preset_name, config, seeds),
        "tables": SCHEMA,
        "origins": origins,
        **provenance("cpu"),
    }
    by_file = {file: getattr(tables, name) for name, file in sweep_files().items()}
    write_tables(folder, by_file, content)
    return folder


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


def _committed_before(
    preset_name: str, config: AdditionConfig, first_seed: int, results: Path
) -> tuple[SweepTables, dict[str, Any]]:
    """The tables that others are appended to, and their manifest."""
    folder = results / SWEEPS / preset_name
    tables = read_sweep_export(preset_name, results)
    if tables is None:
        raise StoreError(f"{folder} is not there, so that nothing can be appended to it")
    manifest = read_manifest(folder)
    if manifest["tables"] != SCHEMA:
        raise StoreError(
            f"{folder} has tables of version {manifest['tables']}, to which none of version "
            f"{SCHEMA} can be appended; export the whole sweep again"
        )
    if manifest.get("key") != config.key():
        raise StoreError(f"{folder} has networks of another configuration; export the sweep again")
    last = last_seed(manifest, tables.networks.seed.tolist(), folder)
    if first_seed != last + 1:
        raise InputError("first_seed", f"be {last + 1}, behind the seeds of {folder}", first_seed)
    return tables, manifest


def _version(folder: Path) -> Any:
    """The version of the tables that a folder's manifest tells; None where it tells none."""
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["tables"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_sweep_export(
    preset_name: str,
    results: Path = RESULTS,
    *,
    needs: Mapping[str, Sequence[str]] | None = None,
) -> SweepTables | None:
    """The committed tables of a preset's sweep, checked against their manifest; None where absent.

    Tables of an older version lack the columns that came later, and ``weights`` is without rows.
    ``needs``: columns by table that the reader asks for, see ``require_columns``. Raises
    ``StoreError`` where the version is none of ``READABLE``.
    """
    folder = results / SWEEPS / preset_name
    if not folder.is_dir():
        return None
    version = _version(folder)
    files = sweep_files(version) if version in READABLE else None
    read_manifest(folder, None if files is None else files.values())
    if files is None:
        raise StoreError(
            f"{folder} has tables of version {version!r}, this version of modlib "
            f"reads {' and '.join(map(str, READABLE))}; export the sweep again"
        )
    tables = SweepTables(**{name: pd.read_parquet(folder / file) for name, file in files.items()})
    require_columns(preset_name, tables, needs or {}, results)
    return tables


def require_columns(
    preset_name: str,
    tables: SweepTables,
    needs: Mapping[str, Sequence[str]],
    results: Path = RESULTS,
) -> None:
    """Refuse committed tables that lack a column asked for (``StoreError``): ``needs``, by table.

    Raises ``InputError`` where no version has such a column.
    """
    lacking = [
        (n, c) for n, columns in needs.items() for c in columns if c not in getattr(tables, n)
    ]
    if not lacking:
        return
    name, column = lacking[0]
    version = _version(results / SWEEPS / preset_name)
    if version == SCHEMA:
        raise InputError("needs", f"name columns of the table {name}", column)
    raise StoreError(
        f"the sweep of {preset_name} has tables of version {version}, in which {name} has no "
        f"column {column}; version {SCHEMA} has it: export the sweep again"
    )
