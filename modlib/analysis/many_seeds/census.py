"""What is kept of each of many thousand networks: four light tables, made in a tenth of a second.

Two more, over training, come from ``runs.one_shard``.

Paper A's distributions: figures A3, A4, A5, A25, A27, A28, A29 and A30, and what networks do
without a cluster, or as their own simple model. The same definitions as ``describe``,
``interventions`` and ``simple_model``, which hold more and take many times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.many_seeds.cluster_votes import cluster_votes
from modlib.analysis.many_seeds.separation import DELTA, learned_gaps
from modlib.analysis.meso.clusters import Clustering, cluster_neurons, grouping_freqs
from modlib.analysis.micro.embeddings import axes_ratio, projections
from modlib.analysis.micro.neurons import (
    KINDS,
    classify,
    input_magnitude,
    input_power,
    is_live,
    power_shares,
)
from modlib.analysis.micro.simple_model import simple_model
from modlib.config.thresholds import DEFAULT
from modlib.maths.circular import chance_nearest, nearest_distances
from modlib.models.mlp import SHARES, embedding_shares
from modlib.models.views.neuron_view import Factors, NeuronView


def under_one_another(parts: Sequence[pd.DataFrame], seeds: Sequence[int]) -> pd.DataFrame:
    """One table of the tables of several networks, with a first column ``seed``."""
    joined = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    joined.insert(0, "seed", np.repeat(seeds, [len(part) for part in parts]))
    return joined


SCHEMA = 2
"""Version of the tables' columns and of what they mean."""

MIN_SIZES = (2, 3, 5, 8)
DEAD_LIMITS = (0.01, 0.03, 0.10)
"""Thresholds for which clusters are counted."""
WINDOW = (7.5, 30.0)
"""Magnitudes that figure A25 takes for a part of a fine-tuning neuron, unnormalised DFT."""
NUM_LEADING = 3
"""Frequencies of each neuron that are kept with their share of power."""
BIN_WIDTH = 0.025
NUM_BINS = 241
"""Bins of the weights' histogram, the middle one centred on 0, the outermost open."""


class Census(NamedTuple):
    """A row a network, a row a cluster, a row a live neuron, a row a frequency in the window.

    ``networks``: ``n``, ``num_neurons``, ``num_live``, ``num_loose`` (live, in no cluster),
    ``num_clusters``, ``num_fine_tuning``, ``num_mixed``, ``neurons_<kind>`` (live neurons of
    each class); over all pairs ``accuracy``, ``loss`` (mean cross-entropy, nats) and ``margin``
    (the smallest); ``strict_accuracy``, ``strict_loss``, ``strict_2f_accuracy``,
    ``strict_2f_loss``: the same of the ``simple_model`` and of that with the answer's ``second``;
    ``gap`` of the set of its clusters' frequencies (``separation.gaps``; NaN without clusters)
    and ``delta``, what the paper asks of it; ``embedding_statistics``; and
    ``clusters_<size>_<percent>``: clusters of at least so many neurons, where a neuron is dead
    below so many percent of the strongest.

    ``clusters``: see ``cluster_votes`` and ``cluster_shapes``.

    ``neurons``: ``neuron``, ``strength``, ``freq`` to ``t_d``, ``residual`` and ``kind`` as in
    ``neuron_table``; ``cluster`` (-1: none); ``spike``, ``secondary``: largest and next
    |h^_A(f)| over f > 0, unnormalised; ``freq_1`` to ``freq_3``, ``share_1`` to ``share_3``: the
    frequencies with most of A's and B's power, and their shares of it; ``clustered_1``,
    ``clustered_2``: whether ``freq_1`` and ``freq_2`` are frequencies of clusters of the network,
    the neuron's own or another.

    ``window``: see ``window_counts``.

    Floats are float32.
    """

    networks: pd.DataFrame
    clusters: pd.DataFrame
    neurons: pd.DataFrame
    window: pd.DataFrame


