"""Planted networks that can, or can't, do without their clusters."""

import numpy as np
import pandas as pd
import pytest

from modlib.analysis.many_seeds.redundancy import redundancy


def planted(num_clusters, seeds, kept):
    """Networks whose first ``kept`` clusters can go: loss doubles, else it grows tenfold."""
    rows = [
        (seed, 1.0 if k < kept else 0.9, 0.02 if k < kept else 0.1, 0.04)
        for seed in seeds
        for k in range(num_clusters)
    ]
    columns = ["seed", "removed_accuracy", "removed_loss", "control_loss"]
    return pd.DataFrame(rows, columns=columns)


def test_shares_and_losses_are_those_planted():
    clusters = pd.concat([planted(4, range(10), 1), planted(5, range(10, 30), 5)])
    summary = pd.DataFrame({"seed": np.arange(30), "loss": 0.01})
    found = redundancy(clusters, summary)
    by = found.by_number.set_index("num_clusters")
    assert by.num_seeds.to_dict() == {4: 10, 5: 20}
    np.testing.assert_allclose(by.keeps, [0.25, 1.0])
    np.testing.assert_allclose(by.removed, [2**0.25 * 10**0.75, 2.0])
    np.testing.assert_allclose(by.control, 4.0)
    assert found.keeps.value == pytest.approx((10 + 100) / 140)
    assert found.keeps.low <= found.keeps.value <= found.keeps.high
    assert found.each.value == pytest.approx(20 / 30)
    assert found.cheaper.value == pytest.approx((10 + 100) / 140)
    assert found.num_seeds == 30


def test_numbers_of_clusters_that_few_networks_have_are_left_out():
    clusters = pd.concat([planted(4, range(4), 1), planted(5, range(4, 30), 5)])
    summary = pd.DataFrame({"seed": np.arange(30), "loss": 0.01})
    assert redundancy(clusters, summary).by_number.num_clusters.tolist() == [5]
