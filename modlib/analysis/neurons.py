"""One neuron at a time: its frequency, phases, how well one cosine fits it, and its class.

Paper A, sections 4.1 and 5.1, appendix A.1. Thresholds are relative, so that they mean the same
for any modulus, width, and rescaling of a neuron (input weights times tau, output over tau).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Complex, Float, Int

from modlib.analysis.view import NeuronView
from modlib.fourier import circular_difference, dft, power_spectrum
from modlib.groups import harmonic_base, remap, remapping_unit, signed_freq

SIMPLE_BELOW = 0.12
"""Residual under which a neuron is simple."""
FINE_TUNING_FROM = 0.30
"""Residual from which a neuron is no longer told by one frequency."""
DEAD_BELOW = 0.03
"""Strength, relative to the strongest neuron, under which a neuron is dead."""
HARMONIC_SHARE = 0.8
"""Share of power that ``harmonic_count`` frequencies must hold in a fine-tuning neuron."""
HARMONIC_COUNT = 6

Kind = Literal["dead", "simple", "3f", "bent", "fine-tuning", "diffuse"]
KINDS: tuple[Kind, ...] = ("simple", "3f", "bent", "fine-tuning", "diffuse", "dead")


def harmonic_count(n: int) -> int:
    """How many frequencies may make up a fine-tuning neuron: six, or a seventh of all, rounded.

    With few frequencies six of them hold most of the power of any signal, of noise too.
    """
    return max(1, min(HARMONIC_COUNT, n // 2 // 7))


def input_power(view: NeuronView) -> Float[np.ndarray, "neuron freq"]:
    """Power of preact_a and preact_b together, without the mean: frequencies 0 .. n // 2."""
    power = power_spectrum(view.preact_a.T) + power_spectrum(view.preact_b.T)
    power[:, 0] = 0.0
    return power


def power_shares(view: NeuronView) -> Float[np.ndarray, "neuron freq"]:
    """``input_power`` of each neuron divided by its sum; zero for a neuron without power."""
    power = input_power(view)
    total = power.sum(1, keepdims=True)
    return np.divide(power, total, out=np.zeros_like(power), where=total > 0)


def strengths(view: NeuronView) -> Float[np.ndarray, " neuron"]:
    """Root of input power times norm of the centred output weights, against the largest neuron.

    Zero for a neuron that no pair switches on, and throughout for a network without weights.
    Unchanged by rescaling a neuron's input weights by tau and its output weights by 1/tau.
    """
    centred = view.w_out - view.w_out.mean(1, keepdims=True)
    strength = np.sqrt(input_power(view).sum(1)) * np.linalg.norm(centred, axis=1)
    fires = view.preact_a.max(0) + view.preact_b.max(0) + view.b_in > 0
    strength = np.where(fires, strength, 0.0)
    largest = strength.max()
    return strength / largest if largest > 0 else strength


