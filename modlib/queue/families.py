"""The families of networks as the queue sees them: what trains one, where its tables lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modlib import machine
from modlib.analysis.many_seeds.census import SCHEMA
from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import FAMILIES, Config
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError, StoreError
from modlib.queue.workers import Call
from modlib.results.clock_pizza import FOLDER as CLOCK_PIZZA_FOLDER
from modlib.results.clock_pizza import export_clock_pizza, known_keys, published_networks
from modlib.results.folder import seeds_told
from modlib.results.remainders import FOLDER as REMAINDERS_FOLDER
from modlib.results.remainders import export_remainders
from modlib.results.sample import export as export_sample
from modlib.results.sweeps import SWEEPS, export_sweep
from modlib.runs.get_or_train import get_or_train
from modlib.runs.shards import SHARD_SIZE, blocks, plan
from modlib.runs.sweep import sweep
from modlib.store.folder import read_manifest
from modlib.store.replacing import found
from modlib.store.runs import Store
from modlib.training.speed import total_steps

SHARD_ON_GPU = 5000
"""Seeds a shard on a CUDA device, which trains thousands side by side."""


@dataclass(frozen=True)
class Part:
    """A preset of a job with its seeds; ``keeps`` and ``described``: see ``Job``."""

    preset: str
    config: Config
    seeds: range
    keeps: tuple[str, ...] = ()
    described: bool = False

    @property
    def in_shards(self) -> bool:
        """Whether its networks are those of a sweep: trained and described many at a time."""
        return self.kind == AdditionConfig.KIND and not self.described

    @property
    def kind(self) -> str:
        """The kind of its runs in the store: the family."""
        return self.config.KIND

    @property
    def folder(self) -> Path:
        """Where its tables lie under the folder of results."""
        if self.kind == ClockPizzaConfig.KIND:
            return Path(CLOCK_PIZZA_FOLDER)
        if self.described:
            return Path(self.preset)
        return Path(SWEEPS if self.kind == AdditionConfig.KIND else REMAINDERS_FOLDER) / self.preset


def config_of(preset: str, job: str) -> Config:
    """The configuration of a job's preset, of any family; ``InputError`` where there is none."""
    for known in FAMILIES.values():
        if preset in known:
            return known[preset]
    raise InputError(f"preset of job {job}", "be known to this version of modlib", preset)


def exported_seeds(part: Part, results: Path) -> range:
    """The seeds of the committed tables; empty where there are none.

    Raises ``StoreError`` for tables of another configuration or version, and damaged ones.
    """
    folder = found(results / part.folder)
    if not os.path.isdir(folder):  # nor is what is no path
        return range(0)
    manifest = read_manifest(folder)
    again = f"move {folder} away to make it again"
    key = manifest.get("key")
    if part.kind == ClockPizzaConfig.KIND:
        keys = manifest.get("keys")
        key = keys.get(part.preset) if isinstance(keys, dict) else None
        if key is None and known_keys(keys):
            return range(0)
    if key != part.config.key():
        raise StoreError(f"{folder} holds networks of another configuration or version; {again}")
    if part.in_shards and manifest.get("tables") != SCHEMA:
        raise StoreError(
            f"{folder} has tables of version {manifest.get('tables')!r}, this version of modlib "
            f"reads {SCHEMA}; {again}"
        )
    made = manifest.get("steps")  # paper B's tables may be of runs under way
    if made and min(made) < total_steps(part.config):
        raise StoreError(f"{folder} holds networks that are not trained to their end; {again}")
    seeds = seeds_told(manifest)
    if seeds is None:
        raise StoreError(f"{folder} does not say which seeds it holds; {again}")
    return seeds


def finished_seeds(part: Part, store: Store) -> set[int]:
    """Those of its seeds whose networks the store holds: of a sweep, in whole shards."""
    if part.in_shards and isinstance(part.config, AdditionConfig):
        missing = {seed for block in plan(store, part.config, part.seeds) for seed in block}
        return set(part.seeds) - missing
    shelf = store.of(part.config)
    return {seed for seed in part.seeds if seed in shelf}


