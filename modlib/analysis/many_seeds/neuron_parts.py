"""Which frequencies share a neuron: harmonics of one, and partners of a given one.

Paper A, appendix B.5; figure A28. By chance: the other networks' frequencies, dealt out anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from modlib.analysis.many_seeds.uniformity import CELLS
from modlib.config.thresholds import DEFAULT
from modlib.errors import require_int
from modlib.maths.fourier import require_freq
from modlib.maths.groups import units
from modlib.maths.intervals import (
    NUM_RESAMPLES,
    interval_of,
    resampled_weights,
)

MAX_ORDER = 6
"""Highest harmonic by which two frequencies of a neuron are called related."""
ADDITIVE_ORDER = 3
"""Highest harmonic of the relations that the claim on figure A28 pools: 1:2, 1:3 and 2:3."""


def relation_table(n: int, max_order: int = MAX_ORDER) -> dict[str, Bool[np.ndarray, "freq other"]]:
    """For p:q with p, q <= max_order, the pairs (f, g) with f = +-p b and g = +-q b for some b.

    Every pair belongs to the simplest relation that it has: lowest max(p, q), then lowest sum.
    """
    max_order = require_int("max_order", max_order, at_least=2)
    orders = [
        (p, q)
        for p in range(1, max_order + 1)
        for q in range(1, max_order + 1)
        if p != q and gcd(p, q) == 1
    ]
    orders.sort(key=lambda pq: (max(pq), sum(pq), pq))
    size = n // 2 + 1
    taken = np.eye(size, dtype=bool)
    taken[0], taken[:, 0] = True, True
    base = np.arange(1, size)
    table = {}
    for p, q in orders:
        pairs = np.zeros((size, size), dtype=bool)
        f, g = (np.minimum(m * base % n, -m * base % n) for m in (p, q))
        pairs[f, g] = True
        pairs &= ~taken
        table[f"{p}:{q}"] = pairs
        taken |= pairs
    return table


def first_and_second(neurons: pd.DataFrame, n: int) -> Float[np.ndarray, "seed freq other"]:
    """Neurons of each network by their strongest (rows) and next strongest frequency."""
    return _joint(neurons.seed, neurons.freq_1, neurons.freq_2, n)


def parts_together(neurons: pd.DataFrame, n: int) -> Float[np.ndarray, "seed freq other"]:
    """Neurons of each network that have two frequencies among the parts of their power.

    Parts are the leading frequencies with a share of at least ``part_of``. Symmetric.
    """
    blocks = []
    for i, j in ((1, 2), (1, 3), (2, 3)):
        both = neurons[
            (neurons[f"share_{i}"] >= DEFAULT.part_of) & (neurons[f"share_{j}"] >= DEFAULT.part_of)
        ]
        f, g = both[f"freq_{i}"], both[f"freq_{j}"]
        blocks += [pd.DataFrame({"seed": both.seed, "f": x, "g": y}) for x, y in ((f, g), (g, f))]
    pairs = pd.concat(blocks)
    return _joint(pairs.seed, pairs.f, pairs.g, n)


def _joint(
    seed: pd.Series, f: pd.Series, g: pd.Series, n: int
) -> Float[np.ndarray, "seed freq other"]:
    names, row = np.unique(seed.to_numpy(), return_inverse=True)
    joint = np.zeros((len(names), n // 2 + 1, n // 2 + 1))
    np.add.at(joint, (row, f.to_numpy(dtype=int), g.to_numpy(dtype=int)), 1.0)
    return joint


def pairs_across(
    first: Float[np.ndarray, "seed freq"],
    second: Float[np.ndarray, "seed freq"],
    weight: Float[np.ndarray, "resample seed"],
) -> Float[np.ndarray, "resample freq other"]:
    """Pairs of a first frequency of one network and a different second one of another.

    What dealing out second frequencies anew makes of a set of networks, which are taken as often
    as ``weight`` says. A network's own second frequencies are no part of the deal, nor are those
    of its copies: they are related to its first ones, which is what is to be found out.
    """
    size = first.shape[1]
    own = (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)
    every = (weight @ first)[:, :, None] * (weight @ second)[:, None, :]
    return (every - (weight**2 @ own).reshape(-1, size, size)) * ~np.eye(size, dtype=bool)


def _once_and_resampled(num_seeds: int) -> Float[np.ndarray, "resample seed"]:
    """Every network once in the first row, then resamples; fewer of them for many networks."""
    num_resamples = int(np.clip(CELLS // 10 // num_seeds, 200, NUM_RESAMPLES))
    drawn = resampled_weights(num_seeds, num_resamples=num_resamples)
    return np.concatenate([np.ones((1, num_seeds)), drawn])


def relation_lifts(neurons: pd.DataFrame, n: int) -> pd.DataFrame:
    """How often the two strongest frequencies of a neuron are harmonics of one, against a new deal.

    ``relation`` (p:q for f1 = p b, f2 = q b), ``num_pairs`` of frequencies that have it,
    ``observed`` neurons, ``expected`` by ``pairs_across``, ``lift``, ``low``, ``high``
    (over networks). The first row, ``pooled``, takes all orders up to ``ADDITIVE_ORDER`` together.
    Empty where fewer than two networks have such neurons.
    """
    relations = relation_table(n)
    simple = [
        mask for name, mask in relations.items() if max(map(int, name.split(":"))) <= ADDITIVE_ORDER
    ]
    masks = {"pooled": np.any(simple, axis=0), **relations}
    columns = ["relation", "num_pairs", "observed", "expected", "lift", "low", "high"]
    if neurons.seed.nunique() < 2:
        return pd.DataFrame(columns=columns)
    joint = first_and_second(neurons, n)
    flat = np.stack([mask.ravel() for mask in masks.values()], axis=1).astype(float)
    weight = _once_and_resampled(len(joint))
    seen = weight @ joint.reshape(len(joint), -1)
    chance = pairs_across(joint.sum(2), joint.sum(1), weight).reshape(len(weight), -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = chance @ flat / chance.sum(1, keepdims=True) * seen.sum(1, keepdims=True)
        lift = (seen @ flat) / expected
    low, high = interval_of(lift[1:])
    num_pairs = flat.sum(0).astype(int)
    values = (list(masks), num_pairs, (seen @ flat)[0], expected[0], lift[0], low, high)
    return pd.DataFrame(dict(zip(columns, values, strict=True)))


def by_symmetry(
    joint: Float[np.ndarray, "*lead freq other"], n: int, rows: Sequence[int] | None = None
) -> Float[np.ndarray, "*lead row other"]:
    """The sum over all units u of the pairs (u f, u g): what (f, g) tells by symmetry of all.

    ``rows``: for these f only, None: for all.
    """
    freqs = np.arange(n // 2 + 1)
    chosen = freqs if rows is None else np.asarray(rows)
    summed = np.zeros_like(joint[..., chosen, :])
    for u in units(n):
        if 2 * u < n:
            order = np.minimum(u * freqs % n, -u * freqs % n)
            summed += joint[..., order[chosen][:, None], order]
    return summed


def fine_tuning_companions(neurons: pd.DataFrame, n: int, freq: int) -> pd.DataFrame:
    """Which frequencies accompany ``freq`` inside a neuron, against chance (figure A28).

    ``freq``; ``num_neurons`` that have both; ``lift`` over ``pairs_across``; and the same from
    all frequencies that a unit carries to ``freq``, by symmetry, with intervals: ``pooled``,
    ``pooled_low``, ``pooled_high``, and ``pooled_expected``, the number of such pairs by chance.
    NaN where nothing was seen.
    """
    freq = require_freq(freq, n)
    others = np.array([f for f in range(1, n // 2 + 1) if f != freq])
    columns = {"freq": others, "num_neurons": np.zeros(len(others), dtype=int)}
    names = ("lift", "pooled", "pooled_low", "pooled_high", "pooled_expected")
    if neurons.seed.nunique() < 2:
        nothing = np.full(len(others), np.nan)
        return pd.DataFrame(columns | dict.fromkeys(names, nothing))
    joint = parts_together(neurons, n)
    size = n // 2 + 1
    weight = _once_and_resampled(len(joint))
    seen = (weight @ joint.reshape(len(joint), -1)).reshape(-1, size, size)
    dealt = pairs_across(joint.sum(2), joint.sum(1), weight)
    columns["num_neurons"] = seen[0, freq, others].astype(int)
    lifts, expected = [], []
    for here, there in (
        (seen[:1, freq], dealt[:1, freq]),
        (by_symmetry(seen, n, [freq])[:, 0], by_symmetry(dealt, n, [freq])[:, 0]),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = there / there.sum(1, keepdims=True) * here.sum(1, keepdims=True)
            expected.append(chance[0, others])
            lifts.append((here / chance)[:, others])
    alone, pooled = lifts
    values = (alone[0], pooled[0], *interval_of(pooled[1:]), expected[1])
    return pd.DataFrame(columns | dict(zip(names, values, strict=True)))


def like_seed_133(
    clusters: pd.DataFrame, fine_tuning: pd.DataFrame, n: int, *, base: int = 7
) -> pd.DataFrame:
    """Networks like the paper's seed 133: four clusters, one fine-tuning on multiples of ``base``.

    A row a network with ``base`` as the gcd of a fine-tuning cluster's frequency and n: ``seed``,
    ``num_clusters``, ``freqs`` (largest cluster first), ``tuned`` (the fine-tuning cluster's
    frequency), ``num_neurons`` in it, ``parts`` (the leading frequencies of its fine-tuning
    neurons, strongest first), ``all_multiples`` (several parts, all of base), and ``alike``: four
    clusters, one of them fine-tuning, with several parts, all multiples of ``base``. Those alike
    come first.
    """
    rows = []
    tuned = clusters[(clusters.kind == "fine-tuning") & (np.gcd(clusters.freq, n) == base)]
    for seed, its in tuned.groupby("seed"):
        every = clusters[clusters.seed == seed].sort_values("num_neurons", ascending=False)
        cluster = its.iloc[0]
        members = fine_tuning[
            (fine_tuning.seed == seed)
            & (fine_tuning.cluster == cluster.cluster)
            & (fine_tuning.kind == "fine-tuning")
        ]
        power: dict[int, float] = {}
        for i in (1, 2, 3):
            for f, share in zip(members[f"freq_{i}"], members[f"share_{i}"], strict=True):
                if share >= DEFAULT.part_of:
                    power[int(f)] = power.get(int(f), 0.0) + float(share)
        parts = sorted(power, key=lambda f: -power[f])
        multiples = len(parts) > 1 and all(f % base == 0 for f in parts)
        alone = int((every.kind == "fine-tuning").sum()) == 1
        rows.append(
            {
                "seed": int(seed),
                "num_clusters": len(every),
                "freqs": every.freq.astype(int).tolist(),
                "tuned": int(cluster.freq),
                "num_neurons": int(cluster.num_neurons),
                "parts": parts,
                "all_multiples": multiples,
                "alike": len(every) == 4 and alone and multiples,
            }
        )
    columns = ["seed", "num_clusters", "freqs", "tuned", "num_neurons", "parts"]
    found = pd.DataFrame(rows, columns=[*columns, "all_multiples", "alike"])
    return found.sort_values(["alike", "seed"], ascending=[False, True], ignore_index=True)
