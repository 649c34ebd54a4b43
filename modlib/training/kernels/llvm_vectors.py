"""Functions compiled for this machine's vector units, and how to write them in LLVM's vectors."""

# mypy: allow-untyped-defs
# (numba infers the types of compiled functions from their calls)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import extending, njit
from numba.core import cgutils

_FEATURES = llvm.get_host_cpu_features()
if _FEATURES.get("avx512f"):
    # 8 x 3 sums, 3 vectors of B and a factor: 28 of 32 registers.
    LANES, TILE_ROWS = 16, 8
elif _FEATURES.get("avx2"):
    # 4 x 3 + 3 + 1: all 16.
    LANES, TILE_ROWS = 8, 4
else:
    LANES, TILE_ROWS = 4, 8
"""Floats in a vector register, and rows of a tile: one of three vectors a row fills the file."""


def compiled(function: Callable[..., Any], *, reorder_sums: bool = False) -> Any:
    """Compiled to machine code, run without the interpreter's lock, kept where a folder can be.

    ``reorder_sums``: sums may be taken in the order of vector lanes, always the same one.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    # Without flags every operation rounds by itself, in the order written: no product is fused
    # with its sum unless a function here says so.
    if reorder_sums:
        options["fastmath"] = {"reassoc", "contract", "nsz"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's nor the user's cache folder can be written
        return njit(**options)(function)


in_llvm: Any = extending.intrinsic
"""Written in LLVM's instructions: a function that builds them.

Who changes one here empties ``__pycache__``: numba keeps callers until their own file changes.
"""


def padded(count: int) -> int:
    """The multiple of ``LANES`` from ``count`` up."""
    return -(-count // LANES) * LANES


Intrinsic = Callable[..., Any]
"""Such a function, once compiled."""


class Code:
    """What functions written in LLVM share: vectors of ``LANES`` floats at a row of a 2-D array."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder
        self.vector = ir.VectorType(ir.FloatType(), LANES)

    def size(self, value: int) -> Any:
        """An index known when compiling."""
        return ir.IntType(64)(value)

    def array(self, kind: Any, value: Any) -> tuple[Any, Any]:
        """Pointer to the first element of a C-contiguous array, and its number of columns."""
        parts = self.context.make_array(kind)(self.context, self.builder, value)
        return parts.data, cgutils.unpack_tuple(self.builder, parts.shape)[1]

    def at(self, base: Any, row: Any, cols: Any, col: Any) -> Any:
        """Pointer to an element."""
        return self.builder.gep(base, [self.builder.add(self.builder.mul(row, cols), col)])

    def load(self, pointer: Any) -> Any:
        """The vector that begins there."""
        # Rows begin at any float: with the alignment of a whole vector the machine could fault.
        return self.builder.load(self.builder.bitcast(pointer, self.vector.as_pointer()), align=4)

    def store(self, value: Any, pointer: Any) -> None:
        """Write a vector."""
        target = self.builder.bitcast(pointer, self.vector.as_pointer())
        self.builder.store(value, target, align=4)

    def spread(self, value: Any) -> Any:
        """The vector with one value in every lane."""
        empty = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
        lane = self.builder.insert_element(empty, value, ir.IntType(32)(0))
        nought = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
        return self.builder.shuffle_vector(lane, lane, nought)

    def call(self, name: str, result: Any, *args: Any, fastmath: tuple[str, ...] = ()) -> Any:
        """One of LLVM's own functions."""
        kind = ir.FunctionType(result, [arg.type for arg in args])
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, args, fastmath=fastmath)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """a b + c in one rounding."""
        return self.call(f"llvm.fma.v{LANES}f32", self.vector, a, b, c)

    def sum_by_halves(self, vectors: list[Any]) -> Any:
        """The sum over all lanes of 1, 2, 4, ... vectors: the second half is added to the first."""
        while len(vectors) > 1:
            half = len(vectors) // 2
            pairs = zip(vectors[:half], vectors[half:], strict=True)
            vectors = [self.builder.fadd(*pair) for pair in pairs]
        (total,) = vectors
        width = LANES
        while width > 1:
            width //= 2
            kind = ir.VectorType(ir.IntType(32), width)
            low, high = (
                self.builder.shuffle_vector(
                    total, total, ir.Constant(kind, [*range(first, first + width)])
                )
                for first in (0, width)
            )
            total = self.builder.fadd(low, high)
        return self.builder.extract_element(total, ir.IntType(32)(0))
