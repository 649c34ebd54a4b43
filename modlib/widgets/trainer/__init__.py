"""Train one yourself: the readable loop's recipe and random numbers, in the page."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import traitlets
from matplotlib.figure import Figure

from modlib.config.addition import PAPER_TRAIN_PAIRS, AdditionConfig
from modlib.models.mlp import parameter_shapes
from modlib.plots import training as plots
from modlib.plots.base import PALETTE
from modlib.runs.addition import AdditionRun
from modlib.training.flat import named_views
from modlib.widgets.live import LiveFigure

LIVE_N = 59
"""The first modulus: it is learned in seconds."""


def _as_bytes(sent: Any, widget: Any) -> bytes:
    """What the front end sends lies in a view of a message."""
    return bytes(sent)


class TrainYourself(LiveFigure):
    """A network of paper A, trained where it is shown.

    ``n``, ``neurons``, ``l2``, ``lr``, ``seed``: as in ``AdditionConfig``; ``full``: 1 for the
    full batch; ``python_rate``: steps a second of the run in Python, at modulus ``python_n``, 0
    where it has none; ``trained``: the parameters where the training was paused or ended, in
    float32 and in the order of ``parameter_shapes``.
    """

    NAME: ClassVar[str] = "trainer"
    LINKED: ClassVar[tuple[str, ...]] = ("n", "neurons", "l2", "lr", "seed", "full")
    WORDS: ClassVar[str] = (
        "Loss and accuracy by epoch of a network on the pairs it is trained on and on the others."
    )

    n = traitlets.Int().tag(sync=True)
    neurons = traitlets.Int().tag(sync=True)
    l2 = traitlets.Float().tag(sync=True)
    lr = traitlets.Float().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    full = traitlets.Int().tag(sync=True)
    train_pairs = traitlets.Dict().tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)
    python_rate = traitlets.Float().tag(sync=True)
    python_n = traitlets.Int().tag(sync=True)
    trained = traitlets.Bytes().tag(sync=True, from_json=_as_bytes)

    def __init__(self, run: AdditionRun, *, n: int) -> None:
        config = AdditionConfig(n=n)
        self._run = run
        rate = run.manifest["config"]["steps_per_second"] if run.config.num_epochs else 0.0
        super().__init__(
            n=n,
            neurons=config.num_neurons,
            l2=config.l2,
            lr=config.lr,
            seed=run.seed,
            full=0,
            train_pairs={str(key): value for key, value in PAPER_TRAIN_PAIRS.items()},
            colors={"palette": list(PALETTE), "train": PALETTE[0], "unseen": PALETTE[4]},
            python_rate=rate if np.isfinite(rate) else 0.0,
            python_n=run.config.n,
        )

    def picture(self) -> Figure:
        """The curves of the run that the figure stands beside."""
        return plots.learning_curves(self._run.history, {}, chance=np.log(self._run.config.n))

    def weights(self) -> dict[str, np.ndarray]:
        """What was trained, by name; empty where nothing was."""
        if not self.trained:
            return {}
        shapes = parameter_shapes(AdditionConfig(n=self.n, num_neurons=self.neurons))
        return named_views(np.frombuffer(self.trained, "<f4"), shapes)
