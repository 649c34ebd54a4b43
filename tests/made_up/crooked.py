"""A made-up network like a trained one: crooked clusters, and neurons of none."""

from __future__ import annotations

import numpy as np

from made_up.addition import history_of, run_of
from made_up.views import ideal_view
from modlib.config.addition import AdditionConfig
from modlib.runs.addition import AdditionRun
from modlib.widgets.network import BY_NEURON

CLUSTERS, NUM_LOOSE = {2: 12, 5: 10, 7: 8}, 6
NUM_NEURONS = sum(CLUSTERS.values()) + NUM_LOOSE
CROOKED = AdditionConfig(n=23, embed_dim=sum(CLUSTERS.values()), num_neurons=NUM_NEURONS, epochs=1)


def crooked_run() -> AdditionRun:
    """Planted clusters with crooked weights, and neurons of no cluster."""
    generator = np.random.default_rng(1)
    planted = run_of(CROOKED, history_of([1.0], [1.0]), view=ideal_view(CROOKED.n, CLUSTERS))
    for name, weights in planted.weights.items():
        axis = 1 if name == "unembed.weight" else 0
        crooked = weights + 0.03 * generator.normal(size=weights.shape)
        if name in BY_NEURON:
            shape = list(weights.shape)
            shape[axis] = NUM_LOOSE
            crooked = np.append(crooked, 0.15 * generator.normal(size=shape), axis)
        planted.weights[name] = crooked.astype(np.float32)
    assert [c.freq for c in planted.clustering.clusters] == list(CLUSTERS)
    return planted
