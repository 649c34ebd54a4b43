"""Training of paper B's transformer: what is logged, and how it is resumed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from tqdm import tqdm

from modlib.config.remainders import RemaindersConfig
from modlib.errors import DivergedError, InputError, StoreError
from modlib.machine import one_thread
from modlib.models.transformer import initial_weights, parameter_shapes
from modlib.store.checkpoint import Checkpoint
from modlib.tasks.remainders import digits, moduli, number_split, remainders
from modlib.training.flat import flat_views
from modlib.training.kernels.blocked_products import DEPTH
from modlib.training.remainders.buffers import BLOCK, NUM_PARTS, Tables
from modlib.training.remainders.cuda_graph import GraphStep
from modlib.training.remainders.schedule import dropout, evaluation_steps, snapshot_steps
from modlib.training.remainders.step import FastStep, tables_save

CHECKPOINT_EVERY_S = 60.0


class Follower(Protocol):
    """Something to keep track of at every step; its arrays are saved and restored with the run."""

    def state(self) -> dict[str, np.ndarray]:
        """What it holds, by name."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""

    def follow(self, step: int, network: FastStep, tables: Tables) -> None:
        """Look at the network after ``step`` steps."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Something to measure on the network after chosen steps, arrays by name."""

    steps: Collection[int]
    measure: Callable[[FastStep], Mapping[str, np.ndarray]]


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


@dataclass
class _Log:
    """What a training has measured so far."""

    steps: list[int]
    metrics: list[Float[np.ndarray, "split metric task"]]
    norms: list[Float[np.ndarray, "kind parameter"]]
    probed: dict[str, list[np.ndarray]]
    snapshots: dict[int, dict[str, np.ndarray]]


def _state(
    network: FastStep, log: _Log, followers: Mapping[str, Follower], step: int, seconds: float
) -> dict[str, np.ndarray]:
    """All that a resumed training needs, as arrays."""
    arrays = network.state()
    arrays |= {"log/steps": np.array(log.steps), "progress": np.array([step, seconds])}
    for name in ("metrics", "norms"):
        arrays[f"log/{name}"] = np.stack(getattr(log, name))
    arrays |= {f"probed/{name}": np.stack(rows) for name, rows in log.probed.items()}
    for at, weights in log.snapshots.items():
        arrays |= {f"snapshot/{at}/{name}": value for name, value in weights.items()}
    for name, follower in followers.items():
        arrays |= {f"followed/{name}/{key}": v for key, v in follower.state().items()}
    return arrays


def _restore(
    state: Mapping[str, np.ndarray], network: FastStep, followers: Mapping[str, Follower]
) -> tuple[_Log, int, float]:
    """Undo ``_state``: fills network and followers, returns log, step and seconds."""
    network.restore(state)
    for name, follower in followers.items():
        follower.restore(below(f"followed/{name}", state))
    log = _Log(
        steps=state["log/steps"].tolist(),
        metrics=[*state["log/metrics"]],
        norms=[*state["log/norms"]],
        probed={name: list(rows) for name, rows in below("probed", state).items()},
        snapshots=snapshots_in(state),
    )
    step, seconds = state["progress"]
    return log, int(step), float(seconds)


def require_state(
    config: RemaindersConfig, seed: int, state: Mapping[str, np.ndarray], where: Path
) -> None:
    """Refuse a state of another training, or with numbers that are not finite (``StoreError``)."""
    names, size = parameter_shapes(config), sum(map(prod, parameter_shapes(config).values()))
    progress = state.get("progress", np.full(2, np.nan))
    step = progress[0] if progress.shape == (2,) else np.nan
    if not 0 <= step <= config.steps:
        raise StoreError(f"{where} does not say how far its training is; move it away")
    logged = [at for at in evaluation_steps(config) if at <= step]
    tables = (len(number_split(config, seed)), 2, len(moduli(config)))
    shapes: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(("theta", "slow", "first", "second"), (size,)),
        "log/steps": (len(logged),),
        "log/metrics": (len(logged), *tables),
        "log/norms": (len(logged), 2, len(names)),
    }
    for at, weights in snapshots_in(state).items():
        shapes |= {f"snapshot/{at}/{name}": names.get(name, ()) for name in weights}
    for name, shape in shapes.items():
        found = state[name].shape if name in state else None
        if found != shape:
            said = "is missing" if found is None else f"has shape {found}"
            raise StoreError(
                f"{where} is of another training: {name} {said}, expected {shape}; move it away"
            )
    for name in ("theta", "log/metrics"):
        if not np.isfinite(state[name]).all():
            raise StoreError(f"{where} has numbers that are not finite in {name}; move it away")


def _require_finite(config: RemaindersConfig, step: int, numbers: np.ndarray) -> None:
    if not np.isfinite(numbers).all():
        rule = f"keep the training's numbers finite (after step {step} they are not)"
        raise DivergedError("lr and weight_decay", rule, (config.lr, config.weight_decay))


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


