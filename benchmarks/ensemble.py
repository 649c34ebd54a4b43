"""Speed of training many seeds, against the ways one would do it without this project, in one run.

python benchmarks/ensemble.py [--json] [--rounds N]

Seed-steps a second on one thread, for batch n and full batch at n = 91, float32:

plain     the readable loop of a torch module and torch.optim.Adam as torch sets it up
fused     ``training.addition.loop`` as it is: the same loop with Adam in one kernel
vmap      torch.func.vmap(grad) over the stacked parameters of several seeds, and Adam on them
ensemble  ``training.addition.ensemble``, shuffles included, evaluations left out

The machine's peak is the best float32 matmul of one thread that any library here reaches. Rounds
alternate between the four, so that a slow moment of the machine meets all of them.

Then an epoch of a network whose dead neurons have decayed, with subnormal numbers as they are and
as zero, which is how networks train here: ``machine.train_in_this_thread``. At the end a chapter's
network, evaluated after every epoch: by the readable loop, and by ``training.addition.single``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from statistics import median

import torch
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn import functional

from modlib.config.addition import AdditionConfig
from modlib.machine import subnormal_as_zero
from modlib.models.mlp import build, initial_weights
from modlib.tasks.addition import AdditionTask, addition_pairs
from modlib.training.addition import loop, single
from modlib.training.addition.loop import Trained, make_optimizer
from modlib.training.addition.network import Network
from modlib.training.speed import machine_peak, operations

VMAP_SIZES = {"n": (4, 16, 64), "full": (1, 4)}
"""Seeds stacked; the fastest counts."""
LATE = 240
"""Epochs after which an epoch is timed once more: of 300, and after dead neurons have decayed."""
WITH_SCORES = 20
"""Epochs of a chapter's network that are timed."""
Steps = Callable[[int], None]


def batches(config: AdditionConfig, seed: int) -> Callable[[int], Tensor]:
    """The training pairs of a step, as indices a n + b."""
    split = torch.from_numpy(AdditionTask(config, seed).split)
    size, per_epoch = config.batch_size, config.steps_per_epoch
    return lambda step: split[(step % per_epoch) * size : (step % per_epoch + 1) * size]


