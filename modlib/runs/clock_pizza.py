"""Clocks and pizzas: a configuration and a seed in, a run out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.rules import require_seed
from modlib.errors import StoreError
from modlib.models.clock_pizza import parameter_shapes
from modlib.models.foreign.load import from_tensors
from modlib.models.foreign.network import ForeignNetwork
from modlib.store.runs import Store
from modlib.tasks.addition import AdditionTask
from modlib.training.clock_pizza.train import COLUMNS, evaluated, train

LAYOUT = "zhong_transformer"


@dataclass(frozen=True, kw_only=True)
class ClockPizzaRun:
    """A network with its configuration, seed and history (see ``training.clock_pizza.step``)."""

    config: ClockPizzaConfig
    seed: int
    weights: dict[str, np.ndarray]
    history: pd.DataFrame
    manifest: dict[str, Any]

    @cached_property
    def network(self) -> ForeignNetwork:
        """The network as any checkpoint of its layout."""
        return as_network(self.weights, self.config, f"seed {self.seed}")

    @property
    def accuracy(self) -> float:
        """Final accuracy on the held-out pairs."""
        return float(self.history.test_accuracy.iloc[-1])

    @property
    def reached_step(self) -> int | None:
        """First evaluated step with all held-out pairs right; None if there is none."""
        reached = self.history.step[self.history.test_accuracy == 1]
        return None if reached.empty else int(reached.iloc[0])


def as_network(
    weights: dict[str, np.ndarray], config: ClockPizzaConfig, name: str
) -> ForeignNetwork:
    """A network of ours, read as a checkpoint of Zhong et al. is."""
    rate = config.attention_rate
    return from_tensors(weights, layout=LAYOUT, attention_rate=rate, name=name)


def get_or_train_clock_pizza(
    config: ClockPizzaConfig, *, seed: int, store: Store | None = None, progress: bool = True
) -> ClockPizzaRun:
    """The stored run of this configuration and seed; trained now where there is none.

    A training that was killed goes on where it last saved its state.
    """
    seed = require_seed(seed)
    shelf = (store or Store()).of(config)
    with shelf.lock(seed):
        if seed not in shelf:
            checkpoint = shelf.checkpoint(seed)
            trained = train(AdditionTask(config, seed), checkpoint=checkpoint, progress=progress)
            rate = trained.steps_per_second
            shelf.save(
                seed,
                tensors=trained.weights,
                metrics=trained.history,
                config={**asdict(config), "steps_per_second": None if np.isnan(rate) else rate},
                device="cpu",
                wall_s=trained.wall_s,
            )
            checkpoint.clear()
        stored, where = shelf.load(seed), shelf.folder(seed)
    found = {name: array.shape for name, array in stored.tensors.items()}
    settings = stored.manifest.get("config")
    fits = (
        isinstance(settings, dict)
        and asdict(config).items() <= settings.items()
        and stored.metrics is not None
        and tuple(stored.metrics.columns) == COLUMNS
        and stored.metrics.step.tolist() == evaluated(config)
        and all(np.isfinite(array).all() for array in stored.tensors.values())
    )
    if found != parameter_shapes(config) or not fits:
        raise StoreError(
            f"{where} holds a run of another configuration than its path says, or a damaged one; "
            f"move {where} away to train this seed again"
        )
    return ClockPizzaRun(
        config=config,
        seed=seed,
        weights=stored.tensors,
        history=stored.metrics,
        manifest=stored.manifest,
    )
