"""What chapter 11 tells of any run, as numbers: one that learned nothing, one of three steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.remainders import grokking as gr
from modlib.chapters.words import Rows, choose
from modlib.config.presets import preset, preset_of
from modlib.config.remainders import RemaindersConfig
from modlib.runs.remainders import RemaindersRun

MOST_NAMED = 6
"""Tasks that are not learned of which so many are named."""


def title(config: RemaindersConfig, steps: int) -> str:
    """How figures name a network: ``p = 113 (30 %), 65,536 steps``, of the numbers trained on."""
    made = f"{steps:,} {choose(steps, 'step', 'steps')}"
    return f"p = {config.p} ({100 * config.train_fraction:.0f} %), {made}"


class NetworkFacts(NamedTuple):
    """The network on show: mean ``accuracy`` on validation numbers, ``chance``; ``known`` of
    ``num_tasks`` learned, ``left``: the first of the others; ``lost`` of these had been there."""

    seed: int
    task: str
    setting: str
    preset: str | None
    accuracy: float
    chance: float
    known: int
    num_tasks: int
    level: str
    left: list[str]
    lost: int


def network(run: RemaindersRun) -> NetworkFacts:
    """Seed, setting and outcome of the network on show."""
    accuracy = gr.by_step(run.history, "validation").iloc[-1]
    below = accuracy < gr.LEARNED
    return NetworkFacts(
        seed=run.seed,
        task=run.config.task,
        setting=title(run.config, run.steps),
        preset=preset_of(run.config),
        accuracy=float(accuracy.mean()),
        chance=float((1 / accuracy.index.to_numpy(dtype=float)).mean()),
        known=int((accuracy >= gr.LEARNED).sum()),
        num_tasks=len(accuracy),
        level=str(gr.LEARNED),
        left=[f"q = {q}" for q in accuracy.index[below]][:MOST_NAMED],
        lost=int(gr.first_steps(run.history)[below].notna().sum()),
    )


class Settings(NamedTuple):
    """Runs of the paper's own settings, by the share of the numbers that they train on: ``made`` as
    (share, steps), ``wanted`` steps, ``absent``."""

    made: list[tuple[float, int]]
    wanted: int
    absent: list[float]


def settings(names: Sequence[str], steps: Mapping[str, int], wanted: int) -> Settings:
    """Which presets of the paper's own settings are committed, and how far their runs are."""
    share = {name: preset(name, RemaindersConfig).train_fraction for name in names}
    return Settings(
        made=[(share[name], steps[name]) for name in names if name in steps],
        wanted=wanted,
        absent=[share[name] for name in names if name not in steps],
    )


class Gap(NamedTuple):
    """Tasks known on training and on validation numbers; of the ``num_both`` that are on both, how
    many times later in steps: ``median`` and ``most``, at ``q`` and its two steps; ``never``: tasks
    known on training numbers only."""

    level: str
    num_tasks: int
    on_training: int
    on_validation: int
    num_both: int
    median: float
    most: float
    q: int
    train_step: int
    validation_step: int
    never: list[int]


def gap(history: pd.DataFrame) -> Gap:
    """How long after its training numbers each task's validation numbers are known."""
    known = gr.milestones(history, (gr.LEARNED,), "train").set_index("q")["first"]
    learned = gr.first_steps(history)
    both = learned.notna() & known.notna()
    apart = (learned / known.clip(lower=1))[both]
    most = apart.idxmax() if both.any() else 0
    return Gap(
        level=str(gr.LEARNED),
        num_tasks=len(known),
        on_training=int(known.notna().sum()),
        on_validation=int(learned.notna().sum()),
        num_both=int(both.sum()),
        median=float(apart.median()) if both.any() else 0.0,
        most=float(apart.max()) if both.any() else 0.0,
        q=int(most),
        train_step=int(known[most]) if both.any() else 0,
        validation_step=int(learned[most]) if both.any() else 0,
        never=known.index[known.notna() & learned.isna()].astype(int).tolist(),
    )


