"""Matrix products into arrays that are there: c = A B or c += A B, A and B as they lie or turned.

In float32 tiles of c are held in registers, as in ``small_products``; these matrices are larger
than a cache, so that B is packed into panels first and A is worked off in slabs (Goto and van de
Geijn, "Anatomy of high-performance matrix multiplication", 2008). No memory is taken: a library
that returns a new array makes the system clear fresh pages at every step.
"""

# mypy: allow-untyped-defs
# (numba infers the types of compiled functions from their calls)

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
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

VECTORS, TALL = (2, 10) if LANES == 16 else (3, TILE_ROWS)
"""Vectors a row of a tile, and its rows: two divide the usual widths, and the registers hold it."""
PANEL = VECTORS * LANES
"""Columns of a panel of B, and of a tile."""
DEPTH = 512
"""Rows of a panel at most."""
SLAB = 128
"""Rows of A that pass over all panels before the next ones: they stay in the second-level cache."""


def _make_tile(rows: int, vectors: int, turned: bool) -> Intrinsic:
    """c[i:, j:] += A[i - top:, k:] @ panel, ``depth`` deep, for ``rows`` rows and a panel's first
    ``vectors`` vectors.

    ``fresh`` (0 or 1): what c held is left out. ``turned``: A is the transpose of ``a``.
    """

    @in_llvm
    def tile(typingctx, a, panels, panel, c, top, i, k, j, depth, fresh):
        signature = types.void(a, panels, types.intp, c, *[types.intp] * 6)

        def generate(context, builder, sig, args):
            code = Code(context, builder)
            a, a_cols = code.array(sig.args[0], args[0])
            c, c_cols = code.array(sig.args[3], args[3])
            panels = context.make_array(sig.args[1])(context, builder, args[1]).data
            panel, (top, i, k, j, depth, fresh) = args[2], args[4:]
            nought = ir.Constant(code.vector, None)
            is_fresh = builder.icmp_signed("!=", fresh, code.size(0))
            at_row = [builder.add(i, code.size(row)) for row in range(rows)]
            # A turned slab holds A from row ``top`` on only.
            of_row = [builder.sub(row, top) for row in at_row]
            at_col = [builder.add(j, code.size(LANES * v)) for v in range(vectors)]
            # What c held is loaded in any case and selected, not multiplied by 0: NaN would stay.
            sums = [
                [
                    cgutils.alloca_once_value(
                        builder,
                        builder.select(is_fresh, nought, code.load(code.at(c, row, c_cols, col))),
                    )
                    for col in at_col
                ]
                for row in at_row
            ]
            with cgutils.for_range(builder, depth) as loop:
                start = builder.add(panel, builder.mul(loop.index, code.size(PANEL)))
                line = [
                    code.load(builder.gep(panels, [builder.add(start, code.size(LANES * v))]))
                    for v in range(vectors)
                ]
                # A panel lies row by row: it is read from front to back.
                at_depth = builder.add(k, loop.index)
                for row in range(rows):
                    place = (at_depth, of_row[row]) if turned else (of_row[row], at_depth)
                    factor = code.spread(builder.load(code.at(a, place[0], a_cols, place[1])))
                    # c[i, j:] += A[i, k] B[k, j:], k upwards in every tile.
                    for v in range(vectors):
                        slot = sums[row][v]
                        total = code.multiply_add(factor, line[v], builder.load(slot))
                        builder.store(total, slot)
            for row in range(rows):
                for v in range(vectors):
                    place = code.at(c, at_row[row], c_cols, at_col[v])
                    code.store(builder.load(sums[row][v]), place)
            return context.get_dummy_value()

        return signature, generate

    return tile


@compiled
def _pack(b, turned, k, depth, num, cols, panels):
    """Rows k to k + depth of B (b transposed where ``turned``) in panels, zeros at the end."""
    for panel in range(num):
        start, first = panel * DEPTH * PANEL, panel * PANEL
        width = min(PANEL, cols - first)
        # Either way b is read along its rows.
        if turned:
            for j in range(width):
                for row in range(depth):
                    panels[start + row * PANEL + j] = b[first + j, k + row]
        else:
            for row in range(depth):
                for j in range(width):
                    panels[start + row * PANEL + j] = b[k + row, first + j]
        for row in range(depth):
            for j in range(width, PANEL):
                panels[start + row * PANEL + j] = 0


_whole, _four, _two, _one = (_make_tile(rows, VECTORS, turned=False) for rows in (TALL, 4, 2, 1))
_whole_t, _four_t, _two_t, _one_t = (
    _make_tile(rows, VECTORS, turned=True) for rows in (TALL, 4, 2, 1)
)
_slim, _slim_one = (_make_tile(rows, 1, turned=False) for rows in (TALL, 1))
_slim_t, _slim_one_t = (_make_tile(rows, 1, turned=True) for rows in (TALL, 1))


