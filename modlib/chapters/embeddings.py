"""What chapter 03 tells of embeddings, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Complex, Float

from modlib.analysis.meso.clusters import Clustering
from modlib.analysis.micro.embeddings import (
    ROUND,
    Components,
    axes_ratio,
    frequencies_needed,
    half_turn,
    pooled_shares,
    projections,
)
from modlib.config.thresholds import DEFAULT
from modlib.tasks.operations import is_prime

Pair = tuple[int, int]
"""Two components, counted from 1."""


def room_for(freqs: Sequence[int], n: int) -> int:
    """Dimensions that these frequencies can fill: two each, one for n / 2."""
    return sum(1 if 2 * freq == n else 2 for freq in set(freqs))


class Dimensions(NamedTuple):
    """``needed``: components by network for 95 % of the variance; ``held``: share of it in the
    first ``room`` components, as many as the clusters' frequencies can fill."""

    needed: list[tuple[str, int]]
    freqs: list[int]
    room: int
    held: list[tuple[str, float]]


def dimensions(
    shares: Mapping[str, Float[np.ndarray, " component"]], clustering: Clustering, n: int
) -> Dimensions:
    """How much of each network's variance fits into the room that the clusters' frequencies have.

    ``shares``: variance by component, all components, by network; the first is the run itself.
    """
    freqs = [cluster.freq for cluster in clustering.clusters]
    room = room_for(freqs, n)
    return Dimensions(
        needed=[
            (name, int((np.cumsum(share) < 0.95 - 1e-9).sum()) + 1)
            for name, share in shares.items()
        ],
        freqs=freqs,
        room=room,
        held=[(name, float(share[:room].sum())) for name, share in shares.items()],
    )


def _pairs(table: pd.DataFrame) -> list[Pair]:
    return [(int(i) + 1, int(j) + 1) for i, j in zip(table["first"], table["second"], strict=True)]


class PairsDrawn(NamedTuple):
    """Pairs of one frequency by the spectra, and ``circular`` ones by position.

    ``mean_share``: of the power of a component at its frequency; ``least``: the component with the
    least, ``least_share``.
    """

    num_drawn: int
    same: list[Pair]
    circular: list[Pair]
    mean_share: float
    least: int
    least_share: float


def pairs_drawn(
    components: Components, table: pd.DataFrame, drawn: Sequence[tuple[int, int]]
) -> PairsDrawn:
    """Which of the drawn pairs share a frequency, and how pure their components are.

    ``table``: rows of ``component_pairs``; ``drawn``: the pairs in the figure, from 0.
    """
    pairs = set(drawn)
    chosen = [(i, j) in pairs for i, j in zip(table["first"], table["second"], strict=True)]
    shown = table[chosen]
    used = sorted({i for pair in drawn for i in pair})
    leading = components.spectra[used].max(1)
    return PairsDrawn(
        num_drawn=len(shown),
        same=_pairs(shown[shown.same_freq]),
        circular=_pairs(shown[shown.circular]),
        mean_share=float(leading.mean()),
        least=used[int(leading.argmin())] + 1,
        least_share=float(leading.min()),
    )


class Agreement(NamedTuple):
    """Pairs of components counted by spectra and by ellipse.

    ``odd``: those on which the two disagree, with their ``spreads`` and the share of power that
    the ``less_pure`` component of each has at its own frequency.
    """

    name: str
    num_pairs: int
    both: int
    neither: int
    spectra_only: int
    ellipse_only: int
    odd: list[Pair]
    spreads: list[float]
    less_pure: list[float]


class Agreements(NamedTuple):
    """By network; ``circular_below``: the spread under which a pair is circular."""

    networks: list[Agreement]
    circular_below: float = DEFAULT.circular_below


def _agreement(name: str, components: Components, table: pd.DataFrame) -> Agreement:
    same, circular = table.same_freq, table.circular
    odd = table[same != circular]
    leading = components.spectra.max(1)
    return Agreement(
        name=name,
        num_pairs=len(table),
        both=int((same & circular).sum()),
        neither=int((~same & ~circular).sum()),
        spectra_only=int((same & ~circular).sum()),
        ellipse_only=int((~same & circular).sum()),
        odd=_pairs(odd),
        spreads=odd.radius_spread.tolist(),
        less_pure=[float(leading[[i - 1, j - 1]].min()) for i, j in _pairs(odd)],
    )


def agreements(
    components: Mapping[str, Components], tables: Mapping[str, pd.DataFrame]
) -> Agreements:
    """Spectra against ellipses, pair by pair, for each network.

    ``tables``: ``component_pairs`` of the components.
    """
    return Agreements([_agreement(name, components[name], t) for name, t in tables.items()])


class Coset(NamedTuple):
    """Components, by name, of a frequency that has ``num_positions`` of ``size`` points each.

    ``spread``: a point's distance from the middle of its coset, in that from the centre of all;
    ``by_chance``: the same of points placed independently.
    """

    freq: int
    size: int
    components: list[str]
    num_positions: int
    spread: float
    by_chance: float


class Cosets(NamedTuple):
    """The frequencies that tell components, and those of them with ``exact`` cosets."""

    n: int
    is_prime: bool
    freqs: list[int]
    exact: list[Coset]


def cosets(table: pd.DataFrame, n: int) -> Cosets:
    """Which leading frequencies have exact cosets, and how exact they are.

    ``table``: see ``analysis.micro.embeddings.coset_table``.
    """
    exact = [
        Coset(
            freq=int(row.freq),
            size=int(row.coset_size),
            components=[f"PC{component + 1}" for component in row.components],
            num_positions=int(row.positions),
            spread=float(row.spread),
            by_chance=float(row.by_chance),
        )
        for row in table[table.coset_size > 1].itertuples()
    ]
    return Cosets(n, is_prime(n), table.freq.tolist(), exact)


