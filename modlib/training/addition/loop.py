"""The readable training loop for one network: what every faster version must equal."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from modlib.config.addition import AdditionConfig
from modlib.machine import one_thread
from modlib.models.mlp import (
    PARAMETERS,
    SHARES,
    TwoEmbeddingMLP,
    build,
    embedding_shares,
    initial_weights,
)
from modlib.store.checkpoint import Checkpoint
from modlib.tasks.addition import addition_pairs, epoch_order, train_mask, train_split

MAX_EVALUATIONS = 300
CHECKPOINT_EVERY_S = 5.0
HISTORY = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
WEIGHT_EPOCHS = (
    *(1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 75, 100),
    *(150, 200, 300, 500, 1000, 2000, 3000),
)
"""Epochs after which the embeddings' weights are counted, and after the last one."""
WEIGHT_HISTORY = ("epoch", *SHARES)
MAX_LOGITS = 2**25
"""Logits held at once by an evaluation: bounds its memory whatever n."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Something to measure on the model at chosen epochs."""

    epochs: Collection[int]
    measure: Callable[[TwoEmbeddingMLP], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished training.

    ``weights``: final parameters by name; ``history``: one row an evaluated epoch, with
    ``epoch``, ``train_loss``, ``test_loss`` (mean cross-entropy in nats, without L2) and
    ``train_accuracy``, ``test_accuracy``; ``weight_history``: ``embedding_shares`` at the epochs
    of ``weight_epochs``, columns ``WEIGHT_HISTORY``, NaN at epochs that an older version of modlib
    passed before it was stopped; ``probed``: each probe's measurements stacked over its
    epochs; ``steps_per_second``: optimiser steps over time spent in them, NaN without steps;
    ``wall_s``: seconds, of sessions before the last one those of their steps.
    """

    weights: dict[str, np.ndarray]
    history: pd.DataFrame
    weight_history: pd.DataFrame
    probed: dict[str, np.ndarray] = field(default_factory=dict)
    steps_per_second: float
    wall_s: float


def evaluation_epochs(config: AdditionConfig, at_most: int = MAX_EVALUATIONS) -> list[int]:
    """Epochs after which loss and accuracy are taken: about ``at_most``, with first and last."""
    stride = -(-config.num_epochs // at_most) or 1
    return sorted({*range(0, config.num_epochs + 1, stride), config.num_epochs})


def weight_epochs(config: AdditionConfig) -> list[int]:
    """Epochs after which the embeddings' weights are counted: some 25, and the last."""
    last = config.num_epochs
    return sorted({last, *(epoch for epoch in WEIGHT_EPOCHS if epoch < last)})


def table_of(rows: Sequence[Mapping[str, float]], columns: Sequence[str]) -> pd.DataFrame:
    """Measurements at some epochs, a row each; ``columns`` begins with ``epoch``."""
    return pd.DataFrame(rows, columns=list(columns)).astype({"epoch": int})


@torch.no_grad()
def evaluate(
    model: TwoEmbeddingMLP, is_train: Float[Tensor, "a b"], chunk_logits: int = MAX_LOGITS
) -> dict[str, float]:
    """Mean cross-entropy and accuracy over the training pairs and over all others.

    Without held-out pairs the test figures are NaN.
    """
    n, embed_dim = model.embed_a.weight.shape
    weight_a, weight_b = model.hidden.weight.split(embed_dim, dim=1)
    preact_a = model.embed_a.weight @ weight_a.T
    preact_b = model.embed_b.weight @ weight_b.T + model.hidden.bias
    answers = torch.arange(n, device=preact_a.device)
    loss, right = torch.empty_like(is_train), torch.empty_like(is_train)
    for rows in answers.split(max(1, chunk_logits // n**2)):
        logits = model.unembed(torch.relu(preact_a[rows, None] + preact_b)).flatten(0, 1)
        correct = ((rows[:, None] + answers) % n).flatten()
        loss[rows] = functional.cross_entropy(logits, correct, reduction="none").view(-1, n)
        right[rows] = (logits.argmax(-1) == correct).to(right.dtype).view(-1, n)
    measured = {}
    for split, mask in (("train", is_train), ("test", 1 - is_train)):
        count = mask.sum().item()
        for name, values in (("loss", loss), ("accuracy", right)):
            total = (values * mask).sum(dtype=torch.float64).item()
            measured[f"{split}_{name}"] = total / count if count else float("nan")
    return measured


def make_optimizer(model: nn.Module, config: AdditionConfig) -> torch.optim.Adam:
    """Adam on cross-entropy + l2 |theta|^2: a weight decay of 2 l2 (paper A, section 4)."""
    return torch.optim.Adam(
        model.parameters(), lr=config.lr, weight_decay=2 * config.l2, fused=True
    )


def _state(
    model: nn.Module,
    optimizer: torch.optim.Adam,
    history: list[dict[str, float]],
    weighed: list[dict[str, float]],
    probed: Mapping[str, list[np.ndarray]],
    epoch: int,
    seconds: float,
) -> dict[str, np.ndarray]:
    """All that a resumed training needs, as arrays."""
    arrays = {f"model/{name}": value.cpu().numpy() for name, value in model.state_dict().items()}
    for index, slots in optimizer.state_dict()["state"].items():
        arrays |= {f"adam/{index}/{slot}": value.cpu().numpy() for slot, value in slots.items()}
    arrays |= {f"probed/{name}": np.stack(rows) for name, rows in probed.items() if rows}
    arrays["history"] = pd.DataFrame(history).to_numpy(dtype=np.float64)
    arrays["weight_history"] = table_of(weighed, WEIGHT_HISTORY).to_numpy(dtype=np.float64)
    arrays["progress"] = np.array([epoch, seconds])
    return arrays


def _restore(
    state: Mapping[str, np.ndarray],
    model: nn.Module,
    optimizer: torch.optim.Adam,
    weighing: Sequence[int],
) -> tuple[list[dict[str, float]], list[dict[str, float]], dict[str, list[np.ndarray]], int, float]:
    """Undo ``_state``: fills model and optimiser, returns both histories and all that follows.

    ``weighing``: ``weight_epochs``; a state of an older version has no weights over training.
    """
    model.load_state_dict({name: torch.from_numpy(state[f"model/{name}"]) for name in PARAMETERS})
    slots: dict[int, dict[str, Tensor]] = {}
    for name, array in state.items():
        if name.startswith("adam/"):
            _, index, slot = name.split("/")
            slots.setdefault(int(index), {})[slot] = torch.from_numpy(array)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
    history = pd.DataFrame(state["history"], columns=list(HISTORY)).to_dict("records")
    probed = {name[7:]: list(rows) for name, rows in state.items() if name.startswith("probed/")}
    epoch, seconds = state["progress"]
    passed = [{"epoch": float(past)} for past in weighing if past <= epoch]
    weighed = (
        pd.DataFrame(state["weight_history"], columns=list(WEIGHT_HISTORY)).to_dict("records")
        if "weight_history" in state
        else passed
    )
    return history, weighed, probed, int(epoch), float(seconds)


def train(
    config: AdditionConfig,
    seed: int,
    *,
    device: torch.device,
    probes: Mapping[str, Probe] | None = None,
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> Trained:
    """Train one network (paper A, section 4), resuming from ``checkpoint`` where it holds a state.

    A resumed training ends with the same bits as one that was not interrupted. ``probes`` are
    called after their epochs; epoch 0 is the initialisation.
    """
    with one_thread():
        return _train(config, seed, device, probes or {}, checkpoint, progress)


def _train(
    config: AdditionConfig,
    seed: int,
    device: torch.device,
    probes: Mapping[str, Probe],
    checkpoint: Checkpoint | None,
    progress: bool,
) -> Trained:
    began = time.perf_counter()
    model = build(config, initial_weights(config, seed)).to(device)
    optimizer = make_optimizer(model, config)
    history: list[dict[str, float]] = []
    weighed: list[dict[str, float]] = []
    weighing = weight_epochs(config)
    probed: dict[str, list[np.ndarray]] = {name: [] for name in probes}
    start, seconds, saved_at = 0, 0.0, time.perf_counter()
    saved = checkpoint.load() if checkpoint else None
    if saved is not None:
        history, weighed, kept, start, seconds = _restore(saved, model, optimizer, weighing)
        probed |= kept
        began -= seconds

    a, b, c = (torch.from_numpy(column).to(device) for column in addition_pairs(config.n))
    split = torch.from_numpy(train_split(config, seed)).to(device)
    is_train = torch.from_numpy(train_mask(config, seed)).to(device, torch.float32)
    evaluated = set(evaluation_epochs(config))

    def observe(epoch: int) -> None:
        if epoch in evaluated:
            history.append({"epoch": epoch, **evaluate(model, is_train)})
        if epoch in weighing:
            embeddings = (model.embed_a.weight, model.embed_b.weight)
            shares = embedding_shares(*(e.detach().cpu().numpy() for e in embeddings))
            weighed.append({"epoch": epoch, **shares})
        for name, probe in probes.items():
            if epoch in probe.epochs:
                probed[name].append(np.array(probe.measure(model)))

    if saved is None:
        observe(0)
    bar = tqdm(
        total=config.num_epochs,
        initial=start,
        disable=not progress,
        unit="epoch",
        mininterval=1.0,
        desc=f"n={config.n} seed={seed}",
    )
    for epoch in range(start, config.num_epochs):
        step_began = time.perf_counter()
        order = split[torch.from_numpy(epoch_order(config, seed, epoch)).to(device)]
        for batch in order.split(config.batch_size):
            loss = functional.cross_entropy(model(a[batch], b[batch]), c[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds += time.perf_counter() - step_began
        observe(epoch + 1)
        bar.update()
        if epoch + 1 in evaluated and history:
            bar.set_postfix(test=f"{history[-1]['test_accuracy']:.3f}", refresh=False)
        if checkpoint and time.perf_counter() - saved_at > CHECKPOINT_EVERY_S:
            state = _state(model, optimizer, history, weighed, probed, epoch + 1, seconds)
            checkpoint.save(state)
            saved_at = time.perf_counter()
    bar.close()
    steps = config.num_epochs * config.steps_per_epoch
    return Trained(
        weights={name: value.cpu().numpy() for name, value in model.state_dict().items()},
        history=table_of(history, HISTORY),
        weight_history=table_of(weighed, WEIGHT_HISTORY),
        probed={name: np.stack(rows) for name, rows in probed.items() if rows},
        steps_per_second=steps / seconds if seconds else float("nan"),
        wall_s=time.perf_counter() - began,
    )
