"""Which reading of a file is taken: the one whose answers solve a task, beyond chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from modlib.config.thresholds import DEFAULT
from modlib.models.foreign.readings import Reading
from modlib.models.views.neuron_view import row_blocks
from modlib.progress import Bar
from modlib.tasks.operations import guess

MAX_TRIED = 512
"""Largest n for which readings are compared."""
MAX_ALL = 128
"""Largest n for which all are; beyond, the first one that solves its task is taken."""
DEVIATIONS = 4.0
"""Standard deviations, of pairs that one reading has right and the other wrong, that decide."""
LOWER_LOSS = 0.5
"""Share of another's loss under which, of two readings that solve a task, one is taken."""
MAX_TOLD = 4
MAX_HELD = 2**20
"""Numbers held of what a network says."""


class Tried(NamedTuple):
    """A reading and what it answers: ``right``: pairs of its ``task``, (a, b)."""

    reading: Reading
    task: str
    right: Bool[np.ndarray, "a b"]
    accuracy: float
    loss: float
    holds: bool
    fitted: bool


class Answering(Protocol):
    """A network that can be asked all pairs."""

    @property
    def n(self) -> int:
        """Modulus."""
        ...

    @property
    def num_neurons(self) -> int:
        """Number of hidden neurons."""
        ...

    def logits(self, rows: slice) -> Float[np.ndarray, "a b c"]:
        """Logits for inputs a in ``rows`` and all b."""
        ...


class Built(Protocol):
    """What a reading is built to."""

    @property
    def network(self) -> Answering:
        """What answers."""
        ...


B = TypeVar("B", bound=Built)


def choose(
    readings: Sequence[Reading], build: Callable[[Reading], B]
) -> tuple[Reading, B, tuple[str, ...]]:
    """The reading that is taken, what it is built to, and a note on what was decided by trying.

    The first reading is the usual one. Another takes its place where its answers fit a task beyond
    chance (``tasks.operations.guess``) and those of the usual one do not, or on more pairs by
    ``DEVIATIONS``, or, where both solve it, with ``LOWER_LOSS`` of the loss; of activations with
    which it is solved the first is taken, as a loss tells nothing of them, and a task with fitted
    numbers stands behind the others. Where no reading fits
    any task the usual one is taken, and the note says that nothing is decided.
    """
    small = [reading for reading in readings if reading.vocabulary.n <= MAX_TRIED]
    readings = small or readings[:1]
    if len(readings) == 1:
        return readings[0], build(readings[0]), ()
    tried: list[Tried] = []
    tables = build(readings[0])
    best = _tried(readings[0], tables.network)
    tried.append(best)
    asked = Bar(readings[1:], desc="readings", delay=1, disable=None, leave=False)
    for reading in asked:
        if (
            best.accuracy >= DEFAULT.learned_from
            and best.holds
            and best.reading.vocabulary.n > MAX_ALL
        ):
            break
        built = build(reading)
        tried.append(_tried(reading, built.network))
        if _better(tried[-1], best):
            best, tables = tried[-1], built
    return best.reading, tables, (_note(best, tried, readings),)


def _tried(reading: Reading, network: Answering) -> Tried:
    answers = np.empty((network.n, network.n), dtype=int)
    for rows in row_blocks(network.n, network.num_neurons, MAX_HELD):
        answers[rows] = network.logits(rows).argmax(-1)
    best = guess(answers)
    right = answers == best.operation.answers
    loss = _loss(network, best.operation.answers)
    task, holds, fitted = best.operation.title, best.holds, best.operation.fitted
    return Tried(reading, task, right, best.accuracy, loss, holds, fitted)


def _loss(network: Answering, answers: np.ndarray) -> float:
    """Mean cross-entropy of the pairs that are asked (answers from 0), in nats.

    Of inputs a beyond ``MAX_ALL``, of as many as that, evenly spread.
    """
    total, count = 0.0, 0
    for a in np.unique(np.linspace(0, network.n - 1, MAX_ALL).round().astype(int)).tolist():
        (logits,) = network.logits(slice(a, a + 1))
        asked = answers[a] >= 0
        shifted = (logits - logits.max(-1, keepdims=True))[asked]
        said = np.take_along_axis(shifted, answers[a][asked, None], -1)[:, 0]
        total += float((np.log(np.exp(shifted).sum(-1)) - said).sum())
        count += int(asked.sum())
    return total / count


