"""How the claims about clocks and pizzas are measured.

They read ``results/clock_pizza``. Definitions stand in ``meso.clock_pizza``; with three seeds
a setting, intervals are Student's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.meso.clock_pizza_lens import shift_rank
from modlib.claims.committed import clock_pizza
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
from modlib.config.thresholds import DEFAULT
from modlib.maths.groups import coset_step
from modlib.maths.intervals import mean_of_few
from modlib.results.clock_pizza import FOLDER

MODEL_A = "clock-and-pizza/A"
PAPER_FREQ, PAPER_SHIFT = 15, 4
QUANTILE = 0.99
ABOVE = 0.9
CLOSE = 0.05
MIN_SEEDS = 2


def _at(networks: pd.DataFrame, rate: float, column: str) -> np.ndarray:
    """The values at a rate, by seed, as far as there are any; ``MissingExport`` for one."""
    rows = networks[networks.rate == rate].sort_values("seed") if len(networks) else networks
    found = rows[column].dropna().to_numpy(dtype=float) if len(rows) else np.empty(0)
    if len(found) < MIN_SEEDS:
        raise MissingExport(f"{FOLDER}: {MIN_SEEDS} seeds at rate {rate:g}")
    return found


def _judged(
    values: np.ndarray, *, low: float = -np.inf, high: float = np.inf
) -> tuple[Verdict, str]:
    """Whether the mean over seeds lies between the bounds, and what it takes where none can say."""
    mean, start, stop = mean_of_few(values)
    verdict = margin_verdict([(start, stop)], low, high)
    if verdict != "not testable at this size":
        return verdict, ""
    margin = max(min(abs(mean - low), abs(mean - high)), 1e-9)
    needed = max(networks_to_show(len(values), (stop - start) / 2, margin), len(values) + 1)
    return verdict, f"; about {needed:,} seeds are needed"


@measures("A.fig17.pizza_shift")
def pizza_shift() -> Measurement:
    """Share of other shifts at which model A is weaker than at a + 4 and a - 4, f = 15."""
    exported = clock_pizza()
    shifts = exported.shifts
    published = shifts[(shifts.source == MODEL_A) & (shifts.freq == PAPER_FREQ)]
    if published.empty:
        raise MissingExport(f"{FOLDER}: {MODEL_A} at f = {PAPER_FREQ}")
    rank = shift_rank(published.sort_values("shift").strength.to_numpy(), PAPER_FREQ, PAPER_SHIFT)
    by_step, by_period = [], []
    ours = shifts[(shifts.source == "ours") & (shifts.rate == 0)]
    for (_, freq), rows in ours.groupby(["seed", "freq"]):
        profile = rows.sort_values("shift").strength.to_numpy()
        n = len(profile)
        by_step.append(shift_rank(profile, int(freq), coset_step(int(freq), n)) > QUANTILE)
        if freq > 1:  # a period of n is no shift
            by_period.append(shift_rank(profile, int(freq), round(n / int(freq))) > QUANTILE)
    note = (
        "one network, preactivations, all other shifts; a neuron led by f = 15 cannot but pass, "
        "since 4 x 15 = 1 modulo 59"
    )
    if by_step:
        note += (
            f"; in {ours.seed.nunique()} of ours with uniform attention the step d = 1/f passes in "
            f"{sum(by_step)} of {len(by_step)} clusters, n/f rounded in {sum(by_period)} of "
            f"{len(by_period)}"
        )
    return Measurement(
        value=100 * rank,
        unit="%",
        num_seeds=1,
        verdict=interval_verdict(rank, rank, above=QUANTILE),
        text=f"stronger than at {100 * rank:.0f} % of the other shifts",
        note=note,
    )


@measures("A.fig18.remap")
def pizza_remapped() -> Measurement:
    """Median residual of one cosine over the live neurons of pizzas, mean over seeds."""
    exported = clock_pizza()
    values = _at(exported.of("ours"), 0.0, "median_residual")
    value, low, high = mean_of_few(values, lowest=0.0, highest=1.0)
    simple = mean_of_few(_at(exported.of("ours"), 0.0, "share_simple"), lowest=0.0, highest=1.0)
    published = exported.networks[exported.networks.source == MODEL_A].iloc[0]
    note = (
        f"simple are {100 * simple[0]:.0f} % of the live neurons ({100 * simple[1]:.0f} to "
        f"{100 * simple[2]:.0f}); of the published model A {100 * published.share_simple:.0f} %, "
        f"median residual {published.median_residual:.3f}"
    )
    verdict, needed = _judged(values, high=DEFAULT.simple_below)
    return with_interval(value, low, high, len(values), verdict, note=note + needed)


@measures("A.sec55.pizza_cosets")
def pizza_cosets() -> Measurement:
    """Overlap of a cluster's answers with its approximate coset, mean over clusters and seeds."""
    exported = clock_pizza()
    values = _at(exported.of("ours"), 0.0, "coset_overlap")
    value, low, high = mean_of_few(values, lowest=0.0, highest=1.0)
    untrained = exported.of("untrained").query("rate == 0").coset_overlap.dropna()
    control = float(untrained.mean()) if len(untrained) else 0.0
    clock = mean_of_few(_at(exported.of("ours"), 1.0, "coset_overlap"), lowest=0.0, highest=1.0)
    published = exported.of("published").set_index("source").coset_overlap
    verdict, needed = _judged(values, low=max(ABOVE, control))
    words = [f"{name[-1]} {overlap:.3f}" for name, overlap in published.items()]
    note = (
        f"untrained {control:.3f}; with learned attention {clock[0]:.3f} ({clock[1]:.3f} to "
        f"{clock[2]:.3f}); published {', '.join(words)}"
    )
    return with_interval(value, low, high, len(values), verdict, note=note + needed)


@measures("A.secB11.crt")
def pizza_crt() -> Measurement:
    """Share of a pizza's logits that one cosine a cluster explains, mean over seeds."""
    exported = clock_pizza()
    ours = exported.of("ours")
    by_seed = ours.pivot(index="seed", columns="rate", values="clock")
    values = _at(ours, 0.0, "clock")
    value, low, high = mean_of_few(values, lowest=0.0, highest=1.0)
    differences = np.empty(0)
    if 1.0 in by_seed:
        differences = (by_seed[0.0] - by_seed[1.0]).dropna().to_numpy(dtype=float)
    if len(differences) < MIN_SEEDS:
        raise MissingExport(f"{FOLDER}: {MIN_SEEDS} seeds at rates 0 and 1")
    difference = mean_of_few(differences)
    columns = ("pizza_alone", "clock_alone", "clock_double")
    alone, cosine, double = (_at(ours, 0.0, name).mean() for name in columns)
    parts = _judged(values, low=ABOVE), _judged(differences, low=-CLOSE, high=CLOSE)
    verdict = all_agree(*(part[0] for part in parts))
    note = (
        f"pizza less clock {difference[0]:.3f} ({difference[1]:.3f} to {difference[2]:.3f}); "
        "logits of the pizza's formula would give .81; of one circle left alone the pizza's "
        f"formula explains {alone:.3f}, the clock's {cosine:.3f}, and with its double frequency "
        f"{double:.3f}"
    )
    note += "".join(part[1] for part in parts)
    return with_interval(value, low, high, len(values), verdict, note=note)
