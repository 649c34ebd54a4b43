"""Frequencies that come and go: the paper's count as its authors coded it (figure 16, table 3)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

CODED_SIGMA = 1.0
"""Standard deviations above the mean at which the authors' code calls a frequency active; their
text says two."""

TICK_POWER = 0.75
"""The authors' figure and table 3 print int(count ** .75)."""


def of_one_digit(smoothed: Float[np.ndarray, "time f0 f1"]) -> Float[np.ndarray, "time f1"]:
    """Magnitudes at each frequency of one digit, summed over those of the other.

    The ledger's first edition reads the authors' count so. Their program leaves out the image's
    first row and column and sees numbers trained on with dropout: ``remainders.neuron_zero``.
    """
    return np.asarray(smoothed.sum(1, dtype=float))


def relative_to_time(series: Float[np.ndarray, "time f1"]) -> Float[np.ndarray, "time f1"]:
    """Each frequency's magnitude over its sum over time; 0 where that is 0."""
    total = series.sum(0)
    return np.divide(series, total, out=np.zeros(series.shape), where=total > 0)


def counts_as_coded(series: Float[np.ndarray, "time f1"]) -> Int[np.ndarray, " time"]:
    """Active frequencies of neuron 0 by the authors' code, at steps spaced evenly in the logarithm.

    Relative to time, and above mean + 1 sigma of the whole table: one threshold for all times.
    """
    relative = relative_to_time(series)
    return (relative > relative.mean() + CODED_SIGMA * relative.std()).sum(1)


def printed_ticks(counts: Int[np.ndarray, "*time"]) -> Int[np.ndarray, "*time"]:
    """What the authors' figure writes for a count."""
    return (counts**TICK_POWER).astype(int)
