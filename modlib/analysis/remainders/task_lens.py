"""Paper A's lens on paper B's network: each task's characters, its neurons, and their removal.

The characters of x mod q, exp(2 pi i k x / q), are those of the integer x, and lie off the grid of
frequencies of the digits. A task's own variable is x mod q, and x0 + x1 mod p for modular addition.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.config.thresholds import DEFAULT, Thresholds
from modlib.maths.fourier import effective_number
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import digits

MAX_NUMBERS = 4096
"""Numbers on which the effect of removing neurons is taken, drawn at random where there are more;
a share near one half then errs by .008."""
NUM_CONTROLS = 3
"""Random sets of neurons of a task's size."""
NUM_BANDS = 3
"""Random sets of frequencies of a task's size."""
BEST_FROM = 0.1
"""Share of a neuron's variance from which on a task's variable can be what it is best explained by.
"""
_CONTROL_SEED = 0
_RANK = 1e-6
"""Relative eigenvalue below which a direction of a set of functions counts as absent."""


def variables(view: TransformerView) -> Int[np.ndarray, "x task"]:
    """The residue that each task's characters live on, whatever labels the network was given."""
    x = np.arange(view.config.p**2)
    if view.config.task == "nanda":
        x0, x1 = digits(view.config)
        x = x0 + x1
    return x[:, None] % view.qs


def by_difference(
    logits: Float[np.ndarray, "x c"], residue: Int[np.ndarray, " x"]
) -> Float[np.ndarray, " q"]:
    """Mean over x of the logit at c = residue + d mod q, for d = 0 .. q - 1.

    The function of c - residue that is closest to the logits.
    """
    q = logits.shape[1]
    c = (residue[:, None] + np.arange(q)) % q
    return np.asarray(np.take_along_axis(logits, c, axis=1).mean(0, dtype=np.float64))


class Mechanism(NamedTuple):
    """How far a task's logits follow equation 5.

    ``explained``: share of the variance of the logits, each x's mean over c taken off, that
    sum_k A_k cos(2 pi k (x - c) / q) explains; ``explained_any``: the same for any function of
    x - c mod q; ``profile`` (q,): the mean logit at c - x = 0 .. q - 1; ``amplitudes``: A_k for
    k = 1 .. q // 2.
    """

    explained: float
    explained_any: float
    profile: Float[np.ndarray, " q"]
    amplitudes: Float[np.ndarray, " freq"]


