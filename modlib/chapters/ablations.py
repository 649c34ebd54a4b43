"""What chapter 14 tells of any networks, as numbers: one seed or several, learned or not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.remainders import ablations as ab
from modlib.analysis.remainders.active_sets import find_spike
from modlib.analysis.remainders.grokking import EASY
from modlib.chapters.words import Rows, interval, percent, percents
from modlib.config.presets import FIRST_SEED, REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.maths.intervals import Interval
from modlib.results.shown import MIN_MASKED_P, Ablated

SETTINGS = {
    "dropout": "dropout",
    "lam": "lambda",
    "weight_decay": "weight decay",
    "embed_dim": "width d",
    "lr": "learning rate",
    "heads": "heads",
}
"""Settings as tables and sentences name them."""
CONVERGED = 0.99
"""Mean accuracy at which the network with the filter is said to have converged."""

Bounds = tuple[float, ...]
"""A value and both ends of its interval; the value alone where one seed has none."""


def _bounds(found: Interval) -> Bounds:
    return tuple(found) if np.isfinite(found.low) else (found.value,)


def _ends(history: pd.DataFrame, split: str = "validation") -> Bounds:
    return _bounds(ab.share_over_seeds(ab.at_end(history, split)))


def _value(value: float) -> str:
    return "1/3" if abs(value - 1 / 3) < 1e-6 else f"{value:.4g}"


class Origin(NamedTuple):
    """The networks: ``num_kinds`` of at most ``num_seeds``, ``last`` step; ``missing`` presets,
    ``too_small``: the masked one for want of a task."""

    p: int
    steps: int | None
    seed: int
    num_kinds: int
    num_seeds: int
    last: int
    missing: list[str]
    too_small: bool
    least_p: int


def origin(
    found: Mapping[str, Ablated],
    wanted: Collection[str],
    *,
    p: int,
    steps: int | None,
    seed: int,
) -> Origin:
    """Where the networks come from, and which are missing and why."""
    histories = [one.history for one in found.values()]
    missing = [name for name in dict.fromkeys(wanted) if name not in found]
    return Origin(
        p=p,
        steps=steps,
        seed=seed,
        num_kinds=len(found),
        num_seeds=max((h.seed.nunique() for h in histories), default=0),
        last=max((int(h.step.max()) for h in histories), default=0),
        missing=missing,
        too_small="B37-masked" in missing and p < MIN_MASKED_P,
        least_p=MIN_MASKED_P,
    )


def networks(found: Mapping[str, Ablated], wanted: Collection[str]) -> Rows:
    """What each preset changes, its seeds, steps, and accuracy at the end over its tasks."""
    plain = vars(REMAINDERS_PRESETS["B37"])
    rows: Rows = {
        name: []
        for name in (
            *("network", "differs in", "seeds", "steps"),
            *("validation accuracy at the end", "trained on"),
        )
    }
    for name in dict.fromkeys(wanted):
        changed = {k: v for k, v in vars(REMAINDERS_PRESETS[name]).items() if plain[k] != v}
        words = [
            f"{SETTINGS.get(k, k)} {v if isinstance(v, str) else _value(v)}"
            for k, v in changed.items()
        ]
        row = [name, ", ".join(words) or "-", "not there", "", "", ""]
        if name in found:
            history = found[name].history
            if REMAINDERS_PRESETS[name].task == "masked":
                history = history[history.q > EASY[-1]]
            row[2:4] = [str(history.seed.nunique()), f"{history.step.max():,}"]
            row[4:] = [percents(*_ends(history, split)) for split in ("validation", "train")]
        for column, entry in zip(rows.values(), row, strict=True):
            column.append(entry)
    return rows


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
    own, other = (_bounds(one) if np.isfinite(one.value) else () for one in ratios)
    return Masked(
        num_pairs=len(delays.table),
        ratio=own,
        by_heart=other,
        num_tasks=used.q.nunique(),
        num_seeds=used.seed.nunique(),
        never=delays.never,
        left_out=delays.left_out,
    )


class Spikes(NamedTuple):
    """``rows``: the count of active frequencies at step 256, at most and at the end, and the steps
    at which the easiest tasks are learned, by network; ``first``: (network, seeds in which 11, 13,
    17 and 19 come before the others, of how many)."""

    rows: Rows
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
        *("network", "near step 256", "at most", "at step", "at the end", "rises and falls"),
        "easiest tasks learned at",
    )
    rows: Rows = {name: [] for name in names}
    for name, table in counts.items():
        spike = find_spike(table.step.to_numpy(), table["count"].to_numpy())
        if spike is None:
            continue
        steps = ", ".join(f"{step:,.0f}" for step in learned[name].dropna().sort_values())
        row = (
            *(name, spike.first, spike.peak, f"{spike.step:,}", spike.last),
            *("yes" if spike.rises_and_falls else "no", steps or "-"),
        )
        for column, entry in zip(names, row, strict=True):
            rows[column].append(str(entry))
    first = {name: ab.learned_first(history) for name, history in found.items()}
    return Spikes(rows, [(name, int(own.sum()), len(own)) for name, own in first.items()])


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
    last = without[(without.step == without.step.max()) & (without.split == "validation")]
    by_task = last.groupby("q").accuracy.mean()
    return Dropout(
        ends=[(name, _ends(h, "train"), _ends(h)) for name, h in both if h is not None],
        learned=by_task.index[by_task >= ab.REACHED].astype(int).tolist(),
    )


class Pace(NamedTuple):
    """Steps of lambda 0 over those of lambda .5 until the mean accuracy passes levels ``lowest`` to
    ``highest``: geometric ``mean``, and the ``least`` and ``most`` of ``num_levels``."""

    mean: Bounds
    num_levels: int
    lowest: float
    highest: float
    least: float
    most: float


def _pace(without: pd.DataFrame, plain: pd.DataFrame) -> Pace | None:
    ratios = ab.pace(without, plain)
    if ratios.empty:
        return None
    return Pace(
        mean=_bounds(ab.mean_pace(ratios)),
        num_levels=ratios.shape[1],
        lowest=float(ratios.columns.min()),
        highest=float(ratios.columns.max()),
        least=float(ratios.min(axis=None)),
        most=float(ratios.max(axis=None)),
    )


class Filter(NamedTuple):
    """Accuracies at the end with lambda ``plain`` and 0; of the evaluations at which lambda .5 is
    at .99, the share at which lambda 0 is ``below``, and the same by seed."""

    plain: Bounds
    without: Bounds
    pace: Pace | None
    below: Bounds
    by_seed: list[float]


def gradient_filter(
    plain: pd.DataFrame | None, without: pd.DataFrame | None
) -> dict[str, Filter | None]:
    """What lambda = 0 does beside lambda = .5; None where not both are there."""
    if plain is None or without is None:
        return {"found": None}
    shares = ab.share_below(without, plain, CONVERGED)
    found = Filter(
        plain=_ends(plain),
        without=_ends(without),
        pace=_pace(without, plain),
        below=_bounds(ab.share_over_seeds(shares)) if len(shares) else (),
        by_seed=shares.tolist(),
    )
    return {"found": found}


class PaperSize(NamedTuple):
    """The pair at p = 113, one network each: its ``pace``; ``last``: the step that lambda 0 has
    made; ``converged``: the step at which lambda .5 is at .99, and at which lambda 0 would be at
    this pace (``expected``, to two digits); ``planned`` steps."""

    seed: int
    pace: Pace
    last: int
    converged: int | None
    expected: float
    planned: int


def paper_size(pair: Mapping[str, pd.DataFrame]) -> dict[str, PaperSize | None]:
    """How much slower lambda = 0 is at the paper's own size; None without both networks."""
    if not pair:
        return {"found": None}
    plain, without = pair.values()
    pace = _pace(without, plain)
    if pace is None:
        return {"found": None}
    curve = ab.over_tasks(plain)
    there = curve[curve["mean"] >= CONVERGED].step
    converged = int(there.min()) if len(there) else None
    found = PaperSize(
        seed=FIRST_SEED,
        pace=pace,
        last=int(without.step.max()),
        converged=converged,
        expected=float(f"{pace.mean[0] * (converged or 0):.2g}"),
        planned=REMAINDERS_PRESETS["B113-code"].steps,
    )
    return {"found": found}