def _better(other: Tried, best: Tried) -> bool:
    if other.holds != best.holds:
        return other.holds
    if not other.holds:
        return False
    if best.fitted and not other.fitted and other.accuracy >= best.accuracy:
        return True
    if min(other.accuracy, best.accuracy) >= DEFAULT.learned_from:
        if other.fitted:
            return False
        alike = other.reading.activation == best.reading.activation
        return alike and other.loss < LOWER_LOSS * best.loss
    if other.right.shape != best.right.shape:
        return other.accuracy > best.accuracy
    gained, lost = int((other.right & ~best.right).sum()), int((best.right & ~other.right).sum())
    return gained > lost and (gained - lost) / sqrt(gained + lost) >= DEVIATIONS


def _note(best: Tried, tried: Sequence[Tried], readings: Sequence[Reading]) -> str:
    open_ = _varied(readings)
    shown = sorted(tried, key=lambda one: (one is not best, -one.holds, -one.accuracy, one.loss))
    called = _label(best.reading, open_)
    answers = ", ".join(
        f"{_label(one.reading, open_)} answers {one.accuracy:.2%} of the pairs of {one.task} "
        f"(loss {one.loss:.2g})"
        for one in shown[:MAX_TOLD]
    )
    rest = "" if len(tried) <= MAX_TOLD else f", {len(tried) - MAX_TOLD} more do no better"
    num_left = len(readings) - len(tried)
    rest += f", {num_left} more {'was' if num_left == 1 else 'were'} not tried" if num_left else ""
    said = f"The file does not say {_listed(open_.values())}: {answers}{rest}"
    if best.holds:
        others = {one.reading.activation for one in tried if one.accuracy >= DEFAULT.learned_from}
        also = best.accuracy >= DEFAULT.learned_from and len(others) > 1
        doubt = " Answers alone do not tell the activations apart." if also else ""
        return f"{said}; {called} is taken.{doubt}"
    options = [option for name, option in OPTIONS.items() if name in open_]
    give = f": give {' or '.join(options)}" if options else ""
    return f"{said}. None fits a task beyond chance: not decided{give}. Told with {called}."


OPTIONS = {
    "attention_rate": "--attention-rate",
    "activation": "--activation",
    "layout": "--layout",
}
UNSAID = {
    "attention_rate": "the attention rate",
    "vocabulary": "whether both inputs share their tokens",
    "activation": "the activation",
    "layout": "whether the first bias is added once or twice",
    "axes": "which layer is the first",
    "flipped": "which way round its layers are",
    "norm": "whether LayerNorm without weights stands in it",
    "causal": "whether tokens see later ones",
}


def _varied(readings: Sequence[Reading]) -> dict[str, str]:
    """What differs between readings, with its words."""
    varied = {
        name: words
        for name, words in UNSAID.items()
        if any(getattr(one, name) != getattr(readings[0], name) for one in readings)
    }
    if "vocabulary" in varied and not any(one.vocabulary.first_b for one in readings):
        varied["vocabulary"] = "n"
    return varied


def _label(reading: Reading, varied: dict[str, str]) -> str:
    n, first_b, _ = reading.vocabulary
    first = next((name for name, axes in reading.axes.items() if axes.startswith("neuron ")), "")
    words = {
        "attention_rate": f"rate {reading.attention_rate or 0:g}",
        "vocabulary": f"n = {n} with {'tokens of its own for b' if first_b else 'shared tokens'}",
        "activation": reading.activation,
        "layout": reading.layout,
        "axes": f"{first} first",
        "flipped": "inputs first" if reading.flipped else "outputs first",
        "norm": "LayerNorm" if reading.norm == "layer" else "no norm",
        "causal": "no later tokens" if reading.causal else "all tokens",
    }
    return ", ".join(words[name] for name in varied)


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
