"""Training of paper B's transformer: what is logged, and how it is resumed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int

from modlib.config.remainders import CHANGED, CHANGED_AFTER, RemaindersConfig
from modlib.errors import InputError
from modlib.machine import one_thread, subnormal_as_zero
from modlib.models.transformer import initial_weights, parameter_shapes
from modlib.store.checkpoint import Checkpoint
from modlib.store.schema import Array
from modlib.tasks.remainders import RemaindersTask, moduli
from modlib.training.flat import named_views, size_of
from modlib.training.kernels.blocked_products import DEPTH
from modlib.training.remainders.buffers import BLOCK, NUM_PARTS, Tables
from modlib.training.remainders.cuda_graph import GraphStep
from modlib.training.remainders.early_wave import change
from modlib.training.remainders.forward import tables_save
from modlib.training.remainders.schedule import dropout, evaluation_steps, snapshot_steps
from modlib.training.remainders.step import FastStep
from modlib.training.resume import Measured, Probe, below, go

HISTORY = ("step", "split", "q", "accuracy", "loss")
"""Columns of a history."""


class Follower(Protocol):
    """Something to keep track of at every step; its arrays are saved and restored with the run."""

    def arrays(self, done: int) -> dict[str, Array]:
        """What its state must be after a look at all before step ``done``."""

    def state(self) -> dict[str, np.ndarray]:
        """What it holds, by name."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""

    def follow(self, step: int, network: FastStep, tables: Tables) -> None:
        """Look at the network after ``step`` steps."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A training, finished or under way.

    ``steps``: those made; ``weights``: the parameters then; ``snapshots``: parameters after
    powers of two; ``history``: a row a step, split and task with ``accuracy`` and ``loss`` (mean
    cross-entropy in nats, without dropout); ``norms``: a row a step and parameter with the L2 norm
    of its gradient before (``raw``) and after the filter; ``probed``: each probe's measurements
    stacked over its steps; ``followed``: what the followers hold; ``wall_s``: seconds, of
    sessions before the last one those of their steps.
    """

    steps: int
    weights: dict[str, np.ndarray]
    snapshots: dict[int, dict[str, np.ndarray]]
    history: pd.DataFrame
    norms: pd.DataFrame
    probed: dict[str, np.ndarray] = field(default_factory=dict)
    followed: dict[str, np.ndarray] = field(default_factory=dict)
    steps_per_second: float
    wall_s: float


def state_arrays(
    task: RemaindersTask,
    done: int,
    *,
    probes: Sequence[Probe[FastStep]],
    followers: Mapping[str, Follower],
) -> dict[str, Array]:
    """What the state of a training must hold after ``done`` steps.

    Snapshots, and what probes and followers gather, may be missing: a run that was begun without
    them goes on without them.
    """
    shapes = parameter_shapes(task.config)
    size, at = (size_of(shapes),), [t for t in evaluation_steps(task.config) if t <= done]
    snapshots = {
        f"snapshot/{step}/{name}": Array(shape, required=False, together=True)
        for step in snapshot_steps(task.config)
        if step <= done
        for name, shape in shapes.items()
    }
    return {
        **{name: Array(size) for name in ("theta", "slow", "first")},
        "second": Array(size, least=0.0),
        "log/steps": Array((len(at),), np.int64, at),
        "log/metrics": Array((len(at), len(task.split), 2, len(task.moduli)), np.float64),
        "log/norms": Array((len(at), 2, len(shapes)), np.float64, nan=True),
        **snapshots,
        **{k: array for probe in probes for k, array in probe.expected(done).items()},
        **{
            f"followed/{name}/{key}": array._replace(required=False, together=True)
            for name, follower in followers.items()
            for key, array in follower.arrays(done).items()
        },
    }


