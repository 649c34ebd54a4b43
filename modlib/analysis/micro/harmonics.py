"""Several frequencies in one neuron: how they add up to its wave, and whether they belong together.

Paper A, section 4.1 and appendix B.1.2; figures A2 and A19 to A21.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Complex, Float, Int

from modlib.errors import require_int
from modlib.maths.fourier import dft, power_spectrum
from modlib.maths.groups import remap, remapping_unit, signed_freq
from modlib.models.views.neuron_view import NeuronView


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
    preact = np.stack([view.preact_a[:, neuron], view.preact_b[:, neuron]])
    return portrait_of(neuron, freq, preact)


def portrait_of(neuron: int, freq: int, preact: Float[np.ndarray, "2 n"]) -> Portrait:
    """The same of its preactivations of a and b."""
    unit = remapping_unit(freq, preact.shape[1])
    slow = remap(preact, unit)
    return Portrait(neuron, freq, unit, preact, np.abs(dft(preact)), slow, np.abs(dft(slow)))


def harmonic_order(freq: int, base: int, n: int, max_order: int = 12) -> int | None:
    """The least m <= max_order with freq = +-m base modulo n; None where there is none."""
    wanted = signed_freq(freq, n)
    orders = range(1, max_order + 1)
    return next((m for m in orders if signed_freq(m * base, n) == wanted), None)


def chance_of_harmonics(n: int, num_freqs: int = 3, max_order: int = 12) -> float:
    """Share of all sets of frequencies that are harmonics of one, of order max_order or less.

    How often ``harmonic_base`` finds a base without any cause, counted exactly. NaN where n has
    too few frequencies.
    """
    if n // 2 < num_freqs:
        return float("nan")
    found: set[tuple[int, ...]] = set()
    for reached in _harmonics(n, max_order):
        found.update(combinations(sorted(reached), num_freqs))
    return len(found) / comb(n // 2, num_freqs)


def chance_of_a_third(
    pairs: Int[np.ndarray, "pair 2"], n: int, max_order: int
) -> Float[np.ndarray, " pair"]:
    """Share of the other frequencies that are harmonics of one f together with each pair.

    What ``chance_of_harmonics`` is where the two leading frequencies are as they are. NaN where
    n has no third frequency.
    """
    if n // 2 < 3:
        return np.full(len(pairs), np.nan)
    sets = list(_harmonics(n, max_order))
    joined = [
        set().union(*(reached for reached in sets if {*pair} <= reached)) - {*pair}
        for pair in np.asarray(pairs).tolist()
    ]
    return np.array([len(one) for one in joined]) / (n // 2 - 2)


def _harmonics(n: int, max_order: int) -> Iterator[set[int]]:
    """Of each frequency its harmonics of order ``max_order`` or less."""
    for base in range(1, n // 2 + 1):
        yield {signed_freq(order * base, n) for order in range(1, max_order + 1)} - {0}


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


def relu_harmonic(order: int) -> float:
    """What a ReLU makes of a simple neuron, averaged over all pairs with one sum: m f over f.

    A neuron hears cos(f a) + cos(f b) = 2 cos u cos v, u and v half of the sum and of the
    difference of the angles. Of ReLU(cos u) = 1/pi + cos(u)/2 + 2/(3 pi) cos 2u - 2/(15 pi) cos 4u
    + ... the even terms are waves of the sum 2u; the term in 2 m u over that in 2u is
    -3 (-1)^m / (4 m^2 - 1): 1, -1/5, 3/35. Without a bias, for many residues.
    """
    order = require_int("order", order, at_least=1)
    return -3.0 * (-1) ** order / (4 * order**2 - 1)


def by_answer(view: NeuronView) -> Float[np.ndarray, "neuron c"]:
    """Each neuron's activation against c, averaged over all pairs with a + b = c modulo n."""
    n = view.n
    k = np.arange(n)
    rows = [
        np.maximum(view.preact_a + view.preact_b[(c - k) % n] + view.b_in, 0).mean(0)
        for c in range(n)
    ]
    return np.stack(rows, axis=1)


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
