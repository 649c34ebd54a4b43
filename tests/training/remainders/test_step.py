"""The transformer of paper B: the fast step equals the readable module, operation by operation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from modlib.config.presets import PAPER_B
from modlib.config.remainders import RemaindersConfig
from modlib.models.transformer import (
    Keep,
    RemaindersTransformer,
    build,
    fan_in,
    initial_weights,
    parameter_shapes,
)
from modlib.tasks.remainders import RemaindersTask, digits, moduli
from modlib.training.kernels import adamw
from modlib.training.kernels import attention as kernels
from modlib.training.kernels.adamw import GradientFilter, adamw_, filtered, make_adamw
from modlib.training.kernels.blocked_products import Multiplier
from modlib.training.remainders.buffers import Masks
from modlib.training.remainders.cuda_graph import GraphStep
from modlib.training.remainders.forward import tables_save
from modlib.training.remainders.schedule import dropout
from modlib.training.remainders.step import FastStep

SMALL = {"embed_dim": 32, "heads": 4}
CASES = [
    RemaindersConfig(p=11, **SMALL),
    RemaindersConfig(p=23, train_fraction=0.3, digits="high_first", **SMALL),
    RemaindersConfig(p=37, **SMALL),
    RemaindersConfig(p=37, task="nanda", **SMALL),
    RemaindersConfig(p=13, task="masked", dropout_mask="sample", **SMALL),
    RemaindersConfig(p=11, task="basis", dropout=0.0, embed_dim=6, heads=3),
    RemaindersConfig(p=5, train_fraction=0.2, embed_dim=7, heads=1, dropout=0.5),
    RemaindersConfig(p=7, embed_dim=40, heads=8),
]
NAMES = [f"{c.task}-{c.p}-{c.dropout_mask}" for c in CASES]
WAYS = [
    pytest.param(c, way, id=f"{name}-{'tables' if way else 'numbers'}")
    for c, name in zip(CASES, NAMES, strict=True)
    for way in (True, False)
    if c.dropout_mask == "step" or not way
]


def plain_loss(
    model: RemaindersTransformer, config: RemaindersConfig, seed: int, keep: Keep | None
) -> tuple[torch.Tensor, list[float]]:
    """Equation 12, task by task, and each task's mean cross-entropy."""
    task = RemaindersTask(config, seed)
    arrays = (*task.digits, task.answers)
    x0, x1, targets = (torch.from_numpy(array[task.split["train"]]) for array in arrays)
    tasks = model(x0, x1, keep).split(moduli(config).tolist(), dim=1)
    losses = [
        functional.cross_entropy(logits, target)
        for logits, target in zip(tasks, targets.T, strict=True)
    ]
    weighted = [w * loss for w, loss in zip(task.loss_weights, losses, strict=True)]
    return torch.stack(weighted).sum(), [loss.item() for loss in losses]


def masks(config: RemaindersConfig, dtype: type, step: int = 7) -> Masks | None:
    keep = dropout(config, 3, step)
    return keep and (keep[0].astype(dtype), keep[1].astype(dtype))


def tensors(keep: Masks | None) -> Keep | None:
    return keep and (torch.from_numpy(keep[0]), torch.from_numpy(keep[1]))


