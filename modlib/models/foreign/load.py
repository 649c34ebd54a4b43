"""Other people's networks: read from a file, recognised by names and shapes."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from modlib.errors import InputError, require_choice, require_float, require_int
from modlib.models.foreign.files import read_tensors
from modlib.models.foreign.layouts import (
    LAYOUTS,
    Reading,
    Tensors,
    listed,
    parameters,
    plain_names,
    readings,
    recognise,
    require_modulus,
)
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.foreign.published import PUBLISHED, published_path
from modlib.models.foreign.tables import Tables, build
from modlib.models.views.pair_view import Additive, PairView

MAX_WEIGHT = 1e15
"""Largest weight: what the analyses multiply and square then stays far inside of float64."""


def load_checkpoint(
    source: str | Path,
    *,
    layout: str | None = None,
    attention_rate: float | None = None,
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
    try:
        return from_tensors(
            read_tensors(path),
            layout=layout,
            attention_rate=attention_rate,
            member=member,
            name=name,
        )
    except InputError as error:
        argument, rule, value = error.args
        raise InputError(f"{_printable(str(source))}: {argument}", rule, value) from None


def source_file(source: str | Path, member: int | None = None) -> tuple[Path, int | None]:
    """The file of a source, and which of its networks: ``PATH:INDEX`` unless ``member`` is given.

    A file that is itself called so goes first. Published weights are fetched where they must be.
    """
    if str(source) in PUBLISHED:
        return published_path(str(source)), member
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
    member: int | None = None,
    name: str = "tensors",
) -> ForeignNetwork:
    """The network of these parameters; what the file does not say is guessed and noted.

    ``layout`` None: recognised. ``attention_rate`` None, for ``zhong_transformer``: 0 or 1,
    whichever answers more pairs right, of equals that of lower loss. ``member``: which network,
    where each array holds many along its first axis. Raises ``InputError`` for names and shapes
    that do not fit, for numbers that are no floats, not finite or above ``MAX_WEIGHT``, and for n
    below 3 or above ``config.addition.MAX_N``.
    """
    told = layout is not None
    if layout is not None:
        require_choice("layout", layout, LAYOUTS)
    tensors = plain_names(tensors)
    layout = layout or recognise(tensors)
    if attention_rate is not None:
        attention_rate = require_float("attention_rate", attention_rate, at_least=0.0, at_most=1.0)
        if layout != "zhong_transformer":
            raise InputError("attention_rate", f"be left out for layout {layout}", attention_rate)
    axes = parameters(layout, tensors, told=told)
    if axes is None:
        raise InputError("tensors", f"have the names of layout {layout}", listed(tensors))
    tensors, notes = _one_of_many({name: tensors[name] for name in axes}, axes, member)
    unsaid, possible = readings(Reading(layout, attention_rate, axes), tensors, told)
    for reading in possible.values():
        require_modulus(reading.axes, tensors)
    weights = {name: _checked(name, array) for name, array in tensors.items()}
    built = {
        called: build(reading.layout, weights, reading.axes, reading.attention_rate)
        for called, reading in possible.items()
    }
    called, *guessed = _best(built, unsaid)
    tables, (layout, rate, _) = built[called], possible[called]
    norm = math.sqrt(sum(float((array**2).sum()) for array in weights.values()))
    return _network(
        tables,
        name,
        layout=layout,
        norm=None if layout == "arrays" else norm,
        attention_rate=rate,
        notes=(*notes, *guessed, *tables.notes),
    )


def _one_of_many(
    tensors: Tensors, axes: Mapping[str, str], member: int | None
) -> tuple[Tensors, tuple[str, ...]]:
    """The arrays of one network where each array holds many, stacked along its first axis."""
    counts = {array.shape[:1] for array in tensors.values()}
    deeper = all(
        array.ndim == len(axes[name].split()) + 1 and len(array) for name, array in tensors.items()
    )
    if not deeper or len(counts) != 1:
        if member is not None:
            raise InputError("member", "be left out for a file that holds one network", member)
        return tensors, ()
    ((count,),) = counts
    if member is None:
        rule = f"say which of the file's networks it is (PATH:INDEX), from 0 to {count - 1}"
        raise InputError("member", rule, member)
    require_int("member", member, at_least=0, at_most=count - 1)
    note = f"Network {member} of the {count} in the file, counted from 0."
    return {name: array[member] for name, array in tensors.items()}, (note,)


def _checked(name: str, array: np.ndarray) -> Float[np.ndarray, ...]:
    """The array in float64; raises ``InputError`` unless it holds floats to ``MAX_WEIGHT``."""
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(name, "hold floating-point numbers", str(array.dtype))
    if not np.isfinite(array).all():
        raise InputError(name, "hold finite numbers only", "NaN or infinity")
    largest = max(array.max(), -array.min())
    if largest > MAX_WEIGHT:
        raise InputError(name, f"hold numbers of at most {MAX_WEIGHT:g}", f"{largest:g}")
    return np.asarray(array, dtype=np.float64)


def _best(built: Mapping[str, Tables], unsaid: str) -> tuple[str] | tuple[str, str]:
    """What answers most pairs right (of equals, the lower loss), and a note on what is unsaid.

    A single reading is no guess: no note.
    """
    if len(built) == 1:
        return (next(iter(built)),)
    scores = {called: tables.network.evaluate() for called, tables in built.items()}
    best = max(scores, key=lambda called: (scores[called].accuracy, -scores[called].loss))
    answers = ", ".join(
        f"{called} answers {score.accuracy:.2%} of the pairs (loss {score.loss:.2g})"
        for called, score in scores.items()
    )
    return best, f"The file does not say {unsaid}: {answers}; {best} is taken."


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
