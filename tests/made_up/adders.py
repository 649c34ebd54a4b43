"""Transformers whose neurons are planted: attention that copies digits, waves of one character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from modlib.config.remainders import RemaindersConfig
from modlib.models.transformer import parameter_shapes
from modlib.models.views.transformer_view import TransformerView

SHARP = 2000.0
"""Score of the place that a head looks at: all of its attention, in float64."""


def digit_network(
    heard_0: np.ndarray,
    heard_1: np.ndarray,
    says: np.ndarray,
    p: int = 11,
    direct: np.ndarray | None = None,
    **changes: object,
) -> TransformerView:
    """Neurons that hear a table of each digit, (p, neuron), and say (neuron, logit).

    One head copies x0, the other x1. ``direct`` (p, logit): what x0 adds to the logits past the
    neurons.
    """
    num_logits = says.shape[1]
    embed = 2 * (2 * p + num_logits + 4)
    config = RemaindersConfig(**{"p": p, "embed_dim": embed, "heads": 2} | changes)
    weights = {name: np.zeros(shape) for name, shape in parameter_shapes(config).items()}
    token, place, out = np.arange(p), 2 * p, 2 * p + 3
    weights["tok"][token, token] = 1
    weights["pos"][np.arange(3), place + np.arange(3)] = 1
    for head in (0, 1):
        weights["q"][head, place + 2, 0] = SHARP
        weights["k"][head, place + head, 0] = 1
        weights["v"][head, token, token] = 1
        weights["o"][head, token, head * p + token] = 1
        weights["w_in"][head * p + token, : heard_0.shape[1]] = (heard_0, heard_1)[head]
    weights["w_out"][: len(says), out : out + num_logits] = says
    weights["unembed"][out : out + num_logits] = np.eye(num_logits)
    if direct is not None:
        weights["unembed"][token] = direct
    return TransformerView(config=config, weights=weights)


def adders_network(
    clusters: Mapping[int, Sequence[int]],
    size: int = 7,
    p: int = 11,
    phase_error: float = 0.0,
    **changes: object,
) -> TransformerView:
    """Paper A's network for each task q, with clusters at these k of ``size`` neurons each.

    Phases are spread as in ``made_up.views``, evenly for a ``size`` prime to 6; the output's phase
    is their sum less ``phase_error``.
    """
    low_first = changes.get("digits", "low_first") == "low_first"
    high, qs = p, [q for q in range(2, p) if all(q % d for d in range(2, q))]
    starts = np.concatenate([[0], np.cumsum(qs)])
    digit = np.arange(p)
    columns = []
    for q, waves in clusters.items():
        for k in waves:
            for member in range(size):
                first, total = member / size, 6 * member / size
                if q == 2:  # a wave of +-1 has no other phase than 0 and 1/2
                    first, total = member % 2 / 2, 2 * member // size / 2
                low, up = (
                    np.cos(2 * np.pi * (k * step * digit / q - t))
                    for step, t in ((1, first), (high, total - first))
                )
                says = np.zeros(starts[-1])
                at = qs.index(q)
                angle = k * np.arange(q) / q - total + phase_error
                says[starts[at] : starts[at + 1]] = np.cos(2 * np.pi * angle)
                columns.append((low, up, says) if low_first else (up, low, says))
    heard_0, heard_1, says = (np.stack(part) for part in zip(*columns, strict=True))
    return digit_network(heard_0.T, heard_1.T, says, p, **changes)
