"""What chapter 04 tells of its clusters, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.meso.choir import Sum
from modlib.analysis.meso.clusters import Cluster, Clustering, CosineFit
from modlib.chapters.shared import clusters_facts
from modlib.maths.circular import mean_resultant_length
from modlib.maths.fourier import power_spectrum

EVEN = 0.05
"""Of even spreads a twentieth has a longer mean than phases that still count as spread out."""
TIED = 0.1
"""Median phase error, in turns, under which outputs count as tied to inputs; chance is .25."""


class Columns(NamedTuple):
    """``clusters.md``'s facts; ``columns``: frequencies that have a cluster, ``held``: their share
    of the clustered neurons' power, 0 where there are none."""

    num_live: int
    num_neurons: int
    clusters: list[tuple[int, int, str]]
    num_loose: int
    num_diffuse: int
    columns: int
    held: float


def columns(shares: Float[np.ndarray, "neuron freq"], clustering: Clustering) -> Columns:
    """How much of the clustered neurons' power lies in the clusters' columns."""
    found = clustering.clusters
    if not found:
        return Columns(*clusters_facts(clustering), columns=0, held=0.0)
    members = np.concatenate([cluster.neurons for cluster in found])
    freqs = sorted({cluster.freq for cluster in found})
    held = float(shares[members][:, freqs].sum() / len(members))
    return Columns(*clusters_facts(clustering), columns=len(freqs), held=held)


class Tuned(NamedTuple):
    """A network's clusters, and of its first fine-tuning one: the spectrum beside the main spike.

    ``freqs``: of all clusters; ``beside``: the share of its neurons' power that is not at ``freq``,
    and ``on_multiples`` the share of that which is at other multiples of ``gcd``; ``is_first``:
    whether ``freq`` leads in all of them.
    """

    seed: int
    n: int
    freqs: list[int]
    freq: int
    gcd: int
    num_neurons: int
    is_first: bool
    beside: float
    on_multiples: float


def tuned(seed: int, shares: Float[np.ndarray, "neuron freq"], clustering: Clustering) -> Tuned:
    """What the spectra of a network's first fine-tuning cluster look like; it must have one."""
    found = clustering.clusters
    cluster = next(one for one in found if one.kind == "fine-tuning")
    own, gcd = shares[cluster.neurons], cluster.coset_size
    off = np.delete(own, cluster.freq, axis=1)
    multiples = np.arange(own.shape[1]) % gcd == 0
    multiples[cluster.freq] = False
    return Tuned(
        seed=seed,
        n=cluster.n,
        freqs=[one.freq for one in found],
        freq=cluster.freq,
        gcd=gcd,
        num_neurons=cluster.num_neurons,
        is_first=bool((own.argmax(1) == cluster.freq).all()),
        beside=float(off.sum() / own.sum()),
        on_multiples=float(own[:, multiples].sum() / off.sum()),
    )


class Remapping(NamedTuple):
    """``as_said``: neurons of a cluster whose frequency is ``gcd`` once remapped by ``unit``."""

    unit: int
    n: int
    freq: int
    gcd: int
    as_said: int
    num_neurons: int


def remapping(slow: list[Float[np.ndarray, "member n"]], unit: int, cluster: Cluster) -> Remapping:
    """How many of a cluster's neurons have the frequency gcd(f, n) once remapped."""
    power = sum(power_spectrum(signals)[:, 1:] for signals in slow)
    gcd = cluster.coset_size
    as_said = int((np.argmax(power, axis=1) + 1 == gcd).sum())
    return Remapping(unit, cluster.n, cluster.freq, gcd, as_said, cluster.num_neurons)


class Phases(NamedTuple):
    """The median error of t_A + t_B - t_D, a whole turn being n; NaN where ``num_phases`` is 0.

    ``is_even``: the mean resultant length of t_A could be chance's; ``is_tied``: errors are far
    under a quarter turn, chance's.
    """

    n: int
    freq: int
    num_phases: int
    median_error: float
    is_even: bool = False
    is_tied: bool = False


def phases(table: pd.DataFrame, cluster: Cluster) -> Phases:
    """Whether input and output phases agree, and how evenly the phases are spread."""
    if table.empty:
        return Phases(cluster.n, cluster.freq, 0, nan)
    errors = table.phase_error.abs()
    resultant = float(mean_resultant_length(table.t_a.to_numpy(), cluster.n))
    return Phases(
        n=cluster.n,
        freq=cluster.freq,
        num_phases=len(table),
        median_error=float(errors.median()),
        is_even=len(table) * resultant**2 < -log(EVEN),
        is_tied=float(errors.median()) < TIED * cluster.n,
    )


class Choir(NamedTuple):
    """What ``one`` neuron's cosine explains of its own logits, and ``all`` of a cluster's (share
    of variance over all pairs), ``num_neurons`` of ``freq``."""

    freq: int
    num_neurons: int
    one: float
    all: float


def choir(sums: Sequence[Sum], cluster: Cluster) -> Choir:
    """How the cosine comes out while votes add up."""
    return Choir(cluster.freq, cluster.num_neurons, sums[0].explained, sums[-1].explained)


class Moments(NamedTuple):
    """``rows``: a joint phase, with what hangs on it, its mean, that by chance, and whether it
    vanishes; ``gone``, ``left``: their names by whether they do."""

    rows: list[tuple[str, float, float, float, bool]]
    gone: list[str]
    left: list[str]


def moments(table: pd.DataFrame) -> Moments:
    """Which joint phases are spread evenly; ``table``: ``choir.joint_moments``."""
    rows = [
        (f"${r.joint}$", float(r.weight), float(r.moment), float(r.chance), bool(r.vanishes))
        for r in table.itertuples()
    ]
    gone = [name for name, *_, vanishes in rows if vanishes]
    return Moments(rows, gone, [name for name, *_ in rows if name not in gone])


class Vote(NamedTuple):
    """``explained``: share of a cluster's logits that one cosine of ``amplitude`` tells; ``first``:
    share of pairs for which it puts the right answer first; ``before``: answers before it."""

    amplitude: float
    explained: float
    num_pairs: int
    gcd: int
    first: float
    before: float


def vote(fit: CosineFit, ranks: Float[np.ndarray, "a b"], cluster: Cluster) -> Vote:
    """How well one cosine tells a cluster's logits, and where it puts the right answer."""
    return Vote(
        amplitude=float(fit.amplitude),
        explained=float(fit.explained),
        num_pairs=ranks.size,
        gcd=cluster.coset_size,
        first=float((ranks == 0).mean()),
        before=float(ranks.mean()),
    )


class Gathered(NamedTuple):
    """Frequencies of the clusters of each control, by its name."""

    controls: list[tuple[str, list[int]]]


def gathered(clusterings: Mapping[str, Clustering]) -> Gathered:
    """Which frequencies gather neurons in networks without the rule."""
    return Gathered(
        [(name, sorted({c.freq for c in one.clusters})) for name, one in clusterings.items()]
    )
