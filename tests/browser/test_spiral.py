"""The spiral, in a browser: its arms, and its waves' spectra, are Python's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from operated import drawn, fits, live, said, set_state, state, told

from modlib.analysis.remainders import tasks as rt
from modlib.analysis.remainders.digit_spectra import grid_magnitudes
from modlib.chapters.remainders import ARMS, spirals
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.tasks.remainders import primes_below
from modlib.widgets import number_spiral

X = np.arange(113**2)


@pytest.fixture(scope="module")
def page_of(written):
    return written("spiral", number_spiral().html())


def together(turn, q):
    return abs(np.exp(2j * np.pi * turn * X[X % q == 0]).mean())


def test_at_a_radian_primes_stand_in_the_arms_that_the_chapter_counts(opened, page_of):
    page = opened(page_of, address="#spiral:show=2")
    seen = live(page, "seen()")
    expected = spirals(113, {"primes": primes_below(113**2)})
    assert (seen["arms"], seen["taken"]) == (ARMS, expected.arms)
    assert "stand in 20 of them" in said(page)


@pytest.mark.parametrize("q", [2, 7, 23])
def test_a_qth_of_a_turn_makes_q_spokes(opened, page_of, q):
    page = opened(page_of, address=f"#spiral:q={q}")
    assert live(page, "seen()")["together"] == pytest.approx(together(state(page, "turn"), q))
    page.click("[name=first]")
    page.click("[name=next]")
    assert state(page, "turn") == pytest.approx(2 / q % 1)
    seen = live(page, "seen()")
    assert seen["arms"] == (q if q > 2 else 1)
    assert seen["together"] == pytest.approx(1)
    page.click("[name=radian]")
    assert live(page, "seen()")["arms"] == ARMS


@pytest.mark.parametrize(("p", "q", "wave"), [(11, 7, 0), (37, 7, 0), (37, 2, 0), (11, 17, 1)])
def test_the_spectrum_of_a_wave_is_pythons(opened, page_of, p, q, wave):
    page = opened(page_of, address=f"#spiral:q={q},p={p},wave={wave}")
    setting = replace(REMAINDERS_PRESETS["B37"], p=p)
    image = rt.sum_wave(setting) if wave else rt.remainder_wave(setting, q)
    seen, row = live(page, "seen()"), rt.leaks({"": image}).iloc[0]
    np.testing.assert_allclose(seen["magnitudes"], grid_magnitudes(image).ravel(), atol=1e-6)
    assert seen["top"] == pytest.approx(row.top_six, abs=1e-6)
    assert seen["active"] == row.active


def test_keys_alone_turn_it_and_choose(opened, page_of):
    page = opened(page_of)
    page.focus("[name=turn]")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert state(page, "turn") == pytest.approx(0.0005)
    page.focus("[name=radian]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert state(page, "turn") == 1 / 17
    page.focus("[name=q]")
    page.keyboard.press("ArrowDown")
    assert state(page, "q") == 19
    told(page, "17 straight spokes")
    page.wait_for_function("location.hash.startsWith('#spiral:turn=0.0588235294117647')")


def test_a_mouse_and_a_finger_drag_the_hand(opened, page_of):
    for options in ({}, {"width": 390, "has_touch": True, "is_mobile": True}):
        page = opened(page_of, **options)
        assert fits(page)
        disc = page.locator("canvas").first.bounding_box()
        x, y, far = (disc["x"] + disc["width"] / 2, disc["y"] + disc["width"] / 2, 100)
        if options:
            page.touchscreen.tap(x, y - far)
        else:
            page.mouse.move(x + far, y)
            page.mouse.down()
            page.mouse.move(x, y - far, steps=5)
            page.mouse.up()
        assert state(page, "turn") == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_draw(opened, page_of, theme):
    page = opened(page_of, width=390)
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    set_state(page, show=1)
    assert drawn(page) > 0.02
    assert drawn(page, 1) == drawn(page, 2) == 1