def arm_name(arm: tuple[str, float]) -> str:
    """``lambda 1``, ``learning rate x 2``."""
    kind, factor = arm
    return f"lambda {factor - 1:g}" if kind == "lambda" else f"learning rate x {factor:g}"


def arms(summary: pd.DataFrame) -> Rows:
    """Each arm's steps and accuracies with their intervals; ``summary``: of ``compare_arms``."""
    rows: Rows = {"network": [], "seeds": []}
    for (kind, factor), own in summary.groupby(["kind", "factor"], sort=False):
        rows["network"].append(arm_name((str(kind), float(factor))))
        rows["seeds"].append(str(own.num_seeds.iloc[0]))
        for row in own.itertuples():
            found = Interval(row.value, row.low, row.high)
            steps = row.measure.startswith("steps")
            cell = _steps(row, found) if steps else percents(*_bounds(found))
            rows.setdefault(row.measure, []).append(cell)
    return rows


def _steps(row: Any, found: Interval) -> str:
    if row.reached == 0:
        return f"not reached, 0 of {row.num_seeds}"
    reached = "" if row.reached == row.num_seeds else f", {row.reached} of {row.num_seeds}"
    ends = f" ({found.low:,.0f} to {found.high:,.0f})" if np.isfinite(found.low) else ""
    return f"{found.value:,.0f}{ends}{reached}"


