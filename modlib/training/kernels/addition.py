"""The steps of paper A's training compiled for this machine's vector units."""

# mypy: allow-untyped-defs
# (numba infers the types of compiled functions from their calls)

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from modlib.training.kernels.llvm_vectors import LANES, Code, compiled, in_llvm
from modlib.training.kernels.small_products import product, transpose, turned_product

CHUNK_ROWS = 96
"""Pairs whose hidden layer and logits are held at once: they stay in the second-level cache."""

SUMMED = 16
"""Columns that a sum is taken in: the floats of the widest vector."""

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


@in_llvm
def row_max(typingctx, x, row):
    """Largest element of a row."""

    def generate(context, builder, sig, args):
        code = Code(context, builder)
        x, cols = code.array(sig.args[0], args[0])
        lowest = ir.Constant(code.vector, [float("-inf")] * LANES)
        best = cgutils.alloca_once_value(builder, lowest)
        with cgutils.for_range(builder, builder.udiv(cols, code.size(LANES))) as loop:
            col = builder.mul(loop.index, code.size(LANES))
            line, held = code.load(code.at(x, args[1], cols, col)), builder.load(best)
            # Padded columns hold -inf (``_masked_bias``) and are never larger.
            larger = builder.fcmp_ordered(">", line, held)
            builder.store(builder.select(larger, line, held), best)
        name = f"llvm.vector.reduce.fmax.v{LANES}f32"
        return code.call(name, ir.FloatType(), builder.load(best), fastmath=("nnan",))

    return types.float32(x, types.intp), generate


@in_llvm
def exp_row(typingctx, x, row, shift):
    """A row replaced by exp(x - shift), to float32 rounding; returns its sum.

    ``shift`` is at least the row's maximum; results below exp(-87) are 0. With
    (x - shift) log2(e) = k + r, abs(r) <= 1/2, a polynomial gives exp(r log 2), and k is added to
    the exponent bits (coefficients of the Cephes library's expf). The sum is that of sixteen
    columns, each of every sixteenth element, by halves: the same bits whatever the vectors' width.
    """

    def generate(context, builder, sig, args):
        code = Code(context, builder)
        x, cols = code.array(sig.args[0], args[0])
        wide, words = code.vector, ir.VectorType(ir.IntType(32), LANES)

        def number(value: float) -> Any:
            return ir.Constant(wide, [float(np.float32(value))] * LANES)

        shift = code.spread(args[2])
        at_once = SUMMED // LANES
        sums = cgutils.alloca_once_value(builder, ir.Constant(ir.ArrayType(wide, at_once), None))
        with cgutils.for_range(builder, builder.udiv(cols, code.size(LANES))) as loop:
            place = code.at(x, args[1], cols, builder.mul(loop.index, code.size(LANES)))
            y = builder.fsub(code.load(place), shift)
            lowest = number(-87.0)
            kept = builder.fcmp_ordered(">", y, lowest)
            # Held at -87, k + 127 stays a normal exponent; the result is set to 0 below.
            y = builder.select(kept, y, lowest)
            nearest = code.multiply_add(y, number(1.44269504), number(0.5))
            k = code.call(f"llvm.floor.v{LANES}f32", wide, nearest)
            # r = y - k log 2, with log 2 in two parts: k times the first, of few bits, is exact.
            r = code.multiply_add(k, number(-0.693359375), y)
            r = code.multiply_add(k, number(2.12194440e-4), r)
            p = number(1.9875691500e-4)
            for coefficient in (
                1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1
            ):  # fmt: skip
                p = code.multiply_add(p, r, number(coefficient))
            # exp(r) = 1 + r + r^2 p(r).
            p = code.multiply_add(builder.fmul(p, r), r, builder.fadd(r, number(1.0)))
            exponent = builder.add(builder.fptosi(k, words), ir.Constant(words, [127] * LANES))
            # 2^k as a float: k + 127 in the exponent, 23 bits up.
            power = builder.shl(exponent, ir.Constant(words, [23] * LANES))
            value = builder.fmul(p, builder.bitcast(power, wide))
            value = builder.select(kept, value, ir.Constant(wide, None))
            code.store(value, place)
            slot = cgutils.gep_inbounds(
                builder, sums, 0, builder.urem(loop.index, code.size(at_once))
            )
            builder.store(builder.fadd(builder.load(slot), value), slot)
        parts = [builder.load(cgutils.gep_inbounds(builder, sums, 0, k)) for k in range(at_once)]
        return code.sum_by_halves(parts)

    return types.float32(x, types.intp, types.float32), generate


