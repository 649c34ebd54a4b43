"""What chapter 09 tells of width, modulus, and the probability of section 5.4, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, log
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.many_seeds.growth import Growth, LogFit, is_slow, trains_steadily
from modlib.analysis.many_seeds.separation import Probability
from modlib.chapters.words import Rows, fixed, percent
from modlib.config.addition import AdditionConfig
from modlib.config.presets import preset

FORMULAS = {
    "constant": "$a$",
    "log n": r"$a + b \ln n$",
    "power": "$a n^b$",
    "linear": "$a + b n$",
}
"""How the table of fits writes each curve of ``growth``."""
SHAPES = {"ln n": r"$\ln n$", "n^.2": "$n^{0.2}$", "n^.5": r"$\sqrt{n}$", "n": "$n$"}
"""How a sentence writes what ``separation.SHAPES`` has along the axis of a line."""
BY_CHANCE = "at random"
"""The series of ``separations`` with which the others are compared."""


class Difference(NamedTuple):
    """Mean clusters at a width less those at 128: ``bounds`` as (difference, low, high)."""

    width: int
    batch: str
    num_seeds: int
    bounds: tuple[float, float, float]


class Width(NamedTuple):
    """``found``: whether any width is committed; ``missing``: those that are not, in words."""

    found: bool
    differences: list[Difference]
    missing: list[str]


def width(points: pd.DataFrame, differences: pd.DataFrame, missing: Sequence[str]) -> Width:
    """Differences of the mean number of clusters from the first width.

    ``missing``: presets whose networks are not committed.
    """
    rows = [
        Difference(r.width, r.batch, r.num_seeds, (r.difference, r.low, r.high))
        for r in differences.itertuples()
    ]
    configs = [preset(name, AdditionConfig) for name in missing]
    return Width(not points.empty, rows, [_width_in_words(config) for config in configs])


def _width_in_words(config: AdditionConfig) -> str:
    batch = "the full batch" if config.batch == "full" else f"batches of {config.batch}"
    return f"width {config.num_neurons} with {batch}"


class L2(NamedTuple):
    """Least and largest median loss on training pairs over the moduli, each as (loss, n)."""

    name: str
    least: tuple[float, int]
    most: tuple[float, int]


def l2(networks: Mapping[str, Mapping[int, pd.DataFrame]]) -> list[L2]:
    """The training loss at which networks end, for each choice of L2 that has several moduli."""
    found = []
    for name, by_n in networks.items():
        medians = [(float(table.train_loss.median()), n) for n, table in by_n.items()]
        if len(medians) > 1:
            least, most = (pick(medians, key=lambda pair: pair[0]) for pick in (min, max))
            found.append(L2(name, least, most))
    return found


class Learning(NamedTuple):
    """``lost`` of ``total`` networks did not learn; ``worst``: least share that did, and its n."""

    name: str
    total: int
    lost: int
    worst: tuple[float, int] | None


def learning(name: str, learned: pd.DataFrame) -> Learning:
    """At which moduli networks failed, and how many; ``worst`` None: at none."""
    failing = learned[learned.share < 1]
    worst = None
    if not failing.empty:
        row = failing.loc[failing.share.idxmin()]
        worst = (float(row.share), int(row.n))
    return Learning(
        name=name,
        total=int(learned.networks.sum()),
        lost=round(float((learned.networks * (1 - learned.share)).sum())),
        worst=worst,
    )


class GrowthFacts(NamedTuple):
    """The curve that predicts held-out moduli best, and how far it and the next are off (clusters).

    ``slow``: log n bounds it, as it does the winner in ``share_slow`` of resamples; ``least``,
    ``most``: mean clusters over ln n, as (ratio, n).
    """

    best: str
    error: float
    next_error: float
    slow: bool
    share_slow: float
    moduli: list[int]
    least: tuple[float, int]
    most: tuple[float, int]


def growth(result: Growth) -> GrowthFacts:
    """Which curve predicts best, how sure that is, and the ratio to ln n."""
    best = result.curves.loc[result.curves.error.idxmin()]
    points = result.points
    most, least = points.loc[points.ratio.idxmax()], points.loc[points.ratio.idxmin()]
    return GrowthFacts(
        best=str(best.curve),
        error=float(best.error),
        next_error=float(result.curves[result.curves.curve != best.curve].error.min()),
        slow=is_slow(best.curve, best.b),
        share_slow=result.share_slow,
        moduli=sorted(points.n.tolist()),
        least=(float(least.ratio), int(least.n)),
        most=(float(most.ratio), int(most.n)),
    )


def curves(result: Growth | None) -> Rows:
    """The four fits with their errors on held-out moduli; {} without fits."""
    if result is None:
        return {}
    found = result.curves
    return {
        "curve": [f"{name}: {FORMULAS[name]}" for name in found.curve],
        "a": [fixed(a) for a in found.a],
        "b": [
            "" if name == "constant" else fixed(b, 4)
            for name, b in zip(found.curve, found.b, strict=True)
        ],
        "error on held-out n (clusters)": [fixed(error, 3) for error in found.error],
        "best in": [percent(share) for share in found.share_best],
    }


class LeftOut(NamedTuple):
    """A modulus where training is not steady: share that ``learned``; median final ``loss`` over
    that at 91; mean ``clusters`` of those that learned."""

    n: int
    learned: float
    loss: float
    clusters: float


class Steady(NamedTuple):
    """Clusters at the moduli where training is steady, and those that are left out."""

    counts: dict[int, Int[np.ndarray, " seed"]]
    left_out: list[LeftOut]


def steady(
    networks: Mapping[int, pd.DataFrame], counts: Mapping[int, Int[np.ndarray, " seed"]]
) -> Steady:
    """Which moduli train as 91 does; all of them where 91 is not there.

    ``networks``: learned or not; ``counts``: clusters of those that learned.
    """
    if 91 not in counts:
        return Steady(dict(counts), [])
    loss = {n: float(t.train_loss[t.learned].median()) for n, t in networks.items() if n in counts}
    kept = {n for n in counts if trains_steadily(networks[n], loss[91])}
    left_out = [
        LeftOut(n, float(networks[n].learned.mean()), loss[n] / loss[91], float(counts[n].mean()))
        for n in counts
        if n not in kept
    ]
    return Steady({n: counts[n] for n in counts if n in kept}, left_out)


class SteadyGrowth(NamedTuple):
    """``slope`` of mean clusters on ln n with its interval, None for too few moduli; the curve that
    predicts held-out moduli ``best``."""

    left_out: list[LeftOut]
    num_moduli: int
    slope: tuple[float, float, float] | None
    best: str


def steady_growth(found: Steady, line: LogFit | None, result: Growth | None) -> SteadyGrowth:
    """How the number of clusters grows where training is steady."""
    best = "" if result is None else str(result.curves.loc[result.curves.error.idxmin()].curve)
    slope = None if line is None else line.b
    return SteadyGrowth(found.left_out, len(found.counts), slope, best)


def probability_text(found: Probability) -> str:
    """``.811`` where enumerated, with its interval where drawn."""
    if found.exact:
        return fixed(found.value, 3)
    return f"{fixed(found.value, 3)} ± {fixed((found.high - found.low) / 2, 3)}"


def probabilities(table: pd.DataFrame, true: Mapping[str, Sequence[Probability]]) -> Rows:
    """The truth under both models beside both formulas, a row a number of frequencies."""
    return {
        "m": [str(m) for m in table.m],
        **{
            model: [probability_text(found) for found in true[model]]
            for model in ("distinct", "with replacement")
        },
        "Gamma formula": [fixed(value, 3) for value in table.Gamma],
        "Stirling formula": [fixed(value, 3) for value in table.Stirling],
    }


class AtLog(NamedTuple):
    """Both formulas and both truths for ``m`` frequencies, m being ln n rounded.

    ``usual``: the numbers of clusters that networks have most often, several where they tie;
    ``own``: the least of them, and the probability that as many distinct frequencies separate;
    None without networks, or beyond what is tabled.
    """

    n: int
    m: int
    stirling: float
    gamma: float
    replaced: float
    distinct: float
    usual: list[int]
    own: tuple[int, float] | None


def most_often(numbers: Int[np.ndarray, " seed"]) -> list[int]:
    """The numbers that come most often, several where they tie; none of none."""
    times = np.bincount(numbers)
    return np.flatnonzero(times == times.max()).tolist() if len(times) else []


def at_log(
    n: int,
    table: pd.DataFrame,
    numbers: Int[np.ndarray, " seed"],
    true: Mapping[str, Sequence[Probability]],
) -> AtLog:
    """What the formulas and the truth say at ln n, and at the networks' own number."""
    m = min(len(table), max(1, round(log(n))))
    usual = most_often(numbers)
    least = usual[0] if usual else 0
    own = (least, true["distinct"][least - 1].value) if 1 <= least <= len(table) else None
    return AtLog(
        n=n,
        m=m,
        stirling=float(table.Stirling.iloc[m - 1]),
        gamma=float(table.Gamma.iloc[m - 1]),
        replaced=true["with replacement"][m - 1].value,
        distinct=true["distinct"][m - 1].value,
        usual=usual,
        own=own,
    )


