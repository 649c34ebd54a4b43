"""``python -m modlib search``."""

from __future__ import annotations

from dataclasses import replace

import click

from modlib.cli.options import literal
from modlib.config.presets import FIRST_SEED, REMAINDERS_PRESETS
from modlib.config.rules import require_seed
from modlib.errors import InputError
from modlib.machine import RESULTS, require_checkout
from modlib.results.search import export_search
from modlib.runs.search import search
from modlib.runs.study import NUM_TRIALS, STEPS, Study


@click.command(name="search")
@click.option("--p", default="37", show_default=True, help="Base of the digits, a prime.")
@click.option("--steps", default=str(STEPS), show_default=True, help="Steps of a trial.")
@click.option("--trials", default=str(NUM_TRIALS), show_default=True, help="Settings to try.")
@click.option("--seed", default=str(FIRST_SEED), show_default=True, help="Of networks and sampler.")
@click.option("--threads", default="1", show_default=True, help="Threads of a training.")
@click.option("--export", "exported", is_flag=True, help="Write what is finished to results/.")
@click.option("--replace", "replaced", is_flag=True, help="With --export: also more trials.")
def search_settings(
    p: str, steps: str, trials: str, seed: str, threads: str, exported: bool, replaced: bool
) -> None:
    """Compare settings of paper B's training with Optuna; killed, it goes on where it was.

    With --export nothing is trained: the finished trials of the study with the default options
    are written to results/remainders/search.
    """
    base = replace(REMAINDERS_PRESETS["B37"], p=literal(p), steps=literal(steps))
    study = Study(base=base, seed=require_seed(literal(seed)))
    if exported:
        if study != Study():
            raise InputError("export", "go with the default p, steps and seed", study.key())
        require_checkout("results", RESULTS)
        click.echo(f"wrote {export_search(replace=replaced)}")
        return
    if replaced:
        raise InputError("replace", "be left out without --export", replaced)
    found = search(study, trials=literal(trials), threads=literal(threads)).trials
    best = found.loc[found.accuracy.idxmax()]
    settings = ", ".join(f"{name} {best[name]:.3g}" for name in study.space)
    click.echo(f"{len(found)} settings tried, best {best.accuracy:.4f} with {settings}")
