"""All pairs of a network, a few inputs a at a time: what is told of its answers and its clusters.

n^3 logits are never held at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from tqdm import tqdm

from modlib.analysis.meso.clusters import CosineFit, centre, correct_ranks
from modlib.models.views.neuron_view import score_logits
from modlib.models.views.pair_view import Network

MAX_BLOCK = 2**19
"""Numbers of one table that a step holds."""

KEYS = ("a + b", "a - b", "a b", "a", "b")
"""What the logits may be a function of."""


def blocks(n: int, width: int) -> Iterator[slice]:
    """Inputs a, a few at a time, whose pairs' arrays of ``width`` columns are small.

    With a progress bar on a terminal where it takes more than a second.
    """
    step = max(1, MAX_BLOCK // (n * max(width, n)))
    shown = tqdm(range(0, n, step), desc="pairs", delay=1, disable=None, leave=False)
    return (slice(start, min(start + step, n)) for start in shown)


class Answered(NamedTuple):
    """``answers``: the largest logit of each pair; ``shares``: of the logits' variance over pairs,
    each centred over answers, by what it is a function of (``KEYS``); None where nothing varies."""

    answers: Int[np.ndarray, "a b"]
    shares: dict[str, float | None]


def answered(n: int, logits_of: Callable[[slice], Float[np.ndarray, "a b c"]]) -> Answered:
    """What a network answers, and what its logits depend on.

    ``logits_of``: the logits for inputs a of a slice and all b.
    """
    k = np.arange(n)
    a, b = np.broadcast_arrays(k[:, None], k)
    keys = np.stack([(a + b) % n, (a - b) % n, a * b % n, a, b])
    answers = np.empty((n, n), dtype=int)
    by_key, total = np.zeros((len(KEYS), n, n)), 0.0
    for rows in blocks(n, n):
        logits = logits_of(rows)
        answers[rows] = logits.argmax(-1)
        centred = centre(logits)
        total += float(np.vdot(centred, centred))
        for of_a, at in zip(centred, np.moveaxis(keys[:, rows], 1, 0), strict=True):
            by_key[0, at[0]] += of_a
            by_key[1, at[1]] += of_a
            order = np.argsort(at[2], kind="stable")
            starts = np.flatnonzero(np.diff(at[2][order], prepend=-1))
            by_key[2, at[2][order][starts]] += np.add.reduceat(of_a[order], starts, axis=0)
            by_key[3, at[3, 0]] += of_a.sum(0)
            by_key[4] += of_a
    counts = np.stack([np.bincount(key.ravel(), minlength=n) for key in keys])
    mean = by_key[0].sum(0) / n**2
    total -= n**2 * float((mean**2).sum())
    held = (by_key**2).sum(-1) / np.maximum(counts, 1)
    between = held.sum(1) - n**2 * float((mean**2).sum())
    varies = total > 1e-20 * max(1.0, n**2 * float((mean**2).sum()))
    return Answered(
        answers,
        {key: float(x) / total if varies else None for key, x in zip(KEYS, between, strict=True)},
    )


class Votes(NamedTuple):
    """``explained``: share of variance over answers that A cos(2 pi f (c - a - b) / n) explains, a
    frequency 0 .. n // 2 each; zero at f = 0 and for votes of zero. ``total``: that variance, n^3
    times."""

    explained: Float[np.ndarray, " freq"]
    total: float


class _Sums:
    """Sums of centred tables, (a, b, c), over pairs of one a + b, and of their squares."""

    def __init__(self, n: int) -> None:
        self.by_sum, self.total = np.zeros((n, n)), 0.0

    def add(self, table: Float[np.ndarray, "a b c"], rows: slice) -> None:
        centred = centre(table)
        self.total += float(np.vdot(centred, centred))
        n = len(self.by_sum)
        for a, of_a in enumerate(centred, rows.start):
            self.by_sum[a:] += of_a[: n - a]
            self.by_sum[:a] += of_a[n - a :]

    def overlaps(self) -> Float[np.ndarray, " freq"]:
        """Sum of the table times cos(2 pi f (c - a - b) / n)."""
        n = len(self.by_sum)
        freq = np.arange(n // 2 + 1)
        return np.fft.fft2(self.by_sum)[-freq % n, freq].real

    def votes(self) -> Votes:
        n = len(self.by_sum)
        if self.total == 0:
            return Votes(np.zeros(n // 2 + 1), 0.0)
        explained = self.overlaps() ** 2 / (_norms(n) * self.total)
        explained[0] = 0.0
        return Votes(explained, self.total)


def _norms(n: int) -> Float[np.ndarray, " freq"]:
    """Sum of the squares of cos(2 pi f (c - a - b) / n) over all pairs and answers."""
    freq = np.arange(n // 2 + 1)
    return np.where((freq == 0) | (2 * freq == n), 1.0, 0.5) * n**3


class Measured(NamedTuple):
    """Over all pairs: ``accuracy``, ``loss`` (nats), smallest ``margin`` (logits) of a + b.

    ``right``: the right answer's logit; ``votes``: of the neurons; ``logits``; ``direct``: of the
    path around the neurons.
    """

    accuracy: float
    loss: float
    margin: float
    right: Float[np.ndarray, "a b"]
    votes: Votes
    logits: Votes
    direct: Votes


def measured(network: Network) -> Measured:
    """A network on all pairs."""
    n = network.n
    right, loss, hits, margin = np.empty((n, n)), 0.0, 0.0, np.inf
    votes, logits, direct = _Sums(n), _Sums(n), _Sums(n)
    k = np.arange(n)
    for rows in blocks(n, network.num_neurons):
        said = network.activations(rows) @ network.w_out
        around = network.direct(rows)
        votes.add(said, rows)
        if around.any():
            direct.add(around, rows)
        said = said + around + network.b_out
        logits.add(said, rows)
        scored = score_logits(said, rows)
        hits, loss = hits + float(scored.right.sum()), loss + float(scored.loss.sum())
        margin = min(margin, float(scored.margin.min()))
        correct = ((k[rows, None] + k) % n)[..., None]
        right[rows] = np.take_along_axis(said, correct, axis=-1)[..., 0]
    return Measured(
        *(hits / n**2, loss / n**2, margin, right),
        *(votes.votes(), logits.votes(), direct.votes()),
    )


def shuffled_explained(network: Network, freqs: Sequence[int], *, seed: int = 0) -> float:
    """What cosines at these frequencies explain of the logits' variance, neurons shuffled.

    Each neuron says what another one says, drawn at random: the control of ``Measured.logits``.
    """
    order = np.random.default_rng(seed).permutation(network.num_neurons)
    said, sums = network.w_out[order], _Sums(network.n)
    for rows in blocks(network.n, network.num_neurons):
        sums.add(network.activations(rows) @ said + network.direct(rows) + network.b_out, rows)
    return float(sums.votes().explained[list(freqs)].sum())


class Alone(NamedTuple):
    """One cluster without the others: the fit of its cosine, and the rank of the right answer."""

    fit: CosineFit
    mean_rank: float
    share_first: float


def alone(network: Network, neurons: Int[np.ndarray, " member"], freq: int) -> Alone:
    """``fit_cosine`` and ``correct_ranks`` of what these neurons add to the logits."""
    n = network.n
    sums, ranks, first = _Sums(n), 0.0, 0
    for rows in blocks(n, len(neurons)):
        said = network.activations(rows, neurons) @ network.w_out[neurons]
        sums.add(said, rows)
        of_rows = correct_ranks(said, rows)
        ranks, first = ranks + float(of_rows.sum()), first + int((of_rows == 0).sum())
    amplitude = float(sums.overlaps()[freq] / _norms(n)[freq])
    explained = float(sums.votes().explained[freq]) if sums.total else float("nan")
    fit = CosineFit(amplitude if sums.total else 0.0, explained)
    return Alone(fit, ranks / n**2, first / n**2)
