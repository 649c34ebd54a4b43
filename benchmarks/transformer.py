"""Speed of a training step of paper B's transformer, against the plain module, in one run.

python benchmarks/transformer.py [--json] [--rounds N] [--threads T] [--fraction F]

Milliseconds a step at p = 113, d = 256, on a share of the numbers, dropout on, gradient filter and
AdamW included, evaluations left out:

plain   ``models.transformer`` under autograd with torch.optim.AdamW, as torch sets them up: all
        three positions through attention and feed-forward layer, the last one read
before  ``remainders.step`` number by number: both products of the feed-forward layer and all
        columns of the stream, also those that dropout has set to 0
fast    the same with what need not be computed left out: the first of these products goes over
        tokens, and dropped columns are in none
half    number by number with bfloat16 inputs of the large products, and its gradient's error

The machine's peak is the best float32 product of one thread, this project's or torch's, times the
threads. Rounds alternate, so that a slow moment of the machine meets all; on a machine that others
use, processor time (``cpu``, all threads together) says more than the clock.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
import torch
from torch.nn import functional

from modlib.config.presets import PAPER_B
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError
from modlib.models.transformer import build, initial_weights
from modlib.tasks.remainders import RemaindersTask
from modlib.training.kernels.adamw import GradientFilter, make_adamw
from modlib.training.remainders.schedule import dropout
from modlib.training.remainders.step import FastStep
from modlib.training.speed import machine_peak, operations

SEED = 0
Step = Callable[[int], None]


def plain_step(config: RemaindersConfig, threads: int) -> Step:
    """A step as one would write it down from the paper."""
    model = build(config, initial_weights(config, SEED))
    optimizer = make_adamw(model, config)
    slow = GradientFilter(model.parameters(), config.lam, config.alpha)
    task = RemaindersTask(config, SEED)
    arrays = (*task.digits, task.answers)
    x0, x1, targets = (torch.from_numpy(array[task.split["train"]]) for array in arrays)
    sizes, weights = task.moduli.tolist(), task.loss_weights.tolist()

    def step(index: int) -> None:
        torch.set_num_threads(threads)
        keep = dropout(config, SEED, index)
        masks = keep and (torch.from_numpy(keep[0]), torch.from_numpy(keep[1]))
        tasks = model(x0, x1, masks).split(sizes, dim=1)
        losses = [
            weight * functional.cross_entropy(logits, target)
            for weight, logits, target in zip(weights, tasks, targets.T, strict=True)
        ]
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        slow.apply()
        optimizer.step()
        torch.set_num_threads(1)

    return step


def fast_step(config: RemaindersConfig, threads: int, by_tables: bool | None = None) -> Step:
    """The exact fast step."""
    network = make_fast(config, threads, by_tables)

    def step(index: int) -> None:
        network.gradient(dropout(config, SEED, index))
        network.update(index)

    return step


def make_fast(config: RemaindersConfig, threads: int, by_tables: bool | None = None) -> FastStep:
    """The network before its first step."""
    task, weights = RemaindersTask(config, SEED), initial_weights(config, SEED)
    return FastStep(task, weights, threads=threads, by_tables=by_tables)


def timed(step: Step, index: int) -> tuple[float, float]:
    """Seconds of one step, on the clock and of all threads' processor time."""
    clocks = (time.perf_counter, time.process_time)
    began = [clock() for clock in clocks]
    step(index)
    clock, processor = (clock() - start for clock, start in zip(clocks, began, strict=True))
    return clock, processor


def half_error(config: RemaindersConfig, threads: int) -> float:
    """Norm of the error of the gradient in bfloat16 over that of the gradient, at the start."""
    exact = make_fast(config, threads)
    half = make_fast(replace(config, matmul="bfloat16"), threads)
    for network in (exact, half):
        network.gradient()
    return float(np.linalg.norm(half.grad - exact.grad) / np.linalg.norm(exact.grad))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each (default 1)")
    parser.add_argument(
        "--fraction", type=float, default=0.3, help="share of the numbers (default .3)"
    )
    options = parser.parse_args()
    for name in ("rounds", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1, got {getattr(options, name)}")
    try:
        config = replace(PAPER_B, train_fraction=options.fraction)
    except InputError as error:
        parser.error(f"--fraction: {error}")
    threads = options.threads
    torch.set_num_threads(1)
    steps = {
        "plain": plain_step(config, threads),
        "before": fast_step(config, threads, by_tables=False),
        "fast": fast_step(config, threads, by_tables=True),
        "half": fast_step(replace(config, matmul="bfloat16"), threads),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for step in steps.values():
        step(0)
    for index in range(1, options.rounds + 1):
        for name, step in steps.items():
            again = 1 if name == "plain" else 3
            times[name] += [timed(step, again * index + k) for k in range(again)]
    peak = machine_peak(threads)
    work = {
        name: operations(config, by_tables=name == "fast") for name in ("before", "fast", "half")
    }
    ms, cpu_ms = (
        {name: 1e3 * median(pair[clock] for pair in pairs) for name, pairs in times.items()}
        for clock in (0, 1)
    )
    result: dict[str, float | int | str] = {
        "device": "cpu",
        "threads": threads,
        "ratio": ms["plain"] / ms["fast"],
        "ratio_to_before": ms["before"] / ms["fast"],
        "ratio_half": ms["plain"] / ms["half"],
        "cpu_ratio": cpu_ms["plain"] / cpu_ms["fast"],
        "cpu_ratio_to_before": cpu_ms["before"] / cpu_ms["fast"],
        "fast_ms": ms["fast"],
        "before_ms": ms["before"],
        "plain_ms": ms["plain"],
        "half_ms": ms["half"],
        "cpu_fast_ms": cpu_ms["fast"],
        "cpu_before_ms": cpu_ms["before"],
        "cpu_plain_ms": cpu_ms["plain"],
        "half_error": half_error(config, threads),
        "peak_gflops": peak / 1e9,
        "peak_share": work["fast"] / (ms["fast"] / 1e3) / peak,
        "gflop_step": work["fast"] / 1e9,
        "gflop_before": work["before"] / 1e9,
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{threads} threads, p = 113, d = 256, {config.num_train} numbers; ", end="")
    print(f"best product {peak / 1e9:.0f} GFLOP/s")
    print("contender  ms a step  plain against it  GFLOP a step  share of peak")
    for name, value in ms.items():
        line = f"{name:9}  {value:9.1f}  {ms['plain'] / value:16.2f}"
        if name in work:
            line += f"  {work[name] / 1e9:12.1f}  {work[name] / (value / 1e3) / peak:13.1%}"
        print(line)
    print(f"fast against before: {result['ratio_to_before']:.2f}, ", end="")
    print(f"in processor time {result['cpu_ratio_to_before']:.2f}")
    print(f"gradient's error in bfloat16: {result['half_error']:.2%}")


if __name__ == "__main__":
    main()
