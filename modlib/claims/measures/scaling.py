"""How the claims about width and modulus, and those of section 5.4, are measured."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np

from modlib.analysis.many_seeds import separation as sep
from modlib.analysis.many_seeds.growth import (
    BASE_WIDTH,
    compare_growth,
    is_slow,
    width_differences,
)
from modlib.claims.committed import REGIMES, find_sweep, networks_of, with_bounds
from modlib.claims.measures import measures
from modlib.claims.verdict import (
    Measurement,
    MissingExport,
    Verdict,
    all_agree,
    interval_verdict,
    with_interval,
)
from modlib.config.presets import MODULI, WIDTHS, scaled_name
from modlib.maths.intervals import Interval

MIN_MODULI, MIN_FIXED = 16, 8
MIN_LEARNED = 10
"""Moduli that the claim on growth needs."""


@measures("A.fig29.width")
def width() -> Measurement:
    """Difference of mean clusters from width 128, the largest of all widths and regimes."""
    table = width_differences(_clusters_by_width())
    held = set(zip(table.batch, table.width, strict=True))
    missing = [(b, w) for b in REGIMES for w in WIDTHS if (b, w) not in held]
    if any(w < max(WIDTHS) for _, w in missing):
        raise MissingExport(f"widths {missing}")
    verdict = all_agree(
        *(interval_verdict(r.low, r.high, above=-1.0, below=1.0) for r in table.itertuples())
    )
    notes = [
        f"width {r.width}, batch {r.batch}: {with_bounds(Interval(r.difference, r.low, r.high))}"
        for r in table.itertuples()
    ]
    if missing:
        regimes = " and ".join(f"batch {batch}" for batch, _ in missing)
        notes.append(
            f"width {max(WIDTHS)} ({regimes}) was not trained: it takes a GPU, 50 networks of "
            f"{max(WIDTHS)} neurons in each regime"
        )
        if verdict == "agrees":
            verdict = "not testable at this size"
    worst = table.iloc[int(table.difference.abs().argmax())]
    interval = (float(worst.difference), float(worst.low), float(worst.high))
    num_seeds = int(table.num_seeds.sum())
    return with_interval(*interval, num_seeds, verdict, unit="clusters", note="; ".join(notes))


def _clusters_by_width() -> dict[tuple[str, int], np.ndarray]:
    """Clusters of the networks that learned at each committed width, by batch regime."""
    names = {(regime, BASE_WIDTH): f"A91{ending}" for regime, ending in REGIMES.items()}
    for width in WIDTHS:
        wider = {(r, width): f"A91{ending}-width-{width}" for r, ending in REGIMES.items()}
        names |= {key: name for key, name in wider.items() if find_sweep(name) is not None}
    order = sorted(names, key=lambda key: list(REGIMES).index(key[0]))
    return {key: networks_of(names[key]).num_clusters.to_numpy() for key in order}


def clusters_by_modulus(name_of: Callable[[int], str] = scaled_name) -> dict[int, np.ndarray]:
    """Clusters of the networks that learned at each committed modulus, batch n.

    ``name_of``: the preset of a modulus. Moduli at which fewer than ten learned are left out.
    """
    found = {}
    for n in MODULI:
        tables = find_sweep(name_of(n))
        if tables is not None and tables.networks.learned.sum() >= MIN_LEARNED:
            found[n] = networks_of(name_of(n)).num_clusters.to_numpy()
    return found


@measures("A.fig30.growth")
def growth() -> Measurement:
    """Largest ratio of mean clusters to ln n; which curve predicts held-out moduli best."""
    counts = clusters_by_modulus()
    if len(counts) < MIN_MODULI:
        raise MissingExport("moduli")
    result = compare_growth(counts)
    worst = result.points.iloc[int(result.points.ratio_high.argmax())]
    low = worst.low / log(worst.n)
    errors = [f"{row.curve} {row.error:.3f}" for row in result.curves.itertuples()]
    best = result.curves.iloc[int(result.curves.error.argmin())]
    note = (
        f"at n = {worst.n:.0f}, the largest of {len(counts)} moduli from {min(counts)} to "
        f"{max(counts)}; error on held-out moduli, in clusters: {', '.join(errors)}; best is "
        f"{best.curve}, and in {100 * result.share_slow:.0f} % of resamples of moduli and networks "
        "a curve that log n bounds"
    )
    fixed = clusters_by_modulus(lambda n: f"A{n}")
    if len(fixed) >= MIN_FIXED:
        again = compare_growth(fixed)
        winner = again.curves.iloc[int(again.curves.error.argmin())]
        note += (
            f"; with the paper's L2 at all of {len(fixed)} moduli up to {max(fixed)} best is "
            f"{winner.curve}, b = {winner.b:.2f}"
        )
    below = interval_verdict(low, worst.ratio_high, below=1.5)
    verdict: Verdict = below if is_slow(best.curve, best.b) else "differs"
    num_seeds = int(result.points.num_seeds.sum())
    interval = (float(worst.ratio), float(low), float(worst.ratio_high))
    return with_interval(*interval, num_seeds, verdict, unit="of ln n", note=note)


@measures("A.sec54.gamma")
def gamma_formula() -> Measurement:
    """Largest error of the Gamma formula, taken as 0 where it is negative."""
    table, other = (sep.formula_errors(model) for model in sep.MODELS)
    at = table.iloc[int(table.error.abs().argmax())]
    sure = table[table.true >= 0.9]
    note = (
        f"distinct frequencies, at n = {at.n:.0f}, m = {at.m:.0f}: {at.formula:.3f} for "
        f"{at.true:.3f}; {len(table)} pairs of n ({table.n.min()} to {table.n.max()}) and "
        f"m ({table.m.min()} to {table.m.max()}), a negative formula taken as 0; where "
        f"the truth is .9 or more the largest error is {sure.error.abs().max():.3f}; with "
        f"replacement {other.error.abs().max():.3f}"
    )
    error = float(abs(at.error))
    verdict = interval_verdict(error, error, at_most=0.05)
    return Measurement(value=error, verdict=verdict, note=note)


@measures("A.sec54.half_at_log")
def half_at_log() -> Measurement:
    """True probability of separation at m = round(ln n); the value is that at n = 91."""
    found, other = (
        {n: sep.separation_probability(n, round(log(n)), model=model) for n in sep.SPACED_MODULI}
        for model in sep.MODELS
    )
    verdicts = [interval_verdict(p.low, p.high, at_least=0.4, at_most=0.6) for p in found.values()]
    values = [p.value for p in found.values()]
    note = (
        f"distinct frequencies at n = 91, m = {round(log(91))}; {found[89].value:.3f} at n = 89, "
        f"m = {round(log(89))}; over {len(values)} moduli from {min(found)} to {max(found)} it "
        f"runs from {min(values):.2f} to {max(values):.2f}; with replacement "
        f"{other[91].value:.3f} and {other[89].value:.3f}"
    )
    return Measurement(value=found[91].value, verdict=all_agree(*verdicts), note=note)


@measures("A.sec54.log_growth")
def log_growth() -> Measurement:
    """R^2 of the smallest m with probability one half against ln n."""
    (squares, needed), (other, _) = (sep.straightness(model) for model in sep.MODELS)
    rivals = ", ".join(f"{name} {value:.3f}" for name, value in squares.items() if name != "ln n")
    squared = squares["ln n"]
    note = (
        f"R^2 over {len(needed)} moduli, distinct frequencies; {needed[min(needed)]} of them are "
        f"needed at n = {min(needed)}, {needed[91]} at 91, {needed[max(needed)]} at {max(needed)}; "
        f"with replacement R^2 = {other['ln n']:.3f}; for lines in other shapes, distinct "
        f"frequencies: {rivals}"
    )
    return Measurement(
        value=squared, verdict=interval_verdict(squared, squared, at_least=0.9), note=note
    )
