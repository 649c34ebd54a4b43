"""How the claims about distributions over many networks are measured.

Networks that did not learn are left out, except where the claim is about how many do."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np

from modlib.analysis.many_seeds import company as co
from modlib.analysis.many_seeds import frequencies as fr
from modlib.analysis.many_seeds import neuron_parts as pa
from modlib.analysis.many_seeds import regimes as rg
from modlib.analysis.many_seeds import uniformity as un
from modlib.analysis.many_seeds.sweep_tables import presence, tuned_neurons, window
from modlib.claims.committed import (
    BATCH_N,
    REGIMES,
    find_sweep,
    mean_of,
    networks_of,
    sweep_tables,
    with_bounds,
)
from modlib.claims.measures import measures
from modlib.claims.verdict import (
    Measurement,
    MissingExport,
    Verdict,
    all_agree,
    interval_verdict,
    margin_verdict,
    networks_to_show,
    with_interval,
)
from modlib.config.presets import ADDITION_PRESETS
from modlib.maths.intervals import Interval, ratio_of_sums

PAPER_COUNT = 2200 / 100_000
"""Neurons in the window a frequency and run (appendix B.3.1)."""
PAPER_ZERO_BIN = 2.4e6 / (10_000 * 2 * 91 * 32)
SIGNIFICANT = 0.05


def _pooled(part: Callable[[str], np.ndarray]) -> np.ndarray:
    """What ``part`` gives for each preset of ``BATCH_N``, under one another."""
    return np.concatenate([part(name) for name in BATCH_N])


def _presence(name: str) -> tuple[np.ndarray, int]:
    return presence(sweep_tables(name)), ADDITION_PRESETS[name].n


@measures("A.fig3.tail.batch_n", name="A91-long", at_least=0.04, at_most=0.06)
@measures("A.fig3.tail.full", name="A91-full-long", below=0.006)
def tail(name: str, **bounds: float) -> Measurement:
    """Share of embedding weights beyond 1 in size at the end of the long runs."""
    networks = networks_of(name)
    share = mean_of(networks.share_above_1)
    verdict = interval_verdict(*share[1:], **bounds)
    note = f"{ADDITION_PRESETS[name].num_epochs} epochs"
    return with_interval(*share, len(networks), verdict, unit="%", note=note)


@measures("A.fig3.range")
def weight_range() -> Measurement:
    """99.9 % quantile and maximum of the embedding weights, long runs, against the bounds."""
    verdicts, words = [], []
    first = Interval(0.0, 0.0, 0.0)
    num_seeds = 0
    for regime, name, bound in (
        ("batch n", "A91-long", 2.0),
        ("full batch", "A91-full-long", 1.5),
    ):
        networks = networks_of(name)
        for column, said in (("abs_max", "maximum"), ("abs_q999", "99.9 % quantile")):
            found = mean_of(networks[column])
            limits = {"at_least": 0.9 * bound, "at_most": 1.1 * bound}
            verdicts.append(interval_verdict(*found[1:], **limits))
            words.append(f"{said} {with_bounds(found)}, {regime}")
            if not num_seeds:
                first, num_seeds = found, len(networks)
        largest = float(networks.abs_max.max())
        words[-1] += f", largest of {len(networks)} networks {largest:.2f}"
    note = f"means over networks: {'; '.join(words)}"
    return with_interval(*first, num_seeds, all_agree(*verdicts), note=note)


@measures("A.fig3.zero_bin")
def zero_bin() -> Measurement:
    """Share of embedding weights within .025 of zero, long runs with batches of n."""
    networks = networks_of("A91-long")
    share = mean_of(networks.share_within_025)
    limits = {"at_least": PAPER_ZERO_BIN / 1.5, "at_most": PAPER_ZERO_BIN * 1.5}
    note = f"after {ADDITION_PRESETS['A91-long'].num_epochs} epochs"
    default = find_sweep("A91")
    if default is not None:
        earlier = default.networks.share_within_025[default.networks.learned].mean()
        note += f"; {100 * earlier:.1f} % after {ADDITION_PRESETS['A91'].num_epochs}"
    verdict = interval_verdict(*share[1:], **limits)
    return with_interval(*share, len(networks), verdict, unit="%", note=note)


@measures("A.sec4.batch_invariance")
def batch_invariance() -> Measurement:
    """Clusters and share of simple neurons, full batch less batch n, at both moduli."""
    words, equivalent, outside, needed = [], [], [], []
    first = None
    for n in (91, 89):
        pair = (networks_of(f"A{n}"), networks_of(f"A{n}-full"))
        for what, (test, margin) in rg.regime_differences(*pair).items():
            first = first or test
            equivalent.append(test.p_value < SIGNIFICANT)
            outside.append(margin_verdict([(test.low, test.high)], -margin, margin) == "differs")
            half_width = (test.high - test.low) / 2
            needed.append(networks_to_show(len(pair[1]), half_width, margin))
            numbers = with_bounds(test.interval, 3)
            words.append(f"{what}, n = {n}: {numbers}, p = {test.p_value:.2g}")
    assert first is not None
    num_seeds = sum(len(networks_of(f"A91{ending}")) for ending in REGIMES.values())
    verdict: Verdict = "agrees" if all(equivalent) else "not testable at this size"
    verdict = "differs" if any(outside) else verdict
    note = f"full batch less batch n, p of not being equivalent: {'; '.join(words)}"
    if verdict == "not testable at this size":
        note += _size_needed(max(needed), "of the full batch")
    return with_interval(
        first.difference, first.low, first.high, num_seeds, verdict, unit="clusters", note=note
    )


def _size_needed(num_networks: int, which: str) -> str:
    return (
        f"; some interval reaches over its margin and none lies beyond: {num_networks:,} networks "
        f"{which} would show equality, if it holds, with a chance of 80 %"
    )


@measures("A.fig4a.classes.n91")
def class_rates() -> Measurement:
    """Rate a frequency of each gcd class over the mean rate, n = 91; the value is the extreme."""
    found, n = _presence("A91")
    table = fr.rates_by_class(found, n)
    verdict = margin_verdict(list(zip(table.low, table.high, strict=True)), 0.95, 1.05)
    worst = table.iloc[int((table.ratio - 1).abs().argmax())]
    words = [
        f"gcd {row.gcd}: {with_bounds(Interval(row.ratio, row.low, row.high), 3)}"
        for row in table.itertuples()
    ]
    test = un.uniform_between(found, n)
    note = f"{', '.join(words)}; the same rate in all classes: p = {test.p_value:.2g}"
    if verdict == "not testable at this size":
        half_width = float((table.high - table.low).max()) / 2
        note += _size_needed(networks_to_show(len(found), half_width, 0.05), "at n = 91")
    interval = (float(worst.ratio), float(worst.low), float(worst.high))
    return with_interval(*interval, len(found), verdict, unit="of the mean", note=note)


@measures("A.fig4a.within.n91", name="A91")
@measures("A.fig4a.within.n89", name="A89")
def uniform_within(name: str) -> Measurement:
    """p value of uniformity inside the gcd classes, with the spread of the rates."""
    found, n = _presence(name)
    test = un.uniform_within(found, n)[0]
    note = (
        f"rates of a class differ by {100 * test.spread:.1f} % of their mean (standard "
        f"deviation); draws without preference by {100 * test.chance:.1f} %, 95 % of them by "
        f"less than {100 * test.chance_high:.1f} %"
    )
    verdict: Verdict = "agrees" if test.p_value > 0.01 else "differs"
    return Measurement(
        value=test.p_value,
        num_seeds=len(found),
        verdict=verdict,
        text=f"p = {test.p_value:.2g} ({len(found)} seeds)",
        note=note,
    )


@measures("A.fig4b.double")
def doubling() -> Measurement:
    """Lift of two frequencies of ratio 2 at n = 91, against draws without replacement."""
    found, n = _presence("A91")
    lift = co.ratio_lifts(found, n, [2]).iloc[0]
    note = f"{lift.observed:.0f} pairs (f, 2f), {lift.expected:.0f} expected"
    if find_sweep("A89") is not None:
        other = co.ratio_lifts(*_presence("A89"), [2]).iloc[0]
        note += f"; n = 89: {with_bounds(Interval(other.lift, other.low, other.high))}"
    verdict = interval_verdict(lift.low, lift.high, below=1.0)
    return with_interval(lift.lift, lift.low, lift.high, len(found), verdict, note=note)


def _per_network(name: str, column: str) -> np.ndarray:
    """Sum of a column of the clusters, and their number, by network."""
    tables = sweep_tables(name)
    grouped = tables.clusters.groupby("seed")[column].agg(["sum", "count"])
    return grouped.reindex(tables.networks.seed, fill_value=0).to_numpy(dtype=float)


@measures("A.fig5a.rank0")
def rank_zero() -> Measurement:
    """Share of pairs on which a cluster alone has the right answer first, all clusters."""
    sums = _pooled(lambda name: _per_network(name, "rank_0"))
    means = _pooled(lambda name: _per_network(name, "rank_mean"))
    share = ratio_of_sums(sums[:, :1], sums[:, 1:]).at(0)
    mean = ratio_of_sums(means[:, :1], means[:, 1:]).at(0)
    note = f"{int(sums[:, 1].sum())} clusters; mean rank {with_bounds(mean)}"
    verdict = interval_verdict(*share[1:], below=0.5)
    return with_interval(*share, len(sums), verdict, unit="%", note=note)


@measures("A.fig5b.clusters.n91", n=91)
@measures("A.fig5b.clusters.n89", n=89)
def clusters_a_run(n: int) -> Measurement:
    """Mean number of clusters, batch n."""
    counts = networks_of(f"A{n}").num_clusters
    mean = mean_of(counts)
    notes = [f"ln n = {log(n):.2f}, standard deviation {counts.std():.2f}"]
    for name, said in ((f"A{n}-full", "full batch"), (f"A{n}-flax", "flax initialisation")):
        if name in ADDITION_PRESETS and find_sweep(name) is not None:
            notes.append(f"{said} {with_bounds(mean_of(networks_of(name).num_clusters))}")
    verdict = interval_verdict(*mean[1:], at_least=4.0, at_most=5.5)
    return with_interval(*mean, len(counts), verdict, note="; ".join(notes))


@measures("A.fig25.bound")
def fine_tuning_share() -> Measurement:
    """Share of clusters that are fine-tuning clusters by the residual rule."""
    columns = ["num_fine_tuning", "num_clusters"]
    counts = _pooled(lambda name: networks_of(name)[columns].to_numpy(dtype=float))
    share = ratio_of_sums(counts[:, :1], counts[:, 1:]).at(0)
    verdict = interval_verdict(*share[1:], below=0.191)
    return with_interval(*share, len(counts), verdict, unit="%")


def _window(name: str, column: str) -> np.ndarray:
    return window(sweep_tables(name), column)


@measures("A.fig25.count")
def window_count() -> Measurement:
    """Neurons in the window a frequency and run, over the paper's count."""

    def rates(column: str) -> Interval:
        return mean_of(_pooled(lambda name: _window(name, column)[:, 1:].mean(1)))

    rate, tuned = rates("num_neurons"), rates("num_fine_tuning")
    present = mean_of(_pooled(lambda name: (_window(name, "num_neurons")[:, 1:] > 0).mean(1)))
    value, low, high = (x / PAPER_COUNT for x in rate)
    note = (
        f"{1e5 * rate[0]:,.0f} neurons a frequency in 100,000 runs where the paper has 2,200; of "
        f"them {1e5 * tuned[0]:,.0f} in fine-tuning neurons; {1e5 * present[0]:,.0f} runs have "
        "such a neuron at a given frequency"
    )
    verdict = interval_verdict(low, high, at_least=1 / 1.5, at_most=1.5)
    num_seeds = sum(len(networks_of(name)) for name in BATCH_N)
    return with_interval(value, low, high, num_seeds, verdict, unit="times", note=note)


