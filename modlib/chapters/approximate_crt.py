"""What chapter 07 tells of each cluster's votes, as numbers; also where there is no cluster."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.macro.crt import Scales
from modlib.analysis.macro.tables import LARGE
from modlib.maths.groups import coprime_factors

Ends = tuple[float, float]
"""The least and the largest of some values."""


def _ends(values: pd.Series | Sequence[float]) -> Ends:
    return float(min(values)), float(max(values))


class Theorem(NamedTuple):
    """``shown``: the modulus of the figure, n or one that stands in for a prime power."""

    n: int
    shown: int
    factors: list[int]


def theorem(n: int, shown: int) -> Theorem:
    """Into which congruences the modulus falls apart."""
    return Theorem(n, shown, coprime_factors(n))


class Remark(NamedTuple):
    """``system``: residues with their moduli; ``highest``: where the sum with the printed frequency
    is largest, ``at_solution``: what it is there."""

    system: list[tuple[int, int]]
    solution: int
    highest: list[int]
    at_solution: float


def remark(
    residues: Sequence[int], moduli: Sequence[int], solution: int, printed: Float[np.ndarray, " k"]
) -> Remark:
    """What the theorem, and the sum with the printed frequency, give for the residues drawn."""
    return Remark(
        system=list(zip(residues, moduli, strict=True)),
        solution=solution,
        highest=np.flatnonzero(printed > printed.max() - 1e-9).tolist(),
        at_solution=float(printed[solution]),
    )


class Questions(NamedTuple):
    """Pairs with their answers, drawn from ``num_unseen`` pairs, or from all where that is 0."""

    num_unseen: int
    sums: list[tuple[int, int, int]]


def questions(pairs: Int[np.ndarray, "pair 2"], num_unseen: int, n: int) -> Questions:
    """Which questions are put to the network, and where they come from."""
    return Questions(num_unseen, [(int(a), int(b), int(a + b) % n) for a, b in pairs])


class Votes(NamedTuple):
    """In ``num_first`` of ``num_panels``, a cluster and a pair each, the right answer has the
    highest vote; in ``num_found`` of ``num_pairs`` sums."""

    num_panels: int
    num_first: int = 0
    num_pairs: int = 0
    num_found: int = 0


def votes(cast: Float[np.ndarray, "cluster pair c"], pairs: Int[np.ndarray, "pair 2"]) -> Votes:
    """How high the right answer stands in the panels, with one cluster and with their sum."""
    if not len(cast):
        return Votes(0)
    pair, answer = np.arange(len(pairs)), pairs.sum(1) % cast.shape[-1]
    right, highest = cast[:, pair, answer], cast.max(-1)
    return Votes(
        num_panels=right.size,
        num_first=int((right >= highest).sum()),
        num_pairs=len(pairs),
        num_found=int((cast.sum(0).argmax(-1) == answer).sum()),
    )


class VotingCluster(NamedTuple):
    """What a cluster says to the logits; ``explained``: None for votes that are all 0."""

    cluster: int
    freq: int
    gcd: int
    num_neurons: int
    kind: str
    amplitude: float
    explained: float | None
    first: float
    mean_rank: float


def voting_clusters(report: pd.DataFrame) -> list[VotingCluster]:
    """The part of ``cluster_report`` that the chapter speaks of."""
    return [
        VotingCluster(
            cluster=int(row.cluster),
            freq=int(row.freq),
            gcd=int(row.coset_size),
            num_neurons=int(row.num_neurons),
            kind=str(row.kind),
            amplitude=float(row.amplitude),
            explained=None if np.isnan(row.explained) else float(row.explained),
            first=float(row.share_rank_0),
            mean_rank=float(row.mean_rank),
        )
        for row in report.itertuples()
    ]


def _by_size(report: pd.DataFrame) -> list[tuple[bool, pd.DataFrame]]:
    """Large clusters and small ones, where there are any."""
    is_large = report.num_neurons >= LARGE
    blocks = [(True, report[is_large]), (False, report[~is_large])]
    return [(large, block) for large, block in blocks if len(block)]


class FittedClusters(NamedTuple):
    """What one cosine explains of the votes of large or small clusters."""

    is_large: bool
    num_clusters: int
    explained: Ends


class Fit(NamedTuple):
    """``random``: what the best cosine explains of the votes of random neurons; ``alone``: share
    of pairs on which a cluster alone finds the answer. ``large``: neurons of a large cluster."""

    groups: list[FittedClusters]
    random: Ends = (nan, nan)
    alone: Ends = (nan, nan)
    large: int = LARGE


def fit(report: pd.DataFrame, random_best: Float[np.ndarray, "cluster draw"]) -> Fit:
    """How well one cosine tells each cluster's votes, by size, against random neurons."""
    if report.empty:
        return Fit([])
    groups = [
        FittedClusters(is_large, len(block), _ends(block.explained.fillna(0.0)))
        for is_large, block in _by_size(report)
    ]
    return Fit(groups, _ends(random_best.ravel().tolist()), _ends(report.share_rank_0))


