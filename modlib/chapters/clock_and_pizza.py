"""What chapter 06 tells of a pizza, a clock, and the way between them, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.meso.clock_pizza import Formulas
from modlib.analysis.meso.clock_pizza_lens import KEPT, shift_rank
from modlib.analysis.micro.harmonics import Portrait
from modlib.analysis.micro.neurons import SIMPLE_BELOW
from modlib.chapters.words import Rows, significant
from modlib.maths.groups import signed_freq
from modlib.models.foreign.network import ForeignNetwork

PIZZA_FROM, CLOCK_BELOW = 0.95, 0.6
"""Bounds of the mean gradient symmetricity for which rates are named."""
ALIKE, HOLDS = 0.9, 0.5
"""Share explained from which a formula is said to be the logits', and to say anything of them."""
TRACE = 1e-4
"""Share of power from which a second peak is mentioned."""
WHOLE = ("reached_step", "num_clusters")
"""Columns of whole numbers."""
COLUMNS = {
    "reached_step": "100 % at step",
    "symmetricity": "symmetricity",
    "distance_irrelevance": "distance irrelevance",
    "circularity": "circularity",
    "pizza_alone": "circle: pizza",
    "clock_alone": "circle: clock",
    "explained": "votes: cosine",
    "coset_overlap": "coset overlap",
    "clock": "logits: cosines",
    "num_clusters": "clusters",
    "preact_error": "not additive",
}
"""What is tabled over attention rates, with its heading."""
SEEN_BY_LENS = ("explained", "coset_overlap", "clock", "preact_error")

Range = tuple[float, float]
"""The least and the largest of some values."""


class NetworkFacts(NamedTuple):
    """``rate``: of attention, None where the network has none; ``clusters``: (neurons, freq)."""

    name: str
    n: int
    rate: float | None
    accuracy: float
    clusters: list[tuple[int, int]]
    notes: tuple[str, ...]


def network(found: ForeignNetwork, clusters: pd.DataFrame) -> NetworkFacts:
    """Which network the chapter looks at, whether it adds, and its clusters."""
    return NetworkFacts(
        name=found.name,
        n=found.n,
        rate=found.attention_rate,
        accuracy=found.pairs.evaluate().accuracy,
        clusters=[(row.num_neurons, row.freq) for row in clusters.itertuples()],
        notes=found.notes,
    )


class Peaks(NamedTuple):
    """A neuron's share of power at its frequency, and its strongest other one as (freq, share).

    Inputs pooled, the mean left out; ``second`` None where there is no more than a trace.
    """

    neuron: int
    freq: int
    held: float
    second: tuple[int, float] | None


def peaks(portraits: Sequence[Portrait]) -> list[Peaks]:
    """How much of each shown neuron is one frequency, and which comes next."""
    found = []
    for one in portraits:
        power = (one.magnitude**2).sum(0)
        power[0] = 0.0
        share = power / power.sum()
        others = share.copy()
        others[one.freq] = 0.0
        second = (int(others.argmax()), float(others.max()))
        held = float(share[one.freq])
        found.append(Peaks(one.neuron, one.freq, held, second if second[1] > TRACE else None))
    return found


class Doubles(NamedTuple):
    """In so many of the neurons the second peak stands at twice the first frequency."""

    n: int
    doubles: int
    num_neurons: int


def doubles(found: Sequence[Peaks], n: int) -> Doubles:
    """Whether the strongest other frequency is twice the first."""
    twice = [one for one in found if one.second and one.second[0] == signed_freq(2 * one.freq, n)]
    return Doubles(n, len(twice), len(found))


class Shift(NamedTuple):
    """A shift that is the ``step`` of a frequency, or its period ``rounded``, or both.

    ``rank``: share of the other shifts at which neurons are weaker.
    """

    shift: int
    step: bool
    rounded: bool
    rank: float


class Shifts(NamedTuple):
    """``exact``: the preactivations are sums over a and b; ``profiles``: (freq, its period, its
    shifts) where there is another shift to compare with."""

    num_clusters: int
    exact: bool
    profiles: list[tuple[int, float, list[Shift]]]


