"""The tables of thousands of networks: collected, committed, read, put together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.census import BIN_WIDTH, NUM_BINS, SCHEMA, Census
from modlib.config.addition import AdditionConfig
from modlib.config.presets import preset
from modlib.config.rules import require_seed
from modlib.errors import InputError, StoreError
from modlib.machine import RESULTS
from modlib.results.folder import last_seed, require_writable, said_of_networks, write_tables
from modlib.runs.addition import KIND
from modlib.store.folder import provenance, read_manifest
from modlib.store.runs import Store

PER_SEED = ("networks", "clusters", "fine_tuning", "window")
"""Tables with a row for each network, or several; the others are sums over networks."""


class SweepTables(NamedTuple):
    """What is committed of thousands of networks.

    ``networks``, ``clusters``, ``window``: as in ``many_seeds.census`` (``networks`` with what
    became of the training), without the lists; ``fine_tuning``: the neurons of the kinds
    ``fine-tuning`` and ``3f``, without phases. ``histogram``: a row a bin of the embeddings'
    weights, ``centre`` (the outermost bins are open) and ``count`` over networks; ``ranks``: a
    row a rank of the right answer by one cluster's votes, ``rank`` and ``count`` of pairs, over
    clusters. Both apart for networks that ``learned`` and those that did not, with ``sd``, the
    standard deviation of a network's count.
    """

    networks: pd.DataFrame
    clusters: pd.DataFrame
    fine_tuning: pd.DataFrame
    window: pd.DataFrame
    histogram: pd.DataFrame
    ranks: pd.DataFrame


def among(tables: SweepTables, seeds: list[int]) -> SweepTables:
    """The tables' rows of these seeds; sums over networks stay as they are."""
    chosen = {name: getattr(tables, name) for name in PER_SEED}
    return tables._replace(
        **{
            name: table[table.seed.isin(seeds)].reset_index(drop=True)
            for name, table in chosen.items()
        }
    )


def together(parts: list[SweepTables], seeds: list[int]) -> SweepTables:
    """Tables of several sets of networks in one, sorted by seed, and of these seeds only.

    Sums over networks are those of all.
    """
    tables = {
        name: pd.concat([getattr(part, name) for part in parts], ignore_index=True).sort_values(
            "seed", kind="stable", ignore_index=True
        )
        for name in PER_SEED
    }
    for name, place in (("histogram", "centre"), ("ranks", "rank")):
        tables[name] = _added(
            [(getattr(part, name), part.networks.learned) for part in parts], place
        )
    return among(SweepTables(**tables), seeds)


def _added(parts: list[tuple[pd.DataFrame, pd.Series]], place: str) -> pd.DataFrame:
    """Sums over networks added up, with the standard deviation over all of them."""
    blocks = []
    for table, learned in parts:
        number = table.learned.map(learned.value_counts()).fillna(0)
        squares = table.sd**2 * (number - 1).clip(lower=0) + table["count"] ** 2 / number
        # Committed tables hold their floats in single precision: bins are the same all the same.
        at = {place: table[place].astype(np.float32)} if table[place].dtype.kind == "f" else {}
        blocks.append(table.assign(number=number, squares=squares.fillna(0.0), **at))
    total = (
        pd.concat(blocks)
        .groupby(["learned", place], as_index=False)[["count", "number", "squares"]]
        .sum()
        .sort_values(["learned", place], ascending=[False, True], ignore_index=True)
    )
    variance = (total.squares - total["count"] ** 2 / total.number) / (total.number - 1)
    total["sd"] = np.sqrt(variance.clip(lower=0.0)).fillna(0.0)
    return total[["learned", place, "count", "sd"]]


SWEEPS = "sweeps"
"""Folder of the exported sweeps under ``results/``."""
READ_AT_ONCE = 1000
"""Seeds of a sweep whose tables are held at once."""
KEPT_OF_NEURONS = [
    *("seed", "neuron", "cluster", "kind", "strength", "residual", "freq"),
    *("freq_1", "freq_2", "freq_3", "share_1", "share_2", "share_3"),
]
"""Columns of the neurons that an exported sweep holds."""


SWEEP_EXPORTED = tuple(f"{name}.parquet" for name in SweepTables._fields)


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
    from modlib.runs.shards import plan, seed_range

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
    from modlib.runs.shards import read_sweep

    middle = NUM_BINS // 2
    histogram = _Totals("centre", BIN_WIDTH * np.arange(-middle, middle + 1))
    ranks = _Totals("rank", np.arange(config.n))
    kept: dict[str, list[pd.DataFrame]] = {name: [] for name in SweepTables._fields[:4]}
    for start in range(seeds.start, seeds.stop, READ_AT_ONCE):
        block = range(start, min(start + READ_AT_ONCE, seeds.stop))
        part = read_sweep(store, config, block)
        learned = part.networks.learned.to_numpy(dtype=bool)
        histogram.add(np.stack(part.networks.weight_counts.tolist()), learned)
        ranks.add(_ranks_by_network(part, config.n), learned)
        kept["networks"].append(part.networks.drop(columns="weight_counts"))
        kept["clusters"].append(part.clusters.drop(columns="rank_counts"))
        tuned = part.neurons[part.neurons.kind.isin(["fine-tuning", "3f"])]
        kept["fine_tuning"].append(tuned[KEPT_OF_NEURONS])
        kept["window"].append(part.window)
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in kept.items()}
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
    not follow.
    """
    config = preset(preset_name, AdditionConfig)
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
        **said_of_networks(preset_name, config, seeds),
        "tables": SCHEMA,
        "origins": origins,
        **provenance("cpu"),
    }
    write_tables(folder, dict(zip(SWEEP_EXPORTED, tables, strict=True)), content)
    return folder


def _committed_before(
    preset_name: str, config: AdditionConfig, first_seed: int, results: Path
) -> tuple[SweepTables, dict[str, Any]]:
    """The tables that others are appended to, and their manifest."""
    folder = results / SWEEPS / preset_name
    tables = read_sweep_export(preset_name, results)
    if tables is None:
        raise StoreError(f"{folder} is not there, so that nothing can be appended to it")
    manifest = read_manifest(folder, SWEEP_EXPORTED)
    if manifest.get("key") != config.key():
        raise StoreError(f"{folder} has networks of another configuration; export the sweep again")
    last = last_seed(manifest, tables.networks.seed.tolist(), folder)
    if first_seed != last + 1:
        raise InputError("first_seed", f"be {last + 1}, behind the seeds of {folder}", first_seed)
    return tables, manifest


def read_sweep_export(preset_name: str, results: Path = RESULTS) -> SweepTables | None:
    """The committed tables of a preset's sweep, checked against their manifest; None where absent.

    Raises ``StoreError`` where their columns have another version than ``census.SCHEMA``.
    """
    folder = results / SWEEPS / preset_name
    if not folder.is_dir():
        return None
    manifest = read_manifest(folder, SWEEP_EXPORTED)
    if manifest.get("tables") != SCHEMA:
        raise StoreError(
            f"{folder} has tables of version {manifest.get('tables')!r}, this version of modlib "
            f"reads {SCHEMA}; export the sweep again"
        )
    return SweepTables(*(pd.read_parquet(folder / name) for name in SWEEP_EXPORTED))
