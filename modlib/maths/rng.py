"""Random numbers by counter: the same words on a CPU, a GPU and any number of processes.

Philox4x32-10 turns (seed, stream, index) into words without carrying a state, so that an
epoch's shuffle can be had without the epochs before it.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, UInt32, UInt64
from scipy.special import ndtr, ndtri

from modlib.errors import require_int

SPLIT, INIT, SHUFFLE, INTERVENTION, LABELS, DROPOUT, CONTROL = range(7)
"""Streams: what a seed's words are used for. Final, since stored runs depend on them."""

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox(
    counter: tuple[UInt64[np.ndarray, " m"], ...], key: tuple[int, int]
) -> UInt32[np.ndarray, "4 m"]:
    """Ten rounds of Philox4x32 on four counter words and two key words, each below 2^32."""
    c0, c1, c2, c3 = counter
    for round_ in range(10):
        k0, k1 = (np.uint64((key[i] + round_ * _WEYL[i]) & 0xFFFFFFFF) for i in (0, 1))
        product_0, product_1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (product_1 >> _HALF) ^ c1 ^ k0,
            product_1 & _LOW,
            (product_0 >> _HALF) ^ c3 ^ k1,
            product_0 & _LOW,
        )
    return np.stack([c0, c1, c2, c3]).astype(np.uint32)


def words(seed: int, stream: int, index: int, count: int) -> UInt32[np.ndarray, " count"]:
    """``count`` uniform 32-bit words of a seed's stream; ``index`` separates draws in a stream.

    The counter is (block, 0, index, stream), the key the two halves of the seed.
    """
    index = require_int("index", index, at_least=0, at_most=2**32 - 1)
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    constant = [np.full_like(blocks, value) for value in (0, index, stream)]
    drawn = philox((blocks, *constant), (seed & 0xFFFFFFFF, seed >> 32))
    return np.ascontiguousarray(drawn.T).reshape(-1)[:count]


def uniforms(seed: int, stream: int, index: int, count: int) -> Float[np.ndarray, " count"]:
    """``count`` uniforms in (0, 1): word + 1/2 over 2^32, in float64."""
    return (words(seed, stream, index, count) + 0.5) / 2.0**32


def normals(seed: int, stream: int, index: int, count: int) -> Float[np.ndarray, " count"]:
    """``count`` standard normals by the Box-Muller transform, in float64."""
    radius_draw, angle_draw = uniforms(seed, stream, index, 2 * (-(-count // 2))).reshape(-1, 2).T
    radius, angle = np.sqrt(-2.0 * np.log(radius_draw)), 2.0 * np.pi * angle_draw
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]


def truncated_normals(
    seed: int, stream: int, index: int, count: int
) -> Float[np.ndarray, " count"]:
    """Normals truncated at 2 standard deviations and rescaled to variance 1, in float64."""
    low, high = ndtr(-2.0), ndtr(2.0)
    drawn = ndtri(low + (high - low) * uniforms(seed, stream, index, count))
    return drawn / 0.87962566103423978


def permutation(seed: int, stream: int, index: int, count: int) -> Int[np.ndarray, " count"]:
    """A permutation of 0 .. count - 1: the order of ``count`` words, ties by position."""
    position = np.arange(count, dtype=np.uint64)
    keyed = (words(seed, stream, index, count).astype(np.uint64) << _HALF) | position
    keyed.sort()
    return (keyed & _LOW).astype(np.int64)
