"""What is kept of each of many thousand networks: four light tables, made in milliseconds.

Paper A's distributions: figures A3, A4, A5, A25, A28, A29 and A30. The same definitions as
``describe`` and ``cluster_report``, which hold more and take some twenty times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.clusters import Cluster, Clustering, cluster_neurons, grouping_freqs
from modlib.analysis.neurons import KINDS, classify, input_power, is_live, power_shares
from modlib.analysis.tables import under_one_another
from modlib.analysis.view import Factors, NeuronView, correct_answers
from modlib.fourier import dft

SCHEMA = 1
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
MAX_VOTES = 2**16
"""Votes of one cluster held at once: they fit a core's cache."""
SAME_VOTE = 1e-9
"""Difference, relative to the largest vote of a pair, up to which two votes are a tie."""


class Census(NamedTuple):
    """A row a network, a row a cluster, a row a live neuron, a row a frequency in the window.

    ``networks``: ``n``, ``num_neurons``, ``num_live``, ``num_loose`` (live, in no cluster),
    ``num_clusters``, ``num_fine_tuning``, ``num_mixed``, ``neurons_<kind>`` (live neurons of
    each class), ``margin`` (smallest over all pairs), ``embedding_statistics``, and
    ``clusters_<size>_<percent>``: clusters of at least so many neurons, where a neuron is dead
    below so many percent of the strongest.

    ``clusters``: see ``cluster_votes``.

    ``neurons``: ``neuron``, ``strength``, ``freq`` to ``t_d``, ``residual`` and ``kind`` as in
    ``neuron_table``; ``cluster`` (-1: none); ``spike``, ``secondary``: largest and next
    |h^_A(f)| over f > 0, unnormalised; ``freq_1`` to ``freq_3``, ``share_1`` to ``share_3``: the
    frequencies with most of A's and B's power, and their shares of it.

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
        values = dict.fromkeys(("share_above_1", "share_within_025", "abs_q999", "abs_max"), np.nan)
        return {"num_weights": 0, **values, "weight_counts": np.zeros(NUM_BINS, dtype=np.int32)}
    weights = np.concatenate([factors.embed_a, factors.embed_b]).ravel()
    size = np.abs(weights)
    outermost = NUM_BINS // 2
    bins = np.clip(np.rint(weights / BIN_WIDTH), -outermost, outermost).astype(int) + outermost
    return {
        "num_weights": len(weights),
        "share_above_1": (size > 1).mean(),
        "share_within_025": (size < 0.025).mean(),
        "abs_q999": np.quantile(size, 0.999),
        "abs_max": size.max(),
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
        kind = classify(table, n, dead_below=limit)
        freq = grouping_freqs(table.assign(kind=kind), power)
        sizes = np.bincount(freq[freq >= 0])
        for size in MIN_SIZES:
            counts[f"clusters_{size}_{round(100 * limit):02d}"] = int((sizes >= size).sum())
    return counts


class _Tally:
    """What is summed up of a cluster's votes, block of pairs by block."""

    def __init__(self, cluster: Cluster, w_out: Float[np.ndarray, "member c"]) -> None:
        angle = 2 * np.pi * cluster.freq * np.arange(cluster.n) / cluster.n
        self.cluster, self.w_out = cluster, w_out
        self.waves = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        self.overlap = self.power = 0.0
        self.places = np.zeros(2 * cluster.n, dtype=np.int64)

    def add(
        self, activations: Float[np.ndarray, "member pair"], correct: Int[np.ndarray, " pair"]
    ) -> Float[np.ndarray, "c pair"]:
        """Take in a block of pairs and return its votes. ``places`` counts twice the ranks."""
        votes = self.w_out.T @ activations
        right = votes[correct, np.arange(len(correct))]
        close = SAME_VOTE * np.maximum(votes.max(0), -votes.min(0))
        above = np.sum(votes > right + close, axis=0, dtype=np.int16)
        at_least = np.sum(votes >= right - close, axis=0, dtype=np.int16)
        self.places += np.bincount(above + at_least - 1, minlength=len(self.places))
        self.power += float(np.einsum("cp,cp->", votes, votes))
        # cos f (c - a - b) = cos f c cos f (a + b) + sin f c sin f (a + b), neuron by neuron
        heard = activations @ self.waves[correct]
        self.overlap += float((heard * (self.w_out @ self.waves)).sum())
        return votes

    def row(self) -> dict[str, Any]:
        n, freq = self.cluster.n, self.cluster.freq
        norm = n**3 / (1 if 2 * freq == n else 2)
        share = self.places / n**2
        return {
            "cluster": self.cluster.index,
            "freq": freq,
            "gcd": self.cluster.coset_size,
            "num_neurons": self.cluster.num_neurons,
            "kind": self.cluster.kind,
            "amplitude": self.overlap / norm,
            "explained": self.overlap**2 / (norm * self.power) if self.power else np.nan,
            "rank_mean": float(share @ np.arange(2 * n)) / 2,
            "rank_0": share[0],
            "rank_5": share[:11].sum(),
            "rank_counts": self.places.reshape(n, 2).sum(1).astype(np.int32),
        }


