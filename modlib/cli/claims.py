"""``python -m modlib claims``."""

from __future__ import annotations

import click

from modlib.claims.ledger import as_json, as_text, ledger
from modlib.claims.measure import measure


@click.command()
@click.option("--json", "as_object", is_flag=True, help="Print JSON.")
def claims(as_object: bool) -> None:
    """Print the ledger: each claim, what is reported, what we measured, the verdict."""
    rows = ledger(measure())
    click.echo(as_json(rows) if as_object else as_text(rows))
