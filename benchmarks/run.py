"""Speed of the readable loop, as shares of this machine's own matmul peak, in one run.

python benchmarks/run.py [--json]
"""

from __future__ import annotations

import json
import sys
import time

import torch

from modlib.config import AdditionConfig
from modlib.training.loop import train

REPEATS = 5
CONFIGS = (AdditionConfig(batch="n", epochs=10), AdditionConfig(batch="full", epochs=30))


def matmul_peak(size: int = 1024, seconds: float = 1.0) -> float:
    """Best floating-point operations per second of a square float32 matmul on one thread."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def flop_per_step(config: AdditionConfig) -> float:
    """Operations of the matmuls of one step, forward and backward (three times forward)."""
    inputs, hidden, rows = 2 * config.embed_dim, config.num_neurons, config.batch_size
    return 3 * 2 * rows * hidden * (inputs + config.n)


def main() -> None:
    torch.set_num_threads(1)
    peak = matmul_peak()
    result: dict[str, float | int | str] = {
        "device": "cpu",
        "threads": 1,
        "peak_gflops": peak / 1e9,
    }
    for config in CONFIGS:
        rates = [
            train(config, seed, device=torch.device("cpu"), progress=False).steps_per_second
            for seed in range(REPEATS)
        ]
        result[f"steps_per_second_batch_{config.batch}"] = max(rates)
        result[f"peak_share_batch_{config.batch}"] = max(rates) * flop_per_step(config) / peak
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
        return
    print(f"one thread, matmul peak {peak / 1e9:.0f} GFLOP/s")
    for config in CONFIGS:
        rate = result[f"steps_per_second_batch_{config.batch}"]
        share = result[f"peak_share_batch_{config.batch}"]
        print(f"batch {config.batch}: {rate:.0f} steps/s, {share:.1%} of peak")


if __name__ == "__main__":
    main()
