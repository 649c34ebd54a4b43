"""How the claims about single neurons are measured."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from modlib.analysis.micro.harmonics import chance_of_harmonics
from modlib.claims.committed import bootstrap, by_seed, pooled_sample
from modlib.claims.measures import measures
from modlib.claims.verdict import (
    Measurement,
    all_agree,
    interval_verdict,
    with_interval,
)
from modlib.config.thresholds import DEFAULT
from modlib.maths.groups import harmonic_base
from modlib.maths.intervals import share_interval

MAX_ORDER = 12

SIMPLE = ("simple",)
SIMPLE_AND_3F = ("simple", "3f")


def _kind_share(kinds: Iterable[str]) -> Measurement:
    table = pooled_sample("neurons")
    flags = table.assign(flag=table.kind.isin(list(kinds)))
    value, low, high, num = bootstrap(flags, ["flag"], np.mean)
    return with_interval(value, low, high, num, interval_verdict(low, high, above=0.5), unit="%")


@measures("A.sec4.most_simple")
def most_simple() -> Measurement:
    """Share of live neurons that are simple, and with the 3f shape."""
    narrow, wide = _kind_share(SIMPLE), _kind_share(SIMPLE_AND_3F)
    verdict = all_agree(narrow.verdict, wide.verdict)
    return Measurement(
        value=narrow.value,
        low=narrow.low,
        high=narrow.high,
        num_seeds=narrow.num_seeds,
        unit="%",
        verdict=verdict,
        note=f"with the 3f shape {wide.text}",
    )


@measures("A.sec4.fine_tuning_optional")
def fine_tuning_optional() -> Measurement:
    """Share of seeds with at least one neuron of the class fine-tuning."""
    table = pooled_sample("neurons")
    has = [bool((block.kind == "fine-tuning").any()) for block in by_seed(table)]
    value, low, high = share_interval(sum(has), len(has))
    tuned = sum(bool((b.kind == "fine-tuning").any()) for b in by_seed(pooled_sample("clusters")))
    note = f"a whole cluster of them in {tuned} of {len(has)} seeds"
    verdict = interval_verdict(low, high, below=1.0)
    return with_interval(value, low, high, len(has), verdict, unit="%", note=note)


@measures("A.fig2.fine_tuning.order")
def fine_tuning_order() -> Measurement:
    """Fine-tuning neurons whose three strongest frequencies are harmonics of order <= 12."""
    table = pooled_sample("neurons")
    tuned = table[table.residual >= DEFAULT.fine_tuning_from]
    triples = tuned[["freq_1", "freq_2", "freq_3"]].to_numpy()
    orders = [
        harmonic_base(triple.tolist(), n, MAX_ORDER) is not None
        for triple, n in zip(triples, tuned.modulus, strict=True)
    ]
    value, low, high, num = bootstrap(tuned.assign(flag=orders), ["flag"], np.mean)
    chances = {n: chance_of_harmonics(n, 3, MAX_ORDER) for n in sorted(set(table.modulus))}
    verdict = all_agree(
        interval_verdict(low, high, at_least=0.9),
        interval_verdict(min(chances.values()), max(chances.values()), below=0.3),
    )
    shares = " and ".join(f"{100 * share:.0f} % (n = {n})" for n, share in chances.items())
    note = f"{len(tuned)} neurons; of all triples of frequencies {shares} have the property"
    return with_interval(value, low, high, num, verdict, unit="%", note=note)


@measures("A.fig2.half_period")
def half_period() -> Measurement:
    """Fine-tuning neurons that a half period, zero to zero, fits better than a full one."""
    table = pooled_sample("neurons")
    tuned = table.dropna(subset=["full", "hump", "flank"])
    tuned = tuned.assign(flag=tuned.hump > tuned.full, other=tuned.flank > tuned.full)
    value, low, high, num = bootstrap(tuned, ["flag"], np.mean)
    flank = bootstrap(tuned, ["other"], np.mean)
    note = (
        f"{len(tuned)} neurons; the other half period, crest to trough, wins in "
        f"{100 * flank[0]:.0f} % ({100 * flank[1]:.0f} to {100 * flank[2]:.0f}); median R^2 "
        f"{tuned.full.median():.2f} full, {tuned.hump.median():.2f} zero to zero, "
        f"{tuned.flank.median():.2f} crest to trough"
    )
    verdict = interval_verdict(low, high, at_least=0.8)
    return with_interval(value, low, high, num, verdict, unit="%", note=note)


def _simple_neurons() -> pd.DataFrame:
    table = pooled_sample("neurons")
    return table[table.kind == "simple"]


@measures("A.secA1.phase_sum")
def phase_sum() -> Measurement:
    """95 % quantile of |t_A + t_B - t_D| over simple neurons, in units of n."""
    table = _simple_neurons()
    errors = table.assign(error=table.phase_error.abs() / table.modulus).dropna(subset=["error"])
    value, low, high, num = bootstrap(errors, ["error"], lambda x: np.quantile(x, 0.95))
    return with_interval(value, low, high, num, interval_verdict(low, high, below=0.02))


@measures("A.secA1.radius")
def radius_ratio() -> Measurement:
    """95 % quantile of |ln(r_A / r_B)| over simple neurons."""
    table = _simple_neurons()
    ratios = table.assign(ratio=table.log_ratio.abs())
    value, low, high, num = bootstrap(ratios, ["ratio"], lambda x: np.quantile(x, 0.95))
    return with_interval(value, low, high, num, interval_verdict(low, high, below=0.1))


@measures("A.secB31.magnitudes")
def magnitudes() -> Measurement:
    """Simple neurons of n = 91: spikes over 60, and secondaries under 7.5."""
    table = pooled_sample("neurons", ("A91",))
    simple = table[table.kind == "simple"]
    simple = simple.assign(tall=simple.spike > 60, low=simple.secondary < 7.5)
    value, low, high, num = bootstrap(simple, ["tall"], np.mean)
    under = bootstrap(simple, ["low"], np.mean)
    verdict = all_agree(
        interval_verdict(low, high, at_least=0.9),
        interval_verdict(under[1], under[2], at_least=0.9),
    )
    note = (
        f"spikes over 60; secondaries under 7.5: {100 * under[0]:.1f} % "
        f"({100 * under[1]:.1f} to {100 * under[2]:.1f})"
    )
    return with_interval(value, low, high, num, verdict, unit="%", note=note)
