"""What chapter 02 tells of fine-tuning neurons and their harmonics, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd, nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Complex, Float, Int

from modlib.analysis.macro.tables import LARGE, NetworkTables
from modlib.analysis.meso.clusters import Clustering
from modlib.analysis.micro.harmonics import (
    Portrait,
    WaveFit,
    chance_of_harmonics,
    harmonic_order,
    relative_harmonic,
    relu_harmonic,
    triples,
)
from modlib.analysis.micro.neurons import KINDS
from modlib.config.thresholds import DEFAULT
from modlib.maths.groups import harmonic_base

MAX_ORDER = 12
"""Highest order of a harmonic that counts as low, as in claim A2.fine_tuning.order."""
NO_COMMON_SHAPE = 0.05
"""Mean relative component at 3f, in size, under which crests are neither flat nor sharp."""


class Harmonics(NamedTuple):
    """Mean shares of power of a class at f, 2f and 3f."""

    kind: str
    num_neurons: int
    inputs: list[float]
    outputs: list[float]


def harmonics(
    inputs: Mapping[str, Float[np.ndarray, "neuron order"]],
    outputs: Mapping[str, Float[np.ndarray, "neuron order"]],
) -> list[Harmonics]:
    """How much of inputs and outputs sits at f, 2f and 3f, for the classes that there are."""
    return [
        Harmonics(
            kind,
            len(rows),
            inputs=rows.mean(0)[:3].tolist(),
            outputs=outputs[kind].mean(0)[:3].tolist(),
        )
        for kind, rows in inputs.items()
        if len(rows)
    ]


class MadeByRelu(NamedTuple):
    """Waves of so many times f over the wave of f, mean over ``num_neurons`` simple neurons.

    ``orders``: (order, of a ReLU by the formula, of activations by answer, of output weights).
    """

    num_neurons: int
    orders: list[tuple[int, float, float, float]]


def made_by_relu(
    activation: Float[np.ndarray, "neuron n"],
    w_out: Float[np.ndarray, "neuron n"],
    freq: Int[np.ndarray, " neuron"],
) -> MadeByRelu:
    """How much of 2f and 3f there is in what simple neurons do and say; 0 neurons: no phase."""
    known = 2 * freq % w_out.shape[1] != 0
    orders = []
    for order in (2, 3) if known.any() else ():
        done, said = (
            float(relative_harmonic(signal[known], freq[known], order).real.mean())
            for signal in (activation, w_out)
        )
        orders.append((order, relu_harmonic(order), done, said))
    return MadeByRelu(int(known.sum()), orders)


class Answer(NamedTuple):
    """``simple``, ``three``: shares of live neurons of one frequency, and of f and 3f.

    ``residual``: the median of all live neurons.
    """

    num_live: int
    simple: float
    three: float
    residual: float
    learned: bool


def answer(table: pd.DataFrame, learned: bool) -> Answer:
    """The chapter's question of one network; ``table``: its live neurons."""
    if table.empty:
        return Answer(0, 0.0, 0.0, nan, learned)
    simple, three = (float((table.kind == kind).mean()) for kind in ("simple", "3f"))
    return Answer(len(table), simple, three, float(table.residual.median()), learned)


class Third(NamedTuple):
    """``real``, ``imag``, ``size``: of the components at 3f relative to the cosine, mean over the
    3f neurons; NaN without any. ``common``: size from which their crests have a common shape."""

    seed: int
    num_neurons: int
    real: float = nan
    imag: float = nan
    size: float = nan
    common: float = NO_COMMON_SHAPE


def third(components: Complex[np.ndarray, " neuron"], seed: int) -> Third:
    """The mean shape of the 3f neurons of a network, to hold against a square and a triangle."""
    found = components[~np.isnan(components)]
    if not len(found):
        return Third(seed, 0)
    mean = found.mean()
    size = float(np.abs(found).mean())
    return Third(seed, len(found), float(mean.real), float(mean.imag), size)


class Partners(NamedTuple):
    """``flat``: frequency of each 3f cluster, its triple, and whether that is another cluster's."""

    seed: int
    n: int
    num_clusters: int
    flat: list[tuple[int, int, bool]]


def partners(clustering: Clustering, n: int, seed: int) -> Partners:
    """For each 3f cluster of a network, whether another cluster has three times its frequency."""
    columns = ["cluster", "freq", "num_neurons"]
    rows = [(c.index, c.freq, c.num_neurons) for c in clustering.clusters]
    if not rows:
        return Partners(seed, n, 0, [])
    table = triples(pd.DataFrame(rows, columns=columns), clustering.table, n)
    flat = [
        (int(row.freq), int(row.triple), bool(row.partner))
        for row in table[table.is_3f].itertuples()
    ]
    return Partners(seed, n, len(rows), flat)


class ManyPartners(NamedTuple):
    """Large clusters of networks that learned, with another cluster at their triple and without:
    how many there are, and how many of them are mostly 3f."""

    n: int
    num_networks: int
    num_with: int
    flat_with: int
    num_without: int
    flat_without: int
    large: int = LARGE


