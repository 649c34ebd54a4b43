"""Thousands of seeds: shards computed here or by others, stopped and resumed at will."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from modlib.config.addition import AdditionConfig
from modlib.edge import public
from modlib.errors import ClusterError, InputError, require_int
from modlib.machine import available_cores, resolve_device
from modlib.progress import Bar
from modlib.runs.dask_workers import MOST_WORKERS, Tls, completed, connected, own_device
from modlib.runs.one_shard import describing, run_shard
from modlib.runs.shards import SHARD_SIZE, blocks, checked_shards, outstanding, share_learned
from modlib.store.runs import FINISHED, Store

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a sweep leaves in the store for its seeds."""

    num_shards: int
    num_networks: int
    share_learned: float
    wall_s: float


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


Compute = Callable[[Sequence[range], bool], Iterable[tuple[range, object]]]
"""Computes shards: each with whether it was; where another process holds one, waits or not."""


def _here(
    store: Store,
    config: AdditionConfig,
    keep_weights: bool,
    device: str,
    threads: int | None,
    bar: Bar,
    describers: Executor | None,
) -> Compute:
    """Shard after shard in this process."""
    run = partial(
        run_shard,
        store,
        config,
        keep_weights=keep_weights,
        device=resolve_device(device),
        threads=threads,
        bar=bar,
        describers=describers,
    )
    return lambda shards, wait: ((shard, run(shard, wait=wait)) for shard in shards)


def _on_workers(client: Client, run: Callable[[bool, range], object], bar: Bar) -> Compute:
    """Shards side by side; ``run``: ``_run_on_worker`` from ``wait`` on."""

    def compute(shards: Sequence[range], wait: bool) -> Iterator[tuple[range, object]]:
        for shard, done in completed(client, partial(run, wait), shards):
            if done:
                bar.update(len(shard))
            yield shard, done

    return compute


def _bar(config: AdditionConfig, todo: Sequence[range], progress: bool) -> Bar:
    return Bar(
        total=sum(map(len, todo)),
        desc=f"n={config.n}",
        unit="network",
        disable=not progress,
        smoothing=0,  # the expected end from the whole run: networks come in bursts
        mininterval=1.0 if sys.stderr.isatty() else 60.0,
    )


def _compute_all(
    compute: Compute, todo: Sequence[range], left: Callable[[], Sequence[range]], store: Store
) -> None:
    """Compute shards until none is ``left``; those that another process holds, at the end."""
    wait = False
    while todo:
        finished = [shard for shard, done in compute(todo, wait) if done]
        todo, wait = left(), True
        if lost := [shard for shard in todo if shard in finished]:
            raise ClusterError(
                f"workers finished seeds {lost[0][0]} to {lost[0][-1]}, but {store.root} lacks "
                "them: every worker must see this store under this path"
            )


@public
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
    tls: Tls | None = None,
    progress: bool = True,
) -> Swept:
    """Compute all shards of ``seeds`` that the store lacks.

    In this process, or by ``workers`` processes of this machine, or by the workers of the
    dask.distributed ``scheduler`` at that address, which must see the same store and to which
    ``tls`` gives the credentials (files of authority, certificate and key). ``threads``:
    networks trained at once by a process; None: one a core here, one in a worker. A shard that
    another process holds is left to it and looked at again at the end. Bad arguments and shards
    that cannot be used are refused before any work.
    """
    began = time.perf_counter()
    if workers is not None and scheduler is not None:
        raise InputError("scheduler", "be left out where workers is given", scheduler)
    here = workers is None and scheduler is None
    if tls is not None and scheduler is None:
        raise InputError("tls", "be left out without scheduler", tls)
    if scheduler is None:
        resolve_device(device)
    if threads is not None:
        threads = require_int("threads", threads, at_least=1, at_most=4096)
    if workers is not None:
        workers = require_int("workers", workers, at_least=1, at_most=MOST_WORKERS)
    blocks(seeds, shard_size)  # refuses what can't be cut, before a folder is made
    store = store or Store()
    shelf = store.of(config)
    with ExitStack() as stack:
        stack.enter_context(shelf.in_use())  # from the first look to the last
        shards = checked_shards(store, config, seeds)
        todo = outstanding(store, config, seeds, shard_size, keep_weights, shards)
        client = None if here else stack.enter_context(connected(workers, scheduler, device, tls))
        bar = stack.enter_context(_bar(config, todo, progress))
        if client is None:
            describers = None
            if resolve_device(device).type == "cuda":
                describers = stack.enter_context(describing(threads or available_cores()))
            compute = _here(store, config, keep_weights, device, threads, bar, describers)
        else:
            there = store.root.resolve(), config, keep_weights, device, threads or 1
            compute = _on_workers(client, partial(_run_on_worker, *there), bar)
        left = partial(outstanding, store, config, seeds, shard_size, keep_weights)
        _compute_all(compute, todo, left, store)
        if (shelf.home / FINISHED).is_dir():
            for seed in seeds:  # left where a kill came after a shard was whole
                shelf.finished(seed).clear()
        if todo:
            shards = checked_shards(store, config, seeds)
        num_networks, learned = share_learned(store, config, seeds, shards)
    return Swept(
        num_shards=len(shards),
        num_networks=num_networks,
        share_learned=learned,
        wall_s=time.perf_counter() - began,
    )
