"""How the claims about paper B's neurons, attention and mechanism are measured.

They read the tables in
``results/remainders``: the small setting's seeds for intervals, the paper's own setting for its
number. Definitions that the rules leave open stand on the deviations page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from modlib.analysis.remainders.active_sets import (
    Reuse,
    Spike,
    as_coded,
    counts_at_epochs,
    find_spike,
    reuse_through,
    step_before,
)
from modlib.claims.committed import find_remainders, remainders, remainders_of
from modlib.claims.measures import measures
from modlib.claims.verdict import (
    ONE_NETWORK,
    Measurement,
    MissingExport,
    Verdict,
    all_agree,
    interval_verdict,
    networks_to_show,
    with_interval,
)
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.maths.intervals import Interval, mean_of_few
from modlib.results.remainders import ExportedRemainders

SMALL, PAPER = "B37", ("B113-code", "B113-text")
"""Presets of the small setting and of the paper's own: the fraction of its code, of its text."""
CONTROLS = ("B37-basis", "B37-untrained")
ONE_DIGIT, IDLE, EXPLAINED, UNEXPLAINED = 0.1, 0.05, 0.8, 0.2
"""Bounds of the rules: smaller share of a head, loss of accuracy, share of logit variance of the
network and of its controls."""
TO_SHOW: Verdict = "not testable at this size"


def is_finished(preset: ExportedRemainders) -> bool:
    """Whether all seeds have made all steps of their configuration."""
    return preset.steps >= preset.config.steps


def _side(interval: Interval, num_seeds: int, **bounds: float) -> Verdict:
    """The rule applied to an interval; undecided where the interval holds the bound."""
    value, low, high = interval
    if num_seeds < 2:
        return TO_SHOW
    if interval_verdict(low, high, **bounds) == "agrees":
        return "agrees"
    inside = interval_verdict(value, value, **bounds) == "agrees"
    (bound,) = bounds.values()
    return TO_SHOW if inside or low <= bound <= high else "differs"


def _needed(interval: Interval, num_seeds: int, bound: float) -> str:
    """How many seeds would place the interval on one side of the bound."""
    value, low, high = interval
    if num_seeds < 2:
        return "one seed gives no interval; it takes two or more"
    margin = abs(value - bound)
    if margin == 0:
        return f"the mean lies on {bound:g}: no number of seeds decides"
    half_width = max(high - value, value - low)
    seeds = max(networks_to_show(num_seeds, half_width, margin), num_seeds + 1)
    return f"the interval holds {bound:g}: it takes about {seeds} seeds"


def _measured(
    interval: Interval,
    num_seeds: int,
    verdict: Verdict,
    note: str,
    unit: str = "",
) -> Measurement:
    """A measurement; of one seed it has no interval."""
    if num_seeds > 1:
        return with_interval(*interval, num_seeds, verdict, unit=unit, note=note)
    factor = 100.0 if unit == "%" else 1.0
    return Measurement(
        value=factor * interval[0], num_seeds=num_seeds, verdict=verdict, unit=unit, note=note
    )


def _where(preset: ExportedRemainders) -> str:
    """Name of a preset, with the steps of an unfinished one."""
    if is_finished(preset):
        return preset.preset
    return f"{preset.preset} ({preset.steps:,} of {preset.config.steps:,} steps)"


def _in_paper_size(say: Callable[[ExportedRemainders], str], names: Sequence[str] = PAPER) -> str:
    """A number of each committed network of the paper's size, for a note."""
    parts = [f"{_where(preset)} {say(preset)}" for preset in remainders_of(names)]
    return "; ".join(parts) if parts else "no network of the paper's size is committed"


def periodicity(preset: ExportedRemainders) -> pd.DataFrame:
    """A row a seed after the last step: ``grid``, the share of a neuron's power in its top cells,
    and ``residue``, the largest over tasks of the share of its variance that x mod q explains;
    means over neurons."""
    last = preset.spectra.sort_values("step").groupby("seed").last()
    residue = preset.tasks.groupby("seed").residue_share.max()
    return pd.DataFrame({"grid": last.top_share, "residue": residue})


