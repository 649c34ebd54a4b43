"""What chapter 08 tells of thousands of networks: rates, lifts, and a search, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Shaped

from modlib.analysis.many_seeds.frequencies import Uniformity, ratio_lifts
from modlib.analysis.many_seeds.sweep_tables import SweepTables, presence, select, that_learned
from modlib.chapters.words import Rows, fixed, interval, percent, significant
from modlib.config.addition import AdditionConfig
from modlib.maths.groups import signed_freq, units
from modlib.maths.intervals import equivalence, mean_over_seeds

REJECTS_BELOW = 0.01
"""The p value under which the tests of this chapter tell something from chance."""
RUNS = 100_000
"""The paper counts the neurons of figure A25 in so many runs."""
MAX_RATIOS, MAX_RELATIONS, MAX_ALIKE = 4, 3, 5
"""Ratios, relations and networks that are named one by one."""

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


def numbers(means: pd.DataFrame, logs: Mapping[str, float]) -> Rows:
    """Mean numbers of clusters by set-up, with intervals and deviations, and ln n."""
    bounds = zip(means["mean"], means.low, means.high, strict=True)
    return {
        "set-up": [*means.name, *logs],
        "mean clusters (95 %)": [*(interval(*b) for b in bounds), *map(fixed, logs.values())],
        "s.d.": [*map(fixed, means.deviation), *[""] * len(logs)],
    }


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


class Regime(NamedTuple):
    """``bounds`` of a difference, full batch less batch n, its margin, and p of "not within"."""

    what: str
    bounds: Bounds
    margin: float
    p_value: float


def regimes(tests: Mapping[str, tuple[tuple[float, ...], float]]) -> list[Regime]:
    """Differences between the batch regimes and their margins."""
    return [
        Regime(what, (difference, low, high), margin, p_value)
        for what, ((difference, low, high, p_value), margin) in tests.items()
    ]


class TrainedOn(NamedTuple):
    """``num`` networks followed to a later end: share whose set of frequencies ``changed``; mean
    ``change`` of their number of clusters with its interval. No network: nothing to tell."""

    what: str
    when: str
    num: int
    changed: float
    change: Bounds


def trained_on(
    what: str, when: str, short: SweepTables | None, later: SweepTables | None
) -> TrainedOn:
    """The same seeds at two lengths of training, of those that learned by both."""
    nothing = TrainedOn(what, when, 0, 0.0, (0.0, 0.0, 0.0))
    if short is None or later is None:
        return nothing
    ends = [that_learned(tables) for tables in (short, later)]
    seeds = sorted(set(ends[0].networks.seed) & set(ends[1].networks.seed))
    if len(seeds) < 2:
        return nothing
    found = [presence(select(tables, seeds)).astype(int) for tables in ends]
    change = mean_over_seeds((found[1].sum(1) - found[0].sum(1))[:, None].astype(float)).at(0)
    return TrainedOn(what, when, len(seeds), float((found[0] != found[1]).any(1).mean()), change)


class Other(NamedTuple):
    """A difference full batch less batch n without a margin; ``small``: with batches of n."""

    what: str
    bounds: Bounds
    small: float


def other_differences(small: pd.DataFrame, full: pd.DataFrame) -> list[Other]:
    """Networks with fine-tuning neurons, and live neurons: ``networks`` of both regimes."""
    found = []
    for what, values in (
        (
            "share of networks with fine-tuning neurons",
            [t["neurons_fine-tuning"] > 0 for t in (full, small)],
        ),
        ("live neurons", [t.num_live for t in (full, small)]),
    ):
        one, other = (np.asarray(v, dtype=float) for v in values)
        test = equivalence(one, other, 1.0)
        found.append(Other(what, test.interval, float(other.mean())))
    return found


class Apart(NamedTuple):
    """Lift of the ratio 2 in networks ``without`` fine-tuning neurons and ``having`` some."""

    name: str
    without: Bounds
    having: Bounds


def doubles_apart(
    sets: Mapping[str, SweepTables],
    found: Mapping[str, Bool[np.ndarray, "seed freq"]],
    moduli: Mapping[str, int],
) -> list[Apart]:
    """The ratio 2 in both populations, of sets in which both have several networks and pairs."""
    rows = []
    for name, tables in sets.items():
        tuned = (tables.networks["neurons_fine-tuning"] > 0).to_numpy()
        lifts = []
        for chosen in (~tuned, tuned):
            if chosen.sum() > 1:
                table = ratio_lifts(found[name][chosen], moduli[name], [2])
                lifts += [(r.lift, r.low, r.high) for r in table.itertuples() if r.observed]
        if len(lifts) == 2:
            rows.append(Apart(name, *lifts))
    return rows


class Window(NamedTuple):
    """Neurons in the window a frequency in ``RUNS`` runs, as (kind, bounds); ``runs``: so many of
    these runs have one at a given frequency."""

    name: str
    kinds: list[tuple[str, Bounds]]
    runs: float


def window(name: str, counts: Mapping[str, Shaped[np.ndarray, "seed freq"]]) -> Window:
    """Neurons in the window of figure A25, by kind; the first kind is that of all neurons."""
    kinds = []
    for kind, by_freq in counts.items():
        found = mean_over_seeds(by_freq[:, 1:].mean(1, keepdims=True))
        value, low, high = (RUNS * float(part[0]) for part in found)
        kinds.append((kind, (value, low, high)))
    every = next(iter(counts.values()))
    return Window(name, kinds, RUNS * float((every[:, 1:] > 0).mean()))


class FineTuning(NamedTuple):
    """Fine-tuning clusters of all, and the share of networks ``having`` one."""

    num_tuned: int
    num_clusters: int
    having: float


def fine_tuning(networks: pd.DataFrame, clusters: pd.DataFrame) -> FineTuning:
    """How many clusters and networks have fine-tuning in them."""
    num_tuned = int((clusters.kind == "fine-tuning").sum())
    return FineTuning(num_tuned, len(clusters), float((networks.num_fine_tuning > 0).mean()))


class Beside(NamedTuple):
    """A frequency beside another: ``relation`` "twice", "half of" or "", and its pooled lift."""

    freq: int
    relation: str
    bounds: Bounds


class Multiples(NamedTuple):
    """Which multiples of ``base`` accompany ``freq``: ``above`` chance, ``below``, ``unsure``,
    ``never`` seen, or too little expected to judge; ``others``: above chance and no multiples."""

    freq: int
    base: int
    known: bool
    num_multiples: int
    above: list[Beside]
    unsure: list[int]
    below: list[int]
    never: list[int]
    unjudged: list[int]
    others: list[Beside]


def multiples(table: pd.DataFrame, freq: int, base: int, n: int) -> Multiples:
    """Which multiples of ``base`` accompany ``freq`` in fine-tuning neurons, and what else does.

    ``table``: ``fine_tuning_companions``; judged by the pooled lift and its interval.
    """
    finite = np.isfinite(table[["pooled", "pooled_low", "pooled_high"]]).all(axis=1)
    above = finite & (table.pooled_low > 1)
    never = finite & (table.pooled == 0)
    unsure = finite & ~above & ~never & (table.pooled_high >= 1)
    multiple = table.freq % base == 0

    def freqs(chosen: pd.Series) -> list[int]:
        return table.freq[multiple & chosen].tolist()

    def beside(chosen: pd.Series) -> list[Beside]:
        return [
            Beside(
                freq=row.freq,
                relation=_relation(row.freq, freq, n),
                bounds=(row.pooled, row.pooled_low, row.pooled_high),
            )
            for row in table[chosen].itertuples()
        ]

    return Multiples(
        freq=freq,
        base=base,
        known=not table.pooled.isna().all(),
        num_multiples=int(multiple.sum()),
        above=beside(multiple & above),
        unsure=freqs(unsure),
        below=freqs(finite & ~above & ~never & ~unsure),
        never=freqs(never),
        unjudged=freqs(~finite),
        others=beside(~multiple & above),
    )


def _relation(other: int, freq: int, n: int) -> str:
    """What ``other`` is of ``freq``: twice it, half of it, or nothing simple."""
    if signed_freq(2 * freq, n) == other:
        return "twice"
    return "half of" if signed_freq(2 * other, n) == freq else ""


class Relation(NamedTuple):
    """Neurons ``observed`` with a ratio, and how many times as many as a new deal would give.

    ``lift`` None: none were expected; ``bounds`` None: too few for an interval.
    """

    name: str
    observed: int
    lift: float | None
    bounds: Bounds | None


class Relations(NamedTuple):
    """``pooled``: the ratios 1:2, 1:3 and 2:3 together, None where there is nothing to tell;
    ``share`` of the neurons that have one; ``largest``: the most frequent of all."""

    n: int
    num_neurons: int
    num_networks: int
    pooled: Relation | None
    share: float
    largest: list[Relation]


def relations(table: pd.DataFrame, num_neurons: int, num_networks: int, n: int) -> Relations:
    """Which ratios the two strongest frequencies of fine-tuning neurons have."""
    if table.empty or not num_neurons or not table.expected.iloc[0] > 0:
        return Relations(n, num_neurons, num_networks, None, 0.0, [])
    pooled = _of_relation(table.iloc[0])
    largest = table.iloc[1:].sort_values("observed", ascending=False).head(MAX_RELATIONS)
    found = [_of_relation(row) for _, row in largest.iterrows() if row.observed]
    share = float(table.observed.iloc[0]) / num_neurons
    return Relations(n, num_neurons, num_networks, pooled, share, found)


def _of_relation(row: pd.Series) -> Relation:
    """A row of ``relation_lifts``, what is no number left out."""
    expected = row.expected > 0
    known = expected and np.isfinite([row.low, row.high]).all()
    return Relation(
        name=row.relation,
        observed=round(row.observed),
        lift=float(row.lift) if expected else None,
        bounds=(float(row.lift), float(row.low), float(row.high)) if known else None,
    )


class Found(NamedTuple):
    """A network with a fine-tuning cluster, ``num_neurons`` led by ``tuned``, with ``parts``."""

    seed: int
    num_clusters: int
    freqs: list[int]
    tuned: int
    num_neurons: int
    parts: list[int]


class Search(NamedTuple):
    """``num_found`` networks have a fine-tuning cluster at multiples of ``base``, in ``num_pure``
    of them with such parts alone; ``alike``: the first of ``num_alike`` that are like the paper's,
    ``nearest``: the network that comes nearest, None where none has such a cluster."""

    name: str
    base: int
    num_networks: int
    num_found: int
    num_pure: int
    num_alike: int
    alike: list[Found]
    nearest: Found | None


def search(name: str, found: pd.DataFrame, num_networks: int, base: int) -> Search:
    """What the scan for a network like the paper's seed 133 found."""
    alike = found[found.alike.astype(bool)]
    near = found.sort_values(["all_multiples", "num_clusters"], ascending=[False, True])
    return Search(
        name=name,
        base=base,
        num_networks=num_networks,
        num_found=len(found),
        num_pure=int(found.all_multiples.sum()),
        num_alike=len(alike),
        alike=_as_found(alike.head(MAX_ALIKE)),
        nearest=next(iter(_as_found(near.head(1))), None),
    )


def _as_found(table: pd.DataFrame) -> list[Found]:
    """Rows of ``like_seed_133``."""
    return [Found(*(getattr(row, name) for name in Found._fields)) for row in table.itertuples()]
