"""Chapter 02: what its figures draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from made_up.views import ideal_view, random_view, with_sawtooths
from modlib import plots
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.analysis.micro import neurons as ne
from modlib.config.thresholds import DEFAULT
from modlib.maths.fourier import cosine


@pytest.fixture(scope="module")
def view():
    return ideal_view(31, {3: 9, 4: 6}, num_dead=3)


@pytest.fixture(scope="module")
def clustering(view):
    return cluster_neurons(view)


@pytest.fixture(scope="module")
def tuned_view(view):
    return with_sawtooths(view, 3)


def points(table, axes):
    return table[(table.artist == "points") & (table["axes"] == axes)]


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
    loose = cluster_neurons(view, thresholds=replace(DEFAULT, min_size=8)).table
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
    assert residual > DEFAULT.fine_tuning_from
    assert np.abs(np.log(tuned.x / residual)).min() < 0.1
