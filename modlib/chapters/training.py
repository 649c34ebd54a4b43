"""What chapter 01 tells of a training, as numbers; also where it memorised or held out nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.micro.progress import settled_epoch
from modlib.chapters.shared import KNOWN
from modlib.config.addition import AdditionConfig
from modlib.maths.fourier import effective_number
from modlib.runs.addition import AdditionRun

PRESENT = 0.03
"""Share of the neurons' power under which no frequency counts as present."""


def first_epoch(history: pd.DataFrame, column: str, at_least: float = KNOWN) -> int | None:
    """The first evaluated epoch at which a column reaches a value; None where it never does."""
    at = np.flatnonzero(history[column] >= at_least)
    return int(history.epoch.iloc[at[0]]) if len(at) else None


def milestones(run: AdditionRun) -> dict[str, int | None]:
    """First epochs at which 99 % of the training pairs, and of the held-out pairs, are right."""
    return {
        "training pairs known": first_epoch(run.history, "train_accuracy"),
        "held-out pairs known": first_epoch(run.history, "test_accuracy"),
    }


class Split(NamedTuple):
    """Of the n pairs of an answer ``fewest`` to ``most`` are trained on; ``never``: answers of
    which none is."""

    n: int
    num_pairs: int
    num_train: int
    fewest: int
    most: int
    never: int


def split(config: AdditionConfig, is_train: Bool[np.ndarray, "a b"]) -> Split:
    """How many pairs are trained on and how evenly they cover the answers."""
    n, k = config.n, np.arange(config.n)
    counts = np.bincount(((k[:, None] + k) % n)[is_train], minlength=n)
    return Split(
        n=n,
        num_pairs=n**2,
        num_train=config.num_train,
        fewest=int(counts.min()),
        most=int(counts.max()),
        never=int((counts == 0).sum()),
    )


class Parameters(NamedTuple):
    """Parameters by their name in the store, with shapes and sizes."""

    names: list[str]
    shapes: list[tuple[int, ...]]
    sizes: list[int]
    total: int


def parameters(run: AdditionRun) -> Parameters:
    """Which parameters the network has, and how many numbers."""
    shapes = {name: array.shape for name, array in run.weights.items()}
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    return Parameters(list(shapes), list(shapes.values()), sizes, sum(sizes))


class Loss(NamedTuple):
    """Both terms of the loss at the start and at the end; ``share``: of L2 in their sum."""

    entropy: list[float]
    penalty: list[float]
    total: list[float]
    share: list[float]
    l2: float
    learned: bool


def loss(run: AdditionRun, initial: Mapping[str, np.ndarray]) -> Loss:
    """Both terms of the loss at the start and at the end; ``initial``: the first weights."""
    final = list(run.weights.values())
    entropy = [float(run.history.train_loss.iloc[row]) for row in (0, -1)]
    penalty = [
        run.config.l2 * sum(float((w.astype(np.float64) ** 2).sum()) for w in weights)
        for weights in (initial.values(), final)
    ]
    total = [a + b for a, b in zip(entropy, penalty, strict=True)]
    share = [b / both if both else 0.0 for b, both in zip(penalty, total, strict=True)]
    return Loss(entropy, penalty, total, share, run.config.l2, run.learned)


class Delay(NamedTuple):
    """``memorised``, ``generalised``: epochs at which training and held-out pairs are known.

    ``then``: accuracy on held-out pairs at the first of them; ``worst_loss``: their highest loss,
    in nats, with its epoch, beside ``guess``, ln n; ``times``: the later epoch in earlier ones.
    """

    n: int
    num_epochs: int
    num_test: int
    train_accuracy: float
    accuracy: float
    memorised: int | None
    generalised: int | None
    guess: float
    then: float = nan
    worst_epoch: int = 0
    worst_loss: float = nan
    times: float = nan


