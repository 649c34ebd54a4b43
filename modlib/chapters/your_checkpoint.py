"""What chapter 15 tells of a network of anyone's, whether it adds or not, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.battery import clusters_of
from modlib.analysis.battery_numbers import Battery
from modlib.chapters.battery_page import about_task, headline
from modlib.chapters.inspect import UNDECIDED
from modlib.chapters.words import TINY, Rows, percent
from modlib.config.thresholds import DEFAULT
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.pair_view import Additive

ROUNDING = 1e-10
"""Share of variance that rounding leaves."""
SAME = 1e-3
"""Largest difference of logits, over their standard deviation, of tables that are the network."""


class Source(NamedTuple):
    """Where a network comes from; ``published``: of the chapter's own example, whether others made
    it, None for a checkpoint that was given."""

    name: str
    n: int
    num_neurons: int
    layout: str
    published: bool | None


def source(network: ForeignNetwork, published: bool | None) -> Source:
    """Where the network of the chapter comes from."""
    return Source(network.name, network.n, network.view.num_neurons, network.layout, published)


class VerdictFacts(NamedTuple):
    """Whether it solves its task, in one line, and how that was found; smallest ``margin`` in
    logits."""

    n: int
    solves: bool
    task: str
    decided: str
    headline: str
    margin: float
    accuracy: float


def verdict(found: Battery) -> VerdictFacts:
    """Whether the network solves the task."""
    task, decided = found.task.name, about_task(found)
    told = (headline(found), found.margin, found.accuracy)
    return VerdictFacts(found.n, found.solves, task, decided, *told)


class Additivity(NamedTuple):
    """Whether preactivations are a part of a plus a part of b; shares of variance that are not;
    ``alone``: accuracy of the nearest sum."""

    exact: bool
    preact_error: float
    skip_error: float
    alone: float


def additivity(found: Battery) -> Additivity:
    """Whether the preactivations are a part of a plus a part of b."""
    alone = found.accuracy_additive or 0.0
    return Additivity(found.exact, found.preact_error, found.skip_error, alone)


def cosets(found: Battery) -> Rows:
    """Which coset each cluster's frequency knows, exact or approximate; {} without clusters."""
    if not found.clusters:
        return {}
    clusters = found.clusters
    kinds = [f"exact, {c.coset.size} answers" if c.coset.exact else "approximate" for c in clusters]
    return {
        "f": [str(cluster.freq) for cluster in clusters],
        "neurons": [str(cluster.num_neurons) for cluster in clusters],
        "coset": kinds,
        "step": [str(cluster.coset.step) for cluster in clusters],
        "period": [f"{cluster.coset.period:.2f}" for cluster in clusters],
        "explained by one cosine": [_share(cluster.explained) for cluster in clusters],
        "right alone": [_share(cluster.share_rank_0) for cluster in clusters],
    }


def _share(share: float | None) -> str:
    """A percentage, with less than a hundredth of a percent as just that."""
    if share is None:
        return "-"
    words = percent(share) if share >= TINY or share == 0 else f"less than {percent(TINY)}"
    return words.replace(" %", "\u00a0%")


class SumFacts(NamedTuple):
    """Share of the summed votes' variance that one cosine a cluster explains; None without any."""

    num_clusters: int
    explained: float | None
    num_pairs: int


def summed(found: Battery) -> SumFacts:
    """How much of all votes the cosines of the clusters explain."""
    explained = found.votes_explained if found.clusters else None
    return SumFacts(len(found.clusters), explained, found.n**2)


def nearest_sums(additive: Mapping[str, Additive]) -> list[tuple[str, float | None, bool]]:
    """Of each table of preactivations: its name, the share of variance that the nearest sum leaves
    (None: rounding), and whether it is a sum of two tables."""
    return [
        (name, None if one.preact_error < ROUNDING else float(one.preact_error), one.exact)
        for name, one in additive.items()
    ]


class Rebuilt(NamedTuple):
    """Largest difference of the tables' logits from the module's, and the logits' deviation."""

    num_pairs: int
    gap: float
    spread: float
    same: bool


def rebuilt(tables: Float[np.ndarray, "a b c"], logits: Float[np.ndarray, "a b c"]) -> Rebuilt:
    """How far the logits of the tables are from the module's own."""
    gap, spread = float(np.abs(tables - logits).max()), float(logits.std())
    return Rebuilt(logits.shape[0] ** 2, gap, spread, gap < SAME * spread)


