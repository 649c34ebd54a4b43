"""What chapter 07 tells of all clusters' votes together, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from modlib.analysis.macro.crt import MAX_CLUSTERS, overtones, separation
from modlib.analysis.many_seeds.separation import DELTA
from modlib.analysis.meso.clusters import Cluster, Clustering
from modlib.chapters.words import TINY
from modlib.claims.measure import measured
from modlib.claims.verdict import Measurement
from modlib.config.thresholds import DEFAULT
from modlib.maths.fourier import cosine
from modlib.maths.groups import coprime_factors


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
    ``ideal_gap``; ``step_of``: frequencies of which it is one step away, or within the exact
    coset; ``agree``: those that give it half of their crest or more. ``overtones``: of what the
    cosines miss, the share at twice the frequencies; with it the gap is ``sharp_gap``.
    """

    num_clusters: int
    missed: float = nan
    explained: float = nan
    distance: int = 0
    gap: float = nan
    ideal_gap: float = nan
    step_of: Sequence[int] = ()
    agree: Sequence[int] = ()
    overtones: float = nan
    sharp_gap: float = nan
    tiny: float = TINY


def runner_up(measured: Float[np.ndarray, " d"]) -> int:
    """The d other than 0 at which a sum of votes is largest."""
    return int(measured[1:].argmax()) + 1


def is_step(d: int, cluster: Cluster) -> bool:
    """Whether d is one step of a cluster's coset, exact or approximate, either way."""
    step = cluster.n // cluster.coset_size if cluster.coset_size > 1 else cluster.step
    return d in (step % cluster.n, -step % cluster.n)


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
    d = runner_up(measured)
    share, sharpened = overtones(measured, ideal, freqs)
    return Superposed(
        num_clusters=len(clusters),
        missed=float(((measured - ideal) ** 2).sum() / (measured**2).sum()),
        explained=float(spectrum[freqs].sum()),
        distance=min(d, n - d),
        gap=float(measured[0] - measured[d]),
        ideal_gap=float(ideal[0] - ideal[1:].max()),
        step_of=[c.freq for c in clusters if is_step(d, c)],
        agree=[c.freq for c in clusters if cosine(n, c.freq)[d] >= DEFAULT.coset],
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
    paper: float = DELTA


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


SUM_ROW = "A2.fig6.intersection"


class OverRuns(NamedTuple):
    """Per cent of ``num`` fresh runs at the ledger's first modulus whose margin is positive at
    every pair, as (value, low, high)."""

    num: int
    share: tuple[float, float, float]


def over_runs(found: Measurement | None = None) -> OverRuns | None:
    """The ledger's row on the sum, measured where it is not given; None where it lacks its
    networks."""
    row = found or measured([SUM_ROW])[SUM_ROW]
    if not isinstance(row, Measurement) or row.low is None or row.high is None:
        return None
    return OverRuns(row.num_seeds or 0, (row.value, row.low, row.high))


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


def right_unseen(
    margins: Mapping[str, Float[np.ndarray, "a b"]], masks: Mapping[str, Bool[np.ndarray, "a b"]]
) -> list[tuple[str, float]]:
    """Share of the pairs outside its training pairs on which a network is right, where any are."""
    return [
        (name, float((found > 0)[~masks[name]].mean()))
        for name, found in margins.items()
        if not masks[name].all()
    ]


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
