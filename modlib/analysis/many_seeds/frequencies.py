"""Which frequencies many networks choose: how often, and in whose company.

Paper A, section 4.1 and appendices B.3.1 and B.5; figures A4, A25 and A28. Clusters are counted,
not neurons, and the network is the unit. Arrays over ``freq`` start at 0, the mean, which no
network can choose.

The null of every test draws a network's frequencies without replacement, as many as it has.
Inside a gcd class the units of Z_n carry every frequency into every other, and a network cannot
tell them apart: a test there is a check of the code. Between classes no symmetry decides.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import gcd
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from modlib.errors import InputError, require_int
from modlib.maths.fourier import require_freq
from modlib.maths.groups import signed_freq, units
from modlib.maths.intervals import (
    NUM_RESAMPLES,
    Equivalence,
    Intervals,
    equivalence,
    interval_of,
    ratio_of_sums,
    resampled_weights,
)

MAX_DRAWS = 2000
MIN_DRAWS = 200
CELLS = 2 * 10**7
"""Frequencies drawn under a null at most, unless ``MIN_DRAWS`` needs more."""
BLOCK = 2 * 10**6
MAX_ORDER = 6
"""Highest harmonic by which two frequencies of a neuron are called related."""
ADDITIVE_ORDER = 3
"""Highest harmonic of the relations that the claim on figure A28 pools: 1:2, 1:3 and 2:3."""
PART_OF = 0.05
"""Share of a neuron's power from which one of its leading frequencies is a part of it."""


