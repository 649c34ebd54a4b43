"""Whether a network learned: one rule, for a single run and for thousands."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.config.thresholds import DEFAULT, Thresholds


class Outcome(NamedTuple):
    """First evaluated epoch with 100 % accuracy, or None; final accuracy; whether it learned."""

    reached_epoch: int | None
    accuracy: float
    learned: bool


def outcome(history: pd.DataFrame, num_test: int, thresholds: Thresholds = DEFAULT) -> Outcome:
    """Judge a history (columns ``loop.HISTORY``) on its held-out pairs.

    On the training pairs where none are held out. A run learned if it reached 100 % at an
    evaluated epoch and ends at ``learned_from`` or more.
    """
    judged = history["test_accuracy" if num_test else "train_accuracy"]
    at = np.flatnonzero(judged == 1.0)
    reached = int(history.epoch.iloc[at[0]]) if len(at) else None
    accuracy = float(judged.iloc[-1])
    return Outcome(reached, accuracy, reached is not None and accuracy >= thresholds.learned_from)
