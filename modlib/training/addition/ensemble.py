"""Many seeds, fast: the loop's arithmetic in compiled steps, one network a thread.

The same seed draws the same split, initialisation and shuffles as in ``loop.py``, and its
parameters agree with it step by step to rounding. A network's bits depend on its seed alone, not
on the seeds trained beside it, their order, or the number of threads.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32

from modlib.config.addition import AdditionConfig
from modlib.config.rules import require_seed
from modlib.errors import require_int
from modlib.machine import available_cores, train_in_this_thread
from modlib.maths import rng
from modlib.models.mlp import PARAMETERS, embedding_shares, initial_weights
from modlib.progress import Bar
from modlib.tasks.addition import AdditionTask
from modlib.training.addition.ensemble_member import Member, evaluation_epochs
from modlib.training.addition.loop import HISTORY, WEIGHT_HISTORY, table_of, weight_epochs
from modlib.training.flat import named_views, size_of
from modlib.training.kernels import addition as kernels
from modlib.training.kernels.addition import CHUNK_ROWS
from modlib.training.kernels.llvm_vectors import padded


class Layout(NamedTuple):
    """Sizes of the flat parameter vector: columns padded to whole vector registers."""

    n: int
    embed_cols: int
    hidden_cols: int
    out_cols: int

    @classmethod
    def of(cls, config: AdditionConfig) -> Layout:
        """The layout of a configuration's networks."""
        return cls(config.n, padded(config.embed_dim), padded(config.num_neurons), padded(config.n))

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Rows and padded columns of each part, in the order in which the kernels take them."""
        n, embed, hidden, out = self
        return {
            "E_A": (n, embed),
            "E_B": (n, embed),
            "W_A": (embed, hidden),
            "W_B": (embed, hidden),
            "b_in": (1, hidden),
            "W_out": (hidden, out),
            "b_out": (1, out),
        }

    def zeros(self) -> Float32[np.ndarray, " theta"]:
        """An empty vector of parameters."""
        return np.zeros(size_of(self.shapes), dtype=np.float32)

    def views(
        self, flat: Float32[np.ndarray, " theta"]
    ) -> tuple[Float32[np.ndarray, "row col"], ...]:
        """The parts of a flat vector, by ``shapes``."""
        return tuple(named_views(flat, self.shapes).values())

    def scratch(self) -> tuple[tuple[np.ndarray, ...] | np.ndarray, ...]:
        """What ``kernels.gradient`` writes on the way.

        Preactivations of a and b with their gradient, hidden layer with its gradient and logits
        of a chunk, W_out and half of W_in transposed, the output bias, and a row of zeros.
        """
        n, embed, hidden, out = self

        def zeros(rows: int, cols: int) -> np.ndarray:
            return np.zeros((rows, cols), dtype=np.float32)

        sides = [(zeros(n, hidden), zeros(n, hidden)) for _ in range(2)]
        chunk = [zeros(CHUNK_ROWS, cols) for cols in (hidden, hidden, out)]
        turned = (zeros(out, hidden), zeros(hidden, embed))
        return (*sides, *chunk, *turned, zeros(1, out), zeros(1, max(embed, hidden, out)))


def _fill(theta: Sequence[np.ndarray], weights: Mapping[str, np.ndarray]) -> None:
    """Copy parameters by name into the padded views."""
    embed = weights["embed_a.weight"].shape[1]
    # torch keeps a layer as (out, in), the kernels read (in, out); half of W is for a, half for b.
    w_in = weights["hidden.weight"].T
    parts = (
        weights["embed_a.weight"],
        weights["embed_b.weight"],
        w_in[:embed],
        w_in[embed:],
        weights["hidden.bias"][None],
        weights["unembed.weight"].T,
        weights["unembed.bias"][None],
    )
    for view, part in zip(theta, parts, strict=True):
        # The padding stays 0: it has no gradient, and nothing decays from 0.
        view[: part.shape[0], : part.shape[1]] = part


def _by_name(theta: Sequence[np.ndarray], config: AdditionConfig) -> dict[str, np.ndarray]:
    """Undo ``_fill``."""
    n, embed, hidden = config.n, config.embed_dim, config.num_neurons
    e_a, e_b, w_a, w_b, b_in, w_out, b_out = theta
    w_in = np.concatenate([w_a[:embed, :hidden], w_b[:embed, :hidden]])
    parts = (
        *(e_a[:, :embed], e_b[:, :embed], w_in.T, b_in[0, :hidden]),
        *(w_out[:hidden, :n].T, b_out[0, :n]),
    )
    return {name: np.array(part, order="C") for name, part in zip(PARAMETERS, parts, strict=True)}


class Network:
    """One seed's network, its optimiser and its data, as the kernels want them."""

    def __init__(self, config: AdditionConfig, seed: int) -> None:
        layout = Layout.of(config)
        self.config, self.seed = config, seed
        self._flat, self._flat_grad, self._first, self._second = (layout.zeros() for _ in range(4))
        self._theta, self._grad = layout.views(self._flat), layout.views(self._flat_grad)
        self._work = layout.scratch()
        _fill(self._theta, initial_weights(config, seed))
        task = AdditionTask(config, seed)
        # Full batch needs no order: by a, the gradient's rows are met one after another.
        split = np.sort(task.split) if config.batch == "full" else task.split
        self._pairs = np.divmod(split, config.n)
        self._is_train = task.mask.ravel().astype(np.int64)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the parameters by name."""
        return _by_name(self._theta, self.config)

    def run_epochs(self, start: int, stop: int) -> None:
        """Train from epoch ``start`` to before epoch ``stop``."""
        config = self.config
        kernels.run_epochs(
            *(self._flat, self._flat_grad, self._first, self._second, self._theta, self._grad),
            *self._pairs,
            config.batch_size,
            config.batch != "full",
            *(self.seed, rng.SHUFFLE, start, stop),
            # 2 l2 theta is the derivative of l2 |theta|^2.
            *(config.lr, 2 * config.l2),
            self._work,
        )

    def evaluate(self) -> dict[str, float]:
        """Mean cross-entropy and accuracy of training and held-out pairs: ``loop.evaluate``."""
        loss, right = np.zeros(2), np.zeros(2)
        kernels.evaluate(self._theta, self._is_train, loss, right, self._work)
        measured = {}
        for name, which in (("train", 1), ("test", 0)):
            count = int((self._is_train == which).sum())
            for quantity, sums in (("loss", loss), ("accuracy", right)):
                measured[f"{name}_{quantity}"] = sums[which] / count if count else float("nan")
        return measured

    def weigh(self) -> dict[str, float]:
        """How large the embeddings' weights are: ``embedding_shares``."""
        return embedding_shares(*(part[:, : self.config.embed_dim] for part in self._theta[:2]))


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
