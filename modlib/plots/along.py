"""Figure of chapter 15: what the battery finds along a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from modlib.plots.base import MARKERS, PALETTE, WIDTH, figure


@figure
def along_training(
    at: Float[np.ndarray, " time"],
    curves: Mapping[str, Float[np.ndarray, " time"]],
    freqs: Sequence[Sequence[int]],
    unit: str,
) -> Figure:
    """Shares by name over time, and below them which frequencies have a cluster when.

    ``freqs``: those of each time, the largest cluster first; ``unit``: of ``at``.
    """
    fig, (above, below) = plt.subplots(2, 1, figsize=(WIDTH, 4.6), sharex=True)
    for place, (name, shares) in enumerate(curves.items()):
        above.plot(at, shares, marker=MARKERS[place], ms=4, color=PALETTE[place], label=name)
    above.set(ylim=(-0.03, 1.03), ylabel="share")
    above.legend(loc="best")
    points = [(time, freq) for time, found in zip(at, freqs, strict=True) for freq in found]
    below.plot(*zip(*points, strict=True) if points else ([], []), "o", ms=5, color=PALETTE[0])
    below.set(xlabel=unit, ylabel="frequencies with a cluster")
    below.set_ylim(0, 1.1 * max((freq for _, freq in points), default=1))
    return fig