def mechanism(logits: Float[np.ndarray, "x c"], residue: Int[np.ndarray, " x"]) -> Mechanism:
    """Project a task's logits on the cosines of equation 5; NaN where they do not vary."""
    q = logits.shape[1]
    centred = logits - logits.mean(1, keepdims=True)
    total = float((centred.astype(np.float64) ** 2).sum()) / len(logits)
    profile = by_difference(centred, residue)
    spectrum = np.fft.rfft(profile)[1:]
    both = np.where(2 * np.arange(1, q // 2 + 1) == q, 1.0, 2.0)
    if total == 0:
        return Mechanism(np.nan, np.nan, profile, np.zeros(q // 2))
    even, whole = (both * spectrum.real**2).sum() / q, (both * np.abs(spectrum) ** 2).sum() / q
    return Mechanism(float(even / total), float(whole / total), profile, both * spectrum.real / q)


def task_mechanism(view: TransformerView, q: int) -> Mechanism:
    """``mechanism`` of one of a network's tasks, on the task's own variable."""
    (task,) = np.flatnonzero(view.qs == q)
    return mechanism(view.logits[:, view.columns(q)], variables(view)[:, task])


def residue_shares(view: TransformerView) -> Float[np.ndarray, "task neuron"]:
    """Share of each neuron's variance that a task's variable explains, above chance.

    With m residues of N numbers noise explains (m - 1) / (N - 1), which is taken off as in an
    adjusted R^2; NaN for a constant neuron.
    """
    values = _centred(view.neurons)
    total, count = (values**2).sum(0, dtype=np.float64), len(values)
    shares = []
    for residue, q in zip(variables(view).T, view.qs.tolist(), strict=True):
        sums = _indicator(residue, q).T @ values
        between = (sums.astype(np.float64) ** 2 / np.bincount(residue, minlength=q)[:, None]).sum(0)
        chance = (q - 1) / (count - 1)
        with np.errstate(invalid="ignore"):
            shares.append((between / total - chance) / (1 - chance))
    return np.stack(shares)


def sorted_by_task(
    shares: Float[np.ndarray, "task neuron"],
) -> Float[np.ndarray, "task known"]:
    """Residue shares of the neurons that have any, ordered by the task that explains them best,
    and the better explained first; what is below chance is 0."""
    known = np.maximum(shares[:, np.isfinite(shares).all(0)], 0.0)
    return np.asarray(known[:, np.lexsort((-known.max(0), known.argmax(0)))])


def votes(
    view: TransformerView, targets: Int[np.ndarray, "x task"]
) -> Float[np.ndarray, "task neuron"]:
    """What each neuron adds to the right logit over the mean of its task's, on average over x.

    It is what that logit loses when the neuron is held at its mean.
    """
    values = _centred(view.neurons)
    found = []
    for target, q in zip(targets.T, view.qs.tolist(), strict=True):
        sums = _indicator(target, q).T @ values / len(values)
        to_task = view.written[:, view.columns(q)]
        found.append((sums.T * (to_task - to_task.mean(1, keepdims=True))).sum(1))
    return np.stack(found)


def own_neurons(
    votes: Float[np.ndarray, "task neuron"], thresholds: Thresholds = DEFAULT
) -> Bool[np.ndarray, "task neuron"]:
    """Each task's neurons: the fewest that hold half of its positive votes. Tasks may share."""
    positive = np.maximum(votes, 0)
    order = np.argsort(-positive, axis=1, kind="stable")
    ranked = np.take_along_axis(positive, order, axis=1)
    held = np.cumsum(ranked, axis=1) - ranked
    own = np.zeros(votes.shape, dtype=bool)
    needed = (held < thresholds.votes_held * positive.sum(1, keepdims=True)) & (ranked > 0)
    np.put_along_axis(own, order, needed, axis=1)
    return own


def overlap(own: Bool[np.ndarray, "task neuron"]) -> Float[np.ndarray, "task task"]:
    """Jaccard index of each two tasks' neurons; NaN where both have none."""
    both = own.astype(int) @ own.T.astype(int)
    sizes = own.sum(1)
    with np.errstate(invalid="ignore"):
        return np.asarray(both / (sizes[:, None] + sizes - both))


def chance_overlap(
    sizes: Int[np.ndarray, " task"], num_neurons: int
) -> Float[np.ndarray, "task task"]:
    """Jaccard index of random sets of these sizes, by their expected intersection."""
    both = sizes[:, None] * sizes / max(num_neurons, 1)
    with np.errstate(invalid="ignore"):
        return np.asarray(both / (sizes[:, None] + sizes - both))


def live_neurons(view: TransformerView) -> Bool[np.ndarray, " neuron"]:
    """Neurons that are not constant over all numbers."""
    return np.asarray(view.neurons.std(0) > 0)


class Ablations(NamedTuple):
    """Accuracy by task, (removed, task), on the same numbers.

    ``base`` (task,): nothing removed; ``own``: a row a task whose neurons are held at their mean;
    ``random``: as many live neurons at random, mean over the draws.
    """

    base: Float[np.ndarray, " task"]
    own: Float[np.ndarray, "removed task"]
    random: Float[np.ndarray, "removed task"]


def sample_of(
    numbers: Int[np.ndarray, " number"], drawn: np.random.Generator | None = None
) -> Int[np.ndarray, " x"]:
    """``MAX_NUMBERS`` of these numbers, always the same unless a generator is given, in order."""
    generator = drawn or np.random.default_rng(_CONTROL_SEED)
    return np.sort(generator.permutation(numbers)[:MAX_NUMBERS])


def ablate(
    view: TransformerView,
    targets: Int[np.ndarray, "x task"],
    own: Bool[np.ndarray, "task neuron"],
    numbers: Int[np.ndarray, " number"] | None = None,
    *,
    num_controls: int = NUM_CONTROLS,
) -> Ablations:
    """Remove each task's neurons, and random sets of the same size, and see who suffers.

    ``numbers``: those on which it is seen, None: all.
    """
    drawn = np.random.default_rng(_CONTROL_SEED)
    x = sample_of(np.arange(len(targets)) if numbers is None else numbers, drawn)
    values, logits, wanted = _centred(view.neurons)[x], view.logits[x], targets[x]
    live = np.flatnonzero(live_neurons(view))

    def without(removed: Int[np.ndarray, " removed"]) -> np.ndarray:
        lost = values[:, removed] @ view.written[removed]
        return np.asarray(view.accuracy(logits - lost, wanted).mean(0))

    def at_random(size: int) -> np.ndarray:
        sets = (
            drawn.choice(live, min(size, len(live)), replace=False) for _ in range(num_controls)
        )
        return np.mean([without(removed) for removed in sets], axis=0)

    return Ablations(
        base=view.accuracy(logits, wanted).mean(0),
        own=np.stack([without(np.flatnonzero(row)) for row in own]),
        random=np.stack([at_random(int(row.sum())) for row in own]),
    )


class TakenOut(NamedTuple):
    """Accuracy by task, (count, task), without 0, 1, 2, ... neurons held at their mean.

    ``own``: a table a task, its neurons in order of their votes, the strongest first; ``random``:
    live neurons at random, mean over the draws, up to the largest number of ``own``. The last row
    of a table of ``own`` is that of ``ablate``.
    """

    neurons: list[Int[np.ndarray, " neuron"]]
    own: list[Float[np.ndarray, "count task"]]
    random: Float[np.ndarray, "count task"]


def take_out(
    view: TransformerView,
    targets: Int[np.ndarray, "x task"],
    numbers: Int[np.ndarray, " number"],
) -> TakenOut:
    """Remove each task's neurons one after another, and random ones, seen on these numbers."""
    found = votes(view, targets)
    chosen = [
        np.flatnonzero(row)[np.argsort(-vote[row], kind="stable")]
        for row, vote in zip(own_neurons(found), found, strict=True)
    ]
    drawn = np.random.default_rng(_CONTROL_SEED)
    x = sample_of(numbers, drawn)
    values, wanted = _centred(view.neurons)[x], targets[x]

    def table(neurons: Int[np.ndarray, " neuron"]) -> Float[np.ndarray, "count task"]:
        logits = view.logits[x]
        rows = [view.accuracy(logits, wanted).mean(0)]
        for neuron in neurons:
            logits = logits - np.outer(values[:, neuron], view.written[neuron])
            rows.append(view.accuracy(logits, wanted).mean(0))
        return np.stack(rows)

    live = np.flatnonzero(live_neurons(view))
    size = min(len(live), max(map(len, chosen)))
    controls = [table(drawn.permutation(live)[:size]) for _ in range(NUM_CONTROLS)]
    return TakenOut(chosen, [table(one) for one in chosen], np.mean(controls, axis=0))


def digit_weights(view: TransformerView) -> tuple[int, int]:
    """How often x0 and x1 count in the tasks' variable: 1 and p, or both once."""
    if view.config.task == "nanda":
        return 1, 1
    p = view.config.p
    return (1, p) if view.config.digits == "low_first" else (p, 1)


def task_frequencies(view: TransformerView, q: int) -> Float[np.ndarray, "freq 2"]:
    """Cycles per step of x0 and of x1 in the characters k = 1 .. q // 2 of a task."""
    k = np.arange(1, q // 2 + 1)
    return np.asarray(k[:, None] * np.array(digit_weights(view)) / q % 1.0)


class DigitParts(NamedTuple):
    """A neuron's activation as a sum: of x0 alone, of x1 alone, and of both together.

    Means taken off; ``x0``, ``x1`` (p, neuron) and ``both`` (x0, x1, neuron) are orthogonal over
    (x0, x1). ``variance`` (part, neuron).
    """

    x0: np.ndarray
    x1: np.ndarray
    both: np.ndarray
    variance: np.ndarray


def digit_parts(view: TransformerView) -> DigitParts:
    """Split every neuron by digits (a two-way analysis of variance)."""
    grid = view.grid(_centred(view.neurons))
    x0, x1 = grid.mean(1), grid.mean(0)
    both = grid - x0[:, None] - x1[None]
    return DigitParts(x0, x1, both, np.stack([x0.var(0), x1.var(0), both.var((0, 1))]))


class LookUps(NamedTuple):
    """Share of each neuron's variance explained by look-ups at given frequencies.

    ``tables``: sines and cosines of x0 and of x1 (equation 3); ``products``: their products at the
    same frequency (equation 4). NaN for a constant neuron.
    """

    tables: Float[np.ndarray, " neuron"]
    products: Float[np.ndarray, " neuron"]


def look_ups(parts: DigitParts, frequencies: Float[np.ndarray, "freq 2"]) -> LookUps:
    """Project neurons on look-ups at these frequencies of x0 and x1 (paper B, equations 3, 4)."""
    p = len(parts.x0)
    waves = [digit_waves(frequencies[:, digit], p) for digit in (0, 1)]
    products = np.einsum("akf,blf->abklf", waves[0], waves[1]).reshape(p * p, -1)
    total = parts.variance.sum(0)
    tables = [
        _explained(part, wave.reshape(p, -1))
        for part, wave in zip((parts.x0, parts.x1), waves, strict=True)
    ]
    both = parts.both.reshape(p * p, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return LookUps(sum(tables) / total, _explained(both, products) / total)


def line_spectrum(view: TransformerView) -> Float[np.ndarray, " freq"]:
    """Power of the neurons' joint part at f / p^2 cycles per step of the integer x.

    f = 0 .. p^2 // 2; the mean over neurons with a joint part (``DigitParts.both``) of each one's
    shares, which add up to 1. A task's characters lie at k / q, between these frequencies.
    """
    both = digit_parts(view).both[digits(view.config)]
    spectrum = np.abs(np.fft.rfft(both, axis=0))[: len(both) // 2 + 1] ** 2
    total = spectrum.sum(0)
    varies = total > 0
    if not varies.any():
        return np.zeros(len(spectrum))
    return np.asarray((spectrum[:, varies] / total[varies]).mean(1))


def near_tasks(p: int, qs: Int[np.ndarray, " task"]) -> Bool[np.ndarray, " freq"]:
    """Which frequencies of ``line_spectrum`` lie next to a character k / q of a task."""
    near = np.zeros(p * p // 2 + 1, dtype=bool)
    for q in qs:
        at = np.arange(1, q // 2 + 1) * p * p / q
        near[np.floor(at).astype(int)] = True
        near[np.minimum(np.ceil(at).astype(int), len(near) - 1)] = True
    return near


def random_frequencies(
    count: int, draws: int = NUM_BANDS, seed: int = _CONTROL_SEED
) -> Float[np.ndarray, "draw freq 2"]:
    """Frequencies of x0 and x1 drawn apart and uniformly: a control for a task's."""
    return np.random.default_rng(seed).uniform(0, 1, (draws, count, 2))


def describe_tasks(
    view: TransformerView, targets: Int[np.ndarray, "x task"], held_out: Int[np.ndarray, " number"]
) -> pd.DataFrame:
    """A row a task, by ``q``.

    ``accuracy`` on all numbers; ``explained``, ``explained_any`` of ``mechanism`` on the task's
    variable, and ``explained_labels`` (any function of label - c) on the labels the network was
    given, which differ where they are shuffled; ``explained_held_out`` and
    ``explained_labels_held_out``: the same two on held-out numbers alone; ``frequencies``:
    effective number of amplitudes;
    ``residue_share``: see ``residue_shares``, mean over live neurons; ``num_best``: neurons whose
    largest residue share it is, a tenth or more; ``num_neurons``: see ``own_neurons``; ``overlap``
    with the other tasks' neurons, its value by ``chance``; ``tables``, ``products``: ``look_ups``
    at its frequencies, mean over its neurons, and with ``_random`` at as many random ones.
    Accuracies, all on the same numbers: ``own_own``, ``own_others`` of this and mean of the others
    without its neurons, ``random_own``, ``random_others`` without as many at random, ``base_own``,
    ``base_others`` with all neurons.
    """
    live = live_neurons(view)
    residues, right = variables(view), view.accuracy(view.logits, targets).mean(0)
    shares = residue_shares(view)
    own = own_neurons(votes(view, targets))
    removed, parts = ablate(view, targets, own), digit_parts(view)
    known = np.nan_to_num(shares)
    best = np.where(known.max(0) >= BEST_FROM, known.argmax(0), -1)
    jaccard, chance = overlap(own), chance_overlap(own.sum(1), int(live.sum()))

    rows = []
    for task, q in enumerate(view.qs.tolist()):
        columns = view.logits[:, view.columns(q)]
        found = mechanism(columns, residues[:, task])
        others = np.arange(len(view.qs)) != task
        at_task = look_ups(parts, task_frequencies(view, q))
        at_random = [look_ups(parts, chosen) for chosen in random_frequencies(q // 2)]
        row = {
            "q": q,
            "accuracy": float(right[task]),
            "explained": found.explained,
            "explained_any": found.explained_any,
            "explained_labels": mechanism(columns, targets[:, task]).explained_any,
            "explained_held_out": mechanism(columns[held_out], residues[held_out, task]).explained,
            "explained_labels_held_out": mechanism(
                columns[held_out], targets[held_out, task]
            ).explained_any,
            "frequencies": float(effective_number(found.amplitudes**2)),
            "residue_share": _mean(shares[task, live]),
            "num_best": int((best == task).sum()),
            "num_neurons": int(own[task].sum()),
            "overlap": _mean(jaccard[task, others]),
            "chance": _mean(chance[task, others]),
            "tables": _mean(at_task.tables[own[task]]),
            "tables_random": _mean(np.stack([at.tables for at in at_random])[:, own[task]]),
            "products": _mean(at_task.products[own[task]]),
            "products_random": _mean(np.stack([at.products for at in at_random])[:, own[task]]),
        }
        for name, accuracies in (
            ("base", removed.base),
            ("own", removed.own[task]),
            ("random", removed.random[task]),
        ):
            row |= {
                f"{name}_own": float(accuracies[task]),
                f"{name}_others": _mean(accuracies[others]),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _mean(values: np.ndarray) -> float:
    """Mean of the numbers among ``values``; NaN where there are none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _centred(values: Float[np.ndarray, "x column"]) -> Float[np.ndarray, "x column"]:
    return values - values.mean(0, dtype=np.float64).astype(values.dtype)


def _indicator(residue: Int[np.ndarray, " x"], q: int) -> Float[np.ndarray, "x q"]:
    """1 where a number has a residue; float32 for a fast product."""
    return np.asarray(residue[:, None] == np.arange(q), dtype=np.float32)


def digit_waves(frequencies: Float[np.ndarray, " freq"], p: int) -> Float[np.ndarray, "x 2 freq"]:
    """Cosine and sine of each frequency at a digit 0 .. p - 1, means taken off."""
    angles = 2 * np.pi * np.arange(p)[:, None] * frequencies
    waves = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.asarray(waves - waves.mean(0))


def _explained(
    values: Float[np.ndarray, "x column"], functions: Float[np.ndarray, "x function"]
) -> Float[np.ndarray, " column"]:
    """Variance of each column in the span of the functions, all of mean 0."""
    sizes, directions = np.linalg.eigh(functions.T @ functions)
    kept = sizes > _RANK * sizes.max()
    basis = (functions @ (directions[:, kept] / np.sqrt(sizes[kept]))).astype(values.dtype)
    return np.asarray(((basis.T @ values).astype(np.float64) ** 2).sum(0) / len(values))
