"""Z_n as a group: units, cosets and their approximations, the Chinese remainder theorem."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import gcd, prod

import numpy as np
from jaxtyping import Float, Int

from modlib.errors import InputError, require_float, require_int
from modlib.maths.fourier import cosine, require_freq


def units(n: int) -> list[int]:
    """Residues with an inverse modulo n, in increasing order."""
    return [u for u in range(1, max(n, 2)) if gcd(u, n) == 1]


def inverse_mod(value: int, modulus: int) -> int:
    """The inverse of ``value`` modulo ``modulus``.

    Raises ``InputError`` where there is none.
    """
    if gcd(value, modulus) != 1:
        raise InputError("value", f"be coprime to {modulus}", value)
    return pow(value, -1, modulus)


def signed_freq(freq: int, n: int) -> int:
    """The frequency of a real signal that ``freq`` modulo n stands for: 0 .. n // 2."""
    return min(freq % n, -freq % n)


def remapping_unit(freq: int, n: int) -> int:
    """The smallest unit u of Z_n with u freq = gcd(freq, n) modulo n. Paper A, section 4.1.

    The signal k -> h(u k) then has frequency gcd(freq, n) where h has frequency freq. The
    paper's freq / gcd(freq, n) need not be a unit (n = 10, freq = 4).
    """
    n = require_int("n", n, at_least=2)
    freq = require_int("freq", freq, at_least=1, at_most=n - 1)
    common = gcd(freq, n)
    reduced_n = n // common
    start = inverse_mod(freq // common, reduced_n) if reduced_n > 1 else 1
    return next(u for u in range(start, n * n, reduced_n) if gcd(u, n) == 1) % n


def remap(signal: Float[np.ndarray, "*lead n"], unit: int) -> Float[np.ndarray, "*lead n"]:
    """k -> h(unit k): the signal read in steps of a unit of Z_n.

    Raises ``InputError`` when ``unit`` has no inverse modulo n.
    """
    n = signal.shape[-1]
    if gcd(unit, n) != 1:
        raise InputError("unit", f"be coprime to {n}", unit)
    return signal[..., unit * np.arange(n) % n]


def coset(n: int, size: int, shift: int) -> Int[np.ndarray, " member"]:
    """The coset shift + (n / size) Z of the subgroup of ``size`` elements, in increasing order.

    Raises ``InputError`` when ``size`` does not divide n.
    """
    if n % require_int("size", size, at_least=1, at_most=n):
        raise InputError("size", f"divide {n}", size)
    step = n // size
    return shift % step + step * np.arange(size)


def approximate_coset(
    n: int, freq: int, shift: float, threshold: float = 0.9
) -> Int[np.ndarray, " member"]:
    """Where cos(2 pi freq (k - shift) / n) is at least ``threshold``, in increasing order.

    Paper A, section 3, calls these level sets of a sine; its other definition admits every set.
    With gcd(freq, n) > 1 and a threshold close to 1 this is an exact coset.
    """
    require_freq(freq, n)
    threshold = require_float("threshold", threshold, at_least=-1.0, at_most=1.0)
    return np.flatnonzero(cosine(n, freq, freq * shift) >= threshold - 1e-12)


def coset_step(freq: int, n: int) -> int:
    """d = inverse of f' modulo n', n' = n / gcd(f, n): the paper's step (section 5.2).

    Of d and n' - d the smaller: steps may be walked either way. Raises ``InputError`` for
    f = 0 and beyond n / 2, as ``coset_period`` does.
    """
    freq = require_freq(freq, n)
    common = gcd(freq, n)
    reduced_n = n // common
    if reduced_n == 1:
        return 1
    return signed_freq(inverse_mod(freq // common, reduced_n), reduced_n)


def coset_period(freq: int, n: int) -> float:
    """n / freq, the distance between neighbouring crests (paper A, appendix B.1.1)."""
    return n / require_freq(freq, n)


def coprime_factors(n: int) -> list[int]:
    """The prime powers whose product is n, in increasing order of their primes."""
    factors, prime = [], 2
    while n > 1:
        power = 1
        while n % prime == 0:
            n //= prime
            power *= prime
        if power > 1:
            factors.append(power)
        prime += 1
    return factors


def crt(residues: Sequence[int], moduli: Sequence[int]) -> int:
    """The k in 0 .. prod(moduli) - 1 with k = residues[i] modulo moduli[i]. Appendix A.2.

    Raises ``InputError`` when lengths differ or two moduli share a factor.
    """
    if len(residues) != len(moduli):
        raise InputError("residues", f"have one entry a modulus ({len(moduli)})", len(residues))
    coprime = reduce(lambda lcm, q: lcm * q // gcd(lcm, q), moduli, 1) == prod(moduli)
    if not coprime:
        raise InputError("moduli", "be pairwise coprime", list(moduli))
    n = prod(moduli)
    return (
        sum(
            r * (n // q) * pow(n // q, -1, q)
            for r, q in zip(residues, moduli, strict=True)
            if q > 1
        )
        % n
    )


def harmonic_base(freqs: Sequence[int], n: int, max_order: int) -> tuple[int, int] | None:
    """The base f and the order: the least m <= max_order with every freq = +-j f, j <= m.

    Smallest order first, then smallest base; None where no base reaches all. For prime n every
    set is harmonics of something, so that only a bounded order says anything.
    """
    wanted = {signed_freq(freq, n) for freq in freqs}
    best: tuple[int, int] | None = None
    for base in range(1, n // 2 + 1):
        orders: dict[int, int] = {}
        for j in range(1, max_order + 1):
            orders.setdefault(signed_freq(j * base, n), j)
        if wanted <= orders.keys():
            order = max(orders[freq] for freq in wanted)
            if best is None or order < best[1]:
                best = (base, order)
    return best
