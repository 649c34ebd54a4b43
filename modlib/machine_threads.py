"""How many threads torch and NumPy take for one operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """One CPU thread an operation: small ones gain nothing from two, and lose on a busy machine.

    Products of more threads are cut otherwise, and differ in their last bits.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        torch.set_num_threads(threads)
