"""Paper A's whole analysis of one network, whoever trained it."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.battery_numbers import Battery, ClusterSummary, Coset, share_name
from modlib.analysis.macro.crt import separation, vote_spectrum
from modlib.analysis.meso.clock_pizza import (
    NUM_COMPONENTS,
    circularity,
    distance_irrelevance,
    gradient_symmetricity,
)
from modlib.analysis.meso.clock_pizza_lens import cluster_by_pairs, neuron_freqs
from modlib.analysis.meso.clusters import (
    Cluster,
    Clustering,
    centre,
    cluster_neurons,
    correct_ranks,
    fit_cosine,
)
from modlib.analysis.micro.neurons import KINDS, input_power, is_live
from modlib.errors import require_int
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.pair_view import Network
from modlib.tasks.learned import LEARNED_FROM

MAX_MEASURED = 512
"""Largest modulus: votes for every answer of every pair are held at once, n^3 numbers."""


def clusters_of(network: ForeignNetwork) -> Clustering:
    """Its clusters: by their preactivations of a and b where these make up the network, else by
    their activations over pairs."""
    if network.exact:
        return cluster_neurons(network.view)
    return cluster_by_pairs(network.pairs, network.view)


def battery(network: ForeignNetwork, *, gradients: bool = False) -> Battery:
    """Measure a network. ``gradients``: its gradient symmetricity too, which takes seconds.

    Raises ``InputError`` for a modulus above ``MAX_MEASURED``.
    """
    view = network.view
    n = require_int("n", network.n, at_most=MAX_MEASURED)
    whole = network.whole
    scores = whole.evaluate()
    clustering = clusters_of(network)
    clusters, table = clustering.clusters, clustering.table
    explained = vote_spectrum(whole.contribution(np.arange(view.num_neurons)))
    heard = table.freq[input_power(view).sum(1) > 0].to_numpy()
    logits = whole.logits()
    return Battery(
        name=network.name,
        layout=network.layout,
        n=n,
        num_neurons=view.num_neurons,
        solves=scores.accuracy >= LEARNED_FROM,
        accuracy=scores.accuracy,
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
        neurons_by_pair_freq=None if network.exact else _counts(neuron_freqs(network.pairs)[0]),
        clusters=[_summary(whole, cluster, explained) for cluster in clusters],
        **_of_live(table, n),
        share_direct=_share_direct(whole.direct(), logits),
        votes_explained=(
            float(explained[[cluster.freq for cluster in clusters]].sum()) if clusters else None
        ),
        separation=separation(n, [cluster.freq for cluster in clusters]) if clusters else None,
        distance_irrelevance=_number(distance_irrelevance(logits)),
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
    added = network.contribution(cluster.neurons)
    fit = fit_cosine(added, cluster.freq)
    ranks = correct_ranks(added)
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
        mean_rank=float(ranks.mean()),
        share_rank_0=float((ranks == 0).mean()),
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


def _share_direct(
    direct: Float[np.ndarray, "a b c"], logits: Float[np.ndarray, "a b c"]
) -> float | None:
    total = float((centre(logits) ** 2).sum())
    return float((centre(direct) ** 2).sum()) / total if total > 0 else None


def _circularity(embedding: Float[np.ndarray, "n embed"] | None) -> float | None:
    """Over as many components as a small embedding has."""
    if embedding is None:
        return None
    n, width = embedding.shape
    num_components = min(NUM_COMPONENTS, n - 1, width)
    return _number(circularity(embedding, num_components=num_components))


def _symmetricity(network: ForeignNetwork) -> float | None:
    shared = network.embedding
    if network.respond is None or shared is None or network.embedding_b is not shared:
        return None
    return _number(gradient_symmetricity(network.respond, shared, shared))
