"""NeuronView: all that paper A's analyses need of any network on pairs of Z_n."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from modlib.errors import InputError
from modlib.models.views.activations import Activation, activated

MAX_ACTIVATIONS = 2**24
"""Numbers held at once while a view's logits are computed."""


class Factors(NamedTuple):
    """Embeddings (n, embed) and input weights (embed, neuron): their products are the preacts."""

    embed_a: Float[np.ndarray, "n embed"]
    embed_b: Float[np.ndarray, "n embed"]
    w_a: Float[np.ndarray, "embed neuron"]
    w_b: Float[np.ndarray, "embed neuron"]


@dataclass(frozen=True, kw_only=True)
class NeuronView:
    """logits[a, b] = act(preact_a[a] + preact_b[b] + b_in) w_out + b_out + skip_a[a] + skip_b[b].

    ``preact_a``, ``preact_b``: (n, num_neurons), the paper's w(A_k, N) and w(B_k, N);
    ``w_out``: (num_neurons, n), its w(N, D_k); ``skip_a``, ``skip_b``: (n, n), zero where no
    path leads around the neurons. ``factors``: the embeddings and weights behind the
    preactivations, where the network has them; ``activation``: act. Raises ``InputError`` for
    shapes that do not fit and for values that are not finite.
    """

    n: int
    preact_a: Float[np.ndarray, "n neuron"]
    preact_b: Float[np.ndarray, "n neuron"]
    b_in: Float[np.ndarray, " neuron"]
    w_out: Float[np.ndarray, "neuron n"]
    b_out: Float[np.ndarray, " n"]
    skip_a: Float[np.ndarray, "n n"]
    skip_b: Float[np.ndarray, "n n"]
    factors: Factors | None = None
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        n, num_neurons = self.n, self.b_in.shape[0]
        shapes = {
            "preact_a": (n, num_neurons),
            "preact_b": (n, num_neurons),
            "b_in": (num_neurons,),
            "w_out": (num_neurons, n),
            "b_out": (n,),
            "skip_a": (n, n),
            "skip_b": (n, n),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise InputError(name, f"have shape {shape}", array.shape)
            if not np.isfinite(array).all():
                raise InputError(name, "hold finite numbers only", "NaN or infinity")
            object.__setattr__(self, name, np.asarray(array, dtype=np.float64))

    @classmethod
    def from_embeddings(
        cls,
        factors: Factors,
        b_in: Float[np.ndarray, " neuron"],
        w_out: Float[np.ndarray, "neuron n"],
        b_out: Float[np.ndarray, " n"],
        activation: Activation = "relu",
    ) -> NeuronView:
        """The view of a network with two embeddings and one hidden layer."""
        factors = Factors(*(np.asarray(factor, dtype=np.float64) for factor in factors))
        n = factors.embed_a.shape[0]
        return cls(
            n=n,
            preact_a=factors.embed_a @ factors.w_a,
            preact_b=factors.embed_b @ factors.w_b,
            b_in=b_in,
            w_out=w_out,
            b_out=b_out,
            skip_a=np.zeros((n, n)),
            skip_b=np.zeros((n, n)),
            factors=factors,
            activation=activation,
        )

    @property
    def num_neurons(self) -> int:
        """Number of hidden neurons."""
        return self.b_in.shape[0]

    def without(self, neurons: Int[np.ndarray, " index"]) -> NeuronView:
        """The network with these neurons removed: their outgoing weights set to zero."""
        w_out = self.w_out.copy()
        w_out[neurons] = 0.0
        return replace(self, w_out=w_out)

    def activations(
        self, rows: slice = slice(None), neurons: Int[np.ndarray, " index"] | slice = slice(None)
    ) -> Float[np.ndarray, "a b index"]:
        """Activations for inputs a in ``rows`` and all b."""
        preact = self.preact_a[rows, None, neurons] + self.preact_b[None, :, neurons]
        preact += self.b_in[neurons]
        return activated(self.activation, preact)

    def fires(
        self, pairs: Int[np.ndarray, "pair 2"], neurons: Int[np.ndarray, " index"]
    ) -> Float[np.ndarray, "pair index"]:
        """Activations of these neurons at chosen pairs."""
        a, b = pairs.T
        preact = self.preact_a[a][:, neurons] + self.preact_b[b][:, neurons] + self.b_in[neurons]
        return activated(self.activation, preact)

    def direct(self, rows: slice = slice(None)) -> Float[np.ndarray, "a b c"]:
        """What reaches the logits around the neurons for inputs a in ``rows`` and all b."""
        return self.skip_a[rows, None] + self.skip_b[None]

    def relabelled(
        self,
        a: Int[np.ndarray, " m"],
        b: Int[np.ndarray, " m"],
        c: Int[np.ndarray, " m"],
    ) -> NeuronView:
        """The network on Z_m whose input i is this one's a[i], or b[i], and answer i its c[i]."""
        return replace(
            self,
            n=len(c),
            preact_a=self.preact_a[a],
            preact_b=self.preact_b[b],
            w_out=self.w_out[:, c],
            b_out=self.b_out[c],
            skip_a=self.skip_a[np.ix_(a, c)],
            skip_b=self.skip_b[np.ix_(b, c)],
            factors=None,
        )

    def row_blocks(self, width: int) -> Iterator[slice]:
        """Blocks of inputs a that bound the memory of their pairs' arrays of ``width`` columns."""
        return row_blocks(self.n, width)

    def contribution(self, neurons: Int[np.ndarray, " index"]) -> Float[np.ndarray, "a b c"]:
        """What these neurons add to every logit c of every pair (a, b), without any bias."""
        total = np.empty((self.n, self.n, self.n))
        for rows in self.row_blocks(len(neurons)):
            total[rows] = self.activations(rows, neurons) @ self.w_out[neurons]
        return total

    def logits(self, rows: slice = slice(None)) -> Float[np.ndarray, "a b c"]:
        """Logits of every answer c for inputs a in ``rows`` and all b."""
        return (
            self.activations(rows) @ self.w_out
            + self.b_out
            + self.skip_a[rows, None]
            + self.skip_b[None]
        )

    def evaluate(self, mask: Bool[np.ndarray, "a b"] | None = None) -> Scores:
        """Accuracy, mean cross-entropy (nats) and smallest margin over the pairs of ``mask``.

        None: over all pairs. An empty mask gives NaN.
        """
        kept = np.ones((self.n, self.n), dtype=bool) if mask is None else mask
        loss = right = 0.0
        margin = np.inf
        count = int(kept.sum())
        for rows in self.row_blocks(self.num_neurons):
            scored = score_logits(self.logits(rows), rows)
            here = kept[rows]
            loss += float(scored.loss[here].sum())
            right += float(scored.right[here].sum())
            margin = min(margin, float(scored.margin[here].min(initial=np.inf)))
        if not count:
            return Scores(float("nan"), float("nan"), float("nan"))
        return Scores(right / count, loss / count, margin)


def row_blocks(n: int, width: int, most: int = MAX_ACTIVATIONS) -> Iterator[slice]:
    """Blocks of 0 .. n - 1 of which n times ``max(width, n)`` numbers are ``most`` together."""
    step = max(1, most // (n * max(width, n)))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


class Scores(NamedTuple):
    """Accuracy in 0 .. 1, mean cross-entropy in nats, smallest margin in logit units."""

    accuracy: float
    loss: float
    margin: float


class PairScores(NamedTuple):
    """Scores of each pair, (a, b)."""

    right: Bool[np.ndarray, "a b"]
    loss: Float[np.ndarray, "a b"]
    margin: Float[np.ndarray, "a b"]


def correct_answers(n: int, rows: slice = slice(None)) -> Int[np.ndarray, "a b"]:
    """a + b mod n for inputs a in ``rows`` and all b."""
    k = np.arange(n)
    return (k[rows, None] + k) % n


def score_logits(logits: Float[np.ndarray, "a b c"], rows: slice = slice(None)) -> PairScores:
    """Whether the largest logit is the right one, cross-entropy, and margin, for each pair.

    The margin is the right logit minus the largest other one; a tie counts as wrong.
    """
    n = logits.shape[-1]
    correct = correct_answers(n, rows)[..., None]
    right_logit = np.take_along_axis(logits, correct, axis=-1)[..., 0]
    highest = logits.max(-1)
    log_sum = highest + np.log(np.exp(logits - highest[..., None]).sum(-1))
    others = logits.copy()
    np.put_along_axis(others, correct, -np.inf, axis=-1)
    margin = right_logit - others.max(-1)
    return PairScores(margin > 0, log_sum - right_logit, margin)
