"""``python -m modlib run``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from modlib.chapters.execute import execute
from modlib.cli.options import literal
from modlib.errors import InputError
from modlib.machine import NOTEBOOKS


def chapters() -> list[str]:
    """Names of the chapters' notebooks, in reading order."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))


def chapter_named(name: str) -> str:
    """The chapter of that name or number (``04_clusters``, ``04``, ``4``, ``clusters``).

    Raises ``InputError`` where there is none.
    """
    for chapter in chapters():
        number, _, word = chapter.partition("_")
        if name in (chapter, number, number.lstrip("0"), word):
            return chapter
    raise InputError("chapter", f"be one of {', '.join(chapters())}", name)


def parse_parameters(words: Sequence[str]) -> dict[str, Any]:
    """``--seed 133 --n=89`` as a dictionary; raises ``InputError`` for anything else."""
    parsed: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise InputError("parameter", "be given as --name value", word)
        name, given, text = word[2:].partition("=")
        if not given:
            if not rest:
                raise InputError("parameter", "be followed by a value", word)
            text = rest.pop(0)
        parsed[name.replace("-", "_")] = literal(text)
    return parsed


@click.command(
    context_settings={"ignore_unknown_options": True}, options_metavar="[--NAME VALUE]..."
)
@click.argument("chapter")
@click.argument("parameters", nargs=-1, type=click.UNPROCESSED)
@click.option("--output", type=click.Path(path_type=Path), help="Executed notebook to write.")
def run(chapter: str, parameters: tuple[str, ...], output: Path | None) -> None:
    """Execute CHAPTER with parameters of your own, such as --seed 7 --n 89.

    CHAPTER is a name or number (04_clusters, 4). The executed notebook is written to --output,
    by default CHAPTER.out.ipynb in the current folder. A chapter's parameters stand in its first
    code cell.
    """
    name = chapter_named(chapter)
    execute(name, parse_parameters(parameters), output or Path(f"{name}.out.ipynb"))
