"""The one road of every training: resumed, looked at, saved, refused where it diverges.

A family brings a ``Training``, which says what is saved (``state``, ``restore``; in
``addition/loop.py``, ``remainders/train.py`` and ``clock_pizza/train.py``), and ``go`` leads it to
its end. A training that was killed and
resumed ends with the same bits as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from modlib.errors import DivergedError, StoreError
from modlib.progress import Bar
from modlib.store.checkpoint import Checkpoint
from modlib.store.schema import Array, stacked, wrong_arrays

SAVED_AT_LEAST_S, SAVING_SHARE = 5.0, 0.01
"""Seconds between two saves at least, and the share of the time that saving may take."""
FREE = ("probed/", "followed/")
"""What arrays' names begin with that need not be told of: of probes that say nothing of theirs."""


def pause_s(took: float) -> float:
    """Seconds to wait after a save that took so many."""
    return max(SAVED_AT_LEAST_S, took / SAVING_SHARE)


class Config(Protocol):
    """A configuration: its key stands for all that affects the training but the seed."""

    def key(self) -> str:
        """Sixteen hexadecimal digits."""


class Task(Protocol):
    """What a network is asked."""

    @property
    def config(self) -> Config:
        """The network's configuration."""

    @property
    def seed(self) -> int:
        """Its seed."""


class Training(Protocol):
    """What a family brings: a network on its way, ``done`` of ``total`` epochs or steps.

    ``unit``: ``epoch`` or ``step``; ``label``: what the bar calls it; ``rates``: the settings to
    name where its numbers are no longer finite.
    """

    unit: str
    total: int
    label: str

    @property
    def task(self) -> Task:
        """What it is asked."""

    @property
    def rates(self) -> Mapping[str, float]:
        """Names and values."""

    def advance(self, done: int) -> None:
        """One epoch or step more."""

    def evaluate(self, done: int) -> Sequence[np.ndarray]:
        """Loss and accuracy where they are due; returns what must be finite before it is looked at.

        Nothing where nothing is due.
        """

    def observe(self, done: int) -> None:
        """Probes and snapshots that are due."""

    def shown(self) -> Mapping[str, str]:
        """What the bar says of the last evaluation, by name."""

    def state(self) -> dict[str, np.ndarray]:
        """All that a resumed training needs, by name."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""

    def arrays(self, done: int) -> Mapping[str, Array]:
        """What a state must hold."""


class Spent(NamedTuple):
    """Seconds of the steps alone, over all sessions, and of everything.

    Of sessions before the last one, everything is their steps.
    """

    steps_s: float
    wall_s: float


def go(training: Training, *, checkpoint: Checkpoint | None, progress: bool) -> Spent:
    """Train to the end, from the state in ``checkpoint`` where it holds one.

    Raises ``StoreError`` for the state of another training, ``DivergedError`` where losses or
    parameters are no longer finite.
    """
    began = time.perf_counter()
    done, seconds = _resumed(training, checkpoint)
    before = seconds
    if done is None:
        done = 0
        _look(training, done)
    save_at = time.perf_counter() + pause_s(0.0)
    with Bar(
        total=training.total,
        initial=done,
        disable=not progress,
        unit=training.unit,
        mininterval=1.0,
        desc=training.label,
    ) as bar:
        while done < training.total:
            step_began = time.perf_counter()
            training.advance(done)
            seconds += time.perf_counter() - step_began
            done += 1
            if _look(training, done):
                bar.set_postfix(training.shown(), refresh=False)
            bar.update()
            if checkpoint and time.perf_counter() >= save_at:
                took = _save(training, checkpoint, done, seconds)
                save_at = time.perf_counter() + pause_s(took)
    _require_finite(training, done, _numbers(training, done, training.state()))
    return Spent(seconds, time.perf_counter() - began + before)


def identity(task: Task) -> dict[str, np.ndarray]:
    """What tells the training that a state is of: its configuration's key and its seed."""
    key = np.frombuffer(task.config.key().encode(), dtype=np.uint8)
    return {"key": key, "seed": np.array(task.seed)}


def require_state(
    state: Mapping[str, np.ndarray],
    task: Task,
    total: int,
    arrays: Callable[[int], Mapping[str, Array]],
    where: Path,
) -> tuple[int, float]:
    """Units made and their seconds, as a saved state says, after checking it.

    Raises ``StoreError`` for the state of another training, one that is damaged, and one with
    numbers that are not finite. Key and seed are looked at where they stand: older versions of
    modlib did not write them.
    """
    progress = state.get("progress", np.empty(0))
    reason = _another(state, task) or _progress_wrong(progress, total)
    own = {name: a for name, a in state.items() if name not in ("key", "seed", "progress")}
    reason = reason or wrong_arrays(own, arrays(int(progress[0])), FREE)
    if reason:
        raise StoreError(f"{where} is of another training or damaged ({reason}); move it away")
    return int(progress[0]), float(progress[1])


