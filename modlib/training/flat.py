"""Parameters as one flat vector, and views into it by name."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
"""Names and shapes of parameters, in the order in which they lie in the vector."""

Flat = TypeVar("Flat", bound=np.ndarray | Tensor)
"""A vector, or many networks' in rows; it may be longer than the parameters."""


def size_of(shapes: Shapes) -> int:
    """Numbers in all parameters together."""
    return sum(prod(shape) for shape in shapes.values())


def named_views(flat: Flat, shapes: Shapes) -> dict[str, Flat]:
    """The parameters as views into one vector; of rows of vectors, a row each."""
    whole: Any = flat
    sizes = list(map(prod, shapes.values()))
    if isinstance(flat, Tensor):
        # Not slices: autograd would fill one whole vector of zeros for each.
        pieces = whole.split([*sizes, whole.shape[-1] - sum(sizes)], dim=-1)
    else:
        pieces = np.split(whole, np.cumsum(sizes), axis=-1)
    full = ((*whole.shape[:-1], *shape) for shape in shapes.values())
    return {
        name: piece.reshape(shape) for name, shape, piece in zip(shapes, full, pieces, strict=False)
    }
