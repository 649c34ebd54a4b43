"""What a digit's row sings: the power of its wave at any frequency, and the digits around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import traitlets
from jaxtyping import Float
from matplotlib.figure import Figure

from modlib.analysis.remainders.token_embeddings import periodogram, prime_frequencies
from modlib.models.transformer import initial_weights
from modlib.plots import transformer_embeddings as plots
from modlib.plots.base import MARK, PALETTE
from modlib.runs.remainders import RemaindersRun
from modlib.widgets.live import LiveFigure

SMALL = (2, 3, 5, 7)
"""Moduli whose frequencies k / q have marks."""


def products(tokens: Float[np.ndarray, "token embed"]) -> Float[np.ndarray, " pair"]:
    """Inner products of the digits' rows, centred, over the sum of their squares.

    Each pair once, x <= y, row by row. They hold all that a wave's power and a digit's place on it
    depend on.
    """
    centred = tokens - tokens.mean(0)
    gram = centred @ centred.T
    return np.asarray((gram / np.trace(gram))[np.triu_indices(len(gram))])


class RowSong(LiveFigure):
    """The digits' rows of several networks at a frequency that is dragged.

    ``names``: of the networks; ``steps``: those of training, the start among them, at which each
    one's rows are there; ``rows``: their ``products`` in float32, one after another. ``network``
    and ``at``: which is looked at, ``at`` a place in its steps; ``freq``: cycles a digit.
    """

    NAME: ClassVar[str] = "song"
    LINKED: ClassVar[tuple[str, ...]] = ("network", "at", "freq")
    WORDS: ClassVar[str] = (
        "Power of the digits' rows by frequency, a panel a network, with lines at k over q. In "
        "networks of remainders the peaks stand at the lines."
    )

    p = traitlets.Int().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    steps = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    rows = traitlets.Bytes().tag(sync=True)
    network = traitlets.Int(0).tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    freq = traitlets.Float(0.25).tag(sync=True)
    marks = traitlets.List(traitlets.Dict()).tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)

    def __init__(self, runs: Mapping[str, RemaindersRun]) -> None:
        p = next(iter(runs.values())).config.p
        found, steps = [], []
        self._shown = {}
        for name, run in runs.items():
            states: dict[int, Mapping[str, Any]] = {
                0: initial_weights(run.config, run.seed),
                **run.snapshots,
                run.steps: run.weights,
            }
            kept = sorted(states)
            tokens = [states[step]["tok"][:p].astype(np.float64) for step in kept]
            found += [products(one) for one in tokens]
            steps.append(kept)
            self._shown[name] = periodogram(tokens[-1])
        super().__init__(
            p=p,
            names=list(runs),
            steps=steps,
            rows=np.concatenate(found).astype("<f4").tobytes(),
            at=len(steps[0]) - 1,
            marks=[
                {"k": k, "q": q, "color": PALETTE[1 + i]}
                for i, q in enumerate(SMALL)
                for k in range(1, q // 2 + 1)
            ],
            colors={"mark": MARK},
        )

    def picture(self) -> Figure:
        """The power of every network's rows at every frequency."""
        return plots.token_periodograms(self._shown, {q: prime_frequencies(q) for q in SMALL})
