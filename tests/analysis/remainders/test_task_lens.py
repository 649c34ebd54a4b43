"""Planted networks whose mechanism, neurons and votes are known."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.remainders import task_lens as lens
from modlib.config.remainders import RemaindersConfig
from modlib.models.transformer import initial_weights
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import RemaindersTask, digits

SMALL = RemaindersConfig(p=11, embed_dim=8, heads=2)


def untrained(**changes: object) -> TransformerView:
    config = RemaindersConfig(**{"p": 11, "embed_dim": 8, "heads": 2} | changes)
    return TransformerView(config=config, weights=initial_weights(config, 3))


def planted(neurons: np.ndarray, **changes: object) -> TransformerView:
    """A view whose neurons are given."""
    view = untrained(**changes)
    view.__dict__["neurons"] = neurons
    return view


def one_hot_network() -> TransformerView:
    """A neuron for each residue of each task, which alone votes for it."""
    residues = np.arange(121)[:, None] % np.array([2, 3, 5, 7])
    neurons = np.concatenate(
        [residues[:, [task]] == np.arange(q) for task, q in enumerate((2, 3, 5, 7))], axis=1
    ).astype(np.float32)
    config = RemaindersConfig(p=11, embed_dim=20, heads=2)
    weights = {name: np.zeros_like(w) for name, w in initial_weights(config, 0).items()}
    weights["w_out"][:17, :17] = np.eye(17)
    weights["unembed"][:17] = np.eye(17)
    view = TransformerView(config=config, weights=weights)
    view.__dict__["neurons"] = np.pad(neurons, ((0, 0), (0, 63)))
    return view


def test_cosines_of_x_minus_c_are_explained_whole_with_their_amplitudes():
    x, c = np.arange(121), np.arange(7)
    wave = 2 * np.pi * (x[:, None] - c) / 7
    found = lens.mechanism(3 * np.cos(wave) + 0.5 * np.cos(3 * wave) + x[:, None], x % 7)
    assert found.explained == pytest.approx(1)
    assert found.amplitudes == pytest.approx([3, 0, 0.5])
    assert found.profile[0] == pytest.approx(3.5)


def test_the_cosine_of_an_even_modulus_is_explained_with_its_amplitude():
    x = np.arange(121)
    found = lens.mechanism(2 * np.cos(np.pi * (x[:, None] - np.arange(2))), x % 2)
    assert found.explained == pytest.approx(1)
    assert found.amplitudes == pytest.approx([2])


def test_a_sine_is_a_function_of_x_minus_c_but_not_of_equation_5():
    x = np.arange(121)
    found = lens.mechanism(np.sin(2 * np.pi * (x[:, None] - np.arange(5)) / 5), x % 5)
    assert found.explained == pytest.approx(0)
    assert found.explained_any == pytest.approx(1)


def test_noise_is_not_explained_and_constant_logits_have_no_share():
    noise = np.random.default_rng(0).normal(size=(1369, 31))
    assert lens.mechanism(noise, np.arange(1369) % 31).explained_any < 0.01
    assert np.isnan(lens.mechanism(np.ones((121, 3)), np.arange(121) % 3).explained)


def test_residue_shares_are_one_for_a_function_of_the_residue_and_zero_on_average_for_noise():
    x = np.arange(121)
    noise = np.random.default_rng(1).normal(size=(121, 400))
    shares = lens.residue_shares(planted(np.column_stack([(x % 5) ** 2, noise, np.ones(121)])))
    assert shares[2, 0] == pytest.approx(1)
    assert np.abs(shares[[0, 1, 3], 0]).max() < 0.06
    assert np.abs(shares[:, 1:-1].mean(1)).max() < 0.01
    assert np.isnan(shares[:, -1]).all()


def test_sorted_by_task_makes_stairs():
    shares = np.array([[0.1, -0.2, 0.5, np.nan], [0.3, 0.2, 0.1, np.nan]])
    assert lens.sorted_by_task(shares).tolist() == [[0.5, 0.1, 0.0], [0.1, 0.3, 0.2]]


def test_a_vote_is_what_the_right_logit_loses_without_the_neuron():
    view = untrained()
    targets = RemaindersTask(view.config, 0).answers
    votes = lens.votes(view, targets)
    for neuron in (0, 5, 17):
        held = view.neurons.copy()
        held[:, neuron] = held[:, neuron].mean()
        lost = view.logits - view.read(view.stream, held)
        for task, q in enumerate(view.qs.tolist()):
            of_task = lost[:, view.columns(q)]
            right = of_task[np.arange(121), targets[:, task]]
            loss = (right - of_task.mean(1)).mean()
            assert votes[task, neuron] == pytest.approx(loss, abs=1e-6)


def test_own_neurons_are_the_fewest_that_hold_half_of_the_positive_votes():
    votes = np.array([[3.0, 1.0, 2.0, -9.0], [0.0, 0.0, 0.0, -1.0], [1.0, 1.0, 1.0, 1.0]])
    assert lens.own_neurons(votes).astype(int).tolist() == [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [1, 1, 0, 0],
    ]


def test_overlap_is_jaccards_and_chance_its_value_for_random_sets():
    own = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]], dtype=bool)
    found = lens.overlap(own)
    assert found[0, 1] == pytest.approx(1 / 3)
    assert np.isnan(found[2, 2])
    drawn = np.random.default_rng(0)
    sets = [(drawn.permutation(200)[:40], drawn.permutation(200)[:80]) for _ in range(300)]
    mean = np.mean([len(np.intersect1d(*s)) / len(np.union1d(*s)) for s in sets])
    assert lens.chance_overlap(np.array([40, 80]), 200)[0, 1] == pytest.approx(mean, abs=0.01)


def test_removing_a_tasks_neurons_breaks_that_task_only():
    view = one_hot_network()
    targets = RemaindersTask(view.config, 0).answers
    own = lens.own_neurons(lens.votes(view, targets))
    assert own.sum(1).tolist() == [1, 2, 3, 4]
    found = lens.ablate(view, targets, own)
    assert found.base.tolist() == [1, 1, 1, 1]
    apart = ~np.eye(4, dtype=bool)
    assert (found.own[apart] == 1).all()
    assert (np.diagonal(found.own)[1:] < 0.8).all()
    held_out = RemaindersTask(view.config, 0).held_out
    table = lens.describe_tasks(view, targets, held_out).set_index("q")
    assert table.overlap.tolist() == [0, 0, 0, 0]
    assert table.explained.to_numpy() == pytest.approx(1)
    assert table.num_best.tolist() == [2, 3, 5, 7]


def test_taken_out_one_by_one_a_tasks_neurons_end_where_all_are_removed():
    view = one_hot_network()
    task = RemaindersTask(view.config, 0)
    own = lens.own_neurons(lens.votes(view, task.answers))
    found = lens.take_out(view, task.answers, task.held_out)
    removed = lens.ablate(view, task.answers, own, task.held_out)
    assert [len(table) for table in found.own] == (own.sum(1) + 1).tolist()
    for table, last, neurons, row in zip(found.own, removed.own, found.neurons, own, strict=True):
        np.testing.assert_allclose(table[[0, -1]], [removed.base, last])
        assert sorted(neurons) == np.flatnonzero(row).tolist()
    np.testing.assert_allclose(found.random[0], removed.base)
    assert len(found.random) == own.sum(1).max() + 1


@pytest.mark.parametrize("order", ["low_first", "high_first"])
def test_a_character_of_x_is_look_ups_and_products_at_its_frequency(order):
    x = np.arange(121)
    neurons = np.column_stack([np.cos(2 * np.pi * 2 * x / 7), np.sin(2 * np.pi * 3 * x / 7)])
    view = planted(neurons, digits=order)
    parts = lens.digit_parts(view)
    assert parts.variance.sum(0) == pytest.approx(neurons.var(0))
    found = lens.look_ups(parts, lens.task_frequencies(view, 7))
    assert found.tables + found.products == pytest.approx(1)
    apart = lens.look_ups(parts, lens.random_frequencies(3, draws=1)[0])
    assert (apart.products < 0.3).all()


def test_the_frequencies_of_modular_addition_are_those_of_the_sum():
    view = untrained(task="nanda")
    x0, x1 = digits(view.config)
    view.__dict__["neurons"] = np.cos(2 * np.pi * 4 * (x0 + x1) / 11)[:, None]
    found = lens.look_ups(lens.digit_parts(view), lens.task_frequencies(view, 11)[3:4])
    assert found.products == pytest.approx(1)
    assert lens.residue_shares(view)[0, 0] == pytest.approx(1)


def test_line_spectrum_peaks_at_the_character():
    x = np.arange(121)
    view = planted(np.column_stack([np.cos(2 * np.pi * 2 * x / 5), np.ones(121)]))
    spectrum = lens.line_spectrum(view)
    assert spectrum.sum() == pytest.approx(1)
    assert abs(spectrum.argmax() - 2 * 121 / 5) < 1
    assert lens.near_tasks(11, view.qs)[spectrum.argmax()]
    assert lens.near_tasks(37, np.array([3])).sum() == 2


@pytest.mark.parametrize("task", ["miiii", "nanda", "basis"])
def test_tasks_of_any_network_are_described(task):
    view = untrained(task=task)
    asked = RemaindersTask(view.config, 5)
    table = lens.describe_tasks(view, asked.answers, asked.held_out)
    assert table.q.tolist() == view.qs.tolist()
    assert table.accuracy.between(0, 1).all()
    assert (table.explained <= table.explained_any + 1e-12).all()
    if task == "nanda":
        assert table.overlap.isna().all()
        assert table.own_others.isna().all()
    if task == "miiii":
        assert table.explained_labels.to_numpy() == pytest.approx(table.explained_any.to_numpy())


def test_a_network_that_memorised_shuffled_labels_has_no_mechanism_of_x():
    view = untrained(task="basis")
    asked = RemaindersTask(view.config, 5)
    targets = asked.answers
    logits = np.concatenate(
        [targets[:, [task]] == np.arange(q) for task, q in enumerate(view.qs.tolist())], axis=1
    )
    view.__dict__["logits"] = logits.astype(float)
    table = lens.describe_tasks(view, targets, asked.held_out)
    assert (table.explained < 0.1).all()
    assert table.explained_labels.to_numpy() == pytest.approx(1)


def test_what_is_known_by_heart_explains_nothing_of_numbers_held_out():
    view = untrained(task="basis")
    asked = RemaindersTask(view.config, 5)
    generator = np.random.default_rng(0)
    known = [asked.answers[:, [task]] == np.arange(q) for task, q in enumerate(view.qs.tolist())]
    logits = 4.0 * np.concatenate(known, axis=1)
    assert len(asked.held_out) == 121 - view.config.num_train
    logits[asked.held_out] = generator.normal(size=(len(asked.held_out), logits.shape[1]))
    view.__dict__["logits"] = logits
    table = lens.describe_tasks(view, asked.answers, asked.held_out)
    assert (table.explained_labels > 0.3).all()
    assert (table.explained_labels_held_out < 0.3).all()
    learned = untrained(task="miiii")
    asked = RemaindersTask(learned.config, 5)
    exact = [asked.answers[:, [task]] == np.arange(q) for task, q in enumerate(learned.qs.tolist())]
    learned.__dict__["logits"] = np.concatenate(exact, axis=1).astype(float)
    table = lens.describe_tasks(learned, asked.answers, asked.held_out)
    assert table.explained_held_out.to_numpy() == pytest.approx(1)


def test_a_network_without_live_neurons_is_described():
    view = planted(np.zeros((121, 32), dtype=np.float32))
    asked = RemaindersTask(view.config, 0)
    table = lens.describe_tasks(view, asked.answers, asked.held_out)
    assert table.num_neurons.tolist() == [0, 0, 0, 0]
    assert table.residue_share.isna().all()
    assert lens.line_spectrum(view).sum() == 0
