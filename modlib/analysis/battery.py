"""Paper A's whole analysis of one network, whoever trained it."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.battery_numbers import Battery, ClusterSummary, Coset, Task, share_name
from modlib.analysis.battery_passes import Measured, alone, measured
from modlib.analysis.macro.crt import separation
from modlib.analysis.meso.clock_pizza import (
    NUM_COMPONENTS,
    circularity,
    gradient_symmetricity,
    irrelevance_of,
)
from modlib.analysis.meso.clusters import (
    Cluster,
    Clustering,
    cluster_neurons,
)
from modlib.analysis.meso.pair_clusters import cluster_by_pairs
from modlib.analysis.micro.neurons import KINDS, input_power, is_live
from modlib.config.thresholds import DEFAULT
from modlib.errors import require_int
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.pair_view import Network
from modlib.tasks.operations import Guess, addition, guess

MAX_MEASURED = 512
"""Largest modulus: there are n^3 logits."""


def clusters_of(network: ForeignNetwork) -> Clustering:
    """Its clusters: by their preactivations of a and b where these make up the network, else by
    their activations over pairs."""
    if network.exact:
        return cluster_neurons(network.view)
    return cluster_by_pairs(network.pairs, network.view)


class Understood(NamedTuple):
    """A network in coordinates in which its task is addition, and what that task is."""

    network: ForeignNetwork
    guess: Guess
    task: Task
    scores: Measured


def understood(network: ForeignNetwork) -> Understood:
    """Its task, told from its answers; the network as it is where none is beyond chance.

    Raises ``InputError`` for a modulus above ``MAX_MEASURED``.
    """
    n = require_int("n", network.n, at_most=MAX_MEASURED)
    scores = measured(network.whole)
    best = guess(scores.answered.answers)
    task = Task(
        name=best.operation.title if best.holds else addition(n).title,
        holds=best.holds,
        deviations=_number(best.deviations),
        tried=best.tried,
        function_of=scores.answered.shares,
    )
    coordinates = best.operation.coordinates
    if not best.holds or coordinates is None or best.operation.name == "a + b":
        return Understood(network, best, task, scores)
    renamed = network.relabelled(coordinates)
    return Understood(renamed, best, task, measured(renamed.whole))


def battery(network: ForeignNetwork, *, gradients: bool = False) -> Battery:
    """Measure a network, as addition where its task can be written so.

    ``gradients``: its gradient symmetricity too, which takes seconds. Raises ``InputError`` for a
    modulus above ``MAX_MEASURED``.
    """
    return measure(understood(network), gradients=gradients)


def measure(known: Understood, *, gradients: bool = False) -> Battery:
    """``battery`` of a network whose task is known."""
    network, best, task, scores = known
    view, n, whole = network.view, network.n, network.whole
    as_addition = not best.holds or best.operation.coordinates is not None
    accuracy = scores.accuracy if as_addition else best.accuracy
    clustering = clusters_of(network)
    clusters, table = clustering.clusters, clustering.table
    freqs = [cluster.freq for cluster in clusters]
    votes, logits = scores.votes, scores.logits
    heard = table.freq[input_power(view).sum(1) > 0].to_numpy()
    return Battery(
        name=network.name,
        layout=network.layout,
        task=task,
        n=n,
        num_neurons=view.num_neurons,
        as_addition=as_addition,
        solves=accuracy >= DEFAULT.learned_from,
        accuracy=accuracy,
        loss=scores.loss,
        margin=scores.margin,
        exact=network.exact,
        preact_error=network.preact_error,
        skip_error=network.skip_error,
        accuracy_additive=None if network.exact else view.evaluate().accuracy,
        norm=network.norm,
        attention_rate=network.attention_rate,
        notes=list(network.notes),
        num_live=int(is_live(table).sum()),
        num_loose=len(clustering.loose),
        neurons_by_freq=_counts(heard),
        neurons_by_pair_freq=None if network.exact else _counts(table.freq_by_pairs.to_numpy()),
        clusters=[_summary(whole, cluster, votes.explained) for cluster in clusters],
        **_of_live(table, n),
        share_direct=scores.direct.total / logits.total if logits.total > 0 else None,
        votes_explained=float(votes.explained[freqs].sum()) if clusters else None,
        logits_explained=float(logits.explained[freqs].sum()) if clusters else None,
        logits_explained_shuffled=float(scores.shuffled.explained[freqs].sum())
        if clusters
        else None,
        separation=separation(n, freqs) if clusters else None,
        distance_irrelevance=_number(irrelevance_of(scores.right)),
        gradient_symmetricity=_symmetricity(network) if gradients else None,
        circularity=_circularity(network.embedding),
    )


def _counts(freqs: Int[np.ndarray, " neuron"]) -> dict[int, int]:
    """How many neurons have each frequency."""
    found, counts = np.unique(freqs, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _number(value: float) -> float | None:
    """None for NaN and infinity, which JSON does not have."""
    return float(value) if isfinite(value) else None


def _summary(
    network: Network, cluster: Cluster, explained: Float[np.ndarray, " freq"]
) -> ClusterSummary:
    fit, mean_rank, share_first = alone(network, cluster.neurons, cluster.freq)
    return ClusterSummary(
        freq=cluster.freq,
        num_neurons=cluster.num_neurons,
        kind=cluster.kind,
        coset=Coset(
            exact=cluster.coset_size > 1,
            step=cluster.step,
            period=cluster.period,
            size=cluster.coset_size,
        ),
        amplitude=fit.amplitude,
        explained=_number(fit.explained),
        mean_rank=mean_rank,
        share_rank_0=share_first,
        share_of_votes=float(explained[cluster.freq]),
    )


def _of_live(table: pd.DataFrame, n: int) -> dict[str, float | None]:
    """Shares of kinds, and medians of the test for simple neurons."""
    live = table[is_live(table)]
    shares = {
        share_name(kind): _mean((live.kind == kind).to_numpy()) for kind in KINDS if kind != "dead"
    }
    return shares | {
        "share_same_freq": _mean((live.freq == live.freq_out).to_numpy()),
        "median_phase_error": _median(live.phase_error.abs() / n),
        "median_log_ratio": _median(live.log_ratio.abs()),
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _median(values: pd.Series) -> float | None:
    return _number(values.median()) if values.notna().any() else None


def _circularity(embedding: Float[np.ndarray, "n embed"] | None) -> float | None:
    """Over as many components as a small embedding has."""
    if embedding is None:
        return None
    n, width = embedding.shape
    num_components = min(NUM_COMPONENTS, n - 1, width)
    return _number(circularity(embedding, num_components=num_components))


def _symmetricity(network: ForeignNetwork) -> float | None:
    shared = network.embedding
    if network.respond is None or shared is None or not network.shares_embedding:
        return None
    return _number(gradient_symmetricity(network.respond, shared, shared))