def bytes_needed(config: RemaindersConfig) -> int:
    """About how much memory a training takes at most."""
    sizes = [prod(shape) for shape in parameter_shapes(config).values()]
    numbers, qs, embed = config.p**2, moduli(config), config.embed_dim
    vectors = 4 * sum(sizes) * (9 + NUM_PARTS + len(snapshot_steps(config))) + 32 * max(sizes)
    largest = max(int(qs.sum()), 4 * embed, BLOCK)
    scratch = 4 * NUM_PARTS * (embed * int(qs.sum()) + BLOCK * int(qs.sum()) + DEPTH * largest)
    masks = 2 * embed * config.num_train * 64 if config.dropout_mask == "sample" else 0
    columns = 5 * embed if tables_save(config) else embed
    tables = 4 * columns * ((2 + NUM_PARTS) * 2 * config.p * config.heads + 2 * embed)
    return vectors + scratch + masks + tables + numbers * (8 * 6 * len(qs) + 4 * 3 * 4 * embed)


def require_memory(config: RemaindersConfig) -> None:
    """Refuse a training that this machine's memory cannot hold (``InputError``)."""
    if not hasattr(os, "sysconf"):  # Windows
        return
    there, needed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), bytes_needed(config)
    if needed > there:
        rule = f"need no more memory than the {there / 1e9:.0f} GB here (about {needed / 1e9:.0f})"
        raise InputError("p and embed_dim", rule, (config.p, config.embed_dim))


class _Training:
    """The network, its log and what looks at it, for the road."""

    unit = "step"

    def __init__(
        self,
        task: RemaindersTask,
        device: torch.device,
        threads: int,
        probes: Sequence[Probe[FastStep]],
        followers: Mapping[str, Follower],
    ) -> None:
        config = task.config
        self.task, self.total = task, config.steps
        self.label = f"{config.task} p={config.p} seed={task.seed}"
        self.rates = {"lr": config.lr, "weight_decay": config.weight_decay}
        self.network = _network(task, device, threads)
        self.evaluated, self.kept = set(evaluation_steps(config).tolist()), snapshot_steps(config)
        self.steps: list[int] = []
        self.metrics: list[Float[np.ndarray, "split metric task"]] = []
        self.norms: list[Float[np.ndarray, "kind parameter"]] = []
        silent = np.full((2, len(self.network.shapes)), np.nan)
        self.now: Float[np.ndarray, "kind parameter"] = silent
        self.snapshots: dict[int, dict[str, np.ndarray]] = {}
        self.measured, self.followers = Measured(probes), followers

    def advance(self, done: int) -> None:
        """One step, and a look of every follower before it."""
        network, looked_at = self.network, done + 1 in self.evaluated
        if done == CHANGED_AFTER and self.task.config.task in CHANGED:
            change(self.task, network)
        network.gradient(dropout(self.task.config, self.task.seed, done))
        raw = list(network.gradient_norms.values()) if looked_at else []
        for follower in self.followers.values():
            follower.follow(done, network, network.tables_used())
        network.update(done)
        if looked_at:
            self.now = np.array([raw, list(network.gradient_norms.values())])

    def evaluate(self, done: int) -> list[np.ndarray]:
        """Accuracy and loss by split and task where they are due; losses, and parameters."""
        due = [self.network.state()["theta"]] if self.measured.is_due(done) else []
        if done in self.evaluated:
            losses, right = self.network.evaluate()
            split = self.task.split.values()
            means = [[right[:, x].mean(1), losses[:, x].mean(1)] for x in split]
            self.steps.append(done)
            self.norms.append(self.now)
            self.metrics.append(np.stack(means))
            due.append(losses)
        return due

    def observe(self, done: int) -> None:
        """What the probes measure, and a snapshot."""
        self.measured.take(done, self.network)
        if done in self.kept:
            self.snapshots[done] = self.network.weights()

    def shown(self) -> dict[str, str]:
        """Mean accuracy of the tasks on the numbers that validate."""
        return {"validation": f"{self.metrics[-1][1, 0].mean():.3f}"}

    def finish(self) -> None:
        """The followers' look after the last step."""
        for follower in self.followers.values():
            follower.follow(self.total, self.network, self.network.tables())

    def state(self) -> dict[str, np.ndarray]:
        """All that a resumed training needs, and all that is left of one."""
        arrays = self.network.state() | {"log/steps": np.array(self.steps)}
        arrays |= {"log/metrics": np.stack(self.metrics), "log/norms": np.stack(self.norms)}
        arrays |= self.measured.state()
        for step, weights in self.snapshots.items():
            arrays |= {f"snapshot/{step}/{name}": value for name, value in weights.items()}
        for name, follower in self.followers.items():
            arrays |= {f"followed/{name}/{key}": v for key, v in follower.state().items()}
        return arrays

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""
        self.network.restore(state)
        # A run that was begun without a follower goes on without it.
        held = {name: below(f"followed/{name}", state) for name in self.followers}
        self.followers = {n: f for n, f in self.followers.items() if held[n]}
        for name, follower in self.followers.items():
            follower.restore(held[name])
        self.steps = state["log/steps"].tolist()
        self.metrics, self.norms = [*state["log/metrics"]], [*state["log/norms"]]
        self.snapshots = snapshots_in(state)
        self.measured.restore(state)

    def arrays(self, done: int) -> dict[str, Array]:
        """What a state must hold."""
        probes, followers = self.measured.kinds, self.followers
        return state_arrays(self.task, done, probes=probes, followers=followers)


