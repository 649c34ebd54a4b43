"""Files written whole or not at all, and refusals that name them."""

from __future__ import annotations

import hashlib
import os
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from safetensors import SafetensorError
from safetensors.numpy import save_file

from modlib.errors import StoreError

READ_WHOLE = 2**20
"""Bytes of a file from which on it is read piece by piece."""

UNREADABLE_FILES = (StoreError, OSError, ValueError, KeyError, SafetensorError, pa.ArrowException)
"""What reading a table or arrays raises that are not what they should be."""


def digest_of(path: Path) -> tuple[int, str]:
    """Size of a file in bytes, and the hexadecimal sha256 of what it holds."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size < READ_WHOLE:  # a sweep has thousands of small files
            return size, hashlib.sha256(file.read()).hexdigest()
        return size, hashlib.file_digest(file, "sha256").hexdigest()


def reason_of(error: BaseException) -> str:
    """Why something failed, in a line of at most 200 letters."""
    reason = error.strerror if isinstance(error, OSError) else None
    return textwrap.shorten(reason or str(error) or type(error).__name__, 200, placeholder=" ...")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failed write (disk full, no permission) into a ``StoreError`` that names ``path``."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path} cannot be written ({reason_of(error)})") from error


def save_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write arrays in C order: safetensors writes memory as it lies, whatever the strides."""
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)
    path.chmod(0o644)
    sync(path)


def save_table(table: pd.DataFrame, path: Path, **options: Any) -> None:
    table.to_parquet(path, index=False, **options)
    path.chmod(0o644)
    sync(path)


def sync(path: Path) -> None:
    folder = path.is_dir()
    if folder and os.name == "nt":  # it opens no folders, and syncs no file open for reading only
        return
    descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by ``content`` so that a kill or a full disk leaves the old one whole."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
