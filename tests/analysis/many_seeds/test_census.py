"""The fast census equals the readable functions, and its counts are what they say."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.macro.crt import separation
from modlib.analysis.macro.tables import describe
from modlib.analysis.many_seeds import cluster_votes as rooms
from modlib.analysis.many_seeds.census import (
    Census,
    census,
    cluster_shapes,
    embedding_statistics,
    stack_census,
)
from modlib.analysis.many_seeds.cluster_votes import NUM_DRAWS, cluster_votes, control_neurons
from modlib.analysis.many_seeds.separation import DELTA
from modlib.analysis.meso.clusters import cluster_neurons, correct_ranks, fit_cosine
from modlib.analysis.meso.interventions import removal_curve
from modlib.analysis.micro.neurons import input_magnitude, is_live, neuron_table
from modlib.analysis.micro.simple_model import simple_model
from modlib.config.thresholds import DEFAULT
from modlib.maths import rng
from modlib.maths.circular import chance_nearest
from modlib.maths.fourier import circular_difference, cosine
from modlib.models.views.neuron_view import Factors, NeuronView, score_logits


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
    "half": ideal_view(12, {6: 16, 1: 6}),
    "cosets": ideal_view(21, {7: 5, 3: 4, 1: 3}, third=0.1),
    "random": random_view(31, 20),
    "small": ideal_view(3, {1: 3}, num_dead=1),
}


@pytest.fixture(params=VIEWS)
def view(request):
    return VIEWS[request.param]


def live_of(view: NeuronView) -> np.ndarray:
    return np.flatnonzero(is_live(neuron_table(view)))


@pytest.mark.parametrize("max_votes", [1, 4000, 10**9])
def test_votes_are_those_of_the_readable_functions(view, max_votes, monkeypatch):
    monkeypatch.setattr(rooms, "MAX_VOTES", max_votes)
    clusters = cluster_neurons(view).clusters
    table, scores = cluster_votes(view, clusters, live_of(view))
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
    whole = view.evaluate()
    assert scores[1:] == pytest.approx(whole[1:], rel=1e-9, abs=1e-9)
    assert scores[:2] == pytest.approx(broken(view, np.array([], dtype=int)), rel=1e-9, abs=1e-9)


def broken(view: NeuronView, neurons: np.ndarray) -> tuple[float, float]:
    """Accuracy and loss without these neurons; ties up to rounding count as wrong."""
    left = score_logits(view.without(neurons).logits())
    tie = 1e-9 * np.abs(view.logits()).max()
    return float((left.margin > tie).mean()), float(left.loss.mean())


@pytest.mark.parametrize("max_votes", [1, 10**9])
def test_a_lost_cluster_costs_what_removing_its_neurons_does(view, max_votes, monkeypatch):
    monkeypatch.setattr(rooms, "MAX_VOTES", max_votes)
    clusters = cluster_neurons(view).clusters
    table, _ = cluster_votes(view, clusters, live_of(view))
    for cluster, row in zip(clusters, table.itertuples(), strict=True):
        found = row.removed_accuracy, row.removed_loss
        assert found == pytest.approx(broken(view, cluster.neurons), rel=1e-6)
        (readable,) = removal_curve(
            view, cluster.neurons, fractions=(1.0,), num_draws=1
        ).itertuples()
        assert row.removed_loss == pytest.approx(readable.loss, rel=1e-6)
        if view is VIEWS["bent"]:  # without ties
            assert row.removed_accuracy == pytest.approx(readable.accuracy, rel=1e-6)


@pytest.mark.parametrize("seed", [0, 7])
def test_a_control_loses_as_many_random_live_neurons(view, seed):
    clusters, live = cluster_neurons(view).clusters, live_of(view)
    table, _ = cluster_votes(view, clusters, live, seed=seed)
    for cluster, row in zip(clusters, table.itertuples(), strict=True):
        draws = [
            control_neurons(
                live, cluster.num_neurons, seed=seed, index=NUM_DRAWS * cluster.index + draw
            )
            for draw in range(NUM_DRAWS)
        ]
        expected = np.mean([broken(view, drawn) for drawn in draws], axis=0)
        assert (row.control_accuracy, row.control_loss) == pytest.approx(tuple(expected), rel=1e-6)


def test_controls_are_drawn_without_replacement_from_a_stream_of_their_own():
    live = np.array([2, 3, 5, 8, 13, 21, 34])
    drawn = [
        control_neurons(live, 4, seed=seed, index=index) for seed in (1, 2) for index in range(300)
    ]
    assert all(len(set(one.tolist())) == 4 for one in drawn)
    counts = np.bincount(np.concatenate(drawn), minlength=35)
    assert set(np.flatnonzero(counts)) == set(live)
    assert counts[live] == pytest.approx(600 * 4 / 7, rel=0.15)  # four standard deviations
    assert drawn[0].tolist() != drawn[300].tolist()
    streams = (rng.SPLIT, rng.INIT, rng.SHUFFLE, rng.INTERVENTION, rng.LABELS, rng.DROPOUT)
    assert rng.CONTROL not in streams


def test_the_networks_seed_draws_its_controls():
    view = VIEWS["bent"]
    one, other = census(view, seed=1).clusters, census(view, seed=2).clusters
    differ = {name for name in one if not one[name].equals(other[name])}
    assert differ == {"control_accuracy", "control_loss"}


def test_the_simple_model_is_scored_over_all_pairs(view):
    found = census(view).networks.iloc[0]
    table = neuron_table(view)
    for name, second in (("strict", False), ("strict_2f", True)):
        scores = simple_model(view, table, second=second).evaluate()
        expected = scores.accuracy, scores.loss
        assert (found[f"{name}_accuracy"], found[f"{name}_loss"]) == pytest.approx(expected)


def test_a_planted_double_is_what_the_simple_model_lacks():
    view = ideal_view(31, {3: 9, 7: 8, 12: 8})
    second = np.stack([0.3 * cosine(31, 2 * 3, 5 * i) for i in range(9)])
    w_out = view.w_out + np.concatenate([second, np.zeros((16, 31))])
    planted = census(replace(view, w_out=w_out)).networks.iloc[0]
    plain = census(view).networks.iloc[0]
    assert planted.strict_2f_loss == pytest.approx(planted.loss, rel=1e-6)
    assert planted.strict_loss == pytest.approx(plain.loss, rel=1e-6)
    assert planted.strict_loss != pytest.approx(planted.loss, rel=1e-3)


def test_the_gap_is_that_of_the_clusters_frequencies(view):
    found = census(view).networks.iloc[0]
    freqs = [cluster.freq for cluster in cluster_neurons(view).clusters]
    assert found.delta == np.float32(DELTA)
    if freqs:
        assert found.gap == pytest.approx(separation(view.n, freqs), abs=1e-6)
    else:
        assert np.isnan(found.gap)


def test_leading_frequencies_are_looked_for_among_the_clusters(view):
    neurons, freqs = census(view).neurons, [c.freq for c in cluster_neurons(view).clusters]
    for place in (1, 2):
        told = neurons[f"clustered_{place}"]
        assert told.dtype == bool
        assert told.tolist() == [freq in freqs for freq in neurons[f"freq_{place}"]]


def test_a_fine_tuning_neuron_of_two_clusters_says_so():
    n = 31
    view = ideal_view(n, {5: 6, 10: 6, 3: 6})
    tuned = 2 * (cosine(n, 5) + 0.9 * cosine(n, 10, 2.0))
    other = 2 * (cosine(n, 5) + 0.9 * cosine(n, 4, 2.0))
    both = np.stack([tuned, other], axis=1)
    view = replace(
        view,
        preact_a=np.concatenate([view.preact_a, both], axis=1),
        preact_b=np.concatenate([view.preact_b, both], axis=1),
        w_out=np.concatenate([view.w_out, np.tile(cosine(n, 5, 2.0), (2, 1))]),
        b_in=np.zeros(20),
        factors=None,
    )
    neurons = census(view).neurons
    last = neurons[neurons.kind == "fine-tuning"]
    assert last[["freq_1", "freq_2"]].to_numpy().tolist() == [[5, 10], [5, 4]]
    assert last[["clustered_1", "clustered_2"]].to_numpy().tolist() == [[True, True], [True, False]]


def test_axes_are_those_of_the_frequencys_own_plane():
    """An embedding of two ellipses in one plane of coordinates, and a frequency that is a line."""
    n = 31
    view = ideal_view(n, {4: 5, 9: 5, 11: 4})
    waves = [cosine(n, 4), 0.5 * cosine(n, 4, n / 4), 0.3 * cosine(n, 11)]
    other = [2 * cosine(n, 9), 0.8 * cosine(n, 9, n / 4)]
    embed_a = np.stack([waves[0] + other[1], waves[1] + other[0], waves[2]], axis=1)
    embed_b = np.stack([cosine(n, f, t) for f in (4, 9, 11) for t in (0, n / 4)], axis=1)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    factors = Factors(embed_a @ turn, 7 * embed_b, np.zeros((3, 14)), np.zeros((6, 14)))
    table = cluster_shapes(replace(view, factors=factors), cluster_neurons(view))
    assert table.axes_ratio_a.tolist() == pytest.approx([0.5, 0.4, 0.0], abs=1e-6)
    assert table.axes_ratio_b.tolist() == pytest.approx([1.0, 1.0, 1.0])


def test_axes_ratio_is_the_ratio_of_singular_values(view):
    clustering = cluster_neurons(view)
    table = cluster_shapes(view, clustering)
    for cluster, row in zip(clustering.clusters, table.itertuples(), strict=True):
        if view.factors is None or 2 * cluster.freq == view.n:
            assert np.isnan([row.axes_ratio_a, row.axes_ratio_b]).all()
            continue
        angle = 2 * np.pi * cluster.freq * np.arange(view.n) / view.n
        waves = np.stack([np.ones(view.n), np.cos(angle), np.sin(angle)], axis=1)
        for embedding, found in (
            (view.factors.embed_a, row.axes_ratio_a),
            (view.factors.embed_b, row.axes_ratio_b),
        ):
            coefficients = np.linalg.lstsq(waves, embedding)[0][1:]
            longer, shorter = np.linalg.svd(coefficients, compute_uv=False)
            assert found == pytest.approx(shorter / longer, abs=1e-6)


def test_phases_are_as_far_apart_as_their_nearest(view):
    clustering = cluster_neurons(view)
    table = cluster_shapes(view, clustering)
    for cluster, row in zip(clustering.clusters, table.itertuples(), strict=True):
        points = clustering.table[["t_a", "t_b"]].to_numpy()[cluster.neurons]
        if 2 * cluster.freq == view.n:
            assert row.num_phases == 0
            assert np.isnan([row.nearest, row.nearest_ratio]).all()
            continue
        assert row.num_phases == cluster.num_neurons
        apart = circular_difference(points[:, None] - points, view.n) / view.n
        distance = np.linalg.norm(apart, axis=2)
        np.fill_diagonal(distance, np.inf)
        nearest = distance.min(1).mean()
        assert row.nearest == pytest.approx(nearest, rel=1e-6, abs=1e-6)
        ratio = nearest / chance_nearest(row.num_phases)
        assert row.nearest_ratio == pytest.approx(ratio, rel=1e-6, abs=1e-6)


def test_a_single_phase_has_no_nearest():
    view = ideal_view(12, {6: 16})
    clustering = cluster_neurons(view)
    clustering.table.loc[clustering.clusters[0].neurons[0], ["t_a", "t_b"]] = [1.0, 2.0]
    (row,) = cluster_shapes(view, clustering).itertuples()
    assert row.num_phases == 1
    assert np.isnan([row.nearest, row.nearest_ratio]).all()


@pytest.mark.parametrize("n", [12, 31])
def test_a_dead_network_has_a_guesss_scores_and_no_rows(n):
    found = census(ideal_view(n, {}, num_dead=3))
    network = found.networks.iloc[0]
    assert (len(found.clusters), len(found.neurons), network.num_live) == (0, 0, 0)
    for name in ("", "strict_", "strict_2f_"):
        assert network[f"{name}accuracy"] == 0, "all answers are level"
        assert network[f"{name}loss"] == pytest.approx(np.log(n))
    assert np.isnan(network.gap)


def test_without_its_only_cluster_a_network_guesses():
    (row,) = census(ideal_view(23, {3: 9})).clusters.itertuples()
    assert (row.removed_accuracy, row.control_accuracy) == (0, 0)
    assert row.removed_loss == pytest.approx(np.log(23))
    assert row.control_loss == pytest.approx(np.log(23))


def test_a_network_is_counted_as_it_is_described(view):
    slow, fast = describe(view), census(view)
    shared = fast.networks.columns.intersection(slow.summary.columns)
    assert {"accuracy", "loss", "margin"} < set(shared)
    for name in shared.drop("accuracy"):  # in which slow leaves ties to rounding
        assert fast.networks[name].iloc[0] == pytest.approx(slow.summary[name].iloc[0], rel=1e-6)
    shared = fast.neurons.columns.intersection(slow.neurons.columns)
    missing = {"share_1", "share_2", "share_3", "clustered_1", "clustered_2"}
    assert set(fast.neurons.columns) - set(shared) == missing
    of_clusters = fast.clusters.columns.intersection(slow.clusters.columns)
    assert {"removed_accuracy", "removed_loss", "control_loss", "num_phases"} < set(of_clusters)
    for name in of_clusters.drop(["kind", "removed_accuracy", "control_loss"]):  # other draws
        expected = slow.clusters[name].astype(fast.clusters[name].dtype)
        np.testing.assert_allclose(fast.clusters[name], expected, rtol=1e-5, atol=1e-6)
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
def test_the_grid_counts_clusters_at_each_pair_of_thresholds(view, limit, percent):
    counts = census(view).networks.iloc[0]
    for size in (2, 3, 5, 8):
        others = replace(DEFAULT, dead_below=limit, min_size=size)
        expected = len(cluster_neurons(view, thresholds=others).clusters)
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
    magnitude = input_magnitude(view)[:, 1:]
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

    assert seconds(census) < seconds(describe) / 4
