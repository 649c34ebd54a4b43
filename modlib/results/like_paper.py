"""A network like the one that paper A draws, in ``results/like_paper``.

Figures 6, 7, 19 and 20 of the paper show its seed 133: four clusters (35, 25, 8 and 42), the last
of fine-tuning neurons on multiples of 7. Their program draws other numbers from a seed, so the
network here was looked for among those of a sweep, by the rule of ``neuron_parts.like_seed_133``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from modlib.analysis.many_seeds.neuron_parts import like_seed_133
from modlib.config.presets import ADDITION_PRESETS
from modlib.errors import StoreError
from modlib.machine import RESULTS
from modlib.models.mlp import parameter_shapes
from modlib.results.folder import (
    of_preset,
    open_folder,
    require_writable,
    said_of_networks,
    write_folder,
)
from modlib.results.sweeps import read_sweep_export
from modlib.runs.addition import AdditionRun
from modlib.runs.shard_tables import SHARE, at_times
from modlib.store.folder import provenance
from modlib.store.schema import Table, columns
from modlib.training.addition.ensemble import train_ensemble
from modlib.training.addition.ensemble_member import evaluation_epochs

FOLDER = "like_paper"
PRESET = "A91"
CONFIG = ADDITION_PRESETS[PRESET]
NETWORK, HISTORY = "network", "history"


def export_like_paper(results: Path = RESULTS) -> Path:
    """Find the first such network of the committed sweep, train it again, and write its weights
    and its history into ``results/like_paper``; returns the folder.

    Raises ``StoreError`` where the sweep is not committed, has no such network, or tells of other
    clusters than the network has that is trained here.
    """
    folder = results / FOLDER
    require_writable(folder)
    tables = read_sweep_export(PRESET, results=results)
    seeds: list[int] = []
    if tables is not None:
        found = like_seed_133(tables.clusters, tables.fine_tuning, CONFIG.n)
        learned = tables.networks.seed[tables.networks.learned]
        seeds = found.seed[found.alike.astype(bool) & found.seed.isin(learned)].tolist()
    if tables is None or not seeds:
        raise StoreError(f"{results} has no sweep {PRESET} with a network like the paper's")
    (member,) = train_ensemble(
        CONFIG, seeds[:1], device=torch.device("cpu"), threads=1, progress=False
    )
    content = {
        **said_of_networks(PRESET, CONFIG, range(member.seed, member.seed + 1)),
        "sweep": len(tables.networks),
        "like": seeds,
        **provenance("cpu"),
    }
    run = _run(member.seed, member.weights, member.history, content)
    told = tables.clusters[tables.clusters.seed == member.seed]
    own = [(c.freq, c.num_neurons) for c in run.clustering.clusters]
    if own != [*zip(told.freq, told.num_neurons, strict=True)]:
        raise StoreError(f"seed {member.seed} comes out otherwise here than in the sweep {PRESET}")
    write_folder(folder, {HISTORY: member.history}, content, {NETWORK: member.weights})
    return folder


def like_paper(results: Path = RESULTS) -> AdditionRun | None:
    """The committed network; None where there is none, ``StoreError`` for a damaged folder."""
    folder = open_folder(results / FOLDER, of_preset(PRESET, CONFIG))
    if folder is None:
        return None
    folder.require_files([HISTORY], [NETWORK])
    history = folder.tables({HISTORY: _history()})[HISTORY]
    weights = folder.arrays()[NETWORK]
    folder.require_network(NETWORK, weights, parameter_shapes(CONFIG))
    (seed,) = folder.seeds
    return _run(seed, weights, history, folder.manifest)


def _history() -> Table:
    """What the committed history must be; as all tables of ``results/`` it has 32 bits."""
    rows = {
        **columns("epoch", "int64", 0, CONFIG.num_epochs),
        **columns("train_loss test_loss", "float32", 0),
        **columns("train_accuracy test_accuracy", "float32", *SHARE),
    }
    return Table(rows, ("epoch",), (at_times("epoch", evaluation_epochs(CONFIG)),))


def _run(
    seed: int, weights: dict[str, np.ndarray], history: pd.DataFrame, content: Mapping[str, Any]
) -> AdditionRun:
    # Trained in company, so that it has no speed of its own.
    manifest = {**content, "config": {**content["config"], "steps_per_second": None}}
    return AdditionRun(
        config=CONFIG, seed=seed, weights=weights, history=history, manifest=manifest
    )
