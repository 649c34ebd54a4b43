"""Networks of each layout as tables of their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from modlib.errors import InputError
from modlib.models import clock_pizza
from modlib.models.foreign.layouts import Tensors
from modlib.models.views.neuron_view import Factors, NeuronView
from modlib.models.views.pair_view import PairView

Respond = Callable[[Tensor, Tensor], Tensor]

MAX_TABLE = 2**28
"""Numbers that tables of all pairs may hold."""


class Tables(NamedTuple):
    """A network as tables of its inputs; its embeddings and the logits that follow from them."""

    network: NeuronView | PairView
    embedding: Float[np.ndarray, "n embed"] | None = None
    embedding_b: Float[np.ndarray, "n embed"] | None = None
    respond: Respond | None = None
    notes: tuple[str, ...] = ()


def build(
    layout: str, weights: Tensors, axes: Mapping[str, str], rate: float | None = None
) -> Tables:
    """The tables of a network from its parameters in float64, of these axes.

    ``rate``: the attention rate, of ``zhong_transformer`` alone.
    """
    if layout == "zhong_transformer":
        assert rate is not None
        return _zhong(weights, rate)
    if layout == "one_hot_mlp":
        return _one_hot({axes[name]: array for name, array in weights.items()})
    return _BUILDERS[layout](weights)


def _two_embeddings(
    factors: Factors,
    b_in: Float[np.ndarray, " neuron"],
    w_out: Float[np.ndarray, "neuron n"],
    b_out: Float[np.ndarray, " n"],
) -> Tables:
    """Networks of one hidden layer on a part of a's embedding and a part of b's."""
    weights = [torch.tensor(array) for array in (factors.w_a, factors.w_b, b_in, w_out, b_out)]

    def respond(at_a: Tensor, at_b: Tensor) -> Tensor:
        w_a, w_b, bias, out, last = weights
        return torch.relu(at_a @ w_a + at_b @ w_b + bias) @ out + last

    view = NeuronView.from_embeddings(factors, b_in, w_out, b_out)
    return Tables(view, factors.embed_a, factors.embed_b, respond)


def _ours(tensors: Tensors) -> Tables:
    embed_a, embed_b = tensors["embed_a.weight"], tensors["embed_b.weight"]
    w_a, w_b = np.split(tensors["hidden.weight"].T, 2)
    return _two_embeddings(
        Factors(embed_a, embed_b, w_a, w_b),
        tensors["hidden.bias"],
        tensors["unembed.weight"].T,
        tensors["unembed.bias"],
    )


def _chughtai(tensors: Tensors) -> Tables:
    w_a, w_b = np.split(tensors["W"], 2)
    num_neurons, n = tensors["W_U"].shape
    factors = Factors(tensors["W_x"], tensors["W_y"], w_a, w_b)
    return _two_embeddings(factors, np.zeros(num_neurons), tensors["W_U"], np.zeros(n))


def _alpha(tensors: Tensors) -> Tables:
    w_in = tensors["l1.weight"].T
    return _zhong_one_layer(tensors, w_in, w_in)


def _delta(tensors: Tensors) -> Tables:
    w_a, w_b = np.split(tensors["l1.weight"].T, 2)
    return _zhong_one_layer(tensors, w_a, w_b)


def _zhong_one_layer(tensors: Tensors, w_a: np.ndarray, w_b: np.ndarray) -> Tables:
    embedding, unembedding = tensors["embed.weight"], tensors["unembed.weight"]
    factors = Factors(embedding, embedding, w_a, w_b)
    b_out = np.zeros(len(unembedding))
    return _two_embeddings(factors, tensors["l1.bias"], unembedding.T, b_out)


def _beta(tensors: Tensors) -> Tables:
    return _zhong_two_layers(tensors, 1)


def _gamma(tensors: Tensors) -> Tables:
    return _zhong_two_layers(tensors, 2)


def _zhong_two_layers(tensors: Tensors, num_biases: int) -> Tables:
    """beta adds the embeddings, then l1; gamma adds l1 of both, and so its bias twice."""
    p = {name: torch.tensor(array) for name, array in tensors.items()}

    def last_preact(at_a: Tensor, at_b: Tensor) -> Tensor:
        first = (at_a + at_b) @ p["l1.weight"].T + num_biases * p["l1.bias"]
        return torch.relu(first) @ p["l2.weight"].T + p["l2.bias"]

    def respond(at_a: Tensor, at_b: Tensor) -> Tensor:
        return torch.relu(last_preact(at_a, at_b)) @ p["unembed.weight"].T

    embedding, unembedding = tensors["embed.weight"], tensors["unembed.weight"]
    n = require_size(*unembedding.shape)
    view = PairView(
        n=n,
        preact=_of_pairs(last_preact, embedding),
        w_out=unembedding.T,
        b_out=np.zeros(n),
        skip=np.zeros((n, n, n)),
    )
    note = "There are two hidden layers: the neurons here are those of the second."
    return Tables(view, embedding, embedding, respond, (note,))


def require_size(n: int, num_neurons: int) -> int:
    """n, where tables of all pairs can be held; raises ``InputError`` otherwise."""
    if n * n * (n + num_neurons) > MAX_TABLE:
        rule = f"be small enough for tables of at most {MAX_TABLE} numbers (n^2 (n + neurons))"
        raise InputError("n", rule, n)
    return n


def _of_pairs(of: Respond, embedding: Float[np.ndarray, "n embed"]) -> np.ndarray:
    """A function of both embeddings for all pairs, (a, b, column)."""
    n = len(embedding)
    a, b = np.divmod(np.arange(n * n), n)
    at = torch.tensor(embedding)
    return of(at[a], at[b]).reshape(n, n, -1).numpy()


def _zhong(tensors: Tensors, rate: float) -> Tables:
    p = {name: torch.tensor(array) for name, array in tensors.items()}
    embedding = tensors["embed.W_E"].T
    return Tables(
        _block(p, lambda a, b: clock_pizza.stream(p, rate, a, b), embedding, p["unembed.W_U"]),
        embedding,
        embedding,
        lambda at_a, at_b: clock_pizza.respond(p, rate, at_a, at_b),
    )


def _nanda(tensors: Tensors) -> Tables:
    """Nanda et al. 2023: tokens (a, b, =), read at "=", softmax attention; n + 1 tokens."""
    p = {name: torch.tensor(array) for name, array in tensors.items()}
    embedding = tensors["embed.W_E"].T[:-1]
    unembed = p["unembed.W_U"][:, :-1]
    positions, equals = p["pos_embed.W_pos"], p["embed.W_E"][:, -1]

    def stream(at_a: Tensor, at_b: Tensor) -> Tensor:
        at = torch.stack([at_a, at_b, equals.expand_as(at_a)], dim=1) + positions
        keys = torch.einsum("hde,pte->phtd", p["blocks.0.attn.W_K"], at)
        values = torch.einsum("hde,pte->phtd", p["blocks.0.attn.W_V"], at)
        query = torch.einsum("hde,pe->phd", p["blocks.0.attn.W_Q"], at[:, -1])
        scores = torch.einsum("phd,phtd->pht", query, keys) * query.shape[-1] ** -0.5
        heads = torch.einsum("pht,phtd->phd", torch.softmax(scores, dim=-1), values)
        return at[:, -1] + heads.flatten(1) @ p["blocks.0.attn.W_O"].T

    def respond(at_a: Tensor, at_b: Tensor) -> Tensor:
        middle = stream(at_a, at_b)
        hidden = torch.relu(middle @ p["blocks.0.mlp.W_in"].T + p["blocks.0.mlp.b_in"])
        return (middle + hidden @ p["blocks.0.mlp.W_out"].T + p["blocks.0.mlp.b_out"]) @ unembed

    note = 'The logit of the token "=" is left out: answers are 0 to n - 1.'
    view = _block(p, stream, embedding, unembed)
    return Tables(view, embedding, embedding, respond, (note,))


def _block(
    p: Mapping[str, Tensor], stream: Respond, embedding: np.ndarray, unembed: Tensor
) -> PairView:
    """Tables of a transformer of one block without LayerNorm, from its stream before the MLP."""
    n = require_size(unembed.shape[1], len(p["blocks.0.mlp.b_in"]))
    middle = torch.tensor(_of_pairs(stream, embedding))
    return PairView(
        n=n,
        preact=(middle @ p["blocks.0.mlp.W_in"].T + p["blocks.0.mlp.b_in"]).numpy(),
        w_out=(p["blocks.0.mlp.W_out"].T @ unembed).numpy(),
        b_out=(p["blocks.0.mlp.b_out"] @ unembed).numpy(),
        skip=(middle @ unembed).numpy(),
    )


def _one_hot(by_axes: Tensors) -> Tables:
    w_out = by_axes["n neuron"].T
    num_neurons, n = w_out.shape
    both = by_axes.get("neuron 2*n")
    w_a, w_b = np.split(both.T, 2) if both is not None else (by_axes["neuron n"].T,) * 2
    no_path = np.zeros((n, n))
    view = NeuronView(
        n=n,
        preact_a=w_a,
        preact_b=w_b,
        b_in=by_axes.get("neuron", np.zeros(num_neurons)),
        w_out=w_out,
        b_out=by_axes.get("n", np.zeros(n)),
        skip_a=no_path,
        skip_b=no_path,
    )
    return Tables(view, notes=("Hidden neurons are taken as ReLU: the file does not say it.",))


def _arrays(tensors: Tensors) -> Tables:
    num_neurons, n = tensors["w_out"].shape
    view = NeuronView(
        n=n,
        preact_a=tensors["preact_a"],
        preact_b=tensors["preact_b"],
        b_in=tensors.get("b_in", np.zeros(num_neurons)),
        w_out=tensors["w_out"],
        b_out=tensors.get("b_out", np.zeros(n)),
        skip_a=tensors.get("skip_a", np.zeros((n, n))),
        skip_b=tensors.get("skip_b", np.zeros((n, n))),
    )
    return Tables(view)


_BUILDERS: dict[str, Callable[[Tensors], Tables]] = {
    "two_embedding_mlp": _ours,
    "chughtai_mlp": _chughtai,
    "nanda_transformer": _nanda,
    "zhong_alpha": _alpha,
    "zhong_beta": _beta,
    "zhong_gamma": _gamma,
    "zhong_delta": _delta,
    "arrays": _arrays,
}
