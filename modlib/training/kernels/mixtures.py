"""Rows that are, for every number, a weighted sum of rows of tables over the digits.

What attention adds to the stream is such a sum over heads and positions, and so is whatever is
linear in it, as the input of the feed-forward layer: the product with its matrix is taken once a
token, not once a number. The three weights of a head are 1 in sum, so that the answer's row goes
into a ``base`` and each digit's row is held less the answer's.

A table lies in panels of ``PANEL`` columns, (panel, heads, 2 p, PANEL), with zeros at the end:
while all numbers pass over a panel its rows stay in the second-level cache, and where numbers are
sorted by a digit that digit's rows stay in the first. Float32 in LLVM's vectors, since compilers
test at every row whether the arrays overlap; other types in plain loops, which are the readable
twin.
"""

# mypy: allow-untyped-defs
# (numba infers the types of compiled functions from their calls)

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from modlib.training.kernels.llvm_vectors import LANES, Code, Intrinsic, compiled, in_llvm

VECTORS = 4
"""Vectors of a panel's row: few enough to be held in registers, gradients included."""
PANEL = VECTORS * LANES
"""Columns of a panel."""


def _make_sum(positive: bool) -> Intrinsic:
    """One row of a panel: base + sum over heads of both weights times rows; see ``mix``.

    Whole numbers are places in the flat arrays: ``a`` and ``b`` of the digits' rows of the first
    head, ``step`` from one head to the next. ``positive``: negative sums become 0.
    """

    @in_llvm
    def total(
        typingctx, table, a, b, step, heads, weights, weight, base, first, result, place
    ):  # fmt: skip
        size = types.intp
        signature = types.void(
            table, size, size, size, size, weights, size, base, size, result, size
        )

        def generate(context, builder, sig, args):
            code = Code(context, builder)
            table, weights, base, result = (
                context.make_array(sig.args[at])(context, builder, args[at]).data
                for at in (0, 5, 7, 9)
            )
            a, b, step, heads, weight, first, place = (args[at] for at in (1, 2, 3, 4, 6, 8, 10))
            # The panel's row of the result, held in registers from the base on.
            sums = [
                cgutils.alloca_once_value(builder, code.load(_at(code, base, first, v)))
                for v in range(VECTORS)
            ]
            with cgutils.for_range(builder, heads) as loop:
                # result += weight[head, digit] table[head, row of the digit].
                along = builder.mul(loop.index, step)
                for digit, row in enumerate((a, b)):
                    row = builder.add(row, along)
                    factor = _weight(code, weights, weight, loop.index, digit)
                    for v, slot in enumerate(sums):
                        value = code.load(_at(code, table, row, v))
                        builder.store(code.multiply_add(factor, value, builder.load(slot)), slot)
            nought = ir.Constant(code.vector, None)
            for v, slot in enumerate(sums):
                value = builder.load(slot)
                if positive:
                    value = builder.select(builder.fcmp_ordered(">", value, nought), value, nought)
                code.store(value, _at(code, result, place, v))
            return context.get_dummy_value()

        return signature, generate

    return total


def _at(code: Code, base: Any, place: Any, vector: int) -> Any:
    """Pointer to a vector of a flat array."""
    return code.builder.gep(base, [code.builder.add(place, code.size(LANES * vector))])


def _slot(code: Code, base: Any, first: Any, head: Any, digit: int) -> Any:
    """Pointer to a head's weight of a digit, or to its gradient."""
    place = code.builder.add(first, code.builder.mul(head, code.size(3)))
    return code.builder.gep(base, [code.builder.add(place, code.size(digit))])


def _weight(code: Code, base: Any, first: Any, head: Any, digit: int) -> Any:
    """A head's weight of a digit in every lane."""
    return code.spread(code.builder.load(_slot(code, base, first, head, digit)))


