"""Turn the cloud: the embedding from the side of one frequency, of another, and between."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import traitlets
from matplotlib.figure import Figure

from modlib.analysis.micro import embeddings as em
from modlib.plots import embeddings as plots
from modlib.plots.base import ANSWER, MARK, cluster_color
from modlib.runs.addition import AdditionRun
from modlib.widgets.live import LiveFigure

MOST_PLANES = 8
"""Frequencies whose planes a page carries, those of the largest clusters."""
PLANES_WITHOUT = 3
"""Frequencies that are shown where there is no cluster: those of most power."""


class TurnTheCloud(LiveFigure):
    """The embedding of (k, k), turned from the plane of one frequency to that of another.

    ``points``: float32, (n, freq, 2), see ``planes``; ``first``, ``second``: places in ``freqs``;
    ``turn``: from 0, the first one's plane, over 90, an axis of each, to 180, the second one's;
    ``spin``: how far the second plane is turned in itself; both in degrees; ``k``, ``d``: a thread
    joins k, k + d, k + 2 d and so on, none where d is 0.
    """

    NAME: ClassVar[str] = "cloud"
    LINKED: ClassVar[tuple[str, ...]] = ("first", "second", "turn", "spin", "k", "d")
    WORDS: ClassVar[str] = (
        "The embedding of (k, k) on its first two principal components, and their spectra."
    )

    n = traitlets.Int().tag(sync=True)
    freqs = traitlets.List(traitlets.Int()).tag(sync=True)
    shades = traitlets.List(traitlets.Unicode()).tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)
    points = traitlets.Bytes().tag(sync=True)
    first = traitlets.Int().tag(sync=True)
    second = traitlets.Int(1).tag(sync=True)
    turn = traitlets.Float().tag(sync=True)
    spin = traitlets.Float().tag(sync=True)
    k = traitlets.Int().tag(sync=True)
    d = traitlets.Int(1).tag(sync=True)

    def __init__(self, run: AdditionRun) -> None:
        factors = run.view.factors
        assert factors is not None, "a network that was trained here has embeddings"
        self._embedding = em.diagonal_embedding(factors)
        self._clusters = {one.freq: one.index for one in run.clustering.clusters}
        freqs = list(self._clusters)[:MOST_PLANES]
        if not freqs:
            power = em.pooled_shares(self._embedding)
            ranked = np.argsort(-power[1:], kind="stable") + 1
            freqs = ranked[:PLANES_WITHOUT].tolist()
        super().__init__(
            n=run.config.n,
            freqs=freqs,
            shades=[cluster_color(self._clusters.get(freq, -1)) for freq in freqs],
            colors={"mark": MARK, "answer": ANSWER},
            points=em.planes(self._embedding, freqs).astype("<f4").tobytes(),
            second=min(1, len(freqs) - 1),
        )

    def picture(self) -> Figure:
        """Figure A8: the first two components."""
        leading = em.principal_components(self._embedding, min(2, *self._embedding.shape))
        pairs = [em.pair_picture(leading, 0, 1)] if len(leading.freqs) > 1 else []
        return plots.embedding_pairs(leading, pairs, self._clusters)
