"""Who works for whom: a task's neurons are taken out, and its own answers suffer."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import traitlets
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from modlib.analysis.remainders import task_lens as lens
from modlib.analysis.remainders.digit_spectra import explained_by_residue, residue_means
from modlib.models.views.transformer_view import TransformerView
from modlib.plots import transformer_neurons as plots
from modlib.plots.base import MARK, SPLITS
from modlib.tasks.remainders import digits
from modlib.widgets.live import LiveFigure, shares

PORTRAITS = 3
"""Neurons of a task that are shown one by one: of its own those that it explains best."""
MAX_BYTES = 2**16
"""Bytes of their images that a page carries; of a larger network none are shown."""


def together(view: TransformerView, neurons: Int[np.ndarray, " neuron"]) -> np.ndarray:
    """What neurons say of both digits together, (x, neuron): each digit's own part taken off."""
    grid = view.grid(view.neurons[:, neurons])
    both = grid - grid.mean(1, keepdims=True) - grid.mean(0, keepdims=True) + grid.mean((0, 1))
    return np.asarray(both[digits(view.config)])


class WhoWorksForWhom(LiveFigure):
    """Accuracy of all tasks on held-out numbers without a task's neurons; its neurons by x mod q.

    ``task``: the modulus whose neurons are taken out, ``out`` of them; ``neuron``: which of its
    PORTRAITS is shown; ``joint``: 1, without what one digit alone says. ``own``, ``random``: see
    ``task_lens.take_out``, as ``live.shares``, one table after another; ``removed``: neurons in
    that order, by their place on the ``stairs``. ``portraits``: a dict a neuron, ``images`` in
    bytes up to ``top``; ``means`` by remainder, float32, as they are and then of the joint part.
    """

    NAME: ClassVar[str] = "workers"
    LINKED: ClassVar[tuple[str, ...]] = ("task", "out", "neuron", "joint")
    WORDS: ClassVar[str] = (
        "Neurons as columns, tasks as rows, brightness the share that a task explains: a staircase."
    )

    qs = traitlets.List(traitlets.Int()).tag(sync=True)
    p = traitlets.Int().tag(sync=True)
    task = traitlets.Int().tag(sync=True)
    out = traitlets.Int(0).tag(sync=True)
    neuron = traitlets.Int(0).tag(sync=True)
    joint = traitlets.Int(1).tag(sync=True)
    sizes = traitlets.List(traitlets.Int()).tag(sync=True)
    own = traitlets.Bytes().tag(sync=True)
    random = traitlets.Bytes().tag(sync=True)
    removed = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    stairs = traitlets.Bytes().tag(sync=True)
    portraits = traitlets.List(traitlets.List(traitlets.Dict())).tag(sync=True)
    images = traitlets.Bytes().tag(sync=True)
    means = traitlets.Bytes().tag(sync=True)
    digits = traitlets.Unicode().tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        view: TransformerView,
        targets: Int[np.ndarray, "x task"],
        held_out: Int[np.ndarray, " number"],
    ) -> None:
        explained = lens.residue_shares(view)
        known = np.flatnonzero(np.isfinite(explained).all(0))
        above = np.maximum(explained[:, known], 0.0)
        order = np.lexsort((-above.max(0), above.argmax(0)))
        place = {int(neuron): i for i, neuron in enumerate(known[order])}
        self._stairs, self._qs = above[:, order], view.qs
        found = lens.take_out(view, targets, held_out)
        super().__init__(
            qs=view.qs.tolist(),
            p=view.config.p,
            task=int(view.qs[-1]),
            digits=view.config.digits,
            sizes=[len(neurons) for neurons in found.neurons],
            own=b"".join(map(shares, found.own)),
            random=shares(found.random),
            removed=[[place[int(one)] for one in neurons] for neurons in found.neurons],
            stairs=shares(self._stairs),
            colors={"validation": SPLITS["validation"], "mark": MARK},
        )
        self._portray(view, found.neurons, explained)

    def _portray(
        self,
        view: TransformerView,
        neurons: list[Int[np.ndarray, " neuron"]],
        explained: Float[np.ndarray, "task neuron"],
    ) -> None:
        images, means, portraits = [], [], []
        for own, q, share in zip(neurons, view.qs.tolist(), explained, strict=True):
            best = own[np.argsort(-share[own], kind="stable")][:PORTRAITS]
            kinds = (view.neurons[:, best], together(view, best))
            by_residue = [residue_means(kind, q) for kind in kinds]
            parts = np.stack([explained_by_residue(kind, q) for kind in kinds], axis=1)
            top = view.neurons[:, best].max(0)
            images.append(np.round(255 * view.neurons[:, best] / top).T.astype(np.uint8))
            means.append(np.stack(by_residue).transpose(2, 0, 1).astype("<f4"))
            portraits.append(
                [
                    {"index": int(one), "top": float(top[i]), "shares": parts[i].tolist()}
                    for i, one in enumerate(best)
                ]
            )
        if sum(image.nbytes for image in images) <= MAX_BYTES:
            self.images = b"".join(image.tobytes() for image in images)
            self.means = b"".join(mean.tobytes() for mean in means)
            self.portraits = portraits

    def picture(self) -> Figure:
        """The staircase of the neurons."""
        return plots.neurons_by_task({"the network": self._stairs}, self._qs)
