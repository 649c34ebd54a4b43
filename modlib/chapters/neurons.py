"""What chapter 02 tells of neurons, as numbers; also of networks without simple ones or phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.meso.clusters import Clustering
from modlib.analysis.micro.neurons import KINDS, is_live
from modlib.config.thresholds import DEFAULT

TIED = 0.15
"""Median phase error, in turns, under which outputs count as tied to inputs; chance is .25."""


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
    ``simple_below`` and ``tuned_from``; ``all_above``: all are above both.
    """

    num_neurons: int
    num_live: int
    found: list[tuple[int, str]]
    simple: float
    with_3f: float
    near_simple: int
    near_tuned: int
    all_above: bool = False
    simple_below: float = DEFAULT.simple_below
    tuned_from: float = DEFAULT.fine_tuning_from


def kinds(table: pd.DataFrame) -> Kinds:
    """How many neurons are of each class, and how many lie next to a threshold."""
    live = table[is_live(table)]
    numbers = live.kind.value_counts()
    near = [
        int(live.residual.between(value / 1.25, value * 1.25).sum())
        for value in (DEFAULT.simple_below, DEFAULT.fine_tuning_from)
    ]
    return Kinds(
        num_neurons=len(table),
        num_live=len(live),
        found=[(int(numbers[kind]), kind) for kind in KINDS if kind in numbers],
        simple=float((live.kind == "simple").mean()),
        with_3f=float(live.kind.isin(["simple", "3f"]).mean()),
        near_simple=near[0],
        near_tuned=near[1],
        all_above=bool((live.residual > DEFAULT.fine_tuning_from).all()),
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
    middle = int(np.argmin(np.abs(np.asarray(dead_below) - DEFAULT.dead_below)))
    places = [
        int(np.argmin(np.abs(np.asarray(residuals) - DEFAULT.simple_below * factor)))
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
