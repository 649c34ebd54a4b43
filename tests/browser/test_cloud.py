"""Turn the cloud, in a browser: what is seen of it is Python's projection of the embedding."""

from __future__ import annotations

import numpy as np
import pytest
from operated import fits, live, said, state, told

from made_up.crooked import CROOKED, crooked_run
from modlib.analysis.micro import embeddings as em
from modlib.widgets import turn_the_cloud

N = CROOKED.n


@pytest.fixture(scope="module")
def run():
    return crooked_run()


@pytest.fixture(scope="module")
def page_of(run, written):
    return written("cloud", turn_the_cloud(run).html())


@pytest.mark.parametrize(
    ("first", "second", "turn", "spin"),
    [(0, 1, 0, 0), (0, 1, 90, 0), (1, 2, 90, 40), (0, 2, 30, 200), (2, 0, 140, 75), (0, 1, 180, 0)],
)
def test_the_cloud_is_turned_and_projected_as_python_would(
    opened, page_of, run, first, second, turn, spin
):
    page = opened(page_of, address=f"#cloud:first={first},second={second},turn={turn},spin={spin}")
    freqs = [cluster.freq for cluster in run.clustering.clusters]
    planes = em.planes(em.diagonal_embedding(run.view.factors), freqs)
    (x, y), angle = planes[:, first].T, np.radians(spin)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    across, along = (planes[:, second] @ rotation).T
    up, over = np.radians(min(90, turn)), np.radians(max(0, turn - 90))
    x, y = np.cos(over) * x - np.sin(over) * along, np.cos(up) * y + np.sin(up) * across
    seen = live(page, "look()")
    np.testing.assert_allclose(seen["x"], x, atol=1e-4)
    np.testing.assert_allclose(seen["y"], y, atol=1e-4)
    assert seen["spread"] == pytest.approx(em.radius_spread(x, y), abs=1e-4)


def test_the_step_of_a_circle_unrolls_it_and_a_knot_is_no_circle(opened, page_of, run):
    page = opened(page_of)
    cluster = run.clustering.clusters[0]
    page.focus("[name=d]")
    for _ in range(cluster.step - 1):
        page.keyboard.press("ArrowRight")
    assert state(page, "d") == cluster.step
    assert f"{N} steps of {cluster.step} go round once" in said(page)
    assert "a circle" in said(page)
    page.focus("[name=turn]")
    for _ in range(9):
        page.keyboard.press("PageUp")
    assert "a knot" in said(page)
    page.keyboard.press("End")
    told(page, f"The plane of f = {run.clustering.clusters[1].freq}: a circle")
    page.wait_for_function("location.hash.includes('turn=180,')")


def test_a_mouse_turns_it_sideways_and_spins_it_up_and_down(opened, page_of):
    page = opened(page_of)
    box = page.locator("canvas.live-cloud").bounding_box()
    x, y = box["x"] + 100, box["y"] + 100
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=3)
    page.mouse.up()
    assert (state(page, "turn"), state(page, "spin")) == (30, 40)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 200, y, steps=4)
    page.mouse.up()
    assert (state(page, "turn"), state(page, "spin")) == (0, 40)


def test_a_finger_chooses_planes_on_a_phone(opened, page_of):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True)
    assert fits(page)
    slider = page.locator("[name=turn]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 9, box["y"] + box["height"] / 2)
    assert state(page, "turn") >= 175
    page.select_option("[name=second]", "2")
    assert (state(page, "second"), state(page, "first")) == (2, 0)


def test_one_plane_twice_stays_a_circle_and_a_wrong_link_does_no_harm(opened, page_of):
    page = opened(page_of, address="#cloud:first=0,second=0,turn=90,k=999,d=-4")
    assert "a circle" in said(page)
