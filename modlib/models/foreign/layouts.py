"""Layouts of other people's networks: what their parameters are called, and their axes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, permutations, takewhile

import numpy as np

from modlib.models.foreign.shapes import Tensors

_NAMES = (
    *("embed.W_E", "pos_embed.W_pos", "blocks.0.attn.W_Q", "blocks.0.attn.W_O"),
    *("blocks.0.mlp.W_in", "blocks.0.mlp.W_out", "unembed.W_U"),
)
_BIASES = {
    **{f"blocks.0.attn.b_{which}": "heads part" for which in "QKV"},
    **{"blocks.0.attn.b_O": "embed", "unembed.b_U": "out"},
}
"""Biases of transformers that may be there: TransformerLens always saves them."""


def _transformer(*axes: str) -> dict[str, str]:
    """Axes by name from those of ``_NAMES``; keys and values have those of queries."""
    named = dict(zip(_NAMES, axes, strict=True))
    query = named["blocks.0.attn.W_Q"]
    named |= {"blocks.0.attn.W_K": query, "blocks.0.attn.W_V": query}
    return named | {"blocks.0.mlp.b_in": "neuron", "blocks.0.mlp.b_out": "embed"} | _BIASES


def _first(positions: str) -> dict[str, str]:
    """The orientation of Nanda et al. and of Zhong et al., who started from their program."""
    ends = ("heads part embed", "embed heads*part", "neuron embed", "embed neuron", "embed out")
    return _transformer("embed token", f"{positions} embed", *ends)


_ONE_LAYER = {
    "embed.weight": "token embed",
    "unembed.weight": "out neuron",
    "l1.weight": "neuron embed",
    "l1.bias": "neuron",
}
_TWO_LAYERS = {
    "embed.weight": "token embed",
    "l1.weight": "middle embed",
    "l1.bias": "middle",
    "unembed.weight": "out neuron",
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
    "zhong_transformer": _first("2"),
    "nanda_transformer": _first("3"),
    "lens_transformer": _transformer(
        *("token embed", "position embed", "heads embed part", "heads part embed"),
        *("embed neuron", "neuron embed", "embed out"),
    ),
    "easy_transformer": _transformer(
        *("embed token", "embed position", "heads part embed", "heads embed part"),
        *("neuron embed", "embed neuron", "out embed"),
    ),
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

TRANSFORMERS = tuple(layout for layout in AXES if layout.endswith("transformer"))
OPTIONAL = {
    "arrays": {"b_in", "b_out", "skip_a", "skip_b"},
    **{layout: {*_BIASES} for layout in TRANSFORMERS},
}

BUFFERS = frozenset({"blocks.0.attn.mask", "blocks.0.attn.IGNORE"})
"""Arrays in a state dict that were not trained."""

PARAMETER = re.compile(r"(.*[./])?(weight|bias|kernel|embedding|[Wwb]|[Wb]_\w+|tok|pos)")
"""Names that a trained array has: one that is left over is more than a layout reads."""

ONE_HOT_NAMES = (
    *(("fc1", "fc2"), ("l1", "l2"), ("0", "2"), ("hidden", "output"), ("hidden", "out")),
    *(("linear1", "linear2"), ("layer1", "layer2"), ("W_in", "W_out")),
)
"""Usual names of the two layers of a network on one-hot inputs."""


MAX_PREFIXES = 20
"""Beginnings of names under which a network is looked for."""
MAX_FRONT = 200
"""Letters of such a beginning."""


def plain_names(tensors: Tensors) -> dict[str, np.ndarray]:
    """The tensors without what stands in front of all their names: ``module.``, ``layers.`` ...

    Of a run in the store, its ``model/`` arrays. Names of flax in torch's words, with dots.
    """
    of_run = {name: array for name, array in tensors.items() if name.startswith("model/")}
    named = {name.removeprefix("model/"): array for name, array in (of_run or tensors).items()}
    named = {_in_words_of_torch(name): array for name, array in named.items()}
    parts = zip(*(name.split(".")[:-1] for name in named), strict=False)
    num_shared = sum(1 for _ in takewhile(lambda part: len(set(part)) == 1, parts))
    return {name.split(".", num_shared)[-1]: array for name, array in named.items()}


def _in_words_of_torch(name: str) -> str:
    return re.sub(r"\.(kernel|embedding)$", ".weight", name.replace("/", "."))


def beside_others(tensors: Tensors) -> Iterator[tuple[dict[str, np.ndarray], list[str]]]:
    """The tensors, and those under each prefix that some names share, with what is left out.

    All of them first, then the prefixes that most names share; nothing trained is left out.
    """
    yield plain_names(tensors), []
    fronts = Counter(
        front
        for name in tensors
        for front in {*accumulate(re.findall(r"[^./]*[./]", name[:MAX_FRONT]))}
    )
    for front, count in fronts.most_common(MAX_PREFIXES):
        left = [name for name in tensors if not name.startswith(front)]
        if count > 1 and left and not any(PARAMETER.fullmatch(name) for name in left):
            chosen = {name: array for name, array in tensors.items() if name.startswith(front)}
            yield plain_names(chosen), left


def listed(tensors: Tensors) -> str:
    """Names with shapes, the first 30 of them."""
    shown = [f"{name} {tuple(array.shape)}" for name, array in list(tensors.items())[:30]]
    return ", ".join(shown) + (f" and {len(tensors) - 30} more" if len(tensors) > 30 else "")


def parameters(
    layout: str, tensors: Tensors, *, told: bool = False
) -> tuple[dict[str, str], list[str]] | None:
    """Axes by name where a layout's parameters are among the tensors, and the names left over.

    None where some are missing, or where what is left over looks trained (``PARAMETER``).
    ``told``: the two layers of ``one_hot_mlp`` may have any names.
    """
    axes = _one_hot_axes(tensors, told) if layout == "one_hot_mlp" else AXES[layout]
    required = axes.keys() - OPTIONAL.get(layout, set())
    if not axes or required - tensors.keys():
        return None
    left = [name for name in tensors if name not in axes and name not in BUFFERS]
    layers = layout == "one_hot_mlp" and any(tensors[name].ndim == 2 for name in left)
    if layers or any(PARAMETER.fullmatch(name) for name in left):
        return None
    return {name: of_name for name, of_name in axes.items() if name in tensors}, left


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


def _one_of(tensors: Tensors, *names: str) -> str | None:
    return next((name for name in names if name in tensors), None)
