"""What a chapter's cells say of planted facts."""

from __future__ import annotations

import re

from modlib.chapters.say import fill, templates
from modlib.machine import NOTEBOOKS


def told(chapter: str, cell: str, facts: object, which: int = 0) -> str:
    """The text of a cell's template in one line, the ``which``-th where it has several."""
    found = [text for place, text in templates(NOTEBOOKS / f"{chapter}.ipynb") if place == cell]
    return " ".join(fill(facts, found[which]).split())


def told_flat(chapter: str, cell: str, facts: object, which: int = 0) -> str:
    """The same without the marks of what is folded."""
    text = told(chapter, cell, facts, which)
    return " ".join(re.sub(r"</?details>|<summary>.*?</summary>", "", text).split())


def cells(chapter: str) -> set[str]:
    """The ids of the cells that say something: each has to be tested with planted facts."""
    return {place for place, _ in templates(NOTEBOOKS / f"{chapter}.ipynb")}
