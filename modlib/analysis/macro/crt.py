"""All clusters together: the approximate Chinese remainder theorem.

Paper A, section 5.4 and appendix A.2; figures A1, A6 and A31.

A **vote** is what a cluster adds to the logits less its mean over answers, which no argmax sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.meso.clusters import (
    Cluster,
    Clustering,
    centre,
    correct_ranks,
    fit_cosine,
    in_coset,
    mean_vote,
    shifted_agreement,
)
from modlib.analysis.meso.interventions import random_neurons
from modlib.analysis.micro.neurons import is_live
from modlib.config.thresholds import DEFAULT
from modlib.maths.fourier import cosine, dft
from modlib.maths.groups import approximate_coset, signed_freq
from modlib.models.views.neuron_view import NeuronView, score_logits
from modlib.models.views.pair_view import Network

MAX_CLUSTERS = 10
"""Clusters of which all sets are tried; of more, the largest ones."""


def cluster_report(view: NeuronView, clusters: Sequence[Cluster], shift: int = 2) -> pd.DataFrame:
    """A row a cluster: what it says to the logits.

    ``amplitude``, ``explained``: the fit of A cos(2 pi f (c - a - b) / n); ``share_rank_0``,
    ``mean_rank``: rank of the right answer when this cluster alone decides; ``shift_cosine``,
    ``shift_error``: agreement with itself when both inputs move by ``shift``.
    """
    rows = []
    for cluster in clusters:
        contribution = view.contribution(cluster.neurons)
        fit = fit_cosine(contribution, cluster.freq)
        ranks = correct_ranks(contribution)
        agreement, error = shifted_agreement(contribution, shift)
        rows.append(
            {
                "cluster": cluster.index,
                "freq": cluster.freq,
                "num_neurons": cluster.num_neurons,
                "kind": cluster.kind,
                "coset_size": cluster.coset_size,
                "step": cluster.step,
                "period": cluster.period,
                "amplitude": fit.amplitude,
                "explained": fit.explained,
                "share_rank_0": float((ranks == 0).mean()),
                "mean_rank": float(ranks.mean()),
                "shift_cosine": agreement,
                "shift_error": error,
            }
        )
    return pd.DataFrame(rows, columns=REPORT_COLUMNS)


REPORT_COLUMNS = [
    "cluster",
    "freq",
    "num_neurons",
    "kind",
    "coset_size",
    "step",
    "period",
    "amplitude",
    "explained",
    "share_rank_0",
    "mean_rank",
    "shift_cosine",
    "shift_error",
]


def superposition(
    n: int, freqs: Sequence[int], amplitudes: Sequence[float] | None = None
) -> Float[np.ndarray, " d"]:
    """sum_l A_l cos(2 pi f_l d / n) for d = 0 .. n - 1.

    h(k) of paper A, section 5.4, with d = k - a - b. Amplitudes of None are all 1.
    """
    weights = [1.0] * len(freqs) if amplitudes is None else amplitudes
    terms = (weight * cosine(n, freq) for freq, weight in zip(freqs, weights, strict=True))
    return sum(terms, start=np.zeros(n))


def ideal_sums(
    n: int, report: pd.DataFrame
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
    """``superposition`` of the clusters of a report: with their amplitudes, and with equal ones.

    Equal amplitudes, the assumption of section 5.4, are all the mean of the fitted ones.
    """
    freqs, amplitudes = report.freq.tolist(), report.amplitude.tolist()
    equal = [sum(amplitudes) / len(amplitudes)] * len(freqs) if amplitudes else []
    return superposition(n, freqs, amplitudes), superposition(n, freqs, equal)


class Overtones(NamedTuple):
    """``share``: of the power that cosines at the clusters' frequencies miss, the part at twice
    these; ``sharpened``: the sum's own part at both."""

    share: float
    sharpened: Float[np.ndarray, " d"]


