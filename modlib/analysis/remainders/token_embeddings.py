"""What paper B's transformer keeps of a digit: position and token embeddings (figures B7 to B13).

Statistics of the paper's text; those of its authors' code stand beside them, with ``_coded``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from modlib.errors import InputError
from modlib.maths.fourier import effective_number, fourier_basis, power_spectrum
from modlib.models.views.transformer_view import TransformerView

CODED_SIGMA = 1.0
"""Standard deviations above the mean from which the authors' code marks a row in B11 to B13."""
TEXT_POWER, CODED_POWER = 2, 1
"""Power of the singular values that is summed up to 50 % and 90 %: "variance", and as coded."""
SHARES = (0.5, 0.9)
"""Shares of variance at which figure B8 has its ticks; figures B9 and B10 stop at the first."""
DOMINANT = 5
"""Basis vectors of which the paper finds modular addition's tokens to be made (figure B11)."""
FINER = 32
"""Frequencies of a periodogram for each of the p-grid."""


class Positions(NamedTuple):
    """Pearson correlation over coordinates of the two places, and the length of their half sum
    and half difference, over the mean length of a token's row."""

    correlation: float
    common: float
    difference: float


class Decomposition(NamedTuple):
    """Left singular vectors, a row each with its largest entry positive, and singular values."""

    vectors: Float[np.ndarray, "component token"]
    values: Float[np.ndarray, " component"]


class Spread(NamedTuple):
    """Singular values, and the fewest for each of ``SHARES``: of the variance, and as coded."""

    values: Float[np.ndarray, " component"]
    variance: tuple[int, ...]
    coded: tuple[int, ...]


class Vectors(NamedTuple):
    """Leading left singular vectors and the share of each frequency 0 .. p // 2 in their power."""

    vectors: Float[np.ndarray, "component token"]
    spectra: Float[np.ndarray, "component freq"]


class AsCoded(NamedTuple):
    """What the authors' code draws for figures B11 to B13: a row a frequency 0 .. p // 2.

    ``magnitudes``: of the real two-dimensional transform over tokens and coordinates, shifted on
    both axes; ``norms``: of its rows; ``marked``: those above the mean of the norms by
    ``CODED_SIGMA`` standard deviations; ``labels``: what the code writes at a marked row, for
    all rows; ``freqs``: the frequency that is in the row, cycles per p tokens.

    Half of the frequencies are in a real transform, so that a shift does not bring 0 to the middle
    but puts the upper half before the lower; and the labels are those of a basis with two rows a
    frequency. A row's norm is that of the transform over tokens alone times the root of the number
    of coordinates (Parseval): the second axis changes the picture, but no mark.
    """

    magnitudes: Float[np.ndarray, "row embed"]
    norms: Float[np.ndarray, " row"]
    marked: Bool[np.ndarray, " row"]
    labels: list[str]
    freqs: Int[np.ndarray, " row"]


class InBasis(NamedTuple):
    """The token embedding in the Fourier basis over tokens, and as the authors' code has it.

    ``coefficients``: on ``fourier_basis`` without its constant; ``power``: of each of its vectors,
    as a share of theirs; ``coded``: see ``AsCoded``.
    """

    coefficients: Float[np.ndarray, "basis embed"]
    power: Float[np.ndarray, " basis"]
    coded: AsCoded


class Periodogram(NamedTuple):
    """Frequencies from 0 to 1/2 cycles a digit and ``power_at`` each."""

    freq: Float[np.ndarray, " freq"]
    power: Float[np.ndarray, " freq"]


def digit_tokens(view: TransformerView) -> Float[np.ndarray, "token embed"]:
    """The p digits' rows of the token embedding; the answer's own row is left out."""
    return view.weights["tok"][: view.config.p].astype(np.float64)


def position_parts(view: TransformerView) -> Positions:
    """The embeddings of x0's and x1's places: correlation, common part, difference (figure B7)."""
    first, second = view.weights["pos"][:2].astype(np.float64)
    row = float(np.linalg.norm(digit_tokens(view), axis=1).mean())
    common, difference = (float(np.linalg.norm(first + s * second)) / 2 for s in (1, -1))
    return Positions(float(np.corrcoef(first, second)[0, 1]), common / row, difference / row)


def decompose(tokens: Float[np.ndarray, "token embed"]) -> Decomposition:
    """Singular value decomposition of the token embedding as it is, not centred (figure B8)."""
    left, values, _ = np.linalg.svd(tokens, full_matrices=False)
    vectors = left.T
    largest = np.abs(vectors).argmax(1)
    signs = np.sign(vectors[np.arange(len(vectors)), largest])
    return Decomposition(vectors * signs[:, None], values)


def fewest_for(share: float, parts: Float[np.ndarray, " part"]) -> int:
    """The fewest parts, largest first, that sum to this share of all.

    Raises ``InputError`` for a share outside 0 to 1.
    """
    if not 0 < share < 1:
        raise InputError("share", "lie between 0 and 1", share)
    reached = np.cumsum(np.sort(parts)[::-1]) / parts.sum()
    return 1 + int(np.searchsorted(reached, share))


def frequency_power(tokens: Float[np.ndarray, "token embed"]) -> Float[np.ndarray, " freq"]:
    """Share of each frequency 1 .. p // 2, cosine and sine together, in what varies by token."""
    power = power_spectrum(tokens.T).sum(0)[1:]
    return np.asarray(power / power.sum())


