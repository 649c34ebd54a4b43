"""Sentences of chapter 09: width, modulus, and the probability of section 5.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.growth import Growth, is_slow
from modlib.analysis.many_seeds.separation import Probability
from modlib.chapters.words import interval, listed, percent


def about_width(points: pd.DataFrame, differences: pd.DataFrame, missing: Sequence[str]) -> str:
    """Differences of the mean number of clusters from the first width."""
    if points.empty:
        return "*Seen here*: no width but the default is committed yet."
    parts = [
        f"width {row.width}, batch {row.batch}: "
        f"{interval(row.difference, row.low, row.high)} ({row.num_seeds} networks)"
        for row in differences.itertuples()
    ]
    text = f"*Seen here*, clusters more than at width 128: {'; '.join(parts) or 'nothing yet'}."
    if missing:
        text += f" Not trained: {listed(missing)}."
    return text


def about_l2(networks: Mapping[str, Mapping[int, pd.DataFrame]]) -> str:
    """The training loss at which networks end, by modulus, for each choice of L2."""
    parts = []
    for name, by_n in networks.items():
        median = {n: float(table.train_loss.median()) for n, table in by_n.items()}
        if len(median) > 1:
            least, most = min(median, key=median.__getitem__), max(median, key=median.__getitem__)
            parts.append(
                f"{name}, the median loss on training pairs at the end runs from "
                f"{median[least]:.3f} (n = {least}) to {median[most]:.3f} (n = {most})"
            )
    return f"*Seen here*: {'; '.join(parts)}." if parts else ""


def about_learning(learned: pd.DataFrame) -> str:
    """At which moduli networks failed, and how many."""
    failing = learned[learned.share < 1]
    total = int(learned.networks.sum())
    lost = round(float((learned.networks * (1 - learned.share)).sum()))
    if failing.empty:
        return f"All {total:,} networks learned."
    worst = failing.loc[failing.share.idxmin()]
    return (
        f"{lost:,} of {total:,} networks did not learn and are left out above. The smallest share "
        f"that learned is {percent(float(worst.share))}, at n = {worst.n:.0f}."
    )


def growth_table(result: Growth) -> str:
    """The four fits with their errors on held-out moduli."""
    formulas = {"constant": "a", "log n": "a + b ln n", "power": "a n^b", "linear": "a + b n"}
    lines = [
        "| curve | a | b | error on held-out n (clusters) | best in |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in result.curves.itertuples():
        b = "" if row.curve == "constant" else f"{row.b:.4f}"
        lines.append(
            f"| {row.curve}: {formulas[row.curve]} | {row.a:.2f} | {b} | {row.error:.3f} | "
            f"{percent(row.share_best)} |"
        )
    return "\n".join(lines)


def about_growth(result: Growth) -> str:
    """Which curve predicts best, how sure that is, and the ratio to ln n."""
    best = result.curves.loc[result.curves.error.idxmin()]
    rest = result.curves[result.curves.curve != best.curve].error.min()
    points = result.points
    most, least = points.loc[points.ratio.idxmax()], points.loc[points.ratio.idxmin()]
    slow = "one that log n bounds" if is_slow(best.curve, best.b) else "faster than log n"
    return (
        f"*Seen here*: over {len(points)} moduli from {points.n.min()} to {points.n.max()} "
        f"*{best.curve}* predicts held-out moduli best ({best.error:.3f} clusters off, the next "
        f"{rest:.3f}); it is {slow}, and so is the winner in {percent(result.share_slow)} of "
        f"resamples that draw moduli anew and networks within them. Mean clusters over ln n: "
        f"from {least.ratio:.2f} (n = {least.n:.0f}) to "
        f"{most.ratio:.2f} (n = {most.n:.0f})."
    )


def probability_text(found: Probability) -> str:
    """``.811`` where enumerated, with its interval where drawn."""
    if found.exact:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} ± {(found.high - found.low) / 2:.3f}"


def probability_table(table: pd.DataFrame, true: Mapping[str, Sequence[Probability]]) -> str:
    """The truth under both models beside both formulas, a row a number of frequencies."""
    lines = [
        "| m | distinct | with replacement | Gamma formula | Stirling formula |",
        "|---:|---:|---:|---:|---:|",
    ]
    for i, row in enumerate(table.itertuples()):
        cells = [probability_text(true[model][i]) for model in ("distinct", "with replacement")]
        lines.append(
            f"| {row.m} | {cells[0]} | {cells[1]} | {row.Gamma:.3f} | {row.Stirling:.3f} |"
        )
    return "\n".join(lines)


def about_probability(
    n: int, table: pd.DataFrame, numbers: np.ndarray, true: Mapping[str, Sequence[Probability]]
) -> str:
    """What the formulas and the truth say at ln n, and at the networks' own number."""
    m = min(len(table), max(1, round(log(n))))
    at = {model: found[m - 1].value for model, found in true.items()}
    text = (
        f"*Seen here*: at m = round(ln {n}) = {m} the formula of the paper's last step says "
        f"{table.Stirling.iloc[m - 1]:.2f}, the Gamma formula {table.Gamma.iloc[m - 1]:.2f}, and "
        f"the truth is {at['with replacement']:.3f} with replacement, {at['distinct']:.3f} for "
        f"distinct frequencies."
    )
    if len(numbers):
        usual = int(np.bincount(numbers).argmax())
        if 1 <= usual <= len(table):
            own = true["distinct"][usual - 1].value
            text += (
                f" Networks at n = {n} have {usual} clusters most often; as many distinct "
                f"frequencies at random separate with probability {own:.3f}."
            )
    return text


def about_needed(
    needed: Mapping[str, Mapping[int, int]], squares: Mapping[str, Mapping[str, float]]
) -> str:
    """How the number of frequencies that are needed grows with n."""
    parts = []
    for model, by_n in needed.items():
        first, last = min(by_n), max(by_n)
        parts.append(
            f"{model.capitalize()}: {by_n[first]} at n = {first}, {by_n[last]} at n = {last}; "
            "lines in "
            + ", ".join(f"{shape} have R² = {value:.3f}" for shape, value in squares[model].items())
        )
    return f"*Seen here*. {'. '.join(parts)}."


def about_separations(panels: Mapping[int, Mapping[str, np.ndarray]], delta: float) -> str:
    """Whether learned sets of frequencies are farther from confusion than random ones."""
    if not panels:
        return "*Seen here*: no networks to compare."
    first = next(iter(panels.values()))
    lines = [
        "| m | " + " | ".join(f"{name}: beyond delta | median" for name in first) + " |",
        "|---:|" + "---:|---:|" * len(first),
    ]
    for m, series in panels.items():
        cells = [
            f"{percent(float((v > delta).mean()))} | {np.median(v):.2f}" for v in series.values()
        ]
        lines.append(f"| {m} | {' | '.join(cells)} |")
    apart = {
        name: [float(np.median(v[name]) - np.median(v["at random"])) for v in panels.values()]
        for name in first
        if all({name, "at random"} <= v.keys() for v in panels.values()) and name != "at random"
    }
    moved = "; ".join(
        f"*{name}* by {min(steps):.2f} to {max(steps):.2f}" for name, steps in apart.items()
    )
    return "\n".join(lines) + (f"\n\nMedians lie above those at random: {moved}." if moved else "")
