"""One network in compiled steps: the loop's arithmetic on this machine's vector units.

The same seed draws the same split, initialisation and shuffles as in ``loop.py``, and its
parameters agree with it step by step to rounding. Sums are taken in one order whatever the width
of a machine's vectors, so that a seed is the same network on all that multiply and add in one
rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from modlib.config.addition import AdditionConfig
from modlib.maths import rng
from modlib.models.mlp import PARAMETERS, embedding_shares, initial_weights
from modlib.tasks.addition import AdditionTask
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
        flats = tuple(layout.zeros() for _ in range(4))
        self._flat, self._flat_grad, self._first, self._second = flats
        self._theta, self._grad, *self._moments = (layout.views(flat) for flat in flats)
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

    @property
    def moments(self) -> tuple[dict[str, np.ndarray], ...]:
        """Copies of Adam's means of the gradient and of its square, each by parameter."""
        return tuple(_by_name(parts, self.config) for parts in self._moments)

    def restore(
        self, weights: Mapping[str, np.ndarray], *moments: Mapping[str, np.ndarray]
    ) -> None:
        """Take up parameters and moments."""
        for parts, named in zip((self._theta, *self._moments), (weights, *moments), strict=True):
            _fill(parts, named)

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
