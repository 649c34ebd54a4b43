"""The GPU kernel against the readable loop: on a GPU where there is one, else interpreted."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch.nn import functional

from modlib.config.addition import AdditionConfig
from modlib.config.presets import preset
from modlib.errors import InputError
from modlib.maths import rng
from modlib.models.mlp import PARAMETERS, build, initial_weights
from modlib.tasks.addition import AdditionTask, addition_pairs
from modlib.training.addition import gpu, loop
from modlib.training.addition.ensemble_member import Member, evaluation_epochs

CPU = torch.device("cpu")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
if DEVICE == CPU:
    os.environ["TRITON_INTERPRET"] = "1"  # read when triton is first imported

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="triton is not installed")

SMALL = AdditionConfig(n=12, embed_dim=5, num_neurons=24, train_pairs=55, epochs=1)
FIVE_STEPS = {
    "n = 91, ragged": AdditionConfig(n=91, train_pairs=4 * 91 + 30, epochs=1),
    "n = 12, ragged": SMALL,
    "wide": replace(SMALL, num_neurons=200),
    "full batch": replace(SMALL, batch="full", train_pairs=86, epochs=5),
}


def on_gpu(config: AdditionConfig, *seeds: int) -> list[Member]:
    return list(gpu.train_on_gpu(config, seeds, device=DEVICE, progress=False))


def in_float64(config: AdditionConfig, seed: int) -> dict[str, np.ndarray]:
    """Weights after the loop's steps, in double precision."""
    model = build(config, initial_weights(config, seed)).double()
    optimizer = loop.make_optimizer(model, config)
    a, b, c = (torch.from_numpy(column) for column in addition_pairs(config.n))
    for epoch in range(config.num_epochs):
        order = torch.from_numpy(AdditionTask(config, seed).order(epoch))
        for batch in order.split(config.batch_size):
            optimizer.zero_grad()
            functional.cross_entropy(model(a[batch], b[batch]), c[batch]).backward()
            optimizer.step()
    return {name: value.numpy() for name, value in model.state_dict().items()}


def steady(config: AdditionConfig) -> tuple[int, loop.Trained]:
    """The first seed from 1000 whose steps do not hang on rounding, and what the loop makes of it.

    Adam's first steps have one length whatever the gradient, so that one which nearly cancels,
    or a neuron that nearly switches, turns an error of 1e-7 into one of 1e-4: between the loop
    in single and in double precision as between the loop and the kernel.
    """
    for seed in range(1000, 1100):
        single, double = (
            loop.train(AdditionTask(config, seed), device=CPU, progress=False),
            in_float64(config, seed),
        )
        if all(abs(single.weights[name] - double[name]).max() < 1e-6 for name in PARAMETERS):
            return seed, single
    raise AssertionError("no steady seed")


@needs_triton
@pytest.mark.parametrize("init", ["torch", "flax"])
@pytest.mark.parametrize("name", FIVE_STEPS)
def test_five_steps_of_the_kernel_equal_the_loop(name, init):
    config = replace(FIVE_STEPS[name], init=init)
    assert config.num_epochs * config.steps_per_epoch == 5
    seed, expected = steady(config)
    (member,) = on_gpu(config, seed)
    initial = initial_weights(config, seed)
    for parameter in PARAMETERS:
        value, wanted = member.weights[parameter], expected.weights[parameter]
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-5, err_msg=parameter)
        assert abs(wanted - initial[parameter]).max() > 1e-3, "so that a missing step shows"
    assert member.history.columns.tolist() == list(loop.HISTORY)
    assert member.history.epoch.tolist() == evaluation_epochs(config)
    np.testing.assert_allclose(member.history, expected.history, rtol=1e-4)
    assert member.weight_history.columns.tolist() == list(loop.WEIGHT_HISTORY)
    np.testing.assert_allclose(member.weight_history, expected.weight_history, atol=2e-5)


@needs_triton
def test_weight_decay_and_learning_rate_reach_the_kernel():
    config = replace(SMALL, lr=0.02, l2=0.05)
    seed, expected = steady(config)
    (member,) = on_gpu(config, seed)
    for parameter in PARAMETERS:
        np.testing.assert_allclose(
            member.weights[parameter], expected.weights[parameter], rtol=0, atol=1e-5
        )


