"""All pairs of a network, a few inputs a at a time: what is told of its answers and its clusters.

n^3 logits are never held at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import gcd
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from modlib.analysis.meso.clusters import CosineFit, centre, correct_ranks
from modlib.models.views.neuron_view import score_logits
from modlib.models.views.pair_view import Network
from modlib.progress import Bar

MAX_BLOCK = 2**19
"""Numbers of one table that a step holds."""

KEYS = ("a + b", "a - b", "a b", "a", "b")
"""What the logits may be a function of."""


def blocks(n: int, width: int) -> Iterator[slice]:
    """Inputs a, a few at a time, whose pairs' arrays of ``width`` columns are small.

    With a progress bar on a terminal where it takes more than a second.
    """
    step = max(1, MAX_BLOCK // (n * max(width, n)))
    shown = Bar(range(0, n, step), desc="pairs", delay=1, disable=None, leave=False)
    return (slice(start, min(start + step, n)) for start in shown)


class Answered(NamedTuple):
    """``answers``: the largest logit of each pair; ``shares``: of the logits' variance over pairs,
    each centred over answers, by what it is a function of (``KEYS``); None where nothing varies."""

    answers: Int[np.ndarray, "a b"]
    shares: dict[str, float | None]


class _ByKey:
    """Sums of centred logits, (a, b, c), over pairs alike in one of ``KEYS``, and of squares."""

    def __init__(self, n: int) -> None:
        self.sums, self.total = np.zeros((len(KEYS), n, n)), 0.0

    def add(self, centred: Float[np.ndarray, "a b c"], rows: slice) -> None:
        self.total += float(np.vdot(centred, centred))
        n = centred.shape[-1]
        k = np.arange(n)
        _add_by_sum(centred, rows, self.sums[0])
        for a, of_a in enumerate(centred, rows.start):
            self.sums[1, (a - k) % n] += of_a
            common = gcd(a, n)  # a b repeats after n / common inputs b
            of_product = of_a.reshape(common, n // common, n).sum(0)
            self.sums[2, a * k[: n // common] % n] += of_product
            self.sums[3, a] += of_a.sum(0)
        self.sums[4] += centred.sum(0)

    def shares(self) -> dict[str, float | None]:
        n = self.sums.shape[-1]
        k = np.arange(n)
        of_products = np.bincount((k[:, None] * k % n).ravel(), minlength=n)
        counts = np.stack([of_products if key == "a b" else np.full(n, n) for key in KEYS])
        constant = float((self.sums[0].sum(0) ** 2).sum()) / n**2
        between = ((self.sums**2).sum(-1) / np.maximum(counts, 1)).sum(1) - constant
        left = self.total - constant
        varies = left > 1e-20 * max(1.0, constant)
        by_key = zip(KEYS, between, strict=True)
        return {key: float(x) / left if varies else None for key, x in by_key}


def _add_by_sum(table: Float[np.ndarray, "a b c"], rows: slice, sums: np.ndarray) -> None:
    """Add a table of inputs a in ``rows`` to ``sums``, (n, c), by a + b."""
    n = len(sums)
    for a, of_a in enumerate(table, rows.start):
        sums[a:] += of_a[: n - a]
        sums[:a] += of_a[n - a :]


def answered(n: int, logits_of: Callable[[slice], Float[np.ndarray, "a b c"]]) -> Answered:
    """What a network answers, and what its logits depend on.

    ``logits_of``: the logits for inputs a of a slice and all b.
    """
    answers, by_key = np.empty((n, n), dtype=int), _ByKey(n)
    for rows in blocks(n, n):
        logits = logits_of(rows)
        answers[rows] = logits.argmax(-1)
        by_key.add(centre(logits), rows)
    return Answered(answers, by_key.shares())


class Votes(NamedTuple):
    """``explained``: share of variance over answers that A cos(2 pi f (c - a - b) / n) explains, a
    frequency 0 .. n // 2 each; zero at f = 0 and for votes of zero. ``total``: that variance, n^3
    times."""

    explained: Float[np.ndarray, " freq"]
    total: float


def _overlaps(by_sum: Float[np.ndarray, "s c"]) -> Float[np.ndarray, " freq"]:
    """Sum of a table times cos(2 pi f (c - a - b) / n), from its sums by a + b."""
    n = len(by_sum)
    freq = np.arange(n // 2 + 1)
    return np.fft.fft2(by_sum)[-freq % n, freq].real


def _votes(by_sum: Float[np.ndarray, "s c"], total: float) -> Votes:
    """``by_sum``: sums of centred votes over pairs of one a + b; ``total``: of their squares."""
    n = len(by_sum)
    if total == 0:
        return Votes(np.zeros(n // 2 + 1), 0.0)
    explained = _overlaps(by_sum) ** 2 / (_norms(n) * total)
    explained[0] = 0.0
    return Votes(explained, total)


def _norms(n: int) -> Float[np.ndarray, " freq"]:
    """Sum of the squares of cos(2 pi f (c - a - b) / n) over all pairs and answers."""
    freq = np.arange(n // 2 + 1)
    return np.where((freq == 0) | (2 * freq == n), 1.0, 0.5) * n**3


class Measured(NamedTuple):
    """Over all pairs: ``accuracy``, ``loss`` (nats), smallest ``margin`` (logits) of a + b.

    ``right``: the right answer's logit; ``votes``: of the neurons; ``logits``; ``direct``: of the
    path around the neurons; ``shuffled``: of the logits where each neuron says what another one
    says, drawn at random.
    """

    answered: Answered
    accuracy: float
    loss: float
    margin: float
    right: Float[np.ndarray, "a b"]
    votes: Votes
    logits: Votes
    direct: Votes
    shuffled: Votes


def measured(network: Network, *, seed: int = 0) -> Measured:
    """A network on all pairs, each asked once. ``seed``: of the order in ``shuffled``.

    What neurons say is taken less its mean over answers, which no answer depends on; of shuffled
    neurons in float32, as only a share is wanted.
    """
    n = network.n
    k = np.arange(n)
    means, bias = network.w_out.mean(1), centre(network.b_out)
    w_out = centre(network.w_out)
    order = np.random.default_rng(seed).permutation(network.num_neurons)
    others = w_out[order].astype(np.float32)
    answers, right = np.empty((n, n), dtype=int), np.empty((n, n))
    loss, hits, margin = 0.0, 0.0, np.inf
    by_key, around_by_sum, others_by_sum = _ByKey(n), np.zeros((n, n)), np.zeros((n, n))
    totals = {"votes": 0.0, "direct": 0.0, "shuffled": 0.0}
    for rows in blocks(n, network.num_neurons):
        heard, around = network.activations(rows), network.direct(rows)
        mean = heard @ means + around.mean(-1) + network.b_out.mean()
        said, said_by_others = heard @ w_out, heard.astype(np.float32) @ others
        totals["votes"] += float(np.vdot(said, said))
        said += bias
        said_by_others += bias.astype(np.float32)
        if around.any():
            around = centre(around)
            totals["direct"] += float(np.vdot(around, around))
            _add_by_sum(around, rows, around_by_sum)
            said += around
            said_by_others += around
        totals["shuffled"] += float(np.vdot(said_by_others, said_by_others))
        _add_by_sum(said_by_others, rows, others_by_sum)
        by_key.add(said, rows)
        answers[rows] = said.argmax(-1)
        scored = score_logits(said, rows)
        hits, loss = hits + float(scored.right.sum()), loss + float(scored.loss.sum())
        margin = min(margin, float(scored.margin.min()))
        correct = ((k[rows, None] + k) % n)[..., None]
        right[rows] = np.take_along_axis(said, correct, axis=-1)[..., 0] + mean
    by_sum = by_key.sums[0]
    return Measured(
        Answered(answers, by_key.shares()),
        *(hits / n**2, loss / n**2, margin, right),
        _votes(by_sum - around_by_sum - n * bias, totals["votes"]),
        _votes(by_sum, by_key.total),
        _votes(around_by_sum, totals["direct"]),
        _votes(others_by_sum, totals["shuffled"]),
    )


class Alone(NamedTuple):
    """One cluster without the others: the fit of its cosine, and the rank of the right answer."""

    fit: CosineFit
    mean_rank: float
    share_first: float


def alone(network: Network, neurons: Int[np.ndarray, " member"], freq: int) -> Alone:
    """``fit_cosine`` and ``correct_ranks`` of what these neurons add to the logits."""
    n = network.n
    w_out = centre(network.w_out[neurons])
    heard_by_sum, total, ranks, first = np.zeros((n, len(neurons))), 0.0, 0.0, 0
    for rows in blocks(n, len(neurons)):
        heard = network.activations(rows, neurons)
        said = heard @ w_out
        _add_by_sum(heard, rows, heard_by_sum)
        total += float(np.vdot(said, said))
        of_rows = correct_ranks(said, rows)
        ranks, first = ranks + float(of_rows.sum()), first + int((of_rows == 0).sum())
    if total == 0:
        return Alone(CosineFit(0.0, float("nan")), ranks / n**2, first / n**2)
    by_sum = heard_by_sum @ w_out
    amplitude = float(_overlaps(by_sum)[freq] / _norms(n)[freq])
    explained = float(_votes(by_sum, total).explained[freq])
    return Alone(CosineFit(amplitude, explained), ranks / n**2, first / n**2)
