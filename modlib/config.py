"""What a network is trained on and how: frozen, validated when made, hashed for the store."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Literal

import torch

from modlib.errors import InputError, require_choice, require_float, require_int

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

SLOW_BELOW = 59
"""Modulus below which networks need twice the epochs."""

MAX_N = 4096
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
        content = json.dumps({"recipe": RECIPE, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def untrained(self) -> AdditionConfig:
        """The same network at its initialisation: a control."""
        return replace(self, epochs=0)

    def memorising(self) -> AdditionConfig:
        """A control that fits its training pairs and no others: no L2, half of the pairs."""
        epochs = min(self.num_epochs, MEMORISING_EPOCHS[self.batch])
        return replace(self, l2=0.0, train_pairs=max(1, self.num_train // 2), epochs=epochs)


def scaled(n: int) -> AdditionConfig:
    """Paper A's network at modulus n, with L2 in proportion to 1/n; at 91 it is the paper's.

    Embeddings have n rows, so that a fixed factor of the squared norm weighs more the larger n:
    the paper's 1e-4 holds networks off the answer from about n = 180 on.
    """
    return AdditionConfig(n=n, l2=1e-4 * 91 / n, epochs=600 if n < SLOW_BELOW else None)


def scaled_name(n: int) -> str:
    """The preset of ``scaled(n)``, if there is one."""
    return "A91" if n == 91 else f"A{n}-scaled"


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


def preset(name: str) -> AdditionConfig:
    """The configuration of that name in ``PRESETS``.

    Raises ``InputError`` for an unknown name.
    """
    return PRESETS[require_choice("preset", name, PRESETS)]


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
