"""What chapter 13 tells of active frequencies through training, as numbers: table 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.remainders import active_sets as sets
from modlib.analysis.remainders.active_sets import TABLE_3, Spike
from modlib.analysis.remainders.digit_spectra import active_off_axes, number_of_active
from modlib.chapters.transformer_neurons import known
from modlib.chapters.words import Rows, percent

FIRST_TASKS = (2, 3)
"""Tasks whose share of the neurons is told through training."""


def spikes(found: Mapping[str, Spike | None]) -> Rows:
    """Whether the counts rise and fall, by name of the network and way of counting."""
    names = (
        "count",
        "from step 256 on",
        "at most between",
        "at step",
        "at the end",
        "rises and falls",
    )
    rows: Rows = {name: [] for name in names}
    for name, spike in found.items():
        row = [name, "too few steps", "", "", "", "-"]
        if spike is not None:
            rises = "yes" if spike.rises_and_falls else "no"
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


def peaks(found: Mapping[str, pd.DataFrame]) -> list[tuple[str, int, float, float]]:
    """(network, q, largest share that 2 and 3 explain, share at the end) of the first network.

    ``found``: as for ``come_and_go``.
    """
    return [
        (name, q, float(table[q].max()), float(table[q].iloc[-1]))
        for name, table in list(found.items())[:1]
        for q in FIRST_TASKS
        if q in table
    ]


class Sets(NamedTuple):
    """``written``: the active frequencies as written and how far they come back, by network;
    ``joint``: the same of those of both digits; ``alone`` of ``active`` of the former are of one
    digit; ``back``: the first network, with the Jaccard index of its ``joint`` ones and chance's;
    ``controls``: that of the networks on shuffled labels.
    """

    written: Rows
    joint: Rows
    alone: int
    active: int
    back: tuple[str, float, float] | None
    controls: list[tuple[str, float]]


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
    back = [
        (name, one.jaccard, one.chance)
        for name, one in list(zip(found, joint, strict=True))[:1]
        if np.isfinite([one.jaccard, one.chance]).all()
    ]
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
            "Jaccard index": [known(one.jaccard) for one in written],
            "by chance among those of one digit": [known(one.chance) for one in alone.values()],
        },
        joint={
            "network": list(found),
            "at a sixteenth": [str(one.before) for one in joint],
            "at the end": [str(one.after) for one in joint],
            "Jaccard index": [known(one.jaccard) for one in joint],
            "by chance": [known(one.chance) for one in joint],
        },
        alone=int(sum(one.alone.sum() for one in alone.values())),
        active=int(sum(one.active.sum() for one in alone.values())),
        back=next(iter(back), None),
        controls=[
            (name, one.jaccard)
            for name, one in list(zip(found, joint, strict=True))[1:]
            if name.startswith("shuffled") and np.isfinite(one.jaccard)
        ],
    )


class Looking(NamedTuple):
    """How a count depends on where the log ends: of ``name``, at ``epoch``, ``first`` where the log
    ends there and ``last`` where it goes on to ``end``; None where only one epoch was reached."""

    name: str
    epoch: int
    first: int
    last: int
    end: int


def looking_ahead(name: str, table: pd.DataFrame) -> dict[str, Looking | None]:
    """The epoch whose count changes most with the end of the log; of ``counts_if_ended``."""
    found = None
    for epoch in table.columns:
        own = table[epoch].dropna()
        if len(own) > 1:
            one = Looking(name, int(epoch), int(own.iloc[0]), int(own.iloc[-1]), int(own.index[-1]))
            if found is None or abs(one.first - one.last) > abs(found.first - found.last):
                found = one
    return {"found": found}
