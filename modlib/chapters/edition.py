"""An edition: the whole book on a network of one's own, as a site beside the default one.

It is built from a copy of the sources in a folder beside the output, which a kill leaves there for
the next call to go on with; the site takes its place whole, at the end.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from modlib.chapters.execute import check_chapter_parameters
from modlib.chapters.parameters import declare, declared_parameters
from modlib.errors import InputError, StoreError
from modlib.machine import ROOT
from modlib.store.files import writing
from modlib.store.replacing import replacing

COPIED = ("book", "notebooks", "_config.yml", "_toc.yml", "CITATION.cff", "requirements.txt")
"""What a site is made from."""
LINKED = ("modlib", "results")
"""What the copy only looks at."""
MARK = "edition.json"
"""File of a site that says which edition it is."""
MAX_TITLE = 120
MAKE = """
import os, sys
from modlib.machine import end_with
from jupyter_book.cli.main import main
end_with(int(sys.argv.pop(1)))
main()
"""
"""Jupyter Book in a process that ends with the one that is named; so do its kernels."""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A book on the network of ``seed`` modulo ``n``; chapter 15 on ``checkpoint``, None: its own.

    ``title``: of the site, None: made of the two numbers.
    """

    n: int
    seed: int
    checkpoint: str | None = None
    title: str | None = None

    @property
    def named(self) -> str:
        """Its title."""
        return self.title or f"How networks add modulo {self.n}, seed {self.seed}"


def values_of(edition: Edition, notebooks: Path) -> dict[str, dict[str, Any]]:
    """The parameters that each chapter gets, by its name.

    ``n`` and ``seed`` go to the chapters whose own are those of the first chapter, so that it stays
    one network; ``checkpoint`` to the chapter that takes any network.
    """
    declared = {path.stem: declared_parameters(path)[0] for path in _chapters(notebooks)}
    shown: Mapping[str, Any] = next(iter(declared.values()), {})
    values: dict[str, dict[str, Any]] = {}
    for chapter, own in declared.items():
        values[chapter] = {
            name: value
            for name, value in (("n", edition.n), ("seed", edition.seed))
            if name in own and own[name] == shown.get(name)
        }
        if edition.checkpoint is not None and {"checkpoint", "layout"} <= own.keys():
            values[chapter]["checkpoint"] = edition.checkpoint
    return values


def make_edition(edition: Edition, output: Path, *, sources: Path = ROOT) -> None:
    """Build an edition's site into the folder ``output``.

    Raises ``InputError`` for bad values and an output that is no edition and not empty, before any
    work; ``StoreError`` where a chapter stops or nothing can be written.
    """
    output = output.absolute()
    values = _checked(edition, output, sources)
    work = output.with_name(f".{output.name}.building")
    with writing(work):
        work.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(f"{work}.lock")  # not in the folder, which is removed while others wait
        with FileLock(lock):
            try:
                work.mkdir(exist_ok=True)
                _lay_out(_turned(edition, values, sources), sources, work)
                _put(build_site(work), output, edition)
                shutil.rmtree(work)
            finally:
                lock.unlink(missing_ok=True)


def _put(site: Path, output: Path, edition: Edition) -> None:
    with replacing(output) as folder:
        shutil.copytree(site, folder, dirs_exist_ok=True)
        (folder / MARK).write_text(json.dumps(asdict(edition)) + "\n", encoding="utf-8")


def build_site(work: Path) -> Path:
    """Execute the chapters and make the pages; chapters that are executed already stay so.

    Raises ``StoreError`` where that fails; why is told above it.
    """
    made = subprocess.run(
        [sys.executable, "-c", MAKE, str(os.getpid()), "build", "book/", "-n"],
        cwd=work,
        env={"OMP_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1", **os.environ},
        check=False,
    )
    site = work / "_build" / "html"
    if made.returncode or not (site / "index.html").is_file():
        raise StoreError(f"the edition was not built; what is done lies in {work}")
    return site


def _checked(edition: Edition, output: Path, sources: Path) -> dict[str, dict[str, Any]]:
    title = edition.title
    if title is not None and not (title.strip() and title.isprintable() and len(title) < MAX_TITLE):
        raise InputError("title", f"be one line of fewer than {MAX_TITLE} letters", title)
    values = values_of(edition, sources / "notebooks")
    for chapter, own in values.items():
        check_chapter_parameters(sources / "notebooks" / f"{chapter}.ipynb", own)
    inside = [sources / name for name in (*COPIED, *LINKED, "_build")]
    if any(output.resolve().is_relative_to(folder.resolve()) for folder in inside):
        raise InputError("output", "lie outside the book's own folders", str(output))
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise InputError("output", "be a folder", str(output))
    if output.is_dir() and any(output.iterdir()) and not (output / MARK).is_file():
        raise InputError("output", "be new, empty, or an edition, which is replaced", str(output))
    return values


def _chapters(notebooks: Path) -> list[Path]:
    return sorted(notebooks.glob("[0-9]*.ipynb"))


def _turned(
    edition: Edition, values: Mapping[str, dict[str, Any]], sources: Path
) -> dict[str, bytes]:
    """The sources of an edition's site by their place: with its title and its parameters."""
    tops = [sources / name for name in COPIED]
    paths = [one for top in tops for one in ([top] if top.is_file() else sorted(top.rglob("*")))]
    found = {
        place.as_posix(): (sources / place).read_bytes()
        for place in (path.relative_to(sources) for path in paths if path.is_file())
        if not any(part == "__pycache__" or part[0] == "." for part in place.parts)
    }

    def turn(place: str, turned: Callable[[str], str]) -> None:
        found[place] = turned(found[place].decode()).encode()

    for chapter, own in values.items():
        turn(f"notebooks/{chapter}.ipynb", partial(declare, values=own))
    title = f"title: {json.dumps(edition.named, ensure_ascii=False)}"
    turn("_config.yml", partial(_line, r"^title:.*$", title))
    front = f"{yaml.safe_load(found['_toc.yml'])['root']}.md"
    if front in found:
        turn(front, partial(_line, r"^# .*$", f"# {edition.named}\n\n{_said(edition, values)}"))
    return found


def _line(pattern: str, instead: str, text: str) -> str:
    """A text with its first line of a pattern replaced."""
    return re.sub(pattern, lambda _: instead, text, count=1, flags=re.MULTILINE)


def _lay_out(found: Mapping[str, bytes], sources: Path, work: Path) -> None:
    """Write what has changed, so that pages and chapters that have not are made only once."""
    for place, content in found.items():
        path = work / place
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    kept = {work / place for place in found}
    for name in ("book", "notebooks"):
        for path in (work / name).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path not in kept:
                path.unlink()
    for name in LINKED:
        if not (work / name).is_symlink():
            (work / name).symlink_to(sources / name, target_is_directory=True)


def _said(edition: Edition, values: Mapping[str, Mapping[str, Any]]) -> str:
    """What the front page says of an edition."""

    def numbers(names: set[str]) -> str:
        same = (name for name, own in values.items() if set(own) - {"checkpoint"} == names)
        return ", ".join(str(int(name.partition("_")[0])) for name in same)

    both, modulus = numbers({"n", "seed"}), numbers({"n"})
    also = f"; chapters {modulus} at this n, with seeds of their own" if modulus else ""
    other = " Chapter 15 looks at another network." if edition.checkpoint else ""
    return (
        f"*An edition on the network of seed {edition.seed} at n = {edition.n}: chapters {both} "
        f"are executed with it{also}. All others, and the scoreboard, are as in every edition."
        f"{other}*"
    )
