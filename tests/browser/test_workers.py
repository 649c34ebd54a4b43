"""Who works for whom, in a browser: accuracies and neurons are Python's."""

from __future__ import annotations

import numpy as np
import pytest
from operated import drawn, fits, live, said, set_state, state, told

from modlib.analysis.remainders import task_lens as lens
from modlib.analysis.remainders.digit_spectra import explained_by_residue, residue_means
from modlib.results.shown import remainders_network
from modlib.tasks.remainders import RemaindersTask
from modlib.widgets import who_works_for_whom
from modlib.widgets.workers import together


@pytest.fixture(scope="module")
def network():
    run = remainders_network(p=37, seed=1000)
    return run.view, RemaindersTask(run.config, run.seed)


@pytest.fixture(scope="module")
def page_of(network, written):
    return written("workers", who_works_for_whom(*network).html())


def test_accuracies_are_those_of_the_network_without_these_neurons(opened, page_of, network):
    view, task = network
    found = lens.take_out(view, task.answers, task.held_out)
    page = opened(page_of)
    for i, q in enumerate(view.qs.tolist()):
        count = len(found.neurons[i]) * (i + 1) // len(view.qs)
        set_state(page, task=q, out=count)
        seen = live(page, "seen()")
        removed = found.neurons[i][:count]
        neurons = view.neurons.copy()
        neurons[:, removed] = neurons[:, removed].mean(0)
        right = view.accuracy(view.read(view.stream, neurons), task.answers)[task.held_out].mean(0)
        np.testing.assert_allclose(seen["left"], right, atol=1e-4)
        np.testing.assert_allclose(seen["random"], found.random[count], atol=1e-4)
        np.testing.assert_allclose(seen["base"], found.random[0], atol=1e-4)


@pytest.mark.parametrize(("q", "neuron", "joint"), [(29, 0, 1), (2, 1, 0), (13, 2, 1)])
def test_a_neuron_is_folded_as_python_folds_it(opened, page_of, network, q, neuron, joint):
    view, _ = network
    page = opened(page_of, address=f"#workers:task={q},out=0,neuron={neuron},joint={joint}")
    found = live(page, "portrait()")
    own = np.array([found["index"]])
    values = together(view, own) if joint else view.neurons[:, own]
    np.testing.assert_allclose(found["means"], residue_means(values, q)[:, 0], atol=1e-4)
    assert found["share"] == pytest.approx(explained_by_residue(values, q)[0], abs=1e-4)
    np.testing.assert_allclose(found["values"], values[:, 0], atol=np.ptp(values) / 100)


def test_keys_alone_choose_and_take_out(opened, page_of):
    page = opened(page_of)
    assert said(page).startswith("Nothing is taken out")
    page.focus("[name=task]")
    page.keyboard.press("ArrowUp")
    assert state(page, "task") == 29
    page.focus("[name=out]")
    page.keyboard.press("ArrowRight")
    assert state(page, "out") == 1
    page.keyboard.press("End")
    assert state(page, "out") == 30
    told(page, "Without 30 of 30 neurons of q = 29")
    page.focus("[name=joint]")
    page.keyboard.press("Space")
    assert state(page, "joint") == 0
    page.focus("[name=neuron]")
    page.keyboard.press("ArrowDown")
    assert state(page, "neuron") == 1
    page.wait_for_function("location.hash === '#workers:task=29,out=30,neuron=1,joint=0'")


def test_a_mouse_and_a_finger_choose_a_task(opened, page_of):
    page = opened(page_of)
    square = page.locator("canvas").nth(1).bounding_box()
    row = (square["height"] - 22) / 11
    page.mouse.move(square["x"] + 80, square["y"] + 1.5 * row)
    page.mouse.down()
    page.mouse.move(square["x"] + 80, square["y"] + 3.5 * row, steps=4)
    page.mouse.up()
    assert (state(page, "task"), state(page, "out")) == (7, 20)
    phone = opened(page_of, width=390, has_touch=True, is_mobile=True)
    assert fits(phone)
    bars = phone.locator("canvas").first.bounding_box()
    phone.touchscreen.tap(bars["x"] + 9.5 * bars["width"] / 11, bars["y"] + 60)
    assert (state(phone, "task"), state(phone, "out")) == (29, 30)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_draw(opened, page_of, theme):
    page = opened(page_of, width=390, address="#workers:task=6,out=999,neuron=77,joint=1")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    for place in range(5):
        assert drawn(page, place) > 0.01
