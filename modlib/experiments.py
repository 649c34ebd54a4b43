"""Putting the rooms together: a configuration and a seed in, a run with its view out."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from tqdm import tqdm

from modlib.analysis.clusters import Clustering, cluster_neurons
from modlib.analysis.neurons import input_power
from modlib.analysis.tables import Tables, describe, stack
from modlib.analysis.view import Factors, NeuronView
from modlib.config import AdditionConfig, preset, require_seed, resolve_device
from modlib.errors import StoreError, require_int
from modlib.models.mlp import TwoEmbeddingMLP
from modlib.paths import RESULTS
from modlib.store import (
    MANIFEST,
    Store,
    StoredRun,
    provenance,
    read_manifest,
    write_atomically,
    write_manifest,
    writing,
)
from modlib.tasks import train_mask
from modlib.training.loop import Probe, train

KIND = "addition"
LEARNED_FROM = 0.999
"""Held-out accuracy at which a run that once reached 100 % may end: late spikes are brief."""
SHOWCASE = RESULTS / "showcase" / "fine_tuning.json"
EXPORTED = tuple(f"{name}.parquet" for name in Tables._fields)
"""Files of an export, in the order of ``Tables``."""


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
        """A row an evaluated epoch: see ``training.loop.Trained``."""
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
        return train_mask(self.config, self.seed)

    @property
    def num_test(self) -> int:
        """Pairs it never saw."""
        return self.config.n**2 - self.config.num_train

    @property
    def _judged(self) -> pd.Series:
        """Accuracy by epoch on held-out pairs; on training pairs where none are held out."""
        return self.history["test_accuracy" if self.num_test else "train_accuracy"]

    @property
    def accuracy(self) -> float:
        """Final accuracy on held-out pairs (on training pairs where none are held out)."""
        return float(self._judged.iloc[-1])

    @property
    def reached_epoch(self) -> int | None:
        """First evaluated epoch with 100 % accuracy; None if there is none."""
        at = np.flatnonzero(self._judged == 1.0)
        return int(self.history.epoch.iloc[at[0]]) if len(at) else None

    @property
    def learned(self) -> bool:
        """Reached 100 % and ends at 99.9 % or more."""
        return self.reached_epoch is not None and self.accuracy >= LEARNED_FROM


def frequency_epochs(config: AdditionConfig) -> list[int]:
    """Epochs at which the frequency content is taken: 0, then about 60, denser early on."""
    if config.num_epochs == 0:
        return [0]
    spaced = np.geomspace(1, config.num_epochs, 60).round().astype(int)
    return sorted({0, *spaced.tolist()})


def _measure_frequencies(model: TwoEmbeddingMLP) -> Float[np.ndarray, " freq"]:
    weights = {name: value.cpu().numpy() for name, value in model.state_dict().items()}
    power = input_power(view_of(weights)).sum(0)
    return (power / power.sum()).astype(np.float32)


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
    store = store or Store()
    address = (KIND, config.key(), seed)
    with store.lock(*address):
        if address in store:
            stored = store.load(*address)
            _require_fit(stored, config, store.folder(*address))
            return Run(config=config, seed=seed, stored=stored, trained_now=False)
        epochs = frequency_epochs(config)
        checkpoint = store.checkpoint(*address)
        trained = train(
            config,
            seed,
            device=torch_device,
            probes={"frequency_content": Probe(epochs=epochs, measure=_measure_frequencies)},
            checkpoint=checkpoint,
            progress=progress,
        )
        rate = trained.steps_per_second if config.num_epochs else None
        stored = store.save(
            *address,
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


def has_fine_tuning(run: Run) -> bool:
    """Whether a run that learned has a cluster of fine-tuning neurons."""
    return run.learned and any(c.kind == "fine-tuning" for c in run.clustering.clusters)


def first_fine_tuning(config: AdditionConfig, seeds: Sequence[int], **options: Any) -> Run | None:
    """The first run among ``seeds`` that has a fine-tuning cluster; None if none has."""
    for seed in seeds:
        run = get_or_train(config, seed=seed, **options)
        if has_fine_tuning(run):
            return run
    return None


def recorded_fine_tuning(n: int) -> int | None:
    """The recorded first seed from 0 with a fine-tuning cluster, default set-up at n; or None."""
    if not SHOWCASE.exists():
        return None
    read_manifest(SHOWCASE.parent)
    try:
        seed = json.loads(SHOWCASE.read_text(encoding="utf-8"))["first_seed"].get(str(n))
        return None if seed is None else require_seed(seed)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{SHOWCASE} is not a readable record ({error})") from None


def record_fine_tuning(
    moduli: Sequence[int], limit: int = 64, device: str = "auto"
) -> dict[str, Any]:
    """Find the first seed from 0 with a fine-tuning cluster for each modulus and record it."""
    limit = require_int("limit", limit, at_least=1)
    found: dict[str, Any] = {}
    for n in moduli:
        run = first_fine_tuning(AdditionConfig(n=n), range(limit), device=device)
        found[str(n)] = None if run is None else run.seed
    record = {
        "rule": "first seed from 0 whose run learned and has a cluster of kind fine-tuning",
        "limit": limit,
        "first_seed": found,
    }
    SHOWCASE.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(SHOWCASE, (json.dumps(record, indent=1) + "\n").encode())
    content = {"kind": "showcase", **provenance(str(resolve_device(device)))}
    write_manifest(SHOWCASE.parent, [SHOWCASE.name], content)
    return record


def fine_tuning_example(run: Run, device: str = "auto") -> Run | None:
    """A run with a fine-tuning cluster at the same modulus: this one, else the recorded seed's.

    None where the modulus has no recorded seed.
    """
    if has_fine_tuning(run):
        return run
    seed = recorded_fine_tuning(run.config.n)
    if seed is None:
        return None
    return get_or_train(AdditionConfig(n=run.config.n), seed=seed, device=device)


def export(
    preset_name: str,
    *,
    first_seed: int = 1000,
    num_seeds: int = 128,
    device: str = "auto",
    results: Path = RESULTS,
) -> Path:
    """Train and describe seeds of a preset, and write ``results/<preset>`` with its manifest.

    Runs that the store holds are not trained again, so an interrupted export goes on where it
    was. The tables that lie there are replaced at the end, all together. Returns the folder.
    """
    config = preset(preset_name)
    first_seed = require_seed(first_seed, "first_seed")
    num_seeds = require_int("num_seeds", num_seeds, at_least=1, at_most=10**6)
    torch_device = resolve_device(device)
    store = Store()
    folder = results / preset_name
    with writing(folder):
        results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder if folder.exists() else results):
            pass
    began = time.perf_counter()
    seeds = range(first_seed, first_seed + num_seeds)
    described = []
    for seed in tqdm(seeds, desc=preset_name, unit="seed"):
        run = get_or_train(config, seed=seed, device=device, store=store, progress=False)
        tables = describe(run.view)
        reached = -1 if run.reached_epoch is None else run.reached_epoch
        summary = tables.summary.assign(
            reached_epoch=reached, test_accuracy=run.accuracy, learned=run.learned
        )
        described.append(tables._replace(summary=summary))
    content = {
        "kind": KIND,
        "preset": preset_name,
        "key": config.key(),
        "config": asdict(config),
        "seeds": [seeds.start, seeds.stop - 1],
        "wall_s": round(time.perf_counter() - began, 1),
        **provenance(str(torch_device)),
    }
    with writing(folder), tempfile.TemporaryDirectory(dir=results, prefix=".writing-") as scratch:
        work = Path(scratch)
        for name, table in zip(EXPORTED, stack(described, seeds), strict=True):
            floats = dict.fromkeys(table.select_dtypes("float64").columns, np.float32)
            table.astype(floats).to_parquet(work / name, index=False, compression="zstd")
        write_manifest(work, list(EXPORTED), content)
        folder.mkdir(exist_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)
        for name in (*EXPORTED, MANIFEST):
            os.replace(work / name, folder / name)
    return folder


def read_export(preset_name: str, results: Path = RESULTS) -> Tables | None:
    """The committed tables of a preset, checked against their manifest; None where absent."""
    folder = results / preset_name
    if not folder.is_dir():
        return None
    read_manifest(folder, EXPORTED)
    return Tables(*(pd.read_parquet(folder / name) for name in EXPORTED))
