"""What arrays and tables that are read back must be: said beside what reads them, checked once.

Checksums guard against accidents. What fits its checksum may still be of another kind, size or
seed, so it is looked at before anything is computed from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

LARGEST = float(np.finfo(np.float64).max)
"""Above every finite number: what a column has at most where nothing is said."""


class Array(NamedTuple):
    """What an array must be.

    ``at``: the times in its first column (in itself, where it has one axis); ``nan``: whether
    numbers may be missing; ``least``, ``most``: its smallest and largest number;
    ``required``: whether it may not be left out; ``together``: whether it may not where another of
    its folder (what its name says before the last ``/``) is there.
    """

    shape: tuple[int, ...]
    dtype: type = np.float32
    at: Sequence[int] | None = None
    nan: bool = False
    least: float = -np.inf
    most: float = np.inf
    required: bool = True
    together: bool = False

    def wrong(self, found: np.ndarray) -> str | None:
        """What is wrong with an array; None where nothing is."""
        if found.shape != self.shape:
            return f"has shape {found.shape}, expected {self.shape}"
        if found.dtype != self.dtype:
            return f"holds {found.dtype}, expected {np.dtype(self.dtype)}"
        if not self.nan and not np.isfinite(found).all():
            return "has numbers that are not finite"
        if (found < self.least).any():
            return f"has numbers below {self.least}"
        if (found > self.most).any():
            return f"has numbers above {self.most}"
        if self.at is None:
            return None
        times = found if found.ndim == 1 else found[:, 0]
        fits = times.tolist() == list(self.at)
        return None if fits else f"was not made after the {len(self.at)} times expected"


def wrong_arrays(
    found: Mapping[str, np.ndarray], expected: Mapping[str, Array], free: Iterable[str] = ()
) -> str | None:
    """What is wrong with a set of arrays; None where nothing is.

    ``free``: how the names of others begin, which must be finite and no more.
    """
    folders = {name.rpartition("/")[0] for name in found}
    for name, array in expected.items():
        due = array.required or (array.together and name.rpartition("/")[0] in folders)
        if name not in found and due:
            return f"{name} is missing"
    for name in sorted(found):
        known = expected.get(name)
        if known is None and not name.startswith(tuple(free)):
            return f"{name} is not expected"
        if reason := (known or Array(found[name].shape, found[name].dtype.type)).wrong(found[name]):
            return f"{name} {reason}"
    return None


def stacked(rows: Mapping[str, Array], count: int) -> dict[str, Array]:
    """Arrays that are so many of these under one another."""
    return {name: row._replace(shape=(count, *row.shape)) for name, row in rows.items()}


class Column(NamedTuple):
    """What a column must be.

    ``dtype``: as numpy names it, ``str``, or ``int32[5]`` for arrays of five; ``nan``: whether
    numbers may be missing; ``words``: those that a column of words has; ``since``: the version of
    the table that brought it, 0 where only some tables have it.
    """

    dtype: str
    least: float = -LARGEST
    most: float = LARGEST
    nan: bool = False
    words: tuple[str, ...] = ()
    since: int = 1

    def wrong(self, found: pd.Series) -> str | None:
        """What is wrong with a column; None where nothing is, and where it has no row."""
        if not len(found):
            return None
        if self.dtype.endswith("]"):
            return self._arrays_wrong(found)
        if str(found.dtype) != self.dtype:
            return f"holds {found.dtype}, expected {self.dtype}"
        if self.dtype == "str":
            others = [] if not self.words else [w for w in found.unique() if w not in self.words]
            return f"has the word {others[0]!r}" if others else None
        if self.dtype == "bool":
            return None
        values = found.to_numpy()
        low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        if not self.nan and np.isnan(values.sum()) and np.isnan(values).any():
            return "has numbers that are missing"
        if low < self.least or high > self.most:
            return f"has numbers outside {self.least:g} to {self.most:g}"
        return None

    def _arrays_wrong(self, found: pd.Series) -> str | None:
        inner, _, length = self.dtype[:-1].partition("[")
        arrays = found.tolist()
        fits = all(isinstance(a, np.ndarray) and a.shape == (int(length),) for a in arrays)
        if not fits or any(str(array.dtype) != inner for array in arrays):
            return f"does not hold {length} numbers {inner} a row"
        low = min(array.min() for array in arrays)
        return f"has numbers below {self.least:g}" if low < self.least else None


def columns(
    names: str,
    dtype: str,
    least: float = -LARGEST,
    most: float = LARGEST,
    *,
    nan: bool = False,
    words: tuple[str, ...] = (),
    since: int = 1,
) -> dict[str, Column]:
    """Columns of one kind by their names, which stand apart by spaces."""
    return dict.fromkeys(names.split(), Column(dtype, least, most, nan, words, since))


Rule = tuple[str, Callable[[pd.DataFrame], bool]]
"""What is said where it does not hold, and whether it holds."""


@dataclass(frozen=True)
class Table:
    """What a table must be: its columns, in any order; ``key``: those in which rows differ.

    ``rules``: what else holds of it.
    """

    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def wrong(self, found: pd.DataFrame) -> str | None:
        """What is wrong with a table; None where nothing is."""
        others = [name for name in found if name not in self.columns]
        if others:
            return f"column {others[0]!r} is not expected"
        version = max((self.columns[name].since for name in found), default=1)
        for name, column in self.columns.items():
            if name not in found:
                if 0 < column.since <= version:
                    return f"column {name} is missing"
            elif reason := column.wrong(found[name]):
                return f"column {name} {reason}"
        if self.key and found.duplicated(list(self.key)).any():
            return f"rows have the same {', '.join(self.key)}"
        return next((said for said, holds in self.rules if not holds(found)), None)


def wrong_tables(
    found: Mapping[str, pd.DataFrame], expected: Mapping[str, Table], seeds: Sequence[int] | None
) -> str | None:
    """What is wrong with tables of some seeds (None: of none); None where nothing is."""
    for name, table in expected.items():
        if reason := table.wrong(found[name]):
            return f"the table {name}: {reason}"
        own = seeds is None or "seed" not in table.columns
        if not own and not found[name].seed.isin(seeds).all():
            return f"the table {name} has rows of other seeds"
    return None


def num_rows(table: pd.DataFrame, seeds: pd.Series) -> np.ndarray:
    """How many rows a table has of each seed."""
    counts: np.ndarray = table.seed.value_counts().reindex(seeds, fill_value=0).to_numpy()
    return counts
