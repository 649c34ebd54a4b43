"""What the figures of chapter 05 draw."""

import numpy as np
import pandas as pd
import pytest

from drawn import intervals, out_of_view
from modlib import plots
from modlib.analysis.meso.clusters import Cluster
from modlib.plots.base import NEUTRAL

ENDS = ("", "_low", "_high")


def clusters(count=2):
    return [
        Cluster(index=i, freq=3 + i, n=31, neurons=np.arange(4 + i), kind="simple")
        for i in range(count)
    ]


def summary(by, measures=("loss", "accuracy"), controls=(False, True)):
    rows = []
    for cluster in range(2):
        for control in controls:
            for step in range(3):
                row = {"cluster": cluster, "control": control, by: step / 2}
                for place, name in enumerate(measures):
                    value = 0.1 + cluster + 10 * control + step + 0.5 * place
                    row |= {name: value, f"{name}_low": value / 2, f"{name}_high": value * 2}
                rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("draw", "by"), [(plots.noise_damage, "sigma"), (plots.removal_damage, "fraction")]
)
def test_damage_has_a_curve_a_cluster_a_band_and_a_control(draw, by):
    table = summary(by)
    drawn = plots.data(draw(table, clusters(), [0]))
    for place, measure in enumerate(("loss", "accuracy")):
        panel = drawn[drawn["axes"] == place]
        for cluster in clusters():
            curve = panel[panel.label == f"f = {cluster.freq} ({cluster.num_neurons})"]
            own = table[(table.cluster == cluster.index) & ~table.control]
            np.testing.assert_allclose(curve.x, own[by])
            np.testing.assert_allclose(curve.y, own[measure])
        controls = panel[(panel.artist == "line") & ~panel.label.str.startswith("f =")]
        np.testing.assert_allclose(controls.y, table[table.control][measure])
        areas = panel[panel.artist == "area"]
        assert areas.series.nunique() == 2
        bounds = table[~table.control]
        assert areas.y.min() == pytest.approx(bounds[f"{measure}_low"].min())
        assert areas.y.max() == pytest.approx(bounds[f"{measure}_high"].max())


def test_loss_is_drawn_on_a_logarithmic_axis_with_plain_numbers():
    fig = plots.noise_damage(summary("sigma"), clusters(), [])
    assert [ax.get_yscale() for ax in fig.axes] == ["log", "linear"]
    wide = summary("sigma")
    wide.loc[0, "loss_high"] = 1e7
    assert plots.noise_damage(wide, clusters(), []).axes[0].get_ylim()[1] > 1e7


def test_what_is_left_of_a_vote_is_drawn_in_two_panels():
    table = summary("fraction", ("amplitude", "rest"), controls=(False,))
    drawn = plots.data(plots.votes_left(table, clusters()))
    for place, measure in enumerate(("amplitude", "rest")):
        lines = drawn[(drawn["axes"] == place) & (drawn.artist == "line")]
        np.testing.assert_allclose(lines.y, table[measure])


def test_damage_by_cluster_sets_each_beside_its_control():
    table = pd.DataFrame(
        {
            "cluster": [0, 1],
            "freq": [3, 4],
            "num_neurons": [5, 4],
            "margin_left": [0.5, 2.5],
            "loss": [1.0, 0.2],
            "control_loss": [0.8, 0.6],
            "loss_whole": [0.01, 0.01],
        }
    )
    fig = plots.damage_by_cluster(table)
    points = plots.data(fig).query("artist == 'points'")
    own, control = points[points.label.str.startswith("f =")], points[points.label == "_control"]
    assert own.query("axes == 0").x.tolist() == [5, 4]
    assert not out_of_view(fig)
    assert own.query("axes == 1").x.tolist() == [0.5, 2.5]
    assert own.query("axes == 1").y.tolist() == [1.0, 0.2]
    assert control.x.tolist() == [5, 4]
    assert control.y.tolist() == [0.8, 0.6]


def test_clusters_of_one_size_stand_side_by_side_at_their_own_number():
    whole = {"margin_left": 1.0, "loss": 0.2, "control_loss": 0.8, "loss_whole": 0.01}
    table = pd.DataFrame({"cluster": [0, 1, 2], "freq": [3, 4, 5], "num_neurons": [5, 4, 5]})
    fig = plots.damage_by_cluster(table.assign(**whole))
    own = [dots for dots in fig.axes[0].collections if str(dots.get_label()).startswith("f =")]
    drawn = [dots.get_offset_transform().transform(dots.get_offsets())[0, 0] for dots in own]
    assert drawn[2] - drawn[0] == pytest.approx(8 * fig.dpi / 72)
    assert [dots.get_offsets()[0, 0] for dots in own] == [5, 4, 5]


def test_networks_are_told_apart_by_label_line_and_marker():
    noise = {name: summary("sigma").iloc[:3] for name in ("trained", "memorised")}
    removal = {name: summary("fraction").iloc[:3] for name in noise}
    fig = plots.network_damage(noise, removal)
    drawn = plots.data(fig).query("artist == 'line'")
    assert set(drawn.label) == {"trained", "memorised"}
    np.testing.assert_allclose(
        drawn[(drawn["axes"] == 0) & (drawn.label == "trained")].y, noise["trained"].loss
    )
    np.testing.assert_allclose(
        drawn[(drawn["axes"] == 3) & (drawn.label == "trained")].y, removal["trained"].accuracy
    )
    looks = {(line.get_linestyle(), line.get_marker()) for line in fig.axes[0].lines}
    assert len(looks) == 2


def test_a_network_without_clusters_is_said_to_have_none():
    empty = pd.DataFrame(columns=["cluster", "control", "sigma", "fraction"])
    figures = [
        plots.noise_damage(empty, [], []),
        plots.removal_damage(empty, [], []),
        plots.votes_left(empty, []),
        plots.damage_by_cluster(empty),
    ]
    for fig in figures:
        assert "no cluster" in fig.axes[0].texts[0].get_text()


def test_clusters_that_are_not_missed_are_grey():
    fig = plots.removal_damage(summary("fraction"), clusters(), [1])
    colours = {line.get_label(): line.get_color() for line in fig.axes[1].lines}
    assert colours["f = 3 (4)"] == NEUTRAL
    assert colours["f = 4 (5)"] == plots.cluster_color(1)
    assert "dashed: as many random live neurons" in colours


def test_redundancy_shows_this_network_beside_many():
    damage = pd.DataFrame(
        {"cluster": [0, 1], "freq": [3, 4], "accuracy": [1.0, 0.9], "control_accuracy": [0.8, 0.7]}
    )
    columns = [f"{name}{end}" for name in ("keeps", "removed", "control") for end in ENDS]
    values = [[0.5, 0.4, 0.6, 2.0, 1.5, 2.5, 4.0, 3.0, 5.0]] * 2
    by_number = pd.DataFrame(values, columns=columns).assign(num_clusters=[4, 5])
    fig = plots.redundancy(damage, by_number)
    drawn = plots.data(fig)
    own = drawn[drawn["axes"] == 0]
    assert own[own.label == "as many random live neurons"].y.tolist() == [0.8, 0.7]
    assert {1.0, 0.9} <= set(own.y)
    assert intervals(fig, 1) == {(4, 0.4, 0.6), (5, 0.4, 0.6)}
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == ["3", "4"]
    empty = plots.redundancy(damage.iloc[:0], by_number)
    assert "no cluster" in empty.axes[0].texts[0].get_text()
