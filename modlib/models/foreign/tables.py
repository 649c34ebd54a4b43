"""Networks of each layout as tables of their inputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from modlib.models.foreign.layouts import TRANSFORMERS
from modlib.models.foreign.readings import Reading
from modlib.models.foreign.transformers import build_transformer
from modlib.models.foreign.views_of import Tables, of_pairs, require_size
from modlib.models.views.activations import torch_activation
from modlib.models.views.neuron_view import Factors, NeuronView
from modlib.models.views.pair_view import PairView, Product


def build(reading: Reading) -> Tables:
    """The tables of a network from a reading of its parameters, in float64."""
    if reading.layout in TRANSFORMERS:
        return build_transformer(reading)
    return _BUILDERS[reading.layout](reading)


def _two_embeddings(
    reading: Reading,
    factors: Factors,
    b_in: Float[np.ndarray, " neuron"],
    w_out: Float[np.ndarray, "neuron n"],
    b_out: Float[np.ndarray, " n"],
) -> Tables:
    """Networks of one hidden layer on a part of a's embedding and a part of b's."""
    weights = [torch.tensor(array) for array in (factors.w_a, factors.w_b, b_in, w_out, b_out)]
    act = torch_activation(reading.activation)

    def respond(at_a: Tensor, at_b: Tensor) -> Tensor:
        w_a, w_b, bias, out, last = weights
        return act(at_a @ w_a + at_b @ w_b + bias) @ out + last

    view = NeuronView.from_embeddings(factors, b_in, w_out, b_out, reading.activation)
    return Tables(view, factors.embed_a, factors.embed_b, respond)


def _ours(reading: Reading) -> Tables:
    tensors = reading.tensors
    w_a, w_b = np.split(tensors["hidden.weight"].T, 2)
    return _two_embeddings(
        reading,
        Factors(tensors["embed_a.weight"], tensors["embed_b.weight"], w_a, w_b),
        tensors["hidden.bias"],
        tensors["unembed.weight"].T,
        tensors["unembed.bias"],
    )


def _chughtai(reading: Reading) -> Tables:
    tensors = reading.tensors
    w_a, w_b = np.split(tensors["W"], 2)
    num_neurons, n = tensors["W_U"].shape
    factors = Factors(tensors["W_x"], tensors["W_y"], w_a, w_b)
    return _two_embeddings(reading, factors, np.zeros(num_neurons), tensors["W_U"], np.zeros(n))


def _zhong_one_layer(reading: Reading) -> Tables:
    """alpha adds the embeddings, delta puts them side by side."""
    w_in = reading.tensors["l1.weight"].T
    w_a, w_b = np.split(w_in, 2) if reading.layout == "zhong_delta" else (w_in, w_in)
    embed_a, embed_b, w_out = _ends(reading)
    factors = Factors(embed_a, embed_b, w_a, w_b)
    b_out = np.zeros(reading.vocabulary.n)
    return _two_embeddings(reading, factors, reading.tensors["l1.bias"], w_out, b_out)


def _ends(reading: Reading) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The embeddings of a and of b, one array where they share it, and (neuron, n) weights out."""
    n, first_b, _ = reading.vocabulary
    embedding = reading.tensors["embed.weight"]
    embed_a = embedding[:n]
    embed_b = embedding[first_b : first_b + n] if first_b else embed_a
    return embed_a, embed_b, reading.tensors["unembed.weight"][:n].T


def _zhong_two_layers(reading: Reading) -> Tables:
    """beta adds the embeddings, then l1; gamma adds l1 of both, and so its bias twice."""
    p = {name: torch.tensor(array) for name, array in reading.tensors.items()}
    num_biases = 2 if reading.layout == "zhong_gamma" else 1
    act = torch_activation(reading.activation)
    embed_a, embed_b, w_out = _ends(reading)
    last = torch.tensor(w_out)

    def first(at_a: Tensor, at_b: Tensor) -> Tensor:
        return act((at_a + at_b) @ p["l1.weight"].T + num_biases * p["l1.bias"])

    def respond(at_a: Tensor, at_b: Tensor) -> Tensor:
        return act(first(at_a, at_b) @ p["l2.weight"].T + p["l2.bias"]) @ last

    n = require_size(w_out.shape[1], len(p["l1.bias"]))
    stream = of_pairs(first, embed_a, embed_b)
    view = PairView(
        n=n,
        preact=Product(stream, p["l2.weight"].T.numpy(), p["l2.bias"].numpy()),
        w_out=w_out,
        b_out=np.zeros(n),
        skip=Product(stream[..., :0], np.zeros((0, n)), np.zeros(n)),
        activation=reading.activation,
    )
    note = "There are two hidden layers: the neurons here are those of the second."
    return Tables(view, embed_a, embed_b, respond, (note,))


def _one_hot(reading: Reading) -> Tables:
    by_axes = {reading.axes[name]: array for name, array in reading.tensors.items()}
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
        activation=reading.activation,
    )
    return Tables(view)


def _arrays(reading: Reading) -> Tables:
    tensors = reading.tensors
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
        activation=reading.activation,
    )
    return Tables(view)


_BUILDERS: dict[str, Callable[[Reading], Tables]] = {
    "two_embedding_mlp": _ours,
    "chughtai_mlp": _chughtai,
    "zhong_alpha": _zhong_one_layer,
    "zhong_beta": _zhong_two_layers,
    "zhong_gamma": _zhong_two_layers,
    "zhong_delta": _zhong_one_layer,
    "one_hot_mlp": _one_hot,
    "arrays": _arrays,
}
