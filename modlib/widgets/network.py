"""A trained network in a page: the weights that its logits depend on, and its clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import traitlets
from jaxtyping import Int
from matplotlib.figure import Figure

from modlib.analysis.macro.crt import votes_at
from modlib.analysis.meso.clusters import Cluster
from modlib.models.mlp import PARAMETERS
from modlib.models.views.neuron_view import NeuronView
from modlib.plots import approximate_crt as plots
from modlib.plots.base import ANSWER, MARK, NEUTRAL, cluster_color
from modlib.runs.addition import AdditionRun
from modlib.widgets.live import LiveFigure

MAX_BYTES = 2**17
"""Bytes of weights that a page carries; a larger network stays out of it."""
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


class NetworkFigure(LiveFigure):
    """A live figure that carries a network; too large a one leaves ``weights`` empty.

    ``weights``: float32, in the order of ``PARAMETERS``, of the neurons ``kept``, all that are
    ``heard`` where not said; ``clusters``: frequency, step, colour and neurons, by their place
    among those kept.
    """

    WORDS: ClassVar[str] = (
        "A row of dots for each cluster: its vote for every answer. In the last row, their sum, "
        "the right answer has a star."
    )

    n = traitlets.Int().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    clusters = traitlets.List(traitlets.Dict()).tag(sync=True)
    shape = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)

    def __init__(
        self, run: AdditionRun, *, kept: Int[np.ndarray, " neuron"] | None = None, **traits: Any
    ) -> None:
        self._view, self._clustering = run.view, run.clustering
        self.kept = heard(run.view) if kept is None else kept
        parts = [
            np.take(run.weights[name], self.kept, BY_NEURON[name])
            if name in BY_NEURON
            else run.weights[name]
            for name in PARAMETERS
        ]
        flat = np.concatenate([part.ravel() for part in parts]).astype("<f4")
        traits.setdefault("weights", flat.tobytes() if flat.nbytes <= MAX_BYTES else b"")
        super().__init__(
            n=run.config.n,
            seed=run.seed,
            clusters=_described(run.clustering.clusters, self.kept),
            shape={"embed_dim": parts[0].shape[1], "num_neurons": len(self.kept)},
            colors={"answer": ANSWER, "wrong": MARK, "neutral": NEUTRAL},
            **traits,
        )

    @property
    def pair(self) -> tuple[int, int]:
        """The pair of the picture."""
        return self.n // 4, self.n // 2

    def picture(self) -> Figure:
        """Figure A6 at one pair, its lines without dots, which weigh most."""
        return votes_picture(self._view, self._clustering.clusters, self.pair)


def votes_picture(view: NeuronView, clusters: Sequence[Cluster], pair: tuple[int, int]) -> Figure:
    """Figure A6 at one pair, its lines without dots, which weigh most."""
    pairs = np.array([pair])
    fig = plots.cluster_votes(votes_at(view, clusters, pairs), clusters, pairs)
    for line in (line for ax in fig.axes for line in ax.lines):
        if np.asarray(line.get_xdata()).size == view.n:
            line.set_marker("")
    return fig
