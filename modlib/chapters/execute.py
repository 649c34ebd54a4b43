"""A chapter executed with parameters of one's own."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import click

from modlib.chapters.parameters import check_values, declared_parameters
from modlib.errors import InputError, StoreError
from modlib.machine import NOTEBOOKS
from modlib.store.files import write_atomically, writing
from modlib.store.runs import Store


def check_chapter_parameters(path: Path, parameters: dict[str, Any]) -> None:
    """Refuse names that a notebook does not declare and values that break their rule."""
    defaults, optional = declared_parameters(path)
    for name in parameters:
        if name not in defaults:
            raise InputError("parameter", f"be one of {', '.join(defaults)}", name)
    check_values({**defaults, **parameters}, optional)


def require_writable(target: Path, argument: str = "output") -> None:
    """Refuse a file that cannot be written, links and devices (``InputError``, ``StoreError``).

    And one that would be lost: a chapter of the book, or an existing file that is no notebook.
    """
    with writing(target):
        if target.is_dir() or not target.parent.is_dir():
            raise InputError(argument, "be a file in a folder that exists", str(target))
        if os.path.lexists(target) and not stat.S_ISREG(target.lstat().st_mode):
            raise InputError(argument, "be no link, pipe or device", str(target))
        if target.exists() and target.resolve().parent == NOTEBOOKS.resolve():
            raise InputError(argument, "be no chapter of the book", str(target))
        if target.is_file() and target.suffix != ".ipynb":
            raise InputError(argument, "be a new file or a notebook", str(target))
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-"):
            pass


def execute(chapter: str, parameters: dict[str, Any], target: Path, *, quiet: bool = False) -> None:
    """Execute a chapter with these parameters and write the notebook to ``target``.

    Bad parameters, and a target or a store that cannot be written, are refused before a kernel
    starts. ``quiet``: what was written is told on standard error.
    """
    path = NOTEBOOKS / f"{chapter}.ipynb"
    check_chapter_parameters(path, parameters)
    require_writable(target)
    Store()
    import papermill  # not at the top, because it takes longer to load than most commands run

    with tempfile.TemporaryDirectory() as scratch:
        executed = Path(scratch) / "executed.ipynb"
        try:
            papermill.execute_notebook(str(path), str(executed), parameters=parameters)
        except papermill.PapermillExecutionError as error:
            raise StoreError(f"{chapter} stopped: {error.ename}: {error.evalue}") from None
        with writing(target):
            write_atomically(target, executed.read_bytes())
    click.echo(f"wrote {click.format_filename(target)}", err=quiet)
