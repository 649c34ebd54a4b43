"""Which frequencies go together in a network: by ratio, and beside a given one.

Paper A, section 4.1; figure A4b. The null draws a network's frequencies without replacement, as
many as it has in each gcd class; units of Z_n carry a frequency's companions along.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import numpy as np
import pandas as pd
from jaxtyping import Bool, Shaped

from modlib.analysis.many_seeds.frequencies import gcd_classes
from modlib.maths.fourier import require_freq
from modlib.maths.groups import signed_freq, units
from modlib.maths.intervals import (
    Intervals,
    ratio_of_sums,
)


def pairs_of_ratio(n: int, ratio: int) -> list[tuple[int, int]]:
    """The pairs of different frequencies f < g with g = +-ratio f or f = +-ratio g modulo n."""
    pairs = {
        tuple(sorted((f, other)))
        for f in range(1, n // 2 + 1)
        if (other := signed_freq(ratio * f, n)) not in (0, f)
    }
    return sorted((int(f), int(g)) for f, g in pairs)


def _pair_chances(
    found: Bool[np.ndarray, "seed freq"], n: int
) -> dict[tuple[int, int], np.ndarray]:
    """Each network's chance to have two given frequencies, by their gcd classes.

    It draws its frequencies without replacement, given how many it has in each class.
    """
    classes = gcd_classes(n)
    held = {g: found[:, freqs].sum(1).astype(float) for g, freqs in classes.items()}
    chances = {}
    for g, freqs in classes.items():
        for h, others in classes.items():
            if g == h:
                both = held[g] * (held[g] - 1) / max(1, len(freqs) * (len(freqs) - 1))
            else:
                both = held[g] * held[h] / (len(freqs) * len(others))
            chances[g, h] = both
    return chances


def ratio_lifts(
    found: Bool[np.ndarray, "seed freq"], n: int, ratios: Sequence[int] | None = None
) -> pd.DataFrame:
    """How often two frequencies of a given ratio are learned together, against the null.

    Pooled over all f: pairs {f, ratio f}. ``ratio``, ``num_pairs``, ``observed``, ``expected``
    (pairs in all networks), ``lift``, ``low``, ``high``. Ratios of None are 2 and all units up to
    sign and inverse, except 1. The expectation is that of the null given each network's classes.
    """
    if ratios is None:
        folded = {
            min(signed_freq(u, n), signed_freq(pow(u, -1, n), n)) for u in units(n) if u * 2 < n
        }
        ratios = sorted(folded - {1} | {2})
    chances = _pair_chances(found, n)
    kept, observed, expected, sizes = [], [], [], []
    for ratio in ratios:
        pairs = pairs_of_ratio(n, ratio)
        if not pairs:
            continue
        f, g = np.array(pairs).T
        kept.append(ratio)
        sizes.append(len(pairs))
        observed.append((found[:, f] & found[:, g]).sum(1))
        expected.append(sum(chances[gcd(a, n), gcd(b, n)] for a, b in pairs))
    if not kept:
        columns = ["ratio", "num_pairs", "observed", "expected", "lift", "low", "high"]
        return pd.DataFrame(columns=columns, dtype=float)
    above, below = np.stack(observed, axis=1).astype(float), np.stack(expected, axis=1)
    lift = ratio_of_sums(above, below)
    return pd.DataFrame(
        {"ratio": kept, "num_pairs": sizes, "observed": above.sum(0), "expected": below.sum(0)}
        | {"lift": lift.value, "low": lift.low, "high": lift.high}
    )


def companions(found: Bool[np.ndarray, "seed freq"], n: int, freq: int) -> pd.DataFrame:
    """Frequencies of the networks that have ``freq``, against the null (figure A4b).

    A row for every other frequency: ``freq``; ``rate`` among these networks with ``low`` and
    ``high``; ``pooled``, ``pooled_low``, ``pooled_high``: the same from all frequencies that a
    unit carries to ``freq``, by symmetry; ``expected`` of it by the null, given the networks'
    classes; and ``relation``: "double", "half" or "". NaN where fewer than two networks have
    ``freq``, or one of its class.
    """
    freq = require_freq(freq, n)
    others = np.array([f for f in range(1, n // 2 + 1) if f != freq], dtype=int)
    alone = _rate_beside(found[:, others] & found[:, [freq]], found[:, [freq]])
    beside, having = np.zeros((len(found), len(others))), np.zeros((len(found), 1))
    for u in units(n):
        if 2 * u < n:
            image = signed_freq(u * freq, n)
            moved = np.minimum(u * others % n, -u * others % n)
            beside += found[:, [image]] & found[:, moved]
            having += found[:, [image]]
    pooled = _rate_beside(beside, having)
    classes, own = gcd_classes(n), gcd(freq, n)
    chance = {
        g: (found[:, freqs].sum(1) - (g == own)) / max(1, len(freqs) - (g == own))
        for g, freqs in classes.items()
    }
    weight = having[:, 0]
    total = max(1.0, float(weight.sum()))
    expected = [float(weight @ chance[gcd(int(f), n)]) / total for f in others]
    double = signed_freq(2 * freq, n)
    relation = [
        "double" if f == double else "half" if signed_freq(2 * f, n) == freq else ""
        for f in others.tolist()
    ]
    return pd.DataFrame(
        {"freq": others, "rate": alone.value, "low": alone.low, "high": alone.high}
        | {"pooled": pooled.value, "pooled_low": pooled.low, "pooled_high": pooled.high}
        | {"expected": expected, "relation": relation}
    )


def _rate_beside(
    beside: Shaped[np.ndarray, "seed other"], having: Shaped[np.ndarray, "seed 1"]
) -> Intervals:
    """Sums of ``beside`` over sums of ``having``; NaN where fewer than two networks have any."""
    if np.count_nonzero(having) < 2:
        nothing = np.full(beside.shape[1], np.nan)
        return Intervals(nothing, nothing, nothing)
    chosen = having[:, 0] > 0
    return ratio_of_sums(beside[chosen], np.repeat(having[chosen], beside.shape[1], axis=1))