def milestones(history: pd.DataFrame) -> Rows:
    """First steps at each level and the step from which .99 lasts, a row a task."""
    table = gr.milestones(history)
    first = table.pivot(index="q", columns="level", values="first")
    lasting = table[table.level == gr.LEARNED].set_index("q").lasting
    return {
        "q": [str(q) for q in first.index],
        **{f"first ≥ {level}": [_step(step) for step in first[level]] for level in gr.LEVELS},
        f"≥ {gr.LEARNED} to the end": [_step(lasting[q]) for q in first.index],
    }


def _step(step: float) -> str:
    return "-" if np.isnan(step) else f"{step:,.0f}"


class LossFacts(NamedTuple):
    """Losses in units of ln q, what a guess costs: tasks whose validation loss gets above the
    training loss by ``wide`` than 1; the ``largest`` gap, at ``q`` and ``step``; tasks that end
    ``below`` a guess."""

    num_tasks: int
    wide: int
    largest: float
    q: int
    step: int
    below: int


def loss(history: pd.DataFrame) -> LossFacts:
    """How far the validation loss was above the training loss, and whether it came back."""
    validation, train = (gr.by_step(history, split, "loss") for split in ("validation", "train"))
    guess = np.log(validation.columns.to_numpy(dtype=float))
    apart = (validation - train) / guess
    largest, end = apart.max(), validation.iloc[-1] / guess
    worst = largest.idxmax()
    return LossFacts(
        num_tasks=len(largest),
        wide=int((largest > 1).sum()),
        largest=float(largest[worst]),
        q=int(worst),
        step=int(apart[worst].idxmax()),
        below=int((end < 1).sum()),
    )


class Stairs(NamedTuple):
    """Tasks learned, the ``first`` of them and the ``last``, each as (tasks, step); None: none."""

    level: str
    num_tasks: int
    num_learned: int
    first: tuple[list[int], int] | None
    last: tuple[list[int], int] | None


def stairs(history: pd.DataFrame) -> Stairs:
    """Which tasks a network has learned first and last."""
    first = gr.first_steps(history)
    learned = first.dropna()
    ends = [
        ([int(q) for q in learned.index[learned == step]], int(step))
        for step in ((learned.min(), learned.max()) if len(learned) else ())
    ]
    earliest, latest = ends or (None, None)
    return Stairs(str(gr.LEARNED), len(first), len(learned), earliest, latest)


class Succession(NamedTuple):
    """Seeds of a setting in which 2, 3, 5 and 7 come one after another and before the others:
    ``in_order`` of ``num_seeds``, ``undecided`` yet; None where a task of these is missing.

    ``taus``: of q above 7 with the step, a seed each, where it is a number.
    """

    name: str
    num_seeds: int
    in_order: int | None
    undecided: int
    taus: list[float]


def successions(
    firsts: Mapping[str, pd.DataFrame], finished: Mapping[str, bool]
) -> list[Succession]:
    """Which seeds of each setting learn 2, 3, 5, 7 in order, and whether others follow by q.

    ``finished``: whether all steps of the setting are made, by the same names.
    """
    told = []
    for name, table in firsts.items():
        rows = [first for _, first in table.iterrows()]
        found = [gr.in_succession(first, finished=finished[name]) for first in rows]
        asked = set(gr.EASY) <= set(table.columns)
        taus = [tau for tau in map(gr.rank_correlation, rows) if np.isfinite(tau)]
        in_order = found.count(True) if asked else None
        told.append(Succession(name, len(rows), in_order, found.count(None), taus))
    return told


def order(firsts: Mapping[str, pd.DataFrame], finished: Mapping[str, bool]) -> Rows:
    """``successions`` as a table, with when the tasks above 7 were learned."""
    names = (
        *("setting", "seeds", "2, 3, 5, 7 in order and first", "tasks above 7: learned"),
        *("their steps", "tau of q with the step (lowest to highest seed)"),
    )
    told = successions(firsts, finished)
    rows = [_order_of(one, firsts[one.name]) for one in told]
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _order_of(told: Succession, table: pd.DataFrame) -> list[str]:
    kept = "-"
    if told.in_order is not None:
        undecided = f", not yet decided {told.undecided}" if told.undecided else ""
        kept = f"{told.in_order}{undecided}"
    rest = table.loc[:, table.columns > gr.EASY[-1]].to_numpy(dtype=float)
    reached = rest[np.isfinite(rest)]
    steps = f"{reached.min():,.0f} to {reached.max():,.0f}" if len(reached) else "-"
    taus = told.taus
    tau = f"{np.mean(taus):.2f}" if taus else "-"
    if len(taus) > 1:
        tau += f" ({min(taus):.2f} to {max(taus):.2f})"
    seeds = str(told.num_seeds)
    learned = f"{len(reached)} of {rest.size}" if rest.size else "there is none"
    return [told.name, seeds, kept, learned, steps, tau]