def train(
    task: RemaindersTask,
    *,
    device: torch.device | None = None,
    threads: int = 1,
    probes: Sequence[Probe[FastStep]] = (),
    followers: Mapping[str, Follower] | None = None,
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> Trained:
    """Train one network (paper B, Methods), resuming from ``checkpoint`` where it holds a state.

    A resumed training ends with the same bits as one that was not interrupted, whatever the
    number of threads. ``probes`` are called after their steps, ``followers`` after every step;
    step 0 is the initialisation. ``device`` None: the CPU. Raises as ``resume.go``, and
    ``InputError`` where the machine has too little memory.
    """
    require_memory(task.config)
    place = device or torch.device("cpu")
    with one_thread(), subnormal_as_zero(), np.errstate(over="ignore", invalid="ignore"):
        training = _Training(task, place, threads, probes, followers or {})
        spent = go(training, checkpoint=checkpoint, progress=progress)
        training.finish()
    made = {"progress": np.array([training.total, spent.steps_s])}
    return read_state(task, training.state() | made, wall_s=spent.wall_s)


def _network(task: RemaindersTask, device: torch.device, threads: int) -> FastStep:
    """The network before its first step."""
    weights, threads = initial_weights(task.config, task.seed), min(threads, NUM_PARTS)
    if device.type == "cuda":
        return GraphStep(task, weights, device=device, threads=threads)
    return FastStep(task, weights, threads=threads)


def read_state(
    task: RemaindersTask, state: Mapping[str, np.ndarray], *, wall_s: float | None = None
) -> Trained:
    """What a training, finished or not, has left in its state."""
    step, seconds = state["progress"].tolist()
    shapes = parameter_shapes(task.config)
    return Trained(
        steps=int(step),
        weights={n: view.copy() for n, view in named_views(state["theta"], shapes).items()},
        snapshots=snapshots_in(state),
        history=_history(state, list(task.split), task.moduli),
        norms=_norms(state, list(shapes)),
        probed=below("probed", state),
        followed=below("followed", state),
        steps_per_second=step / seconds if seconds else float("nan"),
        wall_s=seconds if wall_s is None else wall_s,
    )


def snapshots_in(arrays: Mapping[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    """The kept parameters, ``snapshot/<step>/<name>``, by step and name."""
    snapshots: dict[int, dict[str, np.ndarray]] = {}
    for key, value in below("snapshot", arrays).items():
        step, _, name = key.partition("/")
        snapshots.setdefault(int(step), {})[name] = value
    return snapshots


def _history(
    state: Mapping[str, np.ndarray], splits: list[str], qs: Int[np.ndarray, " task"]
) -> pd.DataFrame:
    axes = [state["log/steps"], splits, qs]
    index = pd.MultiIndex.from_product(axes, names=["step", "split", "q"])
    metrics = state["log/metrics"].transpose(0, 1, 3, 2).reshape(-1, 2)
    return pd.DataFrame(metrics, index=index, columns=["accuracy", "loss"]).reset_index()


def _norms(state: Mapping[str, np.ndarray], names: list[str]) -> pd.DataFrame:
    axes = [state["log/steps"], names]
    index = pd.MultiIndex.from_product(axes, names=["step", "parameter"])
    norms = state["log/norms"].transpose(0, 2, 1).reshape(-1, 2)
    return pd.DataFrame(norms, index=index, columns=["raw", "filtered"]).reset_index().dropna()
