"""Checkpoint files: arrays read without running any code."""

from __future__ import annotations

import io
import math
import os
import pickle
import pickletools
import stat
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import torch
from numpy._core import multiarray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from modlib.errors import InputError, StoreError, require_int
from modlib.models.foreign.published import PUBLISHED
from modlib.store.files import reason_of

MAX_BYTES = 4 * 2**30
"""Largest file that is read, and the most that its arrays may take."""

MAX_TUPLES = 50_000
"""Most tuples in a pickle: the hash of one nested deeper overflows the interpreter's stack."""

NUM_PICKLES = 5
"""Pickles at the start of a file that torch.save wrote before it wrote zip files."""

STATE_KEYS = ("model", "state_dict", "model_state_dict")
"""Where a dict saved with torch.save keeps the parameters among other things."""

MAX_DICTS = 10
"""Dicts around the parameters."""
MAX_INNER = 1000
"""Dicts inside of one without arrays."""

LFS_POINTER = b"version ht"
"""How the text begins that Git LFS leaves in place of a file."""

_NUMBERS = (np.float16, np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8)
NUMPY: list[Any] = [
    *(np.ndarray, np.dtype, *{type(np.dtype(number)) for number in (*_NUMBERS, np.bool_)}),
    *(
        (getattr(multiarray, name), f"numpy.{core}.multiarray.{name}")
        for name in ("scalar", "_reconstruct")
        for core in ("core", "_core")
    ),
]
"""What torch's allow-list needs for numpy's numbers and arrays of numbers; none of it runs code."""


MANY_KEYS = ("state_dicts", "checkpoints")
"""Where it keeps those of several moments of a training."""

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".npz", ".safetensors")


class Contents(NamedTuple):
    """Arrays by name; ``count``: of the networks in the file one of which this is, else None."""

    arrays: dict[str, np.ndarray]
    count: int | None = None  # type: ignore[assignment]


def read_tensors(path: str | Path, member: int | None = None) -> Contents:
    """The arrays in a file by name: safetensors, what torch.save wrote, or .npz.

    Told apart by their content. float16 and its like become float64, others stay as they are. Of
    a dict with the parameters under ``model`` or ``state_dict`` these alone are taken; of a list
    of such dicts, or one under ``MANY_KEYS``, that of ``member``. No code in the file is run.
    Raises ``StoreError``, which names the file, for what is missing, damaged, too large or of
    another format, and for a pickle of anything but arrays; ``InputError`` for arrays that are no
    plain ones.
    """
    path = Path(os.path.expanduser(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            inside = sorted(file.name for file in path.iterdir() if file.suffix in SUFFIXES)
            named = f" ({', '.join(inside[:5])})" if inside else ""
            raise StoreError(f"{path} is no file but a folder: name a file in it{named}")
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"{path} is no file: name a file with weights")
        size = status.st_size
        if size > MAX_BYTES:
            raise StoreError(f"{path} has {size} bytes, more than the {MAX_BYTES} that are read")
        with path.open("rb") as file:
            start = file.read(10)
        if start.startswith(b"PK"):
            names = _members(path)
            npz = names[0].endswith(".npy")
            found = Contents(_read_npz(path)) if npz else _read_torch(path, member, names)
        elif start.startswith(b"\x80"):
            found = _read_torch(path, member)
        elif start[8:9] == b"{":
            found = Contents(_plain(load_file(path)))
        elif start == LFS_POINTER:
            raise StoreError(
                f"{path} is a Git-LFS pointer, not the file: `git lfs pull` fetches it"
            )
        else:
            what = "is in none of the formats" if start else "is empty: a file must be of one"
            raise StoreError(f"{path} {what} that are read: safetensors, torch.save, npz")
    except FileNotFoundError:
        published = ", ".join(PUBLISHED)
        raise StoreError(f"{path} is missing (published weights are {published})") from None
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path} is damaged or cannot be read ({reason_of(error)})") from None
    if not found.arrays:
        raise StoreError(f"{path} holds no arrays")
    if not all(name.isprintable() for name in found.arrays):
        raise StoreError(f"{path} is damaged: it holds names that cannot be printed")
    return found


def _members(path: Path) -> list[str]:
    """Names in a zip file of right checksums, not larger unpacked than ``MAX_BYTES``."""
    damaged = None
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            # torch.save can leave out the checksums, which are then all zero.
            if unpacked <= MAX_BYTES and any(member.CRC for member in members):
                damaged = archive.testzip()
    except OSError:
        raise
    except Exception as error:  # damaged archives raise whatever the bytes lead to
        raise StoreError(f"{path} is damaged or cut short ({reason_of(error)})") from None
    if not members or unpacked > MAX_BYTES:
        raise StoreError(f"{path} must unpack to 1 to {MAX_BYTES} bytes, not {unpacked}")
    if damaged is not None:
        raise StoreError(f"{path} is damaged: the checksum of {damaged!r} is wrong")
    return [member.filename for member in members]


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
    except OSError:
        raise
    except Exception as error:  # damaged headers raise whatever the bytes lead to
        reason = reason_of(error)
        raise StoreError(f"{path} is damaged or holds more than arrays ({reason})") from None
    others = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if others:
        raise StoreError(f"{path} holds {others[0]}, which is no array")
    _require_room(array.shape for array in arrays.values())
    return {
        name: array.astype(np.float64) if array.dtype == np.float16 else array
        for name, array in arrays.items()
    }


