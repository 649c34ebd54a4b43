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
from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import FAMILIES, Config
from modlib.config.rules import require_seed
from modlib.errors import require_int
from modlib.machine import resolve_device
from modlib.runs.addition import Run, get_or_train
from modlib.runs.clock_pizza import ClockPizzaRun, get_or_train_clock_pizza
from modlib.runs.remainders import RemaindersRun, get_or_train_remainders
from modlib.store.runs import Store

SOLVED = 0.99
"""Validation accuracy from which a task of paper B counts as solved, in what is printed."""


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
    first = require_seed(literal(seed))
    total = require_int("num_seeds", literal(num_seeds), at_least=1)
    require_seed(first + total - 1, "last seed")
    resolve_device(device)
    count = num_threads(threads)
    store = Store()
    for current in range(first, first + total):
        if isinstance(config, AdditionConfig):
            run = get_or_train(config, seed=current, device=device, store=store)
            said = words_of_run(run)
        elif isinstance(config, ClockPizzaConfig):
            said = words_of_clock_pizza(get_or_train_clock_pizza(config, seed=current, store=store))
        else:
            said = words_of_transformer(
                get_or_train_remainders(
                    config, seed=current, device=device, threads=count, store=store
                )
            )
        click.echo(f"seed {current}: {said}, {store.of(config).folder(current)}")


def words_of_run(run: Run) -> str:
    """What became of a network of paper A."""
    rate = run.stored.manifest["config"]["steps_per_second"]
    judged = "held-out accuracy" if run.num_test else "accuracy on all pairs"
    outcome = f"100 % after epoch {run.reached_epoch}" if run.learned else "did not learn"
    pace = f", {rate:,.0f} steps a second" if rate else ""
    return f"{judged} {run.accuracy:.4f}, {outcome}{pace}"


def words_of_transformer(run: RemaindersRun) -> str:
    """What became of a network of paper B."""
    accuracy = run.final[run.final.split == "validation"].accuracy
    solved = f"{(accuracy >= SOLVED).sum()} of {len(accuracy)} tasks from {100 * SOLVED:.0f} % on"
    rate = run.manifest["config"]["steps_per_second"]
    pace = f", {rate:,.0f} steps a second" if rate else ""
    return f"validation accuracy {accuracy.mean():.4f}, {solved}{pace}"


def words_of_clock_pizza(run: ClockPizzaRun) -> str:
    """What became of a transformer of Zhong et al."""
    reached = run.reached_step
    outcome = "did not learn" if reached is None else f"100 % after step {reached}"
    return f"held-out accuracy {run.accuracy:.4f}, {outcome}"
