"""What chapter 13 tells of any networks, as numbers: neurons, frequencies, attention, tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.remainders import active_sets as sets
from modlib.analysis.remainders.active_sets import TABLE_3, Spike
from modlib.analysis.remainders.digit_spectra import active_off_axes, number_of_active
from modlib.analysis.remainders.task_lens import BEST_FROM, Ablations, Mechanism
from modlib.chapters.words import Rows, fixed, percent, percents_between
from modlib.config.presets import preset_of
from modlib.maths.fourier import effective_number
from modlib.runs.remainders import RemaindersRun

LEARNED = 0.9
"""Accuracy from which a task counts as learned here."""
WORTH_SAYING = 0.05
"""Share of a variance below which it is not said what carries it."""
MANY_COSINES = 7
"""Modulus up to which there are so few cosines that any use is a use of most."""
LOST = 0.1
"""Accuracy whose loss breaks a task."""
FIRST_TASKS = (2, 3)
"""Tasks whose share of the neurons is told through training."""


def _known(value: float, digits: int = 2) -> str:
    return "none" if np.isnan(value) else fixed(value, digits)


def with_steps(name: str, made: int, asked: int) -> str:
    """A network's name, with its steps where it has not made all of them."""
    return name if made >= asked else f"{name} ({made:,} of {asked:,} steps)"


class Networks(NamedTuple):
    """``rows``: steps, accuracy on held-out numbers and tasks at ``level``, by network."""

    p: int
    seed: int
    level: float
    rows: Rows


def networks(runs: Mapping[str, RemaindersRun]) -> Networks:
    """Which networks the chapter looks at, and what they do on numbers they never saw."""
    first = next(iter(runs.values()))
    last = [run.final[run.final.split == "validation"].accuracy for run in runs.values()]
    rows = {
        "network": list(runs),
        "preset": [preset_of(run.config) or "-" for run in runs.values()],
        "steps": [f"{run.steps:,}" for run in runs.values()],
        "right": [percent(float(accuracy.mean())) for accuracy in last],
        "tasks learned": [f"{(own >= LEARNED).sum()} of {len(own)}" for own in last],
    }
    return Networks(first.config.p, first.seed, LEARNED, rows)


def few_frequencies(shares: Mapping[str, float], residues: Mapping[str, float]) -> Rows:
    """How few frequencies a neuron reacts to, and how much of it any task's residue explains."""
    return {
        "network": list(shares),
        "six strongest cells": [_known(share) for share in shares.values()],
        "one task's variable": [_known(residues[name], 3) for name in shares],
    }


def spikes(found: Mapping[str, Spike | None], under_way: Collection[str] = ()) -> Rows:
    """Whether the counts rise and fall, by name of the network and way of counting.

    ``under_way``: names of runs that have not made all their steps.
    """
    names = ("count", "near step 256", "at most", "at step", "at the end", "rises and falls")
    rows: Rows = {name: [] for name in names}
    for name, spike in found.items():
        row = [name, "too few steps", "", "", "", "-"]
        if spike is not None:
            rises = "yes" if spike.rises_and_falls else "no"
            if name in under_way and rises == "no":
                rises = "not yet"
            row[1:] = [str(spike.first), str(spike.peak), f"{spike.step:,}", str(spike.last), rises]
        for column, entry in zip(rows.values(), row, strict=True):
            column.append(entry)
    return rows


def off_axes(
    steps: Int[np.ndarray, " time"], magnitudes: Float[np.ndarray, "time f0 f1"]
) -> pd.Series:
    """Active frequencies of both digits at the epochs of table 3 that were reached."""
    counts = pd.Series(number_of_active(active_off_axes(magnitudes)), index=steps)
    return counts.reindex([step for step in TABLE_3 if step in steps])


class Counts(NamedTuple):
    """A network's counts at the epochs of table 3: ``table``, see ``active_sets.at_epochs``;
    ``off_axes``; ``neurons``: ``active_sets.table_3`` where the log follows the program, else
    None; ``seeds``: the committed ``coded_<epoch>`` of all seeds, by epoch."""

    table: pd.DataFrame
    off_axes: pd.Series
    neurons: pd.DataFrame | None
    seeds: pd.DataFrame


