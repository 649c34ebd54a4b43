"""Chapter 01: what its figures draw, what its analyses return, what its sentences say."""

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view
from modlib import plots
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.analysis.micro.progress import settled_epoch
from modlib.chapters import training as words
from modlib.config.addition import AdditionConfig
from modlib.maths.fourier import effective_number
from modlib.models.mlp import initial_weights
from modlib.models.views.neuron_view import NeuronView, correct_answers
from modlib.plots.training import _spread
from modlib.runs.addition import Run
from modlib.store.runs import StoredRun
from modlib.tasks.addition import AdditionTask


def history_of(train, test, epochs=None):
    """A history with these accuracies; each loss is 2 minus its accuracy."""
    train, test = np.asarray(train, dtype=float), np.asarray(test, dtype=float)
    columns = {
        "epoch": np.arange(len(train)) if epochs is None else epochs,
        "train_loss": 2 - train,
        "train_accuracy": train,
        "test_loss": 2 - test,
        "test_accuracy": test,
    }
    return pd.DataFrame(columns)


def weights_of(view: NeuronView):
    """Parameters of a two-embedding network that has this view."""
    embed_a, embed_b, w_a, w_b = view.factors
    weights = {
        "embed_a.weight": embed_a,
        "embed_b.weight": embed_b,
        "hidden.weight": np.concatenate([w_a.T, w_b.T], axis=1),
        "hidden.bias": view.b_in,
        "unembed.weight": view.w_out.T,
        "unembed.bias": view.b_out,
    }
    return {name: value.astype(np.float32) for name, value in weights.items()}


