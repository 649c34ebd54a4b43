"""Chapter 02: what its figures of fine-tuning neurons draw."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.views import ideal_view, sawtooth, with_sawtooths
from modlib import plots
from modlib.analysis.micro import harmonics as ha
from modlib.maths.fourier import cosine


@pytest.fixture(scope="module")
def view():
    return ideal_view(31, {3: 9, 4: 6}, num_dead=3)


@pytest.fixture(scope="module")
def tuned_view(view):
    return with_sawtooths(view, 3)


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
        drawn = table[(table["axes"] == panel) & (table.series == 0)]
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
