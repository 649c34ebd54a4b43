"""The whole analysis of one network: planted networks whose every number is known."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from math import cos, gcd, pi
from pathlib import Path

import numpy as np
import pytest

from made_up.networks import (
    network_of,
    network_of_pairs,
    odd_networks,
    scaled,
    sums_only,
    untrained_weights,
)
from made_up.views import ideal_view, random_view
from modlib.analysis.battery import battery
from modlib.analysis.battery_numbers import Battery
from modlib.analysis.macro.crt import at_three_scales, votes_at
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.errors import InputError
from modlib.models.foreign.load import MAX_WEIGHT, from_arrays, from_tensors, load_checkpoint
from modlib.models.views.pair_view import PairView

# Planted networks


def test_an_ideal_network_has_the_clusters_that_were_planted():
    found = battery(network_of(ideal_view(91, {35: 16, 4: 32, 11: 24, 20: 16}, num_dead=5)))
    assert (found.solves, found.accuracy, found.n, found.num_neurons) == (True, 1.0, 91, 93)
    assert found.margin > 0
    assert [(c.freq, c.num_neurons, c.kind) for c in found.clusters] == [
        *((4, 32, "simple"), (11, 24, "simple"), (20, 16, "simple"), (35, 16, "simple")),
    ]
    assert found.neurons_by_freq == {4: 32, 11: 24, 20: 16, 35: 16}
    assert (found.num_live, found.num_loose) == (88, 0)
    assert (found.share_simple, found.share_diffuse, found.share_same_freq) == (1.0, 0.0, 1.0)
    assert found.median_phase_error == pytest.approx(0, abs=1e-12)
    assert found.median_log_ratio == pytest.approx(0, abs=1e-12)
    assert found.exact
    assert found.accuracy_additive is None
    assert found.neurons_by_pair_freq is None


@pytest.mark.parametrize("n", [30, 31, 91])
def test_cosets_follow_from_the_divisors_of_n(n):
    """Exact of gcd(f, n) answers where f has a factor of n; the step undoes f on its classes."""
    freqs = [freq for freq in range(1, (n + 1) // 2) if freq % 3 == 1]
    for cluster in battery(network_of(ideal_view(n, dict.fromkeys(freqs, 3)))).clusters:
        common = gcd(cluster.freq, n)
        assert cluster.coset.exact == (common > 1)
        assert cluster.coset.size == common
        assert cluster.coset.period == n / cluster.freq
        classes, reduced = n // common, cluster.freq // common
        assert cluster.coset.step * reduced % classes in (1 % classes, classes - 1)


def test_ranks_amplitudes_and_shares_equal_a_count_over_pairs():
    view = ideal_view(15, {4: 16, 5: 8, 2: 5})
    view = replace(view, w_out=view.w_out + 0.05 * random_view(15, view.num_neurons).w_out)
    found = battery(network_of(view))
    clusters = {c.freq: c.neurons for c in cluster_neurons(view).clusters}
    everyone = np.arange(view.num_neurons)
    for cluster in found.clusters:
        ranks, overlap, squares, votes, own = [], 0.0, 0.0, [], []
        for a in range(15):
            for b in range(15):
                heard = np.maximum(view.preact_a[a] + view.preact_b[b] + view.b_in, 0.0)
                members = clusters[cluster.freq]
                logits = heard[members] @ view.w_out[members]
                ahead = logits - logits[(a + b) % 15]
                close = abs(ahead) <= 1e-9 * abs(logits).max()
                ranks.append(sum((ahead > 0) & ~close) + (sum(close) - 1) / 2)
                wave = np.array([cos(2 * pi * cluster.freq * (c - a - b) / 15) for c in range(15)])
                overlap += float(logits @ wave)
                squares += float(wave @ wave)
                own.append(wave)
                total = heard[everyone] @ view.w_out
                votes.append(total - total.mean())
        assert cluster.mean_rank == pytest.approx(np.mean(ranks))
        assert cluster.share_rank_0 == np.mean(np.array(ranks) == 0)
        assert cluster.amplitude == pytest.approx(overlap / squares)
        wave, total = np.array(own), np.array(votes)
        explained = (wave * total).sum() ** 2 / ((wave**2).sum() * (total**2).sum())
        assert cluster.share_of_votes == pytest.approx(explained)
    shares = [cluster.share_of_votes for cluster in found.clusters]
    assert found.votes_explained == pytest.approx(sum(shares))


def test_a_network_of_no_task_solves_none():
    view = ideal_view(31, {3: 32, 5: 32, 7: 32})
    assert battery(network_of(view)).solves
    found = battery(network_of(replace(view, preact_a=0 * view.preact_a)))
    assert not found.solves
    assert found.accuracy < 0.1
    assert found.median_phase_error is None or found.median_phase_error > 0.05


def test_separation_is_the_distance_to_the_runner_up():
    freqs = (4, 11, 20)
    sums = [sum(cos(2 * pi * f * d / 91) for f in freqs) for d in range(1, 91)]
    found = battery(network_of(ideal_view(91, dict.fromkeys(freqs, 8))))
    assert found.separation == pytest.approx(1 - max(sums) / 3)


def test_the_order_and_the_scale_of_neurons_change_nothing():
    view = ideal_view(31, {3: 12, 5: 8, 7: 16}, third=0.2, num_dead=2)
    order = np.random.default_rng(0).permutation(view.num_neurons)
    scale = np.random.default_rng(1).uniform(0.2, 5.0, view.num_neurons)[order]
    other = from_arrays(
        scale * view.preact_a[:, order],
        scale * view.preact_b[:, order],
        view.w_out[order] / scale[:, None],
        scale * view.b_in[order],
        view.b_out,
    )
    numbers, again = battery(network_of(view)).as_dict(), battery(other).as_dict()
    for one in (numbers, again):  # drawn by place: a control
        one.pop("logits_explained_shuffled")
    flat, other_flat = (json.dumps(_rounded(one)) for one in (numbers, again))
    assert flat == other_flat


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 6) + 0.0 if isinstance(value, float) else value


def test_shares_of_kinds_add_up():
    found = battery(network_of(ideal_view(31, {3: 12, 5: 8}, third=0.2)))
    assert found.share_3f == 1.0
    for view in (random_view(31, 12), ideal_view(31, {3: 5}, third=0.4)):
        one = battery(network_of(view))
        kinds = (one.share_simple, one.share_3f, one.share_bent)
        assert sum((*kinds, one.share_fine_tuning, one.share_diffuse)) == pytest.approx(1)


def test_a_path_around_the_neurons_has_its_share_of_the_logits():
    view = ideal_view(31, {3: 16, 5: 16})
    assert battery(network_of(view)).share_direct == 0.0
    waves = np.cos(2 * np.pi * np.subtract.outer(np.arange(31), np.arange(31)) / 31)
    silent = replace(view, w_out=0 * view.w_out, skip_a=waves, skip_b=waves)
    found = battery(network_of(silent))
    assert found.share_direct == pytest.approx(1.0)
    assert found.num_live == 0


# Networks whose neurons hear something of the pair


def test_neurons_that_hear_only_the_sum_are_seen_by_pairs_and_not_by_parts():
    """The mean over b of a wave in a + b is nothing: the additive view is blind to it."""
    found = battery(network_of_pairs(sums_only(31, 5, 24)))
    assert found.accuracy == 1.0
    assert not found.exact
    assert found.preact_error == pytest.approx(1)
    assert found.accuracy_additive == pytest.approx(1 / 31, abs=0.05)
    assert found.neurons_by_pair_freq == {5: 24}
    assert found.solves


def half_and_half() -> PairView:
    """Neurons that hear a and b, and something of a - b as well."""
    view = ideal_view(31, {3: 16, 5: 16, 7: 16})
    pairs = PairView.of(view)
    k = np.arange(31)
    near = 1 + 0.4 * np.cos(2 * np.pi * (k[:, None] - k) / 31)
    return replace(pairs, preact=near[..., None] * pairs.preact)


def test_votes_ranks_and_fits_are_of_the_network_not_of_its_view():
    pairs = half_and_half()
    network = network_of_pairs(pairs)
    assert not network.exact
    found = battery(network)
    clustering = cluster_neurons(network.view)
    assert [c.freq for c in found.clusters] == [c.freq for c in clustering.clusters] == [3, 5, 7]
    for cluster, summary in zip(clustering.clusters, found.clusters, strict=True):
        exact = network.whole.contribution(cluster.neurons)
        np.testing.assert_array_equal(exact, pairs.contribution(cluster.neurons))
        near = network.view.contribution(cluster.neurons)
        assert np.abs(exact - near).max() > 0.1
        best = exact.max(-1)
        right = np.array([[exact[a, b, (a + b) % 31] for b in range(31)] for a in range(31)])
        assert summary.share_rank_0 == pytest.approx((right >= best - 1e-9).mean())
    chosen = np.array([[1, 2], [30, 5]])
    votes = votes_at(network.whole, clustering.clusters, chosen)
    for cluster, vote in zip(clustering.clusters, votes, strict=True):
        added = pairs.contribution(cluster.neurons)[chosen[:, 0], chosen[:, 1]]
        np.testing.assert_allclose(vote, added - added.mean(-1, keepdims=True), atol=1e-12)
    rows = at_three_scales(network.view, clustering, chosen[0], network.whole)
    for row, vote in zip(rows, votes[:, 0], strict=True):
        np.testing.assert_allclose(row.vote, vote, atol=1e-12)
        np.testing.assert_allclose(row.neuron_votes.sum(0), vote, atol=1e-12)


def test_an_exact_network_is_its_view():
    network = network_of(ideal_view(31, {3: 16, 5: 16}))
    assert network.whole is network.view


# What exists and what does not


def test_symmetricity_needs_a_shared_embedding_and_the_word():
    generator = np.random.default_rng(0)
    shared = {
        "embed.weight": generator.normal(size=(11, 6)),
        "l1.weight": generator.normal(size=(8, 6)),
        "l1.bias": generator.normal(size=8),
        "unembed.weight": generator.normal(size=(11, 8)),
    }
    network = from_tensors(shared)
    assert battery(network).gradient_symmetricity is None
    found = battery(network, gradients=True)
    assert found.gradient_symmetricity == pytest.approx(1.0), "it sees only E_a + E_b"
    assert 0 < found.circularity < 1
    ours = from_tensors(untrained_weights(11))
    assert battery(ours, gradients=True).gradient_symmetricity is None
    assert battery(ours).norm == pytest.approx(
        sum(float((w.astype(float) ** 2).sum()) for w in untrained_weights(11).values()) ** 0.5
    )


@pytest.mark.parametrize("name", odd_networks())
def test_odd_networks_have_their_numbers_too(name):
    found = battery(odd_networks()[name], gradients=True)
    json.dumps(found.as_dict(), allow_nan=False)
    if not found.clusters:
        assert (found.separation, found.votes_explained) == (None, None)
    if not found.num_live:
        assert (found.share_simple, found.median_phase_error) == (None, None)


def test_the_largest_weights_leave_every_number_finite():
    found = battery(scaled(0.1 * MAX_WEIGHT))
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["share_direct"] == 0.0
    kinds = (found.share_simple, found.share_3f, found.share_bent, found.share_fine_tuning)
    assert sum((*kinds, found.share_diffuse)) == pytest.approx(1)


def test_a_modulus_whose_votes_would_not_fit_is_refused():
    with pytest.raises(InputError, match=r"^n must be an integer at most 512, got 513$"):
        battery(network_of(random_view(513, 1)))


# Published weights


def published(file: str) -> Battery:
    (path,) = Path(os.environ["MODLIB_EXTERNAL"]).rglob(file)
    return battery(load_checkpoint(path), gradients=True)


@pytest.mark.slow
@pytest.mark.external
def test_the_published_pizza():
    found = published("model_A_p99zdpze5l.pt")
    assert (found.n, found.accuracy, found.solves, found.exact) == (59, 1.0, True, True)
    assert found.neurons_by_freq == {3: 149, 15: 190, 17: 173}
    assert [c.freq for c in found.clusters] == [15, 17, 3]
    assert found.norm == pytest.approx(22.854, abs=1e-3)
    assert found.distance_irrelevance == pytest.approx(0.1717, abs=1e-3)
    assert found.gradient_symmetricity == pytest.approx(0.99376, abs=1e-3)
    assert found.circularity == pytest.approx(0.998, abs=1e-3)
    assert found.share_direct == pytest.approx(0.006, abs=1e-3)
    assert [(c.coset.step, c.coset.exact) for c in found.clusters] == [
        *((4, False), (7, False), (20, False)),
    ]


@pytest.mark.slow
@pytest.mark.external
def test_the_published_clock():
    found = published("model_B_l8k1hzciux.pt")
    assert (found.n, found.accuracy, found.solves, found.exact) == (59, 1.0, True, False)
    assert found.neurons_by_pair_freq == {13: 201, 16: 189, 21: 122}
    assert found.norm == pytest.approx(24.814, abs=1e-3)
    assert found.distance_irrelevance == pytest.approx(0.8483, abs=1e-3)
    assert found.gradient_symmetricity == pytest.approx(0.3461, abs=1e-3)
    assert found.accuracy_additive < 0.95
    assert {13, 16, 21} <= {c.freq for c in found.clusters}