@measures("B.fig14.periodic")
def neurons_periodic() -> Measurement:
    """Mean share of a neuron's power in its top cells, against shuffled and untrained networks."""
    trained, *controls = (periodicity(remainders(name)) for name in (SMALL, *CONTROLS))
    seeds = sorted(set(trained.index).intersection(*(table.index for table in controls)))
    above = [
        all(trained.loc[seed, kind] > table.loc[seed, kind] for table in controls for kind in table)
        for seed in seeds
    ]
    parts = [f"p = {remainders(SMALL).config.p}"]
    parts += [
        f"{name.removeprefix('B37-')} {table.loc[seeds, 'grid'].mean():.3f}, by residue "
        f"{round(table.loc[seeds, 'residue'].mean(), 3) + 0.0:.3f}"
        for name, table in zip(CONTROLS, controls, strict=True)
    ]
    parts.append(f"by residue the trained have {trained.loc[seeds, 'residue'].mean():.3f}")
    parts.append(f"above both controls in both ways in {sum(above)} of {len(seeds)} seeds")
    names = (*PAPER, "B113-basis", "B113-untrained")
    parts.append(_in_paper_size(lambda b: f"{periodicity(b).grid.mean():.3f}", names))
    verdict: Verdict = "agrees" if all(above) else "differs"
    if len(seeds) < 2 and all(above):
        verdict = TO_SHOW
    share = mean_of_few(trained.loc[seeds, "grid"], lowest=0, highest=1)
    return _measured(share, len(seeds), verdict, "; ".join(parts))


def spike_of(preset: ExportedRemainders, seed: int) -> Spike | None:
    """The rise and fall of a seed's count of active frequencies, as written."""
    rows = preset.spectra[preset.spectra.seed == seed].sort_values("step")
    return find_spike(rows.step.to_numpy(), rows.written.to_numpy())


def _as_coded(preset: ExportedRemainders) -> pd.DataFrame:
    return as_coded(preset.run.spectrum_steps, preset.run.neuron_zero["smoothed"]).table


def _counts(preset: ExportedRemainders) -> str:
    run = preset.run
    table = counts_at_epochs(preset.spectra, run.spectrum_steps, run.neuron_zero["smoothed"])
    parts = (f"{name} {', '.join(map(str, table[name]))}" for name in ("written", "coded"))
    printed = ", ".join(map(str, table.printed))
    return f"at epochs {', '.join(map(str, table.index))}: as {', as '.join(parts)} ({printed})"


def _small_spikes() -> str:
    small = find_remainders(SMALL)
    if small is None:
        return "the small setting is not committed"
    found = [spike_of(small, seed) for seed in small.seeds]
    rising = sum(spike is not None and spike.rises_and_falls for spike in found)
    said = f"at p = 37 the count rises and falls as written in {rising} of {len(found)} seeds"
    table = _as_coded(small)
    coded = find_spike(table.step.to_numpy(), table["count"].to_numpy())
    if coded is None:
        return said
    return f"{said}; as coded it is {coded.first}, {coded.peak}, {coded.last} in the first network"


class _Judged(NamedTuple):
    """``presets``: the finished networks of the paper's size; else what stands in for them, and
    ``lacks``, what it would take."""

    presets: list[ExportedRemainders]
    lacks: str


def _judged() -> _Judged:
    found = remainders_of(PAPER)
    finished = [preset for preset in found if is_finished(preset)]
    if finished:
        return _Judged(finished, "")
    config, made = REMAINDERS_PRESETS[PAPER[0]], max((preset.steps for preset in found), default=0)
    needs = f"it takes {config.steps:,} steps at p = {config.p}, {made:,} are made; "
    return _Judged(found or [remainders(SMALL)], needs)


