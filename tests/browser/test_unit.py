"""Turn the unit, in a browser: its signals, spectra, phases and activity are Python's."""

from __future__ import annotations

import numpy as np
import pytest
from operated import fits, live, state, told

from made_up.crooked import CROOKED, crooked_run
from modlib.maths.fourier import dft
from modlib.maths.groups import remap, signed_freq, units
from modlib.widgets import turn_the_unit


@pytest.fixture(scope="module")
def run():
    return crooked_run()


@pytest.fixture(scope="module")
def figure(run):
    return turn_the_unit(run)


@pytest.fixture(scope="module")
def page_of(figure, written):
    return written("unit", figure.html())


@pytest.mark.parametrize(("place", "unit"), [(0, 1), (13, 5), (25, 20)])
def test_signals_spectra_phases_and_activity_are_the_views(
    opened, page_of, run, figure, place, unit
):
    neuron, (a, b) = figure.names[place], (6, 11)
    page = opened(page_of, address=f"#unit:neuron={neuron},unit={unit},a={a},b={b}")
    row, view = run.clustering.table.loc[neuron], run.view
    heard = view.preact_a[:, neuron]
    np.testing.assert_allclose(live(page, "heard()"), remap(heard, unit), atol=1e-4)
    spectrum = np.array(live(page, "one().spectrum"))
    np.testing.assert_allclose(spectrum, np.abs(dft(heard)), atol=1e-4)
    moved = [signed_freq(unit * f, CROOKED.n) for f in range(1, CROOKED.n // 2 + 1)]
    np.testing.assert_allclose(spectrum[1:], np.abs(dft(remap(heard, unit)))[moved], atol=1e-4)
    phases = live(page, "one().waves.map(({ t }) => t)")
    np.testing.assert_allclose(phases, row[["t_a", "t_b", "t_d"]].tolist(), atol=1e-4)
    fires = view.fires(np.array([[a, b]]), np.array([neuron]))[0, 0]
    now = live(page, "look()")
    assert now["active"] == pytest.approx(fires, abs=1e-4)
    assert now["crests"] == signed_freq(unit * row.freq, CROOKED.n)
    most = view.activations(neurons=np.array([neuron])).max()
    assert live(page, "one().most") == pytest.approx(most, abs=1e-4)
    assert live(page, "one().best") == view.w_out[neuron].argmax()


def test_only_units_can_be_chosen_and_one_and_its_mirror_make_one_wave(opened, page_of, figure):
    page = opened(page_of)
    page.focus("[name=unit]")
    page.keyboard.press("Home")
    seen, crests = [], []
    for _ in units(CROOKED.n):
        seen.append(state(page, "unit"))
        crests.append(live(page, "look().crests"))
        page.keyboard.press("ArrowRight")
    assert seen == units(CROOKED.n)
    assert crests.count(1) == 2
    page.wait_for_function("location.hash.includes('unit=22,')")
    told(page, "In steps of 22 the wave of f = ")


def test_a_mouse_drags_the_unit_and_the_pair(opened, page_of):
    page = opened(page_of)
    strip = page.locator("canvas.live-strip").bounding_box()
    page.mouse.move(strip["x"] + 8, strip["y"] + 20)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] - 8, strip["y"] + 20, steps=3)
    page.mouse.up()
    assert state(page, "unit") == CROOKED.n - 1
    pad = page.locator("canvas.live-both").bounding_box()
    cell = pad["width"] / CROOKED.n
    page.mouse.click(pad["x"] + 3.5 * cell, pad["y"] + 5.5 * cell)
    assert live(page, "pair()") == [CROOKED.n - 5, CROOKED.n - 3]


def test_a_finger_and_keys_operate_it_on_a_phone(opened, page_of, figure):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True, reduced_motion="reduce")
    assert fits(page)
    pad = page.locator("canvas.live-both")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    cell = box["width"] / CROOKED.n
    page.touchscreen.tap(box["x"] + 7.5 * cell, box["y"] + 2.5 * cell)
    assert live(page, "pair()") == [2, 7]
    page.select_option("[name=neuron]", str(figure.names[13]))
    assert live(page, "one().place") == 13
    page.focus("[name=a]")
    page.keyboard.press("ArrowRight")
    assert live(page, "look().a") == 3


def test_a_wrong_link_does_no_harm(opened, page_of, figure):
    page = opened(page_of, address="#unit:neuron=999,unit=0,a=4,b=2")
    assert live(page, "one().place") == 0
    assert live(page, "look().crests") == figure.freqs[0]
