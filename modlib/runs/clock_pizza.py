"""Clocks and pizzas: their runs, and how a training becomes one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.models.clock_pizza import parameter_shapes
from modlib.models.foreign.load import from_tensors
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.neuron_view import NeuronView
from modlib.runs.family import Family, Made, Run
from modlib.runs.shard_tables import SHARE, at_times
from modlib.store.checkpoint import Checkpoint
from modlib.store.schema import Table, columns
from modlib.tasks.addition import AdditionTask
from modlib.training.clock_pizza.train import evaluated, train

LAYOUT = "zhong_transformer"


@dataclass(frozen=True, kw_only=True)
class ClockPizzaRun(Run):
    """A transformer of Zhong et al.; ``history``: see ``training.clock_pizza.train``."""

    PREFIX: ClassVar[str] = ""

    config: ClockPizzaConfig

    @cached_property
    def network(self) -> ForeignNetwork:
        """The network as any checkpoint of its layout."""
        return as_network(self.weights, self.config, f"seed {self.seed}")

    @property
    def view(self) -> NeuronView:
        """Its neurons' responses to a and to b apart."""
        return self.network.view

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
    return from_tensors(weights, layout=LAYOUT, attention_rate=rate, activation="relu", name=name)


def _train(
    task: AdditionTask[ClockPizzaConfig], *, checkpoint: Checkpoint, progress: bool, **_: Any
) -> Made:
    trained = train(task, checkpoint=checkpoint, progress=progress)
    return Made(trained.weights, trained.history, trained.steps_per_second, trained.wall_s)


def _describe(run: ClockPizzaRun) -> str:
    reached = run.reached_step
    outcome = "did not learn" if reached is None else f"100 % after step {reached}"
    return f"held-out accuracy {run.accuracy:.4f}, {outcome}"


def _history(config: ClockPizzaConfig) -> Table:
    """The table of a run: its columns are ``training.clock_pizza.train.COLUMNS``."""
    found = {
        **columns("step", "int64", 0, config.steps),
        **columns("train_accuracy test_accuracy", "float64", *SHARE),
        **columns("train_loss test_loss", "float64", 0),
    }
    return Table(found, ("step",), (at_times("step", evaluated(config)),))


FAMILY: Family[AdditionTask[ClockPizzaConfig], ClockPizzaRun] = Family(
    run=ClockPizzaRun,
    task=AdditionTask,
    shapes=parameter_shapes,
    train=_train,
    history=_history,
    describe=_describe,
    on_cpu=True,
)
