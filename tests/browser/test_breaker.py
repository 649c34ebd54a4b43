"""Break it, in a browser: what is left of the answers is what PyTorch finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from made_up.crooked import CROOKED, crooked_run
from modlib.models.mlp import build
from modlib.models.views.neuron_view import score_logits
from modlib.widgets import break_it

FIGURE = ".modlib-live > div"


@pytest.fixture(scope="module")
def run():
    return crooked_run()


@pytest.fixture(scope="module")
def figure(run):
    return break_it(run)


@pytest.fixture(scope="module")
def page_of(figure, written):
    return written("breaker", figure.html())


@torch.no_grad()
def scores(run, removed):
    """Scores of all pairs without these neurons, in PyTorch."""
    weights = {name: array.copy() for name, array in run.weights.items()}
    weights["unembed.weight"][:, removed] = 0.0
    a, b = np.divmod(np.arange(CROOKED.n**2), CROOKED.n)
    logits = build(CROOKED, weights)(torch.from_numpy(a), torch.from_numpy(b)).double().numpy()
    return score_logits(logits.reshape((CROOKED.n,) * 3))


def state(page, name):
    return page.evaluate(f"document.querySelector('{FIGURE}').live.model.get('{name}')")


def counted(page):
    page.wait_for_selector(f"{FIGURE}[data-right]")
    return [
        float(page.get_attribute(FIGURE, f"data-{name}")) for name in ("right", "loss", "margin")
    ]


@pytest.mark.parametrize("seed", range(3))
def test_accuracy_loss_and_margin_are_pytorchs(opened, page_of, figure, run, seed):
    generator = np.random.default_rng(seed)
    removed = np.sort(generator.choice(len(figure.kept), 3 * seed, replace=False))
    page = opened(page_of, address=f"#breaker:removed={'.'.join(map(str, removed))}")
    expected = scores(run, figure.kept[removed])
    right, loss, margin = counted(page)
    assert right == expected.right.sum()
    assert loss == pytest.approx(expected.loss.mean(), abs=1e-5)
    assert margin == pytest.approx(expected.margin.min(), abs=1e-4)


def test_noise_on_one_cluster_leaves_the_others(opened, page_of, run):
    page = opened(page_of, address="#breaker:removed=,sigma=1,noisy=0")
    disturbed = counted(page)[1]
    out = ".".join(map(str, range(len(run.clustering.clusters[0].neurons))))
    gone = opened(page_of, address=f"#breaker:removed={out},sigma=0,noisy=-2")
    both = opened(page_of, address=f"#breaker:removed={out},sigma=1,noisy=0")
    assert counted(gone) == counted(both)
    assert disturbed != counted(gone)[1]


def test_keys_and_a_finger_take_neurons_out_and_put_them_back(opened, page_of, figure):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    neuron = page.locator(".live-neuron").first
    neuron.tap()
    assert state(page, "removed") == [figure.clusters[0]["neurons"][0]]
    neuron.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert len(state(page, "removed")) == 2
    page.get_by_role("button", name="f = 2: half out").tap()
    assert len(state(page, "removed")) == len(figure.clusters[0]["neurons"]) / 2
    page.locator("[name=next]").tap()
    assert len(state(page, "removed")) == len(figure.clusters[0]["neurons"]) / 2 + 1
    page.locator("[name=back]").tap()
    assert state(page, "removed") == []
    page.wait_for_function("location.hash.startsWith('#breaker:removed=,')")
