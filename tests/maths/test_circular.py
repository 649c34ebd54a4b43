"""Angles: evenly spread, equal, and drawn at random."""

import numpy as np
import pytest

from modlib.errors import InputError
from modlib.maths.circular import (
    chance_nearest,
    chance_resultant,
    mean_resultant_length,
    nearest_distances,
    rayleigh_p,
    rayleigh_power,
)
from modlib.maths.fourier import circular_difference


def test_the_mean_resultant_length_is_one_for_equal_phases_and_none_for_even_ones():
    assert mean_resultant_length(np.full(5, 3.0), 91) == pytest.approx(1)
    even = np.arange(7) * 91 / 7
    assert mean_resultant_length(even, 91) == pytest.approx(0, abs=1e-12)


def test_half_of_random_samples_are_longer_than_the_chance_resultant():
    generator = np.random.default_rng(2)
    phases = generator.uniform(0, 91, (4000, 15))
    lengths = np.array([mean_resultant_length(sample, 91) for sample in phases])
    longer = (lengths > chance_resultant(15)).mean()
    assert longer == pytest.approx(0.5, abs=0.04)  # five standard errors


def test_the_rayleigh_test_rejects_uniform_angles_as_often_as_it_says():
    generator = np.random.default_rng(1)
    angles = generator.uniform(0, 2 * np.pi, (4000, 12))
    lengths = np.abs(np.exp(1j * angles).mean(1))
    rejected = np.mean([rayleigh_p(length, 12) < 0.05 for length in lengths])
    assert rejected == pytest.approx(0.05, abs=0.015)  # four standard errors
    assert rayleigh_power(12, concentration=2.0) > 0.9


def test_nearest_points_are_looked_for_all_around_the_torus():
    turns = np.random.default_rng(3).uniform(size=(17, 2))
    apart = circular_difference(turns[:, None] - turns, 1.0)
    distance = np.linalg.norm(apart, axis=2) + np.diag(np.full(17, np.inf))
    np.testing.assert_allclose(nearest_distances(turns), distance.min(1))
    np.testing.assert_allclose(nearest_distances(turns + np.array([0.4, 3.7])), distance.min(1))


def test_points_at_the_seam_and_on_one_another_are_near():
    seam = np.array([[0.0, 0.5], [-1e-18, 0.5], [1.0, 0.25], [1 - 1e-17, 0.5]])
    np.testing.assert_allclose(nearest_distances(seam), [0, 0, 0.25, 0], atol=1e-12)
    assert np.isnan(nearest_distances(np.zeros((1, 2)))).tolist() == [True]
    assert len(nearest_distances(np.zeros((0, 2)))) == 0


@pytest.mark.parametrize("count", [2, 3, 12])
def test_uniform_points_are_as_near_as_chance_says(count):
    generator = np.random.default_rng(4)
    drawn = generator.uniform(size=(4000, count, 2))
    means = np.array([nearest_distances(turns).mean() for turns in drawn])
    assert abs(means.mean() - chance_nearest(count)) < 5 * means.std() / np.sqrt(4000)


def test_two_points_are_as_far_as_a_point_and_the_centre():
    """On average over a square of side 1: (sqrt(2) + ln(1 + sqrt(2))) / 6."""
    exact = (np.sqrt(2) + np.log(1 + np.sqrt(2))) / 6
    assert chance_nearest(2) == pytest.approx(exact, rel=1e-9)


def test_many_points_are_as_near_as_in_the_plane():
    assert chance_nearest(4000) == pytest.approx(0.5 / np.sqrt(4000), rel=1e-3)


@pytest.mark.parametrize("count", [1, 0])
def test_a_single_point_has_no_nearest(count):
    with pytest.raises(InputError, match="count must be an integer at least 2"):
        chance_nearest(count)
