"""Layouts of other people's networks: what their parameters are called, and their axes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import permutations, takewhile
from typing import NamedTuple

import numpy as np

from modlib.config.addition import MAX_N
from modlib.errors import InputError, require_int

Tensors = Mapping[str, np.ndarray]


def _transformer(positions: int, token: str) -> dict[str, str]:
    return {
        "embed.W_E": f"embed {token}",
        "pos_embed.W_pos": f"{positions} embed",
        "blocks.0.attn.W_K": "heads part embed",
        "blocks.0.attn.W_Q": "heads part embed",
        "blocks.0.attn.W_V": "heads part embed",
        "blocks.0.attn.W_O": "embed heads*part",
        "blocks.0.mlp.W_in": "neuron embed",
        "blocks.0.mlp.b_in": "neuron",
        "blocks.0.mlp.W_out": "embed neuron",
        "blocks.0.mlp.b_out": "embed",
        "unembed.W_U": f"embed {token}",
    }


_ONE_LAYER = {
    "embed.weight": "n embed",
    "unembed.weight": "n neuron",
    "l1.weight": "neuron embed",
    "l1.bias": "neuron",
}
_TWO_LAYERS = {
    "embed.weight": "n embed",
    "l1.weight": "middle embed",
    "l1.bias": "middle",
    "unembed.weight": "n neuron",
    "l2.weight": "neuron middle",
    "l2.bias": "neuron",
}

AXES: dict[str, dict[str, str]] = {
    "two_embedding_mlp": {
        "embed_a.weight": "n embed",
        "embed_b.weight": "n embed",
        "hidden.weight": "neuron 2*embed",
        "hidden.bias": "neuron",
        "unembed.weight": "n neuron",
        "unembed.bias": "n",
    },
    "chughtai_mlp": {
        "W_x": "n embed",
        "W_y": "n embed",
        "W": "2*embed neuron",
        "W_U": "neuron n",
    },
    "zhong_transformer": _transformer(2, "n"),
    "nanda_transformer": _transformer(3, "token"),
    "zhong_alpha": _ONE_LAYER,
    "zhong_beta": _TWO_LAYERS,
    "zhong_gamma": _TWO_LAYERS,
    "zhong_delta": {**_ONE_LAYER, "l1.weight": "neuron 2*embed"},
    "arrays": {
        "preact_a": "n neuron",
        "preact_b": "n neuron",
        "w_out": "neuron n",
        "b_in": "neuron",
        "b_out": "n",
        "skip_a": "n n",
        "skip_b": "n n",
    },
}
"""Axes of each parameter of the layouts whose names are fixed; ``*`` multiplies."""

LAYOUTS: tuple[str, ...] = (*AXES, "one_hot_mlp")

OPTIONAL = {"arrays": {"b_in", "b_out", "skip_a", "skip_b"}}

BUFFERS = frozenset({"blocks.0.attn.mask"})
"""Arrays in a state dict that were not trained."""

ONE_HOT_NAMES = (
    *(("fc1", "fc2"), ("l1", "l2"), ("0", "2"), ("hidden", "output"), ("hidden", "out")),
    *(("linear1", "linear2"), ("layer1", "layer2"), ("W_in", "W_out")),
)
"""Usual names of the two layers of a network on one-hot inputs."""


MAX_TRIED = 512
"""Largest n for which it is tried which layer of a network on one-hot inputs is the first."""


class Reading(NamedTuple):
    """What the parameters may be: a layout, its attention rate, and their axes by name."""

    layout: str
    attention_rate: float | None
    axes: Mapping[str, str]


def plain_names(tensors: Tensors) -> dict[str, np.ndarray]:
    """The tensors without what stands in front of all their names: ``module.``, ``layers.`` ...

    Of a run in the store, its ``model/`` arrays.
    """
    of_run = {name: array for name, array in tensors.items() if name.startswith("model/")}
    named = {name.removeprefix("model/"): array for name, array in (of_run or tensors).items()}
    parts = zip(*(name.split(".")[:-1] for name in named), strict=False)
    num_shared = sum(1 for _ in takewhile(lambda part: len(set(part)) == 1, parts))
    return {name.split(".", num_shared)[-1]: array for name, array in named.items()}


def recognise(tensors: Tensors) -> str:
    """The layout whose names these are; where layouts share names, the one whose shapes fit best.

    ``zhong_beta`` stands for ``zhong_gamma`` too, which has the same arrays. Raises
    ``InputError``, which lists names and shapes, where there is none.
    """
    tensors = plain_names(tensors)
    named = {layout: parameters(layout, tensors) for layout in LAYOUTS}
    fitting = {layout: axes for layout, axes in named.items() if axes is not None}
    if fitting:
        return min(fitting, key=lambda layout: len(_misfits(fitting[layout], tensors)))
    raise InputError("tensors", f"be a network of layout {', '.join(LAYOUTS)}", listed(tensors))


def listed(tensors: Tensors) -> str:
    """Names with shapes, the first 30 of them."""
    shown = [f"{name} {tuple(array.shape)}" for name, array in list(tensors.items())[:30]]
    return ", ".join(shown) + (f" and {len(tensors) - 30} more" if len(tensors) > 30 else "")


def parameters(layout: str, tensors: Tensors, *, told: bool = False) -> dict[str, str] | None:
    """Axes by name where the tensors are the parameters of this layout, by their names; else None.

    ``told``: the two layers of ``one_hot_mlp`` may have any names.
    """
    axes = _one_hot_axes(tensors, told) if layout == "one_hot_mlp" else AXES[layout]
    names = tensors.keys() - BUFFERS
    required = axes.keys() - OPTIONAL.get(layout, set())
    if not axes or required - names or names - axes.keys():
        return None
    return {name: of_name for name, of_name in axes.items() if name in names}


def _one_hot_axes(tensors: Tensors, told: bool) -> dict[str, str]:
    """Axes of two layers and of the biases that are there; empty where there are no two layers.

    A first layer of n columns takes the sum of the one-hots, one of 2n columns both side by side.
    Where the names leave open which layer is the first, it is the first that fits.
    """
    layers = [name for name, array in tensors.items() if array.ndim == 2 and not _is_bias(name)]
    free = [*permutations(layers)] if told and len(layers) == 2 else []
    usual = [
        tuple(_one_of(tensors, f"{layer}.weight", layer) for layer in names)
        for names in ONE_HOT_NAMES
    ]
    for w_in, w_out in (*usual, *free):
        if w_in is None or w_out is None:
            continue
        rows, columns = tensors[w_in].shape[:1], tensors[w_in].shape[1:]
        n, neurons = tensors[w_out].shape[:1], tensors[w_out].shape[1:]
        if (w_in, w_out) in free and (rows != neurons or columns not in (n, (2 * n[0],))):
            continue
        first, second = (name.removesuffix(".weight") for name in (w_in, w_out))
        axes = {w_out: "n neuron", w_in: "neuron n" if columns == n else "neuron 2*n"}
        b_in = _one_of(tensors, f"{first}.bias", "b_in")
        b_out = _one_of(tensors, f"{second}.bias", "b_out")
        biases = {b_in: "neuron", b_out: "n"}
        return axes | {name: axis for name, axis in biases.items() if name is not None}
    return {}


def _is_bias(name: str) -> bool:
    return name in ("b_in", "b_out") or name.endswith(".bias")


def readings(usual: Reading, tensors: Tensors, told: bool) -> tuple[str, Mapping[str, Reading]]:
    """What the file does not say, and the networks that it may hold, by what tells them apart."""
    layout, rate, axes = usual
    if layout == "zhong_transformer" and rate is None:
        rates = (0.0, 1.0)
        return "the attention rate", {
            f"rate {r:g}": usual._replace(attention_rate=r) for r in rates
        }
    if layout == "zhong_beta" and not told:
        layouts = ("zhong_beta", "zhong_gamma")
        unsaid = "whether the first bias is added once or twice"
        return unsaid, {name: usual._replace(layout=name) for name in layouts}
    if layout == "one_hot_mlp" and told:
        orders = (tensors, dict(reversed([*tensors.items()])))
        ways = [parameters(layout, order, told=True) or axes for order in orders]
        fitting = [way for way in ways if _modulus(way, tensors) <= MAX_TRIED]
        return "which layer is the first", {
            f"{_first_layer(way)} first": usual._replace(axes=way) for way in fitting or [axes]
        }
    return "", {layout: usual}


def _modulus(axes: Mapping[str, str], tensors: Tensors) -> float:
    """n of a network with these axes, infinite where they do not fit."""
    try:
        return require_modulus(axes, tensors)
    except InputError:
        return math.inf


def _first_layer(axes: Mapping[str, str]) -> str:
    return next(name for name, of_name in axes.items() if of_name.startswith("neuron "))


def _one_of(tensors: Tensors, *names: str) -> str | None:
    return next((name for name in names if name in tensors), None)


def require_shapes(axes: Mapping[str, str], tensors: Tensors) -> dict[str, int]:
    """The size of each axis; raises ``InputError`` that names two tensors that do not fit."""
    for misfit in _misfits(axes, tensors):
        raise misfit
    return _sizes(axes, tensors)[0]


def require_modulus(axes: Mapping[str, str], tensors: Tensors) -> int:
    """n of a network with these axes; ``InputError`` for shapes that do not fit, and bad n."""
    sizes = require_shapes(axes, tensors)
    n = sizes["n"] if "n" in sizes else sizes["token"] - 1
    return require_int("n", n, at_least=3, at_most=MAX_N)


def _sizes(axes: Mapping[str, str], tensors: Tensors) -> tuple[dict[str, int], dict[str, str]]:
    """The size of each axis in the first tensor that has it, and the name of that tensor."""
    sizes: dict[str, int] = {}
    owners: dict[str, str] = {}
    for name, of_name in axes.items():
        for axis, size in zip(of_name.split(), tensors[name].shape, strict=True):
            if axis.isidentifier() and axis not in sizes:
                sizes[axis], owners[axis] = size, name
    return sizes, owners


def _misfits(axes: Mapping[str, str], tensors: Tensors) -> list[InputError]:
    """What is wrong with the shapes; each names a tensor and, if there is one, its counterpart."""
    shapes = {name: tensors[name].shape for name in axes}
    wrong = [
        InputError(name, f"have axes {_shown(of_name)}, none empty", shapes[name])
        for name, of_name in axes.items()
        if len(shapes[name]) != len(of_name.split()) or 0 in shapes[name]
    ]
    if wrong:
        return wrong
    sizes, owners = _sizes(axes, tensors)
    for name, of_name in axes.items():
        for axis, size in zip(of_name.split(), shapes[name], strict=True):
            factors = axis.split("*")
            if math.prod(sizes[f] if f in sizes else int(f) for f in factors) != size:
                others = [owners[f] for f in factors if f in owners and owners[f] != name]
                fit = "".join(f" that fit {o} of shape {shapes[o]}" for o in others[-1:])
                wrong.append(InputError(name, f"have axes {_shown(of_name)}{fit}", shapes[name]))
    return wrong


def _shown(axes: str) -> str:
    return f"({', '.join(axes.split())})"
