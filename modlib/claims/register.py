"""What is registered: the claims of both papers, their figures, and who shows them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from modlib.errors import InputError, require_choice

FIGURES_FILE = Path(__file__).with_name("figures.toml")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure or table of a paper and the notebook cell that shows ours."""

    id: str
    """The paper's number (A7, B16, BT3), or a slug for what has none (A.sec41)."""
    chapter: str
    """Name of the notebook, without its ending."""
    status: Literal["shown", "pending"]
    """Pending while the notebook is still to be written."""
    label: str
    """Name of the cell's figure, by which pages refer to it; A8 to A16 share one."""
    shows: str
    """What there is to see, in one line."""


def load_figures(path: Path = FIGURES_FILE) -> dict[str, Figure]:
    """Every figure by id, in the order of the file.

    Raises ``InputError`` for a missing, empty or unknown field, a status other than shown and
    pending, an id used twice, and a label used in two chapters.
    """
    names = {field.name for field in fields(Figure)}
    figures: dict[str, Figure] = {}
    chapter_of_label: dict[str, str] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("figure", []):
        place = f"figure {entry.get('id', entry)}"
        if set(entry) != names:
            raise InputError(place, f"have the fields {sorted(names)}", sorted(entry))
        for name, content in entry.items():
            if not isinstance(content, str) or not content.strip():
                raise InputError(f"{name} of {place}", "be a non-empty text", content)
        require_choice(f"status of {place}", entry["status"], ("shown", "pending"))
        figure = Figure(**entry)
        if figure.id in figures:
            raise InputError("figure ids", "be unique", figure.id)
        if chapter_of_label.setdefault(figure.label, figure.chapter) != figure.chapter:
            raise InputError(f"label of {place}", "belong to one chapter", figure.label)
        figures[figure.id] = figure
    return figures


CLAIMS_FILE = Path(__file__).with_name("claims.toml")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of a paper and the rule by which our measurement agrees with it."""

    id: str
    """Final name, starting with the paper."""
    paper: str
    """A or B."""
    place: str
    """Where the paper says it."""
    says: str
    """The statement, in our words."""
    reported: str
    """The number or the words the paper gives."""
    measured: str
    """The quantity we measure."""
    rule: str
    """The verdict is "agrees" if this holds."""
    chapter: str
    """The notebook that shows the measurement."""


def load_claims(path: Path = CLAIMS_FILE) -> dict[str, Claim]:
    """Every claim by id, in the order of the file.

    Raises InputError for a missing, empty or unknown field and for an id used twice.
    """
    names = {field.name for field in fields(Claim)}
    claims: dict[str, Claim] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("claim", []):
        label = entry.get("id", entry)
        if set(entry) != names:
            raise InputError(f"claim {label}", f"have the fields {sorted(names)}", sorted(entry))
        for name, content in entry.items():
            if not isinstance(content, str) or not content.strip():
                raise InputError(f"{name} of claim {label}", "be a non-empty text", content)
        claim = Claim(**entry)
        if claim.paper not in ("A", "B") or not claim.id.startswith(f"{claim.paper}."):
            raise InputError(f"id of claim {label}", "start with its paper, A. or B.", claim.paper)
        if claim.id in claims:
            raise InputError("claim ids", "be unique", claim.id)
        claims[claim.id] = claim
    return claims