def shifts(exact: bool, table: pd.DataFrame, clusters: pd.DataFrame) -> Shifts:
    """How the paper's period and step rank among all shifts; ``table``: of ``shift_table``."""
    profiles = []
    for row in clusters.itertuples() if exact else ():
        profile = table[table.freq == row.freq].sort_values("shift").strength.to_numpy()
        near = round(row.period)
        asked = [(row.step, True, near == row.step)]
        if near % len(profile) and near != row.step:
            asked.append((near, False, True))
        ranked = [Shift(*one, shift_rank(profile, row.freq, one[0])) for one in asked]
        if known := [one for one in ranked if np.isfinite(one.rank)]:
            profiles.append((row.freq, row.period, known))
    return Shifts(len(clusters), exact, profiles)


class Remapped(NamedTuple):
    """Residuals of one cosine: their ``median``, and the share that lies below ``limit``."""

    num_live: int
    exact: bool
    median: float
    simple: float
    limit: float


def remapped(exact: bool, residuals: Sequence[float]) -> Remapped:
    """How far the remapped neurons are from one cosine; NaN where no neuron is live."""
    values = np.asarray(residuals, dtype=float)
    if not len(values):
        return Remapped(0, exact, np.nan, np.nan, SIMPLE_BELOW)
    simple = float((values < SIMPLE_BELOW).mean())
    return Remapped(len(values), exact, float(np.median(values)), simple, SIMPLE_BELOW)


class Votes(NamedTuple):
    """``explained``: what one cosine explains of each cluster's votes at least, rounded down to
    three digits; ``overlap`` of the votes with approximate cosets."""

    num_clusters: int
    explained: float
    overlap: Range


def votes(clusters: pd.DataFrame) -> Votes:
    """How cosine-like the clusters' votes are, pair by pair, and whether they single out cosets."""
    if clusters.empty:
        return Votes(0, np.nan, (np.nan, np.nan))
    least = float(np.floor(1000 * clusters.explained.min()) / 1000)
    return Votes(len(clusters), least, _range(clusters.coset_overlap))


def maps(found: Mapping[str, Float[np.ndarray, "y x"]]) -> list[tuple[str, float, float]]:
    """The range of the right logits in each map."""
    return [(name, float(part.min()), float(part.max())) for name, part in found.items()]


class Circles(NamedTuple):
    """``kept``: what is left of a cluster, and the ranges over clusters of what clock and pizza
    explain of it; ``clock``, ``pizza``: what they explain of the whole network's logits.

    Of every circle alone: ``hold`` one formula, the ``pizzas`` or the ``clocks`` more than the
    other; with its double ``doubled``, the clock more. ``pizzas_alike``, ``doubled_alike``: so
    much that the logits are said to be that formula's. ``holds``: the bound of ``hold``.
    """

    num_circles: int
    kept: list[tuple[str, Range, Range]]
    clock: float
    pizza: float
    hold: bool
    pizzas: bool
    pizzas_alike: bool
    clocks: bool
    doubled: bool
    doubled_alike: bool
    holds: float


def circles(table: pd.DataFrame, logits: Formulas) -> Circles:
    """Which formula holds of a circle alone, with its double, and of the whole cluster.

    ``logits``: what the formulas explain of the whole network's.
    """
    parts = {kept: table[table.kept == kept] for kept in KEPT}
    alone, double, _ = parts.values()
    return Circles(
        num_circles=len(alone),
        kept=[(kept, _range(rows.clock), _range(rows.pizza)) for kept, rows in parts.items()],
        clock=logits.clock,
        pizza=logits.pizza,
        hold=bool((alone[["clock", "pizza"]].max(axis=1) > HOLDS).all()),
        pizzas=bool((alone.pizza > alone.clock).all()),
        pizzas_alike=bool((alone.pizza > ALIKE).all()),
        clocks=bool((alone.clock > alone.pizza).all()),
        doubled=bool((double.clock > double.pizza).all()),
        doubled_alike=bool((double.clock > ALIKE).all()),
        holds=HOLDS,
    )


