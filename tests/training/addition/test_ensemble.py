"""The ensemble equals the readable loop, whatever is trained beside it."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from numba.core.dispatcher import Dispatcher
from torch.nn import functional

from modlib import training
from modlib.config.addition import AdditionConfig
from modlib.errors import InputError
from modlib.maths import rng
from modlib.models.mlp import PARAMETERS, build, embedding_shares, initial_weights
from modlib.tasks.addition import AdditionTask
from modlib.training.addition import ensemble, loop
from modlib.training.addition import network as networks
from modlib.training.addition.ensemble import train_ensemble
from modlib.training.addition.ensemble_member import Member, evaluation_epochs
from modlib.training.addition.network import Network
from modlib.training.kernels import addition, small_products
from modlib.training.kernels.llvm_vectors import LANES, compiled, padded

CPU = torch.device("cpu")
SMALL = AdditionConfig(n=13, epochs=6, train_pairs=100)
CONFIGS = {
    "batch n, ragged": SMALL,
    "full batch": replace(SMALL, batch="full"),
    "full batch in chunks": AdditionConfig(n=23, epochs=4, batch="full"),
    "flax": replace(SMALL, init="flax"),
    "even n, odd sizes": replace(SMALL, n=10, train_pairs=61, num_neurons=37, embed_dim=5),
    "one neuron": replace(SMALL, num_neurons=1, embed_dim=1),
    "all pairs": replace(SMALL, train_pairs=169),
    "no l2": replace(SMALL, l2=0.0),
    "n = 91": AdditionConfig(n=91, epochs=1),
    "n = 91, full": AdditionConfig(n=91, epochs=2, batch="full"),
}


def trained(config: AdditionConfig, *seeds: int, threads: int = 1) -> list[Member]:
    return list(train_ensemble(config, seeds, device=CPU, threads=threads, progress=False))


def same_bits(a: Member, b: Member) -> bool:
    return a.seed == b.seed and all(
        np.array_equal(a.weights[name], b.weights[name]) for name in PARAMETERS
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_equals_the_loop_epoch_by_epoch(name: str) -> None:
    config = CONFIGS[name]
    network = Network(config, 7)
    for epoch in range(config.num_epochs + 1):
        if epoch:
            network.run_epochs(epoch - 1, epoch)
        task = AdditionTask(replace(config, epochs=epoch), 7)
        readable = loop.train(task, device=CPU, progress=False)
        for parameter in PARAMETERS:
            off = np.abs(network.weights[parameter] - readable.weights[parameter])
            # Adam divides by the gradient's size, which enlarges the rounding of the smallest.
            assert (off > 1e-5).mean() < 5e-3, f"{parameter} after epoch {epoch}"
            assert off.mean() < 2e-6, f"{parameter} after epoch {epoch}"
        counted = readable.weight_history.iloc[-1].drop("epoch").to_dict()
        assert network.weigh() == pytest.approx(counted, abs=2e-4), f"epoch {epoch}"
        evaluated = readable.history.iloc[-1].drop("epoch").to_dict()
        assert network.evaluate() == pytest.approx(evaluated, abs=2e-5, nan_ok=True)


@pytest.mark.parametrize("batch", ["n", "full"])
def test_equals_the_loop_step_by_step(batch: str) -> None:
    """With as many pairs as a batch holds, an epoch is a step."""
    config = AdditionConfig(n=91, train_pairs=91, batch=batch, epochs=12)
    network = Network(config, 3)
    for step in range(1, 13):
        network.run_epochs(step - 1, step)
        task = AdditionTask(replace(config, epochs=step), 3)
        readable = loop.train(task, device=CPU, progress=False)
        for name in PARAMETERS:
            np.testing.assert_allclose(
                network.weights[name], readable.weights[name], rtol=0, atol=2e-6, err_msg=str(step)
            )


@pytest.mark.parametrize("name", CONFIGS)
def test_gradient_is_autograds_in_float64(name: str) -> None:
    """The kernels' gradient of one batch, without Adam, to float32 rounding."""
    config = CONFIGS[name]
    network, model = Network(config, 2), build(config, initial_weights(config, 2)).double()
    a, b = np.divmod(AdditionTask(config, 2).split[: config.batch_size], config.n)
    addition.gradient(network._theta, network._grad, a, b, 0, len(a), network._work)
    answers = torch.from_numpy((a + b) % config.n)
    functional.cross_entropy(model(torch.from_numpy(a), torch.from_numpy(b)), answers).backward()
    for parameter, value in networks._by_name(network._grad, config).items():
        exact = model.get_parameter(parameter).grad.numpy()
        assert np.abs(value - exact).max() < 4e-6 * np.abs(exact).max() + 1e-9, parameter


