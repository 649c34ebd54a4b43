"""What chapter 16 tells of a transformer as many adders, as numbers; also where it is none."""

from __future__ import annotations

from math import isnan, nan
from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.remainders.adders import Heard, of_one_wave
from modlib.analysis.remainders.circuits import Circuits, mean_of_others
from modlib.analysis.remainders.task_clusters import Near, cluster_numbers, growth
from modlib.config.thresholds import DEFAULT
from modlib.errors import InputError
from modlib.models.views.transformer_view import TransformerView
from modlib.runs.remainders import RemaindersRun

MOST_LOST = 0.02
"""Points that the others may lose where one task is said to be knocked out alone."""
SHUFFLED = {37: "B37-basis", 113: "B113-basis"}
"""Committed networks on shuffled labels, by p."""
SMALLER = "B37"
"""The smaller setting's network, beside one of the paper's size."""
FIRST_SEEN = (113, 1000)
"""p and seed of the network on which all of this was first seen."""


def accuracy_of(run: RemaindersRun) -> float:
    """Mean accuracy over the tasks on held-out numbers."""
    return float(run.final[run.final.split == "validation"].accuracy.mean())


class Network(NamedTuple):
    """``first_seen``: whether it is the one on which the claims of this chapter were first seen."""

    p: int
    seed: int
    steps: int
    planned: int
    num_train: int
    num_tasks: int
    num_neurons: int
    accuracy: float
    learned: bool
    first_seen: bool


def network(run: RemaindersRun) -> Network:
    """Which network is taken apart, and whether it answers."""
    accuracy = accuracy_of(run)
    return Network(
        p=run.config.p,
        seed=run.seed,
        steps=run.steps,
        planned=run.config.steps,
        num_train=run.config.num_train,
        num_tasks=len(run.task.moduli),
        num_neurons=4 * run.config.embed_dim,
        accuracy=accuracy,
        learned=accuracy >= DEFAULT.tasks_learned,
        first_seen=(run.config.p, run.seed) == FIRST_SEEN,
    )


def shown_task(view: TransformerView, neurons: pd.DataFrame, q: int | None) -> int:
    """The task that is looked at closely: ``q``, else of those with neurons of one wave the one
    nearest to p / 4. Raises ``InputError`` for a q that is no task."""
    if q is not None:
        if q not in view.qs:
            raise InputError("q", f"be a prime below p = {view.config.p}", q)
        return q
    having = neurons.q[of_one_wave(neurons)].unique()
    known = [task for task in view.qs.tolist() if task in having] or view.qs.tolist()
    return int(min(known, key=lambda task: abs(task - view.config.p / 4)))


def loudest(neurons: pd.DataFrame, q: int) -> int | None:
    """The neuron of one wave that hears a task loudest; None where there is none."""
    own = neurons[of_one_wave(neurons) & (neurons.q == q)]
    return None if own.empty else int((own.gain_0 + own.gain_1).idxmax())


class OneNeuron(NamedTuple):
    """``neuron`` None: no neuron is of one wave of the task ``q``."""

    q: int
    neuron: int | None = None
    k: int = 0
    share: float = 0.0
    phase_0: float = 0.0
    phase_1: float = 0.0
    phase_out: float = 0.0
    total: float = 0.0
    error: float = 0.0


def _turns(phase: float) -> float:
    """A phase as it is told, in hundredths: 0.999 turns are none."""
    return round(float(phase), 2) % 1.0


def one_neuron(neurons: pd.DataFrame, q: int, neuron: int | None) -> OneNeuron:
    """The neuron that is looked at closely."""
    if neuron is None:
        return OneNeuron(q)
    row = neurons.loc[neuron]
    return OneNeuron(
        q=q,
        neuron=neuron,
        k=int(row.k),
        share=float(row.share),
        phase_0=_turns(row.phase_0),
        phase_1=_turns(row.phase_1),
        phase_out=_turns(row.phase_out),
        total=_turns(row.phase_0 + row.phase_1),
        error=abs(float(row.phase_error)),
    )


class Lens(NamedTuple):
    """The lens on one network: median share of the best wave, neurons of one wave, live neurons."""

    name: str
    median: float | None
    num_one: int
    num_live: int


