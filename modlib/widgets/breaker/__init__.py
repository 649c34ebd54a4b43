"""Break it: neurons taken out of a trained network, weights disturbed, answers lost."""

from __future__ import annotations

from typing import ClassVar

import traitlets

from modlib.widgets.network import NetworkFigure

ALL = -2
"""Noise on every neuron, in place of a cluster's index."""


class BreakIt(NetworkFigure):
    """Accuracy, loss and smallest margin on all pairs while neurons are out or disturbed.

    ``removed``: places of neurons among those kept; ``sigma``: noise as in ``ApproximateCRT``, on
    the neurons of cluster ``noisy``, or on all.
    """

    NAME: ClassVar[str] = "breaker"
    LINKED: ClassVar[tuple[str, ...]] = ("removed", "sigma", "noisy")

    removed = traitlets.List(traitlets.Int()).tag(sync=True)
    sigma = traitlets.Float().tag(sync=True)
    noisy = traitlets.Int(ALL).tag(sync=True)
