"""How the claims on paper B's training are measured.

The seed is the unit. The small setting (p = 37) gives intervals; the paper's own setting, one
seed, stands in the note, but for the claim on all tasks, which is about that setting. A task
counts as learned at its first logged step with a validation accuracy of .99.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.remainders import grokking as gr
from modlib.claims.committed import find_remainders, remainders, remainders_of
from modlib.claims.measures import measures
from modlib.claims.verdict import (
    ONE_NETWORK,
    Measurement,
    MissingExport,
    Verdict,
    margin_verdict,
    networks_to_show,
    with_interval,
)
from modlib.config.presets import OF_PAPER_SIZE
from modlib.maths.intervals import mean_of_few, share_interval
from modlib.results.remainders import ExportedRemainders

SMALL = "B37"
ALL_RIGHT = 0.999
IN_ORDER = 0.9
"""Share of seeds that must keep the order."""
TAU_MARGIN = 0.3
"""A tau within it counts as no order: of two tasks the larger is later in 35 to 65 % of cases."""


def _paper() -> list[ExportedRemainders]:
    """The networks of the paper's setting that are committed."""
    return remainders_of(OF_PAPER_SIZE["miiii"])


def _name(exported: ExportedRemainders) -> str:
    """``p = 113, 30 % trained on, 65,536 steps``."""
    config = exported.config
    share = f"{100 * config.train_fraction:.0f} %"
    return f"p = {config.p}, {share} trained on, {exported.steps:,} steps"


def _about_final(exported: ExportedRemainders) -> str:
    final = gr.final_accuracy(exported.history)
    right = int((final >= ALL_RIGHT).to_numpy().sum(1).min())
    of_seeds = f" in the worst of {len(final)} seeds" if len(final) > 1 else ""
    return (
        f"{_name(exported)}: {right} of {final.shape[1]} tasks at {ALL_RIGHT} or more at the "
        f"end{of_seeds}, the lowest at {final.to_numpy().min():.4f}"
    )


def _lowest(exported: ExportedRemainders) -> float:
    return float(gr.final_accuracy(exported.history).to_numpy().min())


@measures("B.fig5.all_tasks")
def all_tasks() -> Measurement:
    """Lowest validation accuracy of a task at the end, in the paper's setting."""
    paper, small = _paper(), find_remainders(SMALL)
    shown = paper + ([small] if small is not None else [])
    if not shown:
        raise MissingExport(OF_PAPER_SIZE["miiii"][0])
    finished = [exported for exported in paper if exported.steps >= exported.config.steps]
    lowest = [_lowest(exported) for exported in finished]
    note = f"{ONE_NETWORK}; {'; '.join(map(_about_final, shown))}"
    verdict: Verdict = "agrees"
    if any(value < ALL_RIGHT for value in lowest):
        verdict = "differs"
    elif len(finished) < len(OF_PAPER_SIZE["miiii"]):
        verdict = "not testable at this size"
        note += "; it needs runs of 65,536 steps at p = 113 with both train fractions"
    judged = finished or shown[:1]
    value = min(map(_lowest, judged))
    num_seeds = len({seed for exported in judged for seed in exported.seeds})
    text = f"the lowest task at {100 * value:.2f} %"
    return Measurement(value=value, num_seeds=num_seeds, verdict=verdict, text=text, note=note)


def _sequence(first: pd.Series) -> str:
    """``2 (60), 3 (180), 5 = 7 (2,960)``: the easy tasks by the step at which they are learned."""
    easy = first[first.index.isin(gr.EASY)].dropna()
    groups = [(step, easy.index[easy == step].tolist()) for step in sorted(easy.unique())]
    words = [f"{' = '.join(map(str, qs))} ({step:,.0f})" for step, qs in groups]
    return ", ".join(words) or "none"


@measures("B.fig5.order")
def order() -> Measurement:
    """Share of seeds that learn 2, 3, 5, 7 one after another and before all other tasks."""
    exported = remainders(SMALL)
    firsts = gr.seed_steps(exported.history)
    kept = [bool(gr.in_succession(first)) for _, first in firsts.iterrows()]
    share, low, high = share_interval(sum(kept), len(kept))
    note = f"p = {exported.config.p}; median step at which they are learned: "
    note += _sequence(firsts.fillna(np.inf).median().replace(np.inf, np.nan))
    only = firsts.loc[:, firsts.columns.isin(gr.EASY)]
    easy = sum(bool(gr.in_succession(first)) for _, first in only.iterrows())
    note += f", in order, if not first, in {easy} of {len(only)} seeds"
    for large in _paper():
        first = gr.first_steps(large.run.history)
        said = "in order and first" if gr.in_succession(first) else "not in order and first"
        note += f"; {_name(large)}: {_sequence(first)}, {said}"
    verdict: Verdict = "agrees" if low >= IN_ORDER else "differs"
    if low < IN_ORDER <= high:
        verdict = "not testable at this size"
        needed = next(n for n in range(1, 1000) if share_interval(n, n)[1] >= IN_ORDER)
        note += f"; {needed} seeds that all keep the order would show it"
    return with_interval(share, low, high, len(kept), verdict, unit="%", note=note)