def lens(name: str, neurons: pd.DataFrame, column: str = "share") -> Lens:
    """Of ``share``, or of ``random`` waves; the median is None without a live neuron."""
    shares = neurons[column].dropna()
    median = float(shares.median()) if len(shares) else None
    return Lens(name, median, int((shares >= DEFAULT.one_wave).sum()), len(shares))


class Waves(NamedTuple):
    """Of the live neurons, and of those of one wave; None where there are none.

    ``not_additive``: the largest; ``phase_error``: 95 % quantile in turns, ``loudness``: of the
    louder digit over the other.
    """

    num_characters: int
    not_additive: float | None
    num_one: int
    num_live: int
    phase_error: float | None
    loudness: float | None
    same_output: float | None
    to_task: float | None


def waves(parts: Heard, neurons: pd.DataFrame, num_characters: int) -> Waves:
    """How far the neurons are those of paper A."""
    rest = parts.not_additive[np.isfinite(parts.not_additive)]
    chosen = neurons[of_one_wave(neurons)]
    some = len(chosen) > 0
    ratio = np.log(chosen.gain_0 / chosen.gain_1).abs()
    return Waves(
        num_characters=num_characters,
        not_additive=float(rest.max()) if len(rest) else None,
        num_one=len(chosen),
        num_live=len(rest),
        phase_error=float(chosen.phase_error.abs().quantile(0.95)) if some else None,
        loudness=float(np.exp(ratio.quantile(0.95))) if some else None,
        same_output=float((chosen.k_out == chosen.k).mean()) if some else None,
        to_task=float(chosen.to_task.mean()) if some else None,
    )


LAWS = {"ln q": "the logarithm", "sqrt q": "the square root", "q": "the straight line"}


class Growth(NamedTuple):
    """Clusters of the tasks; ``slope`` on ln q with the ends of its interval, ``explained`` by
    law, and the ``best`` of these, in words; all None below three tasks or without clusters.
    ``near``: neighbouring frequencies."""

    num_clusters: int
    least: int
    most: int
    num_tasks: int
    slope: tuple[float, float, float] | None
    explained: dict[str, float] | None
    best: str | None
    near: Near | None


def clusters(neurons: pd.DataFrame, view: TransformerView, near: Near | None) -> Growth:
    """How the number of clusters grows with q."""
    numbers = cluster_numbers(neurons, view.qs)
    fits = growth(numbers)
    told = not fits.empty and numbers.nunique() > 1
    row = fits.loc["ln q"] if told else None
    return Growth(
        num_clusters=int(numbers.sum()),
        least=int(numbers.min()),
        most=int(numbers.max()),
        num_tasks=len(numbers),
        slope=None if row is None else (float(row.slope), float(row.low), float(row.high)),
        explained=fits.explained.to_dict() if told else None,
        best=LAWS[str(fits.explained.idxmax())] if told else None,
        near=near,
    )


class Apart(NamedTuple):
    """Who suffers without whose neurons.

    ``shared``: largest overlap of two tasks' neurons, None where it is of no two; ``num_broken`` of
    ``num_removed`` tasks that have neurons and are known, at ``broken`` of accuracy or more, fall
    under it; ``own``: the ends of these tasks' accuracies; ``others``: least mean of the others,
    ``at_random`` without as many random neurons, ``base`` of all tasks with everything; ``worst``:
    the largest loss of another task, (removed, task, points of accuracy), and ``lost`` by the
    others' mean; ``smallest``: ends of the neurons that break a task.
    """

    shared: float | None
    num_removed: int
    num_broken: int
    broken: float
    base: float
    own: tuple[float, float] | None
    others: float | None
    at_random: float | None
    worst: tuple[int, int, float] | None
    lost: float | None
    smallest: tuple[int, int] | None

    @property
    def alone(self) -> bool:
        """Whether every known task that has neurons can be knocked out alone."""
        return (
            self.num_removed > 0
            and self.num_broken == self.num_removed
            and self.lost is not None
            and self.lost < MOST_LOST
        )


