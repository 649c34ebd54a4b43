"""What chapter 08 tells of fine-tuning neurons in thousands of networks, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from modlib.analysis.many_seeds.origin import POPULATIONS, SecondPart
from modlib.chapters.frequencies import Bounds
from modlib.maths.groups import signed_freq
from modlib.maths.intervals import mean_over_seeds

RUNS = 100_000
"""The paper counts the neurons of figure A25 in so many runs."""
MAX_RELATIONS, MAX_ALIKE = 3, 5
"""Relations and networks that are named one by one."""


class Origin(NamedTuple):
    """Where second frequencies come from in one set, and how often f and 2f go together.

    ``second``: (class of neurons, share whose second frequency is an ordinary cluster's, chance,
    neurons); ``lifts``: (population, lift), of ``origin.POPULATIONS``. ``made``: networks with
    fine-tuning neurons have more pairs than expected, and no more once their fine-tuning clusters
    are left out.
    """

    name: str
    second: list[tuple[str, Bounds, float, int]]
    lifts: list[tuple[str, Bounds]]
    made: bool


def origin(name: str, shares: Mapping[str, SecondPart], lifts: pd.DataFrame) -> Origin:
    """``shares``: ``origin.second_parts`` by class of neurons; ``lifts``: ``doubles_apart``."""
    by_name = {row.population: (row.lift, row.low, row.high) for row in lifts.itertuples()}
    every, ordinary = (by_name.get(population) for population in POPULATIONS[1:])
    return Origin(
        name=name,
        second=[
            (kind, (s.share.value, s.share.low, s.share.high), s.chance, s.num_neurons)
            for kind, s in shares.items()
        ],
        lifts=list(by_name.items()),
        made=bool(every and ordinary and every[1] > 1 and ordinary[1] <= 1),
    )


class Window(NamedTuple):
    """Neurons in the window a frequency in ``RUNS`` runs, as (kind, bounds); ``runs``: so many of
    these runs have one at a given frequency."""

    name: str
    kinds: list[tuple[str, Bounds]]
    runs: float


def window(name: str, counts: Mapping[str, Shaped[np.ndarray, "seed freq"]]) -> Window:
    """Neurons in the window of figure A25, by kind; the first kind is that of all neurons."""
    kinds = []
    for kind, by_freq in counts.items():
        found = mean_over_seeds(by_freq[:, 1:].mean(1, keepdims=True))
        value, low, high = (RUNS * float(part[0]) for part in found)
        kinds.append((kind, (value, low, high)))
    every = next(iter(counts.values()))
    return Window(name, kinds, RUNS * float((every[:, 1:] > 0).mean()))


class FineTuning(NamedTuple):
    """Fine-tuning clusters of all, and the share of networks ``having`` one."""

    num_tuned: int
    num_clusters: int
    having: float


def fine_tuning(networks: pd.DataFrame, clusters: pd.DataFrame) -> FineTuning:
    """How many clusters and networks have fine-tuning in them."""
    num_tuned = int((clusters.kind == "fine-tuning").sum())
    return FineTuning(num_tuned, len(clusters), float((networks.num_fine_tuning > 0).mean()))


class Beside(NamedTuple):
    """A frequency beside another: ``relation`` "twice", "half of" or "", and its pooled lift."""

    freq: int
    relation: str
    bounds: Bounds


class Multiples(NamedTuple):
    """Which multiples of ``base`` accompany ``freq``: ``above`` chance, ``below``, ``unsure``,
    ``never`` seen, or too little expected to judge; ``others``: above chance and no multiples."""

    freq: int
    base: int
    known: bool
    num_multiples: int
    above: list[Beside]
    unsure: list[int]
    below: list[int]
    never: list[int]
    unjudged: list[int]
    others: list[Beside]


def multiples(table: pd.DataFrame, freq: int, base: int, n: int) -> Multiples:
    """Which multiples of ``base`` accompany ``freq`` in fine-tuning neurons, and what else does.

    ``table``: ``fine_tuning_companions``; judged by the pooled lift and its interval.
    """
    finite = np.isfinite(table[["pooled", "pooled_low", "pooled_high"]]).all(axis=1)
    above = finite & (table.pooled_low > 1)
    never = finite & (table.pooled == 0)
    unsure = finite & ~above & ~never & (table.pooled_high >= 1)
    multiple = table.freq % base == 0

    def freqs(chosen: pd.Series) -> list[int]:
        return table.freq[multiple & chosen].tolist()

    def beside(chosen: pd.Series) -> list[Beside]:
        return [
            Beside(
                freq=row.freq,
                relation=_relation(row.freq, freq, n),
                bounds=(row.pooled, row.pooled_low, row.pooled_high),
            )
            for row in table[chosen].itertuples()
        ]

    return Multiples(
        freq=freq,
        base=base,
        known=not table.pooled.isna().all(),
        num_multiples=int(multiple.sum()),
        above=beside(multiple & above),
        unsure=freqs(unsure),
        below=freqs(finite & ~above & ~never & ~unsure),
        never=freqs(never),
        unjudged=freqs(~finite),
        others=beside(~multiple & above),
    )


def _relation(other: int, freq: int, n: int) -> str:
    """What ``other`` is of ``freq``: twice it, half of it, or nothing simple."""
    if signed_freq(2 * freq, n) == other:
        return "twice"
    return "half of" if signed_freq(2 * other, n) == freq else ""


class Relation(NamedTuple):
    """Neurons ``observed`` with a ratio, and how many times as many as a new deal would give.

    ``lift`` None: none were expected; ``bounds`` None: too few for an interval.
    """

    name: str
    observed: int
    lift: float | None
    bounds: Bounds | None


class Relations(NamedTuple):
    """``pooled``: the ratios 1:2, 1:3 and 2:3 together, None where there is nothing to tell;
    ``share`` of the neurons that have one; ``largest``: the most frequent of all."""

    n: int
    num_neurons: int
    num_networks: int
    pooled: Relation | None
    share: float
    largest: list[Relation]


def relations(table: pd.DataFrame, num_neurons: int, num_networks: int, n: int) -> Relations:
    """Which ratios the two strongest frequencies of fine-tuning neurons have."""
    if table.empty or not num_neurons or not table.expected.iloc[0] > 0:
        return Relations(n, num_neurons, num_networks, None, 0.0, [])
    pooled = _of_relation(table.iloc[0])
    largest = table.iloc[1:].sort_values("observed", ascending=False).head(MAX_RELATIONS)
    found = [_of_relation(row) for _, row in largest.iterrows() if row.observed]
    share = float(table.observed.iloc[0]) / num_neurons
    return Relations(n, num_neurons, num_networks, pooled, share, found)


def _of_relation(row: pd.Series) -> Relation:
    """A row of ``relation_lifts``, what is no number left out."""
    expected = row.expected > 0
    known = expected and np.isfinite([row.low, row.high]).all()
    return Relation(
        name=row.relation,
        observed=round(row.observed),
        lift=float(row.lift) if expected else None,
        bounds=(float(row.lift), float(row.low), float(row.high)) if known else None,
    )


class Found(NamedTuple):
    """A network with a fine-tuning cluster, ``num_neurons`` led by ``tuned``, with ``parts``."""

    seed: int
    num_clusters: int
    freqs: list[int]
    tuned: int
    num_neurons: int
    parts: list[int]


class Search(NamedTuple):
    """``num_found`` networks have a fine-tuning cluster at multiples of ``base``, in ``num_pure``
    of them with such parts alone; ``alike``: the first of ``num_alike`` that are like the paper's,
    ``nearest``: the network that comes nearest, None where none has such a cluster."""

    name: str
    base: int
    num_networks: int
    num_found: int
    num_pure: int
    num_alike: int
    alike: list[Found]
    nearest: Found | None


def search(name: str, found: pd.DataFrame, num_networks: int, base: int) -> Search:
    """What the scan for a network like the paper's seed 133 found."""
    alike = found[found.alike.astype(bool)]
    near = found.sort_values(["all_multiples", "num_clusters"], ascending=[False, True])
    return Search(
        name=name,
        base=base,
        num_networks=num_networks,
        num_found=len(found),
        num_pure=int(found.all_multiples.sum()),
        num_alike=len(alike),
        alike=_as_found(alike.head(MAX_ALIKE)),
        nearest=next(iter(_as_found(near.head(1))), None),
    )


def _as_found(table: pd.DataFrame) -> list[Found]:
    """Rows of ``like_seed_133``."""
    return [Found(*(getattr(row, name) for name in Found._fields)) for row in table.itertuples()]
