"""Where all crests meet: a trained network's clusters vote, and their sum finds the answer."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import traitlets

from modlib.analysis.meso.clusters import Clustering, mean_vote
from modlib.errors import InputError
from modlib.models.views.neuron_view import NeuronView
from modlib.runs.addition import AdditionRun
from modlib.widgets.network import NetworkFigure


class ApproximateCRT(NetworkFigure):
    """Votes of each cluster at a pair (a, b), their sum, and the accuracy on all pairs.

    ``off``: clusters switched off, by index; -1: the neurons of none. ``sigma``: every weight of
    the neurons is multiplied by exp(sigma z), z from the seed's stream INTERVENTION.
    ``order``: the frequency in whose steps the answers are read; 0: as they are.
    """

    NAME: ClassVar[str] = "crests"
    LINKED: ClassVar[tuple[str, ...]] = ("a", "b", "off", "sigma", "order")

    mean_votes = traitlets.Bytes().tag(sync=True)
    a = traitlets.Int().tag(sync=True)
    b = traitlets.Int().tag(sync=True)
    off = traitlets.List(traitlets.Int()).tag(sync=True)
    sigma = traitlets.Float().tag(sync=True)
    order = traitlets.Int().tag(sync=True)

    def __init__(self, run: AdditionRun, *, light: bool, a: int, b: int) -> None:
        for name, value in (("a", a), ("b", b)):
            if not 0 <= value < run.config.n:
                raise InputError(name, f"be in 0 .. {run.config.n - 1}", value)
        traits: dict[str, Any] = {"weights": b""} if light else {}
        super().__init__(run, a=a, b=b, **traits)
        if not self.weights:
            self.mean_votes = _mean_votes(run.view, run.clustering)

    @property
    def pair(self) -> tuple[int, int]:
        """The pair that is shown."""
        return self.a, self.b


def _mean_votes(view: NeuronView, clustering: Clustering) -> bytes:
    """Each cluster's vote by c - a - b, averaged over all pairs: (cluster, n) in float32."""
    votes = [mean_vote(view.contribution(one.neurons)) for one in clustering.clusters]
    means = [vote - vote.mean() for vote in votes]
    return np.array(means, dtype="<f4").tobytes()
