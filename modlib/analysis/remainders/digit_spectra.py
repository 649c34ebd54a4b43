"""Which frequencies the neurons of paper B's transformer react to.

Two views of a neuron's activation h(x): as an image over the digits (x0, x1), whose 2-D transform
the paper looks at; and as a function of the number x, projected on the characters
exp(2 pi i k x / q), which the tasks are made of but which do not lie on the image's p x p grid.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from jaxtyping import Bool, Float, Int

TOP_CELLS = 6
"""Cells whose share of a neuron's power measures how few frequencies it reacts to."""

_NEURONS_AT_ONCE = 128


def grid_magnitudes(
    images: Float[np.ndarray, "*lead x0 x1"],
) -> Float[np.ndarray, "*lead f0 f1"]:
    """Magnitude of the 2-D transform over p^2, the mean left out (0 at (0, 0)).

    All p^2 cells: a real image has the same magnitude at (f0, f1) and (-f0, -f1). A cosine of
    amplitude 1 on the grid gives 1/2 at each of its two cells.
    """
    p = images.shape[-1]
    magnitudes = np.abs(scipy.fft.fft2(images)) / p**2
    magnitudes[..., 0, 0] = 0
    return magnitudes


def top_share(
    magnitudes: Float[np.ndarray, "*lead f0 f1"], cells: int = TOP_CELLS
) -> Float[np.ndarray, "*lead"]:
    """Share of the power that lies in the strongest ``cells`` cells; NaN without power."""
    power = magnitudes.astype(np.float64).reshape(*magnitudes.shape[:-2], -1) ** 2
    top = np.partition(power, -cells, axis=-1)[..., -cells:].sum(-1)
    with np.errstate(invalid="ignore"):
        return np.asarray(top / power.sum(-1))


def active_cells(
    magnitudes: Float[np.ndarray, "*lead f0 f1"], num_sigma: float = 2.0
) -> Bool[np.ndarray, "*lead f0 f1"]:
    """Cells above mean + num_sigma standard deviations over all cells but the mean's.

    The paper's omega > mu + 2 sigma (section Analysis of Neuron Activations, figure 16).
    """
    flat = magnitudes.reshape(*magnitudes.shape[:-2], -1)[..., 1:]
    threshold = flat.mean(-1) + num_sigma * flat.std(-1)
    active = magnitudes > threshold[..., None, None]
    active[..., 0, 0] = False
    return np.asarray(active)


def number_of_active(active: Bool[np.ndarray, "*lead f0 f1"]) -> Int[np.ndarray, "*lead"]:
    """Active frequencies: the cells (f0, f1) and (-f0, -f1) are one."""
    return np.asarray((active.sum((-2, -1)) + 1) // 2)


def active_off_axes(
    magnitudes: Float[np.ndarray, "*lead f0 f1"], num_sigma: float = 2.0
) -> Bool[np.ndarray, "*lead f0 f1"]:
    """Cells of both digits above mean + num_sigma standard deviations, over such cells alone.

    The axes (f, 0) and (0, f) hold most of the magnitude in any network, trained or not, so that
    ``active_cells`` finds hardly anything else.
    """
    both = magnitudes[..., 1:, 1:]
    flat = both.reshape(*both.shape[:-2], -1)
    threshold = flat.mean(-1) + num_sigma * flat.std(-1)
    active = np.zeros(magnitudes.shape, dtype=bool)
    active[..., 1:, 1:] = both > threshold[..., None, None]
    return active


def number_of_outstanding(
    powers: Float[np.ndarray, "*lead wave"], num_sigma: float = 2.0
) -> Int[np.ndarray, "*lead"]:
    """Waves whose power is above mean + num_sigma standard deviations over all waves."""
    threshold = powers.mean(-1) + num_sigma * powers.std(-1)
    return np.asarray((powers > threshold[..., None]).sum(-1))


def residue_means(
    values: Float[np.ndarray, "x column"], q: int
) -> Float[np.ndarray, "residue column"]:
    """Mean over the numbers 0, 1, 2, ... of each remainder modulo q."""
    count, columns = values.shape
    whole = count - count % q
    sums = values[:whole].reshape(-1, q, columns).sum(0, dtype=np.float64)
    sums[: count - whole] += values[whole:]
    sizes = np.bincount(np.arange(count) % q, minlength=q)
    return sums / sizes[:, None]


def explained_by_residue(
    values: Float[np.ndarray, "x column"], q: int
) -> Float[np.ndarray, " column"]:
    """Share of a column's variance that x mod q explains: the span of q's characters.

    Noise explains about (q - 1) / (number of x) of it; NaN for a constant column.
    """
    count = len(values)
    means = residue_means(values, q)
    sizes = np.bincount(np.arange(count) % q, minlength=q)[:, None] / count
    mean = values.mean(0, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        between = (sizes * (means - mean) ** 2).sum(0)
        return np.asarray(between / values.var(0, dtype=np.float64))


def character_powers(
    values: Float[np.ndarray, "x column"], q: int
) -> Float[np.ndarray, "freq column"]:
    """Share of a column's variance at each character pair +-k, k = 1 .. q // 2, of modulus q.

    From the means by remainder, which weigh each remainder alike; their sum is close to
    ``explained_by_residue``.
    """
    means = residue_means(values, q)
    spectrum = np.abs(np.fft.rfft(means, axis=0)) ** 2 / q**2
    spectrum *= np.where(2 * np.arange(len(spectrum)) == q, 1.0, 2.0)[:, None]
    with np.errstate(invalid="ignore"):
        return np.asarray(spectrum[1:] / values.var(0, dtype=np.float64))


def summary(
    neurons: Float[np.ndarray, "x neuron"],
    images: Float[np.ndarray, "neuron x0 x1"],
    qs: Int[np.ndarray, " task"],
) -> dict[str, np.ndarray]:
    """Means over the neurons that are not constant: what training keeps of them at a step.

    ``magnitude`` (f0, f1), ``power``: its square, at f1 = 0 .. p // 2; ``top_share``;
    ``explained`` (task), ``character`` (task and k) and ``character_power``, the same times the
    neuron's variance; and their number, ``live``.
    """
    live = images.std((1, 2)) > 0
    variance = neurons.var(0, dtype=np.float64)
    total, shares = np.zeros(images.shape[1:]), []
    power = np.zeros_like(total)
    for start in range(0, len(images), _NEURONS_AT_ONCE):
        magnitudes = grid_magnitudes(images[start : start + _NEURONS_AT_ONCE])
        total += magnitudes.sum(0)
        power += (magnitudes**2).sum(0)
        shares.append(top_share(magnitudes))
    count = max(int(live.sum()), 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(live, values, 0.0).sum(-1) / count)

    characters = np.concatenate([character_powers(neurons, q) for q in qs.tolist()])
    return {
        "magnitude": (total / count).astype(np.float32),
        "power": np.asarray(power / count, dtype=np.float32)[..., : images.shape[-1] // 2 + 1],
        "top_share": mean(np.concatenate(shares)),
        "explained": np.array([mean(explained_by_residue(neurons, q)) for q in qs.tolist()]),
        "character": mean(characters),
        "character_power": mean(characters * variance),
        "live": np.array(int(live.sum())),
    }
