"""Tables of finished networks, put behind those that are committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.queue.families import Part, export, exported_seeds, finished_seeds
from modlib.queue.state import queue_folder
from modlib.store.runs import Store


def export_finished(
    part: Part, first: int, *, store: Store, results: Path, threads: int, whole: bool = True
) -> tuple[range, int | None]:
    """Commit what the store holds of a part behind what is committed already.

    ``first``: the seed with which the preset's tables begin. Tables of paper B take each seed as
    soon as those before it are there, the others all at once; ``whole`` False: a sweep's do not.
    Returns the seeds that were added, and the seed that has to come before: None where it is the
    part's own turn.
    """
    with _alone(store):
        committed = exported_seeds(part, results)
        if all(seed in committed for seed in part.seeds):
            return range(0), None
        replaced = part.kind == ClockPizzaConfig.KIND or part.described
        begin = part.seeds.start if replaced else committed.stop or first
        if begin < part.seeds.start:
            return range(0), begin
        finished = finished_seeds(part, store)
        stop = begin
        while stop in finished:
            stop += 1
        ready = range(begin, stop)
        at_once = replaced or (part.in_shards and whole)
        if not ready or (at_once and stop != part.seeds.stop):
            return range(0), None
        append = len(committed) > 0 and not replaced
        export(part, ready, append=append, threads=threads, store=store, results=results)
        return ready, None


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """No other runner on this store changes tables meanwhile."""
    with FileLock(queue_folder(store) / ".export.lock"):
        yield