@compiled
def _preactivations(theta, nought, pre):
    """pre[0] = E_A W_A, pre[1] = E_B W_B + b_in."""
    e_a, e_b, w_a, w_b, b_in = theta[0], theta[1], theta[2], theta[3], theta[4]
    n, depth = e_a.shape
    product(e_a, w_a, nought, pre[0], 0, n, depth)
    product(e_b, w_b, b_in, pre[1], 0, n, depth)


@compiled
def _masked_bias(theta, bias):
    """The output bias with -inf in padded columns, so that no softmax sees them."""
    bias[:] = -np.inf
    for j in range(theta[0].shape[0]):
        bias[0, j] = theta[6][0, j]


@compiled
def _logits(theta, pre, bias, a, b, start, rows, hidden, logits):
    """Hidden layer and logits of ``rows`` pairs."""
    for row in range(rows):
        at_a, at_b = a[start + row], b[start + row]
        for j in range(hidden.shape[1]):
            hidden[row, j] = max(pre[0][at_a, j] + pre[1][at_b, j], np.float32(0.0))
    product(hidden, theta[5], bias, logits, 0, rows, hidden.shape[1])


@compiled
def gradient(theta, grad, a, b, first, last, work):
    """Gradient of the mean cross-entropy over the pairs ``first`` to ``last``.

    ``theta`` and ``grad``: E_A, E_B (n, embed), W_A, W_B (embed, hidden), b_in (1, hidden),
    W_out (hidden, out), b_out (1, out), columns padded by zeros. ``work``: scratch, see
    ``ensemble.Layout``.
    """
    pre, d_pre, hidden, d_hidden, logits, w_out_turned, w_in_turned, bias, nought = work
    n, w_out = theta[0].shape[0], theta[5]
    _preactivations(theta, nought, pre)
    _masked_bias(theta, bias)
    # Products read whole rows of their right side, hence the transposes.
    transpose(w_out, w_out_turned)
    d_pre[0][:] = 0.0
    d_pre[1][:] = 0.0
    grad[4][:] = 0.0
    grad[6][:] = 0.0
    share = np.float32(1.0 / (last - first))
    for start in range(first, last, CHUNK_ROWS):
        rows = min(CHUNK_ROWS, last - start)
        _logits(theta, pre, bias, a, b, start, rows, hidden, logits)
        for row in range(rows):
            # d logits = (softmax - [right answer]) / batch, in place.
            scale = share / exp_row(logits, row, row_max(logits, row))
            for j in range(logits.shape[1]):
                logits[row, j] *= scale
            answer = a[start + row] + b[start + row]
            logits[row, answer - n if answer >= n else answer] -= share
            for j in range(logits.shape[1]):
                # d b_out: the sum over pairs.
                grad[6][0, j] += logits[row, j]
        # d W_out = hidden^T d logits, chunk after chunk in a fixed order.
        if start == first:
            turned_product(hidden, logits, nought, grad[5], 0, w_out.shape[0], rows)
        else:
            turned_product(hidden, logits, grad[5], grad[5], 1, w_out.shape[0], rows)
        # d hidden = d logits W_out^T: n deep, since padded answers have no gradient.
        product(logits, w_out_turned, nought, d_hidden, 0, rows, n)
        for row in range(rows):
            at_a, at_b = a[start + row], b[start + row]
            for j in range(hidden.shape[1]):
                d = d_hidden[row, j] if hidden[row, j] > 0 else np.float32(0.0)
                # A row of E_A W_A is shared by all pairs with this a, and adds up over them.
                d_pre[0][at_a, j] += d
                d_pre[1][at_b, j] += d
    # d b_in: every pair is in one row of d pre[0], so that their sum is over all pairs.
    for k in range(n):
        for j in range(hidden.shape[1]):
            grad[4][0, j] += d_pre[0][k, j]
    for side in range(2):
        embedding, w_in = theta[side], theta[2 + side]
        transpose(w_in, w_in_turned)
        # d E = d pre W^T and d W = E^T d pre, over n rows in place of all pairs.
        product(d_pre[side], w_in_turned, nought, grad[side], 0, n, w_in.shape[1])
        turned_product(embedding, d_pre[side], nought, grad[2 + side], 0, w_in.shape[0], n)


@compiled
def adam(theta, grad, first, second, step, lr, decay):
    """One step of Adam with L2 in the gradient, as torch.optim.Adam has it; ``step`` from 1.

    Flat arrays of one length.
    """
    size = np.float32(lr / (1.0 - BETA_1**step))
    root = np.float32(1.0 / np.sqrt(1.0 - BETA_2**step))
    # All constants in float32: one double would widen the whole loop.
    keep_1, keep_2 = np.float32(1.0 - BETA_1), np.float32(1.0 - BETA_2)
    wd, beta_2, epsilon = np.float32(decay), np.float32(BETA_2), np.float32(EPSILON)
    for i in range(theta.shape[0]):
        g = grad[i] + wd * theta[i]
        m = first[i] + keep_1 * (g - first[i])
        v = beta_2 * second[i] + keep_2 * g * g
        first[i], second[i] = m, v
        theta[i] -= size * m / (np.sqrt(v) * root + epsilon)


