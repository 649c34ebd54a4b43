"""A circle in an embedding is found as it was put there, and pairs on it as far apart as said."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.meso.clock_pizza import right_logits
from modlib.analysis.meso.clock_pizza_circle import circle_points, near_and_facing
from modlib.errors import InputError
from modlib.maths.groups import remapping_unit


def embedded(n: int, sizes: dict[int, tuple[float, float]], seed: int = 0) -> np.ndarray:
    """Ellipses with these axes, cosine and sine, in planes of their own, and a common offset."""
    rng = np.random.default_rng(seed)
    planes = np.linalg.qr(rng.normal(size=(16, 2 * len(sizes))))[0]
    found = np.full((n, 16), 3.0)
    for place, (freq, (cosine, sine)) in enumerate(sizes.items()):
        angle = 2 * np.pi * freq * np.arange(n) / n
        waves = np.stack([cosine * np.cos(angle), sine * np.sin(angle)], axis=1)
        found += waves @ planes[:, 2 * place : 2 * place + 2].T
    return found


def test_a_planted_circle_is_seen_as_one_and_others_are_not_in_its_plane():
    n, freq = 13, 3
    angle = 2 * np.pi * freq * np.arange(n) / n
    ideal = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = circle_points(embedded(n, {3: (2.0, 2.0), 5: (7.0, 7.0)}), freq)
    np.testing.assert_allclose(found, ideal, atol=1e-12)
    assert np.abs(circle_points(embedded(n, {5: (7.0, 7.0)}), 5) - ideal).max() > 0.5


def test_an_ellipse_stays_an_ellipse():
    found = circle_points(embedded(13, {3: (3.0, 1.0)}), 3)
    radii = np.linalg.svd(found * np.sqrt(2 / 13), compute_uv=False)
    np.testing.assert_allclose(radii, [1.5, 0.5], rtol=1e-9)


def test_nothing_at_a_frequency_is_a_point():
    assert not circle_points(np.ones((7, 4)), 2).any()
    with pytest.raises(InputError, match="freq must be an integer"):
        circle_points(np.ones((7, 4)), 7)


@pytest.mark.parametrize("n", [3, 4, 5, 12, 59, 60, 91])
def test_pairs_are_as_far_apart_as_they_say(n):
    for freq in range(1, n // 2 + 1):
        logits = np.random.default_rng(freq).normal(size=(n, n, n))
        table = right_logits(logits, remapping_unit(freq, n))
        for pair in near_and_facing(freq, n):
            assert pair.c == (pair.a + pair.b) % n
            turned = 360 * freq * (pair.a - pair.b) / n % 360
            assert min(abs(turned - pair.degrees), abs(turned - pair.degrees + 360)) < 1e-6
            assert table[pair.y, pair.x] == logits[pair.a, pair.b, pair.c]
    near, facing = near_and_facing(1, 60)
    assert (near.degrees, facing.degrees) == (60, 180)
