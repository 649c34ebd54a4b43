"""How a result is computed changes none of its bits: the determinism matrix, an axis a row."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

import edits
from modlib.runs.get_or_train import get_or_train
from modlib.runs.shards import read_sweep
from modlib.runs.sweep import sweep
from modlib.store.runs import Store
from tried.battery import Battery
from tried.commands import QUIET, SWEPT
from tried.process import apart, bits, compared, python

SEEDS = range(2, 5)
PLAIN = {"threads": 1, "size": 1, "of_torch": 1, "seeds": SEEDS, "workers": None}
AXES: dict[str, tuple[Any, ...]] = {
    "threads": (1, 2, 3, 8),
    "size": (1, 2, 3, 100),
    "of_torch": (1, 2),
    "seeds": (SEEDS, range(6), range(1, 5), range(5)),
}
WORDS = {
    "threads": "threads of a sweep",
    "size": "shard size",
    "of_torch": "threads of torch",
    "seeds": "position among the seeds",
    "workers": "processes of dask",
}
ENVIRONMENTS = (
    {"OMP_NUM_THREADS": "2"},
    {"OMP_NUM_THREADS": "4", "OMP_DYNAMIC": "true"},
    {"OMP_NUM_THREADS": "2", "OMP_SCHEDULE": "dynamic", "OMP_WAIT_POLICY": "passive"},
    {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
)


def table_of(root: Path, setting: dict[str, Any]) -> Any:
    """A sweep made that way: its tables of ``SEEDS``."""
    torch.set_num_threads(setting["of_torch"])
    how: dict[str, Any] = {
        "threads": setting["threads"],
        "shard_size": setting["size"],
        "device": "cpu",
    }
    sweep(SWEPT, setting["seeds"], store=Store(root), workers=setting["workers"], **how, **QUIET)
    return read_sweep(Store(root), SWEPT, SEEDS)


def everything(root: Path) -> Any:
    """A sweep and a network of each family."""
    configs: list[Any] = list(edits.SMALL.values())
    options: dict[str, Any] = {"seed": 5, "store": Store(root), "device": "cpu", **QUIET}
    runs = [get_or_train(config, **options) for config in configs]
    return [table_of(root, PLAIN), *runs]


def same_bits(battery: Battery) -> None:
    """Each axis alone, all together as many times as there are tries, then other processes."""
    table_of(battery.folder("warm"), PLAIN)
    _, whole = apart(partial(table_of, battery.folder("whole"), PLAIN))

    def compare(row: str, setting: dict[str, Any]) -> None:
        said, found = apart(partial(table_of, battery.folder("same"), setting))
        battery.note("same bits", row, compared(said, found, whole), setting)

    for name, values in AXES.items():
        for value in values:
            compare(WORDS[name], {**PLAIN, name: value})
    every = [dict(zip(AXES, chosen, strict=True)) for chosen in itertools.product(*AXES.values())]
    chosen = battery.draws("matrix").sample(every, min(len(every), battery.tries))
    for setting in battery.within(chosen):
        compare("all of these together", {**PLAIN, **setting})
    _threads_of_families(battery)
    alone(battery, ENVIRONMENTS[: battery.some(0.1)])


def _threads_of_families(battery: Battery) -> None:
    """Threads that a training is given."""
    for name, config in edits.SMALL.items():

        def trained(root: Path, threads: int, config: Any = config) -> Any:
            options: dict[str, Any] = {"store": Store(root), "device": "cpu", **QUIET}
            return get_or_train(config, seed=5, threads=threads, **options)

        trained(battery.folder("warm"), 1)
        _, whole = apart(partial(trained, battery.folder("whole"), 1))
        for threads in (1, 2, 4):
            said, found = apart(partial(trained, battery.folder("same"), threads))
            outcome = compared(said, found, whole)
            battery.note("same bits", f"threads of a training, {name}", outcome, threads)


ALONE = """
import sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from tried import same_bits
print(same_bits.digest(Path(sys.argv[1]), sys.argv[2]))
"""


def digest(root: Path, how: str) -> str:
    """What a process of its own prints: of everything, or of a sweep by ``workers`` of dask."""
    if how == "everything":
        return repr(bits(everything(root)))
    return repr(bits(table_of(root, {**PLAIN, "workers": int(how), "seeds": range(6)})))


def alone(battery: Battery, environments: tuple[dict[str, str], ...]) -> None:
    """Processes begun anew, under other settings of OMP; and workers of dask."""
    made: Callable[..., tuple[str, str]] = partial(python, ALONE)
    _, whole = made(str(battery.folder("whole")), "everything", OMP_NUM_THREADS="1")
    for environment in environments:
        said, found = made(str(battery.folder("same")), "everything", **environment)
        row = "settings of OMP, all families"
        battery.note("same bits", row, compared(said, found, whole), (environment, found[-200:]))
    here = repr(bits(table_of(battery.folder("whole"), PLAIN)))
    for workers in (1, 2):
        said, found = made(str(battery.folder("same")), str(workers))
        outcome = compared(said, found, here)
        battery.note("same bits", WORDS["workers"], outcome, (workers, found[-200:]))
