"""The second edition's rows about single neurons."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.per_network import mean_over_rows, sums
from modlib.analysis.micro.harmonics import chance_of_a_third, chance_of_harmonics
from modlib.claims import fresh
from modlib.claims.committed import with_bounds
from modlib.claims.decide import decide, exactly, judged, over, part
from modlib.claims.fresh import BOTH
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, Verdict
from modlib.config.thresholds import DEFAULT
from modlib.maths.groups import harmonic_base
from modlib.maths.intervals import Interval, ratio_of_sums

ORDER = 6
ORDERS = (4, 5, 6, 8, 9, 12)
RESIDUALS = (0.25, 0.3, 0.35, 0.4)
MANY, FEW_TRIPLES = 0.9, 0.1
SPIKE, SECONDARY = 60.0, 7.5


def _orders(tuned: pd.DataFrame) -> np.ndarray:
    """The order at which each neuron's three strongest frequencies are harmonics of one."""
    triples = tuned[["freq_1", "freq_2", "freq_3", "n"]].to_numpy(dtype=int)
    kinds, which = np.unique(triples, axis=0, return_inverse=True)
    found = [harmonic_base(kind[:3].tolist(), int(kind[3]), max(ORDERS)) for kind in kinds]
    order = np.array([np.inf if base is None else base[1] for base in found])
    return np.asarray(order[which.ravel()])


@measures("A2.fine_tuning.order")
def fine_tuning_order() -> Measurement:
    """Fine-tuning neurons whose three strongest frequencies are low harmonics of one f."""
    kept = fresh.pooled("fine_tuning")
    order = _orders(kept)

    def observed(residual: float, most: int) -> tuple[Verdict, tuple[float, ...], int]:
        chosen = (kept.residual >= residual).to_numpy()
        share, num = mean_over_rows(kept[chosen], order[chosen] <= most)
        return decide(share.low, share.high, at_least=MANY), share, num

    _, share, num = observed(DEFAULT.fine_tuning_from, ORDER)
    chance = {n: chance_of_harmonics(n, 3, ORDER) for n in (91, 89)}
    parts = [
        part(f"order {ORDER} or less", share, num, jobs=BOTH, unit="%", at_least=MANY),
        *(
            part(f"of all triples, n = {n}", exactly(c), unit="%", below=FEW_TRIPLES)
            for n, c in chance.items()
        ),
    ]
    rows = []
    for most in ORDERS:
        _, seen, _ = observed(DEFAULT.fine_tuning_from, most)
        by_chance = max(chance_of_harmonics(n, 3, most) for n in chance)
        rows.append(f"{most}: {100 * seen[0]:.1f} % of neurons, {100 * by_chance:.0f} % of triples")
    thirds = []
    for n in chance:
        led = kept[(kept.n == n) & (kept.residual >= DEFAULT.fine_tuning_from)]
        third = chance_of_a_third(led[["freq_1", "freq_2"]].to_numpy(dtype=int), n, ORDER)
        thirds.append(f"{100 * third.mean():.0f} % (n = {n})")
    thresholds = over(RESIDUALS, lambda r: observed(r, ORDER)[0], "residual from")
    return judged(
        *parts,
        note=f"{int((kept.residual >= DEFAULT.fine_tuning_from).sum())} neurons",
        controls="of all triples of frequencies, "
        + " and ".join(f"{100 * c:.1f} % (n = {n})" for n, c in chance.items())
        + f"; with any third frequency beside the two that lead, {' and '.join(thirds)}",
        sensitivity=f"order at most {'; '.join(rows)}; {thresholds}",
    )


@measures("A2.half_period")
def half_period() -> Measurement:
    """Remapped fine-tuning neurons that a flank fits better than a hump and a full wave."""

    def flanks(*, learned: bool) -> tuple[pd.DataFrame, Interval, int]:
        neurons = fresh.pooled_sample("neurons", ("A89-described",), learned=learned)
        waves = neurons.dropna(subset=["full", "hump", "flank"])
        return waves, *mean_over_rows(waves, waves.flank > waves[["full", "hump"]].max(axis=1))

    waves, share, num = flanks(learned=True)
    every, of_every, with_all = flanks(learned=False)
    hump, _ = mean_over_rows(waves, waves.hump > waves[["full", "flank"]].max(axis=1))
    medians = ", ".join(f"{name} {waves[name].median():.2f}" for name in ("full", "hump", "flank"))
    return judged(
        part(
            "crest to trough fits best", share, num, jobs="A89-described", unit="%", at_least=2 / 3
        ),
        note=f"{len(waves)} neurons; zero to zero fits best in {100 * hump.value:.0f} %; median "
        f"R^2: {medians}",
        sensitivity=f"with the networks that did not learn {with_bounds(of_every)}: "
        f"{len(every)} neurons of {with_all} networks, "
        f"{decide(of_every.low, of_every.high, at_least=2 / 3)}",
        controls="a neuron that is one hump has a residual of .22 off one frequency, so that it is "
        "no fine-tuning neuron; a flank's is .53",
    )


@measures("A2.magnitudes")
def magnitudes() -> Measurement:
    """Spikes over 60 and secondaries under 7.5, simple neurons with and without the 3f shape."""
    neurons = fresh.pooled_sample("neurons", ("A91-described",))
    parts, notes = [], []
    for said, kinds in (("with 3f", ("simple", "3f")), ("without", ("simple",))):
        chosen = neurons[neurons.kind.isin(kinds)]
        flags = {
            "secondary under 7.5": chosen.secondary < SECONDARY,
            "spike over 60": chosen.spike > SPIKE,
        }
        for name, flag in flags.items():
            share, num = mean_over_rows(chosen, flag)
            what = f"{name}, {said}"
            parts.append(part(what, share, num, jobs="A91-described", unit="%", at_least=MANY))
        low, _ = mean_over_rows(chosen, chosen.secondary < 4)
        notes.append(f"secondary under 4, {said}: {100 * low.value:.1f} %")
    ranges = []
    for limit in (5.0, 6.0, 7.5, 9.0, 12.0):
        chosen = neurons[neurons.kind.isin(("simple", "3f"))]
        share, _ = mean_over_rows(chosen, chosen.secondary < limit)
        ranges.append(f"{limit:g}: {100 * share.value:.1f} %")
    sensitivity = f"secondary below, with 3f: {', '.join(ranges)}"
    return judged(*parts, note="; ".join(notes), sensitivity=sensitivity)


@measures("A2.secA1.replace")
def replaced() -> Measurement:
    """Every live neuron replaced by the simple neuron nearest to it: accuracy and loss."""
    needed = ("strict_accuracy", "strict_loss", "strict_2f_accuracy", "strict_2f_loss")
    networks = fresh.pooled("networks", needs=needed)
    num = len(networks)
    accuracy, _ = mean_over_rows(networks, networks.strict_accuracy)

    def times(column: str) -> tuple[float, ...]:
        above, below = (sums(networks, networks[name])[:, :1] for name in (column, "loss"))
        return ratio_of_sums(above, below).at(0)

    told = [f"{name} {networks[name].mean():.4f}" for name in ("loss", *needed)]
    worst = f"worst accuracy of a network {networks.strict_accuracy.min():.3f}"
    return judged(
        part("accuracy", accuracy, num, jobs=BOTH, at_least=0.999),
        part("loss, times", times("strict_loss"), num, jobs=BOTH, below=4.0),
        part("loss with 2f, times", times("strict_2f_loss"), num, jobs=BOTH, below=1.25),
        note=f"{'; '.join(told)}; {worst}",
    )
