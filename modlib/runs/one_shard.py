"""One shard of a sweep: its networks trained and described.

Its tables are ``TABLES``: columns of those over training are in ``training.addition.loop``
(``HISTORY``, ``WEIGHT_HISTORY``), of the others in ``analysis.many_seeds.census.Census``.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from threadpoolctl import threadpool_limits

from modlib.analysis.many_seeds import census
from modlib.analysis.many_seeds.census import Census, under_one_another
from modlib.config.addition import AdditionConfig
from modlib.errors import ClusterError, StoreError
from modlib.machine import end_with
from modlib.models.mlp import PARAMETERS, embedding_shares
from modlib.progress import Bar
from modlib.runs.addition import view_of
from modlib.runs.shard_tables import finished_arrays, shard_arrays, shard_tables
from modlib.runs.shards import checked_shards, is_outdated, less
from modlib.store.checkpoint import Checkpoint
from modlib.store.runs import Store
from modlib.store.schema import wrong_arrays
from modlib.store.shards import (
    AGAIN,
    load_shard,
    replace_tables,
    save_shard,
    shards_on,
    table_file,
)
from modlib.tasks.learned import outcome
from modlib.training.addition.ensemble import train_ensemble
from modlib.training.addition.loop import HISTORY, WEIGHT_HISTORY, weight_epochs

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
        initializer=_describer,
        initargs=(os.getpid(),),
    )
    try:
        yield pool
    except BrokenProcessPool:
        raise ClusterError("a process that describes networks was killed; start again") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _describer(parent: int) -> None:
    end_with(parent)
    threadpool_limits(1, "blas")


def run_shard(
    store: Store,
    config: AdditionConfig,
    seeds: range,
    *,
    keep_weights: bool = False,
    device: torch.device,
    threads: int | None = None,
    wait: bool = True,
    bar: Bar | None = None,
    describers: Executor | None = None,
) -> bool:
    """Compute the shard of these seeds where it is missing; bring older tables up to date.

    Networks that an earlier, killed call finished are not trained again. Returns False where
    ``wait`` is False and another process holds some of the seeds, and where another shard got
    some of them meanwhile. ``bar`` counts networks; ``describers`` keep and describe them beside
    the training.
    """
    bar = Bar(disable=True) if bar is None else bar
    shelf = store.of(config)
    began = time.perf_counter()
    with shelf.lock(seeds, wait=wait) as held, threadpool_limits(1, "blas"):
        if not held:
            return False
        if seeds in shelf:
            _update_tables(store, config, seeds)
            _come_in(bar, len(seeds))
            return True
        if list(less(seeds, shards_on(shelf))) != [seeds]:
            return False
        kept: dict[int, dict[str, np.ndarray]] = {}
        described: dict[int, Census] = {}
        waiting: dict[int, Future[Census]] = {}
        for seed, state, trained_now in _members(store, config, seeds, device, threads):
            kept[seed] = state if keep_weights else {name: state[name] for name in OVER_TRAINING}
            job = (shelf.finished(seed), config, seed, state, trained_now)
            if describers is None:
                described[seed] = _keep_and_describe(*job)
            else:
                waiting[seed] = describers.submit(_keep_and_describe, *job)
            bar.update() if trained_now else _come_in(bar, 1)
        described |= {seed: future.result() for seed, future in waiting.items()}
        names = PARAMETERS if keep_weights else ()
        save_shard(
            shelf,
            seeds,
            tables=_tables(described, kept, seeds),
            version=census.SCHEMA,
            tensors={name: np.stack([kept[s][name] for s in seeds]) for name in names} or None,
            config=asdict(config),
            device=str(device),
            wall_s=time.perf_counter() - began,
        )
        for seed in seeds:
            shelf.finished(seed).clear()
    return True


def _come_in(bar: Bar, num_networks: int) -> None:
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
    expected = finished_arrays(config)
    for seed in seeds:
        place = store.of(config).finished(seed)
        state = place.load()
        if state is None or not OVER_TRAINING.keys() <= state.keys():
            missing.append(seed)
        elif reason := wrong_arrays(state, expected):
            raise StoreError(f"{place.path} is damaged ({reason}); move it away")
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


class Kept(NamedTuple):
    """What a shard keeps of training: tables by name, weights (seed, ...) by name."""

    tables: dict[str, pd.DataFrame]
    weights: dict[str, np.ndarray]


def load_weights(
    store: Store,
    config: AdditionConfig,
    seeds: range,
    names: Collection[str] = tuple(OVER_TRAINING),
) -> Kept:
    """Weights of a shard that keeps them, and its tables over training.

    Raises ``StoreError`` for what is damaged: weights that are not finite are of networks whose
    training is seen to diverge.
    """
    shelf, tables = store.of(config), shard_tables(config)
    expected = {name: tables[name] for name in {*names, "history"}}
    arrays = shard_arrays(config, len(seeds))
    shard = load_shard(shelf, seeds, expected=expected, arrays=arrays)
    weights, where = shard.tensors or {}, shelf.folder(seeds)
    finite = np.all([np.isfinite(a).reshape(len(seeds), -1).all(1) for a in weights.values()], 0)
    told = ["train_loss", *(["test_loss"] if config.num_train < config.n**2 else [])]
    last = shard.tables["history"].drop_duplicates("seed", keep="last")[told]
    ended = np.isfinite(last.to_numpy()).all(1)
    if (~finite & ended).any():
        seed = seeds[int(np.flatnonzero(~finite & ended)[0])]
        reason = f"weights of seed {seed} are not finite, though it did not diverge"
        raise StoreError(f"{where} is damaged ({reason}); move {where} away to {AGAIN}")
    return Kept({name: shard.tables[name] for name in names}, weights)


def _update_tables(store: Store, config: AdditionConfig, seeds: range) -> None:
    """Make a shard's tables again from its weights where an older version of modlib made them.

    Version 1 had no table ``weights``: all but the last of its rows are NaN then.
    """
    manifest = checked_shards(store, config, seeds)[seeds]
    if not is_outdated(manifest):
        return
    shelf = store.of(config)
    weighed = table_file("weights", manifest["tables"]) in manifest["files"]
    names = [name for name in OVER_TRAINING if weighed or name != "weights"]
    shard = load_weights(store, config, seeds, names)
    if not weighed:
        where = shelf.folder(seeds)
        log.warning("%s was trained without counting weights: only the last are known", where)
    described, kept = {}, {}
    for index, seed in enumerate(seeds):
        state = {name: array[index] for name, array in shard.weights.items()}
        for name, table in shard.tables.items():
            rows = table[table.seed == seed]
            state[name] = rows[list(OVER_TRAINING[name])].to_numpy(np.float64)
        if not weighed:
            state["weights"] = _last_weights(config, state)
        kept[seed] = state
        described[seed] = _describe(config, seed, state)
    tables = _tables(described, kept, seeds)
    replace_tables(shelf, seeds, tables=tables, version=census.SCHEMA)


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
