"""One neuron at a time: its frequency, phases, how well one cosine fits it, and its class.

Paper A, sections 4.1 and 5.1, appendix A.1. Thresholds are relative, so that they mean the same
for any modulus, width, and rescaling of a neuron (input weights times tau, output over tau).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.special import betainccinv

from modlib.config.thresholds import DEFAULT, Thresholds
from modlib.edge import public
from modlib.maths.fourier import circular_difference, dft, phase_of, power_spectrum
from modlib.maths.groups import signed_freq
from modlib.models.views.neuron_view import NeuronView

Kind = Literal["dead", "simple", "3f", "bent", "fine-tuning", "diffuse"]
KINDS: tuple[Kind, ...] = ("simple", "3f", "bent", "fine-tuning", "diffuse", "dead")


def harmonic_count(n: int, thresholds: Thresholds = DEFAULT) -> int:
    """How many frequencies may make up a fine-tuning neuron: six, or a seventh of all, rounded.

    With few frequencies six of them hold most of the power of any signal, of noise too.
    """
    return max(1, min(thresholds.harmonic_count, n // 2 // 7))


def concentrated_from(n: int, thresholds: Thresholds = DEFAULT) -> float:
    """Share of power in the ``harmonic_count`` strongest frequencies under which it is diffuse.

    One rule for preactivations that are sums over a and b and for those over pairs
    (``pair_clusters.held_shares``). It is ``harmonic_share``, and more where n has so few
    frequencies that noise reaches this: of m frequencies with independent exponential powers, k
    hold more than x with a probability of at most C(m, k) P(Beta(k, m - k) > x), here ``noise``.
    """
    num_freqs, count = n // 2, harmonic_count(n, thresholds)
    if num_freqs <= count:
        return thresholds.harmonic_share
    level = betainccinv(count, num_freqs - count, thresholds.noise / comb(num_freqs, count))
    return max(thresholds.harmonic_share, float(level))


def input_magnitude(view: NeuronView) -> Float[np.ndarray, "neuron freq"]:
    """|h^(f)| of preact_a, unnormalised: frequencies 0 .. n // 2, the mean among them."""
    return np.abs(dft(view.preact_a.T))


def input_power(view: NeuronView) -> Float[np.ndarray, "neuron freq"]:
    """Power of preact_a and preact_b together, without the mean: frequencies 0 .. n // 2."""
    power = power_spectrum(view.preact_a.T) + power_spectrum(view.preact_b.T)
    power[:, 0] = 0.0
    return power


@public
def power_shares(view: NeuronView) -> Float[np.ndarray, "neuron freq"]:
    """``input_power`` of each neuron divided by its sum; zero for a neuron without power."""
    power = input_power(view)
    total = power.sum(1, keepdims=True)
    return np.divide(power, total, out=np.zeros_like(power), where=total > 0)


def strengths(view: NeuronView) -> Float[np.ndarray, " neuron"]:
    """Root of input power times norm of the centred output weights, against the largest neuron.

    Zero for a ReLU that no pair switches on, and throughout for a network without weights.
    Unchanged by rescaling a neuron's input weights by tau and its output weights by 1/tau.
    """
    centred = view.w_out - view.w_out.mean(1, keepdims=True)
    strength = np.sqrt(input_power(view).sum(1)) * np.linalg.norm(centred, axis=1)
    if view.activation == "relu":
        fires = view.preact_a.max(0) + view.preact_b.max(0) + view.b_in > 0
        strength = np.where(fires, strength, 0.0)
    largest = strength.max()
    return strength / largest if largest > 0 else strength


