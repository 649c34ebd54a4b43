"""What chapter 08 tells of thousands of networks and their choices, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds import embedding_weights as ew
from modlib.analysis.many_seeds.sweep_tables import SweepTables
from modlib.analysis.many_seeds.uniformity import Uniformity
from modlib.chapters.words import Rows, fixed, interval, percent, significant
from modlib.config.addition import AdditionConfig

REJECTS_BELOW = 0.01
"""The p value under which the tests of this chapter tell something from chance."""
Bounds = tuple[float, float, float]
"""A value and both ends of its interval."""


def networks(sets: Mapping[str, SweepTables | None]) -> Rows:
    """The sets of networks: how many, of which seeds, and how many learned."""
    cells = []
    for name, tables in sets.items():
        if tables is None:
            cells.append((name, "not committed", "", ""))
            continue
        seeds, learned = tables.networks.seed, tables.networks.learned
        share = percent(float(learned.mean()))
        cells.append((name, fixed(len(seeds), 0), f"{seeds.min()} to {seeds.max()}", share))
    names = ("set", "networks", "seeds", "learned")
    return {title: [row[i] for row in cells] for i, title in enumerate(names)}


class Few(NamedTuple):
    """How many of the ``total`` networks of a set learned."""

    n: int
    total: int
    learned: int


def few(config: AdditionConfig, tables: SweepTables) -> Few:
    """Whether the networks are too few for the statistics of this chapter."""
    return Few(config.n, len(tables.networks), int(tables.networks.learned.sum()))


def weights(sets: Mapping[str, SweepTables]) -> Rows:
    """Shares of the embedding weights beyond 1 and near 0, and the largest; {} without sets."""
    if not sets:
        return {}
    tables = [tables.networks for tables in sets.values()]
    return {
        "set-up": list(sets),
        "networks": [fixed(len(t), 0) for t in tables],
        "beyond ±1": [percent(float(t.share_above_1.mean())) for t in tables],
        "within ±.025": [percent(float(t.share_within_025.mean())) for t in tables],
        "99.9 % quantile": [fixed(t.abs_q999.mean()) for t in tables],
        "maximum, mean": [fixed(t.abs_max.mean()) for t in tables],
        "maximum, of all": [fixed(t.abs_max.max()) for t in tables],
    }


class Spread(NamedTuple):
    """Of networks with batches of n: the epochs that have figure 3's ``shares``, both, and its
    ``range``, and those with ``all`` three; ``able``: the most of the networks that can add at
    one of the first. () where it is not known.
    """

    shares: tuple[int, ...]
    range: tuple[int, ...]
    all: tuple[int, ...]
    able: float


def spread(found: pd.DataFrame) -> Spread:
    """``found``: ``embedding_weights.spread_over_training``."""
    kept = ew.fits(found)
    epochs = {name: tuple(found.epoch[kept[name]].astype(int).tolist()) for name in kept}
    able = found.able[kept.shares]
    return Spread(**epochs, able=float(able.max()) if len(able) else float("nan"))


def numbers(means: pd.DataFrame, logs: Mapping[str, float]) -> Rows:
    """Mean numbers of clusters by set-up, with intervals and deviations, and ln n."""
    bounds = zip(means["mean"], means.low, means.high, strict=True)
    return {
        "set-up": [*means.name, *logs],
        "mean clusters (95 %)": [*(interval(*b) for b in bounds), *map(fixed, logs.values())],
        "s.d.": [*map(fixed, means.deviation), *[""] * len(logs)],
    }


class Middles(NamedTuple):
    """(set-up, its mean number of clusters) and (logarithm's name, its value), in words."""

    sets: list[tuple[str, str]]
    logs: list[tuple[str, str]]


def middles(means: pd.DataFrame, logs: Mapping[str, float]) -> Middles:
    """Mean numbers of clusters; ``means``: of ``distributions.means`` by ``name``."""
    return Middles(
        sets=[(row.name, fixed(row.mean)) for row in means.itertuples(index=False)],
        logs=[(name, fixed(value)) for name, value in logs.items()],
    )


class Thresholds(NamedTuple):
    """Mean clusters with the thresholds of the book; the ``least`` and ``most`` over all; and how
    far the limit of dead neurons alone moves the mean."""

    chosen: float
    least: float
    most: float
    moved: float


def thresholds(table: pd.DataFrame, defaults: tuple[int, float]) -> Thresholds:
    """How far the mean number of clusters moves with (smallest cluster, limit of dead neurons)."""
    of_size = table[table.min_size == defaults[0]]
    chosen = of_size[of_size.dead_below == defaults[1]]["mean"]
    return Thresholds(
        chosen=float(chosen.iloc[0]),
        least=float(table["mean"].min()),
        most=float(table["mean"].max()),
        moved=float(np.ptp(of_size["mean"])),
    )


class Rate(NamedTuple):
    """The mean rate of a frequency in a set; the extremes as (freq, rate)."""

    name: str
    mean: float
    most: tuple[int, float]
    least: tuple[int, float]


def rates(tables: Mapping[str, pd.DataFrame]) -> list[Rate]:
    """Mean rate of a frequency, and the extremes, by set."""
    found = []
    for name, table in tables.items():
        most, least = (
            (int(table.freq[at]), float(table.rate[at]))
            for at in (table.rate.idxmax(), table.rate.idxmin())
        )
        found.append(Rate(name, float(table.rate.mean()), most, least))
    return found


def uniformity(within: Mapping[int, Uniformity]) -> Rows:
    """Spread of the rates inside each gcd class, against draws."""
    tests = within.values()
    return {
        "gcd(f, n)": ["all classes" if common == 0 else str(common) for common in within],
        "spread of the rates": [percent(test.spread) for test in tests],
        "draws: median": [percent(test.chance) for test in tests],
        "draws: 95 % below": [percent(test.chance_high) for test in tests],
        "p": [significant(test.p_value) for test in tests],
    }


class Planted(NamedTuple):
    """``rows``: a set of made-up networks each, {} without; ``missed``: planted preferences that
    are not told from chance."""

    rows: Rows
    missed: list[str]


def planted(controls: Mapping[str, Mapping[int, Uniformity]]) -> Planted:
    """What the test makes of made-up networks: the first set without a preference, others with."""
    tests = {name: within[0] for name, within in controls.items() if 0 in within}
    if not tests:
        return Planted({}, [])
    told = {name: test.p_value < REJECTS_BELOW for name, test in tests.items()}
    rows = {
        "made-up networks": list(tests),
        "spread of the rates": [percent(test.spread) for test in tests.values()],
        "draws: 95 % below": [percent(test.chance_high) for test in tests.values()],
        "p": [significant(test.p_value) for test in tests.values()],
        f"p below {REJECTS_BELOW}": ["yes" if found else "no" for found in told.values()],
    }
    preferred = list(controls)[1:]
    return Planted(rows, [name for name in preferred if not told.get(name, True)])


class Classes(NamedTuple):
    """Rates of the gcd classes over the mean rate, as (gcd, bounds, frequencies in it).

    ``classes`` is empty where there is one class only, or no cluster at all.
    """

    name: str
    n: int
    prime: bool
    classes: list[tuple[int, Bounds, int]]
    spread: float
    chance: float
    p_value: float


def classes(name: str, table: pd.DataFrame, test: Uniformity, n: int) -> Classes:
    """Rates of the gcd classes against each other."""
    known = len(table) > 1 and bool(np.isfinite(table[["ratio", "low", "high"]]).all(axis=None))
    rows = [(r.gcd, (r.ratio, r.low, r.high), r.num_freqs) for r in table.itertuples()]
    tested = (test.spread, test.chance, test.p_value)
    return Classes(name, n, len(table) < 2, rows if known else [], *tested)


def title_of_sum(name: str, num_summed: int, num_networks: int) -> str:
    """What a committed sum is over, where a page describes ``num_networks`` of its networks."""
    committed = "" if num_summed == num_networks else "committed "
    return f"{name}: all {num_summed:,} {committed}networks"


class Ranks(NamedTuple):
    """One cluster alone: shares of the pairs with the right answer ``first``, and with five before
    it at most; the mean rank, that of a ``guess``, and what 90 % of the clusters have.

    ``exact``: share that is first for clusters on exact cosets, and for the others; None where one
    kind is missing.
    """

    name: str
    num_clusters: int
    num_networks: int
    first: float
    within_five: float
    rank: float
    guess: float
    middle: tuple[float, float]
    exact: tuple[float, float] | None


def ranks(name: str, clusters: pd.DataFrame, num_networks: int, n: int) -> Ranks:
    """How often one cluster alone is right, and how this differs from cluster to cluster."""
    exact, others = clusters[clusters.gcd > 1], clusters[clusters.gcd == 1]
    low, high = clusters.rank_mean.quantile([0.05, 0.95])
    both = (float(exact.rank_0.mean()), float(others.rank_0.mean()))
    return Ranks(
        name=name,
        num_clusters=len(clusters),
        num_networks=num_networks,
        first=float(clusters.rank_0.mean()),
        within_five=float(clusters.rank_5.mean()),
        rank=float(clusters.rank_mean.mean()),
        guess=(n - 1) / 2,
        middle=(float(low), float(high)),
        exact=both if len(exact) and len(others) else None,
    )


class Answer(NamedTuple):
    """The chapter's three questions: by set its name, mean clusters, mean rate of a frequency, and
    the lift of f and 2f (None: not known)."""

    sets: list[tuple[str, Bounds, float, Bounds | None]]


def answer(
    means: pd.DataFrame, tables: Mapping[str, pd.DataFrame], lifts: Mapping[str, pd.DataFrame]
) -> Answer:
    """``means``: ``distributions.means`` by ``name``; ``tables``: ``rates_by_freq``; ``lifts``:
    ``company.ratio_lifts``, the last two by set."""
    found = []
    for row in means[means.name.isin(list(tables))].itertuples():
        double = lifts[row.name]
        known = double[(double.ratio == 2) & (double.expected > 0)].dropna()
        bounds = [(one.lift, one.low, one.high) for one in known.itertuples()]
        rate = float(tables[row.name].rate.mean())
        found.append((row.name, (row.mean, row.low, row.high), rate, next(iter(bounds), None)))
    return Answer(found)
