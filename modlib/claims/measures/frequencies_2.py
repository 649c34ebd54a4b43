"""The second edition's rows about distributions over many networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modlib.analysis.many_seeds import company as co
from modlib.analysis.many_seeds import embedding_weights as ew
from modlib.analysis.many_seeds import frequencies as fr
from modlib.analysis.many_seeds import neuron_parts as pa
from modlib.analysis.many_seeds import origin
from modlib.analysis.many_seeds import regimes as rg
from modlib.analysis.many_seeds import uniformity as un
from modlib.analysis.many_seeds.embedding_weights import NEAR, SPREAD, TAIL
from modlib.analysis.many_seeds.sweep_tables import SweepTables, presence, tuned_neurons, window
from modlib.claims import fresh
from modlib.claims.committed import mean_of, with_bounds
from modlib.claims.decide import Bounds, Part, every, judged, part, some
from modlib.claims.fresh import BOTH
from modlib.claims.measures import measures
from modlib.claims.measures.frequencies import PAPER_COUNT
from modlib.claims.verdict import Measurement, MissingExport, Verdict
from modlib.maths.groups import signed_freq
from modlib.maths.intervals import Interval, equivalence

FIRST_EPOCH = 5
FIFTH = 0.2
UPPER_OF_NONE = 3.69
"""Upper end of the 95 % interval of a Poisson mean of which nothing was seen."""


@measures("A2.fig3.joint")
def joint_weights() -> Measurement:
    """Is there an epoch at which both shares of embedding weights are the paper's?

    The note says what the networks can at such an epoch, and how large their largest weight is.
    """
    needs = {"weights": SPREAD}
    tables = fresh.sweep("A91-long", needs=needs)
    epochs = _weights_by_epoch(tables, "A91-long")
    verdict = some(found for _, found, _ in epochs)
    kept = [parts for _, found, parts in epochs if found == verdict]
    # Where none keeps both, the epoch that is least far off speaks.
    chosen = min(kept, key=_far_off) if verdict == "differs" else kept[0]
    full = _weights_by_epoch(fresh.sweep("A91-full-long", needs=needs), "A91-full-long")
    also = [f"{epoch:.0f}" for epoch, found, _ in full if found == "agrees"]
    return judged(
        *chosen,
        note="; ".join([*_at_the_epochs(tables, epochs), _told(epochs)]),
        controls=f"with the full batch both hold at step {', '.join(also)}" if also else "",
    )


Epoch = tuple[float, Verdict, list[Part]]
"""An epoch, whether both shares are the paper's there, and both."""


def _weights_by_epoch(tables: SweepTables, job: str) -> list[Epoch]:
    later = tables.weights[tables.weights.epoch >= FIRST_EPOCH]
    epochs: list[Epoch] = []
    for epoch, rows in later.groupby("epoch"):
        parts = []
        for column, said, (low, high) in (
            ("share_above_1", "beyond 1", TAIL),
            ("share_within_025", "within .025", NEAR),
        ):
            mean = mean_of(rows[column])
            at = f"epoch {epoch:.0f}, {said}"
            parts.append(part(at, mean, len(rows), jobs=job, unit="%", at_least=low, at_most=high))
        epochs.append((epoch, every(one.verdict for one in parts), parts))
    return epochs


def _at_the_epochs(tables: SweepTables, epochs: list[Epoch]) -> list[str]:
    """How many networks add at each epoch that keeps both shares, and their largest weight.

    Those of the sweep are evaluated every ten epochs, the long ones every hundred.
    """
    often = fresh.sweep("A91").networks.reached_epoch
    spread = ew.spread_over_training(tables, often).set_index("epoch")
    return [
        f"by epoch {epoch:.0f}, where both hold, {100 * spread.able[epoch]:.1f} % of networks have "
        f"reached 100 %, and the largest weight is {spread.largest[epoch]:.2f}"
        for epoch, verdict, _ in epochs
        if verdict == "agrees"
    ]


def _told(epochs: list[Epoch]) -> str:
    shares = "; ".join(
        f"{parts[0].what.split(',')[0]}: {' and '.join(p.text.split(': ')[1] for p in parts)}"
        for *_, parts in epochs
    )
    return f"{len(epochs)} epochs looked at, beyond 1 and near zero: {shares}"


