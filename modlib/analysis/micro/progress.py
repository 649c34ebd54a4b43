"""When the frequencies of a network stand, seen through training."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def settled_epoch(
    epochs: Int[np.ndarray, " epoch"], share: Float[np.ndarray, "epoch freq"], at_least: float
) -> tuple[list[int], int]:
    """The last epoch's set of frequencies with a share of ``at_least``, and since when it stands.

    That is the first measured epoch from which on no frequency enters or leaves the set.
    """
    present = share >= at_least
    changed = np.flatnonzero((present != present[-1]).any(1))
    since = changed[-1] + 1 if len(changed) else 0
    return [int(freq) for freq in np.flatnonzero(present[-1])], int(epochs[since])