def loop_steps(config: AdditionConfig, *, fused: bool) -> Steps:
    """A torch module stepped one seed at a time."""
    model = build(config, initial_weights(config, 0))
    optimizer = make_optimizer(model, config)
    if not fused:
        options = {"lr": config.lr, "weight_decay": 2 * config.l2}
        optimizer = torch.optim.Adam(model.parameters(), **options)
    a, b, c = (torch.from_numpy(column) for column in addition_pairs(config.n))
    batch_of = batches(config, 0)

    def steps(count: int) -> None:
        for step in range(count):
            batch = batch_of(step)
            loss = functional.cross_entropy(model(a[batch], b[batch]), c[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return steps


def vmap_steps(config: AdditionConfig, num_seeds: int) -> Steps:
    """Stacked modules under vmap(grad); a step trains every seed once."""
    models = [build(config, initial_weights(config, seed)) for seed in range(num_seeds)]
    parameters, _ = stack_module_state(models)
    base = models[0].to("meta")
    a, b, c = (torch.from_numpy(column) for column in addition_pairs(config.n))
    batch_of = [batches(config, seed) for seed in range(num_seeds)]
    leaves = [value.detach().requires_grad_() for value in parameters.values()]
    options = {"lr": config.lr, "weight_decay": 2 * config.l2, "fused": True}
    optimizer = torch.optim.Adam(leaves, **options)

    def loss(values: dict[str, Tensor], a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return functional.cross_entropy(functional_call(base, values, (a, b)), c)

    gradient = vmap(grad(loss))

    def steps(count: int) -> None:
        for step in range(count):
            batch = torch.stack([of_seed(step) for of_seed in batch_of])
            values = {name: leaf.detach() for name, leaf in zip(parameters, leaves, strict=True)}
            gradients = gradient(values, a[batch], b[batch], c[batch])
            for leaf, name in zip(leaves, parameters, strict=True):
                leaf.grad = gradients[name]
            optimizer.step()

    return steps


def ensemble_steps(config: AdditionConfig) -> Steps:
    """The compiled steps of one network; ``count`` is a whole number of epochs."""
    network = Network(config, 0)

    def steps(count: int) -> None:
        network.run_epochs(0, count // config.steps_per_epoch)

    return steps


def rate(steps: Steps, count: int, seeds: int = 1) -> float:
    """Seed-steps a second."""
    began = time.perf_counter()
    steps(count)
    return seeds * count / (time.perf_counter() - began)


def flop_per_step(config: AdditionConfig) -> float:
    """Operations of a plain step's matmuls, forward and backward (three times forward)."""
    inputs, hidden, rows = 2 * config.embed_dim, config.num_neurons, config.batch_size
    return 3 * 2 * rows * hidden * (inputs + config.n)


def measure(config: AdditionConfig, rounds: int) -> dict[str, float]:
    """Median over rounds of each contender's seed-steps a second; vmap's at its best size."""
    count = 4 * config.steps_per_epoch if config.batch == "n" else 20
    contenders: dict[str, tuple[Steps, int, int]] = {
        "plain": (loop_steps(config, fused=False), count, 1),
        "fused": (loop_steps(config, fused=True), count, 1),
        "ensemble": (ensemble_steps(config), 5 * count, 1),
        **{
            f"vmap {size}": (vmap_steps(config, size), max(4, count // size), size)
            for size in VMAP_SIZES[config.batch]
        },
    }
    for steps, _, _ in contenders.values():
        steps(2 * config.steps_per_epoch)
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (steps, many, seeds) in contenders.items():
            rates[name].append(rate(steps, many, seeds))
    middle = {name: median(values) for name, values in rates.items()}
    vmaps = {name: value for name, value in middle.items() if name.startswith("vmap")}
    kept = {name: value for name, value in middle.items() if name not in vmaps}
    return {**kept, "vmap": max(vmaps.values())}


def late_epochs(config: AdditionConfig, rounds: int) -> tuple[float, float]:
    """Median milliseconds of an epoch after ``LATE``: subnormal numbers kept, and as zero."""
    contenders: list[tuple[Network, Callable[[], AbstractContextManager[None]]]] = [
        (Network(config, 0), nullcontext),
        (Network(config, 0), subnormal_as_zero),
    ]
    for network, _ in contenders:
        network.run_epochs(0, LATE)
    times: tuple[list[float], list[float]] = [], []
    for epoch in range(LATE, LATE + rounds):
        for (network, setting), spent in zip(contenders, times, strict=True):
            began = time.perf_counter()
            with setting():
                network.run_epochs(epoch, epoch + 1)
            spent.append(1e3 * (time.perf_counter() - began))
    kept, as_zero = map(median, times)
    return kept, as_zero


def with_scores(config: AdditionConfig, rounds: int) -> tuple[float, float]:
    """Median milliseconds of an epoch with its evaluation: by the readable loop, and compiled."""
    task = AdditionTask(replace(config, epochs=WITH_SCORES), 0)
    times: dict[Callable[..., Trained], list[float]] = {loop.train: [], single.train: []}
    for _ in range(rounds):
        for train, spent in times.items():
            began = time.perf_counter()
            train(task, device=torch.device("cpu"), progress=False)
            spent.append(1e3 * (time.perf_counter() - began) / WITH_SCORES)
    readable, compiled = map(median, times.values())
    return readable, compiled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    torch.set_num_threads(1)
    peak = machine_peak()
    result: dict[str, float | int | str] = {
        "device": "cpu",
        "threads": 1,
        "peak_gflops": peak / 1e9,
    }
    lines = [f"one thread, n = 91, float32; matmul peak {peak / 1e9:.0f} GFLOP/s", ""]
    lines.append("batch  contender  seed-steps/s  ensemble against it  share of peak")
    for batch in ("n", "full"):
        config = AdditionConfig(batch=batch)
        rates = measure(config, options.rounds)
        naive, own = flop_per_step(config), operations(config)
        for name, value in rates.items():
            ratio, flop = rates["ensemble"] / value, own if name == "ensemble" else naive
            lines.append(
                f"{batch:5}  {name:9}  {value:12.0f}  {ratio:19.2f}  {value * flop / peak:13.1%}"
            )
        label = f"batch_{batch}" if batch == "n" else batch
        result |= {
            f"ratio_{label}": rates["ensemble"] / rates["plain"],
            f"ratio_fused_{label}": rates["ensemble"] / rates["fused"],
            f"ratio_vmap_{label}": rates["ensemble"] / rates["vmap"],
            f"peak_share_{label}": rates["ensemble"] * own / peak,
            f"seed_steps_{label}": rates["ensemble"],
        }
    kept, as_zero = late_epochs(AdditionConfig(), options.rounds)
    result |= {"late_epoch_ms_kept": kept, "late_epoch_ms": as_zero}
    lines += ["", f"epoch {LATE}, subnormal numbers kept: {kept:.1f} ms, as zero: {as_zero:.1f} ms"]
    readable, compiled = with_scores(AdditionConfig(), options.rounds)
    result |= {"epoch_ms_loop": readable, "epoch_ms": compiled, "ratio_single": readable / compiled}
    both = f"readable loop {readable:.1f} ms, compiled {compiled:.1f} ms"
    lines.append(f"an epoch with its evaluation: {both}")
    print(json.dumps(result) if options.json else "\n".join(lines))


if __name__ == "__main__":
    main()