def _far_off(parts: list[Part]) -> float:
    """How far the values of an epoch lie outside their bounds, relative to these."""
    return sum(
        max(
            0.0,
            *(
                1 - p.interval.value / bound if i == 0 else p.interval.value / bound - 1
                for i, bound in enumerate(p.bounds.given)
            ),
        )
        for p in parts
    )


@measures("A2.fig3.range")
def weight_range() -> Measurement:
    """Largest embedding weight of the sample of 100 networks, both regimes."""
    parts, halves = [], []
    for job, said, regime in (
        ("A91-long", "batch n", "n"),
        ("A91-full-long", "full batch", "full"),
    ):
        largest = fresh.sweep(job).networks.abs_max.to_numpy(dtype=float)
        value = float(largest.max())
        what = f"largest weight of {len(largest)} networks, {said}"
        ends = Interval(value, value, value)
        low, high = ew.largest_bounds(regime)
        parts.append(part(what, ends, at_least=low, at_most=high))
        own = ", ".join(f"{half.max():.2f}" for half in np.array_split(largest, 4))
        halves.append(f"{said}: of four quarters of the sample {own}; mean {largest.mean():.2f}")
    note = "a maximum grows with the sample, which has no interval: the paper's is of 10,000"
    return judged(*parts, note=note, sensitivity="; ".join(halves))


@measures("A2.batch_invariance")
def batch_invariance() -> Measurement:
    """Clusters and simple share at the end of the long runs; what else differs, beside it."""
    small, full = (fresh.sweep(job).networks for job in ("A91-long", "A91-full-long"))
    num, jobs = min(len(small), len(full)), ("A91-long", "A91-full-long")

    def within(what: str, difference: Interval, margin: float) -> Part:
        bounds = Bounds(at_least=-margin, at_most=margin)
        return Part(
            what=what, interval=difference, bounds=bounds, num_networks=num, jobs=jobs, each=True
        )

    parts, notes = [], []
    for what, (test, margin) in rg.regime_differences(small, full).items():
        parts.append(within(what, test.interval, margin))
        notes.append(f"{what}: p of not being equivalent {test.p_value:.2g}")
    beside = []
    for what, values in (
        ("share of networks with fine-tuning neurons", lambda t: t["neurons_fine-tuning"] > 0),
        ("live neurons", lambda t: t.num_live),
    ):
        one, other = (np.asarray(values(table), dtype=float) for table in (full, small))
        margin = max(FIFTH * float(other.mean()), 1e-9)
        test = equivalence(one, other, margin)
        said = f"{what}, {other.mean():.3g} with batches of n"
        beside.append(within(said, test.interval, margin))
    note = f"full batch less batch n; {'; '.join(notes)}"
    return judged(*parts, beside=beside, note=note)


@measures("A2.classes.n91")
def class_rates() -> Measurement:
    """Rate a frequency of each gcd class over the mean rate, n = 91."""
    found = presence(_many())
    table = fr.rates_by_class(found, 91)
    parts = [
        part(
            f"gcd {row.gcd}, over the mean rate",
            (row.ratio, row.low, row.high),
            len(found),
            jobs="A91-more",
            at_least=0.95,
            at_most=1.05,
        )
        for row in table.itertuples()
    ]
    parts.sort(key=lambda one: -abs(one.interval.value - 1))
    test = un.uniform_between(found, 91)
    return judged(*parts, note=f"the same rate in all classes: p = {test.p_value:.2g}")


@measures("A2.double")
def doubling() -> Measurement:
    """Lift of two frequencies of ratio 2, apart for networks with fine-tuning neurons."""
    parts: list[Part] = []
    beside: list[Part] = []
    for job in BOTH:
        tables, n = fresh.sweep(job), int(job[1:])
        found, tuned = presence(tables), (tables.networks["neurons_fine-tuning"] > 0).to_numpy()
        for said, chosen, into in (
            ("without fine-tuning neurons", ~tuned, parts if n == 91 else beside),
            ("with them", tuned, beside),
            ("all networks", np.ones(len(tuned), dtype=bool), beside),
        ):
            if chosen.sum() < 2:
                continue
            lift = co.ratio_lifts(found[chosen], n, [2]).iloc[0]
            what = f"lift, n = {n}, {said}"
            ends = (lift.lift, lift.low, lift.high)
            into.append(part(what, ends, int(chosen.sum()), jobs=job, below=1.0))
    return judged(*parts, beside=beside, controls="frequencies drawn without replacement: 1")


