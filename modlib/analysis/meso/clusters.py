"""Neurons that share a frequency, and what each such cluster says to the logits.

Paper A, sections 4.1, 5.2 and 5.4; figures A6, A7, A22 to A24.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from modlib.analysis.micro.neurons import input_power, neuron_table
from modlib.config.thresholds import DEFAULT, Thresholds
from modlib.edge import public
from modlib.errors import require_float
from modlib.maths.fourier import require_freq
from modlib.maths.groups import coset_period, coset_step
from modlib.models.views.neuron_view import NeuronView, correct_answers

ClusterKind = Literal["simple", "fine-tuning", "mixed"]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Neurons with one dominant frequency.

    ``kind``: ``simple`` or ``fine-tuning`` where three quarters of the neurons have a residual
    under .30, or from .30 on; else ``mixed``. ``period`` is n / freq; ``step`` the inverse of
    freq / g modulo n / g, g = gcd(freq, n): ``coset_size``, and 1 where cosets are approximate.
    """

    index: int
    freq: int
    n: int
    neurons: Int[np.ndarray, " member"]
    kind: ClusterKind

    @property
    def num_neurons(self) -> int:
        """Number of neurons."""
        return len(self.neurons)

    @property
    def coset_size(self) -> int:
        """gcd(freq, n): the elements of the exact coset that the frequency cannot tell apart."""
        return gcd(self.freq, self.n)

    @property
    def step(self) -> int:
        """Step between elements of the approximate coset (paper A, section 5.2)."""
        return coset_step(self.freq, self.n)

    @property
    def period(self) -> float:
        """Distance between crests (paper A, appendix B.1.1)."""
        return coset_period(self.freq, self.n)


class Clustering(NamedTuple):
    """Clusters by falling size, the neurons' table, and the live neurons in no cluster."""

    clusters: list[Cluster]
    table: pd.DataFrame
    loose: Int[np.ndarray, " neuron"]


def _family_freqs(
    power: Float[np.ndarray, "neuron freq"],
    members: Int[np.ndarray, " member"],
    same_family: float,
) -> Int[np.ndarray, " member"]:
    """The frequency of each fine-tuning neuron's family: the strongest of the whole family.

    Families are the connected sets of neurons whose power spectra have a cosine similarity of
    at least ``same_family``, so that a group with several harmonics is not split by which of them
    happens to be largest in each neuron.
    """
    # The squares of tiny powers would vanish, those of their shares do not.
    shape = power[members] / power[members].sum(1, keepdims=True)
    unit = shape / np.linalg.norm(shape, axis=1, keepdims=True)
    num_families, family = connected_components(csr_array(unit @ unit.T >= same_family))
    strongest = [shape[family == index].sum(0).argmax() for index in range(num_families)]
    return np.array(strongest, dtype=int)[family]


def grouping_freqs(
    table: pd.DataFrame,
    power: Float[np.ndarray, "neuron freq"],
    *,
    thresholds: Thresholds = DEFAULT,
) -> Int[np.ndarray, " neuron"]:
    """The frequency by which each neuron is grouped; -1 where dead or diffuse.

    ``table``: see ``neuron_table``; ``power``: ``input_power``. A fine-tuning neuron takes the
    dominant frequency of its family.
    """
    freq = table.freq.to_numpy().copy()
    tuning = np.flatnonzero(table.kind == "fine-tuning")
    freq[tuning] = _family_freqs(power, tuning, thresholds.same_family)
    freq[table.kind.isin(["dead", "diffuse"]).to_numpy()] = -1
    return freq


@public
def cluster_neurons(view: NeuronView, *, thresholds: Thresholds = DEFAULT) -> Clustering:
    """Group live neurons by dominant frequency (paper A, section 4.1).

    A fine-tuning neuron takes the dominant frequency of its family. Groups of fewer than
    ``thresholds.min_size`` neurons and neurons whose spectrum is diffuse belong to no cluster.
    """
    table = neuron_table(view, thresholds=thresholds)
    freqs = grouping_freqs(table, input_power(view), thresholds=thresholds)
    return gathered(view.n, freqs, table, thresholds=thresholds)


