"""Two hands, in a browser: middles, logits and means are Python's, for every part that is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from operated import fits, live, said, state, told

from made_up.crooked import CROOKED, crooked_run
from modlib.analysis.meso.clock_pizza_hands import hands_of
from modlib.models.foreign.load import from_tensors
from modlib.widgets import two_hands

N = CROOKED.n


@pytest.fixture(scope="module")
def network():
    return from_tensors(crooked_run().weights)


@pytest.fixture(scope="module")
def page_of(network, written):
    networks = [network, replace(network, name="another", attention_rate=1.0)]
    return written("hands", two_hands(networks, pd.DataFrame()).html())


def both_orders(right):
    """The rows that are not carried, from those that are."""
    y, x = np.indices((N, N))
    return np.where(
        y < len(right), right[y % len(right), x], right[-y % N % len(right), (x + y) % N]
    )


@pytest.mark.parametrize(("kept", "a", "b"), [(0, 3, 9), (1, 3, 9), (2, 20, 1), (0, 5, 5)])
def test_a_pair_has_the_logit_and_the_middles_that_python_finds(
    opened, page_of, network, kept, a, b
):
    page = opened(page_of, address=f"#hands:net=0,kept={kept},a={a},b={b}")
    one, seen = hands_of(network), live(page, "look()")
    inverse = pow(one.unit, -1, N)
    x, y = b * inverse % N, (a - b) * inverse % N
    step = np.ptp(one.right) / 127
    whole = both_orders(one.right[kept])
    assert seen["logit"] == pytest.approx(whole[y, x], abs=0.51 * step)
    assert seen["average"] == pytest.approx(whole.mean(), abs=0.1 * step)
    middles = (one.points[:, a] + one.points[:, b]) / 2
    near = np.ptp(one.points) / (2**14 - 1)
    assert seen["lengths"] == pytest.approx(np.linalg.norm(middles, axis=1), abs=near)
    profile = one.profile[kept, min(y, N - y)]
    np.testing.assert_allclose(seen["profile"], profile, atol=0.51 * np.ptp(one.profile) / 127)


def test_face_to_face_the_middle_is_at_the_centre(opened, page_of, network):
    page = opened(page_of)
    page.locator("[name=face]").click()
    seen = live(page, "look()")
    assert seen["degrees"] == pytest.approx(180 * (N - 1) / N)
    assert seen["lengths"][0] < 0.2 < seen["lengths"][1]


def test_keys_alone_operate_every_control(opened, page_of):
    page = opened(page_of)
    page.focus("[name=a]")
    before = state(page, "a")
    page.keyboard.press("ArrowRight")
    assert state(page, "a") == before + 1
    for name in ("net", "kept"):
        page.focus(f"[name={name}]")
        page.keyboard.press("ArrowDown")
        assert state(page, name) == 1
    page.focus("[name=face]")
    page.keyboard.press("Enter")
    told(page, "With its double it gives")
    page.wait_for_function("location.hash.startsWith('#hands:net=1,kept=1,')")


def test_a_mouse_drags_a_hand_and_the_map(opened, page_of, network):
    page = opened(page_of, address="#hands:net=0,kept=0,a=3,b=9")
    one, box = hands_of(network), page.locator("canvas.live-both").first.bounding_box()
    middle, reach = box["width"] / 2, 0.36 * box["width"]
    place = lambda k: (  # noqa: E731
        box["x"] + middle + reach * one.points[0, k, 0],
        box["y"] + middle - reach * one.points[0, k, 1],
    )
    page.mouse.move(*place(3))
    page.mouse.down()
    page.mouse.move(*place(14), steps=4)
    page.mouse.up()
    assert (state(page, "a"), state(page, "b")) == (14, 9)
    box = page.locator("canvas.live-both").last.bounding_box()
    cell = box["width"] / N
    page.mouse.click(box["x"] + 4.5 * cell, box["y"] + (N // 2 + 2.5) * cell)
    b = 4 * one.unit % N
    assert (state(page, "a"), state(page, "b")) == ((b + 2 * one.unit) % N, b)


def test_a_finger_turns_a_hand_on_a_phone(opened, page_of, network):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True)
    assert fits(page)
    pad = page.locator("canvas.live-both").first
    pad.scroll_into_view_if_needed()
    box, a, b = pad.bounding_box(), state(page, "a"), state(page, "b")
    page.touchscreen.tap(box["x"] + 0.86 * box["width"], box["y"] + box["width"] / 2)
    assert {state(page, "a"), state(page, "b")} != {a, b}
    page.select_option("[name=kept]", "2")
    assert "The whole cluster gives" in said(page)