CLUSTER_COLUMNS = {
    "cluster": np.int16,
    "freq": np.int16,
    "gcd": np.int16,
    "num_neurons": np.int32,
    "kind": "str",
    "amplitude": np.float32,
    "explained": np.float32,
    "rank_mean": np.float32,
    "rank_0": np.float32,
    "rank_5": np.float32,
    "rank_counts": object,
}


def cluster_votes(view: NeuronView, clusters: Sequence[Cluster]) -> tuple[pd.DataFrame, float]:
    """A row a cluster, what it says to the logits; and the smallest margin over all pairs.

    ``cluster``, ``freq``, ``gcd`` (of freq and n), ``num_neurons``, ``kind``; ``amplitude``,
    ``explained``: ``fit_cosine``; of ``correct_ranks``, the rank of the right answer where this
    cluster alone decides, 0 the best, mid-ranks for ties: ``rank_mean``; ``rank_0``,
    ``rank_5``: share of pairs with a rank below .5, of 5 or less; ``rank_counts``: pairs by the
    whole part of their rank, 0 .. n - 1.
    """
    n = view.n
    # Less its mean over answers, a vote has the same ranks and margins.
    w_out = view.w_out - view.w_out.mean(1, keepdims=True)
    tallies = [_Tally(cluster, w_out[cluster.neurons]) for cluster in clusters]
    fires = view.preact_a.max(0) + view.preact_b.max(0) + view.b_in > 0
    for cluster in clusters:
        fires[cluster.neurons] = False
    rest = np.flatnonzero(fires)
    from_b = view.b_out[:, None] + view.skip_b.T
    margin = np.inf

    def activations(
        neurons: Int[np.ndarray, " member"], rows: slice
    ) -> Float[np.ndarray, "member pair"]:
        preact_b = view.preact_b[:, neurons].T + view.b_in[neurons, None]
        preact = view.preact_a[rows, neurons].T[:, :, None] + preact_b[:, None]
        return np.maximum(preact, 0.0, out=preact).reshape(len(neurons), n * preact.shape[1])

    step = max(1, MAX_VOTES // n**2)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        correct = correct_answers(n, rows).ravel()
        logits = (view.skip_a[rows].T[:, :, None] + from_b[:, None]).reshape(n, -1)
        logits += w_out[rest].T @ activations(rest, rows)
        for tally in tallies:
            logits += tally.add(activations(tally.cluster.neurons, rows), correct)
        here = correct, np.arange(len(correct))
        right = logits[here]
        logits[here] = -np.inf
        margin = min(margin, float((right - logits.max(0)).min()))
    table = pd.DataFrame([tally.row() for tally in tallies], columns=list(CLUSTER_COLUMNS))
    return table.astype(CLUSTER_COLUMNS), margin


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


def census(view: NeuronView) -> Census:
    """The tables of one network; ``networks`` has one row."""
    clustering = cluster_neurons(view)
    table, power = clustering.table, input_power(view)
    magnitude = np.abs(dft(view.preact_a.T))
    magnitude[:, 0] = 0.0
    clusters, margin = cluster_votes(view, clustering.clusters)
    kinds = table.kind.value_counts()
    kinds_of_clusters = [cluster.kind for cluster in clustering.clusters]
    counts = {
        "n": view.n,
        "num_neurons": view.num_neurons,
        "num_live": int(is_live(table).sum()),
        "num_loose": len(clustering.loose),
        "num_clusters": len(clusters),
        "num_fine_tuning": kinds_of_clusters.count("fine-tuning"),
        "num_mixed": kinds_of_clusters.count("mixed"),
        **{f"neurons_{kind}": int(kinds.get(kind, 0)) for kind in KINDS if kind != "dead"},
        **cluster_counts(table, power, view.n),
    }
    network: dict[str, Any] = {name: np.array([count], np.int32) for name, count in counts.items()}
    network["margin"] = np.array([margin], np.float32)
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
