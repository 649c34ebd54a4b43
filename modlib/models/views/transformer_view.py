"""What the analyses of paper B need of a network: its answers and its insides for every number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from modlib.config.remainders import RemaindersConfig
from modlib.tasks.remainders import as_grid, digits, moduli


@dataclass(frozen=True, kw_only=True)
class TransformerView:
    """A transformer without dropout, on all numbers x = 0 .. p^2 - 1, at the answer's position.

    ``weights``: parameters by name, see ``models.transformer.parameter_shapes``. Arrays are by x;
    ``grid`` lays them out by the digits (x0, x1).
    """

    config: RemaindersConfig
    weights: Mapping[str, np.ndarray] = field(repr=False)

    @cached_property
    def qs(self) -> Int[np.ndarray, " task"]:
        """The modulus of each task."""
        return moduli(self.config)

    @cached_property
    def starts(self) -> Int[np.ndarray, " start"]:
        """Column of ``logits`` at which each task begins, and their number."""
        return np.concatenate([[0], np.cumsum(self.qs)])

    def grid(self, values: np.ndarray) -> np.ndarray:
        """Values by x, (x, ...), laid out as (x0, x1, ...)."""
        return as_grid(self.config, values)

    def columns(self, q: int) -> slice:
        """The columns of ``logits`` that belong to a task."""
        (task,) = np.flatnonzero(self.qs == q)
        return slice(self.starts[task], self.starts[task + 1])

    @cached_property
    def embedded(self) -> Float[np.ndarray, "token embed"]:
        """Tokens with their positions: x0, then p + x1, then the answer's place at 2 p."""
        tok, pos, p = self.weights["tok"], self.weights["pos"], self.config.p
        return np.concatenate([tok[:p] + pos[0], tok[:p] + pos[1], tok[p:] + pos[2]])

    @cached_property
    def tokens(self) -> tuple[Int[np.ndarray, " x"], Int[np.ndarray, " x"], Int[np.ndarray, " x"]]:
        """Rows of ``embedded`` at the three positions of each x."""
        x0, x1 = digits(self.config)
        p = self.config.p
        return x0, p + x1, np.full_like(x0, 2 * p)

    @cached_property
    def scores(self) -> Float[np.ndarray, "token head"]:
        """Query of the answer's place times key of each token, over sqrt(head_dim)."""
        query = np.einsum("e,hed->hd", self.embedded[-1], self.weights["q"])
        keys = np.einsum("te,hed->thd", self.embedded, self.weights["k"])
        return np.einsum("thd,hd->th", keys, query) / np.sqrt(keys.shape[-1])

    @cached_property
    def values(self) -> Float[np.ndarray, "token head embed"]:
        """What each head adds to the stream for each token it looks at."""
        heads = np.einsum("te,hed->htd", self.embedded, self.weights["v"])
        return np.moveaxis(heads @ self.weights["o"], 0, 1)

    @cached_property
    def attention(self) -> Float[np.ndarray, "x head position"]:
        """Attention from the answer's place to x0, x1 and itself."""
        scores = np.stack([self.scores[rows] for rows in self.tokens], axis=-1)
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    def middle(self, attention: Float[np.ndarray, "x head position"]) -> np.ndarray:
        """The stream after attention, (x, embed), were attention as given."""
        stream = np.broadcast_to(self.embedded[-1], (len(attention), self.config.embed_dim)).copy()
        for position, rows in enumerate(self.tokens):
            for head in range(self.config.heads):
                stream += attention[:, head, position, None] * self.values[rows, head]
        return stream

    @cached_property
    def stream(self) -> Float[np.ndarray, "x embed"]:
        """The residual stream after attention."""
        return self.middle(self.attention)

    @cached_property
    def neurons(self) -> Float[np.ndarray, "x neuron"]:
        """Activations after ReLU."""
        return np.maximum(self.stream @ self.weights["w_in"], 0)

    @cached_property
    def neuron_images(self) -> Float[np.ndarray, "neuron x0 x1"]:
        """The neurons' activations by digits."""
        return np.ascontiguousarray(np.moveaxis(self.grid(self.neurons), -1, 0))

    @cached_property
    def logits(self) -> Float[np.ndarray, "x logit"]:
        """All tasks' logits side by side."""
        return self.read(self.stream, self.neurons)

    @cached_property
    def written(self) -> Float[np.ndarray, "neuron logit"]:
        """What a unit of each neuron's activation adds to all tasks' logits."""
        return self.weights["w_out"] @ self.weights["unembed"]

    def read(self, stream: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """Logits, (x, logit), from a stream after attention and neurons' activations."""
        return (stream + neurons @ self.weights["w_out"]) @ self.weights["unembed"]

    def with_uniform_attention(self) -> np.ndarray:
        """Logits, (x, logit), were every head's attention its mean over all numbers."""
        mean = self.attention.mean(0, keepdims=True)
        stream = self.middle(np.repeat(mean, len(self.attention), axis=0))
        return self.read(stream, np.maximum(stream @ self.weights["w_in"], 0))

    def accuracy(
        self, logits: np.ndarray, targets: Int[np.ndarray, "x task"]
    ) -> Bool[np.ndarray, "x task"]:
        """Which answers are right, (x, task), by the largest logit of each task."""
        ends = zip(self.starts[:-1], self.starts[1:], strict=True)
        chosen = [logits[:, start:stop].argmax(-1) for start, stop in ends]
        return np.stack(chosen, axis=1) == targets
