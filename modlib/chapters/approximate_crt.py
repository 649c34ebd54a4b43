"""What chapter 07 tells of votes and their sum, as numbers; also where there is no cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import e, log, nan, pi
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.macro.crt import MAX_CLUSTERS, Scales, overtones, separation
from modlib.analysis.macro.tables import LARGE
from modlib.analysis.meso.clusters import Cluster, Clustering
from modlib.maths.groups import coprime_factors

PAPER_DELTA = pi / e**3
"""Separation that paper A asks for as an example, section 5.4."""
TINY = 1e-4
"""Share under which only its order of magnitude is told."""

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
    highest vote, at worst ``lowest`` of it; in ``num_found`` of ``num_pairs`` sums."""

    num_panels: int
    num_first: int = 0
    lowest: float = nan
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
        lowest=float((right / np.where(highest > 0, highest, 1.0)).min()),
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
    """Of n answers the clusters leave, one after another, ``counts``; ``lost_at``: the first that
    excludes the right one, None where none does; ``others`` are left beside it."""

    n: int
    counts: list[int]
    answer: int
    lost_at: int | None
    others: list[int]


def sieve(left: Bool[np.ndarray, "cluster c"], answer: int) -> Sieve:
    """What the clusters, one after another, leave of the answers at one pair."""
    lost = np.flatnonzero(~left[:, answer])
    return Sieve(
        n=left.shape[1],
        counts=left.sum(1).tolist(),
        answer=answer,
        lost_at=int(lost[0]) if len(lost) else None,
        others=[c for c in np.flatnonzero(left[-1:].any(0)).tolist() if c != answer],
    )


class Growth(NamedTuple):
    """Sets of ``sizes`` clusters leave ``left`` of n answers on average; one cluster keeps a share
    of ``kept_share``, so that ``needed`` would leave one answer (None: it keeps all or none).

    With all ``size`` that were tried, of at most ``max_size``: shares of pairs on which agreement
    leaves the right answer ``alone`` and ``keeps`` it, and on which adding puts it ``first``.
    ``enough``: the smallest set that decides every pair; None where all do not.
    """

    n: int
    num_clusters: int
    sizes: Sequence[int] = ()
    left: Sequence[float] = ()
    kept_share: float = nan
    needed: float | None = None
    size: int = 0
    alone: float = nan
    keeps: float = nan
    first: float = nan
    enough: tuple[int, ...] | None = None
    max_size: int = MAX_CLUSTERS


def growth(table: pd.DataFrame, n: int, num_clusters: int) -> Growth:
    """How fast sets of clusters narrow down the answer, by agreement and by adding votes.

    ``table``: see ``analysis.macro.crt.growing_sets``.
    """
    if table.empty:
        return Growth(n, num_clusters)
    left = table.groupby("size").left.mean()
    kept_share = float(left.iloc[0]) / n
    whole = table.iloc[-1]
    decides = table[table["first"] == 1]
    return Growth(
        n=n,
        num_clusters=num_clusters,
        sizes=left.index.tolist(),
        left=left.tolist(),
        kept_share=kept_share,
        needed=log(n) / -log(kept_share) if 0 < kept_share < 1 else None,
        size=int(whole["size"]),
        alone=float(whole.alone),
        keeps=float(whole.kept),
        first=float(whole["first"]),
        enough=tuple(decides.clusters.iloc[0]) if whole["first"] == 1 else None,
    )


class Superposed(NamedTuple):
    """Cosines with one amplitude each miss ``missed`` of the sum's power and explain ``explained``
    of the network's logits.

    The runner-up is ``distance`` away and ``gap`` logits below the answer, by the cosines
    ``ideal_gap``. ``overtones``: of what they miss, the share at twice the frequencies; with it the
    gap is ``sharp_gap``.
    """

    num_clusters: int
    missed: float = nan
    explained: float = nan
    distance: int = 0
    gap: float = nan
    ideal_gap: float = nan
    overtones: float = nan
    sharp_gap: float = nan
    tiny: float = TINY


