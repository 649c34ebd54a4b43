"""Networks written down by hand, whose every property is known: paper A, section 5.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import gcd

import numpy as np

from modlib.maths.fourier import cosine
from modlib.models.views.neuron_view import Factors, NeuronView
from modlib.models.views.pair_view import PairView


def ideal_view(
    n: int, sizes: Mapping[int, int], *, num_dead: int = 0, third: float = 0.0, gain: float = 1.0
) -> NeuronView:
    """Clusters of simple neurons with evenly spread phases: ``sizes`` of neurons by frequency.

    Neuron i of m has t_A = i n / m and t_B = 5 i n / m, so that t_B and t_A - t_B are spread as
    well, t_D = t_A + t_B. ``third``: amplitude of a component at 3f beside the one at f.
    """
    preact_a, preact_b, w_out = [], [], []
    for freq, count in sizes.items():
        for i in range(count):
            t_a, t_b = i * n / count, 5 * i * n / count
            wave_a = cosine(n, freq, t_a) + third * cosine(n, 3 * freq, t_a)
            wave_b = cosine(n, freq, t_b) + third * cosine(n, 3 * freq, t_b)
            preact_a.append(2 * wave_a)
            preact_b.append(2 * wave_b)
            w_out.append(gain * cosine(n, freq, t_a + t_b))
    for _ in range(num_dead):
        preact_a.append(np.zeros(n))
        preact_b.append(np.zeros(n))
        w_out.append(np.zeros(n))
    num_neurons = len(w_out)
    embed_a, embed_b = np.array(preact_a).T, np.array(preact_b).T
    identity = np.eye(num_neurons)
    return NeuronView.from_embeddings(
        Factors(embed_a, embed_b, identity, identity),
        b_in=np.zeros(num_neurons),
        w_out=np.array(w_out),
        b_out=np.zeros(n),
    )


def random_view(n: int, num_neurons: int, seed: int = 0) -> NeuronView:
    """A network without any structure."""
    generator = np.random.default_rng(seed)
    factors = Factors(
        *(generator.normal(size=shape) for shape in [(n, 6)] * 2 + [(6, num_neurons)] * 2)
    )
    return NeuronView.from_embeddings(
        factors,
        b_in=generator.normal(size=num_neurons),
        w_out=generator.normal(size=(num_neurons, n)),
        b_out=generator.normal(size=n),
    )


def ideal_pairs(freqs=(2, 3), copies=24, n=11) -> PairView:
    """Groups of cosine neurons with evenly spread phases, a group a frequency."""
    k = np.arange(n)
    t = np.tile(np.arange(copies) * n / copies, len(freqs))
    f = np.repeat(freqs, copies)
    waves = np.cos(2 * np.pi * f * (k[:, None] - t) / n)
    view = NeuronView(
        n=n,
        preact_a=waves,
        preact_b=waves,
        b_in=np.zeros(len(t)),
        w_out=np.cos(2 * np.pi * f * (k[:, None] - 2 * t) / n).T,
        b_out=np.zeros(n),
        skip_a=np.zeros((n, n)),
        skip_b=np.zeros((n, n)),
    )
    return PairView.of(view)


def square_wave(n, freq, shift=0.0):
    """The first terms of a square wave: crests are flat."""
    return cosine(n, freq, shift) - cosine(n, 3 * freq, 3 * shift) / 3


def with_sawtooths(view: NeuronView, freq: int) -> NeuronView:
    """The same network, whose first four neurons hear a sawtooth instead of a cosine."""
    preact_a, preact_b = view.preact_a.copy(), view.preact_b.copy()
    for neuron in range(4):
        preact_a[:, neuron] = preact_b[:, neuron] = sawtooth(view.n, freq)
    return replace(view, preact_a=preact_a, preact_b=preact_b, factors=None)


def sawtooth(n, freq):
    """A wave that falls from 1 to -1 over each of its periods."""
    k = np.arange(n)
    return 1 - 2 * (freq * k % n) / (n - gcd(freq, n))
