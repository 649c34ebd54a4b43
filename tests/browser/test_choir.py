"""A choir on a wheel, in a browser: its votes are the view's, whoever sings."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.crooked import CROOKED, crooked_run
from modlib.maths.fourier import cosine
from modlib.widgets import choir_on_a_wheel

FIGURE = ".modlib-live > div"


@pytest.fixture(scope="module")
def run():
    return crooked_run()


@pytest.fixture(scope="module")
def page_of(run, written):
    return written("choir", choir_on_a_wheel(run).html())


def heard(page):
    return page.evaluate(
        f"(() => {{ const found = document.querySelector('{FIGURE}').live.hear();"
        "return { sum: [...found.sum], amplitude: found.amplitude, rest: found.rest }; })()"
    )


def state(page, name):
    return page.evaluate(f"document.querySelector('{FIGURE}').live.model.get('{name}')")


def test_the_sum_of_those_who_sing_is_the_views(opened, page_of, run):
    page = opened(page_of, address="#choir:cluster=1,a=4,b=9,silent=0.3")
    cluster = run.clustering.clusters[1]
    singing = np.delete(cluster.neurons, [0, 3])
    votes = run.view.fires(np.array([[4, 9]]), singing)[0] @ run.view.w_out[singing]
    votes -= votes.mean()
    found = heard(page)
    np.testing.assert_allclose(found["sum"], votes, atol=1e-4)
    wave = cosine(CROOKED.n, cluster.freq, cluster.freq * 13)
    amplitude = votes @ wave / (wave @ wave)
    assert found["amplitude"] == pytest.approx(amplitude, abs=1e-4)
    missed = votes - amplitude * wave
    assert found["rest"] == pytest.approx(missed @ missed / (votes @ votes), abs=1e-4)


def test_keys_and_a_finger_choose_who_sings(opened, page_of, run):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    size = run.clustering.clusters[0].num_neurons
    page.locator("[name=solo]").tap()
    assert state(page, "silent") == list(range(1, size))
    page.locator("[name=side]").tap()
    assert 0 < len(state(page, "silent")) < size
    page.focus("[name=all]")
    page.keyboard.press("Enter")
    assert state(page, "silent") == []
    page.locator(".live-neuron").nth(2).tap()
    assert state(page, "silent") == [2]
    page.select_option("[name=cluster]", "1")
    assert (state(page, "cluster"), state(page, "silent")) == (1, [])
    page.wait_for_function("location.hash.startsWith('#choir:cluster=1,')")