def neuron_table(view: NeuronView, *, dead_below: float = DEAD_BELOW) -> pd.DataFrame:
    """A row a neuron: the test for simple neurons of paper A, appendix A.1.

    ``strength``: relative to the strongest; ``freq``: argmax of |h^_A|^2 + |h^_B|^2 over f > 0;
    ``freq_out``: the same of the output weights; ``r_a``, ``r_b``, ``r_d``: |h^(freq)| / n, half
    the cosine's amplitude (all of it at n/2); ``t_a``, ``t_b``, ``t_d``: phases in [0, n);
    ``phase_error``: t_a + t_b - t_d in [-n/2, n/2); ``log_ratio``: ln(r_a / r_b); ``residual``:
    root of the share of A's and B's power off ``freq`` and off the mean; ``second``: the
    strongest other frequency; ``top_share``: share of power in the ``harmonic_count`` strongest;
    ``kind``: see ``classify``. Phases and their error are NaN at freq = n/2, which has none.
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
        top_share = np.sort(power, axis=1)[:, -harmonic_count(n) :].sum(1) / total
        table = pd.DataFrame({"neuron": neuron, "strength": strengths(view), "freq": freq})
        out_power = power_spectrum(view.w_out)
        out_power[:, 0] = 0.0
        table["freq_out"] = out_power.argmax(1)
        for name, signal in signals.items():
            at_freq = dft(signal)[neuron, freq]
            table[f"r_{name}"] = np.abs(at_freq) / n
            t = -np.angle(at_freq) * n / (2 * np.pi) % n
            table[f"t_{name}"] = np.where(2 * freq == n, np.nan, t)
        table["phase_error"] = circular_difference(
            (table.t_a + table.t_b - table.t_d).to_numpy(), n
        )
        table["log_ratio"] = np.log(table.r_a / table.r_b)
    table["residual"] = np.where(total > 0, residual, 1.0)
    table["second"] = second
    table["top_share"] = np.where(total > 0, top_share, 0.0)
    table["kind"] = classify(table, n, dead_below=dead_below)
    return table


def classify(table: pd.DataFrame, n: int, *, dead_below: float = DEAD_BELOW) -> list[Kind]:
    """The class of each neuron.

    dead: strength under 3 % of the strongest. simple: residual under .12. From .12 to .30: 3f
    where the strongest other frequency is three times the first, else bent. From .30:
    fine-tuning where a few frequencies hold 80 % of the power, else diffuse (as in an untrained
    network).
    """
    columns = (table.strength, table.residual, table.freq, table.second, table.top_share)
    return [
        _kind_of(strength, residual, int(freq), int(second), top_share, n, dead_below)
        for strength, residual, freq, second, top_share in zip(*columns, strict=True)
    ]


def _kind_of(
    strength: float,
    residual: float,
    freq: int,
    second: int,
    top_share: float,
    n: int,
    dead_below: float,
) -> Kind:
    if strength < dead_below:
        return "dead"
    if residual < SIMPLE_BELOW:
        return "simple"
    if residual < FINE_TUNING_FROM:
        return "3f" if second == signed_freq(3 * freq, n) else "bent"
    return "fine-tuning" if top_share >= HARMONIC_SHARE else "diffuse"


def is_live(table: pd.DataFrame) -> Bool[np.ndarray, " neuron"]:
    """Neurons that are not dead."""
    return (table.kind != "dead").to_numpy()


def leading_harmonics(power: Float[np.ndarray, " freq"], share: float = 0.95) -> list[int]:
    """Frequencies in descending order of power until together they hold ``share`` of it."""
    order = np.argsort(-power, kind="stable")
    held = np.cumsum(power[order]) / power.sum()
    return [int(freq) for freq in order[: int(np.searchsorted(held, share)) + 1]]


def rebuild(
    signal: Float[np.ndarray, " n"], freqs: list[int]
) -> tuple[Float[np.ndarray, "step n"], Float[np.ndarray, " step"]]:
    """A signal as a growing sum of its representations (paper A, figure A21).

    Row i holds the mean and the first i frequencies of ``freqs``; with it the residual of that
    row: root of the share of power, mean aside, that is still missing.
    """
    n = signal.shape[0]
    spectrum = dft(signal)
    kept = np.zeros_like(spectrum)
    kept[0] = spectrum[0]
    rows = [np.fft.irfft(kept, n)]
    for freq in freqs:
        kept[freq] = spectrum[freq]
        rows.append(np.fft.irfft(kept, n))
    steps = np.stack(rows)
    spread = float(((signal - signal.mean()) ** 2).sum())
    missing = ((signal - steps) ** 2).sum(1)
    return steps, np.sqrt(missing / spread) if spread > 0 else np.zeros(len(rows))


def half_sine_fit(signal: Float[np.ndarray, " n"], freq: int = 1) -> tuple[float, float]:
    """R^2 of the best half and the best full period of a sine (paper A, figure A2).

    ``signal`` is remapped, so that its dominant frequency is ``freq`` = gcd(f, n) and its period
    n / freq. The half period is |sin(pi freq (k - s) / n)|, the full one
    cos(2 pi freq (k - s) / n); both with free amplitude and offset, s in quarter steps.
    """
    n = signal.shape[0]
    shifts = np.arange(0, n / freq, 0.25)
    centred = signal - signal.mean()
    total = float((centred**2).sum())
    if total == 0:
        return float("nan"), float("nan")
    k = np.arange(n)
    scores = []
    for shapes in (
        np.abs(np.sin(np.pi * freq * (k - shifts[:, None]) / n)),
        np.cos(2 * np.pi * freq * (k - shifts[:, None]) / n),
    ):
        shapes = shapes - shapes.mean(1, keepdims=True)
        scores.append(float(((shapes @ centred) ** 2 / (shapes**2).sum(1)).max() / total))
    return scores[0], scores[1]


class WaveFit(NamedTuple):
    """A fitted wave and the share of the signal's variance that it explains (R^2)."""

    explained: float
    wave: Float[np.ndarray, " n"]