class Memory(NamedTuple):
    """Tau of q above 7 with the step at which a network's training numbers, and its validation
    numbers, are known. ``best``, ``worst``: (accuracy, q) where none is learned, and validation
    accuracies after the last step are ranked instead."""

    name: str
    by_heart: float
    follows: float
    best: tuple[float, int] | None
    worst: tuple[float, int] | None


def memory(histories: Mapping[str, pd.DataFrame]) -> list[Memory]:
    """Which tasks above 7 are known by heart first, and in which order validation follows."""
    found = []
    for name, history in histories.items():
        known = gr.milestones(history, (gr.LEARNED,), "train").set_index("q")["first"]
        by_heart = gr.rank_correlation(known)
        last = gr.by_step(history, "validation", "accuracy").iloc[-1]
        rest = last[last.index > gr.EASY[-1]]
        learned = bool((rest >= gr.LEARNED).any())
        follows = gr.rank_correlation(gr.first_steps(history) if learned else rest)
        if np.isnan(by_heart) or np.isnan(follows):
            continue
        ends = [None, None] if learned else [rest.idxmax(), rest.idxmin()]
        best, worst = ((float(rest[q]), int(q)) if q is not None else None for q in ends)
        found.append(Memory(name, by_heart, follows, best, worst))
    return found


class Chance(NamedTuple):
    """``deviation``: standard deviation of tau over random orders of ``num_rest`` tasks."""

    num_rest: int
    deviation: float | None


def chance(firsts: pd.DataFrame) -> Chance:
    """What tau random orders have; None where there are too few tasks above 7 for one."""
    num_rest = int((firsts.columns > gr.EASY[-1]).sum())
    return Chance(num_rest, gr.chance_deviation(num_rest) if num_rest >= 3 else None)


class Control(NamedTuple):
    """Mean accuracies at the end with shuffled labels, and ``guess``, that of guessing."""

    num_seeds: int
    num_tasks: int
    trained: float
    accuracy: float
    guess: float


def control(history: pd.DataFrame | None) -> dict[str, Control | None]:
    """How well shuffled labels are known at the end; None where they are not committed."""
    if history is None:
        return {"control": None}
    last = history[history.step == history.step.max()]
    accuracy = last.groupby("split").accuracy.mean()
    qs = history.q.unique().astype(float)
    seen = (float(accuracy["train"]), float(accuracy["validation"]), float((1 / qs).mean()))
    return {"control": Control(history.seed.nunique(), len(qs), *seen)}


class Order(NamedTuple):
    """Attention is last at half of its peak ``before``, ``after`` or ``with`` the feed-forward
    layer: from step ``start``, and ``whole`` from the first step on; ``times`` later than it."""

    name: str
    start: int
    late: str
    times: float
    whole: str


class Norms(NamedTuple):
    """``rows``: last steps at half of the peak; ``early``, ``late``: the gradients of the first
    network that peak first and last, with their steps; ``orders`` of the networks, ``controls``:
    of those on shuffled labels."""

    rows: Rows
    early: tuple[str, int]
    late: tuple[str, int]
    orders: list[Order]
    controls: list[Order]


