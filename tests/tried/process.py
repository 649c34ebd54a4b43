"""A call in a process of its own: what it gives, as bits, or how it ended."""

from __future__ import annotations

import hashlib
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from modlib.errors import Refusal

LIMIT_S = 240
"""Seconds that a try may take."""
ROOT = Path(__file__).resolve().parents[2]


def bits(value: Any) -> Any:
    """What a result holds, as digests; how long it took and what made it are another matter."""
    if isinstance(value, pd.DataFrame):
        return hashlib.sha256(value.to_csv().encode()).hexdigest(), str(value.dtypes.to_dict())
    if isinstance(value, np.ndarray):
        return hashlib.sha256(value.tobytes()).hexdigest(), value.shape, str(value.dtype)
    if isinstance(value, Mapping):
        return {name: bits(part) for name, part in value.items() if name != "retries"}
    if hasattr(value, "_asdict"):
        return bits(value._asdict())
    if is_dataclass(value) and not isinstance(value, type):
        left_out = {"manifest", "trained_now", "wall_s"}
        return {
            f.name: bits(getattr(value, f.name)) for f in fields(value) if f.name not in left_out
        }
    if isinstance(value, list | tuple):
        return [bits(part) for part in value]
    return repr(value)


def contents(folder: Path) -> dict[str, str]:
    """Digests of all files of a folder but manifests, logs and what is hidden."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name != "MANIFEST.json"
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def told(call: Callable[[], Any]) -> tuple[str, Any]:
    """What a call says, in this process: ``done`` with its bits, ``refused`` or ``traceback``."""
    try:
        return "done", bits(call())
    except Refusal as refusal:
        return "refused" if "\n" not in str(refusal) else "traceback", str(refusal)
    except BaseException as error:
        return "traceback", f"{type(error).__name__}: {error}"


def apart(call: Callable[[], Any], memory: int | None = None) -> tuple[str, Any]:
    """The same in a process of its own, or ``signal`` where one ended it.

    ``memory``: bytes that it may ask for.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.alarm(LIMIT_S)
        if memory:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
        said = told(call)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(said, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if not os.WIFEXITED(status) or not answer:
        return "signal", str(status)
    outcome: tuple[str, Any] = pickle.loads(answer)
    return outcome


def compared(said: str, found: Any, whole: Any) -> str:
    """The outcome of a call that should give the same: what it refuses is lost."""
    if said == "done":
        return "as it was" if found == whole else "silent"
    return "lost" if said == "refused" else said


def kill_after(wait: float, call: Callable[[], Any]) -> None:
    """Begin a call in a process of its own and kill that, with all that it began."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            call()
        finally:
            os._exit(0)
    time.sleep(wait)
    try:
        others = psutil.Process(child).children(recursive=True)
    except psutil.NoSuchProcess:
        others = []
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for other in others:
        try:
            other.kill()
        except psutil.NoSuchProcess:
            continue


def python(program: str, *words: str, **environment: str) -> tuple[str, str]:
    """What a program of its own prints: ``done`` with it, or how it ended; ``environment``: more
    of it."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    if done.returncode:
        return "signal" if done.returncode < 0 else "traceback", done.stderr[-600:]
    return "done", done.stdout.strip()
