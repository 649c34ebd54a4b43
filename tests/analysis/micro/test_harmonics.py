"""Fine-tuning neurons: harmonics, portraits and fitted waves of signals written down."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, sawtooth, square_wave
from modlib.analysis.micro import harmonics as ha
from modlib.config.thresholds import DEFAULT
from modlib.errors import InputError
from modlib.maths.fourier import cosine
from modlib.maths.groups import harmonic_base, remap


@pytest.fixture(scope="module")
def view():
    return ideal_view(31, {3: 9, 4: 6}, num_dead=3)


@pytest.mark.parametrize(("n", "freq"), [(91, 1), (91, 7), (12, 4), (60, 20)])
def test_each_wave_is_explained_by_itself_alone(n, freq):
    period = n // freq
    y = (np.arange(n) - 2) % period
    shapes = {
        "full": np.cos(2 * np.pi * y / period),
        "hump": np.sin(np.pi * y / period),
        "flank": np.cos(np.pi * y / period),
    }
    for name, shape in shapes.items():
        fits = ha.fit_waves(1.5 - 3 * shape, freq)
        assert fits[name].explained == pytest.approx(1)
        np.testing.assert_allclose(fits[name].wave, 1.5 - 3 * shape, atol=1e-9)
        if period > 4:  # over three or four residues the shapes can coincide
            assert all(fits[other].explained < 0.97 for other in shapes if other != name)


def test_a_period_of_two_residues_is_fitted_without_dividing_by_zero():
    signal = np.tile([1.0, -1.0], 6)
    assert ha.fit_waves(signal, 6)["full"].explained == pytest.approx(1)
    assert ha.fit_waves(np.ones(12), 6)["flank"].explained == 0.0


def test_residuals_of_pure_half_periods_fall_on_either_side_of_fine_tuning():
    """The hump would be no fine-tuning neuron, the flank is one: which half the paper means."""
    n = 997
    k = np.arange(n)
    residual = {
        name: ha.rebuild(shape, [1])[1][1]
        for name, shape in (("hump", np.sin(np.pi * k / n)), ("flank", np.cos(np.pi * k / n)))
    }
    assert residual["hump"] == pytest.approx(0.22, abs=0.01)
    assert residual["flank"] == pytest.approx(0.53, abs=0.01)
    assert residual["hump"] < DEFAULT.fine_tuning_from < residual["flank"]


def test_a_portrait_is_the_neuron_before_and_after_remapping(view):
    one = ha.portrait(view, 2, 3)
    np.testing.assert_allclose(one.preact, [view.preact_a[:, 2], view.preact_b[:, 2]])
    np.testing.assert_allclose(one.remapped, remap(one.preact, one.unit))
    assert one.magnitude[:, 1:].argmax(1).tolist() == [2, 2]
    assert one.remapped_magnitude[:, 1:].argmax(1).tolist() == [0, 0]


def test_order_of_a_harmonic_is_the_least_and_either_sign():
    assert ha.harmonic_order(35, 27, 89) == 2  # 54 = -35
    assert ha.harmonic_order(19, 27, 89) == 4  # 108 = 19
    assert [ha.harmonic_order(f, 42, 91) for f in (42, 7, 35, 14, 28, 21)] == [1, 2, 3, 4, 5, 6]
    assert ha.harmonic_order(8, 42, 91) is None
    assert ha.harmonic_order(35, 27, 89, max_order=1) is None


def test_chance_is_one_where_every_frequency_is_a_low_multiple():
    assert ha.chance_of_harmonics(23) == 1.0  # 11 frequencies, orders up to 12
    assert ha.chance_of_harmonics(89, max_order=1) == 0.0
    assert np.isnan(ha.chance_of_harmonics(5))


@pytest.mark.parametrize(("n", "num_freqs", "max_order"), [(29, 3, 5), (30, 3, 4), (24, 2, 3)])
def test_chance_counts_the_sets_that_have_a_base(n, num_freqs, max_order):
    sets = list(combinations(range(1, n // 2 + 1), num_freqs))
    found = [harmonic_base(chosen, n, max_order) is not None for chosen in sets]
    assert ha.chance_of_harmonics(n, num_freqs, max_order) == pytest.approx(np.mean(found))


@pytest.mark.parametrize(("n", "pair"), [(29, (3, 6)), (30, (4, 9)), (24, (1, 12))])
def test_chance_of_a_third_counts_those_that_join_a_pair(n, pair):
    others = [f for f in range(1, n // 2 + 1) if f not in pair]
    joined = [harmonic_base([*pair, f], n, 4) is not None for f in others]
    (found,) = ha.chance_of_a_third(np.array([pair]), n, 4)
    assert found == pytest.approx(np.mean(joined))
    assert np.isnan(ha.chance_of_a_third(np.array([[1, 2]]), 5, 4)).all()


def test_harmonic_shares_are_read_back_and_counted_once():
    n = 91
    signal = 2 + cosine(n, 8, 5) + 0.5 * cosine(n, 16) + 0.1 * cosine(n, 24)
    shares = ha.harmonic_shares(np.stack([signal, np.zeros(n)]), np.array([8, 8]))
    np.testing.assert_allclose(shares[0], np.array([1, 0.25, 0.01, 0, 0]) / 1.26, atol=1e-12)
    np.testing.assert_allclose(shares[1], 0)
    third = ha.harmonic_shares(cosine(12, 4)[None], np.array([4]))  # 2 f = -f, 3 f = 0
    np.testing.assert_allclose(third[0], [1, 0, 0, 0, 0], atol=1e-12)


@pytest.mark.parametrize("shift", [0.0, 7.3, -20.0])
def test_a_square_wave_has_minus_a_third_wherever_it_starts(shift):
    n = 91
    found = ha.relative_harmonic(square_wave(n, 25, shift)[None], np.array([25]), 3)
    np.testing.assert_allclose(found, [-1 / 3], atol=1e-9)


def test_a_sawtooth_has_its_second_harmonic_in_quadrature():
    found = ha.relative_harmonic(sawtooth(91, 8)[None], np.array([8]), 2)[0]
    assert abs(found) == pytest.approx(0.5, abs=0.01)
    assert abs(found.real) < 0.01


def test_half_of_n_has_no_relative_harmonic():
    assert np.isnan(ha.relative_harmonic(cosine(12, 6)[None], np.array([6]), 3)).all()


def test_triples_look_for_three_times_the_frequency_among_the_others():
    clusters = pd.DataFrame(
        {"cluster": [0, 1, 2], "freq": [28, 7, 30], "num_neurons": [12, 9, 5], "more": 1}
    )
    neurons = pd.DataFrame({"cluster": [0, 0, 0, 1, 1, 2, -1], "kind": ["3f"] * 2 + ["simple"] * 5})
    table = ha.triples(clusters, neurons, 91)
    assert table.triple.tolist() == [7, 21, 1]  # 84 = -7, 21, 90 = -1
    assert table.partner.tolist() == [True, False, False]
    assert table.is_3f.tolist() == [True, False, False]
    own = ha.triples(clusters.assign(freq=[3, 4, 1]), neurons, 12)
    assert own.partner.tolist() == [False, False, True]  # 3 * 3 = -3 is the cluster itself


def test_a_relu_makes_the_waves_that_its_series_says():
    """By the integral over a circle, and over all pairs of a neuron's inputs."""
    u = 2 * np.pi * (np.arange(20000) + 0.5) / 20000
    clipped = np.maximum(np.cos(u), 0)
    size = [2 * (clipped * np.cos(2 * m * u)).mean() for m in (1, 2, 3)]
    assert size[0] == pytest.approx(2 / (3 * np.pi), abs=1e-6)
    for order in (1, 2, 3):
        assert ha.relu_harmonic(order) == pytest.approx(size[order - 1] / size[0], abs=1e-5)
    n, freq = 101, 7
    view = ideal_view(n, {freq: 4})
    found = ha.relative_harmonic(ha.by_answer(view), np.full(4, freq), 2)
    np.testing.assert_allclose(found.real, ha.relu_harmonic(2), atol=0.01)
    third = ha.relative_harmonic(ha.by_answer(view), np.full(4, freq), 3)
    np.testing.assert_allclose(third.real, ha.relu_harmonic(3), atol=0.01)
    with pytest.raises(InputError, match="order must be"):
        ha.relu_harmonic(0)


def test_activations_by_answer_are_means_over_all_pairs():
    view = ideal_view(7, {2: 3})
    found = ha.by_answer(view)
    pairs = np.maximum(view.preact_a[:, None] + view.preact_b[None] + view.b_in, 0)
    for c in range(7):
        wanted = np.mean([pairs[a, (c - a) % 7] for a in range(7)], axis=0)
        np.testing.assert_allclose(found[:, c], wanted)
