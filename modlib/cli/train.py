"""``python -m modlib train``."""

from __future__ import annotations

import click

from modlib.cli.options import (
    ConfigCommand,
    device_option,
    literal,
    num_threads,
    threads_option,
)
from modlib.config.presets import FAMILIES, Config
from modlib.config.rules import require_seed, seed_range
from modlib.machine import resolve_device
from modlib.store.runs import Store


@click.command(cls=ConfigCommand, families=FAMILIES)
@click.option("--seed", default="0", show_default=True, help="First seed.")
@click.option("--num-seeds", default="1", show_default=True, help="How many, one after another.")
@threads_option
@device_option
def train(
    config: Config,
    seed: str,
    num_seeds: str,
    threads: str | None,
    device: str,
) -> None:
    """Train networks into the store; those already there are left as they are.

    A preset, or a setting that one network alone has, chooses the network; clock and pizza's is
    trained on the CPU, with one thread.
    """
    from modlib.runs.family import family_for  # not at the top: help needs nothing that trains
    from modlib.runs.get_or_train import get_or_train

    require_seed(literal(seed))
    seeds = seed_range(literal(seed), literal(num_seeds))
    resolve_device(device)
    count = num_threads(threads)
    store = Store()
    for current in seeds:
        run = get_or_train(config, seed=current, device=device, threads=count, store=store)
        said = family_for(config).describe(run)
        click.echo(f"seed {current}: {said}, {store.of(config).folder(current)}")
