from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from made_up.sweeps import made_up
from modlib.analysis.many_seeds import distributions as dist


def test_summed_shares_are_those_of_the_counts_with_the_interval_of_a_mean():
    generator = np.random.default_rng(0)
    counts = generator.poisson([100, 50, 5], (400, 3))
    sums = pd.DataFrame(
        {"learned": True, "rank": [0, 1, 2], "count": counts.sum(0), "sd": counts.std(0, ddof=1)}
    )
    failed = sums.assign(learned=False, count=7)
    table = dist.summed_shares(pd.concat([sums, failed]), "rank", 400)
    np.testing.assert_allclose(table.share, counts.sum(0) / counts.sum())
    half = 1.96 * counts.std(0, ddof=1) / np.sqrt(400) / counts.sum(1).mean()
    np.testing.assert_allclose(table.high - table.share, half, rtol=1e-3)
    assert dist.summed_shares(failed, "rank", 1, learned=False).share.sum() == pytest.approx(1)


def test_the_number_of_networks_is_read_from_the_histogram():
    tables = made_up(num_seeds=30, failed=4)
    size = int(tables.networks.num_weights.iloc[0])
    assert dist.num_summed(tables.histogram, size) == 26
    assert dist.num_summed(tables.histogram, size, learned=False) == 4


def test_shares_of_numbers_add_up():
    table = dist.number_shares(np.array([3, 5, 5, 3, 3]))
    assert table.clusters.tolist() == [3, 4, 5]
    np.testing.assert_allclose(table.share, [0.6, 0, 0.4])
    assert (table.low <= table.share).all()


def test_means_leave_out_groups_without_an_interval():
    table = dist.means({"a": np.array([1, 3]), "b": np.array([4])}, "name")
    assert table.name.tolist() == ["a"]
    row = table.iloc[0]
    assert row["mean"] == 2
    assert row.deviation == pytest.approx(np.sqrt(2))
    assert row.low <= 2 <= row.high


def test_shares_that_learned_have_wilsons_interval():
    table = dist.learned_shares({31: np.array([True] * 8 + [False] * 2), 91: np.array([True] * 5)})
    assert table.share.tolist() == [0.8, 1.0]
    assert table.networks.tolist() == [10, 5]
    assert table.high[1] == pytest.approx(1)
    assert 0.4 < table.low[0] < 0.5


def test_thresholds_are_read_from_the_names_of_the_columns():
    networks = pd.DataFrame({"clusters_2_01": [5, 7], "clusters_8_10": [1, 2], "num_clusters": 4})
    table = dist.threshold_means(networks)
    assert table.min_size.tolist() == [2, 8]
    assert table.dead_below.tolist() == [0.01, 0.1]
    assert table["mean"].tolist() == [6.0, 1.5]


def test_the_interval_of_a_ratio_holds_what_it_says():
    """Networks differ in their clusters, and so in how many ranks they count."""
    generator = np.random.default_rng(3)
    rows = []
    for _ in range(300):
        clusters = generator.integers(3, 8, 200)
        counts = generator.binomial(clusters * 50, 0.3)
        sums = pd.DataFrame(
            {"learned": [True], "rank": [0], "count": [counts.sum()], "sd": [counts.std()]}
        )
        rest = sums.assign(rank=1, count=(clusters * 50 - counts).sum())
        found = dist.summed_shares(
            pd.concat([sums, rest]), "rank", 200, total_sd=(clusters * 50).std()
        )
        rows.append(found.low[0] < 0.3 < found.high[0])
    assert np.mean(rows) > 0.95
