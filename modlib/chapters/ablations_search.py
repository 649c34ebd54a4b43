"""What chapter 14 tells of a search over settings, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.chapters.words import Rows, percent
from modlib.config.presets import FIRST_SEED, REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.plots.ablations_search import SETTINGS, as_value


def space(own: Mapping[str, Sequence[float]], paper: Mapping[str, Sequence[float]]) -> Rows:
    """Table 1 with what we added to it."""
    return {
        "setting": [SETTINGS[name] for name in own],
        "the paper's values": [", ".join(map(as_value, paper[name])) for name in own],
        "added here": [
            ", ".join(as_value(one) for one in values if one not in paper[name])
            for name, values in own.items()
        ],
    }


class Search(NamedTuple):
    """``num_trials`` of ``size`` settings tried, some ``pruned``, some ``retried`` after a kill;
    accuracies ``least`` to ``most`` with their ``median``."""

    num_trials: int
    size: int
    p: int
    steps: int
    seed: int
    pruned: int
    retried: int
    least: float
    most: float
    median: float


def search(trials: pd.DataFrame, base: RemaindersConfig, size: int) -> Search:
    """How many settings were tried and how the accuracies spread."""
    accuracy = trials.accuracy if len(trials) else pd.Series([0.0])
    return Search(
        num_trials=len(trials),
        size=size,
        p=base.p,
        steps=base.steps,
        seed=FIRST_SEED,
        pruned=int(trials.pruned.sum()),
        retried=int((trials.retries > 0).sum()),
        least=float(accuracy.min()),
        most=float(accuracy.max()),
        median=float(accuracy.median()),
    )


def best(
    trials: pd.DataFrame,
    own: Mapping[str, Sequence[float]],
    paper: Mapping[str, float],
    top: int = 5,
) -> Rows:
    """Table 2: the best settings found, the paper's best, and the best without the filter.

    {} without trials.
    """
    if trials.empty:
        return {}
    ranked = trials.sort_values("accuracy", ascending=False, kind="stable").reset_index(drop=True)
    chosen = [(f"{i + 1}", ranked.loc[i]) for i in range(min(top, len(ranked)))]
    theirs = np.logical_and.reduce([np.isclose(ranked[name], paper[name]) for name in own])
    for label, mask in (("the paper's best", theirs), ("best with λ = 0", ranked.lam == 0)):
        rows = ranked[mask]
        if len(rows):
            chosen.append((f"{label} (place {rows.index[0] + 1})", rows.iloc[0]))
    planned = REMAINDERS_PRESETS["B113-code"].steps
    return {
        "place": ["*paper, table 2*", *(label for label, _ in chosen)],
        **{
            SETTINGS[name]: [as_value(float(row[name])) for row in (paper, *(r for _, r in chosen))]
            for name in own
        },
        "accuracy": ["", *(percent(float(row.accuracy)) for _, row in chosen)],
        "steps": [f"{planned:,}", *(f"{row.steps:,}" for _, row in chosen)],
    }


class Importance(NamedTuple):
    """The setting with the largest ``share``; ``above``: those with more than an ``equal`` one by
    their whole interval."""

    setting: str
    share: tuple[float, float, float]
    equal: float
    above: list[str]


def importance(table: pd.DataFrame) -> dict[str, Importance | None]:
    """Which settings tell the best trials from all, as far as the intervals say."""
    if table.empty:
        return {"found": None}
    first = table.sort_values("importance", ascending=False).iloc[0]
    equal = 1 / len(table)
    found = Importance(
        setting=SETTINGS[first.setting],
        share=(float(first.importance), float(first.low), float(first.high)),
        equal=equal,
        above=[SETTINGS[row.setting] for row in table.itertuples() if row.low > equal],
    )
    return {"found": found}
