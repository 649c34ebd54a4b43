"""A ladder of replacements: what is left of a network when its parts become their formulas.

Neurons by one cosine, by the strict simple model; clusters by A cos(2 pi f (c - a - b) / n); the
whole network by the sum of these. Paper A, appendix A.1 and section 5.4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.macro.crt import superposition, vote_spectrum
from modlib.analysis.meso.clusters import Clustering, fit_cosine
from modlib.analysis.micro.simple_model import cosine_neurons, neurons_of_table, simple_model
from modlib.maths.intervals import mean_over_seeds
from modlib.models.views.neuron_view import NeuronView, Scores, correct_answers, score_logits

NETWORK = "the network"
NEURONS = "neurons: one cosine each"
STRICT = "neurons: the simple model"
DOUBLED = "the same, outputs with 2f"
CLUSTERS = "clusters: A cos"
SUM = "network: sum of cosines"
RUNGS = (NETWORK, NEURONS, STRICT, DOUBLED, CLUSTERS, SUM)
"""From the network down to its formula."""
PHASES = "simple model, output phases exchanged"
GROUPS = "random groups for clusters: A cos"
CONTROLS = (PHASES, GROUPS)
NUM_SEEDS = 32
"""Described networks that are rebuilt from their tables: a fifth of a second each."""


class Waves(NamedTuple):
    """Groups of neurons with the cosine that stands for what each adds to the logits."""

    groups: list[Int[np.ndarray, " member"]]
    freqs: list[int]
    amplitudes: list[float]


def cluster_waves(view: NeuronView, clustering: Clustering) -> Waves:
    """The clusters with A of their cosines."""
    found = clustering.clusters
    return Waves(
        [cluster.neurons for cluster in found],
        [cluster.freq for cluster in found],
        [fit_cosine(view.contribution(c.neurons), c.freq).amplitude for c in found],
    )


def random_waves(view: NeuronView, clustering: Clustering, *, seed: int = 0) -> Waves:
    """The clustered neurons dealt out at random, groups of the clusters' sizes: the control.

    Each group gets the cosine of c - a - b that explains most of what it says.
    """
    waves = Waves([], [], [])
    if not clustering.clusters:
        return waves
    members = np.concatenate([cluster.neurons for cluster in clustering.clusters])
    dealt = np.random.default_rng(seed).permutation(members)
    ends = np.cumsum([cluster.num_neurons for cluster in clustering.clusters])
    for group in np.split(dealt, ends[:-1]):
        said = view.contribution(group)
        freq = int(vote_spectrum(said)[1:].argmax()) + 1
        waves.groups.append(group)
        waves.freqs.append(freq)
        waves.amplitudes.append(fit_cosine(said, freq).amplitude)
    return waves


def by_waves(view: NeuronView, waves: Waves) -> Scores:
    """Scores over all pairs with each group's part of the logits replaced by its cosine."""
    n = view.n
    gone = np.concatenate([*waves.groups, np.zeros(0, dtype=int)])
    rest, h = view.without(gone), superposition(n, waves.freqs, waves.amplitudes)
    scored = []
    for rows in view.row_blocks(view.num_neurons):
        d = (np.arange(n) - correct_answers(n, rows)[..., None]) % n
        scored.append(score_logits(rest.logits(rows) + h[d], rows))
    right, loss, margin = (np.concatenate(parts) for parts in zip(*scored, strict=True))
    return Scores(float(right.mean()), float(loss.mean()), float(margin.min()))


def sum_scores(h: Float[np.ndarray, " d"]) -> Scores:
    """Scores of logits h(c - a - b), alike for every pair."""
    lead = float(h[0] - h[1:].max())
    loss = float(np.logaddexp.reduce(h - h[0]))
    return Scores(float(lead > 0), loss, lead)


