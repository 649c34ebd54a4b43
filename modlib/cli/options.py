"""What commands share: refusals in one line, words as values, options."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import FAMILIES, Config, family_of, names_of, preset
from modlib.config.remainders import RemaindersConfig
from modlib.config.rules import as_given, settings
from modlib.errors import (
    ClusterError,
    InputError,
    StoreError,
    require_choice,
    require_int,
    without_long_words,
)
from modlib.machine import available_cores


@contextmanager
def one_line() -> Iterator[None]:
    """Turn a refusal into one line on standard error and exit status 2."""
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.NoSuchOption as error:
        known = error.ctx.command.params if error.ctx else []
        names = ", ".join(name for option in known for name in option.opts if name[0] == "-")
        refusal = str(InputError("option", f"be one of {names}", error.option_name))
    except click.UsageError as error:
        refusal = error.format_message()
    except KeyboardInterrupt:
        click.echo("modlib: stopped; the same command goes on where it was", err=True)
        sys.exit(130)
    except (InputError, StoreError, ClusterError) as error:
        refusal = str(error)
    else:
        return
    click.echo(f"modlib: {without_long_words(' '.join(refusal.split()))}", err=True)
    sys.exit(2)


class OneLine(click.Group):
    """A group of commands whose refusals are one line on standard error, exit status 2."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the words before the command."""
        with one_line():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Read the words of the command and run it."""
        with one_line():
            return super().invoke(ctx)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command that the first word names."""
        require_choice("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


def literal(text: str) -> Any:
    """The value that a word on the command line stands for: null, number or text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None if text == "None" else {"True": True, "False": False}.get(text, text)


device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:INDEX."
)
threads_option = click.option("--threads", help="Worked on at once.  [default: one a core]")

WHOSE: dict[type[Config], str] = {
    AdditionConfig: "paper A's",
    RemaindersConfig: "paper B's",
    ClockPizzaConfig: "clock and pizza's",
}
"""Whose network a configuration is of, in help and refusals."""


def help_of(one: Field[Any]) -> str:
    """A setting's line of help, with its default where it has a fixed one."""
    text = one.metadata["help"].replace("``", "")
    if one.default is None:
        return text
    default = f"{one.default:.4g}" if isinstance(one.default, float) else one.default
    return f"{text}  [default: {default}]"


class Setting(click.Option):
    """An option that is a setting of configurations, or the preset to start from."""


class ConfigCommand(click.Command):
    """A command that trains: its options are the settings of these families of networks.

    The function gets the ``config`` that they make.
    """

    def __init__(self, *args: Any, families: Collection[type[Config]], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.families = families
        names = ["preset", *(name for family in families for name in names_of(family))]
        for name in dict.fromkeys(names):
            self.params.append(Setting([f"--{name.replace('_', '-')}"]))

    def invoke(self, ctx: click.Context) -> Any:
        """Make the configuration of the words, and run the command."""
        names = [one.name for one in self.params if isinstance(one, Setting) and one.name]
        texts = {name: ctx.params.pop(name) for name in names}
        preset_name = texts.pop("preset")
        given = {name: literal(text) for name, text in texts.items() if text is not None}
        ctx.params["config"] = config_from(preset_name, given, self.families)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then each family's presets and settings."""
        own = [one for one in self.get_params(ctx) if not isinstance(one, Setting)]
        with formatter.section("Options"):
            formatter.write_dl([record for one in own if (record := one.get_help_record(ctx))])
        for family in self.families:
            with formatter.section(f"Settings of {WHOSE[family]} network"):
                presets = f"Start from one of {', '.join(FAMILIES[family])}."
                records = [
                    (f"--{one.name.replace('_', '-')} TEXT", help_of(one))
                    for one in settings(family)
                ]
                formatter.write_dl([*records, ("--preset TEXT", presets)])


def config_from(
    preset_name: str | None,
    given: Mapping[str, Any],
    families: Collection[type[Config]] = tuple(FAMILIES),
) -> Config:
    """The configuration of a preset with the settings that differ from it.

    Without a preset, of the family that the settings choose. What the preset leaves to follow from
    others does so: ``--preset A91-untrained --n 89`` is untrained, with the training pairs of 89.
    Raises ``InputError`` for an unknown preset and for settings of another family.
    """
    if preset_name is None:
        start: Config = family_of(given)()
    else:
        names = [name for family in families for name in FAMILIES[family]]
        start = preset(require_choice("preset", preset_name, names))
    family = type(start)
    for name in given:
        if name not in (known := names_of(family)):
            raise InputError("option", f"be one of {WHOSE[family]}: {', '.join(known)}", name)
    return family(**{**as_given(start), **given})


def num_threads(text: str | None) -> int:
    """The number that an option says; one a core where it says none."""
    threads = available_cores() if text is None else literal(text)
    return require_int("threads", threads, at_least=1)
