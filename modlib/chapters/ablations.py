"""What chapter 14 tells of any networks, as numbers: one seed or several, learned or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.remainders import ablations as ab
from modlib.analysis.remainders.active_sets import find_spike
from modlib.analysis.remainders.grokking import EASY
from modlib.chapters.words import Rows, percents
from modlib.config.presets import PLAIN, REMAINDERS_PRESETS
from modlib.config.remainders import CHANGED_AFTER, MIN_MASKED_P
from modlib.config.thresholds import DEFAULT
from modlib.maths.intervals import Interval
from modlib.results.remainders import ExportedRemainders
from modlib.results.shown import Ablated

KINDS = {
    "B37": "as it is",
    "B37-no-dropout": "no dropout",
    "B37-masked": "2, 3, 5, 7 masked",
    "B37-lambda-0": "λ = 0: no filter",
    "B37-lambda-1": "λ = 1",
    "B37-lambda-2": "λ = 2",
    "B37-lr-1.5": "λ = 0 with rate × 1.5",
    "B37-lr-2": "λ = 0 with rate × 2",
    "B37-lr-3": "λ = 0 with rate × 3",
}
"""The networks of this chapter, by what was changed of the plain one; first the plain one."""
Bounds = tuple[float, ...]
"""A value and both ends of its interval; the value alone where one seed has none."""


def bounds_of(found: Interval) -> Bounds:
    """A value with its ends, where it has any."""
    return tuple(found) if np.isfinite(found.low) else (found.value,)


def ends_of(history: pd.DataFrame, split: str = "validation") -> Bounds:
    """Accuracy at the end, mean over tasks and seeds."""
    return bounds_of(ab.share_over_seeds(ab.at_end(history, split)))


class Origin(NamedTuple):
    """The networks: ``num_kinds`` of at most ``num_seeds``, ``last`` step; ``too_small``: p, for a
    network with masked tasks."""

    p: int
    steps: int | None
    seed: int
    num_kinds: int
    num_seeds: int
    last: int
    too_small: bool
    least_p: int


def origin(found: Mapping[str, Ablated], *, p: int, steps: int | None, seed: int) -> Origin:
    """Where the networks come from."""
    histories = [one.history for one in found.values()]
    return Origin(
        p=p,
        steps=steps,
        seed=seed,
        num_kinds=len(found),
        num_seeds=max((h.seed.nunique() for h in histories), default=0),
        last=max((int(h.step.max()) for h in histories), default=0),
        too_small="B37-masked" not in found and p < MIN_MASKED_P,
        least_p=MIN_MASKED_P,
    )


def _own_tasks(preset: str, history: pd.DataFrame) -> pd.DataFrame:
    """A history's rows of the tasks that are in the loss."""
    masked = REMAINDERS_PRESETS[preset].task == "masked"
    return history[history.q > EASY[-1]] if masked else history


def networks(found: Mapping[str, Ablated]) -> Rows:
    """Each kind's seeds, steps, and accuracy at the end over its tasks."""
    names = ("network", "seeds", "steps", "on validation numbers", "on numbers trained on")
    rows: Rows = {name: [] for name in names}
    for preset, kind in KINDS.items():
        row = [kind, "not there", "", "", ""]
        if preset in found:
            history = _own_tasks(preset, found[preset].history)
            row[1:3] = [str(history.seed.nunique()), f"{history.step.max():,}"]
            row[3:] = [percents(*ends_of(history, split)) for split in ("validation", "train")]
        for column, entry in zip(rows.values(), row, strict=True):
            column.append(entry)
    return rows


def ends(found: Mapping[str, Ablated]) -> dict[str, Float[np.ndarray, " seed"]]:
    """Accuracy at the end over its tasks, a number a seed, by kind."""
    return {
        kind: ab.at_end(_own_tasks(preset, found[preset].history)).to_numpy()
        for preset, kind in KINDS.items()
        if preset in found
    }


class Kind(NamedTuple):
    """``num_learned`` of ``num_seeds`` networks are at ``tasks_learned`` or above; ``mean``."""

    name: str
    num_learned: int
    num_seeds: int
    mean: float


class Overview(NamedTuple):
    """``plain``, ``no_dropout``, ``no_filter``: None where there is none; ``failing``: the kinds of
    which no network learned, where the plain one did, and ``learning`` the others."""

    level: float
    plain: Kind | None
    no_dropout: Kind | None
    no_filter: Kind | None
    failing: list[str]
    learning: list[str]

    @property
    def dropout_needed(self) -> bool:
        """Whether the plain network learns and none without dropout does."""
        return _needed(self.plain, self.no_dropout)

    @property
    def filter_needed(self) -> bool:
        """Whether the plain network learns and none without the filter does."""
        return _needed(self.plain, self.no_filter)


def _needed(plain: Kind | None, without: Kind | None) -> bool:
    if plain is None or without is None:
        return False
    return plain.num_learned > 0 and without.num_learned == 0


def overview(accuracies: Mapping[str, Float[np.ndarray, " seed"]]) -> Overview:
    """Which kinds of network learn; ``accuracies``: of ``ends``."""
    kinds = {
        name: Kind(name, int((own >= DEFAULT.tasks_learned).sum()), len(own), float(own.mean()))
        for name, own in accuracies.items()
    }
    plain, no_dropout, no_filter = (
        kinds.get(KINDS[preset]) for preset in (PLAIN, "B37-no-dropout", "B37-lambda-0")
    )
    learns = plain is not None and plain.num_learned > 0
    return Overview(
        level=DEFAULT.tasks_learned,
        plain=plain,
        no_dropout=no_dropout,
        no_filter=no_filter,
        failing=[one.name for one in kinds.values() if learns and not one.num_learned],
        learning=[one.name for one in kinds.values() if one.num_learned],
    )


