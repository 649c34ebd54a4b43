import matplotlib.pyplot as plt
import numpy as np
import pytest

from made_up.views import ideal_view, random_view
from modlib import plots
from modlib.analysis.meso.choir import Sum
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.analysis.micro.neurons import input_magnitude, power_shares
from modlib.maths.groups import remap, remapping_unit

VIEW = ideal_view(31, {3: 8, 7: 6})
CLUSTERING = cluster_neurons(VIEW)


def test_the_heat_map_shows_each_neuron_at_its_frequency():
    drawn = plots.data(plots.spectra_heatmap(power_shares(VIEW), CLUSTERING))
    cells = drawn[(drawn.artist == "image") & (drawn["axes"] == 0)]
    bright = cells[cells.value > 0.99]
    assert len(bright) == 14
    assert (bright.x.to_numpy() + 1).tolist() == [3] * 8 + [7] * 6  # column 0 is frequency 1
    assert bright.y.tolist() == list(range(14))


def test_controls_are_drawn_side_by_side():
    control = cluster_neurons(random_view(31, 10))
    panels = {
        "trained": (power_shares(VIEW), CLUSTERING),
        "untrained": (power_shares(random_view(31, 10)), control),
    }
    drawn = plots.data(plots.spectra_heatmaps(panels))
    assert {"trained", "untrained"} <= set(drawn.title)
    alone = cluster_neurons(ideal_view(5, {2: 1}))
    fig = plots.spectra_heatmap(power_shares(ideal_view(5, {2: 1})), alone)
    ticks = np.concatenate([fig.axes[0].get_xticks(), fig.axes[0].get_yticks()])
    np.testing.assert_array_equal(ticks, ticks.round())


def test_each_cluster_has_a_panel_with_the_spectra_of_its_neurons():
    magnitude = input_magnitude(VIEW)
    drawn = plots.data(plots.cluster_dfts(magnitude, CLUSTERING.clusters))
    for position, cluster in enumerate(CLUSTERING.clusters):
        lines = drawn[(drawn["axes"] == position) & (drawn.artist == "line")]
        assert lines.series.nunique() == cluster.num_neurons
        first = lines[lines.series == 0].y.to_numpy()
        np.testing.assert_allclose(first, magnitude[cluster.neurons[0], 1:])
        assert first.argmax() + 1 == cluster.freq


def test_without_clusters_the_panel_says_so():
    fig = plots.cluster_dfts(input_magnitude(VIEW), [])
    assert "no cluster" in fig.axes[0].texts[0].get_text()


def test_preactivations_are_drawn_as_given():
    cluster = CLUSTERING.clusters[0]
    unit = remapping_unit(cluster.freq, 31)
    slow = [remap(p.T[cluster.neurons], unit) for p in (VIEW.preact_a, VIEW.preact_b)]
    drawn = plots.data(plots.cluster_preacts(*slow, cluster, unit=unit))
    for axis, signals in enumerate(slow):
        line = drawn[(drawn["axes"] == axis) & (drawn.series == 2)]
        np.testing.assert_allclose(line.y, signals[2])


def test_phases_are_drawn_as_measured():
    cluster = CLUSTERING.clusters[0]
    table = CLUSTERING.table.iloc[cluster.neurons]
    drawn = plots.data(plots.cluster_phases(table, cluster))
    bars = drawn[drawn.artist == "bar"]
    assert bars.y.sum() == 2 * cluster.num_neurons
    points = drawn[(drawn.artist == "points") & (drawn["axes"] == 1)]
    np.testing.assert_allclose(points.x, table.t_a)
    np.testing.assert_allclose(points.y, table.t_b)
    tied = drawn[(drawn.artist == "points") & (drawn["axes"] == 2)]
    np.testing.assert_allclose(tied.x, tied.y, atol=1e-6)


def test_a_cluster_without_phases_gives_panels_that_say_so():
    even = cluster_neurons(ideal_view(12, {6: 3}))
    table = even.table.dropna(subset=["t_a"])
    fig = plots.cluster_phases(table, even.clusters[0])
    assert fig.axes[0].texts[0].get_text().split() == ["no", "neuron", "with", "a", "phase"]


@pytest.mark.parametrize(
    ("n", "freq", "rivals"), [(31, 3, {-10, 10}), (91, 35, {-39, -26, -13, 13, 26, 39})]
)
def test_the_vote_marks_the_answer_and_its_rivals(n, freq, rivals):
    cluster = cluster_neurons(ideal_view(n, {freq: 6})).clusters[0]
    vote = 2 * np.cos(2 * np.pi * freq * np.arange(n) / n)
    drawn = plots.data(plots.cosine_vote(vote, 2.0, cluster))
    points = drawn[drawn.label == "cluster, mean over pairs"]
    np.testing.assert_allclose(points.y, vote[points.x.astype(int) % n])
    curve = drawn[drawn.label == r"$A \cos(2 \pi f d / n)$"]
    np.testing.assert_allclose(curve.y, 2 * np.cos(2 * np.pi * freq * curve.x / n))
    assert drawn[drawn.label == "the answer"].x.tolist() == [0]
    assert (
        set(drawn[drawn.artist == "line"][drawn.label.isin(["same coset", "one step away"])].x)
        == rivals
    )


def test_figures_are_closed_and_keep_the_books_colours():
    before = plt.get_fignums()
    plots.cluster_dfts(input_magnitude(VIEW), CLUSTERING.clusters)
    assert plt.get_fignums() == before
    assert plots.cluster_color(-1) not in plots.PALETTE
    assert plots.cluster_color(len(plots.PALETTE)) == plots.cluster_color(0)


def test_neighbouring_clusters_differ_for_every_kind_of_colour_vision():
    """Under simulated protanopia, deuteranopia and tritanopia no two colours of five fall together.

    Linear-RGB matrices of Machado, Oliveira and Fernandes (2009), severity 1.
    """
    matrices = {
        "protan": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deutan": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        "tritan": [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    }
    channels = np.array(
        [[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in plots.PALETTE[:6]]
    )
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    for matrix in matrices.values():
        seen = np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        distance = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
        assert distance[np.triu_indices(6, 1)].min() > 0.1


def test_three_neurons_can_be_followed_and_the_others_are_grey():
    signals = np.arange(40.0).reshape(8, 5)
    fig = plots.cluster_preacts(signals, signals, CLUSTERING.clusters[0], [0, 3, 7])
    for ax in fig.axes:
        greys = [line.get_label() == "_others" for line in ax.lines[:8]]
        assert [i for i, grey in enumerate(greys) if not grey] == [0, 3, 7]


def test_votes_add_up_panel_by_panel():
    cluster = CLUSTERING.clusters[0]
    votes = np.random.default_rng(0).normal(size=(4, cluster.n))
    sums = [Sum(k, votes[:k], votes[:k].sum(0), float(k), 0.1 * k) for k in (1, 2, 4)]
    fig = plots.votes_adding_up(sums, cluster, 2)
    drawn = plots.data(fig)
    for panel, one in enumerate(sums):
        own = drawn[drawn["axes"] == panel]
        np.testing.assert_allclose(own[own.label == "their sum"].y, one.total)
        assert (own.label == "_vote").sum() == one.num_neurons * cluster.n
        assert own[own.label == "A cos, in proportion"].y.max() == pytest.approx(
            4.0 * one.num_neurons / 4, rel=0.05
        )
    titles = [ax.get_title(loc="left") for ax in fig.axes]
    assert titles == ["(a) 1 neuron: 10 %", "(b) 2 neurons: 20 %", "(c) 4 neurons: 40 %"]
