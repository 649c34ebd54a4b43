"""Planted adders are found as planted; shares equal least squares on all numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from made_up.adders import adders_network, digit_network
from modlib.analysis.remainders import adders as ad
from modlib.analysis.remainders import circuits as ci
from modlib.analysis.remainders import task_clusters as tc
from modlib.analysis.remainders import task_lens as lens
from modlib.analysis.remainders.summary import describe
from modlib.config.remainders import RemaindersConfig
from modlib.config.thresholds import DEFAULT
from modlib.models.transformer import initial_weights
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import RemaindersTask, digits

PLANTED = {2: [1], 3: [1], 5: [1, 2], 7: [1, 3]}
QS = np.array([2, 3, 5, 7])
ALL = np.arange(121)


def untrained(**changes: object) -> TransformerView:
    config = RemaindersConfig(**{"p": 11, "embed_dim": 16, "heads": 2} | changes)
    return TransformerView(config=config, weights=initial_weights(config, 3))


def answers(view: TransformerView) -> np.ndarray:
    return RemaindersTask(view.config, 0).answers


def waves(view: TransformerView) -> pd.DataFrame:
    return ad.neuron_waves(view, ad.heard(view))


def explained_by(functions: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of each column's variance that functions of x and a constant explain."""
    functions = np.column_stack([functions, np.ones(len(values))])
    rest = values - functions @ np.linalg.lstsq(functions, values, rcond=None)[0]
    return 1 - rest.var(0) / values.var(0)


def preacts(view: TransformerView) -> np.ndarray:
    return view.stream.astype(float) @ view.weights["w_in"].astype(float)


@pytest.mark.parametrize("order", ["low_first", "high_first"])
def test_what_is_no_sum_over_digits_is_what_one_number_a_digit_leaves(order):
    view = untrained(digits=order)
    one_hot = np.concatenate([digit[:, None] == np.arange(11) for digit in digits(view.config)], 1)
    parts = ad.heard(view)
    explained = explained_by(one_hot.astype(float), preacts(view))
    assert parts.not_additive == pytest.approx(1 - explained, rel=1e-3)
    assert parts.not_additive.min() > 1e-6
    assert parts.variance == pytest.approx(preacts(view).var(0), rel=1e-4)


def test_a_network_that_copies_its_digits_is_additive():
    view = adders_network(PLANTED)
    parts = ad.heard(view)
    live = parts.variance > 0
    assert parts.not_additive[live].max() < 1e-20
    assert parts.preact(view) == pytest.approx(preacts(view))


