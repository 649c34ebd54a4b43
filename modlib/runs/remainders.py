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
from modlib.errors import StoreError
from modlib.models.transformer import parameter_shapes
from modlib.models.views.transformer_view import TransformerView
from modlib.runs.family import Family, Made, Run, pace
from modlib.store.checkpoint import Checkpoint
from modlib.store.runs import Store, StoredRun
from modlib.tasks.learned import TASK_LEARNED
from modlib.tasks.remainders import RemaindersTask, as_grid
from modlib.training.remainders.neuron_zero import FirstNeurons, NeuronZero
from modlib.training.remainders.schedule import log_spaced
from modlib.training.remainders.step import FastStep
from modlib.training.remainders.train import (
    HISTORY,
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


def _probe(network: FastStep) -> dict[str, np.ndarray]:
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
    probe = Probe(times=spectrum_steps(task.config).tolist(), measure=_probe)
    trained = train(
        task,
        device=device,
        threads=threads,
        probes=[probe],
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
    arrays = partial(state_arrays, task)
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
    count, level = (accuracy >= TASK_LEARNED).sum(), f"{100 * TASK_LEARNED:.0f} %"
    solved = f"{count} of {len(accuracy)} tasks from {level} on"
    return f"validation accuracy {accuracy.mean():.4f}, {solved}{pace(run)}"


FAMILY: Family[RemaindersTask, RemaindersRun] = Family(
    run=RemaindersRun,
    task=RemaindersTask,
    shapes=parameter_shapes,
    train=_train,
    total=lambda config: config.steps,
    columns=HISTORY,
    describe=_describe,
)