def _another(state: Mapping[str, np.ndarray], task: Task) -> str | None:
    own = identity(task)
    found = {name: state.get(name, value) for name, value in own.items()}
    other = [
        name
        for name, value in own.items()
        if found[name].dtype != value.dtype or not np.array_equal(found[name], value)
    ]
    return f"its {' and '.join(other)} is another" if other else None


def _progress_wrong(progress: np.ndarray, total: int) -> str | None:
    fits = progress.dtype == np.float64 and progress.shape == (2,) and np.isfinite(progress).all()
    if fits and progress[0] == int(progress[0]) and 0 <= progress[0] <= total and progress[1] >= 0:
        return None
    return "it does not say how far it is"


def _resumed(training: Training, checkpoint: Checkpoint | None) -> tuple[int | None, float]:
    """Units and seconds of the saved state that the training takes up; None where there is none."""
    state = checkpoint.load() if checkpoint else None
    if checkpoint is None or state is None:
        return None, 0.0
    done, seconds = require_state(
        state, training.task, training.total, training.arrays, checkpoint.path
    )
    training.restore(state)
    return done, seconds


def _look(training: Training, done: int) -> bool:
    """Evaluate, refuse what diverged, observe; whether anything was due for the bar to say."""
    due = training.evaluate(done)
    _require_finite(training, done, due)
    training.observe(done)
    return bool(due)


def _save(training: Training, checkpoint: Checkpoint, done: int, seconds: float) -> float:
    """Seconds that saving took."""
    began = time.perf_counter()
    state = training.state()
    _require_finite(training, done, _numbers(training, done, state))
    own = identity(training.task) | {"progress": np.array([done, seconds])}
    checkpoint.save(state | own)
    return time.perf_counter() - began


def _numbers(
    training: Training, done: int, state: Mapping[str, np.ndarray]
) -> Iterable[np.ndarray]:
    """The arrays of a state that must be finite, what probes and followers gathered among them."""
    arrays = training.arrays(done)
    return (array for name, array in state.items() if name not in arrays or not arrays[name].nan)


def _require_finite(training: Training, done: int, numbers: Iterable[np.ndarray]) -> None:
    if not all(np.isfinite(array).all() for array in numbers):
        rule = f"keep the training's numbers finite (after {training.unit} {done} they are not)"
        raise DivergedError(" and ".join(training.rates), rule, tuple(training.rates.values()))


N = TypeVar("N")


@dataclass(frozen=True, kw_only=True)
class Probe(Generic[N]):
    """Something to measure on a network after chosen epochs or steps: arrays by name.

    ``rows``: what the arrays of a measurement are, for those who read a saved state.
    """

    times: Collection[int]
    measure: Callable[[N], Mapping[str, Any]]
    rows: Mapping[str, Array] = field(default_factory=dict)

    def expected(self, done: int) -> dict[str, Array]:
        """The arrays that it has made after so many epochs or steps, in a saved state.

        They may be missing: a training that was begun before this was measured goes on without.
        """
        made = stacked(self.rows, sum(time <= done for time in self.times))
        return {f"probed/{name}": array._replace(required=False) for name, array in made.items()}


class Measured(Generic[N]):
    """What probes have measured so far: ``rows`` by name, one a time."""

    def __init__(self, probes: Sequence[Probe[N]]) -> None:
        self.probes = [(frozenset(probe.times), probe.measure) for probe in probes]
        self.kinds = probes
        self.rows: dict[str, list[np.ndarray]] = {}

    def is_due(self, done: int) -> bool:
        """Whether a probe is to measure after so many epochs or steps."""
        return any(done in times for times, _ in self.probes)

    def take(self, done: int, network: N) -> None:
        """Measure what is due."""
        for times, measure in self.probes:
            if done in times:
                before = sum(time < done for time in times)
                for name, value in measure(network).items():
                    rows = self.rows.get(name, [])
                    # A run that was begun before this was measured goes on without it.
                    if len(rows) == before:
                        self.rows[name] = [*rows, np.array(value)]

    def expected(self, done: int) -> dict[str, Array]:
        """What a saved state must hold of it after so many epochs or steps."""
        return {k: a for probe in self.kinds for k, a in probe.expected(done).items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """The measurements stacked, by name."""
        return {name: np.stack(rows) for name, rows in self.rows.items()}

    def state(self) -> dict[str, np.ndarray]:
        """The same under the names of a saved state."""
        return {f"probed/{name}": array for name, array in self.arrays().items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state."""
        self.rows = {name: list(rows) for name, rows in below("probed", state).items()}


def below(kind: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin with ``kind/``, without it."""
    start = f"{kind}/"
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
