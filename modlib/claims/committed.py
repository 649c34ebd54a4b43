"""The committed tables as measures read them: once, and only of networks that learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from modlib.analysis.macro.tables import Tables
from modlib.claims.verdict import MissingExport, bootstrap_over_seeds
from modlib.maths.intervals import Estimate, mean_over_seeds
from modlib.results.sample import read_export
from modlib.results.shown import that_learned
from modlib.results.sweeps import SweepTables, read_sweep_export, require_columns

REGIMES = {"n": "", "full": "-full"}
"""Batch regimes and how their presets' names end."""


@lru_cache(maxsize=64)
def exported_sweep(name: str) -> SweepTables | None:
    return read_sweep_export(name)


def sweep_tables(
    name: str, *, learned_only: bool = True, needs: Mapping[str, Sequence[str]] | None = None
) -> SweepTables:
    """The committed tables of a preset, of its networks that learned.

    ``needs``: columns by table that older versions lack, see ``results.sweeps.require_columns``.
    Raises ``MissingExport`` where there are none.
    """
    tables = exported_sweep(name)
    if tables is None:
        raise MissingExport(name)
    require_columns(name, tables, needs or {})
    return that_learned(tables) if learned_only else tables


def networks_of(name: str) -> pd.DataFrame:
    return sweep_tables(name).networks


def first_of(estimate: Estimate) -> tuple[float, float, float]:
    return float(estimate.value[0]), float(estimate.low[0]), float(estimate.high[0])


def mean_of(values: pd.Series | np.ndarray) -> tuple[float, float, float]:
    return first_of(mean_over_seeds(np.asarray(values, dtype=float)[:, None]))


def with_bounds(value: float, low: float, high: float, digits: int = 2) -> str:
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


BATCH_N = ("A91", "A89")
"""Presets of the default set-up; claims that name no modulus pool both."""


@lru_cache(maxsize=8)
def sample_tables(name: str) -> Tables | None:
    return read_export(name)


def pooled_sample(
    part: str, presets: Sequence[str] = BATCH_N, *, learned_only: bool = True
) -> pd.DataFrame:
    """A part of the exports of several presets, with a column ``unit`` for the network.

    Networks that did not learn are left out, unless the claim is about all runs. Raises
    ``MissingExport``.
    """
    blocks = []
    for name in presets:
        tables = sample_tables(name)
        if tables is None:
            raise MissingExport(name)
        block = getattr(tables, part)
        if learned_only:
            block = block[block.seed.isin(tables.summary.loc[tables.summary.learned, "seed"])]
        n = int(tables.summary.n.iloc[0])
        blocks.append(block.assign(modulus=n, unit=[f"{name}/{seed}" for seed in block.seed]))
    return pd.concat(blocks, ignore_index=True)


def by_seed(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [block for _, block in table.groupby("unit", sort=True)]


def bootstrap(
    table: pd.DataFrame, columns: Sequence[str], statistic: Callable[[np.ndarray], float]
) -> tuple[float, float, float, int]:
    """A statistic of the rows' columns with its interval over seeds, and the number of seeds."""
    per_seed = [block[list(columns)].to_numpy(dtype=float) for block in by_seed(table)]
    value, low, high = bootstrap_over_seeds(
        per_seed, lambda chosen: float(statistic(np.concatenate(chosen)))
    )
    return value, low, high, len(per_seed)
