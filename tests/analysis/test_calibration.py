"""The rule for diffuse neurons: no cluster in noise, none lost of those that were planted."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.battery import clusters_of
from modlib.models.foreign.layouts import AXES
from modlib.models.foreign.load import from_tensors
from modlib.models.foreign.planted import planted_tensors, random_tensors

RATES = {"zhong_transformer": (0.0, 1.0)}
CASES = [(layout, rate) for layout in AXES for rate in RATES.get(layout, (None,))]
FREQS = [3, 7, 11, 14]


def clusters(tensors, layout, rate):
    network = from_tensors(tensors, layout=layout, attention_rate=rate)
    return {cluster.freq: cluster.num_neurons for cluster in clusters_of(network).clusters}


@pytest.mark.parametrize(("layout", "rate"), CASES)
def test_random_networks_have_no_cluster(layout, rate):
    for n in (13, 31):
        found = [clusters(random_tensors(layout, n, seed), layout, rate) for seed in range(3)]
        assert found == [{}] * 3


@pytest.mark.slow
@pytest.mark.parametrize("n", [13, 59])
@pytest.mark.parametrize(("layout", "rate"), CASES)
def test_of_200_random_networks_one_in_a_hundred_has_a_cluster_at_most(layout, rate, n):
    seeds = range(100, 300)
    found = [clusters(random_tensors(layout, n, seed), layout, rate) for seed in seeds]
    assert sum(map(bool, found)) <= 2


@pytest.mark.parametrize(("layout", "rate"), CASES)
def test_planted_clusters_are_all_found_in_noise_too(layout, rate):
    planted = planted_tensors(layout, 31, FREQS)
    generator = np.random.default_rng(0)
    noisy = {
        name: array + 0.05 * array.std() * generator.normal(size=array.shape)
        for name, array in planted.items()
    }
    for tensors in (planted, noisy):
        assert clusters(tensors, layout, rate) == dict.fromkeys(FREQS, 16)
