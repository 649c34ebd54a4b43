"""What a digit's row sings, in a browser: powers and places are those of the embedding."""

from __future__ import annotations

import numpy as np
import pytest
from operated import drawn, fits, live, said, set_state, state, told

from modlib.analysis.remainders.token_embeddings import digit_tokens, periodogram, power_at
from modlib.models.transformer import initial_weights
from modlib.results.shown import remainders_network
from modlib.widgets import what_a_row_sings


@pytest.fixture(scope="module")
def runs():
    return {name: remainders_network(p=37, seed=1000, task=name) for name in ("miiii", "nanda")}


@pytest.fixture(scope="module")
def page_of(runs, written):
    return written("song", what_a_row_sings(runs).html())


def test_powers_and_places_are_those_of_the_rows(opened, page_of, runs):
    page = opened(page_of)
    generator = np.random.default_rng(0)
    for network, run in enumerate(runs.values()):
        set_state(page, network=network)
        start = initial_weights(run.config, run.seed)["tok"][:37].astype(float)
        for at, tokens in enumerate((start, digit_tokens(run.view))):
            centred = tokens - tokens.mean(0)
            gram = centred @ centred.T / (centred**2).sum()
            np.fill_diagonal(gram, 0.0)
            for freq in [1 / 3, 0.5, *generator.random(4) / 2]:
                set_state(page, at=at, freq=float(freq))
                power = power_at(tokens, np.array([freq]))[0]
                assert live(page, "power()") == pytest.approx(power, abs=1e-4)
                turn = 2 * np.pi * freq * np.arange(37)
                places = 37 * gram @ np.column_stack([np.cos(turn), np.sin(turn)])
                np.testing.assert_allclose(live(page, "places()"), places, atol=1e-4)


def test_keys_alone_find_the_peaks(opened, page_of, runs):
    page = opened(page_of)
    page.focus("[name=freq]")
    before = state(page, "freq")
    page.keyboard.press("ArrowRight")
    assert state(page, "freq") == pytest.approx(before + 0.0005)
    page.focus("[name=mark1-2]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert state(page, "freq") == 1 / 3
    assert "same remainder modulo 3 stand together" in said(page)
    page.focus("[name=at]")
    page.keyboard.press("Home")
    assert state(page, "at") == 0
    assert "stand together" not in said(page)
    page.focus("[name=network]")
    page.keyboard.press("ArrowDown")
    assert (state(page, "network"), state(page, "at")) == (1, 1)
    page.focus("[name=peak]")
    page.keyboard.press("Enter")
    freq, power = periodogram(digit_tokens(runs["nanda"].view))
    assert state(page, "freq") == pytest.approx(freq[power.argmax()], abs=1e-3)
    told(page, "nanda, step 16,384")
    page.wait_for_function("location.hash.startsWith('#song:network=1,at=1,freq=')")


def test_a_mouse_and_a_finger_drag_the_frequency(opened, page_of):
    for options in ({}, {"width": 390, "has_touch": True, "is_mobile": True}):
        page = opened(page_of, **options)
        assert fits(page)
        curve = page.locator("canvas").first.bounding_box()
        x, y = curve["x"] + curve["width"] * 0.6, curve["y"] + 100
        if options:
            page.touchscreen.tap(x, y)
        else:
            page.mouse.move(curve["x"] + 10, y)
            page.mouse.down()
            page.mouse.move(x, y, steps=5)
            page.mouse.up()
        assert state(page, "freq") == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_draw(opened, page_of, theme):
    page = opened(page_of, width=390, address="#song:network=9,at=9,freq=0.2")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    assert drawn(page) > 0.005
    assert drawn(page, 1) > 0.01
