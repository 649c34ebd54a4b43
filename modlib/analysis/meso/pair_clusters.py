"""Clusters told by what neurons do on pairs, where no sum of two parts holds that."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int

from modlib.analysis.meso.clusters import Clustering, gathered
from modlib.analysis.micro.neurons import concentrated_from, harmonic_count, neuron_table
from modlib.config.thresholds import DEFAULT, Thresholds
from modlib.models.views.neuron_view import NeuronView
from modlib.models.views.pair_view import PairView, part_of
from modlib.progress import Bar

MAX_HELD = 2**22
"""Numbers that tables of some neurons hold."""


def held_shares(
    table: Float[np.ndarray, "a b neuron"],
) -> tuple[Float[np.ndarray, "freq neuron"], Float[np.ndarray, " neuron"]]:
    """Share of each neuron's power over pairs at frequencies 1 .. n // 2; the power itself.

    At f: the cells (f, 0), (0, f), (f, f) and (f, -f) of the transform over pairs, so that no
    split into a part of a and a part of b is needed; of such a sum these are ``power_shares``.
    Power at two different frequencies of a and b belongs to none of them. The mean is left out.
    """
    n = len(table)
    power = np.abs(np.fft.fft2(table, axes=(0, 1))) ** 2
    power[0, 0] = 0
    held = []
    for f in range(1, n // 2 + 1):
        cells = {(f, 0), (0, f), (f, f), (f, -f % n)}
        cells |= {(-x % n, -y % n) for x, y in cells}
        held.append(power[tuple(np.array(sorted(cells)).T)].sum(0))
    total = power.sum((0, 1))
    return np.array(held) / np.where(total > 0, total, 1.0), total


def neuron_freqs(
    pairs: PairView,
) -> tuple[Int[np.ndarray, " neuron"], Float[np.ndarray, " neuron"]]:
    """Each neuron's frequency in its activations over pairs, and its strength against the largest.

    The frequency is the one that holds most (``held_shares``). Strength: root of the activation's
    variance times the norm of the centred output weights.
    """
    freq, power = np.empty(pairs.num_neurons, dtype=int), np.empty(pairs.num_neurons)
    for some in _some_neurons(pairs):
        held, power[some] = held_shares(pairs.activations(neurons=some))
        freq[some] = 1 + np.argmax(held, axis=0)
    outgoing = pairs.w_out - pairs.w_out.mean(1, keepdims=True)
    strength = np.sqrt(power) * np.linalg.norm(outgoing, axis=1)
    largest = strength.max()
    return freq, strength / largest if largest > 0 else strength


def _some_neurons(pairs: PairView) -> Iterator[slice]:
    """A few neurons at a time, whose tables of pairs are small; with a progress bar."""
    step = max(1, MAX_HELD // pairs.n**2)
    starts = range(0, pairs.num_neurons, step)
    shown = Bar(starts, desc="neurons", delay=1, disable=None, leave=False)
    return (slice(start, start + step) for start in shown)


def is_diffuse(
    table: Float[np.ndarray, "a b neuron"], thresholds: Thresholds = DEFAULT
) -> Bool[np.ndarray, " neuron"]:
    """Whether what a neuron hears of pairs is spread over more than a few frequencies.

    Or over pairs of different ones. The rule of ``neurons.classify``: ``concentrated_from``.
    """
    n = len(table)
    strongest = np.sort(held_shares(table)[0], axis=0)[-harmonic_count(n, thresholds) :]
    return strongest.sum(0) < concentrated_from(n, thresholds)


def cluster_by_pairs(
    pairs: PairView, view: NeuronView, *, thresholds: Thresholds = DEFAULT
) -> Clustering:
    """Live neurons grouped by ``neuron_freqs``, but for those whose preactivations are diffuse.

    ``view``: the sum whose table they are given, with ``freq_by_pairs`` beside it.
    """
    freqs, strength = neuron_freqs(pairs)
    diffuse = np.concatenate(
        [
            is_diffuse(part_of(pairs.preact, slice(None), some), thresholds)
            for some in _some_neurons(pairs)
        ]
    )
    given = np.where((strength >= thresholds.dead_below) & ~diffuse, freqs, -1)
    table = neuron_table(view, thresholds=thresholds)
    table["freq_by_pairs"] = freqs
    return gathered(pairs.n, given, table, thresholds=thresholds)
