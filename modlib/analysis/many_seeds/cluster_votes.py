"""What a network's clusters do to its answers, alone and together, in one pass over all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.meso.clusters import Cluster
from modlib.maths import rng
from modlib.models.views.neuron_view import NeuronView, Scores, correct_answers

MAX_VOTES = 2**16
"""Votes of one cluster held at once: they fit a core's cache."""
SAME_VOTE = 1e-9
"""Difference, relative to the largest vote of a pair, up to which two votes are a tie."""
NUM_DRAWS = 4
"""Random sets of live neurons that are removed for comparison with each cluster."""


class _Scored:
    """Accuracy, loss and margin over all pairs, block by block: see ``view.score_logits``."""

    def __init__(self) -> None:
        self.num_pairs = self.num_right = 0
        self.loss, self.margin = 0.0, np.inf

    def add(
        self, logits: Float[np.ndarray, "c pair"], correct: Int[np.ndarray, " pair"], tie: float
    ) -> None:
        """Take in a block of pairs, whose logits are overwritten.

        ``tie``: lead up to which the right answer is level with another, which counts as wrong.
        """
        here = correct, np.arange(len(correct))
        logits -= logits[here]
        logits[here] = -np.inf
        ahead = logits.max(0)
        self.num_pairs += len(correct)
        self.num_right += int((ahead < -tie).sum())
        self.margin = min(self.margin, -float(ahead.max()))
        highest = np.maximum(ahead, 0.0)
        if highest.any():
            logits -= highest
        np.exp(logits, out=logits)
        self.loss += float((highest + np.log(np.exp(-highest) + logits.sum(0))).sum())

    def scores(self) -> Scores:
        return Scores(self.num_right / self.num_pairs, self.loss / self.num_pairs, self.margin)


def control_neurons(
    live: Int[np.ndarray, " live"], count: int, *, seed: int, index: int
) -> Int[np.ndarray, " member"]:
    """``count`` of the live neurons at random, without replacement: ``rng.CONTROL`` of the seed.

    ``index``: which draw. The counterpart of ``interventions.random_neurons``.
    """
    return live[rng.permutation(seed, rng.CONTROL, index, len(live))[:count]]


class _Tally:
    """What is summed up of a cluster's votes, block of pairs by block, and of their absence.

    ``controls``: random neurons, as many as the cluster's, for each draw.
    """

    def __init__(
        self,
        cluster: Cluster,
        w_out: Float[np.ndarray, "member c"],
        controls: Sequence[Int[np.ndarray, " member"]],
    ) -> None:
        angle = 2 * np.pi * cluster.freq * np.arange(cluster.n) / cluster.n
        self.cluster, self.w_out, self.controls = cluster, w_out, controls
        self.removed, self.control = _Scored(), _Scored()
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
            "removed_accuracy": self.removed.scores().accuracy,
            "removed_loss": self.removed.scores().loss,
            "control_accuracy": self.control.scores().accuracy,
            "control_loss": self.control.scores().loss,
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
    "removed_accuracy": np.float32,
    "removed_loss": np.float32,
    "control_accuracy": np.float32,
    "control_loss": np.float32,
}


def cluster_votes(
    view: NeuronView,
    clusters: Sequence[Cluster],
    live: Int[np.ndarray, " live"],
    *,
    seed: int = 0,
) -> tuple[pd.DataFrame, Scores]:
    """A row a cluster, what it says to the logits and what they are without; the whole's scores.

    ``cluster``, ``freq``, ``gcd`` (of freq and n), ``num_neurons``, ``kind``; ``amplitude``,
    ``explained``: ``fit_cosine``; of ``correct_ranks``, the rank of the right answer where this
    cluster alone decides, 0 the best, mid-ranks for ties: ``rank_mean``; ``rank_0``,
    ``rank_5``: share of pairs with a rank below .5, of 5 or less; ``rank_counts``: pairs by the
    whole part of their rank, 0 .. n - 1; ``removed_accuracy``, ``removed_loss``: over all pairs,
    without the cluster; ``control_accuracy``, ``control_loss``: without as many of the neurons
    ``live``, mean over ``NUM_DRAWS`` draws of ``control_neurons`` with the network's ``seed``. A
    lead of 1e-9 of the largest logit is a tie, which counts as wrong: without a cluster, answers
    may be told apart by rounding alone.
    """
    n = view.n
    # Less its mean over answers, a vote has the same ranks and margins.
    w_out = view.w_out - view.w_out.mean(1, keepdims=True)
    tallies = []
    for cluster in clusters:
        draws = range(cluster.index * NUM_DRAWS, (cluster.index + 1) * NUM_DRAWS)
        drawn = [control_neurons(live, cluster.num_neurons, seed=seed, index=i) for i in draws]
        tallies.append(_Tally(cluster, w_out[cluster.neurons], drawn))
    fires = view.preact_a.max(0) + view.preact_b.max(0) + view.b_in > 0
    for cluster in clusters:
        fires[cluster.neurons] = False
    rest = np.flatnonzero(fires)
    from_b = view.b_out[:, None] + view.skip_b.T
    whole = _Scored()

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
        votes = [tally.add(activations(tally.cluster.neurons, rows), correct) for tally in tallies]
        for vote in votes:
            logits += vote
        tie = SAME_VOTE * float(np.abs(logits).max())
        for tally, vote in zip(tallies, votes, strict=True):
            tally.removed.add(np.subtract(logits, vote, out=vote), correct, tie)
            for chosen in tally.controls:
                lost = w_out[chosen].T @ activations(chosen, rows)
                tally.control.add(np.subtract(logits, lost, out=lost), correct, tie)
        whole.add(logits, correct, tie)
    table = pd.DataFrame([tally.row() for tally in tallies], columns=list(CLUSTER_COLUMNS))
    return table.astype(CLUSTER_COLUMNS), whole.scores()
