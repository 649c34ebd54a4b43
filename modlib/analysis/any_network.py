"""The battery for any callable: what can be told of a network without its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import gcd, isfinite
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from modlib.analysis.battery_numbers import Coset, Task
from modlib.analysis.battery_passes import answered
from modlib.analysis.meso.clusters import centre
from modlib.analysis.meso.pair_clusters import held_shares, is_diffuse
from modlib.config.thresholds import DEFAULT, Thresholds
from modlib.edge import public
from modlib.errors import InputError, require_int
from modlib.maths.groups import coset_period, coset_step
from modlib.models.views.neuron_view import score_logits
from modlib.tasks.operations import Coordinates, Guess, addition, guess

MAX_N = 256
"""Largest modulus: n^3 logits are held at once."""

OfPairs = Callable[[np.ndarray, np.ndarray], Any]
"""Of inputs a and b, (pair,) each, something of (pair, column): an array, or a tensor."""


@dataclass(frozen=True, kw_only=True)
class PairCluster:
    """Neurons of one frequency in their activations over pairs.

    ``accuracy_without``: of the network without them; None where it cannot be asked.
    """

    freq: int
    neurons: Int[np.ndarray, " member"]
    coset: Coset
    accuracy_without: float | None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What answers and activations tell of a network, in coordinates in which it adds modulo n.

    ``accuracy``, ``margin``: over all pairs (``margin``: smallest, logits); ``task``: as in
    ``Battery``, ``as_addition`` too; ``spectrum``: share of the logits' variance over pairs at each
    frequency of a (rows) and of b, added over answers; ``clusters``: by falling size, None without
    activations.
    """

    n: int
    task: Task
    as_addition: bool
    accuracy: float
    solves: bool
    margin: float
    spectrum: Float[np.ndarray, "freq_a freq_b"]
    clusters: list[PairCluster] | None

    def __str__(self) -> str:
        """A few lines."""
        shares = ", ".join(
            f"{key} {100 * share:.1f} %"
            for key, share in self.task.function_of.items()
            if share is not None
        )
        verb = "solves" if self.solves else "does not solve"
        lines = [
            f"{verb} {self.task.name}: right on {100 * self.accuracy:.2f} % of {self.n**2} pairs",
            f"smallest margin {self.margin:.3g} logits",
            f"logits are a function of {shares}",
        ]
        for cluster in self.clusters or []:
            size = f"exact, {cluster.coset.size}" if cluster.coset.exact else "approximate"
            without = cluster.accuracy_without
            left = "" if without is None else f", right on {100 * without:.2f} % without it"
            count = len(cluster.neurons)
            lines.append(f"cluster f = {cluster.freq}: {count} neurons, coset {size}{left}")
        if self.clusters == []:
            lines.append("no cluster")
        return "\n".join(lines)


@public
def battery(
    answers: OfPairs,
    activations: OfPairs | None = None,
    *,
    n: int | None = None,
    without: Callable[[np.ndarray, np.ndarray, np.ndarray], Any] | None = None,
    thresholds: Thresholds = DEFAULT,
) -> Told:
    """What can be told of anything that answers pairs of Z_n.

    ``answers(a, b)``: logits, (pair, n or more); ``activations(a, b)``: of hidden neurons, (pair,
    neuron); ``without(a, b, neurons)``: logits with these neurons silenced; ``n``: None: as many
    as there are logits. Raises ``InputError`` for other shapes, numbers that are not finite, and
    for n below 3 or above ``MAX_N``.
    """
    if n is None:
        zero = np.zeros(1, dtype=int)
        n = _columns("answers", answers(zero, zero), 1).shape[1]
    n = require_int("n", n, at_least=3, at_most=MAX_N)
    own = addition(n).coordinates
    assert own is not None
    logits = _table("answers", answers, n, own, own.c)
    seen = answered(n, lambda rows: logits[rows])
    best = guess(seen.answers)
    coordinates = (best.operation.coordinates if best.holds else None) or own
    a, b, c = coordinates
    logits = logits[np.ix_(a, b, c)]
    scored = score_logits(logits)
    adds = not best.holds or best.operation.coordinates is not None
    accuracy = float(scored.right.mean()) if adds else best.accuracy
    return Told(
        n=len(c),
        task=_task(best, n, seen.shares),
        as_addition=adds,
        accuracy=accuracy,
        solves=accuracy >= thresholds.learned_from,
        margin=float(scored.margin.min()),
        spectrum=_spectrum(logits),
        clusters=None
        if activations is None
        else _clusters(activations, without, n, coordinates, thresholds),
    )


