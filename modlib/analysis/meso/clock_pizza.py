"""What tells a clock from a pizza: Zhong et al. 2023, sections 2 to 4 and appendix A."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from modlib.analysis.meso.clusters import centre
from modlib.errors import require_int
from modlib.maths.fourier import dft, require_freq
from modlib.models.foreign.views_of import Respond
from modlib.models.views.neuron_view import correct_answers

NUM_COMPONENTS = 4
"""Principal components whose circularity is averaged, as in Zhong et al."""


def gradient_cosines(
    respond: Respond,
    embedding_a: Float[np.ndarray, "n embed"],
    embedding_b: Float[np.ndarray, "n embed"],
) -> Float[np.ndarray, "a b c"]:
    """Cosine between the gradients of logit c by the embedding of a and by that of b.

    Zhong et al., section 4.1, draw 100 triples and average; these are all n^3 of them. A gradient
    of zero has a cosine of 0.
    """
    n = len(embedding_a)
    a, b = (torch.arange(n).repeat_interleave(n), torch.arange(n).repeat(n))
    at_a = torch.tensor(embedding_a, dtype=torch.float64)[a].requires_grad_()
    at_b = torch.tensor(embedding_b, dtype=torch.float64)[b].requires_grad_()
    logits = respond(at_a, at_b)
    cosines = np.empty((n * n, n))
    for c in range(n):
        by_a, by_b = torch.autograd.grad(logits[:, c].sum(), (at_a, at_b), retain_graph=True)
        cosines[:, c] = torch.cosine_similarity(by_a, by_b, dim=1, eps=1e-30).numpy()
    return cosines.reshape(n, n, n)


def gradient_symmetricity(
    respond: Respond,
    embedding_a: Float[np.ndarray, "n embed"],
    embedding_b: Float[np.ndarray, "n embed"],
) -> float:
    """``gradient_cosines``, the mean over all triples: near 1 for a pizza."""
    return float(gradient_cosines(respond, embedding_a, embedding_b).mean())


def drawn_symmetricity(
    cosines: Float[np.ndarray, "a b c"], *, num_triples: int = 100, seed: int = 0
) -> float:
    """The mean over so many different triples, as Zhong et al. estimate it."""
    num_triples = require_int("num_triples", num_triples, at_least=1, at_most=cosines.size)
    drawn = np.random.default_rng(seed).choice(cosines.ravel(), num_triples, replace=False)
    return float(drawn.mean())


def right_logits(logits: Float[np.ndarray, "a b c"], unit: int = 1) -> Float[np.ndarray, "y x"]:
    """The right answer's logit, a - b = unit y (rows) and b = unit x (columns) modulo n."""
    n = len(logits)
    distance, b = unit * np.array(np.divmod(np.arange(n * n), n)) % n
    return logits[(b + distance) % n, b, (2 * b + distance) % n].reshape(n, n)


def by_distance(logits: Float[np.ndarray, "a b c"], unit: int = 1) -> Float[np.ndarray, "y e"]:
    """Logits less their mean over c, at a - b = +-unit y (rows) and c - a - b = +-unit e (columns).

    The mean over both signs and all b; y and e from 0 to n // 2.
    """
    n, half = len(logits), len(logits) // 2
    e, y, b = np.meshgrid(*(np.arange(n),) * 3, indexing="ij")
    a = (b + unit * y) % n
    means = centre(logits)[a, b, (a + b + unit * e) % n].mean(2).T
    opposite = -np.arange(n) % n
    means = (means + means[opposite]) / 2
    return (means + means[:, opposite])[: half + 1, : half + 1] / 2


def distance_irrelevance(logits: Float[np.ndarray, "a b c"]) -> float:
    """How little of what the right answers' logits depend on is a - b (Zhong et al., 4.2).

    The standard deviation of the right logits of all pairs at one distance a - b, averaged over
    distances, over that of all pairs. Near 0 where the distance alone decides how sure the network
    is, as in a pizza; near 1 where it does not matter.
    """
    n = len(logits)
    correct = correct_answers(n)[..., None]
    return irrelevance_of(np.take_along_axis(logits, correct, axis=-1)[..., 0])


def irrelevance_of(right: Float[np.ndarray, "a b"]) -> float:
    """``distance_irrelevance`` from the right answer's logit of each pair."""
    k = np.arange(len(right))
    by_distance = right[(k + k[:, None]) % len(right), k]
    spread = by_distance.std()
    return float(by_distance.std(1).mean() / spread) if spread > 0 else float("nan")


def circularity(
    embedding: Float[np.ndarray, "n embed"], *, num_components: int = NUM_COMPONENTS
) -> float:
    """Share of a principal component's variance at its strongest frequency, averaged.

    Over the first ``num_components`` components of the centred embedding (Zhong et al., appendix
    A): 1 where each is one cosine.
    """
    centred = embedding - embedding.mean(0)
    num = require_int("num_components", num_components, at_least=1, at_most=min(embedding.shape))
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    power = np.abs(dft((left[:, :num] * size[:num]).T)) ** 2
    power[:, 1 : (len(embedding) + 1) // 2] *= 2
    total = power.sum(1)
    if not (total > 0).all():
        return float("nan")
    return float((power.max(1) / total).mean())


class Formulas(NamedTuple):
    """Share of the variance of the logits over answers that each formula explains."""

    clock: float
    pizza: float


def explained_by_formulas(logits: Float[np.ndarray, "a b c"], freqs: Sequence[int]) -> Formulas:
    """How much of the logits is sum_f A_f cos(2 pi f (a + b - c) / n): the clock's formula; and how
    much is sum_f B_f |cos(pi f (a - b) / n)| cos(2 pi f (a + b - c) / n): the pizza's.

    Zhong et al., sections 2 and 3. One amplitude a frequency, by least squares.
    """
    n = len(logits)
    centred = centre(logits)
    total = float((centred**2).sum())
    k = np.arange(n)
    distance = k[:, None] - k
    clock = pizza = 0.0
    for freq in freqs:
        require_freq(freq, n)
        wave = np.cos(2 * np.pi * freq * (k[:, None, None] + k[:, None] - k) / n)
        slices = np.abs(np.cos(np.pi * freq * distance / n))[..., None] * wave
        clock += float((centred * wave).sum()) ** 2 / float((wave**2).sum())
        pizza += float((centred * slices).sum()) ** 2 / float((slices**2).sum())
    if total == 0:
        return Formulas(float("nan"), float("nan"))
    return Formulas(clock / total, pizza / total)