@pytest.mark.parametrize("order", ["low_first", "high_first"])
def test_wave_shares_are_least_squares_on_all_numbers(order):
    view = untrained(digits=order)
    known = ad.characters(view)
    assert list(zip(known.q, known.k, strict=True)) == [
        (2, 1),
        (3, 1),
        *((5, k) for k in (1, 2)),
        *((7, k) for k in (1, 2, 3)),
    ]
    shares = ad.wave_shares(ad.heard(view), known.frequencies)
    low, high = (ALL % 11, ALL // 11)
    for at, (q, k) in enumerate(zip(known.q, known.k, strict=True)):
        angles = 2 * np.pi * np.stack([k * low / q, k * 11 * high / q])
        functions = np.concatenate([np.cos(angles), np.sin(angles)]).T
        assert shares[:, at] == pytest.approx(explained_by(functions, preacts(view)), abs=1e-4)


@pytest.mark.parametrize("order", ["low_first", "high_first"])
def test_planted_waves_clusters_and_phases_are_found(order):
    view = adders_network(PLANTED, digits=order)
    found = waves(view)
    planted = [(q, k) for q, ks in PLANTED.items() for k in ks for _ in range(7)]
    assert list(zip(found.q, found.k, strict=True))[: len(planted)] == planted
    chosen = found[ad.of_one_wave(found)]
    assert len(chosen) == len(planted)
    assert chosen.share.to_numpy() == pytest.approx(1)
    assert chosen.phase_error.abs().max() < 1e-9
    assert (chosen.k_out == chosen.k).all()
    assert chosen.out_share.to_numpy() == pytest.approx(1)
    assert chosen.to_task.to_numpy() == pytest.approx(1)
    assert chosen[chosen.q > 2].gain_0.to_numpy() == pytest.approx(1)
    assert tc.cluster_numbers(found, QS).tolist() == [1, 1, 2, 2]
    assert tc.cluster_sizes(found)["size"].tolist() == [7] * 6


def test_neurons_that_hear_nothing_are_of_no_wave():
    found = waves(adders_network(PLANTED))
    dead = found[42:]
    assert len(dead) > 0
    assert (dead.q == 0).all()
    assert dead.drop(columns=["q", "k"]).isna().all(axis=None)


def test_a_wrong_phase_is_seen_with_its_size():
    found = waves(adders_network({5: [1, 2], 7: [3]}, phase_error=0.1))
    assert found.phase_error[:21].to_numpy() == pytest.approx(0.1)


def test_random_pairs_explain_less_than_the_planted_wave_and_noise_has_no_wave():
    found = waves(adders_network({7: [1, 2, 3]}))[:21]
    assert found.random.median() < 0.8 < found.share.min()
    noise = np.random.default_rng(0).normal(size=(2, 11, 60))
    heard = waves(digit_network(*noise, np.ones((60, 17))))[:60]
    assert ad.of_one_wave(heard).mean() < 0.1


def test_a_neuron_alone_is_no_cluster():
    table = pd.DataFrame({"q": [5, 5, 5, 7], "k": [1, 1, 2, 1], "share": [0.9, 0.9, 0.9, 0.7]})
    assert tc.cluster_sizes(table).to_numpy().tolist() == [[5, 1, 2]]
    assert tc.cluster_numbers(table, QS).tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(("name", "law"), list(tc.LAWS.items()))
def test_clusters_that_follow_a_law_give_its_slope(name, law):
    qs = np.array([2, 3, 5, 7, 11, 13, 17])
    found = tc.growth(pd.Series(1 + 2 * law(qs.astype(float)), index=qs))
    assert found.explained.idxmax() == name
    assert found.loc[name, ["slope", "low", "high"]].to_numpy(dtype=float) == pytest.approx(2)
    assert found.loc[name, "start"] == pytest.approx(1)
    assert tc.growth(pd.Series([1.0, 1.0], index=[2, 3])).empty
    level = tc.growth(pd.Series(2.0, index=qs)).loc[name]
    assert level[["slope", "low", "high", "start"]].tolist() == [0, 0, 0, 2]


@pytest.mark.slow
def test_the_interval_of_the_slope_holds_the_truth_in_nineteen_of_twenty_cases():
    qs, drawn = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23]), np.random.default_rng(1)
    held = 0
    for _ in range(150):
        numbers = pd.Series(np.log(qs) + drawn.normal(size=len(qs)), index=qs)
        slope, low, high = tc.growth(numbers).loc["ln q", ["slope", "low", "high"]]
        assert low < slope < high
        held += low <= 1 <= high
    assert held / 150 == pytest.approx(0.95, abs=0.054)  # three standard errors


def test_planted_adders_answer_and_each_task_breaks_alone():
    view = adders_network({3: [1], 5: [1, 2], 7: [1, 2, 3]}, size=23)
    right = view.accuracy(view.logits, answers(view)).mean(0)
    assert right[1:].min() > 0.97
    found = ci.circuits(view, waves(view), answers(view), ALL)
    assert found.own.sum(1).tolist() == [0, 23, 46, 69]
    assert np.nanmax(found.shared[1:, 1:]) == 0
    assert np.isnan(np.diagonal(found.shared)).all()
    own = np.diagonal(found.removed.own)
    assert (own[1:] < 0.5).all()
    for task in (1, 2, 3):
        others = np.delete(found.removed.own[task] - found.removed.base, task)
        assert others == pytest.approx(0)
    assert np.isnan(found.smallest[0])
    assert (found.smallest[1:] <= found.own.sum(1)[1:]).all()


def test_the_smallest_set_is_counted_by_removing_one_after_the_other():
    view = adders_network({7: [1, 2, 3]}, size=43)
    targets, found = answers(view), waves(view)
    own, loudness = ad.by_task(found, view.qs), lens.votes(view, targets)
    counts = ci.smallest_sets(view, targets, own, loudness, ALL)
    order = np.argsort(-np.where(own[3], loudness[3], -np.inf), kind="stable")
    assert counts[3] > 2
    for count in (int(counts[3]) - 1, int(counts[3])):
        removed = np.isin(np.arange(len(order)), order[:count])
        held = np.where(removed, view.neurons.mean(0), view.neurons)
        right = view.accuracy(view.read(view.stream, held), targets).mean(0)[3]
        assert (right < DEFAULT.broken) == (count == counts[3])


def test_a_neuron_that_serves_two_tasks_is_shared():
    one, other = adders_network({5: [1]}), adders_network({7: [1]})
    tables = [
        sum(view.weights["w_in"][digit * 11 : digit * 11 + 11, :7] for view in (one, other))
        for digit in (0, 1)
    ]
    view = digit_network(*tables, one.written[:7] + other.written[:7])
    shared = ci.circuits(view, waves(view), answers(view), ALL).shared
    assert np.nanmax(shared) >= 0.2


