"""One training step of clocks and pizzas, with hand-written gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.models.clock_pizza import parameter_shapes
from modlib.tasks.addition import AdditionTask
from modlib.training.flat import named_views, size_of
from modlib.training.kernels.adamw import adamw, constants
from modlib.training.kernels.attention import combine, combine_back, relu, relu_back
from modlib.training.kernels.blocked_products import Multiplier


def by_head(w_o: np.ndarray, heads: int) -> Float[np.ndarray, "head head_dim embed"]:
    """The output matrix (embed, heads x head_dim) as each head's (head_dim, embed)."""
    return w_o.reshape(len(w_o), heads, -1).transpose(1, 2, 0)


@dataclass(frozen=True, kw_only=True)
class Attended:
    """What attention makes of every pair, and what its gradient needs.

    ``at`` (2, token, embed): embeddings with positions; ``key``, ``value``: (2, head, token,
    head_dim); ``query`` (head, b, head_dim); ``out`` (2, head, token, embed): values through the
    output matrix; ``learned`` (head, a, b): softmax weight of a; ``weight`` (2, head, a, b).
    """

    at: np.ndarray
    key: np.ndarray
    value: np.ndarray
    query: np.ndarray
    out: np.ndarray
    learned: np.ndarray
    weight: np.ndarray