class Rivals(NamedTuple):
    """``rows``: steps until all tasks are at .9, one network over another; ``filter_ahead``,
    ``rate_ahead`` and ``undecided``: what the intervals of the ``num_sure`` comparisons at equal
    factors say."""

    rows: Rows
    num_sure: int
    filter_ahead: int
    rate_ahead: int
    undecided: int


def rivals(ratios: pd.DataFrame) -> Rivals:
    """The filter against the learning rate at equal factors; ``ratios``: of ``arm_ratios``."""
    rows: Rows = {"network": [], "against": [], "times the steps": [], "never there": []}
    for row in ratios.itertuples():
        both = row.never == 2 * row.num_seeds
        rows["network"].append(arm_name(row.arm))
        rows["against"].append(arm_name(row.other))
        found = _bounds(Interval(row.value, row.low, row.high))
        rows["times the steps"].append("neither gets there" if both else interval(*found))
        rows["never there"].append(f"{row.never} of {2 * row.num_seeds}" if row.never else "")
    equal = np.array([a[1] == b[1] for a, b in zip(ratios.arm, ratios.other, strict=True)], bool)
    direct = ratios[equal & (ratios.never < 2 * ratios.num_seeds).to_numpy(bool)]
    sure = direct[direct.low.notna()]
    ahead = int((sure.high < 1).sum()), int((sure.low > 1).sum())
    return Rivals(rows, len(sure), *ahead, undecided=len(sure) - sum(ahead))


def space(own: Mapping[str, Sequence[float]], paper: Mapping[str, Sequence[float]]) -> Rows:
    """Table 1 with what we added to it."""
    return {
        "setting": [SETTINGS[name] for name in own],
        "the paper's values": [", ".join(map(_value, paper[name])) for name in own],
        "added here": [
            ", ".join(_value(value) for value in values if value not in paper[name])
            for name, values in own.items()
        ],
    }


class Search(NamedTuple):
    """``num_trials`` of ``size`` settings tried, some ``pruned``, some ``retried`` after a kill;
    accuracies ``least`` to ``most`` with their ``median``."""

    num_trials: int
    size: int
    p: int
    steps: int
    seed: int
    pruned: int
    retried: int
    least: float
    most: float
    median: float


def search(trials: pd.DataFrame, base: RemaindersConfig, size: int) -> Search:
    """How many settings were tried and how the accuracies spread."""
    accuracy = trials.accuracy if len(trials) else pd.Series([0.0])
    return Search(
        num_trials=len(trials),
        size=size,
        p=base.p,
        steps=base.steps,
        seed=FIRST_SEED,
        pruned=int(trials.pruned.sum()),
        retried=int((trials.retries > 0).sum()),
        least=float(accuracy.min()),
        most=float(accuracy.max()),
        median=float(accuracy.median()),
    )


def best(
    trials: pd.DataFrame,
    own: Mapping[str, Sequence[float]],
    paper: Mapping[str, float],
    top: int = 5,
) -> Rows:
    """Table 2: the best settings found, the paper's best, and the best without the filter.

    {} without trials.
    """
    if trials.empty:
        return {}
    ranked = trials.sort_values("accuracy", ascending=False, kind="stable").reset_index(drop=True)
    chosen = [(f"{i + 1}", ranked.loc[i]) for i in range(min(top, len(ranked)))]
    theirs = np.logical_and.reduce([np.isclose(ranked[name], paper[name]) for name in own])
    for label, mask in (("the paper's best", theirs), ("best with lambda 0", ranked.lam == 0)):
        rows = ranked[mask]
        if len(rows):
            chosen.append((f"{label} (place {rows.index[0] + 1})", rows.iloc[0]))
    planned = REMAINDERS_PRESETS["B113-code"].steps
    return {
        "place": ["*paper, table 2*", *(label for label, _ in chosen)],
        **{
            SETTINGS[name]: [_value(float(row[name])) for row in (paper, *(r for _, r in chosen))]
            for name in own
        },
        "accuracy": ["", *(percent(float(row.accuracy)) for _, row in chosen)],
        "steps": [f"{planned:,}", *(f"{row.steps:,}" for _, row in chosen)],
    }


class Importance(NamedTuple):
    """The setting with the largest ``share``; ``above``: those with more than an ``equal`` one by
    their whole interval."""

    setting: str
    share: tuple[float, float, float]
    equal: float
    above: list[str]


def importance(table: pd.DataFrame) -> dict[str, Importance | None]:
    """Which settings tell the best trials from all, as far as the intervals say."""
    if table.empty:
        return {"found": None}
    first = table.sort_values("importance", ascending=False).iloc[0]
    equal = 1 / len(table)
    found = Importance(
        setting=SETTINGS[first.setting],
        share=(float(first.importance), float(first.low), float(first.high)),
        equal=equal,
        above=[SETTINGS[row.setting] for row in table.itertuples() if row.low > equal],
    )
    return {"found": found}
