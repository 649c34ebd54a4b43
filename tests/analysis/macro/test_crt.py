"""The approximate Chinese remainder theorem: votes, and sets of clusters."""

from itertools import product

import numpy as np
import pytest

from modlib.analysis.macro import crt
from modlib.analysis.meso.clusters import Cluster, Clustering, centre, fit_cosine, in_coset
from modlib.analysis.micro.neurons import neuron_table
from modlib.errors import InputError
from modlib.maths.fourier import cosine
from modlib.maths.groups import units
from modlib.models.views.neuron_view import NeuronView, score_logits


def ideal_contribution(n, freq, amplitude=1.0):
    """A cos(2 pi f (c - a - b) / n) for every (a, b, c)."""
    k = np.arange(n)
    d = (k - k[:, None, None] - k[None, :, None]) % n
    return amplitude * cosine(n, freq)[d]


def table_view(*contributions):
    """A network whose clusters contribute exactly these arrays: a neuron a cluster and pair.

    Neuron (i, a0, b0) fires on the pair (a0, b0) alone, with activation 1.
    """
    n = contributions[0].shape[0]
    pair = np.eye(n * n).reshape(n, n, n * n)
    once = np.concatenate([pair] * len(contributions), axis=-1)
    num = once.shape[-1]
    return NeuronView(
        n=n,
        preact_a=once.any(1).astype(float),
        preact_b=once.any(0).astype(float),
        b_in=np.full(num, -1.0),
        w_out=np.concatenate([part.reshape(n * n, n) for part in contributions]),
        b_out=np.zeros(n),
        skip_a=np.zeros((n, n)),
        skip_b=np.zeros((n, n)),
    )


def table_clusters(n, freqs):
    """The clusters of ``table_view``."""
    return [
        Cluster(index=i, freq=freq, n=n, neurons=np.arange(n * n) + i * n * n, kind="simple")
        for i, freq in enumerate(freqs)
    ]


def ideal_network(n, freqs, amplitudes=None):
    amplitudes = [1.0] * len(freqs) if amplitudes is None else amplitudes
    parts = [ideal_contribution(n, f, a) for f, a in zip(freqs, amplitudes, strict=True)]
    return table_view(*parts), table_clusters(n, freqs)


def random_view(n=7, num_neurons=12, seed=0):
    generator = np.random.default_rng(seed)
    return NeuronView(
        n=n,
        preact_a=generator.normal(size=(n, num_neurons)),
        preact_b=generator.normal(size=(n, num_neurons)),
        b_in=generator.normal(size=num_neurons),
        w_out=generator.normal(size=(num_neurons, n)),
        b_out=generator.normal(size=n),
        skip_a=np.zeros((n, n)),
        skip_b=np.zeros((n, n)),
    )


# ---------------------------------------------------------------- the sum of cosines


def test_superposition_is_the_sum_of_the_amplitudes_at_the_answer_and_even_around_it():
    total = crt.superposition(91, [5, 13, 40], [1.0, 2.0, 0.5])
    assert total[0] == pytest.approx(3.5)
    np.testing.assert_allclose(total[1:], total[1:][::-1], atol=1e-12)
    direct = np.cos(2 * np.pi * 5 * 7 / 91) + 2 * np.cos(2 * np.pi * 13 * 7 / 91)
    assert total[7] == pytest.approx(direct + 0.5 * np.cos(2 * np.pi * 40 * 7 / 91))


def test_one_frequency_is_separated_by_its_nearest_element():
    """The best d is a step of the inverse of f: f d = 1 modulo n."""
    for freq in range(1, 45):
        assert crt.separation(89, [freq]) == pytest.approx(1 - np.cos(2 * np.pi / 89))


def test_frequencies_that_share_a_factor_with_n_do_not_separate():
    assert crt.separation(91, [7, 14, 35]) == pytest.approx(0.0, abs=1e-12)
    assert crt.separation(91, [7, 13]) == pytest.approx((1 - np.cos(2 * np.pi / 13)) / 2)
    assert crt.separation(91, []) == 0.0


def test_a_unit_moves_the_frequencies_and_leaves_the_separation():
    freqs = [3, 17, 29]
    for unit in units(91)[:20]:
        moved = [unit * freq % 91 for freq in freqs]
        assert crt.separation(91, moved) == pytest.approx(crt.separation(91, freqs))


def test_ideal_sums_have_fitted_and_equal_amplitudes():
    view, clusters = ideal_network(9, [1, 2], [3.0, 1.0])
    ideal, equal = crt.ideal_sums(9, crt.cluster_report(view, clusters))
    np.testing.assert_allclose(ideal, 3 * cosine(9, 1) + cosine(9, 2), atol=1e-12)
    np.testing.assert_allclose(equal, 2 * cosine(9, 1) + 2 * cosine(9, 2), atol=1e-12)
    assert not np.any(crt.ideal_sums(9, crt.cluster_report(view, [])))


