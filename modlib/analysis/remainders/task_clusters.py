"""Neurons that share a character of a task: how many such clusters, and at which frequencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int
from numpy.typing import ArrayLike
from scipy import stats

from modlib.analysis.remainders.adders import of_one_wave
from modlib.maths.intervals import LEVELS

MIN_CLUSTER = 2
"""Fewest neurons of one wave that make a cluster; q = 2, whose wave has no phase, needs no more."""
NEAR = 0.01
"""Cycles a step within which two frequencies are neighbours."""
BANDS = 5
"""Parts of the axis of frequencies, .1 cycles each."""
NUM_DRAWS = 500
"""Random choices of frequencies that neighbours are counted in."""
LAWS: dict[str, Callable[[Any], Any]] = {"ln q": np.log, "sqrt q": np.sqrt, "q": lambda q: q}
"""What the number of clusters may grow with."""


def cluster_sizes(neurons: pd.DataFrame, fewest: int = MIN_CLUSTER) -> pd.DataFrame:
    """A row a cluster, ``q``, ``k`` and ``size``: neurons of one wave that share it."""
    sizes = neurons[of_one_wave(neurons)].groupby(["q", "k"]).size().rename("size").reset_index()
    return sizes[sizes["size"] >= fewest].reset_index(drop=True)


def cluster_numbers(
    neurons: pd.DataFrame, qs: Int[np.ndarray, " task"], fewest: int = MIN_CLUSTER
) -> pd.Series:
    """Clusters of each task, by q."""
    return cluster_sizes(neurons, fewest).groupby("q").size().reindex(qs, fill_value=0)


class Near(NamedTuple):
    """Share of the pairs of clusters whose k/q lie within ``NEAR`` of each other.

    ``at_random``: mean of draws with as many frequencies of a task in each of ``BANDS``, ``low``,
    ``high``: 95 % of them.
    """

    share: float
    at_random: float
    low: float
    high: float


def near_frequencies(clusters: pd.DataFrame) -> Near | None:
    """Whether tasks choose neighbouring frequencies; ``clusters``: see ``cluster_sizes``.

    Against frequencies drawn at random for each task, as many as it has in each of ``BANDS`` of
    the axis: where tasks only like the same end of it, that is no choice of neighbours. None below
    two clusters.
    """
    if len(clusters) < 2:
        return None
    generator = np.random.default_rng(0)
    numbers = clusters.groupby(["q", _band(clusters.k, clusters.q)]).size()
    among = []
    for (q, band), count in numbers.items():
        freqs = np.arange(1, q // 2 + 1)
        among.append((freqs[_band(freqs, q) == band] / q, count))

    def near(turns: np.ndarray) -> float:
        first, second = np.triu_indices(len(turns), 1)
        return float((np.abs(turns[first] - turns[second]) < NEAR).mean())

    def drawn() -> np.ndarray:
        return np.concatenate([generator.permutation(turns)[:count] for turns, count in among])

    draws = [near(drawn()) for _ in range(NUM_DRAWS)]
    found = near((clusters.k / clusters.q).to_numpy())
    return Near(found, float(np.mean(draws)), *np.quantile(draws, LEVELS).tolist())


def _band(k: ArrayLike, q: ArrayLike) -> Int[np.ndarray, "*shape"]:
    """In which of ``BANDS`` equal parts of the axis, up to half a cycle, k/q lies."""
    return np.minimum((2 * BANDS * np.asarray(k)) // np.asarray(q), BANDS - 1)


def growth(numbers: pd.Series) -> pd.DataFrame:
    """The clusters of tasks, by q, on each of ``LAWS``, by name.

    Least squares with a constant: ``slope`` with ``low`` and ``high`` of its 95 % interval over
    tasks, ``start`` (the constant) and ``explained``, the share of the variance; empty below three
    tasks.
    """
    columns = ["slope", "low", "high", "start", "explained"]
    if len(numbers) < 3:
        return pd.DataFrame(columns=columns, dtype=float)
    rows = {}
    for name, law in LAWS.items():
        fit = stats.linregress(law(numbers.index.to_numpy(dtype=float)), numbers.to_numpy())
        half = float(stats.t.ppf(LEVELS[1], len(numbers) - 2)) * fit.stderr
        ends = (fit.slope - half, fit.slope + half)
        rows[name] = [fit.slope, *ends, fit.intercept, fit.rvalue**2]
        if numbers.nunique() == 1:  # a level line, of which nothing is left to explain
            rows[name] = [0.0, 0.0, 0.0, float(numbers.iloc[0]), np.nan]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
