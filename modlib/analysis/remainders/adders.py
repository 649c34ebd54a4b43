"""Paper A's network inside paper B's: one wave a neuron, clusters and circuits by task.

Attention that does not vary leaves each neuron a function of x0 plus a function of x1, as in a
network that adds. The exact lens on it is a character exp(2 pi i k x / q) of the whole number x:
x = x0 + p x1, or the digits the other way round, so that it is one wave of each digit, at k/q
cycles a step in the low one and k p/q in the high one. Phases are in turns, as t in
cos(2 pi (f x - t)).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.remainders.task_lens import (
    digit_waves,
    random_frequencies,
    task_frequencies,
)
from modlib.config.thresholds import DEFAULT, Thresholds
from modlib.maths.fourier import circular_difference
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import digits

PAPER_A_PHASE = 0.02
"""Paper A's bound for t_A + t_B - t_D of a simple neuron, in turns."""
_RANK = 1e-6
"""Relative eigenvalue under which a wave's cosine and sine count as one function."""


class Heard(NamedTuple):
    """A preactivation as mean + x0's part + x1's part + what is no sum of the two.

    ``x0``, ``x1`` (digit, neuron): parts of mean 0; ``rest`` and ``variance`` (neuron,): variance
    over all numbers of what is left, and of the whole.
    """

    mean: Float[np.ndarray, " neuron"]
    x0: Float[np.ndarray, "digit neuron"]
    x1: Float[np.ndarray, "digit neuron"]
    rest: Float[np.ndarray, " neuron"]
    variance: Float[np.ndarray, " neuron"]

    @property
    def not_additive(self) -> Float[np.ndarray, " neuron"]:
        """Share of the variance that is no f(x0) + g(x1); NaN for a constant neuron."""
        with np.errstate(invalid="ignore"):
            return self.rest / self.variance

    def preact(self, view: TransformerView) -> Float[np.ndarray, "x neuron"]:
        """The sum of mean and both parts for every number."""
        x0, x1 = digits(view.config)
        return self.mean + self.x0[x0] + self.x1[x1]


def heard(view: TransformerView) -> Heard:
    """Split every preactivation by digits, in float64 (a two-way analysis of variance)."""
    weights = {name: array.astype(np.float64) for name, array in view.weights.items()}
    exact = replace(view, weights=weights)
    grid = exact.grid(exact.stream @ weights["w_in"])
    mean, variance = grid.mean((0, 1)), grid.var((0, 1))
    x0, x1 = grid.mean(1) - mean, grid.mean(0) - mean
    rest = (grid - mean - x0[:, None] - x1[None]).var((0, 1))
    return Heard(mean, x0, x1, rest, variance)


class Characters(NamedTuple):
    """Every character of every task: q, k, and its frequencies (x0, x1) in cycles a step."""

    q: Int[np.ndarray, " character"]
    k: Int[np.ndarray, " character"]
    frequencies: Float[np.ndarray, "character 2"]


def characters(view: TransformerView) -> Characters:
    """k = 1 .. q // 2 of each task."""
    found = [task_frequencies(view, q) for q in view.qs.tolist()]
    counts = [len(one) for one in found]
    return Characters(
        q=np.repeat(view.qs, counts),
        k=np.concatenate([np.arange(1, count + 1) for count in counts]),
        frequencies=np.concatenate(found),
    )


def wave_shares(
    parts: Heard, frequencies: Float[np.ndarray, "wave 2"]
) -> Float[np.ndarray, "neuron wave"]:
    """Share of each neuron's variance that one wave of x0 and one of x1 explain.

    Each has its own gain and phase; NaN for a constant neuron.
    """
    p = len(parts.x0)
    explained = np.zeros((len(parts.mean), len(frequencies)))
    for part, freq in zip((parts.x0, parts.x1), frequencies.T, strict=True):
        waves = digit_waves(freq, p)
        along = (part.T @ waves.reshape(p, -1)).reshape(-1, 2, len(freq))
        gram = _inverse(waves)
        explained += (
            sum(along[:, i] * gram[:, i, j] * along[:, j] for i in (0, 1) for j in (0, 1)) / p
        )
    with np.errstate(invalid="ignore"):
        return explained / parts.variance[:, None]


def _inverse(waves: Float[np.ndarray, "digit 2 wave"]) -> Float[np.ndarray, "wave 2 2"]:
    """Inverse of the products of each wave's cosine and sine; at f = 1/2 there is no sine."""
    gram = np.einsum("xiw,xjw->wij", waves, waves)
    return np.asarray(np.linalg.pinv(gram, rcond=_RANK, hermitian=True))


class DigitWave(NamedTuple):
    """A wave a neuron in one digit's part: gain cos(2 pi (f x - phase)), less its mean."""

    gain: Float[np.ndarray, " neuron"]
    phase: Float[np.ndarray, " neuron"]
    values: Float[np.ndarray, "digit neuron"]


def fit_waves(
    part: Float[np.ndarray, "digit neuron"], freq: Float[np.ndarray, " neuron"]
) -> DigitWave:
    """The wave of each neuron's own frequency that is nearest to its part."""
    waves = digit_waves(freq, len(part))
    along = np.einsum("xiw,xw->wi", waves, part)
    cosine, sine = np.einsum("wij,wj->iw", _inverse(waves), along)
    return DigitWave(
        gain=np.hypot(cosine, sine),
        phase=np.arctan2(sine, cosine) / (2 * np.pi) % 1.0,
        values=np.einsum("xiw,iw->xw", waves, np.stack([cosine, sine])),
    )


