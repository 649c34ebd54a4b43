"""What every family of networks has: its runs, and how one is made of a training.

A family is a configuration's class and the ``FAMILY`` of the file here that has its ``KIND``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import numpy as np
import pandas as pd

from modlib.config.presets import Config
from modlib.errors import StoreError
from modlib.store.runs import StoredRun
from modlib.store.schema import Array, Table, wrong_arrays


@dataclass(frozen=True, kw_only=True)
class Run:
    """A network with its configuration, its seed and what was logged while it learned.

    ``weights``: parameters by name; ``history``: a row an evaluation; ``logged``: the other arrays
    that the store keeps of it; ``manifest``: what made it; ``trained_now``: not found in the store.
    """

    PREFIX: ClassVar[str] = "model/"
    """What the names of parameters begin with in the store."""

    config: Any
    seed: int
    weights: dict[str, np.ndarray]
    history: pd.DataFrame
    logged: dict[str, np.ndarray] = field(default_factory=dict)
    manifest: dict[str, Any]
    trained_now: bool = False

    @classmethod
    def of(cls, config: Any, seed: int, stored: StoredRun, *, trained_now: bool = False) -> Self:
        """The run that the store holds."""
        start, arrays = cls.PREFIX, stored.tensors
        return cls(
            config=config,
            seed=seed,
            weights={k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)},
            history=stored.metrics,
            logged={k: v for k, v in arrays.items() if not k.startswith(start)},
            manifest=stored.manifest,
            trained_now=trained_now,
        )

    @property
    def view(self) -> Any:
        """What the analyses need of the network."""
        raise NotImplementedError

    @property
    def steps_per_second(self) -> float | None:
        """Optimiser steps over the time spent in them; None without steps."""
        return self.manifest["config"].get("steps_per_second")


def pace(run: Run) -> str:
    """How fast it was trained, to end a sentence."""
    rate = run.steps_per_second
    return f", {rate:,.0f} steps a second" if rate else ""


class Made(NamedTuple):
    """What a training leaves for the store, arrays under the names that it keeps them by."""

    tensors: dict[str, np.ndarray]
    history: pd.DataFrame
    steps_per_second: float
    wall_s: float


T = TypeVar("T")
R = TypeVar("R", bound=Run)


@dataclass(frozen=True, kw_only=True)
class Family(Generic[T, R]):
    """What differs between the families of networks.

    ``run``: the class of its runs; ``task``: what a configuration's network of a seed is asked;
    ``shapes``: of a configuration's parameters, by name; ``logged``: the arrays beside them;
    ``history``: what the table of a run must be; ``train``: a network on a task, with
    ``device``, ``threads``, ``checkpoint`` and ``progress``; ``describe``: what became of a run, in
    words; ``on_cpu``: trained on a CPU, whatever the device.
    """

    run: type[R]
    task: Callable[[Any, int], T]
    shapes: Callable[[Any], Mapping[str, tuple[int, ...]]]
    train: Callable[..., Made]
    history: Callable[[Any], Table]
    describe: Callable[[R], str]
    logged: Callable[[Any], Mapping[str, Array]] = lambda config: {}
    on_cpu: bool = False

    def read(
        self, config: Config, seed: int, stored: StoredRun, where: Path, *, trained_now: bool
    ) -> R:
        """A stored run; ``StoreError`` where it is another configuration's, or damaged."""
        if reason := self._unfit(config, stored):
            raise StoreError(f"{where} {reason}; move {where} away to train this seed again")
        return self.run.of(config, seed, stored, trained_now=trained_now)

    def _unfit(self, config: Config, stored: StoredRun) -> str | None:
        start, settings = self.run.PREFIX, stored.manifest.get("config")
        found = {name: a.shape for name, a in stored.tensors.items() if name.startswith(start)}
        weights = {f"{start}{name}": Array(shape) for name, shape in self.shapes(config).items()}
        said = isinstance(settings, dict) and asdict(config).items() <= settings.items()
        same = {name: array.shape for name, array in weights.items()}
        if not said or found != same:
            return "holds a run of another configuration than its path says"
        reason = wrong_arrays(stored.tensors, weights | dict(self.logged(config)))
        if reason is None and (reason := self.history(config).wrong(stored.metrics)):
            reason = f"the history: {reason}"
        return reason and f"is damaged ({reason})"


def family_for(config: Config) -> Family[Any, Any]:
    """The family of a configuration, loaded when it is first asked for."""
    family: Family[Any, Any] = import_module(f"modlib.runs.{config.KIND}").FAMILY
    return family
