"""A chapter to begin with: its notebook, its facts, their test, its places in the book."""

from __future__ import annotations

import json
import keyword
import re
import runpy
from pathlib import Path
from typing import Any

from modlib.chapters import contents
from modlib.errors import InputError
from modlib.machine import ROOT

NAME = re.compile(r"(\d\d)_([a-z][a-z0-9_]*)")

FACTS = '''"""What chapter {number} tells of a network, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Sizes(NamedTuple):
    """``num`` clusters; ``share`` of their neurons is in the ``largest``."""

    num: int
    largest: int
    share: float


def sizes(found: Sequence[int]) -> Sizes:
    """What the sizes of a network's clusters come to, in neurons."""
    largest = max(found, default=0)
    return Sizes(len(found), largest, largest / max(sum(found), 1))
'''

TEST = '''"""Chapter {number} tells planted clusters truly, and that there are none."""

from __future__ import annotations

import pytest

from modlib.chapters import {word} as facts
from told import cells, told

CHAPTER = "{name}"


def test_every_cell_that_says_something_is_tested():
    assert cells(CHAPTER) == {{"{word}-caption", "{word}-answer"}}


@pytest.mark.parametrize(
    ("found", "caption", "answer"),
    [
        ([12, 4], "two clusters", "75.0 % of their neurons"),
        ([12], "one cluster", "100 % of their neurons"),
        ([], "no clusters", "There is none"),
    ],
)
def test_sizes_are_told(found, caption, answer):
    numbers = facts.sizes(found)
    assert caption in told(CHAPTER, "{word}-caption", numbers)
    assert answer in told(CHAPTER, "{word}-answer", numbers)
'''

QUESTION = "How much of the network is in its largest cluster?"
ANSWER = "What the run finds, in a sentence."

WORDS: dict[str, Any] = {"jupyter": {"source_hidden": True}, "tags": ["remove-input"]}
"""Metadata of a cell whose output is text: the site and JupyterLab leave its source out."""

CELLS: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "markdown",
        "{word}-title",
        {},
        "# {number} · {title}\n\n*{question}*\n\nNobody's paper yet. Turn: `seed`, `n`.",
    ),
    (
        "code",
        "{word}-parameters",
        {"tags": ["parameters"]},
        "seed: int = 133  # which network: the same seed gives the same bits\n"
        "n: int = 91  # modulus\n"
        'device: str = "auto"  # auto, cpu or cuda',
    ),
    (
        "code",
        "{word}-imports",
        {"tags": ["hide-input"]},
        "from modlib import (\n    AdditionConfig,\n    check_parameters,\n    get_or_train,\n"
        "    plots,\n    say,\n    show_claims,\n)\n"
        "from modlib.analysis.micro.neurons import power_shares\n"
        "from modlib.chapters import {word} as facts\n"
        "from modlib.chapters.say import caption\n\n"
        "check_parameters(globals())",
    ),
    (
        "code",
        "{word}-network",
        {"tags": ["hide-input"]},
        "run = get_or_train(AdditionConfig(n=n), seed=seed, device=device)\n"
        "clusters = run.clustering.clusters\n"
        "found = facts.sizes([len(one.neurons) for one in clusters])",
    ),
    (
        "code",
        "{word}-figure",
        {
            "mystnb": {
                "figure": {
                    "caption": "{{glue:md}}`{word}:myst`",
                    "name": "fig-{label}",
                },
                "image": {
                    "alt": "Heat map: one row a live neuron, one column a frequency.",
                },
            }
        },
        "plots.spectra_heatmap(power_shares(run.view), run.clustering)",
    ),
    (
        "code",
        "{word}-caption",
        WORDS,
        "caption(\n    found,\n    '{{{{ num | count(\"cluster\") }}}}, each a bright column.',\n"
        '    name="{word}",\n)',
    ),
    (
        "code",
        "{word}-answer",
        WORDS,
        'say(\n    found,\n    """\n:::{{admonition}} The answer\n:class: tip\n'
        '{{% if num %}}\nThe largest cluster has {{{{ largest | count("neuron") }}}}: '
        "{{{{ share | percent }}}} of their neurons\nare in it.\n"
        '{{% else %}}\nThere is none.\n{{% endif %}}\n:::\n""",\n)',
    ),
    ("code", "{word}-claims", WORDS, 'show_claims("{name}")'),
]


def _filled(part: Any, words: dict[str, str]) -> Any:
    """A part of a cell with the chapter's name in its texts."""
    if isinstance(part, dict):
        return {name: _filled(value, words) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, words) for value in part]
    return part.format(**words) if isinstance(part, str) else part


def notebook(words: dict[str, str]) -> str:
    """The chapter's notebook as it is committed."""
    cells = []
    for kind, name, metadata, source in CELLS:
        own: dict[str, Any] = {"cell_type": kind}
        if kind == "code":
            own["execution_count"] = None
        own |= {"id": _filled(name, words), "metadata": _filled(metadata, words)}
        if kind == "code":
            own["outputs"] = []
        cells.append(own | {"source": _filled(source, words).splitlines(keepends=True)})
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def new_chapter(name: str, root: Path = ROOT) -> list[Path]:
    """Write a chapter of this name (``17_name``) that builds and is tested; the files written.

    It is listed in ``chapters.toml`` behind the last chapter, and so in the table of contents, in
    ``book/index.md`` and in README. Raises ``InputError`` for a name of another form, and where the
    number, the notebook, the facts or the test are there already.
    """
    matched = NAME.fullmatch(name)
    if matched is None or keyword.iskeyword(matched[2]):
        raise InputError("name", "be two digits, _ and a word, such as 17_circles", name)
    number, word = matched.groups()
    taken = sorted(path.stem for path in (root / "notebooks").glob(f"{number}_*.ipynb"))
    if taken:
        raise InputError("name", f"have a number of its own ({taken[0]} is there)", name)
    title = word.replace("_", " ").capitalize()
    words = {
        **{"name": name, "number": str(int(number)), "word": word, "title": title},
        **{"label": word.replace("_", "-"), "question": QUESTION},
    }
    texts = {
        root / "notebooks" / f"{name}.ipynb": notebook(words),
        root / "modlib" / "chapters" / f"{word}.py": FACTS.format(**words),
        root / "tests" / "chapters" / f"test_{word}.py": TEST.format(**words),
    }
    for path in texts:
        if path.exists():
            raise InputError("name", f"be of no file that is there ({path.name})", name)
    texts[root / contents.FILE] = contents.added(name, title, QUESTION, ANSWER, root)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    runpy.run_path(str(root / "scripts" / "rooms.py"), run_name="__main__")
    return [*texts, root / "book" / "api" / "chapters.md", *contents.pages(root)]
