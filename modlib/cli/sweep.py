"""``python -m modlib sweep``."""

from __future__ import annotations

import click

from modlib.cli.options import ConfigCommand, device_option, literal, threads_option
from modlib.config.addition import AdditionConfig
from modlib.config.presets import FIRST_SEED
from modlib.config.rules import seed_range
from modlib.errors import require_int
from modlib.runs.shards import blocks
from modlib.runs.sweep import sweep as run_sweep


@click.command(cls=ConfigCommand, families=(AdditionConfig,))
@click.option("--first-seed", default=str(FIRST_SEED), show_default=True, help="First seed.")
@click.option("--num-seeds", required=True, help="How many.")
@click.option("--shard-size", default="200", show_default=True, help="Seeds a shard.")
@click.option("--shard", help="This block of the sweep only, from 0 (for an array of jobs).")
@click.option("--keep-weights", is_flag=True, help="Keep the parameters with the tables.")
@threads_option
@click.option("--workers", help="Shards on this many processes, by dask.distributed.")
@click.option("--scheduler", help="Shards on the workers of the dask scheduler at this address.")
@click.option(
    "--tls",
    nargs=3,
    type=click.Path(),
    metavar="CA CERT KEY",
    help="Files by which the scheduler knows us, and we it.",
)
@device_option
def sweep(
    config: AdditionConfig,
    first_seed: str,
    num_seeds: str,
    shard_size: str,
    shard: str | None,
    keep_weights: bool,
    threads: str | None,
    workers: str | None,
    scheduler: str | None,
    tls: tuple[str, str, str] | None,
    device: str,
) -> None:
    """Train and describe many seeds, in shards; a killed sweep goes on where it was."""
    seeds = seed_range(literal(first_seed), literal(num_seeds))
    size = literal(shard_size)
    if shard is not None:
        cut = blocks(seeds, size)
        seeds = cut[require_int("shard", literal(shard), at_least=0, at_most=len(cut) - 1)]
    swept = run_sweep(
        config,
        seeds,
        shard_size=size,
        keep_weights=keep_weights,
        device=device,
        threads=None if threads is None else literal(threads),
        workers=None if workers is None else literal(workers),
        scheduler=scheduler,
        tls=tls,
    )
    click.echo(
        f"{swept.num_shards} shards, {swept.num_networks} networks, "
        f"{100 * swept.share_learned:.1f} % learned, {swept.wall_s:.0f} s"
    )