def with_phases_exchanged(view: NeuronView, table: pd.DataFrame, *, seed: int = 0) -> NeuronView:
    """Output weights exchanged at random among the neurons of each cluster of ``table``.

    Frequencies, gains and both input phases stay; what is gone is t_D = t_A + t_B.
    """
    generator = np.random.default_rng(seed)
    w_out = view.w_out.copy()
    for label in range(int(table.cluster.max()) + 1):
        members = np.flatnonzero(table.cluster == label)
        w_out[members] = view.w_out[generator.permutation(members)]
    return replace(view, w_out=w_out)


def ladder(view: NeuronView, clustering: Clustering, *, seed: int = 0) -> pd.DataFrame:
    """A row a rung and a control, of ``RUNGS`` and ``CONTROLS``: over all pairs accuracy, loss
    (mean cross-entropy, nats) and margin (the smallest)."""
    table = clustering.table
    strict, waves = simple_model(view, table), cluster_waves(view, clustering)
    scores = {
        NETWORK: view.evaluate(),
        NEURONS: cosine_neurons(view, table).evaluate(),
        STRICT: strict.evaluate(),
        DOUBLED: simple_model(view, table, second=True).evaluate(),
        CLUSTERS: by_waves(view, waves),
        SUM: sum_scores(superposition(view.n, waves.freqs, waves.amplitudes)),
        PHASES: with_phases_exchanged(strict, table, seed=seed).evaluate(),
        GROUPS: by_waves(view, random_waves(view, clustering, seed=seed)),
    }
    rows = [(rung, rung in CONTROLS, *found) for rung, found in scores.items()]
    return pd.DataFrame(rows, columns=["rung", "control", "accuracy", "loss", "margin"])


def ladder_of_tables(n: int, neurons: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """The rungs that need every neuron, a row a network and a rung.

    ``summary``, ``neurons``: see ``macro.tables``, with ``seed``. Neurons are their frequency,
    radii and phases, without the output's bias; rungs that need more are left out.
    """
    rows = []
    for seed in summary.seed:
        own = neurons[neurons.seed == seed]
        view = neurons_of_table(n, own)
        exchanged = with_phases_exchanged(simple_model(view, own), own, seed=int(seed))
        for rung, found in ((NEURONS, view.evaluate()), (PHASES, exchanged.evaluate())):
            rows.append((seed, rung, found.accuracy, found.loss))
    return pd.DataFrame(rows, columns=["seed", "rung", "accuracy", "loss"])


OF_SWEEP = {NETWORK: "", STRICT: "strict_", DOUBLED: "strict_2f_"}
"""How a sweep's columns of accuracy and loss begin, by rung."""


def ladder_of_sweep(n: int, networks: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """The rungs that a sweep's tables tell, a row a network and a rung.

    ``networks``: ``seed``, and accuracy and loss as they are and by the simple model
    (``OF_SWEEP``); ``clusters``: ``seed``, ``freq``, ``amplitude``.
    """
    names = ["seed", "accuracy", "loss"]
    rows = [
        networks[["seed", f"{begin}accuracy", f"{begin}loss"]].set_axis(names, axis=1)
        for begin in OF_SWEEP.values()
    ]
    sums = [
        (seed, *sum_scores(superposition(n, own.freq.tolist(), own.amplitude.tolist()))[:2])
        for seed, own in clusters.groupby("seed")
    ]
    rows.append(pd.DataFrame(sums, columns=names))
    rungs = (*OF_SWEEP, SUM)
    return pd.concat([one.assign(rung=rung) for rung, one in zip(rungs, rows, strict=True)])


def rung_means(table: pd.DataFrame) -> pd.DataFrame:
    """Means over networks by rung, with 95 % intervals: ``accuracy``, ``accuracy_low``, ..."""
    rows = []
    for rung, own in table.groupby("rung", sort=False):
        found = mean_over_seeds(own[["accuracy", "loss"]].to_numpy())
        rows.append((rung, len(own), *found.at(0), *found.at(1)))
    names = [f"{name}{end}" for name in ("accuracy", "loss") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["rung", "num_seeds", *names])
