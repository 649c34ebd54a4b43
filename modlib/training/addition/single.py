"""One network for the store: by the compiled steps where they can, else by the readable loop.

It has the bits of the ensemble's network of the same seed, and a saved state is that of the loop:
what one of the two began, the other finishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from modlib.config.addition import AdditionConfig
from modlib.machine import one_thread, subnormal_as_zero
from modlib.models.mlp import PARAMETERS, TwoEmbeddingMLP, build
from modlib.store.checkpoint import Checkpoint
from modlib.tasks.addition import AdditionTask
from modlib.training.addition import loop
from modlib.training.addition.loop import LoopTraining, Trained
from modlib.training.addition.network import Network
from modlib.training.resume import Probe

MOMENTS = ("exp_avg", "exp_avg_sq")
"""What torch's Adam calls its means of the gradient and of its square."""


class CompiledTraining(LoopTraining):
    """The loop's training with the network in the kernels' memory."""

    def begin(self) -> None:
        """The network as it is drawn."""
        self.compiled = Network(self.task.config, self.task.seed)
        self.steps = 0

    def advance(self, done: int) -> None:
        """One pass over the training pairs."""
        self.compiled.run_epochs(done, done + 1)
        self.steps = (done + 1) * self.task.config.steps_per_epoch

    def scores(self) -> dict[str, float]:
        """Loss and accuracy."""
        return self.compiled.evaluate()

    def network(self) -> TwoEmbeddingMLP:
        """A module that holds copies of the parameters."""
        return build(self.task.config, self.weights())

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the parameters by name."""
        return self.compiled.weights

    def slots(self) -> dict[int, dict[str, np.ndarray]]:
        """What torch's Adam would hold of each parameter: nothing before its first step."""
        if not self.steps:
            return {}
        first, second = self.compiled.moments
        step = np.array(self.steps, dtype=np.float32)
        held = (dict(zip(MOMENTS, (first[name], second[name]), strict=True)) for name in PARAMETERS)
        return {index: {"step": step, **of} for index, of in enumerate(held)}

    def take_up(
        self, weights: Mapping[str, np.ndarray], slots: Mapping[int, Mapping[str, np.ndarray]]
    ) -> None:
        """Go on from parameters by name and what Adam held of each."""
        if not slots:  # before the first step the network is as its seed draws it
            return
        self.steps = int(slots[0]["step"])
        moments = ({name: slots[k][of] for k, name in enumerate(PARAMETERS)} for of in MOMENTS)
        self.compiled.restore(weights, *moments)


def train(
    task: AdditionTask[AdditionConfig],
    *,
    device: torch.device,
    probes: Sequence[Probe[TwoEmbeddingMLP]] = (),
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> Trained:
    """Train one network (paper A, section 4): arguments and errors as for ``loop.train``."""
    # A task of another kind has other answers than the kernels' a + b.
    if device.type != "cpu" or type(task) is not AdditionTask:
        return loop.train(
            task, device=device, probes=probes, checkpoint=checkpoint, progress=progress
        )
    with one_thread(), subnormal_as_zero():
        return loop.finish(CompiledTraining(task, device, probes), checkpoint, progress)
