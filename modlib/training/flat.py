"""Parameters as one flat vector, and views into it by name."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from jaxtyping import Shaped

Shapes = Mapping[str, tuple[int, ...]]
"""Names and shapes of parameters, in the order in which they lie in the vector."""


def size_of(shapes: Shapes) -> int:
    """Numbers in all parameters together."""
    return sum(prod(shape) for shape in shapes.values())


def flat_views(flat: Shaped[np.ndarray, " size"], shapes: Shapes) -> dict[str, np.ndarray]:
    """The parameters as views into one vector."""
    cuts = np.cumsum([prod(shape) for shape in shapes.values()])[:-1]
    pieces = zip(shapes.items(), np.split(flat, cuts), strict=True)
    return {name: piece.reshape(shape) for (name, shape), piece in pieces}
