"""The tables of thousands of networks: collected, committed, read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from modlib.analysis.many_seeds.census import BIN_WIDTH, NUM_BINS, SCHEMA, Census
from modlib.analysis.many_seeds.sweep_tables import NO_WEIGHTS, PER_SEED, SweepTables, concat
from modlib.config.addition import AdditionConfig
from modlib.config.presets import FIRST_SEED, preset
from modlib.config.rules import require_seed, seed_range
from modlib.edge import public
from modlib.errors import InputError, StoreError
from modlib.machine import RESULTS
from modlib.results.folder import (
    Committed,
    of_preset,
    open_folder,
    open_to_append,
    origin,
    require_writable,
    said_of_networks,
    write_folder,
)
from modlib.results.schemas import sweep_tables, wrong_sweep
from modlib.runs.shards import plan, read_sweep, read_weights
from modlib.store.folder import provenance
from modlib.store.runs import Store
from modlib.store.shards import shard_manifest, shards_on

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
    "networks": [
        *("margin", "loss", "strict_loss", "strict_2f_loss", "train_loss", "test_loss"),
        *("abs_q999", "abs_max"),
    ],
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


def tables_of_version(version: int = SCHEMA) -> list[str]:
    """Tables of an exported sweep of that version, in the order of ``SweepTables``."""
    return [name for name in SweepTables._fields if version >= FIRST_VERSION.get(name, 1)]


KEPT_BITS = 11
"""Significant bits of the measurements that an export rounds: those of float16, any exponent."""


def rounded(values: Float[np.ndarray, " row"]) -> Float32[np.ndarray, " row"]:
    """Measurements to ``KEPT_BITS`` significant bits, within one part in 2048."""
    mantissa, exponent = np.frexp(values)
    scale = 2.0**KEPT_BITS
    return np.ldexp(np.round(mantissa * scale) / scale, exponent).astype(np.float32)


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


def seeds_asked(
    store: Store, config: AdditionConfig, first_seed: int, num_seeds: int | None
) -> range:
    """The seeds from ``first_seed`` on; ``num_seeds`` None: to the last one that the store holds,
    one at least."""
    if num_seeds is None:
        shards = shards_on(store.of(config))
        num_seeds = max(1, max((shard.stop for shard in shards), default=0) - first_seed)
    return seed_range(first_seed, num_seeds)


def _seeds_to_export(
    store: Store, config: AdditionConfig, first_seed: int, num_seeds: int | None
) -> range:
    """``seeds_asked``; raises ``StoreError`` where shards of some are missing."""
    seeds = seeds_asked(store, config, first_seed, num_seeds)
    missing = plan(store, config, seeds)
    if missing:
        raise StoreError(
            f"{store.root} lacks {sum(map(len, missing))} of {len(seeds)} seeds from {first_seed} "
            f"on, first of all {missing[0].start}: run the sweep over them"
        )
    return seeds


def _origins(store: Store, config: AdditionConfig, seeds: range) -> list[dict[str, Any]]:
    """What made the seeds: each commit, machine and command once, with its parts of shards, and
    the time that these took."""
    origins: dict[str, dict[str, Any]] = {}
    for shard in shards_on(store.of(config)):
        if shard.start < seeds.stop and shard.stop > seeds.start:
            own = range(max(shard.start, seeds.start), min(shard.stop, seeds.stop))
            made = origin(shard_manifest(store.of(config), shard))
            wall_s = made.pop("wall_s") * len(own) / len(shard)
            group = origins.setdefault(json.dumps(made), {**made, "wall_s": 0.0, "shards": []})
            group["wall_s"] = round(group["wall_s"] + wall_s, 1)
            group["shards"].append([own.start, own.stop - 1])
    return list(origins.values())


@public
def collect_sweep(store: Store, config: AdditionConfig, seeds: range) -> SweepTables:
    """The shards of these seeds, all of which the store holds, in the tables of an export."""
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
    first_seed: int = FIRST_SEED,
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
    config = preset(preset_name, AdditionConfig)
    first_seed = require_seed(first_seed, "first_seed")
    store = store or Store()
    folder = results / SWEEPS / preset_name

    def seeds_in(before: Committed) -> list[int]:
        seeds: list[int] = _read(before, config).networks.seed.tolist()
        return seeds

    before = open_to_append(folder, config, first_seed, seeds_in) if append else None
    if before is not None and before.manifest["tables"] != SCHEMA:
        raise StoreError(
            f"{folder} has tables of version {before.manifest['tables']}, to which none of version "
            f"{SCHEMA} can be appended; export the whole sweep again"
        )
    seeds = _seeds_to_export(store, config, first_seed, num_seeds)
    require_writable(folder)
    origins, tables = _origins(store, config, seeds), collect_sweep(store, config, seeds)
    if before is not None:
        seeds = range(before.manifest["seeds"][0], seeds.stop)
        origins = [*before.manifest["origins"], *origins]
        tables = concat([_read(before, config), tables], list(seeds))
    content = {
        **said_of_networks(preset_name, config, seeds),
        "tables": SCHEMA,
        "origins": origins,
        **provenance("cpu"),
    }
    write_folder(folder, {name: getattr(tables, name) for name in tables_of_version()}, content)
    return folder


def _read(folder: Committed, config: AdditionConfig) -> SweepTables:
    version = folder.manifest.get("tables")
    if type(version) is not int or version not in READABLE:
        folder.refuse(
            f"{folder.path} has tables of version {version!r}, this version of modlib "
            f"reads {' and '.join(map(str, READABLE))}; export the sweep again"
        )
    folder.require_files(tables_of_version(version))
    found = folder.tables(sweep_tables(config, version), folder.seeds)
    folder.require_seeds(found["networks"].seed.tolist())
    folder.require(wrong_sweep(found, folder.seeds, config))
    return SweepTables(**found)


@public
def read_sweep_export(
    preset_name: str,
    results: Path = RESULTS,
    *,
    needs: Mapping[str, Sequence[str]] | None = None,
) -> SweepTables | None:
    """The committed tables of a preset's sweep, checked against their manifest; None where absent.

    Tables of an older version lack the columns that came later, and ``weights`` is without rows.
    ``needs``: columns by table that the reader asks for, see ``require_columns``. Raises
    ``StoreError`` for a damaged folder, one of another configuration, and where the version is
    none of ``READABLE``.
    """
    config = preset(preset_name, AdditionConfig)
    folder = open_folder(results / SWEEPS / preset_name, of_preset(preset_name, config))
    if folder is None:
        return None
    tables = _read(folder, config)
    require_columns(preset_name, tables, needs or {})
    return tables


def require_columns(
    preset_name: str, tables: SweepTables, needs: Mapping[str, Sequence[str]]
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
    if not tables.weights.columns.equals(NO_WEIGHTS.columns):
        raise InputError("needs", f"name columns of the table {name}", column)
    raise StoreError(
        f"the sweep of {preset_name} has tables of version 1, in which {name} has no column "
        f"{column}; version {SCHEMA} has it: export the sweep again"
    )