def fit_waves(signal: Float[np.ndarray, " n"], freq: int = 1) -> dict[str, WaveFit]:
    """The best full period of a sine and the best two half periods (paper A, section 4.1).

    ``signal`` is remapped, so that its dominant frequency is ``freq`` = gcd(f, n) and its period
    P = n / freq. With y = (k - s) mod P: ``full`` is cos(2 pi y / P); ``hump``, from zero to
    zero, sin(pi y / P); ``flank``, from crest to trough, cos(pi y / P), which jumps back where y
    wraps. All have a free amplitude, offset and shift s, the latter in quarter steps. A constant
    signal is explained by none: 0.
    """
    n = signal.shape[0]
    period = n / freq
    y = (np.arange(n) - np.arange(0, period, 0.25)[:, None]) % period
    shapes = {
        "full": np.cos(2 * np.pi * y / period),
        "hump": np.sin(np.pi * y / period),
        "flank": np.cos(np.pi * y / period),
    }
    mean = signal.mean()
    total = float(((signal - mean) ** 2).sum())
    fits = {}
    for name, shape in shapes.items():
        wave = shape - shape.mean(1, keepdims=True)
        norm, overlap = (wave**2).sum(1), wave @ (signal - mean)
        # With two residues to a period some shifts leave a constant, which explains nothing.
        gain = np.divide(overlap, norm, out=np.zeros_like(norm), where=norm > 1e-9)
        best = int((gain * overlap).argmax())
        explained = float(gain[best] * overlap[best]) / total if total > 0 else 0.0
        fits[name] = WaveFit(explained, mean + gain[best] * wave[best])
    return fits


class Portrait(NamedTuple):
    """One neuron as it is and remapped; the first axis of the arrays is a, b."""

    neuron: int
    freq: int
    unit: int
    preact: Float[np.ndarray, "2 n"]
    magnitude: Float[np.ndarray, "2 freq"]
    remapped: Float[np.ndarray, "2 n"]
    remapped_magnitude: Float[np.ndarray, "2 freq"]


def portrait(view: NeuronView, neuron: int, freq: int) -> Portrait:
    """Preactivations and |DFT| of a neuron, before and after remapping by the unit of ``freq``.

    Paper A, figure A2. The unit brings ``freq`` to gcd(freq, n).
    """
    unit = remapping_unit(freq, view.n)
    preact = np.stack([view.preact_a[:, neuron], view.preact_b[:, neuron]])
    slow = remap(preact, unit)
    return Portrait(neuron, freq, unit, preact, np.abs(dft(preact)), slow, np.abs(dft(slow)))


def by_strength(table: pd.DataFrame, kind: Kind) -> list[int]:
    """Neurons of a class, the strongest first."""
    chosen = table[table.kind == kind].sort_values("strength", ascending=False, kind="stable")
    return [int(neuron) for neuron in chosen.neuron]


def harmonic_order(freq: int, base: int, n: int, max_order: int = 12) -> int | None:
    """The least m <= max_order with freq = +-m base modulo n; None where there is none."""
    wanted = signed_freq(freq, n)
    orders = range(1, max_order + 1)
    return next((m for m in orders if signed_freq(m * base, n) == wanted), None)


