"""One circle of the embedding, and two hands on it: what a clock and a pizza make of a pair.

Zhong et al. 2023, sections 2 and 3.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from modlib.maths.fourier import require_freq
from modlib.maths.groups import remapping_unit


def circle_points(
    embedding: Float[np.ndarray, "n embed"], freq: int
) -> Float[np.ndarray, "n axis"]:
    """The centred embedding, seen in the plane of one of its frequencies.

    Turned so that residue k lies nearest the angle 2 pi f k / n, and scaled so that the plane's
    own ellipse has a mean radius of 1 (a point of nothing stays at 0). The plane is spanned by
    the cosine's and the sine's coefficients, made orthonormal by the nearest rotation (polar
    decomposition), so that an ellipse stays one. Raises ``InputError`` for a freq of 0.
    """
    n = len(embedding)
    require_freq(freq, n)
    centred = embedding - embedding.mean(0)
    angle = 2 * np.pi * freq * np.arange(n) / n
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    left, size, right = np.linalg.svd(2 / n * centred.T @ waves, full_matrices=False)
    scale = size.mean()
    points = centred @ (left @ right)
    return np.asarray(points / scale if scale > 0 else np.zeros_like(points))


class Pair(NamedTuple):
    """Two inputs, their sum, and the angle between them on the circle, in degrees.

    ``x``, ``y``: the same pair as ``clock_pizza.right_logits`` counts it.
    """

    a: int
    b: int
    c: int
    degrees: float
    x: int
    y: int


def near_and_facing(freq: int, n: int) -> tuple[Pair, Pair]:
    """A pair about a sixth of a turn apart on the circle of ``freq``, and one that faces itself.

    Both have the same b, about an eighth of a turn from residue 0.
    """
    unit, places = remapping_unit(freq, n), n // gcd(freq, n)
    x = round(places / 8)
    pairs = []
    for y in (max(1, round(places / 6)), places // 2):
        b = unit * x % n
        a = (b + unit * y) % n
        pairs.append(Pair(a, b, (a + b) % n, 360 * y / places, x, y))
    return pairs[0], pairs[1]
