"""How the number of clusters grows with n: four curves compared on moduli they have not seen.

Paper A, figure A30.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from modlib.errors import InputError
from modlib.maths.intervals import (
    NUM_RESAMPLES,
    Equivalence,
    Interval,
    equivalence,
    interval_of,
)

CURVES = ("constant", "log n", "power", "linear")
"""a, a + b ln n, a n^b, a + b n."""
SLOW = ("constant", "log n")
"""Curves that log n bounds, whatever their parameters."""
EXPONENTS = np.linspace(-3, 3, 601)
"""Powers of n that are tried."""


def is_slow(name: str, b: float) -> bool:
    """Whether log n bounds a fitted curve: constant, log n, and others that do not rise."""
    return name in SLOW or bool(b <= 0)


class Fit(NamedTuple):
    """Parameters of a curve; ``b`` is 0 for the constant."""

    a: float
    b: float


def curve(name: str, fit: Fit, n: Shaped[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Value of a fitted curve at n."""
    shapes = {"constant": np.ones(n.shape), "log n": np.log(n), "linear": n.astype(float)}
    if name == "power":
        return np.asarray(fit.a * n.astype(float) ** fit.b)
    return np.asarray(fit.a + fit.b * shapes[name])


@lru_cache(maxsize=256)
def _powers(n: float) -> Float[np.ndarray, " exponent"]:
    """n to each of ``EXPONENTS``: curves are fitted to the same moduli thousands of times."""
    return np.asarray(float(n) ** EXPONENTS)


def fit_curve(
    name: str,
    n: Shaped[np.ndarray, " point"],
    mean: Float[np.ndarray, " point"],
    weight: Float[np.ndarray, " point"],
) -> Fit:
    """Weighted least squares of one of ``CURVES``."""
    if name not in CURVES:
        raise InputError("curve", f"be one of {', '.join(CURVES)}", name)
    if name == "constant":
        return Fit(float(np.average(mean, weights=weight)), 0.0)
    if name == "power":
        # For a given b the best a follows, so that one number is left to look for: on a grid,
        # and between its points by the parabola through the lowest three.
        shape = np.stack([_powers(number) for number in n.tolist()], axis=1)
        a = (shape * weight) @ mean / ((shape**2) @ weight)
        errors = np.square(mean - a[:, None] * shape) @ weight
        at = int(np.clip(errors.argmin(), 1, len(EXPONENTS) - 2))
        before, here, after = errors[at - 1 : at + 2]
        curved = before - 2 * here + after
        step = float(np.clip((before - after) / (2 * curved), -1, 1)) if curved > 0 else 0.0
        b = float(EXPONENTS[at] + step * (EXPONENTS[1] - EXPONENTS[0]))
        best = n.astype(float) ** b
        return Fit(float((weight * best) @ mean / (weight @ best**2)), b)
    x = np.log(n) if name == "log n" else n.astype(float)
    centre = np.average(x, weights=weight)
    b = float((weight * (x - centre) * mean).sum() / (weight * (x - centre) ** 2).sum())
    return Fit(float(np.average(mean, weights=weight) - b * centre), b)


def held_out_errors(
    n: Shaped[np.ndarray, " point"],
    mean: Float[np.ndarray, " point"],
    weight: Float[np.ndarray, " point"],
) -> dict[str, float]:
    """Root mean square error of each curve at moduli left out of its fit one after another.

    Weighted, as the fits are. Raises ``InputError`` for fewer than four moduli.
    """
    if len(n) < 4:
        raise InputError("moduli", "be at least 4 to hold one out", len(n))
    errors = {}
    for name in CURVES:
        squares = []
        for left_out in range(len(n)):
            kept = np.arange(len(n)) != left_out
            fit = fit_curve(name, n[kept], mean[kept], weight[kept])
            squares.append(float(mean[left_out] - curve(name, fit, n[[left_out]])[0]) ** 2)
        errors[name] = float(np.sqrt(np.average(squares, weights=weight)))
    return errors


class Growth(NamedTuple):
    """``points``: a row a modulus; ``curves``: a row a curve; ``share_slow``: of resamples.

    points: ``n``, ``num_seeds``, ``mean``, ``low``, ``high``, ``deviation`` over seeds,
    ``ratio`` to ln n with ``ratio_high``. curves: ``curve``, ``a``, ``b``, ``error`` on held-out
    moduli, ``share_best`` of resamples. ``share_slow``: of resamples in which the best curve is
    one that log n bounds. They draw moduli anew, and networks within them; over one decade of n a
    power with a small exponent can hardly be told from log n, so that it is far from 1 even where
    log n is the truth.
    """

    points: pd.DataFrame
    curves: pd.DataFrame
    share_slow: float


