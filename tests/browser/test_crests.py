"""Where all crests meet, in a browser: its numbers are PyTorch's, whatever it is operated with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from made_up.addition import history_of, run_of
from made_up.crooked import CLUSTERS, CROOKED, crooked_run
from made_up.views import ideal_view
from modlib.config.addition import AdditionConfig
from modlib.maths import rng
from modlib.models.mlp import build
from modlib.widgets import approximate_crt
from modlib.widgets.live import read
from modlib.widgets.network import BY_NEURON, heard

CONFIG = CROOKED
FIGURE = ".modlib-live > div"
SHOWN = {5: 16, 7: 15, 11: 14, 40: 14, 25: 12}
"""Clusters of the book's network, and their sizes."""
SHOWN_WEIGHTS = 84_812
"""Bytes of what its logits depend on: 98 neurons."""


@pytest.fixture(scope="module")
def run():
    return crooked_run()


@pytest.fixture(scope="module")
def page_of(run, written):
    return written("crests", approximate_crt(run, a=3, b=4).html())


@pytest.fixture(scope="module")
def light_page(run, written):
    return written("light", approximate_crt(run, a=3, b=4, light=True).html())


def live(page, what):
    return page.evaluate(f"document.querySelector('{FIGURE}').live.{what}")


def without(run, off, weights=None):
    """The network in PyTorch with these clusters switched off; -1: the neurons of none."""
    weights = {name: array.copy() for name, array in (weights or run.weights).items()}
    clusters = run.clustering.clusters
    loose = np.setdiff1d(np.arange(CONFIG.num_neurons), [n for c in clusters for n in c.neurons])
    for index in off:
        weights["unembed.weight"][:, loose if index < 0 else clusters[index].neurons] = 0.0
    return build(run.config, weights)


