"""Spectra over the digits and over the number: closed forms, and what leaks where."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.remainders import digit_spectra as spectra
from modlib.analysis.remainders.active_sets import (
    counts_as_coded,
    of_one_digit,
    printed_ticks,
    relative_to_time,
)
from modlib.analysis.remainders.digit_spectra import (
    active_cells,
    character_powers,
    explained_by_residue,
    grid_magnitudes,
    number_of_active,
    residue_means,
    summary,
    top_share,
)
from modlib.maths.fourier import effective_number
from modlib.tasks.remainders import primes_below


def wave(p: int, f0: int, f1: int) -> np.ndarray:
    x0, x1 = np.meshgrid(np.arange(p), np.arange(p), indexing="ij")
    return np.cos(2 * np.pi * (f0 * x0 + f1 * x1) / p + 0.3)


def test_a_wave_on_the_grid_has_two_cells_of_one_half():
    magnitudes = grid_magnitudes(5 + wave(11, 2, 3))
    assert magnitudes[0, 0] == 0
    np.testing.assert_allclose(magnitudes[2, 3], 0.5)
    np.testing.assert_allclose(magnitudes[9, 8], 0.5)
    assert (magnitudes > 1e-9).sum() == 2
    np.testing.assert_allclose(top_share(magnitudes), 1)
    assert number_of_active(active_cells(magnitudes)) == 1


def test_the_character_of_2_leaks_over_the_grid_as_the_facts_say():
    """16 % of its power in the top cell and 69 % in six, 104 cells beyond mean + 2 sigma."""
    parity = (-1.0) ** np.arange(113**2).reshape(113, 113)
    magnitudes = grid_magnitudes(parity)
    assert abs(top_share(magnitudes, 1) - 0.16) < 0.005
    assert abs(top_share(magnitudes, 6) - 0.69) < 0.005
    assert active_cells(magnitudes).sum() == 104


def test_a_character_is_explained_by_its_own_modulus_only():
    x = np.arange(37**2)
    values = np.cos(2 * np.pi * 3 * x / 7 + 1.0)[:, None]
    assert explained_by_residue(values, 7)[0] > 1 - 1e-9
    for q in (2, 3, 5, 11, 13, 31):
        assert explained_by_residue(values, q)[0] < 0.01
    powers = character_powers(values, 7)[:, 0]
    assert powers.argmax() == 2
    np.testing.assert_allclose(powers.sum(), 1, atol=0.01)


def test_noise_is_explained_by_its_share_of_degrees_of_freedom():
    values = np.random.default_rng(0).normal(size=(1369, 400))
    for q in (2, 7, 31):
        assert abs(explained_by_residue(values, q).mean() / ((q - 1) / 1368) - 1) < 0.2


@pytest.mark.parametrize("count", [10, 11, 12, 49, 50])
def test_means_by_remainder_equal_a_loop(count):
    values = np.random.default_rng(count).normal(size=(count, 3))
    expected = [values[np.arange(count) % 5 == r].mean(0) for r in range(5)]
    np.testing.assert_allclose(residue_means(values, 5), expected)


def test_the_effective_number_counts_equal_shares():
    assert effective_number(np.array([0.0, 2.0, 2.0, 2.0])) == 3
    assert effective_number(np.ones(18)) == 18


def test_dead_neurons_count_for_nothing():
    images = np.stack([wave(11, 2, 3), np.zeros((11, 11)), wave(11, 1, 0)]).astype(np.float32)
    neurons = np.moveaxis(images, 0, -1).reshape(121, 3)
    qs = primes_below(11)
    found = summary(neurons, images, qs)
    assert found["live"] == 2
    np.testing.assert_allclose(found["top_share"], 1, atol=1e-5)
    assert found["magnitude"].shape == (11, 11)
    assert found["explained"].shape == (4,)
    assert found["character"].shape == (sum(q // 2 for q in qs),)
    nothing = summary(neurons[:, 1:2], images[1:2], qs)
    assert nothing["live"] == 0
    assert all(np.isfinite(array).all() for array in nothing.values())


def test_counts_as_coded_follow_the_authors_steps():
    series = np.random.default_rng(0).uniform(size=(40, 3))
    rows = series.T.copy()  # frequency, time
    rows /= rows.sum(axis=1, keepdims=True)
    expected = (rows > rows.mean() + rows.std()).sum(axis=0)
    assert 0 < expected.sum() < rows.size
    assert counts_as_coded(series).tolist() == expected.tolist()
    assert printed_ticks(np.array([0, 1, 22, 48])).tolist() == [0, 1, 10, 18]


def test_a_frequency_that_never_shows_is_never_active():
    series = np.array([[1.0, 0, 3], [3, 0, 1]])
    assert relative_to_time(series).tolist() == [[0.25, 0, 0.75], [0.75, 0, 0.25]]
    assert of_one_digit(np.ones((2, 5, 3))).tolist() == [[5, 5, 5], [5, 5, 5]]


def test_cells_of_both_digits_are_judged_among_themselves():
    magnitudes = np.ones((2, 5, 5))
    magnitudes[:, 0], magnitudes[:, :, 0] = 100.0, 100.0
    magnitudes[0, 2, 3] = magnitudes[0, 3, 2] = 9.0
    active = spectra.active_off_axes(magnitudes)
    assert np.argwhere(active).tolist() == [[0, 2, 3], [0, 3, 2]]
    assert spectra.number_of_active(active).tolist() == [1, 0]
    assert not spectra.active_cells(magnitudes, 1.0)[:, 1:, 1:].any()


def test_outstanding_waves_are_counted_step_by_step():
    powers = np.array([[1.0, 1, 1, 1, 1, 1, 9], [2.0, 2, 2, 2, 2, 2, 2]])
    assert spectra.number_of_outstanding(powers).tolist() == [1, 0]
