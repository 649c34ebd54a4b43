"""Statistics of angles: how evenly phases are spread, against phases drawn at random."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.integrate import quad
from scipy.spatial import KDTree

from modlib.errors import require_int


def mean_resultant_length(phases: Float[np.ndarray, " phase"], n: int) -> float:
    """|mean of exp(2 pi i t / n)|: 0 for phases spread evenly, 1 for equal ones."""
    return float(np.abs(np.exp(2j * np.pi * phases / n).mean()))


def chance_resultant(count: int) -> float:
    """Median resultant length of ``count`` independent uniform phases: sqrt(ln 2 / count).

    The length exceeds R with a probability that tends to exp(-count R^2) for large ``count``.
    """
    return float(np.sqrt(np.log(2) / count))


def rayleigh_p(resultant: float, count: int) -> float:
    """p value of the Rayleigh test for ``count`` angles of that mean resultant length.

    Zar's approximation, Biostatistical Analysis (1999), equation 27.4.
    """
    total = count * resultant
    return float(np.exp(np.sqrt(1 + 4 * count + 4 * (count**2 - total**2)) - (1 + 2 * count)))


def rayleigh_power(count: int, concentration: float = 1.0, num_samples: int = 4000) -> float:
    """Share of samples from a von Mises law that the Rayleigh test rejects at 5 %, simulated."""
    generator = np.random.default_rng(0)
    angles = generator.vonmises(0.0, concentration, (num_samples, count))
    lengths = np.abs(np.exp(1j * angles).mean(1))
    return float(np.mean([rayleigh_p(length, count) < 0.05 for length in lengths]))


def nearest_distances(turns: Float[np.ndarray, "point 2"]) -> Float[np.ndarray, " point"]:
    """Distance of each pair of angles to its nearest other, on the torus of circumference 1.

    ``turns``: both angles in turns. NaN for a single point, which has no other.
    """
    if len(turns) < 2:
        return np.full(len(turns), np.nan)
    tree = KDTree(turns % 1.0 % 1.0, boxsize=1.0)  # twice: a tiny negative angle becomes 1 first
    return tree.query(tree.data, k=2)[0][:, 1]


def _disc(radius: float) -> float:
    """Area of the disc of that radius on the torus of circumference 1, which it meets itself on."""
    area = np.pi * radius**2
    if radius > 0.5:
        beyond = radius**2 * np.arccos(0.5 / radius) - 0.5 * np.sqrt(radius**2 - 0.25)
        area -= 4 * beyond
    return float(min(1.0, area))


@lru_cache(maxsize=4096)
def chance_nearest(count: int) -> float:
    """What ``nearest_distances`` of ``count`` independent uniform points gives on average.

    The integral over r of (1 - area of the disc of radius r)^(count - 1), about 1 / (2
    sqrt(count)). Raises ``InputError`` below two points.
    """
    count = require_int("count", count, at_least=2)
    parts = [
        quad(lambda r: (1 - _disc(r)) ** (count - 1), low, high, limit=200)[0]
        for low, high in ((0.0, 0.5), (0.5, np.sqrt(0.5)))
    ]
    return float(sum(parts))


NEAREST_DRAWS = 100_000
"""With 2,000 the share of a sweep's clusters inside the limits errs by more than its interval."""
AT_ONCE = 1000
"""Draws of so many points that fit into a core's cache."""


@lru_cache(maxsize=512)
def nearest_limits(count: int) -> tuple[float, float]:
    """Ends of the middle 95 % of the mean of ``nearest_distances`` over ``chance_nearest``.

    Of ``count`` independent uniform points, simulated. Raises ``InputError`` below two points.
    """
    expected = chance_nearest(count)
    generator = np.random.default_rng(count)
    means = np.empty(NEAREST_DRAWS)
    for start in range(0, NEAREST_DRAWS, AT_ONCE):
        # In 2^16 steps a turn, differences of int16 go the short way round by themselves.
        points = generator.integers(-(2**15), 2**15, (2, count, AT_ONCE), dtype=np.int16)
        nearest = np.full((count, AT_ONCE), np.inf, dtype=np.float32)
        # Each pair once, a step apart in their order, and told to both of its points.
        for step in range(1, count // 2 + 1):
            gap = (points - np.roll(points, step, axis=1)).astype(np.float32)
            squares = (gap**2).sum(0)
            np.minimum(nearest, squares, out=nearest)
            np.minimum(nearest, np.roll(squares, -step, axis=0), out=nearest)
        means[start : start + AT_ONCE] = np.sqrt(nearest).mean(0) / 2**16
    low, high = np.quantile(means / expected, (0.025, 0.975))
    return float(low), float(high)