def _make_sum_back(gated: bool) -> Intrinsic:
    """What one row's gradient adds to those of table, base and weights; see ``mix_back``.

    ``gated``: only where the ``result``, of the same shape as its gradient, is above 0.
    """

    @in_llvm
    def back(
        typingctx, table, d_table, a, b, step, heads, weights, d_weights, weight, d_base, first,
        result, d_result, place,
    ):  # fmt: skip
        size = types.intp
        signature = types.void(
            table, d_table, size, size, size, size, weights, d_weights, size, d_base, size,
            result, d_result, size,
        )  # fmt: skip

        def generate(context, builder, sig, args):
            code = Code(context, builder)
            table, d_table, weights, d_weights, d_base, result, d_result = (
                context.make_array(sig.args[at])(context, builder, args[at]).data
                for at in (0, 1, 6, 7, 9, 11, 12)
            )
            a, b, step, heads, weight, first, place = (args[at] for at in (2, 3, 4, 5, 8, 10, 13))
            nought = ir.Constant(code.vector, None)
            gradients = []
            for v in range(VECTORS):
                value = code.load(_at(code, d_result, place, v))
                if gated:
                    fires = builder.fcmp_ordered(
                        ">", code.load(_at(code, result, place, v)), nought
                    )
                    value = builder.select(fires, value, nought)
                # d result, through ReLU; d base is its sum over numbers.
                gradients.append(value)
                total = _at(code, d_base, first, v)
                code.store(builder.fadd(code.load(total), value), total)
            with cgutils.for_range(builder, heads) as loop:
                along = builder.mul(loop.index, step)
                for digit, row in enumerate((a, b)):
                    row = builder.add(row, along)
                    factor = _weight(code, weights, weight, loop.index, digit)
                    # d row += weight d result, and d weight += row . d result: lane by lane over
                    # the panel, then added to what other panels gave.
                    product = nought
                    for v, value in enumerate(gradients):
                        of = code.load(_at(code, table, row, v))
                        product = code.multiply_add(of, value, product)
                        to = _at(code, d_table, row, v)
                        code.store(code.multiply_add(factor, value, code.load(to)), to)
                    slot = _slot(code, d_weights, weight, loop.index, digit)
                    total = code.call(
                        f"llvm.vector.reduce.fadd.v{LANES}f32", ir.FloatType(),
                        builder.load(slot), product, fastmath=("reassoc",),
                    )  # fmt: skip
                    builder.store(total, slot)
            return context.get_dummy_value()

        return signature, generate

    return back


_sum, _positive_sum = _make_sum(positive=False), _make_sum(positive=True)
_back, _gated_back = _make_sum_back(gated=False), _make_sum_back(gated=True)


@compiled
def _mix_single(table, base, weights, x0, x1, result, positive):
    """``mix`` in float32."""
    heads, p, cols = table.shape[1], table.shape[2] // 2, result.shape[1]
    step, edge = 2 * p * PANEL, np.empty((1, PANEL), result.dtype)
    # Panels outermost: all numbers pass over one before the next (see above).
    for panel in range(table.shape[0]):
        first = panel * PANEL
        width, top = min(PANEL, cols - first), panel * heads * step
        for i in range(x0.shape[0]):
            # Places in the flat table: ``top`` is the panel, a row has PANEL floats.
            a, b = top + x0[i] * PANEL, top + (p + x1[i]) * PANEL
            out, place = (result, i * cols + first) if width == PANEL else (edge, 0)
            at = i * heads * 3
            if positive:
                _positive_sum(table, a, b, step, heads, weights, at, base, first, out, place)
            else:
                _sum(table, a, b, step, heads, weights, at, base, first, out, place)
            # The intrinsic wrote a whole panel: of the last one, what is in the result.
            if width < PANEL:
                for j in range(width):
                    result[i, first + j] = edge[0, j]


@compiled
def _mix_back_single(
    table, weights, x0, x1, result, d_result, gated, d_table, d_base, d_weights
):  # fmt: skip
    """``mix_back`` in float32."""
    heads, p, cols = table.shape[1], table.shape[2] // 2, d_result.shape[1]
    step = 2 * p * PANEL
    edge, d_edge = np.zeros((1, PANEL), result.dtype), np.zeros((1, PANEL), result.dtype)
    for panel in range(table.shape[0]):
        first = panel * PANEL
        width, top = min(PANEL, cols - first), panel * heads * step
        for i in range(x0.shape[0]):
            a, b = top + x0[i] * PANEL, top + (p + x1[i]) * PANEL
            of, d, place = (result, d_result, i * cols + first)
            # Beyond ``width`` the scratch stays 0 and adds nothing.
            if width < PANEL:
                of, d, place = edge, d_edge, 0
                for j in range(width):
                    edge[0, j], d_edge[0, j] = result[i, first + j], d_result[i, first + j]
            at = i * heads * 3
            if gated:
                _gated_back(
                    table, d_table, a, b, step, heads, weights, d_weights, at, d_base, first,
                    of, d, place,
                )  # fmt: skip
            else:
                _back(
                    table, d_table, a, b, step, heads, weights, d_weights, at, d_base, first,
                    of, d, place,
                )  # fmt: skip


