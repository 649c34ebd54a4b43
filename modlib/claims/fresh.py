"""The committed tables of the second edition: networks on fresh seeds, by the job that trains them.

A measure names jobs of the queue; it gets their networks once all are committed, and a claim is
pending before, with what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from modlib.analysis.macro.tables import NetworkTables
from modlib.analysis.many_seeds.sweep_tables import SweepTables, modulus, select, that_learned
from modlib.analysis.remainders.grokking import final_accuracy
from modlib.claims import committed
from modlib.claims.verdict import MissingExport
from modlib.config.presets import ADDITION_PRESETS
from modlib.errors import require_choice
from modlib.machine import results_of
from modlib.queue.jobs import JOBS, Job
from modlib.results.clock_pizza import ExportedClockPizza
from modlib.results.remainders import TABLES, ExportedRemainders
from modlib.results.sweeps import require_columns

EDITION = "2"
BOTH, DESCRIBED = ("A91", "A89"), ("A91-described", "A89-described")
"""Jobs of paper A's own setting, at both moduli: as sweeps, and described whole."""
CODE = "B113-code"
PAPER = (CODE, "B113-code-third")
"""Jobs of paper B's own setting, with the share trained on and the digits of its program."""
SHUFFLED, UNTRAINED, NANDA = "B113-code-shuffled", "B113-untrained", "B113-nanda-learns"
"""Jobs: the same on shuffled labels, before the first step, and modular addition that learns."""
SMALL, SMALL_SHUFFLED, SMALL_UNTRAINED = "B37", "B37-basis", "B37-untrained"
SMALL_NANDA = "B37-nanda"
"""The same at p = 37."""
ADDS_FROM = 0.99
"""Validation accuracy from which a network of modular addition has learned to add."""
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


def pooled(table: str, *, needs: Sequence[str] = ()) -> pd.DataFrame:
    """A table of the sweeps of ``BOTH``, with columns ``n`` and ``unit``, the network.

    ``needs``: columns of it that older versions lack.
    """
    blocks = []
    for place, job in enumerate(BOTH):
        tables = sweep(job, needs={table: needs})
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

    ``run`` is the folder's first network, whichever jobs are asked for.
    """
    wanted = jobs_of(*jobs)
    name = wanted[0].presets[0]
    with committed.reading_from(results_of(EDITION)):
        tables = committed.find_remainders(name)
    _require(wanted, name, [] if tables is None else tables.seeds)
    assert tables is not None
    return _of_seeds(tables, {seed for job in wanted for seed in job.seeds})


def _of_seeds(tables: ExportedRemainders, seeds: Collection[int]) -> ExportedRemainders:
    """The networks of these seeds among those of the tables."""
    if set(seeds).issuperset(tables.seeds):
        return tables
    found = {name: getattr(tables, name) for name in TABLES}
    return replace(tables, **{name: table[table.seed.isin(seeds)] for name, table in found.items()})


def that_add(job: str) -> tuple[ExportedRemainders, str]:
    """A job's networks on modular addition that learned to add, and how many where some did not.

    Raises ``MissingExport`` as ``sweep``, and where none did.
    """
    tables = remainders(job)
    right = final_accuracy(tables.history).min(axis=1) >= ADDS_FROM
    if not right.any():
        raise MissingExport(f"a network {tables.preset} that learned to add")
    apart = f"{right.sum()} of {len(right)} networks {job} learned to add"
    return _of_seeds(tables, right.index[right]), "" if right.all() else apart


def columns_of(tables: ExportedRemainders, table: str, names: Sequence[str]) -> pd.DataFrame:
    """Columns of a table; ``MissingExport`` where one of an earlier version lacks them."""
    found = getattr(tables, table)
    lacking = [name for name in names if name not in found]
    if lacking:
        raise MissingExport(
            f"{tables.preset}: {table} has no column {', '.join(lacking)}; export it again"
        )
    return found[list(names)]


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