def seeds_as_coded(networks: pd.DataFrame) -> pd.DataFrame:
    """The committed counts by the authors' program: a row a seed with any, a column an epoch."""
    columns = {f"coded_{epoch}": epoch for epoch in TABLE_3}
    known = networks.columns.intersection(list(columns))
    counts = networks[known].rename(columns=columns)
    return counts[counts.notna().any(axis=1)]


class Table3(NamedTuple):
    """``rows``: a column an epoch, a row a network and way of counting; ``read``: the networks
    whose count as coded is by our reading of the program."""

    rows: Rows
    read: list[str]


def table_3(found: Mapping[str, Counts]) -> Table3:
    """Table 3 beside ours."""
    lines = [("the paper", pd.Series(TABLE_3).map(str))]
    for name, one in found.items():
        table, coded = one.table, "by our reading" if one.neurons is None else "by the program"
        lines += [
            (f"{name}, as written", table.written.map(str)),
            (f"{name}, off the axes", one.off_axes.map(str)),
            (f"{name}, as coded, {coded}", table.coded.map(str)),
            (f"{name}, the same, printed", table.printed.map(str)),
        ]
        if one.neurons is not None:
            ends = zip(one.neurons.least, one.neurons.most, strict=True)
            five = pd.Series([f"{low} to {high}" for low, high in ends], one.neurons.index)
            lines.append((f"{name}, printed, of five neurons", five))
        if len(one.seeds):
            low, high = one.seeds.min().astype(int), one.seeds.max().astype(int)
            ends = low.map(str) + " to " + high.map(str)
            lines.append((f"{name}, as coded, {len(one.seeds)} seeds", ends))
    rows: Rows = {"active frequencies": [name for name, _ in lines]}
    for epoch in TABLE_3:
        rows[f"{epoch:,}"] = [str(line.get(epoch, "not reached")) for _, line in lines]
    return Table3(rows, [name for name, one in found.items() if one.neurons is None])


def if_ended(found: Mapping[str, pd.DataFrame]) -> list[Rows]:
    """Counts had the log ended earlier, a table a network; see ``counts_if_ended``."""
    return [
        {
            f"{name}: log ends at": [f"{end:,}" for end in table.index],
            **{
                f"epoch {step:,}": ["" if pd.isna(one) else str(one) for one in table[step]]
                for step in table.columns
            },
        }
        for name, table in found.items()
        if len(table)
    ]


def at_equal_size(found: Mapping[str, pd.Series]) -> Rows:
    """Counts were the neuron equally strong at all steps, by network; {} where none has one."""
    known = {name: counts for name, counts in found.items() if len(counts)}
    if not known:
        return {}
    rows: Rows = {"network": list(known)}
    for epoch in TABLE_3:
        rows[f"{epoch:,}"] = [str(counts.get(epoch, "")) for counts in known.values()]
    return rows


def come_and_go(found: Mapping[str, pd.DataFrame]) -> Rows:
    """The largest share of the neurons that 2 and 3 explain, when, and at the end.

    ``found``: rows steps, columns tasks; {} of no network.
    """
    rows: Rows = {"network": list(found)} if found else {}
    for q in FIRST_TASKS if found else ():
        own = [table[q] for table in found.values()]
        rows[f"q = {q}: at most (at step)"] = [
            f"{percent(float(shares.max()))} ({shares.idxmax():,})" for shares in own
        ]
        rows[f"q = {q}: at the end"] = [percent(float(shares.iloc[-1])) for shares in own]
    return rows


class Sets(NamedTuple):
    """``written``: the active frequencies as written and how far they come back, by network;
    ``joint``: the same of those of both digits; ``alone`` of ``active`` of the former are of one
    digit."""

    written: Rows
    joint: Rows
    alone: int
    active: int


