import numpy as np
import pytest

from modlib.errors import InputError
from modlib.maths import fourier

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [2, 5, 8, 89, 91])
def test_the_transform_is_the_sum_of_appendix_a1(n):
    signal = RNG.normal(size=n)
    k = np.arange(n)
    for freq in range(n // 2 + 1):
        direct = sum(signal * np.exp(-2j * np.pi * freq * k / n))
        np.testing.assert_allclose(fourier.dft(signal)[freq], direct, atol=1e-10)


@pytest.mark.parametrize("n", [7, 8, 90, 91])
def test_a_cosine_has_power_one_half_and_one_at_half_of_n(n):
    for freq in range(1, n // 2 + 1):
        power = fourier.power_spectrum(fourier.cosine(n, freq, t=0.0))
        expected = np.zeros(n // 2 + 1)
        expected[freq] = 1.0 if 2 * freq == n else 0.5
        np.testing.assert_allclose(power, expected, atol=1e-12)


@pytest.mark.parametrize("n", [9, 10])
def test_powers_add_up_to_the_mean_square(n):
    signal = RNG.normal(size=(4, n))
    total = fourier.power_spectrum(signal).sum(-1)
    np.testing.assert_allclose(total, (signal**2).mean(-1))


@pytest.mark.parametrize("n", [11, 12])
def test_radius_and_phase_are_read_back(n):
    for freq in range(1, (n - 1) // 2 + 1):
        for t in (0.0, 1.25, n - 0.5):
            signal = 3.0 + 2 * 0.7 * fourier.cosine(n, freq, t)
            assert fourier.radius(signal, freq) == pytest.approx(0.7)
            error = fourier.circular_difference(fourier.phase(signal, freq) - t, n)
            assert error == pytest.approx(0, abs=1e-9)


def test_a_phase_that_rounding_puts_below_zero_is_zero_and_not_n():
    assert fourier.phase(fourier.cosine(89, 11), 11) == 0
    for n in (11, 12, 59, 89, 91):
        for freq in range(1, (n - 1) // 2 + 1):
            assert 0 <= fourier.phase(fourier.cosine(n, freq), freq) < n


def test_half_of_n_has_no_phase():
    with pytest.raises(InputError, match="freq must differ from n / 2"):
        fourier.phase(np.ones(8), 4)


@pytest.mark.parametrize("freq", [0, -1, 46, 2.0, True, "3"])
def test_a_frequency_that_is_none_is_refused(freq):
    with pytest.raises(InputError, match="freq must be an integer at least 1 and at most 45"):
        fourier.require_freq(freq, 91)


@pytest.mark.parametrize("n", [2, 3, 8, 9, 37])
def test_the_fourier_basis_is_orthonormal(n):
    basis = fourier.fourier_basis(n)
    np.testing.assert_allclose(basis @ basis.T, np.eye(n), atol=1e-12)


def test_characters_of_an_integer_multiply():
    x, y = np.arange(20), np.arange(20) * 3
    product = fourier.character(x, 2, 7) * fourier.character(y, 2, 7)
    np.testing.assert_allclose(product, fourier.character(x + y, 2, 7), atol=1e-12)


def test_circular_difference_is_the_nearest_representative():
    np.testing.assert_allclose(
        fourier.circular_difference(np.array([0.0, 9.5, -9.5, 25.0]), 10), [0, -0.5, 0.5, -5]
    )


def test_active_frequencies_stand_out_of_the_mean():
    power = np.ones(50)
    power[7] = 40.0
    assert np.flatnonzero(fourier.active_frequencies(power)).tolist() == [7]
