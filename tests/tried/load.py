"""Load: a store of many networks and rows, and a sweep of many shards.

Seconds are those of the processor, so that other work on the machine counts little.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from modlib.analysis.many_seeds import census
from modlib.config.addition import AdditionConfig
from modlib.runs.get_or_train import get_or_train
from modlib.runs.shard_tables import shard_tables
from modlib.runs.shards import read_sweep
from modlib.runs.sweep import sweep
from modlib.store.inventory import holdings
from modlib.store.runs import Store
from modlib.store.shards import load_shard, save_shard
from tried.battery import Battery
from tried.commands import QUIET, SWEPT
from tried.process import python

WIDE = AdditionConfig(n=7, embed_dim=4, num_neurons=640, epochs=4)
MANY, SHARD = 2000, 100
"""Networks with more than a million neurons among them, and how many lie in a shard."""
OPTIONS: dict[str, Any] = {"device": "cpu", "threads": 1, **QUIET}


@contextmanager
def unsynced() -> Iterator[None]:
    """Thousands of files are made without waiting for the disk: what is measured is reading."""
    with patch.object(os, "fsync", lambda descriptor: None):
        yield


@unsynced()
def fill(store: Store, config: AdditionConfig, total: int, size: int) -> None:
    """A sweep of ``total`` networks in shards of ``size``: the first trained, the others its copies
    with seeds of their own."""
    sweep(config, range(size), store=store, shard_size=size, **OPTIONS)
    shelf = store.of(config)
    tables = load_shard(shelf, range(size), expected=shard_tables(config)).tables
    for first in range(size, total, size):
        moved = {name: table.assign(seed=table.seed + first) for name, table in tables.items()}
        save_shard(
            shelf,
            range(first, first + size),
            tables=moved,
            version=census.SCHEMA,
            tensors=None,
            config=asdict(config),
            device="cpu",
            wall_s=1.0,
        )


READING = """
import sys
from pathlib import Path
from tried import load
print(load.peak_of_reading(Path(sys.argv[1])))
"""


def peak_of_reading(root: Path) -> str:
    """Rows of neurons that are read, and the most memory in GiB that this process held."""
    rows = len(read_sweep(Store(root), WIDE).neurons)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{rows} {peak * (1 if sys.platform == 'darwin' else 1024) / 2**30}"


def load(battery: Battery, networks: int = MANY, shards: int = 1000, runs: int = 2000) -> None:
    """Reading a million rows, listing thousands of networks, a sweep of a thousand shards."""
    root = battery.folder("wide")
    fill(Store(root), WIDE, networks, min(SHARD, networks))
    said, found = python(READING, str(root))
    assert said == "done", found
    rows, peak = found.split()
    what = f"memory to read {networks:,} networks with {int(rows):,} neurons"
    battery.measure(what, float(peak), "GiB", 2.0)
    _listing(battery, f"listing {networks:,} networks of a sweep", Store(root))
    root = battery.folder("shards")
    fill(Store(root), SWEPT, shards, 1)
    store, seeds = Store(root), range(shards)
    again = partial(sweep, SWEPT, seeds, store=store, shard_size=1, **OPTIONS)
    battery.measure(f"nothing to do in {shards:,} shards", _seconds(again), "s", 1.0)
    battery.measure(
        f"reading {shards:,} shards", _seconds(partial(read_sweep, store, SWEPT)), "s", 5.0
    )
    _listing(battery, f"listing {shards:,} shards", store)
    root = battery.folder("runs")
    _copied_runs(Store(root), runs)
    _listing(battery, f"listing {runs:,} single runs", Store(root))


@unsynced()
def _copied_runs(store: Store, total: int) -> None:
    """A trained run, and copies of it as other seeds."""
    run = get_or_train(SWEPT, seed=0, store=store, device="cpu", **QUIET)
    shelf = store.of(SWEPT)
    stored = shelf.load(0)
    for seed in range(1, total):
        shelf.save(
            seed,
            tensors=stored.tensors,
            metrics=stored.metrics,
            config=asdict(run.config),
            device="cpu",
            wall_s=1.0,
        )


def _listing(battery: Battery, what: str, store: Store) -> None:
    battery.measure(what, 1000 * _seconds(lambda: holdings(store)), "ms", 100.0)


def _seconds(call: Callable[[], Any]) -> float:
    """Processor seconds of a call, the least of three."""
    took = []
    for _ in range(3):
        began = time.process_time()
        call()
        took.append(time.process_time() - began)
    return min(took)
