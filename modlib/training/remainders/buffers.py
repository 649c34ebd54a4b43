"""The arrays that a step of paper B's transformer works in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Int

from modlib.tasks.remainders import RemaindersTask
from modlib.training.kernels.blocked_products import Multiplier
from modlib.training.remainders.token_tables import shaped

NUM_PARTS = 4
"""Parts of the training set whose gradients are taken apart: the most threads that help."""

BLOCK = 1024
"""Numbers whose logits are held at once."""

T = TypeVar("T")

Masks = tuple[np.ndarray, np.ndarray]
"""What dropout multiplies the stream by after attention and after the feed-forward layer: (embed,)
for one mask a step, (number, embed) for one a number."""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What attention needs of each token: t = x0, p + x1 and 2 p for the three positions.

    ``embedded`` (t, embed), ``query`` (head, head_dim), ``readers`` (embed, head): key weights
    times query over sqrt(head_dim), ``scores`` (t, head), ``heads`` (head, t, head_dim): the
    values, before the output matrix.
    """

    embedded: np.ndarray
    query: np.ndarray
    readers: np.ndarray
    scores: np.ndarray
    heads: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Layers:
    """The matrices as a step's products read them, without what dropout leaves out.

    ``kept``: columns of the stream that are read, the mask's ``factors`` there, and ``before``:
    that of the mask after attention, (embed); 1 where masks are applied number by number.
    ``w_out`` (neuron, kept) with the factors in it, ``w_out_t`` its transpose; ``unembed`` (logit,
    kept); ``w_in_t`` (neuron, embed): None where tables replace it.
    """

    kept: Int[np.ndarray, " kept"]
    factors: Float[np.ndarray, " kept"]
    before: Float[np.ndarray, " embed"]
    w_out: Float[np.ndarray, "neuron kept"]
    w_out_t: Float[np.ndarray, "kept neuron"]
    unembed: Float[np.ndarray, "logit kept"]
    w_in_t: Float[np.ndarray, "neuron embed"] | None


class Work:
    """A thread's arrays for a block: attention ``weights`` (number, head, position), ``middle``
    (number, embed): the stream after attention, ``hidden`` (number, neuron) after ReLU, ``out``
    (number, kept): the stream that is read, ``logits`` (logit, number), and gradients.

    ``at(count, kept)`` gives them for a block of so many numbers and columns of the stream.
    """

    def __init__(self, task: RemaindersTask, dtype: np.dtype) -> None:
        config = task.config
        embed, num_logits = config.embed_dim, int(task.moduli.sum())
        self.widths = {"middle": embed, "hidden": 4 * embed, "d_hidden": 4 * embed}
        # Taken once and cut to size by ``at``: fresh arrays would cost fresh pages at every step.
        self.held = {
            name: np.empty(BLOCK * width, dtype=dtype)
            for name, width in {**self.widths, "out": embed, "d_out": embed}.items()
        }
        self.weights, self.d_weights = np.empty((2, BLOCK, config.heads, 3), dtype=dtype)
        self.logits = np.empty(BLOCK * num_logits, dtype=dtype)
        self.num_logits = num_logits
        # Of each task and number: the shifted right logit, and the sum of exp.
        self.of_tasks = np.empty((2, len(task.moduli) * BLOCK), dtype=dtype)
        self.highest = np.empty(BLOCK, dtype=dtype)
        # The longest side of any product of a step.
        largest = max(num_logits, 4 * embed, 2 * config.p, BLOCK)
        self.multiply = Multiplier(largest, largest)

    def at(self, count: int, kept: int) -> dict[str, np.ndarray]:
        """The arrays by name."""
        widths = {**self.widths, "out": kept, "d_out": kept}
        arrays = {name: shaped(self.held[name], count, width) for name, width in widths.items()}
        arrays |= {"weights": self.weights[:count], "d_weights": self.d_weights[:count]}
        return arrays | {"logits": shaped(self.logits, self.num_logits, count)}