def under_way(part: Part, seed: int, store: Store) -> tuple[int, float]:
    """Steps that an unfinished network has made at its last saved state, and their seconds.

    Of a sweep's network, which is kept when it is finished, all steps and no seconds.
    """
    shelf = store.of(part.config)
    if part.in_shards:
        return total_steps(part.config) * shelf.finished(seed).path.is_dir(), 0.0
    progress = shelf.checkpoint(seed).peek("progress")
    if progress is None or progress.shape != (2,):
        return 0, 0.0
    # One network of paper A counts its epochs.
    each = part.config.steps_per_epoch if isinstance(part.config, AdditionConfig) else 1
    return each * int(progress[0]), float(progress[1])


def export(
    part: Part, seeds: range, *, append: bool, threads: int, store: Store, results: Path
) -> Path:
    """Write tables of these seeds, which the store holds; ``append``: behind those there."""
    options: dict[str, Any] = {
        **{"first_seed": seeds.start, "num_seeds": len(seeds)},
        **{"store": store, "results": results},
    }
    if part.described:
        return export_sample(part.preset, **options, device="cpu")
    if part.kind == AdditionConfig.KIND:
        return export_sweep(part.preset, **options, append=append)
    if part.kind == RemaindersConfig.KIND:
        options |= {"threads": threads, "device": "cpu", "append": append, "progress": False}
        if not append:
            options |= {name: name in part.keeps for name in ("network", "snapshots")}
        return export_remainders(part.preset, **options)
    options |= {"threads": threads, "progress": False}
    if _joins_others(part, results):
        return export_clock_pizza(**options, presets=[part.preset], append=True)
    presets = _presets_in(results / part.folder) or [part.preset]
    return export_clock_pizza(**options, presets=presets)


def _joins_others(part: Part, results: Path) -> bool:
    """Whether a part's clocks or pizzas come behind tables of others, which stay."""
    beside = _presets_in(results / part.folder)
    return bool(beside) and part.preset not in beside


def _presets_in(folder: Path) -> list[str]:
    """Clocks and pizzas whose tables a folder holds: they share it."""
    folder = found(folder)
    return list(read_manifest(folder).get("keys", {})) if folder.is_dir() else []


def require_what_tables_need(part: Part, results: Path) -> None:
    """Refuse before the training what a part's tables could not be written without.

    Tables of clocks and pizzas begin with the published ones (``StoreError`` where those cannot
    be had).
    """
    if part.kind == ClockPizzaConfig.KIND and not _joins_others(part, results):
        published_networks()


def calls(
    part: Part, seeds: list[int], store: Store, *, threads: int, device: str, block: int
) -> list[Call]:
    """What trains these seeds: one call for every ``block`` seeds of a sweep, else one a seed."""
    root = store.root
    if part.in_shards and isinstance(part.config, AdditionConfig):
        cut = blocks(range(min(seeds), max(seeds) + 1), block)
        return [(train_sweep, (root, part.config, seeds, threads, device)) for seeds in cut]
    return [(train_network, (root, part.config, s, threads, device)) for s in seeds]


def train_sweep(
    root: Path, config: AdditionConfig, seeds: range, threads: int, device: str
) -> None:
    """Train and describe a block of seeds of paper A."""
    size = SHARD_ON_GPU if machine.resolve_device(device).type == "cuda" else SHARD_SIZE
    sweep(
        config,
        seeds,
        store=Store(root),
        shard_size=size,
        threads=threads,
        device=device,
        progress=False,
    )


def train_network(root: Path, config: Config, seed: int, threads: int, device: str) -> None:
    """Train a network by itself."""
    options: dict[str, Any] = {"store": Store(root), "progress": False}
    get_or_train(config, seed=seed, threads=threads, device=device, **options)