def compare_growth(
    counts: dict[int, Shaped[np.ndarray, " seed"]],
    *,
    num_resamples: int = NUM_RESAMPLES,
    num_contests: int = NUM_RESAMPLES // 10,
    seed: int = 0,
) -> Growth:
    """Number of clusters of the networks at each modulus: means, fits, and which predicts best.

    A modulus weighs as much as its mean is certain: one over its variance, to which the variance
    between moduli that no smooth curve explains is added, so that a modulus with thousands of
    networks does not decide alone. ``num_resamples`` are behind the intervals of the means,
    ``num_contests`` behind the shares. Raises ``InputError`` for fewer than four moduli.
    """
    moduli = np.array(sorted(counts))
    groups = [np.asarray(counts[n], dtype=float) for n in moduli.tolist()]
    mean = np.array([group.mean() for group in groups])
    variance = np.array([group.var(ddof=1) / len(group) for group in groups])
    rough = fit_curve("log n", moduli, mean, np.ones(len(moduli)))
    between = max(0.0, float(np.var(mean - curve("log n", rough, moduli)) - variance.mean()))
    weight = 1 / (variance + between + 1e-12)
    errors = held_out_errors(moduli, mean, weight)
    generator = np.random.default_rng(seed)
    means = np.stack(
        [
            group[generator.integers(len(group), size=(num_resamples, len(group)))].mean(1)
            for group in groups
        ],
        axis=1,
    )
    best: list[str] = []
    slow = 0
    while len(best) < num_contests:
        times = np.bincount(generator.integers(len(moduli), size=len(moduli)))
        drawn = np.flatnonzero(times)
        if len(drawn) < 4:
            continue
        # A modulus that is drawn twice counts twice, and is held out as one.
        chosen = moduli[drawn], means[generator.integers(num_resamples), drawn]
        counted = weight[drawn] * times[drawn]
        again = held_out_errors(*chosen, counted)
        winner = min(again, key=lambda name: again[name])
        best.append(winner)
        slow += is_slow(winner, fit_curve(winner, *chosen, counted).b)
    low, high = interval_of(means)
    points = pd.DataFrame(
        {"n": moduli, "num_seeds": [len(group) for group in groups], "mean": mean}
        | {"low": low, "high": high, "deviation": [group.std(ddof=1) for group in groups]}
        | {"ratio": mean / np.log(moduli), "ratio_high": high / np.log(moduli)}
    )
    fits = {name: fit_curve(name, moduli, mean, weight) for name in CURVES}
    curves = pd.DataFrame(
        {"curve": CURVES, "a": [fits[c].a for c in CURVES], "b": [fits[c].b for c in CURVES]}
        | {"error": [errors[c] for c in CURVES]}
        | {"share_best": [best.count(c) / num_contests for c in CURVES]}
    )
    return Growth(points, curves, slow / num_contests)


LEARNED_SHARE, LOSS_MARGIN = 0.9, 0.25
"""A modulus trains steadily where so many networks learn, and their median final training loss lies
this near, relatively, to that at 91."""


def trains_steadily(networks: pd.DataFrame, loss: float) -> bool:
    """Whether a modulus does; ``networks``: all of them; ``loss``: the median at 91."""
    own = float(networks.train_loss[networks.learned].median())
    return bool(networks.learned.mean() >= LEARNED_SHARE and abs(own / loss - 1) <= LOSS_MARGIN)


class LogFit(NamedTuple):
    """Clusters as a + b ln n: ``b`` with its interval; ``off``: how far other networks' means lie
    above the line, by modulus."""

    b: Interval
    off: dict[int, Interval]


def fit_log(
    counts: Mapping[int, Shaped[np.ndarray, " seed"]],
    others: Mapping[int, Shaped[np.ndarray, " seed"]] | None = None,
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> LogFit:
    """The line through the means at each modulus, all of one weight; moduli and networks resampled.

    ``others``: networks that the fit leaves out. Raises ``InputError`` below four moduli.
    """
    if len(counts) < 4:
        raise InputError("moduli", "be at least 4", len(counts))
    generator = np.random.default_rng(seed)

    def resampled_means(group: Shaped[np.ndarray, " seed"]) -> Float[np.ndarray, " resample"]:
        return group[generator.integers(len(group), size=(num_resamples, len(group)))].mean(1)

    x = np.log(np.array(sorted(counts), dtype=float))
    groups = [np.asarray(counts[n], dtype=float) for n in sorted(counts)]
    means = np.stack([resampled_means(group) for group in groups], axis=1)
    slope, level = np.polyfit(x, [group.mean() for group in groups], 1)
    drawn: list[Float[np.ndarray, " two"]] = []
    while len(drawn) < num_resamples:
        chosen = generator.integers(len(x), size=len(x))
        if len(set(chosen.tolist())) > 2:
            drawn.append(np.polyfit(x[chosen], means[len(drawn), chosen], 1))
    lines = np.stack(drawn)
    low, high = interval_of(lines[:, :1])[:, 0]
    off = {}
    for n, group in (others or {}).items():
        own = np.asarray(group, dtype=float)
        gaps = resampled_means(own) - (lines[:, 1] + lines[:, 0] * np.log(n))
        ends = interval_of(gaps[:, None])[:, 0]
        off[n] = Interval(
            float(own.mean() - level - slope * np.log(n)), float(ends[0]), float(ends[1])
        )
    return LogFit(Interval(float(slope), float(low), float(high)), off)


BASE_WIDTH = 128
"""Hidden neurons of paper A's network, to which wider ones are compared."""


def width_differences(
    counts: Mapping[tuple[str, int], Shaped[np.ndarray, " seed"]],
) -> pd.DataFrame:
    """Mean clusters of wider networks less those at ``BASE_WIDTH``: a row a width and regime.

    ``counts``: clusters of each network by batch regime and width. Columns: ``batch``, ``width``,
    ``num_seeds`` and those of ``Equivalence`` to within one cluster.
    """
    rows = []
    for (regime, width), own in counts.items():
        if width != BASE_WIDTH:
            test = equivalence(own, counts[regime, BASE_WIDTH], 1.0)
            rows.append({"batch": regime, "width": width, "num_seeds": len(own)})
            rows[-1] |= test._asdict()
    return pd.DataFrame(rows, columns=["batch", "width", "num_seeds", *Equivalence._fields])