@measures("B.tab3.spike")
def spike() -> Measurement:
    """The highest count of active frequencies over the final one, as written, at p = 113.

    Of several networks, the one whose count rises and falls least; by how much it must is
    ``analysis.remainders.active_sets.SPIKE_FACTOR``.
    """
    judged = _judged()
    found = {preset.preset: spike_of(preset, preset.seeds[0]) for preset in judged.presets}
    spikes = {name: spike for name, spike in found.items() if spike is not None}
    if len(spikes) < len(found):
        raise MissingExport(", ".join(found.keys() - spikes))
    rises = all(spike.rises_and_falls for spike in spikes.values())
    verdict: Verdict = "agrees" if rises else "differs"
    counts = {
        name: f"{spike.first}, then {spike.peak} at step {spike.step:,}, then {spike.last} ({name})"
        for name, spike in spikes.items()
    }
    least = min(spikes, key=lambda name: spikes[name].height)
    others = [said for name, said in counts.items() if name != least]
    parts = [ONE_NETWORK, *others, _in_paper_size(_counts), _small_spikes()]
    return Measurement(
        value=spikes[least].height,
        num_seeds=1,
        verdict=TO_SHOW if judged.lacks else verdict,
        text=counts[least],
        note=f"{judged.lacks}{'; '.join(parts)}",
    )


def reuse_of(preset: ExportedRemainders) -> Reuse:
    """Active frequencies before and after, of the network whose log is committed."""
    return reuse_through(preset.run.spectra["magnitude"], preset.run.spectrum_steps)


@measures("B.tab3.reuse")
def circuit_reuse() -> Measurement:
    """Jaccard index of the active frequencies before the spike and at the end, at p = 113.

    A network on shuffled labels keeps its active frequencies too, so the trained one's must
    overlap by more than its. Of several networks, the one that overlaps least.
    """
    judged, shuffled = _judged(), find_remainders("B113-basis")

    def words(preset: ExportedRemainders) -> str:
        found, steps = reuse_of(preset), preset.run.spectrum_steps
        return (
            f"{found.jaccard:.2f} ({found.before} and {found.after} active frequencies at steps "
            f"{steps[step_before(steps)]:,} and {steps[-1]:,})"
        )

    indices = [reuse_of(preset).jaccard for preset in judged.presets]
    beside = [f"{p.preset} {words(p)}" for p in map(find_remainders, (SMALL, CONTROLS[0])) if p]
    least, needs = 0.5, judged.lacks
    if shuffled is not None and is_finished(shuffled):
        least = max(least, reuse_of(shuffled).jaccard)
    elif min(indices) > least:
        needs += "the shuffled network has not made the same steps; "
    verdict = all_agree(*(interval_verdict(j, j, above=least) for j in indices))
    own = _in_paper_size(words, (*PAPER, "B113-basis"))
    return Measurement(
        value=min(indices),
        num_seeds=1,
        verdict=TO_SHOW if needs else verdict,
        note="; ".join([f"{needs}{ONE_NETWORK}", own, *beside]),
    )


@measures("B.fig18.one_digit")
def one_digit() -> Measurement:
    """Share of a head's attention to digits that falls on the one it looks at less."""
    small, nanda = remainders(SMALL), remainders(f"{SMALL}-nanda")
    own, other = (
        mean_of_few(preset.networks.smaller_share, lowest=0, highest=0.5)
        for preset in (small, nanda)
    )
    count, others = len(small.seeds), len(nanda.seeds)
    verdicts = (
        _side(own, count, below=ONE_DIGIT),
        _side(other, others, above=ONE_DIGIT),
    )

    def heads(preset: ExportedRemainders) -> pd.DataFrame:
        return preset.networks[[f"smaller_share_{head}" for head in range(preset.config.heads)]]

    def of_first(preset: ExportedRemainders) -> str:
        return ", ".join(f"{share:.2f}" for share in heads(preset).iloc[0])

    largest = mean_of_few(heads(small).max(axis=1), lowest=0, highest=0.5)
    note = (
        f"p = {small.config.p}, mean over heads; the largest head of each seed {largest[0]:.2f} "
        f"({largest[1]:.2f} to {largest[2]:.2f}); "
        f"nanda {other[0]:.3f} ({other[1]:.3f} to {other[2]:.3f}); taken number "
        f"by number {small.networks.smaller_share_by_number.mean():.3f} and "
        f"{nanda.networks.smaller_share_by_number.mean():.3f}; heads of the first seed: "
        f"{of_first(small)}, nanda {of_first(nanda)}; paper's size: "
        f"{_in_paper_size(of_first, (*PAPER, 'B113-nanda'))}"
    )
    verdict = all_agree(*verdicts)
    if verdict == TO_SHOW:
        open_one = (own, count) if verdicts[0] == TO_SHOW else (other, others)
        note = f"{_needed(*open_one, ONE_DIGIT)}; {note}"
    return _measured(own, count, verdict, note)


