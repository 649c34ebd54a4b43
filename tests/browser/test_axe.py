"""Live figures have no A or AA violation of axe-core, in some states, themes and widths."""

from __future__ import annotations

import pytest
from every_figure import CASES

from modlib import widgets

FIGURE = ".modlib-live"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.mark.parametrize("name", CASES)
def test_no_state_has_a_violation(opened, written, name):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    figure = CASES[name].make()
    path = written(f"axe {name}", figure.html())
    for address in CASES[name].states:
        for width, theme in ((1280, "light"), (390, "dark")):
            page = opened(path, width=width, address=address)
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            page.wait_for_selector(f"{FIGURE} [role=group]")
            found = axe.run(page, FIGURE, options={"runOnly": RULES})
            assert found.violations_count == 0, found.generate_report()


def test_every_figure_is_looked_at():
    kinds = {kind.NAME for kind in _kinds(widgets.LiveFigure) if "NAME" in vars(kind)}
    assert kinds == {case.make().NAME for case in CASES.values()}


def _kinds(kind: type) -> list[type]:
    """Its subclasses and theirs, but those that anywidget makes of an instance."""
    return [kind, *(one for below in kind.__subclasses__() for one in _kinds(below))]
