"""Pairs of Z_n with their sum; split and shuffled by a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Int

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.maths import rng

C = TypeVar("C", AdditionConfig, ClockPizzaConfig)


def addition_pairs(n: int) -> tuple[Int[np.ndarray, " pair"], ...]:
    """All n^2 pairs in the order a n + b: inputs a and b and the answer c = a + b mod n."""
    a, b = np.divmod(np.arange(n * n), n)
    return a, b, (a + b) % n


@dataclass(frozen=True)
class AdditionTask(Generic[C]):
    """What a seed's network is asked: every pair's sum, and which pairs it is trained on.

    Arrays are made when they are first asked for, and once.
    """

    config: C
    seed: int

    @cached_property
    def pairs(self) -> tuple[Int[np.ndarray, " pair"], ...]:
        """Inputs a and b and the answer of every pair: ``addition_pairs``."""
        return addition_pairs(self.config.n)

    @cached_property
    def split(self) -> Int[np.ndarray, " train"]:
        """Indices (a n + b) of the training pairs, uniform over subsets, in drawn order."""
        drawn = rng.permutation(self.seed, rng.SPLIT, 0, self.config.n**2)
        return drawn[: self.config.num_train]

    @cached_property
    def mask(self) -> Bool[np.ndarray, "a b"]:
        """Which pairs (a, b) are trained on."""
        n = self.config.n
        mask = np.zeros(n**2, dtype=bool)
        mask[self.split] = True
        return mask.reshape(n, n)

    def order(self, epoch: int) -> Int[np.ndarray, " train"]:
        """Indices of the training pairs as epoch ``epoch`` (from 0) visits them.

        Full batch needs no order: the pairs as they were drawn.
        """
        if not isinstance(self.config, AdditionConfig) or self.config.batch == "full":
            return self.split
        return self.split[rng.permutation(self.seed, rng.SHUFFLE, epoch, self.config.num_train)]


class ProductTask(AdditionTask[AdditionConfig]):
    """The same of every pair's product: a b mod n, on the pairs that a seed's sums are split in."""

    @cached_property
    def pairs(self) -> tuple[Int[np.ndarray, " pair"], ...]:
        """Inputs a and b and the answer of every pair."""
        a, b, _ = addition_pairs(self.config.n)
        return a, b, a * b % self.config.n
