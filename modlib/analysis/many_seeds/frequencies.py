"""Which frequencies many networks choose, and how often.

Paper A, section 4.1 and appendix B.3.1; figure A4a. Clusters are counted, not neurons, and the
network is the unit. Arrays over ``freq`` start at 0, the mean, which no network can choose.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from modlib.errors import InputError
from modlib.maths.fourier import require_freq
from modlib.maths.intervals import (
    Intervals,
    ratio_of_sums,
)


def gcd_classes(n: int) -> dict[int, Int[np.ndarray, " freq"]]:
    """The frequencies 1 .. n // 2 by their greatest common divisor with n, smallest first."""
    freqs = np.arange(1, n // 2 + 1)
    common = np.gcd(freqs, n)
    return {int(g): freqs[common == g] for g in np.unique(common)}


def multiples(base: int, n: int) -> list[int]:
    """The frequencies base, 2 base, ... up to n / 2."""
    return list(range(require_freq(base, n), n // 2 + 1, base))


def presence(
    clusters: pd.DataFrame, seeds: Collection[int], n: int
) -> Bool[np.ndarray, "seed freq"]:
    """Which network (row, in the order of ``seeds``) has a cluster at which frequency.

    ``clusters``: columns ``seed`` and ``freq``; rows of other seeds are left out.
    """
    place = pd.Series(np.arange(len(seeds)), index=pd.Index(seeds))
    kept = clusters[clusters.seed.isin(place.index)]
    found = np.zeros((len(seeds), n // 2 + 1), dtype=bool)
    found[place.loc[kept.seed].to_numpy(), kept.freq.to_numpy(dtype=int)] = True
    return found


def counts_by_freq(
    table: pd.DataFrame, column: str, seeds: Collection[int], n: int
) -> Float[np.ndarray, "seed freq"]:
    """``column`` of a table with ``seed`` and ``freq``, as a matrix; 0 where there is no row."""
    place = pd.Series(np.arange(len(seeds)), index=pd.Index(seeds))
    kept = table[table.seed.isin(place.index)]
    counts = np.zeros((len(seeds), n // 2 + 1))
    at = (place.loc[kept.seed].to_numpy(), kept.freq.to_numpy(dtype=int))
    np.add.at(counts, at, kept[column].to_numpy(dtype=float))
    return counts


def rates_by_freq(counts: Shaped[np.ndarray, "seed freq"], n: int) -> pd.DataFrame:
    """A row a frequency: ``freq``, ``gcd``, ``rate`` a network with ``low`` and ``high``."""
    freqs = np.arange(1, n // 2 + 1)
    rate = ratio_of_sums(counts[:, 1:], np.ones((len(counts), len(freqs))))
    return pd.DataFrame(
        {"freq": freqs, "gcd": np.gcd(freqs, n), "rate": rate.value}
        | {"low": rate.low, "high": rate.high}
    )


def rates_by_class(counts: Shaped[np.ndarray, "seed freq"], n: int) -> pd.DataFrame:
    """A row a gcd class: its rate a frequency and network, and that rate over the mean rate.

    ``gcd``, ``num_freqs``, ``rate``, ``rate_low``, ``rate_high``, ``ratio``, ``low``, ``high``.
    """
    classes = gcd_classes(n)
    sizes = np.array([len(freqs) for freqs in classes.values()])
    per_freq = np.stack([counts[:, freqs].sum(1) for freqs in classes.values()], axis=1) / sizes
    mean = np.repeat(counts[:, 1:].mean(1, keepdims=True), len(classes), axis=1)
    rate, ratio = ratio_of_sums(per_freq, np.ones(per_freq.shape)), ratio_of_sums(per_freq, mean)
    columns = {"rate": rate.value, "rate_low": rate.low, "rate_high": rate.high}
    columns |= {"ratio": ratio.value, "low": ratio.low, "high": ratio.high}
    return pd.DataFrame({"gcd": list(classes), "num_freqs": sizes, **columns})


def ratio_of_classes(
    counts: Shaped[np.ndarray, "seed freq"], n: int, first: int, second: int
) -> Intervals:
    """Rate a frequency of one gcd class over that of another."""
    classes = gcd_classes(n)
    for g in (first, second):
        if g not in classes:
            raise InputError("gcd class", f"be one of {list(classes)}", g)
    above, below = (
        counts[:, classes[g]].mean(1, keepdims=True, dtype=float) for g in (first, second)
    )
    return ratio_of_sums(above, below)
