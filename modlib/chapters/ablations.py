"""Sentences of chapter 14, true of any networks: one seed or several, learned or not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from modlib.analysis.remainders import ablations as ab
from modlib.analysis.remainders.grokking import EASY
from modlib.chapters.words import count, interval, listed, percent, percents
from modlib.config.presets import FIRST_SEED, REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.maths.intervals import Interval
from modlib.results.shown import MIN_MASKED_P

SETTINGS = {
    "dropout": "dropout",
    "lam": "lambda",
    "weight_decay": "weight decay",
    "embed_dim": "width d",
    "lr": "learning rate",
    "heads": "heads",
}
"""Settings as the sentences name them."""


def _share(found: Interval) -> str:
    """A share with its interval, where there is one."""
    return percents(*found) if np.isfinite(found.low) else percent(found.value)


def _number(found: Interval) -> str:
    return interval(*found) if np.isfinite(found.low) else f"{found.value:.2f}"


def _value(value: float) -> str:
    return "1/3" if abs(value - 1 / 3) < 1e-6 else f"{value:g}"


def networks_table(found: Mapping[str, pd.DataFrame], wanted: Collection[str]) -> str:
    """What each preset changes, its seeds, steps, and accuracy at the end over its tasks."""
    plain = vars(REMAINDERS_PRESETS["B37"])
    lines = [
        "| network | differs in | seeds | steps | validation accuracy at the end | trained on |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for name in dict.fromkeys(wanted):
        changed = {k: v for k, v in vars(REMAINDERS_PRESETS[name]).items() if plain[k] != v}
        words = ", ".join(
            f"{SETTINGS.get(k, k)} {v if isinstance(v, str) else _number_of(v)}"
            for k, v in changed.items()
        )
        row = f"| {name} | {words or '-'} |"
        if name in found:
            history = found[name]
            if REMAINDERS_PRESETS[name].task == "masked":
                history = history[history.q > EASY[-1]]
            ends = [
                _share(ab.share_over_seeds(ab.at_end(history, s))) for s in ("validation", "train")
            ]
            row += f" {history.seed.nunique()} | {history.step.max():,} | {ends[0]} | {ends[1]} |"
        else:
            row += " not there | | | |"
        lines.append(row)
    return "\n".join(lines)


def _number_of(value: float) -> str:
    return _value(value) if value == 1 / 3 else f"{value:.4g}"


def about_origin(
    found: Mapping[str, pd.DataFrame],
    wanted: Collection[str],
    *,
    p: int,
    steps: int | None,
    seed: int,
) -> str:
    """Where the networks come from, and which are missing and why."""
    shown = "no network" if not found else f"{count(len(found), 'kind')} of network"
    last = max((int(h.step.max()) for h in found.values()), default=0)
    seeds = max((h.seed.nunique() for h in found.values()), default=0)
    asked = "" if steps is None else f", `steps` {steps:,}"
    text = (
        f"**p = {p}{asked}**: {shown}, {'at most ' if seeds > 1 else ''}{count(seeds, 'seed')} "
        f"each, {last:,} step{'s' * (last != 1)}; where one network is drawn, it is seed {seed}. "
        "The paper's ablations are at p = 113 and d = 256; these are not."
    )
    missing = [name for name in dict.fromkeys(wanted) if name not in found]
    if missing:
        text += f" Not there: {listed(missing)}."
    if "B37-masked" in missing and p < MIN_MASKED_P:
        text += f" (The masked task needs p of {MIN_MASKED_P} or more.)"
    if seeds == 1:
        text += " One seed is no sample: the numbers below have no intervals."
    return text


def about_masked(delays: ab.Delays, by_heart: ab.Delays, falls: Mapping[str, pd.Series]) -> str:
    """How much later the other tasks are learned, and how far accuracies fall again.

    ``by_heart``: the same on the numbers trained on.
    """
    table = delays.table
    if table.empty:
        text = "*Seen here*: no pair of networks with a task beyond 7 to compare."
    elif not table.ratio.notna().any():
        text = "*Seen here*: no task beyond 7 reaches .97 without the mask, so there is no delay."
    else:
        used = table.dropna(subset="ratio")
        text = (
            f"*Seen here*: with the mask the others take {_number(delays.ratio)} times the steps "
            f"to .97 (geometric mean over {count(used.q.nunique(), 'task')} and "
            f"{count(used.seed.nunique(), 'seed')})."
        )
        if delays.never:
            text += (
                f" {count(delays.never, 'pair').capitalize()} of task and seed never got there "
                "with the mask and count with all the steps, which is too little."
            )
        if delays.left_out:
            text += f" Left out: {count(delays.left_out, 'pair')} that never got there without it."
        if np.isfinite(by_heart.ratio.value):
            text += f" To .97 on the numbers trained on: {_number(by_heart.ratio)} times."
    parts = [
        f"{_share(ab.share_over_seeds(values.dropna()))} {name}"
        for name, values in falls.items()
        if values.notna().any()
    ]
    if parts:
        text += (
            " Once at .97, the accuracy of 11, 13, 17 and 19 falls again by up to "
            f"{' and '.join(parts)} (mean over those learned)."
        )
    return text


def about_dropout(plain: pd.DataFrame | None, without: pd.DataFrame | None) -> str:
    """Accuracy on numbers trained on and held out, with and without dropout."""
    if without is None:
        return "*Seen here*: no network without dropout is there."
    parts = []
    for name, history in (("without dropout", without), ("with it", plain)):
        if history is not None:
            train, held_out = (
                _share(ab.share_over_seeds(ab.at_end(history, split)))
                for split in ("train", "validation")
            )
            parts.append(f"{name} {train} on numbers trained on, {held_out} on validation numbers")
    text = f"*Seen here*, at the end: {'; '.join(parts)}."
    last = without[(without.step == without.step.max()) & (without.split == "validation")]
    by_task = last.groupby("q").accuracy.mean()
    learned = by_task.index[by_task >= ab.REACHED].tolist()
    named = f"q = {listed(learned)}" if learned else "none"
    return f"{text} At .97 or more without dropout: {named}."


def about_filter(plain: pd.DataFrame | None, without: pd.DataFrame | None) -> str:
    """Accuracy with lambda = 0 where lambda = .5 is at .99, and at the end."""
    if plain is None or without is None:
        return "*Seen here*: not both networks are there."
    ends = [_share(ab.share_over_seeds(ab.at_end(history))) for history in (plain, without)]
    text = f"*Seen here*, at the end: lambda .5 {ends[0]}, lambda 0 {ends[1]}."
    shares = ab.share_below(without, plain)
    if not len(shares):
        return (
            f"{text} With lambda .5 the mean accuracy is at .99 at no step, so the paper's "
            "sentence cannot be put to the test on these networks."
        )
    each = ", ".join(percent(float(share)) for share in shares)
    return (
        f"{text} Of the evaluations at which lambda .5 is at .99 or more, lambda 0 is below at "
        f"{_share(ab.share_over_seeds(shares))} (by seed {each}; in a seed that is missing, "
        "lambda .5 never is)."
    )


def about_paper_size(found: Mapping[str, pd.DataFrame]) -> str:
    """The same pair at the paper's own size, at the last step that both have made."""
    if not found:
        return "*Seen here*: at p = 113 not both networks are committed."
    parts, last = [], 0
    for kind, history in found.items():
        last = int(history.step.max())
        rows = history[(history.split == "validation") & (history.step == last)]
        learned = int((rows.accuracy >= 0.99).sum())
        parts.append(
            f"{kind} {percent(float(rows.accuracy.mean()))}, {learned} of {len(rows)} tasks at .99"
        )
    return (
        f"*Seen here*, p = 113, one network each (seed {FIRST_SEED}), at step {last:,}, the last "
        f"that both have made, mean validation accuracy over tasks: {'; '.join(parts)}. One seed "
        "has no interval."
    )


