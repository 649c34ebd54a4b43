"""Many seeds on a GPU: the networks of a group step side by side, their state on the device.

The same seed draws the same split, initialisation and shuffles as in ``loop.py``, the oracle, and
its parameters agree with it step by step to rounding. On one kind of device a network's bits
depend on its seed alone, not on the seeds trained beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor
from torch.nn import functional

from modlib.config.addition import AdditionConfig
from modlib.config.rules import require_seed
from modlib.errors import InputError
from modlib.maths import rng
from modlib.models.mlp import FAR, NEAR, initial_weights, parameter_shapes
from modlib.progress import Bar
from modlib.training.addition.ensemble_member import Member, evaluation_epochs
from modlib.training.addition.loop import HISTORY, WEIGHT_HISTORY, weight_epochs
from modlib.training.flat import named_views, size_of
from modlib.training.kernels.addition import BETA_1, BETA_2

MAX_N, MAX_EMBED_DIM = 512, 64
"""Largest sizes whose tiles the kernel is made for."""

ROWS, WIDE, STEP = 32, 128, 32
"""Rows of a tile, neurons of a tile, and terms that a product takes at once."""

NUM_WARPS, NUM_STAGES = 8, 3
"""At n = 91 and 128 neurons these compile to 128 registers a thread: two networks at a time on a
multiprocessor. Tiles are fetched two steps ahead."""

NETWORKS_EACH = 32
"""Networks in a group for every multiprocessor: full waves, and results every few seconds."""

MEMORY_SHARE = 0.5
"""Of the free device memory, what a group may take."""

MAX_LOGITS = 2**26
"""Logits, or hidden activations, held at once by an evaluation."""


class Tiles(NamedTuple):
    """Sizes of the kernel's tiles: powers of two, and at least what a matrix product takes."""

    classes: int
    cols: int
    embed_cols: int
    wide: int
    rows: int
    step: int

    @classmethod
    def of(cls, config: AdditionConfig) -> Tiles:
        """Tiles for a configuration."""
        classes, cols, embed_cols, wide = (
            # The power of two from the size up; a matrix product takes 16 at least.
            max(16, 1 << (size - 1).bit_length())
            for size in (config.n, 2 * config.embed_dim, config.embed_dim, config.num_neurons)
        )
        return cls(classes, cols, embed_cols, min(wide, WIDE), ROWS, STEP)