@pytest.mark.parametrize("with_dropout", [False, True])
@pytest.mark.parametrize(("config", "by_tables"), WAYS)
def test_losses_and_gradients_equal_the_modules(config, by_tables, with_dropout):
    weights = initial_weights(config, 3)
    keep = masks(config, np.float64) if with_dropout else None
    model = build(config, weights).double()
    loss, expected = plain_loss(model, config, 3, tensors(keep))
    loss.backward()
    options = {"dtype": np.float64, "threads": 2}
    step = FastStep(RemaindersTask(config, 3), weights, **options, by_tables=by_tables)
    losses = step.gradient(keep, want_losses=True)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    for name, grad in step.d_parameters.items():
        wanted = getattr(model, name).grad.numpy()
        np.testing.assert_allclose(grad, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


def test_a_wrong_mask_would_be_noticed():
    config = CASES[0]
    weights = initial_weights(config, 3)
    step = FastStep(RemaindersTask(config, 3), weights, dtype=np.float64)
    with_mask = step.gradient(masks(config, np.float64), want_losses=True)
    without = step.gradient(None, want_losses=True)
    assert np.abs(with_mask - without).max() > 1e-3


@pytest.mark.parametrize("config", CASES[:2] + CASES[3:4], ids=NAMES[:2] + NAMES[3:4])
def test_ten_steps_equal_the_modules_with_torchs_optimiser(config):
    weights = initial_weights(config, 3)
    model = build(config, weights).double()
    optimizer = make_adamw(model, config)
    slow = GradientFilter(model.parameters(), config.lam, config.alpha)
    step = FastStep(RemaindersTask(config, 3), weights, dtype=np.float64)
    for index in range(10):
        keep = masks(config, np.float64, index)
        optimizer.zero_grad()
        plain_loss(model, config, 3, tensors(keep))[0].backward()
        slow.apply()
        optimizer.step()
        step.gradient(keep)
        step.update(index)
    for name, value in step.parameters.items():
        wanted = getattr(model, name).detach().numpy()
        np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())


def error(step: FastStep, exact: FastStep) -> float:
    return float(np.linalg.norm(step.grad - exact.grad) / np.linalg.norm(exact.grad))


@pytest.mark.parametrize(("config", "by_tables"), WAYS)
def test_float32_steps_equal_float64_ones_to_rounding(config, by_tables):
    weights = initial_weights(config, 3)
    exact = FastStep(RemaindersTask(config, 3), weights, dtype=np.float64)
    single = FastStep(RemaindersTask(config, 3), weights, by_tables=by_tables)
    exact.gradient(masks(config, np.float64))
    single.gradient(masks(config, np.float32))
    assert error(single, exact) < 1e-5


def test_bfloat16_errs_by_percents_and_is_no_default():
    config = RemaindersConfig(p=23, **SMALL)
    weights = initial_weights(config, 3)
    exact = FastStep(RemaindersTask(config, 3), weights, dtype=np.float64)
    half = FastStep(RemaindersTask(replace(config, matmul="bfloat16"), 3), weights)
    for step in (exact, half):
        step.gradient()
    assert 1e-4 < error(half, exact) < 0.05
    assert RemaindersConfig().matmul == "float32"


@pytest.mark.parametrize("by_tables", [True, False])
def test_threads_do_not_change_a_bit(by_tables):
    config = RemaindersConfig(p=23, **SMALL)
    weights = initial_weights(config, 3)
    steps = [
        FastStep(RemaindersTask(config, 3), weights, threads=t, by_tables=by_tables)
        for t in (1, 2, 3, 4)
    ]
    for index in range(3):
        for step in steps:
            step.gradient(dropout(config, 3, index))
            step.update(index)
    for step in steps[1:]:
        np.testing.assert_array_equal(step.theta, steps[0].theta)


def test_tables_serve_where_numbers_share_a_mask_and_heads_are_not_small():
    shared = RemaindersConfig(p=23, **SMALL)
    assert tables_save(shared)
    assert not tables_save(replace(shared, dropout_mask="sample"))
    assert tables_save(replace(shared, dropout_mask="sample", dropout=0.0))
    assert not tables_save(replace(shared, matmul="bfloat16"))
    assert not tables_save(replace(shared, heads=8))
    assert tables_save(PAPER_B)


def test_where_the_whole_stream_is_dropped_nothing_is_learned():
    config = RemaindersConfig(p=11, **SMALL)
    step = FastStep(RemaindersTask(config, 3), initial_weights(config, 3))
    nothing = np.zeros(32, dtype=np.float32)
    losses = step.gradient((nothing, nothing), want_losses=True)
    np.testing.assert_allclose(losses, np.log(moduli(config)), rtol=1e-6)
    np.testing.assert_array_equal(step.grad, 0)


