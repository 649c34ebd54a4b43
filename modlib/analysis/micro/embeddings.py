"""Principal components of the embeddings of (k, k) and their spectra.

Paper A, sections 5.3 and 5.5 and appendix B.1; figures A8 to A16.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import gcd
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Complex, Float

from modlib.config.thresholds import DEFAULT, Thresholds
from modlib.errors import InputError
from modlib.maths.fourier import dft, power_spectrum, require_freq
from modlib.maths.groups import coset, signed_freq, units
from modlib.models.views.neuron_view import Factors

PAPER_PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (2, 3), (2, 4), (2, 5), (3, 4), (4, 5))
"""The pairs of components of figures A8 to A16, counted from 0."""
ROUND = 0.7
"""Ratio of its axes from which an orbit counts as a circle."""


class Components(NamedTuple):
    """Scores (n, component), share of variance and spectra (component, freq) of each component."""

    scores: Float[np.ndarray, "n component"]
    variance_share: Float[np.ndarray, " component"]
    spectra: Float[np.ndarray, "component freq"]

    @property
    def freqs(self) -> list[int]:
        """Dominant frequency of each component."""
        return [int(freq) for freq in self.spectra.argmax(1)]


def diagonal_embedding(factors: Factors) -> Float[np.ndarray, "n embeds"]:
    """The concatenated embedding of (k, k) for k = 0 .. n - 1."""
    return np.concatenate([factors.embed_a, factors.embed_b], axis=1)


def principal_components(
    embedding: Float[np.ndarray, "n embed"], num_components: int = 6
) -> Components:
    """Principal components by a full SVD; each has its largest entry positive.

    Spectra are scaled so that a component's powers sum to 1. Raises ``InputError`` for more
    components than the embedding has.
    """
    most = min(embedding.shape)
    if not 1 <= num_components <= most:
        raise InputError("num_components", f"be from 1 to {most}", num_components)
    left, singular, _ = np.linalg.svd(embedding - embedding.mean(0), full_matrices=False)
    scores = left[:, :num_components] * singular[:num_components]
    largest = np.abs(scores).argmax(0)
    scores = scores * np.sign(scores[largest, np.arange(num_components)])
    spectra = power_spectrum(scores.T)
    spectra[:, 0] = 0.0
    spectra /= spectra.sum(1, keepdims=True)
    share = singular**2 / (singular**2).sum()
    return Components(scores, share[:num_components], spectra)


def radius_spread(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
    """Standard deviation over mean of (x / s_x)^2 + (y / s_y)^2.

    0 on an ellipse that is run through evenly, 1/2 for cosines of different frequencies.
    """
    squared = x**2 / x.var() + y**2 / y.var()
    return float(squared.std() / squared.mean())


def component_pairs(components: Components, thresholds: Thresholds = DEFAULT) -> pd.DataFrame:
    """A row a pair of components: is it one frequency, and does it lie on an ellipse?

    ``same_freq``: both have one dominant frequency, and the same (by spectra); ``circular``:
    spread of the squared radius below .25 (by positions). The two are found independently.
    """
    freqs = components.freqs
    leading = components.spectra.max(1)
    rows = []
    for i, j in combinations(range(len(freqs)), 2):
        spread = radius_spread(components.scores[:, i], components.scores[:, j])
        told = min(leading[i], leading[j]) >= thresholds.one_frequency_from
        rows.append(
            {
                "first": i,
                "second": j,
                "freq_first": freqs[i],
                "freq_second": freqs[j],
                "same_freq": bool(freqs[i] == freqs[j] and told),
                "radius_spread": spread,
                "circular": spread < thresholds.circular_below,
            }
        )
    return pd.DataFrame(rows)


def coset_spread(points: Float[np.ndarray, "n dim"], size: int) -> float:
    """Root mean square distance from the centre of the coset over that from the common centre.

    0 where the elements of each coset of ``size`` elements coincide; NaN for size 1, whose
    cosets are single points.
    """
    n = points.shape[0]
    if size == 1:
        return float("nan")
    within = 0.0
    for shift in range(n // size):
        members = points[coset(n, size, shift)]
        within += float(((members - members.mean(0)) ** 2).sum())
    return float(np.sqrt(within / ((points - points.mean(0)) ** 2).sum()))


def pooled_shares(embedding: Float[np.ndarray, "n embed"]) -> Float[np.ndarray, " freq"]:
    """Share of all the embedding's variance at each frequency 0 .. n // 2; they sum to 1."""
    power = power_spectrum(embedding.T).sum(0)
    power[0] = 0.0
    return power / power.sum()


def frequencies_needed(signals: Float[np.ndarray, "signal n"], share: float = 0.9) -> np.ndarray:
    """How many frequencies each signal needs for that share of its power, the mean left out."""
    power = np.sort(power_spectrum(signals)[:, 1:], axis=1)[:, ::-1]
    held = np.cumsum(power, axis=1) / power.sum(1, keepdims=True)
    return (held < share - 1e-12).sum(1) + 1


def projections(
    signals: Float[np.ndarray, "signal n"], freq: int
) -> Complex[np.ndarray, " signal"]:
    """alpha exp(2 pi i t / n) of the part alpha cos(2 pi (freq k - t) / n) of each signal.

    It is the vector on which the signal projects (cos, sin)(2 pi freq k / n), the first column
    of the representation: paper A, section 5.3, with t = freq s_A. Real at freq = n / 2.
    """
    n = signals.shape[-1]
    require_freq(freq, n)
    terms = 1 if 2 * freq == n else 2
    return np.conj(dft(signals)[:, freq]) * terms / n


