"""An epoch of training as one GPU kernel: one network a program, step after step.

Every matrix of a step is made tile by tile, summed in registers, and every parameter is updated
by the tile that has just summed its gradient. Between the phases of a step, activations and
gradients by activations pass through a scratch of the network. Weights, moments and scratch lie
in device memory and are reached through the caches: at n = 91 and 128 neurons, weights and
moments alone are 311 kB, more than the 228 kB of shared memory a multiprocessor has.

Every sum runs in a fixed order, without atomics: a network's bits depend on its seed alone.
"""

from __future__ import annotations

from typing import no_type_check

import triton
import triton.language as tl

BETA_1, BETA_2, EPSILON = tl.constexpr(0.9), tl.constexpr(0.999), tl.constexpr(1e-8)


@triton.jit
@no_type_check
def _product(
    total,
    left,
    left_k,
    in_left,
    right,
    right_k,
    in_right,
    depth,
    STEP: tl.constexpr,
):
    """total + L R, summed over k < depth in steps of STEP.

    L[i, k] lies at left[i] + k left_k, R[k, j] at right[j] + k right_k, both vectors of pointers.
    """
    for start in range(0, depth, STEP):
        k = start + tl.arange(0, STEP)
        in_l = in_left[:, None] & (k < depth)[None, :]
        in_r = (k < depth)[:, None] & in_right[None, :]
        tile_l = tl.load(left[:, None] + (k * left_k)[None, :], in_l, other=0.0)
        tile_r = tl.load(right[None, :] + (k * right_k)[:, None], in_r, other=0.0)
        # ieee: not TF32, which keeps 10 bits of each factor.
        total = tl.dot(tile_l, tile_r, total, input_precision="ieee")
    return total


@triton.jit
@no_type_check
def _adam(weights, where, mask, grad, rate, root, decay, SIZE: tl.constexpr):
    """One Adam update in place: the moments lie SIZE and 2 SIZE behind the weights.

    rate: lr / (1 - beta_1^t); root: 1 / sqrt(1 - beta_2^t).
    """
    weight = tl.load(weights + where, mask, other=0.0)
    first = tl.load(weights + SIZE + where, mask, other=0.0)
    second = tl.load(weights + 2 * SIZE + where, mask, other=0.0)
    grad += decay * weight
    first += (1 - BETA_1) * (grad - first)
    second = BETA_2 * second + (1 - BETA_2) * grad * grad
    weight -= rate * first / (tl.sqrt(second) * root + EPSILON)
    tl.store(weights + where, weight, mask)
    tl.store(weights + SIZE + where, first, mask)
    tl.store(weights + 2 * SIZE + where, second, mask)


