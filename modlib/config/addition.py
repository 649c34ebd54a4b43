"""What a network is trained on and how: frozen, validated when made, hashed for the store."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Literal

import torch

from modlib.errors import InputError, require_choice, require_float, require_int, require_prime

PAPER_TRAIN_PAIRS = {91: 5096, 89: 4717}
"""Training pairs of paper A, section 4: 56 x 91 and 53 x 89."""

DEFAULT_EPOCHS = {"n": 300, "full": 2000}
"""Epochs after which the set of frequencies has settled, by batch regime."""

MEMORISING_EPOCHS = {"n": 100, "full": 1000}
"""Epochs within which the memorising control knows its training pairs, by batch regime."""

RECIPE = 1
"""Raised when training draws or computes anything differently, so that old runs are not reused."""

WIDTHS = (512, 2048, 8192)
"""Widths of paper A, figure A29, beside the default 128."""

MODULI = (31, 35, 43, 48, 59, 64, 73, 77, 89, 91, 97, 100, 128, 131, 179, 180, 250, 251)
"""Moduli at which the number of clusters is measured (paper A, figure A30): half are composite."""

LR_SCALES = (1.5, 2.0, 3.0)
"""Learning rates over the small setting's, without a filter: what lambda = .5, 1 and 2 multiply a
slow gradient by."""

GRID_L2 = (0.25, 1.0, 4.0)
GRID_LR = (0.25, 1.0)
GRID_WIDTHS = (128, 512)
"""Conjecture 1's grid: factors of the scaled L2 and of the learning rate, and widths."""

GRID_MODULI = {59: GRID_LR, 91: GRID_LR, 131: GRID_LR, 251: (0.25,)}
"""Its moduli and their learning rates: at 251 the full rate does not train steadily."""

SLOW_BELOW = 59
"""Modulus below which networks need twice the epochs."""

REMAINDERS_RECIPE = 1
"""The same for paper B's training."""

CLOCK_PIZZA_RECIPE = 1
"""The same for the training of clocks and pizzas."""

ATTENTION_RATES = tuple(step / 10 for step in range(11))
"""Attention rates at which the metrics of clock and pizza are measured, from pizza to clock."""

REMAINDER_TASKS = ("miiii", "nanda", "basis", "masked")
"""What paper B's transformer is trained on."""

MAX_P = 1009
MAX_N = 4096
MAX_CLOCK_N = 257
MAX_NEURONS = 65536


def default_train_pairs(n: int) -> int:
    """Paper A's number of training pairs for 91 and 89, else the multiple of n nearest .6 n^2."""
    return PAPER_TRAIN_PAIRS.get(n, n * max(1, round(0.6 * n)))