class FastClockStep:
    """Gradient, update and evaluation by formulas; ``dtype`` float64 for tests.

    ``theta``, ``grad``, ``first``, ``second``: parameters, gradient and Adam's moments, one vector
    each; ``parameters``: views into ``theta`` by name.
    """

    def __init__(
        self,
        task: AdditionTask[ClockPizzaConfig],
        weights: Mapping[str, np.ndarray],
        *,
        dtype: type = np.float32,
    ) -> None:
        config = task.config
        self.config, self.dtype = config, np.dtype(dtype)
        self.shapes = parameter_shapes(config)
        state: np.ndarray = np.zeros((5, size_of(self.shapes)), dtype=dtype)
        self.theta, self.grad, self.slow, self.first, self.second = state
        self.parameters = named_views(self.theta, self.shapes)
        self.d_parameters = named_views(self.grad, self.shapes)
        for name, value in weights.items():
            self.parameters[name][...] = value
        self.pairs = task.pairs
        chosen = np.flatnonzero(task.mask)
        self.a, self.b, self.right = (part[chosen] for part in self.pairs)
        count, neurons = len(chosen), config.num_neurons
        self.hidden: np.ndarray = np.empty((count, neurons), dtype=dtype)
        self.d_hidden: np.ndarray = np.empty((count, neurons), dtype=dtype)
        self.logits: np.ndarray = np.empty((count, config.n), dtype=dtype)
        self.d_read: np.ndarray = np.empty((neurons, config.n), dtype=dtype)
        widest = max(count, neurons, config.n)
        self.multiply = Multiplier(widest, max(neurons, config.n))

    def attend(self) -> Attended:
        """Values of every token and the weights of every pair."""
        p, rate = self.parameters, self.dtype.type(self.config.attention_rate)
        at = p["embed.W_E"].T + p["pos_embed.W_pos"][:, None]
        w_k, w_q, w_v = (p[f"blocks.0.attn.W_{name}"].swapaxes(1, 2) for name in "KQV")
        key, value = at[:, None] @ w_k, at[:, None] @ w_v
        query = at[1] @ w_q
        scale = self.dtype.type(query.shape[-1] ** -0.5)
        own = (query * key[1]).sum(-1) * scale
        scores = (key[0] @ query.swapaxes(1, 2)) * scale - own[:, None]
        learned = 1 / (1 + np.exp(-scores))
        return Attended(
            at=at,
            key=key,
            value=value,
            query=query,
            out=value @ by_head(p["blocks.0.attn.W_O"], self.config.heads),
            learned=learned,
            weight=np.stack([rate * learned + (1 - rate), 1 - rate * learned]),
        )

    def readers(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Matrix (embed, width) and bias (width,) of what reads the stream: neurons, logits."""
        p = self.parameters
        return (
            (p["blocks.0.mlp.W_in"].T, p["blocks.0.mlp.b_in"]),
            (p["unembed.W_U"], p["blocks.0.mlp.b_out"] @ p["unembed.W_U"]),
        )

    def read_out(self) -> Float[np.ndarray, "neuron c"]:
        """The hidden layer's output matrix taken through the unembedding."""
        p = self.parameters
        return p["blocks.0.mlp.W_out"].T @ p["unembed.W_U"]

    def gradient(self) -> None:
        """Gradient of the mean cross-entropy over the training pairs, into ``grad``."""
        p, d = self.parameters, self.d_parameters
        w_u, w_out = p["unembed.W_U"], p["blocks.0.mlp.W_out"]
        attended, read = self.attend(), self.read_out()
        hidden, d_hidden, logits, multiply = self.hidden, self.d_hidden, self.logits, self.multiply
        tables = self._read(attended, self.a, self.b, (hidden, logits))
        relu(hidden)
        multiply(hidden, read, logits, add=True)
        logits -= logits.max(1, keepdims=True)
        torch.from_numpy(logits).exp_()
        # Not probability - 1, which a sure network rounds to 0: what the others have together.
        at_right = np.arange(len(self.right)), self.right
        right = logits[at_right]
        logits[at_right] = 0
        others = logits.sum(1)
        logits /= (others + right)[:, None]
        logits[at_right] = -others / (others + right)
        logits /= self.dtype.type(len(self.right))
        multiply(hidden, logits, self.d_read, turn_a=True)
        multiply(logits, read, d_hidden, turn_b=True)
        relu_back(hidden, d_hidden)
        d["blocks.0.mlp.W_out"][...] = w_u @ self.d_read.T
        d["unembed.W_U"][...] = w_out @ self.d_read
        d_at, d_out = np.zeros_like(attended.at), np.zeros_like(attended.out)
        d_weight = np.zeros_like(attended.weight)
        d_matrices = []
        for (matrix, _), table, d_stream in zip(
            self.readers(), tables, (d_hidden, logits), strict=True
        ):
            d_table, d_base = np.zeros_like(table), np.zeros_like(table[0, 0])
            combine_back(
                attended.weight, table, self.a, self.b, d_stream, d_weight, d_table, d_base
            )
            d_at[1] += d_base @ matrix.T
            d_out += d_table @ matrix.T
            turned = attended.out.reshape(-1, matrix.shape[0]).T
            d_matrix = turned @ d_table.reshape(-1, matrix.shape[1]) + attended.at[1].T @ d_base
            d_matrices.append((d_matrix, d_base.sum(0)))
        (d_in, d["blocks.0.mlp.b_in"][...]), (d_u, total) = d_matrices
        d["blocks.0.mlp.W_in"][...] = d_in.T
        d["unembed.W_U"] += d_u + p["blocks.0.mlp.b_out"][:, None] * total
        d["blocks.0.mlp.b_out"][...] = w_u @ total
        self._attend_back(attended, d_weight, d_out, d_at, d)

    def _read(
        self,
        attended: Attended,
        a: Int[np.ndarray, " pair"],
        b: Int[np.ndarray, " pair"],
        results: tuple[np.ndarray, np.ndarray],
    ) -> list[Float[np.ndarray, "2 head token width"]]:
        """What the neurons and the logits read of the stream, into ``results``; their tables."""
        tables = []
        for (matrix, bias), result in zip(self.readers(), results, strict=True):
            table = attended.out @ matrix
            combine(attended.weight, table, attended.at[1] @ matrix + bias, a, b, result)
            tables.append(table)
        return tables

    def _attend_back(
        self,
        attended: Attended,
        d_weight: Float[np.ndarray, "2 head a b"],
        d_out: Float[np.ndarray, "2 head token embed"],
        d_at: Float[np.ndarray, "2 token embed"],
        d: dict[str, np.ndarray],
    ) -> None:
        """From the gradients of weights and values to those of embeddings and matrices."""
        p, heads = self.parameters, self.config.heads
        factor = self.config.attention_rate * attended.query.shape[-1] ** -0.5
        d_scores = (d_weight[0] - d_weight[1]) * attended.learned * (1 - attended.learned)
        d_scores *= self.dtype.type(factor)
        d_own = -d_scores.sum(1)[..., None]
        d_key = np.stack([d_scores @ attended.query, d_own * attended.query])
        d_query = d_scores.swapaxes(1, 2) @ attended.key[0] + d_own * attended.key[1]
        d["blocks.0.attn.W_Q"][...] = d_query.swapaxes(1, 2) @ attended.at[1]
        d_at[1] += (d_query @ p["blocks.0.attn.W_Q"]).sum(0)
        d_o = (attended.value.swapaxes(2, 3) @ d_out).sum(0)
        d["blocks.0.attn.W_O"][...] = d_o.transpose(2, 0, 1).reshape(d_o.shape[2], -1)
        d_value = d_out @ by_head(p["blocks.0.attn.W_O"], heads).swapaxes(1, 2)
        for name, d_part in (("V", d_value), ("K", d_key)):
            turned = d_part.swapaxes(2, 3)
            d[f"blocks.0.attn.W_{name}"][...] = (turned @ attended.at[:, None]).sum(0)
            d_at += (d_part @ p[f"blocks.0.attn.W_{name}"]).sum(1)
        d["pos_embed.W_pos"][...] = d_at.sum(1)
        d["embed.W_E"][...] = d_at.sum(0).T

    def update(self, index: int) -> None:
        """Move the parameters by AdamW; ``index`` from 0, the learning rate warming up."""
        config = self.config
        lr = config.lr * min(1.0, (index + 1) / max(1, config.warmup))
        settings = constants(index + 1, self.dtype.type, lr=lr, weight_decay=config.weight_decay)
        adamw(self.theta, self.grad, self.slow, self.first, self.second, settings)

    def all_logits(self) -> Float[np.ndarray, "pair c"]:
        """Logits of every answer for the pairs a n + b."""
        a, b, _ = self.pairs
        hidden = np.empty((len(a), self.config.num_neurons), dtype=self.dtype)
        logits = np.empty((len(a), self.config.n), dtype=self.dtype)
        self._read(self.attend(), a, b, (hidden, logits))
        relu(hidden)
        return logits + hidden @ self.read_out()

    def evaluate(self) -> tuple[Bool[np.ndarray, " pair"], Float[np.ndarray, " pair"]]:
        """Whether the largest logit is the right one, and cross-entropy in nats, for every pair."""
        answer = self.pairs[2]
        logits = self.all_logits().astype(np.float64)
        logits -= logits.max(1, keepdims=True)
        own = np.take_along_axis(logits, answer[:, None], 1)[:, 0]
        loss = np.log(np.exp(logits).sum(1)) - own
        return logits.argmax(1) == answer, loss

    def state(self) -> dict[str, np.ndarray]:
        """What a resumed training needs, by name."""
        return {"theta": self.theta, "first": self.first, "second": self.second}
