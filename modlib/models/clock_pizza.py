"""The transformer of Zhong et al. 2023, between uniform (pizza) and learned (clock) attention.

One block without LayerNorm on the tokens (a, b), read at b. A head weighs each token by
rate * softmax + (1 - rate): with rate 0 every token has weight 1, whatever it is.
Parameters have the names and shapes of the published state dicts.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.maths import rng

NUM_TOKENS = 2


def parameter_shapes(config: ClockPizzaConfig) -> dict[str, tuple[int, ...]]:
    """Parameters by their published name, in the order in which the initialisation draws them."""
    n, embed, heads, neurons = config.n, config.embed_dim, config.heads, config.num_neurons
    of_head = (heads, embed // heads, embed)
    return {
        "embed.W_E": (embed, n),
        "pos_embed.W_pos": (NUM_TOKENS, embed),
        "blocks.0.attn.W_K": of_head,
        "blocks.0.attn.W_Q": of_head,
        "blocks.0.attn.W_V": of_head,
        "blocks.0.attn.W_O": (embed, embed),
        "blocks.0.mlp.W_in": (neurons, embed),
        "blocks.0.mlp.b_in": (neurons,),
        "blocks.0.mlp.W_out": (embed, neurons),
        "blocks.0.mlp.b_out": (embed,),
        "unembed.W_U": (embed, n),
    }


def initial_weights(config: ClockPizzaConfig, seed: int) -> dict[str, Float[np.ndarray, ...]]:
    """A seed's initial parameters in float32: normal with the variances of Zhong et al.'s program.

    1 / embed_dim, but 1 / n for W_U and 1 / num_neurons for W_in; biases are zero.
    """
    variances = {"unembed.W_U": 1 / config.n, "blocks.0.mlp.W_in": 1 / config.num_neurons}
    weights = {}
    for index, (name, shape) in enumerate(parameter_shapes(config).items()):
        scale = variances.get(name, 1 / config.embed_dim) ** 0.5
        if name.rpartition(".")[2].startswith("b_"):
            scale = 0.0
        drawn = rng.normals(seed, rng.INIT, index, int(np.prod(shape)))
        weights[name] = (scale * drawn).reshape(shape).astype(np.float32)
    return weights


def stream(
    parameters: Mapping[str, Tensor],
    rate: float,
    at_a: Float[Tensor, "pair embed"],
    at_b: Float[Tensor, "pair embed"],
) -> Float[Tensor, "pair embed"]:
    """The residual stream at token b after attention, from the embeddings of a and b.

    Positions are added here; a single block needs no other position.
    """
    positions = parameters["pos_embed.W_pos"]
    at = torch.stack([at_a + positions[0], at_b + positions[1]], dim=1)
    keys = torch.einsum("hde,pte->phtd", parameters["blocks.0.attn.W_K"], at)
    values = torch.einsum("hde,pte->phtd", parameters["blocks.0.attn.W_V"], at)
    query = torch.einsum("hde,pe->phd", parameters["blocks.0.attn.W_Q"], at[:, 1])
    scores = torch.einsum("phd,phtd->pht", query, keys) * query.shape[-1] ** -0.5
    weights = rate * torch.softmax(scores, dim=-1) + (1 - rate)
    heads = torch.einsum("pht,phtd->phd", weights, values)
    return at[:, 1] + heads.flatten(1) @ parameters["blocks.0.attn.W_O"].T


def respond(
    parameters: Mapping[str, Tensor],
    rate: float,
    at_a: Float[Tensor, "pair embed"],
    at_b: Float[Tensor, "pair embed"],
) -> Float[Tensor, "pair c"]:
    """Logits of every answer from the embeddings of a and b."""
    middle = stream(parameters, rate, at_a, at_b)
    w_in, b_in = parameters["blocks.0.mlp.W_in"], parameters["blocks.0.mlp.b_in"]
    w_out, b_out = parameters["blocks.0.mlp.W_out"], parameters["blocks.0.mlp.b_out"]
    hidden = torch.relu(middle @ w_in.T + b_in)
    return (middle + hidden @ w_out.T + b_out) @ parameters["unembed.W_U"]


class ClockPizzaTransformer(nn.Module):
    """The readable network (Zhong et al. 2023, section 2 and appendix A)."""

    def __init__(self, config: ClockPizzaConfig, weights: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self.rate = config.attention_rate
        self.names = {name.replace(".", "_"): name for name in parameter_shapes(config)}
        for attribute, name in self.names.items():
            self.register_parameter(attribute, nn.Parameter(torch.tensor(weights[name])))

    def by_name(self) -> dict[str, Tensor]:
        """The parameters by their published name."""
        return {name: getattr(self, attribute) for attribute, name in self.names.items()}

    def forward(self, a: Int[Tensor, " pair"], b: Int[Tensor, " pair"]) -> Float[Tensor, "pair c"]:
        """Logits of every answer for each pair."""
        parameters = self.by_name()
        embedded = parameters["embed.W_E"].T
        return respond(parameters, self.rate, embedded[a], embedded[b])
