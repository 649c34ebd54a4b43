"""Two hands on a circle of a network of Zhong et al.: its logits, in tables a page can carry."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from modlib.analysis.meso import clock_pizza as cp
from modlib.analysis.meso import clock_pizza_circle as circle
from modlib.analysis.meso import clock_pizza_lens as lens
from modlib.analysis.meso.pair_clusters import cluster_by_pairs
from modlib.maths.groups import remapping_unit, signed_freq
from modlib.models.foreign.network import ForeignNetwork


class Hands(NamedTuple):
    """A network, ``rate`` -1 where it has none, and its largest cluster: frequency and ``unit``.

    By ``kept`` (the circle of f alone, with that of 2 f, the whole cluster): ``right``, the right
    answer's logit, the mean over both orders of a pair, rows a - b from 0 to n // 2 and columns b
    in steps of the unit; ``profile``, logits by distance, see ``clock_pizza.by_distance``.
    ``points``: the residues on the circles of f and 2 f.
    """

    title: str
    rate: float
    freq: int
    unit: int
    right: Float[np.ndarray, "kept y x"]
    profile: Float[np.ndarray, "kept y e"]
    points: Float[np.ndarray, "circle n 2"]

    @property
    def n(self) -> int:
        """The modulus."""
        return self.points.shape[1]


def hands_of(network: ForeignNetwork) -> Hands | None:
    """The hands of a network's largest cluster; None where it has no cluster or no embedding."""
    found, _, _ = cluster_by_pairs(network.pairs, network.view)
    if not found or network.embedding is None:
        return None
    n, freq = network.n, found[0].freq
    double, unit = signed_freq(2 * freq, n), remapping_unit(freq, n)
    parts = (
        lens.with_freqs(network, [freq]),
        lens.with_freqs(network, [freq, double] if double else [freq]),
        network.pairs.contribution(found[0].neurons),
    )
    return Hands(
        title=network.name,
        rate=-1.0 if network.attention_rate is None else network.attention_rate,
        freq=freq,
        unit=unit,
        right=np.stack([of_both_orders(cp.right_logits(part, unit)) for part in parts]),
        profile=np.stack([cp.by_distance(part, unit) for part in parts]),
        points=np.stack(
            [circle.circle_points(network.embedding, one) for one in (freq, double or freq)]
        ),
    )


def of_both_orders(right: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "y x"]:
    """``clock_pizza.right_logits``, its mean over (a, b) and (b, a), for a - b from 0 to n // 2."""
    y, x = np.indices(right.shape)
    other = right[-y % len(right), (x + y) % len(right)]
    return ((right + other) / 2)[: len(right) // 2 + 1]