def active_sets(
    found: Mapping[str, tuple[Float[np.ndarray, "time f0 f1"], Int[np.ndarray, " time"]]],
) -> Sets:
    """Active frequencies on the digits' axes and off them: at first, before and at the end."""
    alone = {
        name: sets.of_one_digit_alone(magnitudes[[0, sets.step_before(steps), -1]])
        for name, (magnitudes, steps) in found.items()
    }
    written = [sets.reuse_through(*logged) for logged in found.values()]
    joint = [sets.reuse_off_axes(*logged) for logged in found.values()]
    places = ("at step 0", "at a sixteenth", "at the end")
    return Sets(
        written={
            "network": list(found),
            **{
                f"{place}: of one digit": [
                    f"{one.alone[at]} of {one.active[at]}" for one in alone.values()
                ]
                for at, place in enumerate(places)
            },
            "Jaccard index": [_known(one.jaccard) for one in written],
            "by chance among those of one digit": [_known(one.chance) for one in alone.values()],
        },
        joint={
            "network": list(found),
            "at a sixteenth": [str(one.before) for one in joint],
            "at the end": [str(one.after) for one in joint],
            "Jaccard index": [_known(one.jaccard) for one in joint],
            "by chance": [_known(one.chance) for one in joint],
        },
        alone=int(sum(one.alone.sum() for one in alone.values())),
        active=int(sum(one.active.sum() for one in alone.values())),
    )


def attention(found: Mapping[str, Mapping[str, float]]) -> Rows:
    """How much each head looks at the digit it looks at less, and how periodically."""
    heads = [
        sorted(key for key in own if key.startswith("smaller_share_") and key[-1].isdigit())
        for own in found.values()
    ]
    return {
        "network": list(found),
        "head by head": [
            ", ".join(fixed(own[head]) for head in names if np.isfinite(own[head]))
            for own, names in zip(found.values(), heads, strict=True)
        ],
        "number by number, mean": [fixed(own["smaller_share_by_number"]) for own in found.values()],
        "share in six cells": [_known(own["attention_periodicity"]) for own in found.values()],
    }


def idle(found: Mapping[str, Mapping[str, float]]) -> Rows:
    """What is left of the accuracy with attention that does not depend on the input."""
    kinds = {
        "as it is": "accuracy_held_out",
        "attention at its mean": "accuracy_constant_held_out",
        "a third to each place": "accuracy_equal_held_out",
    }
    return {
        "network": list(found),
        **{kind: [percent(own[key]) for own in found.values()] for kind, key in kinds.items()},
    }


class Profile(NamedTuple):
    """Share of a task's logit variance that equation 5 ``explained``, None where it does not vary;
    effective number ``used`` of ``num_cosines``, None where there is too little to carry."""

    name: str
    explained: float | None
    used: float | None
    num_cosines: int


def profiles(found: Mapping[str, Mechanism]) -> list[Profile]:
    """How much of a task's logits equation 5 explains, and with how many cosines."""
    made = []
    for name, one in found.items():
        power, varies = one.amplitudes**2, not np.isnan(one.explained)
        used = float(effective_number(power)) if one.explained >= WORTH_SAYING else None
        made.append(Profile(name, float(one.explained) if varies else None, used, len(power)))
    return made


