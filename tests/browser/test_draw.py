"""Draw m frequencies, in a browser: hands, heights, chances and formulas are Python's."""

from __future__ import annotations

import numpy as np
import pytest
from operated import FIGURE, fits, live, said, state, told

from modlib.analysis.many_seeds import separation as sep
from modlib.maths import rng
from modlib.widgets import draw_frequencies

N, SEED = 23, 7
COUNTS = {23: np.array([3, 4, 4, 5]), 31: np.array([4])}


@pytest.fixture(scope="module")
def page_of(written):
    return written("draw", draw_frequencies(N, COUNTS, seed=SEED).html())


def hand_of(i, n, m):
    return np.sort(rng.permutation(SEED, rng.CONTROL, i, n // 2)[:m] + 1)


def counted(page):
    page.wait_for_selector(f"{FIGURE}[data-right]")
    return [int(page.get_attribute(FIGURE, f"data-{name}")) for name in ("right", "double")]


@pytest.mark.parametrize(
    ("n", "m", "delta", "drawn"), [(23, 3, sep.DELTA, 40), (31, 4, 0.3, 25), (23, 2, 0.05, 10)]
)
def test_hands_gaps_and_their_tally_are_pythons(opened, page_of, n, m, delta, drawn):
    page = opened(page_of, address=f"#draw:n={n},m={m},delta={delta},drawn={drawn}")
    hands = np.array([hand_of(i, n, m) for i in range(drawn)])
    seen = live(page, "look()")
    assert seen["hand"] == hands[-1].tolist()
    assert seen["gap"] == pytest.approx(sep.gaps(n, hands)[-1], abs=1e-9)
    separated = sep.is_separated(n, hands, delta)
    assert counted(page) == [separated.sum(), sep.has_double(n, hands).sum()]


@pytest.mark.parametrize(("n", "delta"), [(23, sep.DELTA), (31, 0.3)])
def test_the_share_of_all_hands_and_the_formulas_are_pythons(opened, page_of, n, delta):
    page = opened(page_of, address=f"#draw:n={n},m=3,delta={delta}")
    page.wait_for_selector(f"{FIGURE}[data-chances]")
    chances = live(page, "chances()")
    assert len(chances) == 10
    for m, chance in enumerate(chances, start=1):
        exact = sep.separation_probability(n, m, delta=delta)
        assert chance["exact"]
        assert chance["value"] == pytest.approx(exact.value, abs=1e-9 if exact.exact else 0.02)
    expected = [sep.gamma_formula(n, 3, delta), sep.stirling_formula(n, 3, delta)]
    assert live(page, "formulas()") == pytest.approx(expected, abs=1e-9)


def test_keys_alone_draw_hands_and_make_one(opened, page_of):
    page = opened(page_of)
    page.focus("[name=one]")
    page.keyboard.press("Enter")
    assert state(page, "drawn") == 2
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert state(page, "drawn") == 1002
    page.focus("[name=m]")
    page.keyboard.press("ArrowRight")
    assert len(live(page, "look().hand")) == 4
    page.focus("summary")
    page.keyboard.press("Enter")
    others = live(page, "look().hand")[1:]
    page.focus("[name=freq0]")
    page.keyboard.press("End")
    assert state(page, "freqs") == [N // 2, *others]
    told(page, "Your hand at n = 23")
    page.focus("[name=anew]")
    page.keyboard.press("Enter")
    assert (state(page, "drawn"), state(page, "freqs")) == (1, [])
    page.wait_for_function("location.hash.endsWith('drawn=1,freqs=')")


def test_a_mouse_drags_a_frequency_to_the_double_of_another(opened, page_of):
    page = opened(page_of, address="#draw:n=23,m=2,delta=0.156,drawn=1,freqs=3.11")
    strip = page.locator("canvas.live-strip").bounding_box()
    step = (strip["width"] - 24) / (N // 2)
    x = lambda f: strip["x"] + 12 + (f - 0.5) * step  # noqa: E731
    page.mouse.move(x(11), strip["y"] + 18)
    page.mouse.down()
    page.mouse.move(x(6), strip["y"] + 18, steps=4)
    page.mouse.up()
    assert state(page, "freqs") == [3, 6]
    assert "3, 6" in said(page)


def test_a_finger_draws_on_a_phone_and_chooses_m_in_the_chart(opened, page_of):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True)
    assert fits(page)
    page.locator("[name=many]").tap()
    assert state(page, "drawn") == 1001
    counted(page)
    chart = page.locator("canvas").last
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.touchscreen.tap(box["x"] + 44 + 4.5 * (box["width"] - 50) / 10, box["y"] + 90)
    assert state(page, "m") == 5


def test_a_wrong_link_does_no_harm(opened, page_of):
    page = opened(page_of, address="#draw:n=24,m=99,delta=7,drawn=-3,freqs=0.99")
    seen = live(page, "look()")
    assert (seen["n"], seen["m"], seen["drawn"], len(seen["hand"])) == (N, 10, 1, 10)
