"""Draw m frequencies: hand after hand, and how often a hand separates the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import traitlets
from jaxtyping import Int
from matplotlib.figure import Figure

from modlib.analysis.many_seeds import separation as sep
from modlib.errors import require_float, require_int
from modlib.plots import scaling as plots
from modlib.plots.base import ANSWER, MARK, NEUTRAL, PALETTE
from modlib.widgets.live import LiveFigure

MOST = 10
"""Frequencies in the largest hand."""
FIRST = 3
"""Frequencies in the first hand."""


class DrawFrequencies(LiveFigure):
    """Sets of m frequencies drawn at random, and their sums of cosines.

    ``n``: one of ``moduli``; ``m``, ``delta``: see ``separation``; ``drawn``: how many hands are
    tallied, the last of them shown; ``freqs``: a hand of one's own in its place, empty for none.
    Hand i is ``permutation(seed, CONTROL, i, n // 2)[:m] + 1``. ``networks``: by modulus, how many
    networks have 0, 1, 2, ... clusters.
    """

    NAME: ClassVar[str] = "draw"
    LINKED: ClassVar[tuple[str, ...]] = ("n", "m", "delta", "drawn", "freqs")
    WORDS: ClassVar[str] = (
        "Probability that m random frequencies separate the answers against m, by two formulas and "
        "counted, over the share of networks that have m clusters."
    )

    n = traitlets.Int().tag(sync=True)
    m = traitlets.Int(FIRST).tag(sync=True)
    delta = traitlets.Float().tag(sync=True)
    drawn = traitlets.Int(1).tag(sync=True)
    freqs = traitlets.List(traitlets.Int()).tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    moduli = traitlets.List(traitlets.Int()).tag(sync=True)
    networks = traitlets.Dict().tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)

    def __init__(
        self, n: int, counts: Mapping[int, Int[np.ndarray, " network"]], *, delta: float, seed: int
    ) -> None:
        n = require_int("n", n, at_least=3)
        delta = require_float("delta", delta, at_least=0.0, at_most=1.0)
        super().__init__(
            n=n,
            m=min(FIRST, n // 2),
            delta=delta,
            seed=seed,
            moduli=sorted({n, *counts}),
            networks={str(m): np.bincount(found).tolist() for m, found in counts.items()},
            colors={
                **{"answer": ANSWER, "wrong": MARK, "neutral": NEUTRAL},
                **{"hand": PALETTE[0], "gamma": PALETTE[2], "stirling": PALETTE[3]},
            },
        )

    def picture(self) -> Figure:
        """Section 5.4 at this modulus."""
        table = sep.probability_table(self.n, range(1, min(MOST, self.n // 2) + 1), self.delta)
        found = np.array(self.networks.get(str(self.n), [0]), dtype=float)
        shares = np.append(found / max(1.0, found.sum()), np.zeros(MOST + 1))
        return plots.separation_probability({self.n: table.assign(measured=shares[table.m])})
