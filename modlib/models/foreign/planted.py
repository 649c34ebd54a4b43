"""Networks of each layout whose every property is known: drawn at random, or planted clusters.

What the battery must not see in the first and must find in the second: its calibration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from modlib.models.foreign.layouts import AXES
from modlib.models.foreign.shapes import oriented
from modlib.models.views.activations import Activation

Arrays = dict[str, np.ndarray]

SIZES = {"embed": 32, "neuron": 128, "middle": 32, "heads": 4, "part": 8}
"""Axes of random networks, but for n and its tokens."""

WITH_EQUALS = ("nanda_transformer", "lens_transformer", "easy_transformer")
"""Layouts with a token more than numbers."""


def random_tensors(layout: str, n: int, seed: int, sizes: Mapping[str, int] = SIZES) -> Arrays:
    """Parameters of a layout, normal with variance 1 over the size of their last axis."""
    generator = np.random.default_rng([seed, *layout.encode()])
    tokens = n + 1 if layout in WITH_EQUALS else n
    known = {"n": n, "token": tokens, "out": tokens, "position": 3, **sizes}
    tensors = {}
    for name, axes in AXES[layout].items():
        shape = [_size(axis, known) for axis in axes.split()]
        tensors[name] = generator.normal(size=shape) / math.sqrt(shape[-1])
    return tensors


def _size(axis: str, known: Mapping[str, int]) -> int:
    return math.prod(known[part] if part in known else int(part) for part in axis.split("*"))


def planted_tensors(
    layout: str,
    n: int,
    freqs: Sequence[int],
    *,
    copies: int = 16,
    gain: float = 1.0,
    activation: Activation = "relu",
) -> Arrays:
    """Parameters that answer a + b by a cluster of ``copies`` neurons a frequency.

    Neuron i of a frequency f hears gain (cos(2 pi f (a - t) / n) + cos(2 pi f (b - t) / n)) with
    t = i n / copies, and votes cos(2 pi f (c - 2 t) / n), whatever the layout. There is no path
    around the neurons. ``activation``: where two layers follow each other, that by which the first
    hands on what it hears; one layer is the same for each.
    """
    waves, heard, votes = _parts(n, freqs, copies, gain)
    width, num_neurons = heard.shape
    zero = np.zeros(num_neurons)
    if layout == "arrays":
        sums = waves @ heard
        return {"preact_a": sums, "preact_b": sums, "w_out": votes}
    if layout == "two_embedding_mlp":
        return {
            **{"embed_a.weight": waves, "embed_b.weight": waves},
            "hidden.weight": np.concatenate([heard, heard]).T,
            **{"hidden.bias": zero, "unembed.weight": votes.T, "unembed.bias": np.zeros(n)},
        }
    if layout == "chughtai_mlp":
        both = np.concatenate([heard, heard])
        return {"W_x": waves, "W_y": waves, "W": both, "W_U": votes}
    out = {"embed.weight": waves, "unembed.weight": votes.T}
    if layout in ("zhong_alpha", "zhong_delta"):
        both = heard if layout == "zhong_alpha" else np.concatenate([heard, heard])
        return out | {"l1.weight": both.T, "l1.bias": zero}
    if layout in ("zhong_beta", "zhong_gamma"):
        # relu(x) - relu(-x) = x, of GELU too; ((x + 1)^2 - (-x + 1)^2) / 4 = x
        square = activation == "square"
        num_biases = 2 if layout == "zhong_gamma" else 1
        eye, bias = np.eye(width), np.full(2 * width, square / num_biases)
        first = {"l1.weight": np.concatenate([eye, -eye]), "l1.bias": bias}
        both = np.concatenate([heard, -heard]).T / (4 if square else 1)
        return out | first | {"l2.weight": both, "l2.bias": zero}
    return _transformer(layout, waves, heard, votes)


def _parts(
    n: int, freqs: Sequence[int], copies: int, gain: float
) -> tuple[
    Float[np.ndarray, "n wave"], Float[np.ndarray, "wave neuron"], Float[np.ndarray, "neuron n"]
]:
    """Cosines and sines of the inputs, what neurons take of them, and what they say."""
    k, phases = np.arange(n), 2 * np.pi * np.arange(copies) / copies
    waves, heard, votes = [], np.zeros((2 * len(freqs), len(freqs) * copies)), []
    for i, freq in enumerate(freqs):
        angle = 2 * np.pi * freq * k / n
        waves += [np.cos(angle), np.sin(angle)]
        columns = slice(i * copies, (i + 1) * copies)
        heard[2 * i : 2 * i + 2, columns] = gain * np.stack([np.cos(phases), np.sin(phases)])
        votes.append(np.cos(angle - 2 * phases[:, None]))
    return np.stack(waves, axis=1), heard, np.concatenate(votes)


def _transformer(layout: str, waves: np.ndarray, heard: np.ndarray, votes: np.ndarray) -> Arrays:
    """One head that looks everywhere alike: it writes a + b beside the tokens, neurons beside it.

    The stream has a third for tokens, one for what the head writes, and one for the logits. In
    the layouts with "=" a head's weights are thirds, in Zhong et al.'s they are ones (rate 0) or
    halves.
    """
    n, width = waves.shape
    num_neurons = heard.shape[1]
    eye, none = np.eye(width), np.zeros((width, width))
    tokens, positions = (n + 1, 3) if layout in WITH_EQUALS else (n, 2)
    spread = 3.0 if positions == 3 else 1.0
    basis = np.linalg.qr(waves)[0].T  # of all votes
    embedded = np.zeros((3 * width, tokens))
    embedded[:width, :n] = waves.T
    w_in, w_out = np.zeros((num_neurons, 3 * width)), np.zeros((3 * width, num_neurons))
    w_in[:, width : 2 * width], w_out[2 * width :] = heard.T, basis @ votes.T
    unembed = np.zeros((3 * width, tokens))
    unembed[2 * width :, :n] = basis
    written = np.zeros((3 * width, width))
    written[width : 2 * width] = spread * eye
    head = np.concatenate([eye, none, none], axis=1)[None]
    first = {
        **{"embed.W_E": embedded, "pos_embed.W_pos": np.zeros((positions, 3 * width))},
        **{"blocks.0.attn.W_K": 0 * head, "blocks.0.attn.W_Q": 0 * head},
        **{"blocks.0.attn.W_V": head, "blocks.0.attn.W_O": written},
        **{"blocks.0.mlp.W_in": w_in, "blocks.0.mlp.b_in": np.zeros(num_neurons)},
        **{"blocks.0.mlp.W_out": w_out, "blocks.0.mlp.b_out": np.zeros(3 * width)},
        "unembed.W_U": unembed,
    }
    return turned(layout, first, AXES["nanda_transformer"])


def turned(layout: str, tensors: Arrays, axes: Mapping[str, str]) -> Arrays:
    """A transformer's parameters, of these axes, in the orientation of another layout."""
    others = {}
    for name, array in tensors.items():
        given, wanted = axes[name].replace("3 ", "position "), AXES[layout][name]
        wanted = wanted.replace("3 ", "position ").replace("2 ", "position ")
        if name == "blocks.0.attn.W_O" and "*" not in wanted:
            heads, part, _ = tensors["blocks.0.attn.W_Q"].shape
            array, given = array.reshape(len(array), heads, part), "embed heads part"
        others[name] = oriented(array, given, wanted)
    return others