def mechanism(tables: Mapping[str, pd.DataFrame]) -> Rows:
    """Range over tasks of what equation 5 explains, and the share of the cosines that carry it."""
    rows: Rows = {name: [] for name in ("network", "lowest", "highest", "mean", "cosines used")}
    for name, table in tables.items():
        shares = table.explained.dropna()
        row = [name, "none", "none", "none", "-"]
        if len(shares):
            row[1:4] = [fixed(float(one)) for one in (shares.min(), shares.max(), shares.mean())]
            many = table[table.q > MANY_COSINES]
            if len(many) and shares.mean() >= WORTH_SAYING:
                row[4] = percent(float((many.frequencies / (many.q // 2)).mean()))
        for column, entry in zip(rows.values(), row, strict=True):
            column.append(entry)
    return rows


class Labels(NamedTuple):
    """What equation 5 explains of the shuffled network on its own labels: ``mean`` and ``most``
    over tasks, None where its logits do not vary; ``known`` labels against a ``guess``."""

    known: float
    guess: float
    mean: float | None
    most: float | None


def labels(table: pd.DataFrame) -> Labels:
    """The same share taken on the labels that the shuffled network was given."""
    shares = table.explained_labels.dropna()
    ends = (float(shares.mean()), float(shares.max())) if len(shares) else (None, None)
    return Labels(float(table.accuracy.mean()), float((1 / table.q).mean()), *ends)


class LookUps(NamedTuple):
    """``rows``: variance that look-ups explain at the tasks' frequencies and at random ones; in the
    network ``name`` products explain ``more`` than random ones for so many of ``num_tasks``."""

    rows: Rows
    name: str
    more: int
    num_tasks: int


def look_ups(tables: Mapping[str, pd.DataFrame]) -> LookUps:
    """Look-ups at the tasks' frequencies against random ones; the first network is named."""
    kinds = {"products": ["products"], "products and look-ups of one digit": ["products", "tables"]}
    rows: Rows = {"network": list(tables)}
    for title, columns in kinds.items():
        for kind, ending in ((title, ""), ("random", "_random")):
            names = [column + ending for column in columns]
            label = kind if kind == title else f"{title}, random"
            rows[label] = [_range(t[names].sum(axis=1, skipna=False)) for t in tables.values()]
    name, table = next(iter(tables.items()))
    more = int((table["products"] > table.products_random).sum())
    return LookUps(rows, name, more, len(table))


def _range(shares: pd.Series) -> str:
    """Smallest and largest of the shares that exist."""
    known = shares.dropna()
    if known.empty:
        return "none"
    return percents_between(float(known.min()), float(known.max()))


def parts(variance: Float[np.ndarray, "part neuron"]) -> dict[str, tuple[float, ...] | None]:
    """Mean shares of a neuron's variance of x0, of x1 and of both; None where no neuron varies."""
    total = variance.sum(0)
    if not (total > 0).any():
        return {"shares": None}
    live = variance[:, total > 0] / total[total > 0]
    return {"shares": tuple(live.mean(1).tolist())}


def stairs(shares: Mapping[str, Float[np.ndarray, "task neuron"]], qs: Sequence[int]) -> Rows:
    """How many neurons one task explains, and for how many tasks there are such neurons."""
    rows: Rows = {name: [] for name in ("network", "neurons", "tasks", "largest share")}
    for name, by_task in shares.items():
        best = by_task.max(0, initial=0.0)
        clear = best >= BEST_FROM
        tasks = len(set(by_task.argmax(0)[clear].tolist())) if by_task.shape[1] else 0
        row = (
            name,
            f"{clear.sum()} of {len(best)}",
            f"{tasks} of {len(qs)}",
            fixed(float(best.max(initial=0.0))),
        )
        for column, entry in zip(rows.values(), row, strict=True):
            column.append(entry)
    return rows


class Sharing(NamedTuple):
    """Neurons that hold half of a task's votes, ``least`` to ``most`` of ``num_live``; mean
    ``overlap`` of two tasks' sets and that of random sets, None for one task."""

    least: int
    most: int
    num_live: int
    overlap: float | None
    chance: float | None


def sharing(table: pd.DataFrame, num_live: int) -> Sharing:
    """How many neurons a task takes, and how many it shares with others."""
    sizes, several = table.num_neurons, table.overlap.notna().any()
    ends = (float(table.overlap.mean()), float(table.chance.mean())) if several else (None, None)
    return Sharing(int(sizes.min()), int(sizes.max()), num_live, *ends)


class Hit(NamedTuple):
    """Of the task hit most beyond the others: what it loses, and what the ``others`` lose."""

    q: int
    own: float
    others: float


class Removal(NamedTuple):
    """Mean loss of accuracy, in points, of a task without its ``own`` neurons, without as many
    ``random`` ones, and of the ``others``; ``most`` hit; tasks that ``breaks`` alone. None and
    empty for one task."""

    own: float
    random: float
    others: float | None
    most: Hit | None
    breaks: list[int]


def removal(found: Ablations, qs: Sequence[int]) -> Removal:
    """What removing a task's neurons costs it, the others, and what random ones cost."""
    own = found.base - np.diagonal(found.own)
    random = 100 * float((found.base - np.diagonal(found.random)).mean())
    mean = 100 * float(own.mean())
    if len(qs) < 2:
        return Removal(mean, random, None, None, [])
    apart = ~np.eye(len(qs), dtype=bool)
    losses = found.base - found.own
    others = np.array([row[mask].mean() for row, mask in zip(losses, apart, strict=True)])
    most = int((own - others).argmax())
    broken = (own >= LOST) & (own - others >= own / 2)
    return Removal(
        own=mean,
        random=random,
        others=100 * float(losses[apart].mean()),
        most=Hit(int(qs[most]), 100 * float(own[most]), 100 * float(others[most])),
        breaks=[int(q) for q, breaks in zip(qs, broken, strict=True) if breaks],
    )