def run_of(config, history, *, view=None, epochs=(0,), content=None):
    """A run as the store would give it back."""
    weights = initial_weights(config, 0) if view is None else weights_of(view)
    if content is None:
        content = np.full((len(epochs), config.n // 2 + 1), 1 / (config.n // 2))
    manifest = {
        "kind": "addition",
        "key": config.key(),
        "config": {"steps_per_second": 100.0},
        "wall_s": 7.5,
        "device": "cpu",
        "files": {
            "weights.safetensors": {"bytes": 1234},
            "metrics.parquet": {"bytes": 567},
        },
    }
    tensors = {f"model/{name}": value for name, value in weights.items()}
    tensors |= {"frequency_epochs": np.array(epochs), "frequency_content": content}
    stored = StoredRun(tensors=tensors, metrics=history, manifest=manifest)
    return Run(config=config, seed=3, stored=stored, trained_now=True)


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


def test_names_of_neighbouring_frequencies_do_not_overlap():
    assert _spread([3, 4, 11], 2.0) == [3, 5, 11]
    assert _spread([11, 4, 3, 4.5], 2.0) == [11, 5, 3, 7]
    assert _spread([], 2.0) == []


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


# ------------------------------------------------------------------ sentences


def test_a_first_epoch_is_none_where_the_value_is_never_reached():
    history = history_of([0.1, 0.99, 0.5], [np.nan] * 3, epochs=[0, 7, 14])
    assert words.first_epoch(history, "train_accuracy") == 7
    assert words.first_epoch(history, "test_accuracy") is None


def test_the_split_says_when_an_answer_is_never_shown():
    config = AdditionConfig(n=5, train_pairs=5)
    mask = np.eye(5, dtype=bool)[:, ::-1].copy()  # a + b = 4 five times
    text = words.about_split(config, mask)
    assert "5 of 25 pairs (20.0 %)" in text
    assert "Four answers occur in no training pair" in text
    everything = AdditionConfig(n=5, train_pairs=25)
    assert "cannot show" in words.about_split(everything, np.ones((5, 5), dtype=bool))


def delay(train, test, **options):
    history = history_of(train, test)
    config = AdditionConfig(n=11, epochs=len(history) - 1, **options)
    return words.about_delay(run_of(config, history))


def test_the_delay_is_told_for_every_outcome():
    learned = delay([0.1, 1.0, 1.0, 1.0], [0.1, 0.2, 0.5, 1.0])
    assert "first right at epoch 1;" in learned
    assert "first right at epoch 3, 3.0 times as late" in learned
    assert "The rule does not come in time" in delay([0.1, 1.0], [0.1, 0.1])
    assert "99 % of the held-out pairs are never right" in delay([0.1, 1.0], [0.1, 0.9])
    assert "never knows 99 % of its training pairs" in delay([0.1, 0.5], [0.1, 0.1])
    assert "not trained" in delay([0.1], [0.1])
    alone = delay([0.1, 1.0], [np.nan, np.nan], train_pairs=121)
    assert "No pair is held out" in alone
    assert "never knows 99 % of its pairs" in delay([0, 0.5], [np.nan, np.nan], train_pairs=121)


def test_a_held_out_loss_above_a_guess_is_pointed_out():
    history = history_of([0.1, 1.0, 1.0], [0.1, 0.1, 1.0])
    history.loc[1, "test_loss"] = 9.0
    config = AdditionConfig(n=11, epochs=2)
    assert "surer of wrong answers" in words.about_delay(run_of(config, history))
    assert "surer of wrong answers" not in delay([0.1, 1.0, 1.0], [0.1, 0.1, 1.0])


def test_the_parts_of_the_loss_add_up():
    config = AdditionConfig(n=11, num_neurons=4, embed_dim=2, l2=0.5, epochs=1)
    run = run_of(config, history_of([0.1, 1.0], [0.0, 1.0]))
    ones = {"a": np.ones((3, 2), dtype=np.float32)}
    first = words.about_loss(run, ones).splitlines()[2]
    assert first == "| start | 1.9000 | 3.0000 | 4.9000 | 61.2 % |"
    assert "most of the loss is the price of the weights" in words.about_loss(run, ones)
    free = run_of(AdditionConfig(n=11, l2=0.0, epochs=1), history_of([0.1, 1.0], [0.0, 1.0]))
    assert "Without L2" in words.about_loss(free, ones)


def test_the_network_table_counts_every_parameter():
    config = AdditionConfig(n=11, num_neurons=4, embed_dim=2)
    text = words.about_network(run_of(config, history_of([0.1], [0.1])))
    assert "| together | | 119 |" in text  # 22 + 22 + 16 + 4 + 44 + 11


def test_speed_counts_steps():
    config = AdditionConfig(n=11, train_pairs=66, epochs=10)
    text = words.about_speed(run_of(config, history_of([0.1, 1.0], [0.0, 1.0])))
    assert "10 epochs of six steps are 60 steps" in text
    assert "**100 seed-steps a second**" in text
    assert words.about_speed(run_of(config.untrained(), history_of([0.1], [0.1]))) == (
        "No step was made."
    )


def test_latecomers_were_loud_once_and_have_no_cluster():
    share = np.full((3, 46), 0.01)
    share[1, 8], share[2, 9], share[0, 30] = 0.3, 0.4, 0.032
    assert words.latecomers(share, []) == [9, 8]
    assert words.latecomers(share, [9]) == [8]
    assert words.latecomers(np.full((1, 46), 1 / 45), []) == []


def frequency_run(*, accuracies, shares, view=None, n=31):
    epochs = np.arange(len(shares))
    config = AdditionConfig(n=n, epochs=len(shares) - 1)
    if view is not None:
        size = view.num_neurons
        config = AdditionConfig(n=n, epochs=len(shares) - 1, num_neurons=size, embed_dim=size)
    history = history_of(np.ones(len(shares)), accuracies)
    return run_of(config, history, view=view, epochs=epochs, content=np.asarray(shares))


def shares_of(*rows, num_freqs=16):
    table = np.zeros((len(rows), num_freqs))
    for row, shares in zip(table, rows, strict=True):
        row[list(shares)] = list(shares.values())
    return table


def test_when_the_set_stands_is_compared_with_when_the_network_is_right():
    even = dict.fromkeys(range(1, 16), 1 / 15)
    shares = shares_of(even, {3: 0.9, 5: 0.1}, {3: 0.5, 4: 0.5}, {3: 0.5, 4: 0.5})
    run = frequency_run(accuracies=[0, 1, 1, 1], shares=shares)
    text = words.about_frequencies(run.frequency_epochs, run.frequency_content, run)
    assert "over 15 equal frequencies of 15, at the end over 2.0" in text
    assert "Two frequencies hold at least 3.0 % of the power at the end: 3 and 4" in text
    assert "since epoch 2" in text
    assert "after the first 100 % on held-out pairs, at epoch 1" in text
    late = frequency_run(accuracies=[0, 0, 0, 1], shares=shares)
    assert "not later than" in words.about_frequencies(
        late.frequency_epochs, late.frequency_content, late
    )
    single = frequency_run(accuracies=[0], shares=shares[:1])
    assert "since epoch" not in words.about_frequencies(np.array([0]), shares[:1], single)


def test_the_race_is_told_from_the_first_places():
    view = ideal_view(31, {3: 9, 4: 6})
    rising = {1: 0.5, 2: 0.2, 3: 0.2, 4: 0.1}
    shares = shares_of(rising, {3: 0.6, 4: 0.1, 7: 0.3}, {3: 0.5, 4: 0.5})
    run = frequency_run(accuracies=[0, 1, 1], shares=shares, view=view)
    text = words.about_race(run.frequency_epochs, run.frequency_content, run)
    assert "at place 3 and 4 of 15" in text
    assert "At epoch 1" in text
    assert "30.0 % of the power is still at frequencies that have no cluster" in text
    assert "f = 4 gains most: from 10.0 % to 50.0 %" in text
    unlearned = frequency_run(accuracies=[0, 0, 0], shares=shares, view=view)
    assert "gains most" not in words.about_race(np.arange(3), shares, unlearned)
    loose = frequency_run(accuracies=[0, 0, 0], shares=shares)
    assert "no race" in words.about_race(np.arange(3), shares, loose)


def test_controls_are_told_with_and_without_held_out_pairs():
    config = AdditionConfig(n=11, epochs=1)
    known = run_of(config, history_of([0.1, 1.0], [0.0, 0.25]))
    alone = run_of(
        AdditionConfig(n=11, train_pairs=121, epochs=1), history_of([0.1, 1.0], [np.nan] * 2)
    )
    text = words.about_controls({"memorised": known, "all": alone})
    assert "*memorised*: 100 % of its 77 training pairs and 25.0 % of the others" in text
    assert "*all*: 100 % of its 121 training pairs; its power" in text
    assert "Chance is 9.1 %." in text


def test_two_trainings_of_a_seed_are_compared_bit_by_bit():
    config = AdditionConfig(n=11, train_pairs=60)
    first = {"a": np.ones(3), "b": np.zeros(2)}
    assert "all 5 numbers agree" in words.about_twice(first, dict(first), 0.5, config)
    other = first | {"b": np.array([0.0, 1e-9])}
    assert "one array of 2 differ" in words.about_twice(first, other, 0.5, config)


def test_the_files_of_a_run_are_listed_without_the_folder_of_the_user():
    run = run_of(AdditionConfig(n=11), history_of([0.1], [0.1]))
    text = words.about_files(run)
    assert f"`addition/{run.config.key()}/seed-000003/`" in text
    assert "| `metrics.parquet` | 567 | 1 rows of epoch," in text
    assert "at 6 frequencies at one epoch" in text
