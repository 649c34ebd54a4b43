"""What chapter 08 tells of the two batch sizes, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.sweep_tables import SweepTables, presence, select, that_learned
from modlib.chapters.frequencies import Bounds
from modlib.maths.intervals import equivalence, mean_over_seeds


class Regime(NamedTuple):
    """``bounds`` of a difference, full batch less batch n, its margin, and p of "not within"."""

    what: str
    bounds: Bounds
    margin: float
    p_value: float


IN_WORDS = {"clusters a run": "number of clusters"}
"""How a sentence calls what the ledger's first edition calls otherwise."""


def regimes(tests: Mapping[str, tuple[tuple[float, ...], float]]) -> list[Regime]:
    """Differences between the batch regimes and their margins."""
    return [
        Regime(IN_WORDS.get(what, what), (difference, low, high), margin, p_value)
        for what, ((difference, low, high, p_value), margin) in tests.items()
    ]


class TrainedOn(NamedTuple):
    """``num`` networks followed to a later end: share whose set of frequencies ``changed``; mean
    ``change`` of their number of clusters with its interval. No network: nothing to tell."""

    what: str
    when: str
    num: int
    changed: float
    change: Bounds


def trained_on(
    what: str, when: str, short: SweepTables | None, later: SweepTables | None
) -> TrainedOn:
    """The same seeds at two lengths of training, of those that learned by both."""
    nothing = TrainedOn(what, when, 0, 0.0, (0.0, 0.0, 0.0))
    if short is None or later is None:
        return nothing
    ends = [that_learned(tables) for tables in (short, later)]
    seeds = sorted(set(ends[0].networks.seed) & set(ends[1].networks.seed))
    if len(seeds) < 2:
        return nothing
    found = [presence(select(tables, seeds)).astype(int) for tables in ends]
    change = mean_over_seeds((found[1].sum(1) - found[0].sum(1))[:, None].astype(float)).at(0)
    return TrainedOn(what, when, len(seeds), float((found[0] != found[1]).any(1).mean()), change)


class Other(NamedTuple):
    """A difference full batch less batch n without a margin; ``small``: with batches of n."""

    what: str
    bounds: Bounds
    small: float


def other_differences(small: pd.DataFrame, full: pd.DataFrame) -> list[Other]:
    """Networks with fine-tuning neurons, and live neurons: ``networks`` of both regimes."""
    found = []
    for what, values in (
        (
            "share of networks with fine-tuning neurons",
            [t["neurons_fine-tuning"] > 0 for t in (full, small)],
        ),
        ("live neurons", [t.num_live for t in (full, small)]),
    ):
        one, other = (np.asarray(v, dtype=float) for v in values)
        test = equivalence(one, other, 1.0)
        found.append(Other(what, test.interval, float(other.mean())))
    return found
