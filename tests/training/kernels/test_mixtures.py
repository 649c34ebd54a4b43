"""Sums of rows of tables over the digits: vectors, plain loops and NumPy agree."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.training.kernels import attention as kernels
from modlib.training.kernels import mixtures

SHAPES = [(5, 1, 3, 1), (5, 3, mixtures.PANEL, 20), (11, 4, 2 * mixtures.PANEL + 5, 60)]


def drawn(p: int, heads: int, columns: int, num: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    weights = draw.dirichlet(np.ones(3), size=(num, heads))
    rows, base = draw.normal(size=(heads, 2 * p, columns)), draw.normal(size=columns)
    x0, x1 = draw.integers(p, size=(2, num))
    return {"weights": weights, "rows": rows, "base": base, "x0": x0, "x1": x1}


def held(rows: np.ndarray, base: np.ndarray, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """The table and base in panels."""
    heads, tokens, columns = rows.shape
    panels = -(-columns // mixtures.PANEL)
    table = np.full((panels, heads, tokens, mixtures.PANEL), np.nan, dtype=dtype)
    for head in range(heads):
        mixtures.pack(rows[head].astype(dtype), head, table)
    padded = np.zeros(panels * mixtures.PANEL, dtype=dtype)
    padded[:columns] = base
    return table, padded


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("p", "heads", "columns", "num"), SHAPES)
def test_mixing_is_a_weighted_sum_of_the_digits_rows(p, heads, columns, num, dtype, positive):
    given = drawn(p, heads, columns, num)
    weights, rows, x0, x1 = (given[name] for name in ("weights", "rows", "x0", "x1"))
    expected = given["base"] + np.einsum("nh,hnc->nc", weights[..., 0], rows[:, x0])
    expected += np.einsum("nh,hnc->nc", weights[..., 1], rows[:, p + x1])
    table, base = held(rows, given["base"], dtype)
    result = np.full((num, columns), np.nan, dtype=dtype)
    mixtures.mix(table, base, weights.astype(dtype), x0, x1, result, positive=positive)
    wanted = np.maximum(expected, 0) if positive else expected
    np.testing.assert_allclose(result, wanted, atol=1e-5 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("p", "heads", "columns", "num"), SHAPES)
def test_the_way_back_is_the_transpose(p, heads, columns, num, dtype, positive):
    given = drawn(p, heads, columns, num)
    weights, rows, x0, x1 = (given[name] for name in ("weights", "rows", "x0", "x1"))
    draw = np.random.default_rng(1)
    result, d_result = draw.normal(size=(2, num, columns)).astype(dtype)
    d = d_result * (result > 0) if positive else d_result
    table, base = held(rows, given["base"], dtype)
    tables = np.zeros((2, *table.shape), dtype=dtype)
    d_base, d_weights = np.zeros_like(base), np.zeros((num, heads, 3), dtype=dtype)
    at = (weights.astype(dtype), x0, x1, result, d_result)
    for part in range(2):
        mixtures.mix_back(table, *at, tables[part], d_base, d_weights, positive=positive)
    wanted = np.zeros((heads, 2 * p, columns))
    for i in range(num):
        wanted[:, x0[i]] += 2 * weights[i, :, :1] * d[i]
        wanted[:, p + x1[i]] += 2 * weights[i, :, 1:2] * d[i]
    atol = 1e-4 if dtype == np.float32 else 1e-12
    d_rows = np.empty_like(rows, dtype=dtype)
    for head in range(heads):
        mixtures.unpack(tables, head, d_rows[head])
    np.testing.assert_allclose(d_rows, wanted, atol=atol)
    np.testing.assert_allclose(d_base[:columns], 2 * d.sum(0), atol=atol)
    for place, digit in enumerate((x0, p + x1)):
        dots = 2 * np.einsum("hnc,nc->nh", rows[:, digit], d)
        np.testing.assert_allclose(d_weights[..., place], dots, atol=atol)
    np.testing.assert_array_equal(d_weights[..., 2], 0)


def test_a_token_that_no_number_has_gets_no_gradient():
    given = drawn(11, 2, 40, 1)
    table, base = held(given["rows"], given["base"], np.float32)
    d_table, d_base = np.zeros_like(table), np.zeros_like(base)
    d_weights = np.zeros((1, 2, 3), dtype=np.float32)
    ones = np.ones((1, 40), dtype=np.float32)
    at = (given["weights"].astype(np.float32), np.array([4]), np.array([7]))
    mixtures.mix_back(table, *at, ones, ones, d_table, d_base, d_weights)
    assert np.flatnonzero(np.abs(d_table).sum((0, 1, 3))).tolist() == [4, 11 + 7]


def test_the_gradient_of_the_scores_is_the_softmaxs():
    p, heads, step = 5, 2, 1e-6
    draw = np.random.default_rng(2)
    scores, slopes = draw.normal(size=(2 * p + 1, heads)), draw.normal(size=(9, heads, 3))
    slopes[..., 2] = 0
    x0, x1 = draw.integers(p, size=(2, 9))
    weights, d_scores = np.empty((9, heads, 3)), np.zeros_like(scores)
    kernels.weigh(scores, x0, x1, weights)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-12)
    kernels.weigh_back(weights, slopes, x0, x1, d_scores)

    def value(token: int, head: int, by: float) -> float:
        moved, there = scores.copy(), np.empty_like(weights)
        moved[token, head] += by
        kernels.weigh(moved, x0, x1, there)
        return float((slopes * there).sum())

    slope = [
        [(value(t, h, step) - value(t, h, -step)) / (2 * step) for h in range(heads)]
        for t in range(2 * p + 1)
    ]
    np.testing.assert_allclose(d_scores, slope, atol=1e-8)