def _about_rest(first: pd.Series) -> str:
    """When the tasks above 7 are learned, and their tau."""
    rest = first[first.index > gr.EASY[-1]]
    reached, tau = rest.dropna(), gr.rank_correlation(first)
    when = f"from step {reached.min():,.0f} to {reached.max():,.0f}" if len(reached) else "none"
    return f"{len(reached)} of {len(rest)} learned, {when}" + (
        f", tau = {tau:.2f}" if np.isfinite(tau) else ""
    )


@measures("B.fig5.rest_together")
def rest_together() -> Measurement:
    """Kendall's tau of q above 7 with the step at which the task is learned, mean over seeds."""
    exported = remainders(SMALL)
    firsts = gr.seed_steps(exported.history)
    taus = [gr.rank_correlation(first) for _, first in firsts.iterrows()]
    taus = [tau for tau in taus if np.isfinite(tau)]
    if not taus:
        raise MissingExport(SMALL)
    num_rest = int((firsts.columns > gr.EASY[-1]).sum())
    middle = firsts.fillna(np.inf).median().replace(np.inf, np.nan)
    note = f"p = {exported.config.p}, medians over seeds: {_about_rest(middle)}"
    for large in _paper():
        note += f"; {_name(large)}: {_about_rest(gr.first_steps(large.run.history))}"
    half_width = 1.96 * gr.chance_deviation(num_rest)
    if len(taus) < 2:
        return Measurement(
            value=taus[0],
            num_seeds=1,
            verdict="not testable at this size",
            note=note + _seeds_needed(1, half_width, TAU_MARGIN),
        )
    value, low, high = mean_of_few(taus, lowest=-1, highest=1)
    verdict: Verdict = "differs"
    if low <= 0 <= high:
        verdict = margin_verdict([(low, high)], -TAU_MARGIN, TAU_MARGIN)
    if verdict == "not testable at this size":
        note += _seeds_needed(len(taus), (high - low) / 2, TAU_MARGIN)
    return with_interval(value, low, high, len(taus), verdict, note=note)


def _seeds_needed(num_seeds: int, half_width: float, margin: float) -> str:
    needed = networks_to_show(num_seeds, half_width, margin)
    return f"; about {max(needed, num_seeds + 1)} seeds would decide"


def _ratios(exported: ExportedRemainders, kind: str = "filtered", since: int = 0) -> list[float]:
    """Attention's last half-peak over the FFN's, a number a seed."""
    seeds = (gr.settled(rows, kind, since) for _, rows in exported.norms.groupby("seed"))
    return [settled["attention"] / settled["FFN"] for settled in seeds]


@measures("B.fig17.attention_early")
def attention_early() -> Measurement:
    """Attention's last step at half of its gradient's peak over that of the FFN."""
    exported = remainders(SMALL)
    filtered = _ratios(exported)
    raw, late = _ratios(exported, "raw"), _ratios(exported, since=gr.START)
    notes = [
        f"p = {exported.config.p}; before the filter {_geometric_mean(raw):.2f}; with the first "
        f"{gr.START} steps left out of peaks and steps {_geometric_mean(late):.2f}"
    ]
    for large in (exported, *_paper()):
        settled = gr.settled(large.run.norms)
        steps = ", ".join(f"{layer} {step:,.0f}" for layer, step in settled.items())
        notes.append(
            f"{_name(large)}, seed {large.run.seed}: last steps at half of the peak {steps}"
        )
    note = "; ".join(notes)
    if len(filtered) < 2:
        return Measurement(
            value=filtered[0],
            num_seeds=1,
            verdict="not testable at this size",
            note=f"{note}; it needs two seeds or more",
        )
    value, low, high = mean_of_few(np.log(filtered)).map(np.exp)
    verdict: Verdict = "agrees" if high < 1 else "differs"
    if low <= 1 <= high:
        verdict = "not testable at this size"
        half_width, apart = np.log(high / low) / 2, abs(float(np.log(value)))
        note += _seeds_needed(len(filtered), half_width, max(apart, np.log(1.1)))
    return with_interval(
        value, low, high, len(filtered), verdict, unit="times the FFN's step", note=note
    )


def _geometric_mean(values: list[float]) -> float:
    return float(np.exp(np.log(values).mean()))