class HalfTurn(NamedTuple):
    """Mean correlation of components with themselves n/2 further on, for those of even and of odd
    frequency; None where there are none."""

    n: int
    even: float | None = None
    odd: float | None = None


def half_turns(components: Components) -> HalfTurn:
    """For even n: where the two pairs of one answer stand."""
    n = components.scores.shape[0]
    if n % 2:
        return HalfTurn(n)
    turned, is_odd = half_turn(components.scores), np.array(components.freqs) % 2 == 1
    even, odd = (
        float(turned[chosen].mean()) if chosen.any() else None for chosen in (~is_odd, is_odd)
    )
    return HalfTurn(n, even, odd)


class Coordinates(NamedTuple):
    """Amplitudes of a frequency in the coordinates, ``low`` to ``high`` (5 to 95 %).

    ``from_axis``: mean angle from the nearest axis, in degrees, weighted by amplitude; None where
    the frequency has no sine. ``needed``, ``neuron_needed``: frequencies for 90 % of the power of
    a coordinate and of a neuron, medians; None without neurons.
    """

    num_coordinates: int
    low: float
    high: float
    from_axis: float | None
    needed: int
    neuron_needed: int | None


def coordinates(
    vectors: Complex[np.ndarray, " signal"],
    embedding: Float[np.ndarray, "n embed"],
    preacts: Float[np.ndarray, "member n"],
) -> Coordinates:
    """What one coordinate and one neuron hold: number of frequencies, size, direction.

    ``vectors``: ``projections`` of the coordinates at the frequency drawn; ``preacts``: of the
    neurons beside them.
    """
    size = np.abs(vectors)
    low, high = np.quantile(size, [0.05, 0.95])
    angle = np.degrees(np.angle(vectors)) % 90
    has_sine = np.abs(vectors.imag).max() > 1e-9 * size.max()
    return Coordinates(
        num_coordinates=len(size),
        low=float(low),
        high=float(high),
        from_axis=float(np.average(np.minimum(angle, 90 - angle), weights=size))
        if has_sine
        else None,
        needed=int(np.median(frequencies_needed(embedding.T))),
        neuron_needed=int(np.median(frequencies_needed(preacts))) if len(preacts) else None,
    )


class Orbit(NamedTuple):
    """``share`` of the embedding's variance at a cluster's frequency; ``axes``: the shorter axis
    of its orbit in longer ones, None at n/2, which has one axis."""

    freq: int
    num_neurons: int
    share: float
    axes: float | None


class ControlOrbits(NamedTuple):
    """Share of a control's variance at the clusters' frequencies; ``axes``: least and largest
    ratio, None where no frequency has two axes."""

    name: str
    held: float
    axes: tuple[float, float] | None


class Orbits(NamedTuple):
    """The clusters' orbits in the embedding, beside controls; ``stands_out``: the share that they
    hold is half at least, and half more than in any control."""

    orbits: list[Orbit]
    held: float = nan
    controls: Sequence[ControlOrbits] = ()
    num_coordinates: int = 0
    stands_out: bool = False


def _control_orbits(
    name: str, embedding: Float[np.ndarray, "n embed"], freqs: Sequence[int]
) -> ControlOrbits:
    n = len(embedding)
    ratios = [axes_ratio(projections(embedding.T, freq)) for freq in freqs if 2 * freq != n]
    ratios = [ratio for ratio in ratios if not np.isnan(ratio)]
    held = float(pooled_shares(embedding)[list(freqs)].sum())
    return ControlOrbits(name, held, (min(ratios), max(ratios)) if ratios else None)


def orbits(
    embeddings: Mapping[str, Float[np.ndarray, "n embed"]], clustering: Clustering
) -> Orbits:
    """Each cluster's share of the embedding and the shape of its orbit, beside the controls.

    ``embeddings``: by network, the first is the run itself.
    """
    if not clustering.clusters:
        return Orbits([])
    own, *others = embeddings
    embedding, n = embeddings[own], len(embeddings[own])
    share = pooled_shares(embedding)
    freqs = sorted({cluster.freq for cluster in clustering.clusters})
    controls = [_control_orbits(name, embeddings[name], freqs) for name in others]
    held = float(share[freqs].sum())
    most = max((control.held for control in controls), default=0.0)
    return Orbits(
        orbits=[
            Orbit(
                freq=cluster.freq,
                num_neurons=cluster.num_neurons,
                share=float(share[cluster.freq]),
                axes=None
                if 2 * cluster.freq == n
                else axes_ratio(projections(embedding.T, cluster.freq)),
            )
            for cluster in clustering.clusters
        ],
        held=held,
        controls=controls,
        num_coordinates=embedding.shape[1],
        stands_out=held >= max(0.5, 1.5 * most),
    )


class Answer(NamedTuple):
    """``held``: share of the embedding's variance at the clusters' frequencies, ``axes``: ratio of
    the axes of the roundest and the flattest of their orbits (None: none has two), ``from_axis``:
    mean angle of a coordinate from the nearest axis, in degrees; ``learned``: the run did;
    ``all_round``: no orbit is flatter than a circle may be (``ROUND``)."""

    learned: bool
    num_freqs: int
    held: float
    axes: tuple[float, float] | None
    from_axis: float | None
    all_round: bool = True


def answer(learned: bool, found: Orbits, seen: Coordinates) -> Answer:
    """The chapter's question, answered for the run at hand."""
    ratios = [one.axes for one in found.orbits if one.axes is not None]
    ends = (min(ratios), max(ratios)) if ratios else None
    all_round = all(ratio > ROUND for ratio in ratios)
    return Answer(learned, len(found.orbits), found.held, ends, seen.from_axis, all_round)
