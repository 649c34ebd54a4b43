"""The smallest set of clusters that keeps what a network knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from modlib.analysis.meso.clusters import Cluster
from modlib.config.thresholds import DEFAULT
from modlib.models.views.neuron_view import score_logits
from modlib.models.views.pair_view import Network

MAX_ALL = 12
"""Clusters of which all sets are tried, the small ones first; of more the best is added in turn."""
MAX_HELD = 2**26
"""Numbers that the clusters' votes may take; beyond, only some of the inputs a are asked."""


class Kept(NamedTuple):
    """Frequencies of the set, and the accuracy with it alone and with all neurons."""

    freqs: list[int]
    accuracy: float
    accuracy_all: float


def smallest_set(network: Network, clusters: Sequence[Cluster], keep: float = DEFAULT.keep) -> Kept:
    """The fewest clusters whose neurons alone are right on ``keep`` of the pairs of all neurons.

    All other neurons are silenced; the path around them and the bias stay. Of sets of one size the
    best; all clusters where even these keep less. On every pair, or, in a large network, on those
    of evenly spread inputs a.
    """
    rows = _rows(network.n, len(clusters))
    parts, base, whole = _parts(network, clusters, rows)
    everything = _accuracy(whole, rows)
    best: tuple[float, tuple[int, ...]] = (_accuracy(base, rows), ())
    for sets in _stages(len(clusters)):
        if best[0] >= keep * everything:
            break
        scored = [(_accuracy(base + sum(parts[i] for i in s), rows), s) for s in sets(best[1])]
        best = max(scored, key=lambda item: item[0])
    return Kept(sorted(clusters[i].freq for i in best[1]), best[0], everything)


def _stages(count: int) -> Iterator:
    """For each size the sets that are tried, given the best one of the size before."""
    for size in range(1, count + 1):
        if count <= MAX_ALL:
            yield lambda best, size=size: combinations(range(count), size)
        else:
            yield lambda best: ((*best, i) for i in range(count) if i not in best)


def _rows(n: int, count: int) -> list[int]:
    num = max(1, min(n, MAX_HELD // (n * n * max(count, 1))))
    return np.unique(np.linspace(0, n - 1, num).round().astype(int)).tolist()


def _parts(
    network: Network, clusters: Sequence[Cluster], rows: Sequence[int]
) -> tuple[list[Float[np.ndarray, "a b c"]], Float[np.ndarray, "a b c"], np.ndarray]:
    """What each cluster, no neuron, and the whole network say for these inputs a."""
    of_rows = [slice(a, a + 1) for a in rows]
    parts = [
        np.concatenate(
            [network.activations(r, c.neurons) @ network.w_out[c.neurons] for r in of_rows]
        )
        for c in clusters
    ]
    base = np.concatenate([network.direct(r) + network.b_out for r in of_rows])
    return parts, base, np.concatenate([network.logits(r) for r in of_rows])


def _accuracy(logits: Float[np.ndarray, "a b c"], rows: Sequence[int]) -> float:
    scored = (
        score_logits(one[None], slice(a, a + 1)).right for a, one in zip(rows, logits, strict=True)
    )
    return float(np.mean([right.mean() for right in scored]))