@measures("A.fig25.prime_factors")
def window_prime_factors() -> Measurement:
    """Rate of gcd class 13 over class 1 among the window's fine-tuning neurons, n = 91."""
    ratio = fr.ratio_of_classes(_window("A91", "num_fine_tuning"), 91, 13, 1).at(0)
    every = fr.ratio_of_classes(_window("A91", "num_neurons"), 91, 13, 1).at(0)
    seven = fr.ratio_of_classes(_window("A91", "num_fine_tuning"), 91, 7, 1).at(0)
    note = f"class 7: {with_bounds(seven)}; class 13, neurons of every kind: {with_bounds(every)}"
    verdict = interval_verdict(*ratio[1:], below=1.0)
    return with_interval(*ratio, len(networks_of("A91")), verdict, note=note)


@measures("A.fig28.additive")
def additive_relations() -> Measurement:
    """Lift of simple ratios between the two strongest frequencies of fine-tuning neurons."""
    neurons = tuned_neurons(sweep_tables("A91"))
    table = pa.relation_lifts(neurons, 91)
    if table.empty:
        raise MissingExport("A91")
    pooled = table.iloc[0]
    parts = [
        f"{row.relation} {with_bounds(Interval(row.lift, row.low, row.high), 1)}"
        for row in table.iloc[1:7].itertuples()
    ]
    note = (
        f"ratios 1:2, 1:3 and 2:3 either way; {pooled.observed:.0f} of {len(neurons)} neurons have "
        f"one, {pooled.expected:.0f} expected; first to second frequency: {', '.join(parts)}"
    )
    for freq, base in ((15, 5), (7, 7)):
        beside = pa.fine_tuning_companions(neurons, 91, freq)
        above, multiple = beside.pooled_low > 1, beside.freq % base == 0
        own, others = (beside.freq[above & kind].tolist() for kind in (multiple, ~multiple))
        named, rest = (", ".join(map(str, freqs)) or "none" for freqs in (own, others))
        note += (
            f"; given {freq}, pooled by symmetry, the interval lies above 1 for {len(own)} of "
            f"{multiple.sum()} multiples of {base} ({named}), and of the others for {rest}"
        )
    verdict = interval_verdict(pooled.low, pooled.high, above=1.0)
    seeds = neurons.seed.nunique()
    return with_interval(pooled.lift, pooled.low, pooled.high, seeds, verdict, note=note)
