"""Paper B's transformer on remainders: what it is and how it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

from modlib.config.rules import digest
from modlib.errors import InputError, require_choice, require_float, require_int, require_prime

REMAINDERS_RECIPE = 1
"""Raised when this training draws or computes anything differently: old runs are not reused."""

REMAINDER_TASKS = ("miiii", "nanda", "basis", "masked")
"""What paper B's transformer is trained on."""

MAX_P = 1009


@dataclass(frozen=True, kw_only=True)
class RemaindersConfig:
    """A one-block transformer on the remainders of two-digit numbers (paper B, Methods).

    The defaults are a small setting that generalises on every task within minutes.
    Raises ``InputError`` for values out of range.
    """

    p: int = 37
    """Base of the digits, a prime; the tasks are the primes below it."""
    task: Literal["miiii", "nanda", "basis", "masked"] = "miiii"
    """miiii: x mod q for every prime q < p; nanda: x0 + x1 mod p; basis: miiii with the rows of
    its labels shuffled; masked: miiii without a loss on its four smallest primes."""
    digits: Literal["low_first", "high_first"] = "low_first"
    """Which digit of x is x0: the paper's text has the low one, its authors' code the high one."""
    train_fraction: float = 0.8
    """Share of the p^2 numbers that is trained on."""
    num_validation: int | None = None
    """Held-out numbers that validate, the others being a test set; None: all of them."""
    embed_dim: int = 128
    """Width of the residual stream; the feed-forward layer has four times as many neurons."""
    heads: int = 4
    """Attention heads; must divide ``embed_dim``."""
    dropout: float = 0.1
    """Share of the residual stream's coordinates zeroed after attention and after the FFN."""
    dropout_mask: Literal["step", "sample"] = "step"
    """One mask a step for all numbers, as in the authors' code, or one a number."""
    lr: float = 3e-3
    """AdamW's learning rate."""
    weight_decay: float = 1 / 3
    """AdamW's decoupled weight decay, on all parameters."""
    lam: float = 0.5
    """Weight of the slow gradient, lambda of equation 13 (Grokfast); 0: no filter."""
    alpha: float = 0.98
    """Decay of the gradient's moving average, alpha of equation 13."""
    steps: int = 16384
    """Steps of full-batch training; 0: untrained."""
    matmul: Literal["float32", "bfloat16"] = "float32"
    """Precision of large matrix products, inputs and results; parameters are float32."""

    def __post_init__(self) -> None:
        def settle(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        settle("p", require_prime("p", self.p, at_least=5, at_most=MAX_P))
        settle("task", require_choice("task", self.task, REMAINDER_TASKS))
        if self.task == "masked" and self.p < 13:
            raise InputError("p", "be at least 13 for the masked task", self.p)
        settle("digits", require_choice("digits", self.digits, ("low_first", "high_first")))
        fraction = require_float("train_fraction", self.train_fraction)
        if not 0 < fraction < 1 or not 0 < int(fraction * self.p**2) < self.p**2:
            rule = "lie between 0 and 1 and leave numbers to train on and to hold out"
            raise InputError("train_fraction", rule, self.train_fraction)
        settle("train_fraction", fraction)
        if self.num_validation is not None:
            held_out = self.p**2 - self.num_train
            count = require_int("num_validation", self.num_validation, at_least=1, at_most=held_out)
            settle("num_validation", count)
        settle("embed_dim", require_int("embed_dim", self.embed_dim, at_least=1, at_most=4096))
        settle("heads", require_int("heads", self.heads, at_least=1))
        if self.embed_dim % self.heads:
            raise InputError("heads", f"divide embed_dim = {self.embed_dim}", self.heads)
        if not 0 <= require_float("dropout", self.dropout) < 1:
            raise InputError("dropout", "be at least 0 and below 1", self.dropout)
        settle("dropout", float(self.dropout))
        mask = require_choice("dropout_mask", self.dropout_mask, ("step", "sample"))
        settle("dropout_mask", mask)
        settle("lr", require_float("lr", self.lr, at_least=0.0, at_most=10.0))
        decay = require_float("weight_decay", self.weight_decay, at_least=0.0, at_most=1000.0)
        settle("weight_decay", decay)
        settle("lam", require_float("lam", self.lam, at_least=0.0, at_most=1000.0))
        if not 0 <= require_float("alpha", self.alpha) < 1:
            raise InputError("alpha", "be at least 0 and below 1", self.alpha)
        settle("alpha", float(self.alpha))
        settle("steps", require_int("steps", self.steps, at_least=0, at_most=10**8))
        settle("matmul", require_choice("matmul", self.matmul, ("float32", "bfloat16")))

    @property
    def num_train(self) -> int:
        """Numbers trained on."""
        return int(self.train_fraction * self.p**2)

    def key(self) -> str:
        """Sixteen hexadecimal digits of all that affects the result, the seed left out."""
        return digest({"remainders": REMAINDERS_RECIPE, **asdict(self)})

    def untrained(self) -> RemaindersConfig:
        """The same network at its initialisation: a control."""
        return replace(self, steps=0)
