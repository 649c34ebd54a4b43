"""What the figures of chapter 09 draw is what they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drawn import expected_intervals, intervals, points
from modlib import plots
from modlib.analysis.many_seeds import separation as sep


def test_width_has_a_panel_a_regime_with_the_band_of_one_cluster():
    rows = pd.DataFrame(
        {"batch": ["n", "n", "full"], "width": [128, 512, 128], "num_seeds": [4000, 50, 500]}
        | {"mean": [5.0, 5.2, 5.6], "low": [4.9, 5.0, 5.5], "high": [5.1, 5.4, 5.7]}
        | {"deviation": [0.9, 0.8, 1.1]}
    )
    fig = plots.clusters_by_width(rows, np.log(91))
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["batch n", "full batch"]
    np.testing.assert_allclose(points(fig)["ln n"].y, np.log(91))
    wanted = expected_intervals([128, 512], [4.9, 5.0], [5.1, 5.4])
    wanted |= expected_intervals([128, 512], [4.1, 4.4], [5.9, 6.0])
    assert intervals(fig) == wanted
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == [
        "128\n4,000 nets",
        "512\n50 nets",
    ]
    assert fig.axes[0].get_ylim()[0] == 0
    assert fig.axes[0].get_ylim()[1] > 6.7  # the widest bar of the other panel is not cut
    empty = plots.clusters_by_width(rows.iloc[:0], 4.5)
    assert "no width" in empty.axes[0].texts[0].get_text()


def test_moduli_are_drawn_with_their_curves_and_the_share_that_learned():
    grid = np.array([31.0, 89.0, 251.0])
    rows = pd.DataFrame(
        {"n": [31, 89, 91], "num_seeds": [50, 4000, 4000], "mean": [4.5, 5.0, 5.1]}
        | {"low": [4.3, 4.9, 5.0], "high": [4.7, 5.1, 5.2], "deviation": [0.7, 0.8, 0.9]}
        | {"composite": [False, False, True]}
    )
    learned = pd.DataFrame(
        {"n": [31, 89, 91], "networks": [70, 4000, 4000], "share": [0.75, 1.0, 1.0]}
        | {"low": [0.64, 0.99, 0.99], "high": [0.84, 1.0, 1.0]}
    )
    fixed, learned_fixed = rows.assign(n=[35, 97, 179]), learned.assign(n=[35, 97, 179])
    curves = {"log n": 1 + np.log(grid)}
    fig = plots.clusters_by_modulus(rows, learned, curves, grid, fixed, learned_fixed)
    np.testing.assert_allclose(points(fig)["ln n"].y, np.log(grid))
    np.testing.assert_allclose(points(fig)["fit: log n"].y, 1 + np.log(grid))
    assert expected_intervals(rows.n, rows.low, rows.high) <= intervals(fig)
    assert expected_intervals(fixed.n, fixed.low, fixed.high) <= intervals(fig)
    shares = [expected_intervals(t.n, t.low, t.high) for t in (learned, learned_fixed)]
    assert intervals(fig, 1) == shares[0] | shares[1]
    assert "50 to 4,000 networks" in fig.axes[0].get_title(loc="left")


def test_thresholds_have_a_panel_a_limit_and_a_line_a_size():
    rows = pd.DataFrame(
        {"n": [31, 91] * 2, "min_size": [2, 2, 8, 8], "mean": [5.0, 6.0, 3.0, 4.0]}
        | {"low": [4.9, 5.9, 2.9, 3.9], "high": [5.1, 6.1, 3.1, 4.1]}
    )
    fig = plots.threshold_lines({"dead below 3 %": rows}, "n", "modulus")
    assert intervals(fig) == expected_intervals(rows.n, rows.low, rows.high)
    lines = plots.data(fig)
    assert lines[lines.series == 1].y.tolist() == [3.0, 4.0]
    assert "no two networks" in plots.threshold_lines({}, "n", "").axes[0].texts[0].get_text()


def test_probabilities_are_drawn_with_formulas_and_networks():
    table = sep.probability_table(59, range(1, 8)).assign(measured=[0, 0, 0.1, 0.3, 0.4, 0.2, 0])
    fig = plots.separation_probability({59: table})
    series = points(fig)
    np.testing.assert_allclose(series["Gamma formula"].y, table.Gamma)
    np.testing.assert_allclose(series["Stirling formula"].y, table.Stirling)
    np.testing.assert_allclose(series["m = ln n"].x, np.log(59))
    drawn = plots.data(fig)
    np.testing.assert_allclose(drawn[drawn.artist == "bar"].y, table.measured)
    for model in sep.MODELS:
        assert expected_intervals(table.m, table[f"{model}_low"], table[f"{model}_high"]) <= (
            intervals(fig)
        )


def test_needs_are_drawn_beside_networks():
    steps = pd.DataFrame({"n": [23, 89, 1999], "distinct": [2, 3, 7], "Gamma formula": [3, 4, 7]})
    nets = pd.DataFrame({"n": [89], "mean": [5.0], "low": [4.9], "high": [5.1]})
    grid = np.array([23.0, 1999.0])
    fig = plots.frequencies_needed(steps, nets, {"ln n": np.log(grid)}, grid)
    series = points(fig)
    assert series["distinct"].y.tolist() == [2, 3, 7]
    assert series["Gamma formula"].x.tolist() == [23, 89, 1999]
    assert intervals(fig) == expected_intervals([89], [4.9], [5.1])
    plots.frequencies_needed(steps, nets.iloc[:0], {}, grid)


def test_separations_are_histograms_of_shares():
    learned, random = np.array([0.4, 0.5, 0.5]), np.array([0.1, 0.3])
    fig = plots.learned_separations({"m = 5": {"learned": learned, "random": random}}, 0.156)
    shares = [patch.get_data().values for patch in fig.axes[0].patches]
    assert [round(float(values.sum()), 6) for values in shares] == [1.0, 1.0]
    assert points(fig)["delta"].x.tolist() == [0.156, 0.156]
    assert "no networks" in plots.learned_separations({}, 0.1).axes[0].texts[0].get_text()


def test_learned_sets_have_a_band_and_random_ones_a_line():
    shares = pd.DataFrame(
        {"delta": [0.1, 0.2], "learned": [0.0, 0.1], "low": [0.0, 0.05], "high": [0.02, 0.2]}
        | {"random": [0.1, 0.3]}
    )
    fig = plots.learned_selection(shares, 0.156)
    found = points(fig)
    assert found["learned sets"].y.tolist() == [0.0, 0.1]
    assert found["random sets, same sizes"].y.tolist() == [0.1, 0.3]
    assert found["delta"].x.tolist() == [0.156, 0.156]
    assert "no networks" in plots.learned_selection(None, 0.1).axes[0].texts[0].get_text()


def test_clusters_gained_are_drawn_against_how_much_l2_weighs():
    table = pd.DataFrame({"n": [31, 251], "times": [0.34, 2.76], "difference": [0.5, -2.0]})
    table = table.assign(low=[0.2, -2.2], high=[0.8, -1.8])
    fig = plots.clusters_by_l2(table)
    assert intervals(fig) == expected_intervals(table.times, table.low, table.high)
    assert [text.get_text() for text in fig.axes[0].texts] == ["n = 31", "n = 251"]
    assert "no modulus" in plots.clusters_by_l2(table.iloc[:0]).axes[0].texts[0].get_text()