def chance_of_harmonics(
    n: int, num_freqs: int = 3, max_order: int = 12, num_draws: int = 400, seed: int = 0
) -> float:
    """Share of random sets of frequencies that are harmonics of one, of order max_order or less.

    What ``harmonic_base`` finds without any cause. NaN where n has too few frequencies.
    """
    if n // 2 < num_freqs:
        return float("nan")
    generator = np.random.default_rng(seed)
    drawn = [1 + generator.choice(n // 2, num_freqs, replace=False) for _ in range(num_draws)]
    found = [harmonic_base(freqs.tolist(), n, max_order) is not None for freqs in drawn]
    return float(np.mean(found))


def harmonic_shares(
    signal: Float[np.ndarray, "neuron n"], freq: Int[np.ndarray, " neuron"], num_orders: int = 5
) -> Float[np.ndarray, "neuron order"]:
    """Share of each signal's power, mean aside, at f, 2 f, ... num_orders f modulo n.

    A frequency that two orders reach counts for the lower one only. Zero for a signal without
    power.
    """
    n = signal.shape[-1]
    power = power_spectrum(signal)
    power[:, 0] = 0.0
    total = power.sum(1)
    shares = np.zeros((len(signal), num_orders))
    for neuron in np.flatnonzero(total > 0):
        met = {0}
        for order in range(1, num_orders + 1):
            at = signed_freq(order * int(freq[neuron]), n)
            if at not in met:
                shares[neuron, order - 1] = power[neuron, at] / total[neuron]
                met.add(at)
    return shares


def relative_harmonic(
    signal: Float[np.ndarray, "neuron n"], freq: Int[np.ndarray, " neuron"], order: int
) -> Complex[np.ndarray, " neuron"]:
    """c of h = A (cos x + Re(c exp(i order x)) + ...), x the fundamental's angle.

    Unchanged by shifting the signal. At order 3 a real c < 0 flattens crests (a square wave has
    -1/3), a real c > 0 sharpens them (a triangle has 1/9). NaN where f is 0 or n/2, or carries no
    power.
    """
    n = signal.shape[-1]
    spectrum = np.fft.fft(signal, axis=-1)
    neuron = np.arange(len(signal))
    first = spectrum[neuron, freq]
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = spectrum[neuron, order * freq % n] * (first.conj() / np.abs(first)) ** order
        ratio = turned / np.abs(first)
    return np.where(2 * freq % n == 0, np.nan, ratio)


def triples(clusters: pd.DataFrame, neurons: pd.DataFrame, n: int) -> pd.DataFrame:
    """Clusters of one network, and whether three times their frequency is a cluster's as well.

    ``clusters``: ``cluster``, ``freq``, ``num_neurons``; ``neurons``: ``cluster``, ``kind``.
    Added: ``triple``, 3 f as the frequency of a real signal; ``partner``, whether another
    cluster has it; ``is_3f``, whether most of the cluster's neurons are of the class 3f.
    """
    table = clusters[["cluster", "freq", "num_neurons"]].reset_index(drop=True)
    freqs = table.freq.tolist()
    table["triple"] = [signed_freq(3 * freq, n) for freq in freqs]
    others = [[other for other in freqs if other != freq] for freq in freqs]
    table["partner"] = [t in other for t, other in zip(table.triple, others, strict=True)]
    shape = (neurons.kind == "3f").groupby(neurons.cluster).mean()
    table["is_3f"] = [float(shape.get(cluster, 0.0)) > 0.5 for cluster in table.cluster]
    return table


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


def effective_number(share: Float[np.ndarray, "*lead freq"]) -> Float[np.ndarray, "*lead"]:
    """1 / sum of squared shares: m where m frequencies hold equal shares of the power."""
    return np.asarray(1.0 / (share**2).sum(-1))


def settled_epoch(
    epochs: Int[np.ndarray, " epoch"], share: Float[np.ndarray, "epoch freq"], at_least: float
) -> tuple[list[int], int]:
    """The last epoch's set of frequencies with a share of ``at_least``, and since when it stands.

    That is the first measured epoch from which on no frequency enters or leaves the set.
    """
    present = share >= at_least
    changed = np.flatnonzero((present != present[-1]).any(1))
    since = changed[-1] + 1 if len(changed) else 0
    return [int(freq) for freq in np.flatnonzero(present[-1])], int(epochs[since])
