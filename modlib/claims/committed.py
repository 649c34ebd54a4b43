"""The committed tables as measures read them: each folder once, for all claims together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from modlib.analysis.macro.tables import NetworkTables
from modlib.analysis.many_seeds.sweep_tables import SweepTables, that_learned
from modlib.claims.verdict import MissingExport
from modlib.errors import InputError
from modlib.machine import RESULTS
from modlib.maths.intervals import Interval, bootstrap_over_seeds, mean_over_seeds
from modlib.results.clock_pizza import FOLDER as CLOCK_PIZZA
from modlib.results.clock_pizza import ExportedClockPizza, read_clock_pizza
from modlib.results.remainders import FOLDER as REMAINDERS
from modlib.results.remainders import ExportedRemainders, read_remainders
from modlib.results.sample import read_export
from modlib.results.sweeps import SWEEPS, read_sweep_export

REGIMES = {"n": "", "full": "-full"}
"""Batch regimes and how their presets' names end."""
BATCH_N = ("A91", "A89")
"""Presets of the default set-up; claims that name no modulus pool both."""

_roots = [RESULTS]
"""The root of the tables that are read is the last."""
_asked: list[set[Path]] = []
"""Folders that were asked for, there or not, by those who want to know."""

Found = TypeVar("Found")


@contextmanager
def reading_from(root: Path) -> Iterator[None]:
    """Measure on the tables under another root than ``results/``."""
    _roots.append(root)
    try:
        yield
    finally:
        _roots.pop()


@contextmanager
def noting() -> Iterator[set[Path]]:
    """The folders that are asked for meanwhile."""
    _asked.append(set())
    try:
        yield _asked[-1]
    finally:
        _asked.pop()


def _folder(*parts: str) -> Path:
    """The root of the tables that are read, from which this folder below it is asked for."""
    for asked in _asked:
        asked.add(_roots[-1].joinpath(*parts))
    return _roots[-1]


def find_sample(name: str) -> NetworkTables | None:
    """Described networks of a preset, None where nothing is committed; as the three that follow."""
    return _sample(name, _folder(name))


def find_sweep(name: str) -> SweepTables | None:
    """The tables of a preset's sweep."""
    return _sweep(name, _folder(SWEEPS, name))


def find_remainders(name: str) -> ExportedRemainders | None:
    """Paper B's networks of a preset."""
    return _remainders(name, _folder(REMAINDERS, name))


def find_clock_pizza() -> ExportedClockPizza | None:
    """Clocks and pizzas."""
    return _clock_pizza(_folder(CLOCK_PIZZA))


_sample = lru_cache(maxsize=None)(read_export)
_sweep = lru_cache(maxsize=None)(read_sweep_export)
_remainders = lru_cache(maxsize=None)(read_remainders)
_clock_pizza = lru_cache(maxsize=None)(read_clock_pizza)


def there(name: str, found: Found | None) -> Found:
    """What was found; raises ``MissingExport`` where nothing was."""
    if found is None:
        raise MissingExport(name)
    return found


def sweep_tables(name: str, *, learned_only: bool = True) -> SweepTables:
    """The committed tables of a preset, of its networks that learned.

    Raises ``MissingExport`` where there are none.
    """
    tables = there(name, find_sweep(name))
    return that_learned(tables) if learned_only else tables


def networks_of(name: str) -> pd.DataFrame:
    """A row a network of a preset's sweep that learned."""
    return sweep_tables(name).networks


def remainders(name: str) -> ExportedRemainders:
    """Paper B's networks of a preset; raises ``MissingExport`` where there are none."""
    return there(name, find_remainders(name))


def remainders_of(names: Iterable[str]) -> list[ExportedRemainders]:
    """Those of several presets that are committed, finished or not."""
    found = map(find_remainders, names)
    return [exported for exported in found if exported is not None]


def clock_pizza() -> ExportedClockPizza:
    """Clocks and pizzas; raises ``MissingExport`` where there are none."""
    return there(CLOCK_PIZZA, find_clock_pizza())


def pooled_sample(
    part: str, presets: Sequence[str] = BATCH_N, *, learned_only: bool = True
) -> pd.DataFrame:
    """A part of the exports of several presets, with a column ``unit`` for the network.

    Networks that did not learn are left out, unless the claim is about all runs. Raises
    ``MissingExport``.
    """
    blocks = []
    for name in presets:
        tables = there(name, find_sample(name))
        block = getattr(tables, part)
        if learned_only:
            block = block[block.seed.isin(tables.summary.loc[tables.summary.learned, "seed"])]
        n = int(tables.summary.n.iloc[0])
        blocks.append(block.assign(modulus=n, unit=[f"{name}/{seed}" for seed in block.seed]))
    return pd.concat(blocks, ignore_index=True)


def by_seed(table: pd.DataFrame) -> list[pd.DataFrame]:
    """A table's rows, a block a network."""
    return [block for _, block in table.groupby("unit", sort=True)]


def bootstrap(
    table: pd.DataFrame, columns: Sequence[str], statistic: Callable[[np.ndarray], float]
) -> tuple[float, float, float, int]:
    """A statistic of the rows' columns with its interval over seeds, and the number of seeds."""
    unit, names = pd.factorize(table.unit, sort=True)
    rows = table[list(columns)].to_numpy(dtype=float)[np.argsort(unit, kind="stable")]
    per_seed = np.split(rows, np.cumsum(np.bincount(unit, minlength=len(names)))[:-1])
    found = bootstrap_over_seeds(per_seed, lambda chosen: float(statistic(np.concatenate(chosen))))
    return *found, len(per_seed)


def rank_correlation(table: pd.DataFrame, x: str, y: str) -> tuple[float, float, float, int]:
    """Spearman's correlation of two columns with its interval over seeds, and their number."""
    if table[[x, y]].isna().to_numpy().any():
        raise InputError(f"{x} and {y}", "be finite in every row", "NaN")
    ids = {name: np.unique(table[name].to_numpy(), return_inverse=True)[1] for name in (x, y)}

    def correlation(rows: np.ndarray) -> float:
        ranks = np.stack([_mid_ranks(column.astype(int)) for column in rows.T], axis=1)
        return float(np.corrcoef(ranks, rowvar=False)[1, 0])

    return bootstrap(table.assign(**ids), [x, y], correlation)


def _mid_ranks(ids: np.ndarray) -> np.ndarray:
    """Ranks of values that are numbered in their order; equal ones share their mean rank."""
    counts = np.bincount(ids)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[ids])


def mean_of(values: pd.Series | np.ndarray) -> Interval:
    """Mean over networks with its interval."""
    return mean_over_seeds(np.asarray(values, dtype=float)[:, None]).at(0)


def with_bounds(interval: Interval, digits: int = 2) -> str:
    """``4.61 (4.55 to 4.67)``."""
    value, low, high = (f"{part:.{digits}f}" for part in interval)
    return f"{value} ({low} to {high})"
