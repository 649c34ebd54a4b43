"""Networks of anyone's with known numbers, odd ones among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from made_up.views import ideal_view, random_view
from modlib.config.addition import AdditionConfig
from modlib.models.foreign.load import from_arrays, from_tensors
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.mlp import initial_weights
from modlib.models.views.neuron_view import NeuronView
from modlib.models.views.pair_view import PairView
from modlib.tasks.operations import _logarithms


def network_of(view: NeuronView) -> ForeignNetwork:
    tables = (view.preact_a, view.preact_b, view.w_out, view.b_in, view.b_out)
    return from_arrays(*tables, view.skip_a, view.skip_b)


def network_of_pairs(pairs: PairView) -> ForeignNetwork:
    """A network whose neurons hear something of the pair."""
    nearest = pairs.additive()
    return ForeignNetwork(
        name="planted",
        layout="arrays",
        n=pairs.n,
        norm=None,
        attention_rate=None,
        notes=(),
        view=nearest.view,
        preact_error=nearest.preact_error,
        skip_error=nearest.skip_error,
        exact=nearest.exact,
        embedding=None,
        embedding_b=None,
        shares_embedding=False,
        respond=None,
        tables=None if nearest.exact else pairs,
    )


def sums_only(n: int, freq: int, num_neurons: int) -> PairView:
    """Neurons that hear a + b and nothing of a or of b alone; they add without fault."""
    k = np.arange(n)
    phases = n * np.arange(num_neurons) / num_neurons
    heard = (k[:, None] + k)[..., None]
    return PairView(
        n=n,
        preact=np.cos(2 * np.pi * (freq * heard - phases) / n),
        w_out=np.cos(2 * np.pi * (freq * k - phases[:, None]) / n),
        b_out=np.zeros(n),
        skip=np.zeros((n, n, n)),
    )


def untrained_weights(n: int) -> dict[str, np.ndarray]:
    return initial_weights(AdditionConfig(n=n, num_neurons=8), 0)


def scaled(size: float) -> ForeignNetwork:
    view = random_view(4, 8)
    return from_arrays(
        *(size * array for array in (view.preact_a, view.preact_b, view.w_out, view.b_in))
    )


def odd_networks() -> dict[str, ForeignNetwork]:
    dead = random_view(9, 4)
    one_cosine = ideal_view(12, {6: 3})
    return {
        **{f"untrained, n = {n}": network_of(random_view(n, 12, n)) for n in (3, 4, 7, 12, 16)},
        **{f"ours, n = {n}": from_tensors(untrained_weights(n)) for n in (3, 4, 9)},
        "one neuron": network_of(random_view(10, 1)),
        "all dead": network_of(replace(dead, b_in=dead.b_in - 100.0)),
        "no weights": network_of(replace(dead, w_out=0 * dead.w_out, b_out=0 * dead.b_out)),
        "no input": network_of(
            replace(dead, preact_a=0 * dead.preact_a, preact_b=0 * dead.preact_b)
        ),
        "n / 2 alone": network_of(one_cosine),
        "constant": network_of(replace(dead, preact_a=np.ones((9, 4)), preact_b=np.ones((9, 4)))),
        "by pairs": network_of_pairs(sums_only(8, 3, 4)),
        **{f"weights of {size:g}": scaled(size) for size in (1e-310, 1e-200, 1e-100)},
    }


def multiplying() -> NeuronView:
    """Addition modulo 30 of logarithms to a primitive root of 31; what it makes of 0 is noise."""
    adds = ideal_view(30, {2: 32, 3: 32, 7: 32, 5: 32})
    powers, _ = _logarithms(31)
    noise = random_view(31, adds.num_neurons, 5)
    parts = {name: getattr(noise, name).copy() for name in ("preact_a", "preact_b", "w_out")}
    parts["preact_a"][powers], parts["preact_b"][powers] = adds.preact_a, adds.preact_b
    parts["w_out"][:, powers], parts["w_out"][:, 0] = adds.w_out, -5.0
    none = np.zeros((31, 31))
    return replace(adds, n=31, **parts, b_out=np.zeros(31), skip_a=none, skip_b=none, factors=None)
