"""Pairs of Z_n with their sum; split and shuffled by a seed."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.maths import rng


def addition_pairs(n: int) -> tuple[Int[np.ndarray, " pair"], ...]:
    """All n^2 pairs in the order a n + b: inputs a and b and the answer c = a + b mod n."""
    a, b = np.divmod(np.arange(n * n), n)
    return a, b, (a + b) % n


def train_split(config: AdditionConfig | ClockPizzaConfig, seed: int) -> Int[np.ndarray, " train"]:
    """Indices (a n + b) of a seed's training pairs, uniform over subsets, in drawn order."""
    return rng.permutation(seed, rng.SPLIT, 0, config.n**2)[: config.num_train]


def train_mask(config: AdditionConfig | ClockPizzaConfig, seed: int) -> Bool[np.ndarray, "a b"]:
    """Which pairs (a, b) a seed trains on."""
    mask = np.zeros(config.n**2, dtype=bool)
    mask[train_split(config, seed)] = True
    return mask.reshape(config.n, config.n)


def epoch_order(config: AdditionConfig, seed: int, epoch: int) -> Int[np.ndarray, " train"]:
    """Order in which epoch ``epoch`` (from 0) visits the training pairs, as positions in the split.

    Full batch needs no order: the positions as they are.
    """
    if config.batch == "full":
        return np.arange(config.num_train)
    return rng.permutation(seed, rng.SHUFFLE, epoch, config.num_train)
