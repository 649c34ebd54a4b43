"""Training of clocks and pizzas: full batch, evaluated, saved and resumed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.errors import DivergedError, StoreError
from modlib.machine import one_thread
from modlib.models.clock_pizza import initial_weights, parameter_shapes
from modlib.store.checkpoint import Checkpoint
from modlib.tasks.addition import train_mask
from modlib.training.clock_pizza.step import FastClockStep

EVALUATE_EVERY = 50
CHECKPOINT_EVERY_S = 30.0


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


def train(
    config: ClockPizzaConfig,
    seed: int,
    *,
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> Trained:
    """Train one network, resuming from ``checkpoint`` where it holds a state, with the same bits.

    Raises ``StoreError`` for the state of another training, ``DivergedError`` where a loss is not
    finite.
    """
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        return _train(config, seed, checkpoint, progress)


def _train(
    config: ClockPizzaConfig, seed: int, checkpoint: Checkpoint | None, progress: bool
) -> Trained:
    began = saved_at = time.perf_counter()
    mask = train_mask(config, seed)
    network = FastClockStep(config, initial_weights(config, seed), mask)
    held_out, steps = ~mask.ravel(), set(evaluated(config))
    rows: list[tuple[float, ...]] = []
    start, seconds = 0, 0.0

    def observe(step: int) -> None:
        right, loss = network.evaluate()
        if not np.isfinite(loss).all():
            rule = f"keep the training's numbers finite (after step {step} they are not)"
            raise DivergedError("lr and weight_decay", rule, (config.lr, config.weight_decay))
        parts = (~held_out, held_out)
        scores = [value for part in parts for value in (right[part].mean(), loss[part].mean())]
        rows.append((step, *map(float, scores)))

    saved = checkpoint.load() if checkpoint else None
    if checkpoint and saved is not None:
        _require_state(config, seed, saved, checkpoint)
        for name, array in network.state().items():
            array[:] = saved[name]
        rows = [tuple(row) for row in saved["rows"].tolist()]
        start, seconds = int(saved["progress"][0]), float(saved["progress"][1])
        began -= seconds
    else:
        observe(0)
    label = f"n={config.n} rate={config.attention_rate:g} seed={seed}"
    with tqdm(
        total=config.steps, initial=start, disable=not progress, unit="step", desc=label
    ) as bar:
        for step in range(start, config.steps):
            step_began = time.perf_counter()
            network.gradient()
            network.update(step)
            seconds += time.perf_counter() - step_began
            if step + 1 in steps:
                observe(step + 1)
                bar.set_postfix(held_out=f"{rows[-1][3]:.3f}", refresh=False)
            bar.update()
            if checkpoint and time.perf_counter() - saved_at > CHECKPOINT_EVERY_S:
                made = {"rows": np.array(rows), "progress": np.array([step + 1, seconds])}
                checkpoint.save(network.state() | _identity(config, seed) | made)
                saved_at = time.perf_counter()
    return Trained(
        weights={name: view.copy() for name, view in network.parameters.items()},
        history=pd.DataFrame(rows, columns=list(COLUMNS)).astype({"step": int}),
        steps_per_second=config.steps / seconds if seconds else float("nan"),
        wall_s=time.perf_counter() - began,
    )


def _identity(config: ClockPizzaConfig, seed: int) -> dict[str, np.ndarray]:
    """What tells the training that a state is of: its configuration's key and its seed."""
    return {"key": np.frombuffer(config.key().encode(), dtype=np.uint8), "seed": np.array(seed)}


def _require_state(
    config: ClockPizzaConfig, seed: int, state: Mapping[str, np.ndarray], checkpoint: Checkpoint
) -> None:
    """Refuse a state of another training, or with numbers that are not finite (``StoreError``)."""
    size = sum(int(np.prod(shape)) for shape in parameter_shapes(config).values())
    rows, progress = state.get("rows", np.empty(0)), state.get("progress", np.empty(0))
    steps = evaluated(config)
    fits = (
        all(np.array_equal(state.get(k, 0), v) for k, v in _identity(config, seed).items())
        and all(
            name in state
            and state[name].shape == (size,)
            and state[name].dtype == np.float32
            and np.isfinite(state[name]).all()
            for name in ("theta", "first", "second")
        )
        and rows.dtype == np.float64
        and progress.dtype == np.float64
        and progress.shape == (2,)
        and progress[0] in range(config.steps + 1)
        and progress[1] >= 0
        and rows.ndim == 2
        and rows.shape[1] == len(COLUMNS)
        and rows[:, 0].tolist() == [step for step in steps if step <= progress[0]]
        and np.isfinite(rows).all()
        and (state["second"] >= 0).all()
    )
    if not fits:
        raise StoreError(f"{checkpoint.path} is of another training or damaged; move it away")