def arm_name(arm: tuple[str, float]) -> str:
    """``lambda 1``, ``learning rate x 2``."""
    kind, factor = arm
    return f"lambda {factor - 1:g}" if kind == "lambda" else f"learning rate x {factor:g}"


def arms_table(summary: pd.DataFrame) -> str:
    """Each arm's steps and accuracies with their intervals."""
    lines = [
        "| network | seeds | steps to all at .9 | steps to all at .97 | "
        "accuracy halfway | at the end |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for (kind, factor), rows in summary.groupby(["kind", "factor"], sort=False):
        by_measure = rows.set_index("measure")
        cells = [arm_name((str(kind), float(factor))), str(rows.num_seeds.iloc[0])]
        for measure in ("steps to all at .9", "steps to all at .97"):
            row = by_measure.loc[measure]
            if row.reached == 0:
                cells.append(f"not reached, 0 of {row.num_seeds}")
                continue
            reached = "" if row.reached == row.num_seeds else f", {row.reached} of {row.num_seeds}"
            ends = f" ({row.low:,.0f} to {row.high:,.0f})" if np.isfinite(row.low) else ""
            cells.append(f"{row.value:,.0f}{ends}{reached}")
        for measure in ("accuracy halfway", "accuracy at the end"):
            row = by_measure.loc[measure]
            cells.append(_share(Interval(row.value, row.low, row.high)))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def about_arms(ratios: pd.DataFrame) -> str:
    """The filter against the learning rate at equal factors, in steps until all tasks are at .9."""
    if ratios.empty:
        return "*Seen here*: no two networks to compare are there."
    said, neither = [], []
    for row in ratios.itertuples():
        one, other = arm_name(row.arm), arm_name(row.other)
        if row.never == 2 * row.num_seeds:
            neither.append(f"{one} and {other}")
            continue
        never = f" ({count(int(row.never), 'network')} never there)" if row.never else ""
        times = _number(Interval(row.value, row.low, row.high))
        said.append(f"{one} takes {times} times those of {other}{never}")
    parts = [f"*Seen here*, steps until all tasks are at .9: {'; '.join(said) or 'none'}."]
    if (ratios.never > 0).any():
        parts.append("A network that is never there counts with all its steps, which is too few.")
    if neither:
        parts.append(f"Neither network of a pair gets there: {'; '.join(neither)}.")
    text = " ".join(parts)
    equal = [arm[1] == other[1] for arm, other in zip(ratios.arm, ratios.other, strict=True)]
    direct = ratios[np.array(equal) & (ratios.never < 2 * ratios.num_seeds)]
    sure = direct[np.isfinite(direct.low)]
    if sure.empty:
        return f"{text} With one seed there is no interval."
    filter_faster = [arm_name(r.arm) for r in sure.itertuples() if r.high < 1]
    rate_faster = [arm_name(r.other) for r in sure.itertuples() if r.low > 1]
    undecided = len(sure) - len(filter_faster) - len(rate_faster)
    return (
        f"{text} At equal factors the interval puts the filter ahead in "
        f"{count(len(filter_faster), 'case')}, the learning rate in "
        f"{count(len(rate_faster), 'case')}, and decides nothing in {undecided}."
    )


def space_table(space: Mapping[str, Sequence[float]], paper: Mapping[str, Sequence[float]]) -> str:
    """Table 1 with what we added to it."""
    lines = ["| setting | the paper's values | added here |", "|---|---|---|"]
    for name, values in space.items():
        own = ", ".join(_value(value) for value in paper[name])
        added = [_value(value) for value in values if value not in paper[name]]
        lines.append(f"| {SETTINGS[name]} | {own} | {', '.join(added)} |")
    return "\n".join(lines)


def about_search(trials: pd.DataFrame, base: RemaindersConfig, size: int) -> str:
    """How many settings were tried and how the accuracies spread."""
    if trials.empty:
        return (
            "No study is committed yet: `python -m modlib search` makes one, "
            "`python -m modlib search --export` writes its trials."
        )
    pruned, retried = int(trials.pruned.sum()), int((trials.retries > 0).sum())
    text = (
        f"{len(trials)} of {size} settings were tried at p = {base.p}, {base.steps:,} steps each, "
        f"seed {FIRST_SEED}; {pruned} were stopped early. Accuracies run from "
        f"{percent(float(trials.accuracy.min()))} to {percent(float(trials.accuracy.max()))}, "
        f"half of them below {percent(float(trials.accuracy.median()))}."
    )
    return text + (
        f" {count(retried, 'trial').capitalize()} went on after a kill." if retried else ""
    )


def best_table(
    trials: pd.DataFrame,
    space: Mapping[str, Sequence[float]],
    paper: Mapping[str, float],
    top: int = 5,
) -> str:
    """Table 2: the best settings found, the paper's best, and the best without the filter."""
    if trials.empty:
        return ""
    ranked = trials.sort_values("accuracy", ascending=False, kind="stable").reset_index(drop=True)
    chosen = [(f"{i + 1}", ranked.loc[i]) for i in range(min(top, len(ranked)))]
    theirs = np.logical_and.reduce([np.isclose(ranked[name], paper[name]) for name in space])
    for label, mask in (("the paper's best", theirs), ("best with lambda 0", ranked.lam == 0)):
        rows = ranked[mask]
        if len(rows):
            chosen.append((f"{label} (place {rows.index[0] + 1})", rows.iloc[0]))
    names = " | ".join(SETTINGS[name] for name in space)
    lines = [f"| place | {names} | accuracy | steps |", "|---|" + "---:|" * (len(space) + 2)]
    lines.append(
        "| *paper, table 2* | "
        + " | ".join(_value(paper[name]) for name in space)
        + " | | 65,536 |"
    )
    for label, row in chosen:
        cells = " | ".join(_value(float(row[name])) for name in space)
        lines.append(f"| {label} | {cells} | {percent(float(row.accuracy))} | {row.steps:,} |")
    return "\n".join(lines)


def about_importance(table: pd.DataFrame) -> str:
    """Which settings tell the best trials from all, as far as the intervals say."""
    if table.empty:
        return ""
    ranked = table.sort_values("importance", ascending=False)
    first = ranked.iloc[0]
    equal = 1 / len(table)
    above = [SETTINGS[r.setting] for r in table.itertuples() if r.low > equal]
    return (
        f"*Seen here*: the largest share is that of {SETTINGS[first.setting]}, "
        f"{percents(first.importance, first.low, first.high, 0)}. Above an equal share of "
        f"{percent(equal)} with the whole interval: {listed(above)}. With so few trials most "
        "intervals are wide, and values that were tried together cannot be told apart."
    )
