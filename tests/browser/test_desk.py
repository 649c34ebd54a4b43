"""The training desk, in a browser: each kind's networks are those of its tables."""

from __future__ import annotations

import numpy as np
import pytest
from operated import drawn, fits, live, said, set_state, state, told

from modlib.analysis.remainders.ablations import over_tasks
from modlib.chapters.ablations import KINDS, ends
from modlib.config.thresholds import DEFAULT
from modlib.results.shown import ablated_networks
from modlib.widgets import training_desk
from modlib.widgets.desk import by_task


@pytest.fixture(scope="module")
def found():
    return ablated_networks(KINDS, p=37)


@pytest.fixture(scope="module")
def page_of(found, written):
    return written("desk", training_desk(found).html())


def test_every_kind_is_that_of_its_tables(opened, page_of, found):
    page = opened(page_of)
    for kind, ((name, one), end) in enumerate(
        zip(found.items(), ends(found).values(), strict=True)
    ):
        set_state(page, kind=kind)
        seen = live(page, "seen()")
        np.testing.assert_allclose(seen["ends"], end, atol=1e-4)
        assert seen["learned"] == (end >= DEFAULT.tasks_learned).sum()
        np.testing.assert_allclose(seen["tasks"], by_task(one.history), atol=1e-4)
        counted = one.history[one.history.q > 7] if name == "B37-masked" else one.history
        table = over_tasks(counted).pivot(index="seed", columns="step", values="mean")
        np.testing.assert_allclose(seen["curves"], table[seen["steps"]], atol=1e-4)


def test_keys_alone_turn_the_switches(opened, page_of):
    page = opened(page_of)
    page.focus("[name=dropout]:checked")
    page.keyboard.press("ArrowLeft")
    assert said(page).startswith("No dropout: 0 of 5 networks learn, 26.")
    assert (state(page, "before"), state(page, "kind")) == (0, 1)
    assert page.inner_text(".live-score").startswith("Before, as it is: 5 of 5 networks learn")
    page.focus("[name=plain]")
    page.keyboard.press("Enter")
    assert (state(page, "before"), state(page, "kind")) == (1, 0)
    page.focus("[name=lam]:checked")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    told(page, "λ = 2: 0 of 5 networks learn")
    page.wait_for_function("location.hash === '#desk:before=4,kind=5'")


def test_what_was_not_trained_brings_the_nearest_that_was(opened, page_of):
    page = opened(page_of, width=390, has_touch=True, is_mobile=True)
    assert fits(page)
    page.locator("[name=dropout][value='0']").tap()
    page.locator("[name=rate][value='3']").tap()
    said(page)
    checked = {
        name: page.get_attribute(f"[name={name}]:checked", "value")
        for name in ("dropout", "lam", "rate", "masked")
    }
    assert checked == {"dropout": "0.1", "lam": "0", "rate": "3", "masked": "0"}
    page.get_by_label("all but 2, 3, 5, 7").tap()
    assert said(page).startswith("2, 3, 5, 7 masked: 5 of 5")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_draw(opened, page_of, theme):
    page = opened(page_of, width=390, address="#desk:before=99,kind=1")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    assert drawn(page) > 0.005
    assert drawn(page, 1) > 0.05