def test_bits_depend_on_the_seed_alone() -> None:
    together = trained(SMALL, 5, 6, 7, 8, 9, threads=1)
    for threads, seeds in ((2, (5, 6, 7, 8, 9)), (3, (9, 5, 7)), (1, (7,))):
        for member in trained(SMALL, *seeds, threads=threads):
            (alike,) = (one for one in together if one.seed == member.seed)
            assert same_bits(alike, member)
            assert alike.history.equals(member.history)
            assert alike.weight_history.equals(member.weight_history)
    assert not same_bits(together[0], replace(together[1], seed=5))


def test_members_come_in_order_and_few_at_a_time() -> None:
    seeds = range(100, 140)
    stream = train_ensemble(replace(SMALL, epochs=1), seeds, device=CPU, threads=2, progress=False)
    assert [next(stream).seed, next(stream).seed] == [100, 101]
    stream.close()


def test_history_has_the_loops_columns() -> None:
    (member,) = trained(replace(SMALL, epochs=70), 0)
    assert list(member.history.columns) == list(loop.HISTORY)
    epochs = member.history.epoch.tolist()
    assert epochs == evaluation_epochs(replace(SMALL, epochs=70))
    assert epochs[0] == 0
    assert epochs[-1] == 70


@pytest.mark.parametrize("name", ["batch n, ragged", "even n, odd sizes", "full batch"])
def test_weights_over_training_are_the_loops(name: str) -> None:
    config = CONFIGS[name]
    (member,) = trained(config, 7)
    expected = loop.train(AdditionTask(config, 7), device=CPU, progress=False).weight_history
    assert list(member.weight_history.columns) == list(loop.WEIGHT_HISTORY)
    assert member.weight_history.dtypes.equals(expected.dtypes)
    assert member.weight_history.epoch.tolist() == loop.weight_epochs(config)
    np.testing.assert_allclose(member.weight_history, expected, atol=2e-5)
    last = member.weight_history.iloc[-1].drop("epoch").to_dict()
    embeddings = (member.weights[f"embed_{side}.weight"] for side in "ab")
    assert last == embedding_shares(*embeddings)


def test_to_look_at_the_weights_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    (looked,) = trained(SMALL, 7)
    monkeypatch.setattr(ensemble, "weight_epochs", lambda config: [config.num_epochs])
    (member,) = trained(SMALL, 7)
    assert same_bits(looked, member)
    assert len(member.weight_history) == 1


def test_without_epochs_it_is_the_initialisation() -> None:
    (member,) = trained(SMALL.untrained(), 4)
    drawn = initial_weights(SMALL, 4)
    assert all(np.array_equal(member.weights[name], drawn[name]) for name in PARAMETERS)
    assert member.history.epoch.tolist() == [0]


