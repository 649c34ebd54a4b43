"""Company, in a browser: rates, what no preference would give, and errors are Python's."""

from __future__ import annotations

import numpy as np
import pytest
from operated import fits, live, said, state, told

from made_up.sweeps import made_up
from modlib.analysis.many_seeds import company as co
from modlib.analysis.many_seeds.frequencies import presence
from modlib.maths.groups import signed_freq, units
from modlib.widgets import company_of

N = 35
HALF = N // 2


@pytest.fixture(scope="module")
def tables():
    """Networks of clusters of 4, 8 or 12 neurons."""
    made = made_up(n=N, num_seeds=80, avoid_doubles=True)
    sizes = 4 + 4 * (np.arange(len(made.clusters)) % 3)
    return made._replace(clusters=made.clusters.assign(num_neurons=sizes))


@pytest.fixture(scope="module")
def page_of(tables, written):
    return written("company", company_of(tables).html())


def found_of(tables, least):
    kept = tables.clusters[tables.clusters.num_neurons >= least]
    return presence(kept, tables.networks.seed.tolist(), N)


def pooled_error(found, freq, other):
    """Standard error over networks of a ratio of sums."""
    images = [(signed_freq(u * freq, N), signed_freq(u * other, N)) for u in units(N) if 2 * u < N]
    having = sum(found[:, f].astype(float) for f, _ in images)
    beside = sum((found[:, f] & found[:, g]).astype(float) for f, g in images)
    missed = beside - beside.sum() / having.sum() * having
    return np.sqrt((missed**2).sum()) / having.sum()


@pytest.mark.parametrize(("freq", "least"), [(7, 3), (3, 3), (5, 8), (11, 12)])
def test_rates_and_the_line_are_pythons(opened, page_of, tables, freq, least):
    found = found_of(tables, least)
    expected = co.companions(found, N, freq)
    for pooled, column in ((0, "rate"), (1, "pooled")):
        page = opened(page_of, address=f"#company:freq={freq},least={least},pooled={pooled}")
        rows = live(page, "look().rows")
        assert [row["freq"] for row in rows] == expected.freq.tolist()
        np.testing.assert_allclose([row["rate"] for row in rows], expected[column], atol=1e-9)
        relation = {"2f": "double", "f/2": "half", "": ""}
        assert [relation[row["relation"]] for row in rows] == expected.relation.tolist()
    np.testing.assert_allclose([row["expected"] for row in rows], expected.expected, atol=1e-9)
    errors = [pooled_error(found, freq, int(other)) for other in expected.freq]
    np.testing.assert_allclose([row["error"] for row in rows], errors, atol=1e-9)


def test_keys_alone_operate_every_control(opened, page_of, tables):
    page = opened(page_of)
    page.focus("[name=freq]")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert state(page, "freq") == 2
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert state(page, "least") == 20
    assert said(page) == "Fewer than two networks have f = 2."
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert state(page, "pooled") == 1
    told(page, "a frequency that a unit carries to 2: f/2 = 1 in")
    page.wait_for_function("location.hash === '#company:freq=2,least=3,pooled=1'")


def test_a_mouse_drags_the_frequency_on_the_ring_and_in_the_chart(opened, page_of):
    page = opened(page_of)
    ring = page.locator("canvas.live-both").bounding_box()
    middle = ring["width"] / 2

    def place(f):
        turn = 2 * np.pi * f / HALF
        return (
            ring["x"] + middle * (1 + 0.84 * np.sin(turn)),
            ring["y"] + middle * (1 - 0.84 * np.cos(turn)),
        )

    page.mouse.move(*place(7))
    page.mouse.down()
    page.mouse.move(*place(4), steps=4)
    assert state(page, "freq") == 4
    page.mouse.move(*place(HALF), steps=4)
    page.mouse.up()
    assert state(page, "freq") == HALF
    chart = page.locator("canvas:not(.live-both)").bounding_box()
    step = (chart["width"] - 46) / HALF
    page.mouse.click(chart["x"] + 40 + 2.5 * step, chart["y"] + 150)
    assert state(page, "freq") == 3


def test_a_finger_operates_it_on_a_phone(opened, page_of):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True)
    assert fits(page)
    page.locator("[name=pooled]").tap()
    assert state(page, "pooled") == 1
    ring = page.locator("canvas.live-both")
    ring.scroll_into_view_if_needed()
    box = ring.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 0.08 * box["height"])
    assert state(page, "freq") == HALF


@pytest.mark.parametrize("address", ["#%", "#company:freq=%zz"])
def test_a_malformed_link_does_no_harm(opened, page_of, address):
    page = opened(page_of, address=address)
    assert live(page, "look().freq") == 7


def test_a_wrong_link_does_no_harm(opened, page_of):
    page = opened(page_of, address="#company:freq=99,least=x,pooled=1")
    assert live(page, "look().freq") == HALF