def neuron_waves(view: TransformerView, parts: Heard) -> pd.DataFrame:
    """A row a neuron with the character that explains most of its preactivation.

    ``q``, ``k``; ``share`` of the variance explained, ``random`` by the best of as many random
    pairs of frequencies; ``gain_0``, ``gain_1``, ``phase_0``, ``phase_1`` of its waves of x0 and
    x1, ``phase_out`` of its output to the answers c of its task, whose mean is taken off;
    ``phase_error``: phase_0 + phase_1 - phase_out in [-1/2, 1/2); ``k_out``: the output's strongest
    frequency; ``out_share`` of its output's power at k; ``to_task``: share of its output's power
    to all tasks that goes to its own. A constant neuron has q = 0 and else NaN.
    """
    known, live = characters(view), parts.variance > 0
    shares = np.nan_to_num(wave_shares(parts, known.frequencies))
    (at_random,) = random_frequencies(len(known.q), draws=1)
    best = shares.argmax(1)
    q, k = known.q[best], known.k[best]
    first, second = (
        fit_waves(part, known.frequencies[best, digit])
        for digit, part in enumerate((parts.x0, parts.x1))
    )
    table = pd.DataFrame(
        {
            "share": shares.max(1),
            "random": wave_shares(parts, at_random).max(1),
            "gain_0": first.gain,
            "gain_1": second.gain,
            "phase_0": first.phase,
            "phase_1": second.phase,
        }
    )
    table = table.join(_output(view, q, k))
    total = table.phase_0 + table.phase_1 - table.phase_out
    table["phase_error"] = circular_difference(total.to_numpy(), 1.0)
    table.loc[~live] = np.nan
    table.insert(0, "q", np.where(live, q, 0))
    table.insert(1, "k", np.where(live, k, 0))
    return table


def _output(
    view: TransformerView, q: Int[np.ndarray, " neuron"], k: Int[np.ndarray, " neuron"]
) -> pd.DataFrame:
    """``phase_out``, ``k_out``, ``out_share`` and ``to_task`` of ``neuron_waves``."""
    found = pd.DataFrame(index=range(len(q)), dtype=float)
    total = np.zeros(len(q))
    for own in view.qs.tolist():
        to_task = view.written[:, view.columns(own)].astype(np.float64)
        spectrum = np.fft.rfft(to_task, axis=1)[:, 1:]
        power = np.abs(spectrum) ** 2 * np.where(2 * np.arange(1, own // 2 + 1) == own, 1, 2) / own
        total += power.sum(1)
        (rows,) = np.nonzero(q == own)
        at, sums = k[rows] - 1, power[rows].sum(1)
        with np.errstate(invalid="ignore"):
            found.loc[rows, "phase_out"] = -np.angle(spectrum[rows, at]) / (2 * np.pi) % 1.0
            found.loc[rows, "k_out"] = power[rows].argmax(1) + 1.0
            found.loc[rows, "out_share"] = power[rows, at] / sums
            found.loc[rows, "to_task"] = sums
    with np.errstate(invalid="ignore"):
        found["to_task"] /= total
    return found


class Folded(NamedTuple):
    """A table beside its wave, gain cos(2 pi (turn - phase)) + level.

    ``turns`` (entry,): each entry's place on the wave, in turns; ``values`` (entry,).
    """

    turns: Float[np.ndarray, " entry"]
    values: Float[np.ndarray, " entry"]
    gain: float
    level: float
    phase: float

    def at(self, turns: Float[np.ndarray, " turn"]) -> Float[np.ndarray, " turn"]:
        """The wave at these places."""
        return np.asarray(self.gain * np.cos(2 * np.pi * (turns - self.phase)) + self.level)


def folded(
    view: TransformerView, parts: Heard, neurons: pd.DataFrame, neuron: int
) -> tuple[Folded, Folded, Folded]:
    """What a neuron hears of x0 and of x1, and what it says to its task, on its character."""
    row = neurons.loc[neuron]
    q, k = int(row.q), int(row.k)
    known = characters(view)
    (at,) = np.flatnonzero((known.q == q) & (known.k == k))
    heard_of = [
        _folded(part[:, neuron], freq)
        for part, freq in zip((parts.x0, parts.x1), known.frequencies[at], strict=True)
    ]
    says = view.written[neuron, view.columns(q)].astype(np.float64)
    return heard_of[0], heard_of[1], _folded(says - says.mean(), k / q)


def _folded(values: Float[np.ndarray, " entry"], freq: float) -> Folded:
    """Values of mean 0 on the wave of this frequency that is nearest to them."""
    wave = fit_waves(values[:, None], np.array([freq]))
    turns = freq * np.arange(len(values)) % 1.0
    gain, phase = float(wave.gain[0]), float(wave.phase[0])
    level = -float(gain * np.cos(2 * np.pi * (turns - phase)).mean())
    return Folded(turns, values, gain, level, phase)


def of_one_wave(
    neurons: pd.DataFrame, thresholds: Thresholds = DEFAULT
) -> Bool[np.ndarray, " neuron"]:
    """Which neurons are of one wave."""
    return np.asarray(neurons.share >= thresholds.one_wave)


def by_task(neurons: pd.DataFrame, qs: Int[np.ndarray, " task"]) -> Bool[np.ndarray, "task neuron"]:
    """Each task's neurons of one wave."""
    return of_one_wave(neurons) & (neurons.q.to_numpy() == qs[:, None])
