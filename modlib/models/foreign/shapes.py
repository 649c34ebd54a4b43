"""Axes of named parameters: their sizes, and what does not fit."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from modlib.errors import InputError

Tensors = Mapping[str, np.ndarray]
Axes = Mapping[str, str]


def sizes(axes: Axes, tensors: Tensors) -> dict[str, int]:
    """The size of each axis, of parameters that fit."""
    return _sizes(axes, tensors)[0]


def oriented(array: np.ndarray, axes: str, wanted: str) -> np.ndarray:
    """The array with its axes, named, in another order."""
    named = axes.split()
    return array.transpose([named.index(axis) for axis in wanted.split()])


def _sizes(axes: Axes, tensors: Tensors) -> tuple[dict[str, int], dict[str, str]]:
    """The size of each axis in the first tensor that has it, and the name of that tensor."""
    found: dict[str, int] = {}
    owners: dict[str, str] = {}
    for name, of_name in axes.items():
        for axis, size in zip(of_name.split(), tensors[name].shape, strict=True):
            if axis.isidentifier() and axis not in found:
                found[axis], owners[axis] = size, name
    return found, owners


def misfits(axes: Axes, tensors: Tensors) -> list[InputError]:
    """What is wrong with the shapes; each names a tensor and, if there is one, its counterpart."""
    shapes = {name: tensors[name].shape for name in axes}
    wrong = [
        InputError(name, f"have axes {_shown(of_name)}, none empty", shapes[name])
        for name, of_name in axes.items()
        if len(shapes[name]) != len(of_name.split()) or 0 in shapes[name]
    ]
    if wrong:
        return wrong
    known, owners = _sizes(axes, tensors)
    for name, of_name in axes.items():
        for axis, size in zip(of_name.split(), shapes[name], strict=True):
            factors = axis.split("*")
            if math.prod(known[f] if f in known else int(f) for f in factors) != size:
                others = [owners[f] for f in factors if f in owners and owners[f] != name]
                fit = "".join(f" that fit {o} of shape {shapes[o]}" for o in others[-1:])
                wrong.append(InputError(name, f"have axes {_shown(of_name)}{fit}", shapes[name]))
    return wrong


def _shown(axes: str) -> str:
    return f"({', '.join(axes.split())})"
