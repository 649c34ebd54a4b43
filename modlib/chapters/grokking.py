"""Sentences of chapter 11, true of any run: one that learned nothing, one of three steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from modlib.analysis.remainders import grokking as gr
from modlib.chapters.words import count, listed, percent
from modlib.config.presets import preset_of
from modlib.config.remainders import RemaindersConfig
from modlib.runs.remainders import RemaindersRun


def title(config: RemaindersConfig, steps: int) -> str:
    """``p = 113 (30 %), 65,536 steps``: base, share of the numbers trained on, steps made."""
    return f"p = {config.p} ({100 * config.train_fraction:.0f} %), {count_steps(steps)}"


def count_steps(steps: int) -> str:
    """``16,384 steps``, ``1 step``."""
    return f"{steps:,} step" + "s" * (steps != 1)


def about_network(run: RemaindersRun) -> str:
    """Seed, setting and outcome of the network on show; a warning where it did not learn."""
    accuracy = _at_end(run.history)
    known = int((accuracy >= gr.LEARNED).sum())
    chance = float((1 / accuracy.index.to_numpy(dtype=float)).mean())
    preset = preset_of(run.config)
    text = (
        f"**Seed {run.seed}, {run.config.task}, {title(run.config, run.steps)}**"
        f"{f' ({preset})' if preset else ''}: on validation "
        f"numbers {percent(float(accuracy.mean()))} right, mean over "
        f"{count(len(accuracy), 'task')} (a guess has {percent(chance)}); {known} of "
        f"{len(accuracy)} at {gr.LEARNED} or more."
    )
    if known == len(accuracy):
        return text
    left = listed([f"q = {q}" for q in accuracy.index[accuracy < gr.LEARNED]][:6])
    more = " and others" if len(accuracy) - known > 6 else ""
    return (
        f"{text} Below it: {left}{more}. What follows is drawn and counted all the same; read it "
        "as the picture of a network that has not learned these tasks, or not yet."
    )


def _at_end(history: pd.DataFrame, split: str = "validation") -> pd.Series:
    return gr.by_step(history, split).iloc[-1]


def about_settings(names: Sequence[str], steps: Mapping[str, int], wanted: int) -> str:
    """Which of the paper's own settings are committed, and how far their runs are."""
    parts = [
        f"{name} has made {count_steps(steps[name])}"
        + ("" if steps[name] >= wanted else f" of {wanted:,}")
        for name in names
        if name in steps
    ]
    absent = [name for name in names if name not in steps]
    if absent:
        parts.append(f"{listed(absent)} {'is' if len(absent) == 1 else 'are'} not committed")
    text = "; ".join(parts) or "this task has no run in the paper's setting"
    return f"At p = 113, seed 1000: {text}."


def about_gap(history: pd.DataFrame) -> str:
    """How long after its training numbers each task's validation numbers are known."""
    known = gr.milestones(history, (gr.LEARNED,), "train").set_index("q")["first"]
    learned = gr.first_steps(history)
    total, both = len(known), learned.notna() & known.notna()
    text = (
        f"*Seen here*: {gr.LEARNED} is reached by {int(known.notna().sum())} of "
        f"{_tasks_in(total)} on the numbers trained on, by {int(learned.notna().sum())} on "
        "validation numbers."
    )
    if both.any():
        apart = (learned / known.clip(lower=1))[both]
        most = apart.idxmax()
        text += (
            f" Validation follows training by a factor {apart.median():.1f} in steps (median over "
            f"{count(int(both.sum()), 'task')}), at most {apart.max():.1f}: q = {most}, training "
            f"at step {known[most]:,.0f}, validation at {learned[most]:,.0f}."
        )
    never = known.notna() & learned.isna()
    if never.any():
        text += f" On training numbers only it is reached by {_tasks(never)}."
    return text


def _tasks_in(total: int) -> str:
    return f"{total} task" + "s" * (total != 1)


def _tasks(chosen: pd.Series) -> str:
    """``q = 11``, ``q = 11 and 13``."""
    return f"q = {listed(chosen.index[chosen].tolist())}"


def milestone_table(history: pd.DataFrame) -> str:
    """First steps at each level and the step from which .99 lasts, a row a task."""
    table = gr.milestones(history)
    first = table.pivot(index="q", columns="level", values="first")
    lasting = table[table.level == gr.LEARNED].set_index("q").lasting
    levels = " | ".join(f"first ≥ {level}" for level in gr.LEVELS)
    lines = [f"| q | {levels} | ≥ {gr.LEARNED} to the end |", "|---:|" + "---:|" * 4]
    for q in first.index:
        cells = [*(first.loc[q, level] for level in gr.LEVELS), lasting[q]]
        lines.append(f"| {q} | {' | '.join(map(_step, cells))} |")
    return "\n".join(lines)


def _step(step: float) -> str:
    return "-" if np.isnan(step) else f"{step:,.0f}"


