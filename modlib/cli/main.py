"""``python -m modlib``: all its commands."""

from __future__ import annotations

import logging

import click

from modlib.cli.claims import claims
from modlib.cli.export import export
from modlib.cli.options import OneLine
from modlib.cli.queue import queue
from modlib.cli.run import run
from modlib.cli.search import search_settings
from modlib.cli.show import show_checkpoint
from modlib.cli.store import list_store
from modlib.cli.sweep import sweep
from modlib.cli.train import train


@click.group(cls=OneLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="modlib")
def main() -> None:
    """Networks that add modulo n: train them, read a chapter on them, print the claims."""
    logging.basicConfig(format="%(levelname)s: %(message)s")


for command in (
    claims,
    export,
    run,
    search_settings,
    show_checkpoint,
    list_store,
    sweep,
    train,
    queue,
):
    main.add_command(command)