def train(
    config: RemaindersConfig,
    seed: int,
    *,
    device: torch.device | None = None,
    threads: int = 1,
    probes: Mapping[str, Probe] | None = None,
    followers: Mapping[str, Follower] | None = None,
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> Trained:
    """Train one network (paper B, Methods), resuming from ``checkpoint`` where it holds a state.

    A resumed training ends with the same bits as one that was not interrupted, whatever the
    number of threads. ``probes`` are called after their steps, ``followers`` after every step;
    step 0 is the initialisation. ``device`` None: the CPU. Raises ``StoreError`` for the state of
    another training, ``DivergedError`` where a loss is not finite, ``InputError`` where the machine
    has too little memory.
    """
    require_memory(config)
    place, looks = device or torch.device("cpu"), (probes or {}, followers or {})
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        return _train(config, seed, place, threads, *looks, checkpoint, progress)


def _network(config: RemaindersConfig, seed: int, device: torch.device, threads: int) -> FastStep:
    """The network before its first step, on its training set."""
    chosen = number_split(config, seed)["train"]
    x0, x1 = digits(config)
    data = (x0[chosen], x1[chosen], remainders(config, seed)[chosen])
    weights, threads = initial_weights(config, seed), min(threads, NUM_PARTS)
    if device.type == "cuda":
        return GraphStep(config, weights, *data, device=device, threads=threads)
    return FastStep(config, weights, *data, threads=threads)


def _train(
    config: RemaindersConfig,
    seed: int,
    device: torch.device,
    threads: int,
    probes: Mapping[str, Probe],
    followers: Mapping[str, Follower],
    checkpoint: Checkpoint | None,
    progress: bool,
) -> Trained:
    began = time.perf_counter()
    x0, x1 = digits(config)
    targets = remainders(config, seed)
    split = number_split(config, seed)
    network = _network(config, seed, device, threads)
    all_targets = np.ascontiguousarray(targets.T)
    evaluated, kept = set(evaluation_steps(config).tolist()), set(snapshot_steps(config))
    log = _Log([], [], [], {}, {})
    start, seconds, saved_at = 0, 0.0, time.perf_counter()
    saved = checkpoint.load() if checkpoint else None
    if checkpoint and saved is not None:
        require_state(config, seed, saved, checkpoint.path)
        # A run that was begun without a follower goes on without it.
        followers = {n: f for n, f in followers.items() if below(f"followed/{n}", saved)}
        log, start, seconds = _restore(saved, network, followers)
        began -= seconds

    def observe(step: int, norms: np.ndarray) -> None:
        if step in evaluated:
            losses, right = network.evaluate(x0, x1, all_targets)
            _require_finite(config, step, losses)
            log.steps.append(step)
            log.norms.append(norms)
            log.metrics.append(
                np.stack([[right[:, x].mean(1), losses[:, x].mean(1)] for x in split.values()])
            )
        for name, probe in probes.items():
            if step in probe.steps:
                before = sum(at < step for at in probe.steps)
                for key, value in probe.measure(network).items():
                    rows = log.probed.get(f"{name}/{key}", [])
                    # A run that was begun before this was measured goes on without it.
                    if len(rows) == before:
                        log.probed[f"{name}/{key}"] = [*rows, np.array(value)]
        if step in kept:
            log.snapshots[step] = network.weights()

    names = list(parameter_shapes(config))
    silent = np.full((2, len(names)), np.nan)
    if saved is None:
        observe(0, silent)
    bar = tqdm(
        total=config.steps,
        initial=start,
        disable=not progress,
        unit="step",
        mininterval=1.0,
        desc=f"{config.task} p={config.p} seed={seed}",
    )
    for step in range(start, config.steps):
        step_began = time.perf_counter()
        looked_at = step + 1 in evaluated
        network.gradient(dropout(config, seed, step))
        raw = list(network.gradient_norms.values()) if looked_at else []
        for follower in followers.values():
            follower.follow(step, network, network.tables_used())
        network.update(step)
        norms = np.array([raw, list(network.gradient_norms.values())]) if looked_at else silent
        seconds += time.perf_counter() - step_began
        observe(step + 1, norms)
        bar.update()
        if looked_at:
            held_out = log.metrics[-1][1, 0]
            bar.set_postfix(validation=f"{held_out.mean():.3f}", refresh=False)
        if checkpoint and time.perf_counter() - saved_at > CHECKPOINT_EVERY_S:
            state = _state(network, log, followers, step + 1, seconds)
            _require_finite(config, step + 1, state["theta"])
            checkpoint.save(state)
            saved_at = time.perf_counter()
    bar.close()
    for follower in followers.values():
        follower.follow(config.steps, network, network.tables())
    state = _state(network, log, followers, config.steps, seconds)
    return read_state(config, seed, state, wall_s=time.perf_counter() - began)


def read_state(
    config: RemaindersConfig,
    seed: int,
    state: Mapping[str, np.ndarray],
    *,
    wall_s: float | None = None,
) -> Trained:
    """What a training, finished or not, has left in its state."""
    step, seconds = state["progress"].tolist()
    return Trained(
        steps=int(step),
        weights={n: view.copy() for n, view in flat_views(state["theta"], config).items()},
        snapshots=snapshots_in(state),
        history=_history(state, list(number_split(config, seed)), moduli(config)),
        norms=_norms(state, list(parameter_shapes(config))),
        probed=below("probed", state),
        followed=below("followed", state),
        steps_per_second=step / seconds if seconds else float("nan"),
        wall_s=seconds if wall_s is None else wall_s,
    )


def below(kind: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin with ``kind``, without it."""
    start = f"{kind}/"
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}


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