class Masked(NamedTuple):
    """Steps to .97 with the mask over those without, geometric mean: ``ratio``, and ``by_heart`` on
    the numbers trained on; empty where there is none.

    ``num_pairs`` of task and seed could be compared; ``never``: got there without the mask only;
    ``left_out``: did not without it.
    """

    num_pairs: int
    ratio: Bounds
    by_heart: Bounds
    num_tasks: int
    num_seeds: int
    never: int
    left_out: int


def masked(delays: ab.Delays, by_heart: ab.Delays) -> Masked:
    """How much later the other tasks are learned with 2, 3, 5 and 7 masked."""
    used = delays.table.dropna(subset="ratio")
    ratios = (one.ratio for one in (delays, by_heart))
    own, other = (bounds_of(one) if np.isfinite(one.value) else () for one in ratios)
    return Masked(
        num_pairs=len(delays.table),
        ratio=own,
        by_heart=other,
        num_tasks=used.q.nunique(),
        num_seeds=used.seed.nunique(),
        never=delays.never,
        left_out=delays.left_out,
    )


WAVE = {
    "B37": "as it is",
    "B37-ablated": "without the wave after step 128",
    "B37-perturbed": "with a random change of that size",
}
"""Networks that show whether the first wave helps what is learned later."""


class EarlyWave(NamedTuple):
    """What x mod 2 explains of the neurons, mean over seeds: at ``most`` and at the ``end``.

    ``back``: the step at which q = 2 is known again without its wave, median of those ``num_back``
    of ``num_seeds`` networks that know it, None where none does; ``ratio``: steps of the other
    tasks without the wave over those with a random change, of ``num_used`` networks; ``bound``: of
    what counts as a delay; ``never``, ``left_out``: as of ``Masked``.
    """

    most: float
    end: float
    back: float | None
    num_back: int
    num_seeds: int
    ratio: Bounds
    num_used: int
    never: int
    left_out: int
    bound: float
    after: int


def early_wave(found: Mapping[str, ExportedRemainders], delays: ab.Delays) -> EarlyWave | None:
    """What comes of a network that loses its first wave; None unless all of ``WAVE`` are there."""
    if not found.keys() >= WAVE.keys():
        return None
    plain, ablated, _ = (found[name] for name in WAVE)
    share = ab.explained_ends(plain.spectra, 2).mean()
    back = ab.back_at(ablated.history, 2, CHANGED_AFTER)
    return EarlyWave(
        most=float(share.most),
        end=float(share["last"]),
        back=float(back.median()) if len(back) else None,
        num_back=len(back),
        num_seeds=ablated.history.seed.nunique(),
        ratio=bounds_of(delays.ratio) if np.isfinite(delays.ratio.value) else (),
        num_used=delays.table.dropna(subset="ratio").seed.nunique(),
        never=delays.never,
        left_out=delays.left_out,
        bound=ab.MAX_DELAY,
        after=CHANGED_AFTER,
    )


class Spikes(NamedTuple):
    """``rows``: the count of active frequencies at step 256, at most and at the end, and the steps
    at which the easiest tasks are learned, by network; ``after``: (network, how many of these are
    learned at the highest count, of how many); ``first``: (network, seeds in which 11, 13, 17 and
    19 come before the others, of how many)."""

    rows: Rows
    after: list[tuple[str, int, int]]
    first: list[tuple[str, int, int]]


def spikes(
    counts: Mapping[str, pd.DataFrame],
    learned: Mapping[str, pd.Series],
    found: Mapping[str, pd.DataFrame],
) -> Spikes:
    """Whether the counts as coded rise and fall, and whether the easiest tasks left come first.

    ``counts``: with ``step`` and ``count``, ``learned``: the easiest tasks' steps, one network
    each; ``found``: histories of all seeds.
    """
    names = (
        "network",
        "from step 256 on",
        "at most between",
        "at step",
        "at the end",
        "rises and falls",
        "easiest tasks learned at",
    )
    rows: Rows = {name: [] for name in names}
    after = []
    for name, table in counts.items():
        spike = find_spike(table.step.to_numpy(), table["count"].to_numpy())
        if spike is None:
            continue
        after.append((name, int((learned[name] <= spike.step).sum()), len(learned[name])))
        steps = ", ".join(f"{step:,.0f}" for step in learned[name].dropna().sort_values())
        row = (
            *(name, spike.first, spike.peak, f"{spike.step:,}", spike.last),
            *("yes" if spike.rises_and_falls else "no", steps or "-"),
        )
        for column, entry in zip(names, row, strict=True):
            rows[column].append(str(entry))
    first = {name: ab.learned_first(history) for name, history in found.items()}
    firsts = [(name, int(own.sum()), len(own)) for name, own in first.items()]
    return Spikes(rows, after, firsts)


class Dropout(NamedTuple):
    """``ends``: (network, accuracy on numbers trained on, on validation numbers); ``learned``: the
    tasks at .97 without dropout; None where there is no such network."""

    ends: list[tuple[str, Bounds, Bounds]]
    learned: list[int] | None


def dropout(plain: pd.DataFrame | None, without: pd.DataFrame | None) -> Dropout:
    """Accuracy on numbers trained on and held out, without dropout and with it."""
    if without is None:
        return Dropout([], None)
    both = (("without dropout", without), ("with it", plain))
    late = without.step >= (1 - ab.LAST_PART) * without.step.max()
    last = without[late & (without.split == "validation")]
    by_task = last.groupby("q").accuracy.mean()
    return Dropout(
        ends=[(name, ends_of(h, "train"), ends_of(h)) for name, h in both if h is not None],
        learned=by_task.index[by_task >= ab.REACHED].astype(int).tolist(),
    )
