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
from modlib.chapters.words import Rows, between, fixed, signed
from modlib.config.remainders import RemaindersConfig
from modlib.config.thresholds import DEFAULT
from modlib.results.remainders import ExportedRemainders
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
KINDS = {
    "miiii": "remainders",
    "masked": "remainders, four masked",
    "ablated": "remainders, early wave ablated",
    "perturbed": "remainders, perturbed",
    "nanda": "addition",
    "basis": "shuffled labels",
}
"""How figures and sentences name a network, by its task."""
PLACES = {
    "B37-nanda": "addition, p = 37",
    "B37-nanda-no-dropout-wd-1": "addition without dropout, p = 37",
    "B113-nanda-learns": "addition, p = 113",
    "B37": "remainders, p = 37",
    "B37-basis": "shuffled labels, p = 37",
    "B37-untrained": "untrained, p = 37",
}
"""Committed networks of several seeds whose places are compared."""
ADDING = tuple(PLACES)[:3]
"""Those of one task that commutes."""
AT_PAPER_SIZE = {
    "1": ("B113-code", "B113-basis", "B113-untrained"),
    "2": ("B113-nanda-learns",),
}
"""Networks at p = 113 that are shown, by the edition of their tables: those that learned, and
controls."""
ALIKE = 0.15
"""Numbers of directions that differ by less, as a share of the untrained one, count as alike."""
SMALLEST = 4
"""Moduli whose power is said one by one."""
NUM_STRONGEST = 5
"""Basis vectors whose frequencies are named."""


def kind_of(config: RemaindersConfig) -> str:
    """What a network was trained on, in words."""
    return KINDS[config.task] if config.steps else "untrained"


def positions(found: Mapping[str, Positions]) -> Rows:
    """Correlation, common part and difference of the two places, a row a network."""
    return {
        "network": list(found),
        "correlation": [signed(r) for r, _, _ in found.values()],
        "common part": [fixed(common, 3) for _, common, _ in found.values()],
        "difference": [fixed(difference, 3) for _, _, difference in found.values()],
    }


def not_adding(runs: Sequence[RemaindersRun]) -> bool:
    """Whether a network of modular addition does not answer validation numbers."""
    return any(
        gr.by_step(run.history, "validation").iloc[-1].mean() < DEFAULT.tasks_learned
        for run in runs
        if run.config.task == "nanda" and run.config.steps
    )


def correlations(
    exports: Mapping[str, ExportedRemainders],
) -> dict[str, Float[np.ndarray, " seed"]]:
    """Correlation of the two places, a number a seed, by name of ``PLACES``.

    Of modular addition only networks that learned it.
    """
    found = {}
    for preset, name in PLACES.items():
        if preset not in exports:
            continue
        table = exports[preset].networks.set_index("seed").position_correlation
        if preset in ADDING:
            rows = exports[preset].history
            rows = rows[(rows.split == "validation") & (rows.step == rows.step.max())]
            right = rows.groupby("seed").accuracy.mean()
            table = table[right.reindex(table.index) >= DEFAULT.tasks_learned]
        if len(table):
            found[name] = table.to_numpy(dtype=float)
    return found


class Signs(NamedTuple):
    """Of ``num_seeds`` networks the places agree in ``num_positive``; ``least`` to ``most``."""

    name: str
    num_positive: int
    num_seeds: int
    least: float
    most: float


class Places(NamedTuple):
    """``adding``: signs of networks that learned to add, ``mixed``: those whose sign changes with
    the seed; ``own``: the correlation in the run's networks; ``lost``: whether its own network of
    addition has not learned to add."""

    adding: list[Signs]
    mixed: list[Signs]
    own: dict[str, float]
    lost: bool


