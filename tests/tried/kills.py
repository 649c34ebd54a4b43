"""Long commands killed just before each of their writes, or at random; then called again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

from modlib.training import resume
from tried.battery import Battery
from tried.commands import COMMANDS, SLOW, Command, in_small
from tried.process import apart, compared, kill_after

WRITES = ("replace", "rename", "fsync", "unlink", "mkdir", "rmdir", "chmod", "symlink")
"""Functions of ``os`` that change what lies on the disk."""


def kills(battery: Battery, names: Collection[str] = tuple(COMMANDS)) -> None:
    """Every command at each of its writes, a sample where there are more than tries; at random."""
    with in_small():
        for number, name in enumerate(names):
            began = time.monotonic()
            with battery.turn(battery.left_s / (len(names) - number)):
                _killed(battery, name, COMMANDS[name])
            battery.say(f"kills, {name}: {time.monotonic() - began:.0f} s")


def _killed(battery: Battery, name: str, command: Command) -> None:
    draws = battery.draws(name)
    if name not in SLOW:
        command(battery.folder("warm"))  # what is compiled here need not be in each process
    began = time.monotonic()
    said, whole = apart(partial(command, battery.folder("whole")))
    took = time.monotonic() - began
    assert said == "done", (name, whole)
    slow = name in SLOW
    if not slow:
        said, writes = apart(partial(_writing, partial(command, battery.folder("counted")), None))
        assert said == "done", (name, writes)
        with battery.turn(0.7 * battery.left_s):
            for at in battery.within(_spread(int(writes), 2 * battery.tries, draws)):
                root = battery.folder("killed")
                apart(partial(_writing, partial(command, root), at))
                outcome, found = _again(command, root, whole)
                battery.note("killed at a write", name, outcome, f"write {at}: {found}")
    for _ in battery.within(range(battery.some(0.1 if slow else 1.0))):
        root, wait = battery.folder("killed"), draws.random() * took
        kill_after(wait, partial(_writing, partial(command, root), None))
        outcome, found = _again(command, root, whole)
        battery.note("killed at random", name, outcome, f"after {wait:.3f} s: {found}")


def _spread(total: int, most: int, draws: random.Random) -> list[int]:
    """Every one of ``total``, or as many as may be, evenly; in any order, as time may be over."""
    start, most = draws.random(), min(most, total)
    chosen = [int((start + number) * total / most) for number in range(most)]
    return draws.sample(chosen, most)


def _writing(call: Callable[[], Any], at: int | None) -> int:
    """Make a call; count its writes, or die by SIGKILL just before one of them."""
    count = 0

    def counting(write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            nonlocal count
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return write(*args, **options)

        return counted

    resume.pause_s = lambda took: 0.0  # a state is saved after every epoch or step
    for name in WRITES:
        setattr(os, name, counting(getattr(os, name)))
    call()
    return count


def _again(command: Command, root: Path, whole: Any) -> tuple[str, Any]:
    said, found = apart(partial(command, root))
    return compared(said, found, whole), found if said != "done" else ""