@pytest.mark.parametrize("by_tables", [True, False])
def test_evaluation_equals_the_modules(by_tables):
    config = RemaindersConfig(p=23, **SMALL)
    weights = initial_weights(config, 3)
    x0, x1 = digits(config)
    targets = RemaindersTask(config, 3).answers
    options = {"dtype": np.float64, "by_tables": by_tables}
    step = FastStep(RemaindersTask(config, 3), weights, **options)
    losses, right = step.evaluate()
    logits = build(config, weights).double()(torch.from_numpy(x0), torch.from_numpy(x1))
    for task, part in enumerate(logits.split(moduli(config).tolist(), dim=1)):
        target = torch.from_numpy(targets[:, task])
        wanted = functional.cross_entropy(part, target, reduction="none").detach().numpy()
        np.testing.assert_allclose(losses[task], wanted, rtol=1e-12)
        np.testing.assert_array_equal(right[task], (part.argmax(1) == target).numpy())


def test_of_equal_logits_the_first_is_the_answer():
    logits = np.zeros((5, 2), dtype=np.float32)
    starts, targets = np.array([0, 2, 5]), np.array([[0, 1], [2, 0]])
    highest, chosen = np.empty(2, dtype=np.float32), np.empty(2, dtype=np.int64)
    right = np.empty((2, 2), dtype=bool)
    kernels.right_answers(logits, starts, targets, highest, chosen, right)
    assert right.tolist() == [[True, False], [False, True]]


def test_large_logits_do_not_overflow():
    config = RemaindersConfig(p=11, **SMALL)
    weights = initial_weights(config, 3)
    weights["unembed"] = weights["unembed"] * np.float32(1e4)
    step = FastStep(RemaindersTask(config, 3), weights)
    losses = step.gradient(want_losses=True)
    assert np.isfinite(losses).all()
    assert np.isfinite(step.grad).all()


def test_the_filter_is_equation_13():
    parameter = torch.nn.Parameter(torch.zeros(1))
    slow = GradientFilter([parameter], lam=0.5, alpha=0.9)
    average, seen = 0.0, []
    for gradient in (1.0, -2.0, 3.0):
        average = 0.9 * average + 0.1 * gradient
        parameter.grad = torch.tensor([gradient])
        slow.apply()
        seen.append((parameter.grad.item(), gradient + 0.5 * average))
    np.testing.assert_allclose(*np.array(seen).T, rtol=1e-6)


def test_the_fused_optimiser_equals_its_readable_twin():
    config = RemaindersConfig(p=11)
    draw = np.random.default_rng(0)
    fused = [torch.from_numpy(draw.normal(size=50)) for _ in range(3)]
    fused += [torch.from_numpy(draw.uniform(0.1, 1, size=50)) for _ in range(2)]
    plain = [array.clone() for array in fused]
    for step in (1, 2, 9):
        settings = filtered(config, step, np.float64)
        adamw.adamw(*(array.numpy() for array in fused), settings)
        adamw_(*plain, torch.from_numpy(settings))
    for one, other in zip(fused, plain, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=0)


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("turn_b", [False, True])
@pytest.mark.parametrize("turn_a", [False, True])
@pytest.mark.parametrize(
    ("rows", "depth", "cols"),
    [(1, 1, 1), (7, 300, 49), (140, 5, 48), (131, 257, 100), (267, 520, 36), (5, 0, 40)],
)
def test_products_equal_numpys(rows, depth, cols, turn_a, turn_b, add):
    draw = np.random.default_rng(0)
    a = draw.normal(size=(depth, rows) if turn_a else (rows, depth)).astype(np.float32)
    b = draw.normal(size=(cols, depth) if turn_b else (depth, cols)).astype(np.float32)
    c = draw.normal(size=(rows, cols)).astype(np.float32)
    left, right = a.T if turn_a else a, b.T if turn_b else b
    expected = left.astype(float) @ right.astype(float) + (c if add else 0)
    Multiplier(rows, cols)(a, b, c, turn_a=turn_a, turn_b=turn_b, add=add)
    np.testing.assert_allclose(c, expected, atol=1e-4)


def test_a_product_does_not_read_what_it_replaces():
    c = np.full((9, 50), np.nan, dtype=np.float32)
    Multiplier(9, 50)(np.ones((9, 3), np.float32), np.ones((3, 50), np.float32), c)
    np.testing.assert_array_equal(c, 3)


