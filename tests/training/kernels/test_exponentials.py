"""Powers of logits and their sums: vectors, plain loops and NumPy agree."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from modlib.training.kernels.exponentials import powers
from modlib.training.kernels.llvm_vectors import LANES

STARTS = np.array([0, 2, 5, 12])


def run(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Powers, shifted logits of the right classes and totals."""
    raised, highest = logits.copy(), np.empty_like(logits[0])
    correct, totals = np.full((2, *targets.shape), np.nan, dtype=logits.dtype)
    powers(raised, STARTS, targets, highest, correct, totals)
    return raised, correct, totals


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize("num", [1, LANES, 3 * LANES + 5])
def test_powers_and_totals_equal_numpys(num, dtype, rtol):
    draw = np.random.default_rng(0)
    logits = (20 * draw.normal(size=(12, num))).astype(dtype)
    targets = np.stack([draw.integers(q, size=num) for q in np.diff(STARTS)])
    raised, correct, totals = run(logits, targets)
    for task, (first, last) in enumerate(itertools.pairwise(STARTS)):
        shifted = logits[first:last] - logits[first:last].max(0)
        wanted = np.exp(shifted.astype(float))
        tiny = np.finfo(np.float32).tiny
        np.testing.assert_allclose(raised[first:last], wanted, rtol=rtol, atol=tiny)
        np.testing.assert_allclose(totals[task], wanted.sum(0), rtol=rtol)
        of_right = np.take_along_axis(shifted, targets[task][None], 0)[0]
        np.testing.assert_array_equal(correct[task], of_right)


def test_in_float32_every_power_is_right_to_its_last_bits():
    below = -np.linspace(0, 87, 200_001, dtype=np.float32)
    logits = np.zeros((12, len(below)), dtype=np.float32)
    logits[1] = below
    raised = run(logits, np.zeros((3, len(below)), dtype=int))[0]
    np.testing.assert_allclose(raised[1], np.exp(below.astype(float)), rtol=3e-7)


def test_what_is_too_small_for_float32_is_0_and_no_number_stays_none():
    logits = np.zeros((12, 3), dtype=np.float32)
    logits[1] = [-88, -np.inf, -3e38]
    logits[5, 1] = np.nan
    logits[6, 2] = np.inf
    raised, _, totals = run(logits, np.zeros((3, 3), dtype=int))
    np.testing.assert_array_equal(raised[1], 0)
    np.testing.assert_array_equal(np.isnan(totals), [[0, 0, 0], [0, 0, 0], [0, 1, 1]])
