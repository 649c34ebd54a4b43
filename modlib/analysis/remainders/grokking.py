"""When each task is learned, when gradients calm down, and what a gradient filter lets through.

Tables are those of a ``RemaindersRun``: ``history`` has a row a step, split and task, ``norms`` a
row a step and parameter. All steps are logged ones, so that a time is known to the grid only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from modlib.config.thresholds import DEFAULT

EASY = (2, 3, 5, 7)
"""The tasks that the paper's networks learn first, in this order."""
LEARNED = DEFAULT.task_learned
"""Validation accuracy from which a task counts as learned."""
LEVELS = (0.97, LEARNED, 0.999)
DEPTH = ("tok", "pos", "q", "k", "v", "o", "w_in", "w_out", "unembed")
"""Parameters in the order in which the network uses them."""
START = 100
"""Steps without which the ledger's first edition looked at gradients once more."""
LEFT_OUT = 1000 / 65536
"""Share of the planned steps that the authors' figure 17 leaves out at the start."""
LAYERS = {"attention": ("q", "k", "v", "o"), "FFN": ("w_in", "w_out")}


def by_step(history: pd.DataFrame, split: str, value: str = "accuracy") -> pd.DataFrame:
    """One of the history's values for a split: a row a step, a column a task."""
    rows = history[history.split == split]
    return rows.pivot(index="step", columns="q", values=value).sort_index()


def final_accuracy(history: pd.DataFrame) -> pd.DataFrame:
    """Validation accuracy after each seed's last step: a row a seed, a column a task."""
    rows = history[history.split == "validation"]
    last = rows[rows.step == rows.groupby("seed").step.transform("max")]
    return last.pivot(index="seed", columns="q", values="accuracy")


def milestones(
    history: pd.DataFrame, levels: Sequence[float] = LEVELS, split: str = "validation"
) -> pd.DataFrame:
    """When each task reaches each level: a row a level and task.

    ``first``: the first logged step at which the accuracy is that high; ``lasting``: the first
    from which on it never falls below; NaN where there is none.
    """
    accuracy = by_step(history, split)
    tables = []
    for level in levels:
        high = (accuracy >= level).to_numpy()
        from_here = np.logical_and.accumulate(high[::-1])[::-1]
        columns = {"q": accuracy.columns.to_numpy(), "level": level}
        columns |= {"first": _first(accuracy, high), "lasting": _first(accuracy, from_here)}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _first(table: pd.DataFrame, holds: np.ndarray) -> Float[np.ndarray, " task"]:
    steps = table.index.to_numpy(dtype=float)
    return np.where(holds.any(0), steps[holds.argmax(0)], np.nan)


def first_steps(
    history: pd.DataFrame, level: float = LEARNED, split: str = "validation"
) -> pd.Series:
    """The first logged step at which each task's accuracy reaches ``level``, by q."""
    return milestones(history, (level,), split).set_index("q")["first"]


def seed_steps(history: pd.DataFrame, level: float = LEARNED) -> pd.DataFrame:
    """``first_steps`` of a history of several seeds: a row a seed, a column a task."""
    steps = {seed: first_steps(rows, level) for seed, rows in history.groupby("seed")}
    return pd.DataFrame(steps).T.rename_axis(index="seed")


def in_succession(first: pd.Series, *, finished: bool = True) -> bool | None:
    """Whether 2, 3, 5 and 7 are learned strictly one after another, and before all other tasks.

    ``first``: see ``first_steps``; a task that is never learned counts as last. In a run that is
    not ``finished`` it is not learned yet: None where two such tasks would decide.
    """
    never = first.fillna(np.inf)
    easy = [float(never[q]) for q in EASY if q in never.index]
    rest = never[~never.index.isin(EASY)]
    pairs = list(pairwise([*easy, float(rest.min())] if len(rest) else easy))
    still_open = [not finished and a == b == np.inf for a, b in pairs]
    if not all(a < b or left for (a, b), left in zip(pairs, still_open, strict=True)):
        return False
    return None if any(still_open) else True


