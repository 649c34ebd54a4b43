"""What a chapter says: sentences with measured numbers, and its claims."""

from __future__ import annotations

from IPython.display import Markdown, display

from modlib.claims.ledger import as_markdown, ledger
from modlib.claims.measure import measure
from modlib.claims.register import load_claims


def say(text: str) -> None:
    """Show a sentence whose numbers the run has just measured; an empty one shows nothing."""
    if text:
        display(Markdown(text))


def show_claims(chapter: str) -> None:
    """Show the ledger's rows of a chapter: what the paper reports, what we measured."""
    ids = [claim.id for claim in load_claims().values() if claim.chapter == chapter]
    rows = [row for row in ledger(measure(ids)) if row.claim.id in ids]
    say(as_markdown(rows, ("claim", "reported", "measurement", "verdict")))
