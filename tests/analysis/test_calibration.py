"""The rule for diffuse neurons: no cluster in noise, none lost of those that were planted."""

from __future__ import annotations

import pytest

from modlib.analysis.battery import clusters_of
from modlib.models.foreign.load import from_tensors
from modlib.results.show_calibration import (
    ACTIVATIONS,
    CASES,
    FREQS,
    N,
    planted,
    random_counts,
    read_calibration,
)


@pytest.mark.parametrize(("layout", "rate"), CASES)
def test_random_networks_have_no_cluster(layout, rate):
    for n in (13, 31):
        assert random_counts(layout, rate, range(3), n)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("n", [13, 59])
@pytest.mark.parametrize(("layout", "rate"), CASES)
def test_of_200_random_networks_one_in_a_hundred_has_a_cluster_at_most(layout, rate, n):
    with_cluster, with_task = random_counts(layout, rate, range(1000, 1200), n)
    assert with_cluster <= 2
    assert with_task <= 2


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize(("layout", "rate"), CASES)
def test_planted_clusters_are_all_found_in_noise_too(layout, rate, noise, activation):
    network = from_tensors(
        planted(layout, noise, activation),
        layout=layout,
        attention_rate=rate,
        activation=activation,
    )
    found = {cluster.freq: cluster.num_neurons for cluster in clusters_of(network).clusters}
    assert (found, network.n) == (dict.fromkeys(FREQS, 16), N)


def test_the_committed_table_keeps_the_promise():
    table = read_calibration()
    if table is None:
        pytest.skip("no calibration is committed")
    assert (table["random"] == 200).all()
    assert (table["with a cluster"] <= 2).all()
    assert (table["with a task"] <= 2).all()
    assert (table[["found", "n", "task"]].eq(table.planted, axis=0)).all(axis=None)