def superposed(
    measured: Float[np.ndarray, " d"],
    ideal: Float[np.ndarray, " d"],
    spectrum: Float[np.ndarray, " freq"],
    clusters: Sequence[Cluster],
) -> Superposed:
    """How close the sum comes to cosines, and how much of the logits these explain."""
    if not clusters:
        return Superposed(0)
    freqs, n = [cluster.freq for cluster in clusters], len(measured)
    d = int(measured[1:].argmax()) + 1
    share, sharpened = overtones(measured, ideal, freqs)
    return Superposed(
        num_clusters=len(clusters),
        missed=float(((measured - ideal) ** 2).sum() / (measured**2).sum()),
        explained=float(spectrum[freqs].sum()),
        distance=min(d, n - d),
        gap=float(measured[0] - measured[d]),
        ideal_gap=float(ideal[0] - ideal[1:].max()),
        overtones=share,
        sharp_gap=float(sharpened[0] - sharpened[1:].max()),
    )


class Separation(NamedTuple):
    """``own``: of m frequencies with equal amplitudes, in m, beside the ``paper``'s example and
    ``median`` of random sets, a share ``better_than`` of which has less.

    ``exact_freqs``, ``exact``: those of the exact theorem for this n, none for a prime power.
    """

    num_freqs: int
    own: float = nan
    median: float = nan
    better_than: float = nan
    exact_freqs: Sequence[int] = ()
    exact: float = nan
    paper: float = PAPER_DELTA


def separations(
    n: int, freqs: Sequence[int], random: Float[np.ndarray, " draw"], exact_n: int
) -> Separation:
    """The separation of section 5.4, beside random frequencies and the exact theorem."""
    if not freqs:
        return Separation(0)
    own = separation(n, freqs)
    exact_freqs = [n // q for q in coprime_factors(n)] if exact_n == n else []
    return Separation(
        num_freqs=len(freqs),
        own=own,
        median=float(np.median(random)),
        better_than=float((random < own - 1e-9).mean()),
        exact_freqs=exact_freqs,
        exact=separation(n, exact_freqs),
    )


class Margins(NamedTuple):
    """The margin over all pairs, in logits, not positive on ``num_wrong``; ``ideal``: that of the
    cosines, ``first``: share of pairs that the clusters alone decide, None without clusters."""

    num_pairs: int
    num_wrong: int
    least: float
    mean: float
    ideal: float | None = None
    first: float | None = None


def margins(
    found: Float[np.ndarray, "a b"], ideal: Float[np.ndarray, " d"], table: pd.DataFrame
) -> Margins:
    """The margin over all pairs, beside that of the ideal sum and of the clusters alone."""
    told = Margins(found.size, int((found <= 0).sum()), float(found.min()), float(found.mean()))
    if table.empty:
        return told
    gap = float(ideal[0] - ideal[1:].max())
    return told._replace(ideal=gap, first=float(table["first"].iloc[-1]))


class ExplainedLogits(NamedTuple):
    """The strongest cosine of c - a - b, of ``freq``, and all of them: their shares of the
    variance of a network's logits."""

    name: str
    num_clusters: int
    freq: int
    strongest: float
    together: float


class Controls(NamedTuple):
    """By network; a share under ``tiny`` is told by its order of magnitude."""

    networks: list[ExplainedLogits]
    tiny: float = TINY


def controls(
    spectra: Mapping[str, Float[np.ndarray, " freq"]], clusterings: Mapping[str, Clustering]
) -> Controls:
    """What cosines of c - a - b explain of the logits of each network."""
    return Controls(
        [
            ExplainedLogits(
                name=name,
                num_clusters=len(clusterings[name].clusters),
                freq=int(explained.argmax()),
                strongest=float(explained.max()),
                together=float(explained.sum()),
            )
            for name, explained in spectra.items()
        ]
    )


class ShiftedClusters(NamedTuple):
    """How votes of large or small clusters agree with themselves when both inputs move."""

    is_large: bool
    num_clusters: int
    cosine: Ends
    error: Ends


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
        ShiftedClusters(
            is_large,
            len(block),
            cosine=_ends(block.shift_cosine.fillna(0.0)),
            error=_ends(block.shift_error.fillna(0.0)),
        )
        for is_large, block in _by_size(report)
    ]
    fixed = report[(report.coset_size > 1) & (shift * report.coset_size % n == 0)]
    return Shift(shift, n, groups, fixed.freq.tolist())


class ThreeScales(NamedTuple):
    """Figure A1 at one pair: a neuron of each cluster shown; ``helping`` clusters vote for the
    answer, which is where their sum ``is_highest`` or not."""

    num_clusters: int
    pair: tuple[int, int] = (0, 0)
    answer: int = 0
    neurons: Sequence[int] = ()
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
        neurons=[row.neuron for row in rows[:3]],
        helping=sum(bool(row.vote[answer] > 0) for row in rows),
        is_highest=bool(total.argmax() == answer),
    )
