"""One cluster is told a + s in place of a: which answers come out, foretold and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from modlib.maths.fourier import cosine
from modlib.models.views.neuron_view import NeuronView, correct_answers

MAX_SHIFTS = 96
"""Shifts that are tried: all of a modulus up to so many, else as many spread evenly."""


def shifts_tried(n: int) -> Int[np.ndarray, " shift"]:
    """The shifts s, all but 0."""
    return np.unique(np.linspace(1, n - 1, min(n - 1, MAX_SHIFTS)).astype(int))


class Foretold(NamedTuple):
    """``answer``: the d of the answer a + b + d; ``lead``: by how many logits it comes first."""

    answer: Int[np.ndarray, "cluster shift"]
    lead: Float[np.ndarray, "cluster shift"]


def foretell(
    n: int,
    freqs: Sequence[int],
    amplitudes: Sequence[float],
    shifts: Int[np.ndarray, " shift"],
) -> Foretold:
    """Where sum_l A_l cos(2 pi f_l d / n) is largest with one cluster's d moved by s.

    From frequencies and amplitudes alone: every neuron of the cluster hears a + s, so that all its
    phases t_A move by f s and its vote points at a + b + s.
    """
    waves = [a * cosine(n, freq) for freq, a in zip(freqs, amplitudes, strict=True)]
    total = np.sum(waves, axis=0) if waves else np.zeros(n)
    moved = [[total - wave + np.roll(wave, s) for s in shifts] for wave in waves]
    heights = np.array(moved).reshape(len(waves), len(shifts), n)
    order = np.sort(heights, axis=-1)
    return Foretold(heights.argmax(-1), order[..., -1] - order[..., -2])


def answers_when_told(
    view: NeuronView,
    groups: Sequence[Int[np.ndarray, " member"]],
    shifts: Int[np.ndarray, " shift"],
) -> Float[np.ndarray, "group shift d"]:
    """Share of all pairs whose answer is a + b + d when a group of neurons hears a + s."""
    n = view.n
    logits, right = view.logits(), correct_answers(n)
    shares = np.zeros((len(groups), len(shifts), n))
    for i, group in enumerate(groups):
        said = view.contribution(group)
        rest = logits - said
        for j, s in enumerate(shifts):
            answer = (rest + np.roll(said, -s, axis=0)).argmax(-1)
            shares[i, j] = np.bincount(((answer - right) % n).ravel(), minlength=n) / n**2
    return shares


def as_foretold(
    foretold: Foretold, shares: Float[np.ndarray, "cluster shift d"]
) -> Float[np.ndarray, "cluster shift"]:
    """Share of all pairs that get the answer foretold."""
    return np.take_along_axis(shares, foretold.answer[..., None], axis=-1)[..., 0]
