"""Paper A's lens on networks that are pizzas, clocks, or neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from made_up.views import ideal_pairs
from modlib.analysis.meso import clock_pizza_lens as lens
from modlib.analysis.meso.pair_clusters import cluster_by_pairs, neuron_freqs
from modlib.config.thresholds import DEFAULT
from modlib.errors import InputError
from modlib.models.foreign.load import load_checkpoint
from modlib.models.views.pair_view import PairView

N = 11
K = np.arange(N)
WAVE = np.cos(2 * np.pi * 3 * (K[:, None, None] + K[:, None] - K) / N)


def test_the_lens_finds_the_planted_clusters():
    pairs = ideal_pairs()
    view = pairs.additive().view
    found = lens.lens_clusters(pairs, cluster_by_pairs(pairs, view).clusters)
    assert found.freq.tolist() == [2, 3]
    assert found.num_neurons.tolist() == [24, 24]
    assert found.step.tolist() == [5, 4]
    assert found.period.tolist() == [5.5, pytest.approx(11 / 3)]
    assert list(found) == list(lens.CLUSTER_COLUMNS)
    # a and b have one phase: each cluster is a pizza
    np.testing.assert_allclose(found.explained, 8 / np.pi**2, atol=0.01)
    assert (found.coset_overlap == 1).all()
    assert cluster_by_pairs(pairs, view, thresholds=replace(DEFAULT, min_size=25)).clusters == []
    assert lens.lens_clusters(pairs, []).empty


@pytest.mark.parametrize(("n", "freq"), [(11, 3), (12, 1), (12, 4), (8, 4)])
def test_votes_of_one_cosine_are_the_approximate_coset(n, freq):
    k = np.arange(n)
    votes = np.cos(2 * np.pi * freq * (k[:, None, None] + k[:, None] - k) / n)
    assert lens.coset_overlap(votes, freq) == 1
    assert lens.coset_overlap(3 * votes + k[:, None, None], freq) == 1
    assert lens.coset_overlap(np.roll(votes, 1, axis=2), freq) < 1


def test_votes_that_are_a_coset_in_the_mean_only_are_not_one_pair_by_pair():
    """Shifted one way at half of the pairs, and the other way at the others."""
    ahead = (K[:, None] < K)[..., None]
    behind = (K[:, None] > K)[..., None]
    step = 8  # 2 / 11 of a turn at f = 3
    shifted = np.where(
        ahead, np.roll(WAVE, step, 2), np.where(behind, np.roll(WAVE, -step, 2), WAVE)
    )
    d = (K[:, None, None] + K[:, None] + K) % N
    mean = np.take_along_axis(shifted, d, axis=2).mean((0, 1))
    wave = np.cos(2 * np.pi * 3 * K / N)
    np.testing.assert_allclose(mean / mean[0], wave, atol=1e-9)
    assert lens.coset_overlap(shifted, 3) < 0.6


def test_overlap_is_the_mean_over_pairs():
    votes = WAVE.copy()
    votes[0] = np.cos(2 * np.pi * (K[:, None] - K) / N)
    wave = [set(np.flatnonzero(np.cos(2 * np.pi * f * K / N) >= 0.5).tolist()) for f in (1, 3)]
    one = len(wave[0] & wave[1]) / len(wave[0] | wave[1])
    assert lens.coset_overlap(votes, 3) == pytest.approx((N - 1 + one) / N)


@pytest.mark.parametrize(("size", "freq"), [(0.6, 1), (0.8, 4)])
def test_at_even_n_the_highest_frequency_has_no_second_cell(size, freq):
    """Power .5 at f = 1, in two cells, against size^2 at f = n / 2, in one."""
    n = 8
    k = np.arange(n)
    preact = 9 + np.cos(2 * np.pi * k / n) + size * np.cos(np.pi * k)
    pairs = PairView(
        n=n,
        preact=np.broadcast_to(preact[:, None, None], (n, n, 1)).copy(),
        w_out=np.eye(n)[:1],
        b_out=np.zeros(n),
        skip=np.zeros((n, n, n)),
    )
    assert neuron_freqs(pairs)[0].tolist() == [freq]


@pytest.mark.parametrize("n", [7, 8])
def test_all_power_of_a_wave_of_the_sum_is_its_own_frequencys(n):
    k = np.arange(n)
    freqs = np.arange(1, n // 2 + 1)
    waves = [np.cos(2 * np.pi * f * (k[:, None] + sign * k) / n) for f in freqs for sign in (1, -1)]
    pairs = PairView(
        n=n,
        preact=9 + np.stack(waves, axis=2),
        w_out=np.eye(n)[np.zeros(len(waves), int)],
        b_out=np.zeros(n),
        skip=np.zeros((n, n, n)),
    )
    assert neuron_freqs(pairs)[0].tolist() == np.repeat(freqs, 2).tolist()


def test_neurons_frequencies_need_no_split_into_a_and_b():
    pairs = ideal_pairs()
    product = np.cos(2 * np.pi * 4 * K / N)[:, None] * np.cos(2 * np.pi * 4 * K / N)
    preact = np.concatenate([pairs.preact, product[..., None]], axis=2)
    w_out = np.concatenate([pairs.w_out, pairs.w_out[:1]])
    bent = PairView(n=N, preact=preact, w_out=w_out, b_out=pairs.b_out, skip=pairs.skip)
    freqs, strength = neuron_freqs(bent)
    assert freqs[-1] == 4
    assert set(freqs[:-1].tolist()) == {2, 3}
    assert strength.max() == 1


def test_the_best_shift_is_the_step():
    profile = lens.shift_profile(np.cos(2 * np.pi * 3 * (K[:, None] - np.arange(4)) / N))
    others = {shift: profile[shift] for shift in range(1, N)}
    assert max(others, key=others.get) in (4, 7)
    assert lens.shift_rank(profile, 3, 4) == 1
    assert lens.shift_rank(profile, 3, 2) < 1
    with pytest.raises(InputError, match="shift must be no multiple of 11"):
        lens.shift_rank(profile, 3, 22)


def test_shifts_that_change_nothing_are_no_rivals_of_a_shift():
    """At f = 3 of n = 15 every fifth shift, at f = 4 the whole turn only."""
    profile = np.where(np.arange(15) % 5, np.arange(15.0), 99.0)
    assert lens.shift_rank(profile, 3, 1) == pytest.approx(3 / 6)
    assert lens.shift_rank(profile, 4, 1) == pytest.approx(5 / 12)


def test_without_other_shifts_there_is_no_rank():
    assert np.isnan(lens.shift_rank(np.array([1.0, -1.0, 1.0, -1.0]), 2, 1))
    assert np.isnan(lens.shift_rank(np.array([1.0, -0.5, -0.5]), 1, 1))


@pytest.mark.slow
@pytest.mark.external
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("A", {"distance_irrelevance": 0.1717, "symmetricity": 0.99376, "norm": 22.854}),
        ("B", {"distance_irrelevance": 0.8483, "symmetricity": 0.3461, "norm": 24.814}),
    ],
)
def test_the_published_networks_have_the_published_metrics(name, wanted):
    network = load_checkpoint(f"clock-and-pizza/{name}")
    found = lens.describe(network).measures
    for measure, value in wanted.items():
        assert found[measure] == pytest.approx(value, abs=1e-3), measure
    assert found["accuracy"] == 1
    freqs = neuron_freqs(network.pairs)[0]
    counts = dict(
        zip(*(part.tolist() for part in np.unique(freqs, return_counts=True)), strict=True)
    )
    assert (
        counts
        == {
            "A": {3: 149, 15: 190, 17: 173},
            "B": {13: 201, 16: 189, 21: 122},
        }[name]
    )


@pytest.mark.external
def test_the_published_pizza_is_one_until_its_double_frequency_is_there():
    network = load_checkpoint("clock-and-pizza/A")
    clusters = cluster_by_pairs(network.pairs, network.view).clusters
    circles = lens.circle_table(network, clusters)
    means = circles.groupby("kept")[["clock", "pizza"]].mean()
    assert means.pizza[lens.KEPT[0]] > 0.99 > 0.8 > means.clock[lens.KEPT[0]]
    assert means.clock[lens.KEPT[1]] > 0.99 > 0.9 > means.pizza[lens.KEPT[1]]
