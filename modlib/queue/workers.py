"""Processes that train: a killed one is told, and none outlives the process that began them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from threadpoolctl import threadpool_limits

from modlib.errors import ClusterError, InputError, StoreError
from modlib.machine import end_with
from modlib.progress import Bar

Call = tuple[Callable[..., None], tuple[Any, ...]]
"""Work for a process: a function of a module and what it is called with."""
LEAVES_AFTER_S = 10.0
"""Seconds that a stopped process has before it is killed."""


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    index: int | None = None
    """Which call it works on."""


def _work(pipe: Connection, parent: int) -> None:
    """Do what is sent until nothing is; answer each call with None or its refusal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it here too
    end_with(parent)
    threadpool_limits(1, "blas")
    Bar.set_lock(threading.RLock())  # its own one leaves semaphores behind in a process that ends
    while True:
        try:
            call, arguments = pipe.recv()
        except EOFError:
            return
        try:
            call(*arguments)
        except (InputError, StoreError, ClusterError) as error:
            pipe.send(" ".join(str(error).split()))
        else:
            pipe.send(None)


class Workers:
    """At most ``count`` processes; they are stopped where the block is left."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._all: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        begun = [worker for worker in self._all if worker.process.pid is not None]
        for worker in begun:
            worker.pipe.close()
            worker.process.terminate()
        for worker in begun:
            worker.process.join(LEAVES_AFTER_S)
            worker.process.kill()
            worker.process.join()
        self._all.clear()

    def run(
        self, calls: Sequence[Call], wait_s: Callable[[], float]
    ) -> Iterator[tuple[int | None, str | None]]:
        """Make all calls; yields the number of each that ended, and its refusal or None.

        Where none has ended for ``wait_s()`` seconds it yields (None, None).
        """
        waiting = deque(range(len(calls)))
        while waiting or any(worker.index is not None for worker in self._all):
            self._give(waiting, calls)
            busy = [worker for worker in self._all if worker.index is not None]
            ended = wait([worker.pipe for worker in busy], wait_s())
            if not ended:
                yield None, None
            for worker in busy:
                if worker.pipe in ended:
                    index = worker.index
                    yield index, self._answer(worker)

    def _give(self, waiting: deque[int], calls: Sequence[Call]) -> None:
        """Hand calls to processes that have none; begin some where there are too few."""
        while waiting:
            worker = next((worker for worker in self._all if worker.index is None), None)
            if worker is None and len(self._all) == self.count:
                return
            worker = worker or self._begin()
            worker.index = waiting.popleft()
            with suppress(BrokenPipeError):  # killed meanwhile: its end is told below
                worker.pipe.send(calls[worker.index])

    def _begin(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        worker = _Worker(context.Process(target=_work, args=(theirs, os.getpid())), ours)
        self._all.append(worker)  # before it runs, so that no interruption leaves it behind
        worker.process.start()
        theirs.close()
        return worker

    def _answer(self, worker: _Worker) -> str | None:
        """What a process says of its call; one that is gone leaves the list."""
        worker.index = None
        with suppress(EOFError, ConnectionResetError):
            return worker.pipe.recv()
        self._all.remove(worker)
        worker.process.join()
        status = worker.process.exitcode or 0
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"its process ended with {how}"
