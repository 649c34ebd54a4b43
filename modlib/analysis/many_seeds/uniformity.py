"""Are the frequencies of many networks chosen evenly?

The null of every test draws a network's frequencies without replacement, as many as it has.
Inside a gcd class the units of Z_n carry every frequency into every other, and a network cannot
tell them apart: a test there is a check of the code. Between classes no symmetry decides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from modlib.analysis.many_seeds.frequencies import gcd_classes
from modlib.errors import require_int

MAX_DRAWS = 2000
MIN_DRAWS = 200
CELLS = 2 * 10**7
"""Frequencies drawn under a null at most, unless ``MIN_DRAWS`` needs more."""
BLOCK = 2 * 10**6


def random_subsets(
    generator: np.random.Generator, count: int, chosen: int, size: int
) -> Int[np.ndarray, "subset chosen"]:
    """Subsets of 0 .. size - 1 with ``chosen`` elements, all equally likely (Floyd's algorithm)."""
    require_int("chosen", chosen, at_least=0, at_most=size)
    drawn = np.empty((count, chosen), dtype=np.int64)
    for place, top in enumerate(range(size - chosen, size)):
        new = generator.integers(top + 1, size=count)
        known = (drawn[:, :place] == new[:, None]).any(1)
        drawn[:, place] = np.where(known, top, new)
    return drawn


def drawn_counts(
    chosen: Int[np.ndarray, " seed"], size: int, num_draws: int, generator: np.random.Generator
) -> Int[np.ndarray, "draw element"]:
    """How often each of ``size`` elements is chosen if every network draws its number afresh."""
    counts = np.zeros((num_draws, size), dtype=np.int64)
    numbers, networks = np.unique(chosen[chosen > 0], return_counts=True)
    for number, total in zip(numbers.tolist(), networks.tolist(), strict=True):
        step = max(1, BLOCK // (number * total))
        for start in range(0, num_draws, step):
            rows = min(step, num_draws - start)
            drawn = random_subsets(generator, rows * total, number, size)
            cells = np.repeat(np.arange(rows), total * number) * size + drawn.ravel()
            block = np.bincount(cells, minlength=rows * size).reshape(rows, size)
            counts[start : start + rows] += block
    return counts


def default_draws(total: int) -> int:
    """How many draws of ``total`` frequencies each a test makes."""
    return int(np.clip(CELLS // max(1, total), MIN_DRAWS, MAX_DRAWS))


def planted(
    chosen: Int[np.ndarray, " seed"],
    preference: Float[np.ndarray, " freq"],
    *,
    seed: int = 0,
) -> Bool[np.ndarray, "seed freq"]:
    """Networks made up with a preference: a control for the tests.

    Each draws its number of frequencies one by one without replacement, with probabilities in
    proportion to ``preference`` (its entry 0, the mean, is not drawn).
    """
    generator = np.random.default_rng(seed)
    # The k largest of log preference plus Gumbel noise are such a draw.
    keys = np.log(preference[1:]) + generator.gumbel(size=(len(chosen), len(preference) - 1))
    place = np.argsort(np.argsort(-keys, axis=1), axis=1)
    found = np.zeros((len(chosen), len(preference)), dtype=bool)
    found[:, 1:] = place < chosen[:, None]
    return found


class Uniformity(NamedTuple):
    """Is a set of frequencies chosen evenly?

    ``spread``: standard deviation of their rates over their mean; ``chance``, ``chance_high``:
    median and 95 % quantile of the same under the null; ``p_value``: of the spread;
    ``num_draws``: draws of the null.
    """

    spread: float
    chance: float
    chance_high: float
    p_value: float
    num_draws: int


def _judge(
    observed: Shaped[np.ndarray, " element"],
    drawn: Shaped[np.ndarray, "draw element"],
    expected: Float[np.ndarray, " element"],
    weight: Float[np.ndarray, " element"],
) -> Uniformity:
    """Spread of observed over expected counts about 1, against the null's."""

    def spread(counts: Shaped[np.ndarray, "*lead element"]) -> Float[np.ndarray, "*lead"]:
        squares = np.square(counts / expected - 1) @ (weight / weight.sum())
        return np.asarray(np.sqrt(squares))

    value, null = float(spread(observed)), spread(drawn)
    at_least = int((null >= value * (1 - 1e-12)).sum())
    return Uniformity(
        value,
        float(np.median(null)),
        float(np.quantile(null, 0.95)),
        (1 + at_least) / (1 + len(null)),
        len(null),
    )


def uniform_within(
    found: Bool[np.ndarray, "seed freq"], n: int, *, num_draws: int | None = None, seed: int = 0
) -> dict[int, Uniformity]:
    """Uniformity inside each gcd class, and inside all of them together (key 0).

    The null draws each network's frequencies anew inside their classes, without replacement.
    Classes of one frequency, and those that no network chose, are left out.
    """
    num_draws = default_draws(int(found.sum())) if num_draws is None else num_draws
    generator = np.random.default_rng(seed)
    results: dict[int, Uniformity] = {}
    parts = []
    for g, freqs in gcd_classes(n).items():
        observed = found[:, freqs].sum(0)
        if len(freqs) < 2 or not observed.sum():
            continue
        drawn = drawn_counts(found[:, freqs].sum(1), len(freqs), num_draws, generator)
        expected = np.full(len(freqs), observed.mean())
        results[g] = _judge(observed, drawn, expected, np.ones(len(freqs)))
        parts.append((observed, drawn, expected))
    if parts:
        observed, drawn, expected = (np.concatenate(p, axis=-1) for p in zip(*parts, strict=True))
        results = {0: _judge(observed, drawn, expected, expected)} | results
    return results


def uniform_between(
    found: Bool[np.ndarray, "seed freq"], n: int, *, num_draws: int | None = None, seed: int = 0
) -> Uniformity:
    """Uniformity between gcd classes: are their rates a frequency the same?

    The null draws each network's frequencies from all, without replacement. For a prime n there
    is one class and nothing to tell: spread 0, p = 1.
    """
    chosen = found.sum(1)
    num_draws = default_draws(int(chosen.sum())) if num_draws is None else num_draws
    drawn = drawn_counts(chosen, n // 2, num_draws, np.random.default_rng(seed))
    classes = list(gcd_classes(n).values())
    observed = np.array([found[:, freqs].sum() for freqs in classes])
    null = np.stack([drawn[:, freqs - 1].sum(1) for freqs in classes], axis=1)
    share = np.array([len(freqs) for freqs in classes]) / (n // 2)
    expected = share * observed.sum()
    return _judge(observed, null, expected, share)
