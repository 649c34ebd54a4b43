"""How the second edition's claims on paper B's embeddings are measured."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from modlib.claims import fresh
from modlib.claims.decide import Part, decide, exactly, judged, over, part
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, Verdict
from modlib.maths.intervals import mean_of_few
from modlib.results.remainders import ExportedRemainders

COMMUTES_ABOVE = 0.8
"""Correlation of the two places from which they agree."""
FEW, MANY = 4, 12
"""Basis vectors that count as a handful."""
MANY_MIIII = 5
"""Networks of miiii from which their mean has an interval; of fewer each must keep the rule
against each control."""


class _Setting(NamedTuple):
    """Jobs of the queue: what a network is trained on, by the size."""

    nanda: str
    miiii: tuple[str, ...]
    shuffled: str
    untrained: str
    bare: str | None


PAPER = _Setting(
    nanda=fresh.NANDA,
    miiii=fresh.PAPER,
    shuffled=fresh.SHUFFLED,
    untrained=fresh.UNTRAINED,
    bare="B113-nanda-no-dropout",
)
"""The paper's modulus; ``bare``: addition without dropout at weight decay 1, as Nanda et al."""
SMALL = _Setting(
    nanda=fresh.SMALL_NANDA,
    miiii=(fresh.SMALL,),
    shuffled=fresh.SMALL_SHUFFLED,
    untrained=fresh.SMALL_UNTRAINED,
    bare=None,
)


def _numbers(preset: ExportedRemainders, column: str) -> pd.Series:
    return preset.networks.set_index("seed")[column].astype(float)


def _said(values: pd.Series, digits: int = 2) -> str:
    return ", ".join(f"{value:.{digits}f}" for value in values)


def _of_addition(setting: _Setting, column: str) -> tuple[dict[str, pd.Series], list[str]]:
    """A number of the networks that learned to add, by job, and where some of a job did not."""
    found = {job: fresh.that_add(job) for job in (setting.nanda, setting.bare) if job}
    numbers = {job: _numbers(preset, column) for job, (preset, _) in found.items()}
    return numbers, [apart for _, apart in found.values() if apart]


def _positions(setting: _Setting) -> Measurement:
    name = "position_correlation"
    own = _numbers(fresh.remainders(*setting.miiii), name)
    shuffled = _numbers(fresh.remainders(setting.shuffled), name)
    untrained = _numbers(fresh.remainders(setting.untrained), name)
    nanda, left_out = _of_addition(setting, name)

    def agreeing(job: str) -> Part:
        found = nanda[job]
        interval = mean_of_few(found, lowest=-1, highest=1)
        return part(f"nanda, {job}", interval, len(found), jobs=job, above=COMMUTES_ABOVE)

    def apart(kind: str, control: pd.Series) -> Part:
        if len(own) < MANY_MIIII:
            lowest = "" if len(control) == 1 else f"the lowest of {len(control)} "
            what = f"miiii, the highest of {len(own)} networks, less {lowest}{kind}"
            return part(what, exactly(own.max() - control.min()), below=0)
        paired = (own - control).dropna()
        return part(f"miiii less {kind}", mean_of_few(paired), len(paired), below=0)

    def verdict_at(bound: float) -> Verdict:
        found = mean_of_few(nanda[setting.nanda], lowest=-1, highest=1)
        return decide(found.low, found.high, above=bound)

    return judged(
        agreeing(setting.nanda),
        apart("shuffled", shuffled),
        apart("untrained", untrained),
        beside=[agreeing(setting.bare)] if setting.bare else [],
        note="; ".join(
            [
                f"miiii {_said(own)}",
                *(f"{job} {_said(found)}" for job, found in nanda.items()),
                *left_out,
            ]
        ),
        controls=f"shuffled {_said(shuffled)}; untrained {untrained.mean():.2f} in the mean",
        sensitivity=over((0.5, COMMUTES_ABOVE, 0.9), verdict_at, "nanda alone, above"),
    )


@measures("B2.positions")
def positions() -> Measurement:
    """Correlation of the two places at p = 113: nanda's; miiii's less its controls'."""
    return _positions(PAPER)


@measures("B2.positions.small")
def positions_small() -> Measurement:
    """The same at p = 37."""
    return _positions(SMALL)


def _five(setting: _Setting) -> Measurement:
    name = "basis_90"
    counts, left_out = _of_addition(setting, name)
    presets = {
        "miiii": fresh.remainders(*setting.miiii),
        "shuffled": fresh.remainders(setting.shuffled),
        "untrained": fresh.remainders(setting.untrained),
    }
    total = 2 * (presets["untrained"].config.p // 2)

    def handful(job: str) -> Part:
        found = mean_of_few(counts[job], lowest=1, highest=total)
        return part(job, found, len(counts[job]), jobs=job, at_least=FEW, at_most=MANY)

    def verdict_at(most: float) -> Verdict:
        found = mean_of_few(counts[setting.nanda], lowest=1, highest=total)
        return decide(found.low, found.high, at_least=FEW, at_most=most)

    return judged(
        handful(setting.nanda),
        beside=[handful(setting.bare)] if setting.bare else [],
        note="; ".join([f"of {total} basis vectors", *left_out]),
        controls="; ".join(f"{k} {_numbers(p, name).mean():.1f}" for k, p in presets.items()),
        sensitivity=over((8, MANY, 16), verdict_at, "at most"),
    )


@measures("B2.five")
def basis_vectors() -> Measurement:
    """Fourier basis vectors that hold 90 % of the power of nanda's tokens, at p = 113."""
    return _five(PAPER)


@measures("B2.five.small")
def basis_vectors_small() -> Measurement:
    """The same at p = 37."""
    return _five(SMALL)
