"""The runner: jobs one after another, each until its tables are committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from modlib.config.rules import MAX_SEEDS
from modlib.errors import ClusterError, InputError, StoreError, require_float, require_int
from modlib.machine import resolve_device
from modlib.queue import jobs as known
from modlib.queue.export import export_finished
from modlib.queue.families import (
    Part,
    calls,
    exported_seeds,
    finished_seeds,
    require_what_tables_need,
    under_way,
)
from modlib.queue.jobs import Job, first_seed
from modlib.queue.state import parts_of, queue_folder
from modlib.queue.workers import Workers
from modlib.store.checkpoint import Checkpoint
from modlib.store.files import writing
from modlib.store.runs import Store
from modlib.training.speed import machine_peak, operations, total_steps

REPORT_EVERY_S = 600.0
"""Seconds between two lines on a training under way."""
TURN_S = 2.0
"""How long a job is waited for: someone may be looking whether it is taken."""


class TimeIsUpError(Exception):
    """The hours that the runner was given are over."""


@contextmanager
def held(store: Store, job: Job, turn_s: float = 0.0) -> Iterator[bool]:
    """Hold a job, so that no other runner on this store takes it; yields whether it is held."""
    lock = FileLock(queue_folder(store) / f".{job.name}.lock")
    try:
        lock.acquire(timeout=turn_s)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


class Log:
    """Lines with the time, into a file of the store and to whoever listens."""

    def __init__(self, store: Store, say: Callable[[str], None]) -> None:
        self.path, self.say = queue_folder(store) / "log.txt", say

    def __call__(self, line: str) -> None:
        """Add a line."""
        stamped = f"{datetime.now():%Y-%m-%d %H:%M:%S}  {' '.join(line.split())}"
        self.say(stamped)
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(f"{stamped}\n")


class Runner:
    """Works through jobs with so many threads on a device, for so many hours at most.

    ``block``: a sweep's tables are committed after so many networks each; None: with its last.
    """

    def __init__(
        self,
        *,
        store: Store,
        results: Path,
        threads: int,
        device: str = "cpu",
        hours: float | None = None,
        block: int | None = None,
        say: Callable[[str], None],
    ) -> None:
        self.threads = require_int("threads", threads, at_least=1, at_most=1024)
        place = resolve_device(device)
        self.store, self.results, self.device = store, results, str(place)
        self.end = float("inf")
        if hours is not None:
            self.end = time.monotonic() + 3600 * require_float("for", hours, at_least=0.0)
        self.block = block
        if block is not None:
            self.block = require_int("block", block, at_least=1, at_most=MAX_SEEDS)
        self.log = Log(store, say)
        self.peak = machine_peak(device=place)
        self.peak_threads = 1 if place.type == "cuda" else self.threads
        self.seen: dict[tuple[str, int], tuple[int, float]] = {}
        self.begun = self.told = 0
        self.since = time.monotonic()

    def run(self, jobs: Sequence[Job]) -> int:
        """Do what is left of these jobs; returns how many could not be done.

        What is refused is told in a line, and the next job is taken.
        """
        whole = self.peak * self.peak_threads / 1e9
        self.log(f"{self.threads} threads, {self.device}, float32 peak {whole:,.0f} GFLOP/s")
        failed = 0
        try:
            for job in jobs:
                with held(self.store, job, TURN_S) as own:
                    if own:
                        failed += not self.run_job(job)
                    else:
                        self.log(f"{job.name}: left to the runner that has it")
        except TimeIsUpError:
            self.log("time is up; the same command goes on where it was")
        return failed

    def run_job(self, job: Job) -> bool:
        """Do what is left of a job; False where something was refused."""
        try:
            parts = parts_of(job)
        except InputError as error:
            self.log(f"{job.name}: {error}")
            return False
        done = True
        for part in parts:
            try:
                done &= self.run_part(job, part)
            except (InputError, StoreError, ClusterError) as error:
                self.log(f"{job.name}: {error}")
                done = False
        return done

    def run_part(self, job: Job, part: Part) -> bool:
        """Train what is missing of a part and commit it; False where a training was refused."""
        with writing(self.results):
            self.results.mkdir(parents=True, exist_ok=True)
        committed = exported_seeds(part, self.results)
        if all(seed in committed for seed in part.seeds):
            return True
        require_what_tables_need(part, self.results)
        finished = finished_seeds(part, self.store)
        missing = [s for s in part.seeds if s not in committed and s not in finished]
        done = self.train(job, part, missing) if missing else True
        return done and self.commit(job, part)

    def train(self, job: Job, part: Part, missing: list[int]) -> bool:
        """Train these seeds; False where one was refused."""
        at_once = min(self.threads, len(missing)) if job.side_by_side else 1
        each = 1 if job.side_by_side else self.threads
        block = self.block or MAX_SEEDS
        work = calls(part, missing, self.store, threads=each, device=self.device, block=block)
        self.log(f"{job.name}: {part.preset}, {_seeds(missing)}, {at_once} at once")
        done = True
        self.begun = self.told = self._networks(part)
        self.since = time.monotonic()
        self.require_time()
        with Workers(at_once) as workers:
            for index, refusal in workers.run(work, self.wait_s):
                if index is None:
                    self.tell_progress(part, missing, each)
                elif refusal is not None:
                    done = False
                    at = "" if part.in_shards else f" seed {missing[index]}"
                    self.log(f"{job.name}: {part.preset}{at}: {refusal}")
                else:
                    if part.in_shards:
                        self.tell_sweep(part)
                    else:
                        self.tell_network(part, missing[index], each)
                    done &= self.commit(job, part)
                self.require_time()
        return done

    def wait_s(self) -> float:
        """Seconds until there is something to tell or the time is up."""
        return max(0.0, min(REPORT_EVERY_S, self.end - time.monotonic()))

    def require_time(self) -> None:
        """Stop where the hours are over."""
        if time.monotonic() >= self.end:
            raise TimeIsUpError

    def commit(self, job: Job, part: Part) -> bool:
        """Put what is finished of a part into its tables; False where that is refused."""
        try:
            added, first = export_finished(
                part,
                first_seed(part.preset, known.JOBS),
                store=self.store,
                results=self.results,
                threads=self.threads,
                whole=self.block is None,
            )
        except (InputError, StoreError) as error:  # what is being trained goes on
            self.log(f"{job.name}: {part.preset} is not committed: {error}")
            return False
        if added:
            self.log(f"{part.preset}: {_seeds(added)} in {self.results / part.folder}")
        if first is not None:
            self.log(
                f"{part.preset}: {_seeds(part.seeds)} wait until seed {first} is in the tables"
            )
        return True

    def _networks(self, part: Part) -> int:
        """Networks of a sweep that the store holds, those of unfinished shards too."""
        finished = finished_seeds(part, self.store)
        others = set(part.seeds) - finished
        return len(finished) + sum(under_way(part, s, self.store)[0] > 0 for s in others)

    def pace(self, part: Part, rate: float, threads: int) -> str:
        """Steps a second, and what share of these threads' peak their products are."""
        on = 1 if self.device.startswith("cuda") else threads
        share = rate * operations(part.config) / (self.peak * on)
        what = "seed-steps" if part.in_shards else "steps"
        return f"{rate:,.1f} {what} a second, {share:.1%} of the float32 peak"

    def tell_network(self, part: Part, seed: int, threads: int) -> None:
        """A line on a network that is finished."""
        folder = self.store.of(part.config).folder(seed)
        manifest = Checkpoint(folder).manifest()
        rate = manifest.get("config", {}).get("steps_per_second") or 0.0
        hours = (manifest.get("wall_s") or 0.0) / 3600
        steps = total_steps(part.config)
        self.log(
            f"{part.preset} seed {seed}: {steps:,} steps in {hours:.2f} hours, "
            f"{self.pace(part, rate, threads)}"
        )

    def tell_progress(self, part: Part, seeds: list[int], threads: int) -> None:
        """A line on what is under way, with its speed since the last one."""
        if part.in_shards:
            self.tell_sweep(part)
            return
        for seed in seeds:
            steps, seconds = under_way(part, seed, self.store)
            last, at = self.seen.get((part.preset, seed), (0, 0.0))
            if steps > last:
                self.seen[part.preset, seed] = steps, seconds
                rate = (steps - last) / max(1e-9, seconds - at)
                self.log(
                    f"{part.preset} seed {seed}: {steps:,} of {total_steps(part.config):,} steps, "
                    f"{self.pace(part, rate, threads)}"
                )

    def tell_sweep(self, part: Part) -> None:
        """A line on networks of paper A, with their speed since the first one was begun."""
        there = self._networks(part)
        if there > self.told:
            self.told, seconds = there, max(1e-9, time.monotonic() - self.since)
            rate = (there - self.begun) * total_steps(part.config) / seconds
            self.log(
                f"{part.preset}: {there:,} of {len(part.seeds):,} networks, "
                f"{self.pace(part, rate, self.threads)}"
            )


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