def overtones(
    measured: Float[np.ndarray, " d"], ideal: Float[np.ndarray, " d"], freqs: Sequence[int]
) -> Overtones:
    """What a sum of votes holds at twice its clusters' frequencies, where no cluster stands.

    NaN where the cosines miss nothing.
    """
    n = len(measured)
    doubles = {signed_freq(2 * freq, n) for freq in freqs} - {0, *freqs}
    missed = np.abs(dft(measured - ideal)) ** 2
    missed[1 : (n + 1) // 2] *= 2
    share = missed[list(doubles)].sum() / missed.sum() if missed.sum() > 0 else np.nan
    spectrum = dft(measured)
    kept = np.zeros_like(spectrum)
    chosen = [*freqs, *doubles]
    kept[chosen] = spectrum[chosen]
    return Overtones(float(share), np.fft.irfft(kept, n))


def separation(n: int, freqs: Sequence[int]) -> float:
    """min over d != 0 of m - h(d), over m: how far the runner-up falls behind (section 5.4)."""
    if not freqs:
        return 0.0
    return float(1 - superposition(n, freqs)[1:].max() / len(freqs))


def example_pairs(mask: Bool[np.ndarray, "a b"], num: int, seed: int) -> Int[np.ndarray, "pair 2"]:
    """``num`` different pairs (a, b) of ``mask``, drawn by the seed; fewer where it has fewer.

    An empty mask stands for all pairs.
    """
    kept = np.argwhere(mask) if mask.any() else np.argwhere(~mask)
    return np.random.default_rng(seed).permutation(kept)[:num]


def votes_at(
    network: Network, clusters: Sequence[Cluster], pairs: Int[np.ndarray, "pair 2"]
) -> Float[np.ndarray, "cluster pair c"]:
    """Each cluster's vote for every answer c at chosen pairs, in logit units (figure A6)."""
    votes = np.zeros((len(clusters), len(pairs), network.n))
    for i, cluster in enumerate(clusters):
        votes[i] = network.fires(pairs, cluster.neurons) @ network.w_out[cluster.neurons]
    return votes - votes.mean(-1, keepdims=True)


def growing_sets(
    view: NeuronView, clusters: Sequence[Cluster], threshold: float = DEFAULT.coset
) -> pd.DataFrame:
    """A row a set of clusters, small sets first: how far it narrows down the answer, all pairs.

    ``size``, ``clusters`` (their indices); ``first``: share of pairs on which the sum of their
    votes is largest at the right answer alone; ``left``: mean number of answers in all their
    approximate cosets (``in_coset``); ``kept``, ``alone``: share of pairs on which the right
    answer is one of these, and the only one; ``ideal_left``: their number for cosines with a
    crest at the answer. Of more than ten clusters the ten largest are tried.
    """
    tried = sorted(clusters, key=lambda c: -c.num_neurons)[:MAX_CLUSTERS]
    sets = [
        chosen
        for size in range(1, len(tried) + 1)
        for chosen in combinations(range(len(tried)), size)
    ]
    if not sets:
        return pd.DataFrame(columns=SET_COLUMNS)
    size = np.array([len(chosen) for chosen in sets])
    takes_part = np.zeros((len(sets), len(tried)))
    for i, chosen in enumerate(sets):
        takes_part[i, list(chosen)] = 1.0
    n = view.n
    b = np.arange(n)
    sums = np.zeros((4, len(sets)))
    for a in range(n):
        votes = votes_at(view, tried, np.stack([np.full(n, a), b], axis=1))
        answer = (a + b) % n
        total = np.tensordot(takes_part, votes, 1)
        right = total[:, b, answer]
        near = total >= (right - 1e-9 * np.abs(total).max(-1))[..., None]
        inside = np.tensordot(takes_part, in_coset(votes, threshold).astype(float), 1)
        members = inside == size[:, None, None]
        kept, left = members[:, b, answer], members.sum(-1)
        parts = (near.sum(-1) == 1, left, kept, kept & (left == 1))
        sums += np.stack([part.sum(-1) for part in parts])
    inside = np.zeros((len(tried), n))
    for i, cluster in enumerate(tried):
        inside[i, approximate_coset(n, cluster.freq, 0, threshold)] = 1.0
    table = pd.DataFrame((sums / n**2).T, columns=["first", "left", "kept", "alone"])
    table.insert(0, "size", size)
    table.insert(1, "clusters", [tuple(tried[i].index for i in chosen) for chosen in sets])
    table["ideal_left"] = (takes_part @ inside == size[:, None]).sum(1)
    return table


SET_COLUMNS = ["size", "clusters", "first", "left", "kept", "alone", "ideal_left"]


def pair_margins(view: NeuronView) -> Float[np.ndarray, "a b"]:
    """The right logit minus the largest other one, for every pair, in logit units."""
    rows = (slice(a, a + 1) for a in range(view.n))
    return np.concatenate([score_logits(view.logits(row), row).margin for row in rows])


def vote_spectrum(contribution: Float[np.ndarray, "a b c"]) -> Float[np.ndarray, " freq"]:
    """Share of variance that A cos(2 pi f (c - a - b) / n) explains, for f = 0 .. n // 2.

    ``fit_cosine`` at every frequency at once; zero at f = 0 and for a contribution of zero.
    """
    n = contribution.shape[-1]
    total = float((centre(contribution) ** 2).sum())
    freq = np.arange(n // 2 + 1)
    overlap = np.fft.rfft(mean_vote(contribution)).real * n**2
    norm = np.where((freq == 0) | (2 * freq == n), 1.0, 0.5) * n**3
    explained = overlap**2 / (norm * total) if total > 0 else np.zeros(len(freq))
    explained[0] = 0.0
    return explained


def random_group_fits(
    view: NeuronView, clustering: Clustering, *, num_draws: int = 2, seed: int = 0
) -> Float[np.ndarray, "cluster draw"]:
    """What the best cosine explains of random live neurons, as many as each cluster has.

    The control of ``fit_cosine``: the frequency is chosen to explain most.
    """
    live = is_live(clustering.table)
    best = np.zeros((len(clustering.clusters), num_draws))
    for draw in range(num_draws):
        generator = np.random.default_rng([seed, draw])
        for i, cluster in enumerate(clustering.clusters):
            group = random_neurons(live, cluster.num_neurons, generator)
            best[i, draw] = vote_spectrum(view.contribution(group)).max()
    return best


class Scales(NamedTuple):
    """One cluster at paper A's three scales, figure A1.

    ``preact``: preactivation of a of one neuron; ``fitted``: its mean and its cosine at the
    cluster's frequency, at the places ``fine`` between 0 and n - 1; ``neuron_votes``:
    (member, n), each neuron's vote at one pair; ``vote``: their sum; ``members``: whether an
    answer is in the approximate coset.
    """

    cluster: Cluster
    neuron: int
    preact: Float[np.ndarray, " n"]
    fine: Float[np.ndarray, " place"]
    fitted: Float[np.ndarray, " place"]
    neuron_votes: Float[np.ndarray, "member n"]
    vote: Float[np.ndarray, " n"]
    members: Bool[np.ndarray, " n"]


def at_three_scales(
    view: NeuronView,
    clustering: Clustering,
    pair: Int[np.ndarray, " 2"],
    network: Network | None = None,
) -> list[Scales]:
    """Neuron, cluster and vote at one pair, for every cluster, slow waves first (figure A1).

    The neuron is the cluster's median by residual: neither its cleanest nor its worst.
    ``network``: whose votes they are, where the view is only near it.
    """
    network = network or view
    rows = []
    fine = np.linspace(0.0, view.n - 1.0, 8 * (view.n - 1) + 1)
    for cluster in sorted(clustering.clusters, key=lambda cluster: cluster.freq):
        order = np.argsort(clustering.table.residual.to_numpy()[cluster.neurons], kind="stable")
        neuron = int(cluster.neurons[order[(len(order) - 1) // 2]])
        preact = view.preact_a[:, neuron]
        (fires,) = network.fires(pair[None], cluster.neurons)
        votes = fires[:, None] * network.w_out[cluster.neurons]
        votes = votes - votes.mean(-1, keepdims=True)
        vote = votes.sum(0)
        both = 1.0 if 2 * cluster.freq == view.n else 2.0
        wave = both / view.n * dft(preact)[cluster.freq]
        fitted = (wave * np.exp(2j * np.pi * cluster.freq * fine / view.n)).real + preact.mean()
        rows.append(Scales(cluster, neuron, preact, fine, fitted, votes, vote, in_coset(vote)))
    return rows
