"""Paper B's rooms put together: a configuration and a seed in, a run out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from modlib.analysis.remainders.digit_spectra import summary
from modlib.config.remainders import RemaindersConfig
from modlib.config.rules import require_seed
from modlib.errors import StoreError, require_int
from modlib.machine import resolve_device
from modlib.models.transformer import parameter_shapes
from modlib.store.runs import Shelf, Store, StoredRun
from modlib.tasks.remainders import RemaindersTask, as_grid
from modlib.training.remainders.neuron_zero import FirstNeurons, NeuronZero
from modlib.training.remainders.schedule import log_spaced
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
class RemaindersRun:
    """A network with its configuration, seed and what was logged while it learned.

    ``steps``: those made, fewer than the configuration's in a run that is under way.
    ``spectra``: by name, stacked over ``spectrum_steps``: see ``digit_spectra.summary``, and
    ``attention`` (step, head, position); ``neuron_zero`` and ``first_neurons``: see
    ``training.remainders.neuron_zero``; the latter is empty where it was not followed.
    """

    config: RemaindersConfig
    seed: int
    steps: int
    weights: dict[str, np.ndarray]
    snapshots: dict[int, dict[str, np.ndarray]]
    history: pd.DataFrame
    norms: pd.DataFrame
    spectra: dict[str, np.ndarray]
    neuron_zero: dict[str, np.ndarray]
    first_neurons: dict[str, np.ndarray]
    manifest: dict[str, Any]

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


def _followers(config: RemaindersConfig, seed: int) -> dict[str, Follower]:
    """What is followed at every step; the authors' program has one dropout mask a step."""
    followers: dict[str, Follower] = {
        "neuron_zero": NeuronZero(config.p, spectrum_steps(config).tolist())
    }
    if config.dropout_mask == "step":
        followers["first_neurons"] = FirstNeurons(RemaindersTask(config, seed))
    return followers


def get_or_train_remainders(
    config: RemaindersConfig,
    *,
    seed: int,
    device: str = "auto",
    threads: int = 1,
    store: Store | None = None,
    progress: bool = True,
) -> RemaindersRun:
    """The stored run of this configuration and seed; trained now where there is none.

    Bad arguments and a store that cannot be written are refused before any work. A training
    that was killed goes on where it last saved its state.
    """
    seed = require_seed(seed)
    torch_device = resolve_device(device)
    threads = require_int("threads", threads, at_least=1, at_most=1024)
    shelf = (store or Store()).of(config)
    with shelf.lock(seed):
        if seed in shelf:
            return _read(config, seed, shelf)
        steps = spectrum_steps(config).tolist()
        checkpoint = shelf.checkpoint(seed, str(torch_device))
        trained = train(
            RemaindersTask(config, seed),
            device=torch_device,
            threads=threads,
            probes=[Probe(times=steps, measure=_probe)],
            followers=_followers(config, seed),
            checkpoint=checkpoint,
            progress=progress,
        )
        shelf.save(
            seed,
            tensors=_tensors(trained),
            metrics=trained.history,
            config={**asdict(config), "steps_per_second": _rate(trained)},
            device=str(torch_device),
            wall_s=trained.wall_s,
        )
        checkpoint.clear()
        return _read(config, seed, shelf)


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
    made = checkpoint.manifest() | {"wall_s": round(trained.wall_s, 3)}
    stored = StoredRun(tensors=_tensors(trained), metrics=trained.history, manifest=made)
    return _as_run(config, seed, stored)


def _rate(trained: Trained) -> float | None:
    return None if np.isnan(trained.steps_per_second) else trained.steps_per_second


def _tensors(trained: Trained) -> dict[str, np.ndarray]:
    """A training's arrays under the names that the store keeps them by."""
    norms = trained.norms
    return {
        **{f"model/{name}": value for name, value in trained.weights.items()},
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


def _read(config: RemaindersConfig, seed: int, shelf: Shelf) -> RemaindersRun:
    """A stored run, checked against the configuration (``StoreError``)."""
    stored, where = shelf.load(seed), shelf.folder(seed)
    found = {name: array.shape for name, array in below("model", stored.tensors).items()}
    settings = stored.manifest.get("config")
    fits = isinstance(settings, dict) and asdict(config).items() <= settings.items()
    if found != parameter_shapes(config) or not fits:
        raise StoreError(
            f"{where} holds a run of another configuration than its path says; "
            f"move {where} away to train this seed again"
        )
    broken = [n for n, array in stored.tensors.items() if not np.isfinite(array).all()]
    if broken:
        raise StoreError(
            f"{where} has numbers that are not finite in {broken[0]}; "
            f"move {where} away to train this seed again"
        )
    return _as_run(config, seed, stored)


def _as_run(config: RemaindersConfig, seed: int, stored: StoredRun) -> RemaindersRun:
    steps = int(stored.tensors["steps"])
    taken = spectrum_steps(config)
    axes = [stored.tensors["norm_steps"], list(parameter_shapes(config))]
    index = pd.MultiIndex.from_product(axes, names=["step", "parameter"])
    norms = pd.DataFrame(stored.tensors["norms"], index=index, columns=["raw", "filtered"])
    return RemaindersRun(
        config=config,
        seed=seed,
        steps=steps,
        weights=below("model", stored.tensors),
        snapshots=snapshots_in(stored.tensors),
        history=stored.metrics,
        norms=norms.reset_index(),
        spectra={**below("spectra", stored.tensors), "step": taken[taken <= steps]},
        neuron_zero=below("neuron_zero", stored.tensors),
        first_neurons=below("first_neurons", stored.tensors),
        manifest=stored.manifest,
    )