@triton.jit
@no_type_check
def run_epoch(
    state,  # (network, 3, SIZE): weights in the order of models.mlp.PARAMETERS, two moments
    order,  # (network, num_train): pairs a n + b as the epoch visits them
    scratch,  # (network, batch_size, 2 IN + 2 NEURONS + CLASSES)
    corrections,  # (step, 2): Adam's rate and root
    num_train,
    batch_size,
    decay,
    N: tl.constexpr,
    IN: tl.constexpr,  # floats of an input: two embeddings
    NEURONS: tl.constexpr,
    SIZE: tl.constexpr,  # floats kept for a network's weights
    CLASSES: tl.constexpr,  # tile of answers: all of them
    COLS: tl.constexpr,  # tile of an input: all of it
    EMBED_COLS: tl.constexpr,  # tile of an embedding: all of it
    WIDE: tl.constexpr,  # tile of neurons
    ROWS: tl.constexpr,  # tile of anything's rows
    STEP: tl.constexpr,  # terms that a product takes at once
):
    """Every step of an epoch, for the network of this program."""
    EMBED: tl.constexpr = IN // 2
    HIDDEN: tl.constexpr = N * IN
    BIAS: tl.constexpr = HIDDEN + NEURONS * IN
    UNEMBED: tl.constexpr = BIAS + NEURONS
    OUT_BIAS: tl.constexpr = UNEMBED + N * NEURONS
    # 64 bits: many networks together pass 2^31 floats.
    network = tl.program_id(0).to(tl.int64)
    embed = state + network * (3 * SIZE)
    hidden, bias = embed + HIDDEN, embed + BIAS
    unembed, out_bias = embed + UNEMBED, embed + OUT_BIAS
    order += network * num_train
    inputs = scratch + network * batch_size * (2 * IN + 2 * NEURONS + CLASSES)
    dinputs = inputs + batch_size * IN
    acts = dinputs + batch_size * IN
    dpreacts = acts + batch_size * NEURONS
    dlogits = dpreacts + batch_size * NEURONS

    classes, cols, lines = tl.arange(0, CLASSES), tl.arange(0, COLS), tl.arange(0, EMBED_COLS)
    is_class, is_col, is_line = classes < N, cols < IN, lines < EMBED
    lanes, tile = tl.arange(0, WIDE), tl.arange(0, ROWS)

    for step in range(tl.cdiv(num_train, batch_size)):
        pairs = order + step * batch_size
        size = tl.minimum(batch_size, num_train - step * batch_size)
        rate, root = tl.load(corrections + 2 * step), tl.load(corrections + 2 * step + 1)

        # Inputs: the embeddings of a and b side by side.
        for start in range(0, size, ROWS):
            rows = start + tile
            pair = tl.load(pairs + rows, rows < size, other=0)
            place = tl.where(
                cols[None, :] < EMBED,
                (pair // N)[:, None] * EMBED + cols[None, :],
                (pair % N + N - 1)[:, None] * EMBED + cols[None, :],
            )
            mask = (rows < size)[:, None] & is_col[None, :]
            taken = tl.load(embed + place, mask, other=0.0)
            tl.store(inputs + rows[:, None] * IN + cols[None, :], taken, mask)
        # The threads of the program wait: tiles below read what other threads stored above.
        tl.debug_barrier()

        # Hidden layer: relu(inputs W^T + b), a tile of pairs by neurons.
        for block in range(0, NEURONS, WIDE):
            neurons = block + lanes
            is_neuron = neurons < NEURONS
            shift = tl.load(bias + neurons, is_neuron, other=0.0)
            for start in range(0, size, ROWS):
                rows = start + tile
                is_row = rows < size
                preact = tl.zeros([ROWS, WIDE], tl.float32) + shift[None, :]
                preact = _product(
                    preact,
                    inputs + rows * IN,
                    1,
                    is_row,
                    hidden + neurons * IN,
                    1,
                    is_neuron,
                    IN,
                    STEP,
                )
                place = rows[:, None] * NEURONS + neurons[None, :]
                mask = is_row[:, None] & is_neuron[None, :]
                tl.store(acts + place, tl.maximum(preact, 0.0), mask)
        tl.debug_barrier()

        # Logits, and the gradient of the mean cross-entropy by them.
        shift = tl.load(out_bias + classes, is_class, other=0.0)
        out_bias_grad = tl.zeros([CLASSES], tl.float32)
        for start in range(0, size, ROWS):
            rows = start + tile
            is_row = rows < size
            logits = _product(
                tl.zeros([ROWS, CLASSES], tl.float32),
                acts + rows * NEURONS,
                1,
                is_row,
                unembed + classes * NEURONS,
                1,
                is_class,
                NEURONS,
                STEP,
            )
            # The tile is wider than n: -inf gives the rest no share and no gradient.
            logits = tl.where(is_class[None, :], logits + shift[None, :], float("-inf"))
            powers = tl.exp(logits - tl.max(logits, 1)[:, None])
            pair = tl.load(pairs + rows, is_row, other=0)
            right = classes[None, :] == ((pair // N + pair % N) % N)[:, None]
            error = powers / tl.sum(powers, 1)[:, None] - tl.where(right, 1.0, 0.0)
            # A last tile may reach beyond the batch: those rows add nothing to the bias below.
            error = tl.where(is_row[:, None], error / size, 0.0)
            out_bias_grad += tl.sum(error, 0)
            tl.store(dlogits + rows[:, None] * CLASSES + classes[None, :], error, is_row[:, None])
        tl.debug_barrier()
        _adam(out_bias, classes, is_class, out_bias_grad, rate, root, decay, SIZE)

        # d preacts = d logits W_out where the neuron fired; d b_in is their sum over pairs.
        for block in range(0, NEURONS, WIDE):
            neurons = block + lanes
            is_neuron = neurons < NEURONS
            bias_grad = tl.zeros([WIDE], tl.float32)
            for start in range(0, size, ROWS):
                rows = start + tile
                is_row = rows < size
                dpreact = _product(
                    tl.zeros([ROWS, WIDE], tl.float32),
                    dlogits + rows * CLASSES,
                    1,
                    is_row,
                    unembed + neurons,
                    NEURONS,
                    is_neuron,
                    N,
                    STEP,
                )
                place = rows[:, None] * NEURONS + neurons[None, :]
                mask = is_row[:, None] & is_neuron[None, :]
                live = tl.load(acts + place, mask, other=0.0) > 0.0
                dpreact = tl.where(live, dpreact, 0.0)
                bias_grad += tl.sum(dpreact, 0)
                tl.store(dpreacts + place, dpreact, mask)
            _adam(bias, neurons, is_neuron, bias_grad, rate, root, decay, SIZE)
        tl.debug_barrier()

        # d inputs = d preacts W: taken before W moves, two phases below.
        for start in range(0, size, ROWS):
            rows = start + tile
            is_row = rows < size
            dinput = _product(
                tl.zeros([ROWS, COLS], tl.float32),
                dpreacts + rows * NEURONS,
                1,
                is_row,
                hidden + cols,
                IN,
                is_col,
                NEURONS,
                STEP,
            )
            mask = is_row[:, None] & is_col[None, :]
            tl.store(dinputs + rows[:, None] * IN + cols[None, :], dinput, mask)
        # d W_out = d logits^T acts; only now, as the phase above read W_out.
        for block in range(0, NEURONS, WIDE):
            neurons = block + lanes
            is_neuron = neurons < NEURONS
            for start in range(0, N, ROWS):
                outs = start + tile
                is_out = outs < N
                grad = _product(
                    tl.zeros([ROWS, WIDE], tl.float32),
                    dlogits + outs,
                    CLASSES,
                    is_out,
                    acts + neurons,
                    NEURONS,
                    is_neuron,
                    size,
                    STEP,
                )
                place = outs[:, None] * NEURONS + neurons[None, :]
                mask = is_out[:, None] & is_neuron[None, :]
                _adam(unembed, place, mask, grad, rate, root, decay, SIZE)
        tl.debug_barrier()

        # d W = d preacts^T inputs.
        for start in range(0, NEURONS, ROWS):
            neurons = start + tile
            is_neuron = neurons < NEURONS
            grad = _product(
                tl.zeros([ROWS, COLS], tl.float32),
                dpreacts + neurons,
                NEURONS,
                is_neuron,
                inputs + cols,
                IN,
                is_col,
                size,
                STEP,
            )
            place = neurons[:, None] * IN + cols[None, :]
            mask = is_neuron[:, None] & is_col[None, :]
            _adam(hidden, place, mask, grad, rate, root, decay, SIZE)

        # A row of a table sums over the pairs that took it: a product with a 0-1 matrix.
        for table in range(2):
            for start in range(0, N, ROWS):
                taken = start + tile
                grad = tl.zeros([ROWS, EMBED_COLS], tl.float32)
                for first in range(0, size, STEP):
                    k = first + tl.arange(0, STEP)
                    pair = tl.load(pairs + k, k < size, other=0)
                    chosen = tl.where(table == 0, pair // N, pair % N)
                    is_taken = tl.where(taken[:, None] == chosen[None, :], 1.0, 0.0)
                    place = k[:, None] * IN + table * EMBED + lines[None, :]
                    mask = (k < size)[:, None] & is_line[None, :]
                    dinput = tl.load(dinputs + place, mask, other=0.0)
                    grad = tl.dot(is_taken, dinput, grad, input_precision="ieee")
                place = (table * N + taken)[:, None] * EMBED + lines[None, :]
                mask = (taken < N)[:, None] & is_line[None, :]
                _adam(embed, place, mask, grad, rate, root, decay, SIZE)
        tl.debug_barrier()
