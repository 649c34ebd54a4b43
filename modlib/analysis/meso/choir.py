"""How one cosine comes out of many neurons: votes added up, and what evenly spread phases cancel.

Paper A, sections 4.1 and 5.4, figure A24.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.meso.clusters import Cluster, fit_cosine
from modlib.maths.fourier import circular_difference
from modlib.models.views.neuron_view import NeuronView

MOST_SUMS = 6
"""Numbers of neurons that are shown adding up, at most."""


class Sum(NamedTuple):
    """The first neurons of a cluster in a random order, ``num_neurons`` of them, at one pair.

    ``votes`` of each and their ``total``; over all pairs the ``amplitude`` of its cosine and the
    share of the logits' variance that it ``explained``.
    """

    num_neurons: int
    votes: Float[np.ndarray, "neuron c"]
    total: Float[np.ndarray, " c"]
    amplitude: float
    explained: float


def adding_up(
    view: NeuronView, cluster: Cluster, pair: Int[np.ndarray, " 2"], *, seed: int = 0
) -> list[Sum]:
    """Votes of 1, 2, 4, 8, ... and of all neurons of a cluster, added up at one pair."""
    order = np.random.default_rng(seed).permutation(cluster.neurons)
    powers = [2**k for k in range(MOST_SUMS - 1) if 2**k < len(order)]
    (fires,) = view.fires(pair[None], order)
    votes = fires[:, None] * view.w_out[order]
    votes = votes - votes.mean(-1, keepdims=True)
    sums = []
    for count in (*powers, len(order)):
        fit = fit_cosine(view.contribution(order[:count]), cluster.freq)
        explained = 0.0 if np.isnan(fit.explained) else fit.explained
        sums.append(Sum(count, votes[:count], votes[:count].sum(0), fit.amplitude, explained))
    return sums


def thirds(t_a: Float[np.ndarray, " member"], n: int) -> list[int]:
    """Places of three neurons whose phases are nearest to thirds of a turn from the first's.

    The first three where phases are not told, all of fewer than three.
    """
    if len(t_a) < 3 or np.isnan(t_a).any():
        return list(range(min(3, len(t_a))))
    wanted = t_a[0] + n * np.arange(3) / 3
    off = np.abs(circular_difference(t_a - wanted[:, None], n))
    return sorted({int(row.argmin()) for row in off})


COMBINATIONS = {
    "t_A": (1, 0),
    "t_B": (0, 1),
    "t_A - t_B": (1, -1),
    "t_A + t_B": (1, 1),
    "2 t_A": (2, 0),
    "2 t_B": (0, 2),
    "2 t_A + t_B": (2, 1),
    "t_A + 2 t_B": (1, 2),
    "2 (t_A + t_B)": (2, 2),
}
"""Joint phases whose mean has to vanish, p t_A + q t_B, by name."""
GRID = 128
RARE = 0.05
"""Share of random draws that have a smaller mean than one that vanishes."""


def relu_weights() -> Float[np.ndarray, "j k"]:
    """|c_jk| of ReLU(cos x + cos y) = sum c_jk exp(i (j x + k y)), over that of j = k = 1."""
    x = np.cos(2 * np.pi * np.arange(GRID) / GRID)
    coefficients = np.abs(np.fft.fft2(np.maximum(x[:, None] + x, 0)))
    return coefficients / coefficients[1, 1]


def joint_moments(table: pd.DataFrame, n: int) -> pd.DataFrame:
    """A row a joint phase: how far it is from being spread evenly, and what hangs on it.

    Neurons with phases t_A, t_B and t_D = t_A + t_B and one gain add cos(2 pi (f c - t_D) / n)
    times ReLU(cos(2 pi (f a - t_A) / n) + cos(2 pi (f b - t_B) / n)). Of the product's waves one
    has no phase left, that of c - a - b; each other keeps p t_A + q t_B and is cancelled where the
    mean of exp(2 pi i (p t_A + q t_B) / n), neurons weighed by their gains, vanishes. ``moment``:
    its absolute value; ``chance``: its median for as many independent phases; ``vanishes``:
    smaller than in 95 of 100 such draws; ``weight``: how large its waves are beside the one that
    counts. ``table``: ``t_a``, ``t_b``, ``r_a``, ``r_b``, ``r_d`` of the neurons.
    """
    gain = np.sqrt(table.r_a * table.r_b).to_numpy() * table.r_d.to_numpy()
    number = gain.sum() ** 2 / (gain**2).sum() if len(gain) else np.nan
    sizes, rows = relu_weights(), []
    for name, (p, q) in COMBINATIONS.items():
        phase = (p * table.t_a + q * table.t_b).to_numpy()
        moment = np.abs((gain * np.exp(2j * np.pi * phase / n)).sum()) / gain.sum()
        limit = np.sqrt(-np.log(1 - RARE) / number)
        weight = np.hypot(sizes[1 + p, 1 + q], sizes[1 - p, 1 - q])
        rows.append((name, weight, moment, np.sqrt(np.log(2) / number), moment < limit))
    return pd.DataFrame(rows, columns=["joint", "weight", "moment", "chance", "vanishes"])
