"""What chapter 02 tells of neurons, as numbers; also of networks without simple ones or phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd, nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Complex, Float

from modlib.analysis.macro.tables import LARGE, NetworkTables
from modlib.analysis.meso.clusters import Clustering
from modlib.analysis.micro.harmonics import (
    Portrait,
    WaveFit,
    chance_of_harmonics,
    harmonic_order,
    triples,
)
from modlib.analysis.micro.neurons import DEAD_BELOW, FINE_TUNING_FROM, KINDS, SIMPLE_BELOW, is_live
from modlib.maths.groups import harmonic_base

MAX_ORDER = 12
"""Highest order of a harmonic that counts as low, as in claim A.fig2.fine_tuning.order."""

TIED = 0.15
"""Median phase error, in turns, under which outputs count as tied to inputs; chance is .25."""
NO_COMMON_SHAPE = 0.05
"""Mean relative component at 3f, in size, under which crests are neither flat nor sharp."""


class ChosenNeuron(NamedTuple):
    """The ``place``-th simple neuron by strength; None where there is none of that place."""

    place: int
    num_simple: int
    neuron: int | None


def chosen_neuron(simple: Sequence[int], place: int) -> ChosenNeuron:
    """Which simple neuron is looked at."""
    return ChosenNeuron(place, len(simple), simple[place] if place < len(simple) else None)


class Neuron(NamedTuple):
    """What the test finds of a neuron; phases are None where its frequency is n/2.

    ``error``: t_A + t_B - t_D, ``t_sum``: t_A + t_B, both modulo n; ``log_ratio``: ln(r_A / r_B);
    ``off``: share of the power of its inputs off its frequency, the residual squared.
    """

    n: int
    neuron: int
    kind: str
    freq: int
    freq_out: int
    t_a: float | None
    t_b: float | None
    t_d: float | None
    t_sum: float | None
    error: float | None
    r_a: float
    r_b: float
    log_ratio: float
    residual: float
    off: float


def neuron(row: pd.Series, n: int) -> Neuron:
    """What the test says of one neuron, a row of ``neuron_table``."""
    phases = (row.t_a, row.t_b, row.t_d, (row.t_a + row.t_b) % n, row.phase_error)
    t_a, t_b, t_d, t_sum, error = (None if np.isnan(t) else float(t) for t in phases)
    return Neuron(
        n=n,
        neuron=int(row.neuron),
        kind=str(row.kind),
        freq=int(row.freq),
        freq_out=int(row.freq_out),
        t_a=t_a,
        t_b=t_b,
        t_d=t_d,
        t_sum=t_sum,
        error=error,
        r_a=float(row.r_a),
        r_b=float(row.r_b),
        log_ratio=float(row.log_ratio),
        residual=float(row.residual),
        off=float(row.residual**2),
    )


def strongest(clustering: Clustering, n: int, most: int = 8) -> list[Neuron]:
    """The strongest neuron of each cluster, of the first clusters."""
    table = clustering.table
    found = []
    for cluster in clustering.clusters[:most]:
        loudest = int(table.strength.to_numpy()[cluster.neurons].argmax())
        found.append(neuron(table.iloc[cluster.neurons[loudest]], n))
    return found


class Tested(NamedTuple):
    """The test over neurons of one name: medians and 95 % quantiles of sizes, errors in turns.

    ``num_phased``: those with a phase; errors are NaN where none has. ``same``: share whose output
    is led by the frequency of their inputs.
    """

    name: str
    num_neurons: int
    num_phased: int
    error: float
    error_95: float
    log_ratio: float
    log_ratio_95: float
    same: float


def _tested(name: str, rows: pd.DataFrame, n: int) -> Tested:
    errors, ratios = rows.phase_error.dropna().abs() / n, rows.log_ratio.abs()
    return Tested(
        name=name,
        num_neurons=len(rows),
        num_phased=len(errors),
        error=float(errors.median()) if len(errors) else nan,
        error_95=float(errors.quantile(0.95)) if len(errors) else nan,
        log_ratio=float(ratios.median()),
        log_ratio_95=float(ratios.quantile(0.95)),
        same=float((rows.freq == rows.freq_out).mean()),
    )


class SimpleTest(NamedTuple):
    """The test over simple neurons and over live ones; what is empty, or the same, is left out."""

    groups: list[Tested]


def simple_test(table: pd.DataFrame, n: int) -> SimpleTest:
    """Phases, radii and output frequency over the live neurons, simple ones and all."""
    live = table[is_live(table)]
    simple = live[live.kind == "simple"]
    groups = [_tested("simple", simple, n)] if len(simple) else []
    if len(live) > len(simple):
        groups.append(_tested("live", live, n))
    return SimpleTest(groups)


class Kinds(NamedTuple):
    """``found``: how many live neurons are of each class; ``simple``, ``with_3f``: shares of them.

    ``near_simple``, ``near_tuned``: residuals within a quarter of the thresholds
    ``simple_below`` and ``tuned_from``.
    """

    num_neurons: int
    num_live: int
    found: list[tuple[int, str]]
    simple: float
    with_3f: float
    near_simple: int
    near_tuned: int
    simple_below: float = SIMPLE_BELOW
    tuned_from: float = FINE_TUNING_FROM


def kinds(table: pd.DataFrame) -> Kinds:
    """How many neurons are of each class, and how many lie next to a threshold."""
    live = table[is_live(table)]
    numbers = live.kind.value_counts()
    near = [
        int(live.residual.between(value / 1.25, value * 1.25).sum())
        for value in (SIMPLE_BELOW, FINE_TUNING_FROM)
    ]
    return Kinds(
        num_neurons=len(table),
        num_live=len(live),
        found=[(int(numbers[kind]), kind) for kind in KINDS if kind in numbers],
        simple=float((live.kind == "simple").mean()),
        with_3f=float(live.kind.isin(["simple", "3f"]).mean()),
        near_simple=near[0],
        near_tuned=near[1],
    )


class Control(NamedTuple):
    """The test in a network: shares of live neurons, medians of sizes, ``error`` in turns.

    NaN without live neurons; ``error`` None where no neuron has a phase.
    """

    name: str
    num_live: int
    simple: float
    residual: float
    log_ratio: float
    error: float | None
    same: float


class Controls(NamedTuple):
    """``tied``: the memorising network's phases agree more than by chance; ``apart``: by its
    residuals it is another than the trained one all the same."""

    networks: list[Control]
    tied: bool
    apart: bool


def _control(name: str, table: pd.DataFrame, n: int) -> Control:
    live = table[is_live(table)]
    errors = live.phase_error.dropna().abs() / n
    return Control(
        name=name,
        num_live=len(live),
        simple=float((live.kind == "simple").mean()),
        residual=float(live.residual.median()),
        log_ratio=float(live.log_ratio.abs().median()),
        error=float(errors.median()) if len(errors) else None,
        same=float((live.freq == live.freq_out).mean()),
    )


def controls(tables: Mapping[str, pd.DataFrame], n: int) -> Controls:
    """What of the test survives in networks without the rule."""
    networks = {name: _control(name, table, n) for name, table in tables.items()}
    memory, trained = networks.get("memorised"), networks.get("trained")
    return Controls(
        networks=list(networks.values()),
        tied=memory is not None and memory.error is not None and memory.error < TIED,
        apart=bool(memory and memory.simple < 0.1 and trained and trained.simple > 0.5),
    )


class Thresholds(NamedTuple):
    """From ``dead_lowest`` to ``dead_highest`` there are ``most`` to ``fewest`` live neurons.

    ``under``: (residual, share of the live ones at ``dead_below`` under it), at half the threshold
    of simple neurons, at it and at twice that.
    """

    dead_lowest: float
    dead_highest: float
    most: int
    fewest: int
    dead_below: float
    under: list[tuple[float, float]]


def thresholds(
    shares: Float[np.ndarray, "dead residual"],
    residuals: Sequence[float],
    dead_below: Sequence[float],
    num_live: Sequence[int],
) -> Thresholds:
    """How far the share of simple neurons moves when either threshold is turned."""
    middle = int(np.argmin(np.abs(np.asarray(dead_below) - DEAD_BELOW)))
    places = [
        int(np.argmin(np.abs(np.asarray(residuals) - SIMPLE_BELOW * factor)))
        for factor in (0.5, 1, 2)
    ]
    return Thresholds(
        dead_lowest=min(dead_below),
        dead_highest=max(dead_below),
        most=int(max(num_live)),
        fewest=int(min(num_live)),
        dead_below=dead_below[middle],
        under=[(float(residuals[at]), float(shares[middle, at])) for at in places],
    )


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
        common=common if all(freq % common == 0 for freq in usual) else 1,
    )


class Rebuilt(NamedTuple):
    """Residual that the ``first`` frequency leaves and the ``last`` of ``num_freqs``; ``needed``:
    how many bring it under ``simple_below``, None where all do not."""

    neuron: int
    num_freqs: int
    first: float
    last: float
    needed: int | None
    simple_below: float = SIMPLE_BELOW


def rebuilt(residual: Sequence[float], neuron: int) -> Rebuilt:
    """How many frequencies bring a residual under the thresholds; the first entry: of none."""
    needed = next((i for i, value in enumerate(residual) if value < SIMPLE_BELOW), None)
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
    """Classes on show, and those of which the network has no neuron."""

    seed: int
    shown: list[str]
    missing: list[str]


def shapes(portraits: Mapping[str, Portrait], seed: int) -> Shapes:
    """Which classes are on show."""
    classes = [kind for kind in KINDS if kind not in ("dead", "diffuse")]
    return Shapes(seed, list(portraits), [kind for kind in classes if kind not in portraits])