def test_overtones_are_what_lies_at_twice_the_frequencies():
    ideal = cosine(20, 3) + cosine(20, 4)
    measured = ideal + 0.3 * cosine(20, 6) + 0.1 * cosine(20, 7)
    share, sharpened = crt.overtones(measured, ideal, [3, 4])
    assert share == pytest.approx(0.9)
    np.testing.assert_allclose(sharpened, measured - 0.1 * cosine(20, 7), atol=1e-12)
    assert np.isnan(crt.overtones(ideal, ideal, [3, 4]).share)


def test_an_overtone_at_another_cluster_is_not_counted_and_n_has_none():
    ideal = cosine(20, 3) + cosine(20, 6) + cosine(20, 10)
    share, _ = crt.overtones(ideal + cosine(20, 6), ideal, [3, 6, 10])
    assert share == pytest.approx(0.0, abs=1e-12)


# -------------------------------------------------------------------------- votes


def test_example_pairs_are_different_pairs_of_the_mask_drawn_by_the_seed():
    mask = np.zeros((9, 9), dtype=bool)
    mask[2:5, 3:7] = True
    pairs = crt.example_pairs(mask, 5, seed=133)
    assert mask[pairs[:, 0], pairs[:, 1]].all()
    assert len({tuple(pair) for pair in pairs.tolist()}) == 5
    assert np.array_equal(pairs, crt.example_pairs(mask, 5, seed=133))
    assert not np.array_equal(pairs, crt.example_pairs(mask, 5, seed=134))


def test_fewer_pairs_than_asked_for_and_an_empty_mask():
    mask = np.zeros((3, 3), dtype=bool)
    assert len(crt.example_pairs(mask, 20, seed=0)) == 9
    mask[1, 2] = True
    assert crt.example_pairs(mask, 20, seed=0).tolist() == [[1, 2]]


def test_votes_are_centred_contributions():
    view = random_view()
    clusters = [
        Cluster(index=0, freq=1, n=7, neurons=np.array([0, 3, 5]), kind="simple"),
        Cluster(index=1, freq=2, n=7, neurons=np.array([1, 2]), kind="simple"),
    ]
    pairs = np.array([[0, 0], [6, 2], [3, 5]])
    votes = crt.votes_at(view, clusters, pairs)
    for i, cluster in enumerate(clusters):
        expected = centre(view.contribution(cluster.neurons))[pairs[:, 0], pairs[:, 1]]
        np.testing.assert_allclose(votes[i], expected, atol=1e-12)
    assert crt.votes_at(view, [], pairs).shape == (0, 3, 7)


def test_an_exact_cluster_admits_exactly_a_coset():
    """n = 15, f = 5 has period 3; cos(2 pi / 3) is below one half."""
    assert np.flatnonzero(in_coset(cosine(15, 5, 5 * 4))).tolist() == [1, 4, 7, 10, 13]


def test_a_silent_cluster_excludes_nothing():
    assert in_coset(np.zeros(6)).all()


@pytest.mark.parametrize("threshold", [1.5, -2.0, float("nan")])
def test_a_threshold_beyond_a_cosine_is_refused(threshold):
    with pytest.raises(InputError, match="threshold must be a finite number"):
        in_coset(np.zeros(3), threshold)


def test_two_exact_clusters_intersect_in_the_answer():
    """15 = 3 x 5: five answers agree modulo 3, three modulo 5, one with both."""
    view, clusters = ideal_network(15, [5, 3])
    table = crt.growing_sets(view, clusters).set_index("clusters")
    assert table.left.to_dict() == {(0,): 5.0, (1,): 3.0, (0, 1): 1.0}
    assert table["first"].to_dict() == {(0,): 0.0, (1,): 0.0, (0, 1): 1.0}
    assert table.alone.to_dict() == {(0,): 0.0, (1,): 0.0, (0, 1): 1.0}
    assert (table.kept == 1).all()
    assert (table.ideal_left == table.left).all()


def test_a_weak_dissenter_spoils_the_intersection_and_not_the_sum():
    """A planted third cluster, small and upside down, excludes the answer everywhere."""
    view, clusters = ideal_network(15, [5, 3, 1], [1.0, 1.0, -0.01])
    table = crt.growing_sets(view, clusters)
    whole = table.iloc[-1]
    assert (whole["size"], whole.kept, whole["first"]) == (3, 0.0, 1.0)


def test_growing_sets_agree_with_a_loop_over_pairs():
    n = 5
    generator = np.random.default_rng(3)
    view = table_view(*generator.normal(size=(3, n, n, n)))
    clusters = table_clusters(n, [1, 2, 1])
    table = crt.growing_sets(view, clusters, threshold=0.3).set_index("clusters")
    parts = [centre(view.contribution(cluster.neurons)) for cluster in clusters]
    assert len(table) == 7
    for chosen, row in table.iterrows():
        first = left = kept = alone = 0
        for a, b in product(range(n), repeat=2):
            votes = [parts[i][a, b] for i in chosen]
            members = set(range(n))
            for vote in votes:
                members &= {c for c in range(n) if vote[c] >= 0.3 * vote.max()}
            first += sum(votes).argmax() == (a + b) % n
            left += len(members)
            kept += (a + b) % n in members
            alone += members == {(a + b) % n}
        counted = np.array([first, left, kept, alone]) / n**2
        np.testing.assert_allclose(row[["first", "left", "kept", "alone"]].tolist(), counted)


