"""How the claims about all clusters together are measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.macro.remark_1 import remark_1_holds
from modlib.analysis.macro.tables import LARGE
from modlib.claims.committed import bootstrap, by_seed, pooled_sample, rank_correlation
from modlib.claims.measures import measures
from modlib.claims.verdict import (
    Measurement,
    all_agree,
    interval_verdict,
    with_interval,
)
from modlib.maths.groups import coprime_factors
from modlib.maths.intervals import bootstrap_over_seeds, share_interval


def _large_clusters() -> pd.DataFrame:
    table = pooled_sample("clusters")
    return table[table.num_neurons >= LARGE]


@measures("A.fig6.cosine")
def cosine_fit() -> Measurement:
    """Variance of a large cluster's logits that one cosine explains: mean over clusters."""
    table = _large_clusters()
    value, low, high, num = bootstrap(table, ["explained"], np.mean)
    fit = (table.explained >= 0.9).mean()
    note = f"mean over {len(table)} clusters; {100 * fit:.0f} % of them reach .9 singly"
    return with_interval(
        value, low, high, num, interval_verdict(low, high, at_least=0.9), note=note
    )


@measures("A.fig6.intersection")
def intersection() -> Measurement:
    """Runs, learned or not, in which the right logit is the largest for every pair."""
    table = pooled_sample("summary", learned_only=False)
    positive = (table.margin > 0).to_numpy()
    value, low, high = share_interval(int(positive.sum()), len(positive))
    among, among_low, among_high = share_interval(
        int(positive[table.learned].sum()), int(table.learned.sum())
    )
    note = (
        f"lower end {100 * low:.2f} %; of the {table.learned.sum()} networks that learned "
        f"{100 * among:.1f} % ({100 * among_low:.2f} to {100 * among_high:.2f}); median smallest "
        f"margin {table.margin.median():.1f} logits"
    )
    verdict = interval_verdict(low, high, at_least=0.95)
    return with_interval(value, low, high, len(positive), verdict, unit="%", note=note)


@measures("A.sec54.equal_amplitude")
def equal_amplitude() -> Measurement:
    """Coefficient of variation of the amplitude A across the clusters of a run, mean over runs."""
    table = pooled_sample("clusters")
    blocks = [block for block in by_seed(table) if len(block) > 1]
    variation = [block.amplitude.std(ddof=1) / block.amplitude.mean() for block in blocks]
    value, low, high = bootstrap_over_seeds(variation, lambda chosen: float(np.mean(chosen)))
    verdict = interval_verdict(low, high, below=0.25)
    return with_interval(value, low, high, len(blocks), verdict, note="clusters of every size")


@measures("A.fig31.equivariant")
def equivariant() -> Measurement:
    """Cosine of shifted logits for large clusters; correlation of size with the error."""
    table, every = _large_clusters(), pooled_sample("clusters")
    value, low, high, num = bootstrap(table, ["shift_cosine"], np.mean)
    trend = rank_correlation(every, "num_neurons", "shift_error")
    verdict = all_agree(
        interval_verdict(low, high, at_least=0.9), interval_verdict(trend[1], trend[2], below=0.0)
    )
    note = (
        f"mean over {len(table)} clusters; size against error: "
        f"{trend[0]:.2f} ({trend[1]:.2f} to {trend[2]:.2f})"
    )
    return with_interval(value, low, high, num, verdict, note=note)


@measures("A.rem1.crt")
def remark_1() -> Measurement:
    """Composite n up to 210 for which the corrected Remark 1 holds at every k, enumerated."""
    composite = [n for n in range(6, 211) if len(coprime_factors(n)) > 1]
    holds = [remark_1_holds(n) for n in composite]
    return Measurement(
        value=100 * float(np.mean(holds)),
        unit="%",
        verdict="agrees" if all(holds) else "differs",
        note=f"{len(composite)} moduli with two coprime factors or more, 6 to 210, every k; "
        "the frequency is n/q, not q as printed",
    )