@compiled
def _mix_plain(table, base, weights, x0, x1, result, positive):
    """``mix`` in any type."""
    p = table.shape[2] // 2
    for i in range(x0.shape[0]):
        a, b = x0[i], p + x1[i]
        for j in range(result.shape[1]):
            panel, col = j // PANEL, j % PANEL
            total = base[j]
            # The readable twin: (w_a row_a + w_b row_b) over heads.
            for h in range(table.shape[1]):
                total += weights[i, h, 0] * table[panel, h, a, col]
                total += weights[i, h, 1] * table[panel, h, b, col]
            result[i, j] = max(total, 0) if positive else total


@compiled
def _mix_back_plain(table, weights, x0, x1, result, d_result, gated, d_table, d_base, d_weights):
    """``mix_back`` in any type."""
    p = table.shape[2] // 2
    for i in range(x0.shape[0]):
        a, b = x0[i], p + x1[i]
        for j in range(result.shape[1]):
            panel, col, d = j // PANEL, j % PANEL, d_result[i, j]
            if gated and not result[i, j] > 0:
                continue
            # d base = d; d weight = d . row; d row = weight d.
            d_base[j] += d
            for h in range(table.shape[1]):
                d_weights[i, h, 0] += d * table[panel, h, a, col]
                d_weights[i, h, 1] += d * table[panel, h, b, col]
                d_table[panel, h, a, col] += weights[i, h, 0] * d
                d_table[panel, h, b, col] += weights[i, h, 1] * d


def mix(table, base, weights, x0, x1, result, *, positive=False):
    """result[i] = base + sum over heads and both digits of weight times row of the table.

    ``table`` (panel, heads, 2 p, PANEL): rows x0 and p + x1; ``base`` (columns, zeros to the end
    of a panel); ``weights`` (number, heads, 3): the answer's is not read; ``result`` (number,
    columns); ``positive``: negative sums become 0.
    """
    run = _mix_single if table.dtype == np.float32 else _mix_plain
    run(table, base, weights, x0, x1, result, positive)


def mix_back(
    table, weights, x0, x1, result, d_result, d_table, d_base, d_weights, *, positive=False
):  # fmt: skip
    """Adds the gradients of ``mix``'s table, base and weights to ``d_table``, ...

    ``d_result`` (number, columns): gradient of its ``result``.
    """
    run = _mix_back_single if table.dtype == np.float32 else _mix_back_plain
    run(table, weights, x0, x1, result, d_result, positive, d_table, d_base, d_weights)


@compiled
def pack(rows, head, table):
    """Write one head's rows, (2 p, columns), into the panels of a table."""
    for panel in range(table.shape[0]):
        first = panel * PANEL
        width = min(PANEL, rows.shape[1] - first)
        for t in range(rows.shape[0]):
            of, to = rows[t, first : first + width], table[panel, head, t]
            for j in range(width):
                to[j] = of[j]
            # The end of the last panel must hold numbers: 0 adds nothing to any sum.
            for j in range(width, PANEL):
                to[j] = 0


@compiled
def unpack(tables, head, rows):
    """One head's rows of the sum of tables, (table, panel, heads, 2 p, PANEL)."""
    for panel in range(tables.shape[1]):
        first = panel * PANEL
        width = min(PANEL, rows.shape[1] - first)
        for t in range(rows.shape[0]):
            to = rows[t, first : first + width]
            of = tables[0, panel, head, t]
            for j in range(width):
                to[j] = of[j]
            for part in range(1, tables.shape[0]):
                of = tables[part, panel, head, t]
                for j in range(width):
                    to[j] += of[j]
