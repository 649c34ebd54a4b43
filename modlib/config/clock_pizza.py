"""The transformer between clock and pizza: what it is and how it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

from modlib.config.rules import (
    MAX_NEURONS,
    digest,
    divisor_of,
    number,
    setting,
    settle,
    share,
    whole,
)

MAX_CLOCK_N = 257


@dataclass(frozen=True, kw_only=True)
class ClockPizzaConfig:
    """A one-block transformer on a + b mod n whose attention lies between uniform and learned.

    Zhong et al. 2023, "The clock and the pizza", sections 2 and 4; paper A, appendix B.1.1. The
    defaults are those of its authors' program but for ``steps``: they made 20,000, and all metrics
    still move a little after 5,000.
    Raises ``InputError`` for values out of range.
    """

    KIND: ClassVar[str] = "clock_pizza"
    """The family's name in the store."""
    RECIPE: ClassVar[int] = 1
    """Raised when its training draws or computes anything differently: old runs are not reused."""

    n: int = setting(59, whole(3, MAX_CLOCK_N), "Modulus.")
    attention_rate: float = setting(
        0.0,
        number(0.0, 1.0),
        "0: every token weighs 1 (pizza, their model A); 1: learned attention (clock, model B).",
    )
    train_fraction: float = setting(
        0.8,
        share(lambda config: config.n**2, "pairs"),
        "Share of the n^2 pairs that is trained on.",
    )
    embed_dim: int = setting(128, whole(1, 4096), "Width of the residual stream.")
    heads: int = setting(4, divisor_of("embed_dim"), "Attention heads; must divide ``embed_dim``.")
    num_neurons: int = setting(512, whole(1, MAX_NEURONS), "Hidden neurons.")
    lr: float = setting(
        1e-3, number(0.0, 10.0), "AdamW's learning rate, reached after ``warmup`` steps."
    )
    warmup: int = setting(10, whole(0, 10**6), "Steps over which the learning rate rises linearly.")
    weight_decay: float = setting(
        2.0, number(0.0, 1000.0), "AdamW's decoupled weight decay, on all parameters."
    )
    steps: int = setting(5000, whole(0, 10**7), "Steps of full-batch training; 0: untrained.")

    def __post_init__(self) -> None:
        settle(self)

    @property
    def num_train(self) -> int:
        """Pairs trained on."""
        return int(self.train_fraction * self.n**2)

    def key(self) -> str:
        """Sixteen hexadecimal digits of all that affects the result, the seed left out."""
        return digest({"clock_pizza": self.RECIPE, **asdict(self)})
