"""Training of clocks and pizzas: full batch, evaluated, saved and resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.machine import one_thread, subnormal_as_zero
from modlib.models.clock_pizza import initial_weights
from modlib.store.checkpoint import Checkpoint
from modlib.store.schema import Array
from modlib.tasks.addition import AdditionTask
from modlib.training.clock_pizza.step import FastClockStep
from modlib.training.flat import size_of
from modlib.training.resume import go

EVALUATE_EVERY = 50


@dataclass(frozen=True, kw_only=True)
class Trained:
    """``weights`` by published name; ``history``: a row an evaluation with ``step`` and accuracy
    and loss (nats) on the training and on the held-out pairs; ``wall_s``: seconds, of sessions
    before the last one those of their steps."""

    weights: dict[str, np.ndarray]
    history: pd.DataFrame
    steps_per_second: float
    wall_s: float


COLUMNS = ("step", "train_accuracy", "train_loss", "test_accuracy", "test_loss")


def evaluated(config: ClockPizzaConfig) -> list[int]:
    """Steps after which accuracy and loss are taken."""
    return sorted({*range(0, config.steps, EVALUATE_EVERY), config.steps})


class _Training:
    """The network and its scores, for the road."""

    unit = "step"

    def __init__(self, task: AdditionTask[ClockPizzaConfig]) -> None:
        config = task.config
        self.task, self.total = task, config.steps
        self.label = f"n={config.n} rate={config.attention_rate:g} seed={task.seed}"
        self.rates = {"lr": config.lr, "weight_decay": config.weight_decay}
        self.network = FastClockStep(task, initial_weights(config, task.seed))
        self.steps = evaluated(config)
        self.due = set(self.steps)
        self.rows: list[tuple[float, ...]] = []

    def advance(self, done: int) -> None:
        """One step."""
        self.network.gradient()
        self.network.update(done)

    def evaluate(self, done: int) -> list[np.ndarray]:
        """Accuracy and loss on training and held-out pairs; the losses."""
        if done not in self.due:
            return []
        right, loss = self.network.evaluate()
        train = self.task.mask.ravel()
        scores = [v for part in (train, ~train) for v in (right[part].mean(), loss[part].mean())]
        self.rows.append((done, *map(float, scores)))
        return [loss]

    def observe(self, done: int) -> None:
        """Nothing else is looked at."""

    def shown(self) -> dict[str, str]:
        """Accuracy on held-out pairs."""
        return {"held_out": f"{self.rows[-1][3]:.3f}"}

    def state(self) -> dict[str, np.ndarray]:
        """Parameters, moments and scores."""
        return self.network.state() | {"rows": np.array(self.rows)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""
        for name, array in self.network.state().items():
            array[:] = state[name]
        self.rows = [tuple(row) for row in state["rows"].tolist()]

    def arrays(self, done: int) -> dict[str, Array]:
        """What a state must hold."""
        shape = (size_of(self.network.shapes),)
        at = [step for step in self.steps if step <= done]
        return {
            "theta": Array(shape),
            "first": Array(shape),
            "second": Array(shape, least=0.0),
            "rows": Array((len(at), len(COLUMNS)), np.float64, at),
        }


def train(
    task: AdditionTask[ClockPizzaConfig],
    *,
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> Trained:
    """Train one network, resuming from ``checkpoint`` where it holds a state, with the same bits.

    Raises as ``resume.go``.
    """
    with one_thread(), subnormal_as_zero(), np.errstate(over="ignore", invalid="ignore"):
        training = _Training(task)
        spent = go(training, checkpoint=checkpoint, progress=progress)
    return Trained(
        weights={name: view.copy() for name, view in training.network.parameters.items()},
        history=pd.DataFrame(training.rows, columns=list(COLUMNS)).astype({"step": int}),
        steps_per_second=task.config.steps / spent.steps_s if spent.steps_s else float("nan"),
        wall_s=spent.wall_s,
    )