def state_size(config: AdditionConfig) -> int:
    """Floats kept for a network's weights: their number in whole lines of 128 bytes."""
    return -(-size_of(parameter_shapes(config)) // 32) * 32


def scratch_size(config: AdditionConfig) -> int:
    """Floats of a network's scratch: inputs, hidden layer and logits of a batch, and gradients."""
    classes = Tiles.of(config).classes
    return config.batch_size * (4 * config.embed_dim + 2 * config.num_neurons + classes)


def parameters(
    weights: Float32[Tensor, "network size"], config: AdditionConfig
) -> dict[str, Float32[Tensor, "network ..."]]:
    """Views of flat weights, by name."""
    return named_views(weights, parameter_shapes(config))


def permutations(
    seeds: Int64[Tensor, " seed"], stream: int, index: int, count: int
) -> Int64[Tensor, "seed {count}"]:
    """``maths.rng.permutation`` of every seed, made on the seeds' device: the same numbers.

    Words of 32 bits in int64: products wrap modulo 2^64, and their halves are masked.
    """
    low = 0xFFFFFFFF
    blocks = torch.arange(-(-count // 4), device=seeds.device).expand(len(seeds), -1)
    k0, k1 = seeds[:, None] & low, seeds[:, None] >> 32
    c0, c1 = blocks, torch.zeros_like(blocks)
    c2, c3 = torch.full_like(blocks, index), torch.full_like(blocks, stream)
    for _ in range(10):
        product_0, product_1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (
            # The shift of a negative int64 fills in ones: the mask takes them off.
            ((product_1 >> 32) & low) ^ c1 ^ k0,
            product_1 & low,
            ((product_0 >> 32) & low) ^ c3 ^ k1,
            product_0 & low,
        )
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    words = torch.stack([c0, c1, c2, c3], dim=-1).flatten(1)[:, :count]
    # Ties by position, as on the host.
    return words.argsort(dim=1, stable=True)


def evaluate(
    weights: Float32[Tensor, "network size"],
    is_train: Float32[Tensor, "network a b"],
    config: AdditionConfig,
) -> Float64[Tensor, "network 4"]:
    """Every network's loss and accuracy over its training pairs, then over all others.

    As ``loop.evaluate`` has them, NaN without held-out pairs.
    """
    n, answers = config.n, torch.arange(config.n, device=weights.device)
    theta = parameters(weights, config)
    weight_a, weight_b = theta["hidden.weight"].split(config.embed_dim, dim=2)
    preact_a = theta["embed_a.weight"] @ weight_a.mT
    preact_b = theta["embed_b.weight"] @ weight_b.mT + theta["hidden.bias"][:, None]
    loss, right = torch.empty_like(is_train), torch.empty_like(is_train)
    # Hidden layer or logits of one a and all b, whichever is larger.
    held = n * max(n, config.num_neurons)
    rows = min(n, max(1, MAX_LOGITS // held))
    count = max(1, MAX_LOGITS // (rows * held))
    for first in range(0, len(weights), count):
        some = slice(first, first + count)
        unembed, bias = theta["unembed.weight"][some].mT, theta["unembed.bias"][some, None]
        for start in range(0, n, rows):
            a = slice(start, start + rows)
            # (network, a, b, neuron): a sum of two tables, never an embedding a pair.
            hidden = torch.relu(preact_a[some, a, None] + preact_b[some, None])
            logits = torch.baddbmm(bias, hidden.flatten(1, 2), unembed).flatten(0, 1)
            shape = loss[some, a].shape
            correct = ((answers[a, None] + answers) % n).expand(shape).flatten()
            losses = functional.cross_entropy(logits, correct, reduction="none")
            loss[some, a] = losses.view(shape)
            right[some, a] = (logits.argmax(-1) == correct).to(right.dtype).view(shape)
    measured = [
        (values * mask).sum((1, 2), dtype=torch.float64) / mask.sum((1, 2), dtype=torch.float64)
        for mask in (is_train, 1 - is_train)
        for values in (loss, right)
    ]
    return torch.stack(measured, dim=1)


class Group:
    """Networks that step side by side on a device: weights, Adam's moments, epochs done."""

    def __init__(
        self,
        config: AdditionConfig,
        seeds: Sequence[int],
        weights: Float32[np.ndarray, "network size"],
        device: torch.device,
    ) -> None:
        self.config, self.epoch = config, 0
        self.seeds = torch.tensor(seeds, dtype=torch.int64, device=device)
        self.state = torch.zeros(len(seeds), 3, weights.shape[1], device=device)
        self.state[:, 0] = torch.from_numpy(weights)
        split = permutations(self.seeds, rng.SPLIT, 0, config.n**2)[:, : config.num_train]
        is_train = torch.zeros(len(seeds), config.n**2, device=device).scatter_(1, split, 1.0)
        self.is_train = is_train.unflatten(1, (config.n, config.n))
        self.split = split.to(torch.int32)
        self.scratch = torch.empty(len(seeds), scratch_size(config), device=device)
        # Adam's corrections of all steps, rounded once from float64 as in ``kernels.addition``.
        steps = np.arange(1, config.num_epochs * config.steps_per_epoch + 1)
        rate, root = config.lr / (1 - BETA_1**steps), 1 / np.sqrt(1 - BETA_2**steps)
        corrections = np.stack([rate, root], axis=1).astype(np.float32)
        self.corrections = torch.from_numpy(corrections).to(device)

    def run_epoch(self) -> None:
        """Take every step of the next epoch."""
        # Not at the top: triton is not installed everywhere.
        from modlib.training.addition.triton_kernel import run_epoch

        config, order = self.config, self.split
        if config.batch == "n":
            shuffled = permutations(self.seeds, rng.SHUFFLE, self.epoch, config.num_train)
            order = self.split.gather(1, shuffled)
        steps = config.steps_per_epoch
        # One program a network, in any order: none reads what another writes.
        run_epoch[(len(self.seeds),)](
            self.state,
            order,
            self.scratch,
            self.corrections[self.epoch * steps : (self.epoch + 1) * steps],
            config.num_train,
            config.batch_size,
            2 * config.l2,
            *(config.n, 2 * config.embed_dim, config.num_neurons, self.state.shape[2]),
            *Tiles.of(config),
            num_warps=NUM_WARPS,
            num_stages=NUM_STAGES,
        )
        self.epoch += 1

    def evaluate(self) -> Float64[np.ndarray, "network 4"]:
        """Loss and accuracy of every network as it stands, on the host."""
        return evaluate(self.state[:, 0], self.is_train, self.config).cpu().numpy()

    def weigh(self) -> Float64[np.ndarray, "network 3"]:
        """How large every network's embedding weights are: ``mlp.embedding_shares``."""
        theta = parameters(self.state[:, 0], self.config)
        embeddings = (theta["embed_a.weight"], theta["embed_b.weight"])
        size = torch.cat([e.flatten(1) for e in embeddings], dim=1).abs()
        shares = [counted.double().mean(1) for counted in (size > FAR, size < NEAR)]
        return torch.stack([*shares, size.amax(1).double()], dim=1).cpu().numpy()

    def weights(self) -> Float32[np.ndarray, "network size"]:
        """Every network's flat weights, on the host."""
        return self.state[:, 0].cpu().numpy()


def group_size(config: AdditionConfig, device: torch.device) -> int:
    """Networks that train side by side: some for every multiprocessor, as far as memory goes."""
    if device.type != "cuda":
        return NETWORKS_EACH
    pairs = config.n**2
    floats = 3 * state_size(config) + scratch_size(config) + 3 * pairs
    # While an epoch is shuffled: some ten int64 arrays over pairs.
    shuffling = 10 * 8 * pairs
    free, _ = torch.cuda.mem_get_info(device)
    fitting = int(MEMORY_SHARE * free) // (4 * floats + shuffling)
    wanted = NETWORKS_EACH * torch.cuda.get_device_properties(device).multi_processor_count
    return max(1, min(wanted, fitting))


def _initial(config: AdditionConfig, seeds: Sequence[int]) -> Float32[np.ndarray, "network size"]:
    """Flat initial weights of every seed, on the host."""
    flat = np.zeros((len(seeds), state_size(config)), dtype=np.float32)
    for row, seed in zip(flat, seeds, strict=True):
        weights = np.concatenate([w.ravel() for w in initial_weights(config, seed).values()])
        row[: len(weights)] = weights
    return flat


def _train_group(
    config: AdditionConfig,
    seeds: Sequence[int],
    initial: Future[Any],
    device: torch.device,
    bar: Bar,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Final flat weights, and figures over (evaluation, network, ...).

    First loss and accuracy, then sizes of the embeddings' weights.
    """
    with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        group = Group(config, seeds, initial.result(), device)
        evaluated, weighing = evaluation_epochs(config), weight_epochs(config)
        figures, weighed = [], []
        for epoch in sorted({*evaluated, *weighing}):
            done = epoch - group.epoch
            while group.epoch < epoch:
                group.run_epoch()
            if epoch in evaluated:
                figures.append(group.evaluate())
            if epoch in weighing:
                weighed.append(group.weigh())
            bar.update(done * len(seeds))
        return group.weights(), np.stack(figures), np.stack(weighed)


def _members(
    config: AdditionConfig, seeds: Sequence[int], trained: Future[Any]
) -> Iterator[Member]:
    weights, figures, weighed = trained.result()

    def over_training(rows: np.ndarray, columns: Sequence[str], epochs: list[int]) -> pd.DataFrame:
        table = pd.DataFrame(rows, columns=list(columns[1:]))
        table.insert(0, columns[0], epochs)
        return table

    named = parameters(torch.from_numpy(weights), config)
    for index, seed in enumerate(seeds):
        yield Member(
            seed=seed,
            weights={name: value[index].numpy().copy() for name, value in named.items()},
            history=over_training(figures[:, index], HISTORY, evaluation_epochs(config)),
            weight_history=over_training(weighed[:, index], WEIGHT_HISTORY, weight_epochs(config)),
        )


def train_on_gpu(
    config: AdditionConfig, seeds: Sequence[int], *, device: torch.device, progress: bool = True
) -> Iterator[Member]:
    """Train one network a seed (paper A, section 4), yielded in the order of ``seeds``.

    Groups are sized to the device's memory: while one trains, the next is drawn on the host and
    the one before is yielded. Bad arguments, and a missing triton, are refused at the call.
    """
    seeds = [require_seed(seed) for seed in seeds]
    for name, most in (("n", MAX_N), ("embed_dim", MAX_EMBED_DIM)):
        if getattr(config, name) > most:
            raise InputError(name, f"be at most {most} on a GPU", getattr(config, name))
    # Within a network the kernel counts places in 32 bits.
    if scratch_size(config) >= 2**31:
        rule = f"be fewer for {config.batch_size} pairs a step on a GPU"
        raise InputError("num_neurons", rule, config.num_neurons)
    try:
        from triton import knobs
    except ImportError:
        rule = "be cpu where triton is not installed (pip install -e '.[gpu]')"
        raise InputError("device", rule, str(device)) from None
    if device.type != "cuda" and not knobs.runtime.interpret:
        raise InputError("device", "be a CUDA device", str(device))
    return _train_all(config, seeds, device, progress)


def _train_all(
    config: AdditionConfig, seeds: Sequence[int], device: torch.device, progress: bool
) -> Iterator[Member]:
    size = group_size(config, device)
    groups = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    total = config.num_epochs * len(seeds)
    bar = Bar(
        total=total, disable=not progress, unit="epoch", unit_scale=True, desc=f"n={config.n}"
    )
    finished: Iterator[Member] = iter(())
    # One thread draws the next group, one steps, and this one hands on the group before.
    with ThreadPoolExecutor(1) as host, ThreadPoolExecutor(1) as steps, bar:
        initial = host.submit(_initial, config, groups[0] if groups else [])
        for index, group in enumerate(groups):
            trained = steps.submit(_train_group, config, group, initial, device, bar)
            initial = host.submit(_initial, config, [*groups, []][index + 1])
            yield from finished
            finished = _members(config, group, trained)
        yield from finished