def partners_of_many(exports: Mapping[str, NetworkTables]) -> list[ManyPartners]:
    """The same over the networks of the committed tables; empty where there are none."""
    found = []
    for tables in exports.values():
        n = int(tables.summary.n.iloc[0])
        learned = tables.summary.seed[tables.summary.learned]
        blocks = [
            triples(
                tables.clusters[tables.clusters.seed == seed],
                tables.neurons[tables.neurons.seed == seed],
                n,
            )
            for seed in learned
        ]
        if not blocks:
            continue
        table = pd.concat(blocks)
        large = table[table.num_neurons >= LARGE]
        with_partner, without = large[large.partner], large[~large.partner]
        found.append(
            ManyPartners(
                n=n,
                num_networks=len(learned),
                num_with=len(with_partner),
                flat_with=int(with_partner.is_3f.sum()),
                num_without=len(without),
                flat_without=int(without.is_3f.sum()),
            )
        )
    return found


def harmonic_names(
    freqs: Sequence[int], base: int, n: int, max_order: int = MAX_ORDER
) -> dict[int, str]:
    """``42 = f``, ``7 = 2f`` for each frequency that is a harmonic of ``base``, else its number."""
    names = {}
    for freq in freqs:
        order = harmonic_order(freq, base, n, max_order)
        multiple = "f" if order == 1 else f"{order}f"
        names[freq] = f"{freq}" if order is None else f"{freq} = {multiple}"
    return names


class LowHarmonics(NamedTuple):
    """``names``: the first neuron's leading frequencies; ``num_low`` of the neurons have their
    three strongest on harmonics, up to ``max_order``, of one frequency, by ``chance`` a share of
    triples (None for too few frequencies).

    ``common``: gcd of ``base`` and n where every frequency is a multiple of it, else 1.
    """

    names: list[str]
    num_low: int
    num_neurons: int
    chance: float | None
    n: int
    base: int
    common: int
    max_order: int = MAX_ORDER


def low_harmonics(leading: Mapping[int, Sequence[int]], base: int, n: int) -> LowHarmonics:
    """Whether a fine-tuning cluster's neurons sit on low harmonics, and what chance would give.

    ``leading``: each neuron's leading frequencies in falling order of power.
    """
    usual = next(iter(leading.values()))
    low = [harmonic_base(list(freqs[:3]), n, MAX_ORDER) is not None for freqs in leading.values()]
    chance, common = chance_of_harmonics(n), gcd(base, n)
    return LowHarmonics(
        names=list(harmonic_names(usual, base, n).values()),
        num_low=sum(low),
        num_neurons=len(low),
        chance=None if np.isnan(chance) else chance,
        n=n,
        base=base,
        common=common if all(f % common == 0 for freqs in leading.values() for f in freqs) else 1,
    )


class Rebuilt(NamedTuple):
    """Residual that the ``first`` frequency leaves and the ``last`` of ``num_freqs``; ``needed``:
    how many bring it under ``simple_below``, None where all do not."""

    neuron: int
    num_freqs: int
    first: float
    last: float
    needed: int | None
    simple_below: float = DEFAULT.simple_below


def rebuilt(residual: Sequence[float], neuron: int) -> Rebuilt:
    """How many frequencies bring a residual under the thresholds; the first entry: of none."""
    needed = next((i for i, value in enumerate(residual) if value < DEFAULT.simple_below), None)
    return Rebuilt(
        neuron=neuron,
        num_freqs=len(residual) - 1,
        first=float(residual[1]) if len(residual) > 1 else 1.0,
        last=float(residual[-1]),
        needed=needed or None,
    )


class Remapped(NamedTuple):
    """``share`` of a neuron's power sits at ``freq``; remapped by ``unit``, that is ``slow``."""

    name: str
    neuron: int
    seed: int
    share: float
    freq: int
    unit: int
    slow: int


def remapped(pair: Mapping[str, Portrait | None], seeds: Mapping[str, int]) -> list[Remapped]:
    """How much of each neuron's power sits at its leading frequency, before and after remapping."""
    found = []
    for name, one in pair.items():
        if one is None:
            continue
        power = (one.magnitude[:, 1:] ** 2).sum(0)
        found.append(
            Remapped(
                name=name,
                neuron=one.neuron,
                seed=seeds[name],
                share=float(power.max() / power.sum()),
                freq=int(power.argmax()) + 1,
                unit=one.unit,
                slow=int((one.remapped_magnitude[:, 1:] ** 2).sum(0).argmax()) + 1,
            )
        )
    return found


class Waves(NamedTuple):
    """Median R^2 of each wave over the preactivations of a cluster's neurons; in how many a half
    period beats the full one."""

    freq: int
    num_fits: int
    full: float
    hump: float
    flank: float
    hump_wins: int
    flank_wins: int


def waves(fits: Sequence[Mapping[str, WaveFit]], freq: int) -> Waves:
    """Which wave explains the fine-tuning neurons of a cluster best."""
    explained = {name: [fit[name].explained for fit in fits] for name in ("full", "hump", "flank")}
    full, hump, flank = (float(np.median(values)) for values in explained.values())
    hump_wins, flank_wins = (
        sum(half > whole for half, whole in zip(explained[name], explained["full"], strict=True))
        for name in ("hump", "flank")
    )
    return Waves(freq, len(fits), full, hump, flank, hump_wins, flank_wins)


class Shapes(NamedTuple):
    """Classes on show by their network's ``seed``, and those of which there is no neuron."""

    shown: dict[int, list[str]]
    missing: list[str]


def shapes(seeds: Mapping[str, int]) -> Shapes:
    """Which classes are on show; ``seeds``: the network of each."""
    classes = [kind for kind in KINDS if kind not in ("dead", "diffuse")]
    shown = {at: [k for k, seed in seeds.items() if seed == at] for at in seeds.values()}
    return Shapes(shown, [kind for kind in classes if kind not in seeds])