def planes(
    embedding: Float[np.ndarray, "n embed"], freqs: Sequence[int]
) -> Float[np.ndarray, "n freq 2"]:
    """The centred embedding seen in the planes of some frequencies, all at right angles.

    The cosine's and the sine's coefficients of each frequency span its plane; the frame of all is
    the orthonormal one nearest to their directions (polar decomposition), so that the points are
    turned and projected, no more, and residue k lies near the angle 2 pi f k / n. A direction of
    nothing stays at 0, as the sine of n / 2 does. Raises ``InputError`` for a freq of 0.
    """
    n = len(embedding)
    centred = embedding - embedding.mean(0)
    angles = 2 * np.pi / n * np.outer(np.arange(n), [require_freq(f, n) for f in freqs])
    waves = np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(n, -1)
    spans = centred.T @ waves
    size = np.linalg.norm(spans, axis=0)
    spans = np.where(
        size > 1e-9 * size.max(initial=0.0), spans / np.where(size > 0, size, 1.0), 0.0
    )
    left, singular, right = np.linalg.svd(spans, full_matrices=False)
    held = singular > 1e-9
    return np.asarray(centred @ (left[:, held] @ right[held])).reshape(n, -1, 2)


def axes_ratio(vectors: Complex[np.ndarray, " signal"]) -> float:
    """Shorter over longer axis of the ellipse that a frequency draws in all coordinates at once.

    1: the coordinates hold the representation undistorted, up to a rotation and one scale; 0:
    they hold its projection on a line only. ``vectors``: see ``projections``. NaN where all are
    zero.
    """
    axes = np.stack([vectors.real, vectors.imag])
    longer, shorter = np.append(np.linalg.svd(axes, compute_uv=False), 0.0)[:2]  # one: no plane
    return float(shorter / longer) if longer > 0 else float("nan")


class PairPicture(NamedTuple):
    """A pair of components and the two-frequency curve that its points lie on.

    ``curve_x``, ``curve_y``: the curve, empty where a frequency is n / 2, which has a value at
    whole k only; ``unit``: the inputs are joined in steps of it; ``coset_size``: the larger
    gcd(f, n) of the two frequencies; ``circular``: by the points, see ``component_pairs``.
    """

    first: int
    second: int
    freqs: tuple[int, int]
    curve_x: Float[np.ndarray, " point"]
    curve_y: Float[np.ndarray, " point"]
    unit: int
    coset_size: int
    circular: bool


def simplest_unit(freqs: tuple[int, int], n: int) -> int:
    """The smallest unit u of Z_n that makes u f_1 and u f_2, up to sign, smallest.

    Points indexed by Z_n can be joined in steps of any unit; this one winds the least.
    """

    def turns(unit: int) -> tuple[int, int]:
        turned = [signed_freq(unit * freq, n) for freq in freqs]
        return max(turned), sum(turned)

    return min(units(n), key=turns)


def pair_picture(
    components: Components,
    first: int,
    second: int,
    *,
    num_points: int = 720,
    thresholds: Thresholds = DEFAULT,
) -> PairPicture:
    """Two components as cosines of their dominant frequencies: paper A, section 5.5.

    Each component is replaced by its part at its dominant frequency, alpha cos(2 pi (f k - t) / n),
    with f moved by the ``simplest_unit`` so that the curve through the same points is as short as
    it can be: an ellipse where the frequencies agree, a Lissajous curve where they do not.
    """
    n = components.scores.shape[0]
    freqs = components.freqs[first], components.freqs[second]
    unit = simplest_unit(freqs, n)
    steps = np.linspace(0, n, num_points)
    curves = []
    for component, freq in zip((first, second), freqs, strict=True):
        vector = projections(components.scores[:, [component]].T, freq)[0]
        turned = (unit * freq + n // 2) % n - n // 2
        curves.append(np.real(vector * np.exp(-2j * np.pi * turned * steps / n)))
    if 2 * freqs[0] == n or 2 * freqs[1] == n:
        curves = [np.empty(0), np.empty(0)]
    size = max(gcd(freq, n) for freq in freqs)
    spread = radius_spread(components.scores[:, first], components.scores[:, second])
    circular = spread < thresholds.circular_below
    return PairPicture(first, second, freqs, curves[0], curves[1], unit, size, circular)


def coset_table(components: Components, thresholds: Thresholds = DEFAULT) -> pd.DataFrame:
    """A row a frequency that leads a component: how far the elements of its cosets are apart.

    ``components``: those it leads (told by it: half of the power or more), from 0;
    ``coset_size``: g = gcd(freq, n); ``positions``: n / g; ``spread``: ``coset_spread`` in these
    components; ``by_chance``: what independent points would give, sqrt(1 - 1/g).
    """
    n = components.scores.shape[0]
    led: dict[int, list[int]] = {}
    for component, freq in enumerate(components.freqs):
        if components.spectra[component, freq] >= thresholds.one_frequency_from:
            led.setdefault(freq, []).append(component)
    rows = []
    for freq, members in led.items():
        size = gcd(freq, n)
        spread = coset_spread(components.scores[:, members], size)
        rows.append((freq, members, size, n // size, spread, np.sqrt(1 - 1 / size)))
    names = ["freq", "components", "coset_size", "positions", "spread", "by_chance"]
    return pd.DataFrame(rows, columns=names)


def half_turn(scores: Float[np.ndarray, "n component"]) -> Float[np.ndarray, " component"]:
    """Correlation of each component at k and at k + n/2, which have the same answer 2 k.

    1 for an even frequency, -1 for an odd one. Raises ``InputError`` for odd n.
    """
    n = scores.shape[0]
    if n % 2:
        raise InputError("scores", "have an even number of rows", n)
    centred = scores - scores.mean(0)
    return (centred * np.roll(centred, n // 2, axis=0)).sum(0) / (centred**2).sum(0)
