"""What is built from a reading: a network as tables of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from modlib.errors import InputError
from modlib.models.views.neuron_view import NeuronView
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


def require_size(n: int, num_neurons: int) -> int:
    """n, where tables of all pairs can be held; raises ``InputError`` otherwise."""
    if n * n * (n + num_neurons) > MAX_TABLE:
        rule = f"be small enough for tables of at most {MAX_TABLE} numbers (n^2 (n + neurons))"
        raise InputError("n", rule, n)
    return n


def of_pairs(
    of: Respond, at_a: Float[np.ndarray, "n embed"], at_b: Float[np.ndarray, "n embed"]
) -> Float[np.ndarray, "a b column"]:
    """A function of both embeddings for all pairs."""
    n = len(at_a)
    a, b = np.divmod(np.arange(n * n), n)
    return of(torch.tensor(at_a)[a], torch.tensor(at_b)[b]).reshape(n, n, -1).numpy()
