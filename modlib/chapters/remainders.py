"""What chapter 10 tells, and what several chapters tell of paper B's networks, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.chapters.words import percent
from modlib.config.presets import preset_of
from modlib.config.remainders import RemaindersConfig
from modlib.config.thresholds import DEFAULT
from modlib.models.transformer import parameter_shapes
from modlib.runs.remainders import RemaindersRun
from modlib.tasks.remainders import moduli

ARMS = 44
"""Numbers so far apart stand at nearly the same angle of figure B1: 7 turns are 43.98."""


class Spirals(NamedTuple):
    """``sizes``: how many numbers below p^2 each series of figure B1 has, by its label; ``arms``:
    of 44, those in which a prime beyond 11 sits."""

    p: int
    sizes: dict[str, int]
    arms: int


def spirals(p: int, series: Mapping[str, Int[np.ndarray, " x"]]) -> Spirals:
    """How many numbers below p^2 each series of figure B1 has, and the arms of its primes."""
    primes = series["primes"]
    arms = np.unique(primes[primes > ARMS // 4] % ARMS)
    return Spirals(p, {label: len(numbers) for label, numbers in series.items()}, len(arms))


class DigitOrder(NamedTuple):
    """What a step ``down`` and a step to the ``right`` add to the number in figure B2."""

    name: str
    down: int
    right: int


def orders(grids: Mapping[str, Int[np.ndarray, "x0 x1"]]) -> list[DigitOrder]:
    """Which way the numbers run in each order of the digits."""
    return [
        DigitOrder(name, int(grid[1, 0] - grid[0, 0]), int(grid[0, 1] - grid[0, 0]))
        for name, grid in grids.items()
    ]


class Edges(NamedTuple):
    """Moduli whose pattern goes on across the edges of figure B3, and those where it is ``cut``."""

    whole: list[int]
    cut: list[int]


def edges(grids: Mapping[str, Int[np.ndarray, "x0 x1"]]) -> Edges:
    """Where a step across an edge changes the answer as much as any other step does.

    A grid's modulus is one more than its largest answer.
    """
    found = Edges([], [])
    for grid in grids.values():
        q, whole = int(grid.max()) + 1, grid.astype(int)
        steps = [(np.roll(whole, -1, axis) - whole) % q for axis in (0, 1)]
        (found.cut if any(np.ptp(step) for step in steps) else found.whole).append(q)
    return found


class Leaks(NamedTuple):
    """``rows``: shares and counts by wave, in words; ``wave``: the one that is spread out most,
    with the share of its ``top_six`` cells and its ``active`` frequencies."""

    p: int
    rows: dict[str, list[str]]
    wave: str
    top_six: float
    active: int


def leaks(table: pd.DataFrame, p: int) -> Leaks:
    """How far each wave spreads over the cells of the transform."""
    spread = table.sort_values("top_six").iloc[0]
    rows = {
        "wave": table.wave.tolist(),
        "share of power in the top cell": [percent(share) for share in table.top],
        "in the top six": [percent(share) for share in table.top_six],
        "active frequencies": [str(active) for active in table.active],
    }
    return Leaks(p, rows, spread.wave, float(spread.top_six), int(spread.active))


class Basis(NamedTuple):
    """``error``: how far inner products of the ``num_vectors`` vectors are from 0 and 1 at most."""

    num_vectors: int
    error: float


def basis(products: Float[np.ndarray, "p p"]) -> Basis:
    """How far the Fourier basis is from orthonormal."""
    return Basis(len(products), float(np.abs(products - np.eye(len(products))).max()))


class ZeroFree(NamedTuple):
    """Numbers below p^2 without a remainder zero: ``num_primes`` and ``others``; ``num_missed``
    primes have one."""

    p: int
    num_primes: int
    others: list[int]
    num_missed: int


def zero_free(p: int, kinds: Mapping[str, Int[np.ndarray, " x"]]) -> ZeroFree:
    """Where "no remainder is zero" and "is prime" part; see ``tasks.zero_free_kinds``."""
    agree, others, missed = kinds.values()
    return ZeroFree(p, len(agree), others.tolist(), len(missed))


class NetworkFacts(NamedTuple):
    """What ``transformer.md`` tells: size, training, and what it can do with numbers never seen.

    ``accuracy``: mean over ``num_tasks``; ``learned``: tasks from ``learned_from`` on.
    """

    seed: int
    p: int
    task: str
    preset: str | None
    num_weights: int
    num_train: int
    steps: int
    planned: int
    accuracy: float
    num_tasks: int
    learned: list[int]
    learned_from: float


def network(run: RemaindersRun) -> NetworkFacts:
    """What a network is, how long it trained and what it can do with numbers it never saw."""
    config = run.config
    rows = run.final[run.final.split == "validation"]
    return NetworkFacts(
        seed=run.seed,
        p=config.p,
        task=config.task,
        preset=preset_of(config),
        num_weights=sum(int(np.prod(shape)) for shape in parameter_shapes(config).values()),
        num_train=config.num_train,
        steps=run.steps,
        planned=config.steps,
        accuracy=float(rows.accuracy.mean()),
        num_tasks=len(rows),
        learned=rows.q[rows.accuracy >= DEFAULT.task_learned].astype(int).tolist(),
        learned_from=DEFAULT.task_learned,
    )


class TaskAccuracy(NamedTuple):
    """Accuracy at one task on numbers not trained on; chance is 1 / q."""

    q: int
    accuracy: float


class AccuracyFacts(NamedTuple):
    """The worst and the best task."""

    num_tasks: int
    worst: TaskAccuracy
    best: TaskAccuracy


def accuracy(run: RemaindersRun) -> AccuracyFacts:
    """The best and the worst task on numbers not trained on."""
    rows = run.final[run.final.split == "validation"].sort_values("accuracy")
    ends = (
        TaskAccuracy(int(row.q), float(row.accuracy)) for _, row in rows.iloc[[0, -1]].iterrows()
    )
    return AccuracyFacts(len(rows), *ends)


class LossFacts(NamedTuple):
    """What a blind guess costs, in nats, at the smallest and the largest modulus."""

    p: int
    num_tasks: int
    num_answers: int
    least_q: int
    least: float
    most_q: int
    most: float


def loss(config: RemaindersConfig) -> LossFacts:
    """The loss of a guess, task by task, and how the weights even it out."""
    qs = moduli(config).tolist()
    ends = (qs[0], float(np.log(qs[0])), qs[-1], float(np.log(qs[-1])))
    return LossFacts(config.p, len(qs), sum(qs), *ends)
