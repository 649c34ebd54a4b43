"""The network of paper A: two embeddings, one hidden layer of ReLU neurons, n logits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from modlib.config.addition import AdditionConfig
from modlib.maths import rng

PARAMETERS = (
    "embed_a.weight",
    "embed_b.weight",
    "hidden.weight",
    "hidden.bias",
    "unembed.weight",
    "unembed.bias",
)
"""Parameter names, in the order in which the initialisation draws them. Final."""

FAR, NEAR = 1.0, 0.025
"""Sizes beyond and under which embedding weights are counted: paper A, figure A3."""
SHARES = ("share_above_1", "share_within_025", "abs_max")
"""What ``embedding_shares`` gives, in its order."""


class TwoEmbeddingMLP(nn.Module):
    """ReLU([E_A[a], E_B[b]] W + b_in) W_out + b_out (paper A, section 4).

    ``embed_a``, ``embed_b``: (n, embed_dim); ``hidden``: (num_neurons, 2 embed_dim) and bias;
    ``unembed``: (n, num_neurons) and bias.
    """

    def __init__(self, config: AdditionConfig) -> None:
        super().__init__()
        n, embed_dim, num_neurons = config.n, config.embed_dim, config.num_neurons
        self.embed_a = nn.Embedding(n, embed_dim)
        self.embed_b = nn.Embedding(n, embed_dim)
        self.hidden = nn.Linear(2 * embed_dim, num_neurons)
        self.unembed = nn.Linear(num_neurons, n)

    def forward(
        self, a: Int[Tensor, " batch"], b: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch n"]:
        """Logits of every answer for each pair."""
        embedded = torch.cat([self.embed_a(a), self.embed_b(b)], dim=-1)
        return self.unembed(torch.relu(self.hidden(embedded)))


def parameter_shapes(config: AdditionConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the parameters, in the order in which the initialisation draws them."""
    n, embed_dim, num_neurons = config.n, config.embed_dim, config.num_neurons
    return {
        "embed_a.weight": (n, embed_dim),
        "embed_b.weight": (n, embed_dim),
        "hidden.weight": (num_neurons, 2 * embed_dim),
        "hidden.bias": (num_neurons,),
        "unembed.weight": (n, num_neurons),
        "unembed.bias": (n,),
    }


def initial_weights(config: AdditionConfig, seed: int) -> dict[str, Float[np.ndarray, ...]]:
    """A seed's initial parameters in float32, by name.

    ``torch``: embeddings N(0, 1), linear weights and biases U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
    ``flax``: embeddings N(0, 1/embed_dim), linear weights normal of variance 1/fan_in truncated
    at two standard deviations and rescaled (LeCun normal), biases zero.
    """
    embed_dim = config.embed_dim
    fan_in = {"hidden": 2 * embed_dim, "unembed": config.num_neurons}
    weights = {}
    for index, (name, shape) in enumerate(parameter_shapes(config).items()):
        layer = name.partition(".")[0]
        count = int(np.prod(shape))
        if layer not in fan_in:
            scale = 1.0 if config.init == "torch" else embed_dim**-0.5
            drawn = scale * rng.normals(seed, rng.INIT, index, count)
        elif config.init == "torch":
            drawn = (2 * rng.uniforms(seed, rng.INIT, index, count) - 1) * fan_in[layer] ** -0.5
        elif name.endswith("bias"):
            drawn = np.zeros(count)
        else:
            drawn = fan_in[layer] ** -0.5 * rng.truncated_normals(seed, rng.INIT, index, count)
        weights[name] = drawn.reshape(shape).astype(np.float32)
    return weights


def embedding_shares(*embeddings: Float[np.ndarray, "n embed"]) -> dict[str, float]:
    """Of all entries together, by ``SHARES``: shares over 1 and under .025 in size, largest size.

    Paper A, figure A3. NaN counts as neither, and is the largest.
    """
    sizes = [np.abs(embedding).ravel() for embedding in embeddings]
    size = sizes[0] if len(sizes) == 1 else np.concatenate(sizes)
    values = (size > FAR).mean(), (size < NEAR).mean(), size.max()
    return {name: float(value) for name, value in zip(SHARES, values, strict=True)}


def build(config: AdditionConfig, weights: Mapping[str, np.ndarray]) -> TwoEmbeddingMLP:
    """The module holding a copy of ``weights``."""
    model = TwoEmbeddingMLP(config)
    model.load_state_dict({name: torch.from_numpy(np.array(weights[name])) for name in PARAMETERS})
    return model
