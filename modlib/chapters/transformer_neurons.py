"""What chapter 13 tells of any networks, as numbers: neurons, frequencies, attention, tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.remainders.task_lens import BEST_FROM, Ablations
from modlib.chapters.words import Rows, fixed, percent, percents_between
from modlib.config.thresholds import DEFAULT
from modlib.runs.remainders import RemaindersRun

WORTH_SAYING = 0.05
"""Share of a variance below which it is not said what carries it."""
MANY_COSINES = 7
"""Modulus up to which there are so few cosines that any use is a use of most."""
LOST = 0.1
"""Accuracy whose loss breaks a task."""


def known(value: float, digits: int = 2) -> str:
    """A number, or ``none`` where there is none."""
    return "none" if np.isnan(value) else fixed(value, digits)


LARGE = {
    "B113-code": "remainders, p = 113",
    "B113-nanda-learns": "addition, p = 113",
    "B113-basis": "shuffled labels, p = 113",
    "B113-untrained": "untrained, p = 113",
}
"""Networks of the paper's size, as figures and sentences name them."""


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
        "steps": [f"{run.steps:,}" for run in runs.values()],
        "right": [percent(float(accuracy.mean())) for accuracy in last],
        "tasks learned": [f"{(own >= DEFAULT.task_learned).sum()} of {len(own)}" for own in last],
    }
    return Networks(first.config.p, first.seed, DEFAULT.task_learned, rows)


def few_frequencies(shares: Mapping[str, float], residues: Mapping[str, float]) -> Rows:
    """How few frequencies a neuron reacts to, and how much of it any task's residue explains."""
    return {
        "network": list(shares),
        "six strongest cells": [known(share) for share in shares.values()],
        "one task's variable": [known(residues[name], 3) for name in shares],
    }


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
        "share in six cells": [known(own["attention_periodicity"]) for own in found.values()],
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


class Explained(NamedTuple):
    """Share of the logits that equation 5 explains, ``least`` to ``most`` over tasks, None where
    they do not vary; ``held``: these ends on held-out numbers, None where there are none;
    ``shuffled``: the mean in the shuffled network, ``by_memory``: its most on its own labels."""

    least: float | None
    most: float | None
    held: tuple[float, float] | None
    shuffled: float | None
    by_memory: float | None


def explained(tables: Mapping[str, pd.DataFrame]) -> Explained:
    """What equation 5 explains of the first network and of the one on shuffled labels."""
    first = next(iter(tables.values()))
    own, held = first.explained.dropna(), first.explained_held_out.dropna()
    shuffled = tables["shuffled labels"].explained.dropna()
    remembered = tables["shuffled labels"].explained_labels.dropna()
    return Explained(
        least=float(own.min()) if len(own) else None,
        most=float(own.max()) if len(own) else None,
        held=(float(held.min()), float(held.max())) if len(held) else None,
        shuffled=float(shuffled.mean()) if len(shuffled) else None,
        by_memory=float(remembered.max()) if len(remembered) else None,
    )


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


class Served(NamedTuple):
    """``num_clear`` of ``num_live`` neurons have a task that explains ``BEST_FROM`` or more;
    ``num_served`` of ``num_tasks`` have such neurons."""

    name: str
    num_clear: int
    num_live: int
    num_served: int
    num_tasks: int


def served(shares: Mapping[str, Float[np.ndarray, "task neuron"]]) -> list[Served]:
    """How many neurons are explained by one task, by network; of ``task_lens.sorted_by_task``."""
    found = []
    for name, by_task in shares.items():
        clear = by_task.max(0, initial=0.0) >= BEST_FROM
        tasks = set(by_task.argmax(0)[clear].tolist()) if clear.any() else set()
        found.append(Served(name, int(clear.sum()), len(clear), len(tasks), len(by_task)))
    return found


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
    ``random`` ones, and of the ``others``; ``most`` hit; tasks that ``breaks`` alone, and those
    that ``stays``. None and empty for one task."""

    own: float
    random: float
    others: float | None
    most: Hit | None
    breaks: list[int]
    stays: list[int]


def removal(found: Ablations, qs: Sequence[int]) -> Removal:
    """What removing a task's neurons costs it, the others, and what random ones cost."""
    own = found.base - np.diagonal(found.own)
    random = 100 * float((found.base - np.diagonal(found.random)).mean())
    mean = 100 * float(own.mean())
    if len(qs) < 2:
        return Removal(mean, random, None, None, [], [])
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
        stays=[int(q) for q, breaks in zip(qs, broken, strict=True) if not breaks],
    )
