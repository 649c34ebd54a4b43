"""A folder with its manifest: what it holds, where it comes from, a sha256 of each file."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from modlib import __version__
from modlib.errors import StoreError
from modlib.machine import ROOT
from modlib.store.files import digest_of, reason_of, write_atomically

SCHEMA = 1
"""Version of the layout; another version is refused, never misread."""

MANIFEST = "MANIFEST.json"

UNREADABLE = (ValueError, RecursionError, OSError)
"""What reading a file of JSON raises: not JSON, nested too deep, not to be opened."""


def provenance(device: str) -> dict[str, Any]:
    """Where and with what a result is made: command, commit, versions, machine."""
    import torch  # not at the top: it takes seconds, and reading a folder needs none

    packages = ("torch", "numpy", "scipy", "numba", "pandas", "safetensors")
    versions = {name: importlib.metadata.version(name) for name in packages}
    program = Path(sys.argv[0]).name
    return {
        "command": ["python -m modlib" if program == "__main__.py" else program, *sys.argv[1:]],
        "commit": _commit(),
        "versions": {"python": platform.python_version(), "modlib": __version__, **versions},
        "device": device,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@cache
def _commit() -> str | None:
    """The checkout's commit, with ``-dirty`` where files but results differ; None outside git.

    A repository that encloses the package without being its checkout says nothing of it. It is
    asked for once: what is committed while a training runs is not what it runs.
    """

    def git(*words: str) -> str:
        command = ["git", "-C", str(ROOT), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        return done.stdout.strip()

    try:
        if not Path(git("rev-parse", "--show-toplevel")).samefile(ROOT):
            return None
        commit = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}-dirty" if changed else commit


def write_manifest(folder: Path, names: list[str], content: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``MANIFEST.json`` over the named files of a folder, last of all; returns it."""
    files = {}
    for name in sorted(names):
        size, digest = digest_of(folder / name)
        files[name] = {"sha256": digest, "bytes": size}
    manifest = {"schema": SCHEMA, **content, "files": files}
    write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    return manifest


def read_manifest(folder: Path, names: Collection[str] | None = None) -> dict[str, Any]:
    """The manifest of a folder, after checking schema and every file's size and sha256.

    ``names``: the files that it must list; None: any. Raises ``StoreError`` naming the file and
    what is wrong with it.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        schema = manifest["schema"]
        files = {
            name: (entry["bytes"], entry["sha256"]) for name, entry in manifest["files"].items()
        }
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"{path} is missing: the folder holds no finished result") from None
    except (*UNREADABLE, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is not a readable manifest ({reason_of(error)})") from None
    if schema != SCHEMA:
        raise StoreError(f"{path} has schema {schema!r}, this version of modlib reads {SCHEMA}")
    if names is not None and set(files) != set(names):
        raise StoreError(f"{path} must list {', '.join(sorted(names))}, got {sorted(files)}")
    for name, (expected, digest) in files.items():
        file = folder / name
        try:
            size, found = digest_of(file)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise StoreError(f"{file} is missing although the manifest lists it") from None
        except OSError as error:
            raise StoreError(f"{file} cannot be read ({reason_of(error)})") from None
        if size != expected:
            raise StoreError(f"{file} has {size} bytes, the manifest says {expected}")
        if found != digest:
            raise StoreError(f"{file} does not match the sha256 in its manifest")
    return manifest
