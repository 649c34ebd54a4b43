"""What is built from a reading: a network as tables of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from modlib.errors import InputError
from modlib.models.views.neuron_view import NeuronView, row_blocks
from modlib.models.views.pair_view import PairView

Respond = Callable[[Tensor, Tensor], Tensor]

MAX_TABLE = 2**27
"""Numbers that a table of all pairs may hold."""
ROOM = 16
"""Numbers that a step holds of a pair for each of its embedding."""


class Tables(NamedTuple):
    """A network as tables of its inputs; its embeddings and the logits that follow from them."""

    network: NeuronView | PairView
    embedding: Float[np.ndarray, "n embed"] | None = None
    embedding_b: Float[np.ndarray, "n embed"] | None = None
    respond: Respond | None = None
    notes: tuple[str, ...] = ()


def require_size(n: int, width: int) -> int:
    """n, where a table of all pairs can be held; raises ``InputError`` otherwise."""
    if n * n * width > MAX_TABLE:
        rule = f"be small enough for tables of at most {MAX_TABLE} numbers (n^2 {width})"
        raise InputError("n", rule, n)
    return n


def of_pairs(
    of: Respond, at_a: Float[np.ndarray, "n embed"], at_b: Float[np.ndarray, "n embed"]
) -> Float[np.ndarray, "a b column"]:
    """A function of both embeddings for all pairs, some inputs a at a time."""
    n, embed = at_a.shape
    of_a, of_b = torch.tensor(at_a), torch.tensor(at_b)
    parts = []
    for rows in row_blocks(n, ROOM * embed):
        a = torch.arange(n)[rows]
        pairs = of_a[a.repeat_interleave(n)], of_b.repeat(len(a), 1)
        parts.append(of(*pairs).reshape(len(a), n, -1).numpy())
    return np.concatenate(parts)
