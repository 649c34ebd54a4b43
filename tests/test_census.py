"""The fast census equals the readable functions, and its counts are what they say."""

import time

import numpy as np
import pandas as pd
import pytest
from ideal import ideal_view, random_view

from modlib.analysis import census as rooms
from modlib.analysis.census import (
    Census,
    census,
    cluster_votes,
    embedding_statistics,
    stack_census,
)
from modlib.analysis.clusters import cluster_neurons, correct_ranks, fit_cosine
from modlib.analysis.neurons import neuron_table
from modlib.analysis.tables import describe
from modlib.analysis.view import Factors, NeuronView
from modlib.fourier import cosine, dft


def bent_view(n: int = 31, seed: int = 0) -> NeuronView:
    """Two clusters, one of several harmonics, noise on every weight, a bias, and skip paths."""
    generator = np.random.default_rng(seed)
    waves = ideal_view(n, {3: 9, 7: 6}, third=0.2, num_dead=2)
    tuned = 2 * (cosine(n, 5) + 0.9 * cosine(n, 10, 2.0) + 0.6 * cosine(n, 20, 1.0))
    preact = np.concatenate([waves.preact_a, np.tile(tuned[:, None], 4)], axis=1)

    def noise(*shape: int) -> np.ndarray:
        return 0.1 * generator.normal(size=shape)

    num_neurons = preact.shape[1]
    w_out = np.concatenate([waves.w_out, np.tile(cosine(n, 5, 2.0), (4, 1))])
    return NeuronView(
        n=n,
        preact_a=preact + noise(*preact.shape),
        preact_b=preact + noise(*preact.shape),
        b_in=noise(num_neurons),
        w_out=w_out + noise(num_neurons, n),
        b_out=noise(n),
        skip_a=noise(n, n),
        skip_b=noise(n, n),
    )


VIEWS = {
    "bent": bent_view(),
    "even": ideal_view(30, {3: 6, 10: 5, 15: 4}, num_dead=1),
    "cosets": ideal_view(21, {7: 5, 3: 4, 1: 3}, third=0.1),
    "random": random_view(31, 20),
    "small": ideal_view(3, {1: 3}, num_dead=1),
}


@pytest.fixture(params=VIEWS)
def view(request):
    return VIEWS[request.param]


@pytest.mark.parametrize("max_votes", [1, 4000, 10**9])
def test_votes_are_those_of_the_readable_functions(view, max_votes, monkeypatch):
    monkeypatch.setattr(rooms, "MAX_VOTES", max_votes)
    clusters = cluster_neurons(view).clusters
    table, margin = cluster_votes(view, clusters)
    assert len(table) == len(clusters)
    for cluster, row in zip(clusters, table.itertuples(), strict=True):
        contribution = view.contribution(cluster.neurons)
        fit = fit_cosine(contribution, cluster.freq)
        ranks = correct_ranks(contribution)
        assert (row.cluster, row.freq, row.gcd) == (cluster.index, cluster.freq, cluster.coset_size)
        assert (row.num_neurons, row.kind) == (cluster.num_neurons, cluster.kind)
        np.testing.assert_allclose(
            [row.amplitude, row.explained, row.rank_mean], [*fit, ranks.mean()], rtol=1e-6
        )
        assert row.rank_0 == np.float32((ranks < 0.5).mean())
        assert row.rank_5 == np.float32((ranks <= 5).mean())
        counts = np.bincount(np.floor(ranks).astype(int).ravel(), minlength=view.n)
        np.testing.assert_array_equal(row.rank_counts, counts)
    assert margin == pytest.approx(view.evaluate().margin, rel=1e-9, abs=1e-9)


def test_a_network_is_counted_as_it_is_described(view):
    slow, fast = describe(view), census(view)
    for name in fast.networks.columns.intersection(slow.summary.columns):
        assert fast.networks[name].iloc[0] == pytest.approx(slow.summary[name].iloc[0], rel=1e-6)
    shared = fast.neurons.columns.intersection(slow.neurons.columns)
    missing = {"seed", "share_1", "share_2", "share_3"} - {"seed"}
    assert set(fast.neurons.columns) - set(shared) == missing
    for name in shared:
        expected = slow.neurons[name].astype(fast.neurons[name].dtype)
        pd.testing.assert_series_equal(fast.neurons[name], expected, check_index=False)


def test_leading_shares_are_shares_of_power():
    neurons = census(bent_view()).neurons
    one = neurons[neurons.kind == "fine-tuning"].iloc[0]
    assert [one.freq_1, one.freq_2, one.freq_3] == [5, 10, 11]
    wanted = np.array([1, 0.81, 0.36]) / 2.17
    np.testing.assert_allclose([one.share_1, one.share_2, one.share_3], wanted, rtol=0.2)
    np.testing.assert_allclose(one.residual**2, 1 - one.share_1, rtol=1e-5)


