"""This machine: where project and store lie, its devices, its cores, how a thread computes."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path
from threadpoolctl import threadpool_limits

from modlib.errors import InputError

if TYPE_CHECKING:
    import torch

CARRIED = Path(__file__).resolve().parent / "carried"
"""What a wheel brings of a checkout: chapters and tables. A checkout has no such folder."""

ROOT = CARRIED if CARRIED.is_dir() else CARRIED.parent.parent
"""Top of the checkout that this package is installed from, or of what its wheel carries."""

NOTEBOOKS = ROOT / "notebooks"
RESULTS = ROOT / "results"
EDITIONS = ("1", "2")
"""Editions of the ledger, each of which rests on seeds of its own."""


def results_of(edition: str) -> Path:
    """Root of the tables of an edition's networks; the first edition's is ``RESULTS``."""
    return RESULTS if edition == EDITIONS[0] else RESULTS / f"edition{edition}"


def require_checkout(argument: str, folder: Path) -> Path:
    """The folder that is to be written; raises ``InputError`` where it lies in a wheel."""
    if folder.is_relative_to(CARRIED):
        rule = "be a folder of a checkout: a wheel's chapters and tables stay as they are"
        raise InputError(argument, rule, str(folder))
    return folder


def store_root() -> Path:
    """Folder of the run store: ``$MODLIB_STORE``, else the user's cache folder."""
    chosen = os.environ.get("MODLIB_STORE")
    return Path(chosen).expanduser() if chosen else user_cache_path("modlib")


def resolve_device(device: object) -> torch.device:
    """The torch device for ``auto``, ``cpu``, ``cuda`` or ``cuda:INDEX``.

    ``auto`` takes a CUDA device where there is one. Raises ``InputError`` for an unknown name
    and for a device that this machine lacks.
    """
    import torch  # not at the top: it takes seconds, and paths and cores need none

    rule = "be auto, cpu, cuda or cuda:INDEX"
    if not isinstance(device, str):
        raise InputError("device", rule, device)
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu":
        return torch.device("cpu")
    named = re.fullmatch(r"cuda(?::(\d{1,4}))?", device, re.ASCII)
    if named is None:
        raise InputError("device", rule, device)
    index, found = int(named[1] or 0), torch.cuda.device_count()
    if index >= found:
        raise InputError("device", f"be present ({found} CUDA devices found here)", device)
    return torch.device("cuda" if named[1] is None else f"cuda:{index}")


def available_cores() -> int:
    """Cores that this process may use, where the system says; else all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """One CPU thread an operation: small ones gain nothing from two, and lose on a busy machine.

    Products of more threads are cut otherwise, and differ in their last bits.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        torch.set_num_threads(threads)


def train_in_this_thread() -> None:
    """For a pool's threads: torch stays within each, and subnormal numbers count as 0.

    A subnormal number is one below 1.2e-38. Trained networks make them by the million, in the
    softmax of pairs long learned and behind neurons whose weights have decayed; on some cores
    each costs as much as a hundred products, and a step of training 30 times its time.
    """
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@contextmanager
def subnormal_as_zero() -> Iterator[None]:
    """The same for the thread that calls: ``train_in_this_thread`` says why."""
    import torch

    before = float(torch.tensor(1e-40) * 1.0) == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def end_with(parent: int) -> None:
    """Leave when the parent is gone, even killed: a waiting process of a pool would stay for ever.

    ``parent``: id of the process that began this one.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
