"""The committed tables of the second edition: networks on fresh seeds, by the job that trains them.

A measure names jobs of the queue; it gets their networks once all are committed, and a claim is
pending before, with what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from modlib.analysis.macro.tables import NetworkTables
from modlib.analysis.many_seeds.sweep_tables import SweepTables, modulus, select, that_learned
from modlib.claims import committed
from modlib.claims.verdict import MissingExport
from modlib.config.presets import ADDITION_PRESETS
from modlib.errors import require_choice
from modlib.machine import results_of
from modlib.queue.jobs import JOBS, Job
from modlib.results.clock_pizza import ExportedClockPizza
from modlib.results.remainders import ExportedRemainders
from modlib.results.sweeps import require_columns

EDITION = "2"
UNITS = 10**7
"""Distance of the units of one job's networks from the next one's."""


def jobs_of(*names: str) -> list[Job]:
    """The jobs of these names; ``InputError`` for one that the queue does not have."""
    known = {job.name: job for job in JOBS}
    return [known[require_choice("job", name, known)] for name in names]


def sweep(
    *jobs: str,
    preset: str | None = None,
    also: Sequence[str] = (),
    learned_only: bool = True,
    needs: Mapping[str, Sequence[str]] | None = None,
) -> SweepTables:
    """The tables of the networks of jobs that train the same preset, of those that learned.

    ``preset``: which of several. ``also``: jobs whose networks are taken too where all of them are
    committed. ``needs``: see ``results.sweeps.require_columns``. Raises
    ``MissingExport`` where networks of a job are not committed.
    """
    wanted = jobs_of(*jobs)
    name = preset or wanted[0].presets[0]
    with committed.reading_from(results_of(EDITION)):
        tables = committed.find_sweep(name)
    found: set[int] = set() if tables is None else set(tables.networks.seed.tolist())
    _require(wanted, name, found)
    assert tables is not None
    require_columns(name, tables, needs or {})
    wanted += [job for job in jobs_of(*also) if found.issuperset(job.seeds)]
    chosen = select(tables, [seed for job in wanted for seed in job.seeds])
    return that_learned(chosen) if learned_only else chosen


def pooled(
    table: str,
    jobs: Sequence[str] = ("A91", "A89"),
    *,
    learned_only: bool = True,
    needs: Sequence[str] = (),
) -> pd.DataFrame:
    """A table of several jobs' sweeps, with columns ``n`` and ``unit``, the network.

    ``needs``: columns of it that older versions lack.
    """
    blocks = []
    for place, job in enumerate(jobs):
        tables = sweep(job, learned_only=learned_only, needs={table: needs})
        block = getattr(tables, table)
        blocks.append(block.assign(n=modulus(tables), unit=block.seed + place * UNITS))
    return pd.concat(blocks, ignore_index=True)


def pooled_sample(part: str, jobs: Sequence[str], *, learned: bool = True) -> pd.DataFrame:
    """A part of the tables of several jobs' described networks, as ``pooled``."""
    blocks = []
    for place, (job, tables) in enumerate(zip(jobs, sample(*jobs, learned=learned), strict=True)):
        n = ADDITION_PRESETS[jobs_of(job)[0].presets[0]].n
        block = getattr(tables, part)
        blocks.append(block.assign(n=n, unit=block.seed + place * UNITS))
    return pd.concat(blocks, ignore_index=True)


def sample(*jobs: str, learned: bool = True) -> list[NetworkTables]:
    """Networks of jobs that describe them whole, of those that learned, job by job.

    ``learned`` False: of all. Raises ``MissingExport`` as ``sweep``.
    """
    found = []
    for job in jobs_of(*jobs):
        (name,) = job.presets
        with committed.reading_from(results_of(EDITION)):
            tables = committed.find_sample(name)
        _require([job], name, [] if tables is None else tables.summary.seed.tolist())
        assert tables is not None
        wanted = tables.summary.learned | (not learned)
        kept = tables.summary.seed[wanted & tables.summary.seed.isin(job.seeds)]
        found.append(NetworkTables(*(table[table.seed.isin(kept)] for table in tables)))
    return found


def remainders(*jobs: str) -> ExportedRemainders:
    """Paper B's networks of jobs that train the same preset; ``MissingExport`` as ``sweep``.

    Where the folder holds more networks, they are there too.
    """
    wanted = jobs_of(*jobs)
    name = wanted[0].presets[0]
    with committed.reading_from(results_of(EDITION)):
        tables = committed.find_remainders(name)
    _require(wanted, name, [] if tables is None else tables.seeds)
    assert tables is not None
    return tables


def clock_pizza(*jobs: str) -> ExportedClockPizza:
    """Clocks and pizzas of jobs; ``MissingExport`` as ``sweep``."""
    with committed.reading_from(results_of(EDITION)):
        tables = committed.find_clock_pizza()
    for job in jobs_of(*jobs):
        (preset,) = job.presets
        rate = float(preset.rpartition("-")[2])
        ours = None if tables is None else tables.of("ours")
        found = [] if ours is None else ours.seed[ours.rate == rate].tolist()
        _require([job], preset, found)
    assert tables is not None
    return tables


def _require(jobs: Sequence[Job], preset: str, found: Collection[int]) -> None:
    """Raise ``MissingExport`` unless all seeds of the jobs are there."""
    held, wanted = set(found), {seed for job in jobs for seed in job.seeds}
    if held.issuperset(wanted):
        return
    lacking = [job.name for job in jobs if not held.issuperset(job.seeds)]
    named = f" ({'job' if len(lacking) == 1 else 'jobs'} {', '.join(lacking)})"
    by = "" if lacking == [preset] else named
    networks = "network" if len(wanted) == 1 else "networks"
    there = len(held & wanted)
    raise MissingExport(f"{there:,} of {len(wanted):,} {networks} {preset}{by} committed")
