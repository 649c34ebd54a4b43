"""How the claims about parts of paper B's training are measured: masks, dropout, the filter.

One function a claim. They read the small setting's tables in
``results/remainders``; the seed is the unit. Definitions stand in ``remainders.ablations``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.remainders import ablations as ab
from modlib.claims.committed import find_remainders
from modlib.claims.measures import measures
from modlib.claims.verdict import (
    Measurement,
    MissingExport,
    Verdict,
    interval_verdict,
    margin_verdict,
    networks_to_show,
    with_interval,
)
from modlib.config.presets import (
    ABLATIONS,
    ARMS,
    FILTER_AT_PAPER_SIZE,
    PLAIN,
    REMAINDERS_PRESETS,
)
from modlib.maths.intervals import Interval

SIZE = f"p = {REMAINDERS_PRESETS[PLAIN].p}"
MIN_SEEDS = 2
CONVERGED = 0.99
STAYS = 0.95
"""Share of the steps at which a network has to be below another to stay below it."""
BROKEN_DOWN = 0.5


def _history(name: str) -> pd.DataFrame:
    """The committed history of a preset; raises ``MissingExport`` for fewer than two seeds."""
    exported = find_remainders(name) if name in REMAINDERS_PRESETS else None
    if exported is None or len(exported.seeds) < MIN_SEEDS:
        raise MissingExport(name)
    return exported.history


def _common_seeds(*tables: pd.DataFrame) -> int:
    return len(set.intersection(*(set(table.seed) for table in tables)))


def _percent(interval: Interval) -> str:
    value, low, high = (100 * part for part in interval)
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"


def _times(interval: Interval) -> str:
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


@measures("B.tab2.lambda0")
def without_filter() -> Measurement:
    """Share of the steps with lambda = .5 at .99 or more at which lambda = 0 is below."""
    plain, without = _history(PLAIN), _history(ABLATIONS["no filter"])
    shares = ab.share_below(without, plain, CONVERGED)
    ends = [_percent(ab.share_over_seeds(ab.at_end(table))) for table in (plain, without)]
    note = f"{SIZE}; mean accuracy at the end: lambda .5 {ends[0]}, lambda 0 {ends[1]}"
    note += _rates_note() + _paper_size_note()
    num_seeds = _common_seeds(plain, without)
    if len(shares) < MIN_SEEDS:
        best = float(ab.over_tasks(plain).groupby("seed")["mean"].max().max())
        return Measurement(
            value=100 * best,
            unit="%",
            num_seeds=num_seeds,
            verdict="not testable at this size",
            note=f"highest accuracy with lambda .5; at .99 in {len(shares)} of {num_seeds} seeds, "
            f"{MIN_SEEDS} are needed; {note}",
        )
    share = ab.share_over_seeds(shares)
    verdict = interval_verdict(share.low, share.high, at_least=STAYS)
    return with_interval(*share, len(shares), verdict, unit="%", note=note)


def _at_paper_size() -> dict[str, pd.DataFrame]:
    """The committed histories of the pair at p = 113."""
    found = {kind: find_remainders(name) for kind, name in FILTER_AT_PAPER_SIZE.items()}
    return {kind: exported.history for kind, exported in found.items() if exported is not None}


def _paper_size_note() -> str:
    """Mean validation accuracy of the pair at p = 113, at the last step that both have made."""
    ends = {
        kind: ab.over_tasks(table).iloc[-1]
        for kind, table in ab.up_to_common_step(_at_paper_size()).items()
    }
    said = ", ".join(f"{kind} {100 * row['mean']:.1f} %" for kind, row in ends.items())
    steps = {f"{row.step:,.0f}" for row in ends.values()}
    return f"; p = 113, one network each, at step {', '.join(steps)}: {said}" if ends else ""


def _rates_note() -> str:
    """Steps until all tasks are at .9 of the arms that are committed, over the plain arm's."""
    arms = {}
    for arm, name in ARMS.items():
        try:
            arms[arm] = _history(name)
        except MissingExport:
            continue
    table = ab.arm_ratios(arms)
    words = []
    for row in table[table.num_seeds >= MIN_SEEDS].itertuples():
        ratio = _times(Interval(row.value, row.low, row.high))
        count = f"{row.never} network{'s' * (row.never != 1)}"
        never = f", {count} never there" if row.never else ""
        words.append(f"{_arm(row.arm)} over {_arm(row.other)} {ratio}{never}")
    return f"; steps until all tasks are at .9: {'; '.join(words)}" if words else ""


def _arm(arm: tuple[str, float]) -> str:
    kind, factor = arm
    return f"lambda {factor - 1:g}" if kind == "lambda" else f"learning rate x {factor:g}"


@measures("B.sec.masked")
def masked() -> Measurement:
    """Steps to .97 of the other tasks, masked over unmasked."""
    one, other = _history(ABLATIONS["masked"]), _history(PLAIN)
    found = ab.delays(one, other)
    first = ab.learned_first(one)
    pairs = int(found.table.ratio.notna().sum())
    num_seeds = int(found.table.dropna(subset="ratio").seed.nunique())
    if num_seeds < MIN_SEEDS:
        raise MissingExport(f"{PLAIN}: tasks learned in {num_seeds} seeds")
    note = (
        f"{SIZE}; {pairs} pairs of task and seed; {found.never} that only the masked networks do "
        f"not reach, {found.left_out} left out that the unmasked do not; with the mask 11, 13, 17 "
        f"and 19 come before all others in {first.sum()} of {len(first)} seeds"
    )
    ratio = found.ratio
    verdict = margin_verdict([(ratio.low, ratio.high)], 0.0, ab.MAX_DELAY)
    if verdict == "agrees" and found.never:
        verdict = "not testable at this size"
        note += "; with more steps the tasks not reached would have a ratio"
    elif verdict == "not testable at this size":
        note += _seeds_needed(num_seeds, ratio, ab.MAX_DELAY)
    return with_interval(*ratio, num_seeds, verdict, unit="times", note=note)


def _seeds_needed(num_seeds: int, interval: Interval, bound: float) -> str:
    half_width, margin = (interval.high - interval.low) / 2, abs(interval.value - bound)
    if margin == 0:
        return f"; the value lies on the bound {bound:g}, which no number of seeds decides"
    needed = networks_to_show(num_seeds, half_width, margin)
    return f"; about {max(needed, num_seeds + 1)} seeds would tell on which side of {bound:g} it is"


@measures("B.sec.dropout0")
def without_dropout() -> Measurement:
    """Mean validation accuracy without dropout at the end."""
    table = _history(ABLATIONS["no dropout"])
    end = ab.share_over_seeds(ab.at_end(table))
    train = ab.share_over_seeds(ab.at_end(table, "train"))
    plain = ab.share_over_seeds(ab.at_end(_history(PLAIN)))
    note = f"{SIZE}; on numbers trained on {_percent(train)}; with dropout {_percent(plain)}"
    verdict: Verdict = margin_verdict([(end.low, end.high)], 0.0, np.nextafter(BROKEN_DOWN, 0))
    if verdict == "not testable at this size":
        note += _seeds_needed(table.seed.nunique(), end, BROKEN_DOWN)
    return with_interval(*end, table.seed.nunique(), verdict, unit="%", note=note)
