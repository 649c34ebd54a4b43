"""Two hands: a pair on one circle of a pizza or a clock, on the double circle, and its logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
import traitlets
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from modlib.analysis.meso.clock_pizza_circle import near_and_facing
from modlib.analysis.meso.clock_pizza_hands import Hands, hands_of
from modlib.models.foreign.network import ForeignNetwork
from modlib.plots import clock_and_pizza as plots
from modlib.plots.base import ANSWER, MARK, NEUTRAL, PALETTE, empty_figure
from modlib.widgets.live import LiveFigure

MAX_BYTES = 82_000
"""Bytes of numbers that a page carries: eleven networks at n = 59."""
BITS = {"right": 7, "profile": 7, "points": 14}
"""Of each number: so a logit is off by a 254th of its network's range at most."""
COLUMNS = (("clock_alone", "pizza_alone"), ("clock_double", "pizza_double"), ("clock", "pizza"))
"""What the formulas explain, by what is kept: of a circle, of two, of the whole network."""


class TwoHands(LiveFigure):
    """Two inputs of a network of Zhong et al. as hands, and the logits that they bring about.

    ``networks``: title, rate, freq and unit of each; ``right``, ``profile``, ``points``: theirs,
    see ``Hands``, one network after another: whole numbers of ``bits``, close together, whose
    lowest value and step stand in ``networks``; ``net``: the one shown; ``kept``: 0 the circle of f
    alone, 1 with that of 2 f, 2 the whole cluster; ``rates``: rows of attention rate and means over
    networks of the shares that clock and pizza explain, by what is kept. Of ``others`` every second
    is left out where not all would fit.
    """

    NAME: ClassVar[str] = "hands"
    LINKED: ClassVar[tuple[str, ...]] = ("net", "kept", "a", "b")
    WORDS: ClassVar[str] = (
        "Three circles with two hands: a clock adds their angles, a pizza takes the middle of "
        "their ends, which lies near the centre where they face each other."
    )

    n = traitlets.Int().tag(sync=True)
    bits = traitlets.Dict(BITS).tag(sync=True)
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
        n, half = networks[0].n, networks[0].n // 2
        own = {(one.name, one.attention_rate): one for one in networks if one.n == n}
        first = [one for network in own.values() if (one := hands_of(network)) is not None]
        known = {(one.title, one.rate) for one in first}
        rest = [one for one in others if one.n == n and (one.title, one.rate) not in known]
        counts = {"right": 3 * (half + 1) * n, "profile": 3 * (half + 1) ** 2, "points": 4 * n}
        room = 8 * MAX_BYTES // sum(BITS[name] * count for name, count in counts.items())
        rest = rest if len(first) + len(rest) <= room else rest[::2]
        shown = sorted(first + rest, key=lambda one: one.rate)[:room] if rest else first[:room]
        self._shown = (first or shown)[:1]
        at_hand = next((i for i, one in enumerate(shown) if one is self._shown[0]), 0)
        pair = near_and_facing(self._shown[0].freq, n)[0] if shown else None
        whole = {
            name: [_Whole.of(getattr(one, name), bits) for one in shown]
            for name, bits in BITS.items()
        }
        super().__init__(
            n=n,
            networks=[
                {"title": one.title, "rate": one.rate, "freq": one.freq, "unit": one.unit}
                | {name: [whole[name][i].low, whole[name][i].step] for name in BITS}
                for i, one in enumerate(shown)
            ],
            **{name: _packed(whole[name], bits) for name, bits in BITS.items()},
            rates=_rates(rates),
            colors={
                **{"a": PALETTE[0], "b": PALETTE[1], "answer": ANSWER, "neutral": NEUTRAL},
                **{"logit": PALETTE[2], "clock": PALETTE[5], "pizza": MARK},
            },
            net=at_hand,
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
    """Values as whole numbers, in steps from the lowest: off by half a step at most."""

    numbers: Int[np.ndarray, " i"]
    low: float
    step: float

    @classmethod
    def of(cls, values: Float[np.ndarray, ...], bits: int) -> _Whole:
        low = float(values.min())
        step = (float(values.max()) - low) / (2**bits - 1) or 1.0
        return cls(np.round((values.ravel() - low) / step).astype(int), low, step)


def _packed(parts: Sequence[_Whole], bits: int) -> bytes:
    """All numbers one after another, ``bits`` of each, the lowest first."""
    if not parts:
        return b""
    numbers = np.concatenate([part.numbers for part in parts])
    single = (numbers[:, None] >> np.arange(bits)) & 1
    return np.packbits(single.astype(np.uint8).ravel(), bitorder="little").tobytes()


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
