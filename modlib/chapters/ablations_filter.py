"""What chapter 14 tells of the gradient filter and of its rivals, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.remainders import ablations as ab
from modlib.chapters.ablations import Bounds, bounds_of, ends_of
from modlib.chapters.words import Rows, interval, percents
from modlib.config.presets import FIRST_SEED, REMAINDERS_PRESETS
from modlib.maths.intervals import Interval
from modlib.results.remainders import ExportedRemainders
from modlib.results.shown import PAPER_OWN

CONVERGED = 0.99
"""Mean accuracy at which the network with the filter is said to have converged."""

RIVALS = {
    "no filter with a learning rate 1.5 times as high": "B113-code-lr-1.5",
    "a dropout mask of its own for every number": "B113-code-mask-a-sample",
}
"""What the filter is set against at the paper's size, on the second edition's seeds."""


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
        mean=bounds_of(ab.mean_pace(ratios)),
        num_levels=ratios.shape[1],
        lowest=float(ratios.columns.min()),
        highest=float(ratios.columns.max()),
        least=float(ratios.min(axis=None)),
        most=float(ratios.max(axis=None)),
    )


def rival_paces(exports: Mapping[str, ExportedRemainders]) -> dict[str, pd.DataFrame]:
    """Paces at the paper's size of those of ``RIVALS`` whose training has ended, by name.

    ``exports``: of one edition, with the plain network, whose seeds they share.
    """
    ended = {name: one for name, one in exports.items() if one.steps >= one.config.steps}
    if PAPER_OWN not in ended:
        return {}
    plain = ended[PAPER_OWN].history
    paces = {
        name: ab.pace(ended[preset].history, plain)
        for name, preset in RIVALS.items()
        if preset in ended
    }
    return {name: ratios for name, ratios in paces.items() if len(ratios)}


class Clock(NamedTuple):
    """Steps without the filter over those with it: at this ``p``, ``small``, and at the paper's
    size, ``large``; None where not both networks are there.

    ``ends``: accuracies at the end, with and without; ``below``: of the evaluations at which
    lambda .5 is at .99, the share at which lambda 0 is not, empty where it never is; ``rivals``:
    (name, factor) at the paper's size; ``pending``: those not there yet.
    """

    p: int
    small: Pace | None
    large: Pace | None
    ends: tuple[Bounds, Bounds] | None
    below: Bounds
    rivals: list[tuple[str, Bounds]]
    pending: list[str]


def clock(
    p: int,
    plain: pd.DataFrame | None,
    without: pd.DataFrame | None,
    pair: Mapping[str, pd.DataFrame],
    rivals: Mapping[str, pd.DataFrame],
) -> Clock:
    """The gradient filter as a factor of time at both sizes.

    ``pair``: of ``gradient_filter_pair``; ``rivals``: of ``rival_paces``.
    """
    both = plain is not None and without is not None
    shares = ab.share_below(without, plain, CONVERGED) if both else np.array([])
    return Clock(
        p=p,
        small=_pace(without, plain) if both else None,
        large=_pace(*reversed(list(pair.values()))) if pair else None,
        ends=(ends_of(plain), ends_of(without)) if both else None,
        below=bounds_of(ab.share_over_seeds(shares)) if len(shares) else (),
        rivals=[(name, bounds_of(ab.mean_pace(ratios))) for name, ratios in rivals.items()],
        pending=[name for name in RIVALS if name not in rivals],
    )


class PaperSize(NamedTuple):
    """The pair at p = 113: ``last``, the step that lambda 0 has made; ``converged``: the step at
    which lambda .5 is at .99, and at which lambda 0 would be at its pace (``expected``, to two
    digits); ``planned`` steps."""

    seed: int
    last: int
    converged: int | None
    expected: float
    planned: int


def paper_size(pair: Mapping[str, pd.DataFrame]) -> dict[str, PaperSize | None]:
    """Where lambda = 0 would be at the paper's own size; None without both networks."""
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
        last=int(without.step.max()),
        converged=converged,
        expected=float(f"{pace.mean[0] * (converged or 0):.2g}"),
        planned=REMAINDERS_PRESETS[PAPER_OWN].steps,
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
            cell = _steps(row, found) if steps else percents(*bounds_of(found))
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
        found = bounds_of(Interval(row.value, row.low, row.high))
        rows["times the steps"].append("neither gets there" if both else interval(*found))
        rows["never there"].append(f"{row.never} of {2 * row.num_seeds}" if row.never else "")
    equal = np.array([a[1] == b[1] for a, b in zip(ratios.arm, ratios.other, strict=True)], bool)
    direct = ratios[equal & (ratios.never < 2 * ratios.num_seeds).to_numpy(bool)]
    sure = direct[direct.low.notna()]
    ahead = int((sure.high < 1).sum()), int((sure.low > 1).sum())
    return Rivals(rows, len(sure), *ahead, undecided=len(sure) - sum(ahead))
