"""PairView: a network on pairs of Z_n whose preactivations need not be a sum of two tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from modlib.errors import InputError
from modlib.models.views.activations import Activation, activated
from modlib.models.views.neuron_view import NeuronView, Scores, row_blocks, score_logits

EXACT_BELOW = 1e-10
"""Share of variance up to which a sum of two tables is the table of pairs, but for rounding."""


class Additive(NamedTuple):
    """The sum of a part of a and a part of b that comes nearest to a network's table of pairs.

    ``preact_error``, ``skip_error``: share of the variance over pairs, of all preactivations and
    of the direct path (less its mean over answers), that no such sum explains.
    """

    view: NeuronView
    preact_error: float
    skip_error: float

    @property
    def exact(self) -> bool:
        """Whether the view is the network itself."""
        return max(self.preact_error, self.skip_error) < EXACT_BELOW


@dataclass(frozen=True, kw_only=True)
class PairView:
    """logits[a, b] = act(preact[a, b]) w_out + b_out + skip[a, b].

    ``preact``: (n, n, num_neurons), bias included; ``w_out``: (num_neurons, n); ``b_out``: (n,);
    ``skip``: (n, n, n), what reaches the logits around the neurons; ``activation``: act. Raises
    ``InputError`` for shapes that do not fit and for values that are not finite.
    """

    n: int
    preact: Float[np.ndarray, "a b neuron"]
    w_out: Float[np.ndarray, "neuron c"]
    b_out: Float[np.ndarray, " c"]
    skip: Float[np.ndarray, "a b c"]
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        n, num_neurons = self.n, self.w_out.shape[0]
        shapes = {
            "preact": (n, n, num_neurons),
            "w_out": (num_neurons, n),
            "b_out": (n,),
            "skip": (n, n, n),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise InputError(name, f"have shape {shape}", array.shape)
            if not np.isfinite(array).all():
                raise InputError(name, "hold finite numbers only", "NaN or infinity")
            object.__setattr__(self, name, np.asarray(array, dtype=np.float64))

    @classmethod
    def of(cls, view: NeuronView) -> PairView:
        """The same network, its tables written out for every pair."""
        return cls(
            n=view.n,
            preact=view.preact_a[:, None] + view.preact_b[None] + view.b_in,
            w_out=view.w_out,
            b_out=view.b_out,
            skip=view.direct(),
            activation=view.activation,
        )

    @property
    def num_neurons(self) -> int:
        """Number of hidden neurons."""
        return self.w_out.shape[0]

    def activations(
        self, rows: slice = slice(None), neurons: Int[np.ndarray, " index"] | slice = slice(None)
    ) -> Float[np.ndarray, "a b index"]:
        """Activations for inputs a in ``rows`` and all b."""
        return activated(self.activation, self.preact[rows][:, :, neurons].copy())

    def fires(
        self, pairs: Int[np.ndarray, "pair 2"], neurons: Int[np.ndarray, " index"]
    ) -> Float[np.ndarray, "pair index"]:
        """Activations of these neurons at chosen pairs."""
        a, b = pairs.T
        return activated(self.activation, self.preact[a, b][:, neurons])

    def direct(self, rows: slice = slice(None)) -> Float[np.ndarray, "a b c"]:
        """What reaches the logits around the neurons for inputs a in ``rows`` and all b."""
        return self.skip[rows]

    def row_blocks(self, width: int) -> Iterator[slice]:
        """Blocks of inputs a that bound the memory of their pairs' arrays of ``width`` columns."""
        return row_blocks(self.n, width)

    def relabelled(
        self,
        a: Int[np.ndarray, " m"],
        b: Int[np.ndarray, " m"],
        c: Int[np.ndarray, " m"],
    ) -> PairView:
        """The network on Z_m whose input i is this one's a[i], or b[i], and answer i its c[i]."""
        return replace(
            self,
            n=len(c),
            preact=self.preact[np.ix_(a, b)],
            w_out=self.w_out[:, c],
            b_out=self.b_out[c],
            skip=self.skip[np.ix_(a, b, c)],
        )

    def contribution(self, neurons: Int[np.ndarray, " index"]) -> Float[np.ndarray, "a b c"]:
        """What these neurons add to every logit c of every pair (a, b), without any bias."""
        return self.activations(neurons=neurons) @ self.w_out[neurons]

    def logits(self, rows: slice = slice(None)) -> Float[np.ndarray, "a b c"]:
        """Logits of every answer c for inputs a in ``rows`` and all b."""
        return self.activations(rows) @ self.w_out + self.b_out + self.skip[rows]

    def evaluate(self) -> Scores:
        """Accuracy, mean cross-entropy (nats) and smallest margin over all pairs."""
        scored = score_logits(self.logits())
        return Scores(
            float(scored.right.mean()), float(scored.loss.mean()), float(scored.margin.min())
        )

    def additive(self) -> Additive:
        """The best approximation by preactivations and direct paths that are sums of two tables.

        Least squares over all pairs: means over b and over a. The bias keeps the mean of all.
        """
        preact_a, preact_b, b_in, preact_error = _split(self.preact)
        centred = self.skip - self.skip.mean(-1, keepdims=True)
        skip_a, skip_b, base, _ = _split(self.skip)
        view = NeuronView(
            n=self.n,
            preact_a=preact_a,
            preact_b=preact_b,
            b_in=b_in,
            w_out=self.w_out,
            b_out=self.b_out + base,
            skip_a=skip_a,
            skip_b=skip_b,
            activation=self.activation,
        )
        return Additive(view, preact_error, _split(centred)[3])


Network = NeuronView | PairView
"""A network on pairs by either kind of tables, asked alike: ``n``, ``num_neurons``, ``w_out``,
``fires``, ``contribution``, ``direct``, ``logits``, ``evaluate``."""


def _split(
    table: Float[np.ndarray, "a b column"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Parts of a, of b, the mean, and the share of variance that their sum leaves."""
    mean = table.mean((0, 1))
    of_a, of_b = table.mean(1) - mean, table.mean(0) - mean
    left = table - of_a[:, None] - of_b[None] - mean
    total = float(((table - mean) ** 2).sum())
    return of_a, of_b, mean, float((left**2).sum()) / total if total > 0 else 0.0
