"""How paper B's claims about its tasks and its embeddings are measured.

They read ``results/remainders``: seeds of
the small setting decide, the paper's own size stands in the note. Intervals are Student's, of the
mean over seeds: there are too few to resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
import pandas as pd

from modlib.claims.committed import find_remainders, remainders
from modlib.claims.measures import measures
from modlib.claims.verdict import (
    Measurement,
    MissingExport,
    Verdict,
    all_agree,
    margin_verdict,
    networks_to_show,
    with_interval,
)
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.maths.intervals import mean_of_few, share_interval

SMALL = {
    "miiii": "B37",
    "nanda": "B37-nanda",
    "shuffled": "B37-basis",
    "untrained": "B37-untrained",
}
PAPER_SIZE = {
    "nanda": ("B113-nanda",),
    "miiii": ("B113-code", "B113-text"),
    "shuffled": ("B113-basis",),
    "untrained": ("B113-untrained",),
}
"""Presets by what their networks are trained on."""
COMMUTES_ABOVE = 0.8
FEW, MANY = 4, 12
"""Basis vectors that count as a handful."""
EQUAL_WITHIN = 0.1
BARE_NANDA = "B37-nanda-no-dropout-wd-1"
"""Modular addition as Nanda et al. regularise it, beside the paper's setting."""
MIN_SEEDS = 2
"""Seeds under which nothing is decided."""


def _column(kind: str, column: str) -> pd.Series:
    """A number of every network of the small setting, by seed; raises ``MissingExport``."""
    return remainders(SMALL[kind]).networks.set_index("seed")[column].astype(float)


def _paired(kind: str, other: str, column: str) -> pd.DataFrame:
    """A number of two kinds of networks, a row a seed that both have."""
    pair = {name: _column(name, column) for name in (kind, other)}
    found = pd.DataFrame(pair).dropna()
    if found.empty:
        raise MissingExport(f"seeds of {SMALL[kind]} in {SMALL[other]}")
    return found


def _needed(values: np.ndarray, low: float, high: float) -> str:
    """Seeds that would settle on which side of its bounds a mean lies."""
    if len(values) < MIN_SEEDS:
        return f"{MIN_SEEDS} seeds or more are needed"
    mean, start, stop = mean_of_few(values)
    margin = max(min(abs(mean - low), abs(mean - high)), 1e-9)
    return f"about {networks_to_show(len(values), (stop - start) / 2, margin):,} seeds are needed"


def _within(values: np.ndarray, low: float = -inf, high: float = inf) -> tuple[Verdict, str]:
    """Whether the mean over seeds lies between the bounds, and what it takes where none can say."""
    _, start, stop = mean_of_few(values)
    verdict = margin_verdict([(start, stop)], low, high)
    lacking = verdict == "not testable at this size"
    return verdict, _needed(values, low, high) if lacking else ""


def _said(values: np.ndarray | pd.Series, digits: int = 2) -> str:
    mean, low, high = mean_of_few(np.asarray(values))
    ends = "" if len(values) < MIN_SEEDS else f" ({low:.{digits}f} to {high:.{digits}f})"
    return f"{mean:.{digits}f}{ends}"


def _at_paper_size(column: str, kinds: Sequence[str], digits: int = 2) -> str:
    """What the committed networks of the paper's own size give, with the steps they made."""
    parts = []
    for kind in kinds:
        for name in PAPER_SIZE[kind]:
            exported = find_remainders(name)
            if exported is not None:
                value = float(exported.networks[column].iloc[0])
                steps = f"{exported.steps:,} of {REMAINDERS_PRESETS[name].steps:,} steps"
                after = f" after {steps}" if exported.config.steps else ""
                parts.append(f"{kind} {value:.{digits}f}{after} ({name})")
    return f"p = 113, one seed: {', '.join(parts)}" if parts else "p = 113 is not committed"


def _measured(
    values: np.ndarray, verdict: Verdict, notes: Sequence[str], **ends: float
) -> Measurement:
    """A mean over seeds as a measurement; without ends for one seed."""
    mean, low, high = mean_of_few(values, **ends)
    note = "; ".join(part for part in notes if part)
    if len(values) < MIN_SEEDS:
        return Measurement(value=mean, num_seeds=len(values), verdict=verdict, note=note)
    return with_interval(mean, low, high, len(values), verdict, note=note)


