"""The first neuron's spectrum at every step: what the authors' count of frequencies is made of.

Their code smooths it over three epochs. The smoothed spectra of chosen steps are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import scipy.fft
from jaxtyping import Float

from modlib.training.transformer import FastStep, Tables

WINDOW = 3
"""Epochs that are smoothed over."""


def first_neuron(network: FastStep, tables: Tables) -> Float[np.ndarray, "x0 x1"]:
    """The activation of neuron 0 for every pair of digits, without dropout, in float64.

    Its preactivation is a mean of numbers over tokens, so no vector need be added.
    """
    p = network.config.p
    w_in, o = network.parameters["w_in"][:, 0].astype(float), network.parameters["o"]
    scores = tables.scores.astype(float)
    reads = np.einsum("htd,hd->th", tables.heads.astype(float), o.astype(float) @ w_in)
    powers = np.exp(scores - scores.max(0))
    at_0, at_1, at_2 = powers[:p, None], powers[None, p : 2 * p], powers[2 * p]
    top = at_0 * reads[:p, None] + at_1 * reads[None, p : 2 * p] + at_2 * reads[2 * p]
    attended = (top / (at_0 + at_1 + at_2)).sum(-1)
    return np.maximum(attended + tables.embedded[-1].astype(float) @ w_in, 0.0)


class NeuronZero:
    """Follows the spectrum of neuron 0; ``steps``: those whose smoothed spectrum is kept.

    ``smoothed`` (step, f0, f1): mean magnitudes of the last three steps, f1 = 0 .. p // 2.
    """

    def __init__(self, p: int, steps: Collection[int]) -> None:
        self.steps = set(steps)
        self.recent = np.zeros((WINDOW, p, p // 2 + 1))
        self.smoothed: list[Float[np.ndarray, "f0 f1"]] = []

    def follow(self, step: int, network: FastStep, tables: Tables) -> None:
        """Add the spectrum after ``step`` steps."""
        magnitudes = np.abs(scipy.fft.rfft2(first_neuron(network, tables)))
        magnitudes[0, 0] = 0.0
        self.recent[step % WINDOW] = magnitudes
        if step in self.steps:
            count = min(step + 1, WINDOW)
            self.smoothed.append((self.recent.sum(0) / count).astype(np.float32))

    def state(self) -> dict[str, np.ndarray]:
        """What has been gathered."""
        smoothed = np.array(self.smoothed, dtype=np.float32).reshape(-1, *self.recent.shape[1:])
        return {"recent": self.recent, "smoothed": smoothed}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""
        self.recent = state["recent"].copy()
        self.smoothed = list(state["smoothed"])
