"""Paper B's networks: their runs, and how a training becomes one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
import pandas as pd
import torch

from modlib.analysis.remainders.digit_spectra import summary
from modlib.config.remainders import RemaindersConfig
from modlib.config.thresholds import DEFAULT
from modlib.errors import StoreError
from modlib.models.transformer import parameter_shapes
from modlib.models.views.transformer_view import TransformerView
from modlib.runs.family import Family, Made, Run, pace
from modlib.runs.shard_tables import SHARE, at_times
from modlib.store.checkpoint import Checkpoint
from modlib.store.runs import Store, StoredRun
from modlib.store.schema import Array, Table, columns, stacked
from modlib.tasks.remainders import SPLITS, RemaindersTask, as_grid, moduli
from modlib.training.remainders.neuron_zero import FirstNeurons, NeuronZero
from modlib.training.remainders.schedule import evaluation_steps, log_spaced, snapshot_steps
from modlib.training.remainders.step import FastStep
from modlib.training.remainders.train import (
    Follower,
    Trained,
    read_state,
    snapshots_in,
    state_arrays,
    train,
)
from modlib.training.resume import Probe, below, require_state

NUM_SPECTRA = 48
"""About how many log-spaced steps have their spectra taken."""


@dataclass(frozen=True, kw_only=True)
class RemaindersRun(Run):
    """A network of paper B; ``history``: see ``training.remainders.train.Trained``, ``norms`` too.

    ``steps``: those made, fewer than the configuration's in a run that is under way.
    ``spectra``: by name, stacked over ``spectrum_steps``: see ``digit_spectra.summary``, and
    ``attention`` (step, head, position); ``neuron_zero`` and ``first_neurons``: see
    ``training.remainders.neuron_zero``; the latter is empty where it was not followed.
    """

    config: RemaindersConfig
    steps: int
    snapshots: dict[int, dict[str, np.ndarray]]
    norms: pd.DataFrame
    spectra: dict[str, np.ndarray]
    neuron_zero: dict[str, np.ndarray]
    first_neurons: dict[str, np.ndarray]

    @classmethod
    def of(cls, config: Any, seed: int, stored: StoredRun, *, trained_now: bool = False) -> Self:
        """The run that the store holds."""
        arrays = stored.tensors
        steps, taken = int(arrays["steps"]), spectrum_steps(config)
        axes = [arrays["norm_steps"], list(parameter_shapes(config))]
        index = pd.MultiIndex.from_product(axes, names=["step", "parameter"])
        norms = pd.DataFrame(arrays["norms"], index=index, columns=["raw", "filtered"])
        return cls(
            config=config,
            seed=seed,
            steps=steps,
            weights=below("model", arrays),
            snapshots=snapshots_in(arrays),
            history=stored.metrics,
            norms=norms.reset_index(),
            spectra={**below("spectra", arrays), "step": taken[taken <= steps]},
            neuron_zero=below("neuron_zero", arrays),
            first_neurons=below("first_neurons", arrays),
            logged={k: v for k, v in arrays.items() if not k.startswith(cls.PREFIX)},
            manifest=stored.manifest,
            trained_now=trained_now,
        )

    @cached_property
    def task(self) -> RemaindersTask:
        """What it was asked, and trained on."""
        return RemaindersTask(self.config, self.seed)

    @cached_property
    def view(self) -> TransformerView:
        """What the analyses of paper B need.

        Raises ``StoreError`` for a committed run whose network is not kept.
        """
        if not self.weights:
            raise StoreError(
                f"the network of seed {self.seed} is not kept with its tables; train it again"
            )
        return TransformerView(config=self.config, weights=self.weights)

    @property
    def spectrum_steps(self) -> np.ndarray:
        """Steps at which the spectra were taken."""
        return self.spectra["step"]

    @cached_property
    def final(self) -> pd.DataFrame:
        """Accuracy and loss by task and split after the last step."""
        return self.history[self.history.step == self.history.step.max()]


def spectrum_steps(config: RemaindersConfig) -> np.ndarray:
    """Steps at which neuron spectra and attention are taken."""
    return log_spaced(config.steps, NUM_SPECTRA)


def _spectra(config: RemaindersConfig) -> dict[str, Array]:
    """What ``_measure`` gives; some of it came later than the first runs."""
    p, qs = config.p, moduli(config)
    characters = (int((qs // 2).sum()),)
    rows = {
        "magnitude": Array((p, p), least=0.0),
        "power": Array((p, p // 2 + 1), least=0.0, required=False),
        "top_share": Array((), np.float64, least=0.0, most=SHARE[1]),
        "explained": Array((len(qs),), np.float64, least=SHARE[0], most=SHARE[1]),
        "character": Array(characters, np.float64, least=SHARE[0]),
        "character_power": Array(characters, np.float64, least=SHARE[0], required=False),
        "live": Array((), np.int64, least=0),
        "attention": Array((config.heads, 3), least=0.0, most=SHARE[1]),
    }
    return {f"spectra/{name}": row for name, row in rows.items()}


def _probe(config: RemaindersConfig) -> Probe[FastStep]:
    """The neurons' spectra and the attention on the way."""
    times = spectrum_steps(config).tolist()
    return Probe(times=times, measure=_measure, rows=_spectra(config))


