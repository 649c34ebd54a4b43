"""Angles: evenly spread, equal, and drawn at random."""

import numpy as np
import pytest

from modlib.analysis.circular import (
    chance_resultant,
    mean_resultant_length,
    rayleigh_p,
    rayleigh_power,
)


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