def delay(run: AdditionRun) -> Delay:
    """When the training pairs were known, when the others, and what lay between."""
    history, config = run.history, run.config
    memorised, generalised = milestones(run).values()
    told = Delay(
        n=config.n,
        num_epochs=config.num_epochs,
        num_test=run.num_test,
        train_accuracy=float(history.train_accuracy.iloc[-1]),
        accuracy=run.accuracy,
        memorised=memorised,
        generalised=generalised,
        guess=log(config.n),
    )
    if memorised is None or not run.num_test:
        return told
    worst = history.iloc[int(np.nanargmax(history.test_loss))]
    return told._replace(
        then=float(history[history.epoch == memorised].test_accuracy.iloc[0]),
        worst_epoch=int(worst.epoch),
        worst_loss=float(worst.test_loss),
        times=nan if generalised is None else generalised / max(1, memorised),
    )


def _level(share: Float[np.ndarray, "epoch freq"]) -> float:
    """Share from which a frequency counts as present: half more than all have if they are equal."""
    return max(PRESENT, 1.5 / max(1, share.shape[1] - 1))


class Frequencies(NamedTuple):
    """The power is spread as if over ``at_start`` and ``at_end`` equal frequencies of
    ``num_freqs``.

    ``kept``: those that hold at least ``present`` at the end, together ``held``; None where there
    was one measurement. ``since``: the epoch from which that set stands, also for half and twice
    the threshold. ``reached_epoch``: of the first 100 % on held-out pairs, None without any.
    """

    num_freqs: int
    at_start: float
    at_end: float
    reached_epoch: int | None
    present: float = PRESENT
    kept: list[int] | None = None
    held: float = nan
    since: int = 0
    since_half: int = 0
    since_twice: int = 0


def frequencies(
    epochs: Int[np.ndarray, " epoch"], share: Float[np.ndarray, "epoch freq"], run: AdditionRun
) -> Frequencies:
    """How many frequencies there are at the start and at the end, and since when they stand."""
    number = effective_number(share)
    reached = run.reached_epoch if run.num_test else None
    level = _level(share)
    told = Frequencies(share.shape[1] - 1, float(number[0]), float(number[-1]), reached, level)
    if len(epochs) < 2:
        return told
    kept, since = settled_epoch(epochs, share, level)
    return told._replace(
        kept=kept,
        held=float(share[-1][kept].sum()),
        since=since,
        since_half=settled_epoch(epochs, share, level / 2)[1],
        since_twice=settled_epoch(epochs, share, 2 * level)[1],
    )


def latecomers(share: Float[np.ndarray, "epoch freq"], clusters: Sequence[int]) -> list[int]:
    """Frequencies that were present once and are no cluster's at the end, at most six.

    The strongest first, by the largest share they ever had.
    """
    level, peak = _level(share), share.max(0)
    once = [int(f) for f in np.argsort(-peak, kind="stable") if peak[f] >= level]
    return [f for f in once if f not in clusters][:6]


class Race(NamedTuple):
    """``freqs`` have clusters at the end; ``places``: theirs of ``num_freqs`` at epoch 0.

    ``known_at``: the last measured epoch before held-out pairs are known, None where there is
    none; by then ``elsewhere`` is the share of power without a cluster at the end, and ``winner``
    gains most afterwards, from ``before`` to ``after``; ``loser`` gives at least half of that, from
    ``had`` to ``kept`` (0: none does). ``stood_out``: others did, at some epoch.
    """

    freqs: list[int]
    num_epochs: int
    num_freqs: int
    places: list[int]
    known_at: int | None = None
    elsewhere: float = nan
    winner: int = 0
    before: float = nan
    after: float = nan
    loser: int = 0
    had: float = nan
    kept: float = nan
    stood_out: bool = False


def race(
    epochs: Int[np.ndarray, " epoch"], share: Float[np.ndarray, "epoch freq"], run: AdditionRun
) -> Race:
    """Where the final frequencies stood at the start and when the network was first right."""
    freqs = [cluster.freq for cluster in run.clustering.clusters]
    order = (np.argsort(-share[0, 1:], kind="stable") + 1).tolist()
    places = sorted(order.index(freq) + 1 for freq in freqs)
    told = Race(freqs, len(epochs), len(order), places, stood_out=bool(latecomers(share, freqs)))
    generalised = milestones(run)["held-out pairs known"]
    if not freqs or len(epochs) < 2 or generalised is None:
        return told
    at = int(np.searchsorted(epochs, generalised, side="right")) - 1
    gain = share[-1] - share[at]
    winner, loser = max(freqs, key=lambda f: gain[f]), int(gain.argmin())
    return told._replace(
        known_at=int(epochs[at]),
        elsewhere=float(1 - share[at, freqs].sum()),
        winner=winner,
        before=float(share[at, winner]),
        after=float(share[-1, winner]),
        loser=loser if -gain[loser] >= gain[winner] / 2 else 0,
        had=float(share[at, loser]),
        kept=float(share[-1, loser]),
    )