def spread(tokens: Float[np.ndarray, "token embed"]) -> Spread:
    """How many components the token embedding takes (figure B8)."""
    values = decompose(tokens).values
    variance, coded = (
        tuple(fewest_for(share, values**power) for share in SHARES)
        for power in (TEXT_POWER, CODED_POWER)
    )
    return Spread(values, variance, coded)


def leading_vectors(tokens: Float[np.ndarray, "token embed"]) -> Vectors:
    """The left singular vectors that make half of the variance (figures B9 and B10)."""
    vectors = decompose(tokens).vectors[: spread(tokens).variance[0]]
    power = power_spectrum(vectors)
    return Vectors(vectors, power / power.sum(-1, keepdims=True))


def as_coded(tokens: Float[np.ndarray, "token embed"]) -> AsCoded:
    """The authors' ``fourier_analysis``, step by step (figures B11 to B13)."""
    magnitudes = np.abs(np.fft.fftshift(np.fft.rfft2(tokens.T).T))
    norms = np.linalg.norm(magnitudes, axis=1)
    count = len(norms)
    labels = [f"{('sin', 'cos')[row % 2]} {row // 2}" if row else "const" for row in range(count)]
    return AsCoded(
        magnitudes=magnitudes,
        norms=norms,
        marked=norms > norms.mean() + CODED_SIGMA * norms.std(),
        labels=labels,
        freqs=np.fft.fftshift(np.arange(count)),
    )


def in_fourier_basis(tokens: Float[np.ndarray, "token embed"]) -> InBasis:
    """The token embedding in frequencies (figures B11 to B13)."""
    coefficients = fourier_basis(len(tokens))[1:] @ tokens
    power = (coefficients**2).sum(1)
    return InBasis(coefficients, power / power.sum(), as_coded(tokens))


def power_at(
    tokens: Float[np.ndarray, "token embed"], freq: Float[np.ndarray, " freq"]
) -> Float[np.ndarray, " freq"]:
    """Power of the wave of each frequency in what varies by token, over the mean of all.

    Frequencies in cycles a digit, on the p-grid or not: |sum_k w(k) exp(-2 pi i f k)|^2 of the
    centred rows w, summed over the embedding. 1 on average over 0 to 1 and wherever the rows are
    without structure; up to p / 2 for a single wave (p at frequency 1/2).
    """
    centred = tokens - tokens.mean(0)
    waves = np.exp(-2j * np.pi * np.outer(freq, np.arange(len(tokens))))
    return np.asarray((np.abs(waves @ centred) ** 2).sum(1) / (centred**2).sum())


def periodogram(tokens: Float[np.ndarray, "token embed"]) -> Periodogram:
    """``power_at`` frequencies ``FINER`` times closer than the transform's."""
    steps = FINER * len(tokens)
    freq = np.arange(steps // 2 + 1) / steps
    return Periodogram(freq, power_at(tokens, freq))


def prime_frequencies(q: int) -> Float[np.ndarray, " k"]:
    """k / q for k = 1 .. q // 2: what the remainders modulo q ask of either digit.

    exp(2 pi i k x / q) is a product of waves in x0 and x1 with frequencies k / q and k p / q; the
    second is a multiple of 1 / q as well.
    """
    return np.arange(1, q // 2 + 1) / q


def power_at_primes(
    tokens: Float[np.ndarray, "token embed"], qs: Int[np.ndarray, " task"]
) -> Float[np.ndarray, " task"]:
    """``power_at`` the frequencies k / q of each modulus, averaged over k."""
    return np.array([power_at(tokens, prime_frequencies(int(q))).mean() for q in qs])


def describe_embeddings(view: TransformerView) -> dict[str, float]:
    """The embeddings of a network in numbers.

    ``position_correlation``; ``components_50`` and ``components_90``: fewest components for that
    share of the variance, and ``..._coded`` of the sum of singular values; ``basis_90``: fewest
    Fourier basis vectors, the constant left out, for 90 % of their power; ``basis_top``: share of
    the five strongest; ``constant_share``: the constant's share of all power;
    ``effective_frequencies``: effective number of token frequencies; ``vector_share``: share of a
    singular vector's power at its strongest frequency, mean over those that make half of the
    variance; ``rows_coded``: frequencies that the authors' code marks, see ``AsCoded``.
    """
    tokens = digit_tokens(view)
    basis, components = in_fourier_basis(tokens), spread(tokens)
    strongest = np.sort(basis.power)[::-1]
    varying, power = (tokens - tokens.mean(0)) ** 2, tokens**2
    return {
        "position_correlation": position_parts(view).correlation,
        "components_50": components.variance[0],
        "components_90": components.variance[1],
        "components_50_coded": components.coded[0],
        "components_90_coded": components.coded[1],
        "basis_90": fewest_for(0.9, basis.power),
        "basis_top": float(strongest[:DOMINANT].sum()),
        "constant_share": float(1 - varying.sum() / power.sum()),
        "effective_frequencies": float(effective_number(frequency_power(tokens))),
        "vector_share": float(leading_vectors(tokens).spectra[:, 1:].max(1).mean()),
        "rows_coded": int(basis.coded.marked.sum()),
    }