def test_only_the_largest_of_many_clusters_are_tried():
    n = 3
    view = random_view(n, 24)
    clusters = [
        Cluster(index=i, freq=1, n=n, neurons=np.arange(1 + (i > 0)) + 2 * i, kind="simple")
        for i in range(12)
    ]
    table = crt.growing_sets(view, clusters)
    assert len(table) == 2**crt.MAX_CLUSTERS - 1
    assert 0 not in {index for chosen in table.clusters for index in chosen}


def test_no_cluster_gives_an_empty_table():
    assert crt.growing_sets(random_view(), []).empty


def test_margins_of_all_pairs_are_those_of_the_logits():
    view = random_view()
    np.testing.assert_allclose(crt.pair_margins(view), score_logits(view.logits()).margin)


@pytest.mark.parametrize("n", [7, 8])
def test_the_vote_spectrum_is_the_cosine_fit_at_every_frequency(n):
    contribution = np.random.default_rng(n).normal(size=(n, n, n))
    explained = crt.vote_spectrum(contribution)
    assert explained[0] == 0.0
    for freq in range(1, n // 2 + 1):
        assert explained[freq] == pytest.approx(fit_cosine(contribution, freq).explained)


@pytest.mark.parametrize(("n", "freq"), [(9, 2), (8, 4)])
def test_a_cosine_is_explained_by_its_own_frequency(n, freq):
    explained = crt.vote_spectrum(ideal_contribution(n, freq, -3.0))
    assert explained[freq] == pytest.approx(1.0)
    assert np.delete(explained, freq) == pytest.approx(0.0, abs=1e-12)
    assert not crt.vote_spectrum(np.zeros((n, n, n))).any()


def clustering_of(view, clusters):
    return Clustering(clusters, neuron_table(view), np.array([], dtype=np.int64))


def test_random_groups_are_as_large_as_the_clusters():
    view = random_view(7, 40)
    everything = Cluster(index=0, freq=1, n=7, neurons=np.arange(40), kind="simple")
    clustering = clustering_of(view, [everything])
    clustering.table["kind"] = "simple"
    best = crt.random_group_fits(view, clustering, num_draws=3)
    expected = crt.vote_spectrum(view.contribution(np.arange(40))).max()
    np.testing.assert_allclose(best, np.full((1, 3), expected))
    assert crt.random_group_fits(view, clustering_of(view, [])).shape == (0, 2)


# ------------------------------------------------------------------- the three scales


@pytest.mark.parametrize(("n", "freq"), [(11, 3), (8, 4)])
def test_three_scales_of_a_cluster_of_pure_cosines(n, freq):
    generator = np.random.default_rng(1)
    phases = np.zeros(5) if 2 * freq == n else generator.uniform(0, n, 5)
    preact = np.stack([cosine(n, freq, t) + 0.2 for t in phases], axis=1)
    view = NeuronView(
        n=n,
        preact_a=preact,
        preact_b=preact,
        b_in=np.zeros(5),
        w_out=generator.normal(size=(5, n)),
        b_out=np.zeros(n),
        skip_a=np.zeros((n, n)),
        skip_b=np.zeros((n, n)),
    )
    cluster = Cluster(index=0, freq=freq, n=n, neurons=np.arange(5), kind="simple")
    pair = np.array([2, 6])
    (row,) = crt.at_three_scales(view, clustering_of(view, [cluster]), pair)
    np.testing.assert_allclose(row.fitted[::8], row.preact, atol=1e-12)
    np.testing.assert_array_equal(row.fine[::8], np.arange(n))
    np.testing.assert_allclose(row.vote, crt.votes_at(view, [cluster], pair[None])[0, 0])
    np.testing.assert_allclose(row.neuron_votes.sum(0), row.vote)
    np.testing.assert_array_equal(row.members, in_coset(row.vote))


def test_the_neuron_on_show_has_the_median_residual():
    n = 11
    amounts = [0.3, 0.0, 0.1, 0.2, 0.4]
    preact = np.stack([cosine(n, 2) + amount * cosine(n, 5) for amount in amounts], axis=1)
    view = NeuronView(
        n=n,
        preact_a=preact,
        preact_b=preact,
        b_in=np.zeros(5),
        w_out=np.ones((5, n)) * cosine(n, 2),
        b_out=np.zeros(n),
        skip_a=np.zeros((n, n)),
        skip_b=np.zeros((n, n)),
    )
    cluster = Cluster(index=0, freq=2, n=n, neurons=np.arange(5), kind="simple")
    clustering = clustering_of(view, [cluster])
    assert crt.at_three_scales(view, clustering, np.array([0, 0]))[0].neuron == 3
