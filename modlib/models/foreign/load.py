"""Other people's networks: read from a file, recognised by names and shapes."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from modlib.errors import InputError, StoreError, require_choice, require_float
from modlib.models.foreign.blocks import Blocks, block_readings
from modlib.models.foreign.choose import choose
from modlib.models.foreign.files import read_tensors
from modlib.models.foreign.layouts import LAYOUTS
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.foreign.published import PUBLISHED, published_path
from modlib.models.foreign.readings import ACTIVATION_OPEN, Reading, found, num_stacked
from modlib.models.foreign.shapes import Tensors
from modlib.models.foreign.tables import build
from modlib.models.foreign.views_of import Tables
from modlib.models.views.activations import ACTIVATIONS
from modlib.models.views.pair_view import Additive, PairView

MAX_WEIGHT = 1e15
"""Largest weight: what the analyses multiply and square then stays far inside of float64."""


def load_checkpoint(
    source: str | Path,
    *,
    layout: str | None = None,
    attention_rate: float | None = None,
    activation: str | None = None,
    member: int | None = None,
) -> ForeignNetwork:
    """The network in a file, or of a name in ``PUBLISHED``.

    ``PATH:INDEX``, or ``member``, is one network, counted from 0, of a file that holds many: the
    weights that a sweep keeps. Raises ``StoreError`` for what cannot be read, ``InputError`` as
    ``from_tensors`` does, after the source's name.
    """
    path, member = source_file(source, member)
    published, name = PUBLISHED.get(str(source)), str(source)
    if published is None:
        name = _printable(path.name if member is None else f"{path.name}:{member}")
    elif layout in (None, published.layout):
        layout = published.layout
        attention_rate = published.attention_rate if attention_rate is None else attention_rate
        activation = activation or "relu"
    try:
        arrays, count = read_tensors(path, member)
        network = from_tensors(
            arrays,
            layout=layout,
            attention_rate=attention_rate,
            activation=activation,
            member=member if count is None else None,
            name=name,
        )
        one = f"Network {member} of the {count} in the file, counted from 0."
        return network if count is None else replace(network, notes=(one, *network.notes))
    except InputError as error:
        argument, rule, value = error.args
        raise InputError(f"{_printable(str(source))}: {argument}", rule, value) from None


def load_blocks(
    source: str | Path, *, activation: str | None = None, member: int | None = None
) -> Blocks | None:
    """A transformer of several blocks, or with LayerNorm, as functions; None for other files.

    ``activation`` None: tried, as are the other things that the file does not say (``choose``).
    Raises as ``load_checkpoint``.
    """
    if not isinstance(source, str | Path) or str(source) in PUBLISHED:
        return None
    if activation is not None:
        require_choice("activation", activation, (*ACTIVATIONS, "auto"))
    path, member = source_file(source, member)
    arrays, count = read_tensors(path, member)
    try:
        readings = block_readings(arrays)
        if not readings:
            return None
        tried = _with_activations(readings, activation or "auto")
        _, blocks, notes = choose(tried, Blocks)
    except InputError as error:
        argument, rule, value = error.args
        raise InputError(f"{_printable(str(source))}: {argument}", rule, value) from None
    one = () if count is None else (f"Network {member} of the {count} in the file, from 0.",)
    name = _printable(path.name if member is None else f"{path.name}:{member}")
    return replace(blocks, name=name, notes=(*one, *notes))


def num_networks(source: str | Path) -> int:
    """How many checkpoints a file holds; raises ``InputError`` where there are no several."""
    path, _ = source_file(source)
    arrays, count = read_tensors(path, 0)
    count = num_stacked(arrays) if count is None else count
    if count is None:
        raise InputError("every", "be left out for a file that holds one network", source)
    return count


def source_file(source: str | Path, member: int | None = None) -> tuple[Path, int | None]:
    """The file of a source, and which of its networks: ``PATH:INDEX`` unless ``member`` is given.

    A file that is itself called so goes first. Published weights are fetched where they must be.
    """
    if not isinstance(source, str | Path):
        raise InputError("source", "be a file's path or the name of published weights", source)
    if str(source) in PUBLISHED:
        return published_path(str(source)), member
    if "://" in str(source) and not os.path.lexists(source):
        raise StoreError(f"{_printable(str(source))} is an address: download the file and name it")
    path = Path(os.path.expanduser(source))
    numbered = re.fullmatch(r"(.+):(\d{1,9})", str(path), re.ASCII | re.DOTALL)
    if numbered and member is None and not os.path.lexists(path):
        return Path(numbered[1]), int(numbered[2])
    return path, member


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def from_arrays(
    preact_a: Float[np.ndarray, "n neuron"],
    preact_b: Float[np.ndarray, "n neuron"],
    w_out: Float[np.ndarray, "neuron n"],
    b_in: Float[np.ndarray, " neuron"] | None = None,
    b_out: Float[np.ndarray, " n"] | None = None,
    skip_a: Float[np.ndarray, "n n"] | None = None,
    skip_b: Float[np.ndarray, "n n"] | None = None,
) -> ForeignNetwork:
    """The network of these tables, in the notation of ``NeuronView``; None: zeros."""
    given = {
        **{"preact_a": preact_a, "preact_b": preact_b, "w_out": w_out},
        **{"b_in": b_in, "b_out": b_out, "skip_a": skip_a, "skip_b": skip_b},
    }
    tensors = {name: np.asarray(array) for name, array in given.items() if array is not None}
    return from_tensors(tensors, layout="arrays", name="arrays")


def from_tensors(
    tensors: Tensors,
    *,
    layout: str | None = None,
    attention_rate: float | None = None,
    activation: str | None = None,
    member: int | None = None,
    name: str = "tensors",
) -> ForeignNetwork:
    """The network of these parameters; what the file does not say is tried and noted.

    ``layout`` None: recognised. ``attention_rate`` None, for ``zhong_transformer``: 0 or 1.
    ``activation`` None: tried for transformers and networks on one-hot inputs, else ReLU;
    ``auto``: tried. What is tried is decided by ``choose``. ``member``: which network, where each
    array holds many along its first axis. Raises ``InputError`` for names and shapes that do not
    fit, for numbers that are no floats, not finite or above ``MAX_WEIGHT``, and for n below 3 or
    above ``config.addition.MAX_N``.
    """
    if layout is not None:
        require_choice("layout", layout, LAYOUTS)
    if activation is not None:
        require_choice("activation", activation, (*ACTIVATIONS, "auto"))
    rate = attention_rate
    if rate is not None:
        rate = require_float("attention_rate", rate, at_least=0.0, at_most=1.0)
    allowed = found(tensors, layout, member, rate)
    usual = allowed.readings[0].layout
    if rate is not None and usual != "zhong_transformer":
        raise InputError("attention_rate", f"be left out for layout {usual}", rate)
    tried = _with_activations(allowed.readings, activation)
    reading, tables, guessed = choose(tried, build)
    norm = math.sqrt(sum(float((array**2).sum()) for array in reading.tensors.values()))
    flax = ("Its layers are inputs first, as flax saves them.",) if reading.flipped else ()
    return _network(
        tables,
        name,
        layout=reading.layout,
        norm=None if reading.layout == "arrays" else norm,
        attention_rate=reading.attention_rate,
        notes=(*allowed.notes, *flax, *guessed, *tables.notes),
    )


def _with_activations(readings: Sequence[Reading], activation: str | None) -> list[Reading]:
    """The readings, their numbers checked, with each activation that is tried; ReLU first."""
    checked = [
        reading._replace(
            tensors={name: _checked(name, array) for name, array in reading.tensors.items()}
        )
        for reading in readings
    ]
    if activation is None:
        activation = "auto" if readings[0].layout in ACTIVATION_OPEN else "relu"
    kinds = ACTIVATIONS if activation == "auto" else [a for a in ACTIVATIONS if a == activation]
    return [reading._replace(activation=kind) for kind in kinds for reading in checked]


def _checked(name: str, array: np.ndarray) -> Float[np.ndarray, ...]:
    """The array in float64; raises ``InputError`` unless it holds floats to ``MAX_WEIGHT``."""
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(name, "hold floating-point numbers", str(array.dtype))
    if not np.isfinite(array).all():
        raise InputError(name, "hold finite numbers only", "NaN or infinity")
    largest = max(float(array.max()), -float(array.min()))
    if largest > MAX_WEIGHT:
        raise InputError(name, f"hold numbers of at most {MAX_WEIGHT:g}", f"{largest:g}")
    return np.asarray(array, dtype=np.float64)


def _network(
    tables: Tables,
    name: str,
    *,
    layout: str,
    norm: float | None,
    attention_rate: float | None,
    notes: tuple[str, ...],
) -> ForeignNetwork:
    """The network of these tables, with the nearest additive view where it has none."""
    network, pairs = tables.network, None
    if isinstance(network, PairView):
        nearest, pairs = network.additive(), network
    else:
        nearest = Additive(network, 0.0, 0.0)
    if not nearest.exact:
        preact, direct = (
            f"{100 * error:.1f} %" for error in (nearest.preact_error, nearest.skip_error)
        )
        notes += (
            "The preactivations are no sums of a part of a and a part of b: the view is the "
            f"nearest such sum, which misses {preact} of their variance and {direct} of that of "
            "the direct path.",
        )
    return ForeignNetwork(
        name=name,
        layout=layout,
        n=nearest.view.n,
        norm=norm,
        attention_rate=attention_rate,
        notes=notes,
        view=nearest.view,
        preact_error=nearest.preact_error,
        skip_error=nearest.skip_error,
        exact=nearest.exact,
        embedding=tables.embedding,
        embedding_b=tables.embedding_b,
        shares_embedding=tables.embedding is not None and tables.embedding_b is tables.embedding,
        respond=tables.respond,
        tables=None if nearest.exact else pairs,
    )
