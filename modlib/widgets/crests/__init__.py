"""Where all crests meet: a trained network's clusters vote, and their sum finds the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import traitlets
from jaxtyping import Int
from matplotlib.figure import Figure

from modlib.analysis.macro.crt import votes_at
from modlib.analysis.meso.clusters import Cluster, Clustering, mean_vote
from modlib.errors import InputError
from modlib.models.mlp import PARAMETERS
from modlib.models.views.neuron_view import NeuronView
from modlib.plots import approximate_crt as plots
from modlib.plots.base import ANSWER, MARK, NEUTRAL, cluster_color
from modlib.runs.addition import AdditionRun
from modlib.widgets.live import LiveFigure

MAX_BYTES = 2**17
"""Bytes of weights that a page carries; a larger network shows its mean votes instead."""
BY_NEURON = {"hidden.weight": 0, "hidden.bias": 0, "unembed.weight": 1}
"""Parameters that neurons have a part of, and along which axis."""


SILENT = 1e-5
"""What the neurons left out may change in a logit, together."""


def heard(view: NeuronView) -> Int[np.ndarray, " neuron"]:
    """The neurons that logits depend on: all but those that add at most SILENT, together."""
    fires = np.maximum(view.preact_a.max(0) + view.preact_b.max(0) + view.b_in, 0.0)
    most = fires * np.abs(view.w_out).max(1)
    order = np.argsort(most, kind="stable")
    silent = order[np.cumsum(most[order]) <= SILENT]
    return np.setdiff1d(np.arange(view.num_neurons), silent)


def _described(clusters: Sequence[Cluster], kept: np.ndarray) -> list[dict[str, Any]]:
    """What the page knows of each cluster; neurons by their place among those kept."""
    place = {int(neuron): i for i, neuron in enumerate(kept)}
    return [
        {
            "freq": cluster.freq,
            "step": cluster.step,
            "color": cluster_color(cluster.index),
            "neurons": [place[int(one)] for one in cluster.neurons if int(one) in place],
        }
        for cluster in clusters
    ]


class ApproximateCRT(LiveFigure):
    """Votes of each cluster at a pair (a, b), their sum, and the accuracy on all pairs.

    ``off``: clusters switched off, by index; -1: the neurons of none. ``sigma``: every weight of
    the neurons is multiplied by exp(sigma z), z from the seed's stream INTERVENTION.
    ``order``: the frequency in whose steps the answers are read; 0: as they are.
    """

    NAME: ClassVar[str] = "crests"
    LINKED: ClassVar[tuple[str, ...]] = ("a", "b", "off", "sigma", "order")
    WORDS: ClassVar[str] = (
        "A row of dots for each cluster: its vote for every answer. In the last row, their sum, "
        "the right answer has a star."
    )

    n = traitlets.Int().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    clusters = traitlets.List().tag(sync=True)
    shape = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    mean_votes = traitlets.Bytes().tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)
    a = traitlets.Int().tag(sync=True)
    b = traitlets.Int().tag(sync=True)
    off = traitlets.List(traitlets.Int()).tag(sync=True)
    sigma = traitlets.Float().tag(sync=True)
    order = traitlets.Int().tag(sync=True)

    def __init__(self, run: AdditionRun, *, light: bool, a: int, b: int) -> None:
        n, kept = run.config.n, heard(run.view)
        for name, value in (("a", a), ("b", b)):
            if not 0 <= value < n:
                raise InputError(name, f"be in 0 .. {n - 1}", value)
        self._view, self._clustering = run.view, run.clustering
        parts = [
            np.take(run.weights[name], kept, BY_NEURON[name])
            if name in BY_NEURON
            else run.weights[name]
            for name in PARAMETERS
        ]
        flat = np.concatenate([part.ravel() for part in parts]).astype("<f4")
        whole = not light and flat.nbytes <= MAX_BYTES
        clusters = run.clustering.clusters
        super().__init__(
            n=n,
            seed=run.seed,
            clusters=_described(clusters, kept),
            shape={"embed_dim": parts[0].shape[1], "num_neurons": len(kept)},
            weights=flat.tobytes() if whole else b"",
            mean_votes=b"" if whole else _mean_votes(run.view, run.clustering),
            colors={"answer": ANSWER, "wrong": MARK, "neutral": NEUTRAL},
            a=a,
            b=b,
        )

    def picture(self) -> Figure:
        """Figure A6 at the first pair, lines without their dots, which weigh most."""
        pairs = np.array([[self.a, self.b]])
        clusters = self._clustering.clusters
        fig = plots.cluster_votes(votes_at(self._view, clusters, pairs), clusters, pairs)
        for line in (line for ax in fig.axes for line in ax.lines):
            if len(line.get_xdata()) == self.n:
                line.set_marker("")
        return fig


def _mean_votes(view: NeuronView, clustering: Clustering) -> bytes:
    """Each cluster's vote by c - a - b, averaged over all pairs: (cluster, n) in float32."""
    votes = [mean_vote(view.contribution(one.neurons)) for one in clustering.clusters]
    means = [vote - vote.mean() for vote in votes]
    return np.array(means, dtype="<f4").tobytes()
