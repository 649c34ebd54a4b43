from dataclasses import replace

import numpy as np
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.micro import harmonics, neurons
from modlib.config.thresholds import DEFAULT
from modlib.maths.fourier import cosine


def test_an_ideal_neuron_is_read_back_exactly():
    n = 91
    table = neurons.neuron_table(ideal_view(n, {8: 12, 35: 10}))
    assert (table.kind == "simple").all()
    assert table.freq.tolist() == [8] * 12 + [35] * 10
    assert (table.freq_out == table.freq).all()
    np.testing.assert_allclose(table.r_a, 1.0)
    np.testing.assert_allclose(table.r_d, 0.5)
    np.testing.assert_allclose(table.t_a[:12], np.arange(12) * n / 12, atol=1e-9)
    np.testing.assert_allclose(table.phase_error, 0, atol=1e-9)
    np.testing.assert_allclose(table.log_ratio, 0, atol=1e-9)
    np.testing.assert_allclose(table.residual, 0, atol=1e-6)


def test_residual_is_the_root_of_the_share_of_power_elsewhere():
    n, third = 91, 0.2
    table = neurons.neuron_table(ideal_view(n, {5: 6}, third=third))
    np.testing.assert_allclose(table.residual, third / np.hypot(1, third))
    assert (table.kind == "3f").all()
    assert (table.second == 15).all()


def test_classes_follow_the_residual_and_the_spectrum():
    assert neurons._kind_of(1.0, 0.119, 5, 15, False, 91, DEFAULT) == "simple"
    assert neurons._kind_of(1.0, 0.12, 5, 15, False, 91, DEFAULT) == "3f"
    assert neurons._kind_of(1.0, 0.12, 40, 29, False, 91, DEFAULT) == "3f"  # 120 = 29 modulo 91
    assert neurons._kind_of(1.0, 0.2, 5, 16, False, 91, DEFAULT) == "bent"
    assert neurons._kind_of(1.0, 0.3, 5, 15, False, 91, DEFAULT) == "fine-tuning"
    assert neurons._kind_of(1.0, 0.9, 5, 15, True, 91, DEFAULT) == "diffuse"
    assert neurons._kind_of(0.029, 0.0, 5, 15, False, 91, DEFAULT) == "dead"


def test_classes_do_not_change_when_a_neuron_is_rescaled():
    view = ideal_view(61, {3: 8, 11: 9}, num_dead=4)
    scale = np.geomspace(0.01, 100, view.num_neurons)
    scaled = replace(
        view,
        preact_a=view.preact_a * scale,
        preact_b=view.preact_b * scale,
        b_in=view.b_in * scale,
        w_out=view.w_out / scale[:, None],
        factors=None,
    )
    before, after = neurons.neuron_table(view), neurons.neuron_table(scaled)
    assert before.kind.tolist() == after.kind.tolist()
    np.testing.assert_allclose(before.strength, after.strength)


def test_a_neuron_that_no_pair_switches_on_is_dead():
    view = ideal_view(31, {3: 4})
    off = view.b_in.copy()
    off[2] = -100.0
    table = neurons.neuron_table(replace(view, b_in=off))
    assert table.kind.tolist() == ["simple", "simple", "dead", "simple"]


def test_a_network_without_weights_has_only_dead_neurons():
    assert (neurons.neuron_table(ideal_view(7, {}, num_dead=3)).kind == "dead").all()


@pytest.mark.parametrize("n", [13, 23, 31, 60, 91])
def test_an_untrained_network_is_diffuse_whatever_the_modulus(n):
    kinds = neurons.neuron_table(random_view(n, 40)).kind
    assert (kinds == "diffuse").mean() > 0.9


def test_half_of_n_counts_once_and_has_no_phase():
    n = 12
    view = ideal_view(n, {6: 3})
    table = neurons.neuron_table(view)
    assert (table.freq == 6).all()
    np.testing.assert_allclose(table.residual, 0, atol=1e-6)
    np.testing.assert_allclose(table.r_a, [2, 1, 1])  # 2 cos(2 pi t / 12) at t = 0, 4, 8
    assert table[["t_a", "t_b", "t_d", "phase_error"]].isna().all().all()


def test_a_neuron_is_rebuilt_from_its_representations():
    n = 91
    signal = 1.0 + 3 * cosine(n, 42, 5) + 2 * cosine(n, 35, 1) + cosine(n, 28, 80)
    power = np.zeros(n // 2 + 1)
    power[[42, 35, 28]] = [9, 4, 1]
    order = harmonics.leading_harmonics(power, share=0.99)
    assert order == [42, 35, 28]
    steps, residual = harmonics.rebuild(signal, order)
    np.testing.assert_allclose(steps[0], 1.0)
    np.testing.assert_allclose(steps[-1], signal, atol=1e-9)
    np.testing.assert_allclose(residual, np.sqrt([1, 5 / 14, 1 / 14, 0]), atol=1e-7)


def test_leading_harmonics_stop_at_the_share():
    power = np.array([0.0, 1.0, 8.0, 1.0])
    assert harmonics.leading_harmonics(power, share=0.8) == [2]
    assert harmonics.leading_harmonics(power, share=0.85) == [2, 1]


def test_the_strongest_of_a_class_come_first():
    view = ideal_view(31, {3: 5})
    louder = view.w_out * np.array([[1], [5], [2], [4], [3]])
    table = neurons.neuron_table(replace(view, w_out=louder))
    assert neurons.by_strength(table, "simple") == [1, 3, 4, 2, 0]
    assert neurons.by_strength(table, "bent") == []


def test_shares_under_count_live_neurons_only():
    view = ideal_view(31, {3: 9, 4: 6}, num_dead=3)
    mixed = view.preact_a.copy()
    mixed[:, :5] += 0.4 * cosine(31, 9)[:, None]
    shares, num_live = neurons.share_under(replace(view, preact_a=mixed), [0.01, 0.5], [0.03, 2.0])
    np.testing.assert_allclose(shares, [[10 / 15, 1.0], [0.0, 0.0]])
    assert num_live.tolist() == [15, 0]