class ProductFacts(NamedTuple):
    """A network told in the logarithms of its inputs, modulo ``n``: ``before``: its clusters in
    their own order; ``simple``: of live neurons; ``exact``: frequencies with the size of their
    cosets."""

    n: int
    headline: str
    num_live: int
    before: int
    num_clusters: int
    simple: float
    exact: list[tuple[int, int]]


def product(found: Battery, own: ForeignNetwork) -> ProductFacts:
    """What renaming its inputs makes of a network; ``own``: before that."""
    return ProductFacts(
        n=found.n,
        headline=headline(found),
        num_live=found.num_live,
        before=len(clusters_of(own).clusters),
        num_clusters=len(found.clusters),
        simple=found.share_simple or 0.0,
        exact=[(one.freq, one.coset.size) for one in found.clusters if one.coset.exact],
    )


class CourseFacts(NamedTuple):
    """Epochs of a training: with the first cluster, and ``then`` right on so many pairs, of which
    ``trained_on`` are; from which on the task is solved. None where never."""

    num_times: int
    first_cluster: int | None
    then: float
    trained_on: float
    solved_at: int | None


def course(table: pd.DataFrame, trained_on: float) -> CourseFacts:
    """What the battery tells along a training (``inspect.along``) on this share of the pairs."""
    solved = (table.task != UNDECIDED) & (table.accuracy >= DEFAULT.learned_from)
    last_open = int(np.flatnonzero(~solved)[-1]) if (~solved).any() else -1
    at = table["index"].tolist()
    with_cluster = np.flatnonzero(table.clusters != "")
    first = int(with_cluster[0]) if len(with_cluster) else None
    return CourseFacts(
        num_times=len(table),
        first_cluster=None if first is None else at[first],
        then=0.0 if first is None else float(table.accuracy[first]),
        trained_on=trained_on,
        solved_at=at[last_open + 1] if last_open + 1 < len(at) else None,
    )


class AnswerFacts(NamedTuple):
    """What of paper A's findings holds for this network, beside one of ours, and for the one that
    multiplies."""

    solves: bool
    task: str
    simple: float
    ours_simple: float
    ours_solves: bool
    num_clusters: int
    explained: float
    product_clusters: int
    product_explained: float


def answer(found: Battery, ours: Battery, of_product: Battery) -> AnswerFacts:
    """The answer to the chapter's question."""
    return AnswerFacts(
        solves=found.solves,
        task=found.task.name,
        simple=found.share_simple or 0.0,
        ours_simple=ours.share_simple or 0.0,
        ours_solves=ours.solves,
        num_clusters=len(found.clusters),
        explained=found.logits_explained or 0.0,
        product_clusters=len(of_product.clusters),
        product_explained=of_product.logits_explained or 0.0,
    )


COMPARED = {
    "right on all pairs": "accuracy",
    "simple, of live neurons": "share_simple",
    "output led by the input's frequency": "share_same_freq",
    "votes explained by a cosine a cluster": "votes_explained",
}


def comparison(found: Mapping[str, Battery]) -> Rows:
    """A few numbers of several networks side by side, a column a network."""
    labels = ["n", "clusters", *COMPARED, "median phase error (turns)"]
    columns: Rows = {" ": labels}
    for name, one in found.items():
        error = one.median_phase_error
        shares = [_share(getattr(one, measure)) for measure in COMPARED.values()]
        last = "-" if error is None else f"{error:.3g}"
        columns[name] = [f"{one.n}", f"{len(one.clusters)}", *shares, last]
    return columns


class CalibrationFacts(NamedTuple):
    """``rows``: a row a layout, {} where none is committed; sums over random and planted ones."""

    rows: Rows
    num_random: int
    false_clusters: int
    false_tasks: int
    num_planted: int
    found: int
    tasks: int


def calibration(table: pd.DataFrame | None) -> CalibrationFacts:
    """What was seen in random and planted networks of each layout (``show_calibration``)."""
    if table is None:
        return CalibrationFacts({}, 0, 0, 0, 0, 0, 0)
    rates = ["" if rate != rate else f", rate {rate:g}" for rate in table.rate]
    columns: Rows = {
        "layout": [f"`{x}`{rate}" for x, rate in zip(table.layout, rates, strict=True)]
    }
    for name in table.columns[2:]:
        columns[name] = [str(count) for count in table[name]]
    sums = table[list(table.columns[2:])].sum()
    return CalibrationFacts(
        rows=columns,
        num_random=int(sums["random"]),
        false_clusters=int(sums["with a cluster"]),
        false_tasks=int(sums["with a task"]),
        num_planted=int(sums["planted"]),
        found=int(sums["found"]),
        tasks=int(sums["task"]),
    )
