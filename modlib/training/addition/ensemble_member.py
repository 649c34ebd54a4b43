"""A member of an ensemble: what the CPU and the GPU give alike of one network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from modlib.config.addition import AdditionConfig
from modlib.training.addition import loop

MAX_EVALUATIONS = 30
"""Evaluations of a network on its way: each costs as much as some twenty steps."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One trained network of an ensemble.

    ``weights``: final parameters by name, as ``loop.Trained`` has them; ``history``: its columns,
    at the epochs of ``evaluation_epochs``; ``weight_history``: as there.
    """

    seed: int
    weights: dict[str, np.ndarray]
    history: pd.DataFrame
    weight_history: pd.DataFrame


def evaluation_epochs(config: AdditionConfig) -> list[int]:
    """Epochs after which loss and accuracy are taken: about 30, with first and last."""
    return loop.evaluation_epochs(config, MAX_EVALUATIONS)