def gcd_classes(n: int) -> dict[int, Int[np.ndarray, " freq"]]:
    """The frequencies 1 .. n // 2 by their greatest common divisor with n, smallest first."""
    freqs = np.arange(1, n // 2 + 1)
    common = np.gcd(freqs, n)
    return {int(g): freqs[common == g] for g in np.unique(common)}


def multiples(base: int, n: int) -> list[int]:
    """The frequencies base, 2 base, ... up to n / 2."""
    return list(range(require_freq(base, n), n // 2 + 1, base))


def presence(
    clusters: pd.DataFrame, seeds: Collection[int], n: int
) -> Bool[np.ndarray, "seed freq"]:
    """Which network (row, in the order of ``seeds``) has a cluster at which frequency.

    ``clusters``: columns ``seed`` and ``freq``; rows of other seeds are left out.
    """
    place = pd.Series(np.arange(len(seeds)), index=pd.Index(seeds))
    kept = clusters[clusters.seed.isin(place.index)]
    found = np.zeros((len(seeds), n // 2 + 1), dtype=bool)
    found[place.loc[kept.seed].to_numpy(), kept.freq.to_numpy(dtype=int)] = True
    return found


def counts_by_freq(
    table: pd.DataFrame, column: str, seeds: Collection[int], n: int
) -> Float[np.ndarray, "seed freq"]:
    """``column`` of a table with ``seed`` and ``freq``, as a matrix; 0 where there is no row."""
    place = pd.Series(np.arange(len(seeds)), index=pd.Index(seeds))
    kept = table[table.seed.isin(place.index)]
    counts = np.zeros((len(seeds), n // 2 + 1))
    at = (place.loc[kept.seed].to_numpy(), kept.freq.to_numpy(dtype=int))
    np.add.at(counts, at, kept[column].to_numpy(dtype=float))
    return counts


def rates_by_freq(counts: Shaped[np.ndarray, "seed freq"], n: int) -> pd.DataFrame:
    """A row a frequency: ``freq``, ``gcd``, ``rate`` a network with ``low`` and ``high``."""
    freqs = np.arange(1, n // 2 + 1)
    rate = ratio_of_sums(counts[:, 1:], np.ones((len(counts), len(freqs))))
    return pd.DataFrame(
        {"freq": freqs, "gcd": np.gcd(freqs, n), "rate": rate.value}
        | {"low": rate.low, "high": rate.high}
    )


def rates_by_class(counts: Shaped[np.ndarray, "seed freq"], n: int) -> pd.DataFrame:
    """A row a gcd class: its rate a frequency and network, and that rate over the mean rate.

    ``gcd``, ``num_freqs``, ``rate``, ``rate_low``, ``rate_high``, ``ratio``, ``low``, ``high``.
    """
    classes = gcd_classes(n)
    sizes = np.array([len(freqs) for freqs in classes.values()])
    per_freq = np.stack([counts[:, freqs].sum(1) for freqs in classes.values()], axis=1) / sizes
    mean = np.repeat(counts[:, 1:].mean(1, keepdims=True), len(classes), axis=1)
    rate, ratio = ratio_of_sums(per_freq, np.ones(per_freq.shape)), ratio_of_sums(per_freq, mean)
    columns = {"rate": rate.value, "rate_low": rate.low, "rate_high": rate.high}
    columns |= {"ratio": ratio.value, "low": ratio.low, "high": ratio.high}
    return pd.DataFrame({"gcd": list(classes), "num_freqs": sizes, **columns})


def ratio_of_classes(
    counts: Shaped[np.ndarray, "seed freq"], n: int, first: int, second: int
) -> Intervals:
    """Rate a frequency of one gcd class over that of another."""
    classes = gcd_classes(n)
    for g in (first, second):
        if g not in classes:
            raise InputError("gcd class", f"be one of {list(classes)}", g)
    above, below = (
        counts[:, classes[g]].mean(1, keepdims=True, dtype=float) for g in (first, second)
    )
    return ratio_of_sums(above, below)


def random_subsets(
    generator: np.random.Generator, count: int, chosen: int, size: int
) -> Int[np.ndarray, "subset chosen"]:
    """Subsets of 0 .. size - 1 with ``chosen`` elements, all equally likely (Floyd's algorithm)."""
    require_int("chosen", chosen, at_least=0, at_most=size)
    drawn = np.empty((count, chosen), dtype=np.int64)
    for place, top in enumerate(range(size - chosen, size)):
        new = generator.integers(top + 1, size=count)
        known = (drawn[:, :place] == new[:, None]).any(1)
        drawn[:, place] = np.where(known, top, new)
    return drawn


def drawn_counts(
    chosen: Int[np.ndarray, " seed"], size: int, num_draws: int, generator: np.random.Generator
) -> Int[np.ndarray, "draw element"]:
    """How often each of ``size`` elements is chosen if every network draws its number afresh."""
    counts = np.zeros((num_draws, size), dtype=np.int64)
    numbers, networks = np.unique(chosen[chosen > 0], return_counts=True)
    for number, total in zip(numbers.tolist(), networks.tolist(), strict=True):
        step = max(1, BLOCK // (number * total))
        for start in range(0, num_draws, step):
            rows = min(step, num_draws - start)
            drawn = random_subsets(generator, rows * total, number, size)
            cells = np.repeat(np.arange(rows), total * number) * size + drawn.ravel()
            block = np.bincount(cells, minlength=rows * size).reshape(rows, size)
            counts[start : start + rows] += block
    return counts


def default_draws(total: int) -> int:
    """How many draws of ``total`` frequencies each a test makes."""
    return int(np.clip(CELLS // max(1, total), MIN_DRAWS, MAX_DRAWS))


def planted(
    chosen: Int[np.ndarray, " seed"],
    preference: Float[np.ndarray, " freq"],
    *,
    seed: int = 0,
) -> Bool[np.ndarray, "seed freq"]:
    """Networks made up with a preference: a control for the tests.

    Each draws its number of frequencies one by one without replacement, with probabilities in
    proportion to ``preference`` (its entry 0, the mean, is not drawn).
    """
    generator = np.random.default_rng(seed)
    # The k largest of log preference plus Gumbel noise are such a draw.
    keys = np.log(preference[1:]) + generator.gumbel(size=(len(chosen), len(preference) - 1))
    place = np.argsort(np.argsort(-keys, axis=1), axis=1)
    found = np.zeros((len(chosen), len(preference)), dtype=bool)
    found[:, 1:] = place < chosen[:, None]
    return found


class Uniformity(NamedTuple):
    """Is a set of frequencies chosen evenly?

    ``spread``: standard deviation of their rates over their mean; ``chance``, ``chance_high``:
    median and 95 % quantile of the same under the null; ``p_value``: of the spread;
    ``num_draws``: draws of the null.
    """

    spread: float
    chance: float
    chance_high: float
    p_value: float
    num_draws: int


def _judge(
    observed: Shaped[np.ndarray, " element"],
    drawn: Shaped[np.ndarray, "draw element"],
    expected: Float[np.ndarray, " element"],
    weight: Float[np.ndarray, " element"],
) -> Uniformity:
    """Spread of observed over expected counts about 1, against the null's."""

    def spread(counts: Shaped[np.ndarray, "*lead element"]) -> Float[np.ndarray, "*lead"]:
        squares = np.square(counts / expected - 1) @ (weight / weight.sum())
        return np.asarray(np.sqrt(squares))

    value, null = float(spread(observed)), spread(drawn)
    at_least = int((null >= value * (1 - 1e-12)).sum())
    return Uniformity(
        value,
        float(np.median(null)),
        float(np.quantile(null, 0.95)),
        (1 + at_least) / (1 + len(null)),
        len(null),
    )


def uniform_within(
    found: Bool[np.ndarray, "seed freq"], n: int, *, num_draws: int | None = None, seed: int = 0
) -> dict[int, Uniformity]:
    """Uniformity inside each gcd class, and inside all of them together (key 0).

    The null draws each network's frequencies anew inside their classes, without replacement.
    Classes of one frequency, and those that no network chose, are left out.
    """
    num_draws = default_draws(int(found.sum())) if num_draws is None else num_draws
    generator = np.random.default_rng(seed)
    results: dict[int, Uniformity] = {}
    parts = []
    for g, freqs in gcd_classes(n).items():
        observed = found[:, freqs].sum(0)
        if len(freqs) < 2 or not observed.sum():
            continue
        drawn = drawn_counts(found[:, freqs].sum(1), len(freqs), num_draws, generator)
        expected = np.full(len(freqs), observed.mean())
        results[g] = _judge(observed, drawn, expected, np.ones(len(freqs)))
        parts.append((observed, drawn, expected))
    if parts:
        observed, drawn, expected = (np.concatenate(p, axis=-1) for p in zip(*parts, strict=True))
        results = {0: _judge(observed, drawn, expected, expected)} | results
    return results


def uniform_between(
    found: Bool[np.ndarray, "seed freq"], n: int, *, num_draws: int | None = None, seed: int = 0
) -> Uniformity:
    """Uniformity between gcd classes: are their rates a frequency the same?

    The null draws each network's frequencies from all, without replacement. For a prime n there
    is one class and nothing to tell: spread 0, p = 1.
    """
    chosen = found.sum(1)
    num_draws = default_draws(int(chosen.sum())) if num_draws is None else num_draws
    drawn = drawn_counts(chosen, n // 2, num_draws, np.random.default_rng(seed))
    classes = list(gcd_classes(n).values())
    observed = np.array([found[:, freqs].sum() for freqs in classes])
    null = np.stack([drawn[:, freqs - 1].sum(1) for freqs in classes], axis=1)
    share = np.array([len(freqs) for freqs in classes]) / (n // 2)
    expected = share * observed.sum()
    return _judge(observed, null, expected, share)


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
    others = np.array([f for f in range(1, n // 2 + 1) if f != freq])
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

    Parts are the leading frequencies with a share of at least ``PART_OF``. Symmetric.
    """
    blocks = []
    for i, j in ((1, 2), (1, 3), (2, 3)):
        both = neurons[(neurons[f"share_{i}"] >= PART_OF) & (neurons[f"share_{j}"] >= PART_OF)]
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


def relation_lifts(
    neurons: pd.DataFrame, n: int, max_order: int = MAX_ORDER, pooled: int = ADDITIVE_ORDER
) -> pd.DataFrame:
    """How often the two strongest frequencies of a neuron are harmonics of one, against a new deal.

    ``relation`` (p:q for f1 = p b, f2 = q b), ``num_pairs`` of frequencies that have it,
    ``observed`` neurons, ``expected`` by ``pairs_across``, ``lift``, ``low``, ``high``
    (over networks). The first row, ``pooled``, takes all orders up to ``pooled`` together.
    Empty where fewer than two networks have such neurons.
    """
    relations = relation_table(n, max_order)
    simple = [m for name, m in relations.items() if max(map(int, name.split(":"))) <= pooled]
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
                if share >= PART_OF:
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


CLUSTER_MARGIN, SHARE_MARGIN = 0.25, 0.03
"""What counts as no difference between batch regimes: clusters a run, share of simple neurons."""


def regime_differences(
    small: pd.DataFrame, full: pd.DataFrame
) -> dict[str, tuple[Equivalence, float]]:
    """Full batch less batch n at one modulus: what is compared, the test, and its margin.

    ``small``, ``full``: ``networks`` of both, as in ``SweepTables``.
    """
    simple = [(t.neurons_simple / t.num_live).to_numpy() for t in (full, small)]
    clusters = [t.num_clusters.to_numpy() for t in (full, small)]
    return {
        "clusters a run": (equivalence(clusters[0], clusters[1], CLUSTER_MARGIN), CLUSTER_MARGIN),
        "share of simple neurons": (equivalence(simple[0], simple[1], SHARE_MARGIN), SHARE_MARGIN),
    }