class Amplitudes(NamedTuple):
    """Least and largest amplitude and their coefficient of variation, also among large clusters
    where some, but not all, are large."""

    num_clusters: int
    low: float = nan
    high: float = nan
    variation: float = nan
    among_large: float | None = None
    large: int = LARGE


def amplitudes(report: pd.DataFrame) -> Amplitudes:
    """How unequal the amplitudes are: their coefficient of variation."""
    if len(report) < 2:
        return Amplitudes(len(report))
    large = report.amplitude[report.num_neurons >= LARGE]
    some = 2 <= len(large) < len(report)
    return Amplitudes(
        num_clusters=len(report),
        low=float(report.amplitude.min()),
        high=float(report.amplitude.max()),
        variation=float(report.amplitude.std(ddof=1) / report.amplitude.mean()),
        among_large=float(large.std(ddof=1) / large.mean()) if some else None,
    )


class Sieve(NamedTuple):
    """Of n answers the clusters leave, one after another, ``counts``."""

    n: int
    counts: list[int]


def sieve(left: Bool[np.ndarray, "cluster c"]) -> Sieve:
    """What the clusters, one after another, leave of the answers at one pair."""
    return Sieve(left.shape[1], left.sum(1).tolist())


class ShiftedClusters(NamedTuple):
    """How votes of large or small clusters agree with themselves when both inputs move."""

    is_large: bool
    num_clusters: int
    cosine: Ends


class Shift(NamedTuple):
    """``in_coset``: frequencies to which the shift is a step within a coset."""

    shift: int
    n: int
    groups: list[ShiftedClusters]
    in_coset: list[int]
    large: int = LARGE


def shift_of_votes(report: pd.DataFrame, shift: int, n: int) -> Shift:
    """How well votes move with the inputs, by size of cluster."""
    groups = [
        ShiftedClusters(is_large, len(block), _ends(block.shift_cosine.fillna(0.0)))
        for is_large, block in _by_size(report)
    ]
    fixed = report[(report.coset_size > 1) & (shift * report.coset_size % n == 0)]
    return Shift(shift, n, groups, fixed.freq.tolist())


class ThreeScales(NamedTuple):
    """Figure A1 at one pair: ``helping`` clusters vote for the answer, which is where their sum
    ``is_highest`` or not."""

    num_clusters: int
    pair: tuple[int, int] = (0, 0)
    answer: int = 0
    helping: int = 0
    is_highest: bool = False


def three_scales(rows: Sequence[Scales], pair: Int[np.ndarray, " 2"]) -> ThreeScales:
    """What figure A1 shows of this network."""
    if not rows:
        return ThreeScales(0)
    a, b = (int(value) for value in pair)
    answer = (a + b) % len(rows[0].vote)
    total = np.sum([row.vote for row in rows], axis=0)
    return ThreeScales(
        num_clusters=len(rows),
        pair=(a, b),
        answer=answer,
        helping=sum(bool(row.vote[answer] > 0) for row in rows),
        is_highest=bool(total.argmax() == answer),
    )
