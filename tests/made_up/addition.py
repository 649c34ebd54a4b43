"""Made-up runs of networks that add: a history of planted accuracies, weights of a planted view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from modlib.config.addition import AdditionConfig
from modlib.models.mlp import initial_weights
from modlib.models.views.neuron_view import NeuronView
from modlib.runs.addition import Run
from modlib.store.runs import StoredRun


def history_of(
    train: Sequence[float], test: Sequence[float], epochs: Sequence[int] | None = None
) -> pd.DataFrame:
    """A history with these accuracies; each loss is 2 minus its accuracy."""
    train, test = np.asarray(train, dtype=float), np.asarray(test, dtype=float)
    columns = {
        "epoch": np.arange(len(train)) if epochs is None else epochs,
        "train_loss": 2 - train,
        "train_accuracy": train,
        "test_loss": 2 - test,
        "test_accuracy": test,
    }
    return pd.DataFrame(columns)


def weights_of(view: NeuronView) -> dict[str, np.ndarray]:
    """Parameters of a two-embedding network that has this view."""
    embed_a, embed_b, w_a, w_b = view.factors
    weights = {
        "embed_a.weight": embed_a,
        "embed_b.weight": embed_b,
        "hidden.weight": np.concatenate([w_a.T, w_b.T], axis=1),
        "hidden.bias": view.b_in,
        "unembed.weight": view.w_out.T,
        "unembed.bias": view.b_out,
    }
    return {name: value.astype(np.float32) for name, value in weights.items()}


def run_of(
    config: AdditionConfig,
    history: pd.DataFrame,
    *,
    view: NeuronView | None = None,
    epochs: Sequence[int] = (0,),
    content: np.ndarray | None = None,
) -> Run:
    """A run as the store would give it back."""
    weights = initial_weights(config, 0) if view is None else weights_of(view)
    if content is None:
        content = np.full((len(epochs), config.n // 2 + 1), 1 / (config.n // 2))
    manifest = {
        "kind": "addition",
        "key": config.key(),
        "config": {"steps_per_second": 100.0},
        "wall_s": 7.5,
        "device": "cpu",
        "files": {
            "weights.safetensors": {"bytes": 1234},
            "metrics.parquet": {"bytes": 567},
        },
    }
    tensors = {f"model/{name}": value for name, value in weights.items()}
    tensors |= {"frequency_epochs": np.array(epochs), "frequency_content": content}
    stored = StoredRun(tensors=tensors, metrics=history, manifest=manifest)
    return Run(config=config, seed=3, stored=stored, trained_now=True)
