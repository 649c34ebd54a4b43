"""How well random frequencies separate one answer from all others: paper A, section 5.4.

With m frequencies the answers stand at h(d) = sum of cos(2 pi f d / n), the right one, d = 0, at
m. They are separated by delta if m - h(d) > delta m for every other d.

Two models of random frequencies: "distinct" draws a set of m different ones of 1 .. n // 2, as
a network's clusters are; "with replacement" draws m of 1 .. n - 1, as the paper says, so that f
and n - f may both occur, and f twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import comb, exp, lgamma, log, pi
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.many_seeds.uniformity import random_subsets
from modlib.errors import InputError, require_float, require_int
from modlib.maths.groups import signed_freq
from modlib.maths.intervals import share_interval

DELTA = pi / exp(3)
"""The separation for which the paper's formula becomes m > ln n: about .156."""
RHO = 0.5
"""The paper's probability of separation, at which m = ln n is enough by its formula."""
Model = Literal["distinct", "with replacement"]
MODELS: tuple[Model, ...] = get_args(Model)
MAX_LISTED = 100_000
"""Sets that enumeration may list; where more come near, frequencies are drawn at random."""
NUM_DRAWS = 10_000
CELLS = 2**15
"""Heights worked on at once: they fit a core's cache."""
ROUNDING = 1e-9
UNSURE = 1e-4
"""Distance from a limit within which heights summed in single precision do not decide."""
SPACED_MODULI = (
    *(23, 31, 43, 59, 73, 89, 91, 113, 151, 199, 251, 331, 421, 499, 661, 853, 997),
    *(1259, 1583, 1999),
)
"""Moduli, evenly spaced on a logarithmic scale, over which the claims of section 5.4 are tried."""

GAMMA_MODULI = (59, 89, 113, 251, 499, 997, 1999)
GAMMA_CLUSTERS = range(4, 11)
"""Moduli and numbers of frequencies at which the Gamma formula is tried."""


class Probability(NamedTuple):
    """A probability; exact where ``low`` and ``high`` are equal to it, else their 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Enumerated, not drawn."""
        return self.low == self.high