def _many() -> SweepTables:
    """The networks at n = 91, and those that a graphics card has added where they are all there."""
    return fresh.sweep("A91", "A91-more", also=("A91-to-100000",))


def _class_ratio(what: str, counts: np.ndarray, bounds: Bounds) -> Part:
    ratio = fr.ratio_of_classes(counts, 91, 13, 1).at(0)
    return Part(what=what, interval=ratio, bounds=bounds, num_networks=len(counts), jobs=("A91",))


@measures("A2.fig25.count")
def window_count() -> Measurement:
    """Neurons in the window a frequency and run over the paper's 2,200 in 100,000."""
    sets = [fresh.sweep(job) for job in BOTH]

    def times(said: str, column: str, present: bool = False) -> Part:
        counts = [window(tables, column)[:, 1:] for tables in sets]
        rates = np.concatenate([(c > 0 if present else c).mean(1) for c in counts])
        value = mean_of(rates).map(lambda x: x / PAPER_COUNT)
        bounds = Bounds(at_least=1 / 1.5, at_most=1.5)
        return Part(
            what=said,
            interval=value,
            bounds=bounds,
            num_networks=len(rates),
            jobs=BOTH,
            unit="times",
        )

    return judged(
        times("neurons in the window", "num_neurons"),
        beside=[
            times("runs that have one", "num_neurons", present=True),
            times("fine-tuning neurons in it", "num_fine_tuning"),
            times("runs that have one of these", "num_fine_tuning", present=True),
        ],
    )


@measures("A2.fig25.prime_factors")
def window_neurons() -> Measurement:
    """Rate of gcd class 13 over class 1 among all neurons in the window."""
    counts = window(_many(), "num_neurons")
    seven = fr.ratio_of_classes(counts, 91, 7, 1).at(0)
    ratio = _class_ratio("class 13 over class 1, neurons", counts, Bounds(below=1.0))
    return judged(ratio, note=f"class 7 over class 1: {with_bounds(seven)}")


@measures("A2.fig25.prime_factors.runs")
def window_runs() -> Measurement:
    """The same of runs that have a neuron in the window at a frequency."""
    counts = (window(_many(), "num_neurons") > 0).astype(float)
    return judged(
        _class_ratio("class 13 over class 1, runs that have one", counts, Bounds(below=1.0))
    )


@measures("A2.fig25.exact")
def exact_cosets() -> Measurement:
    """The same of fine-tuning neurons by the residual: do they prefer exact cosets?"""
    counts = window(_many(), "num_fine_tuning")
    seven = fr.ratio_of_classes(counts, 91, 7, 1).at(0)
    what = "class 13 over class 1, fine-tuning neurons"
    return judged(
        _class_ratio(what, counts, Bounds(above=1.0)),
        note=f"class 7 over class 1: {with_bounds(seven)}",
    )


HARMONIC = {"2f": 2, "f/2": pow(2, -1, 91), "3f": 3, "f/3": pow(3, -1, 91)}
"""Partners of f, as what it is multiplied by modulo 91."""
GIVEN = 15
DEALT = "the other frequencies of neurons dealt to those of other networks: 1"


def _partners() -> tuple[list[tuple[int, Part]], int, str]:
    """Lift of each frequency beside 15 in a neuron, pooled by symmetry over all f; neurons."""
    neurons = tuned_neurons(_many())
    table = pa.fine_tuning_companions(neurons, 91, GIVEN)
    known = table[np.isfinite(table.pooled)]
    if known.empty:
        raise MissingExport("two networks of the job A91 with fine-tuning neurons")
    num_networks = neurons.seed.nunique()
    # The network is the unit: one that had the frequency could have it in all of its neurons.
    upper_of_none = UPPER_OF_NONE * len(neurons) / num_networks
    parts = []
    for row in known.itertuples():
        # A frequency never seen has a lift of 0, which no resample changes.
        high = row.pooled_high if row.pooled > 0 else upper_of_none / row.pooled_expected
        ends = (row.pooled, row.pooled_low, max(high, row.pooled))
        what = f"lift of {row.freq} beside {GIVEN}"
        parts.append((row.freq, part(what, ends, num_networks, jobs="A91", above=1.0)))
    above = [str(freq) for freq, one in parts if one.verdict == "agrees"]
    return parts, len(neurons), f"all that are more likely: {', '.join(above) or 'none'}"