def _read_torch(path: Path, member: int | None, members: Sequence[str] = ()) -> Contents:
    """``members``: names in the file where it is a zip file, as torch.save writes today."""
    instead = "code in it is not run: save model.state_dict() instead"
    if any(name.endswith("/constants.pkl") for name in members):
        raise StoreError(f"{path} is a TorchScript module, and {instead}")
    try:
        _require_few_tuples(path, zipped=bool(members))
        with warnings.catch_warnings(), torch.serialization.safe_globals(NUMPY):
            warnings.simplefilter("ignore")  # the outcome says all that has to be said
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise StoreError(f"{path} is no pickle of arrays alone, and {instead}") from None
    except Exception as error:  # damaged pickles raise whatever the bytes lead to
        raise StoreError(f"{path} is damaged, or no torch.save ({reason_of(error)})") from None
    for _ in range(MAX_DICTS):
        inside = content if isinstance(content, Mapping) else {}
        inner = [inside[key] for key in STATE_KEYS if isinstance(inside.get(key), Mapping)]
        many = _many(content)
        if many and (member is not None or not inner):
            rule = f"say which of the file's networks it is (PATH:INDEX), from 0 to {len(many) - 1}"
            if member is None:
                raise InputError("member", rule, member)
            require_int("member", member, at_least=0, at_most=len(many) - 1)
            return Contents(_plain(_named(many[member], path)), len(many))
        if not isinstance(content, Mapping):
            raise StoreError(f"{path} holds a {type(content).__name__}, not a dict of arrays")
        if not inner:
            return Contents(_plain(_named(content, path)))
        content = inner[0]
    raise StoreError(f"{path} must hold its parameters at most {MAX_DICTS} dicts deep")


def _many(content: object) -> list[Mapping[object, object]]:
    """The dicts of several networks: a list of them, or one, or a dict of them, under a key."""
    held = [content] if isinstance(content, list | tuple) else []
    if isinstance(content, Mapping):
        held = [content[key] for key in MANY_KEYS if key in content]
    for several in held:
        dicts = [*several.values()] if isinstance(several, Mapping) else several
        listed = isinstance(dicts, list | tuple) and len(dicts) > 0
        if listed and all(isinstance(one, Mapping) for one in dicts):
            return [*dicts]
    return []


def _require_few_tuples(path: Path, zipped: bool) -> None:
    """Raise ``ValueError`` for pickles with more than ``MAX_TUPLES`` tuples; none is loaded."""
    count = 0
    with path.open("rb") as file:
        pickles: BinaryIO = file
        if zipped:
            pickles = io.BytesIO(torch._C.PyTorchFileReader(file).get_record("data.pkl"))
        with suppress(ValueError):  # a pickle that ends too early is refused when it is loaded
            for _ in range(NUM_PICKLES):
                for opcode, _, _ in pickletools.genops(pickles):
                    count += opcode.name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")
    if count > MAX_TUPLES:
        raise ValueError(f"more than {MAX_TUPLES} tuples")


def _named(content: Mapping[object, object], path: Path) -> dict[str, Tensor]:
    """The arrays in a dict by the text of their keys, names or numbers.

    Where it holds dicts alone, as flax saves them, those in these, by all keys with dots.
    """
    arrays = _arrays_of(content)
    if not arrays:
        arrays = _arrays_within(content, path)
    if not all(isinstance(key, str | int) for key in arrays):
        raise StoreError(f"{path} holds arrays without a name")
    named = {str(key): value for key, value in arrays.items()}
    if len(named) < len(arrays):
        raise StoreError(f"{path} holds two arrays of one name")
    return named


def _arrays_of(content: Mapping[object, object]) -> dict[object, Tensor]:
    """Tensors, and numpy's arrays of numbers as such."""
    numbers = {
        key: torch.from_numpy(value.copy())
        for key, value in content.items()
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and value.dtype.itemsize < 9
    }
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    return tensors | numbers


def _arrays_within(content: Mapping[object, object], path: Path) -> dict[object, Tensor]:
    """The arrays in dicts inside of a dict, by all keys with dots."""
    found: dict[object, Tensor] = {}
    waiting, seen = [("", content)], 0
    while waiting:
        front, inside = waiting.pop()
        seen += 1
        if seen > MAX_INNER:
            raise StoreError(f"{path} must hold at most {MAX_INNER} dicts")
        found |= {f"{front}{key}": value for key, value in _arrays_of(inside).items()}
        waiting += [
            (f"{front}{key}.", value)
            for key, value in inside.items()
            if isinstance(key, str | int) and isinstance(value, Mapping)
        ]
    return found


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    for name, tensor in tensors.items():
        strided = tensor.layout == torch.strided and not tensor.is_nested
        if not strided or tensor.is_quantized or tensor.device.type != "cpu":
            raise InputError(name, "be a plain array", f"{tensor.layout} on {tensor.device}")
    _require_room(tensor.shape for tensor in tensors.values())
    return {name: _as_numpy(name, tensor.detach()) for name, tensor in tensors.items()}


def _as_numpy(name: str, tensor: Tensor) -> np.ndarray:
    narrow = tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64)
    try:
        return (tensor.double() if narrow else tensor).resolve_conj().resolve_neg().numpy()
    except (RuntimeError, TypeError):  # complex32, bits8 and their like
        raise InputError(name, "be of a type that NumPy has", str(tensor.dtype)) from None


def _require_room(shapes: Iterable[Sequence[int]]) -> None:
    """Refuse arrays that would take more than ``MAX_BYTES`` together (``InputError``)."""
    wanted = 8 * sum(math.prod(shape) for shape in shapes)
    if wanted > MAX_BYTES:
        raise InputError("arrays", f"take at most {MAX_BYTES} bytes in float64", wanted)
