"""Tables of finished networks, made aside and then put in their place whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.queue.families import Part, export, exported_seeds, finished_seeds
from modlib.store.files import writing
from modlib.store.folder import MANIFEST
from modlib.store.runs import Store

STAGE = ".exporting"
"""Folder in that of the results where tables are made; what a kill leaves there is taken up."""


def export_finished(
    part: Part, first: int, *, store: Store, results: Path, threads: int, whole: bool = True
) -> tuple[range, int | None]:
    """Commit what the store holds of a part behind what is committed already.

    ``first``: the seed with which the preset's tables begin. Tables of paper B take each seed as
    soon as those before it are there, the others all at once; ``whole`` False: a sweep's do not.
    Returns the seeds that were added, and the seed that has to come before: None where it is the
    part's own turn.
    """
    with _alone(store, results):
        committed = exported_seeds(part, results)
        if all(seed in committed for seed in part.seeds):
            return range(0), None
        begin = part.seeds.start if part.kind == ClockPizzaConfig.KIND else committed.stop or first
        if begin < part.seeds.start:
            return range(0), begin
        finished = finished_seeds(part, store)
        stop = begin
        while stop in finished:
            stop += 1
        ready = range(begin, stop)
        at_once = part.kind == ClockPizzaConfig.KIND or part.described or (part.in_shards and whole)
        if not ready or (at_once and stop != part.seeds.stop):
            return range(0), None
        replaced = part.kind == ClockPizzaConfig.KIND or part.described
        append = len(committed) > 0 and not replaced
        with staged(results, part.folder) as root:
            export(part, ready, append=append, threads=threads, results=root)
        return ready, None


def take_up(store: Store, results: Path) -> None:
    """Bring back tables that a kill left aside; a folder that cannot be written is refused."""
    with _alone(store, results):
        pass


@contextmanager
def _alone(store: Store, results: Path) -> Iterator[None]:
    """No other runner on this store changes tables meanwhile."""
    folder = store.root / "queue"
    with writing(folder):
        folder.mkdir(exist_ok=True)
    with FileLock(folder / ".export.lock"):
        with writing(results):
            results.mkdir(parents=True, exist_ok=True)
            recover(results)
        yield


@contextmanager
def staged(results: Path, folder: Path) -> Iterator[Path]:
    """A folder of results that holds a copy of ``folder``, which replaces it at the end."""
    stage, place = results / STAGE, results / folder
    made, before = stage / "made", stage / "before"
    with writing(made):
        (made / folder).parent.mkdir(parents=True)
        if place.is_dir():
            shutil.copytree(place, made / folder)
    yield made
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            (before / folder).parent.mkdir(parents=True)
            os.rename(place, before / folder)
        os.rename(made / folder, place)
        shutil.rmtree(stage)


def recover(results: Path) -> None:
    """Undo what a kill left: tables that had been moved aside come back."""
    stage = results / STAGE
    before = stage / "before"
    for manifest in list(before.rglob(MANIFEST)):
        place = results / manifest.parent.relative_to(before)
        if not place.exists():
            os.rename(manifest.parent, place)
    if stage.exists():
        shutil.rmtree(stage)