def _task(best: Guess, n: int, shares: dict[str, float | None]) -> Task:
    return Task(
        name=best.operation.title if best.holds else addition(n).title,
        holds=best.holds,
        deviations=best.deviations if isfinite(best.deviations) else None,
        tried=best.tried,
        function_of=shares,
    )


def _columns(name: str, given: Any, num_pairs: int) -> Float[np.ndarray, "pair column"]:
    """What a callable gave, as an array; tensors of torch are taken from where they are."""
    detached = given.detach().cpu() if hasattr(given, "detach") else given
    try:
        found = np.asarray(detached)
        array = found.astype(np.float64) if not np.iscomplexobj(found) else None
    except (TypeError, ValueError):
        array = None
    if array is None:
        raise InputError(name, "give an array of real numbers", type(given).__name__)
    if array.ndim != 2 or len(array) != num_pairs:
        raise InputError(name, f"give a row to each of {num_pairs} pairs", array.shape)
    if not np.isfinite(array).all():
        raise InputError(name, "give finite numbers only", "NaN or infinity")
    return array


def _silenced(
    without: Callable[[np.ndarray, np.ndarray, np.ndarray], Any],
    neurons: Int[np.ndarray, " member"],
    a: np.ndarray,
    b: np.ndarray,
) -> Any:
    return without(a, b, neurons)


def _table(
    name: str,
    of: OfPairs,
    n: int,
    coordinates: Coordinates,
    columns: Int[np.ndarray, " m"] | None = None,
) -> Float[np.ndarray, "a b column"]:
    """A callable on all pairs, a row of inputs a at a time."""
    rows = []
    for a in coordinates.a:
        pairs = np.full(len(coordinates.b), a), coordinates.b
        row = _columns(name, of(*pairs), len(coordinates.b))
        if columns is not None and row.shape[1] < n:
            raise InputError(name, f"give {n} logits or more a pair", row.shape)
        rows.append(row if columns is None else row[:, columns])
    return np.stack(rows)


def _spectrum(logits: Float[np.ndarray, "a b c"]) -> Float[np.ndarray, "freq_a freq_b"]:
    power = np.zeros(logits.shape[:2])
    for answer in np.moveaxis(centre(logits), -1, 0):
        power += np.abs(np.fft.fft2(answer)) ** 2
    power[0, 0] = 0.0
    total = power.sum()
    return power / total if total > 0 else power


def _clusters(
    activations: OfPairs,
    without: Callable[[np.ndarray, np.ndarray, np.ndarray], Any] | None,
    n: int,
    coordinates: Coordinates,
    thresholds: Thresholds,
) -> list[PairCluster]:
    """Neurons that vary and are not diffuse, by the frequency that holds most of them."""
    heard = _table("activations", activations, n, coordinates)
    held, power = held_shares(heard)
    live = np.sqrt(power) >= thresholds.dead_below * np.sqrt(power.max(initial=0.0))
    freq = np.where(live & (power > 0) & ~is_diffuse(heard, thresholds), 1 + held.argmax(0), 0)
    clusters = []
    m = len(coordinates.c)
    for f in np.unique(freq[freq > 0]).tolist():
        neurons = np.flatnonzero(freq == f)
        if len(neurons) < thresholds.min_size:
            continue
        size = gcd(f, m)
        coset = Coset(exact=size > 1, step=coset_step(f, m), period=coset_period(f, m), size=size)
        left = None
        if without is not None:
            silent = partial(_silenced, without, neurons)
            silenced = _table("without", silent, n, coordinates, coordinates.c)
            left = float(score_logits(silenced).right.mean())
        clusters.append(PairCluster(freq=f, neurons=neurons, coset=coset, accuracy_without=left))
    return sorted(clusters, key=lambda cluster: (-len(cluster.neurons), cluster.freq))
