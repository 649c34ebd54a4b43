"""How the second edition's claims on paper B's training are measured.

p = 113 decides, with a count of networks; the small setting, p = 37, has rows of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.remainders import ablations as ab
from modlib.analysis.remainders import grokking as gr
from modlib.claims import fresh
from modlib.claims.decide import counted, decide, judged, over, part
from modlib.claims.fresh import PAPER, SHUFFLED, SMALL, SMALL_SHUFFLED
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, MissingExport, Verdict
from modlib.maths.intervals import Interval, mean_of_few
from modlib.results.remainders import ExportedRemainders

TEXT = "B113-text"
"""Job with the share trained on of the paper's text."""
ALL_RIGHT = 0.999
NO_ORDER = 0.3
"""A tau within it counts as no order: of two tasks the larger is later in 35 to 65 % of cases."""


def _easy(first: pd.Series) -> str:
    """``2 (60), 3 (180)``: the easy tasks by the step at which they are learned, and the next."""
    learned = first.dropna().sort_values(kind="stable")
    easy = [f"{q} ({step:,.0f})" for q, step in learned.items() if q in gr.EASY]
    rest = learned[~learned.index.isin(gr.EASY)]
    after = f"; first of the others {rest.index[0]} ({rest.iloc[0]:,.0f})" if len(rest) else ""
    return f"{', '.join(easy) or 'none'}{after}"


def _order(preset: ExportedRemainders) -> Measurement:
    firsts = gr.seed_steps(preset.history)
    kept = [bool(gr.in_succession(first)) for _, first in firsts.iterrows()]
    levels = (0.97, gr.LEARNED, ALL_RIGHT)

    def verdict_at(level: float) -> Verdict:
        steps = gr.seed_steps(preset.history, level)
        in_all = all(gr.in_succession(first) for _, first in steps.iterrows())
        return "agrees" if in_all else "differs"

    by_network = (f"seed {seed}: {_easy(first)}" for seed, first in firsts.iterrows())
    return counted(
        "2, 3, 5, 7 learned in this order and before all others",
        kept,
        note="; ".join(by_network),
        sensitivity=over(levels, verdict_at, "learned from"),
    )


@measures("B2.order")
def order() -> Measurement:
    """Networks at p = 113 that learn 2, 3, 5, 7 one after another and before all others."""
    return _order(fresh.remainders(*PAPER))


@measures("B2.order.small")
def order_small() -> Measurement:
    """The same at p = 37."""
    return _order(fresh.remainders(SMALL))


def no_order(tau: Interval, margin: float = NO_ORDER) -> tuple[float, float]:
    """The ends between which an interval of tau must lie to say that there is no order.

    One that leaves out 0 is evidence of an order. One that holds it shows that there is none if
    it lies within the margin; a wide one holds 0 for want of networks.
    """
    if tau.low <= 0 <= tau.high:
        return -margin, margin
    return 0.0, 0.0


def _rest_together(preset: ExportedRemainders, *jobs: str) -> Measurement:
    firsts = gr.seed_steps(preset.history)
    taus = pd.Series({seed: gr.rank_correlation(first) for seed, first in firsts.iterrows()})
    found = taus.dropna()
    if len(found) < 2:
        raise MissingExport(f"two networks {preset.preset} that learn tasks above 7")
    tau = mean_of_few(found, lowest=-1, highest=1)
    rest = firsts.loc[:, firsts.columns > gr.EASY[-1]]
    chance = gr.chance_deviation(rest.shape[1])

    def verdict_at(margin: float) -> Verdict:
        least, most = no_order(tau, margin)
        return decide(tau.low, tau.high, at_least=least, at_most=most)

    by_network = (
        f"seed {seed}: {found.get(seed, np.nan):.2f}, {first.notna().sum()} of {len(first)} learned"
        for seed, first in rest.iterrows()
    )
    what = "Kendall's tau of q with its step"
    least, most = no_order(tau)
    return judged(
        part(what, tau, len(found), jobs=jobs, at_least=least, at_most=most),
        note="; ".join(by_network),
        controls=f"random orders: 0 with a standard deviation of {chance:.2f} a network",
        sensitivity=over((0.2, NO_ORDER, 0.4), verdict_at, "no order within"),
    )


@measures("B2.rest_together")
def rest_together() -> Measurement:
    """Tau of q above 7 with the step at which its task is learned, at p = 113."""
    return _rest_together(fresh.remainders(*PAPER), *PAPER)


@measures("B2.rest_together.small")
def rest_together_small() -> Measurement:
    """The same at p = 37."""
    return _rest_together(fresh.remainders(SMALL), SMALL)


