"""Who works for whom: tasks knocked out by their neurons, and networks replaced by their waves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.remainders.adders import (
    Heard,
    by_task,
    characters,
    fit_waves,
    heard,
    neuron_waves,
    of_one_wave,
)
from modlib.analysis.remainders.task_clusters import cluster_numbers
from modlib.analysis.remainders.task_lens import (
    Ablations,
    ablate,
    digit_parts,
    overlap,
    own_neurons,
    sample_of,
    votes,
)
from modlib.config.thresholds import DEFAULT, Thresholds
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import digits


def smallest_sets(
    view: TransformerView,
    targets: Int[np.ndarray, "x task"],
    own: Bool[np.ndarray, "task neuron"],
    loudness: Float[np.ndarray, "task neuron"],
    numbers: Int[np.ndarray, " number"],
    thresholds: Thresholds = DEFAULT,
) -> Float[np.ndarray, " task"]:
    """How many of its neurons, the loudest first, held at their mean break a task.

    ``loudness``: see ``task_lens.votes``. An upper bound of the smallest set; NaN where even all of
    them leave the task at ``broken`` or above.
    """
    x = sample_of(numbers)
    found = np.full(len(own), np.nan)
    for task, q in enumerate(view.qs.tolist()):
        columns, right = view.columns(q), targets[x, task]
        logits = view.logits[x, columns].astype(np.float64)
        members = np.flatnonzero(own[task])
        ranked = members[np.argsort(-loudness[task, members], kind="stable")]
        for count, neuron in enumerate(ranked, start=1):
            lost = view.neurons[x, neuron] - view.neurons[:, neuron].mean(dtype=np.float64)
            logits -= lost[:, None] * view.written[neuron, columns]
            if (logits.argmax(1) == right).mean() < thresholds.broken:
                found[task] = count
                break
    return found


def replacements(
    view: TransformerView,
    parts: Heard,
    neurons: pd.DataFrame,
    targets: Int[np.ndarray, "x task"],
    numbers: Int[np.ndarray, " number"],
) -> pd.DataFrame:
    """Accuracy of each task, by q, with parts of the network replaced.

    ``whole``: nothing; ``one_wave``: every preactivation is its mean and its best wave a digit;
    ``own_task``: every neuron writes to the task of its best wave only, and is held at its mean
    for the others; ``direct_mean``: the path around the neurons is held at its mean;
    ``own_joint``: both, and of each neuron only what depends on the two digits together, with no
    part of either alone (``DigitParts.both``).
    """
    x = sample_of(numbers)
    x0, x1 = (digit[x] for digit in digits(view.config))
    known = characters(view)
    place = {pair: i for i, pair in enumerate(zip(known.q, known.k, strict=True))}
    best = [place.get(pair, 0) for pair in zip(neurons.q, neurons.k, strict=True)]
    waves = [
        fit_waves(part, known.frequencies[best, digit]).values
        for digit, part in enumerate((parts.x0, parts.x1))
    ]
    written = view.written
    to_own = np.repeat(view.qs, view.qs) == neurons.q.to_numpy()[:, None]
    active = view.neurons[x]
    mean = view.neurons.mean(0, dtype=np.float64).astype(active.dtype)
    joint = digit_parts(view).both[x0, x1]
    simple = np.maximum(parts.mean + waves[0][x0] + waves[1][x1], 0).astype(active.dtype)
    direct = view.stream @ view.weights["unembed"]
    logits = {
        "whole": direct[x] + active @ written,
        "one_wave": direct[x] + simple @ written,
        "own_task": direct[x] + (active - mean) @ (written * to_own) + mean @ written,
        "direct_mean": direct.mean(0) + active @ written,
        "own_joint": direct.mean(0) + joint @ (written * to_own) + mean @ written,
    }
    right = {name: view.accuracy(one, targets[x]).mean(0) for name, one in logits.items()}
    return pd.DataFrame(right, index=pd.Index(view.qs, name="q"))


def waste_left(view: TransformerView) -> float:
    """What the path around the neurons leaves of their waves of a single digit in the logits.

    A ReLU of two waves has each digit's wave beside that of both together. Variance of the single
    digits' parts in all logits together, the direct path's added, over that of the neurons'; NaN
    where the neurons have none.
    """
    found = digit_parts(view)
    direct = view.grid(view.stream @ view.weights["unembed"])
    neurons = [part @ view.written for part in (found.x0, found.x1)]
    around = [direct.mean(1 - digit) - direct.mean((0, 1)) for digit in (0, 1)]
    before = sum(float(part.var(0, dtype=np.float64).sum()) for part in neurons)
    both = sum(
        float((part + other).var(0, dtype=np.float64).sum())
        for part, other in zip(neurons, around, strict=True)
    )
    return both / before if before > 0 else float("nan")


class Circuits(NamedTuple):
    """Who works for whom.

    ``own``: each task's neurons of one wave; ``shared``: Jaccard index of each two tasks' neurons
    by their votes, which no wave keeps apart, NaN of a task with itself; ``removed``: accuracies
    without each task's own, ``smallest``: how few break it (``smallest_sets``).
    """

    own: Bool[np.ndarray, "task neuron"]
    shared: Float[np.ndarray, "task task"]
    removed: Ablations
    smallest: Float[np.ndarray, " task"]


def circuits(
    view: TransformerView,
    neurons: pd.DataFrame,
    targets: Int[np.ndarray, "x task"],
    numbers: Int[np.ndarray, " number"],
) -> Circuits:
    """Whether tasks share neurons, and what goes with a task's neurons.

    As many random neurons are drawn once. ``numbers``: those on which accuracy is taken.
    """
    own, loudness = by_task(neurons, view.qs), votes(view, targets)
    shared = overlap(own_neurons(loudness))
    np.fill_diagonal(shared, np.nan)
    return Circuits(
        own=own,
        shared=shared,
        removed=ablate(view, targets, own, numbers, num_controls=1),
        smallest=smallest_sets(view, targets, own, loudness, numbers),
    )


class Described(NamedTuple):
    """Numbers of a network, by name, and a row a task, by ``q``."""

    network: dict[str, float]
    tasks: pd.DataFrame


def describe_adders(
    view: TransformerView,
    targets: Int[np.ndarray, "x task"],
    numbers: Int[np.ndarray, " number"],
) -> Described:
    """A network as many adders; accuracies on ``numbers``, or ``MAX_NUMBERS`` of them.

    Network: ``not_additive``, the largest over neurons; ``one_wave`` and ``one_wave_random``,
    medians over live neurons of ``share`` and ``random``; ``one_wave_neurons``, how many; and of
    those ``phase_error`` and ``loudness_error``, 95 % quantiles of the size of the phases' sum in
    turns and of ln(gain_0 / gain_1), ``same_output``, the share whose output is strongest at
    their own k, and ``to_task``, the mean share of the output that goes to their own task;
    ``waste_left``, see there.
    Tasks: ``clusters``, with ``clusters_1`` and ``clusters_3`` where one neuron makes one, and
    where it takes three; ``waves`` (neurons of one wave), ``shared`` (largest overlap with another
    task), ``whole``, ``one_wave``, ``own_task``, ``direct_mean``, ``own_joint``
    (``replacements``), and without its neurons the accuracy of its own, ``removed_own``, the mean
    of the others', ``removed_others``, which without as many random neurons is
    ``removed_random``; ``smallest``.
    """
    parts = heard(view)
    neurons = neuron_waves(view, parts)
    found = circuits(view, neurons, targets, numbers)
    chosen = neurons[of_one_wave(neurons)]
    network = {
        "not_additive": float(np.nanmax(parts.not_additive, initial=0.0)),
        "one_wave": float(neurons.share.median()),
        "one_wave_random": float(neurons.random.median()),
        "one_wave_neurons": float(len(chosen)),
        "phase_error": float(chosen.phase_error.abs().quantile(0.95)),
        "loudness_error": float(np.log(chosen.gain_0 / chosen.gain_1).abs().quantile(0.95)),
        "same_output": float((chosen.k_out == chosen.k).mean()),
        "to_task": float(chosen.to_task.mean()),
        "waste_left": waste_left(view),
    }
    tasks = pd.DataFrame(
        {
            "q": view.qs,
            "clusters": cluster_numbers(neurons, view.qs).to_numpy(),
            "clusters_1": cluster_numbers(neurons, view.qs, 1).to_numpy(),
            "clusters_3": cluster_numbers(neurons, view.qs, 3).to_numpy(),
            "waves": found.own.sum(1),
            "shared": pd.DataFrame(found.shared).max(axis=1),
            "removed_own": np.diagonal(found.removed.own),
            "removed_others": mean_of_others(found.removed.own),
            "removed_random": mean_of_others(found.removed.random),
            "smallest": found.smallest,
        }
    )
    rungs = replacements(view, parts, neurons, targets, numbers)
    return Described(network, tasks.join(rungs, on="q"))


def mean_of_others(accuracy: Float[np.ndarray, "removed task"]) -> Float[np.ndarray, " removed"]:
    """Mean over the other tasks; NaN where there is none."""
    others = pd.DataFrame(accuracy).mask(np.eye(len(accuracy), dtype=bool))
    return others.mean(axis=1).to_numpy()