@needs_triton
def test_a_networks_bits_depend_on_its_seed_alone(monkeypatch):
    monkeypatch.setattr(gpu, "group_size", lambda config, device: 2)
    together = on_gpu(replace(SMALL, epochs=2), 7, 1000, 2**63 - 1)
    assert [member.seed for member in together] == [7, 1000, 2**63 - 1]
    for member in together:
        (alone,) = on_gpu(replace(SMALL, epochs=2), member.seed)
        for name in PARAMETERS:
            assert alone.weights[name].tobytes() == member.weights[name].tobytes()
        assert alone.history.equals(member.history)


@needs_triton
def test_untrained_networks_keep_their_initial_weights():
    config = replace(SMALL, epochs=0, train_pairs=144)
    (member,) = on_gpu(config, 3)
    for name, expected in initial_weights(config, 3).items():
        assert member.weights[name].tobytes() == expected.tobytes()
    assert member.history.epoch.tolist() == [0]
    assert member.history[["test_loss", "test_accuracy"]].isna().all(axis=None)


def test_shuffles_made_on_the_device_are_those_of_rng():
    seeds = [0, 1, 1000, 2**32 - 1, 2**32, 2**63 - 1]
    for stream, index, count in [(rng.SPLIT, 0, 8281), (rng.SHUFFLE, 2999, 5096), (2, 1, 1)]:
        made = gpu.permutations(torch.tensor(seeds, device=DEVICE), stream, index, count).cpu()
        for seed, row in zip(seeds, made, strict=True):
            np.testing.assert_array_equal(row, rng.permutation(seed, stream, index, count))


@pytest.mark.parametrize("max_logits", [1, 12 * 24 * 7, gpu.MAX_LOGITS])
def test_evaluation_in_pieces_equals_the_loops(monkeypatch, max_logits):
    monkeypatch.setattr(gpu, "MAX_LOGITS", max_logits)
    seeds = [1, 2, 3]
    group = gpu.Group(SMALL, seeds, gpu._initial(SMALL, seeds), DEVICE)
    for seed, row in zip(seeds, group.evaluate(), strict=True):
        task = AdditionTask(replace(SMALL, epochs=0), seed)
        wanted = loop.train(task, device=CPU, progress=False).history
        np.testing.assert_allclose(row, wanted.iloc[0, 1:].to_numpy(float), rtol=1e-5)


def test_weights_are_counted_as_in_the_loop():
    seeds = [1, 2, 3]
    group = gpu.Group(SMALL, seeds, gpu._initial(SMALL, seeds), DEVICE)
    for seed, row in zip(seeds, group.weigh(), strict=True):
        task = AdditionTask(replace(SMALL, epochs=0), seed)
        wanted = loop.train(task, device=CPU, progress=False)
        assert row.tolist() == wanted.weight_history.iloc[0, 1:].tolist()
    untrained = list(gpu._train_all(replace(SMALL, epochs=0), seeds, DEVICE, False))
    for member, row in zip(untrained, group.weigh(), strict=True):
        assert member.weight_history.to_numpy().tolist() == [[0.0, *row]]
        assert member.weight_history.columns.tolist() == list(loop.WEIGHT_HISTORY)


# What is refused, at the call and in one line


@pytest.mark.parametrize(
    ("config", "rule"),
    [
        (AdditionConfig(n=513), "n must be at most 512 on a GPU, got 513"),
        (AdditionConfig(embed_dim=65), "embed_dim must be at most 64 on a GPU, got 65"),
        (AdditionConfig(n=512, batch="full", num_neurons=9000), "num_neurons must be fewer"),
    ],
)
def test_sizes_beyond_the_kernels_tiles_are_refused(config, rule):
    with pytest.raises(InputError, match=rule):
        gpu.train_on_gpu(config, [1], device=DEVICE)


def test_without_triton_the_device_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(InputError, match=r"device must be cpu where triton is not installed"):
        gpu.train_on_gpu(SMALL, [1], device=torch.device("cuda"))


@needs_triton
def test_a_cpu_is_refused_unless_triton_interprets(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with pytest.raises(InputError, match=r"device must be a CUDA device, got 'cpu'"):
        gpu.train_on_gpu(SMALL, [1], device=CPU)


def test_a_bad_seed_is_refused():
    with pytest.raises(InputError, match="seed must be an integer at least 0"):
        gpu.train_on_gpu(SMALL, [1, -1], device=DEVICE)


@pytest.mark.gpu
@needs_triton
def test_networks_trained_on_a_gpu_learn():
    config = replace(preset("A91"), epochs=200)
    members = on_gpu(config, *range(1000, 1300))
    learned = [member.history.test_accuracy.max() == 1.0 for member in members]
    assert np.mean(learned) > 0.95
