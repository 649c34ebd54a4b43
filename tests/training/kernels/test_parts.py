"""Gradients of parts, added: to the last bit what NumPy's sums give."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.training.kernels import attention as kernels


@pytest.mark.parametrize("num_parts", [1, 2, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (31, 33), (64, 7), (100, 65)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_are_added_in_their_order_into_the_columns_that_are_kept(
    num_parts, height, width, dtype
):
    draw = np.random.default_rng(num_parts * height * width)
    parts = draw.normal(size=(num_parts, height, width)).astype(dtype)
    parts *= 10.0 ** draw.integers(-6, 6, parts.shape).astype(dtype)
    kept = np.sort(draw.permutation(width + 5)[:width])
    factors = draw.normal(size=width).astype(dtype)

    turned = np.full((width + 5, height), 7, dtype)
    kernels.add_parts_turned(parts, kept, turned)
    wanted = np.full_like(turned, 7)
    wanted[kept] = parts.sum(0).T
    np.testing.assert_array_equal(turned, wanted)

    scaled = np.full((height, width + 5), 7, dtype)
    kernels.add_parts_scaled(parts, kept, factors, scaled)
    wanted = np.full_like(scaled, 7)
    wanted[:, kept] = parts.sum(0) * factors
    np.testing.assert_array_equal(scaled, wanted)