@public
def neuron_table(view: NeuronView, *, thresholds: Thresholds = DEFAULT) -> pd.DataFrame:
    """A row a neuron: the test for simple neurons of paper A, appendix A.1.

    ``strength``: relative to the strongest; ``freq``: argmax of |h^_A|^2 + |h^_B|^2 over
    f > 0, +f and -f added; ``freq_out``: the same of the output weights; ``r_a``, ``r_b``,
    ``r_d``: |h^(freq)| / n, half the cosine's amplitude (all of it at n/2); ``t_a``, ``t_b``,
    ``t_d``: phases in [0, n); ``phase_error``: t_a + t_b - t_d in [-n/2, n/2); ``log_ratio``:
    ln(r_a / r_b); ``residual``: root of the share of A's and B's power off ``freq`` and off the
    mean; ``second``: the strongest other frequency; ``top_share``: share of power in the
    ``harmonic_count`` strongest; ``kind``: see ``classify``. Phases and their error are NaN at
    freq = n/2, which has none.
    """
    n = view.n
    signals = {"a": view.preact_a.T, "b": view.preact_b.T, "d": view.w_out}
    power = input_power(view)
    total = power.sum(1)
    ranked = np.argsort(-power, axis=1, kind="stable")
    freq, second = ranked[:, 0], ranked[:, 1]
    neuron = np.arange(view.num_neurons)
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.sqrt(np.clip(1 - power[neuron, freq] / total, 0.0, 1.0))
        top_share = np.sort(power, axis=1)[:, -harmonic_count(n, thresholds) :].sum(1) / total
        table = pd.DataFrame({"neuron": neuron, "strength": strengths(view), "freq": freq})
        out_power = power_spectrum(view.w_out)
        out_power[:, 0] = 0.0
        table["freq_out"] = out_power.argmax(1)
        for name, signal in signals.items():
            at_freq = dft(signal)[neuron, freq]
            table[f"r_{name}"] = np.abs(at_freq) / n
            table[f"t_{name}"] = np.where(2 * freq == n, np.nan, phase_of(at_freq, n))
        table["phase_error"] = circular_difference(
            (table.t_a + table.t_b - table.t_d).to_numpy(), n
        )
        table["log_ratio"] = np.log(table.r_a / table.r_b)
    table["residual"] = np.where(total > 0, residual, 1.0)
    table["second"] = second
    table["top_share"] = np.where(total > 0, top_share, 0.0)
    table["kind"] = classify(table, n, thresholds=thresholds)
    return table


def classify(table: pd.DataFrame, n: int, *, thresholds: Thresholds = DEFAULT) -> list[Kind]:
    """The class of each neuron.

    dead: strength under 3 % of the strongest. diffuse: the power is spread over more than a few
    frequencies (``concentrated_from``), as in an untrained network. Else simple: residual under
    .12; from .12 to .30: 3f where the strongest other frequency is three times the first, else
    bent; from .30: fine-tuning.
    """
    columns = (table.strength, table.residual, table.freq, table.second)
    diffuse = table.top_share.to_numpy() < concentrated_from(n, thresholds)
    return [
        _kind_of(strength, residual, int(freq), int(second), bool(spread), n, thresholds)
        for strength, residual, freq, second, spread in zip(*columns, diffuse, strict=True)
    ]


def _kind_of(
    strength: float,
    residual: float,
    freq: int,
    second: int,
    diffuse: bool,
    n: int,
    thresholds: Thresholds,
) -> Kind:
    if strength < thresholds.dead_below:
        return "dead"
    if diffuse:
        return "diffuse"
    if residual < thresholds.simple_below:
        return "simple"
    if residual < thresholds.fine_tuning_from:
        return "3f" if second == signed_freq(3 * freq, n) else "bent"
    return "fine-tuning"


def is_live(table: pd.DataFrame) -> Bool[np.ndarray, " neuron"]:
    """Neurons that are not dead."""
    return (table.kind != "dead").to_numpy()


def by_strength(table: pd.DataFrame, kind: Kind) -> list[int]:
    """Neurons of a class, the strongest first."""
    chosen = table[table.kind == kind].sort_values("strength", ascending=False, kind="stable")
    return [int(neuron) for neuron in chosen.neuron]


def share_under(
    view: NeuronView, residuals: Sequence[float], dead_below: Sequence[float]
) -> tuple[Float[np.ndarray, "dead residual"], Int[np.ndarray, " dead"]]:
    """How the share of simple neurons depends on both thresholds.

    For each threshold of strength: the share of live neurons whose residual lies under each of
    ``residuals`` (zero where none are live), and how many are live.
    """
    table = neuron_table(view)
    strength, residual = table.strength.to_numpy(), table.residual.to_numpy()
    shares = np.zeros((len(dead_below), len(residuals)))
    num_live = np.zeros(len(dead_below), dtype=int)
    for row, threshold in enumerate(dead_below):
        kept = residual[strength >= threshold]
        num_live[row] = len(kept)
        if len(kept):
            shares[row] = [(kept < limit).mean() for limit in residuals]
    return shares, num_live
