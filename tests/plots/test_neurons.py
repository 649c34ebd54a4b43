"""Chapter 02: what its figures draw and what its analyses return."""

from dataclasses import replace
from itertools import combinations
from math import gcd

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, random_view
from modlib import plots
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.analysis.micro import harmonics as ha
from modlib.analysis.micro import neurons as ne
from modlib.maths.fourier import cosine
from modlib.maths.groups import harmonic_base, remap


def square_wave(n, freq, shift=0.0):
    """The first terms of a square wave: crests are flat."""
    return cosine(n, freq, shift) - cosine(n, 3 * freq, 3 * shift) / 3


def sawtooth(n, freq):
    """A wave that falls from 1 to -1 over each of its periods."""
    k = np.arange(n)
    return 1 - 2 * (freq * k % n) / (n - gcd(freq, n))


@pytest.fixture(scope="module")
def view():
    return ideal_view(31, {3: 9, 4: 6}, num_dead=3)


@pytest.fixture(scope="module")
def clustering(view):
    return cluster_neurons(view)


@pytest.fixture(scope="module")
def tuned_view(view):
    """The first four neurons hear a sawtooth instead of a cosine."""
    preact_a, preact_b = view.preact_a.copy(), view.preact_b.copy()
    for neuron in range(4):
        preact_a[:, neuron] = preact_b[:, neuron] = sawtooth(31, 3)
    return replace(view, preact_a=preact_a, preact_b=preact_b, factors=None)


def points(table, axes):
    return table[(table.artist == "points") & (table["axes"] == axes)]


# ------------------------------------------------------------------ analyses


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
    assert residual["hump"] < ne.FINE_TUNING_FROM < residual["flank"]


def test_a_portrait_is_the_neuron_before_and_after_remapping(view):
    one = ha.portrait(view, 2, 3)
    np.testing.assert_allclose(one.preact, [view.preact_a[:, 2], view.preact_b[:, 2]])
    np.testing.assert_allclose(one.remapped, remap(one.preact, one.unit))
    assert one.magnitude[:, 1:].argmax(1).tolist() == [2, 2]
    assert one.remapped_magnitude[:, 1:].argmax(1).tolist() == [0, 0]


def test_the_strongest_of_a_class_come_first():
    view = ideal_view(31, {3: 5})
    louder = view.w_out * np.array([[1], [5], [2], [4], [3]])
    table = ne.neuron_table(replace(view, w_out=louder))
    assert ne.by_strength(table, "simple") == [1, 3, 4, 2, 0]
    assert ne.by_strength(table, "bent") == []


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


def test_shares_under_count_live_neurons_only():
    view = ideal_view(31, {3: 9, 4: 6}, num_dead=3)
    mixed = view.preact_a.copy()
    mixed[:, :5] += 0.4 * cosine(31, 9)[:, None]
    shares, num_live = ne.share_under(replace(view, preact_a=mixed), [0.01, 0.5], [0.03, 2.0])
    np.testing.assert_allclose(shares, [[10 / 15, 1.0], [0.0, 0.0]])
    assert num_live.tolist() == [15, 0]


# ------------------------------------------------------------------ figures


def test_a_neuron_is_drawn_with_its_cosine():
    n, signal = 31, 1 + 2 * cosine(31, 3, 7.0)
    fig = plots.neuron_waves({"a": signal, "c": signal}, 3, [1.0, 1.0], [7.0, 7.0], "#000000")
    table = plots.data(fig)
    dots = table[(table["axes"] == 1) & (table.label == "weights of the network")]
    np.testing.assert_allclose(dots.y, signal)
    curve = table[(table["axes"] == 1) & table.label.str.startswith("2 r cos")]
    expected = 1 + 2 * np.cos(2 * np.pi * (3 * curve.x - 7) / n)
    np.testing.assert_allclose(curve.y, expected)
    without = plots.neuron_waves({"a": signal}, 3, [1.0], [float("nan")], "#000000")
    assert len(without.axes[0].lines) == 1


def test_the_test_draws_every_live_neuron_in_each_panel(clustering):
    live = clustering.table[ne.is_live(clustering.table)]
    table = plots.data(plots.simple_test(live, 31))
    for panel, columns in enumerate([("freq", "residual"), None, ("r_a", "r_b"), None]):
        drawn = points(table, panel)
        assert len(drawn) == 15
        if columns:
            np.testing.assert_allclose(np.sort(drawn.x), np.sort(live[columns[0]]))
            np.testing.assert_allclose(np.sort(drawn.y), np.sort(live[columns[1]]))
    phases = points(table, 1)
    np.testing.assert_allclose(phases.x, phases.y, atol=1e-6)
    assert set(table.label[table.artist == "points"]) == {"cluster 0", "cluster 1"}


def test_the_test_shows_loose_neurons_and_an_empty_network(view):
    loose = cluster_neurons(view, min_size=8).table
    table = plots.data(plots.simple_test(loose[ne.is_live(loose)], 31))
    assert (points(table, 0).label == "in no cluster").sum() == 6
    empty = plots.simple_test(loose[loose.kind == "bent"], 31)
    assert empty.axes[0].texts[0].get_text() == "no live neuron"


def test_residuals_are_counted_by_class_and_dead_ones_left_out(tuned_view):
    table = ne.neuron_table(tuned_view)
    fig = plots.residual_histograms({"one": table, "noise": ne.neuron_table(random_view(31, 20))})
    drawn = plots.data(fig)
    assert drawn[(drawn["axes"] == 0) & (drawn.artist == "bar")].y.sum() == 15
    assert drawn[(drawn["axes"] == 1) & (drawn.artist == "bar")].y.sum() == 20
    tuned = drawn[(drawn["axes"] == 0) & (drawn.artist == "bar") & (drawn.y == 4)]
    residual = float(table.residual[0])
    assert residual > ne.FINE_TUNING_FROM
    assert np.abs(np.log(tuned.x / residual)).min() < 0.1


