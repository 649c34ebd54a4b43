"""``python -m modlib``: all its commands."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from io import TextIOWrapper

import click

from modlib import __version__
from modlib.cli.options import OneLine

COMMANDS = {
    "claims": ("claims", "Print the ledger: each claim and its verdict."),
    "edition": ("edition", "Build the whole book for a modulus and seed of your own."),
    "export": ("export", "Train a preset's seeds and write its tables to results/."),
    "new-chapter": ("new_chapter_command", "Write a chapter to begin with."),
    "queue": ("queue", "Long trainings in order of priority."),
    "run": ("run", "Execute a chapter with parameters of your own."),
    "search": ("search_settings", "Compare settings of paper B's training with Optuna."),
    "show": ("show_checkpoint", "Print what the analyses find in anyone's network."),
    "store": ("list_store", "List what the store holds, or remove parts of it."),
    "sweep": ("sweep", "Train and describe many seeds, in shards."),
    "train": ("train", "Train networks into the store."),
}
"""Each command, which is a file in this folder, with _ for -: the function there, its purpose."""


class Commands(OneLine):
    """Commands that are loaded when they are asked for: what they need takes seconds to load."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name."""
        if cmd_name not in COMMANDS:
            return None
        return getattr(
            import_module(f"modlib.cli.{cmd_name.replace('-', '_')}"), COMMANDS[cmd_name][0]
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Networks that add modulo n: train them, read a chapter on them, print the claims."""
    logging.basicConfig(format="%(levelname)s: %(message)s")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a console that lacks a letter shows "?" for it
            stream.reconfigure(errors="replace")