def gathered(
    n: int,
    freq: Int[np.ndarray, " neuron"],
    table: pd.DataFrame,
    *,
    thresholds: Thresholds = DEFAULT,
) -> Clustering:
    """The clusters of neurons given one frequency; -1: none. ``table``: gets their label."""
    groups = {int(f): np.flatnonzero(freq == f) for f in np.unique(freq[freq >= 0])}
    ordered = sorted(
        ((f, group) for f, group in groups.items() if len(group) >= thresholds.min_size),
        key=lambda item: (-len(item[1]), item[0]),
    )
    tuned = (table.kind == "fine-tuning").to_numpy()
    clusters = []
    label = np.full(len(freq), -1)
    for index, (f, group) in enumerate(ordered):
        share = float(tuned[group].mean())
        kind: ClusterKind = "mixed"
        if share <= 1 - thresholds.majority:
            kind = "simple"
        elif share >= thresholds.majority:
            kind = "fine-tuning"
        clusters.append(Cluster(index=index, freq=f, n=n, neurons=group, kind=kind))
        label[group] = index
    table["cluster"] = label
    loose = np.flatnonzero((table.kind != "dead").to_numpy() & (label < 0))
    return Clustering(clusters, table, loose)


class CosineFit(NamedTuple):
    """A of A cos(2 pi f (c - a - b) / n) and the share of variance it explains."""

    amplitude: float
    explained: float


def centre(contribution: Float[np.ndarray, "*lead c"]) -> Float[np.ndarray, "*lead c"]:
    """A contribution less its mean over answers, which no softmax or argmax sees."""
    return contribution - contribution.mean(-1, keepdims=True)


def fit_cosine(contribution: Float[np.ndarray, "a b c"], freq: int) -> CosineFit:
    """Least squares of A cos(2 pi f (c - a - b) / n): one A, the phase fixed at a + b.

    Paper A, section 5.4. The explained share is of the variance over answers, pairs pooled.
    """
    n = contribution.shape[-1]
    freq = require_freq(freq, n)
    centred = centre(contribution)
    k = np.arange(n)
    shape = np.cos(2 * np.pi * freq * (k - k[:, None, None] - k[None, :, None]) / n)
    total = float((centred**2).sum())
    if total == 0:
        return CosineFit(0.0, float("nan"))
    overlap, norm = float((centred * shape).sum()), float((shape**2).sum())
    return CosineFit(overlap / norm, overlap**2 / (norm * total))


def mean_vote(contribution: Float[np.ndarray, "a b c"]) -> Float[np.ndarray, " d"]:
    """The centred contribution against d = c - a - b mod n, averaged over all pairs (a, b)."""
    n = contribution.shape[-1]
    k = np.arange(n)
    centred = centre(contribution)
    by_sum = np.stack([centred[k, (total - k) % n].mean(0) for total in range(n)])
    return np.stack([by_sum[k, (k + d) % n].mean() for d in range(n)])


def correct_ranks(
    contribution: Float[np.ndarray, "a b c"], rows: slice = slice(None)
) -> Float[np.ndarray, "a b"]:
    """Rank of the right answer among a cluster's signed logits, 0 the largest; ties: mid-rank.

    Paper A, figure A5a; without the output bias. ``rows``: of which inputs a they are.
    """
    correct = correct_answers(contribution.shape[-1], rows)[..., None]
    right = np.take_along_axis(contribution, correct, axis=-1)
    # The sum of a cluster's cosines repeats along a coset up to rounding: a tie, not an order.
    lowest, highest = contribution.min(-1, keepdims=True), contribution.max(-1, keepdims=True)
    tolerance = 1e-9 * np.maximum(highest, -lowest)
    counted = np.int16 if contribution.shape[-1] < 2**15 else np.int64  # short ones are faster
    above = (contribution > right + tolerance).sum(-1, dtype=counted)
    close = (contribution >= right - tolerance).sum(-1, dtype=counted) - above
    return above + (close - 1) / 2


def shifted_agreement(
    contribution: Float[np.ndarray, "a b c"], shift: int = 2
) -> tuple[float, float]:
    """How well the logits at (a + s, b + s) are those at (a, b) moved by 2 s (figure A31).

    Cosine between the two, and norm of their difference over norm of the original; centred
    over answers, all pairs pooled. NaN for a contribution that is zero.
    """
    centred = centre(contribution)
    moved = np.roll(centred, (-shift, -shift, -2 * shift), axis=(0, 1, 2))
    norm = float(np.linalg.norm(centred))
    if norm == 0:
        return float("nan"), float("nan")
    cosine = float((centred * moved).sum()) / norm**2
    return cosine, float(np.linalg.norm(moved - centred)) / norm


@public
def in_coset(
    votes: Float[np.ndarray, "*lead c"], threshold: float = DEFAULT.coset
) -> Bool[np.ndarray, "*lead c"]:
    """Which answers get at least ``threshold`` of the highest vote: a superlevel set.

    A cluster that is silent on a pair excludes nothing there.
    """
    threshold = require_float("threshold", threshold, at_least=-1.0, at_most=1.0)
    highest = votes.max(-1, keepdims=True)
    return np.asarray(votes >= threshold * highest - 1e-9 * np.abs(highest))
