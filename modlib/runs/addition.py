"""Putting the rooms together: a configuration and a seed in, a run with its view out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int

from modlib.analysis.meso.clusters import Clustering, cluster_neurons
from modlib.analysis.micro.neurons import input_power
from modlib.config.addition import AdditionConfig
from modlib.config.rules import require_seed
from modlib.errors import StoreError
from modlib.machine import resolve_device
from modlib.models.mlp import TwoEmbeddingMLP
from modlib.models.views.neuron_view import Factors, NeuronView
from modlib.store.runs import Store, StoredRun
from modlib.tasks.addition import AdditionTask
from modlib.tasks.learned import Outcome, outcome
from modlib.training.addition.loop import train
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
class Run:
    """A network with its configuration, seed and history."""

    config: AdditionConfig
    seed: int
    stored: StoredRun
    trained_now: bool

    @cached_property
    def view(self) -> NeuronView:
        """What the analyses of paper A need."""
        weights = {
            name.removeprefix("model/"): array
            for name, array in self.stored.tensors.items()
            if name.startswith("model/")
        }
        return view_of(weights)

    @cached_property
    def clustering(self) -> Clustering:
        """Clusters, neuron table and loose neurons."""
        return cluster_neurons(self.view)

    @property
    def history(self) -> pd.DataFrame:
        """A row an evaluated epoch: see ``training.addition.loop.Trained``."""
        return self.stored.metrics

    @property
    def frequency_epochs(self) -> Int[np.ndarray, " epoch"]:
        """Epochs at which the frequency content was taken."""
        return self.stored.tensors["frequency_epochs"]

    @property
    def frequency_content(self) -> Float[np.ndarray, "epoch freq"]:
        """Share of the neurons' input power at each frequency, by epoch."""
        return self.stored.tensors["frequency_content"]

    @cached_property
    def train_mask(self) -> Bool[np.ndarray, "a b"]:
        """Which pairs it was trained on."""
        return AdditionTask(self.config, self.seed).mask

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


def _measure_frequencies(model: TwoEmbeddingMLP) -> dict[str, np.ndarray]:
    weights = {name: value.cpu().numpy() for name, value in model.state_dict().items()}
    power = input_power(view_of(weights)).sum(0)
    shares = power / max(power.sum(), np.finfo(float).tiny)
    return {"frequency_content": shares.astype(np.float32)}


def _require_fit(stored: StoredRun, config: AdditionConfig, where: Path) -> None:
    """Refuse a run whose manifest or arrays belong to another configuration (``StoreError``)."""
    with torch.device("meta"):
        wanted = TwoEmbeddingMLP(config).state_dict()
    shapes = {f"model/{name}": tuple(value.shape) for name, value in wanted.items()}
    found = {
        name: array.shape for name, array in stored.tensors.items() if name.startswith("model/")
    }
    settings = stored.manifest.get("config")
    fits = isinstance(settings, dict) and asdict(config).items() <= settings.items()
    if found != shapes or not fits:
        raise StoreError(
            f"{where} holds a run of another configuration than its path says; "
            f"move {where} away to train this seed again"
        )


def get_or_train(
    config: AdditionConfig,
    *,
    seed: int,
    device: str = "auto",
    store: Store | None = None,
    progress: bool = True,
) -> Run:
    """The stored run of this configuration and seed; trained now where there is none.

    Bad arguments and a store that cannot be written are refused before any work. A training
    that was killed goes on where it last saved its state.
    """
    seed = require_seed(seed)
    torch_device = resolve_device(device)
    shelf = (store or Store()).of(config)
    with shelf.lock(seed):
        if seed in shelf:
            stored = shelf.load(seed)
            _require_fit(stored, config, shelf.folder(seed))
            return Run(config=config, seed=seed, stored=stored, trained_now=False)
        epochs = frequency_epochs(config)
        checkpoint = shelf.checkpoint(seed, str(torch_device))
        trained = train(
            AdditionTask(config, seed),
            device=torch_device,
            probes=[Probe(times=epochs, measure=_measure_frequencies)],
            checkpoint=checkpoint,
            progress=progress,
        )
        rate = trained.steps_per_second if config.num_epochs else None
        stored = shelf.save(
            seed,
            tensors={
                **{f"model/{name}": array for name, array in trained.weights.items()},
                **trained.probed,
                "frequency_epochs": np.array(epochs),
            },
            metrics=trained.history,
            config={**asdict(config), "steps_per_second": rate},
            device=str(torch_device),
            wall_s=trained.wall_s,
        )
        checkpoint.clear()
    return Run(config=config, seed=seed, stored=stored, trained_now=True)
