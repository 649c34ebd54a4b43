"""Captions below figures in notebooks, and not twice on the site."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import IPython
import pytest

from modlib.chapters import captions, say
from modlib.machine import NOTEBOOKS


class Shell:
    """A shell that a front end sends a cell's metadata."""

    def __init__(self, metadata: dict | None) -> None:
        self.events = SimpleNamespace(
            callbacks={"post_run_cell": []},
            register=lambda name, hook: self.events.callbacks[name].append(hook),
        )
        self.metadata = metadata

    def get_parent(self) -> dict:
        return {} if self.metadata is None else {"metadata": self.metadata}

    def ran(self, success: bool = True) -> None:
        for hook in self.events.callbacks["post_run_cell"]:
            hook(SimpleNamespace(success=success))


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """What is displayed."""
    texts: list[str] = []
    monkeypatch.delenv(captions.SITE, raising=False)
    monkeypatch.setattr(captions, "display", lambda made: texts.append(made.data))
    monkeypatch.setattr(captions, "_filled", {})
    monkeypatch.setattr(captions, "_drawn", {})
    return texts


def with_caption(text: str) -> dict:
    return {"mystnb": {"figure": {"caption": text, "name": "fig-a1"}}, "cellId": "x"}


@pytest.fixture
def shell(monkeypatch) -> Shell:
    """The shell of a Lab whose cell has no caption yet."""
    made = Shell({"cellId": "x"})
    monkeypatch.setattr(IPython, "get_ipython", lambda: made)
    for _ in range(2):
        captions.show_captions_below_figures()
    return made


@pytest.mark.parametrize(
    ("metadata", "texts"),
    [
        (with_caption("A1. Three scales."), ["A1. Three scales."]),
        ({"cellId": "x"}, []),
        (None, []),
    ],
)
def test_a_caption_of_the_metadata_is_shown_once(shell, shown, metadata, texts):
    shell.metadata = metadata
    shell.ran(success=False)
    assert shown == []
    shell.ran()
    assert shown == texts


def test_a_caption_stands_below_its_figure_whichever_comes_first(shell, shown):
    figure, words = with_caption("A2. {glue:md}`a2:myst` And more."), {"cellId": "y"}
    for before, after in ((1, 2), (3, 4)):  # run again, nothing old is shown
        shell.metadata = figure
        shell.ran()
        shell.metadata = words
        say.caption({"num": before}, "{{ num }} waves.", name="a2")
        assert shown.pop() == f"A2. {before} waves. And more."
        say.caption({"num": after}, "{{ num }} waves.", name="a2")
        assert shown == []
        shell.metadata = figure
        shell.ran()
        assert shown.pop() == f"A2. {after} waves. And more."


def test_without_a_notebook_nothing_happens(monkeypatch):
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    captions.show_captions_below_figures()


def test_a_filled_caption_is_shown_where_no_front_end_tells_of_figures(monkeypatch, shown):
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    say.caption({"num": 3}, "A2.  {{ num }} waves.", name="a2")
    assert shown == ["A2. 3 waves."]


def test_the_site_shows_it_with_the_figure_alone(monkeypatch, shell, shown):
    monkeypatch.setenv(captions.SITE, "1")
    shell.metadata = with_caption("A1. Three scales.")
    shell.ran()
    say.caption({"num": 4}, "A2. {{ num }} waves.", name="a2")
    assert shown == []


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_every_caption_that_is_filled_stands_below_a_figure(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    source = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    calls = source.split("caption(")[1:]
    named = (re.search(r'\bname="([\w-]+)",?\s*\)', call) for call in calls)
    filled = {name[1] for name in named if name}
    figures = (c["metadata"].get("mystnb", {}).get("figure", {}) for c in cells)
    texts = "\n".join(figure.get("caption", "") for figure in figures)
    quoted = set(re.findall(r"\{glue:md\}`([\w-]+):myst`", texts))
    assert filled == quoted
