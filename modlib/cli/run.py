"""``python -m modlib run``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from modlib.chapters.execute import check_chapter_parameters, execute
from modlib.chapters.parameters import declared_parameters, parameters_of
from modlib.cli.options import literal
from modlib.errors import InputError, require_choice
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


def help_of(chapter: str) -> str:
    """A chapter's parameters, one a line: name, kind, default, remark."""
    formatter = click.HelpFormatter(width=100)
    formatter.write_usage(f"python -m modlib run {chapter}", "[--NAME VALUE]... [--output FILE]")
    with formatter.section("Parameters"):
        formatter.write_dl(
            [
                (f"--{one.name} {one.kind}", f"{one.remark}  [default: {one.default}]")
                for one in parameters_of(NOTEBOOKS / f"{chapter}.ipynb")
            ],
            col_max=40,
        )
    return formatter.getvalue().rstrip()


def run_all(parameters: dict[str, Any], folder: Path) -> None:
    """Execute every chapter into a folder, each with those of the parameters that it declares.

    All are checked before the first starts; a name that no chapter declares is refused.
    """
    declared = {name: declared_parameters(NOTEBOOKS / f"{name}.ipynb")[0] for name in chapters()}
    for name in parameters:
        require_choice("parameter", name, {key for keys in declared.values() for key in keys})
    if not folder.is_dir():
        raise InputError("output", "be a folder that exists", str(folder))
    own = {
        chapter: {name: value for name, value in parameters.items() if name in known}
        for chapter, known in declared.items()
    }
    for chapter, values in own.items():
        check_chapter_parameters(NOTEBOOKS / f"{chapter}.ipynb", values)
    for chapter, values in own.items():
        execute(chapter, values, folder / f"{chapter}.ipynb")


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    options_metavar="[--NAME VALUE]...",
)
@click.argument("chapter", required=False)
@click.argument("parameters", nargs=-1, type=click.UNPROCESSED)
@click.option("--output", type=click.Path(path_type=Path), help="Executed notebook to write.")
@click.option("-h", "--help", "helped", is_flag=True, help="Show this, or CHAPTER's parameters.")
@click.pass_context
def run(
    context: click.Context,
    chapter: str | None,
    parameters: tuple[str, ...],
    output: Path | None,
    helped: bool,
) -> None:
    """Execute CHAPTER with parameters of your own, such as --seed 7 --n 89.

    CHAPTER is a name or number (04_clusters, 4). The executed notebook is written to --output,
    by default CHAPTER.out.ipynb in the current folder. `run CHAPTER --help` lists its parameters.
    With `all`, every chapter is executed with those parameters that it has, into the folder
    --output, by default the current one.
    """
    if chapter is None and not helped:
        raise click.MissingParameter(ctx=context, param_hint="'CHAPTER'", param_type="argument")
    if chapter is None or (helped and chapter == "all"):
        click.echo(context.get_help())
    elif helped:
        click.echo(help_of(chapter_named(chapter)))
    elif chapter == "all":
        run_all(parse_parameters(parameters), output or Path())
    else:
        name = chapter_named(chapter)
        execute(name, parse_parameters(parameters), output or Path(f"{name}.out.ipynb"))