def test_strengths_fall_and_curves_are_the_shares():
    strength = np.array([0.5, 1.0, 0.0, 0.2])
    residuals = np.geomspace(0.02, 1, 5)
    shares = np.array([[0, 0.2, 0.4, 0.6, 1.0], [0, 0, 0.5, 0.5, 1.0]])
    fig = plots.threshold_sensitivity(strength, residuals, shares, [0.03, 0.3], np.array([3, 2]))
    table = plots.data(fig)
    falling = table[(table["axes"] == 0) & (table.series == 0)]
    np.testing.assert_allclose(falling.y, [1.0, 0.5, 0.2, 1e-4])
    row = table[table.label == "dead below 0.3: 2 live"]
    np.testing.assert_allclose(row.y, shares[1])
    np.testing.assert_allclose(row.x, residuals)


def test_the_profile_draws_mean_shares_and_leaves_out_empty_classes():
    inputs = {"simple": np.array([[1.0, 0.0], [0.8, 0.2]]), "3f": np.zeros((0, 2))}
    outputs = {"simple": np.array([[0.7, 0.1], [0.5, 0.3]]), "3f": np.zeros((0, 2))}
    table = plots.data(plots.harmonic_profile(inputs, outputs))
    assert set(table.label) == {"simple (2)"}
    np.testing.assert_allclose(table[table["axes"] == 0].y, [0.9, 0.1])
    np.testing.assert_allclose(table[table["axes"] == 1].y, [0.6, 0.2])
    none = {"simple": np.zeros((0, 2))}
    empty = plots.harmonic_profile(none, none)
    assert "no live neuron" in empty.axes[0].texts[0].get_text()


def test_shapes_are_scaled_and_stand_on_their_cosine(view):
    portraits = {"simple": ha.portrait(view, 0, 3)}
    table = plots.data(plots.remapped_shapes(portraits))
    dots, curve = table[table.label == "simple"], table[table.label == "its cosine"]
    assert dots.y.abs().max() == pytest.approx(1)
    np.testing.assert_allclose(dots.y, curve.y, atol=1e-9)
    assert "no live neuron" in plots.remapped_shapes({}).axes[0].texts[0].get_text()


def test_fine_tuning_neurons_are_drawn_as_they_are(tuned_view):
    portraits = [ha.portrait(tuned_view, neuron, 3) for neuron in (0, 1)]
    table = plots.data(plots.fine_tuning_preacts(portraits))
    for panel, (one, row) in enumerate((p, r) for p in portraits for r in (0, 1)):
        drawn = table[(table["axes"] == panel) & (table.series == 1)]
        np.testing.assert_allclose(drawn.y, one.preact[row])
    names = [{3: "3 = f", 6: "6 = 2f"}] * 2
    fig = plots.fine_tuning_dfts(portraits, names)
    spectrum = plots.data(fig)
    drawn = spectrum[(spectrum["axes"] == 2) & (spectrum.artist == "line")]
    np.testing.assert_allclose(drawn.y, portraits[1].magnitude[0, 1:])
    assert [text.get_text() for text in fig.axes[0].texts] == ["3 = f", "6 = 2f"]


def test_rebuilding_draws_each_partial_sum_with_its_residual():
    signal = 3 * cosine(31, 3) + cosine(31, 6)
    steps, residual = ha.rebuild(signal, [3, 6])
    fig = plots.rebuild_steps(signal, steps, residual, ["3 = f", "6 = 2f"])
    table = plots.data(fig)
    for panel in (0, 1):
        drawn = table[table["axes"] == panel]
        np.testing.assert_allclose(drawn[drawn.label == "the neuron"].y, signal)
        np.testing.assert_allclose(drawn[drawn.label == "sum so far"].y, steps[panel + 1])
    titles = [ax.get_title(loc="left") for ax in fig.axes]
    assert titles == ["3 = f: residual 0.32", "+ 6 = 2f: residual 0.00"]


def test_a2_has_a_column_a_neuron_and_says_what_is_missing(view):
    one = ha.portrait(view, 0, 3)
    fig = plots.before_and_after({"simple": one, "fine-tuning": None})
    table = plots.data(fig)
    blocks = (one.preact, one.magnitude[:, 1:], one.remapped, one.remapped_magnitude[:, 1:])
    for row, block in enumerate(blocks):
        drawn = table[table["axes"] == 2 * row]
        np.testing.assert_allclose(drawn.y, block.ravel())
    assert "no fine-tuning neuron" in fig.axes[1].texts[0].get_text()
    neither = plots.before_and_after({"simple": None, "fine-tuning": None})
    assert len(neither.axes) == 1


def test_fitted_waves_are_drawn_over_the_neuron():
    signal = sawtooth(31, 1)
    fits = ha.fit_waves(signal)
    fig = plots.wave_fits(signal, fits)
    table = plots.data(fig)
    for panel, fit in enumerate(fits.values()):
        drawn = table[table["axes"] == panel]
        np.testing.assert_allclose(drawn[drawn.label == "best fit"].y, fit.wave)
        np.testing.assert_allclose(drawn[drawn.label == "the neuron, remapped"].y, signal)
    assert fig.axes[2].get_title(loc="left").startswith("half a period, the flank: R² = 0.9")
