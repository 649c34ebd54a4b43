"""The training loop against NumPy, against itself, and against an interruption."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional

from modlib.config.addition import AdditionConfig
from modlib.maths import rng
from modlib.models.mlp import (
    PARAMETERS,
    SHARES,
    TwoEmbeddingMLP,
    build,
    embedding_shares,
    initial_weights,
)
from modlib.store.checkpoint import Checkpoint
from modlib.tasks.addition import AdditionTask, addition_pairs
from modlib.training import resume
from modlib.training.addition import loop
from modlib.training.addition.loop import (
    WEIGHT_HISTORY,
    Trained,
    evaluate,
    evaluation_epochs,
    make_optimizer,
    train,
    weight_epochs,
)
from modlib.training.resume import Probe

CPU = torch.device("cpu")
TINY = AdditionConfig(n=7, num_neurons=8, embed_dim=4, train_pairs=28, epochs=6)
SEED = 5


def trained(config: AdditionConfig = TINY, seed: int = SEED, **options) -> Trained:
    return train(AdditionTask(config, seed), device=CPU, progress=False, **options)


def assert_same_bits(one: Trained, other: Trained) -> None:
    for name in PARAMETERS:
        assert one.weights[name].tobytes() == other.weights[name].tobytes(), name
    assert one.history.equals(other.history)
    assert one.history.dtypes.equals(other.history.dtypes)
    assert one.weight_history.equals(other.weight_history)
    assert one.probed.keys() == other.probed.keys()
    for name, rows in one.probed.items():
        assert rows.tobytes() == other.probed[name].tobytes(), name


# Random numbers


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            (0xFFFFFFFF,) * 4,
            (0xFFFFFFFF,) * 2,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_known_answers(counter, key, words):
    """The vectors that Salmon et al. publish with their code (Random123, kat_vectors)."""
    drawn = rng.philox(tuple(np.array([word], dtype=np.uint64) for word in counter), key)
    assert drawn[:, 0].tolist() == list(words)


# Initialisation


def similar(sample: np.ndarray, other: np.ndarray) -> bool:
    """Whether a Kolmogorov-Smirnov test at the level 0.001 lets the two be of one law."""
    return stats.ks_2samp(sample.ravel(), other.ravel()).pvalue > 0.001


WIDE = AdditionConfig(n=64, num_neurons=128, embed_dim=32)


def test_torch_initialisation_has_the_law_of_torch_modules():
    torch.manual_seed(0)
    module = TwoEmbeddingMLP(WIDE)
    for name, drawn in initial_weights(WIDE, SEED).items():
        expected = module.state_dict()[name].numpy()
        assert drawn.dtype == np.float32
        assert drawn.shape == expected.shape
        assert similar(drawn, expected), name
        assert not similar(0.1 * drawn, expected), f"{name}: a planted scale goes unnoticed"


def test_flax_initialisation_is_lecun_normal_with_zero_biases():
    """flax.linen: Embed variance_scaling(1, fan_in, normal), Dense lecun_normal, bias zeros."""
    weights = initial_weights(replace(WIDE, init="flax"), SEED)
    fan_in = {"hidden.weight": 64, "unembed.weight": 128}
    for name, drawn in weights.items():
        values = drawn.ravel()
        if name.endswith("bias"):
            assert (values == 0).all()
        elif name in fan_in:
            scale = fan_in[name] ** -0.5 / 0.87962566103423978
            law = stats.truncnorm(-2, 2, scale=scale)
            assert stats.kstest(values, law.cdf).pvalue > 0.001, name
            assert np.abs(values).max() <= 2 * scale * (1 + 1e-6)
            assert values.std() == pytest.approx(fan_in[name] ** -0.5, rel=0.03)
        else:
            law = stats.norm(scale=32**-0.5)
            assert stats.kstest(values, law.cdf).pvalue > 0.001, name


def test_weights_of_two_layers_are_drawn_apart():
    weights = initial_weights(AdditionConfig(n=8, embed_dim=8, num_neurons=8), SEED)
    assert (weights["embed_a.weight"] != weights["embed_b.weight"]).all()
    pairs = np.corrcoef(weights["embed_a.weight"].ravel(), weights["embed_b.weight"].ravel())
    assert abs(pairs[0, 1]) < 0.4


def test_training_draws_nothing_from_the_global_generator():
    torch.manual_seed(1)
    one = trained()
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert_same_bits(one, trained())


# The loop against an implementation of its own


def numpy_training(config: AdditionConfig, seed: int) -> dict[str, np.ndarray]:
    """Forward, backward and Adam with L2, written out in float64."""
    theta = {
        name: array.astype(np.float64) for name, array in initial_weights(config, seed).items()
    }
    first, second = ({name: np.zeros_like(w) for name, w in theta.items()} for _ in range(2))
    task, step = AdditionTask(config, seed), 0
    for epoch in range(config.num_epochs):
        order = task.order(epoch)
        for start in range(0, len(order), config.batch_size):
            a, b = np.divmod(order[start : start + config.batch_size], config.n)
            count = len(a)
            row = np.arange(count)
            embedded = np.concatenate([theta["embed_a.weight"][a], theta["embed_b.weight"][b]], 1)
            preact = embedded @ theta["hidden.weight"].T + theta["hidden.bias"]
            active = np.maximum(preact, 0)
            logits = active @ theta["unembed.weight"].T + theta["unembed.bias"]
            share = np.exp(logits - logits.max(1, keepdims=True))
            share /= share.sum(1, keepdims=True)
            share[row, (a + b) % config.n] -= 1
            d_logits = share / count
            d_preact = (d_logits @ theta["unembed.weight"]) * (preact > 0)
            d_embedded = d_preact @ theta["hidden.weight"]
            gradient = {
                "embed_a.weight": np.zeros_like(theta["embed_a.weight"]),
                "embed_b.weight": np.zeros_like(theta["embed_b.weight"]),
                "hidden.weight": d_preact.T @ embedded,
                "hidden.bias": d_preact.sum(0),
                "unembed.weight": d_logits.T @ active,
                "unembed.bias": d_logits.sum(0),
            }
            np.add.at(gradient["embed_a.weight"], a, d_embedded[:, : config.embed_dim])
            np.add.at(gradient["embed_b.weight"], b, d_embedded[:, config.embed_dim :])
            step += 1
            for name, weights in theta.items():
                slope = gradient[name] + 2 * config.l2 * weights
                first[name] = 0.9 * first[name] + 0.1 * slope
                second[name] = 0.999 * second[name] + 0.001 * slope**2
                mean, power = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
                theta[name] = weights - config.lr * mean / (np.sqrt(power) + 1e-8)
    return theta


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        replace(TINY, train_pairs=30, l2=0.01),  # a last batch of two
        replace(TINY, batch="full", epochs=20),
        replace(TINY, init="flax", lr=0.02),
        replace(TINY, train_pairs=3),  # fewer pairs than n
        replace(TINY, train_pairs=1, l2=0.0, epochs=4),
    ],
    ids=["batch n", "ragged", "full batch", "flax", "one small batch", "one pair"],
)
def test_the_loop_equals_numpy_step_by_step(config):
    result = trained(config).weights
    for name, expected in numpy_training(config, SEED).items():
        np.testing.assert_allclose(result[name], expected, atol=2e-5, rtol=1e-5, err_msg=name)
    other = numpy_training(replace(config, lr=1.01 * config.lr), SEED)
    planted = max(np.abs(result[name] - other[name]).max() for name in PARAMETERS)
    assert planted > 1e-4, "a planted error of 1 % in the learning rate goes unnoticed"


def test_weight_decay_is_the_gradient_of_the_squared_norm():
    config = replace(TINY, l2=0.01)
    a, b, c = (torch.from_numpy(column) for column in addition_pairs(config.n))
    decayed = build(config, initial_weights(config, SEED)).double()
    penalised = build(config, initial_weights(config, SEED)).double()
    one = make_optimizer(decayed, config)
    two = torch.optim.Adam(penalised.parameters(), lr=config.lr)
    for _ in range(10):
        one.zero_grad()
        functional.cross_entropy(decayed(a, b), c).backward()
        one.step()
        two.zero_grad()
        norm = sum((weights**2).sum() for weights in penalised.parameters())
        (functional.cross_entropy(penalised(a, b), c) + config.l2 * norm).backward()
        two.step()
    for mine, other in zip(decayed.parameters(), penalised.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-12)


# Evaluation


def naive_evaluation(model: nn.Module, mask: np.ndarray) -> dict[str, float]:
    n = len(mask)
    scores: dict[str, list[float]] = {"train_loss": [], "train_accuracy": []}
    scores |= {"test_loss": [], "test_accuracy": []}
    for a in range(n):
        for b in range(n):
            logits = model(torch.tensor([a]), torch.tensor([b]))[0].detach().double().numpy()
            correct, split = (a + b) % n, "train" if mask[a, b] else "test"
            scores[f"{split}_loss"].append(np.log(np.exp(logits).sum()) - logits[correct])
            scores[f"{split}_accuracy"].append(float(logits.argmax() == correct))
    return {name: float(np.mean(values)) for name, values in scores.items() if values}


@pytest.mark.parametrize("chunk_logits", [1, 7 * 7 * 3, loop.MAX_LOGITS])
def test_evaluation_equals_a_loop_over_pairs(chunk_logits):
    model = build(TINY, initial_weights(TINY, SEED))
    task = AdditionTask(TINY, SEED)
    mask, answers = task.mask, torch.from_numpy(task.pairs[2].reshape(7, 7))
    measured = evaluate(model, torch.from_numpy(mask).float(), answers, chunk_logits)
    assert measured == pytest.approx(naive_evaluation(model, mask), rel=1e-5)


def test_history_ends_with_the_scores_of_the_final_weights():
    result = trained()
    mask = AdditionTask(TINY, SEED).mask
    scores = naive_evaluation(build(TINY, result.weights), mask)
    assert result.history.iloc[-1][list(scores)].to_dict() == pytest.approx(scores, rel=1e-5)
    start = naive_evaluation(
        build(TINY, initial_weights(TINY, SEED)), AdditionTask(TINY, SEED).mask
    )
    assert result.history.iloc[0][list(start)].to_dict() == pytest.approx(start, rel=1e-5)


def test_evaluations_hold_first_and_last_epoch_and_are_about_300():
    for epochs in (0, 1, 2, 299, 300, 301, 3000, 10007):
        chosen = evaluation_epochs(replace(TINY, epochs=epochs))
        assert chosen[0] == 0
        assert chosen[-1] == epochs
        assert chosen == sorted(set(chosen))
        assert len(chosen) <= 302
    assert trained().history.epoch.tolist() == list(range(7))


# Edges


def test_without_held_out_pairs_the_test_figures_are_nan():
    history = trained(replace(TINY, train_pairs=49)).history
    assert history[["test_loss", "test_accuracy"]].isna().all(axis=None)
    assert history[["train_loss", "train_accuracy"]].notna().all(axis=None)


def test_zero_epochs_leave_the_initial_weights():
    result = trained(replace(TINY, epochs=0))
    for name, expected in initial_weights(TINY, SEED).items():
        assert result.weights[name].tobytes() == expected.tobytes()
    assert result.history.epoch.tolist() == [0]
    assert np.isnan(result.steps_per_second)


@pytest.mark.parametrize("n", [3, 4, 5])
def test_the_smallest_moduli_train(n):
    result = trained(AdditionConfig(n=n, num_neurons=4, embed_dim=2, epochs=3))
    assert all(np.isfinite(weights).all() for weights in result.weights.values())


def test_a_small_network_learns_its_training_pairs():
    result = trained(replace(TINY, num_neurons=32, train_pairs=49, epochs=150, l2=0.0))
    assert result.history.train_accuracy.iloc[-1] == 1.0
    assert result.history.train_loss.iloc[-1] < 0.05


# The same numbers again


def test_a_seed_always_gives_the_same_bits_and_another_seed_others():
    one = trained()
    assert_same_bits(one, trained())
    other = trained(seed=SEED + 1)
    for name in PARAMETERS:
        assert (one.weights[name] != other.weights[name]).any(), name
    assert (AdditionTask(TINY, SEED).mask != AdditionTask(TINY, SEED + 1).mask).any()


def test_the_number_of_threads_changes_nothing_and_is_given_back():
    config = AdditionConfig(n=61, epochs=1)
    one = trained(config)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        two = trained(config)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert_same_bits(one, two)


# Probes


def test_probes_see_the_model_after_their_epochs():
    seen: list[int] = []

    def bias(model: TwoEmbeddingMLP) -> dict[str, np.ndarray]:
        seen.append(len(seen))
        return {"bias": model.unembed.bias.detach().numpy()}  # the live weights, not a copy

    probes = [Probe(times=[0, 2, 6, 99], measure=bias)]
    result = trained(probes=probes)
    assert result.probed["bias"].shape == (3, 7)
    assert len(seen) == 3
    expected = [
        trained(replace(TINY, epochs=epochs)).weights["unembed.bias"] for epochs in (0, 2, 6)
    ]
    np.testing.assert_array_equal(result.probed["bias"], expected)


def test_a_probe_changes_nothing():
    probes = [Probe(times=range(7), measure=lambda model: {"norm": 1.0})]
    result = trained(probes=probes)
    assert result.probed["norm"].tolist() == [1.0] * 7
    assert_same_bits(replace(result, probed={}), trained())


# The embeddings' weights over training


def test_weights_are_counted_beyond_one_and_near_zero():
    """A weight of exactly 1 is not beyond it, nor is the float next to .025 within."""
    edge = np.float32(0.025)
    a = np.array([[0.0, np.nextafter(edge, np.float32(0))], [edge, 1.0]], np.float32)
    b = np.array([[-0.02, -1.5]], np.float32)
    found = embedding_shares(a, b)
    assert tuple(found) == SHARES
    assert list(found.values()) == [1 / 6, 3 / 6, 1.5]
    assert embedding_shares(*(x.astype(np.float64) for x in (a, b))) == found
    lost = embedding_shares(np.array([[np.nan, 2.0]], np.float32))
    assert (lost["share_above_1"], lost["share_within_025"]) == (0.5, 0.0)
    assert np.isnan(lost["abs_max"])


@pytest.mark.parametrize(
    ("epochs", "wanted"),
    [
        (0, [0]),
        (1, [1]),
        (6, [1, 2, 3, 5, 6]),
        (32, [1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 32]),
    ],
)
def test_weights_are_counted_at_early_epochs_and_the_last(epochs, wanted):
    assert weight_epochs(replace(TINY, epochs=epochs)) == wanted


def test_a_long_training_has_some_25_counts():
    for epochs in (3000, 10_000):
        assert 20 <= len(weight_epochs(replace(TINY, epochs=epochs))) <= 26


def test_counts_over_training_are_those_of_shorter_trainings():
    whole = trained()
    assert list(whole.weight_history.columns) == list(WEIGHT_HISTORY)
    assert whole.weight_history.epoch.tolist() == [1, 2, 3, 5, 6]
    for row in whole.weight_history.to_dict("records"):
        weights = trained(replace(TINY, epochs=int(row.pop("epoch")))).weights
        assert row == embedding_shares(weights["embed_a.weight"], weights["embed_b.weight"])


# Interrupted and resumed


class Killed(BaseException):
    """Stands for a kill: nothing on the way catches it."""


def bias_probe(stop_at: int | None = None) -> list[Probe]:
    """The output bias at epochs 0, 1, 4 and 6; killed at the call of number ``stop_at``."""
    calls = []

    def measure(model: TwoEmbeddingMLP) -> dict[str, np.ndarray]:
        if len(calls) == stop_at:
            raise Killed
        calls.append(1)
        return {"bias": model.unembed.bias.detach().numpy()}

    return [Probe(times=[0, 1, 4, 6], measure=measure)]


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A checkpoint that is written after every epoch."""
    monkeypatch.setattr(resume, "pause_s", lambda took: 0.0)
    return Checkpoint(tmp_path / "partial")