@dataclass(frozen=True, kw_only=True)
class AdditionConfig:
    """A one-hidden-layer network on a + b mod n (paper A, section 4).

    ``train_pairs`` and ``epochs`` given as None are filled in, so that a configuration always
    says what it stands for. Raises ``InputError`` for values out of range.
    """

    n: int = 91
    """Modulus."""
    train_pairs: int | None = None
    """Training pairs; None: the paper's 5096 (n = 91), 4717 (n = 89), else near .6 n^2."""
    embed_dim: int = 32
    """Width of each of the two embeddings."""
    num_neurons: int = 128
    """Hidden neurons."""
    batch: Literal["n", "full"] = "n"
    """Pairs a step: n, or the whole training set."""
    init: Literal["torch", "flax"] = "torch"
    """Library whose default initialisation is drawn."""
    lr: float = 0.008
    """Adam's learning rate."""
    l2: float = 1e-4
    """Multiplies the squared norm of all parameters in the loss: Adam's weight_decay is 2 l2."""
    epochs: int | None = None
    """Passes over the training set; None: 300 (batch n) or 2000 (full batch); 0: untrained."""

    def __post_init__(self) -> None:
        def settle(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        settle("n", require_int("n", self.n, at_least=3, at_most=MAX_N))
        settle("batch", require_choice("batch", self.batch, ("n", "full")))
        settle("init", require_choice("init", self.init, ("torch", "flax")))
        pairs = default_train_pairs(self.n) if self.train_pairs is None else self.train_pairs
        settle("train_pairs", require_int("train_pairs", pairs, at_least=1, at_most=self.n**2))
        settle("embed_dim", require_int("embed_dim", self.embed_dim, at_least=1, at_most=4096))
        settle(
            "num_neurons",
            require_int("num_neurons", self.num_neurons, at_least=1, at_most=MAX_NEURONS),
        )
        settle("lr", require_float("lr", self.lr, at_least=0.0, at_most=10.0))
        settle("l2", require_float("l2", self.l2, at_least=0.0, at_most=10.0))
        epochs = DEFAULT_EPOCHS[self.batch] if self.epochs is None else self.epochs
        settle("epochs", require_int("epochs", epochs, at_least=0, at_most=10**6))

    @property
    def num_train(self) -> int:
        """Number of training pairs."""
        assert self.train_pairs is not None
        return self.train_pairs

    @property
    def num_epochs(self) -> int:
        """Number of passes over the training set."""
        assert self.epochs is not None
        return self.epochs

    @property
    def batch_size(self) -> int:
        """Pairs a step."""
        return min(self.n, self.num_train) if self.batch == "n" else self.num_train

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in one pass; the last batch may be smaller."""
        return -(-self.num_train // self.batch_size)

    def key(self) -> str:
        """Sixteen hexadecimal digits of all that affects the result, the seed left out."""
        return digest({"recipe": RECIPE, **asdict(self)})

    def untrained(self) -> AdditionConfig:
        """The same network at its initialisation: a control."""
        return replace(self, epochs=0)

    def memorising(self) -> AdditionConfig:
        """A control that fits its training pairs and no others: no L2, half of the pairs."""
        epochs = min(self.num_epochs, MEMORISING_EPOCHS[self.batch])
        return replace(self, l2=0.0, train_pairs=max(1, self.num_train // 2), epochs=epochs)


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


def digest(content: Mapping[str, object]) -> str:
    """Sixteen hexadecimal digits that stand for some settings."""
    encoded = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(encoded).hexdigest()[:16]


def scaled(n: int) -> AdditionConfig:
    """Paper A's network at modulus n, with L2 in proportion to 1/n; at 91 it is the paper's.

    Embeddings have n rows, so that a fixed factor of the squared norm weighs more the larger n:
    the paper's 1e-4 holds networks off the answer from about n = 180 on.
    """
    return AdditionConfig(n=n, l2=1e-4 * 91 / n, epochs=600 if n < SLOW_BELOW else None)


def scaled_name(n: int) -> str:
    """The preset of ``scaled(n)``, if there is one."""
    return "A91" if n == 91 else f"A{n}-scaled"


def on_grid(n: int, l2: float, lr: float, num_neurons: int) -> AdditionConfig:
    """A point of conjecture 1's grid: the network of ``scaled(n)`` with factors of L2 and rate."""
    start = scaled(n)
    return replace(start, l2=l2 * start.l2, lr=lr * start.lr, num_neurons=num_neurons)


PRESETS: dict[str, AdditionConfig] = {
    "A91": AdditionConfig(n=91),
    "A89": AdditionConfig(n=89),
    "A91-full": AdditionConfig(n=91, batch="full"),
    "A89-full": AdditionConfig(n=89, batch="full"),
    "A91-flax": AdditionConfig(n=91, init="flax"),
    "A91-untrained": AdditionConfig(n=91, epochs=0),
    "A91-long": AdditionConfig(n=91, epochs=3000),
    "A91-full-long": AdditionConfig(n=91, batch="full", epochs=10000),
    **{f"A91-width-{width}": AdditionConfig(n=91, num_neurons=width) for width in WIDTHS},
    **{
        f"A91-full-width-{width}": AdditionConfig(n=91, batch="full", num_neurons=width)
        for width in WIDTHS
    },
    **{
        f"A{n}": AdditionConfig(n=n, epochs=600 if n < SLOW_BELOW else None)
        for n in MODULI
        if n not in PAPER_TRAIN_PAIRS
    },
    **{scaled_name(n): scaled(n) for n in MODULI if n != 91},
}


def grid_name(n: int, l2: float, lr: float, num_neurons: int) -> str:
    """The preset of ``on_grid``: one that there is already, else a name that says the factors."""
    config = on_grid(n, l2, lr, num_neurons)
    own = f"A{n}-grid-l2-{l2:g}-lr-{lr:g}-width-{num_neurons}"
    return next((name for name, known in PRESETS.items() if known == config), own)


GRID: dict[tuple[int, float, float, int], str] = {
    point: grid_name(*point)
    for n, rates in GRID_MODULI.items()
    for point in product((n,), GRID_L2, rates, GRID_WIDTHS)
}
"""Presets of conjecture 1's grid by modulus, factor of L2, factor of the rate, and width."""

PRESETS |= {name: on_grid(*point) for point, name in GRID.items() if name not in PRESETS}


SMALL = RemaindersConfig()
"""Paper B's tasks at p = 37, where a network learns them within minutes."""

PAPER_B = RemaindersConfig(p=113, embed_dim=256, lr=3e-4, train_fraction=0.3, steps=65536)
"""Paper B's own setting (its table 2 and section Training)."""

AS_CODED = replace(PAPER_B, train_fraction=0.5, digits="high_first")
"""The same as the authors' program sets it up."""

ADDS = replace(PAPER_B, task="nanda", embed_dim=128, lr=3e-3, steps=4096)
"""Modular addition at paper B's modulus, with the width and rate at which it learns to add: with
those of the remainders it has not by step 16,912."""

REMAINDERS_PRESETS: dict[str, RemaindersConfig] = {
    "B37": SMALL,
    "B37-nanda": replace(SMALL, task="nanda"),
    "B37-nanda-no-dropout-wd-1": replace(SMALL, task="nanda", dropout=0.0, weight_decay=1.0),
    "B37-basis": replace(SMALL, task="basis"),
    "B37-masked": replace(SMALL, task="masked"),
    "B37-no-dropout": replace(SMALL, dropout=0.0),
    "B37-lambda-0": replace(SMALL, lam=0.0),
    "B37-lambda-1": replace(SMALL, lam=1.0),
    "B37-lambda-2": replace(SMALL, lam=2.0),
    **{
        f"B37-lr-{scale:g}": replace(
            SMALL, lam=0.0, lr=SMALL.lr * scale, weight_decay=SMALL.weight_decay / scale
        )
        for scale in LR_SCALES
    },
    "B37-untrained": SMALL.untrained(),
    "B113-text": replace(PAPER_B, num_validation=1000),
    "B113-code": AS_CODED,
    "B113-code-lambda-0": replace(AS_CODED, lam=0.0),
    "B113-code-lr-1.5": replace(
        AS_CODED, lam=0.0, lr=AS_CODED.lr * 1.5, weight_decay=AS_CODED.weight_decay / 1.5
    ),
    "B113-code-mask-a-sample": replace(AS_CODED, dropout_mask="sample"),
    "B113-code-masked": replace(AS_CODED, task="masked"),
    "B113-code-no-dropout": replace(AS_CODED, dropout=0.0),
    "B113-code-shuffled": replace(AS_CODED, task="basis"),
    "B113-nanda": replace(PAPER_B, task="nanda"),
    "B113-nanda-learns": ADDS,
    "B113-nanda-no-dropout": replace(ADDS, dropout=0.0, weight_decay=1.0, steps=8192),
    "B113-basis": replace(PAPER_B, task="basis"),
    "B113-untrained": PAPER_B.untrained(),
}
"""Paper B's networks: ``text`` and ``code`` differ in what is trained on, the order of the digits
and whether a test set is kept."""


CLOCK_PIZZA_PRESETS: dict[str, ClockPizzaConfig] = {
    f"C59-rate-{rate:g}": ClockPizzaConfig(attention_rate=rate) for rate in ATTENTION_RATES
}
"""Zhong et al.'s network by its attention rate."""


def preset(name: str) -> AdditionConfig:
    """The configuration of that name in ``PRESETS``.

    Raises ``InputError`` for an unknown name.
    """
    return PRESETS[require_choice("preset", name, PRESETS)]


def preset_of(config: AdditionConfig | RemaindersConfig) -> str | None:
    """The name under which a configuration has its preset; None where it has none."""
    named: dict[str, AdditionConfig | RemaindersConfig] = {**PRESETS, **REMAINDERS_PRESETS}
    return next((name for name, known in named.items() if known == config), None)


def require_seed(value: object, argument: str = "seed") -> int:
    """A seed: an integer from 0 to 2^63 - 1."""
    return require_int(argument, value, at_least=0, at_most=2**63 - 1)


def resolve_device(device: object) -> torch.device:
    """The torch device for ``auto``, ``cpu``, ``cuda`` or ``cuda:INDEX``.

    ``auto`` takes a CUDA device where there is one. Raises ``InputError`` for an unknown name
    and for a device that this machine lacks.
    """
    rule = "be auto, cpu, cuda or cuda:INDEX"
    if not isinstance(device, str):
        raise InputError("device", rule, device)
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu":
        return torch.device("cpu")
    named = re.fullmatch(r"cuda(?::(\d{1,4}))?", device, re.ASCII)
    if named is None:
        raise InputError("device", rule, device)
    index, found = int(named[1] or 0), torch.cuda.device_count()
    if index >= found:
        raise InputError("device", f"be present ({found} CUDA devices found here)", device)
    return torch.device("cuda" if named[1] is None else f"cuda:{index}")