def test_weights_have_the_loops_shapes() -> None:
    config = CONFIGS["even n, odd sizes"]
    (member,) = trained(config, 0)
    readable = loop.train(AdditionTask(config, 0), device=CPU, progress=False).weights
    assert {name: (array.shape, array.dtype) for name, array in member.weights.items()} == {
        name: (array.shape, array.dtype) for name, array in readable.items()
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threads": 0}, "threads must be an integer at least 1"),
        ({"seeds": [-1]}, "seed must be an integer at least 0"),
        ({"seeds": [0, 2**63]}, "seed must be an integer at least 0"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(change: dict[str, object], message: str) -> None:
    arguments: dict = {"seeds": [0], "device": CPU, "threads": 1, "progress": False, **change}
    with pytest.raises(InputError, match=message):
        train_ensemble(SMALL, **arguments)


# The kernels one by one


@pytest.mark.parametrize(("rows", "depth", "vectors"), [(1, 1, 1), (23, 5, 2), (96, 128, 6)])
@pytest.mark.parametrize("turned", [False, True])
def test_product(rows: int, depth: int, vectors: int, turned: bool) -> None:
    draw = np.random.default_rng(0)
    for columns in (vectors * LANES, 4 * LANES, 5 * LANES):
        a = draw.normal(size=(depth, rows) if turned else (rows, depth)).astype(np.float32)
        b = draw.normal(size=(depth, columns)).astype(np.float32)
        row = draw.normal(size=(1, columns)).astype(np.float32)
        c = draw.normal(size=(rows + 1, columns)).astype(np.float32)
        before, product = (
            c.copy(),
            small_products.turned_product if turned else small_products.product,
        )
        exact = (a.T if turned else a).astype(float) @ b
        product(a, b, row, c, 0, rows, depth)
        np.testing.assert_allclose(c[:rows], exact + row, atol=1e-4)
        product(a, b, c, c, 1, rows, depth)
        np.testing.assert_allclose(c[:rows], 2 * exact + row, atol=1e-4)
        assert np.array_equal(c[rows:], before[rows:])


def test_transpose() -> None:
    source = np.arange(6 * LANES * LANES, dtype=np.float32).reshape(2 * LANES, 3 * LANES)
    target = np.zeros((3 * LANES, 2 * LANES), np.float32)
    small_products.transpose(source, target)
    assert np.array_equal(target, source.T)


def test_softmax_of_a_row() -> None:
    draw = np.random.default_rng(1)
    x = (30 * draw.normal(size=(2, 3 * LANES))).astype(np.float32)
    x[1, -4:] = -np.inf
    x[1, 0] = x[1].max()  # a tie
    for row in range(2):
        maximum = x[row].max()
        exact = np.exp((x[row] - maximum).astype(float))  # the difference is rounded
        largest, total = row_softmax(x, row)
        assert largest == maximum
        np.testing.assert_allclose(x[row], exact, rtol=3e-7, atol=2e-38)
        assert total == pytest.approx(exact.sum(), rel=1e-6)


@compiled
def row_softmax(x, row):  # type: ignore[no-untyped-def]
    largest = addition.row_max(x, row)
    return largest, addition.exp_row(x, row, largest)


@pytest.mark.parametrize("count", [1, 5, 64, 5096, 70001])
@pytest.mark.parametrize("seed", [0, 133, 2**33 + 5, 2**63 - 1])
def test_permutation_is_the_generators(count: int, seed: int) -> None:
    order, spare = np.empty(count, np.int64), np.empty(count, np.int64)
    words = np.empty((2, count), np.uint32)
    addition.permutation(seed, rng.SHUFFLE, 9, order, words, spare)
    assert np.array_equal(order, rng.permutation(seed, rng.SHUFFLE, 9, count))


CALLS = """
import numpy as np
from modlib.training.kernels import small_products as kernels
from modlib.training.kernels.llvm_vectors import LANES

a, b, start, c = (np.zeros((LANES, LANES), np.float32) for _ in range(4))
called = kernels.product, kernels.turned_product
for product in called:
    product(a, b, start, c, 0, LANES, LANES)
print([(sum(p.stats.cache_hits.values()), sum(p.stats.cache_misses.values())) for p in called])
"""


def test_a_second_process_finds_its_compiled_code(tmp_path) -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", CALLS],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert said == ["[(0, 1), (0, 1)]\n", "[(1, 0), (1, 0)]\n"]


def test_no_compiled_function_is_a_closure() -> None:
    """What a closure holds is part of its key, and a compiled function has a new name each time."""
    found = {}
    for module in pkgutil.walk_packages(training.__path__, "modlib.training."):
        if not module.name.endswith("triton_kernel"):
            found |= vars(importlib.import_module(module.name))
    compiled_ones = [value for value in found.values() if isinstance(value, Dispatcher)]
    assert len(compiled_ones) > 20
    assert [one for one in compiled_ones if one.py_func.__closure__ is not None] == []


def test_padding() -> None:
    assert [padded(1), padded(LANES), padded(LANES + 1)] == [LANES, LANES, 2 * LANES]


@pytest.mark.slow
def test_networks_learn_as_in_the_loop() -> None:
    members = trained(AdditionConfig(n=59), *range(8), threads=2)
    assert sum(m.history.test_accuracy.iloc[-1] >= 0.999 for m in members) >= 7
