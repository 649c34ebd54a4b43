"""Paper A's network on a + b mod n: what it is and how it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Literal

from modlib.config.rules import MAX_NEURONS, digest, number, one_of, setting, settle, whole

PAPER_TRAIN_PAIRS = {91: 5096, 89: 4717}
"""Training pairs of paper A, section 4: 56 x 91 and 53 x 89."""

DEFAULT_EPOCHS = {"n": 300, "full": 2000}
"""Epochs of the default length, by batch regime: with batches of n the frequencies have settled by
then, with the full batch one set in six still changes."""

MEMORISING_EPOCHS = {"n": 100, "full": 1000}
"""Epochs within which the memorising control knows its training pairs, by batch regime."""

MAX_N = 4096

Batch = Literal["n", "full"]
Init = Literal["torch", "flax"]


def default_train_pairs(n: int) -> int:
    """Paper A's number of training pairs for 91 and 89, else the multiple of n nearest .6 n^2."""
    return PAPER_TRAIN_PAIRS.get(n, n * max(1, round(0.6 * n)))


@dataclass(frozen=True, kw_only=True)
class AdditionConfig:
    """A one-hidden-layer network on a + b mod n (paper A, section 4).

    ``train_pairs`` and ``epochs`` given as None are filled in, so that a configuration always
    says what it stands for. Raises ``InputError`` for values out of range.
    """

    KIND: ClassVar[str] = "addition"
    """The family's name in the store."""
    RECIPE: ClassVar[int] = 1
    """Raised when its training draws or computes anything differently: old runs are not reused."""

    n: int = setting(91, whole(3, MAX_N), "Modulus.")
    train_pairs: int | None = setting(
        None,
        whole(1, lambda config: config.n**2),
        "Training pairs; None: the paper's 5096 (n = 91), 4717 (n = 89), else near .6 n^2.",
        unset=lambda config: default_train_pairs(config.n),
    )
    embed_dim: int = setting(32, whole(1, 4096), "Width of each of the two embeddings.")
    num_neurons: int = setting(128, whole(1, MAX_NEURONS), "Hidden neurons.")
    batch: Batch = setting("n", one_of(Batch), "Pairs a step: n, or the whole training set (full).")
    init: Init = setting(
        "torch", one_of(Init), "Library whose default initialisation is drawn: torch or flax."
    )
    lr: float = setting(0.008, number(0.0, 10.0), "Adam's learning rate.")
    l2: float = setting(
        1e-4,
        number(0.0, 10.0),
        "Multiplies the squared norm of all parameters in the loss: Adam's weight_decay is 2 l2.",
    )
    epochs: int | None = setting(
        None,
        whole(0, 10**6),
        "Passes over the training set; None: 300 (batch n) or 2000 (full batch); 0: untrained.",
        unset=lambda config: DEFAULT_EPOCHS[config.batch],
    )

    def __post_init__(self) -> None:
        settle(self)

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
        return digest({"recipe": self.RECIPE, **asdict(self)})

    def untrained(self) -> AdditionConfig:
        """The same network at its initialisation: a control."""
        return replace(self, epochs=0)

    def memorising(self) -> AdditionConfig:
        """A control that fits its training pairs and no others: no L2, half of the pairs.

        It is trained until it does, also where this network is stopped earlier.
        """
        epochs = MEMORISING_EPOCHS[self.batch]
        return replace(self, l2=0.0, train_pairs=max(1, self.num_train // 2), epochs=epochs)