@lru_cache(maxsize=8)
def _waves(n: int, exact: bool = True) -> Float[np.ndarray, "freq d"]:
    """cos(2 pi f d / n) for f and d from 1 to n // 2: all others repeat them."""
    if not exact:
        return _waves(n).astype(np.float32)
    k = np.arange(n)
    half = np.arange(1, n // 2 + 1)
    return np.cos(2 * pi * k / n)[np.outer(half, half) % n]


def _heights(
    waves: Float[np.ndarray, "freq d"], sets: Int[np.ndarray, "set m"]
) -> Float[np.ndarray, "set d"]:
    """h(d) of each set of one frequency or more."""
    heights = waves[sets[:, 0] - 1]
    for column in sets.T[1:]:
        heights += waves[column - 1]
    return heights


def is_separated(
    n: int, sets: Int[np.ndarray, "set freq"], delta: float = DELTA
) -> Bool[np.ndarray, " set"]:
    """Which sets of frequencies (rows, each 1 .. n // 2) keep m - h(d) > delta m for all d."""
    limit = delta + ROUNDING
    found = gaps(n, sets, exact=False)
    unsure = np.abs(found - limit) < UNSURE
    found[unsure] = gaps(n, sets[unsure])
    return found > limit


def gaps(
    n: int, sets: Int[np.ndarray, "set freq"], *, exact: bool = True
) -> Float[np.ndarray, " set"]:
    """min over d != 0 of m - h(d), over m, for each row of frequencies: ``crt.separation``.

    ``exact``: in double precision, else h(d) in single, in half the time.
    """
    waves, m = _waves(n, exact), sets.shape[1]
    step = max(1, CELLS // len(waves))
    highest = [
        _heights(waves, sets[start : start + step]).max(1) for start in range(0, len(sets), step)
    ]
    return 1 - np.concatenate([*highest, np.zeros(0)]) / m


def _times_reached(
    n: int, sets: Int[np.ndarray, "set m"], at_least: float
) -> Float[np.ndarray, " set"]:
    """At how many d each set has h(d) >= at_least."""
    rough, waves = _waves(n, False), _waves(n)
    times = np.zeros(len(sets))
    step = max(1, CELLS // len(waves))
    for start in range(0, len(sets), step):
        block = sets[start : start + step]
        heights = _heights(rough, block)
        count = (heights >= np.float32(at_least + UNSURE)).sum(1)
        unsure = count != (heights >= np.float32(at_least - UNSURE)).sum(1)
        count[unsure] = (_heights(waves, block[unsure]) >= at_least).sum(1)
        times[start : start + step] = count
    return times


def _near(
    heights: Float[np.ndarray, " freq"], m: int, at_least: float, *, repeated: bool
) -> Int[np.ndarray, "set m"] | None:
    """All sets of m places whose ``heights``, which fall, add up to ``at_least`` or more.

    Places in increasing order, or not falling where ``repeated``. None if there are more than
    ``MAX_LISTED``. Branch and bound: the next place can be no lower than the mean still needed.
    """
    sets, sums = np.zeros((1, 0), dtype=np.int64), np.zeros(1)
    for place in range(m):
        first = sets[:, -1] + (not repeated) if place else np.zeros(1, dtype=np.int64)
        needed = (at_least - sums) / (m - place)
        last = np.searchsorted(-heights, -needed, side="right")
        counts = np.maximum(last - first, 0)
        if counts.sum() > 20 * MAX_LISTED or (place == m - 1 and counts.sum() > MAX_LISTED):
            return None
        row = np.repeat(np.arange(len(sets)), counts)
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        new = first[row] + within
        sets = np.concatenate([sets[row], new[:, None]], axis=1)
        sums = sums[row] + heights[new]
    return sets


def _weights(n: int, sets: Int[np.ndarray, "set m"], model: Model) -> Float[np.ndarray, " set"]:
    """Probability of each set (frequencies in order) under the model."""
    m = sets.shape[1]
    if model == "distinct":
        return np.full(len(sets), 1 / comb(n // 2, m))
    # f stands for f and n - f, except n / 2; a set for all orders of its elements
    single = np.where(2 * sets == n, 1.0, 2.0).prod(1) / float(n - 1) ** m
    run = np.ones(len(sets))
    orders = np.full(len(sets), float(np.prod(np.arange(1, m + 1))))
    for place in range(1, m):
        run = np.where(sets[:, place] == sets[:, place - 1], run + 1, 1.0)
        orders /= run
    return single * orders


def _enumerated(n: int, m: int, delta: float, model: Model) -> float | None:
    """Probability of separation by counting the sets that fail; None where they are too many.

    A set fails at d if h(d) >= (1 - delta) m. Units carry every d into every other of the same
    gcd with n, and sets into sets, so that only the sets failing at one d of each gcd have to be
    listed: each weighs one over the number of d at which it fails.
    """
    waves = _waves(n)
    half = np.arange(1, n // 2 + 1)
    common = np.gcd(half, n)
    at_least = (1 - delta) * m - ROUNDING
    failing = 0.0
    for g in np.unique(common).tolist():
        order = np.argsort(-waves[:, g - 1], kind="stable")
        listed = _near(waves[order, g - 1], m, at_least, repeated=model == "with replacement")
        if listed is None:
            return None
        sets = half[order][listed]
        weights = _weights(n, np.sort(sets, axis=1), model)
        times = _times_reached(n, sets, at_least)
        failing += float((common == g).sum() * (weights / times).sum())
    return min(1.0, max(0.0, 1 - failing))


def random_sets(
    n: int, m: int, num_draws: int, *, model: Model = "distinct", seed: int = 0
) -> Int[np.ndarray, "draw freq"]:
    """Random sets of m frequencies, each 1 .. n // 2."""
    generator = np.random.default_rng((seed, n, m))
    if model == "distinct":
        return 1 + random_subsets(generator, num_draws, m, n // 2)
    residues = generator.integers(1, n, size=(num_draws, m))
    return np.minimum(residues, n - residues)


def has_double(n: int, sets: Int[np.ndarray, "set freq"]) -> Bool[np.ndarray, " set"]:
    """Which sets hold two different frequencies f and +-2 f modulo n."""
    images = np.minimum(2 * sets % n, -2 * sets % n)
    equal = images[:, :, None] == sets[:, None, :]
    return (equal & (images != sets)[:, :, None]).any((1, 2))


def _drawn(n: int, m: int, delta: float, model: Model, num_draws: int, seed: int) -> Probability:
    sets = random_sets(n, m, num_draws, model=model, seed=seed)
    return Probability(*share_interval(int(is_separated(n, sets, delta).sum()), num_draws))


@lru_cache(maxsize=1024)
def separation_probability(
    n: int,
    m: int,
    *,
    delta: float = DELTA,
    model: Model = "distinct",
    num_draws: int = NUM_DRAWS,
    seed: int = 0,
) -> Probability:
    """Probability that m random frequencies separate the answer by delta.

    Enumerated where at most ``MAX_LISTED`` sets fail at one d, else a share of ``num_draws``
    drawn sets with its 95 % Wilson interval.
    """
    n = require_int("n", n, at_least=3)
    m = require_int("m", m, at_least=1)
    delta = require_float("delta", delta, at_least=1e-9, at_most=1.0)
    if model == "distinct":
        require_int("m", m, at_least=1, at_most=n // 2)
    # The Gamma formula's second term tells how many sets to expect, before any is listed.
    share = 1 - gamma_formula(n, m, delta)
    number = comb(n // 2, m) if model == "distinct" else comb(n // 2 + m - 1, m)
    if min(1.0, 2 * share / n) * number <= 20 * MAX_LISTED:
        exact = _enumerated(n, m, delta, model)
        if exact is not None:
            return Probability(exact, exact, exact)
    return _drawn(n, m, delta, model, num_draws, seed)


def gamma_formula(n: int, m: int, delta: float = DELTA) -> float:
    """1 - n / (2 Gamma(m/2 + 1)) (delta m / 2 pi)^(m/2): section 5.4; may be negative."""
    return 1 - n / 2 * exp(m / 2 * log(delta * m / (2 * pi)) - lgamma(m / 2 + 1))


def gamma_clusters(n: int, delta: float = DELTA) -> int:
    """The smallest m from which on ``gamma_formula`` is ``RHO`` or more."""
    below = [m for m in range(1, n // 2 + 1) if gamma_formula(n, m, delta) < RHO]
    return max(below, default=0) + 1


def stirling_formula(n: int, m: int, delta: float = DELTA) -> float:
    """The Gamma formula after ln Gamma(x + 1) = x ln x - x, as section 5.4 takes it."""
    return 1 - n / 2 * exp(m / 2 * (log(delta / pi) + 1))


def stirling_clusters(n: int, delta: float = DELTA) -> float:
    """The m at which ``stirling_formula`` is ``RHO``; ln n for the paper's delta."""
    return (2 * log(n) - 2 * log(2 - 2 * RHO)) / (log(pi / delta) - 1)


def probability_table(n: int, ms: Sequence[int], delta: float = DELTA) -> pd.DataFrame:
    """A row an m: ``m``, the truth a model with ``<model>_low`` and ``<model>_high``, formulas.

    The formulas are ``Gamma`` and ``Stirling``, as printed: they may be negative.
    """
    table = pd.DataFrame({"m": list(ms)})
    for model in MODELS:
        found = [separation_probability(n, m, delta=delta, model=model) for m in ms]
        table[[model, f"{model}_low", f"{model}_high"]] = [(p.value, p.low, p.high) for p in found]
    table["Gamma"] = [gamma_formula(n, m, delta) for m in ms]
    table["Stirling"] = [stirling_formula(n, m, delta) for m in ms]
    return table


@lru_cache(maxsize=256)
def fewest_frequencies(n: int, *, delta: float = DELTA, model: Model = "distinct") -> int:
    """The smallest m for which random frequencies separate with probability ``RHO`` or more.

    Where a drawn probability's interval holds it, a hundred times as many sets are drawn and the
    point decides. Raises ``InputError`` where all frequencies together are not enough.
    """
    for m in range(1, n // 2 + 1):
        found = separation_probability(n, m, delta=delta, model=model, num_draws=1000)
        if not found.exact and found.low <= RHO <= found.high:
            found = separation_probability(n, m, delta=delta, model=model, num_draws=100_000)
        if found.value >= RHO:
            return m
    raise InputError("delta", f"be a gap that some frequencies of {n} have", delta)


def learned_gaps(n: int, freqs_of: Sequence[Sequence[int]]) -> Float[np.ndarray, " network"]:
    """``gaps`` of the frequencies that networks have learned; NaN for one that has none."""
    result = np.full(len(freqs_of), np.nan)
    sizes = np.array([len(freqs) for freqs in freqs_of], dtype=int)
    for m in np.unique(sizes[sizes > 0]).tolist():
        rows = np.flatnonzero(sizes == m).tolist()
        sets = [[signed_freq(int(f), n) for f in freqs_of[row]] for row in rows]
        result[rows] = gaps(n, np.array(sets))
    return result


@lru_cache(maxsize=2)
def formula_errors(model: Model) -> pd.DataFrame:
    """The Gamma formula against the true probability: a row an n and m, m of 4 or more.

    ``formula`` as printed, ``clipped`` to 0 and 1, ``true``, ``error`` of the clipped one.
    """
    rows: list[dict[str, Any]] = []
    for n in GAMMA_MODULI:
        for m in GAMMA_CLUSTERS:
            true = separation_probability(n, m, model=model).value
            formula = gamma_formula(n, m)
            clipped = min(1.0, max(0.0, formula))
            rows.append({"n": n, "m": m, "true": true, "formula": formula, "clipped": clipped})
            rows[-1]["error"] = clipped - true
    return pd.DataFrame(rows)


SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ln n": np.log,
    "n^.2": lambda n: n**0.2,
    "n^.5": np.sqrt,
    "n": lambda n: n,
}
"""Against which the fewest frequencies needed are set as a line."""


def straightness(model: Model, delta: float = DELTA) -> tuple[dict[str, float], dict[int, int]]:
    """R^2 of lines in ``SHAPES`` through the fewest frequencies needed, and these by modulus."""
    needed = {n: fewest_frequencies(n, delta=delta, model=model) for n in SPACED_MODULI}
    n, m = np.array(list(needed), dtype=float), np.array(list(needed.values()))
    return {name: float(np.corrcoef(of(n), m)[0, 1] ** 2) for name, of in SHAPES.items()}, needed
