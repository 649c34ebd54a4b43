"""Train one yourself, in a browser: its steps are those of the readable loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from made_up.addition import history_of, run_of
from modlib.config.addition import AdditionConfig
from modlib.models.mlp import PARAMETERS, build, initial_weights
from modlib.tasks.addition import AdditionTask
from modlib.training.addition.loop import make_optimizer
from modlib.widgets import train_yourself

FIGURE = ".modlib-live > div"
STEPS = 5


@pytest.fixture(scope="module")
def page_of(written):
    run = run_of(AdditionConfig(n=7, epochs=1), history_of([0.5, 1.0], [0.1, 1.0]))
    return written("trainer", train_yourself(run, n=13).html())


def evaluate(page, what):
    return page.evaluate(f"(async () => document.querySelector('{FIGURE}').live.{what})()")


def stepped(config, seed, count, dtype):
    """Parameters after the readable loop's first steps, flat."""
    task = AdditionTask(config, seed)
    model = build(config, initial_weights(config, seed)).to(dtype)
    optimizer = make_optimizer(model, config)
    a, b, c = (torch.from_numpy(column) for column in task.pairs)
    orders = [torch.from_numpy(task.order(epoch)) for epoch in range(count)]
    batches = [batch for order in orders for batch in order.split(config.batch_size)]
    for batch in batches[:count]:
        optimizer.zero_grad()
        functional.cross_entropy(model(a[batch], b[batch]), c[batch]).backward()
        optimizer.step()
    weights = model.state_dict()
    return np.concatenate([weights[name].numpy().ravel() for name in PARAMETERS])


@pytest.mark.parametrize(
    ("address", "config"),
    [
        ("n=59,seed=133", AdditionConfig(n=59)),
        ("n=91,seed=7", AdditionConfig()),
        (
            "n=13,seed=4294967301,neurons=20,full=1",
            AdditionConfig(n=13, num_neurons=20, batch="full"),
        ),
        ("n=11,seed=2,lr=0.02,l2=0.001", AdditionConfig(n=11, lr=0.02, l2=0.001)),
    ],
)
def test_five_steps_are_the_readable_loops_but_for_its_rounding(opened, page_of, address, config):
    page = opened(page_of, address=f"#trainer:{address}")
    seed = evaluate(page, "model.get('seed')")
    weights = np.array(evaluate(page, f"steps({STEPS})"))
    exact = stepped(config, seed, STEPS, torch.float64)
    np.testing.assert_allclose(weights, exact, rtol=0, atol=1e-6)
    # Adam divides a gradient by its own size: where that is all but zero, float32 rounds it off.
    off = np.abs(weights - stepped(config, seed, STEPS, torch.float32))
    assert (off > 1e-5).mean() < 1e-4


def test_it_trains_pauses_steps_back_answers_and_hands_over(opened, page_of):
    page = opened(page_of)
    page.focus("[name=start]")
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.querySelector('{FIGURE}').dataset.epoch > 3")
    page.click("[name=start]")
    assert page.inner_text("[name=start]") == "Go on"
    page.focus("[name=state]")
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('.live-says').textContent.includes('After 0 ')")
    page.keyboard.press("End")
    page.fill("[name=ask_a]", "5")
    page.fill("[name=ask_b]", "12")
    page.wait_for_function("document.querySelector('[name=reply]').value.includes('right: 4')")
    page.fill("[name=ask_b]", "13")
    page.wait_for_function("document.querySelector('[name=reply]').value === '…'")
    page.click("[name=inside]")
    page.wait_for_selector("canvas.live-both")
    assert page.inner_text(f"{FIGURE} [data-right] .live-score").endswith("%")


def test_a_finger_starts_it_on_a_phone_and_a_bad_setting_is_taken_back(opened, page_of):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True)
    page.fill("[name=n]", "98")
    page.keyboard.press("Tab")
    assert page.input_value("[name=n]") == "13"
    page.locator("[name=start]").tap()
    page.wait_for_function(f"document.querySelector('{FIGURE}').dataset.epoch > 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_a_network_learns_what_it_never_saw(opened, page_of, record_property):
    page = opened(page_of, address="#trainer:n=59,seed=133")
    page.context.set_default_timeout(1_200_000)
    page.click("[name=start]")
    page.wait_for_function(f"document.querySelector('{FIGURE}').dataset.unseen == 1")
    epoch, rate = evaluate(page, "states.at(-1).epoch"), evaluate(page, "states.at(-1).rate")
    record_property("steps_per_second", rate)
    print(f"\nevery unseen pair is right after epoch {epoch}, at {rate:.0f} steps a second")
