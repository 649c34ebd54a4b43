"""Captions below figures in notebooks, and not twice on the site."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from modlib.chapters import captions, say


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
    return texts


def with_caption(text: str) -> dict:
    return {"mystnb": {"figure": {"caption": text, "name": "fig-a1"}}, "cellId": "x"}


@pytest.mark.parametrize(
    ("metadata", "texts"),
    [
        (with_caption("A1. Three scales."), ["A1. Three scales."]),
        (with_caption("{glue:md}`a1`"), []),
        ({"cellId": "x"}, []),
        (None, []),
    ],
)
def test_a_caption_of_the_metadata_is_shown_once(monkeypatch, shown, metadata, texts):
    shell = Shell(metadata)
    monkeypatch.setattr(captions, "get_ipython", lambda: shell)
    for _ in range(2):
        captions.show_captions_below_figures()
    shell.ran(success=False)
    assert shown == []
    shell.ran()
    assert shown == texts


def test_without_a_notebook_nothing_happens(monkeypatch):
    monkeypatch.setattr(captions, "get_ipython", lambda: None)
    captions.show_captions_below_figures()


def test_a_filled_caption_is_shown_in_a_notebook_and_not_on_the_site(monkeypatch, shown):
    say.caption({"num": 3}, "A2.  {{ num }} waves.", name="a2")
    assert shown == ["A2. 3 waves."]
    monkeypatch.setenv(captions.SITE, "1")
    say.caption({"num": 4}, "A2. {{ num }} waves.", name="a2")
    captions.show_captions_below_figures()
    assert len(shown) == 1
