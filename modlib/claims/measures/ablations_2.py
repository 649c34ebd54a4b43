"""How the second edition's claims on parts of paper B's training are measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from modlib.analysis.remainders import ablations as ab
from modlib.analysis.remainders.active_sets import SPIKE_FACTOR, Spike, counts_as_coded, find_spike
from modlib.claims import fresh
from modlib.claims.committed import with_bounds
from modlib.claims.decide import Part, counted, decide, exactly, judged, over, part
from modlib.claims.fresh import CODE, SMALL
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, MissingExport, Verdict
from modlib.config.remainders import CHANGED_AFTER
from modlib.maths.intervals import mean_of_few
from modlib.results.remainders import ExportedRemainders

CONVERGED, BROKEN_DOWN = 0.99, 0.5
RATES = {
    "learning rate x 1.5 at equal rate x decay": "B113-code-lr-1.5",
    "a dropout mask a sample": "B113-code-mask-a-sample",
}
"""Trainings at p = 113 beside the pair with the filter and without it."""


def factor(one: pd.DataFrame, other: pd.DataFrame) -> str:
    """How many times the steps of another a training takes to the same mean accuracies.

    With the ends of its interval where there are several networks of both.
    """
    ratios = ab.pace(one, other)
    if ratios.empty:
        return "no accuracy in common"
    found = ab.mean_pace(ratios)
    times = with_bounds(found) if len(ratios) > 1 else f"{found.value:.2f}"
    return f"{times} times the steps"


def _beside(plain: pd.DataFrame) -> str:
    """The other trainings against the plain one, where they are committed."""
    said = []
    for name, job in RATES.items():
        try:
            said.append(f"{name} {factor(fresh.remainders(job).history, plain)}")
        except MissingExport as missing:
            said.append(f"{name}: {missing}")
    return "; ".join(said)


def _without_filter(
    plain: ExportedRemainders, without: ExportedRemainders, note: str
) -> Measurement:
    best = pd.DataFrame(
        {
            "plain": ab.highest_mean(plain.history),
            "without": ab.highest_mean(without.history),
        }
    ).dropna()
    pairs = len(best)

    def holds(level: float) -> pd.Series:
        there = best[best.plain >= level]
        return there.without < level

    def verdict_at(level: float) -> Verdict:
        found = holds(level)
        if found.empty:
            return "undecided"
        return "agrees" if found.all() else "differs"

    ends = "; ".join(
        f"seed {seed}: highest mean accuracy with the filter {100 * row.plain:.2f} %, without "
        f"{100 * row.without:.2f} %"
        for seed, row in best.iterrows()
    )
    slower = f"without the filter it takes {factor(without.history, plain.history)}"
    told: dict[str, Any] = {
        "note": "; ".join(filter(None, [slower, ends, note])),
        "sensitivity": over((0.95, CONVERGED, 0.999), verdict_at, "converged from"),
    }
    kept = holds(CONVERGED)
    only = best[(best.plain < CONVERGED) & (best.without >= CONVERGED)]
    if len(only):
        seeds = ", ".join(map(str, only.index))
        apart = f"only without the filter do these seeds get there, which do not count: {seeds}"
        told["note"] = f"{apart}; {told['note']}"
    if kept.empty:
        return Measurement(
            value=100 * float(best.plain.max()),
            unit="%",
            num_seeds=pairs,
            verdict="undecided",
            text=f"with the filter, too, mean accuracy stays below {CONVERGED}: "
            f"{100 * float(best.plain.max()):.2f} % at best",
            needs="more steps than the paper's",
            **told,
        )
    return counted(
        f"mean accuracy stays below {CONVERGED} without the filter where it gets there with it",
        kept,
        **told,
    )


@measures("B2.lambda")
def without_filter() -> Measurement:
    """Pairs at p = 113 that converge with the filter and do not without it."""
    plain = fresh.remainders(CODE)
    without = fresh.remainders("B113-code-lambda-0")
    return _without_filter(plain, without, _beside(plain.history))


@measures("B2.lambda.small")
def without_filter_small() -> Measurement:
    """The same at p = 37."""
    return _without_filter(fresh.remainders(SMALL), fresh.remainders("B37-lambda-0"), "")


def coded_spike(preset: ExportedRemainders) -> Spike:
    """Rise and fall of the first neuron's count as coded, of the network whose log is kept."""
    followed = preset.run.first_neurons
    if not followed:
        raise MissingExport(f"the first neurons of {preset.preset} through training")
    counts = counts_as_coded(followed["smoothed"][:, 0].astype(float))
    spike = find_spike(followed["epochs"], counts)
    if spike is None:
        raise MissingExport(f"three epochs of the first neurons of {preset.preset}")
    return spike


def _spike(name: str, preset: ExportedRemainders) -> Part:
    spike = coded_spike(preset)
    what = (
        f"count as coded, {name}, {spike.first}, then {spike.peak} at epoch {spike.step:,}, then "
        f"{spike.last}: peak over the larger end"
    )
    return part(what, exactly(spike.height), 1, at_least=SPIKE_FACTOR)


