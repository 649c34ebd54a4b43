"""What comes early and is gone at the end: the wave of q = 2, taken out of a training under way.

Soon after the start a large part of all neurons tells even from odd numbers; at the end few do. Did
it help what is learned later? The wave comes in through alternating coordinates of the digits'
embeddings; all others stay where it is taken out. ``ablated`` loses it after ``CHANGED_AFTER``
steps and trains on; ``perturbed`` keeps it and gets a change of the same size and the same
direction in the stream along a random wave, its control.

Source: paper B, future work; the abstract of its text of 2026 ("general but temporary structures").
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from modlib.config.remainders import CHANGED, CHANGED_AFTER
from modlib.maths import rng
from modlib.tasks.remainders import RemaindersTask
from modlib.training.flat import named_views
from modlib.training.remainders.step import FastStep


def change(task: RemaindersTask, network: FastStep) -> None:
    """Change a network's token embeddings in place; moments and gradients stay."""
    # A device's state is fetched into the network's own arrays, also while another is taken up.
    state = {name: array.copy() for name, array in network.state().items()}
    tok = named_views(state["theta"], network.shapes)["tok"]
    tok[...] = changed(task, tok)
    network.restore(state)


def changed(task: RemaindersTask, tok: Float[np.ndarray, "token embed"]) -> np.ndarray:
    """The token embeddings after the change that a task asks for; the answer's row stays.

    With u the alternating vector over digits, less its mean and of length 1: E - u (u^T E), or
    E + r (u^T E) for a random unit vector r that is orthogonal to u and to the constant.
    """
    wave, random = directions(task)
    digits = tok[: task.config.p].astype(float)
    part = wave @ digits
    moved = -np.outer(wave, part) if task.config.task == CHANGED[0] else np.outer(random, part)
    return np.concatenate([digits + moved, tok[task.config.p :]]).astype(tok.dtype)


def directions(
    task: RemaindersTask,
) -> tuple[Float[np.ndarray, " digit"], Float[np.ndarray, " digit"]]:
    """The alternating vector over digits and the seed's random one, each of length 1."""
    p = task.config.p
    wave = np.where(np.arange(p) % 2, -1.0, 1.0)
    wave -= wave.mean()
    wave /= np.linalg.norm(wave)
    random = rng.normals(task.seed, rng.INTERVENTION, CHANGED_AFTER, p)
    random -= random.mean()
    random -= wave * (wave @ random)
    return wave, random / np.linalg.norm(random)
