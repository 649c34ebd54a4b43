"""What chapter 06 tells of a pizza, a clock, and the way between them, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.meso.clock_pizza import Formulas
from modlib.analysis.meso.clock_pizza_circle import Pair
from modlib.analysis.meso.clock_pizza_lens import KEPT, shift_rank
from modlib.analysis.micro.harmonics import Portrait
from modlib.chapters.words import Rows, significant
from modlib.config.thresholds import DEFAULT
from modlib.maths.groups import signed_freq
from modlib.maths.intervals import share_interval
from modlib.models.foreign.network import ForeignNetwork

PIZZA_FROM, CLOCK_BELOW = 0.95, 0.6
"""Bounds of the mean gradient symmetricity for which rates are named."""
ALIKE, HOLDS = 0.9, 0.5
"""Share explained from which a formula is said to be the logits', and to say anything of them."""
LEARNED = 0.95
"""Accuracy from which a network is said to add."""
TRACE = 1e-4
"""Share of power from which a second peak is mentioned."""
COLUMNS = {
    "reached_step": "100 % at step",
    "symmetricity": "symmetricity",
    "distance_irrelevance": "distance irrelevance",
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


class Summary(NamedTuple):
    """``held``: least and most power that the shown neurons hold at their frequencies, ``left``:
    the same outside them; ``doubles``: as in ``Doubles``."""

    num_neurons: int
    held: Range
    left: Range
    doubles: int


def summary(found: Sequence[Peaks], n: int) -> Summary:
    """The shown neurons together."""
    twice = doubles(found, n).doubles
    if not found:
        return Summary(0, (np.nan, np.nan), (np.nan, np.nan), twice)
    held = [one.held for one in found]
    low, high = min(held), max(held)
    return Summary(len(found), (low, high), (max(1 - high, 0.0), max(1 - low, 0.0)), twice)


class Shift(NamedTuple):
    """A shift that is the ``step`` of a frequency, or its period ``rounded``, or both.

    ``rank``: share of the other shifts at which neurons are weaker.
    """

    shift: int
    step: bool
    rounded: bool
    rank: float


def shifts(table: pd.DataFrame, clusters: pd.DataFrame) -> list[tuple[int, float, list[Shift]]]:
    """(freq, its period, how step and rounded period rank among all shifts), a cluster each.

    ``table``: of ``shift_table``. Clusters without another shift to compare with are left out.
    """
    profiles = []
    for row in clusters.itertuples():
        profile = table[table.freq == row.freq].sort_values("shift").strength.to_numpy()
        near = round(row.period)
        asked = [(row.step, True, near == row.step)]
        if near % len(profile) and near != row.step:
            asked.append((near, False, True))
        ranked = [Shift(*one, shift_rank(profile, row.freq, one[0])) for one in asked]
        if known := [one for one in ranked if np.isfinite(one.rank)]:
            profiles.append((row.freq, row.period, known))
    return profiles


class ShiftsOfMany(NamedTuple):
    """Clusters of many networks in which the step and the rounded period are different shifts.

    ``step_wins`` of the ``num_apart``: the step ranks higher; ``step_first``: above all others.
    """

    num_networks: int
    num_clusters: int
    num_apart: int
    step_wins: int
    step_first: int


def shifts_of_many(table: pd.DataFrame, clusters: pd.DataFrame) -> ShiftsOfMany:
    """Step against rounded period over networks, both tables with ``seed``."""
    apart, networks = [], clusters.groupby("seed")
    for seed, own in networks:
        found = shifts(table[table.seed == seed], own)
        apart += [[one.rank for one in ranked] for _, _, ranked in found if len(ranked) > 1]
    return ShiftsOfMany(
        num_networks=networks.ngroups,
        num_clusters=len(clusters),
        num_apart=len(apart),
        step_wins=sum(step > rounded for step, rounded in apart),
        step_first=sum(step == 1 for step, _ in apart),
    )


class Remapped(NamedTuple):
    """Residuals of one cosine: their ``median``, and the share that lies below ``limit``."""

    median: float
    simple: float
    limit: float


def remapped(networks: pd.DataFrame) -> list[Remapped]:
    """How far a network's live neurons are from one cosine; ``networks``: rows of ``describe``."""
    return [
        Remapped(float(row.median_residual), float(row.share_simple), DEFAULT.simple_below)
        for row in networks.itertuples()
    ]


class Hands(NamedTuple):
    """Distance of the middle of two points from the centre, in mean radii, of a pair ``near`` each
    other and of one ``facing`` each other, ``degrees`` apart, on the circle of ``freq``."""

    freq: int
    near: float
    facing: float
    degrees: float


def hands(points: Float[np.ndarray, "n axis"], near: Pair, facing: Pair, freq: int) -> Hands:
    """Where a pizza's middles are; ``points``: of ``circle_points``."""
    of_near, of_facing = (
        float(np.linalg.norm(points[one.a] + points[one.b]) / 2) for one in (near, facing)
    )
    return Hands(freq, of_near, of_facing, facing.degrees)


class Opposite(NamedTuple):
    """Mean right logit of the pairs as far apart as one that faces itself, in each map, as (name,
    their mean, mean of all)."""

    rows: list[tuple[str, float, float]]


def opposite(chosen: Pair, found: Mapping[str, Float[np.ndarray, "y x"]]) -> Opposite:
    """What the maps have at their edges, in the row of ``chosen``."""
    return Opposite(
        [(name, float(part[chosen.y].mean()), float(part.mean())) for name, part in found.items()]
    )


class PairFacts(NamedTuple):
    """A pair on the circle, and its right logit in each map, as (name, logit, mean of all)."""

    a: int
    b: int
    c: int
    degrees: float
    logits: list[tuple[str, float, float]]


def pair(chosen: Pair, found: Mapping[str, Float[np.ndarray, "y x"]]) -> PairFacts:
    """What the maps say of one pair."""
    logits = [
        (name, float(part[chosen.y, chosen.x]), float(part.mean())) for name, part in found.items()
    ]
    return PairFacts(chosen.a, chosen.b, chosen.c, chosen.degrees, logits)


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


class Circles(NamedTuple):
    """``kept``: what is left of a cluster, and the ranges over clusters of what clock and pizza
    explain of it; ``clock``, ``pizza``: what they explain of the whole network's logits.

    Of every circle alone: ``hold`` one formula, the ``pizzas`` or the ``clocks`` more than the
    other; with its double ``doubled``: the clock more, and it holds, as in ``num_doubled`` of them.
    ``pizzas_alike``, ``doubled_alike``: so much that the logits are said to be that formula's.
    ``holds``: the bound of ``hold``.
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
    num_doubled: int
    doubled_alike: bool
    holds: float


def circles(table: pd.DataFrame, logits: Formulas) -> Circles:
    """Which formula holds of a circle alone, with its double, and of the whole cluster.

    ``logits``: what the formulas explain of the whole network's.
    """
    parts = {kept: table[table.kept == kept] for kept in KEPT}
    alone, double, _ = parts.values()
    # Of a circle that its double leaves to neither formula, the larger share says nothing.
    turned = (double.clock > double.pizza) & (double.clock > HOLDS)
    return Circles(
        num_circles=len(alone),
        kept=[(kept, _range(rows.clock), _range(rows.pizza)) for kept, rows in parts.items()],
        clock=logits.clock,
        pizza=logits.pizza,
        hold=bool((alone[["clock", "pizza"]].max(axis=1) > HOLDS).all()),
        pizzas=bool((alone.pizza > alone.clock).all()),
        pizzas_alike=bool((alone.pizza > ALIKE).all()),
        clocks=bool((alone.clock > alone.pizza).all()),
        doubled=bool(turned.all()),
        num_doubled=int(turned.sum()),
        doubled_alike=bool((double.clock > ALIKE).all()),
        holds=HOLDS,
    )


class Answer(NamedTuple):
    """Who is right, of one network: ``kind`` and the least over its circles and clusters.

    ``both``: each circle alone is nearer a pizza and with its double nearer a clock; ``pizza`` or
    ``clock``: each alone and nothing more; ``together``: circles do not work one by one, or not
    alike; ``none``: it does not add. ``alone``: explained by the pizza's formula of a circle
    alone, ``doubled``: by the clock's with its double; ``explained``: of votes, by one cosine;
    with its double ``num_doubled`` of ``num_circles`` are nearer a clock.
    """

    kind: str
    accuracy: float
    alone: float
    doubled: float
    explained: float
    num_circles: int = 0
    num_doubled: int = 0


def answer(accuracy: float, table: pd.DataFrame, found: Circles, voted: Votes) -> Answer:
    """The chapter's question, answered for the network at hand; ``table``: ``circle_table``."""
    if accuracy < LEARNED or not found.num_circles:
        return Answer("none", accuracy, np.nan, np.nan, np.nan)
    kind = "together"
    if found.hold and found.pizzas:
        kind = "both" if found.doubled else "pizza"
    elif found.hold and found.clocks:
        kind = "clock"
    least = table.groupby("kept")[["clock", "pizza"]].min()
    alone, doubled = float(least.pizza[KEPT[0]]), float(least.clock[KEPT[1]])
    counts = (found.num_circles, found.num_doubled)
    return Answer(kind, accuracy, alone, doubled, voted.explained, *counts)


class CirclesOfMany(NamedTuple):
    """Over many networks: in how many every circle alone is nearer a pizza, in how many of them
    with its double nearer a clock too, each with its interval; ``doubled``: of all circles.

    A circle is nearer to what explains more of it, if that is above ``HOLDS``; of all the circles
    the share ``hold`` has one that is.
    """

    num_networks: int
    pizzas: int
    pizzas_between: Range
    turned: int
    turned_between: Range
    hold: float
    doubled: float


def circles_of_many(table: pd.DataFrame) -> CirclesOfMany:
    """Whether other networks of a kind are like the one shown; ``table``: with ``seed``."""
    if table.empty:
        return CirclesOfMany(0, 0, (np.nan, np.nan), 0, (np.nan, np.nan), np.nan, np.nan)
    rows = table.set_index(["seed", "freq"])
    alone, double = (rows[rows.kept == kept] for kept in KEPT[:2])
    pizza = (alone.pizza > alone.clock) & (alone.pizza > HOLDS)
    clock = (double.clock > double.pizza) & (double.clock > HOLDS)
    all_pizzas, all_clocks = (one.groupby("seed").all() for one in (pizza, clock))
    total = len(all_pizzas)
    pizzas, turned = int(all_pizzas.sum()), int((all_pizzas & all_clocks).sum())
    between, of_turned = (share_interval(count, total) for count in (pizzas, turned))
    return CirclesOfMany(
        num_networks=total,
        pizzas=pizzas,
        pizzas_between=(between.low, between.high),
        turned=turned,
        turned_between=(of_turned.low, of_turned.high),
        hold=float((alone[["clock", "pizza"]].max(axis=1) > HOLDS).mean()),
        doubled=float(clock.mean()),
    )


def _range(values: pd.Series) -> Range:
    return float(values.min()), float(values.max())


def rate_table(ours: pd.DataFrame, published: pd.DataFrame) -> Rows:
    """Means over seeds by attention rate, the published networks last; {} without ours."""
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
    """The mean of what is a number; steps of networks that never got there are none."""
    known = values[np.isfinite(values)]
    if column == "reached_step":
        known = known[known >= 0]
    if not len(known):
        return "-"
    digits = {"reached_step": 0, "num_clusters": 1}.get(column, 3)
    some = f"{len(known)} of {len(values)}: " if len(known) < len(values) else ""
    return f"{some}{known.mean():.{digits}f}"


class Rates(NamedTuple):
    """Networks ``right`` on every pair at the end, and those that ``reached`` it on the held-out
    pairs at some time, with at least ``beyond`` steps from there (None: none reached it);
    ``num_seeds``, ``most_seeds``: of the rate with fewest and of that with most.

    ``kinds``: the attention rates whose mean symmetricity is a pizza's, and a clock's, as
    ("above" or "below", bound, rates).
    """

    num_networks: int
    num_seeds: int
    most_seeds: int
    right: int
    reached: int
    beyond: int | None
    kinds: list[tuple[str, float, list[float]]]


def rates(ours: pd.DataFrame) -> Rates:
    """At which rates the mean symmetricity is a pizza's, and at which a clock's."""
    if ours.empty:
        return Rates(0, 0, 0, 0, 0, None, [])
    by_rate = ours.groupby("rate")
    means, num_seeds = by_rate.symmetricity.mean(), by_rate.seed.nunique()
    reached = ours[ours.reached_step >= 0]
    return Rates(
        num_networks=len(ours),
        num_seeds=int(num_seeds.min()),
        most_seeds=int(num_seeds.max()),
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
