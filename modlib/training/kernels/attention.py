"""Attention and cross-entropy of the transformers, compiled; the matrix products are not here.

Only the last position is read, and its query is the same for every number before dropout. So
scores and values are tables over tokens: with t = x0, p + x1 and 2 p for the three positions,
``scores`` (2 p + 1, heads) and ``values`` (2 p + 1, heads, embed), the values already through the
output matrix. Logits are transposed, (logit, number), so that a task is a block of rows.
"""

# mypy: allow-untyped-defs
# (numba infers the types of compiled functions from their calls)

from __future__ import annotations

import numpy as np

from modlib.training.kernels.llvm_vectors import compiled


@compiled
def weigh(scores, x0, x1, weights):
    """``weights`` (number, heads, 3): the softmax of the scores of the three positions."""
    p = (scores.shape[0] - 1) // 2
    for i in range(x0.shape[0]):
        a, b, c = x0[i], p + x1[i], 2 * p
        for h in range(scores.shape[1]):
            # Less the largest of the three, so that no exp overflows.
            highest = max(scores[a, h], scores[b, h], scores[c, h])
            at_a = np.exp(scores[a, h] - highest)
            at_b = np.exp(scores[b, h] - highest)
            at_c = np.exp(scores[c, h] - highest)
            total = at_a + at_b + at_c
            weights[i, h, 0], weights[i, h, 1] = at_a / total, at_b / total
            weights[i, h, 2] = at_c / total


@compiled
def weigh_back(weights, d_weights, x0, x1, d_scores):
    """Adds the gradient of ``weigh``'s scores to ``d_scores``.

    ``d_weights`` (number, heads, 3): that of the digits' weights, the answer's held at 0, as
    ``mixtures.mix_back`` gives it.
    """
    p = (d_scores.shape[0] - 1) // 2
    for i in range(x0.shape[0]):
        a, b, c = x0[i], p + x1[i], 2 * p
        for h in range(weights.shape[1]):
            d_a, d_b = d_weights[i, h, 0], d_weights[i, h, 1]
            # Of a softmax: d score = weight (d weight - mean), mean = sum of weight d weight.
            mean = weights[i, h, 0] * d_a + weights[i, h, 1] * d_b
            d_scores[a, h] += weights[i, h, 0] * (d_a - mean)
            d_scores[b, h] += weights[i, h, 1] * (d_b - mean)
            d_scores[c, h] -= weights[i, h, 2] * mean


@compiled
def cross_entropy_back(powers, starts, targets, totals, scales):
    """Replace exp(shifted logits) by the loss's gradient: scale (probability - [right class]).

    ``totals``: as ``exponentials.powers`` gives them, overwritten; ``scales`` (task).
    """
    for task in range(starts.shape[0] - 1):
        for j in range(totals.shape[1]):
            # exp / sum is the probability: one factor a number and task.
            totals[task, j] = scales[task] / totals[task, j]
        for row in range(starts[task], starts[task + 1]):
            for j in range(totals.shape[1]):
                powers[row, j] *= totals[task, j]
        for j in range(totals.shape[1]):
            # Less 1 at the right class, scaled alike.
            powers[starts[task] + targets[task, j], j] -= scales[task]


@compiled
def right_answers(logits, starts, targets, highest, chosen, right):
    """Whether the first largest logit of each task is the right one, (task, number)."""
    for task in range(starts.shape[0] - 1):
        highest[:] = logits[starts[task]]
        chosen[:] = 0
        for row in range(starts[task] + 1, starts[task + 1]):
            for j in range(highest.shape[0]):
                # Strictly larger: of equal logits the first one counts, as argmax has it.
                larger = logits[row, j] > highest[j]
                highest[j] = logits[row, j] if larger else highest[j]
                chosen[j] = row - starts[task] if larger else chosen[j]
        for j in range(highest.shape[0]):
            right[task, j] = chosen[j] == targets[task, j]


@compiled
def attended(powers, reads, base, images):
    """``images`` (neuron, x0, x1): relu(base + what every head hears), for all pairs of digits.

    ``powers`` (head, t): exp of the tokens' scores; ``reads`` (neuron, head, t): times what the
    neuron hears of the token; ``base`` (neuron).
    """
    p = (powers.shape[1] - 1) // 2
    zero, one = powers.dtype.type(0), powers.dtype.type(1)
    shares = np.empty(p, powers.dtype)
    for a in range(p):
        for neuron in range(images.shape[0]):
            images[neuron, a, :] = base[neuron]
        for h in range(powers.shape[0]):
            # Softmax over the three positions: sum of power times read, over the sum of powers.
            of_a, of_b = powers[h, a] + powers[h, 2 * p], powers[h, p : 2 * p]
            for b in range(p):
                shares[b] = one / (of_a + of_b[b])
            for neuron in range(images.shape[0]):
                row, read = images[neuron, a], reads[neuron, h]
                top, of = read[a] + read[2 * p], read[p : 2 * p]
                for b in range(p):
                    row[b] += (top + of[b]) * shares[b]
        for neuron in range(images.shape[0]):
            row = images[neuron, a]
            for b in range(p):
                row[b] = zero if row[b] < zero else row[b]


@compiled
def combine(weight, table, base, a, b, result):
    """Row i becomes base[b] + the sum over heads of weight times row, of a and of b = b[i].

    ``weight`` (2, head, n, n), ``table`` (2, head, n, width), ``base`` (n, width), ``result``
    (pair, width): what a block reads of its stream where attention weighs two tokens.
    """
    for i in range(a.shape[0]):
        x, y = a[i], b[i]
        result[i, :] = base[y]
        for h in range(table.shape[1]):
            of_a, of_b = weight[0, h, x, y], weight[1, h, x, y]
            for j in range(result.shape[1]):
                result[i, j] += of_a * table[0, h, x, j] + of_b * table[1, h, y, j]


def _combine_back(weight, table, a, b, d_result, d_weight, d_table, d_base):
    """Adds the gradients of ``combine``'s weights, table and base to ``d_weight``, ..."""
    zero = table.dtype.type(0)
    for i in range(a.shape[0]):
        x, y = a[i], b[i]
        for j in range(d_result.shape[1]):
            # d base[b] = d result.
            d_base[y, j] += d_result[i, j]
        for h in range(table.shape[1]):
            of_a, of_b = weight[0, h, x, y], weight[1, h, x, y]
            d_a, d_b = zero, zero
            for j in range(d_result.shape[1]):
                d = d_result[i, j]
                # d weight = d result . row, and d row += weight d result.
                d_a += d * table[0, h, x, j]
                d_b += d * table[1, h, y, j]
                d_table[0, h, x, j] += of_a * d
                d_table[1, h, y, j] += of_b * d
            d_weight[0, h, x, y] += d_a
            d_weight[1, h, x, y] += d_b


combine_back = compiled(_combine_back, reorder_sums=True)


@compiled
def relu(x):
    """Negative elements become 0."""
    zero = x.dtype.type(0)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = x[i, j] if x[i, j] > zero else zero


@compiled
def relu_back(hidden, d_hidden):
    """The gradient is 0 where the neuron is silent."""
    zero = hidden.dtype.type(0)
    for i in range(hidden.shape[0]):
        for j in range(hidden.shape[1]):
            d_hidden[i, j] = d_hidden[i, j] if hidden[i, j] > zero else zero


@compiled
def scale_columns(x, factors):
    """Multiply each row by ``factors`` (column), or row i by row i of ``factors``."""
    shared = factors.shape[0] == 1
    for i in range(x.shape[0]):
        at = 0 if shared else i
        for j in range(x.shape[1]):
            x[i, j] *= factors[at, j]
