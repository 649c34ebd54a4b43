"""``python -m modlib claims``."""

from __future__ import annotations

import click

from modlib.claims.ledger import as_json, as_text
from modlib.claims.measure import keep_all, measured_ledger
from modlib.machine import EDITIONS, RESULTS, require_checkout


@click.command()
@click.option(
    "--edition",
    type=click.Choice(EDITIONS),
    default=EDITIONS[-1],
    show_default=True,
    help="Of the ledger; the first stays as it was measured.",
)
@click.option("--json", "as_object", is_flag=True, help="Print JSON.")
@click.option("--keep", is_flag=True, help="Write all that is measured to results/ instead.")
def claims(edition: str, as_object: bool, keep: bool) -> None:
    """Print the ledger: each claim, its rule, what we measured, the verdict.

    What was measured is kept until the tables or the code that it rests on change.
    """
    if keep:
        require_checkout("results", RESULTS)
        click.echo(f"wrote {keep_all()}")
        return
    number = int(edition)
    rows = measured_ledger(number)
    click.echo((as_json if as_object else as_text)(rows, edition=number))
