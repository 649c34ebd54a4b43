"""Thousands of seeds: trained and described in shards, stopped and resumed at will.

A shard is a block of seeds with their tables (``analysis.census``) and, on request, their weights.
It is written whole or not at all, and every network that is finished before its shard is kept, so
that a kill costs the networks in training and no others. A shard's bits depend on the
configuration and its seeds alone: neither on kills, nor on who computed what beside it.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from modlib.analysis import census
from modlib.analysis.census import Census
from modlib.analysis.tables import under_one_another
from modlib.cluster import completed, connected, own_device
from modlib.config import AdditionConfig, require_seed, resolve_device
from modlib.errors import ClusterError, InputError, StoreError, require_int
from modlib.experiments import KIND, view_of
from modlib.models.mlp import PARAMETERS, embedding_shares
from modlib.store import WEIGHTS, Checkpoint, Store, table_file
from modlib.training.ensemble import available_cores, train_ensemble
from modlib.training.loop import HISTORY, WEIGHT_HISTORY, weight_epochs
from modlib.training.outcome import outcome

SHARD_SIZE = 200
MAX_SEEDS = 10**7
OVER_TRAINING = {"history": HISTORY, "weights": WEIGHT_HISTORY}
"""Tables with a row an epoch, and their columns: loss and accuracy, and the embeddings' weights."""
TABLES = (*OVER_TRAINING, *Census._fields)
"""Tables of a shard."""

log = logging.getLogger(__name__)


@contextmanager
def describing(num_processes: int) -> Iterator[Executor]:
    """Processes that describe networks while a GPU trains the next; they end with this one."""
    pool = ProcessPoolExecutor(
        num_processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=end_with,
        initargs=(os.getpid(),),
    )
    try:
        yield pool
    except BrokenProcessPool:
        raise ClusterError("a process that describes networks was killed; start again") from None
    finally:
        pool.shutdown(cancel_futures=True)


def end_with(parent: int) -> None:
    """Leave when the parent is gone, even killed: a waiting pool process would stay for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    threadpool_limits(1, "blas")


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a sweep leaves in the store for its seeds."""

    num_shards: int
    num_networks: int
    share_learned: float
    wall_s: float


def seed_range(first_seed: object, num_seeds: object) -> range:
    """The seeds of a sweep; raises ``InputError`` unless there is one, and none beyond 2^63."""
    first = require_seed(first_seed, "first_seed")
    total = require_int("num_seeds", num_seeds, at_least=1, at_most=MAX_SEEDS)
    require_seed(first + total - 1, "last seed")
    return range(first, first + total)


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
    finished = store.shards(KIND, config.key())
    return [part for block in blocks(seeds, shard_size) for part in _less(block, finished)]


def _less(block: range, finished: Sequence[range]) -> Iterator[range]:
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
    manifests = {}
    for shard in store.shards(KIND, config.key()):
        if seeds is not None and (shard.start >= seeds.stop or shard.stop <= seeds.start):
            continue
        manifest = store.shard_manifest(KIND, config.key(), shard)
        where = store.folder(KIND, config.key(), shard)
        again = f"move {where} away to compute this shard again"
        if manifest["config"] != asdict(config):
            raise StoreError(f"{where} holds networks of another configuration; {again}")
        if manifest["tables"] != census.SCHEMA and not _is_outdated(manifest):
            raise StoreError(
                f"{where} has tables of version {manifest['tables']}, "
                f"this version of modlib reads {census.SCHEMA}; {again}"
            )
        manifests[shard] = manifest
    return manifests


def _is_outdated(manifest: Mapping[str, Any]) -> bool:
    """Whether a shard's tables are of an older version and can be made again from its weights."""
    return manifest["tables"] < census.SCHEMA and WEIGHTS in manifest["files"]


