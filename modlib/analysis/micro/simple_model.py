"""The network that paper A's theory speaks of: every neuron replaced by a simple one.

Appendix A.1: "we can replace N with a simple neuron without drastically changing the network".
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Complex, Float, Int

from modlib.analysis.micro.neurons import is_live
from modlib.maths.fourier import dft
from modlib.models.views.neuron_view import NeuronView


def _wave(
    n: int, freq: Int[np.ndarray, " neuron"], vector: Complex[np.ndarray, " neuron"]
) -> Float[np.ndarray, "neuron n"]:
    """The signals whose component at +-freq is ``vector``, r exp(-2 pi i t / n)."""
    terms = np.where(2 * freq == n, 1.0, 2.0)
    turns = np.exp(2j * np.pi * (freq[:, None] * np.arange(n) % n) / n)
    return terms[:, None] * (vector[:, None] * turns).real


def simple_model(view: NeuronView, table: pd.DataFrame, *, second: bool = False) -> NeuronView:
    """The network with every live neuron replaced by the simple neuron nearest to it.

    A neuron of dominant frequency f (``table``: see ``neuron_table``) becomes 2 r cos(2 pi
    (f k - t_A) / n) and 2 r cos(2 pi (f k - t_B) / n) of both inputs and 2 r_D cos(2 pi
    (f c - t_A - t_B) / n) of the answer, r = sqrt(r_A r_B): one gain and one phase an input; no
    mean, no bias, whatever its class and cluster. At f = n/2 a cosine is r (-1)^k, and signs stand
    for phases. Dead neurons, the output's bias and skip paths stay as they are.

    ``second``: the answer's component at 2f is given back as it was, where 2f is neither 0 nor
    +-f modulo n.
    """
    n = view.n
    live = np.flatnonzero(is_live(table))
    kept = table.iloc[live]
    freq, row = kept.freq.to_numpy(), np.arange(len(live))
    out = dft(view.w_out[live])
    toward_a, toward_b = (
        np.exp(1j * np.angle(dft(preact.T[live])[row, freq]))
        for preact in (view.preact_a, view.preact_b)
    )
    gain = np.sqrt(kept.r_a * kept.r_b).to_numpy()
    preact_a, preact_b, b_in, w_out = (
        array.copy() for array in (view.preact_a, view.preact_b, view.b_in, view.w_out)
    )
    preact_a[:, live] = _wave(n, freq, gain * toward_a).T
    preact_b[:, live] = _wave(n, freq, gain * toward_b).T
    b_in[live] = 0.0
    w_out[live] = _wave(n, freq, kept.r_d.to_numpy() * toward_a * toward_b)
    if second:
        double = np.minimum(2 * freq % n, -2 * freq % n)
        told = (double != 0) & (double != freq)
        w_out[live] += _wave(n, double, told * out[row, double] / n)
    return replace(view, preact_a=preact_a, preact_b=preact_b, b_in=b_in, w_out=w_out, factors=None)


def cosine_neurons(view: NeuronView, table: pd.DataFrame) -> NeuronView:
    """The network with every live neuron replaced by its own three cosines at its frequency.

    Looser than ``simple_model``: radii and phases of both inputs and of the output stay as they
    are. No mean, no bias; dead neurons, the output's bias and skip paths stay as they are.
    """
    n, live = view.n, np.flatnonzero(is_live(table))
    freq, row = table.freq.to_numpy()[live], np.arange(len(live))

    def own(signals: Float[np.ndarray, "neuron n"]) -> Float[np.ndarray, "neuron n"]:
        return _wave(n, freq, dft(signals)[row, freq] / n)

    preact_a, preact_b, b_in, w_out = (
        array.copy() for array in (view.preact_a, view.preact_b, view.b_in, view.w_out)
    )
    preact_a[:, live], preact_b[:, live] = (
        own(preact[:, live].T).T for preact in (preact_a, preact_b)
    )
    w_out[live], b_in[live] = own(w_out[live]), 0.0
    return replace(view, preact_a=preact_a, preact_b=preact_b, b_in=b_in, w_out=w_out, factors=None)


def neurons_of_table(n: int, neurons: pd.DataFrame) -> NeuronView:
    """The network of neurons that are told by one cosine a signal, and nothing else.

    ``neurons``: a row a neuron with ``freq``, radii ``r_a``, ``r_b``, ``r_d`` and phases ``t_a``,
    ``t_b``, ``t_d``. At f = n/2, where no phase is told, every sign is a plus.
    """
    freq = neurons.freq.to_numpy(dtype=int)

    def signals(side: str) -> Float[np.ndarray, "neuron n"]:
        phase = neurons[f"t_{side}"].fillna(0.0).to_numpy(dtype=float)
        radius = neurons[f"r_{side}"].to_numpy(dtype=float)
        return _wave(n, freq, radius * np.exp(-2j * np.pi * phase / n))

    return NeuronView(
        n=n,
        preact_a=signals("a").T,
        preact_b=signals("b").T,
        b_in=np.zeros(len(freq)),
        w_out=signals("d"),
        b_out=np.zeros(n),
        skip_a=np.zeros((n, n)),
        skip_b=np.zeros((n, n)),
    )
