"""Zhong et al.'s transformer: the fast step is the module's; metrics on known kinds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from modlib.analysis.meso import clock_pizza as cp
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import ATTENTION_RATES, CLOCK_PIZZA_PRESETS
from modlib.errors import InputError, StoreError
from modlib.models.clock_pizza import ClockPizzaTransformer, initial_weights, parameter_shapes
from modlib.models.foreign.load import load_checkpoint
from modlib.models.views.neuron_view import NeuronView
from modlib.models.views.pair_view import PairView
from modlib.runs.clock_pizza import get_or_train_clock_pizza
from modlib.store.runs import Store, StoredRun
from modlib.tasks.addition import AdditionTask
from modlib.training.clock_pizza import train as training_clock_pizza_train
from modlib.training.clock_pizza.step import FastClockStep
from modlib.training.clock_pizza.train import EVALUATE_EVERY, train

TINY = ClockPizzaConfig(n=7, embed_dim=8, heads=2, num_neurons=12, steps=120)


def shaken(config: ClockPizzaConfig, seed: int = 3) -> dict[str, np.ndarray]:
    """Initial weights in float64 with biases that are not zero."""
    rng = np.random.default_rng(seed)
    drawn = initial_weights(config, seed)
    return {name: value + 0.1 * rng.normal(size=value.shape) for name, value in drawn.items()}


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", [{}, {"n": 10, "embed_dim": 12, "heads": 3, "num_neurons": 20}])
def test_the_fast_gradient_is_the_modules(rate, shape):
    config = replace(TINY, attention_rate=rate, **shape)
    weights, task = shaken(config), AdditionTask(config, 3)
    module = ClockPizzaTransformer(config, weights)
    a, b = (torch.tensor(part) for part in np.nonzero(task.mask))
    loss = torch.nn.functional.cross_entropy(module(a, b), (a + b) % config.n)
    loss.backward()
    fast = FastClockStep(task, weights, dtype=np.float64)
    fast.gradient()
    found = fast.d_parameters
    for name, parameter in module.by_name().items():
        wanted = 0.0 if parameter.grad is None else parameter.grad.numpy()
        np.testing.assert_allclose(found[name], wanted, atol=1e-12, err_msg=name)
    _, losses = fast.evaluate()
    assert losses[task.mask.ravel()].mean() == pytest.approx(loss.item(), abs=1e-12)


def test_the_fast_step_is_adamw_with_a_warm_up():
    config = replace(TINY, attention_rate=0.5, warmup=4)
    weights, task = shaken(config), AdditionTask(config, 3)
    module = ClockPizzaTransformer(config, weights)
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )
    fast = FastClockStep(task, weights, dtype=np.float64)
    a, b = (torch.tensor(part) for part in np.nonzero(task.mask))
    for step in range(8):
        optimizer.param_groups[0]["lr"] = config.lr * min(1.0, (step + 1) / 4)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(a, b), (a + b) % config.n).backward()
        optimizer.step()
        fast.gradient()
        fast.update(step)
    for name, parameter in module.by_name().items():
        np.testing.assert_allclose(
            fast.parameters[name], parameter.detach().numpy(), atol=1e-9, err_msg=name
        )


def test_single_precision_follows_double_precision():
    config = replace(TINY, n=13, attention_rate=0.7)
    task, weights = AdditionTask(config, 1), initial_weights(config, 1)
    single, double = (
        FastClockStep(task, weights, dtype=dtype) for dtype in (np.float32, np.float64)
    )
    for network in (single, double):
        network.gradient()
    scale = np.abs(double.grad).max()
    np.testing.assert_allclose(single.grad, double.grad, atol=1e-5 * scale)


def test_a_small_network_learns():
    config = ClockPizzaConfig(n=13, embed_dim=32, num_neurons=64, steps=1500)
    history = train(AdditionTask(config, 0), progress=False).history
    assert history.train_accuracy.iloc[-1] == 1
    assert history.step.tolist() == list(range(0, 1501, EVALUATE_EVERY))
    assert history.test_accuracy.iloc[-1] > 0.5


@pytest.mark.parametrize("change", ["columns", "steps", "nan"])
def test_a_damaged_run_is_refused(tmp_path, monkeypatch, change):
    store = Store(tmp_path)
    run = get_or_train_clock_pizza(TINY, seed=2, store=store, progress=False)
    stored = store.of(TINY).load(2)
    metrics, tensors = stored.metrics, dict(stored.tensors)
    if change == "columns":
        metrics = metrics.drop(columns="test_accuracy")
    elif change == "steps":
        metrics = metrics.iloc[:-1]
    else:
        tensors["embed.W_E"] = tensors["embed.W_E"] * np.nan
    broken = StoredRun(tensors=tensors, metrics=metrics, manifest=run.manifest)
    monkeypatch.setattr(Store, "load", lambda *args: broken)
    with pytest.raises(StoreError, match="of another configuration than its path says, or a dam"):
        get_or_train_clock_pizza(TINY, seed=2, store=store, progress=False)


def test_a_stored_run_is_not_trained_again(tmp_path, monkeypatch):
    store = Store(tmp_path)
    first = get_or_train_clock_pizza(TINY, seed=2, store=store, progress=False)
    monkeypatch.setattr(training_clock_pizza_train, "go", None)
    again = get_or_train_clock_pizza(TINY, seed=2, store=store, progress=False)
    for name, value in first.weights.items():
        np.testing.assert_array_equal(again.weights[name], value)
    assert again.history.equals(first.history)
    assert {name: value.shape for name, value in again.weights.items()} == parameter_shapes(TINY)


def test_the_run_is_a_checkpoint_like_any_other(tmp_path):
    run = get_or_train_clock_pizza(
        replace(TINY, attention_rate=0.4), seed=2, store=Store(tmp_path), progress=False
    )
    module = ClockPizzaTransformer(run.config, run.weights)
    k = torch.arange(7)
    with torch.no_grad():
        logits = module(k.repeat_interleave(7), k.repeat(7)).numpy().reshape(7, 7, 7)
    np.testing.assert_allclose(run.network.pairs.logits(), logits, atol=1e-5)
    assert not run.network.exact
    assert run.network.attention_rate == 0.4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("n", 7.5),
        ("attention_rate", 1.5),
        ("attention_rate", "half"),
        ("train_fraction", 1.0),
        ("heads", 3),
        ("num_neurons", 0),
        ("lr", -1.0),
        ("warmup", -1),
        ("weight_decay", float("nan")),
        ("steps", True),
    ],
)
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(InputError, match=name):
        replace(TINY, **{name: value})


def test_presets_go_from_pizza_to_clock_in_tenths():
    rates = [config.attention_rate for config in CLOCK_PIZZA_PRESETS.values()]
    assert rates == list(ATTENTION_RATES) == [i / 10 for i in range(11)]
    assert len({config.key() for config in CLOCK_PIZZA_PRESETS.values()}) == 11


# What tells clock from pizza, on networks whose kind is known.

N = 11
K = np.arange(N)
WAVE = np.cos(2 * np.pi * 3 * (K[:, None, None] + K[:, None] - K) / N)
SLICES = np.abs(np.cos(np.pi * 3 * (K[:, None] - K) / N))[..., None] * WAVE


def test_each_formula_explains_its_own_logits():
    clock = cp.explained_by_formulas(WAVE + 5.0, [3])
    pizza = cp.explained_by_formulas(SLICES, [3])
    assert clock.clock == pytest.approx(1)
    assert pizza.pizza == pytest.approx(1)
    assert 0.5 < clock.pizza < 0.95
    assert 0.5 < pizza.clock < 0.95
    assert max(cp.explained_by_formulas(WAVE, [4])) < 1e-12
    both = cp.explained_by_formulas(
        WAVE + 2 * np.cos(2 * np.pi * (K[:, None, None] + K[:, None] - K) / N), [1, 3]
    )
    assert both.clock == pytest.approx(1)


def test_the_distance_decides_in_a_pizza_and_not_in_a_clock():
    noise = np.random.default_rng(0).normal(size=(N, N))
    by_sum = WAVE + noise[(K[:, None] + K) % N, 0][..., None]
    assert cp.distance_irrelevance(SLICES) < 1e-12
    assert cp.distance_irrelevance(by_sum) == pytest.approx(1)
    assert np.isnan(cp.distance_irrelevance(WAVE * 0 + 1))


def test_distances_are_told_apart_at_even_n():
    k = np.arange(8)
    logits = np.zeros((8, 8, 8))
    logits[k[:, None], k, (k[:, None] + k) % 8] = ((k[:, None] - k) % 8) ** 2
    assert cp.distance_irrelevance(logits) < 1e-12


@pytest.mark.parametrize("n", [11, 8])
def test_right_logits_lie_by_distance(n):
    logits = np.random.default_rng(1).normal(size=(n, n, n))
    table = cp.right_logits(logits)
    for a in range(n):
        for b in range(n):
            assert table[(a - b) % n, b] == logits[a, b, (a + b) % n]
    k = 3 * np.arange(n) % n
    np.testing.assert_array_equal(cp.right_logits(logits, 3), table[k[:, None], k])


def test_a_network_that_treats_inputs_alike_is_symmetric():
    rng = np.random.default_rng(0)
    embedding, w = rng.normal(size=(N, 5)), torch.tensor(rng.normal(size=(5, 20)))
    out = torch.tensor(rng.normal(size=(20, N)))

    def alike(at_a, at_b):
        return torch.relu((at_a + at_b) @ w) @ out

    def apart(at_a, at_b):
        return torch.relu(at_a @ w) @ out - torch.relu(at_b @ w.flip(1)) @ out

    assert cp.gradient_symmetricity(alike, embedding, embedding) == pytest.approx(1)
    cosines = cp.gradient_cosines(apart, embedding, embedding)
    assert cosines.shape == (N, N, N)
    assert abs(cosines.mean()) < 0.5
    k, c = 4, 7
    at = [torch.tensor(embedding[[i]], requires_grad=True) for i in (k, 2)]
    grads = torch.autograd.grad(apart(*at)[0, c], at)
    expected = torch.cosine_similarity(*grads, dim=1).item()
    assert cosines[k, 2, c] == pytest.approx(expected)


def test_drawn_triples_scatter_around_all_of_them():
    cosines = np.random.default_rng(2).uniform(-1, 1, (N, N, N))
    drawn = [cp.drawn_symmetricity(cosines, seed=seed) for seed in range(300)]
    assert np.mean(drawn) == pytest.approx(cosines.mean(), abs=0.02)
    assert np.std(drawn) == pytest.approx(cosines.std() / 10, rel=0.15)
    for number in (0, cosines.size + 1):
        with pytest.raises(InputError, match="num_triples"):
            cp.drawn_symmetricity(cosines, num_triples=number)


def test_no_triple_is_drawn_twice():
    cosines = np.random.default_rng(2).uniform(-1, 1, (5, 5, 5))
    drawn = cp.drawn_symmetricity(cosines, num_triples=125, seed=4)
    assert drawn == pytest.approx(cosines.mean(), abs=1e-12)


def test_circles_have_a_circularity_of_one():
    circle = np.stack([np.cos(2 * np.pi * 3 * K / N), np.sin(2 * np.pi * 3 * K / N)], axis=1)
    assert cp.circularity(circle, num_components=2) == pytest.approx(1)
    mixed = circle + 0.8 * np.roll(circle[2 * K % N], 1, axis=1)
    noise = np.random.default_rng(0).normal(size=(N, 6))
    assert cp.circularity(noise) < 0.8
    assert cp.circularity(mixed, num_components=2) <= 1
    with pytest.raises(InputError, match="num_components"):
        cp.circularity(circle, num_components=3)


def ideal_pairs(freqs=(2, 3), copies=24) -> PairView:
    """Groups of cosine neurons with evenly spread phases, a group a frequency."""
    t = np.tile(np.arange(copies) * N / copies, len(freqs))
    f = np.repeat(freqs, copies)
    waves = np.cos(2 * np.pi * f * (K[:, None] - t) / N)
    view = NeuronView(
        n=N,
        preact_a=waves,
        preact_b=waves,
        b_in=np.zeros(len(t)),
        w_out=np.cos(2 * np.pi * f * (K[:, None] - 2 * t) / N).T,
        b_out=np.zeros(N),
        skip_a=np.zeros((N, N)),
        skip_b=np.zeros((N, N)),
    )
    return PairView.of(view)


def test_the_lens_finds_the_planted_clusters():
    pairs = ideal_pairs()
    view = pairs.additive().view
    found = cp.lens_clusters(pairs, cp.cluster_by_pairs(pairs, view).clusters)
    assert found.freq.tolist() == [2, 3]
    assert found.num_neurons.tolist() == [24, 24]
    assert found.step.tolist() == [5, 4]
    assert found.period.tolist() == [5.5, pytest.approx(11 / 3)]
    assert list(found) == list(cp.CLUSTER_COLUMNS)
    # a and b have one phase: each cluster is a pizza
    np.testing.assert_allclose(found.explained, 8 / np.pi**2, atol=0.01)
    assert (found.coset_overlap == 1).all()
    assert cp.cluster_by_pairs(pairs, view, min_size=25).clusters == []
    assert cp.lens_clusters(pairs, []).empty


@pytest.mark.parametrize(("n", "freq"), [(11, 3), (12, 1), (12, 4), (8, 4)])
def test_votes_of_one_cosine_are_the_approximate_coset(n, freq):
    k = np.arange(n)
    votes = np.cos(2 * np.pi * freq * (k[:, None, None] + k[:, None] - k) / n)
    assert cp.coset_overlap(votes, freq) == 1
    assert cp.coset_overlap(3 * votes + k[:, None, None], freq) == 1
    assert cp.coset_overlap(np.roll(votes, 1, axis=2), freq) < 1


def test_votes_that_are_a_coset_in_the_mean_only_are_not_one_pair_by_pair():
    """Shifted one way at half of the pairs, and the other way at the others."""
    ahead = (K[:, None] < K)[..., None]
    behind = (K[:, None] > K)[..., None]
    step = 8  # 2 / 11 of a turn at f = 3
    shifted = np.where(
        ahead, np.roll(WAVE, step, 2), np.where(behind, np.roll(WAVE, -step, 2), WAVE)
    )
    d = (K[:, None, None] + K[:, None] + K) % N
    mean = np.take_along_axis(shifted, d, axis=2).mean((0, 1))
    wave = np.cos(2 * np.pi * 3 * K / N)
    np.testing.assert_allclose(mean / mean[0], wave, atol=1e-9)
    assert cp.coset_overlap(shifted, 3) < 0.6


def test_overlap_is_the_mean_over_pairs():
    votes = WAVE.copy()
    votes[0] = np.cos(2 * np.pi * (K[:, None] - K) / N)
    wave = [set(np.flatnonzero(np.cos(2 * np.pi * f * K / N) >= 0.5).tolist()) for f in (1, 3)]
    one = len(wave[0] & wave[1]) / len(wave[0] | wave[1])
    assert cp.coset_overlap(votes, 3) == pytest.approx((N - 1 + one) / N)


@pytest.mark.parametrize(("size", "freq"), [(0.6, 1), (0.8, 4)])
def test_at_even_n_the_highest_frequency_has_no_second_cell(size, freq):
    """Power .5 at f = 1, in two cells, against size^2 at f = n / 2, in one."""
    n = 8
    k = np.arange(n)
    preact = 9 + np.cos(2 * np.pi * k / n) + size * np.cos(np.pi * k)
    pairs = PairView(
        n=n,
        preact=np.broadcast_to(preact[:, None, None], (n, n, 1)).copy(),
        w_out=np.eye(n)[:1],
        b_out=np.zeros(n),
        skip=np.zeros((n, n, n)),
    )
    assert cp.neuron_freqs(pairs)[0].tolist() == [freq]


@pytest.mark.parametrize("n", [7, 8])
def test_all_power_of_a_wave_of_the_sum_is_its_own_frequencys(n):
    k = np.arange(n)
    freqs = np.arange(1, n // 2 + 1)
    waves = [np.cos(2 * np.pi * f * (k[:, None] + sign * k) / n) for f in freqs for sign in (1, -1)]
    pairs = PairView(
        n=n,
        preact=9 + np.stack(waves, axis=2),
        w_out=np.eye(n)[np.zeros(len(waves), int)],
        b_out=np.zeros(n),
        skip=np.zeros((n, n, n)),
    )
    assert cp.neuron_freqs(pairs)[0].tolist() == np.repeat(freqs, 2).tolist()


def test_neurons_frequencies_need_no_split_into_a_and_b():
    pairs = ideal_pairs()
    product = np.cos(2 * np.pi * 4 * K / N)[:, None] * np.cos(2 * np.pi * 4 * K / N)
    preact = np.concatenate([pairs.preact, product[..., None]], axis=2)
    w_out = np.concatenate([pairs.w_out, pairs.w_out[:1]])
    bent = PairView(n=N, preact=preact, w_out=w_out, b_out=pairs.b_out, skip=pairs.skip)
    freqs, strength = cp.neuron_freqs(bent)
    assert freqs[-1] == 4
    assert set(freqs[:-1].tolist()) == {2, 3}
    assert strength.max() == 1


def test_the_additive_view_says_what_it_misses():
    pairs = ideal_pairs()
    additive = pairs.additive()
    assert additive.exact
    np.testing.assert_allclose(additive.view.logits(), pairs.logits(), atol=1e-12)
    rng = np.random.default_rng(0)
    noisy = PairView(
        n=N,
        preact=rng.normal(size=(N, N, 3)),
        w_out=rng.normal(size=(3, N)),
        b_out=np.zeros(N),
        skip=rng.normal(size=(N, N, N)),
    )
    missed = noisy.additive()
    assert not missed.exact
    # (n - 1)^2 of n^2 - 1 degrees of freedom are neither of a nor of b
    assert missed.preact_error == pytest.approx(100 / 120, abs=0.05)
    assert missed.skip_error == pytest.approx(100 / 120, abs=0.05)
    left = noisy.preact - (missed.view.preact_a[:, None] + missed.view.preact_b + missed.view.b_in)
    np.testing.assert_allclose(left.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(left.mean(1), 0, atol=1e-12)


@pytest.mark.parametrize("name", ["preact", "w_out", "b_out", "skip"])
def test_a_pair_view_of_tables_that_do_not_fit_is_refused(name):
    pairs = ideal_pairs()
    tables = {key: getattr(pairs, key) for key in ("preact", "w_out", "b_out", "skip")}
    with pytest.raises(InputError, match=r"preact must have shape \(12, 12, 48\)"):
        PairView(n=12, **tables)
    broken = tables[name].copy()
    broken.flat[0] = np.nan
    with pytest.raises(InputError, match=f"{name} must hold finite numbers only"):
        PairView(n=N, **(tables | {name: broken}))


def test_the_best_shift_is_the_step():
    profile = cp.shift_profile(np.cos(2 * np.pi * 3 * (K[:, None] - np.arange(4)) / N))
    others = {shift: profile[shift] for shift in range(1, N)}
    assert max(others, key=others.get) in (4, 7)
    assert cp.shift_rank(profile, 3, 4) == 1
    assert cp.shift_rank(profile, 3, 2) < 1
    with pytest.raises(InputError, match="shift must be no multiple of 11"):
        cp.shift_rank(profile, 3, 22)


def test_shifts_that_change_nothing_are_no_rivals_of_a_shift():
    """At f = 3 of n = 15 every fifth shift, at f = 4 the whole turn only."""
    profile = np.where(np.arange(15) % 5, np.arange(15.0), 99.0)
    assert cp.shift_rank(profile, 3, 1) == pytest.approx(3 / 6)
    assert cp.shift_rank(profile, 4, 1) == pytest.approx(5 / 12)


def test_without_other_shifts_there_is_no_rank():
    assert np.isnan(cp.shift_rank(np.array([1.0, -1.0, 1.0, -1.0]), 2, 1))
    assert np.isnan(cp.shift_rank(np.array([1.0, -0.5, -0.5]), 1, 1))


@pytest.mark.external
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("A", {"distance_irrelevance": 0.1717, "symmetricity": 0.99376, "norm": 22.854}),
        ("B", {"distance_irrelevance": 0.8483, "symmetricity": 0.3461, "norm": 24.814}),
    ],
)
def test_the_published_networks_have_the_published_metrics(name, wanted):
    network = load_checkpoint(f"clock-and-pizza/{name}")
    found = cp.describe(network).measures
    for measure, value in wanted.items():
        assert found[measure] == pytest.approx(value, abs=1e-3), measure
    assert found["accuracy"] == 1
    freqs = cp.neuron_freqs(network.pairs)[0]
    counts = dict(
        zip(*(part.tolist() for part in np.unique(freqs, return_counts=True)), strict=True)
    )
    assert (
        counts
        == {
            "A": {3: 149, 15: 190, 17: 173},
            "B": {13: 201, 16: 189, 21: 122},
        }[name]
    )


@pytest.mark.external
def test_the_published_pizza_is_one_until_its_double_frequency_is_there():
    network = load_checkpoint("clock-and-pizza/A")
    clusters = cp.cluster_by_pairs(network.pairs, network.view).clusters
    circles = cp.circle_table(network, clusters)
    means = circles.groupby("kept")[["clock", "pizza"]].mean()
    assert means.pizza[cp.KEPT[0]] > 0.99 > 0.8 > means.clock[cp.KEPT[0]]
    assert means.clock[cp.KEPT[1]] > 0.99 > 0.9 > means.pizza[cp.KEPT[1]]