def test_initial_weights_have_hes_variance():
    config = RemaindersConfig(p=113, embed_dim=256)
    weights = initial_weights(config, 0)
    assert {name: w.shape for name, w in weights.items()} == parameter_shapes(config)
    for name, array in weights.items():
        expected = np.sqrt(2 / fan_in(config)[name])
        assert abs(array.std() / expected - 1) < 4 / np.sqrt(2 * array.size)
        assert np.abs(array).max() <= 2 * expected / 0.879
    assert fan_in(config) == {
        **{"tok": 114, "pos": 3, "q": 1024, "k": 1024, "v": 1024, "o": 256},
        **{"w_in": 256, "w_out": 1024, "unembed": 256 * 29},
    }


def test_dropout_is_drawn_anew_at_every_step_and_keeps_the_mean():
    config = RemaindersConfig(p=11, embed_dim=4096, heads=4, dropout=0.25)
    first, second = dropout(config, 0, 0), dropout(config, 0, 1)
    assert first is not None
    assert second is not None
    assert not np.array_equal(first[0], second[0])
    assert not np.array_equal(first[0], first[1])
    assert set(first[0].tolist()) == {0.0, float(np.float32(1) / np.float32(0.75))}
    assert abs(float(first[0].mean()) - 1) < 0.03
    per_number = dropout(RemaindersConfig(p=11, dropout_mask="sample"), 0, 0)
    assert per_number is not None
    assert per_number[0].shape == (96, 128)
    assert dropout(RemaindersConfig(dropout=0.0), 0, 0) is None


def test_only_the_positional_embeddings_tell_the_digits_apart():
    config = RemaindersConfig(p=11, **SMALL)
    model = build(config, initial_weights(config, 0))
    x0, x1 = (torch.from_numpy(digit) for digit in digits(config))
    swapped = build(config, initial_weights(config, 0))
    with torch.no_grad():
        swapped.pos[:2] = swapped.pos[[1, 0]]
    assert torch.allclose(model(x0, x1), swapped(x1, x0), atol=1e-5)


@pytest.mark.parametrize("config", CASES, ids=NAMES)
def test_the_graphs_step_equals_the_fast_one(config):
    weights = initial_weights(config, 3)
    fast = FastStep(RemaindersTask(config, 3), weights)
    graph = GraphStep(RemaindersTask(config, 3), weights, device=torch.device("cpu"))
    for index in range(5):
        keep = masks(config, np.float32, index)
        norms = []
        for step in (fast, graph):
            step.gradient(keep)
            norms.append(step.gradient_norms)
            step.update(index)
        assert norms[1] == pytest.approx(norms[0], rel=1e-4)
    for name, array in fast.state().items():
        wanted = np.abs(array).max()
        np.testing.assert_allclose(graph.state()[name], array, rtol=0, atol=2e-4 * wanted)


def test_the_graphs_state_is_taken_up_and_read_like_the_fast_ones():
    config = RemaindersConfig(p=11, **SMALL)
    first, second = (
        GraphStep(RemaindersTask(config, 3), initial_weights(config, 3), device=torch.device("cpu"))
        for _ in range(2)
    )
    for index in range(3):
        first.gradient(masks(config, np.float32, index))
        first.update(index)
    second.restore({name: array.copy() for name, array in first.state().items()})
    for step in (first, second):
        step.gradient(masks(config, np.float32, 3))
        step.update(3)
    np.testing.assert_array_equal(first.state()["theta"], second.state()["theta"])
    np.testing.assert_array_equal(first.neurons(), second.neurons())
    np.testing.assert_array_equal(first.weights()["tok"], second.weights()["tok"])
    np.testing.assert_array_equal(first.tables_used().scores, second.tables().scores)


@pytest.mark.gpu
def test_on_a_cuda_device_the_captured_step_equals_the_fast_one():
    config = RemaindersConfig(p=23, **SMALL)
    weights = initial_weights(config, 3)
    fast = FastStep(RemaindersTask(config, 3), weights)
    graph = GraphStep(RemaindersTask(config, 3), weights, device=torch.device("cuda"))
    for index in range(5):
        for step in (fast, graph):
            step.gradient(masks(config, np.float32, index))
            step.update(index)
    for name, array in fast.state().items():
        atol = 1e-3 * np.abs(array).max()
        np.testing.assert_allclose(graph.state()[name], array, rtol=0, atol=atol)
