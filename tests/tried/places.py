"""Stores in odd places, in none, and without room."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import edits
from modlib.runs.get_or_train import get_or_train
from modlib.store.runs import Store
from tried.battery import Battery
from tried.process import apart


def _stored(train: Callable[..., Any], root: Path) -> Any:
    return train(store=Store(root))


def places(battery: Battery) -> None:
    """Stores in odd places, and without room."""
    config = edits.SMALL["addition"]
    train = partial(get_or_train, config, seed=5, progress=False, device="cpu")
    _, whole = apart(lambda: train(store=Store(battery.folder("whole"))))
    base = battery.folder("places")
    (base / "file").write_text("")
    odd = ("with space", "ümläut 模", "new\nline", "a'b\"c", "$HOME", "-x", "%s", "x" * 200)
    for name in odd:
        said, found = apart(partial(_stored, train, base / name))
        outcome = said if said != "done" else "as it was" if found == whole else "silent"
        battery.note("places", "odd names", outcome, f"{name!r}: {found}")
    wrong = (
        base / "file",
        base / "file/x",
        Path("/proc/x"),
        base / ("y" * 300),
        Path("https://a/b"),
    )
    for path in (*wrong, base / "\udcff", Path("/dev/null")):
        said, found = apart(partial(_stored, train, path))
        outcome = "silent" if said == "done" else said
        battery.note("places", "no folders", outcome, f"{path!r}: {found}")
    for room in (0, 100, 1000, 4000, 10_000):

        def without_room(room: int = room) -> Any:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            return train(store=Store(battery.folder("full")))

        said, found = apart(without_room)
        outcome = said if said != "done" else "as it was" if found == whole else "silent"
        battery.note("places", "no room for a file", outcome, f"{room} bytes: {found}")


def read_only(battery: Battery) -> None:
    """A store that may be read and not written, by one who is not root."""
    train = partial(get_or_train, edits.SMALL["addition"], progress=False, device="cpu")
    for made in (False, True):
        root = battery.folder("read-only")
        if made:
            train(seed=5, store=Store(root))
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
            folder.chmod(0o555)

        def without_rights(root: Path = root) -> Any:
            if os.geteuid() == 0:
                os.setuid(65534)
            return train(seed=5, store=Store(root))

        said, found = apart(without_rights)
        outcome = "silent" if said == "done" else said
        battery.note("places", "read-only", outcome, found)
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