def test_a_resumed_training_does_not_repeat_what_was_done(checkpoint):
    with pytest.raises(Killed):
        trained(probes=bias_probe(3), checkpoint=checkpoint)
    epochs = []

    def measure(model: TwoEmbeddingMLP) -> dict[str, np.ndarray]:
        epochs.append(1)
        return {"bias": model.unembed.bias.detach().numpy()}

    trained(probes=[Probe(times=range(7), measure=measure)], checkpoint=checkpoint)
    assert len(epochs) == 1, "only epoch 6 was left"


def test_a_state_of_an_older_version_has_no_counts_of_weights_before_it(checkpoint):
    whole = trained(probes=bias_probe())
    with pytest.raises(Killed):
        trained(probes=bias_probe(3), checkpoint=checkpoint)
    state = checkpoint.load()
    assert state["progress"][0] == 5
    del state["weight_history"]
    checkpoint.save(state)
    resumed = trained(probes=bias_probe(), checkpoint=checkpoint)
    assert resumed.weight_history.epoch.tolist() == [1, 2, 3, 5, 6]
    assert resumed.weight_history.iloc[:4, 1:].isna().all(axis=None)
    assert resumed.weight_history.iloc[4].equals(whole.weight_history.iloc[4])
    assert_same_bits(whole, replace(resumed, weight_history=whole.weight_history))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "manifest cut", "another schema"])
def test_a_damaged_checkpoint_is_left_out_with_a_warning(checkpoint, caplog, damage):
    whole = trained(probes=bias_probe())
    with pytest.raises(Killed):
        trained(probes=bias_probe(3), checkpoint=checkpoint)
    manifest = checkpoint.path / "MANIFEST.json"
    (state,) = (path for path in checkpoint.path.iterdir() if path != manifest)
    content = bytearray(state.read_bytes())
    if damage == "truncated":
        state.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[-9] ^= 1
        state.write_bytes(content)
    elif damage == "manifest cut":
        manifest.write_bytes(manifest.read_bytes()[:40])
    else:
        manifest.write_text(manifest.read_text().replace('"schema": 1', '"schema": 99'))
    with caplog.at_level(logging.WARNING):
        resumed = trained(probes=bias_probe(), checkpoint=checkpoint)
    assert "checkpoint left out: " in caplog.text
    assert_same_bits(whole, resumed)