class Needed(NamedTuple):
    """Frequencies needed at the smallest and the largest modulus, as (n, number of them).

    ``squares``: R² of a line in each shape; none where as many are needed at every modulus.
    """

    model: str
    first: tuple[int, int]
    last: tuple[int, int]
    squares: dict[str, float]


def needed(
    numbers: Mapping[str, Mapping[int, int]], squares: Mapping[str, Mapping[str, float]]
) -> list[Needed]:
    """How the number of frequencies that are needed grows with n, a model each."""
    return [
        Needed(
            model=model,
            first=(min(by_n), by_n[min(by_n)]),
            last=(max(by_n), by_n[max(by_n)]),
            squares={SHAPES[of]: r2 for of, r2 in squares[model].items() if isfinite(r2)},
        )
        for model, by_n in numbers.items()
    ]


class Separations(NamedTuple):
    """``rows``: a number of frequencies each, {} without networks; ``apart``: by how much a
    series' medians lie above those at random, as (name, least, most)."""

    rows: Rows
    apart: list[tuple[str, float, float]]


def separations(
    panels: Mapping[int, Mapping[str, Float[np.ndarray, " set"]]], delta: float
) -> Separations:
    """Whether learned sets of frequencies are farther from confusion than random ones."""
    if not panels:
        return Separations({}, [])
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    rows = {"m": [str(m) for m in panels]}
    for name in names:
        found = [series.get(name) for series in panels.values()]
        rows[f"{name}: beyond delta"] = [
            "" if v is None else percent(float((v > delta).mean())) for v in found
        ]
        rows[f"{name}: median"] = ["" if v is None else fixed(float(np.median(v))) for v in found]
    apart = []
    for name in names:
        if name != BY_CHANCE and all({name, BY_CHANCE} <= v.keys() for v in panels.values()):
            steps = [float(np.median(v[name]) - np.median(v[BY_CHANCE])) for v in panels.values()]
            apart.append((name, min(steps), max(steps)))
    return Separations(rows, apart)
