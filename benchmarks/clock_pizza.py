"""Speed of a training step of clock and pizza, against the plain module, in one run.

python benchmarks/clock_pizza.py [--json] [--rounds N]

Milliseconds a step at n = 59, d = 128, 80 % of the pairs, AdamW included, evaluations left out, on
one thread; the plain module (``models.clock_pizza`` under autograd with torch.optim.AdamW) and the
fast step (``clock_pizza.step``) take turns, so that a slow moment of the machine meets both.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch.nn import functional

from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.machine import one_thread
from modlib.models.clock_pizza import ClockPizzaTransformer, initial_weights
from modlib.tasks.addition import AdditionTask
from modlib.training.clock_pizza.step import FastClockStep
from modlib.training.kernels.adamw import BETAS

SEED = 0
RATES = (0.0, 0.5)
STEPS = 10
"""Steps of each that a round takes the median of."""


def plain_step(config: ClockPizzaConfig) -> Callable[[int], None]:
    """A step as one would write it down."""
    model = ClockPizzaTransformer(config, initial_weights(config, SEED))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.lr, betas=BETAS, weight_decay=config.weight_decay
    )
    a, b = (torch.from_numpy(part) for part in np.nonzero(AdditionTask(config, SEED).mask))
    answer = (a + b) % config.n

    def step(_: int) -> None:
        optimizer.zero_grad()
        functional.cross_entropy(model(a, b), answer).backward()
        optimizer.step()

    return step


def fast_step(config: ClockPizzaConfig) -> Callable[[int], None]:
    """The exact fast step."""
    network = FastClockStep(AdditionTask(config, SEED), initial_weights(config, SEED))

    def step(index: int) -> None:
        network.gradient()
        network.update(index)

    return step


def timed(step: Callable[[int], None], index: int) -> float:
    """Seconds of one step."""
    began = time.perf_counter()
    step(index)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    found = {}
    with one_thread():
        for rate in RATES:
            config = ClockPizzaConfig(attention_rate=rate)
            steps = {"plain": plain_step(config), "fast": fast_step(config)}
            for step in steps.values():
                step(0)  # compiles, and touches the memory
            seconds: dict[str, list[float]] = {name: [] for name in steps}
            for index in range(1, 1 + options.rounds * STEPS):
                for name, step in steps.items():
                    seconds[name].append(timed(step, index))
            plain, fast = (1000 * median(values) for values in seconds.values())
            found[f"{rate:g}"] = {"plain_ms": plain, "fast_ms": fast, "ratio": plain / fast}
    if options.json:
        print(json.dumps(found))
        return
    for rate, row in found.items():
        print(
            f"attention rate {rate}: plain {row['plain_ms']:.1f} ms, fast {row['fast_ms']:.1f} ms, "
            f"ratio {row['ratio']:.1f}"
        )


if __name__ == "__main__":
    main()
