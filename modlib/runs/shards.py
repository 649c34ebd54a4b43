"""The shards of a sweep: how seeds are cut, which are there, and what they hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pandas as pd

from modlib.analysis.many_seeds import census
from modlib.analysis.many_seeds.census import Census
from modlib.config.addition import AdditionConfig
from modlib.config.rules import MAX_SEEDS
from modlib.errors import InputError, StoreError, require_int
from modlib.runs.shard_tables import neurons_missing, shard_tables, wrong_together
from modlib.store.runs import WEIGHTS, Store
from modlib.store.schema import Table, wrong_tables
from modlib.store.shards import AGAIN, load_shard, read_tables, shard_manifest, shards_on

SHARD_SIZE = 200

Manifests = Mapping[range, Mapping[str, Any]]
"""Those of finished shards, by first seed."""


def blocks(seeds: range, shard_size: int = SHARD_SIZE) -> list[range]:
    """The seeds cut at the multiples of ``shard_size``, so that any sweep cuts at the same places.

    Raises ``InputError`` for no seeds and for a size out of range.
    """
    if len(seeds) == 0 or seeds.step != 1:
        raise InputError("seeds", "be a range of one seed or more, in steps of 1", seeds)
    size = require_int("shard_size", shard_size, at_least=1, at_most=MAX_SEEDS)
    cuts = [seeds.start, *range((seeds.start // size + 1) * size, seeds.stop, size), seeds.stop]
    return [range(start, stop) for start, stop in pairwise(cuts)]


def plan(
    store: Store, config: AdditionConfig, seeds: range, *, shard_size: int = SHARD_SIZE
) -> list[range]:
    """The shards to compute: the blocks of ``seeds``, less what finished shards hold already."""
    finished = shards_on(store.of(config))
    return [part for block in blocks(seeds, shard_size) for part in less(block, finished)]


def less(block: range, finished: Sequence[range]) -> Iterator[range]:
    """The parts of a block that none of the finished shards holds; these sorted by first seed."""
    at = block.start
    for shard in finished:
        if shard.stop > at and shard.start < block.stop:
            if shard.start > at:
                yield range(at, shard.start)
            at = shard.stop
    if at < block.stop:
        yield range(at, block.stop)


def checked_shards(
    store: Store, config: AdditionConfig, seeds: range | None = None
) -> dict[range, dict[str, Any]]:
    """The finished shards that hold some of ``seeds`` (None: all of them), with their manifests.

    Raises ``StoreError`` for one that is damaged, or of another configuration or version.
    """
    manifests, shelf, settings = {}, store.of(config), asdict(config)
    for shard in shards_on(shelf):
        if seeds is not None and (shard.start >= seeds.stop or shard.stop <= seeds.start):
            continue
        manifest = shard_manifest(shelf, shard)
        where = shelf.folder(shard)
        again = f"move {where} away to {AGAIN}"
        if manifest["config"] != settings:
            raise StoreError(f"{where} holds networks of another configuration; {again}")
        if manifest["tables"] != census.SCHEMA and not is_outdated(manifest):
            raise StoreError(
                f"{where} has tables of version {manifest['tables']}, "
                f"this version of modlib reads {census.SCHEMA}; {again}"
            )
        manifests[shard] = manifest
    return manifests


def is_outdated(manifest: Mapping[str, Any]) -> bool:
    """Whether a shard's tables are of an older version and can be made again from its weights."""
    return manifest["tables"] < census.SCHEMA and WEIGHTS in manifest["files"]


def outstanding(
    store: Store,
    config: AdditionConfig,
    seeds: range,
    shard_size: int,
    keep_weights: bool,
    finished: Manifests | None = None,
) -> list[range]:
    """The shards to compute or to bring up to date; refused where one there cannot be used.

    ``finished``: ``checked_shards``, where they are at hand.
    """
    outdated = []
    finished = checked_shards(store, config, seeds) if finished is None else finished
    for shard, manifest in finished.items():
        outdated += [shard] if is_outdated(manifest) else []
        if keep_weights and WEIGHTS not in manifest["files"]:
            where = store.of(config).folder(shard)
            raise StoreError(
                f"{where} was computed without keeping its weights; move {where} away to {AGAIN}"
            )
    return outdated + plan(store, config, seeds, shard_size=shard_size)


def read_sweep(store: Store, config: AdditionConfig, seeds: range | None = None) -> Census:
    """The tables of all finished shards, sorted by seed, each seed once.

    ``seeds``: these only. Raises ``StoreError`` where there is none, and for a shard that is
    damaged or whose tables have another version.
    """
    found = read_shards(store, config, seeds, Census._fields)
    return Census(**found)


def read_weights(store: Store, config: AdditionConfig, seeds: range | None = None) -> pd.DataFrame:
    """The table ``weights`` of all finished shards, as ``read_sweep`` reads the others.

    ``seed`` and ``WEIGHT_HISTORY``; NaN before the last epoch of networks that version 1 trained.
    """
    return read_shards(store, config, seeds, ("weights",))["weights"]


def share_learned(
    store: Store, config: AdditionConfig, seeds: range, shards: Manifests
) -> tuple[int, float]:
    """How many networks there are, and the share of them that learned; see ``read_sweep``."""
    _require_some(store, config, shards)
    expected = {"networks": shard_tables(config)["networks"]}
    (networks,) = read_tables(store.of(config), shards, expected, ("seed", "learned")).values()
    learned = networks.learned[networks.seed.isin(seeds)]
    return len(learned), float(learned.mean())


def _require_some(store: Store, config: AdditionConfig, shards: Manifests) -> None:
    if not shards:
        raise StoreError(f"{store.root} holds no shard of these seeds of {config.key()}")


def read_shards(
    store: Store, config: AdditionConfig, seeds: range | None, names: Collection[str]
) -> dict[str, pd.DataFrame]:
    """Tables of all finished shards by name, looked at as a whole; see ``read_sweep``."""
    shelf, shards = store.of(config), checked_shards(store, config, seeds)
    for shard, manifest in shards.items():
        if is_outdated(manifest):
            raise StoreError(
                f"{shelf.folder(shard)} has tables of an older version than "
                f"{census.SCHEMA}; run the sweep again to make them from its weights"
            )
    _require_some(store, config, shards)
    expected = {name: table for name, table in shard_tables(config).items() if name in names}
    found = read_tables(shelf, shards, expected)
    if wrong_of_shards(found, expected, seeds_of(shards)):
        for shard in shards:  # which of them is it?
            tables = load_shard(shelf, shard, expected=expected).tables
            if reason := wrong_of_shards(tables, expected, shard):
                where = shelf.folder(shard)
                raise StoreError(f"{where} is damaged ({reason}); move {where} away to {AGAIN}")
    if seeds is not None and set(seeds_of(shards)) != set(seeds):
        found = {
            name: table[table.seed.isin(seeds)].reset_index(drop=True)
            for name, table in found.items()
        }
    return found


def seeds_of(shards: Iterable[range]) -> list[int]:
    """The seeds of shards, each once; ascending, as the shards are."""
    return sorted({seed for shard in shards for seed in shard})


def wrong_of_shards(
    found: Mapping[str, pd.DataFrame], expected: Mapping[str, Table], seeds: Sequence[int]
) -> str | None:
    """What is wrong with tables of shards, each and together; None where nothing is."""
    reason = wrong_tables(found, expected, seeds)
    if reason is None and found.keys() >= {"networks", "clusters"}:
        reason = wrong_together(found, seeds)
    if reason is None and found.keys() >= {"networks", "neurons"}:
        reason = neurons_missing(found["networks"], found["neurons"], "num_live")
    return reason