class Control(NamedTuple):
    """What a control knows; its power is spread as if over ``num_freqs`` equal frequencies.

    ``fitted``: its training pairs count as known.
    """

    name: str
    num_train: int
    train_accuracy: float
    num_test: int
    accuracy: float
    test_loss: float
    num_freqs: float
    fitted: bool


class Controls(NamedTuple):
    """The controls of networks that add modulo n."""

    n: int
    networks: list[Control]


def controls(runs: Mapping[str, AdditionRun]) -> Controls:
    """What each control knows of its training pairs and of the others."""
    networks = [
        Control(
            name=name,
            num_train=run.config.num_train,
            train_accuracy=float(run.history.train_accuracy.iloc[-1]),
            num_test=run.num_test,
            accuracy=run.accuracy,
            test_loss=float(run.history.test_loss.iloc[-1]),
            num_freqs=float(effective_number(run.frequency_content[-1])),
            fitted=float(run.history.train_accuracy.iloc[-1]) >= KNOWN,
        )
        for name, run in runs.items()
    ]
    return Controls(next(iter(runs.values())).config.n, networks)


class Twice(NamedTuple):
    """``num_differing`` of the arrays differ; ``overlap``: share of training pairs that another
    seed has as well."""

    num_arrays: int
    num_differing: int
    num_numbers: int
    overlap: float
    expected: float


def twice(
    first: Mapping[str, np.ndarray],
    second: Mapping[str, np.ndarray],
    overlap: float,
    config: AdditionConfig,
) -> Twice:
    """Whether two trainings of one seed ended alike, and what another seed's split shares."""
    return Twice(
        num_arrays=len(first),
        num_differing=sum(not np.array_equal(first[name], second[name]) for name in first),
        num_numbers=sum(array.size for array in first.values()),
        overlap=float(overlap),
        expected=config.num_train / config.n**2,
    )


class Files(NamedTuple):
    """The files of a stored run and what they hold; ``folder`` below the store, sizes in bytes."""

    folder: str
    names: list[str]
    sizes: list[int]
    num_arrays: int
    num_freqs: int
    num_epochs: int
    num_rows: int
    columns: list[str]


def files(run: AdditionRun) -> Files:
    """The files of a stored run, with what they hold."""
    manifest = run.manifest
    num_epochs, num_freqs = run.frequency_content.shape
    return Files(
        folder=f"{manifest['kind']}/{manifest['key']}/seed-{run.seed:06d}/",
        names=list(manifest["files"]),
        sizes=[entry["bytes"] for entry in manifest["files"].values()],
        num_arrays=len(run.weights) + len(run.logged),
        num_freqs=num_freqs,
        num_epochs=num_epochs,
        num_rows=len(run.history),
        columns=list(run.history.columns),
    )


class Speed(NamedTuple):
    """Steps, their rate a second, seconds in them and in all."""

    num_epochs: int
    steps_per_epoch: int
    num_steps: int
    rate: float
    stepping_s: float
    wall_s: float
    device: str


def speed(run: AdditionRun) -> Speed:
    """Steps, time in them and time around them, from the run's manifest."""
    config, manifest = run.config, run.manifest
    num_steps = config.num_epochs * config.steps_per_epoch
    rate = manifest["config"]["steps_per_second"] if num_steps else nan
    return Speed(
        num_epochs=config.num_epochs,
        steps_per_epoch=config.steps_per_epoch,
        num_steps=num_steps,
        rate=rate,
        stepping_s=num_steps / rate,
        wall_s=manifest["wall_s"],
        device=manifest["device"],
    )