def norms(
    runs: Mapping[str, RemaindersRun], shuffled: Mapping[str, RemaindersRun]
) -> dict[str, Norms | None]:
    """When the gradients of attention and of the feed-forward layer last reach half their peak."""
    made = {name: run for name, run in {**runs, **shuffled}.items() if len(run.norms)}
    if not made:
        return {"norms": None}
    starts = [gr.first_shown(run.config.steps) for run in made.values()]
    kinds = {
        "without the start": ("filtered", starts),
        "from the first step on": ("filtered", [0] * len(made)),
        "before the filter": ("raw", starts),
    }
    rows: Rows = {"last step at half of the peak": list(made)}
    for title, (kind, since) in kinds.items():
        found = [
            gr.settled(run.norms, kind, start)
            for run, start in zip(made.values(), since, strict=True)
        ]
        rows |= {f"{layer}, {title}": [_step(one[layer]) for one in found] for layer in gr.LAYERS}
    peaks = gr.relative_norms(next(iter(made.values())).norms, "filtered").idxmax(axis=1)
    first, last = peaks.idxmin(), peaks.idxmax()
    ends = ((str(first), int(peaks[first])), (str(last), int(peaks[last])))
    orders = {
        name: _order_of_layers(name, run.norms, start)
        for (name, run), start in zip(made.items(), starts, strict=True)
    }
    told = {name: order for name, order in orders.items() if order is not None}
    return {
        "norms": Norms(
            rows,
            *ends,
            [order for name, order in told.items() if name not in shuffled],
            [order for name, order in told.items() if name in shuffled],
        )
    }


def _order_of_layers(name: str, norms: pd.DataFrame, start: int) -> Order | None:
    """None where no step was made from ``start`` on."""
    whole, late = (gr.settled(norms, "filtered", since) for since in (0, start))
    if np.isnan(late["attention"]) or np.isnan(late["FFN"]):
        return None
    times = late["attention"] / late["FFN"]
    return Order(name, start, _side(late), float(times), _side(whole))


def _side(settled: Mapping[str, float]) -> str:
    attention, ffn = settled["attention"], settled["FFN"]
    return "with" if attention == ffn else "before" if attention < ffn else "after"


class Gain(NamedTuple):
    """What the filter multiplies a gradient by: one that changes sign at every step, a constant
    one, fresh noise; ``half``: the period at which half of the extra is reached."""

    lam: float
    alpha: float
    fast: float
    slow: float
    half: float | None
    noise: float


def gain(lam: float, alpha: float) -> Gain:
    """What the filter does to slow, fast and random gradients."""
    fast, slow = gr.filter_gain(np.array([2.0, 1e9]), lam, alpha)
    periods = np.geomspace(2, 1e7, 4000)
    where = periods[gr.filter_gain(periods, lam, alpha) >= 1 + lam / 2]
    half = float(where[0]) if len(where) else None
    return Gain(lam, alpha, float(fast), float(slow), half, float(gr.noise_gain(lam, alpha)))


class Ratio(NamedTuple):
    """Median ratio of filtered to raw norms by third of the log, as (ratio, first step, last step);
    ``top``, ``low``: the parameters where it is largest and smallest; ``share`` of the squared norm
    that a constant part would hold."""

    steps: int
    lam: float
    parts: list[tuple[float, int, int]]
    top: tuple[str, float]
    low: tuple[str, float]
    share: float


def ratio(ratios: pd.DataFrame, lam: float, alpha: float) -> Ratio:
    """How much the filter lengthened the gradients, early and late, and what this says."""
    if ratios.empty or lam == 0:
        return Ratio(len(ratios), lam, [], ("", 0.0), ("", 0.0), 0.0)
    middle = ratios.median(axis=1)
    steps = middle.index.to_numpy(dtype=float)
    thirds = np.array_split(np.arange(len(steps)), min(3, len(steps)))
    last = middle.iloc[thirds[-1]].to_numpy()
    by_name = ratios.median()
    top, low = by_name.idxmax(), by_name.idxmin()
    return Ratio(
        steps=len(ratios),
        lam=lam,
        parts=[
            (float(middle.iloc[rows].median()), int(steps[rows[0]]), int(steps[rows[-1]]))
            for rows in thirds
        ],
        top=(str(top), float(by_name[top])),
        low=(str(low), float(by_name[low])),
        share=float(np.median(gr.slow_share(last, lam, alpha))),
    )


def medians(ratios: pd.DataFrame, without: pd.DataFrame | None) -> dict[str, float | None]:
    """The median ratio over all steps and matrices, ``own`` and ``other`` without dropout."""
    if without is None or ratios.empty or without.empty:
        return {"own": None, "other": None}
    own, other = (float(table.stack().median()) for table in (ratios, without))
    return {"own": own, "other": other}
