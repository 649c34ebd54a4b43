"""Zhong et al.'s transformer: the fast step is the module's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import ATTENTION_RATES, CLOCK_PIZZA_PRESETS
from modlib.errors import InputError
from modlib.models.clock_pizza import ClockPizzaTransformer, initial_weights
from modlib.runs.get_or_train import get_or_train
from modlib.store.runs import Store
from modlib.tasks.addition import AdditionTask
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


def test_the_run_is_a_checkpoint_like_any_other(tmp_path):
    run = get_or_train(
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
