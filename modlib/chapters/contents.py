"""The papers and the chapters, from one file, and the places of the book that are made from it.

``chapters.toml`` says each chapter's name, title, papers, question and answer, in reading order by
parts. The table of contents, the index's answers and README's chapters follow from it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from modlib.errors import InputError, require_choice
from modlib.machine import ROOT

FILE = Path("modlib") / "chapters" / "chapters.toml"
TOC = re.compile(r"(?<=^parts:\n).*?(?=^  - caption: Findings$)", re.MULTILINE | re.DOTALL)
ANSWERS = re.compile(r"(?:^\| \[\d+ · .*\n)+", re.MULTILINE)
README = re.compile(r"(?:^\| .*\]\(notebooks/.*\n)+", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A chapter as the book tells of it."""

    name: str
    """Of its notebook, without the ending: ``04_clusters``."""
    title: str
    """In a word or a few, behind its number."""
    papers: tuple[str, ...]
    """A, B or both, the one it is about first; none for a chapter of ours."""
    question: str
    answer: str
    part: str
    """Caption of its part in the table of contents."""

    @property
    def number(self) -> int:
        """Its place among all chapters."""
        return int(self.name[:2])

    @property
    def label(self) -> str:
        """How links name it: ``4 · Clusters``."""
        return f"{self.number} · {self.title}"


@dataclass(frozen=True)
class Contents:
    """Keys in the bibliography by paper, and the chapters in reading order."""

    papers: Mapping[str, str]
    chapters: tuple[Chapter, ...]


def load_contents(root: Path = ROOT) -> Contents:
    """What ``chapters.toml`` says.

    Raises ``InputError`` for a missing, unknown or empty field, a paper that is not listed, and a
    name that is used twice.
    """
    told = tomllib.loads((root / FILE).read_text(encoding="utf-8"))
    papers = {one["id"]: one["key"] for one in told["paper"]}
    chapters: dict[str, Chapter] = {}
    for part in told["part"]:
        for entry in part["chapter"]:
            made = _chapter(entry, part["caption"], papers)
            if made.name in chapters:
                raise InputError("names of chapters", "be used once", made.name)
            chapters[made.name] = made
    return Contents(papers, tuple(chapters.values()))


def _chapter(entry: dict[str, Any], part: str, papers: Mapping[str, str]) -> Chapter:
    place = f"chapter {entry.get('name', entry)}"
    names = {field.name for field in fields(Chapter)} - {"part"}
    if set(entry) != names:
        raise InputError(place, f"have the fields {sorted(names)}", sorted(entry))
    for name in sorted(names - {"papers"}):
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise InputError(f"{name} of {place}", "be a non-empty text", entry[name])
    for paper in entry["papers"]:
        require_choice(f"papers of {place}", paper, tuple(papers))
    return Chapter(**entry | {"papers": tuple(entry["papers"]), "part": part})


def pages(root: Path = ROOT) -> dict[Path, str]:
    """The texts that follow from the file, by their paths."""
    chapters = load_contents(root).chapters
    parts = dict.fromkeys(one.part for one in chapters)
    grouped = {part: [one for one in chapters if one.part == part] for part in parts}
    toc = "".join(_part(part, own) for part, own in grouped.items())
    answers = "".join(
        f"| [{one.label}](../notebooks/{one.name}.ipynb) | {one.question} | {one.answer} |\n"
        for one in sorted(chapters, key=lambda one: one.name)
    )
    readme = "".join(_readme_row(part, own) for part, own in grouped.items())
    made = {
        root / "_toc.yml": (TOC, toc),
        root / "book" / "index.md": (ANSWERS, answers),
        root / "README.md": (README, readme),
    }
    return {path: _replaced(path, *one) for path, one in made.items()}


def _part(caption: str, chapters: list[Chapter]) -> str:
    said = f'"{caption}"' if ":" in caption else caption
    lines = [f"      - file: notebooks/{one.name}\n" for one in chapters]
    return "".join([f"  - caption: {said}\n    chapters:\n", *lines])


def _readme_row(part: str, chapters: list[Chapter]) -> str:
    links = (f"[{one.number} {one.title}](notebooks/{one.name}.ipynb)" for one in chapters)
    return f"| {part[0].lower()}{part[1:]} | {', '.join(links)} |\n"


def _replaced(path: Path, place: re.Pattern[str], text: str) -> str:
    """A file's text with what follows from the list in its place."""
    before = path.read_text(encoding="utf-8")
    found = place.search(before)
    if found is None:
        raise InputError(path.name, "have a place for the chapters", path.name)
    return before[: found.start()] + text + before[found.end() :]


def added(name: str, title: str, question: str, answer: str, root: Path = ROOT) -> str:
    """The file with a chapter of ours behind the last one."""
    told = {"name": name, "title": title, "papers": [], "question": question, "answer": answer}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in told.items()]
    return (root / FILE).read_text(encoding="utf-8") + "".join(["\n[[part.chapter]]\n", *lines])
