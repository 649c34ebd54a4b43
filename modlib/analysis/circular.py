"""Statistics of angles: how evenly phases are spread, against phases drawn at random."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


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
