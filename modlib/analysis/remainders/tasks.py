"""What paper B asks of a network, before there is one: remainders as images over the digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.remainders.digit_spectra import (
    TOP_CELLS,
    active_cells,
    grid_magnitudes,
    number_of_active,
    top_share,
)
from modlib.config.remainders import RemaindersConfig
from modlib.maths.fourier import character
from modlib.tasks.remainders import as_grid, digits, primes_below


def zero_free(p: int) -> Int[np.ndarray, " x"]:
    """The numbers below p^2 that no prime below p divides (paper B, introduction)."""
    x = np.arange(p**2)
    divided = (x[:, None] % primes_below(p) == 0).any(1)
    return x[~divided]


def zero_free_kinds(p: int) -> dict[str, Int[np.ndarray, " x"]]:
    """Numbers below p^2 by what they say of "zero-free means prime".

    Primes without a zero remainder, zero-free numbers that are not prime, and primes with a zero.
    """
    free, primes = zero_free(p), primes_below(p**2)
    return {
        "prime, no zero": np.intersect1d(free, primes),
        "no zero, not prime": np.setdiff1d(free, primes),
        "prime, has a zero": np.setdiff1d(primes, free),
    }


def remainder_wave(config: RemaindersConfig, q: int) -> Float[np.ndarray, "x0 x1"]:
    """cos(2 pi x / q) over the digits: the slowest wave that x mod q is made of."""
    wave = character(np.arange(config.p**2), 1, q).real
    return as_grid(config, wave)


def sum_wave(config: RemaindersConfig) -> Float[np.ndarray, "x0 x1"]:
    """cos(2 pi (x0 + x1) / p) over the digits: the same of modular addition."""
    x0, x1 = digits(config)
    return as_grid(config, character(x0 + x1, 1, config.p).real)


def leaks(waves: dict[str, Float[np.ndarray, "x0 x1"]]) -> pd.DataFrame:
    """How many cells of the p x p transform one wave takes: a row a wave.

    ``top`` and ``top_six``: share of power in the strongest cell and in the six strongest;
    ``active``: frequencies above mean + 2 standard deviations.
    """
    rows = []
    for name, wave in waves.items():
        magnitude = grid_magnitudes(wave)
        active = int(number_of_active(active_cells(magnitude)))
        shares = (float(top_share(magnitude, cells)) for cells in (1, TOP_CELLS))
        rows.append((name, *shares, active))
    return pd.DataFrame(rows, columns=["wave", "top", "top_six", "active"])