def about_loss(history: pd.DataFrame) -> str:
    """How far the validation loss was above the training loss, and whether it came back."""
    validation, train = (gr.by_step(history, split, "loss") for split in ("validation", "train"))
    guess = np.log(validation.columns.to_numpy(dtype=float))
    gap, end = ((validation - train) / guess).max(), validation.iloc[-1] / guess
    worst, wide = gap.idxmax(), int((gap > 1).sum())
    at = int(((validation - train) / guess)[worst].idxmax())
    return (
        f"*Seen here*: in {wide} of {_tasks_in(len(gap))} the validation loss gets above the "
        f"training loss by more than ln q, what a guess costs. The largest gap is "
        f"{gap[worst]:.1f} ln q, for q = {worst} at step {at:,}. At the end "
        f"{int((end < 1).sum())} of {len(end)} have a validation loss below that of a guess."
    )


def about_order(firsts: Mapping[str, pd.DataFrame]) -> str:
    """Which seeds learn 2, 3, 5, 7 in order, and whether the others follow in order of q."""
    lines = [
        "| setting | seeds | 2, 3, 5, 7 in order and first | tasks above 7: learned | "
        "their steps | tau of q with the step (lowest to highest seed) |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, table in firsts.items():
        kept = f"{sum(gr.in_succession(first) for _, first in table.iterrows())}"
        kept = kept if set(gr.EASY) <= set(table.columns) else "-"
        rest = table.loc[:, table.columns > gr.EASY[-1]].to_numpy(dtype=float)
        reached = rest[np.isfinite(rest)]
        steps = f"{reached.min():,.0f} to {reached.max():,.0f}" if len(reached) else "-"
        taus = [gr.rank_correlation(first) for _, first in table.iterrows()]
        taus = [tau for tau in taus if np.isfinite(tau)]
        tau = f"{np.mean(taus):.2f}" if taus else "-"
        if len(taus) > 1:
            tau += f" ({min(taus):.2f} to {max(taus):.2f})"
        lines.append(
            f"| {name} | {len(table)} | {kept} | {len(reached)} of {rest.size} | {steps} | {tau} |"
        )
    return "\n".join(lines)


def about_memory(histories: Mapping[str, pd.DataFrame]) -> str:
    """Which tasks above 7 are known by heart first, and in which order validation follows.

    Where none of them is learned yet, validation accuracies after the last step are compared.
    """
    parts = []
    for name, history in histories.items():
        known = gr.milestones(history, (gr.LEARNED,), "train").set_index("q")["first"]
        by_heart = gr.rank_correlation(known)
        last = gr.by_step(history, "validation", "accuracy").iloc[-1]
        rest = last[last.index > gr.EASY[-1]]
        learned = bool((rest >= gr.LEARNED).any())
        follows = gr.rank_correlation(gr.first_steps(history) if learned else rest)
        if np.isnan(by_heart) or np.isnan(follows):
            continue
        said = f"{name}: training numbers {by_heart:.2f}, validation numbers {follows:.2f}"
        if not learned:
            best, worst = int(rest.idxmax()), int(rest.idxmin())
            said += (
                f" (none is learned, so of q with the accuracy: {percent(float(rest[best]))} at "
                f"q = {best}, {percent(float(rest[worst]))} at q = {worst})"
            )
        parts.append(said)
    if not parts:
        return ""
    return (
        "Learning by heart has an order as well. Tau of q above 7 with the step at which "
        f"{gr.LEARNED} is reached: {'; '.join(parts)}. A negative tau says that large q come "
        "first, or are known less."
    )


def about_chance(firsts: pd.DataFrame) -> str:
    """What tau random orders have."""
    num_rest = int((firsts.columns > gr.EASY[-1]).sum())
    if num_rest < 3:
        return "There are too few tasks above 7 to speak of an order among them."
    return (
        f"Random orders of {num_rest} tasks have a tau of 0 ± {gr.chance_deviation(num_rest):.2f} "
        "(standard deviation): one network cannot show that there is no order."
    )


def about_control(history: pd.DataFrame | None) -> str:
    """How well shuffled labels are known at the end; nothing where they are not committed."""
    if history is None:
        return "The shuffled baseline is not committed yet."
    accuracy, trained = (
        history[(history.split == split) & (history.step == history.step.max())].accuracy.mean()
        for split in ("validation", "train")
    )
    qs = history.q.unique().astype(float)
    return (
        f"*A control*: with shuffled labels (the committed basis, "
        f"{count(history.seed.nunique(), 'seed')}, {_tasks_in(len(qs))}) the "
        f"mean over tasks ends at {percent(float(trained))} on training and "
        f"{percent(float(accuracy))} on validation numbers; guessing has "
        f"{percent(float((1 / qs).mean()))}."
    )


def about_norms(norms: Mapping[str, pd.DataFrame]) -> str:
    """When the gradients of attention and of the feed-forward layer last reach half their peak."""
    made = {name: table for name, table in norms.items() if len(table)}
    if not made:
        return "*Seen here*: no step was made."
    kinds = {"filtered": ("filtered", 0), "raw": ("raw", 0)}
    kinds[f"filtered, from step {gr.START} on"] = ("filtered", gr.START)
    heads = [f"{layer}, {kind}" for kind in kinds for layer in gr.LAYERS]
    lines = [
        f"| last step at half of the peak | {' | '.join(heads)} |",
        "|---|" + "---:|" * len(heads),
    ]
    for name, table in made.items():
        found = (gr.settled(table, *chosen) for chosen in kinds.values())
        cells = [_step(settled[layer]) for settled in found for layer in gr.LAYERS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    first = next(iter(made.values()))
    peaks = gr.relative_norms(first, "filtered").idxmax(axis=1)
    early, late = peaks.idxmin(), peaks.idxmax()
    text = f"all gradients peak at step {peaks[early]:,}"
    if peaks[early] < peaks[late]:
        text = (
            f"the gradient of `{early}` peaks first, at step {peaks[early]:,}, that of `{late}` "
            f"last, at step {peaks[late]:,}"
        )
    said = [f"*Seen here*, in the first network: {text}."]
    for name, table in made.items():
        orders = [_layer_order(gr.settled(table, "filtered", since)) for since in (0, gr.START)]
        if orders[1]:
            said.append(
                f"{name}: attention is last at half of its peak {orders[0]} the feed-forward "
                f"layer, and {orders[1]} it if the first {gr.START} steps are left out."
            )
    return " ".join(said) + "\n\n" + "\n".join(lines)


def _layer_order(settled: Mapping[str, float]) -> str:
    """``before``, ``after`` or ``with``; empty where no step was made."""
    attention, ffn = settled["attention"], settled["FFN"]
    if np.isnan(attention) or np.isnan(ffn):
        return ""
    return "with" if attention == ffn else "before" if attention < ffn else "after"


def about_gain(lam: float, alpha: float) -> str:
    """What the filter does to slow, fast and random gradients."""
    if lam == 0:
        return "With lambda = 0 there is no filter: its gain is 1 at every period."
    fast, slow = gr.filter_gain(np.array([2.0, 1e9]), lam, alpha)
    half = 1 + lam / 2
    periods = np.geomspace(2, 1e7, 4000)
    where = periods[gr.filter_gain(periods, lam, alpha) >= half]
    middle = f"; half of the extra is reached at a period of {where[0]:,.0f} steps" * bool(
        len(where)
    )
    return (
        f"*Seen here*, λ = {lam:g}, α = {alpha:g}: a gradient that changes sign at every step "
        f"passes with a gain of {fast:.4f}, a constant one with {slow:.4g}{middle}. The filter "
        f"takes nothing away: it adds up to {percent(lam)} to what is slow. Noise that is drawn "
        f"afresh at every step leaves with {gr.noise_gain(lam, alpha):.4f} of its size."
    )


def about_ratio(ratios: pd.DataFrame, lam: float, alpha: float) -> str:
    """How much the filter lengthened the gradients, early and late, and what this says."""
    if ratios.empty:
        return "*Seen here*: no step was made."
    if lam == 0:
        return "*Seen here*: without a filter the ratio is 1."
    middle = ratios.median(axis=1)
    steps = middle.index.to_numpy(dtype=float)
    thirds = np.array_split(np.arange(len(steps)), min(3, len(steps)))
    parts = [
        f"{_value(middle.iloc[rows])} from step {steps[rows[0]]:,.0f} to {steps[rows[-1]]:,.0f}"
        for rows in thirds
    ]
    last = middle.iloc[thirds[-1]].to_numpy()
    share = float(np.median(gr.slow_share(last, lam, alpha)))
    top, low = ratios.median().idxmax(), ratios.median().idxmin()
    text = (
        f"*Seen here*: the median ratio is {listed(parts)}. It is largest for `{top}` "
        f"({_value(ratios[top])}) and smallest for `{low}` ({_value(ratios[low])})."
    )
    if share >= 1:
        return f"{text} The last median is what a gradient has that does not change, or shrinks."
    part = "of the squared norm"
    slow = f"{percent(share)} {part}" if share > 0 else f"no measurable part {part}"
    return (
        f"{text} Were a gradient a constant part and fresh noise and nothing else, the last "
        f"third's median would mean that the constant part holds {slow}."
    )


def about_masks(ratios: pd.DataFrame, without: pd.DataFrame) -> str:
    """The ratio with dropout beside the one without it, over all steps and matrices."""
    if ratios.empty or without.empty:
        return ""
    own, other = (float(table.stack().median()) for table in (ratios, without))
    return (
        f"The median over all steps and matrices is {own:.3f} here, and {other:.3f} in the "
        "committed network that was trained without dropout. Dropout draws its masks afresh at "
        "every step, which the filter takes for noise."
    )


def _value(ratios: pd.Series) -> str:
    return f"{ratios.median():.3f}"