def places(
    found: Mapping[str, Float[np.ndarray, " seed"]],
    views: Mapping[str, Positions],
    *,
    lost: bool,
) -> Places:
    """The sign of the correlation over seeds; ``found``: of ``correlations``."""
    adding = [
        Signs(name, int((own > 0).sum()), len(own), float(own.min()), float(own.max()))
        for name, own in found.items()
        if name in [PLACES[preset] for preset in ADDING]
    ]
    mixed = [one for one in adding if 0 < one.num_positive < one.num_seeds]
    return Places(adding, mixed, {n: one.correlation for n, one in views.items()}, lost)


class SpreadFacts(NamedTuple):
    """``rows``: components for half and nine tenths, counted both ways; ``against``: (network, its
    components for half of the variance, those of an untrained network of its size).

    ``untaught``: those of the first network are as many as without training, or nearly.
    """

    rows: Rows
    against: list[tuple[str, int, int]]
    untaught: bool = False


def spread(spreads: Mapping[str, Spread]) -> SpreadFacts:
    """Components for half and nine tenths, both ways of counting, beside the untrained network."""
    bare = {len(s.values): s.variance[0] for n, s in spreads.items() if n == "untrained"}
    counts = [(*map(str, found.variance), *map(str, found.coded)) for found in spreads.values()]
    names = ("50 % of the variance", "90 %", "50 % of the sum, as coded", "90 % of it")
    columns = {name: [row[i] for row in counts] for i, name in enumerate(names)}
    against = [
        (name, found.variance[0], bare[len(found.values)])
        for name, found in spreads.items()
        if len(found.values) in bare and name != "untrained"
    ]
    return SpreadFacts(
        rows={
            "network": list(spreads),
            **columns,
            "of": [str(len(found.values)) for found in spreads.values()],
        },
        against=against,
        untaught=any(
            abs(own - of_none) <= max(1, ALIKE * of_none) for _, own, of_none in against[:1]
        ),
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


class Peaks(NamedTuple):
    """``small``: mean power at k/q of the smallest tasks over the mean of all, by network;
    ``rows``: the highest point, the power at each of the smallest tasks, and the range beyond.

    ``no_less``: networks that have no less of it than the first, though it is not their task;
    ``beside``: those to name with the first, these and the one on shuffled labels.
    """

    small: dict[str, float]
    rows: Rows
    no_less: list[str]
    beside: list[str]


def peaks(
    found: Mapping[str, Periodogram],
    qs: Int[np.ndarray, " task"],
    powers: Mapping[str, Float[np.ndarray, " task"]],
) -> Peaks:
    """Where the tokens' power lies; ``powers``: of ``power_at_primes`` at ``qs``."""
    near = qs[:SMALLEST]
    rows: Rows = {
        "network": list(found),
        "highest point": [
            f"{fixed(float(power.max()), 1)} at {fixed(float(freq[power.argmax()]), 3)}"
            for freq, power in found.values()
        ],
    }
    for place, q in enumerate(near):
        rows[f"q = {q}"] = [fixed(float(powers[name][place])) for name in found]
    if len(qs) > SMALLEST:
        beyond = [powers[name][SMALLEST:] for name in found]
        rows["larger q"] = [between(float(own.min()), float(own.max())) for own in beyond]
    small = {name: float(powers[name][: len(near)].mean()) for name in found}
    first, *others = found
    no_less = [name for name in others if small[name] >= small[first]]
    shuffled = [name for name in others if name == "shuffled labels" and name not in no_less]
    return Peaks(small, rows, no_less, [*shuffled, *no_less])


def seeds(networks: Mapping[str, pd.DataFrame]) -> Rows:
    """Mean and range over seeds of the embeddings' numbers, a row a kind; {} without tables."""
    if not networks:
        return {}
    tables = networks.values()
    numbers = {
        title: [_range(table[column].tolist(), digits) for table in tables]
        for column, (title, digits) in COLUMNS.items()
    }
    return {"network": list(networks), "seeds": [str(len(table)) for table in tables], **numbers}


def _range(values: Sequence[float], digits: int) -> str:
    mean = f"{np.mean(values):.{digits}f}"
    if len(values) < 2:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"