@measures("A2.fig28.harmonic")
def harmonic_partners() -> Measurement:
    """Lift of f/2, 2f, f/3 and 3f beside f in a fine-tuning neuron, pooled by symmetry."""
    by_freq, num, told = _partners()
    lifts = dict(by_freq)
    parts = [
        replace(lifts[signed_freq(times * GIVEN, 91)], what=f"lift of {said} beside f")
        for said, times in HARMONIC.items()
        if signed_freq(times * GIVEN, 91) in lifts
    ]
    if len(parts) < len(HARMONIC):
        raise MissingExport("fine-tuning neurons enough to expect each of the four partners")
    parts.sort(key=lambda one: one.interval.low)
    note = f"{num} neurons, the 3f shape left out; given {GIVEN}, {told}"
    return judged(*parts, note=note, controls=DEALT)


@measures("A2.fig28.multiples")
def multiples_of_five() -> Measurement:
    """Lift of each multiple of 5 beside 15 in a fine-tuning neuron, pooled by symmetry."""
    by_freq, _, told = _partners()
    parts = [one for freq, one in by_freq if freq % 5 == 0]
    if not parts:
        raise MissingExport("fine-tuning neurons enough to expect a multiple of 5")
    kept = sum(one.verdict == "agrees" for one in parts)
    note = f"{kept} of {len(parts)} multiples are more likely; {told}"
    return judged(*parts, note=note, controls=DEALT)


def _percent(share: Interval) -> str:
    return f"{with_bounds(share.map(lambda x: 100 * x), 1)} %"


@measures("A2.origin")
def where_from() -> Measurement:
    """Fine-tuning neurons led by two of the network's clusters; networks with a pair f, 2f.

    A fine-tuning cluster is among the clusters itself, so the note has all without these.
    """
    parts, shares = [], []
    for job in BOTH:
        needs = {"fine_tuning": ("clustered_1", "clustered_2")}
        tables, n = fresh.sweep(job, needs=needs), int(job[1:])
        networks = tables.networks.set_index("seed")
        tuned = tuned_neurons(tables)
        led = origin.led_by_clusters(tuned, networks.num_clusters, n)
        pairs = origin.has_pair(presence(tables), n)
        has = (networks["neurons_fine-tuning"] > 0).to_numpy()
        ratio, apart = origin.ratio_of_shares(has, pairs)
        ordinary = tables.clusters[tables.clusters.kind != "fine-tuning"]
        alone = fr.presence(ordinary, tables.networks.seed.tolist(), n)
        others, _ = origin.ratio_of_shares(has, origin.has_pair(alone, n))
        second = origin.second_parts(tuned, tables.clusters, n)
        chance = Interval(led.chance, led.chance, led.chance)
        at = f", n = {n}"
        parts += [
            part(
                f"led by two clusters{at}",
                led.share,
                led.num_networks,
                jobs=job,
                unit="%",
                above=0.5,
            ),
            part(f"by chance{at}", chance, unit="%", below=0.15),
            part(
                f"networks with f and 2f over those without{at}",
                ratio,
                len(has),
                jobs=job,
                unit="times",
                above=3.0,
            ),
        ]
        shares.append(
            f"n = {n}: {100 * apart[0]:.1f} % of networks with such a pair have fine-tuning "
            f"neurons, {100 * apart[1]:.1f} % of those without; where fine-tuning clusters do not "
            f"count, {others.value:.2f} times ({others.low:.2f} to {others.high:.2f})"
            + (
                f"; {_percent(second.both)} of the neurons are led by two such clusters, and "
                f"{_percent(second.share)} have their second frequency from one"
                if second
                else ""
            )
        )
    return judged(*parts, note="; ".join(shares))
