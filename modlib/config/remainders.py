"""Paper B's transformer on remainders: what it is and how it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Literal

from modlib.config.rules import (
    below_one,
    digest,
    divisor_of,
    number,
    one_of,
    prime,
    setting,
    settle,
    share,
    whole,
)
from modlib.errors import InputError

Task = Literal["miiii", "nanda", "basis", "masked", "ablated", "perturbed"]
"""What paper B's transformer is trained on."""
CHANGED: tuple[Task, Task] = ("ablated", "perturbed")
"""Tasks whose network is changed in the midst of its training, and the control of that."""
CHANGED_AFTER = 128
"""Steps before the change: at p = 37 the task of q = 2 is learned by then, and none above 3."""
Digits = Literal["low_first", "high_first"]
DropoutMask = Literal["step", "sample"]
Matmul = Literal["float32", "bfloat16"]

MAX_P = 1009
MIN_MASKED_P = 13
"""The smallest with a task that is not masked."""


@dataclass(frozen=True, kw_only=True)
class RemaindersConfig:
    """A one-block transformer on the remainders of two-digit numbers (paper B, Methods).

    The defaults are a small setting that generalises on every task within minutes.
    Raises ``InputError`` for values out of range.
    """

    KIND: ClassVar[str] = "remainders"
    """The family's name in the store."""
    RECIPE: ClassVar[int] = 1
    """Raised when its training draws or computes anything differently: old runs are not reused."""

    p: int = setting(
        37, prime(5, MAX_P), "Base of the digits, a prime; the tasks are the primes below it."
    )
    task: Task = setting(
        "miiii",
        one_of(Task),
        "miiii: x mod q for every prime q < p; nanda: x0 + x1 mod p; basis: miiii with the rows "
        "of its labels shuffled; masked: miiii without a loss on its four smallest primes; "
        "ablated: miiii, with the wave of q = 2 taken out of the digits' embeddings after 128 "
        "steps; perturbed: the same with a random change of that size, its control.",
    )
    digits: Digits = setting(
        "low_first",
        one_of(Digits),
        "Which digit of x is x0, low_first or high_first: the paper's text has the low one, its "
        "authors' code the high one.",
    )
    train_fraction: float = setting(
        0.8,
        share(lambda config: config.p**2, "numbers"),
        "Share of the p^2 numbers that is trained on.",
    )
    num_validation: int | None = setting(
        None,
        whole(1, lambda config: config.p**2 - config.num_train),
        "Held-out numbers that validate, the others being a test set; None: all of them.",
        unset=lambda config: None,
    )
    embed_dim: int = setting(
        128,
        whole(1, 4096),
        "Width of the residual stream; the feed-forward layer has four times as many neurons.",
    )
    heads: int = setting(4, divisor_of("embed_dim"), "Attention heads; must divide ``embed_dim``.")
    dropout: float = setting(
        0.1,
        below_one,
        "Share of the residual stream's coordinates zeroed after attention and after the FFN.",
    )
    dropout_mask: DropoutMask = setting(
        "step",
        one_of(DropoutMask),
        "One mask a step for all numbers, as in the authors' code, or one a number (sample).",
    )
    lr: float = setting(3e-3, number(0.0, 10.0), "AdamW's learning rate.")
    weight_decay: float = setting(
        1 / 3, number(0.0, 1000.0), "AdamW's decoupled weight decay, on all parameters."
    )
    lam: float = setting(
        0.5,
        number(0.0, 1000.0),
        "Weight of the slow gradient, lambda of equation 13 (Grokfast); 0: no filter.",
    )
    alpha: float = setting(
        0.98, below_one, "Decay of the gradient's moving average, alpha of equation 13."
    )
    steps: int = setting(16384, whole(0, 10**8), "Steps of full-batch training; 0: untrained.")
    matmul: Matmul = setting(
        "float32",
        one_of(Matmul),
        "Precision of large matrix products, inputs and results, float32 or bfloat16; parameters "
        "are float32.",
    )

    def __post_init__(self) -> None:
        settle(self)
        if self.task == "masked" and self.p < MIN_MASKED_P:
            raise InputError("p", f"be at least {MIN_MASKED_P} for the masked task", self.p)
        if self.task in CHANGED and 0 < self.steps <= CHANGED_AFTER:
            rule = f"be above {CHANGED_AFTER}, after which the task {self.task} changes something"
            raise InputError("steps", rule, self.steps)

    @property
    def num_train(self) -> int:
        """Numbers trained on."""
        return int(self.train_fraction * self.p**2)

    def key(self) -> str:
        """Sixteen hexadecimal digits of all that affects the result, the seed left out."""
        return digest({"remainders": self.RECIPE, **asdict(self)})

    def untrained(self) -> RemaindersConfig:
        """The same network at its initialisation: a control."""
        return replace(self, steps=0)
