"""exp(logit - the task's largest) and its sum over classes, in one pass over the logits.

Logits are transposed, (logit, number), so that a task is a block of rows. Float32 in LLVM's
vectors; other types in plain loops, which are the readable twin.
"""

# mypy: allow-untyped-defs
# (numba infers the types of compiled functions from their calls)

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from modlib.training.kernels.llvm_vectors import LANES, Code, compiled, in_llvm

LOWEST = -87.3365
"""Below, exp is no normal number in float32, and taken for 0."""

TAYLOR = (1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0, 1.0)
"""Of exp, highest power first: on half of ln 2 either side of 0 the rest is below 2e-7 of it."""

ROUND = 1.5 * 2**23
"""Added to a small number it leaves the nearest integer in the lowest bits."""


def _exp(code: Code, x: Any) -> Any:
    """exp of a vector that is nowhere above 0, as 2^n exp(r); not a number where x is none."""
    builder, lane = code.builder, ir.IntType(32)

    def constant(value: float) -> Any:
        return ir.Constant(code.vector, [float(np.float32(value))] * LANES)

    whole = ir.VectorType(lane, LANES)
    # Floats as large as ROUND are whole numbers: the sum is rounded to one, n of 2^n.
    shifted = code.multiply_add(x, constant(1 / np.log(2)), constant(ROUND))
    n = builder.fsub(shifted, constant(ROUND))
    high = 0.693359375  # few bits, so that n times it is exact
    # rest = x - n log 2, with log 2 in two parts.
    rest = code.multiply_add(n, constant(-high), x)
    rest = code.multiply_add(n, constant(high - np.log(2)), rest)
    series = constant(TAYLOR[0])
    # Horner's rule.
    for coefficient in TAYLOR[1:]:
        series = code.multiply_add(series, rest, constant(coefficient))
    # Of the bits of n + ROUND the shift leaves n alone, in the place of the exponent.
    exponent = builder.shl(builder.bitcast(shifted, whole), ir.Constant(whole, [23] * LANES))
    exponent = builder.add(exponent, ir.Constant(whole, [127 << 23] * LANES))
    result = builder.fmul(series, builder.bitcast(exponent, code.vector))
    low = builder.fcmp_ordered("<", x, constant(LOWEST))
    return builder.select(low, ir.Constant(code.vector, None), result)


@in_llvm
def _raise(typingctx, logits, place, highest, column, totals, total):
    """A vector of logits becomes exp(logit - highest), and is added to the totals.

    Whole numbers are places in the flat arrays.
    """
    size = types.intp
    signature = types.void(logits, size, highest, size, totals, size)

    def generate(context, builder, sig, args):
        code = Code(context, builder)
        logit, high, sums = (
            builder.gep(
                context.make_array(sig.args[at])(context, builder, args[at]).data, [args[at + 1]]
            )
            for at in (0, 2, 4)
        )
        power = _exp(code, builder.fsub(code.load(logit), code.load(high)))
        code.store(power, logit)
        code.store(builder.fadd(code.load(sums), power), sums)
        return context.get_dummy_value()

    return signature, generate


@compiled
def _shift(logits, first, last, targets, highest, correct):
    """The largest of some rows, (number), and how far the right row is below it."""
    highest[:] = logits[first]
    for row in range(first + 1, last):
        of = logits[row]
        for j in range(highest.shape[0]):
            highest[j] = max(highest[j], of[j])
    for j in range(highest.shape[0]):
        correct[j] = logits[first + targets[j], j] - highest[j]


@compiled
def _powers_plain(logits, starts, targets, highest, correct, totals):
    """``powers`` in any type."""
    for task in range(starts.shape[0] - 1):
        first, last = starts[task], starts[task + 1]
        _shift(logits, first, last, targets[task], highest, correct[task])
        totals[task] = 0
        for row in range(first, last):
            for j in range(highest.shape[0]):
                logits[row, j] = np.exp(logits[row, j] - highest[j])
                totals[task, j] += logits[row, j]


@compiled
def _powers_single(logits, starts, targets, highest, correct, totals):
    """``powers`` in float32."""
    cols = highest.shape[0]
    whole = cols - cols % LANES
    edge, high, total = np.zeros((3, LANES), logits.dtype)
    for task in range(starts.shape[0] - 1):
        first, last = starts[task], starts[task + 1]
        _shift(logits, first, last, targets[task], highest, correct[task])
        totals[task], total[:] = 0, 0
        # Lanes of ``high`` beyond them keep what they had: their results are not read.
        for j in range(whole, cols):
            high[j - whole] = highest[j]
        for row in range(first, last):
            for j in range(0, whole, LANES):
                _raise(logits, row * cols + j, highest, j, totals, task * cols + j)
            # The numbers after the last whole vector go through a scratch of one vector.
            if whole < cols:
                for j in range(whole, cols):
                    edge[j - whole] = logits[row, j]
                _raise(edge, 0, high, 0, total, 0)
                for j in range(whole, cols):
                    logits[row, j] = edge[j - whole]
        for j in range(whole, cols):
            totals[task, j] = total[j - whole]


def powers(logits, starts, targets, highest, correct, totals):
    """Replace each task's logits by exp(logit - its largest), and add them up.

    ``starts`` (task + 1): first row of each task; ``targets`` (task, number): right classes;
    ``correct`` (task, number): the shifted logits of those; ``totals`` (task, number): the sums;
    ``highest`` (number): scratch.
    """
    run = _powers_single if logits.dtype == np.float32 else _powers_plain
    run(logits, starts, targets, highest, correct, totals)
