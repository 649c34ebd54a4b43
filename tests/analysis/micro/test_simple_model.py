"""The network of paper A's theory: one cosine a neuron, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.micro.neurons import is_live, neuron_table
from modlib.analysis.micro.simple_model import simple_model
from modlib.maths.fourier import cosine, phase, radius
from modlib.models.views.neuron_view import NeuronView


def one_neuron(n: int, a: np.ndarray, b: np.ndarray, out: np.ndarray, b_in: float) -> NeuronView:
    return NeuronView(
        n=n,
        preact_a=a[:, None],
        preact_b=b[:, None],
        b_in=np.array([b_in]),
        w_out=out[None],
        b_out=np.arange(n, dtype=float),
        skip_a=np.zeros((n, n)),
        skip_b=np.zeros((n, n)),
    )


def model_of(view: NeuronView, **options) -> NeuronView:
    return simple_model(view, neuron_table(view), **options)


def test_a_neuron_keeps_its_frequency_both_input_phases_and_one_gain():
    n = 31
    a = 2 * cosine(n, 4, 3.0) + 0.4 * cosine(n, 9, 1.0) + 0.7
    b = 8 * cosine(n, 4, 20.0) + 0.4 * cosine(n, 12, 1.0) - 0.2
    out = 3 * cosine(n, 4, 25.0) + 0.5 * cosine(n, 8, 2.0) + 0.3 * cosine(n, 5) + 1.0
    model = model_of(one_neuron(n, a, b, out, b_in=-0.1))
    np.testing.assert_allclose(model.preact_a[:, 0], 4 * cosine(n, 4, 3.0), atol=1e-12)
    np.testing.assert_allclose(model.preact_b[:, 0], 4 * cosine(n, 4, 20.0), atol=1e-12)
    np.testing.assert_allclose(model.w_out[0], 3 * cosine(n, 4, 23.0), atol=1e-12)
    assert model.b_in.tolist() == [0.0]
    assert model.b_out.tolist() == list(range(n))
    given_back = model_of(one_neuron(n, a, b, out, b_in=-0.1), second=True)
    difference = given_back.w_out - model.w_out
    np.testing.assert_allclose(difference[0], 0.5 * cosine(n, 8, 2.0), atol=1e-12)
    np.testing.assert_array_equal(given_back.preact_a, model.preact_a)


@pytest.mark.parametrize(("sign_a", "sign_b"), [(1, 1), (1, -1), (-1, -1)])
def test_at_half_of_an_even_modulus_signs_stand_for_phases(sign_a, sign_b):
    n = 12
    wave = (-1.0) ** np.arange(n)
    view = one_neuron(n, sign_a * wave, 4 * sign_b * wave, 3 * wave + 0.5, b_in=0.3)
    for second in (False, True):
        model = model_of(view, second=second)
        np.testing.assert_allclose(model.preact_a[:, 0], 2 * sign_a * wave, atol=1e-12)
        np.testing.assert_allclose(model.preact_b[:, 0], 2 * sign_b * wave, atol=1e-12)
        np.testing.assert_allclose(model.w_out[0], 3 * sign_a * sign_b * wave, atol=1e-12)


@pytest.mark.parametrize(("n", "freq", "double"), [(12, 4, None), (12, 3, 6), (31, 12, 7)])
def test_the_double_is_given_back_where_it_is_another_frequency(n, freq, double):
    """At 3 f = n it is -f itself; at 4 f = n it is n/2, which has no phase."""
    out = 3 * cosine(n, freq, 2.0) + 0.5 * cosine(n, 1 if double is None else double, 0.0)
    view = one_neuron(n, cosine(n, freq, 1.0), cosine(n, freq, 0.5), out, b_in=0.0)
    added = model_of(view, second=True).w_out - model_of(view).w_out
    wanted = np.zeros(n) if double is None else 0.5 * cosine(n, double)
    np.testing.assert_allclose(added[0], wanted, atol=1e-12)


@pytest.mark.parametrize("sizes", [{3: 9, 7: 6}, {1: 3}])
def test_an_ideal_network_is_its_own_model(sizes):
    view = ideal_view(23, sizes, num_dead=2)
    for second in (False, True):
        model = model_of(view, second=second)
        for name in ("preact_a", "preact_b", "b_in", "w_out", "b_out"):
            np.testing.assert_allclose(getattr(model, name), getattr(view, name), atol=1e-12)


def test_every_live_neuron_is_replaced_and_no_dead_one():
    view = random_view(31, 20)
    view = replace(view, w_out=view.w_out * np.where(np.arange(20) < 5, 1e-4, 1.0)[:, None])
    table = neuron_table(view)
    live = is_live(table)
    assert 0 < live.sum() < 20
    model = simple_model(view, table)
    for name, axis in (("preact_a", 1), ("preact_b", 1), ("b_in", 0), ("w_out", 0)):
        old, new = getattr(view, name), getattr(model, name)
        np.testing.assert_array_equal(
            np.compress(~live, old, axis=axis), np.compress(~live, new, axis=axis)
        )
    for neuron in np.flatnonzero(live):
        freq = int(table.freq[neuron])
        signals = model.preact_a[:, neuron], model.preact_b[:, neuron], model.w_out[neuron]
        r_a, r_b, r_d = (float(radius(signal, freq)) for signal in signals)
        assert r_a == pytest.approx(np.sqrt(table.r_a[neuron] * table.r_b[neuron]))
        assert r_b == pytest.approx(r_a)
        assert r_d == pytest.approx(table.r_d[neuron])
        t_a, t_b, t_d = (float(phase(signal, freq)) for signal in signals)
        assert np.cos(2 * np.pi * (t_a + t_b - t_d) / view.n) == pytest.approx(1)
        assert t_a == pytest.approx(table.t_a[neuron])
        for signal in signals:
            np.testing.assert_allclose((signal**2).mean(), 2 * radius(signal, freq) ** 2)


def test_a_network_without_live_neurons_stays_as_it_is():
    view = ideal_view(12, {}, num_dead=3)
    assert model_of(view).evaluate() == view.evaluate()


def test_weights_behind_the_preactivations_are_no_longer_told():
    assert model_of(ideal_view(23, {3: 9})).factors is None
