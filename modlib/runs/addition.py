"""Paper A's networks: their runs, and how a training becomes one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from modlib.analysis.meso.clusters import Clustering, cluster_neurons
from modlib.analysis.micro.neurons import input_power
from modlib.config.addition import AdditionConfig
from modlib.models.mlp import TwoEmbeddingMLP, parameter_shapes
from modlib.models.views.neuron_view import Factors, NeuronView
from modlib.runs.family import Family, Made, Run, pace
from modlib.runs.shard_tables import SHARE, at_times, history_columns
from modlib.store.checkpoint import Checkpoint
from modlib.store.schema import Array, Table, stacked
from modlib.tasks.addition import AdditionTask
from modlib.tasks.learned import Outcome, outcome
from modlib.training.addition.loop import evaluation_epochs
from modlib.training.addition.single import train
from modlib.training.resume import Probe


def view_of(weights: dict[str, np.ndarray]) -> NeuronView:
    """The NeuronView of a two-embedding network's parameters."""
    embed_dim = weights["embed_a.weight"].shape[1]
    w_in = weights["hidden.weight"]
    return NeuronView.from_embeddings(
        Factors(
            weights["embed_a.weight"],
            weights["embed_b.weight"],
            w_in[:, :embed_dim].T,
            w_in[:, embed_dim:].T,
        ),
        b_in=weights["hidden.bias"],
        w_out=weights["unembed.weight"].T,
        b_out=weights["unembed.bias"],
    )


@dataclass(frozen=True, kw_only=True)
class AdditionRun(Run):
    """A network of paper A; ``history``: see ``training.addition.loop.Trained``."""

    config: AdditionConfig

    @cached_property
    def task(self) -> AdditionTask[AdditionConfig]:
        """What it was asked, and trained on."""
        return AdditionTask(self.config, self.seed)

    @cached_property
    def view(self) -> NeuronView:
        """What the analyses of paper A need."""
        return view_of(self.weights)

    @cached_property
    def clustering(self) -> Clustering:
        """Clusters, neuron table and loose neurons."""
        return cluster_neurons(self.view)

    @property
    def frequency_epochs(self) -> Int[np.ndarray, " epoch"]:
        """Epochs at which the frequency content was taken."""
        return self.logged["frequency_epochs"]

    @property
    def frequency_content(self) -> Float[np.ndarray, "epoch freq"]:
        """Share of the neurons' input power at each frequency, by epoch."""
        return self.logged["frequency_content"]

    @property
    def train_mask(self) -> Bool[np.ndarray, "a b"]:
        """Which pairs it was trained on."""
        return self.task.mask

    @property
    def num_test(self) -> int:
        """Pairs it never saw."""
        return self.config.n**2 - self.config.num_train

    @cached_property
    def outcome(self) -> Outcome:
        """What became of it: see ``tasks.learned``."""
        return outcome(self.history, self.num_test)

    @property
    def accuracy(self) -> float:
        """Final accuracy on held-out pairs (on training pairs where none are held out)."""
        return self.outcome.accuracy

    @property
    def reached_epoch(self) -> int | None:
        """First evaluated epoch with 100 % accuracy; None if there is none."""
        return self.outcome.reached_epoch

    @property
    def learned(self) -> bool:
        """Reached 100 % and ends at 99.9 % or more."""
        return self.outcome.learned


def frequency_epochs(config: AdditionConfig) -> list[int]:
    """Epochs at which the frequency content is taken: 0, then about 60, denser early on."""
    if config.num_epochs == 0:
        return [0]
    spaced = np.geomspace(1, config.num_epochs, 60).round().astype(int)
    return sorted({0, *spaced.tolist()})


def _content(config: AdditionConfig) -> Array:
    """What is measured at an epoch."""
    return Array((config.n // 2 + 1,), least=0.0, most=SHARE[1], required=False)


def _measure_frequencies(model: TwoEmbeddingMLP) -> dict[str, np.ndarray]:
    weights = {name: value.cpu().numpy() for name, value in model.state_dict().items()}
    power = input_power(view_of(weights)).sum(0)
    shares = power / max(power.sum(), np.finfo(float).tiny)
    return {"frequency_content": shares.astype(np.float32)}


def _train(
    task: AdditionTask[AdditionConfig],
    *,
    device: torch.device,
    checkpoint: Checkpoint,
    progress: bool,
    **_: Any,
) -> Made:
    epochs = frequency_epochs(task.config)
    row = {"frequency_content": _content(task.config)}
    probe = Probe(times=epochs, measure=_measure_frequencies, rows=row)
    trained = train(task, device=device, probes=[probe], checkpoint=checkpoint, progress=progress)
    tensors = {f"{Run.PREFIX}{name}": array for name, array in trained.weights.items()}
    tensors |= {**trained.probed, "frequency_epochs": np.array(epochs)}
    return Made(tensors, trained.history, trained.steps_per_second, trained.wall_s)


def _describe(run: AdditionRun) -> str:
    judged = "held-out accuracy" if run.num_test else "accuracy on all pairs"
    outcome = f"100 % after epoch {run.reached_epoch}" if run.learned else "did not learn"
    return f"{judged} {run.accuracy:.4f}, {outcome}{pace(run)}"


def _history(config: AdditionConfig) -> Table:
    times = at_times("epoch", evaluation_epochs(config))
    return Table(history_columns(config), ("epoch",), (times,))


def _logged(config: AdditionConfig) -> dict[str, Array]:
    """A run that was begun before the frequencies were taken goes on without them."""
    epochs = frequency_epochs(config)
    content = stacked({"frequency_content": _content(config)}, len(epochs))
    return {"frequency_epochs": Array((len(epochs),), np.int64, epochs), **content}


FAMILY: Family[AdditionTask[AdditionConfig], AdditionRun] = Family(
    run=AdditionRun,
    task=AdditionTask,
    shapes=parameter_shapes,
    train=_train,
    history=_history,
    logged=_logged,
    describe=_describe,
)
