"""Drop a file: a network of anyone's is read in the page, and asked what ours were asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import traitlets
from jaxtyping import Float
from matplotlib.figure import Figure

from modlib.analysis.meso.clusters import cluster_neurons
from modlib.config.addition import AdditionConfig
from modlib.models.views.neuron_view import NeuronView
from modlib.plots.base import ANSWER, MARK, NEUTRAL, PALETTE, empty_figure
from modlib.widgets.live import LiveFigure
from modlib.widgets.network import heard, votes_picture

MAX_BYTES = 64_000
"""Bytes of weights that the shelf has room for."""
STEPS = 127
"""Whole numbers of a byte go from -STEPS to STEPS."""


class DropAFile(LiveFigure):
    """A network from a file of the reader's, or from a shelf: spectra, clusters, votes, sieve.

    ``shelf``: title, sizes and place of each network; ``weights``: theirs, see ``packed``, but of
    the last one, which is drawn in the page from its seed; ``net``: the one shown, -1 for a file;
    ``a``, ``b``, ``off``, ``order``: as in ``ApproximateCRT``.
    """

    NAME: ClassVar[str] = "drop"
    LINKED: ClassVar[tuple[str, ...]] = ("net", "a", "b", "off", "order")
    WORDS: ClassVar[str] = (
        "A row of dots for each cluster of the shelf's first network: its vote for every answer. "
        "In the last row, their sum, the right answer has a star."
    )

    shelf = traitlets.List(traitlets.Dict()).tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)
    net = traitlets.Int().tag(sync=True)
    a = traitlets.Int().tag(sync=True)
    b = traitlets.Int().tag(sync=True)
    off = traitlets.List(traitlets.Int()).tag(sync=True)
    order = traitlets.Int().tag(sync=True)

    def __init__(
        self, networks: Mapping[str, NeuronView], untrained: AdditionConfig, seed: int
    ) -> None:
        shelf: list[dict[str, Any]] = []
        weights = b""
        for title, view in networks.items():
            data = packed(view)
            if len(weights) + len(data) <= MAX_BYTES:
                shelf.append({"title": title, "seed": -1, "from": len(weights), **_sizes(view)})
                weights += data
        self._first = next(iter(networks.values())) if shelf else None
        sizes = {"n": untrained.n, "embed": untrained.embed_dim, "neurons": untrained.num_neurons}
        shelf.append({"title": f"seed {seed}, untrained", "seed": seed, "from": 0, **sizes})
        n = shelf[0]["n"]
        super().__init__(
            shelf=shelf,
            weights=weights,
            colors={"palette": list(PALETTE), "answer": ANSWER, "wrong": MARK, "neutral": NEUTRAL},
            a=n // 4,
            b=n // 2,
        )

    def picture(self) -> Figure:
        """Votes at one pair, of the first network of the shelf."""
        if self._first is None:
            return empty_figure("no network that a page could carry")
        return votes_picture(self._first, cluster_neurons(self._first).clusters, (self.a, self.b))


def _sizes(view: NeuronView) -> dict[str, int]:
    assert view.factors is not None
    return {"n": view.n, "embed": view.factors.embed_a.shape[1], "neurons": len(heard(view))}


def packed(view: NeuronView) -> bytes:
    """The weights of a network with embeddings, of the neurons that are heard, a byte each.

    In the order of ``mlp.PARAMETERS`` the size of a step of each row in float32, then the rows in
    such steps from ``-STEPS`` to ``STEPS``; a bias is one row.
    """
    assert view.factors is not None
    kept, own = heard(view), view.factors
    hidden = np.concatenate([own.w_a, own.w_b]).T[kept]
    parts = (own.embed_a, own.embed_b, hidden, view.b_in[kept], view.w_out[kept].T, view.b_out)
    return b"".join(_in_steps(np.atleast_2d(part)) for part in parts)


def _in_steps(rows: Float[np.ndarray, "row column"]) -> bytes:
    steps = (np.abs(rows).max(1, initial=0.0) / STEPS).astype("<f4")
    steps[steps == 0] = 1.0
    whole = np.clip(np.round(rows / steps[:, None]), -STEPS, STEPS)
    return steps.tobytes() + whole.astype(np.int8).tobytes()
