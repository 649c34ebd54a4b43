"""Company: which other frequencies stand in the networks that have a given one."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import traitlets
from matplotlib.figure import Figure

from modlib.analysis.many_seeds import company as co
from modlib.analysis.many_seeds.frequencies import presence
from modlib.analysis.many_seeds.sweep_tables import SweepTables, modulus
from modlib.config.thresholds import DEFAULT
from modlib.plots import company as plots
from modlib.plots.base import MARK, NEUTRAL, PALETTE, empty_figure
from modlib.widgets.live import LiveFigure

MOST_NETWORKS = 4096
"""Networks that a page carries, the first ones."""
MIN_N = 4
"""The smallest modulus with two frequencies."""
FIRST = 7
"""The frequency that is shown first, as in figure A4b."""


class Company(LiveFigure):
    """Rates of all other frequencies among the networks that have one, beside no preference.

    ``counts``: how many clusters each network has (one byte); ``freqs``, ``sizes``: of the
    clusters, one network after another (two bytes, one); ``freq``: the given one; ``least``:
    neurons that a cluster must have; ``pooled``: 1 carries every frequency to ``freq`` by units.
    """

    NAME: ClassVar[str] = "company"
    LINKED: ClassVar[tuple[str, ...]] = ("freq", "least", "pooled")
    WORDS: ClassVar[str] = (
        "How many of the networks that have one frequency have each other one, alone and pooled by "
        "symmetry, over a line for no preference."
    )

    n = traitlets.Int().tag(sync=True)
    counts = traitlets.Bytes().tag(sync=True)
    freqs = traitlets.Bytes().tag(sync=True)
    sizes = traitlets.Bytes().tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)
    freq = traitlets.Int(1).tag(sync=True)
    least = traitlets.Int(DEFAULT.min_size).tag(sync=True)
    pooled = traitlets.Int().tag(sync=True)

    def __init__(self, tables: SweepTables | None) -> None:
        colors = {"plain": PALETTE[0], "mark": MARK, "neutral": NEUTRAL}
        self._found = np.zeros((0, 2), dtype=bool)
        if tables is None:
            super().__init__(colors=colors)
            return
        n, seeds = modulus(tables), tables.networks.seed.tolist()[:MOST_NETWORKS]
        kept = tables.clusters[tables.clusters.seed.isin(seeds)]
        by_seed = kept.groupby("seed")
        clusters = [by_seed.get_group(s) if s in by_seed.groups else kept[:0] for s in seeds]
        freqs = [one.freq.to_numpy() for one in clusters]
        sizes = [np.minimum(one.num_neurons.to_numpy(), 255) for one in clusters]
        self._found = presence(kept, seeds, n)
        super().__init__(
            n=n,
            counts=np.array([len(one) for one in freqs], dtype=np.uint8).tobytes(),
            freqs=np.concatenate([*freqs, np.zeros(0)]).astype("<u2").tobytes(),
            sizes=np.concatenate([*sizes, np.zeros(0)]).astype(np.uint8).tobytes(),
            colors=colors,
            freq=min(FIRST, n // 2),
        )

    def picture(self) -> Figure:
        """Figure A4b of the first frequency."""
        if not len(self._found):
            return empty_figure("no two networks that learned")
        if self.n < MIN_N:
            return empty_figure("one frequency has no company")
        title = f"given f = {self.freq}, n = {self.n}: {self._found[:, self.freq].sum():,} networks"
        return plots.companion_rates({title: co.companions(self._found, self.n, self.freq)})
