"""Transformers of one block without LayerNorm, in any orientation, as tables of their inputs."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from modlib.models.foreign.readings import Reading
from modlib.models.foreign.shapes import oriented
from modlib.models.foreign.views_of import Tables, of_pairs, require_size
from modlib.models.views.activations import torch_activation
from modlib.models.views.pair_view import PairView, Product

WANTED = {
    "embed.W_E": "token embed",
    **{f"blocks.0.attn.W_{which}": "heads part embed" for which in "QKV"},
    **{"blocks.0.mlp.W_in": "embed neuron", "blocks.0.mlp.W_out": "neuron embed"},
    "unembed.W_U": "embed out",
}
"""Axes in which the forward pass is written."""


def build_transformer(reading: Reading) -> Tables:
    """Tokens (a, b), read at b, or (a, b, =), read at "="; a causal mask would change nothing.

    A head weighs each token by rate * softmax + (1 - rate): rate 1 unless it is Zhong et al.'s.
    """
    p = _parameters(reading)
    n, first_b, equals = reading.vocabulary
    embedding = p["embed.W_E"].numpy()
    at_equals = None if equals is None else p["embed.W_E"][equals]
    rate = 1.0 if reading.attention_rate is None else reading.attention_rate
    unembed, b_unembed = p["unembed.W_U"][:, :n], p["unembed.b_U"][:n]
    act = torch_activation(reading.activation)

    def stream(at_a: Tensor, at_b: Tensor) -> Tensor:
        tokens = [at_a, at_b] + ([] if at_equals is None else [at_equals.expand_as(at_a)])
        at = torch.stack(tokens, dim=1) + p["positions"][: len(tokens)]
        keys = torch.einsum("hde,pte->phtd", p["blocks.0.attn.W_K"], at)
        values = torch.einsum("hde,pte->phtd", p["blocks.0.attn.W_V"], at)
        query = torch.einsum("hde,pe->phd", p["blocks.0.attn.W_Q"], at[:, -1])
        keys = keys + p["blocks.0.attn.b_K"][:, None]
        query = query + p["blocks.0.attn.b_Q"]
        scores = torch.einsum("phd,phtd->pht", query, keys) * query.shape[-1] ** -0.5
        weights = rate * torch.softmax(scores, dim=-1) + (1 - rate)
        heads = torch.einsum("pht,phtd->phd", weights, values + p["blocks.0.attn.b_V"][:, None])
        return at[:, -1] + heads.flatten(1) @ p["out"] + p["blocks.0.attn.b_O"]

    def respond(at_a: Tensor, at_b: Tensor) -> Tensor:
        middle = stream(at_a, at_b)
        hidden = act(middle @ p["blocks.0.mlp.W_in"] + p["blocks.0.mlp.b_in"])
        last = middle + hidden @ p["blocks.0.mlp.W_out"] + p["blocks.0.mlp.b_out"]
        return last @ unembed + b_unembed

    require_size(n, embedding.shape[1])
    own = embedding[:n], embedding[first_b : first_b + n]
    middle = of_pairs(stream, *own)
    w_in, b_in = p["blocks.0.mlp.W_in"].numpy(), p["blocks.0.mlp.b_in"].numpy()
    view = PairView(
        n=n,
        preact=Product(middle, w_in, b_in),
        w_out=(p["blocks.0.mlp.W_out"] @ unembed).numpy(),
        b_out=(p["blocks.0.mlp.b_out"] @ unembed + b_unembed).numpy(),
        skip=Product(middle, unembed.numpy(), np.zeros(n)),
        activation=reading.activation,
    )
    answers = p["unembed.W_U"].shape[1]
    notes = [f"Of {answers} logits the first {n} are answers."] if answers > n else []
    embedding_b = own[0] if first_b == 0 else own[1]
    return Tables(view, own[0], embedding_b, respond, tuple(notes))


def _parameters(reading: Reading) -> dict[str, Tensor]:
    """In the orientation of ``WANTED``; absent biases are zero. ``out``: (heads * part, embed)."""
    tensors, axes = reading.tensors, reading.axes
    p = {
        name: torch.tensor(oriented(tensors[name], axes[name], wanted))
        for name, wanted in WANTED.items()
    }
    heads, part, embed = p["blocks.0.attn.W_Q"].shape
    place = next(axis for axis in axes["pos_embed.W_pos"].split() if axis != "embed")
    positions = oriented(tensors["pos_embed.W_pos"], axes["pos_embed.W_pos"], f"{place} embed")
    out = _out(tensors["blocks.0.attn.W_O"], axes["blocks.0.attn.W_O"])
    p |= {"positions": torch.tensor(positions), "out": torch.tensor(out)}
    zeros = {
        **{f"blocks.0.attn.b_{which}": (heads, part) for which in "QKV"},
        **{"blocks.0.attn.b_O": (embed,), "unembed.b_U": (p["unembed.W_U"].shape[1],)},
    }
    biases = {*zeros, "blocks.0.mlp.b_in", "blocks.0.mlp.b_out"} & tensors.keys()
    p |= {name: torch.zeros(shape, dtype=torch.float64) for name, shape in zeros.items()}
    return p | {name: torch.tensor(tensors[name]) for name in biases}


def _out(array: np.ndarray, axes: str) -> Float[np.ndarray, "part embed"]:
    """What heads write, (heads * part, embed)."""
    if "*" in axes:
        return array.T
    return oriented(array, axes, "heads part embed").reshape(
        -1, array.shape[axes.split().index("embed")]
    )
