"""How fast this machine multiplies, and how many operations a step of training takes.

Speed is told as a share of the float32 peak: of what the machine's best matrix product reaches.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.errors import require_int
from modlib.machine import one_thread
from modlib.tasks.remainders import moduli
from modlib.training.kernels import addition, small_products
from modlib.training.kernels.blocked_products import Multiplier
from modlib.training.remainders.forward import tables_save

SIZE = 512
"""Rows and columns of the products that are timed: they stay in the second-level cache."""
ON_GPU = 8192
"""The same on a CUDA device, where small products are bound by their launch."""

Config = AdditionConfig | RemaindersConfig | ClockPizzaConfig


def _best_rate(call: Callable[[], object], operations: float, seconds: float) -> float:
    """Best operations a second of a call, tried again and again for so long."""
    call()  # compiles, and touches the memory
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return operations / best


def _chunk_product(repeats: int = 20) -> tuple[Callable[[], None], float]:
    """The ensemble's own product at the size of a chunk, and its operations."""
    rows, depth = addition.CHUNK_ROWS, 128
    a, b = np.ones((rows, depth), np.float32), np.ones((depth, rows), np.float32)
    c, start = np.zeros((rows, rows), np.float32), np.zeros((1, rows), np.float32)

    def products() -> None:
        for _ in range(repeats):
            small_products.product(a, b, start, c, 0, rows, depth)

    return products, 2.0 * rows * rows * depth * repeats


def machine_peak(
    threads: int = 1, *, device: torch.device | None = None, seconds: float = 0.4
) -> float:
    """Best float32 operations a second: of one thread's product, times the threads.

    The product is MKL's, oneDNN's or one of this project's, whichever is fastest, each tried for
    ``seconds``. oneDNN's does not count where it rounds its inputs to bfloat16, as it does on cores
    with tiles for that. On a CUDA ``device``: cuBLAS's without TF32, whatever the threads.
    """
    threads = require_int("threads", threads, at_least=1)
    if device is not None and device.type == "cuda":
        return _gpu_peak(device, seconds)
    a, b = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
    c, multiply = np.empty((SIZE, SIZE), dtype=np.float32), Multiplier(SIZE, SIZE)
    operations = 2.0 * SIZE**3
    precision = torch.get_float32_matmul_precision()
    with one_thread():
        rates = [
            _best_rate(lambda: multiply(a.numpy(), b.numpy(), c), operations, seconds),
            _best_rate(*_chunk_product(), seconds),
        ]
        try:
            for chosen in ("highest", "medium"):  # torch's product by MKL, and by oneDNN
                torch.set_float32_matmul_precision(chosen)
                if _in_float32(a, b, torch.mm(a, b)):
                    rates.append(_best_rate(lambda: torch.mm(a, b), operations, seconds))
        finally:
            torch.set_float32_matmul_precision(precision)
    return threads * max(rates)


def _in_float32(a: torch.Tensor, b: torch.Tensor, product: torch.Tensor) -> bool:
    """Whether a product is off by no more than sums of float32 numbers can be.

    The bound for any order of the sum is depth * eps / 2 * |A| |B|, element by element.
    """
    exact, bound = a.double() @ b.double(), a.abs().double() @ b.abs().double()
    unit = torch.finfo(torch.float32).eps / 2
    return bool(((product.double() - exact).abs() <= a.shape[1] * unit * bound).all())


def _gpu_peak(device: torch.device, seconds: float) -> float:
    a, b = torch.randn(2, ON_GPU, ON_GPU, device=device)

    def product() -> None:
        torch.mm(a, b)
        torch.cuda.synchronize(device)

    return _best_rate(product, 2.0 * ON_GPU**3, seconds)


def operations(config: Config, *, by_tables: bool | None = None) -> float:
    """Of the large matrix products in one step of the fast training, there and back.

    Paper A: preactivations are made once for each of a and b, logits for every pair. Paper B: see
    ``_of_transformer``; ``by_tables`` as for its ``FastStep``. Clock and pizza: the hidden layer's
    output, taken through the unembedding.
    """
    if isinstance(config, AdditionConfig):
        n, embed_dim, hidden = config.n, config.embed_dim, config.num_neurons
        return 3.0 * 2 * hidden * (2 * n * embed_dim + config.batch_size * n)
    if isinstance(config, RemaindersConfig):
        return _of_transformer(config, tables_save(config) if by_tables is None else by_tables)
    return 3.0 * 2 * config.num_train * config.num_neurons * config.n


def _of_transformer(config: RemaindersConfig, by_tables: bool) -> float:
    """Of a step's products and mixings, there and back, two for each multiplication.

    Feed-forward layer and unembedding. With tables: columns that dropout leaves, in the mean; rows
    of w_in taken once a head's coordinate, tables of 2 p tokens, and for each number a sum over
    heads and two digits.
    """
    embed, num, logits = config.embed_dim, config.num_train, int(moduli(config).sum())
    if not by_tables:
        return 3.0 * 2 * num * (2 * 4 * embed * embed + embed * logits)
    kept = embed * (1 - config.dropout)
    tables = 4 * embed**3 + (2 * config.p * embed + 2 * config.heads * num) * (4 * embed + kept)
    return 3.0 * 2 * (num * kept * (4 * embed + logits) + tables)


def total_steps(config: Config) -> int:
    """Optimiser steps of a whole training."""
    if isinstance(config, AdditionConfig):
        return config.num_epochs * config.steps_per_epoch
    return config.steps