@compiled
def _philox(seed, stream, index, block):
    """Four words of ``maths.rng.philox`` at counter (block, 0, index, stream)."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    c0, c1, c2, c3 = np.uint64(block), np.uint64(0), np.uint64(index), np.uint64(stream)
    k0, k1 = np.uint64(seed) & low, np.uint64(seed) >> half
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & low, (p0 >> half) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return c0, c1, c2, c3


@compiled
def permutation(seed, stream, index, order, words, spare):
    """``maths.rng.permutation`` written to ``order``: positions sorted by their words, stable.

    ``words`` (2, count) and ``spare`` (count) are scratch. A radix sort of 11 bits a pass.
    """
    count = order.shape[0]
    for block in range((count + 3) // 4):
        drawn = _philox(seed, stream, index, block)
        for lane in range(min(4, count - 4 * block)):
            words[0, 4 * block + lane] = np.uint32(drawn[lane])
    for position in range(count):
        order[position] = position
    starts = np.empty(2048, dtype=np.int64)
    # Lowest bits first, each pass stable: after three the order is by the whole word.
    for shift in (0, 11, 22):
        source, target = (0, 1) if shift != 11 else (1, 0)
        starts[:] = 0
        for i in range(count):
            starts[(words[source, i] >> np.uint32(shift)) & np.uint32(2047)] += 1
        total = 0
        for bucket in range(2048):
            total, starts[bucket] = total + starts[bucket], total
        for i in range(count):
            bucket = (words[source, i] >> np.uint32(shift)) & np.uint32(2047)
            words[target, starts[bucket]] = words[source, i]
            spare[starts[bucket]] = order[i]
            starts[bucket] += 1
        order[:] = spare


@compiled
def run_epochs(
    flat, flat_grad, first, second, theta, grad, split_a, split_b,
    batch, shuffled, seed, stream, epoch, last_epoch, lr, decay, work,
):  # fmt: skip
    """Train one network from ``epoch`` to ``last_epoch``, in place.

    ``theta`` and ``grad`` are views into the flat vectors that Adam sees; ``split_a``,
    ``split_b``: the training pairs; ``shuffled``: whether an epoch draws an order, from
    ``stream`` of the seed.
    """
    count = split_a.shape[0]
    a, b = split_a.copy(), split_b.copy()
    order, spare = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    words = np.empty((2, count), dtype=np.uint32)
    step = epoch * ((count + batch - 1) // batch)
    for current in range(epoch, last_epoch):
        if shuffled:
            permutation(seed, stream, current, order, words, spare)
            for i in range(count):
                a[i], b[i] = split_a[order[i]], split_b[order[i]]
        for start in range(0, count, batch):
            gradient(theta, grad, a, b, start, min(start + batch, count), work)
            step += 1
            adam(flat, flat_grad, first, second, step, lr, decay)


@compiled
def evaluate(theta, is_train, loss, right, work):
    """Sums of cross-entropy and of right answers over held-out (0) and training (1) pairs.

    ``is_train`` (n * n): 0 or 1, by a n + b; ``loss``, ``right``: (2,) in float64.
    """
    pre, hidden, logits, bias, nought = work[0], work[2], work[4], work[7], work[8]
    n = theta[0].shape[0]
    _preactivations(theta, nought, pre)
    _masked_bias(theta, bias)
    a, b = np.empty(CHUNK_ROWS, dtype=np.int64), np.empty(CHUNK_ROWS, dtype=np.int64)
    loss[:], right[:] = 0.0, 0.0
    for start in range(0, n * n, CHUNK_ROWS):
        rows = min(CHUNK_ROWS, n * n - start)
        for row in range(rows):
            a[row], b[row] = (start + row) // n, (start + row) % n
        _logits(theta, pre, bias, a, b, 0, rows, hidden, logits)
        for row in range(rows):
            best, answer = row_max(logits, row), (a[row] + b[row]) % n
            # The first of the largest is chosen, as argmax has it.
            correct, chosen = logits[row, answer], 0
            while logits[row, chosen] < best:
                chosen += 1
            total = exp_row(logits, row, best)
            which = is_train[start + row]
            loss[which] += np.log(np.float64(total)) + np.float64(best - correct)
            right[which] += chosen == answer
