"""What chapter 08 tells of frequencies that go together, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.chapters.frequencies import Bounds
from modlib.maths.groups import signed_freq, units

MAX_RATIOS = 4
"""Ratios that are named one by one."""


class Companion(NamedTuple):
    """Twice or half of a frequency: its rate ``alone`` (None: too few) and ``pooled``."""

    freq: int
    relation: str
    alone: Bounds | None
    pooled: Bounds
    expected: float


class Company(NamedTuple):
    """What goes with one frequency; ``less``, ``more``, ``same``: those of ``related`` by their
    pooled interval against the expectation. ``known``: enough networks have such a frequency.

    By symmetry all others have ``num_rates`` pooled rates, ``num_apart`` of them with an interval
    without the expected one.
    """

    freq: int
    num_having: int
    known: bool
    related: list[Companion]
    less: list[int]
    more: list[int]
    same: list[int]
    num_rates: int
    num_apart: int


def company(table: pd.DataFrame, freq: int, num_having: int, n: int) -> Company:
    """What goes with one frequency: twice and half of it, alone and pooled, against the null."""
    below, above = table.pooled_high < table.expected, table.pooled_low > table.expected
    related = table.relation != ""
    known = not table.pooled.isna().all()
    less, more, same = (
        table.freq[related & chosen].tolist() for chosen in (below, above, ~below & ~above)
    )
    pairs = table.freq.map(lambda other: orbit(freq, other, n))
    return Company(
        freq=freq,
        num_having=num_having,
        known=known,
        related=[
            Companion(
                freq=row.freq,
                relation=row.relation,
                alone=None if np.isnan(row.rate) else (row.rate, row.low, row.high),
                pooled=(row.pooled, row.pooled_low, row.pooled_high),
                expected=row.expected,
            )
            for row in table[related].itertuples()
            if known
        ],
        less=less,
        more=more,
        same=same,
        num_rates=pairs[~related].nunique(),
        num_apart=pairs[~related & (below | above)].nunique(),
    )


def orbit(freq: int, other: int, n: int) -> tuple[int, ...]:
    """The first of the pairs into which units carry two frequencies: the same for equal rates."""
    return min(
        tuple(sorted((signed_freq(u * freq, n), signed_freq(u * other, n)))) for u in units(n)
    )


class Ratio(NamedTuple):
    """Pairs of one ratio, seen and expected, and ``bounds`` of their quotient.

    ``others``: of ``num_others`` ratios the first few of the ``num_sure`` whose interval leaves 1
    out, farthest from 1 first, as (ratio, bounds).
    """

    name: str
    ratio: int
    observed: int
    expected: int
    bounds: Bounds
    others: list[tuple[int, Bounds]]
    num_others: int
    num_sure: int


def ratios(lifts: Mapping[str, pd.DataFrame], marked: int = 2) -> list[Ratio]:
    """The lift of one ratio, and which others leave chance behind; sets that tell nothing left out.

    A set tells nothing where no pair is expected.
    """
    found = []
    for name, table in lifts.items():
        rows, rest = table[table.ratio == marked], table[table.ratio != marked]
        if rows.empty or not rows.expected.iloc[0] > 0 or np.isnan(rows.low.iloc[0]):
            continue
        row = rows.iloc[0]
        sure = rest[(rest.high < 1) | (rest.low > 1)]
        far = sure.reindex((sure.lift - 1).abs().sort_values(ascending=False).index)
        found.append(
            Ratio(
                name=name,
                ratio=marked,
                observed=round(row.observed),
                expected=round(row.expected),
                bounds=(float(row.lift), float(row.low), float(row.high)),
                others=[
                    (o.ratio, (o.lift, o.low, o.high)) for o in far.head(MAX_RATIOS).itertuples()
                ],
                num_others=len(rest),
                num_sure=len(sure),
            )
        )
    return found


def avoids_doubles(lifts: Mapping[str, pd.DataFrame]) -> list[str]:
    """The sets in which f and 2f are together less often than by chance."""
    return [name for name, table in lifts.items() if (table.high[table.ratio == 2] < 1).any()]