def rank_correlation(first: pd.Series) -> float:
    """Kendall's tau-b of q with the step at which it is learned, over q above 7.

    Tasks that are never learned are tied, after the others. NaN where fewer than three tasks are
    left or all are tied.
    """
    rest = first[first.index > EASY[-1]].fillna(np.inf)
    if len(rest) < 3 or rest.nunique() < 2:
        return float("nan")
    return float(stats.kendalltau(rest.index, rest).statistic)


def chance_deviation(num_tasks: int) -> float:
    """Standard deviation of Kendall's tau over random orders of ``num_tasks`` tasks."""
    return float(np.sqrt(2 * (2 * num_tasks + 5) / (9 * num_tasks * (num_tasks - 1))))


def first_shown(planned: int) -> int:
    """The step at which the authors' figure 17 begins, of a run of ``planned`` steps: 1,000 of
    65,536, and as early in a shorter run."""
    return round(LEFT_OUT * planned)


def relative_norms(norms: pd.DataFrame, kind: str, since: int = 0) -> pd.DataFrame:
    """Gradient norms over each parameter's largest: a row a parameter by depth, a column a step.

    ``kind``: ``raw`` before the filter, ``filtered`` after it, as in the authors' figure. Steps
    before ``since`` are left out, also of the largest.
    """
    late = norms[norms.step >= since]
    table = late.pivot(index="parameter", columns="step", values=kind).reindex(list(DEPTH))
    return table.div(table.max(axis=1), axis=0)


def last_half_peak(
    norms: pd.DataFrame, kind: str = "filtered", since: int = 0, level: float = 0.5
) -> pd.Series:
    """The last logged step at which each parameter's norm is half of its largest or more.

    ``level``: another share than half.
    """
    high = relative_norms(norms, kind, since) >= level
    return high.apply(lambda row: float(row.index[row].max()), axis=1)


def settled(
    norms: pd.DataFrame, kind: str = "filtered", since: int = 0, level: float = 0.5
) -> dict[str, float]:
    """The last half-peak of each layer: that of its last matrix."""
    last = last_half_peak(norms, kind, since, level)
    return {layer: float(last[list(names)].max()) for layer, names in LAYERS.items()}


class Settling(NamedTuple):
    """A network's ``relative_norms`` and its ``last_half_peak``."""

    norms: pd.DataFrame
    last: pd.Series


def settling(norms: pd.DataFrame, kind: str = "filtered", since: int = 0) -> Settling:
    """Figure 17 of a network, from step ``since`` on."""
    return Settling(relative_norms(norms, kind, since), last_half_peak(norms, kind, since))


def filter_gain(
    period: Float[np.ndarray, " wave"], lam: float, alpha: float
) -> Float[np.ndarray, " wave"]:
    """How much equation 13 strengthens a gradient that swings with a period, in steps.

    The size of 1 + lambda (1 - alpha) / (1 - alpha exp(-2 pi i / period)): 1 + lambda for a
    constant gradient, nearly 1 for one that changes sign at every step.
    """
    turn = np.exp(-2j * np.pi / period)
    return np.abs(1 + lam * (1 - alpha) / (1 - alpha * turn))


def noise_gain(lam: float, alpha: float) -> float:
    """The factor on the root mean square of a gradient that is drawn afresh at every step."""
    return float(np.sqrt(1 + 2 * lam * (1 - alpha) + lam**2 * (1 - alpha) / (1 + alpha)))


def slow_share(
    ratio: Float[np.ndarray, " value"], lam: float, alpha: float
) -> Float[np.ndarray, " value"]:
    """Share of the squared norm that would be constant, were the rest fresh noise.

    ``ratio``: norm after the filter over norm before it. NaN without a filter, lambda = 0.
    """
    noise = noise_gain(lam, alpha) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(lam > 0, (ratio**2 - noise) / ((1 + lam) ** 2 - noise), np.nan)


def filter_ratios(norms: pd.DataFrame) -> pd.DataFrame:
    """Norm after the filter over norm before it: a row a step, a column a parameter by depth."""
    ratios = norms.assign(ratio=norms.filtered / norms.raw.where(norms.raw > 0))
    table = ratios.pivot(index="step", columns="parameter", values="ratio")
    return table.reindex(columns=list(DEPTH))
