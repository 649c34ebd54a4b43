"""PairView: a network on pairs of Z_n whose preactivations need not be a sum of two tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from modlib.errors import InputError
from modlib.models.views.activations import Activation, activated
from modlib.models.views.neuron_view import NeuronView, Scores, score_logits

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


@dataclass(frozen=True, eq=False)
class Product:
    """A table of pairs of which only its factors are held: stream[a, b] weights + bias.

    ``stream``: (n, n, part); ``weights``: (part, column); ``bias``: (column,).
    """

    stream: Float[np.ndarray, "a b part"]
    weights: Float[np.ndarray, "part column"]
    bias: Float[np.ndarray, " column"]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the table."""
        n, _, _ = self.stream.shape
        return n, n, len(self.bias)


Table = np.ndarray | Product
"""A table of pairs, (a, b, column), or its factors."""


def part_of(
    table: Table, rows: slice, columns: Int[np.ndarray, " index"] | slice = slice(None)
) -> Float[np.ndarray, "a b index"]:
    """A table's columns for inputs a in ``rows`` and all b, as an array of its own."""
    if isinstance(table, Product):
        part = table.stream[rows] @ table.weights[:, columns]
        part += table.bias[columns]
        return part
    return table[rows][:, :, columns].copy()


@dataclass(frozen=True, kw_only=True)
class PairView:
    """logits[a, b] = act(preact[a, b]) w_out + b_out + skip[a, b].

    ``preact``: (n, n, num_neurons), bias included; ``w_out``: (num_neurons, n); ``b_out``: (n,);
    ``skip``: (n, n, n), what reaches the logits around the neurons; both may be ``Product``;
    ``activation``: act. Raises ``InputError`` for shapes that do not fit and for values that are
    not finite.
    """

    n: int
    preact: Float[np.ndarray, "a b neuron"] | Product
    w_out: Float[np.ndarray, "neuron c"]
    b_out: Float[np.ndarray, " c"]
    skip: Float[np.ndarray, "a b c"] | Product
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
            table = getattr(self, name)
            if table.shape != shape:
                raise InputError(name, f"have shape {shape}", table.shape)
            factors = (
                (table.stream, table.weights, table.bias)
                if isinstance(table, Product)
                else (table,)
            )
            if not all(np.isfinite(factor).all() for factor in factors):
                raise InputError(name, "hold finite numbers only", "NaN or infinity")
            if not isinstance(table, Product):
                object.__setattr__(self, name, np.asarray(table, dtype=np.float64))

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
        return activated(self.activation, part_of(self.preact, rows, neurons))

    def fires(
        self, pairs: Int[np.ndarray, "pair 2"], neurons: Int[np.ndarray, " index"]
    ) -> Float[np.ndarray, "pair index"]:
        """Activations of these neurons at chosen pairs."""
        a, b = pairs.T
        if isinstance(self.preact, Product):
            weights, bias = self.preact.weights[:, neurons], self.preact.bias[neurons]
            heard = self.preact.stream[a, b] @ weights + bias
        else:
            heard = self.preact[a, b][:, neurons]
        return activated(self.activation, heard)

    def direct(self, rows: slice = slice(None)) -> Float[np.ndarray, "a b c"]:
        """What reaches the logits around the neurons for inputs a in ``rows`` and all b."""
        return part_of(self.skip, rows)

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
            preact=_relabelled(self.preact, a, b, np.arange(self.num_neurons)),
            w_out=self.w_out[:, c],
            b_out=self.b_out[c],
            skip=_relabelled(self.skip, a, b, c),
        )

    def contribution(self, neurons: Int[np.ndarray, " index"]) -> Float[np.ndarray, "a b c"]:
        """What these neurons add to every logit c of every pair (a, b), without any bias."""
        return self.activations(neurons=neurons) @ self.w_out[neurons]

    def logits(self, rows: slice = slice(None)) -> Float[np.ndarray, "a b c"]:
        """Logits of every answer c for inputs a in ``rows`` and all b."""
        return self.activations(rows) @ self.w_out + self.b_out + self.direct(rows)

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
        heard, around = _split(self.preact), _split(self.skip, centred=True)
        view = NeuronView(
            n=self.n,
            preact_a=heard.of_a,
            preact_b=heard.of_b,
            b_in=heard.mean,
            w_out=self.w_out,
            b_out=self.b_out + around.mean,
            skip_a=around.of_a,
            skip_b=around.of_b,
            activation=self.activation,
        )
        return Additive(view, heard.left, around.left)


Network = NeuronView | PairView
"""A network on pairs by either kind of tables, asked alike: ``n``, ``num_neurons``, ``w_out``,
``fires``, ``contribution``, ``direct``, ``logits``, ``evaluate``."""


class _Split(NamedTuple):
    """Parts of a, of b, the mean, and the share of variance that their sum leaves."""

    of_a: Float[np.ndarray, "n column"]
    of_b: Float[np.ndarray, "n column"]
    mean: Float[np.ndarray, " column"]
    left: float


def _split(table: Table, *, centred: bool = False) -> _Split:
    """``centred``: the variance is that of the table less its mean over columns."""
    if isinstance(table, Product):
        inner = _split(table.stream)
        weights, bias = table.weights, table.bias
        parts = inner.of_a @ weights, inner.of_b @ weights, inner.mean @ weights + bias
        shown = weights - weights.mean(1, keepdims=True) if centred else weights
        varied = table.stream - inner.mean
        total = _power(varied, shown)
        varied -= inner.of_a[:, None] + inner.of_b[None]
        return _Split(*parts, _power(varied, shown) / total if total > 0 else 0.0)
    mean = table.mean((0, 1))
    of_a, of_b = table.mean(1) - mean, table.mean(0) - mean
    total = missed = 0.0
    for of_row, row in zip(of_a, table, strict=True):
        varied = row - mean
        rest = varied - of_row - of_b
        if centred:
            varied, rest = (one - one.mean(-1, keepdims=True) for one in (varied, rest))
        total, missed = total + float(np.vdot(varied, varied)), missed + float(np.vdot(rest, rest))
    return _Split(of_a, of_b, mean, missed / total if total > 0 else 0.0)


def _power(
    stream: Float[np.ndarray, "a b part"], weights: Float[np.ndarray, "part column"]
) -> float:
    """Sum of the squares of stream times weights."""
    flat = stream.reshape(len(stream) ** 2, stream.shape[-1])
    return max(0.0, float(((flat.T @ flat @ weights) * weights).sum()))


def _relabelled(table: Table, a: np.ndarray, b: np.ndarray, columns: np.ndarray) -> Table:
    if isinstance(table, Product):
        stream = table.stream[np.ix_(a, b)]
        return Product(stream, table.weights[:, columns], table.bias[columns])
    return table[np.ix_(a, b, columns)]
