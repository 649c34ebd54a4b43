"""Breaking a cluster on purpose, beside as many neurons drawn at random.

Paper A, section 6 and appendix B.4; figures A26 and A27.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.view import NeuronView
from modlib.errors import require_float

SIGMAS = (0.0, 0.1, 0.225, 0.4, 0.6, 0.8, 1.0)
FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)


def add_noise(
    view: NeuronView,
    neurons: Int[np.ndarray, " member"],
    sigma: float,
    generator: np.random.Generator,
) -> NeuronView:
    """Multiply every weight attached to these neurons by exp(s), s ~ N(0, sigma^2).

    The weights are the neurons' input weights, biases and output weights; where the view knows
    no input weights (``factors`` is None), the preactivation tables take their place.
    """
    sigma = require_float("sigma", sigma, at_least=0.0)

    def noisy(weights: Float[np.ndarray, ...], columns: bool) -> Float[np.ndarray, ...]:
        changed = weights.copy()
        chosen = (..., neurons) if columns else (neurons,)
        part = changed[chosen]
        changed[chosen] = part * np.exp(sigma * generator.standard_normal(part.shape))
        return changed

    factors = view.factors
    if factors is None:
        preact_a, preact_b = noisy(view.preact_a, True), noisy(view.preact_b, True)
    else:
        factors = factors._replace(w_a=noisy(factors.w_a, True), w_b=noisy(factors.w_b, True))
        preact_a, preact_b = factors.embed_a @ factors.w_a, factors.embed_b @ factors.w_b
    return replace(
        view,
        preact_a=preact_a,
        preact_b=preact_b,
        b_in=noisy(view.b_in, True),
        w_out=noisy(view.w_out, False),
        factors=factors,
    )


def random_neurons(
    live: Bool[np.ndarray, " neuron"], count: int, generator: np.random.Generator
) -> Int[np.ndarray, " member"]:
    """``count`` live neurons drawn without replacement, whatever their cluster: the control."""
    return np.sort(generator.choice(np.flatnonzero(live), size=count, replace=False))


def noise_curve(
    view: NeuronView,
    neurons: Int[np.ndarray, " member"],
    *,
    sigmas: Sequence[float] = SIGMAS,
    num_draws: int = 4,
    seed: int = 0,
    control: Bool[np.ndarray, " neuron"] | None = None,
) -> pd.DataFrame:
    """Accuracy and loss over all pairs against sigma: columns sigma, draw, accuracy, loss.

    With ``control`` (which neurons are live) each draw takes as many of those at random instead.
    """
    rows = []
    for draw in range(num_draws):
        generator = np.random.default_rng([seed, draw])
        chosen = neurons if control is None else random_neurons(control, len(neurons), generator)
        for sigma in sigmas:
            scores = add_noise(view, chosen, sigma, generator).evaluate()
            rows.append((sigma, draw, scores.accuracy, scores.loss))
    return pd.DataFrame(rows, columns=["sigma", "draw", "accuracy", "loss"])


def removal_curve(
    view: NeuronView,
    neurons: Int[np.ndarray, " member"],
    *,
    fractions: Sequence[float] = FRACTIONS,
    num_draws: int = 4,
    seed: int = 0,
    control: Bool[np.ndarray, " neuron"] | None = None,
) -> pd.DataFrame:
    """Accuracy and loss against the share of these neurons removed, drawn at random.

    Columns fraction, draw, accuracy, loss; within a draw larger shares contain smaller ones.
    With ``control`` each draw takes as many live neurons at random instead of the cluster.
    """
    rows = []
    for draw in range(num_draws):
        generator = np.random.default_rng([seed, draw])
        chosen = neurons if control is None else random_neurons(control, len(neurons), generator)
        order = generator.permutation(chosen)
        for fraction in fractions:
            removed = order[: round(fraction * len(order))]
            scores = view.without(removed).evaluate()
            rows.append((fraction, draw, scores.accuracy, scores.loss))
    return pd.DataFrame(rows, columns=["fraction", "draw", "accuracy", "loss"])
