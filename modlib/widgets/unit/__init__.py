"""Turn the unit: a neuron's three signals, read in steps of one unit after another."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import traitlets
from matplotlib.figure import Figure

from modlib.analysis.micro import neurons as ne
from modlib.plots import neurons as plots
from modlib.plots.base import cluster_color, empty_figure
from modlib.runs.addition import AdditionRun
from modlib.widgets.network import NetworkFigure


class TurnTheUnit(NetworkFigure):
    """What a neuron hears of a and of b and says to c, in steps of a unit; its answer at (a, b).

    ``neuron``: its number in the network, one of ``names``; ``freqs``: their frequencies, as in
    ``neuron_table``; ``unit``: position k shows residue unit k; ``a``, ``b``: the pair.
    """

    NAME: ClassVar[str] = "unit"
    LINKED: ClassVar[tuple[str, ...]] = ("neuron", "unit", "a", "b")
    WORDS: ClassVar[str] = (
        "What a neuron hears of a and of b and says to each answer, against the residue: in their "
        "natural order zigzags with many crests."
    )

    neuron = traitlets.Int().tag(sync=True)
    unit = traitlets.Int(1).tag(sync=True)
    a = traitlets.Int().tag(sync=True)
    b = traitlets.Int().tag(sync=True)
    names = traitlets.List(traitlets.Int()).tag(sync=True)
    freqs = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, run: AdditionRun, *, place: int) -> None:
        table, clusters = run.clustering.table, run.clustering.clusters
        kept = np.sort(np.concatenate([np.zeros(0, int), *(one.neurons for one in clusters)]))
        simple = [neuron for neuron in ne.by_strength(table, "simple") if neuron in kept]
        strongest = kept[np.argsort(-table.strength.to_numpy()[kept], kind="stable")].tolist()
        ranked = simple or strongest
        n = run.config.n
        super().__init__(
            run,
            kept=kept,
            names=kept.tolist(),
            freqs=table.freq.to_numpy()[kept].tolist(),
            neuron=ranked[place if place < len(ranked) else 0] if ranked else 0,
            a=n // 4,
            b=n // 2,
        )
        self._table = table

    def picture(self) -> Figure:
        """The neuron's three signals with its cosines."""
        if not self.names:
            return empty_figure("no neuron belongs to a cluster")
        row, view = self._table.loc[self.neuron], self._view
        heard = {"a": view.preact_a[:, self.neuron], "b": view.preact_b[:, self.neuron]}
        fig = plots.neuron_waves(
            heard | {"c": view.w_out[self.neuron]},
            int(row.freq),
            [row.r_a, row.r_b, row.r_d],
            [row.t_a, row.t_b, row.t_d],
            cluster_color(int(row.cluster)),
        )
        return fig
