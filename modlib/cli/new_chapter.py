"""``python -m modlib new-chapter``."""

from __future__ import annotations

import click

from modlib.chapters.new import new_chapter
from modlib.machine import ROOT, require_checkout


@click.command(name="new-chapter")
@click.argument("name")
def new_chapter_command(name: str) -> None:
    """Write a chapter to begin with: NAME is a number and a word, such as 17_circles.

    It builds, and its tests pass: put your question, your facts and your figure in their place.
    """
    require_checkout("notebooks", ROOT)
    for path in new_chapter(name):
        click.echo(f"wrote {path.relative_to(ROOT)}")
    click.echo("next: make lint test book; the page 'Another paper' says what to put where")
