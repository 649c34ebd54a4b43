"""Numbers of two digits with their remainders; split by a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Real

from modlib.config.remainders import RemaindersConfig
from modlib.maths import rng

NUM_MASKED = 4
"""Tasks that ``masked`` leaves out of the loss: 2, 3, 5 and 7."""
SPLITS = ("train", "validation", "test")
"""What numbers are for; without any that are left to test on, there is no third."""


def primes_below(bound: int) -> Int[np.ndarray, " prime"]:
    """The primes smaller than ``bound``, in order."""
    is_prime = np.ones(max(bound, 2), dtype=bool)
    is_prime[:2] = False
    for factor in range(2, int(np.sqrt(bound)) + 1):
        is_prime[factor * factor :: factor] = False
    return np.flatnonzero(is_prime)


def moduli(config: RemaindersConfig) -> Int[np.ndarray, " task"]:
    """The modulus of each task: the primes below p, or p alone for modular addition."""
    return np.array([config.p]) if config.task == "nanda" else primes_below(config.p)


def digits(config: RemaindersConfig) -> tuple[Int[np.ndarray, " x"], Int[np.ndarray, " x"]]:
    """The tokens x0 and x1 of the numbers x = 0 .. p^2 - 1: their digits in base p."""
    high, low = np.divmod(np.arange(config.p**2), config.p)
    return (low, high) if config.digits == "low_first" else (high, low)


def as_grid(
    config: RemaindersConfig, values: Real[np.ndarray, "x ..."]
) -> Real[np.ndarray, "x0 x1 ..."]:
    """Values for the numbers x = 0 .. p^2 - 1, laid out by their digits."""
    by_high = values.reshape(config.p, config.p, *values.shape[1:])
    return by_high.swapaxes(0, 1) if config.digits == "low_first" else by_high


@dataclass(frozen=True)
class RemaindersTask:
    """What a seed's network is asked: each number's remainders, and which it is trained on.

    Arrays are made when they are first asked for, and once.
    """

    config: RemaindersConfig
    seed: int

    @cached_property
    def moduli(self) -> Int[np.ndarray, " task"]:
        """The modulus of each task."""
        return moduli(self.config)

    @cached_property
    def digits(self) -> tuple[Int[np.ndarray, " x"], Int[np.ndarray, " x"]]:
        """The tokens x0 and x1 of the numbers x = 0 .. p^2 - 1."""
        return digits(self.config)

    @cached_property
    def answers(self) -> Int[np.ndarray, "x task"]:
        """What each task asks of each number x = 0 .. p^2 - 1 (paper B, equations 1 and 2).

        ``basis``: a number gets all labels of another, drawn without replacement.
        """
        x = np.arange(self.config.p**2)
        if self.config.task == "nanda":
            x0, x1 = self.digits
            return ((x0 + x1) % self.config.p)[:, None]
        if self.config.task == "basis":
            x = rng.permutation(self.seed, rng.LABELS, 0, self.config.p**2)
        return x[:, None] % self.moduli

    @cached_property
    def loss_weights(self) -> Float[np.ndarray, " task"]:
        """Weight of each task's mean cross-entropy: 1 / ln q over their number (equation 12).

        ``masked``: the four smallest primes get none.
        """
        weights = 1 / (np.log(self.moduli) * len(self.moduli))
        if self.config.task == "masked":
            weights[:NUM_MASKED] = 0.0
        return weights

    @cached_property
    def split(self) -> dict[str, Int[np.ndarray, " x"]]:
        """The numbers to train on, to validate and, where some are left, to test on."""
        config = self.config
        drawn = rng.permutation(self.seed, rng.SPLIT, 0, config.p**2)
        train, held_out = np.split(drawn, [config.num_train])
        count = len(held_out) if config.num_validation is None else config.num_validation
        cut = (train, held_out[:count], held_out[count:])
        parts = dict(zip(SPLITS, cut, strict=True))
        return {name: part for name, part in parts.items() if len(part)}

    @cached_property
    def held_out(self) -> Int[np.ndarray, " number"]:
        """The numbers that are never trained on, in order: to validate and to test on."""
        return np.setdiff1d(np.arange(self.config.p**2), self.split["train"])