def run_shard(
    store: Store,
    config: AdditionConfig,
    seeds: range,
    *,
    keep_weights: bool = False,
    device: torch.device,
    threads: int | None = None,
    wait: bool = True,
    bar: tqdm | None = None,
    describers: Executor | None = None,
) -> bool:
    """Compute the shard of these seeds where it is missing; bring older tables up to date.

    Networks that an earlier, killed call finished are not trained again. Returns False where
    ``wait`` is False and another process holds some of the seeds, and where another shard got
    some of them meanwhile. ``bar`` counts networks; ``describers`` keep and describe them beside
    the training.
    """
    bar = tqdm(disable=True) if bar is None else bar
    address = (KIND, config.key(), seeds)
    began = time.perf_counter()
    with store.lock(*address, wait=wait) as held, threadpool_limits(1, "blas"):
        if not held:
            return False
        if address in store:
            _update_tables(store, config, seeds)
            _come_in(bar, len(seeds))
            return True
        if list(_less(seeds, store.shards(KIND, config.key()))) != [seeds]:
            return False
        kept: dict[int, dict[str, np.ndarray]] = {}
        described: dict[int, Census] = {}
        waiting: dict[int, Future[Census]] = {}
        for seed, state, trained_now in _members(store, config, seeds, device, threads):
            kept[seed] = state if keep_weights else {name: state[name] for name in OVER_TRAINING}
            job = (store.finished(KIND, config.key(), seed), config, seed, state, trained_now)
            if describers is None:
                described[seed] = _keep_and_describe(*job)
            else:
                waiting[seed] = describers.submit(_keep_and_describe, *job)
            bar.update() if trained_now else _come_in(bar, 1)
        described |= {seed: future.result() for seed, future in waiting.items()}
        names = PARAMETERS if keep_weights else ()
        store.save_shard(
            *address,
            tables=_tables(described, kept, seeds),
            version=census.SCHEMA,
            tensors={name: np.stack([kept[s][name] for s in seeds]) for name in names} or None,
            config=asdict(config),
            device=str(device),
            wall_s=time.perf_counter() - began,
        )
        for seed in seeds:
            store.finished(KIND, config.key(), seed).clear()
    return True


def _come_in(bar: tqdm, num_networks: int) -> None:
    """Count networks that cost no training now: the expected end leaves them out."""
    if not bar.disable:
        bar.initial += num_networks
    bar.update(num_networks)


def _members(
    store: Store, config: AdditionConfig, seeds: range, device: torch.device, threads: int | None
) -> Iterator[tuple[int, dict[str, np.ndarray], bool]]:
    """Weights and history of each seed: kept by an earlier call (False), or trained now (True).

    What an older version kept without the weights over training is trained again: its shard is to
    be as whole as if no call had been killed.
    """
    missing = []
    for seed in seeds:
        state = store.finished(KIND, config.key(), seed).load()
        if state is None or not OVER_TRAINING.keys() <= state.keys():
            missing.append(seed)
        else:
            yield seed, state, False
    for member in train_ensemble(config, missing, device=device, threads=threads, progress=False):
        over_training = {"history": member.history, "weights": member.weight_history}
        arrays = {
            name: table[list(OVER_TRAINING[name])].to_numpy(dtype=np.float64)
            for name, table in over_training.items()
        }
        yield member.seed, {**member.weights, **arrays}, True


def _keep_and_describe(
    place: Checkpoint,
    config: AdditionConfig,
    seed: int,
    state: dict[str, np.ndarray],
    trained_now: bool,
) -> Census:
    if trained_now:
        place.save(state)
    return _describe(config, seed, state)


def _describe(config: AdditionConfig, seed: int, state: Mapping[str, np.ndarray]) -> Census:
    """A network's census, with what became of its training in ``networks``.

    One whose parameters are no longer finite is described as a network of zeros.
    """
    weights = {name: state[name] for name in PARAMETERS}
    diverged = not all(np.isfinite(array).all() for array in weights.values())
    if diverged:
        log.warning("seed %d diverged: its parameters are not finite", seed)
        weights = {name: np.zeros_like(array) for name, array in weights.items()}
    counted = census.census(view_of(weights), seed=seed)
    history = _over_training(state, "history")
    became = outcome(history, config.n**2 - config.num_train)
    last = history.iloc[-1]
    networks = counted.networks.assign(
        reached_epoch=np.int32(-1 if became.reached_epoch is None else became.reached_epoch),
        learned=became.learned and not diverged,
        diverged=diverged,
        **{name: np.float32(last[name]) for name in HISTORY[1:]},
    )
    return counted._replace(networks=networks)