def test_replacing_what_is_planted_by_its_waves_changes_nothing():
    view = adders_network({3: [1], 5: [1, 2], 7: [1, 2, 3]}, size=23)
    rungs = ci.replacements(view, ad.heard(view), waves(view), answers(view), ALL)
    right = view.accuracy(view.logits, answers(view)).mean(0)
    for name in ("whole", "one_wave", "own_task", "direct_mean"):
        assert rungs[name].to_numpy() == pytest.approx(right)


def test_each_replacement_takes_away_what_it_says():
    view = adders_network({5: [1, 2], 7: [1, 2, 3]}, size=23)
    weights = {name: array.copy() for name, array in view.weights.items()}
    noise = 50 * np.random.default_rng(0).normal(size=(11, 7))
    weights["unembed"][:11, 10:] = noise - noise.mean(0)
    noisy = TransformerView(config=view.config, weights=weights)
    rungs = ci.replacements(noisy, ad.heard(noisy), waves(noisy), answers(noisy), ALL)
    assert rungs.whole[7] < 0.5 < rungs.direct_mean[7]
    assert rungs.own_task[7] == rungs.whole[7]
    mean, noise = view.neurons[:, :46].mean(0), np.random.default_rng(1).normal(size=(46, 7))
    noise -= np.outer(mean, mean @ noise) / (mean @ mean)  # on average it says nothing
    w_out = view.weights["w_out"].copy()
    w_out[:46, 22 + 3 + 10 : 22 + 3 + 17] = 50 * noise
    crossed = TransformerView(config=view.config, weights={**view.weights, "w_out": w_out})
    rungs = ci.replacements(crossed, ad.heard(crossed), waves(crossed), answers(crossed), ALL)
    assert rungs.whole[7] < 0.5 < rungs.own_task[7]
    spoilt = view.weights["w_in"].copy()
    spoilt[:11, 46:115] += 1.0 * np.random.default_rng(2).normal(size=(11, 69))
    rough = TransformerView(config=view.config, weights={**view.weights, "w_in": spoilt})
    rungs = ci.replacements(rough, ad.heard(rough), waves(rough), answers(rough), ALL)
    assert rungs.one_wave[7] > rungs.whole[7]


@pytest.mark.parametrize("changes", [{}, {"p": 5}, {"p": 7}, {"task": "nanda"}, {"task": "basis"}])
def test_any_network_is_described(changes):
    view = untrained(**changes)
    held_out = RemaindersTask(view.config, 0).split["validation"]
    found = describe(view, answers(view), held_out)
    assert found.tasks.q.tolist() == view.qs.tolist()
    assert found.networks.one_wave[0] == pytest.approx(waves(view).share.median())
    assert found.tasks.whole.between(0, 1).all()
    if changes.get("task") == "nanda":
        assert found.tasks.removed_others.isna().all()


def test_what_the_direct_path_cancels_of_single_digits_is_waste_no_more():
    view = adders_network({5: [1, 2], 7: [1, 2, 3]}, size=23)
    assert ci.waste_left(view) == pytest.approx(1)
    parts = view.grid(view.neurons).mean(1) @ view.written  # what neurons say of x0 alone
    weights = {**view.weights, "unembed": view.weights["unembed"].copy()}
    weights["unembed"][:11] -= parts - parts.mean(0)
    cleaned = TransformerView(config=view.config, weights=weights)
    whole = [part @ view.written for part in (view.grid(view.neurons).mean(d) for d in (1, 0))]
    of_x0, of_x1 = (float(part.var(0).sum()) for part in whole)
    assert ci.waste_left(cleaned) == pytest.approx(of_x1 / (of_x0 + of_x1))
    rungs = ci.replacements(view, ad.heard(view), waves(view), answers(view), ALL)
    assert rungs.own_joint[7] == 1


def test_planted_adders_are_described_as_such_and_a_dead_network_as_none():
    view = adders_network({5: [1, 2], 7: [1, 2, 3]}, size=23)
    network, tasks = ci.describe_adders(view, answers(view), ALL)
    assert network["not_additive"] < 1e-12
    assert network["one_wave"] == pytest.approx(1)
    assert network["one_wave_neurons"] == 115
    assert network["phase_error"] == pytest.approx(0, abs=1e-9)
    assert network["same_output"] == 1
    assert tasks.clusters.tolist() == [0, 0, 2, 3]
    weights = {**view.weights, "w_in": np.zeros_like(view.weights["w_in"])}
    dead = TransformerView(config=view.config, weights=weights)
    network, tasks = ci.describe_adders(dead, answers(dead), ALL)
    assert network["one_wave_neurons"] == 0
    assert np.isnan(network["one_wave"])
    assert tasks.clusters.tolist() == [0, 0, 0, 0]
    assert tasks.smallest.isna().all()
