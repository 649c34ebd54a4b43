"""``python -m modlib queue``."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from modlib.cli.options import OneLine, device_option, literal, num_threads, threads_option
from modlib.machine import require_checkout, resolve_device, results_of
from modlib.queue import jobs as queue_jobs
from modlib.queue.run import Runner, held
from modlib.queue.state import Done, look
from modlib.store.runs import Store

results_option = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=results_of("2"),
    help="Folder of the tables.  [default: results/edition2]",
)


@click.group(cls=OneLine)
def queue() -> None:
    """Long trainings in order of priority, for the second edition of the ledger."""


@queue.command(name="list")
@results_option
def list_queue(results: Path) -> None:
    """List the jobs, the most urgent first: state, core-hours, what they are for.

    The state is done, trained (but not in the tables yet), waiting, or the share of the steps that
    are made; a star says that a runner is at it.
    """
    store = Store()
    for job in queue_jobs.JOBS:
        found = look(job, store, results)
        state = "refused" if isinstance(found, str) else state_of(job, found, store)
        refusal = f"; {found}" if isinstance(found, str) else ""
        cost = f"{job.core_hours:5.1f} core-hours"
        click.echo(f"{job.name:23}  {state:9}  {cost}  {job.purpose}{refusal}")


@queue.command(name="run")
@click.argument("names", nargs=-1, metavar="[JOB]...")
@threads_option
@click.option("--for", "hours", help="Stop after so many hours.  [default: when all is done]")
@click.option("--block", help="Networks after which a sweep's tables grow.  [default: all]")
@results_option
@device_option
def run_queue(
    names: tuple[str, ...],
    threads: str | None,
    hours: str | None,
    block: str | None,
    results: Path,
    device: str,
) -> None:
    """Train what is missing of the jobs and write their tables.

    Without names, all jobs in their order. Stopped at any moment, in any way, the same command
    goes on where it was. A job that is refused is told in a line, and the next one is taken; the
    exit status is then 1.
    """
    require_checkout("results", results)
    on_gpu = resolve_device(device).type == "cuda"
    jobs = queue_jobs.chosen(names, queue_jobs.JOBS, gpu=on_gpu)
    with stopped_by_sigterm():
        runner = Runner(
            store=Store(),
            results=results,
            threads=num_threads(threads),
            device=device,
            hours=None if hours is None else literal(hours),
            block=None if block is None else literal(block),
            say=functools.partial(click.echo, err=True),
        )
        failed = runner.run(jobs)
    if failed:
        sys.exit(1)


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let the signal that ends a process stop it as the one from the keyboard does."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@queue.command(name="status")
@results_option
def queue_status(results: Path) -> None:
    """Print what ran: networks, steps, hours."""
    store = Store()
    for job in queue_jobs.JOBS:
        found = look(job, store, results)
        said = found if isinstance(found, str) else words_of_done(job, found, store)
        click.echo(f"{job.name:23}  {said}")


def state_of(job: queue_jobs.Job, done: Done, store: Store) -> str:
    """How far a job is, and a star where a runner has it."""
    with held(store, job) as free:
        return done.words if free else f"{done.words} *"


def words_of_done(job: queue_jobs.Job, done: Done, store: Store) -> str:
    """What of a job ran; hours are those of the trainings, one beside the other."""
    networks = f"{done.finished:6,} of {done.networks:6,} networks, {done.exported:6,} in tables"
    return (
        f"{state_of(job, done, store):9}  {networks}"
        f"  {done.steps:13,} steps  {done.seconds / 3600:7.2f} hours"
    )