@measures("B2.all_tasks")
def all_tasks() -> Measurement:
    """Networks at p = 113, of both shares trained on, that end with all tasks at .999 or more."""
    presets = [fresh.remainders(*PAPER), fresh.remainders(TEXT)]
    lowest = pd.concat([gr.final_accuracy(preset.history).min(axis=1) for preset in presets])
    levels = (0.99, 0.995, ALL_RIGHT)

    def verdict_at(level: float) -> Verdict:
        return "agrees" if (lowest >= level).all() else "differs"

    return counted(
        f"all tasks at {ALL_RIGHT} or more at the end",
        lowest >= ALL_RIGHT,
        note="; ".join(f"{100 * p.config.train_fraction:.0f} %: {_reached(p)}" for p in presets),
        sensitivity=over(levels, verdict_at, "at"),
    )


def _reached(preset: ExportedRemainders) -> str:
    """How many tasks are right at the end, and when the mean passes .9 and .99."""
    steps = ab.steps_to_mean(preset.history, (0.9, 0.99))
    return ", ".join(
        f"seed {seed} {(final >= ALL_RIGHT).sum()} of {len(final)} tasks, the lowest "
        f"{final.min():.4f}, the mean at .9 from step {_step(steps.loc[seed, 0.9])}, at .99 from "
        f"{_step(steps.loc[seed, 0.99])}"
        for seed, final in gr.final_accuracy(preset.history).iterrows()
    )


def _step(step: float) -> str:
    return f"{step:,.0f}" if np.isfinite(step) else "never"


def attention_over_ffn(
    preset: ExportedRemainders, since: int | None = None, level: float = 0.5
) -> pd.Series:
    """Attention's last step at half of its peak over that of the feed-forward layer, by seed.

    ``since``: None, where the authors' figure 17 begins.
    """
    start = gr.first_shown(preset.config.steps) if since is None else since
    found = {
        seed: gr.settled(rows, "filtered", start, level)
        for seed, rows in preset.norms.groupby("seed")
    }
    return pd.Series({seed: one["attention"] / one["FFN"] for seed, one in found.items()})


def _evidence(control: pd.Series) -> str:
    """What the same ratio of networks on shuffled labels makes of the claim."""
    early = bool((control < 1).all())
    first = (
        "settles first there too, so that it is no"
        if early
        else ("does not always settle first there, so that it may be")
    )
    return f"on shuffled labels {_ratios(control)}: attention {first} evidence about the task"


def _ratios(ratios: pd.Series) -> str:
    return ", ".join(f"{ratio:.2g}" if ratio < 99.5 else f"{ratio:.0f}" for ratio in ratios)


@measures("B2.attention_early")
def attention_early() -> Measurement:
    """Networks at p = 113 whose attention settles before the feed-forward layer."""
    trained, shuffled = fresh.remainders(*PAPER), fresh.remainders(SHUFFLED)

    def verdict_at(level: float) -> Verdict:
        return "agrees" if (attention_over_ffn(trained, level=level) < 1).all() else "differs"

    return counted(
        "attention is last at half of its peak before the feed-forward layer",
        attention_over_ffn(trained) < 1,
        note=f"at these times the feed-forward layer's step: {_ratios(attention_over_ffn(trained))}"
        f"; looked at from the first step on: {_ratios(attention_over_ffn(trained, 0))}",
        controls=_evidence(attention_over_ffn(shuffled)),
        sensitivity=over((0.25, 0.5, 0.75), verdict_at, "at a share of the peak of"),
    )


@measures("B2.attention_early.small")
def attention_early_small() -> Measurement:
    """Attention's last step at half of its peak over that of the feed-forward layer, p = 37."""
    trained, shuffled = fresh.remainders(SMALL), fresh.remainders(SMALL_SHUFFLED)

    def mean(level: float = 0.5) -> Interval:
        return mean_of_few(np.log(attention_over_ffn(trained, level=level))).map(np.exp)

    def verdict_at(level: float) -> Verdict:
        found = mean(level)
        return decide(found.low, found.high, below=1)

    ratios = attention_over_ffn(trained)
    return judged(
        part("attention's step over the other's", mean(), len(ratios), jobs=SMALL, below=1),
        note=f"looked at from the first step on: {_ratios(attention_over_ffn(trained, 0))}",
        controls=_evidence(attention_over_ffn(shuffled)),
        sensitivity=over((0.25, 0.5, 0.75), verdict_at, "at a share of the peak of"),
    )
