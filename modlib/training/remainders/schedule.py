"""When paper B's training is looked at, and what its dropout draws."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from modlib.config.remainders import RemaindersConfig
from modlib.maths import rng
from modlib.training.remainders.buffers import Masks

FIRST_SNAPSHOT = 256


def log_spaced(steps: int, count: int) -> Int[np.ndarray, " time"]:
    """About ``count`` steps from 0 to ``steps``, evenly spaced in the logarithm, with the powers
    of two."""
    if steps == 0:
        return np.zeros(1, dtype=int)
    powers = 2 ** np.arange(int(np.log2(steps)) + 1)
    spaced = np.geomspace(1, steps, count).round().astype(int)
    return np.unique(np.concatenate([[0], powers, spaced]))


def evaluation_steps(config: RemaindersConfig) -> Int[np.ndarray, " time"]:
    """Steps after which accuracy and loss are taken: log-spaced, and evenly for the late ones."""
    even = np.linspace(0, config.steps, 161).round().astype(int)
    return np.unique(np.concatenate([log_spaced(config.steps, 160), even]))


def snapshot_steps(config: RemaindersConfig) -> list[int]:
    """Steps after which the weights are kept: powers of two."""
    return [2**k for k in range(40) if FIRST_SNAPSHOT <= 2**k <= config.steps]


def dropout(config: RemaindersConfig, seed: int, step: int) -> Masks | None:
    """A step's factors of the residual stream: 0 with probability ``dropout``, else rescaled."""
    if config.dropout == 0:
        return None
    rows = 1 if config.dropout_mask == "step" else config.num_train
    drawn = rng.words(seed, rng.DROPOUT, step, 2 * rows * config.embed_dim)
    kept = drawn >= np.uint32(config.dropout * 2**32)
    factors = kept.astype(np.float32) / np.float32(1 - config.dropout)
    after_attention, after_ffn = factors.reshape(2, rows, config.embed_dim)
    if rows == 1:
        return after_attention[0], after_ffn[0]
    return after_attention, after_ffn
