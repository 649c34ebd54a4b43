"""What a file leaves open: the readings that its arrays allow, and which of them is taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from modlib.config.addition import MAX_N
from modlib.errors import InputError, require_int
from modlib.models.foreign.layouts import (
    LAYOUTS,
    TRANSFORMERS,
    beside_others,
    parameters,
)
from modlib.models.foreign.refusals import refuse
from modlib.models.foreign.shapes import Axes, Tensors, misfits, sizes
from modlib.models.views.activations import Activation

FLIPPED = ("two_embedding_mlp", "one_hot_mlp", "zhong_alpha", "zhong_beta", "zhong_delta")
"""Layouts whose layers may be saved inputs first, as flax does; ``zhong_gamma`` goes with beta."""
ACTIVATION_OPEN = (*TRANSFORMERS, "one_hot_mlp")
"""Layouts whose files come with several activations; those of the others are ReLU."""


Norm = Literal["none", "layer", "rms"]


class Vocabulary(NamedTuple):
    """Which rows of an embedding are a's and b's: b's begin at ``first_b``; ``equals``: of "="."""

    n: int
    first_b: int = 0
    equals: int | None = None


class Reading(NamedTuple):
    """What the arrays may be; ``tensors`` by the layout's names, oriented as ``axes`` say.

    ``norm``, ``causal``: of several blocks (``blocks.Blocks``) alone.
    """

    layout: str
    tensors: Tensors
    axes: Axes
    vocabulary: Vocabulary
    activation: Activation = "relu"
    attention_rate: float | None = None
    flipped: bool = False
    norm: Norm = "none"
    causal: bool = True


class Found(NamedTuple):
    """The readings that arrays allow, the usual one first, and notes on what was left out."""

    readings: list[Reading]
    notes: tuple[str, ...]


def found(tensors: Tensors, layout: str | None, member: int | None, rate: float | None) -> Found:
    """The readings of a file's arrays, but for activations, which any network may have.

    Raises ``InputError`` for names of no layout and for shapes that do not fit.
    """
    for chosen, beside in beside_others(tensors):
        known, left = _known(chosen, layout), _left_note(beside)
        if known:
            break
    if not known:
        refuse(tensors, layout)
    refusals: list[Exception] = []
    readings: list[Reading] = []
    notes = left
    for name, axes, unused in known:
        own, of_many = _one_of_many({key: chosen[key] for key in axes}, axes, member)
        try:
            for oriented, flipped in _orientations(name, own, axes):
                reading = Reading(name, oriented, axes, Vocabulary(0), flipped=flipped)
                readings += _readings(reading, rate, told=layout is not None)
        except InputError as error:
            refusals.append(error)
        notes = (*left, *of_many, *_left_note(unused))
    if not readings:
        raise refusals[0]
    return Found(readings, notes)


def _known(tensors: Tensors, layout: str | None) -> list[tuple[str, Axes, list[str]]]:
    """Layouts that the names allow, those whose shapes fit best first; ties are all tried."""
    if layout is not None:
        ways = (
            [tensors, dict(reversed([*tensors.items()]))] if layout == "one_hot_mlp" else [tensors]
        )
        named = [(layout, parameters(layout, way, told=True)) for way in ways]
    else:
        named = [(name, parameters(name, tensors)) for name in LAYOUTS if name != "zhong_gamma"]
    fitting = [(name, *found) for name, found in named if found is not None]
    unique = [one for i, one in enumerate(fitting) if one not in fitting[:i]]
    faults = [_num_faults(name, tensors, axes) for name, axes, _ in unique]
    return [one for one, count in zip(unique, faults, strict=True) if count == min(faults)]


def _num_faults(layout: str, tensors: Tensors, axes: Axes) -> int:
    """Shapes that do not fit, either way round; of stacked networks, of one of them."""
    one = {name: tensors[name] for name in axes}
    if all(array.ndim == len(axes[name].split()) + 1 and len(array) for name, array in one.items()):
        one = {name: array[0] for name, array in one.items()}
    return min(len(misfits(axes, way)) for way, _ in _ways(layout, one))


def _ways(layout: str, tensors: Tensors) -> Iterator[tuple[Tensors, bool]]:
    """The arrays as they are, and with all layers but embeddings turned, as flax saves them."""
    yield tensors, False
    if layout in FLIPPED:
        yield (
            {
                name: array.T
                if array.ndim == 2 and "embed_" not in name and name != "embed.weight"
                else array
                for name, array in tensors.items()
            },
            True,
        )


