"""How far ``modlib show`` can be trusted: networks whose every property is known.

``python scripts/calibrate_show.py`` makes the committed table, chapter 15 reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from modlib.analysis.battery import clusters_of, understood
from modlib.machine import RESULTS
from modlib.models.foreign.layouts import AXES
from modlib.models.foreign.load import from_tensors
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.foreign.planted import planted_tensors, random_tensors
from modlib.models.views.activations import Activation
from modlib.progress import Bar

FILE = "show_calibration.csv"
N_RANDOM = 17
"""Modulus of the random networks: with so few frequencies noise is soonest taken for one."""
N = 31
FREQS = (3, 7, 11, 14)
NOISE = (0.0, 0.05, 0.2)
"""Standard deviation of what is added to planted weights, over that of each array."""
ACTIVATIONS: tuple[Activation, ...] = ("relu", "gelu", "square")
CASES = [
    (layout, rate)
    for layout in AXES
    for rate in ((0.0, 1.0) if layout == "zhong_transformer" else (None,))
]
"""Layouts, and the attention rates of the one that has them."""

COLUMNS = (
    *("layout", "rate", "random", "with a cluster", "with a task"),
    *("planted", "found", "n", "task"),
)


def planted(
    layout: str, noise: float, activation: Activation = "relu", seed: int = 0
) -> dict[str, np.ndarray]:
    """``planted_tensors`` of ``FREQS`` with noise on every array that is not zero."""
    generator = np.random.default_rng(seed)
    return {
        name: array + noise * array.std() * generator.normal(size=array.shape)
        for name, array in planted_tensors(layout, N, FREQS, activation=activation).items()
    }


def random_counts(
    layout: str, rate: float | None, seeds: range, n: int = N_RANDOM
) -> tuple[int, int]:
    """How many random networks have a cluster, and how many a task beyond chance."""
    with_cluster = with_task = 0
    for seed in Bar(seeds, desc=layout, disable=None, leave=False):
        tensors = random_tensors(layout, n, seed)
        network = from_tensors(tensors, layout=layout, attention_rate=rate, activation="relu")
        with_cluster += bool(clusters_of(network).clusters)
        with_task += understood(network).task.holds
    return with_cluster, with_task


def planted_networks(layout: str, rate: float | None) -> Iterator[ForeignNetwork]:
    """Planted networks with each activation and amount of noise."""
    for activation in ACTIVATIONS:
        for noise in NOISE:
            tensors = planted(layout, noise, activation)
            yield from_tensors(tensors, layout=layout, attention_rate=rate, activation=activation)


def calibrate(num_random: int) -> pd.DataFrame:
    """A row a case: of random networks those with a cluster and with a task; of planted ones the
    clusters, n and tasks that are found right."""
    rows = []
    for layout, rate in CASES:
        with_cluster, with_task = random_counts(layout, rate, range(num_random))
        networks = [*planted_networks(layout, rate)]
        clusters = [{c.freq for c in clusters_of(one).clusters} for one in networks]
        right = sum(found == set(FREQS) for found in clusters)
        told = [understood(one).task for one in networks]
        tasks = sum(task.holds and task.name == f"a + b mod {N}" for task in told)
        right_n = sum(one.n == N for one in networks)
        counts = (num_random, with_cluster, with_task, len(networks), right, right_n, tasks)
        rows.append((layout, rate, *counts))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_calibration(num_random: int, results: Path = RESULTS) -> Path:
    """Make the table and write it into ``results``."""
    path = results / FILE
    calibrate(num_random).to_csv(path, index=False)
    return path


def read_calibration(results: Path = RESULTS) -> pd.DataFrame | None:
    """The committed table; None where there is none."""
    path = results / FILE
    return pd.read_csv(path) if path.is_file() else None