def _masked(masked: ExportedRemainders, plain: ExportedRemainders, *jobs: str) -> Measurement:
    found = ab.delays(masked.history, plain.history)
    by_seed = found.table.dropna(subset="ratio").groupby("seed").ratio
    ratios = by_seed.agg(lambda ratio: np.exp(np.log(ratio).mean()))
    if ratios.empty:
        raise MissingExport(f"a task above 7 that a network {plain.preset} learns")
    delay = found.ratio if len(ratios) > 1 else exactly(float(ratios.iloc[0]))
    what = "steps to .97 of the other tasks, masked over not"
    measured = judged(
        part(what, delay, len(ratios), jobs=jobs, each=True, unit="times", below=ab.MAX_DELAY),
        _spike("masked", masked),
        _spike("not masked", plain),
        note=f"{found.never} pairs of task and network that only the masked networks do not reach, "
        f"counted with all their steps; {found.left_out} left out that the others do not reach",
        sensitivity=over(
            (1.1, ab.MAX_DELAY, 1.5),
            lambda bound: decide(delay.low, delay.high, below=bound),
            "the delay alone, below",
        ),
    )
    if measured.verdict == "agrees" and found.never:
        needs = f"more steps: {found.never} tasks that only the masked networks do not reach"
        return replace(measured, verdict="undecided", needs=needs)
    return measured


@measures("B2.masked")
def masked() -> Measurement:
    """Steps of the other tasks with four masked over those without, and the spike, at p = 113."""
    return _masked(fresh.remainders("B113-code-masked"), fresh.remainders(CODE))


@measures("B2.masked.small")
def masked_small() -> Measurement:
    """The same at p = 37."""
    masked, plain = fresh.remainders("B37-masked"), fresh.remainders(SMALL)
    return _masked(masked, plain, "B37-masked", SMALL)


FADED = 0.25
"""Share of its peak below which a wave counts as gone."""


@measures("B2.temporary")
def temporary() -> Measurement:
    """How far the wave of q = 2 fades, and how much later the others come without it, at p = 37."""
    plain, kinds = fresh.remainders(SMALL), ("B37-ablated", "B37-perturbed")
    ablated, perturbed = (fresh.remainders(kind) for kind in kinds)
    share = ab.explained_ends(plain.spectra, 2)
    found = ab.delays(ablated.history, perturbed.history)
    left = share["last"] / share.most
    faded = part(
        "left of the wave at the end", mean_of_few(left), len(left), jobs=SMALL, below=FADED
    )
    later = part(
        "steps to .97 of the others, without the wave over with it",
        found.ratio,
        found.table.dropna(subset="ratio").seed.nunique(),
        jobs=kinds,
        each=True,
        unit="times",
        at_least=ab.MAX_DELAY,
    )
    again = ab.back_at(ablated.history, 2, CHANGED_AFTER)
    known = plain.history.query("split == 'validation' and q == 2").sort_values("step")
    at_end = known.groupby("seed").accuracy.last().min()
    slower = (
        f"{kind} {with_bounds(ab.delays(changed.history, plain.history).ratio)}"
        for kind, changed in (("without the wave", ablated), ("with a random change", perturbed))
    )
    measured = judged(
        faded,
        later,
        note=f"q = 2 itself is at {ab.REACHED} again at step {again.median():,.0f} "
        f"({again.min():,.0f} to {again.max():,.0f}, {len(again)} of {len(left)} networks); "
        f"{found.never} pairs of task and network that only those without the wave do not reach, "
        f"counted with all their steps; {found.left_out} left out that the others do not reach",
        controls=f"times the steps of networks that nothing is done to: {' and '.join(slower)}; "
        f"there q = 2 ends at {at_end:.3f} at the lowest: a share falls as other waves grow too",
        sensitivity=over(
            (1.1, ab.MAX_DELAY, 1.5),
            lambda bound: decide(found.ratio.low, found.ratio.high, at_least=bound),
            "the delay alone, at least",
        ),
    )
    # What is never reached counts with all steps, so that the ratio may be larger than it seems.
    if found.never and later.verdict == "differs" and faded.verdict != "differs":
        needs = f"more steps: {found.never} pairs of task and network that only the networks "
        needs += "without the wave do not reach"
        return replace(measured, verdict="undecided", needs=needs)
    return measured


def _without_dropout(job: str, plain: str) -> Measurement:
    preset = fresh.remainders(job)
    ends = ab.at_end(preset.history)
    end = ab.share_over_seeds(ends) if len(ends) > 1 else exactly(float(ends.iloc[0]))
    train = ab.at_end(preset.history, "train").mean()
    with_it = ab.at_end(fresh.remainders(plain).history)
    return judged(
        part(
            "mean validation accuracy at the end",
            end,
            len(ends),
            jobs=job if len(ends) > 1 else (),
            unit="%",
            below=BROKEN_DOWN,
        ),
        note=f"on numbers trained on {100 * train:.1f} %",
        controls=f"with dropout {', '.join(f'{100 * accuracy:.1f} %' for accuracy in with_it)}",
        sensitivity=over(
            (0.3, BROKEN_DOWN, 0.7), lambda bound: decide(end.low, end.high, below=bound), "below"
        ),
    )


@measures("B2.dropout0")
def without_dropout() -> Measurement:
    """Mean validation accuracy without dropout at the end, at p = 113."""
    return _without_dropout("B113-code-no-dropout", CODE)


@measures("B2.dropout0.small")
def without_dropout_small() -> Measurement:
    """The same at p = 37."""
    return _without_dropout("B37-no-dropout", SMALL)
