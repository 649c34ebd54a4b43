"""The spiral: numbers turned step by step, and what their waves are on a grid of digits."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import traitlets
from matplotlib.figure import Figure

from modlib.errors import InputError
from modlib.plots import remainders as plots
from modlib.plots.base import NEUTRAL, PALETTE
from modlib.tasks.remainders import primes_below
from modlib.widgets.live import LiveFigure, in_pixels

BASE = 113
"""The numbers are those below its square."""
RADIAN = 1 / (2 * np.pi)
"""Of a turn: the step of paper B's figure 1."""


class NumberSpiral(LiveFigure):
    """Numbers x at distance x and angle x times ``turn`` turns; a wave of x over p x p digits.

    ``q``: whose multiples or remainders are coloured, and whose wave is on the grid; ``show``: 0
    multiples, 1 remainders, 2 primes; ``p``: base of the digits; ``wave``: 0 that of x mod q, 1
    that of the digits' sum mod p.
    """

    NAME: ClassVar[str] = "spiral"
    LINKED: ClassVar[tuple[str, ...]] = ("turn", "q", "show", "p", "wave")
    WORDS: ClassVar[str] = (
        "Dots at distance x from the centre and at the angle x in radians. Multiples of a number "
        "line up in arms; so do the primes."
    )

    turn = traitlets.Float(RADIAN).tag(sync=True)
    q = traitlets.Int().tag(sync=True)
    show = traitlets.Int(0).tag(sync=True)
    p = traitlets.Int().tag(sync=True)
    wave = traitlets.Int(0).tag(sync=True)
    qs = traitlets.List(traitlets.Int()).tag(sync=True)
    bases = traitlets.List(traitlets.Int()).tag(sync=True)
    base = traitlets.Int(BASE).tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)

    def __init__(self, *, q: int, p: int) -> None:
        small = primes_below(41).tolist()
        bases = [prime for prime in small if prime >= 5]
        for name, value, known in (("q", q, small), ("p", p, bases)):
            if value not in known:
                raise InputError(name, f"be a prime in {known[0]} .. {known[-1]}", value)
        super().__init__(
            q=q,
            p=p,
            qs=small,
            bases=bases,
            colors={"palette": list(PALETTE[:-1]), "neutral": NEUTRAL},
        )

    def picture(self) -> Figure:
        """Figure B1 with the multiples of q, and the primes; its dots as one image."""
        x = np.arange(self.base**2)
        series = {f"multiples of {self.q}": x[x % self.q == 0], "primes": primes_below(len(x))}
        return in_pixels(plots.number_spirals({title: {title: x} for title, x in series.items()}))