@measures("B.fig7.positions")
def positions() -> Measurement:
    """Correlation of the two places for nanda; miiii less its controls, seed by seed."""
    name = "position_correlation"
    nanda = _column("nanda", name).to_numpy()
    parts = [("nanda", *_within(nanda, low=COMMUTES_ABOVE))]
    notes = ["p = 37, nanda", f"miiii {_said(_column('miiii', name))}"]
    for control in ("shuffled", "untrained"):
        pair = _paired("miiii", control, name)
        difference = (pair["miiii"] - pair[control]).to_numpy()
        parts.append((f"miiii less {control}", *_within(difference, high=0.0)))
        below = int((difference < 0).sum())
        notes.append(
            f"{control} {_said(pair[control])}, miiii less {control} {_said(difference)}, below it "
            f"in {below} of {len(difference)} seeds"
        )
    verdict = all_agree(*(part[1] for part in parts))
    bare = find_remainders(BARE_NANDA)
    if bare is not None:
        by_seed = ", ".join(f"{value:.2f}" for value in bare.networks[name])
        notes.append(f"nanda without dropout and with weight decay 1, seed by seed: {by_seed}")
    notes += [f"{what}: {needed}" for what, _, needed in parts if needed]
    notes.append(_at_paper_size(name, tuple(PAPER_SIZE)))
    return _measured(nanda, verdict, notes, lowest=-1.0, highest=1.0)


@measures("B.fig8.diffuse")
def diffuse() -> Measurement:
    """Share of seeds in which miiii takes more components than nanda, at 50 % and at 90 %."""
    tables = {level: _paired("miiii", "nanda", f"components_{level}") for level in (50, 90)}
    more = pd.DataFrame({level: t["miiii"] > t["nanda"] for level, t in tables.items()}).all(axis=1)
    notes = ["p = 37"]
    for level, table in tables.items():
        controls = ", ".join(
            f"{kind} {_column(kind, f'components_{level}').mean():.1f}"
            for kind in ("shuffled", "untrained")
        )
        notes.append(
            f"for {level} % of the variance miiii takes {table['miiii'].mean():.1f} components, "
            f"nanda {table['nanda'].mean():.1f} ({controls})"
        )
        notes.append(_at_paper_size(f"components_{level}", ("miiii", "nanda"), 0))
    verdict: Verdict = "agrees" if more.all() else "differs"
    if len(more) < MIN_SEEDS:
        verdict = "not testable at this size"
        notes.append(f"{MIN_SEEDS} seeds or more are needed")
    share = share_interval(int(more.sum()), len(more))
    return with_interval(*share, len(more), verdict, unit="%", note="; ".join(notes))


@measures("B.fig11.five")
def basis_vectors() -> Measurement:
    """Fourier basis vectors that hold 90 % of the power of nanda's tokens."""
    counts = _column("nanda", "basis_90").to_numpy()
    verdict, needed = _within(counts, FEW, MANY)
    others = ", ".join(f"{kind} {_said(_column(kind, 'basis_90'), 1)}" for kind in SMALL)
    top = _said(_column("nanda", "basis_top"))
    notes = [
        f"of {37 - 1} at p = 37; {others}; nanda's five strongest hold {top} of the power",
        needed,
        _at_paper_size("basis_90", ("nanda", "miiii", "shuffled"), 0),
    ]
    return _measured(counts, verdict, notes)


@measures("B.fig13.basis")
def no_periodicity() -> Measurement:
    """Effective number of token frequencies, shuffled over untrained, seed by seed."""
    name = "effective_frequencies"
    pair = _paired("shuffled", "untrained", name)
    ratio = (pair["shuffled"] / pair["untrained"]).to_numpy()
    verdict, needed = _within(ratio, 1 - EQUAL_WITHIN, 1 + EQUAL_WITHIN)
    means = ", ".join(f"{kind} {_said(_column(kind, name), 1)}" for kind in SMALL)
    notes = [
        f"shuffled over untrained; of 18 at p = 37: {means}",
        needed,
        _at_paper_size(name, tuple(PAPER_SIZE), 1),
    ]
    return _measured(ratio, verdict, notes)
