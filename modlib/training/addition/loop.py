"""The readable training loop for one network: what every faster version must equal.

Single networks are trained by it on a CUDA device, and on tasks that the kernels lack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from modlib.config.addition import AdditionConfig
from modlib.machine import one_thread, subnormal_as_zero
from modlib.models.mlp import (
    SHARES,
    TwoEmbeddingMLP,
    build,
    embedding_shares,
    initial_weights,
    parameter_shapes,
)
from modlib.store.checkpoint import Checkpoint
from modlib.store.schema import Array
from modlib.tasks.addition import AdditionTask
from modlib.training.resume import Measured, Probe, below, go

MAX_EVALUATIONS = 300
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
    model: TwoEmbeddingMLP,
    is_train: Float[Tensor, "a b"],
    answers: Int[Tensor, "a b"],
    chunk_logits: int = MAX_LOGITS,
) -> dict[str, float]:
    """Mean cross-entropy and accuracy over the training pairs and over all others.

    ``answers``: the right ones. Without held-out pairs the test figures are NaN.
    """
    n, embed_dim = model.embed_a.weight.shape
    weight_a, weight_b = model.hidden.weight.split(embed_dim, dim=1)
    preact_a = model.embed_a.weight @ weight_a.T
    preact_b = model.embed_b.weight @ weight_b.T + model.hidden.bias
    loss, right = torch.empty_like(is_train), torch.empty_like(is_train)
    for rows in torch.arange(n, device=preact_a.device).split(max(1, chunk_logits // n**2)):
        logits = model.unembed(torch.relu(preact_a[rows, None] + preact_b)).flatten(0, 1)
        correct = answers[rows].flatten()
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


class LoopTraining:
    """The network, its optimiser and what is written down of it, for the road."""

    unit = "epoch"

    def __init__(
        self,
        task: AdditionTask[AdditionConfig],
        device: torch.device,
        probes: Sequence[Probe[TwoEmbeddingMLP]],
    ) -> None:
        config = task.config
        self.task, self.device, self.total = task, device, config.num_epochs
        self.label = f"n={config.n} seed={task.seed}"
        self.rates = {"lr": config.lr, "l2": config.l2}
        self.begin()
        self.evaluated, self.weighing = set(evaluation_epochs(config)), weight_epochs(config)
        self.history: list[dict[str, float]] = []
        self.weighed: list[dict[str, float]] = []
        self.measured = Measured(probes)

    def begin(self) -> None:
        """The network as it is drawn, its optimiser and its pairs."""
        config = self.task.config
        self.model = build(config, initial_weights(config, self.task.seed)).to(self.device)
        self.optimizer = make_optimizer(self.model, config)
        self.pairs = [torch.from_numpy(column).to(self.device) for column in self.task.pairs]
        self.is_train = torch.from_numpy(self.task.mask).to(self.device, torch.float32)

    def advance(self, done: int) -> None:
        """One pass over the training pairs."""
        a, b, c = self.pairs
        order = torch.from_numpy(self.task.order(done)).to(self.device)
        for batch in order.split(self.task.config.batch_size):
            loss = functional.cross_entropy(self.model(a[batch], b[batch]), c[batch])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def evaluate(self, done: int) -> list[np.ndarray]:
        """The training loss where it is due, and the parameters before they are looked at."""
        due = []
        if done in self.evaluated:
            self.history.append({"epoch": done, **self.scores()})
            due.append(np.array(self.history[-1]["train_loss"]))
        if done in self.weighing or self.measured.is_due(done):
            due += self.weights().values()
        return due

    def observe(self, done: int) -> None:
        """The embeddings' weights, and what the probes measure."""
        if done in self.weighing:
            weights = self.weights()
            shares = embedding_shares(weights["embed_a.weight"], weights["embed_b.weight"])
            self.weighed.append({"epoch": done, **shares})
        if self.measured.is_due(done):
            self.measured.take(done, self.network())

    def shown(self) -> dict[str, str]:
        """Accuracy on held-out pairs."""
        return {"test": f"{self.history[-1]['test_accuracy']:.3f}"}

    def scores(self) -> dict[str, float]:
        """Loss and accuracy, as ``evaluate`` has them."""
        return evaluate(self.model, self.is_train, self.pairs[2].view_as(self.is_train))

    def network(self) -> TwoEmbeddingMLP:
        """What probes are shown."""
        return self.model

    def weights(self) -> dict[str, np.ndarray]:
        """The parameters by name; on a CPU the live ones."""
        return {name: value.cpu().numpy() for name, value in self.model.state_dict().items()}

    def slots(self) -> dict[int, dict[str, np.ndarray]]:
        """What Adam holds of each parameter, by its place in the order of parameters."""
        held = self.optimizer.state_dict()["state"].items()
        return {k: {slot: v.cpu().numpy() for slot, v in slots.items()} for k, slots in held}

    def take_up(
        self, weights: Mapping[str, np.ndarray], slots: Mapping[int, Mapping[str, np.ndarray]]
    ) -> None:
        """Go on from parameters by name and what Adam held of each."""
        self.model.load_state_dict({k: torch.from_numpy(array) for k, array in weights.items()})
        held = {
            k: {slot: torch.from_numpy(array) for slot, array in of.items()}
            for k, of in slots.items()
        }
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": held})

    def state(self) -> dict[str, np.ndarray]:
        """Parameters, Adam's moments, both histories, what probes measured."""
        arrays = {f"model/{name}": value for name, value in self.weights().items()}
        for index, slots in self.slots().items():
            arrays |= {f"adam/{index}/{slot}": value for slot, value in slots.items()}
        for name, rows, columns in (
            ("history", self.history, HISTORY),
            ("weight_history", self.weighed, WEIGHT_HISTORY),
        ):
            arrays[name] = table_of(rows, columns).to_numpy(dtype=np.float64)
        return arrays | self.measured.state()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Undo ``state``; one of an older version has no weights over training."""
        slots: dict[int, dict[str, np.ndarray]] = {}
        for name, array in below("adam", state).items():
            index, _, slot = name.partition("/")
            slots.setdefault(int(index), {})[slot] = array
        self.take_up(below("model", state), slots)
        self.history = _rows(state["history"], HISTORY)
        passed = [time for time in self.weighing if time <= state["progress"][0]]
        unknown = np.full((len(passed), len(WEIGHT_HISTORY)), np.nan)
        unknown[:, 0] = passed
        self.weighed = _rows(state.get("weight_history", unknown), WEIGHT_HISTORY)
        self.measured.restore(state)

    def arrays(self, done: int) -> dict[str, Array]:
        """What a state must hold."""
        config, arrays = self.task.config, {}
        for index, (name, shape) in enumerate(parameter_shapes(config).items()):
            arrays[f"model/{name}"] = Array(shape)
            if done:
                own = {"step": Array(()), "exp_avg": Array(shape)}
                own["exp_avg_sq"] = Array(shape, least=0.0)
                arrays |= {f"adam/{index}/{slot}": array for slot, array in own.items()}
        for name, times, columns, untold in (
            ("history", evaluation_epochs(config), HISTORY, config.num_train == config.n**2),
            ("weight_history", self.weighing, WEIGHT_HISTORY, True),
        ):
            at = [time for time in times if time <= done]
            required, shape = name == "history", (len(at), len(columns))
            arrays[name] = Array(shape, np.float64, at, nan=untold, required=required)
        return arrays | self.measured.expected(done)


def _rows(table: Float[np.ndarray, "row column"], columns: Sequence[str]) -> list[dict[str, float]]:
    """A saved table's rows, each by column."""
    return [dict(zip(columns, row, strict=True)) for row in table.tolist()]


def train(
    task: AdditionTask[AdditionConfig],
    *,
    device: torch.device,
    probes: Sequence[Probe[TwoEmbeddingMLP]] = (),
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> Trained:
    """Train one network (paper A, section 4), resuming from ``checkpoint`` where it holds a state.

    A resumed training ends with the same bits as one that was not interrupted. ``probes`` are
    called after their epochs; epoch 0 is the initialisation. Raises as ``resume.go``.
    """
    with one_thread(), subnormal_as_zero():
        return finish(LoopTraining(task, device, probes), checkpoint, progress)


def finish(training: LoopTraining, checkpoint: Checkpoint | None, progress: bool) -> Trained:
    """Lead a training to its end, by ``resume.go``."""
    config = training.task.config
    spent = go(training, checkpoint=checkpoint, progress=progress)
    steps = config.num_epochs * config.steps_per_epoch
    return Trained(
        weights=training.weights(),
        history=table_of(training.history, HISTORY),
        weight_history=table_of(training.weighed, WEIGHT_HISTORY),
        probed=training.measured.arrays(),
        steps_per_second=steps / spent.steps_s if spent.steps_s else float("nan"),
        wall_s=spent.wall_s,
    )
