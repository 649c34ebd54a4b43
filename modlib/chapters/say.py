"""What a chapter says: a template in the notebook, filled with what the run has measured.

A sentence stands where its author looks for it, in a cell tagged ``remove-input``::

    say(facts.columns(shares, clustering), \"\"\"
    *Seen here*: {{ columns | count("column") }} hold {{ held | percent }} of the power.
    \"\"\")

Templates are Jinja's and strict: a fact that is missing raises, and so does a number that goes
through no filter of ``chapters.words`` (a bare float, a NaN, a None), so that none reads wrong.
What several chapters say stands in ``templates/``: ``{% include "run.md" %}``.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import isnan
from pathlib import Path
from typing import Any

from IPython.display import Markdown, display
from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateSyntaxError, UndefinedError

from modlib.chapters.captions import show_filled
from modlib.chapters.words import FILTERS
from modlib.claims.measure import measured_ledger
from modlib.claims.pages import as_folded
from modlib.edge import public
from modlib.errors import InputError

SAYING = ("say", "caption")
"""What is called with facts and a template in a chapter."""


def _shown(value: object) -> object:
    """What stands in a sentence as it is: words and whole numbers."""
    if value is None or isinstance(value, float) or type(value).__module__ == "numpy":
        if isinstance(value, int) or hasattr(value, "bit_count"):
            return value
        raise TypeError(f"a fact must go through a filter, got {value!r}")
    return value


def _finite(name: str, word: Any) -> Any:
    """A filter that refuses a value which is not a number, instead of writing ``nan``."""

    def checked(value: object, *args: object, **extra: object) -> object:
        parts = value if isinstance(value, tuple | list) else (value,)
        if value is None or any(isinstance(part, float) and isnan(part) for part in parts):
            raise TypeError(f"a fact that {name} writes must be a number, got {value!r}")
        return word(value, *args, **extra)

    return checked


ENVIRONMENT = Environment(
    loader=PackageLoader("modlib.chapters"),
    undefined=StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,
)
ENVIRONMENT.filters |= {
    name: word if name in ("table", "listed") else _finite(name, word)
    for name, word in FILTERS.items()
}


def as_mapping(facts: object) -> dict[str, Any]:
    """The facts by name: of a mapping, a dataclass or a named tuple."""
    if isinstance(facts, Mapping):
        return dict(facts)
    if is_dataclass(facts):
        return {field.name: getattr(facts, field.name) for field in fields(facts)}
    if hasattr(facts, "_asdict"):
        return dict(facts._asdict())
    raise InputError("facts", "be a mapping, a dataclass or a named tuple", facts)


def fill(facts: object, template: str) -> str:
    """The template's text with the facts in it; empty where nothing is left of it.

    Raises ``InputError`` for a template that cannot be read, for a missing fact, and for one that
    no filter has made readable.
    """
    told = as_mapping(facts)
    try:
        text = ENVIRONMENT.from_string(template).render(told)
    except TemplateSyntaxError as error:
        raise InputError("template", f"be a template ({error.message})", template) from None
    except (UndefinedError, TypeError) as error:
        raise InputError("facts", f"be what the template asks for ({error})", [*told]) from error
    lines = [re.sub(r"(?<=\S)[ \t]+", " ", line).rstrip() for line in text.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


@public
def say(facts: object, template: str) -> None:
    """Show a template filled with facts; an empty text shows nothing."""
    if text := fill(facts, template):
        display(Markdown(text))


def caption(facts: object, template: str, *, name: str) -> None:
    """Keep a filled template for a figure's caption, which quotes it.

    ``{glue:md}`name:myst``` quotes it with its formulas. The caption stands in the metadata of the
    cell that draws the figure. Where no site is built it is shown, below the figure.
    """
    text = " ".join(fill(facts, template).split())
    show_filled(name, text)
    keep(name, Markdown(text))


def keep(name: str, shown: object) -> None:
    """Keep what a page quotes elsewhere by its name: a caption, a live figure."""
    try:
        from myst_nb import glue  # not at the top: it brings all that builds the site
    except ModuleNotFoundError:  # nor is it needed where nothing can be built
        return
    glue(name, shown, display=False)


@public
def show_claims(chapter: str) -> None:
    """Show the ledger's rows of a chapter, the second edition's: the rest of each is folded."""
    display(Markdown(as_folded(measured_ledger(2, chapter))))


def templates(chapter: Path) -> Iterator[tuple[str, str]]:
    """The templates of a chapter's calls of ``say`` and ``caption``: their cell's id, the text."""
    for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SAYING:
                yield cell["id"], ast.literal_eval(node.args[1])
