"""What a search over settings of paper B's training tries, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, ClassVar, NamedTuple

import pandas as pd

from modlib.config.presets import FIRST_SEED, REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.config.rules import digest, require_seed
from modlib.errors import require_int

STUDY = "study.sqlite3"
"""A study's file in the store."""
PAPER_SPACE: dict[str, tuple[float, ...]] = {
    "dropout": (0.0, 0.1, 0.2, 0.5),
    "lam": (0.0, 0.5, 2.0),
    "weight_decay": (0.0, 0.1, 0.5, 1.0),
    "embed_dim": (128, 256),
    "lr": (1e-4, 3e-4),
    "heads": (4, 8),
}
"""Table 1 of paper B."""
SPACE = PAPER_SPACE | {"weight_decay": (0.0, 0.1, 1 / 3, 0.5, 1.0), "lr": (1e-4, 3e-4, 3e-3)}
"""What is searched: with the weight decay of table 2, which table 1 lacks, and a learning rate at
which a small network learns in the time it has."""
PAPER_BEST: dict[str, float] = {
    "dropout": 0.1,
    "lam": 0.5,
    "weight_decay": 1 / 3,
    "embed_dim": 256,
    "lr": 3e-4,
    "heads": 4,
}
"""Table 2 of paper B."""
STEPS = 4096
"""Steps of a trial."""
NUM_TRIALS = 40
NUM_REPORTS = 8
"""Times at which a trial is compared with the others, the last at its end."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is searched: the configuration and the values that are tried in it.

    ``seed`` is that of every network and of the sampler. The trials' objective is the mean
    validation accuracy over tasks after the configuration's steps.
    """

    KIND: ClassVar[str] = "search"
    """What the store calls searches, and their trials' runs."""

    base: RemaindersConfig = field(
        default_factory=lambda: replace(REMAINDERS_PRESETS["B37"], steps=STEPS)
    )
    space: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: SPACE)
    seed: int = FIRST_SEED

    def __post_init__(self) -> None:
        require_seed(self.seed)
        require_int("steps", self.base.steps, at_least=NUM_REPORTS)
        for name, values in self.space.items():
            for value in values:
                self.config({name: value})

    @property
    def size(self) -> int:
        """Different settings in the space."""
        return prod(len(values) for values in self.space.values())

    def config(self, settings: Mapping[str, Any]) -> RemaindersConfig:
        """The configuration of a trial."""
        return replace(self.base, **settings)

    def key(self) -> str:
        """Sixteen hexadecimal digits of all that affects the trials but their number."""
        space = {name: list(values) for name, values in self.space.items()}
        return digest({"base": self.base.key(), "space": space, "seed": self.seed})


class SearchTables(NamedTuple):
    """The finished trials of a study, the first of each setting.

    ``trials``: a row a trial with ``trial`` (from 0), its settings, ``accuracy`` (when it ended),
    ``steps`` made, ``pruned`` (stopped early) and ``retries``; ``reports``: a row a trial and
    ``step`` with its ``accuracy``.
    """

    trials: pd.DataFrame
    reports: pd.DataFrame


def no_trials(study: Study) -> SearchTables:
    """The tables of a study that has not begun."""
    return SearchTables(trials_frame([], study), reports_frame([]))


def trials_frame(rows: list[dict[str, Any]], study: Study) -> pd.DataFrame:
    columns = ["trial", *study.space, "accuracy", "steps", "pruned", "retries"]
    return pd.DataFrame(rows, columns=columns)


def reports_frame(rows: list[dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["trial", "step", "accuracy"])
