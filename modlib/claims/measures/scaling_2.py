"""The second edition's rows about width, modulus and conjecture 1."""

from __future__ import annotations

from math import log

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds import selection as choices
from modlib.analysis.many_seeds.grid import analyse_grid
from modlib.analysis.many_seeds.growth import (
    BASE_WIDTH,
    compare_growth,
    fit_log,
    trains_steadily,
    width_differences,
)
from modlib.analysis.many_seeds.separation import DELTA
from modlib.analysis.many_seeds.sweep_tables import SweepTables, that_learned
from modlib.claims import fresh
from modlib.claims.committed import mean_of
from modlib.claims.decide import judged, part, share_of
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, MissingExport
from modlib.config.presets import GRID, MODULI, SLOW_RATE_MODULI, grid_name, scaled_name

DELTAS = (0.1, 0.15, 0.2, 0.25)
"""Separations tried beside the paper's."""
MIN_LEARNED = 10
"""Networks that learned from which a modulus at a quarter of the rate counts."""

WIDE = {
    ("n", BASE_WIDTH): ("A91", "A91"),
    ("full", BASE_WIDTH): ("A-full", "A91-full"),
    ("n", 512): ("A91-widths", "A91-width-512"),
    ("full", 512): ("A91-widths", "A91-full-width-512"),
    ("n", 2048): ("A91-widths", "A91-width-2048"),
    ("full", 2048): ("A91-widths", "A91-full-width-2048"),
    ("n", 8192): ("A91-width-8192", "A91-width-8192"),
    ("full", 8192): ("A91-full-width-8192", "A91-full-width-8192"),
}
"""Job and preset by batch regime and width."""


@measures("A2.fig29.width")
def width() -> Measurement:
    """Mean clusters at widths 512, 2048 and 8192 less the mean at 128, both regimes."""
    counts = {
        key: fresh.sweep(job, preset=preset).networks.num_clusters.to_numpy()
        for key, (job, preset) in WIDE.items()
    }
    table = width_differences(counts).sort_values("difference", key=abs, ascending=False)
    parts = [
        part(
            f"width {row.width}, batch {row.batch}",
            (row.difference, row.low, row.high),
            row.num_seeds,
            jobs=WIDE[row.batch, row.width][0],
            unit="clusters",
            above=-1.0,
            below=1.0,
        )
        for row in table.itertuples()
    ]
    return judged(*parts)


def _job(n: int) -> str:
    """The job of the networks at a modulus, L2 in proportion to 1/n."""
    return "A91" if n == 91 else "moduli"


def _by_modulus() -> dict[int, SweepTables]:
    """All networks at each modulus, L2 in proportion to 1/n."""
    return {n: fresh.sweep(_job(n), preset=scaled_name(n), learned_only=False) for n in MODULI}


def _clusters(tables: SweepTables) -> np.ndarray:
    return that_learned(tables).networks.num_clusters.to_numpy()


def _steady() -> tuple[dict[int, np.ndarray], list[int]]:
    """Clusters at the moduli where training is steady, and the other moduli."""
    found = _by_modulus()
    at_91 = found[91].networks
    loss = float(at_91.train_loss[at_91.learned].median())
    steady = [n for n, tables in found.items() if trains_steadily(tables.networks, loss)]
    return {n: _clusters(found[n]) for n in steady}, [n for n in found if n not in steady]


@measures("A2.fig30.growth")
def growth() -> Measurement:
    """Slope of mean clusters on ln n, and their ratios to ln n, where training is steady."""
    counts, broken = _steady()
    slope = fit_log(counts).b
    result = compare_growth(counts)
    ratios = [
        part(
            f"ratio to ln n, n = {row.n}",
            (row.ratio, row.low / log(row.n), row.ratio_high),
            row.num_seeds,
            jobs=_job(row.n),
            below=1.5,
        )
        for row in result.points.sort_values("ratio", ascending=False).itertuples()
    ]
    num = int(result.points.num_seeds.sum())
    every = compare_growth(
        {
            n: _clusters(t)
            for n, t in _by_modulus().items()
            if t.networks.learned.sum() >= MIN_LEARNED
        }
    )
    errors = [
        f"{said}: " + ", ".join(f"{row.curve} {row.error:.3f}" for row in one.curves.itertuples())
        for said, one in (("these moduli", result), ("all moduli", every))
    ]
    return judged(
        part("slope on ln n", slope, num, jobs="moduli", above=0.0),
        *ratios,
        note=f"{len(counts)} moduli; left out, {', '.join(map(str, broken)) or 'none'}; error on "
        f"held-out moduli, in clusters, {'; '.join(errors)}",
        sensitivity="with all moduli the slope is "
        f"{fit_log({n: _clusters(t) for n, t in _by_modulus().items()}).b.value:.2f}",
    )


