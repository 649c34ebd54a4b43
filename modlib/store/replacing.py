"""A folder that is replaced whole: a kill at any moment leaves the old one or the new one.

A folder cannot take another's place in one step. Between two renames the old one lies beside its
place, where ``found`` looks for it and the next writing puts it back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from modlib.store.files import sync, writing


def found(folder: Path) -> Path:
    """Where a folder lies that is written by ``replacing``: in its place, unless a kill came just
    then. Nothing is changed, so that one may read what one may not write."""
    aside = _beside(_behind_links(folder), "before")
    # os.path says no of what is no path at all, too long for one.
    return aside if os.path.isdir(aside) and not os.path.isdir(folder) else folder


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder, which takes the place of ``folder`` at the end; what fails leaves it as was.

    Two writers wait for each other. What a killed one left is cleared away first. Where the folder
    is a link, what it leads to is replaced. Raises ``StoreError`` where it cannot be written.
    """
    folder = _behind_links(folder)
    work, aside = _beside(folder, "writing"), _beside(folder, "before")
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = _beside(folder, "lock")
        with FileLock(lock):
            if aside.is_dir() and not folder.is_dir():
                os.rename(aside, folder)
            for left in (aside, work):
                if left.is_dir():
                    shutil.rmtree(left)
            work.mkdir()
            try:
                yield work
                sync(work)
                if folder.is_dir():
                    os.rename(folder, aside)
                os.rename(work, folder)
                sync(folder.parent)
            except BaseException:
                if aside.is_dir() and not folder.is_dir():
                    os.rename(aside, folder)
                raise
            finally:
                shutil.rmtree(work, ignore_errors=True)
                if folder.is_dir():  # else it is all that is left
                    shutil.rmtree(aside, ignore_errors=True)
                lock.unlink(missing_ok=True)


def _behind_links(folder: Path) -> Path:
    return Path(os.path.realpath(folder)) if os.path.islink(folder) else folder


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{folder.name}.{what}")
