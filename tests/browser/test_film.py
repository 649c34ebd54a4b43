"""The film of the tasks, in a browser: what it shows at a step is in the network's history."""

from __future__ import annotations

import numpy as np
import pytest
from operated import drawn, fits, live, said, set_state, state, told

from modlib.analysis.remainders.grokking import by_step, first_steps
from modlib.results.remainders import read_remainders
from modlib.widgets import film_of_tasks

KINDS = ("train", "validation")


@pytest.fixture(scope="module")
def histories():
    return {name: read_remainders(name).run.history for name in ("B37", "B37-nanda")}


@pytest.fixture(scope="module")
def page_of(histories, written):
    return written("film", film_of_tasks(histories).html())


def test_bars_means_and_learned_tasks_are_those_of_the_history(opened, page_of, histories):
    page = opened(page_of)
    generator = np.random.default_rng(0)
    for film, history in enumerate(histories.values()):
        set_state(page, film=film)
        tables, first = [by_step(history, kind) for kind in KINDS], first_steps(history)
        for frame in generator.integers(120, size=5):
            set_state(page, frame=int(frame))
            seen = live(page, "seen()")
            for kind, table in zip(KINDS, tables, strict=True):
                row = table.loc[seen["step"]]
                np.testing.assert_allclose(seen[kind], row, atol=1e-4)
                assert seen[f"{kind}Mean"] == pytest.approx(row.mean(), abs=1e-4)
            assert seen["learned"] == (first <= seen["step"]).sum()


def test_keys_alone_go_through_time_and_choose(opened, page_of, histories):
    page = opened(page_of)
    page.focus("[name=frame]")
    page.keyboard.press("Home")
    assert said(page) == "Step 0: 0 of 11 tasks learned."
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert state(page, "frame") == 3
    page.keyboard.press("End")
    page.focus("[name=task]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert state(page, "task") == 3
    first = int(first_steps(histories["B37"])[3])
    assert f"learned at step {first:,}" in page.inner_text(".live-score")
    learned = int(first_steps(histories["B37"]).notna().sum())
    told(page, f"Step 16,384: {learned} of 11 tasks learned")
    page.wait_for_function("location.hash.includes('film=0') && location.hash.includes('task=3')")
    page.focus("[name=film]")
    page.keyboard.press("ArrowDown")
    assert (state(page, "film"), state(page, "task")) == (1, 0)
    assert "of 1 task learned" in said(page)


def test_an_address_that_changes_is_followed(opened, page_of):
    page = opened(page_of)
    page.evaluate("location.hash = '#film:film=1,frame=7,task=37'")
    page.wait_for_function(
        "document.querySelector('.modlib-live > div').live.model.get('frame') === 7"
    )
    assert [state(page, name) for name in ("film", "frame", "task")] == [1, 7, 37]
    assert said(page).startswith("Step 7: ")


def test_it_plays_and_stops(opened, page_of):
    page = opened(page_of)
    page.click("[name=play]")
    page.wait_for_function(
        "document.querySelector('.modlib-live > div').live.model.get('frame') >= 5"
    )
    page.click("[name=play]")
    stopped = state(page, "frame")
    assert page.inner_text("[name=play]") == "Play"
    page.wait_for_timeout(200)
    assert state(page, "frame") == stopped


def test_a_mouse_drags_in_the_curves_and_a_finger_taps_a_task(opened, page_of):
    page = opened(page_of)
    times = page.locator("canvas").nth(1).bounding_box()
    page.mouse.move(times["x"] + times["width"] - 4, times["y"] + 50)
    page.mouse.down()
    page.mouse.move(times["x"] + 9, times["y"] + 50, steps=6)
    page.mouse.up()
    assert live(page, "seen()")["step"] <= 1
    phone = opened(page_of, width=390, has_touch=True, is_mobile=True)
    assert fits(phone)
    bars = phone.locator("canvas").first.bounding_box()
    phone.touchscreen.tap(bars["x"] + 3.5 * bars["width"] / 11, bars["y"] + 60)
    assert state(phone, "task") == 7
    phone.touchscreen.tap(bars["x"] + 3.5 * bars["width"] / 11, bars["y"] + 60)
    assert state(phone, "task") == 0


def test_with_less_motion_it_plays_in_few_leaps(opened, page_of):
    page = opened(page_of, reduced_motion="reduce")
    page.click("[name=play]")
    page.wait_for_function(
        "document.querySelector('.modlib-live > div').live.model.get('frame') >= 15"
    )
    page.click("[name=play]")
    assert state(page, "frame") % 18 == 0  # an eighth of 144


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_draw(opened, page_of, theme):
    page = opened(page_of, width=390, address="#film:film=7,frame=9999,task=4")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    assert drawn(page) > 0.05
    assert drawn(page, 1) > 0.005