def embedding_statistics(factors: Factors | None) -> dict[str, Any]:
    """The entries of both embeddings together: figure A3.

    ``num_weights``; ``share_above_1``, ``share_within_025``: shares with an absolute value over
    1, under .025; ``abs_q999``, ``abs_max``: 99.9 % quantile and maximum of the absolute value;
    ``weight_counts``: a histogram, ``NUM_BINS`` bins of ``BIN_WIDTH``. Without embeddings: no
    weights, NaN.
    """
    if factors is None:
        values = dict.fromkeys((*SHARES, "abs_q999"), np.nan)
        return {"num_weights": 0, **values, "weight_counts": np.zeros(NUM_BINS, dtype=np.int32)}
    weights = np.concatenate([factors.embed_a, factors.embed_b]).ravel()
    outermost = NUM_BINS // 2
    bins = np.clip(np.rint(weights / BIN_WIDTH), -outermost, outermost).astype(int) + outermost
    return {
        "num_weights": len(weights),
        **embedding_shares(weights[None]),
        "abs_q999": np.quantile(np.abs(weights), 0.999),
        "weight_counts": np.bincount(bins, minlength=NUM_BINS).astype(np.int32),
    }


def cluster_counts(
    table: pd.DataFrame, power: Float[np.ndarray, "neuron freq"], n: int
) -> dict[str, int]:
    """How many clusters there are, by the fewest neurons they have and the limit of dead ones.

    ``table``: see ``neuron_table``; ``power``: ``input_power``.
    """
    counts = {}
    for limit in DEAD_LIMITS:
        kind = classify(table, n, thresholds=replace(DEFAULT, dead_below=limit))
        freq = grouping_freqs(table.assign(kind=kind), power)
        sizes = np.bincount(freq[freq >= 0])
        for size in MIN_SIZES:
            counts[f"clusters_{size}_{round(100 * limit):02d}"] = int((sizes >= size).sum())
    return counts


SHAPE_COLUMNS = {
    "num_phases": np.int32,
    "nearest": np.float32,
    "nearest_ratio": np.float32,
    "axes_ratio_a": np.float32,
    "axes_ratio_b": np.float32,
}


def cluster_shapes(view: NeuronView, clustering: Clustering) -> pd.DataFrame:
    """A row a cluster: how its neurons' phases and its frequency in the embeddings lie.

    ``num_phases``: neurons with phases; ``nearest``: distance of (t_A, t_B) / n to the nearest
    other neuron's on the torus of circumference 1, mean over these neurons; ``nearest_ratio``:
    that over ``chance_nearest``, the mean for as many independent uniform points, so that phases
    more even than by chance have more than 1. NaN for fewer than two. Phases are those at each
    neuron's own frequency, which in a fine-tuning cluster may not be the cluster's.

    ``axes_ratio_a``, ``axes_ratio_b``: ``axes_ratio`` of the frequency's own plane in each
    embedding, whatever other frequencies share its components; NaN without embeddings and at
    n/2, which has no plane.
    """
    n, factors = view.n, view.factors
    phases = clustering.table[["t_a", "t_b"]].to_numpy() / n
    rows = []
    for cluster in clustering.clusters:
        own = phases[cluster.neurons]
        own = own[~np.isnan(own).any(1)]
        row = {"num_phases": len(own)} | dict.fromkeys(list(SHAPE_COLUMNS)[1:], np.nan)
        if len(own) > 1:
            row["nearest"] = nearest_distances(own).mean()
            row["nearest_ratio"] = row["nearest"] / chance_nearest(len(own))
        if factors is not None and 2 * cluster.freq != n:
            row["axes_ratio_a"] = axes_ratio(projections(factors.embed_a.T, cluster.freq))
            row["axes_ratio_b"] = axes_ratio(projections(factors.embed_b.T, cluster.freq))
        rows.append(row)
    return pd.DataFrame(rows, columns=list(SHAPE_COLUMNS)).astype(SHAPE_COLUMNS)


def live_neurons(
    clustering: Clustering,
    shares: Float[np.ndarray, "neuron freq"],
    magnitude: Float[np.ndarray, "neuron freq"],
) -> pd.DataFrame:
    """The table ``neurons``; ``shares``: ``power_shares``; ``magnitude``: |h^_A(f)|, 0 at f = 0."""
    live = np.flatnonzero(is_live(clustering.table))
    kept = clustering.table.iloc[live]
    columns: dict[str, Any] = {"neuron": live.astype(np.int32)}
    columns["strength"] = kept.strength.to_numpy(np.float32)
    for name in ("freq", "freq_out"):
        columns[name] = kept[name].to_numpy(np.int16)
    for name in ("r_a", "r_b", "r_d", "t_a", "t_b", "t_d", "residual"):
        columns[name] = kept[name].to_numpy(np.float32)
    columns["kind"] = kept.kind.to_numpy()
    columns["cluster"] = kept.cluster.to_numpy(np.int16)
    two_largest = np.partition(magnitude[live], -2, axis=1)[:, -2:].astype(np.float32)
    columns["secondary"], columns["spike"] = two_largest.T
    ranked = np.argsort(-shares[live], axis=1, kind="stable")
    # A modulus below 6 has fewer than three frequencies: the mean, without power, fills up.
    leading = np.pad(ranked, ((0, 0), (0, NUM_LEADING)))[:, :NUM_LEADING]
    leading_shares = np.take_along_axis(shares[live], leading, axis=1)
    for place in range(NUM_LEADING):
        columns[f"freq_{place + 1}"] = leading[:, place].astype(np.int16)
        columns[f"share_{place + 1}"] = leading_shares[:, place].astype(np.float32)
    learned = [cluster.freq for cluster in clustering.clusters]
    for place in (1, 2):
        columns[f"clustered_{place}"] = np.isin(columns[f"freq_{place}"], learned)
    return pd.DataFrame(columns).astype({"kind": "str"})


