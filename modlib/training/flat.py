"""Parameters as one flat vector, and views into it by name."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from modlib.config.remainders import RemaindersConfig
from modlib.models.transformer import parameter_shapes


def flat_views(flat: Float[np.ndarray, " size"], config: RemaindersConfig) -> dict[str, np.ndarray]:
    """The parameters as views into one vector."""
    shapes = parameter_shapes(config)
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])[:-1]
    pieces = np.split(flat, cuts)
    return {
        name: piece.reshape(shape)
        for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
    }
