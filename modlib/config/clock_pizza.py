"""The transformer between clock and pizza: what it is and how it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from modlib.config.rules import MAX_NEURONS, digest
from modlib.errors import InputError, require_float, require_int

CLOCK_PIZZA_RECIPE = 1
"""Raised when this training draws or computes anything differently: old runs are not reused."""
MAX_CLOCK_N = 257


@dataclass(frozen=True, kw_only=True)
class ClockPizzaConfig:
    """A one-block transformer on a + b mod n whose attention lies between uniform and learned.

    Zhong et al. 2023, "The clock and the pizza", sections 2 and 4; paper A, appendix B.1.1. The
    defaults are those of its authors' program but for ``steps``: they made 20,000, and all metrics
    still move a little after 5,000.
    Raises ``InputError`` for values out of range.
    """

    n: int = 59
    """Modulus."""
    attention_rate: float = 0.0
    """0: every token weighs 1 (pizza, their model A); 1: learned attention (clock, model B)."""
    train_fraction: float = 0.8
    """Share of the n^2 pairs that is trained on."""
    embed_dim: int = 128
    """Width of the residual stream."""
    heads: int = 4
    """Attention heads; must divide ``embed_dim``."""
    num_neurons: int = 512
    """Hidden neurons."""
    lr: float = 1e-3
    """AdamW's learning rate, reached after ``warmup`` steps."""
    warmup: int = 10
    """Steps over which the learning rate rises linearly."""
    weight_decay: float = 2.0
    """AdamW's decoupled weight decay, on all parameters."""
    steps: int = 5000
    """Steps of full-batch training; 0: untrained."""

    def __post_init__(self) -> None:
        def settle(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        settle("n", require_int("n", self.n, at_least=3, at_most=MAX_CLOCK_N))
        rate = require_float("attention_rate", self.attention_rate, at_least=0.0, at_most=1.0)
        settle("attention_rate", rate)
        fraction = require_float("train_fraction", self.train_fraction)
        if not 0 < fraction < 1 or not 0 < int(fraction * self.n**2) < self.n**2:
            rule = "lie between 0 and 1 and leave pairs to train on and to hold out"
            raise InputError("train_fraction", rule, self.train_fraction)
        settle("train_fraction", fraction)
        settle("embed_dim", require_int("embed_dim", self.embed_dim, at_least=1, at_most=4096))
        settle("heads", require_int("heads", self.heads, at_least=1))
        if self.embed_dim % self.heads:
            raise InputError("heads", f"divide embed_dim = {self.embed_dim}", self.heads)
        neurons = require_int("num_neurons", self.num_neurons, at_least=1, at_most=MAX_NEURONS)
        settle("num_neurons", neurons)
        settle("lr", require_float("lr", self.lr, at_least=0.0, at_most=10.0))
        settle("warmup", require_int("warmup", self.warmup, at_least=0, at_most=10**6))
        decay = require_float("weight_decay", self.weight_decay, at_least=0.0, at_most=1000.0)
        settle("weight_decay", decay)
        settle("steps", require_int("steps", self.steps, at_least=0, at_most=10**7))

    @property
    def num_train(self) -> int:
        """Pairs trained on."""
        return int(self.train_fraction * self.n**2)

    def key(self) -> str:
        """Sixteen hexadecimal digits of all that affects the result, the seed left out."""
        return digest({"clock_pizza": CLOCK_PIZZA_RECIPE, **asdict(self)})
