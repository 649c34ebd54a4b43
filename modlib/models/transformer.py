"""The network of paper B: one transformer block over two digits and a place for the answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from modlib.config.remainders import RemaindersConfig
from modlib.maths import rng
from modlib.tasks.remainders import moduli

NUM_POSITIONS = 3
"""x0, x1 and the position at which the answer is read."""

Keep = tuple[Tensor, Tensor]
"""What dropout multiplies the residual stream by, after attention and after the feed-forward
layer: (embed,) for one mask a step, (batch, embed) for one a number."""


def parameter_shapes(config: RemaindersConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the parameters, in the order in which the initialisation draws them."""
    embed, heads = config.embed_dim, config.heads
    head = embed // heads
    return {
        "tok": (config.p + 1, embed),
        "pos": (NUM_POSITIONS, embed),
        "q": (heads, embed, head),
        "k": (heads, embed, head),
        "v": (heads, embed, head),
        "o": (heads, head, embed),
        "w_in": (embed, 4 * embed),
        "w_out": (4 * embed, embed),
        "unembed": (embed, int(moduli(config).sum())),
    }


def fan_in(config: RemaindersConfig) -> dict[str, int]:
    """The number that He's initialisation divides by, as the authors' library counts it.

    It takes every axis but the last for an input, so that heads and tasks count too.
    """
    return {
        name: int(np.prod(shape[:-1])) * (len(moduli(config)) if name == "unembed" else 1)
        for name, shape in parameter_shapes(config).items()
    }


def initial_weights(config: RemaindersConfig, seed: int) -> dict[str, Float[np.ndarray, ...]]:
    """A seed's initial parameters in float32: normals of variance 2 / fan_in, truncated at two
    standard deviations and rescaled (He et al. 2015; paper B, Model)."""
    drawn, inputs = {}, fan_in(config)
    for index, (name, shape) in enumerate(parameter_shapes(config).items()):
        values = rng.truncated_normals(seed, rng.INIT, index, int(np.prod(shape)))
        scale = np.sqrt(2 / inputs[name])
        drawn[name] = (scale * values).reshape(shape).astype(np.float32)
    return drawn


class RemaindersTransformer(nn.Module):
    """Tokens (x0, x1, p) -> attention -> ReLU layer -> logits at the last position.

    No bias, no layer norm, no causal mask; heads are added. The logits of all tasks lie side by
    side, task after task (paper B, equations 7 to 10).
    """

    tok: Tensor
    pos: Tensor
    q: Tensor
    k: Tensor
    v: Tensor
    o: Tensor
    w_in: Tensor
    w_out: Tensor
    unembed: Tensor

    def __init__(self, config: RemaindersConfig) -> None:
        super().__init__()
        self.answer_token = config.p
        for name, shape in parameter_shapes(config).items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))

    def forward(
        self, x0: Int[Tensor, " batch"], x1: Int[Tensor, " batch"], keep: Keep | None = None
    ) -> Float[Tensor, "batch logit"]:
        """Logits of every remainder of every task."""
        last = torch.full_like(x0, self.answer_token)
        stream = self.tok[torch.stack([x0, x1, last], dim=1)] + self.pos
        stream = stream + self.attention(stream)
        if keep is not None:
            stream = stream * keep[0].reshape(-1, 1, stream.shape[-1])
        stream = stream + torch.relu(stream @ self.w_in) @ self.w_out
        if keep is not None:
            stream = stream * keep[1].reshape(-1, 1, stream.shape[-1])
        return stream[:, -1] @ self.unembed

    def attention(self, stream: Float[Tensor, "batch pos embed"]) -> Tensor:
        """What the heads add to the stream, (batch, pos, embed); equation 8."""
        query, key, value = (
            torch.einsum("bte,heq->bhtq", stream, weight) for weight in (self.q, self.k, self.v)
        )
        scores = query @ key.transpose(-1, -2) / key.shape[-1] ** 0.5
        return torch.einsum("bhtq,hqe->bte", torch.softmax(scores, -1) @ value, self.o)


def build(config: RemaindersConfig, weights: Mapping[str, np.ndarray]) -> RemaindersTransformer:
    """The module holding a copy of ``weights``."""
    model = RemaindersTransformer(config)
    model.load_state_dict({name: torch.from_numpy(np.array(weights[name])) for name in weights})
    return model