def _measure(network: FastStep) -> dict[str, np.ndarray]:
    neurons = network.neurons()
    images = np.ascontiguousarray(np.moveaxis(as_grid(network.config, neurons), -1, 0))
    found = summary(neurons, images, network.task.moduli)
    found["attention"] = network.attention().mean(0)
    return {f"spectra/{name}": value for name, value in found.items()}


def _followers(task: RemaindersTask) -> dict[str, Follower]:
    """What is followed at every step; the authors' program has one dropout mask a step."""
    times = spectrum_steps(task.config).tolist()
    followers: dict[str, Follower] = {"neuron_zero": NeuronZero(task.config.p, times)}
    if task.config.dropout_mask == "step":
        followers["first_neurons"] = FirstNeurons(task)
    return followers


def _train(
    task: RemaindersTask,
    *,
    device: torch.device,
    threads: int,
    checkpoint: Checkpoint,
    progress: bool,
) -> Made:
    trained = train(
        task,
        device=device,
        threads=threads,
        probes=[_probe(task.config)],
        followers=_followers(task),
        checkpoint=checkpoint,
        progress=progress,
    )
    return _made(trained)


def unfinished(
    config: RemaindersConfig, *, seed: int, store: Store | None = None
) -> RemaindersRun | None:
    """What a run under way has logged so far; None where none has begun.

    Raises ``StoreError`` for the state of another training.
    """
    checkpoint = (store or Store()).of(config).checkpoint(seed)
    state = checkpoint.load() or checkpoint.load()  # a run that goes on may replace it meanwhile
    if state is None:
        return None
    task = RemaindersTask(config, seed)
    arrays = partial(state_arrays, task, probes=[_probe(config)], followers=_followers(task))
    require_state(state, task, config.steps, arrays, checkpoint.path)
    trained = read_state(task, state)
    manifest = checkpoint.manifest() | {"wall_s": round(trained.wall_s, 3)}
    made = _made(trained)
    stored = StoredRun(tensors=made.tensors, metrics=made.history, manifest=manifest)
    return RemaindersRun.of(config, seed, stored)


def _made(trained: Trained) -> Made:
    """What the store keeps of a training."""
    norms = trained.norms
    tensors = {
        **{f"{Run.PREFIX}{name}": value for name, value in trained.weights.items()},
        **{
            f"snapshot/{step}/{name}": value
            for step, weights in trained.snapshots.items()
            for name, value in weights.items()
        },
        **trained.probed,
        **trained.followed,
        "steps": np.array(trained.steps),
        "norms": norms[["raw", "filtered"]].to_numpy(),
        "norm_steps": norms.step.unique(),
    }
    return Made(tensors, trained.history, trained.steps_per_second, trained.wall_s)


def _describe(run: RemaindersRun) -> str:
    accuracy = run.final[run.final.split == "validation"].accuracy
    count, level = (accuracy >= DEFAULT.task_learned).sum(), f"{100 * DEFAULT.task_learned:.0f} %"
    solved = f"{count} of {len(accuracy)} tasks from {level} on"
    return f"validation accuracy {accuracy.mean():.4f}, {solved}{pace(run)}"


def history_table(config: RemaindersConfig, dtype: str = "float64") -> Table:
    """What a run's history must be: a row a step, split and task, in this order."""
    qs = moduli(config)
    left = config.p**2 - config.num_train - (config.num_validation or config.p**2)
    splits = SPLITS[: 3 if left > 0 else 2]
    steps = evaluation_steps(config)
    found = {
        **columns("step", "int64", 0, config.steps),
        **columns("split", "str", words=splits),
        **columns("q", "int64", int(qs.min()), int(qs.max())),
        **columns("accuracy", dtype, *SHARE),
        **columns("loss", dtype, 0),
    }
    axes = at_times("step", np.repeat(steps, len(splits) * len(qs)))
    return Table(found, ("step", "split", "q"), (axes, at_times("q", qs)))


def _logged(config: RemaindersConfig) -> dict[str, Array]:
    """What a run holds beside its weights.

    What is not required came later than the first runs: they go on without it.
    """
    shapes, times = parameter_shapes(config), evaluation_steps(config)[1:]
    followed = {
        f"{name}/{key}": array._replace(required=False, together=True)
        for name, follower in _followers(RemaindersTask(config, 0)).items()
        for key, array in follower.arrays(config.steps + 1).items()
    }
    snapshots = {
        f"snapshot/{step}/{name}": Array(shape, required=False, together=True)
        for step in snapshot_steps(config)
        for name, shape in shapes.items()
    }
    return {
        **stacked(_spectra(config), len(spectrum_steps(config))),
        **snapshots,
        **followed,
        "steps": Array((), np.int64, least=config.steps, most=config.steps),
        "norms": Array((len(times) * len(shapes), 2), np.float64, least=0.0),
        "norm_steps": Array((len(times),), np.int64, times.tolist()),
    }


FAMILY: Family[RemaindersTask, RemaindersRun] = Family(
    run=RemaindersRun,
    task=RemaindersTask,
    shapes=parameter_shapes,
    train=_train,
    history=history_table,
    logged=_logged,
    describe=_describe,
)