def _over_training(state: Mapping[str, np.ndarray], name: str) -> pd.DataFrame:
    columns = list(OVER_TRAINING[name])
    table = pd.DataFrame(state[name], columns=columns).astype({"epoch": np.int32})
    return table if name == "history" else table.astype(dict.fromkeys(columns[1:], np.float32))


def _tables(
    described: Mapping[int, Census], kept: Mapping[int, Mapping[str, np.ndarray]], seeds: range
) -> dict[str, pd.DataFrame]:
    """The tables of a shard, by name, each sorted by seed."""
    over_training = {
        name: under_one_another([_over_training(kept[seed], name) for seed in seeds], seeds)
        for name in OVER_TRAINING
    }
    stacked = census.stack_census([described[seed] for seed in seeds], seeds)
    return {**over_training, **stacked._asdict()}


def _update_tables(store: Store, config: AdditionConfig, seeds: range) -> None:
    """Make a shard's tables again from its weights where an older version of modlib made them.

    Version 1 had no table ``weights``: all but the last of its rows are NaN then.
    """
    manifest = checked_shards(store, config, seeds)[seeds]
    if not _is_outdated(manifest):
        return
    address = (KIND, config.key(), seeds)
    weighed = table_file("weights", manifest["tables"]) in manifest["files"]
    names = [name for name in OVER_TRAINING if weighed or name != "weights"]
    shard = store.load_shard(*address, names=names, weights=True)
    assert shard.tensors is not None
    if not weighed:
        where = store.folder(*address)
        log.warning("%s was trained without counting weights: only the last are known", where)
    described, kept = {}, {}
    for index, seed in enumerate(seeds):
        state = {name: array[index] for name, array in shard.tensors.items()}
        for name, table in shard.tables.items():
            rows = table[table.seed == seed]
            state[name] = rows[list(OVER_TRAINING[name])].to_numpy(np.float64)
        if not weighed:
            state["weights"] = _last_weights(config, state)
        kept[seed] = state
        described[seed] = _describe(config, seed, state)
    tables = _tables(described, kept, seeds)
    store.replace_tables(*address, tables=tables, version=census.SCHEMA)


def _last_weights(
    config: AdditionConfig, state: Mapping[str, np.ndarray]
) -> Float[np.ndarray, "epoch column"]:
    """The table ``weights`` of a network of which its last weights are known, NaN before."""
    epochs = weight_epochs(config)
    rows = np.full((len(epochs), len(WEIGHT_HISTORY)), np.nan)
    rows[:, 0] = epochs
    embeddings = (state[f"embed_{side}.weight"] for side in "ab")
    rows[-1, 1:] = list(embedding_shares(*embeddings).values())
    return rows


def _run_on_worker(
    root: Path,
    config: AdditionConfig,
    keep_weights: bool,
    device: str,
    threads: int | None,
    wait: bool,
    seeds: range,
) -> tuple[int, int] | None:
    """``run_shard`` in a worker: returns the shard's first seed and stop, nothing that is lost."""
    done = run_shard(
        Store(root),
        config,
        seeds,
        keep_weights=keep_weights,
        device=resolve_device(own_device(device)),
        threads=threads,
        wait=wait,
    )
    return (seeds.start, seeds.stop) if done else None


def _outstanding(
    store: Store, config: AdditionConfig, seeds: range, shard_size: int, keep_weights: bool
) -> list[range]:
    """The shards to compute or to bring up to date; refused where one there cannot be used."""
    outdated = []
    for shard, manifest in checked_shards(store, config, seeds).items():
        outdated += [shard] if _is_outdated(manifest) else []
        if keep_weights and WEIGHTS not in manifest["files"]:
            where = store.folder(KIND, config.key(), shard)
            raise StoreError(
                f"{where} was computed without keeping its weights; "
                f"move {where} away to compute this shard again"
            )
    return outdated + plan(store, config, seeds, shard_size=shard_size)


