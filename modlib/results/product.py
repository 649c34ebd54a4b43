"""A network that multiplies, in ``results/product``: chapter 15 asks it what it asks of sums.

Its weights at some epochs lie stacked in one file, ``network.safetensors``, in float16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from modlib.config.presets import ADDITION_PRESETS, FIRST_SEED
from modlib.config.rules import require_seed
from modlib.machine import RESULTS
from modlib.models.foreign.load import from_tensors
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.mlp import TwoEmbeddingMLP, parameter_shapes
from modlib.results.folder import open_folder, require_writable, write_folder
from modlib.store.folder import provenance
from modlib.tasks.addition import ProductTask
from modlib.training.addition.loop import Trained, train
from modlib.training.resume import Probe

FOLDER = "product"
PRESET = "A59-scaled"
"""The settings of its training, which are those of sums modulo the same prime."""
CONFIG = ADDITION_PRESETS[PRESET]
NETWORK = "network"
EPOCHS = (0, 25, 50, 75, 100, 150, CONFIG.num_epochs)
"""After which its weights are kept."""


def train_product(seed: int, *, progress: bool = True) -> Trained:
    """Train one network on a b mod 59 by the readable loop, in a minute; its weights at ``EPOCHS``
    are ``probed``."""
    return train(
        ProductTask(CONFIG, seed),
        device=torch.device("cpu"),
        probes=[Probe(times=EPOCHS, measure=_weights)],
        progress=progress,
    )


def _weights(model: TwoEmbeddingMLP) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}


def export_product(*, seed: int = FIRST_SEED, results: Path = RESULTS) -> Path:
    """Train it and write its weights into ``results/product``; returns the folder."""
    seed, folder = require_seed(seed), results / FOLDER
    require_writable(folder)
    trained = train_product(seed)
    content = {
        "kind": FOLDER,
        "preset": PRESET,
        "key": CONFIG.key(),
        "config": asdict(CONFIG),
        "seed": seed,
        "epochs": list(EPOCHS),
        "scores": trained.history.iloc[-1].to_dict(),
        **provenance("cpu"),
    }
    weights = {name: array.astype(np.float16) for name, array in trained.probed.items()}
    write_folder(folder, {}, content, {NETWORK: weights})
    return folder


def product_networks(results: Path = RESULTS) -> dict[int, ForeignNetwork]:
    """The committed networks by epoch; where there are none, those of a training now.

    Raises ``StoreError`` for a damaged folder.
    """
    folder = open_folder(results / FOLDER, _fits)
    if folder is None:
        seed, weights = FIRST_SEED, train_product(FIRST_SEED).probed
    else:
        folder.require_files([], [NETWORK])
        seed, kept = folder.manifest["seed"], folder.arrays()[NETWORK]
        weights = {name: array.astype(np.float32) for name, array in kept.items()}
        shapes = parameter_shapes(CONFIG).items()
        stacked = {name: (len(EPOCHS), *shape) for name, shape in shapes}
        folder.require_network(NETWORK, weights, stacked)
    return {
        epoch: from_tensors(weights, member=place, name=f"ours on a b, seed {seed}, epoch {epoch}")
        for place, epoch in enumerate(EPOCHS)
    }


def _fits(manifest: Mapping[str, Any]) -> bool:
    """Whether it was trained as this version does."""
    same = manifest.get("key") == CONFIG.key() and manifest.get("epochs") == list(EPOCHS)
    return same and isinstance(manifest.get("seed"), int)
