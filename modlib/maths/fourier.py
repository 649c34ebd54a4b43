"""Fourier tools on Z_n. Paper A, appendix A.1.

Conventions: h^(f) = sum_k h(k) exp(-2 pi i f k / n), not normalised; frequencies are cycles
per n; a real signal is described by f = 0 .. n // 2; phases t are in units of n, in [0, n),
so that h(k) = 2 r cos(2 pi (f k - t) / n) with r = |h^(f)| / n. For even n the frequency n / 2
is its own negative: it has no phase and h(k) = r (-1)^k.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Real

from modlib.errors import InputError, require_int


def require_freq(value: object, n: int, argument: str = "freq") -> int:
    """A frequency of a real signal on Z_n other than the mean: 1 .. n // 2.

    Raises ``InputError`` for anything else.
    """
    return require_int(argument, value, at_least=1, at_most=n // 2)


def dft(signal: Float[np.ndarray, "*lead n"]) -> Complex[np.ndarray, "*lead freq"]:
    """Unnormalised transform of a real signal at f = 0 .. n // 2. Paper A, appendix A.1."""
    return np.fft.rfft(signal, axis=-1)


def _multiplicity(n: int) -> Float[np.ndarray, " freq"]:
    """How many of +f, -f are distinct: 1 for f = 0 and f = n / 2, else 2."""
    freq = np.arange(n // 2 + 1)
    return np.where((freq == 0) | (2 * freq == n), 1.0, 2.0)


def power_spectrum(signal: Float[np.ndarray, "*lead n"]) -> Float[np.ndarray, "*lead freq"]:
    """Power of each frequency 0 .. n // 2 of a real signal.

    Scaled by 1/n^2 with +f and -f added, so that the powers sum to the mean square:
    cos(2 pi f k / n) gives 1/2 at f, and 1 at f = n / 2.
    """
    n = signal.shape[-1]
    return np.abs(dft(signal)) ** 2 * _multiplicity(n) / n**2


def radius(signal: Float[np.ndarray, "*lead n"], freq: int) -> Float[np.ndarray, "*lead"]:
    """r = |h^(f)| / n, half the amplitude of the cosine at f (all of it at n / 2).

    Raises ``InputError`` for f = 0 and beyond n / 2.
    """
    n = signal.shape[-1]
    return np.asarray(np.abs(dft(signal)[..., require_freq(freq, n)]) / n)


def phase(signal: Float[np.ndarray, "*lead n"], freq: int) -> Float[np.ndarray, "*lead"]:
    """t in [0, n) with h^(f) = n r exp(-2 pi i t / n). Paper A, appendix A.1.

    Raises ``InputError`` for f = 0 and for f = n / 2, which have no phase.
    """
    n = signal.shape[-1]
    require_freq(freq, n)
    if 2 * freq == n:
        raise InputError("freq", f"differ from n / 2, which has no phase (n = {n})", freq)
    return phase_of(dft(signal)[..., freq], n)


def phase_of(coefficient: Complex[np.ndarray, "*shape"], n: int) -> Float[np.ndarray, "*shape"]:
    """t in [0, n) of coefficients n r exp(-2 pi i t / n)."""
    # The remainder of a tiny negative number is rounded to n: the second takes that to 0.
    return np.asarray(-np.angle(coefficient) * n / (2 * np.pi) % n % n)


def circular_difference(
    t: Real[np.ndarray, "*shape"] | float, n: float
) -> Float[np.ndarray, "*shape"]:
    """The representative of t modulo n in [-n/2, n/2)."""
    return np.asarray((np.asarray(t) + n / 2) % n - n / 2)


def cosine(n: int, freq: int, t: float = 0.0) -> Float[np.ndarray, " n"]:
    """cos(2 pi (f k - t) / n) for k = 0 .. n - 1."""
    return np.cos(2 * np.pi * (freq * np.arange(n) - t) / n)


def fourier_basis(n: int) -> Float[np.ndarray, "n n"]:
    """Orthonormal real basis of functions on Z_n, a row each.

    Constant, then cos and sin of f = 1, 2, ...; for even n the last row is (-1)^k / sqrt(n).
    """
    k = np.arange(n)
    rows = [np.full(n, 1 / np.sqrt(n))]
    for freq in range(1, (n - 1) // 2 + 1):
        angle = 2 * np.pi * freq * k / n
        rows += [np.sqrt(2 / n) * np.cos(angle), np.sqrt(2 / n) * np.sin(angle)]
    if n % 2 == 0:
        rows.append((-1.0) ** k / np.sqrt(n))
    return np.stack(rows)


def character(x: Int[np.ndarray, "*shape"], k: int, q: int) -> Complex[np.ndarray, "*shape"]:
    """exp(2 pi i k x / q): the character of the integer x modulo q."""
    return np.exp(2j * np.pi * k * np.asarray(x) / q)


def active_frequencies(
    power: Float[np.ndarray, "*lead freq"], num_sigma: float = 2.0
) -> Bool[np.ndarray, "*lead freq"]:
    """Frequencies whose power exceeds mean + num_sigma standard deviations over frequencies."""
    mean, deviation = power.mean(-1, keepdims=True), power.std(-1, keepdims=True)
    return np.asarray(power > mean + num_sigma * deviation)


def effective_number(power: Float[np.ndarray, "*lead freq"]) -> Float[np.ndarray, "*lead"]:
    """(sum P)^2 / sum P^2: m where m frequencies share the power alike; NaN without power."""
    with np.errstate(invalid="ignore"):
        return np.asarray(power.sum(-1) ** 2 / (power**2).sum(-1))
