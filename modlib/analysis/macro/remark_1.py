"""Remark 1 of paper A: the Chinese remainder theorem as a sum of cosines, tried for every k.

As printed its frequency is wrong; both versions stand here side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd, prod

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.errors import InputError, require_int
from modlib.maths.groups import coprime_factors


def crt_by_cosines(residues: Sequence[int], moduli: Sequence[int]) -> Float[np.ndarray, " k"]:
    """sum_i cos(2 pi (n / q_i) (k - m_i) / n), n the product of the moduli: Remark 1, corrected.

    Each term is 1 exactly where k = m_i modulo q_i, so the sum reaches the number of moduli at
    the solution alone. The paper prints the frequency as q_i, which is 1 elsewhere (n = 91).
    Raises ``InputError`` for moduli that share a factor.
    """
    n = prod(require_int("moduli", q, at_least=2) for q in moduli)
    if any(gcd(p, q) > 1 for i, p in enumerate(moduli) for q in moduli[:i]):
        raise InputError("moduli", "be pairwise coprime", list(moduli))
    k = np.arange(n)
    terms = [np.cos(2 * np.pi * (k - m) / q) for m, q in zip(residues, moduli, strict=True)]
    return np.sum(terms, axis=0)


def remark_1_as_printed(residues: Sequence[int], moduli: Sequence[int]) -> Float[np.ndarray, " k"]:
    """sum_i cos(2 pi q_i (k - m_i) / n): Remark 1 with the frequency that the paper prints.

    The term of q_i repeats every n / q_i and is 1 there, whatever k is modulo q_i.
    """
    n = prod(moduli)
    k = np.arange(n)
    terms = [np.cos(2 * np.pi * q * (k - m) / n) for m, q in zip(residues, moduli, strict=True)]
    return np.sum(terms, axis=0)


def num_solved(
    n: int, superpose: Callable[[Sequence[int], Sequence[int]], Float[np.ndarray, " k"]]
) -> int:
    """For how many k of Z_n a sum of cosines is largest at k alone; all k are tried."""
    factors = coprime_factors(n)
    count = 0
    for k in range(n):
        total = superpose([k % q for q in factors], factors)
        count += np.flatnonzero(total > total.max() - 1e-9).tolist() == [k]
    return count


def remark_1_holds(n: int) -> bool:
    """Whether the cosines' only maximum is the solution, for every k of Z_n (enumerated)."""
    return num_solved(n, crt_by_cosines) == n


def remark_1_table(moduli: Sequence[int]) -> pd.DataFrame:
    """A row a modulus n: for how many k of Z_n the sum of cosines is largest at k alone.

    ``factors``: prime powers of n; ``num_right``: with the frequency n / q_i; ``num_printed``:
    with q_i. All k are tried, each with the residues k mod q_i.
    """
    rows = []
    for n in moduli:
        solved = (num_solved(n, version) for version in (crt_by_cosines, remark_1_as_printed))
        rows.append((n, tuple(coprime_factors(n)), *solved))
    return pd.DataFrame(rows, columns=["n", "factors", "num_right", "num_printed"])
