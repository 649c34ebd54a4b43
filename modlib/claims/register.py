"""What is registered: the claims of both papers, their figures, and who shows them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

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


def load_shown_by(path: Path = FIGURES_FILE) -> dict[str, str]:
    """Label of our figure by claim, for claims whose place names no figure of a paper."""
    return dict(tomllib.loads(path.read_text(encoding="utf-8")).get("shown_by", {}))


CLAIMS_FILE = Path(__file__).with_name("claims.toml")


EDITIONS = (1, 2)
"""Of the ledger: the first stays as it was measured, the second replaces rows of it."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of a paper and the rule by which our measurement agrees with it.

    The fields from ``edition`` on are those of the second edition, all required there.
    """

    id: str
    """Final name, starting with the paper, and from the second edition on with its number."""
    paper: str
    """A or B."""
    place: str
    """Where the paper says it; of what no paper says, "ours"."""
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
    edition: int = 1
    """The edition of the ledger that brought it."""
    replaces: tuple[str, ...] = ()
    """Rows of the first edition in whose place it stands; none for a new one."""
    changed: str = ""
    """Why it is measured otherwise than those rows, in one sentence; empty for a new one."""
    fails_if: str = ""
    """What would make it fail."""
    setting: str = ""
    """Whose set-up it is measured in: the paper's own, a smaller one, ours; and on what."""
    says_plainly: str = ""
    """The statement in one sentence for a reader who knows none of the names."""

    @property
    def plainly(self) -> str:
        """The statement for a reader: ``says_plainly``, of the first edition ``says``."""
        return self.says_plainly or self.says


OF_FIRST = tuple(field.name for field in fields(Claim) if field.name != "edition")[:8]
"""Fields of the first edition's entries."""


def load_claims(path: Path = CLAIMS_FILE, *, edition: int | None = None) -> dict[str, Claim]:
    """Every claim by id, in the order of the file; those of one edition where it is named.

    Raises InputError for a missing, empty or unknown field, for an id used twice, and for a row
    that replaces none of the first edition.
    """
    claims: dict[str, Claim] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("claim", []):
        claim = _claim(entry)
        if claim.id in claims:
            raise InputError("claim ids", "be unique", claim.id)
        claims[claim.id] = claim
    for claim in claims.values():
        for replaced in claim.replaces:
            if replaced not in claims or claims[replaced].edition != 1:
                place = f"replaces of claim {claim.id}"
                raise InputError(place, "name rows of the first edition", replaced)
    return {i: claim for i, claim in claims.items() if edition in (None, claim.edition)}


def _claim(entry: dict[str, Any]) -> Claim:
    """The claim of an entry, checked."""
    label = entry.get("id", entry)
    edition = entry.get("edition", 1)
    if edition not in EDITIONS:
        raise InputError(f"edition of claim {label}", f"be one of {EDITIONS}", edition)
    names = {field.name for field in fields(Claim)} if edition > 1 else set(OF_FIRST)
    if edition > 1 and not entry.get("replaces"):
        names.discard("changed")
    if set(entry) != names:
        raise InputError(f"claim {label}", f"have the fields {sorted(names)}", sorted(entry))
    for name, content in entry.items():
        if name not in ("edition", "replaces") and not (
            isinstance(content, str) and content.strip()
        ):
            raise InputError(f"{name} of claim {label}", "be a non-empty text", content)
    replaced = entry.get("replaces", [])
    if not (isinstance(replaced, list) and all(isinstance(one, str) for one in replaced)):
        raise InputError(f"replaces of claim {label}", "be a list of ids", replaced)
    claim = Claim(**{**entry, "replaces": tuple(replaced)})
    start = f"{claim.paper}{edition if edition > 1 else ''}."
    if claim.paper not in ("A", "B") or not claim.id.startswith(start):
        raise InputError(f"id of claim {label}", "start with its paper, A. or B.", claim.paper)
    return claim