def window_counts(table: pd.DataFrame, magnitude: Float[np.ndarray, "neuron freq"]) -> pd.DataFrame:
    """How many neurons have a |h^_A(freq)| in the window of figure A25, a row a frequency.

    Of all neurons, whatever their class (``num_neurons``), and of the fine-tuning ones
    (``num_fine_tuning``). A neuron counts at each frequency f > 0 that its preactivation of a,
    transformed without a factor, has with 7.5 < |h^_A(f)| < 30. Frequencies without such a
    neuron are left out.
    """
    inside = (magnitude > WINDOW[0]) & (magnitude < WINDOW[1])
    tuning = (table.kind == "fine-tuning").to_numpy()
    counts = {
        "freq": np.arange(magnitude.shape[1], dtype=np.int16),
        "num_neurons": inside.sum(0, dtype=np.int32),
        "num_fine_tuning": inside[tuning].sum(0, dtype=np.int32),
    }
    seen = counts["num_neurons"] > 0
    return pd.DataFrame({name: column[seen] for name, column in counts.items()})


def census(view: NeuronView, *, seed: int = 0) -> Census:
    """The tables of one network; ``networks`` has one row.

    ``seed``: the network's, from which ``control_neurons`` are drawn.
    """
    clustering = cluster_neurons(view)
    table, power = clustering.table, input_power(view)
    magnitude = input_magnitude(view)
    magnitude[:, 0] = 0.0
    live = np.flatnonzero(is_live(table))
    votes, scores = cluster_votes(view, clustering.clusters, live, seed=seed)
    clusters = pd.concat([votes, cluster_shapes(view, clustering)], axis=1)
    kinds = table.kind.value_counts()
    kinds_of_clusters = [cluster.kind for cluster in clustering.clusters]
    counts = {
        "n": view.n,
        "num_neurons": view.num_neurons,
        "num_live": len(live),
        "num_loose": len(clustering.loose),
        "num_clusters": len(clusters),
        "num_fine_tuning": kinds_of_clusters.count("fine-tuning"),
        "num_mixed": kinds_of_clusters.count("mixed"),
        **{f"neurons_{kind}": int(kinds.get(kind, 0)) for kind in KINDS if kind != "dead"},
        **cluster_counts(table, power, view.n),
    }
    network: dict[str, Any] = {name: np.array([count], np.int32) for name, count in counts.items()}
    strict = simple_model(view, table).evaluate()
    strict_2f = simple_model(view, table, second=True).evaluate()
    learned = [cluster.freq for cluster in clustering.clusters]
    measured = {
        **{"accuracy": scores.accuracy, "loss": scores.loss, "margin": scores.margin},
        **{"strict_accuracy": strict.accuracy, "strict_loss": strict.loss},
        **{"strict_2f_accuracy": strict_2f.accuracy, "strict_2f_loss": strict_2f.loss},
        **{"gap": learned_gaps(view.n, [learned])[0], "delta": DELTA},
    }
    network |= {name: np.array([value], np.float32) for name, value in measured.items()}
    for name, value in embedding_statistics(view.factors).items():
        if name == "weight_counts":
            network[name] = [value]
        else:
            network[name] = np.array([value], np.int32 if name == "num_weights" else np.float32)
    return Census(
        pd.DataFrame(network),
        clusters,
        live_neurons(clustering, power_shares(view), magnitude),
        window_counts(table, magnitude),
    )


def stack_census(parts: Sequence[Census], seeds: Sequence[int]) -> Census:
    """Tables of several networks under one another, with a first column ``seed``."""
    return Census(*(under_one_another(tables, seeds) for tables in zip(*parts, strict=True)))
