"""A configuration and a seed in, a run out: from the store, or trained now."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import Config
from modlib.config.remainders import RemaindersConfig
from modlib.config.rules import require_seed
from modlib.edge import public
from modlib.errors import require_int
from modlib.machine import resolve_device
from modlib.runs.family import Family, Run, family_for
from modlib.store.runs import Shelf, Store

if TYPE_CHECKING:
    from modlib.runs.addition import AdditionRun
    from modlib.runs.clock_pizza import ClockPizzaRun
    from modlib.runs.remainders import RemaindersRun


@overload
def get_or_train(
    config: AdditionConfig,
    *,
    seed: int,
    device: str = ...,
    threads: int = ...,
    store: Store | None = ...,
    progress: bool = ...,
) -> AdditionRun: ...
@overload
def get_or_train(
    config: RemaindersConfig,
    *,
    seed: int,
    device: str = ...,
    threads: int = ...,
    store: Store | None = ...,
    progress: bool = ...,
) -> RemaindersRun: ...
@overload
def get_or_train(
    config: ClockPizzaConfig,
    *,
    seed: int,
    device: str = ...,
    threads: int = ...,
    store: Store | None = ...,
    progress: bool = ...,
) -> ClockPizzaRun: ...
@public
def get_or_train(
    config: Config,
    *,
    seed: int,
    device: str = "auto",
    threads: int = 1,
    store: Store | None = None,
    progress: bool = True,
) -> Run:
    """The stored run of this configuration and seed; trained now where there is none.

    ``threads`` serve paper B's network alone, and clock and pizza's is trained on a CPU whatever
    the ``device``. Bad arguments and a store that cannot be written are refused before any work. A
    training that was killed goes on where it last saved its state. Raises ``DivergedError`` where a
    training's numbers are no longer finite, ``StoreError`` for a run or state that cannot be used.
    """
    family, seed = family_for(config), require_seed(seed)
    place = resolve_device(device)
    threads = require_int("threads", threads, at_least=1, at_most=1024)
    shelf = (store or Store()).of(config)
    with shelf.lock(seed):
        trained_now = seed not in shelf
        if trained_now:
            _train(family, config, seed, shelf, place, threads, progress)
        stored = shelf.load(seed)
    run: Run = family.read(config, seed, stored, shelf.folder(seed), trained_now=trained_now)
    return run


def _train(
    family: Family[Any, Any],
    config: Config,
    seed: int,
    shelf: Shelf,
    device: torch.device,
    threads: int,
    progress: bool,
) -> None:
    """Train a network and put it on the shelf."""
    device = torch.device("cpu") if family.on_cpu else device
    checkpoint = shelf.checkpoint(seed, str(device))
    made = family.train(
        family.task(config, seed),
        device=device,
        threads=threads,
        checkpoint=checkpoint,
        progress=progress,
    )
    rate = None if np.isnan(made.steps_per_second) else made.steps_per_second
    shelf.save(
        seed,
        tensors=made.tensors,
        metrics=made.history,
        config={**asdict(config), "steps_per_second": rate},
        device=str(device),
        wall_s=made.wall_s,
    )
    checkpoint.clear()