@torch.no_grad()
def all_logits(model, n):
    a, b = (torch.arange(n * n) // n, torch.arange(n * n) % n)
    return model(a, b).double().numpy().reshape(n, n, n)


def accuracy(logits):
    """Pairs whose right answer is alone the highest."""
    n = len(logits)
    answer = (np.arange(n)[:, None] + np.arange(n)) % n
    right = np.take_along_axis(logits, answer[..., None], -1)
    return int(((logits >= right).sum(-1) == 1).sum())


def counted(page):
    page.wait_for_selector(f"{FIGURE}[data-right]")
    return int(page.get_attribute(FIGURE, "data-right"))


def set_state(page, **values):
    page.evaluate(
        f"values => {{ const m = document.querySelector('{FIGURE}').live.model;"
        "for (const [name, value] of Object.entries(values)) m.set(name, value);"
        "m.save_changes(); }",
        values,
    )


def settled(page):
    """Two frames later what was asked for is drawn, and counting has begun."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_logits_and_votes_are_pytorchs_at_random_pairs_and_switches(opened, page_of, run):
    page = opened(page_of)
    generator = np.random.default_rng(0)
    num_clusters = len(CLUSTERS)
    for _ in range(20):
        a, b = (int(value) for value in generator.integers(CONFIG.n, size=2))
        chosen = generator.random(num_clusters + 1) < 0.4
        off = [int(i) for i in np.flatnonzero(chosen) - 1]
        set_state(page, a=a, b=b, off=off)
        logits = all_logits(without(run, off), CONFIG.n)[a, b]
        np.testing.assert_allclose(live(page, "logits()"), logits, atol=1e-4)
    votes = live(page, "votes()")
    for vote, cluster in zip(votes, run.clustering.clusters, strict=True):
        fires = run.view.fires(np.array([[a, b]]), cluster.neurons)[0]
        expected = fires @ run.view.w_out[cluster.neurons]
        np.testing.assert_allclose(vote, expected - expected.mean(), atol=1e-4)


@pytest.mark.parametrize("off", [[], [0], [-1, 1], [0, 1]])
def test_the_accuracy_on_all_pairs_is_pytorchs(opened, page_of, run, off):
    page = opened(page_of, address=f"#crests:off={'.'.join(map(str, off))}")
    assert counted(page) == accuracy(all_logits(without(run, off), CONFIG.n))


def test_noise_multiplies_weights_by_the_seeds_own_normals(opened, page_of, run):
    sigma, weights = 0.25, {name: array.copy() for name, array in run.weights.items()}
    for index, (name, axis) in enumerate(BY_NEURON.items()):
        part = np.take(weights[name], heard(run.view), axis)
        drawn = rng.normals(run.seed, rng.INTERVENTION, index, part.size).reshape(part.shape)
        place = (slice(None),) * axis + (heard(run.view),)
        weights[name][place] = part * np.exp(sigma * drawn)
    page = opened(page_of, address=f"#crests:a=5,b=6,sigma={sigma}")
    logits = all_logits(without(run, [], weights), CONFIG.n)
    np.testing.assert_allclose(live(page, "logits()"), logits[5, 6], atol=1e-4)
    assert counted(page) == accuracy(logits)


def test_keys_alone_operate_every_control(opened, page_of):
    page = opened(page_of)
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "[document.activeElement.name, getComputedStyle(document.activeElement).outlineStyle]"
        )
        if not name or name in reached:
            break
        assert outline != "none", name
        reached.append(name)
        if name in ("a", "b", "sigma"):
            before = live(page, f"model.get('{name}')")
            page.keyboard.press("ArrowRight")
            assert live(page, f"model.get('{name}')") > before
        elif name == "order":
            page.keyboard.press("ArrowDown")
        elif name == "cluster0":
            page.keyboard.press("Space")
    assert {"a", "b", "sigma", "order", "cluster0", "cluster1"} <= set(reached)
    assert live(page, "model.get('off')") == [0]
    assert live(page, "model.get('order')") > 0
    page.focus("[name=cluster0]")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.name") == "cluster1"
    page.wait_for_function("location.hash.includes('a=4,b=5,off=0,')")
    said = "document.querySelector('[aria-live=polite]').textContent"
    page.wait_for_function(f"{said}.startsWith('4 + 5 = 9 (mod 23)')")


def test_a_mouse_drags_the_pair_and_the_answer(opened, page_of, record_property):
    page = opened(page_of)
    counted(page)
    square = page.locator("canvas.live-both").bounding_box()
    cell = square["width"] / CONFIG.n
    page.mouse.move(square["x"] + 2.5 * cell, square["y"] + 9.5 * cell)
    page.mouse.down()
    page.mouse.move(square["x"] + 20.5 * cell, square["y"] + 11.5 * cell, steps=4)
    page.mouse.up()
    assert (live(page, "model.get('a')"), live(page, "model.get('b')")) == (11, 20)
    waves = page.locator("canvas:not(.live-both)").bounding_box()
    page.evaluate(
        "window.frames_seen = 0;"
        "(function next() { frames_seen += 1; requestAnimationFrame(next) })()"
    )
    start = page.evaluate("[performance.now(), frames_seen]")
    y = waves["y"] + waves["height"] / 2
    page.mouse.move(waves["x"] + 10, y)
    page.mouse.down()
    for place in np.linspace(10, waves["width"] - 10, 60):
        page.mouse.move(waves["x"] + place, y)
    page.mouse.up()
    stop = page.evaluate("[performance.now(), frames_seen]")
    assert (live(page, "model.get('a')") + live(page, "model.get('b')")) % CONFIG.n == 22
    rate = 1000 * (stop[1] - start[1]) / (stop[0] - start[0])
    record_property("frames_per_second", rate)
    print(f"\nwhile dragging: {rate:.0f} frames a second")


def test_a_finger_alone_operates_it_on_a_phone(opened, page_of):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True, reduced_motion="reduce")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("canvas.live-both").scroll_into_view_if_needed()
    square = page.locator("canvas.live-both").bounding_box()
    cell = square["width"] / CONFIG.n
    page.touchscreen.tap(square["x"] + 7.5 * cell, square["y"] + 2.5 * cell)
    assert (live(page, "model.get('a')"), live(page, "model.get('b')")) == (2, 7)
    box = page.locator("[name=cluster1]")
    box.tap()
    assert live(page, "model.get('off')") == [1]
    for control in page.locator(".modlib-live :is(input, select)").all():
        assert control.bounding_box()["height"] >= 18
    slider = page.locator("[name=a]").bounding_box()
    page.touchscreen.tap(slider["x"] + slider["width"] - 9, slider["y"] + slider["height"] / 2)
    assert live(page, "model.get('a')") >= 21


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_both_widths_and_both_themes_draw_in_their_colours(opened, page_of, width, theme):
    page = opened(page_of, width=width)
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink = page.evaluate(f"getComputedStyle(document.querySelector('{FIGURE}')).color")
    assert ink == {"light": "rgb(31, 31, 31)", "dark": "rgb(238, 238, 238)"}[theme]
    drawn = page.evaluate(
        "(() => { const c = document.querySelector('canvas'); const p = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let s = 0; for (const v of p) s += v > 0;"
        "return s / p.length })()"
    )
    assert 0.005 < drawn < 0.5


def test_a_link_to_a_view_opens_it_and_a_wrong_one_does_no_harm(opened, page_of):
    page = opened(page_of, address="#crests:a=9,b=21,off=0.1,order=3,sigma=x")
    state = {name: live(page, f"model.get('{name}')") for name in ("a", "b", "off", "sigma")}
    assert state == {"a": 9, "b": 21, "off": [0, 1], "sigma": 0}


def test_in_print_the_picture_stands_and_without_scripts_too(opened, page_of):
    page = opened(page_of)
    assert not page.locator(".live-picture").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".live-picture").is_visible()
    assert not page.locator("canvas").first.is_visible()
    plain = opened(page_of, java_script_enabled=False)
    assert plain.locator(".live-picture svg").is_visible()


def test_the_light_one_has_its_waves_and_needs_no_weights(opened, light_page, run):
    page = opened(light_page)
    set_state(page, a=20, b=6)
    sums = np.sum(live(page, "votes()"), axis=0)
    assert int(sums.argmax()) == 3
    assert page.locator("canvas").count() == 1


def test_a_page_carries_at_most_160_kilobytes_a_figure():
    """Beyond the host, with a network of the size of the book's."""
    view = ideal_view(91, SHOWN)
    figure = approximate_crt(run_of(AdditionConfig(), history_of([1.0], [1.0]), view=view))
    own = len(figure.html().encode()) - len(read("shared/host.js").encode())
    assert own + 4 / 3 * (SHOWN_WEIGHTS - len(figure.weights)) <= 160_000
