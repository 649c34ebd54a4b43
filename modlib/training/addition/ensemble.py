"""Many seeds: one network a thread, by the compiled steps of ``network.py``.

A network's bits depend on its seed alone, not on the seeds trained beside it, their order, or the
number of threads.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import torch

from modlib.config.addition import AdditionConfig
from modlib.config.rules import require_seed
from modlib.errors import require_int
from modlib.machine import available_cores, train_in_this_thread
from modlib.progress import Bar
from modlib.training.addition.ensemble_member import Member, evaluation_epochs
from modlib.training.addition.loop import HISTORY, WEIGHT_HISTORY, table_of, weight_epochs
from modlib.training.addition.network import Network


def _train_one(config: AdditionConfig, seed: int, stop: threading.Event) -> Member:
    network = Network(config, seed)
    evaluated, weighing = set(evaluation_epochs(config)), set(weight_epochs(config))
    history: list[dict[str, float]] = []
    weighed: list[dict[str, float]] = []
    done = 0
    # Between two of these epochs the kernel runs on without the interpreter's lock.
    for epoch in sorted(evaluated | weighing):
        if stop.is_set():  # nobody waits for this network any more
            raise CancelledError
        network.run_epochs(done, epoch)
        if epoch in evaluated:
            history.append({"epoch": epoch, **network.evaluate()})
        if epoch in weighing:
            weighed.append({"epoch": epoch, **network.weigh()})
        done = epoch
    return Member(
        seed=seed,
        weights=network.weights,
        history=table_of(history, HISTORY),
        weight_history=table_of(weighed, WEIGHT_HISTORY),
    )


def train_ensemble(
    config: AdditionConfig,
    seeds: Sequence[int],
    *,
    device: torch.device,
    threads: int | None = None,
    progress: bool = True,
) -> Iterator[Member]:
    """Train one network a seed (paper A, section 4), yielded in the order of ``seeds``.

    ``threads``: networks trained at the same time on a CPU; None: one a core that this process
    may use. Few finished networks are held at once, whatever the number of seeds. Bad arguments
    are refused at the call. A CUDA device takes the networks in groups, by ``gpu.train_on_gpu``.
    """
    if device.type == "cuda":
        from modlib.training.addition.gpu import train_on_gpu

        return train_on_gpu(config, seeds, device=device, progress=progress)
    seeds = [require_seed(seed) for seed in seeds]
    threads = available_cores() if threads is None else threads
    threads = require_int("threads", threads, at_least=1, at_most=4096)
    return _train_all(config, seeds, threads, progress)


def _train_all(
    config: AdditionConfig, seeds: Sequence[int], threads: int, progress: bool
) -> Iterator[Member]:
    waiting: deque[Future[Member]] = deque()
    stop = threading.Event()
    bar = Bar(total=len(seeds), disable=not progress, unit="network", desc=f"n={config.n}")
    with ThreadPoolExecutor(threads, initializer=train_in_this_thread) as pool, bar:
        try:
            for seed in seeds:
                waiting.append(pool.submit(_train_one, config, seed, stop))
                # Results are handed on in the order of seeds; a slow reader holds up the rest.
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
                    bar.update()
            while waiting:
                yield waiting.popleft().result()
                bar.update()
        finally:
            # Also where the reader went away: what runs ends at its next look.
            stop.set()
            for future in waiting:
                future.cancel()