@pytest.mark.parametrize(("limit", "percent"), [(0.01, "01"), (0.03, "03"), (0.10, "10")])
def test_the_grid_counts_clusters_at_each_pair_of_thresholds(view, limit, percent, monkeypatch):
    counts = census(view).networks.iloc[0]
    monkeypatch.setattr(
        "modlib.analysis.clusters.neuron_table", lambda v: neuron_table(v, dead_below=limit)
    )
    for size in (2, 3, 5, 8):
        expected = len(cluster_neurons(view, min_size=size).clusters)
        assert counts[f"clusters_{size}_{percent}"] == expected


def test_weights_are_counted_in_bins_around_zero():
    embed_a = np.array([[0.0, 0.012], [-0.013, 1.5], [9.0, -9.0]])
    factors = Factors(embed_a, np.full((3, 2), -0.03), np.eye(2), np.eye(2))
    found = embedding_statistics(factors)
    assert found["num_weights"] == 12
    assert found["share_above_1"] == pytest.approx(3 / 12)
    assert found["share_within_025"] == pytest.approx(3 / 12)
    assert found["abs_max"] == 9.0
    counts = found["weight_counts"]
    assert (len(counts), counts.sum()) == (241, 12)
    assert [counts[i] for i in (120, 119, 180, 0, 240)] == [2, 1 + 6, 1, 1, 1]


def test_a_view_without_embeddings_has_no_weights_to_count():
    found = census(bent_view()).networks.iloc[0]
    assert found.num_weights == 0
    assert np.isnan(found.share_above_1)
    assert found.weight_counts.sum() == 0


def test_the_window_counts_neurons_by_frequency():
    """At n = 31 an amplitude of 1 is a magnitude of 15.5: inside, where 2 and .2 are outside."""
    n = 31
    strong, middle, weak = (2 * cosine(n, 3), 1.0 * cosine(n, 5), 0.2 * cosine(n, 6))
    preact = np.stack([strong, strong + middle, strong + weak, middle], axis=1)
    view = NeuronView(
        n=n,
        preact_a=preact,
        preact_b=2 * preact,
        b_in=np.zeros(4),
        w_out=np.stack([cosine(n, 3)] * 3 + [np.zeros(n)]),
        b_out=np.zeros(n),
        skip_a=np.zeros((n, n)),
        skip_b=np.zeros((n, n)),
    )
    assert census(view).neurons.kind.tolist() == ["simple", "fine-tuning", "simple"]
    window = census(view).window
    assert window.to_dict("list") == {"freq": [5], "num_neurons": [2], "num_fine_tuning": [1]}


def test_the_window_is_that_of_the_transform_of_a():
    view = bent_view()
    magnitude = np.abs(dft(view.preact_a.T))[:, 1:]
    inside = ((magnitude > 7.5) & (magnitude < 30)).sum(0)
    window = census(view).window
    assert window.freq.tolist() == (np.flatnonzero(inside) + 1).tolist()
    assert window.num_neurons.tolist() == inside[inside > 0].tolist()


def test_stacked_tables_keep_columns_and_types_where_networks_are_empty():
    parts = [census(random_view(31, 20)), census(ideal_view(31, {3: 8, 9: 4}))]
    for order in ([0, 1], [1, 0], [0], [1]):
        stacked = stack_census([parts[i] for i in order], [10 + i for i in order])
        assert isinstance(stacked, Census)
        for table, whole in zip(stacked, parts[1], strict=True):
            assert table.columns.tolist() == ["seed", *whole.columns]
            assert table.dtypes[1:].equals(whole.dtypes)
        assert stacked.networks.seed.tolist() == [10 + i for i in order]
        assert stacked.clusters.seed.tolist() == [11, 11] * (1 in order)


def test_tables_come_back_from_parquet(tmp_path):
    stacked = stack_census([census(view) for view in VIEWS.values()], range(len(VIEWS)))
    for name, table in zip(Census._fields, stacked, strict=True):
        table.to_parquet(tmp_path / name, index=False)
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / name), table)


@pytest.mark.slow
def test_a_census_takes_a_fraction_of_a_description():
    view = ideal_view(91, {3: 18, 20: 17, 36: 16, 14: 15, 7: 14}, num_dead=48)

    def seconds(function) -> float:
        function(view)
        began = time.process_time()
        function(view)
        return time.process_time() - began

    assert seconds(census) < seconds(describe) / 10
