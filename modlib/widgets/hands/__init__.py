"""Two hands: a pair on one circle of a pizza or a clock, on the double circle, and its logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
import traitlets
from jaxtyping import Float
from matplotlib.figure import Figure

from modlib.analysis.meso.clock_pizza_circle import near_and_facing
from modlib.analysis.meso.clock_pizza_hands import Hands, hands_of
from modlib.models.foreign.network import ForeignNetwork
from modlib.plots import clock_and_pizza as plots
from modlib.plots.base import ANSWER, MARK, NEUTRAL, PALETTE, empty_figure
from modlib.widgets.live import LiveFigure

MAX_BYTES = 110_000
"""Bytes of numbers that a page carries: twelve networks at n = 59."""
COLUMNS = (("clock_alone", "pizza_alone"), ("clock_double", "pizza_double"), ("clock", "pizza"))
"""What the formulas explain, by what is kept: of a circle, of two, of the whole network."""


class TwoHands(LiveFigure):
    """Two inputs of a network of Zhong et al. as hands, and the logits that they bring about.

    ``networks``: title, rate, freq and unit of each; ``right``, ``profile``, ``points``: theirs,
    see ``Hands``, one network after another: whole numbers of a byte, whose lowest value and step
    stand in ``networks``, and float32; ``net``: the one shown; ``kept``: 0 the circle of f alone,
    1 with that of 2 f, 2 the whole cluster; ``rates``: rows of attention rate and means over
    networks of the shares that clock and pizza explain, by what is kept.
    """

    NAME: ClassVar[str] = "hands"
    LINKED: ClassVar[tuple[str, ...]] = ("net", "kept", "a", "b")
    WORDS: ClassVar[str] = (
        "Three circles with two hands: a clock adds their angles, a pizza takes the middle of "
        "their ends, which lies near the centre where they face each other."
    )

    n = traitlets.Int().tag(sync=True)
    networks = traitlets.List(traitlets.Dict()).tag(sync=True)
    right = traitlets.Bytes().tag(sync=True)
    profile = traitlets.Bytes().tag(sync=True)
    points = traitlets.Bytes().tag(sync=True)
    rates = traitlets.List(traitlets.List()).tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)
    net = traitlets.Int().tag(sync=True)
    kept = traitlets.Int().tag(sync=True)
    a = traitlets.Int().tag(sync=True)
    b = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        networks: Sequence[ForeignNetwork],
        rates: pd.DataFrame,
        others: Sequence[Hands] = (),
    ) -> None:
        n = networks[0].n
        first = [one for network in networks if (one := hands_of(network)) is not None]
        same = [one for one in (*first, *others) if one.n == n]
        distinct = {(one.title, one.rate): one for one in reversed(same)}
        size = 3 * (n // 2 + 1) * (n + n // 2 + 1) + 16 * n
        shown = [*reversed(distinct.values())][: MAX_BYTES // size]
        self._shown = shown[:1]
        pair = near_and_facing(shown[0].freq, n)[0] if shown else None
        right = [_Whole.of(one.right) for one in shown]
        profile = [_Whole.of(one.profile) for one in shown]
        super().__init__(
            n=n,
            networks=[
                {"title": one.title, "rate": one.rate, "freq": one.freq, "unit": one.unit}
                | {"right": [high.low, high.step], "profile": [wide.low, wide.step]}
                for one, high, wide in zip(shown, right, profile, strict=True)
            ],
            right=b"".join(one.data for one in right),
            profile=b"".join(one.data for one in profile),
            points=b"".join(one.points.astype("<f4").tobytes() for one in shown),
            rates=_rates(rates),
            colors={
                **{"a": PALETTE[0], "b": PALETTE[1], "answer": ANSWER, "neutral": NEUTRAL},
                **{"logit": PALETTE[2], "clock": PALETTE[5], "pizza": MARK},
            },
            a=pair.a if pair else 0,
            b=pair.b if pair else 0,
        )

    def picture(self) -> Figure:
        """The hands of clock and pizza, without the slices, which weigh most."""
        if not self._shown:
            return empty_figure("no circle that a page could carry")
        one = self._shown[0]
        near, facing = near_and_facing(one.freq, self.n)
        fig = plots.two_hands(one.points[0], near, facing, one.freq)
        for slice_ in (patch for ax in fig.axes for patch in [*ax.patches]):
            slice_.remove()
        return fig


class _Whole(NamedTuple):
    """Values as whole numbers of a byte, in steps from the lowest: off by half a step at most."""

    data: bytes
    low: float
    step: float

    @classmethod
    def of(cls, values: Float[np.ndarray, ...]) -> _Whole:
        low = float(values.min())
        step = (float(values.max()) - low) / 255 or 1.0
        return cls(np.round((values.ravel() - low) / step).astype(np.uint8).tobytes(), low, step)


def _rates(rates: pd.DataFrame) -> list[list[float]]:
    """Rows of an attention rate and the mean shares of clock and pizza, by what is kept."""
    if not len(rates):
        return []
    columns = [name for pair in COLUMNS for name in pair]
    means = rates.groupby("rate")[columns].mean()
    return [
        [float(rate), *map(float, row)]
        for rate, row in zip(means.index, means.to_numpy(), strict=True)
    ]