def apart(found: Circuits, view: TransformerView) -> Apart:
    """Whether one task can be broken without the others."""
    having = (found.own.sum(1) > 0) & (np.asarray(found.removed.base) >= DEFAULT.broken)
    own = np.diagonal(found.removed.own)[having]
    lost = found.removed.base - found.removed.own
    by_mean = mean_of_others(lost)
    np.fill_diagonal(lost, -np.inf)
    lost[~having] = -np.inf
    worst = np.unravel_index(int(lost.argmax()), lost.shape)
    several = len(view.qs) > 1 and bool(having.any())
    counts = found.smallest[having & np.isfinite(found.smallest)]
    shared = found.shared[np.isfinite(found.shared)]
    return Apart(
        shared=float(shared.max()) if len(shared) else None,
        num_removed=int(having.sum()),
        num_broken=int((own < DEFAULT.broken).sum()),
        broken=DEFAULT.broken,
        base=float(found.removed.base.mean()),
        own=(float(own.min()), float(own.max())) if len(own) else None,
        others=float(mean_of_others(found.removed.own)[having].min()) if several else None,
        at_random=float(mean_of_others(found.removed.random)[having].min()) if several else None,
        worst=(int(view.qs[worst[0]]), int(view.qs[worst[1]]), float(lost[worst]))
        if several
        else None,
        lost=float(by_mean[having].max()) if several else None,
        smallest=(int(counts.min()), int(counts.max())) if len(counts) else None,
    )


RUNGS = {
    "one_wave": "one wave a digit",
    "own_task": "own task only",
    "direct_mean": "no direct path",
    "own_joint": "both, and only what\nneeds both digits",
}
"""What ``adders.replacements`` replaces, as the figure names it."""


class Rungs(NamedTuple):
    """Mean accuracies of the tasks; ``worst``: the task that its waves serve least; ``learned``:
    whether the ``whole`` network has; ``cancelled``: share of the neurons' single digits that the
    direct path takes out of the logits, None where it adds to them or there are none."""

    whole: float
    one_wave: float
    own_task: float
    direct_mean: float
    own_joint: float
    worst: tuple[int, float]
    learned: bool
    cancelled: float | None = None


def rungs(accuracy: pd.DataFrame, waste_left: float = nan) -> Rungs:
    """How far the parts of the network can be replaced; ``waste_left``: of the function."""
    means = accuracy.mean()
    q = accuracy.one_wave.idxmin()
    return Rungs(
        whole=float(means.whole),
        one_wave=float(means.one_wave),
        own_task=float(means.own_task),
        direct_mean=float(means.direct_mean),
        own_joint=float(means.own_joint),
        worst=(int(q), float(accuracy.one_wave[q])),
        learned=bool(means.whole >= DEFAULT.tasks_learned),
        cancelled=1 - waste_left if waste_left <= 1 else None,
    )


class Smaller(NamedTuple):
    """The network of the smaller setting through the same lens."""

    p: int
    median: float
    num_one: int
    num_live: int
    num_broken: int
    num_tasks: int
    one_wave: float
    whole: float


def smaller(
    run: RemaindersRun, neurons: pd.DataFrame, found: Circuits, accuracy: pd.DataFrame
) -> Smaller:
    """How much of it is seen at a smaller p."""
    seen, tasks, means = lens("", neurons), apart(found, run.view), rungs(accuracy)
    return Smaller(
        p=run.config.p,
        median=seen.median or 0.0,
        num_one=seen.num_one,
        num_live=seen.num_live,
        num_broken=tasks.num_broken,
        num_tasks=len(run.task.moduli),
        one_wave=means.one_wave,
        whole=means.whole,
    )


class Answer(NamedTuple):
    """``kind``: ``not learned``, ``side by side`` where the neurons are of one wave and tasks fall
    alone, ``partly`` where one of both holds, else ``together``."""

    kind: str
    num_tasks: int
    median: float
    num_one: int
    num_live: int
    num_broken: int
    others: float | None
    base: float
    own_joint: float


def answer(about: Network, seen: Lens, tasks: Apart, replaced: Rungs) -> Answer:
    """The answer to the chapter's question for this network."""
    median = 0.0 if seen.median is None or isnan(seen.median) else seen.median
    signs = (median >= DEFAULT.one_wave) + tasks.alone
    kind = ("together", "partly", "side by side")[signs] if about.learned else "not learned"
    return Answer(
        kind=kind,
        num_tasks=about.num_tasks,
        median=median,
        num_one=seen.num_one,
        num_live=seen.num_live,
        num_broken=tasks.num_broken,
        others=tasks.others,
        base=tasks.base,
        own_joint=replaced.own_joint,
    )
