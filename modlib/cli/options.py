"""What commands share: refusals in one line, words as values, options."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import click
from click.exceptions import NoArgsIsHelpError

from modlib.config.addition import DEFAULT_EPOCHS, AdditionConfig, default_train_pairs
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import CLOCK_PIZZA_PRESETS, PRESETS, REMAINDERS_PRESETS
from modlib.config.remainders import REMAINDER_TASKS, RemaindersConfig
from modlib.errors import ClusterError, InputError, StoreError, require_choice, require_int


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
    click.echo(f"modlib: {' '.join(refusal.split())}", err=True)
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
        require_choice("command", args[0], self.commands)
        return super().resolve_command(ctx, args)


def literal(text: str) -> Any:
    """The value that a word on the command line stands for: null, number or text."""
    try:
        return json.loads(text)
    except ValueError:
        return None if text == "None" else {"True": True, "False": False}.get(text, text)


OPTIONS = {
    "preset": f"Start from one of {', '.join(PRESETS)}.",
    "n": "Modulus, 3 or more.  [default: 91]",
    "train-pairs": "Training pairs.  [default: 5096, 4717, near .6 n^2]",
    "num-neurons": "Hidden neurons.  [default: 128]",
    "embed-dim": "Width of each embedding.  [default: 32]",
    "batch": "Pairs a step: n or full.  [default: n]",
    "init": "Initialisation: torch or flax.  [default: torch]",
    "lr": "Adam's learning rate.  [default: 0.008]",
    "l2": "Factor of |theta|^2 in the loss.  [default: 0.0001]",
    "epochs": "Passes over the training set.  [default: 300, full: 2000]",
}
"""What a command that trains takes: the preset, and the settings that differ from it."""

device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:INDEX."
)
threads_option = click.option("--threads", help="Worked on at once.  [default: one a core]")

REMAINDERS_OPTIONS = {
    "preset": f"{OPTIONS['preset'][:-1]}, "
    f"{', '.join([*REMAINDERS_PRESETS, *CLOCK_PIZZA_PRESETS])}.",
    "p": "Paper B: base of the digits, a prime from 5.  [default: 37]",
    "task": f"Paper B: {', '.join(REMAINDER_TASKS)}.  [default: miiii]",
    "digits": "Paper B: low_first or high_first.  [default: low_first]",
    "train-fraction": "Paper B: share of the p^2 numbers.  [default: 0.8]",
    "num-validation": "Paper B: held-out numbers that validate.  [default: all]",
    "heads": "Paper B: attention heads.  [default: 4]",
    "dropout": "Paper B: share of the stream.  [default: 0.1]",
    "dropout-mask": "Paper B: one a step or a sample.  [default: step]",
    "weight-decay": "Paper B: AdamW's.  [default: 1/3]",
    "lam": "Paper B: Grokfast's lambda.  [default: 0.5]",
    "alpha": "Paper B: Grokfast's alpha.  [default: 0.98]",
    "steps": "Paper B: full-batch steps.  [default: 16384]",
    "matmul": "Paper B: float32 or bfloat16.  [default: float32]",
}
"""What paper B's transformer takes as well; ``embed-dim`` and ``lr`` belong to both papers."""

CLOCK_PIZZA_OPTIONS = {
    "attention-rate": "Clock and pizza: from 0 (pizza) to 1 (clock).",
    "warmup": "Clock and pizza: steps until lr is reached.  [default: 10]",
}
"""What Zhong et al.'s transformer takes as well: one of these, or a preset, chooses it."""

Config = AdditionConfig | RemaindersConfig | ClockPizzaConfig
C = TypeVar("C")


def config_from(preset: str | None, given: dict[str, Any]) -> Config:
    """The configuration of a preset with the settings that differ from it.

    It is paper B's transformer, or that of Zhong et al., where the preset or a setting is. Raises
    ``InputError`` for an unknown preset and for settings of another network.
    """
    addition = vars(AdditionConfig())
    clock_pizza, transformer = vars(ClockPizzaConfig()), vars(RemaindersConfig())
    if preset in CLOCK_PIZZA_PRESETS or "attention_rate" in given:
        _require_settings(given, clock_pizza, "clock and pizza's")
        return replace(_start(preset, CLOCK_PIZZA_PRESETS, ClockPizzaConfig()), **given)
    if preset in REMAINDERS_PRESETS or given.keys() & (transformer.keys() - addition):
        _require_settings(given, transformer, "paper B's")
        return replace(_start(preset, REMAINDERS_PRESETS, RemaindersConfig()), **given)
    return AdditionConfig(**{**settings_of(preset), **given})


def _require_settings(given: dict[str, Any], known: Mapping[str, Any], whose: str) -> None:
    for name in given.keys() - known.keys():
        raise InputError("option", f"be one of {whose}: {', '.join(known)}", name)


def _start(preset: str | None, presets: Mapping[str, C], usual: C) -> C:
    return usual if preset is None else presets[require_choice("preset", preset, presets)]


def config_options(options: dict[str, str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options; it gets the ``config`` they make."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_config(**words: Any) -> None:
            texts = {name: words.pop(name.replace("-", "_")) for name in options}
            preset = texts.pop("preset")
            chosen = {
                name.replace("-", "_"): literal(text)
                for name, text in texts.items()
                if text is not None
            }
            command(config=config_from(preset, chosen), **words)

        for name, text in reversed(options.items()):
            click.option(f"--{name}", help=text)(with_config)
        return with_config

    return decorate


def num_threads(text: str | None) -> int:
    """The number that an option says; one a core where it says none."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return require_int("threads", cores if text is None else literal(text), at_least=1)


def settings_of(preset: str | None) -> dict[str, Any]:
    """What a preset sets: training pairs and epochs only where they differ from the defaults.

    So ``--preset A91-untrained --n 89`` is untrained, with the training pairs of 89. Raises
    ``InputError`` for an unknown name.
    """
    if preset is None:
        return {}
    start = PRESETS[require_choice("preset", preset, PRESETS)]
    settings = dict(vars(start))
    if start.train_pairs == default_train_pairs(start.n):
        del settings["train_pairs"]
    if start.epochs == DEFAULT_EPOCHS[start.batch]:
        del settings["epochs"]
    return settings
