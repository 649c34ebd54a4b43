"""Checkpoints from strangers: files that run code, unpack to much, or say what is not so."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from modlib.models.foreign.load import load_checkpoint
from tried.battery import Battery
from tried.process import apart

MEMORY = 2 * 2**30
"""Bytes that a hostile file may make a reader ask for."""


class _Code:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.marker,))


def _hostile(folder: Path) -> Iterator[Path]:
    """Files that run code, unpack to much, or say what is not so."""

    def write(name: str, content: bytes) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    for suffix in ("pt", "pth", "pkl", "bin", "npy", "npz", "ckpt"):
        yield write(f"code.{suffix}", pickle.dumps(_Code(folder / "executed")))
    for size in (2**62, 2**31, 2**20, 0):
        yield write(f"header-{size}.safetensors", struct.pack("<Q", size) + b"{}")
    for shape in ([2**40], [-1], [10**9, 10**9], ["a"], [1.5], 3):
        told = {"W": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}
        header = json.dumps(told).encode()
        content = struct.pack("<Q", len(header)) + header + b"\0" * 4
        yield write(f"shape-{hash(str(shape)) % 10**6}.safetensors", content)
    deep = b"[" * 10**5 + b"]" * 10**5
    yield write("deep.safetensors", struct.pack("<Q", len(deep)) + deep)
    sparse = folder / "sparse.safetensors"
    with sparse.open("wb") as file:
        file.truncate(2**36)
    yield sparse
    described = io.BytesIO()
    fields = {"descr": "<f4", "fortran_order": False, "shape": (2**28,)}
    np.lib.format.write_array_header_1_0(described, fields)
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("W.npy", "w", force_zip64=True) as member,
    ):
        member.write(described.getvalue())
        for _ in range(2**10):
            member.write(bytes(2**20))
    yield write("bomb.npz", packed.getvalue())
    yield write("bomb.pt", packed.getvalue())
    for number in range(64):
        size = random.Random(number).randrange(1, 4096)
        suffix = ("pt", "safetensors", "npz", "npy")[number % 4]
        yield write(f"noise-{number}.{suffix}", random.Random(number).randbytes(size))


def hostile(battery: Battery) -> None:
    """Checkpoints from strangers, under a limit of memory and time."""
    folder = battery.folder("hostile")
    for path in _hostile(folder):
        said, found = apart(partial(load_checkpoint, path), memory=MEMORY)
        outcome = "silent" if said == "done" else said
        if (folder / "executed").exists():
            outcome, found = "silent", "its code was executed"
            (folder / "executed").unlink()
        battery.note("hostile checkpoints", path.suffix, outcome, f"{path.name}: {found}")
