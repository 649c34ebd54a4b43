"""Several processes at the same work, and one beside them that prunes all the time."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from modlib.errors import InputError
from modlib.runs.sweep import sweep
from modlib.store.inventory import holdings, prune, to_prune
from modlib.store.runs import Store
from tried.battery import Battery
from tried.commands import COMMANDS, QUIET, SWEPT, Command, in_small, swept
from tried.process import apart, compared, told

SHARED = (
    *("train, addition", "train, remainders", "train, clock and pizza", "sweep", "search"),
    *("export of networks", "export of a sweep", "export of paper B", "export of pizzas"),
    *("queue", "edition"),
)
"""Commands that several processes make at once."""
FREE = ("search",)
"""Those whose result depends on who is done first: only that they end is looked at."""


def company(battery: Battery) -> None:
    """Three processes at each command, while what was left unfinished is pruned."""
    with in_small():
        for name in battery.within(SHARED):
            command = COMMANDS[name]
            command(battery.folder("warm"))
            _, whole = apart(partial(command, battery.folder("whole")))
            for _ in battery.within(range(battery.some(0.06))):
                root = battery.folder("shared")
                if name == "edition":  # its sources lie there before anyone comes
                    command(root)
                pruned = _partial if name.startswith(("train", "sweep", "search")) else _in_store
                ends = _together([command] * 3, root, pruned)
                for said, found in ends:
                    same = said == "done" and name in FREE
                    outcome = "as it was" if same else compared(said, found, whole)
                    battery.note("three processes and a prune", name, outcome, found)
    pruned_sweeps(battery)


def pruned_sweeps(battery: Battery) -> None:
    """Four processes at one sweep, and one that prunes it whole; then what they leave is read."""
    options: dict[str, Any] = {"device": "cpu", "threads": 1, "shard_size": 1, **QUIET}

    def work(root: Path) -> None:
        sweep(SWEPT, range(6), store=Store(root), **options)

    swept(battery.folder("warm"))
    whole = _read_six(battery.folder("whole"), work)
    for _ in battery.within(range(battery.some(0.2))):
        root = battery.folder("shared")
        for said, found in _together([work] * 4, root, _everything):
            outcome = "as it was" if said == "done" else "lost" if said == "refused" else said
            battery.note("four processes and a prune of all", "sweep", outcome, found)
        found = _read_six(root, work)
        outcome = "as it was" if found == whole else "silent"
        battery.note("four processes and a prune of all", "what they leave", outcome, found)


def _read_six(root: Path, work: Command) -> Any:
    def read() -> Any:
        from modlib.runs.shards import read_sweep

        work(root)
        return read_sweep(Store(root), SWEPT)

    return apart(read)


def _together(
    commands: list[Command], root: Path, pruning: Callable[[Path], None]
) -> list[tuple[str, Any]]:
    """How each of the commands ended, made at once on one folder."""
    children = []
    for command in commands:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(told(partial(command, root)), pipe)
            os._exit(0)
        os.close(writing)
        children.append((child, reading))
    ends = []
    while children:
        for child, reading in list(children):
            if os.waitpid(child, os.WNOHANG)[0]:
                children.remove((child, reading))
                with os.fdopen(reading, "rb") as pipe:
                    answer = pipe.read()
                ends.append(pickle.loads(answer) if answer else ("signal", "no answer"))
        pruning(root)
        time.sleep(0.02)
    return ends


def _partial(root: Path) -> None:
    """What stopped processes leave, as ``modlib store --prune partial`` does."""
    prune(to_prune(Store(root), "partial"))


def _in_store(root: Path) -> None:
    _partial(root / "store")


def _everything(root: Path) -> None:
    """Every configuration that nobody works on."""
    for key in {holding.key for holding in holdings(Store(root))}:
        try:
            prune(to_prune(Store(root), key))
        except InputError:  # it is gone meanwhile
            continue
