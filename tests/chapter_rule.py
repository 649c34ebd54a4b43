"""What a reader of a chapter meets while every fold is closed, measured on the notebook.

On an executed notebook the page's own words are counted, on any other those of its templates:
every branch, but no table and no list that a run makes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import nbformat
from jupyter_cache import get_cache

from modlib.machine import NOTEBOOKS, ROOT

MOST_WORDS = 2300
"""Words of a chapter, tables and captions among them: ten minutes."""
MOST_BEFORE = 250
"""Words before the first figure: with title and parameters some 900 px."""
MOST_SENTENCE = 60
"""Words of a sentence; what is longer is a table or goes under a fold."""
FOLD = re.compile(r"^(:{3,})\{dropdown\}.*?^\1\s*$|<details.*?</details>", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r"^(`{3,}|:{3,})\{math\}.*?^\1\s*$", re.DOTALL | re.MULTILINE)
ENDS = re.compile(r"[.!?:;](?=[\s*)]|$)|\n\s*\n|\n(?=[-|#>:])")
ANSWER = re.compile(r"^:::\{admonition\} The answer\n(.*?)^:::", re.DOTALL | re.MULTILINE)
FILLED = ("say", "caption")


class Figure(NamedTuple):
    """``filled``: the run fills its caption or its title."""

    name: str
    before: int
    filled: bool


class Measured(NamedTuple):
    """``words`` outside closed folds; figures outside them with the words ``before``; the longest
    ``sentence`` anywhere; the ``answer`` box at the end, empty where there is none."""

    words: int
    figures: list[Figure]
    sentence: str
    answer: str


def count(text: str) -> int:
    """Words of a text: what has a letter or a digit in it."""
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _opened(text: str) -> str:
    """A page's text without closed folds, formulas on their own lines, and HTML."""
    return re.sub(r"<[^<>]+>", " ", FORMULA.sub(" ", FOLD.sub(" ", text)))


def _plain(template: str) -> str:
    """A template as text: each branch a sentence of its own, a filled place one word."""
    text = re.sub(r"\{% *(?:else|elif|for|endfor|set|endset)\b.*?%\}", "\n\n", template, flags=re.S)
    return re.sub(r"\{\{.*?\}\}", "0", re.sub(r"\{%.*?%\}", " ", text, flags=re.S), flags=re.S)


def _templates(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in FILLED:
            yield str(ast.literal_eval(node.args[-1]))


def _outputs(cell: Mapping[str, Any]) -> Iterator[str]:
    """What an executed cell says, captions among it."""
    for output in cell.get("outputs", []):
        found = output.get("data", {})
        for kind in ("text/markdown", "application/papermill.record/text/markdown"):
            yield "".join(found.get(kind, ""))


def _said(cell: Mapping[str, Any]) -> list[str]:
    """The texts of a cell: of Markdown itself, of code what it says or would say."""
    source = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return [source]
    if cell.get("outputs"):
        return [text for text in _outputs(cell) if text]
    return [_plain(template) for template in _templates(source)]


def longest_sentence(text: str) -> str:
    """The sentence with the most words; a row of a table, an entry of a list count as one each."""
    return max((" ".join(part.split()) for part in ENDS.split(text)), key=count)


def _caption(cell: Mapping[str, Any]) -> str:
    return str(cell["metadata"].get("mystnb", {}).get("figure", {}).get("caption", ""))


def _is_caption(cell: Mapping[str, Any]) -> bool:
    """Whether what a cell says stands below the next figure."""
    return cell["cell_type"] == "code" and "caption(" in "".join(cell["source"])


def _is_filled(cell: Mapping[str, Any]) -> bool:
    return "{glue:" in _caption(cell) or "fill(" in "".join(cell["source"])


def measure(notebook: Mapping[str, Any]) -> Measured:
    """The chapter as a reader meets it."""
    words, below, figures, sentence, answer = 0, 0, [], "", ""
    cells = [c for c in notebook["cells"] if c["cell_type"] in ("code", "markdown")]
    for place, cell in enumerate(cells):
        texts = _said(cell)
        sentence = max([sentence, *map(longest_sentence, map(_opened, texts))], key=count)
        if place >= 0.7 * len(cells):
            answer = next((m[1] for m in map(ANSWER.search, texts) if m), answer)
        if "hide-output" in cell["metadata"].get("tags", []):
            continue
        if caption := _caption(cell):
            name = cell["metadata"]["mystnb"]["figure"].get("name", cell["id"])
            figures.append(Figure(name, words, _is_filled(cell)))
            words, below = words + count(caption) + below, 0
        own = sum(count(_opened(text)) for text in texts)
        if _is_caption(cell):
            below += own
        else:
            words += own
    return Measured(words + below, figures, sentence, answer)


def broken(found: Measured) -> dict[str, str]:
    """The rules that a chapter breaks, with what was found."""
    first = min((figure.before for figure in found.figures), default=None)
    bare = [figure.name for figure in found.figures if not figure.filled]
    hedged = re.search(r"\bif\b", found.answer, re.IGNORECASE)
    rules = {
        "words": (found.words > MOST_WORDS, f"{found.words} words"),
        "first figure": (first is None or first > MOST_BEFORE, f"after {first} words"),
        "sentence": (count(found.sentence) > MOST_SENTENCE, f"{count(found.sentence)} words"),
        "captions": (bool(bare), ", ".join(bare)),
        "answer": (not found.answer.strip() or bool(hedged), "none" if not hedged else "an if"),
    }
    return {name: said for name, (fails, said) in rules.items() if fails}


def read(chapter: str) -> Mapping[str, Any]:
    """The chapter as the last build of the book executed it, else as it is committed."""
    path = NOTEBOOKS / f"{chapter}.ipynb"
    own = nbformat.read(path, as_version=4)
    folder = ROOT / "_build" / ".jupyter_cache"
    if folder.exists():
        try:
            return dict(get_cache(folder).merge_match_into_notebook(own)[1])
        except KeyError:
            pass
    return dict(own)
