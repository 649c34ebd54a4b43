"""The transformer's step on a CUDA device: by autograd, captured in a graph and replayed.

What ``step.FastStep`` writes by hand is left to autograd here, with the same tables: at
these sizes a device waits for its launches, not for products, and a graph launches all of them
at once. Evaluations, probes and followers are the CPU's, from a copy of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from modlib.tasks.remainders import RemaindersTask
from modlib.training.flat import named_views
from modlib.training.kernels.adamw import adamw_, filtered
from modlib.training.remainders.buffers import Masks, Tables
from modlib.training.remainders.step import FastStep

WARM_UP = 3
"""Calls before a capture, in which libraries choose their kernels and take their memory."""

STATE = ("theta", "slow", "first", "second")


def last_position_logits(
    at: Mapping[str, Tensor],
    x0: Int[Tensor, " number"],
    x1: Int[Tensor, " number"],
    keep: Float[Tensor, "2 mask embed"],
) -> Float[Tensor, "number logit"]:
    """The module's logits from tables over tokens; ``keep``: dropout's factors, 1 without it."""
    p = at["tok"].shape[0] - 1
    tok, pos = at["tok"], at["pos"]
    embedded = torch.cat([tok[:p] + pos[0], tok[:p] + pos[1], tok[p:] + pos[2]])
    query = torch.einsum("e,hed->hd", embedded[-1], at["q"])
    scores = torch.einsum("te,hed,hd->th", embedded, at["k"], query) * at["q"].shape[-1] ** -0.5
    values = torch.einsum("te,hed,hdf->thf", embedded, at["v"], at["o"])
    # The three tokens of each number, as rows of the tables.
    rows = torch.stack([x0, p + x1, torch.full_like(x0, 2 * p)])
    attention = torch.softmax(scores[rows], dim=0)
    added = sum(torch.einsum("nh,nhe->ne", attention[j], values[rows[j]]) for j in range(3))
    stream = (embedded[-1] + added) * keep[0]
    stream = (stream + torch.relu(stream @ at["w_in"]) @ at["w_out"]) * keep[1]
    return stream @ at["unembed"]


class GraphStep(FastStep):
    """``FastStep`` with gradient and update on a device; captured where that is a CUDA device."""

    def __init__(
        self,
        task: RemaindersTask,
        weights: Mapping[str, np.ndarray],
        *,
        device: torch.device,
        threads: int = 1,
    ) -> None:
        super().__init__(task, weights, threads=threads)
        self.device = device
        self.there = {name: self._there(getattr(self, name)) for name in (*STATE, "grad")}
        self.numbers = (self._there(self.x0), self._there(self.x1))
        self.answers = self._there(self.targets)
        rows = 1 if self.config.dropout_mask == "step" else len(self.x0)
        self.keep = torch.ones(2, rows, self.config.embed_dim, device=device)
        self.settings = self._there(filtered(self.config, 1, np.float32))
        self.run_gradient, self.run_update = (
            self._captured(work) for work in (self._gradient, self._update)
        )

    def _there(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(array)).to(self.device)

    def _captured(self, work: Callable[[], None]) -> Callable[[], Any]:
        """The same work as one launch; on a CPU the work itself."""
        if self.device.type != "cuda":
            return work
        before = {name: tensor.clone() for name, tensor in self.there.items()}
        stream = torch.cuda.Stream(self.device)
        stream.wait_stream(torch.cuda.current_stream(self.device))
        # On a stream beside the current one, as a capture will be; what libraries set up at their
        # first call must not be recorded.
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                work()
        torch.cuda.current_stream(self.device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        # The warm-up has moved parameters and moments.
        for name, tensor in before.items():
            self.there[name].copy_(tensor)
        return graph.replay

    def _gradient(self) -> None:
        # Shares the memory of the parameters: a replay reads what lies there by then.
        theta = self.there["theta"].detach().requires_grad_()
        at = named_views(theta, self.shapes)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            logits = last_position_logits(at, *self.numbers, self.keep).float()
        tasks = logits.split(self.task.moduli.tolist(), dim=1)
        losses = [
            weight * functional.cross_entropy(task, answers)
            for weight, task, answers in zip(
                self.task.loss_weights.tolist(), tasks, self.answers, strict=True
            )
        ]
        (grad,) = torch.autograd.grad(torch.stack(losses).sum(), theta)
        # Into the array whose address the graph of the update knows.
        self.there["grad"].copy_(grad)

    def _update(self) -> None:
        there = self.there
        adamw_(
            there["theta"], there["grad"], there["slow"], there["first"], there["second"],
            self.settings,
        )  # fmt: skip

    def gradient(self, keep: Masks | None = None, *, want_losses: bool = False) -> None:
        """Gradient of the weighted loss over all numbers, on the device."""
        assert not want_losses
        if keep is not None:
            for held, mask in zip(self.keep, keep, strict=True):
                held.copy_(torch.from_numpy(np.atleast_2d(mask)))
        self.run_gradient()

    def update(self, index: int) -> None:
        """Filter the gradient and move the parameters; ``index`` from 0."""
        # The step's constants change, their place must not.
        self.settings.copy_(torch.from_numpy(filtered(self.config, index + 1, np.float32)))
        self.run_update()

    @property
    def gradient_norms(self) -> dict[str, float]:
        """L2 norm of the gradient of each parameter."""
        self.grad[:] = self.there["grad"].cpu().numpy()
        return super().gradient_norms

    def state(self) -> dict[str, np.ndarray]:
        """What a resumed training needs, by name, fetched from the device."""
        for name in STATE:
            getattr(self, name)[:] = self.there[name].cpu().numpy()
        return super().state()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state, on the device."""
        super().restore(state)
        for name in STATE:
            self.there[name].copy_(torch.from_numpy(getattr(self, name)))

    def tables(self) -> Tables:
        """Scores and values of every token, from the device's present parameters."""
        self.theta[:] = self.there["theta"].cpu().numpy()
        return super().tables()

    def tables_used(self) -> Tables:
        """The tables of the last gradient: the parameters have not moved since."""
        return self.tables()