def _drop(preset: ExportedRemainders, column: str) -> pd.Series:
    return preset.networks.accuracy - preset.networks[column]


@measures("B.sec.attention_idle")
def attention_idle() -> Measurement:
    """Loss of accuracy when every head gives a third to each place."""
    small = remainders(SMALL)
    drop = mean_of_few(_drop(small, "accuracy_equal"), lowest=-1, highest=1)
    count = len(small.seeds)
    verdict = _side(drop, count, below=IDLE)

    def words(preset: ExportedRemainders) -> str:
        return f"{100 * _drop(preset, 'accuracy_equal').mean():.1f} %"

    note = (
        f"p = {small.config.p}, miiii; each head at its mean: "
        f"{100 * _drop(small, 'accuracy_constant').mean():.1f} %; "
        f"{_in_paper_size(words, (*PAPER, 'B113-nanda'))}"
    )
    nanda = find_remainders(f"{SMALL}-nanda")
    if nanda is not None:
        note += f"; {nanda.preset} {words(nanda)}"
    if verdict == TO_SHOW:
        note = f"{_needed(drop, count, IDLE)}; {note}"
    return _measured(drop, count, verdict, note, unit="%")


def explained_by_task(preset: ExportedRemainders) -> dict[int, Interval]:
    """Share of each task's logit variance that equation 5 explains, with its interval."""
    tasks = preset.tasks.fillna({"explained": 0.0})
    return {
        int(str(q)): mean_of_few(rows.explained, lowest=0, highest=1)
        for q, rows in tasks.groupby("q")
    }


@measures("B.sec.mechanism")
def mechanism() -> Measurement:
    """Share of logit variance that cos(2 pi k (x - c) / q) explains, the smallest over tasks."""
    small, *controls = (remainders(name) for name in (SMALL, *CONTROLS))
    shares = explained_by_task(small)
    worst = min(shares, key=lambda q: shares[q][0])
    verdicts = [_side(share, len(small.seeds), at_least=EXPLAINED) for share in shares.values()]
    parts = []
    for preset in controls:
        found = explained_by_task(preset)
        verdicts += [_side(f, len(preset.seeds), below=UNEXPLAINED) for f in found.values()]
        parts.append(f"{preset.preset} at most {max(v[0] for v in found.values()):.3f}")
    by_task = ", ".join(f"{q}: {share[0]:.2f}" for q, share in shares.items())
    used = (small.tasks.frequencies / (small.tasks.q // 2)).mean()

    def words(preset: ExportedRemainders) -> str:
        of_preset = preset.tasks.explained
        return f"{of_preset.min():.2f} to {of_preset.max():.2f}, mean {of_preset.mean():.2f}"

    names = (*PAPER, "B113-nanda", "B113-basis", "B113-untrained")
    note = (
        f"p = {small.config.p}, task q = {worst}, the lowest; by task {by_task}; "
        f"{'; '.join(parts)}; "
        f"{100 * used:.0f} % of the cosines carry it; {_in_paper_size(words, names)}"
    )
    nanda = find_remainders(f"{SMALL}-nanda")
    if nanda is not None:
        note += f"; {nanda.preset} {words(nanda)}"
    verdict = all_agree(*verdicts)
    if verdict == TO_SHOW:
        note = f"{_needed(shares[worst], len(small.seeds), EXPLAINED)}; {note}"
    return _measured(shares[worst], len(small.seeds), verdict, note)
