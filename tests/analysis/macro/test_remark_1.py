"""Remark 1: the Chinese remainder theorem as a sum of cosines."""

from itertools import combinations, product
from math import gcd, prod

import numpy as np
import pytest

from modlib.analysis.macro.remark_1 import (
    crt_by_cosines,
    num_solved,
    remark_1_as_printed,
    remark_1_holds,
    remark_1_table,
)
from modlib.errors import InputError
from modlib.maths.groups import coprime_factors, crt


def test_the_prime_powers_of_n_are_coprime_and_multiply_to_n():
    for n in range(2, 400):
        factors = coprime_factors(n)
        assert prod(factors) == n
        assert all(gcd(p, q) == 1 for p, q in combinations(factors, 2))
        assert all(len(coprime_factors(q)) == 1 for q in factors)


@pytest.mark.parametrize("moduli", [(7, 13), (4, 3, 5), (2, 9), (2, 3, 5, 7)])
def test_the_cosines_reach_their_number_at_the_solution_of_the_theorem_and_nowhere_else(moduli):
    for residues in product(*(range(q) for q in moduli)):
        total = crt_by_cosines(residues, moduli)
        assert np.flatnonzero(total > len(moduli) - 1e-9).tolist() == [crt(residues, moduli)]


def test_the_printed_frequency_finds_41_where_the_answer_is_58():
    residues = [58 % 7, 58 % 13]
    assert crt_by_cosines(residues, (7, 13)).argmax() == 58
    assert remark_1_as_printed(residues, (7, 13)).argmax() == 41


def test_with_two_factors_the_printed_frequency_exchanges_the_moduli():
    for p, q in ((7, 13), (4, 9), (2, 5)):
        for k in range(p * q):
            total = remark_1_as_printed([k % p, k % q], (p, q))
            assert total.argmax() == crt([k % p % q, k % q % p], (q, p))


def test_the_printed_frequency_depends_on_how_a_residue_is_written():
    """2 and 9 are the same residue modulo 7, but cos(2 pi 7 (k - m) / 91) tells them apart."""
    same = crt_by_cosines([2, 6], (7, 13)), crt_by_cosines([9, 6], (7, 13))
    np.testing.assert_allclose(*same, atol=1e-12)
    written = remark_1_as_printed([2, 6], (7, 13)), remark_1_as_printed([9, 6], (7, 13))
    assert written[0].argmax() != written[1].argmax()


def test_the_table_counts_every_k():
    table = remark_1_table([6, 15, 60, 91]).set_index("n")
    assert (table.num_right == table.index).all()
    assert table.num_printed.to_dict() == {6: 2, 15: 3, 60: 3, 91: 7}
    assert table.factors[60] == (4, 3, 5)


def test_moduli_that_share_a_factor_are_refused():
    with pytest.raises(InputError, match=r"moduli must be pairwise coprime, got \[4, 6\]"):
        crt_by_cosines([1, 1], [4, 6])


def test_a_sum_with_a_second_crest_does_not_hold():
    assert remark_1_holds(60)
    assert num_solved(12, lambda residues, moduli: np.zeros(12)) == 0
    assert num_solved(91, remark_1_as_printed) == 7