def _range(values: pd.Series) -> Range:
    return float(values.min()), float(values.max())


def rate_table(ours: pd.DataFrame, published: pd.DataFrame) -> Rows:
    """Mean and range over seeds by attention rate, the published networks last; {} without ours."""
    if ours.empty:
        return {}
    means = [(significant(rate, 6), rows) for rate, rows in ours.groupby("rate")]
    stars = [
        (f"{significant(row.rate, 6)}, published {row.source[-1]}", published.iloc[[place]])
        for place, row in enumerate(published.itertuples())
    ]
    columns = {"rate": [name for name, _ in [*means, *stars]]}
    for column, title in COLUMNS.items():
        cells = [_cell(rows[column].to_numpy(dtype=float), column) for _, rows in means]
        known = column != "reached_step"
        columns[title] = cells + [
            _cell(row[column].to_numpy(dtype=float), column) if known else "" for _, row in stars
        ]
    return columns


def _cell(values: Float[np.ndarray, " seed"], column: str) -> str:
    """Mean and range of what is a number; steps of networks that never got there are none."""
    known = values[np.isfinite(values)]
    if column == "reached_step":
        known = known[known >= 0]
    if not len(known):
        return "-"
    if len(known) < len(values):
        return f"{len(known)} of {len(values)}: {_cell(known, column)}"
    digits = 0 if column in WHOLE else 3
    low, high = known.min(), known.max()
    if low == high:
        return f"{low:.{digits}f}"
    mean = f"{known.mean():.{1 if column == 'num_clusters' else digits}f}"
    return f"{mean} ({low:.{digits}f} to {high:.{digits}f})"


class Rates(NamedTuple):
    """Networks ``right`` on every pair at the end, and those that ``reached`` it on the held-out
    pairs at some time, with at least ``beyond`` steps from there (None: none reached it).

    ``kinds``: the attention rates whose mean symmetricity is a pizza's, and a clock's, as
    ("above" or "below", bound, rates).
    """

    num_networks: int
    num_seeds: int
    right: int
    reached: int
    beyond: int | None
    kinds: list[tuple[str, float, list[float]]]


def rates(ours: pd.DataFrame) -> Rates:
    """At which rates the mean symmetricity is a pizza's, and at which a clock's."""
    if ours.empty:
        return Rates(0, 0, 0, 0, None, [])
    means = ours.groupby("rate").symmetricity.mean()
    reached = ours[ours.reached_step >= 0]
    return Rates(
        num_networks=len(ours),
        num_seeds=ours.seed.nunique(),
        right=int((ours.accuracy == 1).sum()),
        reached=len(reached),
        beyond=int((reached.steps - reached.reached_step).min()) if len(reached) else None,
        kinds=[
            ("above", PIZZA_FROM, means.index[means > PIZZA_FROM].tolist()),
            ("below", CLOCK_BELOW, means.index[means < CLOCK_BELOW].tolist()),
        ],
    )


class Seen(NamedTuple):
    """Means over seeds of a column at the ``first`` and the ``last`` rate, as (mean, rate), their
    range over rates, and the mean of untrained networks (None: they have none)."""

    column: str
    first: tuple[float, float]
    last: tuple[float, float]
    means: Range
    untrained: float | None


def lens(ours: pd.DataFrame, untrained: pd.DataFrame) -> list[Seen]:
    """What does not change with the rate, and what an untrained network shows."""
    found = []
    for column in SEEN_BY_LENS if len(ours) else ():
        means = ours.groupby("rate")[column].mean().dropna()
        if means.empty:
            continue
        first, last = ((float(means.iloc[at]), float(means.index[at])) for at in (0, -1))
        control = float(untrained[column].mean()) if column in untrained else np.nan
        known = control if np.isfinite(control) else None
        found.append(Seen(column, first, last, _range(means), known))
    return found
