"""Small matrix products for a step of training, in LLVM's vectors."""

# mypy: allow-untyped-defs
# (numba infers the types of compiled functions from their calls)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from modlib.training.kernels.llvm_vectors import (
    LANES,
    TILE_ROWS,
    Code,
    Intrinsic,
    compiled,
    in_llvm,
)


def _write_tile(
    code: Code, sides: tuple[Any, ...], at: tuple[Any, ...], rows: int, vectors: int, turned: bool
) -> None:
    """c[i:, j:] = start + a[i:] @ b[:, j:] for ``rows`` rows and ``vectors`` vectors of columns.

    ``sides``: a, b, start and c, each as ``Code.array`` has it; ``at``: stride, i, j and depth.
    ``turned``: a is read as its transpose.
    """
    builder = code.builder
    (a, a_cols), (b, b_cols), (start, start_cols), (c, c_cols) = sides
    stride, i, j, depth = at
    at_row = [builder.add(i, code.size(row)) for row in range(rows)]
    at_col = [builder.add(j, code.size(LANES * v)) for v in range(vectors)]
    # The tile of c, in slots of the stack that the compiler turns into registers.
    sums = [
        [
            cgutils.alloca_once_value(
                builder, code.load(code.at(start, builder.mul(stride, row), start_cols, col))
            )
            for col in at_col
        ]
        for row in at_row
    ]
    with cgutils.for_range(builder, depth) as loop:
        # Row k of B is loaded once for all rows of the tile.
        line = [code.load(code.at(b, loop.index, b_cols, col)) for col in at_col]
        for row in range(rows):
            place = (loop.index, at_row[row]) if turned else (at_row[row], loop.index)
            factor = code.spread(builder.load(code.at(a, place[0], a_cols, place[1])))
            # c[i, j:] += a[i, k] b[k, j:], k upwards in every tile: the height changes no bit.
            for v in range(vectors):
                slot = sums[row][v]
                builder.store(code.multiply_add(factor, line[v], builder.load(slot)), slot)
    for row in range(rows):
        for v in range(vectors):
            code.store(builder.load(sums[row][v]), code.at(c, at_row[row], c_cols, at_col[v]))


def _make_block(vectors: int, turned: bool) -> Intrinsic:
    """The product for one block of columns: all rows, in tiles of falling height."""

    @in_llvm
    def block(typingctx, a, b, start, c, stride, j, rows, depth):
        signature = types.void(a, b, start, c, *[types.intp] * 4)

        def generate(context, builder, sig, args):
            code = Code(context, builder)
            sides = tuple(code.array(sig.args[k], args[k]) for k in range(4))
            stride, j, rows, depth = args[4:]
            i = code.size(0)
            # What a height leaves over goes to the next one; 1 leaves nothing.
            for height in (TILE_ROWS, 4, 2, 1):
                count = builder.udiv(builder.sub(rows, i), code.size(height))
                with cgutils.for_range(builder, count) as loop:
                    first = builder.add(i, builder.mul(loop.index, code.size(height)))
                    at = stride, first, j, depth
                    _write_tile(code, sides, at, height, vectors, turned)
                i = builder.add(i, builder.mul(count, code.size(height)))
            return context.get_dummy_value()

        return signature, generate

    return block


_three, _two, _one = (_make_block(vectors, turned=False) for vectors in (3, 2, 1))
_three_t, _two_t, _one_t = (_make_block(vectors, turned=True) for vectors in (3, 2, 1))


# The blocks are the module's, no closure's: numba finds compiled code again only where closures
# hold plain values.
@compiled
def product(a, b, start, c, stride, rows, depth):
    """c[:rows] = start + a[:rows, :depth] @ b[:depth], c with whole vectors of columns.

    ``start``: with ``stride`` 0 one row for all, with 1 a row each (c itself, to add to it).
    """
    j, cols = 0, c.shape[1]
    while j < cols:
        left = (cols - j) // LANES
        # Four vectors are taken as two and two, not as three and one.
        if left >= 3 and left != 4:
            _three(a, b, start, c, stride, j, rows, depth)
            j += 3 * LANES
        elif left >= 2:
            _two(a, b, start, c, stride, j, rows, depth)
            j += 2 * LANES
        else:
            _one(a, b, start, c, stride, j, rows, depth)
            j += LANES


@compiled
def turned_product(a, b, start, c, stride, rows, depth):
    """The same with a[:depth, :rows] transposed."""
    j, cols = 0, c.shape[1]
    while j < cols:
        left = (cols - j) // LANES
        if left >= 3 and left != 4:
            _three_t(a, b, start, c, stride, j, rows, depth)
            j += 3 * LANES
        elif left >= 2:
            _two_t(a, b, start, c, stride, j, rows, depth)
            j += 2 * LANES
        else:
            _one_t(a, b, start, c, stride, j, rows, depth)
            j += LANES


@in_llvm
def _transpose_block(typingctx, source, target, i, j):
    """target[j:, i:] = source[i:, j:] transposed, for a square of LANES rows and columns.

    At distance s = 1, 2, 4, ... rows i and i + s swap their off-diagonal blocks of s columns.
    """
    signature = types.void(source, target, types.intp, types.intp)

    def generate(context, builder, sig, args):
        code = Code(context, builder)
        (source, source_cols), (target, target_cols) = (
            code.array(sig.args[k], args[k]) for k in range(2)
        )
        i, j = args[2:]
        lines = [
            code.load(code.at(source, builder.add(i, code.size(k)), source_cols, j))
            for k in range(LANES)
        ]
        index = ir.VectorType(ir.IntType(32), LANES)
        distance = 1
        while distance < LANES:
            low = [k if not k & distance else LANES + k - distance for k in range(LANES)]
            high = [k + distance if not k & distance else LANES + k for k in range(LANES)]
            for k in range(LANES):
                if not k & distance:
                    a, b = lines[k], lines[k + distance]
                    lines[k] = builder.shuffle_vector(a, b, ir.Constant(index, low))
                    lines[k + distance] = builder.shuffle_vector(a, b, ir.Constant(index, high))
            distance *= 2
        # Line k now holds column j + k of the source.
        for k in range(LANES):
            place = code.at(target, builder.add(j, code.size(k)), target_cols, i)
            code.store(lines[k], place)
        return context.get_dummy_value()

    return signature, generate


@compiled
def transpose(source, target):
    """target = source transposed; both sizes are multiples of ``LANES``."""
    for i in range(0, source.shape[0], LANES):
        for j in range(0, source.shape[1], LANES):
            _transpose_block(source, target, i, j)
