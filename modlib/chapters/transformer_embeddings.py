"""What chapter 12 tells of positions, directions and frequencies of the embeddings, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.remainders import grokking as gr
from modlib.analysis.remainders.token_embeddings import (
    InBasis,
    Periodogram,
    Positions,
    Spread,
    Vectors,
)
from modlib.chapters.remainders import name_of
from modlib.chapters.words import Rows, fixed, signed
from modlib.runs.remainders import RemaindersRun

COLUMNS = {
    "position_correlation": ("correlation of positions", 2),
    "components_50": ("components for 50 %", 1),
    "components_90": ("for 90 %", 1),
    "basis_90": ("basis vectors for 90 %", 1),
    "effective_frequencies": ("effective number of frequencies", 1),
    "vector_share": ("a singular vector's share at one frequency", 2),
}
"""Numbers of ``describe_embeddings`` that are tabled, with their decimals."""
SMALLEST = 4
"""Moduli whose power is said one by one."""
NUM_STRONGEST = 5
"""Basis vectors whose frequencies are named."""


def positions(found: Mapping[str, Positions]) -> Rows:
    """Correlation, common part and difference of the two places, a row a network."""
    return {
        "network": list(found),
        "correlation": [signed(r) for r, _, _ in found.values()],
        "common part": [fixed(common, 3) for _, common, _ in found.values()],
        "difference": [fixed(difference, 3) for _, _, difference in found.values()],
    }


def not_adding(runs: Sequence[RemaindersRun]) -> list[str]:
    """Names of the networks of modular addition that do not answer validation numbers."""
    return [
        name_of(run.config)
        for run in runs
        if run.config.task == "nanda"
        and gr.by_step(run.history, "validation").iloc[-1].mean() < gr.LEARNED
    ]


class SpreadFacts(NamedTuple):
    """``rows``: components for half and nine tenths, counted both ways; ``against``: (network, its
    components for half of the variance, those of an untrained network of its size)."""

    rows: Rows
    against: list[tuple[str, int, int]]


def spread(spreads: Mapping[str, Spread]) -> SpreadFacts:
    """Components for half and nine tenths, both ways of counting, beside the untrained network."""
    bare = {len(s.values): s.variance[0] for n, s in spreads.items() if n.startswith("untrained")}
    counts = [(*map(str, found.variance), *map(str, found.coded)) for found in spreads.values()]
    names = ("50 % of the variance", "90 %", "50 % of the sum, as coded", "90 % of it")
    columns = {name: [row[i] for row in counts] for i, name in enumerate(names)}
    return SpreadFacts(
        rows={
            "network": list(spreads),
            **columns,
            "of": [str(len(found.values)) for found in spreads.values()],
        },
        against=[
            (name, found.variance[0], bare[len(found.values)])
            for name, found in spreads.items()
            if len(found.values) in bare and not name.startswith("untrained")
        ],
    )


class VectorsFacts(NamedTuple):
    """A network's vectors that make half of the variance: the mean ``share`` of a vector's power at
    its strongest frequency, and these frequencies."""

    name: str
    num_vectors: int
    share: float
    freqs: list[int]


def vectors(networks: Mapping[str, Vectors]) -> list[VectorsFacts]:
    """How many vectors make half of the variance and how periodic they are."""
    return [
        VectorsFacts(
            name=name,
            num_vectors=len(found),
            share=float(spectra[:, 1:].max(1).mean()),
            freqs=sorted(set((1 + spectra[:, 1:].argmax(1)).tolist())),
        )
        for name, (found, spectra) in networks.items()
    ]


class BasisFacts(NamedTuple):
    """``fewest`` of ``total`` basis vectors hold 90 % of the power; the ``strongest`` share of it
    that the first five hold, at ``freqs``. As coded: frequencies ``marked`` of ``rows``, 0 for the
    mean, by strength, and the ``labels`` at them."""

    name: str
    fewest: int
    total: int
    freqs: list[int]
    strongest: float
    marked: list[int]
    labels: list[str]
    rows: int


def basis(found: InBasis, fewest: int, name: str) -> BasisFacts:
    """How many Fourier basis vectors hold the power, and the rows that are marked as coded."""
    order = np.argsort(found.power)[::-1][:NUM_STRONGEST]
    coded = found.coded
    marked = [row for row in np.argsort(-coded.norms) if coded.marked[row]]
    return BasisFacts(
        name=name,
        fewest=fewest,
        total=len(found.power),
        freqs=sorted(set((1 + order // 2).tolist())),
        strongest=float(found.power[order].sum()),
        marked=[int(coded.freqs[row]) for row in marked],
        labels=[coded.labels[row] for row in marked],
        rows=len(coded.norms),
    )


def periodograms(found: Mapping[str, Periodogram]) -> list[tuple[str, float, float]]:
    """Where each periodogram is highest: its name, times the mean, frequency."""
    return [
        (name, float(power.max()), float(freq[power.argmax()]))
        for name, (freq, power) in found.items()
    ]


class PrimePower(NamedTuple):
    """A network's power at the smallest moduli, as (power, q), and ``beyond`` them its range."""

    name: str
    smallest: list[tuple[float, int]]
    beyond: tuple[float, float] | None


def prime_power(
    panels: Mapping[str, tuple[Int[np.ndarray, " task"], Mapping[str, Float[np.ndarray, " task"]]]],
) -> list[PrimePower]:
    """Power at the frequencies of the smallest moduli and the range at the others."""
    return [
        PrimePower(
            name=name,
            smallest=[(float(value), int(q)) for value, q in zip(power, qs, strict=True)][
                :SMALLEST
            ],
            beyond=(float(power[SMALLEST:].min()), float(power[SMALLEST:].max()))
            if len(power) > SMALLEST
            else None,
        )
        for qs, powers in panels.values()
        for name, power in powers.items()
    ]


def seeds(networks: Mapping[str, pd.DataFrame]) -> Rows:
    """Mean and range over seeds of the embeddings' numbers, a row a preset; {} without tables."""
    if not networks:
        return {}
    tables = networks.values()
    numbers = {
        title: [_range(table[column].tolist(), digits) for table in tables]
        for column, (title, digits) in COLUMNS.items()
    }
    return {"preset": list(networks), "seeds": [str(len(table)) for table in tables], **numbers}


def positions_by_seed(networks: Mapping[str, pd.DataFrame]) -> list[tuple[str, list[float]]]:
    """The correlation of the places, seed by seed, by preset."""
    return [(name, table.position_correlation.tolist()) for name, table in networks.items()]


def _range(values: Sequence[float], digits: int) -> str:
    mean = f"{np.mean(values):.{digits}f}"
    if len(values) < 2:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"