@compiled
def _slim_tiles(a, turned, panels, panel, c, top, first, last, k, j, depth, fresh):
    """``_tiles`` where one vector holds the columns that are left."""
    i = first
    while last - i >= TALL:
        if turned:
            _slim_t(a, panels, panel, c, top, i, k, j, depth, fresh)
        else:
            _slim(a, panels, panel, c, top, i, k, j, depth, fresh)
        i += TALL
    while last - i >= 1:
        if turned:
            _slim_one_t(a, panels, panel, c, top, i, k, j, depth, fresh)
        else:
            _slim_one(a, panels, panel, c, top, i, k, j, depth, fresh)
        i += 1


@compiled
def _tiles(a, turned, panels, panel, c, top, first, last, k, j, depth, fresh):
    """The rows from ``first`` to ``last`` in tiles; see ``_make_tile``."""
    i = first
    while last - i >= TALL:
        if turned:
            _whole_t(a, panels, panel, c, top, i, k, j, depth, fresh)
        else:
            _whole(a, panels, panel, c, top, i, k, j, depth, fresh)
        i += TALL
    while last - i >= 4:
        if turned:
            _four_t(a, panels, panel, c, top, i, k, j, depth, fresh)
        else:
            _four(a, panels, panel, c, top, i, k, j, depth, fresh)
        i += 4
    if last - i >= 2:
        if turned:
            _two_t(a, panels, panel, c, top, i, k, j, depth, fresh)
        else:
            _two(a, panels, panel, c, top, i, k, j, depth, fresh)
        i += 2
    if last - i >= 1:
        if turned:
            _one_t(a, panels, panel, c, top, i, k, j, depth, fresh)
        else:
            _one(a, panels, panel, c, top, i, k, j, depth, fresh)


@compiled
def _gather(a, k, depth, first, last, slab):
    """Rows k to k + depth of some columns of ``a``, a page apart there, close in ``slab``."""
    for row in range(depth):
        of, to = a[k + row, first:last], slab[row]
        for i in range(of.shape[0]):
            to[i] = of[i]


# No closure over the tiles: numba finds compiled code again only where closures hold plain values.
@compiled
def _multiply(a, a_turned, b, b_turned, c, add, panels, edge, slab):
    """c = A B, or c += A B; ``edge`` holds the columns beyond the last whole panel."""
    rows, cols = c.shape
    depth = a.shape[0] if a_turned else a.shape[1]
    inside = cols // PANEL
    num = (cols + PANEL - 1) // PANEL
    left = cols - inside * PANEL
    # A sum of nothing; the loops below would leave c as it was.
    if depth == 0 and not add:
        c[...] = 0
        return
    # Tiles write whole panels: columns after the last one pass through ``edge``.
    if add:
        for i in range(rows):
            for j in range(left):
                edge[i, j] = c[i, inside * PANEL + j]
    for k in range(0, depth, DEPTH):
        deep = min(DEPTH, depth - k)
        _pack(b, b_turned, k, deep, num, cols, panels)
        # The first ``DEPTH`` terms begin from nothing, later ones add to what c holds by then.
        fresh = 1 if k == 0 and not add else 0
        for first in range(0, rows, SLAB):
            last = min(first + SLAB, rows)
            # Rows of a lie far apart and a tile reads few columns of each.
            if a_turned:
                _gather(a, k, deep, first, last, slab)
            for panel in range(num):
                out, j = (c, panel * PANEL) if panel < inside else (edge, 0)
                start, top = panel * DEPTH * PANEL, first if a_turned else 0
                of, row = (slab, 0) if a_turned else (a, k)
                if panel == inside and left <= LANES:
                    _slim_tiles(
                        of, a_turned, panels, start, out, top, first, last, row, j, deep, fresh
                    )
                else:
                    _tiles(of, a_turned, panels, start, out, top, first, last, row, j, deep, fresh)
    for i in range(rows):
        for j in range(left):
            c[i, inside * PANEL + j] = edge[i, j]


class Multiplier:
    """Products of matrices of at most ``rows`` by ``cols``; one a thread, for its scratch."""

    def __init__(self, rows: int, cols: int) -> None:
        self.panels = np.empty(-(-cols // PANEL) * DEPTH * PANEL, dtype=np.float32)
        self.slab = np.empty((DEPTH, SLAB), dtype=np.float32)
        self.edge = np.zeros((rows, PANEL), dtype=np.float32)

    def __call__(
        self,
        a: Float[np.ndarray, "_ _"],
        b: Float[np.ndarray, "_ _"],
        c: Float[np.ndarray, "i j"],
        *,
        turn_a: bool = False,
        turn_b: bool = False,
        add: bool = False,
        half: bool = False,
    ) -> None:
        """c = A B or, with ``add``, c += A B; ``turn_a``, ``turn_b``: A, B are a.T, b.T.

        C-contiguous arrays. ``half``: inputs and product rounded to bfloat16, by torch. Other
        types than float32 go to NumPy.
        """
        if half or c.dtype != np.float32:
            left, right = a.T if turn_a else a, b.T if turn_b else b
            product = _half(left, right) if half else left @ right
            np.add(c, product, out=c) if add else np.copyto(c, product)
        else:
            _multiply(a, turn_a, b, turn_b, c, add, self.panels, self.edge, self.slab)


def _half(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    a, b = (torch.from_numpy(array).bfloat16() for array in (left, right))
    return (a @ b).float().numpy()
