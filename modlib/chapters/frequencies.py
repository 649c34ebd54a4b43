"""Sentences of chapter 08: numbers of networks, rates, lifts, and a search."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.frequencies import Uniformity
from modlib.analysis.many_seeds.sweep_tables import SweepTables
from modlib.chapters.words import count, interval, listed, percent, percents
from modlib.config.addition import AdditionConfig
from modlib.maths.groups import signed_freq, units
from modlib.maths.intervals import Interval, Intervals

REJECTS_BELOW = 0.01
"""The p value under which the tests of this chapter tell something from chance."""


def scalar(estimate: Intervals) -> Interval:
    """The first of an estimate's values with its interval."""
    return estimate.at(0)


def about_networks(sets: Mapping[str, SweepTables | None]) -> str:
    """A table of the sets of networks: how many, of which seeds, and how many learned."""
    lines = ["| set | networks | seeds | learned |", "|---|---:|---|---:|"]
    for name, tables in sets.items():
        if tables is None:
            lines.append(f"| {name} | not committed | | |")
            continue
        seeds, learned = tables.networks.seed, tables.networks.learned
        lines.append(
            f"| {name} | {len(seeds):,} | {seeds.min()} to {seeds.max()} | "
            f"{percent(float(learned.mean()))} |"
        )
    return "\n".join(lines)


def about_few(config: AdditionConfig, tables: SweepTables) -> str:
    """A warning where the networks are too few for the statistics of this chapter."""
    learned = int(tables.networks.learned.sum())
    if learned < 2:
        return (
            f"> **Of {count(len(tables.networks), 'network')} at n = {config.n} "
            f"{count(learned, 'network')} learned.** The figures below need two or more: turn "
            "`num_seeds`, or another `n`."
        )
    if learned < 100:
        return (
            f"> **Only {count(learned, 'network')} at n = {config.n}.** Every interval below is "
            "wide, and most of what thousands show can't be seen: `num_seeds` trains more."
        )
    return ""


