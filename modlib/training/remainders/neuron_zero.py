"""The first neurons' spectra at every step: what the authors' count of frequencies is made of.

``FirstNeurons`` is what their program does, step for step (figure 16, table 3). ``NeuronZero`` is
the earlier reading of it, kept for the ledger's first edition: no dropout, the whole image, a sum
over the other digit without the mean's cell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import scipy.fft
from jaxtyping import Float, Int

from modlib.config.remainders import RemaindersConfig
from modlib.store.schema import Array
from modlib.tasks.remainders import RemaindersTask, as_grid
from modlib.training.kernels.attention import attended
from modlib.training.remainders.buffers import Tables
from modlib.training.remainders.schedule import dropout
from modlib.training.remainders.step import FastStep

WINDOW = 3
"""Epochs that are smoothed over."""

NUM_FOLLOWED = 5
"""Neurons whose spectra the authors' program takes; its count is of the first."""


def first_neurons(
    network: FastStep,
    tables: Tables,
    count: int = NUM_FOLLOWED,
    keep: Float[np.ndarray, " embed"] | None = None,
) -> Float[np.ndarray, "neuron x0 x1"]:
    """The activations of the first neurons for every pair of digits, in float64.

    ``keep``: the factors of dropout after attention, None without it. A preactivation is a mean of
    numbers over tokens, so no vector need be added.
    """
    p = network.config.p
    w_in, o = network.parameters["w_in"][:, :count].astype(float), network.parameters["o"]
    if keep is not None:
        w_in *= keep[:, None]
    scores = tables.scores.astype(float)
    powers = np.exp(scores - scores.max(0)).T.copy()
    # (head, t, neuron): what a neuron hears of a token through a head.
    read = tables.heads.astype(float) @ (o.astype(float) @ w_in)
    base = tables.embedded[-1].astype(float) @ w_in
    images: np.ndarray = np.empty((count, p, p))
    attended(powers, powers * read.transpose(2, 0, 1), base, images)
    return images


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
        magnitudes = np.abs(scipy.fft.rfft2(first_neurons(network, tables, 1)[0]))
        magnitudes[0, 0] = 0.0
        self.recent[step % WINDOW] = magnitudes
        if step in self.steps:
            count = min(step + 1, WINDOW)
            self.smoothed.append((self.recent.sum(0) / count).astype(np.float32))

    def arrays(self, done: int) -> dict[str, Array]:
        """What has been gathered before so many steps were looked at."""
        made = sum(step < done for step in self.steps)
        shape = self.recent.shape[1:]
        return {
            "recent": Array(self.recent.shape, np.float64, least=0.0),
            "smoothed": Array((made, *shape), least=0.0),
        }

    def state(self) -> dict[str, np.ndarray]:
        """What has been gathered."""
        smoothed = np.array(self.smoothed, dtype=np.float32).reshape(-1, *self.recent.shape[1:])
        return {"recent": self.recent, "smoothed": smoothed}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""
        self.recent = state["recent"].copy()
        self.smoothed = list(state["smoothed"])


def coded_epochs(config: RemaindersConfig) -> Int[np.ndarray, " column"]:
    """The epochs, from 1, that the authors' figure 16 shows: evenly spaced in the logarithm.

    Three a frequency (168 at p = 113), cut to whole numbers, so that early ones come repeatedly;
    the last two epochs are lost to the smoothing.
    """
    smoothed, columns = config.steps - WINDOW + 1, 3 * ((config.p - 1) // 2)
    if smoothed < 1:
        return np.zeros(0, dtype=int)
    spaced = np.logspace(0, np.log10(smoothed), columns)
    return np.clip(spaced.astype(int), 1, smoothed)


class FirstNeurons:
    """Follows the spectra of the first neurons as the authors' program takes them.

    Epoch t (from 0) is seen after its update: numbers trained on with the activations that its
    gradient was taken at, dropout on, the others with the new parameters and without dropout. Each
    neuron's p x p image loses its first row and column; the magnitudes of its real 2-D transform
    are averaged over the first digit's frequencies, the mean's cell among them; and over
    ``WINDOW`` epochs. ``smoothed`` (column, neuron, freq = 0 .. (p - 1) / 2) keeps the means of
    the epochs ``epochs`` (see ``coded_epochs``) and the two that follow; 0 before they are made.
    """

    def __init__(self, task: RemaindersTask) -> None:
        self.config, self.seed = task.config, task.seed
        config = task.config
        trained = np.isin(np.arange(config.p**2), task.split["train"])
        self.trained = as_grid(config, trained.astype(np.int8)) == 1
        self.epochs = coded_epochs(config)
        shape = (NUM_FOLLOWED, (config.p - 1) // 2 + 1)
        self.smoothed = np.zeros((len(self.epochs), *shape), dtype=np.float32)
        self.recent = np.zeros((WINDOW, *shape))
        self.seen = np.zeros((NUM_FOLLOWED, config.p, config.p), dtype=np.float32)

    def follow(self, step: int, network: FastStep, tables: Tables) -> None:
        """Complete the epoch that ended with ``step`` updates, and look at the next one's start."""
        if step > 0:
            images = np.where(self.trained, self.seen, first_neurons(network, tables))
            spectra = np.abs(scipy.fft.rfft2(images[:, 1:, 1:]))
            self.recent[step % WINDOW] = spectra.mean(1)
            self.smoothed[self.epochs == step - WINDOW + 1] = self.recent.mean(0)
        if step < self.config.steps:
            masks = dropout(self.config, self.seed, step)
            self.seen[...] = first_neurons(network, tables, keep=masks and masks[0])

    def arrays(self, done: int) -> dict[str, Array]:
        """What has been gathered; of these sizes from the beginning, whatever is ``done``."""
        return {
            "epochs": Array(self.epochs.shape, np.int64, self.epochs.tolist()),
            "smoothed": Array(self.smoothed.shape, least=0.0),
            "recent": Array(self.recent.shape, np.float64, least=0.0),
            "seen": Array(self.seen.shape, least=0.0),
        }

    def state(self) -> dict[str, np.ndarray]:
        """What has been gathered."""
        names = ("epochs", "smoothed", "recent", "seen")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""
        for name in ("smoothed", "recent", "seen"):
            getattr(self, name)[...] = state[name]
