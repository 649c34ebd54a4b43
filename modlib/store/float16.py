"""Arrays in half the bytes: float16 with a power of two each, and what a manifest says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

SCALE = "scale/"


def to_float16(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays rounded to float16, and under ``scale/NAME`` the power of two that multiplies each.

    It brings the largest magnitude to 2^14 or more and below 2^15: then numbers down to 2^-28 of
    it keep float16's 11 bits.
    """
    rounded: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        exponent = int(np.frexp(np.abs(array).max(initial=0.0))[1])
        scale = np.float32(2.0 ** min(max(15 - exponent, -126), 126))  # float32's normal powers
        rounded |= {name: (array * scale).astype(np.float16), f"{SCALE}{name}": np.array(scale)}
    return rounded


def from_float16(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Undo ``to_float16``, in float32; arrays that were not rounded are left as they are."""
    scales = {name.removeprefix(SCALE): a for name, a in arrays.items() if name.startswith(SCALE)}
    return {
        name: array.astype(np.float32) / scales[name] if name in scales else array
        for name, array in arrays.items()
        if not name.startswith(SCALE)
    }


def wrong_scales(arrays: Mapping[str, np.ndarray]) -> str | None:
    """What is wrong with the powers of two, one for each array in float16; None where nothing."""
    rounded = {name for name, array in arrays.items() if array.dtype == np.float16}
    scales = {name: array for name, array in arrays.items() if name.startswith(SCALE)}
    if scales.keys() != {f"{SCALE}{name}" for name in rounded}:
        return "its scales are not those of its arrays"
    for name, scale in scales.items():
        if scale.shape != () or scale.dtype != np.float32 or np.frexp(scale)[0] != 0.5:
            return f"{name} is not a power of two"
    return None


def rounded_arrays(files: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """What a manifest says of precision: the arrays that are float16, by file; {} without any."""
    found = {
        file: sorted(name for name, array in arrays.items() if array.dtype == np.float16)
        for file, arrays in files.items()
    }
    kept = {file: names for file, names in found.items() if names}
    return {"precision": {"float16": kept}} if kept else {}
