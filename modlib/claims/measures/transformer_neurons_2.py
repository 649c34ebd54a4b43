"""How the second edition's claims on paper B's neurons, attention and mechanism are measured."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from modlib.analysis.remainders.active_sets import (
    BEFORE,
    SPIKE_FACTOR,
    TABLE_3,
    Spike,
    find_spike,
    printed_ticks,
    step_before,
)
from modlib.claims import fresh
from modlib.claims.decide import counted, decide, exactly, judged, over, part
from modlib.claims.fresh import NANDA, PAPER, SHUFFLED, SMALL, SMALL_NANDA, SMALL_SHUFFLED
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, MissingExport, Verdict
from modlib.maths.intervals import Interval, mean_of_few
from modlib.results.remainders import ExportedRemainders

WITHIN = 3
"""How far table 3's counts may be from the paper's."""
KEPT, ONE_DIGIT, IDLE, EXPLAINED, BY_HEART = 0.5, 0.1, 0.05, 0.8, 0.5
"""Bounds of the rules: Jaccard index, smaller share of a head, loss of accuracy, share of logit
variance of the network, and of the one on shuffled labels."""


def printed_counts(preset: ExportedRemainders) -> pd.DataFrame:
    """What the authors' figure prints at table 3's epochs: a row a network, a column an epoch."""
    names = {f"coded_{epoch}": epoch for epoch in TABLE_3}
    counts = fresh.columns_of(preset, "networks", list(names)).astype(int)
    printed = pd.DataFrame(printed_ticks(counts.to_numpy()), columns=list(names.values()))
    return printed.set_index(preset.networks.seed.to_numpy())


def _row(counts: pd.Series) -> str:
    return ", ".join(f"{count:g}" for count in counts)


@measures("B2.tab3.coded")
def table_as_coded() -> Measurement:
    """Largest distance of the median network's printed counts from the paper's table 3."""
    counts, shuffled = (printed_counts(fresh.remainders(*jobs)) for jobs in (PAPER, (SHUFFLED,)))
    median, paper = counts.median(), pd.Series(TABLE_3)
    away = float((median - paper).abs().max())
    by_network = (f"seed {seed}: {_row(row)}" for seed, row in counts.iterrows())
    return judged(
        part(
            f"{_row(median)} in the median network; at most from {_row(paper)}",
            exactly(away),
            len(counts),
            at_most=WITHIN,
        ),
        note="; ".join(by_network),
        controls="on shuffled labels " + "; ".join(_row(row) for _, row in shuffled.iterrows()),
        sensitivity=over((2, WITHIN, 4), lambda at: decide(away, away, at_most=at), "within"),
    )


def wave_spikes(preset: ExportedRemainders) -> dict[int, dict[str, Spike]]:
    """Rise and fall of the active frequencies of both digits and of the active waves, by seed."""
    kinds = {"off_axes": "off the axes", "characters": "waves of x"}
    fresh.columns_of(preset, "spectra", list(kinds))
    found: dict[int, dict[str, Spike]] = {}
    for seed, rows in preset.spectra.sort_values("step").groupby("seed"):
        for column, kind in kinds.items():
            spike = find_spike(rows.step.to_numpy(), rows[column].to_numpy().astype(int))
            if spike is None:
                raise MissingExport(f"three logged steps of {preset.preset}, seed {seed}")
            found.setdefault(int(str(seed)), {})[kind] = spike
    return found


def _spikes(spikes: dict[int, dict[str, Spike]]) -> Iterator[str]:
    for seed, kinds in spikes.items():
        said = (
            f"{kind} {s.first}, then {s.peak} at step {s.step:,}, then {s.last}"
            for kind, s in kinds.items()
        )
        yield f"seed {seed}: {', '.join(said)}"


@measures("B2.tab3.waves")
def waves_rise_and_fall() -> Measurement:
    """Networks at p = 113 in which both counts of active waves rise and fall by a fifth."""
    spikes, shuffled = (wave_spikes(fresh.remainders(*jobs)) for jobs in (PAPER, (SHUFFLED,)))

    def keeps(factor: float) -> list[bool]:
        return [all(s.height >= factor for s in kinds.values()) for kinds in spikes.values()]

    def verdict_at(factor: float) -> Verdict:
        return "agrees" if all(keeps(factor)) else "differs"

    return counted(
        "active waves rise and fall by a fifth, in both counts",
        keeps(SPIKE_FACTOR),
        note="; ".join(_spikes(spikes)),
        controls=f"on shuffled labels {'; '.join(_spikes(shuffled))}",
        sensitivity=over((1.1, SPIKE_FACTOR, 1.5), verdict_at, "peak over both ends"),
    )


def kept_off_axes(preset: ExportedRemainders) -> pd.Series:
    """Jaccard index of the active frequencies of both digits, a sixteenth of the way and at the
    end, by seed."""
    fresh.columns_of(preset, "spectra", ["off_axes_kept"])
    found = {}
    for seed, rows in preset.spectra.sort_values("step").groupby("seed"):
        place = step_before(rows.step.to_numpy())
        found[seed] = float(rows.off_axes_kept.iloc[place])
    return pd.Series(found)


@measures("B2.tab3.reuse")
def reuse() -> Measurement:
    """Networks at p = 113 that keep their active frequencies, more than on shuffled labels."""
    kept, control = (kept_off_axes(fresh.remainders(*jobs)) for jobs in (PAPER, (SHUFFLED,)))

    def holds(bound: float) -> pd.Series:
        return (kept > bound) & (kept > control.max())

    def verdict_at(bound: float) -> Verdict:
        return "agrees" if holds(bound).all() else "differs"

    return counted(
        f"active frequencies of both digits kept by more than {KEPT} and than on shuffled labels",
        holds(KEPT),
        note=f"Jaccard index of those at 1/{BEFORE} of the steps and at the end "
        f"{', '.join(f'{value:.2f}' for value in kept)}",
        controls=f"on shuffled labels {', '.join(f'{value:.2f}' for value in control)}",
        sensitivity=over((0.3, KEPT, 0.7), verdict_at, "kept by more than"),
    )


def drop(preset: ExportedRemainders, how: str, numbers: str = "_held_out") -> pd.Series:
    """Loss of accuracy with attention held, on numbers never trained on, by seed."""
    names = [f"accuracy{numbers}", f"accuracy_{how}{numbers}"]
    table = fresh.columns_of(preset, "networks", names)
    return (table[names[0]] - table[names[1]]).set_axis(preset.networks.seed.to_numpy())


def _drops(preset: ExportedRemainders) -> str:
    said = {"a third to each place": "equal", "each head at its mean": "constant"}
    third, mean = (
        ", ".join(f"{100 * d:.1f} %" for d in drop(preset, how)) for how in said.values()
    )
    whole = ", ".join(f"{100 * d:.1f} %" for d in drop(preset, "constant", ""))
    return f"at its mean {mean}, over all numbers {whole}; a third to each place {third}"


def _addition(job: str) -> str:
    """The same of networks that learned to add, where they are committed."""
    try:
        preset, apart = fresh.that_add(job)
        means = {how: drop(preset, how).mean() for how in ("constant", "equal")}
    except MissingExport as missing:
        return f"of modular addition {missing}"
    said = (
        f"modular addition, mean of {len(preset.seeds)} networks: at its mean "
        f"{100 * means['constant']:.1f} %, a third to each place {100 * means['equal']:.1f} %"
    )
    return f"{said}; {apart}" if apart else said


@measures("B2.attention_idle")
def attention_idle() -> Measurement:
    """Networks at p = 113 that lose less than .05 of accuracy with each head at its mean."""
    preset = fresh.remainders(*PAPER)
    lost = drop(preset, "constant")

    def verdict_at(bound: float) -> Verdict:
        return "agrees" if (lost < bound).all() else "differs"

    return counted(
        f"accuracy on held-out numbers falls by less than {IDLE} with each head at its mean",
        lost < IDLE,
        note=f"{_drops(preset)}; {_addition(NANDA)}",
        sensitivity=over((0.01, IDLE, 0.1), verdict_at, "below"),
    )


@measures("B2.attention_idle.small")
def attention_idle_small() -> Measurement:
    """Loss of accuracy at p = 37 with each head at its mean."""
    preset = fresh.remainders(SMALL)
    lost = drop(preset, "constant")
    found = mean_of_few(lost, lowest=-1, highest=1)
    return judged(
        part("accuracy lost", found, len(lost), jobs=SMALL, unit="%", below=IDLE),
        note=f"{_drops(preset)}; {_addition(SMALL_NANDA)}",
        sensitivity=over(
            (0.01, IDLE, 0.1), lambda at: decide(found.low, found.high, below=at), "below"
        ),
    )


def largest_head(preset: ExportedRemainders) -> pd.Series:
    """The smaller share of the head that shares most between the digits, by seed."""
    heads = [f"smaller_share_{head}" for head in range(preset.config.heads)]
    largest = fresh.columns_of(preset, "networks", heads).max(axis=1)
    return largest.set_axis(preset.networks.seed.to_numpy())


def _one_digit(jobs: tuple[str, ...], nanda: str) -> Measurement:
    adding, left_out = fresh.that_add(nanda)
    own, other = largest_head(fresh.remainders(*jobs)), largest_head(adding)
    few = len(jobs) > 1
    share = exactly(float(own.max())) if few else mean_of_few(own, lowest=0, highest=0.5)
    added = mean_of_few(other, lowest=0, highest=0.5)

    def verdict_at(bound: float) -> Verdict:
        return decide(share.low, share.high, below=bound)

    of = f"largest head of {len(own)} networks" if few else "largest head"
    return judged(
        part(f"miiii, {of}", share, len(own), jobs=() if few else jobs, below=ONE_DIGIT),
        part("nanda, largest head", added, len(other), jobs=nanda, above=ONE_DIGIT),
        note="; ".join(
            [
                f"miiii {', '.join(f'{s:.3f}' for s in own)}",
                f"nanda {', '.join(f'{s:.3f}' for s in other)}",
                *filter(None, [left_out]),
            ]
        ),
        sensitivity=over((0.05, ONE_DIGIT, 0.2), verdict_at, "miiii alone, below"),
    )


@measures("B2.one_digit")
def one_digit() -> Measurement:
    """How much the least one-sided head looks at its other digit, at p = 113."""
    return _one_digit(PAPER, NANDA)


@measures("B2.one_digit.small")
def one_digit_small() -> Measurement:
    """The same at p = 37."""
    return _one_digit((SMALL,), SMALL_NANDA)


def _mechanism(jobs: tuple[str, ...], shuffled: str) -> Measurement:
    trained, control = fresh.remainders(*jobs), fresh.remainders(shuffled)
    names = ["explained_held_out", "explained_labels_held_out"]
    for preset in (trained, control):
        fresh.columns_of(preset, "tasks", names)
    few = len(jobs) > 1
    lowest = trained.tasks.fillna({names[0]: 0.0}).groupby("seed")[names[0]].min()
    highest = control.tasks.fillna({names[1]: 0.0}).groupby("seed")[names[1]].max()

    def share(values: pd.Series, worst: float) -> Interval:
        return exactly(worst) if few else mean_of_few(values, lowest=0, highest=1)

    own, other = share(lowest, float(lowest.min())), share(highest, float(highest.max()))

    def verdict_at(bound: float) -> Verdict:
        return decide(own.low, own.high, at_least=bound)

    by_task = trained.tasks.groupby("q")[names[0]].mean()
    whole = control.tasks.groupby("seed").explained_labels.max()
    of = f"lowest task of {len(lowest)} networks" if few else "lowest task"
    job = () if few else jobs
    return judged(
        part(of, own, len(lowest), jobs=job, at_least=EXPLAINED),
        part(
            "on shuffled labels, highest task",
            other,
            len(highest),
            jobs=() if few else shuffled,
            below=BY_HEART,
        ),
        note="by task " + ", ".join(f"{q}: {explained:.2f}" for q, explained in by_task.items()),
        controls="the network on shuffled labels, on all numbers, most of them known by heart: at "
        f"most {whole.max():.2f}",
        sensitivity=over((0.7, EXPLAINED, 0.9), verdict_at, "at least"),
    )


@measures("B2.mechanism")
def mechanism() -> Measurement:
    """Share of logit variance that equation 5 explains on held-out numbers, at p = 113."""
    return _mechanism(PAPER, SHUFFLED)


@measures("B2.mechanism.small")
def mechanism_small() -> Measurement:
    """The same at p = 37."""
    return _mechanism((SMALL,), SMALL_SHUFFLED)