def about_weights(sets: Mapping[str, SweepTables]) -> str:
    """Shares of the embedding weights beyond 1 and near 0, and the largest, a row a set-up."""
    if not sets:
        return "No long runs are committed yet."
    lines = [
        "| set-up | networks | beyond ±1 | within ±.025 | 99.9 % quantile | maximum, mean | "
        "maximum, of all |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, tables in sets.items():
        t = tables.networks
        lines.append(
            f"| {name} | {len(t):,} | {percent(float(t.share_above_1.mean()))} | "
            f"{percent(float(t.share_within_025.mean()))} | {t.abs_q999.mean():.2f} | "
            f"{t.abs_max.mean():.2f} | {t.abs_max.max():.2f} |"
        )
    return "\n".join(lines)


def about_rates(rates: Mapping[str, pd.DataFrame]) -> str:
    """Mean rate of a frequency, and the extremes, by set."""
    parts = []
    for name, table in rates.items():
        least, most = table.loc[table.rate.idxmin()], table.loc[table.rate.idxmax()]
        parts.append(
            f"**{name}**: a frequency is in {percent(float(table.rate.mean()))} of the networks on "
            f"average, f = {most.freq:.0f} most "
            f"often ({percent(float(most.rate))}), f = {least.freq:.0f} least "
            f"({percent(float(least.rate))})."
        )
    return "*Seen here*: " + " ".join(parts)


def uniformity_table(within: Mapping[int, Uniformity]) -> str:
    """Spread of the rates inside each gcd class, against draws."""
    lines = [
        "| gcd(f, n) | spread of the rates | draws: median | draws: 95 % below | p |",
        "|---|---:|---:|---:|---:|",
    ]
    for common, test in within.items():
        name = "all classes" if common == 0 else str(common)
        lines.append(
            f"| {name} | {percent(test.spread)} | {percent(test.chance)} | "
            f"{percent(test.chance_high)} | {test.p_value:.2g} |"
        )
    return "\n".join(lines)


def about_planted(controls: Mapping[str, Mapping[int, Uniformity]]) -> str:
    """What the test makes of made-up networks: the first set without a preference, others with."""
    lines = [
        f"| made-up networks | spread of the rates | draws: 95 % below | p | p below "
        f"{REJECTS_BELOW} |",
        "|---|---:|---:|---:|---|",
    ]
    missed = []
    for place, (name, within) in enumerate(controls.items()):
        if 0 in within:
            test = within[0]
            told = test.p_value < REJECTS_BELOW
            lines.append(
                f"| {name} | {percent(test.spread)} | {percent(test.chance_high)} | "
                f"{test.p_value:.2g} | {'yes' if told else 'no'} |"
            )
            if place and not told:
                missed.append(name)
    if len(lines) == 2:
        return "Without networks there is nothing to test."
    if missed:
        lines += [
            "",
            f'The planted preference ("{listed(missed)}") is not told from chance: for so few '
            "networks the test has little power, and that it did not reject above says little.",
        ]
    return "\n".join(lines)


def about_classes(table: pd.DataFrame, test: Uniformity, n: int) -> str:
    """Rates of the gcd classes against each other."""
    if len(table) < 2:
        return f"n = {n} is prime: there is one class only."
    parts = [
        f"gcd {row.gcd}: {interval(row.ratio, row.low, row.high, 3)} "
        f"({count(row.num_freqs, 'frequency', 'frequencies')})"
        for row in table.itertuples()
    ]
    verdict = "draws without preference do as much" if test.p_value > 0.05 else "more than chance"
    return (
        f"Rate of a class over the mean rate at n = {n}: {'; '.join(parts)}. Spread between the "
        f"classes {percent(test.spread)}, of draws {percent(test.chance)} (median), p = "
        f"{test.p_value:.2g}: {verdict}."
    )


def about_company(table: pd.DataFrame, freq: int, num_having: int, n: int) -> str:
    """What goes with one frequency: twice and half of it, alone and pooled, against the null."""
    if table.pooled.isna().all():
        return f"Of f = {freq} there is nothing to tell: too few networks have such a frequency."
    below, above = table.pooled_high < table.expected, table.pooled_low > table.expected
    related = table.relation != ""
    parts, judged = [], []
    for row in table[related].itertuples():
        alone = "" if np.isnan(row.rate) else f"{percents(row.rate, row.low, row.high)}, "
        pooled = percents(row.pooled, row.pooled_low, row.pooled_high)
        parts.append(
            f"f = {row.freq} ({row.relation}) in {alone}pooled {pooled}, expected "
            f"{100 * row.expected:.1f} %"
        )
    for what, chosen in (
        ("less often than expected", related & below),
        ("more often than expected", related & above),
        ("at a rate that is not told from the expected one", related & ~below & ~above),
    ):
        if chosen.any():
            names = listed([f"f = {f}" for f in table.freq[chosen]])
            judged.append(f"{names} {what}")
    text = f"With f = {freq} ({num_having:,} networks): "
    if parts:
        text += f"{'; '.join(parts)}. Pooled, the networks have {listed(judged)}. "
    orbit = table.freq.map(lambda other: _orbit(freq, other, n))
    total, apart = orbit[~related].nunique(), orbit[~related & (below | above)].nunique()
    return text + (
        f"By symmetry the other frequencies have {count(total, 'pooled rate')} between them, of "
        f"which {count(apart, 'has', 'have') if apart else 'none has'} an interval without the "
        "expected one (one in twenty would by chance)."
    )


def _orbit(freq: int, other: int, n: int) -> tuple[int, ...]:
    """The first of the pairs into which units carry two frequencies: the same for equal rates."""
    return min(
        tuple(sorted((signed_freq(u * freq, n), signed_freq(u * other, n)))) for u in units(n)
    )


def about_ratios(lifts: Mapping[str, pd.DataFrame], marked: int = 2) -> str:
    """The lift of one ratio, and which other ratios leave chance behind."""
    parts = []
    for name, table in lifts.items():
        row = table[table.ratio == marked]
        if row.empty or not row.expected.iloc[0] > 0:
            continue
        r = row.iloc[0]
        word = "the interval includes 1"
        if r.high < 1:
            word = "they avoid each other"
        elif r.low > 1:
            word = "they seek each other"
        parts.append(
            f"**{name}**: f and {marked}f together in {r.observed:.0f} pairs where "
            f"{r.expected:.0f} were expected, {interval(r.lift, r.low, r.high)} times: {word}; "
            f"{_other_ratios(table[table.ratio != marked])}."
        )
    if not parts:
        return "Too few pairs are expected to compare ratios."
    return "*Seen here*: " + " ".join(parts) + " (One in twenty would by chance.)"


def _other_ratios(table: pd.DataFrame) -> str:
    sure = table[(table.high < 1) | (table.low > 1)]
    if sure.empty:
        return f"none of the {len(table)} other ratios has an interval without 1"
    first = sure.reindex((sure.lift - 1).abs().sort_values(ascending=False).index).head(4)
    names = [f"{o.ratio} ({interval(o.lift, o.low, o.high)})" for o in first.itertuples()]
    most = "" if len(sure) == len(first) else "most of all "
    return (
        f"of the {len(table)} other ratios {len(sure)} {'has' if len(sure) == 1 else 'have'} an "
        f"interval without 1: {most}{listed(names)}"
    )


def about_doubling(lifts: Mapping[str, pd.DataFrame]) -> str:
    """A possible reason for a ratio 2 that is avoided; empty where none is seen to be."""
    avoided = [name for name, table in lifts.items() if (table.high[table.ratio == 2] < 1).any()]
    if not avoided:
        return ""
    return (
        f"Why would a network with f do without 2f (here at {listed(avoided)})? One possible "
        "reason, not tested here: a cluster's output is not one cosine. Where its inputs have "
        "frequency f, its output has a part at 2f as well, which the ReLU makes (chapter 7 sees it "
        "in the sum), so a cluster at f may supply a part of what one at 2f would bring."
    )


def title_of_sum(name: str, num_summed: int, num_networks: int) -> str:
    """What a committed sum is over, where a page describes ``num_networks`` of its networks."""
    committed = "" if num_summed == num_networks else "committed "
    return f"{name}: all {num_summed:,} {committed}networks"


def about_ranks(clusters: pd.DataFrame, num_networks: int, n: int) -> str:
    """How often one cluster alone is right, and how this differs from cluster to cluster."""
    if clusters.empty:
        return "*Seen here*: no clusters."
    low, high = clusters.rank_mean.quantile([0.05, 0.95])
    exact, others = clusters[clusters.gcd > 1], clusters[clusters.gcd == 1]
    text = (
        f"*Seen here*: {len(clusters):,} clusters of {num_networks:,} networks that learned. One "
        f"alone has the right answer first on {percent(float(clusters.rank_0.mean()))} of the "
        f"pairs, and on {percent(float(clusters.rank_5.mean()))} at most five others stand before "
        f"it. The mean rank is {clusters.rank_mean.mean():.1f} (a guess has {(n - 1) / 2:g}), for "
        f"90 % of the clusters between {low:.1f} and {high:.1f}; one in twenty lies further down."
    )
    if len(exact) and len(others):
        text += (
            f" Clusters on exact cosets have the right answer first on "
            f"{percent(float(exact.rank_0.mean()))} of the pairs, where the others have it on "
            f"{percent(float(others.rank_0.mean()))}."
        )
    return text


def about_numbers(means: pd.DataFrame, logs: Mapping[str, float]) -> str:
    """Mean numbers of clusters by set-up, with intervals and deviations, and ln n."""
    lines = ["| set-up | mean clusters (95 %) | s.d. |", "|---|---:|---:|"]
    for row in means.itertuples():
        lines.append(
            f"| {row.name} | {interval(row.mean, row.low, row.high)} | {row.deviation:.2f} |"
        )
    return "\n".join([*lines, *(f"| {name} | {value:.2f} | |" for name, value in logs.items())])


def about_regimes(n: int, tests: Mapping[str, tuple[tuple[float, ...], float]]) -> str:
    """Full batch less batch n: differences, margins, and whether they are equivalent."""
    parts = []
    for what, ((difference, low, high, p_value), margin) in tests.items():
        word = "equivalent" if p_value < 0.05 else "not shown to be equivalent"
        parts.append(
            f"{what} {interval(difference, low, high, 3)}, margin {margin}: {word} "
            f"(p = {p_value:.2g})"
        )
    return f"Full batch less batch n at n = {n}: {'; '.join(parts)}."


def about_window(counts: Mapping[str, tuple[float, float, float]], runs: float) -> str:
    """Neurons in the window a frequency in 100,000 runs: of all kinds and fine-tuning."""
    parts = [
        f"{name} {1e5 * value:,.0f} ({1e5 * low:,.0f} to {1e5 * high:,.0f})"
        for name, (value, low, high) in counts.items()
    ]
    return (
        f"*Seen here*, a frequency and 100,000 runs: {'; '.join(parts)}. A given frequency has "
        f"such a neuron in {1e5 * runs:,.0f} of 100,000 runs."
    )


def about_fine_tuning(networks: pd.DataFrame, clusters: pd.DataFrame) -> str:
    """How many clusters and networks have fine-tuning in them."""
    if clusters.empty:
        return "No clusters, so no fine-tuning ones."
    tuned = clusters.kind == "fine-tuning"
    having = (networks.num_fine_tuning > 0).mean()
    return (
        f"By the residual rule {int(tuned.sum()):,} of {len(clusters):,} clusters "
        f"({percent(float(tuned.mean()))}) are fine-tuning clusters, and "
        f"{percent(float(having))} of the networks have one."
    )


def about_multiples(table: pd.DataFrame, freq: int, base: int, n: int) -> str:
    """Which multiples of ``base`` accompany ``freq`` in fine-tuning neurons, and what else does.

    ``table``: ``fine_tuning_companions``; judged by the pooled lift and its interval.
    """
    if table.pooled.isna().all():
        return f"Given {freq} there is nothing to tell: no fine-tuning neuron has such a frequency."
    known = np.isfinite(table[["pooled", "pooled_low", "pooled_high"]]).all(axis=1)
    above = known & (table.pooled_low > 1)
    never = known & (table.pooled == 0)
    unsure = known & ~above & ~never & (table.pooled_high >= 1)
    multiple = table.freq % base == 0

    def having(chosen: pd.Series) -> str:
        named = [
            f"{row.freq}{_double_or_half(row.freq, freq, n)} "
            f"{interval(row.pooled, row.pooled_low, row.pooled_high, 1)} times"
            for row in table[chosen].itertuples()
        ]
        number = count(len(named), "has", "have") if named else "none has"
        return f"{number} an interval above 1" + (f": {listed(named)}" if named else "")

    parts = [
        f"{what} {listed(table.freq[multiple & chosen].tolist())}"
        for what, chosen in (
            ("the interval includes 1 for", unsure),
            ("it lies below 1 for", known & ~above & ~never & ~unsure),
            ("never seen beside it:", never),
            ("too little is expected to judge", ~known),
        )
        if (multiple & chosen).any()
    ]
    others = count(int(multiple.sum()), "other multiple")
    text = "; ".join([f"of {others} of {base} {having(multiple & above)}", *parts])
    return (
        f"*Given {freq}*, pooled by symmetry: {text}. Of the frequencies that are no multiples of "
        f"{base}, {having(~multiple & above)}."
    )


def _double_or_half(other: int, freq: int, n: int) -> str:
    if signed_freq(2 * freq, n) == other:
        return f" (twice {freq})"
    return f" (half of {freq})" if signed_freq(2 * other, n) == freq else ""


def _times(row: pd.Series) -> str:
    """A lift with its interval, as far as something was expected."""
    if not row.expected > 0:
        return "where none were expected"
    if not np.isfinite([row.low, row.high]).all():
        return f"{row.lift:.1f} times, too few for an interval"
    return f"{interval(row.lift, row.low, row.high, 1)} times"


def about_relations(table: pd.DataFrame, num_neurons: int, num_networks: int, n: int) -> str:
    """Which ratios the two strongest frequencies of fine-tuning neurons have."""
    if table.empty or not num_neurons or not table.expected.iloc[0] > 0:
        return f"*Seen here*, n = {n}: too few networks with fine-tuning neurons."
    pooled = table.iloc[0]
    largest = table.iloc[1:].sort_values("observed", ascending=False).head(3)
    parts = [
        f"{row.relation} in {row.observed:.0f} ({_times(row)})"
        for _, row in largest.iterrows()
        if row.observed
    ]
    return (
        f"*Seen here*, n = {n}: {num_neurons:,} fine-tuning neurons of {num_networks:,} networks. "
        f"The ratios 1:2, 1:3 and 2:3, either way, hold for {pooled.observed:.0f} of them "
        f"({percent(pooled.observed / num_neurons)}), {_times(pooled)} what dealing out second "
        f"frequencies anew would give. Most frequent: {listed(parts)}."
    )


def about_search(found: pd.DataFrame, num_networks: int, base: int) -> str:
    """What the scan for a network like the paper's seed 133 found."""
    what = f"a fine-tuning cluster whose frequency shares the factor {base} with n"
    if found.empty:
        return f"None of {num_networks:,} networks that learned has {what}."
    pure, alike = int(found.all_multiples.sum()), found[found.alike]
    share = "all" if pure == len(found) else "none" if pure == 0 else f"{pure:,}"
    which = f"in {share} of them it" if len(found) > 1 else "it"
    only = "only multiples" if pure or len(found) > 1 else "not only multiples"
    head = (
        f"Of {num_networks:,} networks that learned, {len(found):,} "
        f"{'has' if len(found) == 1 else 'have'} {what}; {which} has "
        f"{only} of {base} as parts"
    )
    if len(alike):
        lines = [
            f"- seed {row.seed}: clusters at f = {listed(row.freqs)}; the fine-tuning one, "
            f"{count(row.num_neurons, 'neuron')} led by {row.tuned}, has the parts "
            f"{listed(row.parts)}"
            for row in alike.head(5).itertuples()
        ]
        have = "one has" if len(alike) == 1 else f"{len(alike)} have"
        return f"{head}, and {have} four clusters as well:\n\n" + "\n".join(lines)
    near = found.sort_values(["all_multiples", "num_clusters"], ascending=[False, True]).iloc[0]
    return (
        f"{head}, but none has four clusters, one of them fine-tuning. The nearest is seed "
        f"{near.seed}: {count(near.num_clusters, 'cluster')} at f = {listed(near.freqs)}, the "
        f"fine-tuning one with the parts {listed(near.parts)}."
    )


def about_thresholds(table: pd.DataFrame, defaults: tuple[int, float]) -> str:
    """How far the mean number of clusters moves with the thresholds."""
    of_size = table[table.min_size == defaults[0]]
    at = of_size[of_size.dead_below == defaults[1]]["mean"]
    moved = float(np.ptp(of_size["mean"]))
    by = "less than .01" if moved < 0.01 else f"{moved:.2f}"
    return (
        f"*Seen here*: {float(at.iloc[0]):.2f} clusters with the thresholds of this book, "
        f"{table['mean'].min():.2f} to {table['mean'].max():.2f} over all that are drawn; the "
        f"limit of dead neurons alone moves it by {by}."
    )
