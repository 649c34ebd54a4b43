"""Learned sets of frequencies against random ones; clusters against L2 at one modulus.

What sets the number of clusters: section 5.4 of paper A draws frequencies at random, conjecture 1
has L2 decide how many there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.many_seeds import separation as sep
from modlib.maths.intervals import equivalence, share_interval

DELTAS = tuple(step / 100 for step in range(2, 51, 2))
"""Gaps up to which sets are counted."""
NUM_RANDOM = 20_000
"""Random sets of each size."""
BASE = 91
"""The modulus whose L2 the paper gives."""


class Selection(NamedTuple):
    """``shares``: a row a ``delta``, the share of learned sets whose gap is not above it
    (``learned``, ``low``, ``high``) and that of random sets of the same sizes (``random``).

    At the delta asked for: ``close`` of ``num_sets`` learned sets, where random ones would give
    ``expected``; ``smallest``: the least gap that was learned.
    """

    shares: pd.DataFrame
    close: int
    num_sets: int
    expected: float
    smallest: float


def selection(
    n: int,
    gaps: Float[np.ndarray, " network"],
    sizes: Int[np.ndarray, " network"],
    delta: float,
) -> Selection | None:
    """How often learned sets stay under a gap, against random ones; None without a set.

    ``gaps``: ``separation.learned_gaps``, ``sizes``: the sets' numbers of frequencies.
    """
    told = np.isfinite(gaps) & (sizes > 0)
    gaps, sizes = gaps[told], sizes[told]
    if not len(gaps):
        return None
    limits = np.array(DELTAS) + sep.ROUNDING
    random, expected = np.zeros(len(limits)), 0.0
    for m, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        drawn = sep.gaps(n, sep.random_sets(n, int(m), NUM_RANDOM))
        random += count * (drawn[:, None] <= limits).mean(0)
        expected += count * (1 - sep.separation_probability(n, int(m), delta=delta).value)
    rows = []
    for limit, by_chance in zip(limits, random, strict=True):
        share = share_interval(int((gaps <= limit).sum()), len(gaps))
        rows.append((limit, *share, by_chance / len(gaps)))
    return Selection(
        shares=pd.DataFrame(rows, columns=["delta", "learned", "low", "high", "random"]),
        close=int((gaps <= delta + sep.ROUNDING).sum()),
        num_sets=len(gaps),
        expected=float(expected),
        smallest=float(gaps.min()),
    )


def more_l2(
    scaled: Mapping[int, Sequence[int]], fixed: Mapping[int, Sequence[int]]
) -> pd.DataFrame:
    """Clusters with the paper's L2 less those with L2 in proportion to 1/n, a row a modulus.

    ``times``: how much more the first is, n / ``BASE``; ``difference`` with the ends of Welch's
    95 % interval over networks; ``num_seeds`` in all. ``scaled``, ``fixed``: clusters of each
    network that learned, by modulus.
    """
    rows = []
    for n in sorted(set(scaled) & set(fixed) - {BASE}):
        own, other = np.asarray(fixed[n]), np.asarray(scaled[n])
        if min(len(own), len(other)) > 1:
            found = equivalence(own, other, margin=1.0)
            rows.append((n, n / BASE, *found.interval, len(own) + len(other)))
    return pd.DataFrame(rows, columns=["n", "times", "difference", "low", "high", "num_seeds"])
