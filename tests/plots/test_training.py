"""Chapter 01: what its figures draw and what its analyses return."""

import numpy as np
import pytest

from made_up.addition import history_of
from made_up.views import ideal_view
from modlib import plots
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.analysis.micro.progress import settled_epoch
from modlib.config.addition import AdditionConfig
from modlib.maths.fourier import effective_number
from modlib.models.views.neuron_view import correct_answers
from modlib.tasks.addition import AdditionTask


def lines(table, label):
    return table[(table.artist == "line") & (table.label == label)]


# ------------------------------------------------------------------ analyses


def test_equal_shares_count_as_their_number_of_frequencies():
    share = np.zeros((2, 46))
    share[0, 1:] = 1 / 45
    share[1, [5, 7, 11, 25, 40]] = 0.2
    np.testing.assert_allclose(effective_number(share), [45, 5])


def test_a_set_stands_from_the_epoch_after_its_last_change():
    epochs = np.array([0, 1, 10, 100, 1000])
    share = np.array(
        [
            [0, 0.5, 0.5, 0.00],
            [0, 0.9, 0.1, 0.00],
            [0, 0.9, 0.0, 0.10],
            [0, 0.4, 0.0, 0.60],
            [0, 0.4, 0.0, 0.60],
        ]
    )
    assert settled_epoch(epochs, share, 0.05) == ([1, 3], 10)
    assert settled_epoch(epochs, share, 0.2) == ([1, 3], 100)
    assert settled_epoch(epochs[3:], share[3:], 0.05) == ([1, 3], 100)


# ------------------------------------------------------------------ figures


def test_the_split_shows_answers_of_training_pairs_and_counts_them():
    config = AdditionConfig(n=7, train_pairs=30)
    mask, answers = AdditionTask(config, 5).mask, correct_answers(7)
    table = plots.data(plots.training_split(answers, mask))
    shown = table[(table.artist == "image") & (table["axes"] == 0)]
    image = shown.value.to_numpy().reshape(7, 7)
    np.testing.assert_array_equal(image[mask], answers[mask])
    assert np.isnan(image[~mask]).all()
    bars = table[table.artist == "bar"]
    np.testing.assert_array_equal(bars.y, np.bincount(answers[mask], minlength=7))


def test_curves_are_the_history_and_marks_stand_at_their_epochs():
    history = history_of([0.1, 1.0, 1.0], [0.0, 0.2, 1.0])
    fig = plots.learning_curves(history, {"known": 1, "never": None}, chance=1.5)
    table = plots.data(fig)
    for label, column in (("training pairs", "train"), ("held-out pairs", "test")):
        drawn = lines(table, label)
        np.testing.assert_allclose(drawn[drawn["axes"] == 0].y, history[f"{column}_loss"])
        np.testing.assert_allclose(drawn[drawn["axes"] == 1].y, history[f"{column}_accuracy"])
        np.testing.assert_array_equal(drawn[drawn["axes"] == 1].x, history.epoch)
    assert set(lines(table, "known: epoch 1").x) == {1}
    assert not table.label.str.contains("never").any()
    assert set(lines(table, "guessing, ln n").y) == {1.5}


def test_without_held_out_pairs_there_is_one_curve():
    history = history_of([0.1, 1.0], [np.nan, np.nan])
    table = plots.data(plots.learning_curves(history, {}, chance=1.5))
    assert "training pairs" in set(table.label)
    assert "held-out pairs" not in set(table.label)


def test_an_untrained_network_is_a_point_not_an_empty_panel():
    history = history_of([0.1], [0.0])
    fig = plots.learning_curves(history, {}, chance=1.5)
    assert {line.get_marker() for line in fig.axes[1].lines} == {"o", "s"}
    fig = plots.control_curves({"untrained": history}, {"untrained": (np.array([0]), np.ones(1))})
    assert len(fig.axes) == 3


def test_controls_stand_in_columns_with_their_number_of_frequencies():
    histories = {
        "trained": history_of([0.1, 1.0], [0.0, 1.0]),
        "memorised": history_of([0.1, 1.0, 1.0], [0.0, 0.0, 0.1]),
    }
    numbers = {
        "trained": (np.array([0, 1]), np.array([45.0, 5.0])),
        "memorised": (np.array([0, 2]), np.array([45.0, 44.0])),
    }
    fig = plots.control_curves(histories, numbers)
    table = plots.data(fig)
    held_out = lines(table, "held-out pairs")
    np.testing.assert_allclose(held_out[held_out["axes"] == 2].y, [0.0, 1.0])
    np.testing.assert_allclose(held_out[held_out["axes"] == 3].y, [0.0, 0.0, 0.1])
    np.testing.assert_allclose(table[table["axes"] == 5].y, [45, 44])
    assert [ax.get_title(loc="left") for ax in fig.axes[:2]] == ["trained", "memorised"]
    numbers["memorised"] = (np.array([0, 2]), np.array([45.0, 60.0]))
    assert plots.control_curves(histories, numbers).axes[4].get_ylim()[1] > 60


@pytest.fixture(scope="module")
def three_clusters():
    return cluster_neurons(ideal_view(31, {3: 9, 4: 6, 11: 5})).clusters


def test_the_heat_map_holds_every_share_but_the_means(three_clusters):
    epochs = np.array([0, 1, 10])
    share = np.random.default_rng(0).dirichlet(np.ones(16), size=3)
    fig = plots.frequency_heatmap(epochs, share, three_clusters, {"known": 1, "never": None})
    table = plots.data(fig)
    image = table[(table.artist == "image") & (table["axes"] == 0)].value.to_numpy()
    np.testing.assert_allclose(image.reshape(15, 3), share[:, 1:].T)
    assert {text.get_text() for text in fig.axes[0].texts} == {"f = 3", "f = 4", "f = 11"}
    assert set(lines(table, "known: epoch 1").x) == {1}
    assert len(plots.frequency_heatmap(epochs[:1], share[:1], [], {}).axes) == 2


def test_the_race_draws_clusters_and_those_that_lost(three_clusters):
    epochs = np.array([0, 1, 10])
    share = np.random.default_rng(0).dirichlet(np.ones(16), size=3)
    fig = plots.frequency_race(epochs, share, three_clusters, [7, 9], {"known": 1})
    table = plots.data(fig)
    np.testing.assert_allclose(lines(table, "f = 11").y, share[:, 11])
    np.testing.assert_allclose(lines(table, "no cluster at the end: 7, 9").y, share[:, 7])
    np.testing.assert_allclose(lines(table, "_9").y, share[:, 9])
    empty = plots.frequency_race(epochs, share, [], [], {})
    assert "no frequency stood out" in empty.axes[0].texts[0].get_text()