def _orientations(layout: str, tensors: Tensors, axes: Axes) -> list[tuple[Tensors, bool]]:
    """The ways round that fit; raises ``InputError`` that names two tensors where none does."""
    ways = [*_ways(layout, tensors)]
    faults = [misfits(axes, way) for way, _ in ways]
    if all(faults):
        raise faults[0][0]
    return [way for way, wrong in zip(ways, faults, strict=True) if not wrong]


def _readings(reading: Reading, rate: float | None, told: bool) -> Iterator[Reading]:
    """The rates and vocabularies that its shapes allow, and whether a bias is added twice."""
    layout = reading.layout
    rates = (0.0, 1.0) if layout == "zhong_transformer" and rate is None else (rate,)
    layouts = ("zhong_beta", "zhong_gamma") if layout == "zhong_beta" and not told else (layout,)
    for vocabulary in vocabularies(reading.axes, reading.tensors):
        for name in layouts:
            for one in rates:
                yield reading._replace(layout=name, vocabulary=vocabulary, attention_rate=one)


def vocabularies(axes: Axes, tensors: Tensors) -> list[Vocabulary]:
    """What the rows of the embedding may stand for: both inputs share tokens, or each has its own.

    With three places or more the last token is "=". There may be as many answers as tokens, of
    which the first n count. Raises ``InputError`` where neither fits and for bad n.
    """
    known = sizes(axes, tensors)
    if "token" not in known:
        return [Vocabulary(_require_modulus(known["n"]))]
    tokens, out = known["token"], known["out"]
    places = max(
        (tensors[name].shape[axes[name].split().index(axis)] for name, axis in _places(axes)),
        default=2,
    )
    ways = [Vocabulary(out)] if out in (tokens, tokens - 1) else []
    numbers = tokens
    if places > 2:
        numbers, equals = tokens - 1, tokens - 1
        ways = [Vocabulary(numbers, 0, equals)] if out in (numbers, tokens) else []
    if numbers % 2 == 0 and out in (numbers // 2, numbers, tokens):
        n = numbers // 2
        ways.append(Vocabulary(n, n, tokens - 1 if places > 2 else None))
    ways = [way for way in ways if way.n >= 3] or ways
    if not ways:
        name, other = (
            next(k for k, v in axes.items() if axis in v.split()) for axis in ("out", "token")
        )
        rule = f"have an answer a number that fit {other} of shape {tensors[other].shape}"
        raise InputError(name, rule, tensors[name].shape)
    for way in ways[:1]:
        _require_modulus(way.n)
    return ways


def _places(axes: Axes) -> list[tuple[str, str]]:
    """The array of positions, and its axis of places."""
    name = "pos_embed.W_pos"
    return [(name, axis) for axis in axes.get(name, "").split() if axis != "embed"]


def _require_modulus(n: int) -> int:
    return require_int("n", n, at_least=3, at_most=MAX_N)


def _one_of_many(
    tensors: Tensors, axes: Axes, member: int | None
) -> tuple[Tensors, tuple[str, ...]]:
    """The arrays of one network where each array holds many, stacked along its first axis."""
    count = _num_stacked(tensors, axes)
    if count is None:
        if member is not None:
            raise InputError("member", "be left out for a file that holds one network", member)
        return tensors, ()
    if member is None:
        rule = f"say which of the file's networks it is (PATH:INDEX), from 0 to {count - 1}"
        raise InputError("member", rule, member)
    require_int("member", member, at_least=0, at_most=count - 1)
    note = f"Network {member} of the {count} in the file, counted from 0."
    return {name: array[member] for name, array in tensors.items()}, (note,)


def _num_stacked(tensors: Tensors, axes: Axes) -> int | None:
    """How many networks each array holds along its first axis; None for a network alone."""
    deeper = all(
        array.ndim == len(axes[name].split()) + 1 and len(array) for name, array in tensors.items()
    )
    counts = {array.shape[:1] for array in tensors.values()}
    return int(next(iter(counts))[0]) if deeper and len(counts) == 1 else None


def num_stacked(tensors: Tensors) -> int | None:
    """How many networks of a known layout a file's arrays hold, stacked; None for other files."""
    for chosen, _ in beside_others(tensors):
        for _, axes, _ in _known(chosen, None):
            count = _num_stacked({name: chosen[name] for name in axes}, axes)
            if count is not None:
                return count
    return None


def _left_note(left: Sequence[str]) -> tuple[str, ...]:
    if not left:
        return ()
    shown = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
    return (f"Left out, as no layout uses it: {shown}.",)