def sweep(
    config: AdditionConfig,
    seeds: range,
    *,
    store: Store | None = None,
    shard_size: int = SHARD_SIZE,
    keep_weights: bool = False,
    device: str = "auto",
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> Swept:
    """Compute all shards of ``seeds`` that the store lacks.

    In this process, or by ``workers`` processes of this machine, or by the workers of the
    dask.distributed ``scheduler`` at that address, which must see the same store. ``threads``:
    networks trained at once by a process; None: one a core here, one in a worker. A shard that
    another process holds is left to it and looked at again at the end. Bad arguments and shards
    that cannot be used are refused before any work.
    """
    began = time.perf_counter()
    if workers is not None and scheduler is not None:
        raise InputError("scheduler", "be left out where workers is given", scheduler)
    here = workers is None and scheduler is None
    if scheduler is None:
        resolve_device(device)
    if threads is not None:
        threads = require_int("threads", threads, at_least=1, at_most=4096)
    store = store or Store()
    todo = _outstanding(store, config, seeds, shard_size, keep_weights)
    with ExitStack() as stack:
        client = None if here else stack.enter_context(connected(workers, scheduler, device))
        bar = stack.enter_context(
            tqdm(
                total=sum(map(len, todo)),
                desc=f"n={config.n}",
                unit="network",
                disable=not progress,
                smoothing=0,  # the expected end from the whole run: networks come in bursts
                mininterval=1.0 if sys.stderr.isatty() else 60.0,
            )
        )
        if client is None:
            trainer = resolve_device(device)
            describers = None
            if trainer.type == "cuda":
                describers = stack.enter_context(describing(threads or available_cores()))
            run = partial(
                run_shard,
                store,
                config,
                keep_weights=keep_weights,
                device=trainer,
                threads=threads,
                bar=bar,
                describers=describers,
            )
        else:
            there = (store.root.resolve(), config, keep_weights, device, threads or 1)
        wait = False
        while todo:
            ended: Iterable[tuple[range, object]]
            if client is None:
                ended = ((shard, run(shard, wait=wait)) for shard in todo)
            else:
                ended = completed(client, partial(_run_on_worker, *there, wait), todo)
            finished = []
            for shard, done in ended:
                if done:
                    finished.append(shard)
                if done and client is not None:
                    bar.update(len(shard))
            todo, wait = _outstanding(store, config, seeds, shard_size, keep_weights), True
            if lost := [shard for shard in todo if shard in finished]:
                raise ClusterError(
                    f"workers finished seeds {lost[0][0]} to {lost[0][-1]}, but {store.root} lacks "
                    "them: every worker must see this store under this path"
                )
    for seed in seeds:  # left where a kill came after a shard was whole
        store.finished(KIND, config.key(), seed).clear()
    shards = checked_shards(store, config, seeds)
    (networks,) = _read(store, config, seeds, ("networks",))
    return Swept(
        num_shards=len(shards),
        num_networks=len(networks),
        share_learned=float(networks.learned.mean()),
        wall_s=time.perf_counter() - began,
    )


def read_sweep(store: Store, config: AdditionConfig, seeds: range | None = None) -> Census:
    """The tables of all finished shards, sorted by seed, each seed once.

    ``seeds``: these only. Raises ``StoreError`` where there is none, and for a shard that is
    damaged or whose tables have another version.
    """
    return Census(*_read(store, config, seeds, Census._fields))


def read_weights(store: Store, config: AdditionConfig, seeds: range | None = None) -> pd.DataFrame:
    """The table ``weights`` of all finished shards, as ``read_sweep`` reads the others.

    ``seed`` and ``WEIGHT_HISTORY``; NaN before the last epoch of networks that version 1 trained.
    """
    (table,) = _read(store, config, seeds, ("weights",))
    return table


def _read(
    store: Store, config: AdditionConfig, seeds: range | None, names: Collection[str]
) -> list[pd.DataFrame]:
    parts = []
    stop = 0
    for shard, manifest in checked_shards(store, config, seeds).items():
        if _is_outdated(manifest):
            raise StoreError(
                f"{store.folder(KIND, config.key(), shard)} has tables of an older version than "
                f"{census.SCHEMA}; run the sweep again to make them from its weights"
            )
        start, stop = max(shard.start, stop), max(shard.stop, stop)
        if seeds is not None:
            start = max(start, seeds.start)
        last = (stop if seeds is None else min(stop, seeds.stop)) - 1
        tables = store.load_shard(KIND, config.key(), shard, names=names).tables.values()
        parts.append([table[table.seed.between(start, last)] for table in tables])
    if not parts:
        raise StoreError(f"{store.root} holds no shard of these seeds of {config.key()}")
    return [pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True)]
