from itertools import product
from math import gcd, prod

import numpy as np
import pytest

from modlib.errors import InputError
from modlib.maths import groups
from modlib.maths.fourier import cosine, power_spectrum


def test_units_are_the_residues_with_an_inverse():
    for n in range(2, 40):
        assert groups.units(n) == [u for u in range(n) if any(u * v % n == 1 for v in range(n))]


def test_remapped_frequency_is_the_gcd():
    for n in range(2, 61):
        for freq in range(1, n):
            unit = groups.remapping_unit(freq, n)
            assert gcd(unit, n) == 1
            assert unit * freq % n == gcd(freq, n)


@pytest.mark.parametrize(("n", "freq"), [(91, 35), (89, 27), (60, 16), (10, 4)])
def test_remapping_a_cosine_brings_it_to_the_gcd(n, freq):
    slow = groups.remap(cosine(n, freq, 1.5), groups.remapping_unit(freq, n))
    assert power_spectrum(slow)[gcd(freq, n)] == pytest.approx(0.5)


def test_the_papers_multiplier_need_not_be_a_unit():
    assert gcd(4 // gcd(4, 10), 10) != 1


def test_reading_in_steps_of_no_unit_is_refused():
    with pytest.raises(InputError, match="unit must be coprime to 10, got 5"):
        groups.remap(np.arange(10.0), 5)


@pytest.mark.parametrize("n", [12, 13, 91])
def test_cosets_partition_the_group(n):
    for size in (d for d in range(1, n + 1) if n % d == 0):
        members = np.concatenate([groups.coset(n, size, shift) for shift in range(n // size)])
        assert sorted(members) == list(range(n))


def test_a_coset_of_no_subgroup_is_refused():
    with pytest.raises(InputError, match="size must divide 91, got 5"):
        groups.coset(91, 5, 0)


def test_with_a_common_factor_the_crests_are_an_exact_coset():
    crests = groups.approximate_coset(91, 35, shift=3, threshold=0.999)
    assert crests.tolist() == groups.coset(91, 7, 3).tolist()


def test_an_approximate_coset_is_few_steps_around_its_shift():
    n, freq = 89, 27
    step = groups.coset_step(freq, n)
    # cos(2 pi m / 89) >= .9 for |m| <= 6
    near = {(10 + m * step) % n for m in range(-6, 7)}
    assert set(groups.approximate_coset(n, freq, shift=10).tolist()) == near


def test_step_inverts_the_frequency_and_period_divides_it():
    for n in (12, 59, 91):
        for freq in range(1, n // 2 + 1):
            common, reduced = gcd(freq, n), n // gcd(freq, n)
            step = groups.coset_step(freq, n)
            assert step * (freq // common) % reduced in {1 % reduced, -1 % reduced}
            assert step <= max(1, reduced // 2)
    assert groups.coset_step(17, 59) == 7
    assert groups.coset_period(17, 59) == pytest.approx(3.47, abs=0.01)


@pytest.mark.parametrize("moduli", [(7, 13), (4, 9, 5), (2, 3, 5, 7)])
def test_the_chinese_remainder_theorem_solves_every_system(moduli):
    for residues in product(*(range(q) for q in moduli)):
        k = groups.crt(residues, moduli)
        assert 0 <= k < prod(moduli)
        assert tuple(k % q for q in moduli) == residues


def test_moduli_with_a_common_factor_are_refused():
    with pytest.raises(InputError, match="moduli must be pairwise coprime"):
        groups.crt([1, 1], [6, 10])
    with pytest.raises(InputError, match="residues must have one entry a modulus"):
        groups.crt([1], [2, 3])


def test_harmonics_of_one_frequency_are_recognised_with_their_order():
    assert groups.harmonic_base([27, 35, 19], 89, 12) == (27, 4)  # f, 4f and 2f folded
    odd = [groups.signed_freq(j * 42, 91) for j in (1, 3, 5, 7, 9, 11)]
    assert sorted(odd) == [7, 14, 21, 28, 35, 42]
    base, order = groups.harmonic_base(odd, 91, 12)
    assert order == 6  # as 1 to 6 times 7, which is simpler than the odd ones of 42
    assert base == 7


def test_unrelated_frequencies_have_no_base_of_low_order():
    assert groups.harmonic_base([1, 20, 33], 89, 3) is None


@pytest.mark.parametrize("freq", [0, -1, 46, 3.0, True])
def test_steps_periods_and_level_sets_of_no_frequency_are_refused(freq):
    rule = "freq must be an integer at least 1 and at most 45"
    for refuse in (groups.coset_step, groups.coset_period):
        with pytest.raises(InputError, match=rule):
            refuse(freq, 91)
    with pytest.raises(InputError, match=rule):
        groups.approximate_coset(91, freq, shift=0)