@measures("A2.fig30.broken")
def broken() -> Measurement:
    """Mean clusters at a quarter of the learning rate less the line, where training breaks."""
    counts, left_out = _steady()
    if not left_out:
        raise MissingExport("training is steady at all moduli: none is to be judged")
    slow, notes = {}, []
    for n in left_out:
        if n not in SLOW_RATE_MODULI:
            notes.append(f"n = {n} has no networks at a quarter of the rate")
            continue
        preset = grid_name(n, 1.0, 0.25, BASE_WIDTH)
        tables = fresh.sweep("moduli-slow-rate", preset=preset, learned_only=False)
        own = _clusters(tables)
        if len(own) >= MIN_LEARNED:
            slow[n] = own
        else:
            notes.append(f"n = {n}: {len(own)} of {len(tables.networks)} learn at a quarter")
    if not slow:
        raise MissingExport("; ".join(notes))
    off = fit_log(counts, slow).off
    full = _by_modulus()
    notes += [f"at the full rate n = {n} has {_clusters(full[n]).mean():.2f}" for n in left_out]
    parts = [
        part(
            f"n = {n}, above the line",
            interval,
            len(slow[n]),
            jobs="moduli-slow-rate",
            unit="clusters",
            at_least=-1.0,
            at_most=1.0,
        )
        for n, interval in off.items()
    ]
    return judged(*parts, note="; ".join(notes))


@measures("A2.selection")
def selection() -> Measurement:
    """Learned sets whose gap is below delta over random sets of equal size that are."""
    networks = fresh.sweep("A91", needs={"networks": ("gap",)}).networks
    gaps, sizes = networks.gap.to_numpy(dtype=float), networks.num_clusters.to_numpy()

    def selected(delta: float) -> choices.Selection:
        found = choices.selection(91, gaps, sizes, delta)
        if found is None:
            raise MissingExport("a network of the job A91 with a cluster")
        return found

    found, others = selected(DELTA), {delta: selected(delta) for delta in DELTAS}
    by_chance = found.expected / found.num_sets
    times = share_of(found.close, found.num_sets).map(lambda x: x / by_chance)
    told = (f"{at:g}: {one.close / one.expected:.2f} times" for at, one in others.items())
    return judged(
        part("as often as random sets", times, found.num_sets, jobs="A91", unit="times", below=0.1),
        note=f"{found.close} of {found.num_sets:,} learned sets, smallest gap {found.smallest:.3f}",
        controls=f"random sets of the same sizes: {100 * by_chance:.1f} %",
        sensitivity=f"gap below {', '.join(told)}",
    )


@measures("A2.conjecture1")
def conjecture() -> Measurement:
    """Clusters gained a fourfold L2 at every n; gained by four times the width at equal loss."""
    blocks = []
    for (n, l2, lr, size), preset in GRID.items():
        networks = fresh.sweep(f"grid-{n}", preset=preset).networks
        own = networks[["num_clusters", "train_loss"]]
        blocks.append(own.assign(n=n, l2=l2, lr=lr, width=size))
    table = pd.concat(blocks, ignore_index=True)
    found = analyse_grid(table)
    moduli = sorted({point[0] for point in GRID})
    if lacking := [f"n = {n}" for n in moduli if n not in found.slopes.n.tolist()]:
        raise MissingExport(
            f"networks that learned at two values of L2, all else equal, at {', '.join(lacking)}"
        )
    jobs = tuple(f"grid-{n}" for n in moduli)
    parts = [
        part(
            f"fourfold L2, n = {row.n}",
            (row.slope, row.low, row.high),
            row.num_networks,
            jobs=f"grid-{row.n}",
            unit="clusters",
            below=0.0,
        )
        for row in found.slopes.itertuples()
    ]
    parts.append(
        part(
            "four times the width at equal loss",
            found.width,
            found.num_networks,
            jobs=jobs,
            unit="clusters",
            at_least=-1.0,
            at_most=1.0,
        )
    )
    plain = mean_of(table.num_clusters)
    return judged(
        *parts,
        note=f"{len(table)} networks that learned, {plain.value:.2f} clusters on average; "
        f"{len(GRID) - found.num_points} points of the grid with fewer than five of them are left "
        "out",
    )
