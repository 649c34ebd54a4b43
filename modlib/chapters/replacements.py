"""What chapter 07 tells of the ladder of replacements and of answers foretold, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.macro import ladder as rungs
from modlib.analysis.macro.shifts import Foretold, as_foretold
from modlib.analysis.meso.clusters import Cluster

SURE = 1.0
"""Lead foretold, in logits, from which a forecast counts as sure."""


class Rung(NamedTuple):
    """Accuracy and loss of this network; means over ``num`` networks with their intervals, or None
    and 0."""

    name: str
    control: bool
    accuracy: float
    loss: float
    mean_accuracy: tuple[float, float, float] | None
    mean_loss: tuple[float, float, float] | None
    num: int


class Ladder(NamedTuple):
    """``times``: loss of the sum of cosines over the network's own, as those of the simple model
    (``strict``, ``doubled`` with 2f) and of random groups (``groups``); ``fewest`` and ``most``:
    networks of modulus ``n`` behind a mean. Cosines of c - a - b with positive amplitudes are right
    by themselves, so that on the last rungs only the loss is a test.
    """

    rows: list[Rung]
    num_clusters: int
    accuracy: float
    strict_accuracy: float
    times: float
    strict: float
    doubled: float
    groups: float
    fewest: int
    most: int
    n: int


def ladder(own: pd.DataFrame, means: pd.DataFrame, num_clusters: int, n: int) -> Ladder:
    """What each rung keeps; ``own``: ``ladder``; ``means``: ``rung_means``, of modulus ``n``."""
    by_rung = means.set_index("rung")

    def mean(rung: str, name: str) -> tuple[float, float, float] | None:
        if rung not in by_rung.index:
            return None
        row = by_rung.loc[rung]
        return float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"])

    rows = [
        Rung(
            name=str(one.rung),
            control=bool(one.control),
            accuracy=float(one.accuracy),
            loss=float(one.loss),
            mean_accuracy=mean(one.rung, "accuracy"),
            mean_loss=mean(one.rung, "loss"),
            num=int(by_rung.num_seeds.get(one.rung, 0)),
        )
        for one in own.itertuples()
    ]
    at = own.set_index("rung")
    base = float(at.loss[rungs.NETWORK])
    return Ladder(
        rows=rows,
        num_clusters=num_clusters,
        accuracy=float(at.accuracy[rungs.NETWORK]),
        strict_accuracy=float(at.accuracy[rungs.STRICT]),
        times=float(at.loss[rungs.SUM]) / base,
        strict=float(at.loss[rungs.STRICT]) / base,
        doubled=float(at.loss[rungs.DOUBLED]) / base,
        groups=float(at.loss[rungs.GROUPS]) / base,
        fewest=int(means.num_seeds.min()) if len(means) else 0,
        most=int(means.num_seeds.max()) if len(means) else 0,
        n=n,
    )


class Told(NamedTuple):
    """Forecasts for ``num_shifts`` shifts of each cluster.

    ``wrong`` of ``total`` foretell a wrong answer, which ``came`` of the pairs then give (None:
    there is none), of several clusters' ``least`` for one, and of as many random neurons told the
    same ``control``; ``sure`` of them lead by ``lead`` logits, and come out on ``sure_came``.
    ``spared``: clusters whose forecasts are all right; ``stayed``: share of pairs right where the
    right answer is foretold, None where it never is.
    """

    num_clusters: int
    num_shifts: int = 0
    total: int = 0
    wrong: int = 0
    came: float | None = None
    least: tuple[int, float] | None = None
    control: float | None = None
    sure: int = 0
    sure_came: float | None = None
    spared: Sequence[int] = ()
    stayed: float | None = None
    lead: float = SURE


def told(
    clusters: Sequence[Cluster],
    foretold: Foretold,
    shares: Float[np.ndarray, "cluster shift d"],
    control: Float[np.ndarray, "cluster shift"],
) -> Told:
    """How often the answer foretold comes out, wrong ones apart from right ones."""
    if not clusters:
        return Told(0)
    came, wrong = as_foretold(foretold, shares), foretold.answer != 0
    sure = wrong & (foretold.lead >= SURE)

    def mean(values: Float[np.ndarray, "cluster shift"], where: np.ndarray) -> float | None:
        return float(values[where].mean()) if where.any() else None

    by_cluster = [
        (cluster.freq, mean(row, where))
        for cluster, row, where in zip(clusters, came, wrong, strict=True)
    ]
    asked = [(freq, share) for freq, share in by_cluster if share is not None]
    return Told(
        num_clusters=len(clusters),
        num_shifts=wrong.shape[1],
        total=wrong.size,
        wrong=int(wrong.sum()),
        came=mean(came, wrong),
        least=min(asked, key=lambda one: one[1]) if len(asked) > 1 else None,
        control=mean(control, wrong),
        sure=int(sure.sum()),
        sure_came=mean(came, sure),
        spared=[
            c.freq for c, any_wrong in zip(clusters, wrong.any(1), strict=True) if not any_wrong
        ],
        stayed=mean(came, ~wrong),
    )


def most_moved(foretold: Foretold) -> int:
    """The cluster for which most shifts foretell a wrong answer, the first of equals."""
    return int((foretold.answer != 0).sum(1).argmax()) if len(foretold.answer) else 0
