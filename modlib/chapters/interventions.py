"""What chapter 05 tells of noise and removal, as numbers; also where there is no cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, factorial, nan
from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.meso.clusters import Cluster
from modlib.analysis.meso.interventions import PAPER_SIGMA, rank_correlation
from modlib.models.views.neuron_view import NeuronView, Scores

NOTICED = 0.001
"""Change of accuracy, a tenth of a point, from which a sentence mentions it."""


class Baseline(NamedTuple):
    """The untouched network; ``margin``: by how many logits the right answer leads at least."""

    num_pairs: int
    accuracy: float
    loss: float
    margin: float


def baseline(scores: Scores, n: int) -> Baseline:
    """The untouched network on all pairs, seen and unseen."""
    return Baseline(n * n, float(scores.accuracy), float(scores.loss), float(scores.margin))


class NeuronWeights(NamedTuple):
    """Numbers that belong to a neuron: ``num_inputs`` of them before it, ``each`` in all.

    ``are_weights``: the inputs are weights, not entries of the preactivation tables; ``largest``:
    numbers of the largest cluster, None without any; ``low``, ``high``: factors at one ``sigma``.
    """

    n: int
    num_inputs: int
    are_weights: bool
    each: int
    largest: int | None
    total: int
    sigma: float = PAPER_SIGMA
    low: float = exp(-PAPER_SIGMA)
    high: float = exp(PAPER_SIGMA)


def neuron_weights(view: NeuronView, clusters: Sequence[Cluster]) -> NeuronWeights:
    """How many weights belong to a neuron, to a cluster, and to the network."""
    num_inputs, others, factors = 2 * view.n, view.n, view.factors
    if factors is not None:
        num_inputs = factors.w_a.shape[0] + factors.w_b.shape[0]
        others += factors.embed_a.size + factors.embed_b.size
    each = num_inputs + 1 + view.n
    return NeuronWeights(
        n=view.n,
        num_inputs=num_inputs,
        are_weights=factors is not None,
        each=each,
        largest=each * clusters[0].num_neurons if clusters else None,
        total=each * view.num_neurons + others,
    )


def _told_level(levels: np.ndarray) -> float:
    """The paper's sigma where it was tried, else the strongest noise."""
    return PAPER_SIGMA if PAPER_SIGMA in levels else float(levels.max())


class NoisyCluster(NamedTuple):
    """Loss, times the untouched one, and accuracy with noise on a cluster and on random neurons."""

    freq: int
    num_neurons: int
    loss: float
    accuracy: float
    random_loss: float
    random_accuracy: float


class Noise(NamedTuple):
    """Means over draws at ``sigma``, a row a cluster.

    ``gives_way``: the least sigma at which accuracy falls by more than a point, for noise on the
    clusters of ``falling``; None up to ``strongest``. ``num_worse``: clusters on which noise costs
    more than on as many random neurons.
    """

    clusters: list[NoisyCluster]
    sigma: float = nan
    strongest: float = nan
    gives_way: float | None = None
    falling: Sequence[int] = ()
    num_worse: int = 0


def noise(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> Noise:
    """Loss and accuracy at the paper's sigma, cluster by cluster, and where accuracy gives way.

    ``summary``: ``over_draws`` of the noise curves by cluster, control and sigma.
    """
    if not clusters:
        return Noise([])
    levels = summary.sigma.unique()
    sigma = _told_level(levels)
    base = float(summary[summary.sigma == 0.0].loss.iloc[0])
    at = summary[summary.sigma == sigma].set_index(["cluster", "control"])
    rows = []
    for cluster in clusters:
        own, control = at.loc[(cluster.index, False)], at.loc[(cluster.index, True)]
        costs = (own.loss / base, own.accuracy, control.loss / base, control.accuracy)
        rows.append(NoisyCluster(cluster.freq, cluster.num_neurons, *map(float, costs)))
    own = summary[~summary.control.astype(bool)]
    untouched = float(own[own.sigma == 0.0].accuracy.iloc[0])
    fallen = own[own.accuracy < untouched - 0.01]
    first = fallen[fallen.sigma == fallen.sigma.min()].cluster.tolist()
    return Noise(
        clusters=rows,
        sigma=sigma,
        strongest=float(levels.max()),
        gives_way=float(fallen.sigma.min()) if len(fallen) else None,
        falling=sorted(cluster.freq for cluster in clusters if cluster.index in first),
        num_worse=sum(row.loss > row.random_loss for row in rows),
    )


class Half(NamedTuple):
    """``dips``: (freq, accuracy without half of it, without all) of clusters that are missed more
    by half; ``spared``: frequencies whose loss accuracy does not notice.

    ``num_louder``: clusters with a larger loss at half than at the end; ``num_harder``: those whose
    loss is exceeded by that without as many random neurons.
    """

    num_clusters: int
    dips: Sequence[tuple[int, float, float]] = ()
    spared: Sequence[int] = ()
    num_louder: int = 0
    num_harder: int = 0


def half(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> Half:
    """Whether half of a cluster is worse than none of it, by accuracy and by loss.

    ``summary``: ``over_draws`` of the removal curves by cluster, control and fraction, with the
    shares .5 and 1.
    """
    if not clusters:
        return Half(0)
    at = summary[~summary.control.astype(bool)].set_index(["cluster", "fraction"])
    control = summary[summary.control.astype(bool) & (summary.fraction == 1.0)].set_index("cluster")
    dips, spared, louder, harder = [], [], 0, 0
    for cluster in clusters:
        whole, part, none = (at.loc[(cluster.index, fraction)] for fraction in (0.0, 0.5, 1.0))
        louder += int(part.loss > none.loss)
        harder += int(control.loss[cluster.index] > none.loss)
        if part.accuracy < none.accuracy - NOTICED:
            dips.append((cluster.freq, float(part.accuracy), float(none.accuracy)))
        elif part.accuracy == none.accuracy == whole.accuracy:
            spared.append(cluster.freq)
    return Half(len(clusters), dips, spared, louder, harder)


class VotesLeft(NamedTuple):
    """Medians over clusters: ``kept`` of the amplitude with half of the neurons; root mean square
    of the rest, in logits, with all and with half; in how many clusters the rest grows."""

    num_clusters: int
    kept: float = nan
    rest: float = nan
    rest_at_half: float = nan
    num_grown: int = 0


def votes_left(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> VotesLeft:
    """What is left of the cosine with half of the neurons, and what appears beside it.

    ``summary``: ``over_draws`` of ``votes_left`` by cluster and fraction.
    """
    if not clusters:
        return VotesLeft(0)
    at = summary.set_index(["cluster", "fraction"])
    whole = [at.loc[(cluster.index, 0.0)] for cluster in clusters]
    part = [at.loc[(cluster.index, 0.5)] for cluster in clusters]
    both = list(zip(whole, part, strict=True))
    return VotesLeft(
        num_clusters=len(clusters),
        kept=float(np.median([b.amplitude / a.amplitude for a, b in both if a.amplitude])),
        rest=float(np.median([a.rest for a in whole])),
        rest_at_half=float(np.median([b.rest for b in part])),
        num_grown=sum(bool(b.rest > a.rest) for a, b in both),
    )


class Damaged(NamedTuple):
    """The network without a cluster, or without as many random neurons; ``margin_left``: what the
    cosines of the others would lead by."""

    freq: int
    num_neurons: int
    amplitude: float
    margin_left: float
    loss: float
    accuracy: float
    random_loss: float
    random_accuracy: float


class Damage(NamedTuple):
    """Clusters, the ``worst`` of them by loss and whether none has more neurons.

    ``times``: its loss in untouched ones, None where no loss rises. ``by_size``, ``by_margin``:
    Spearman's correlation with the loss and the share of orders that reach as much, None where
    there is no order; ``num_orders``: half of all orders.
    """

    clusters: list[Damaged]
    worst: Damaged | None = None
    is_largest: bool = False
    times: float | None = None
    by_size: tuple[float, float] | None = None
    by_margin: tuple[float, float] | None = None
    num_orders: int = 0


def damage(table: pd.DataFrame) -> Damage:
    """Which cluster matters most, and how well size and margin foretell it.

    ``table``: ``analysis.meso.interventions.damage_table``.
    """
    if table.empty:
        return Damage([])
    rows = [
        Damaged(
            freq=int(row.freq),
            num_neurons=int(row.num_neurons),
            amplitude=float(row.amplitude),
            margin_left=float(row.margin_left),
            loss=float(row.loss),
            accuracy=float(row.accuracy),
            random_loss=float(row.control_loss),
            random_accuracy=float(row.control_accuracy),
        )
        for row in table.itertuples()
    ]
    worst = max(rows, key=lambda row: row.loss)
    whole = float(table.loss_whole.iloc[0])
    return Damage(
        clusters=rows,
        worst=worst,
        is_largest=worst.num_neurons == max(row.num_neurons for row in rows),
        times=worst.loss / whole if worst.loss > whole else None,
        by_size=_order([row.num_neurons for row in rows], rows),
        by_margin=_order([-row.margin_left for row in rows], rows),
        num_orders=factorial(len(rows)) // 2,
    )


def _order(values: Sequence[float], rows: Sequence[Damaged]) -> tuple[float, float] | None:
    """Rank correlation of values with the loss, and its chance; None where there is no order."""
    loss = np.array([row.loss for row in rows])
    rho, chance = rank_correlation(np.array(values, dtype=float), loss)
    return None if np.isnan(rho) else (float(rho), float(chance))


class Outcome(NamedTuple):
    """Loss and accuracy, means over draws."""

    loss: float
    accuracy: float


class NetworkDamage(NamedTuple):
    """What a network loses with some neurons: nothing, to noise, with half and with all gone."""

    name: str
    untouched: Outcome
    noisy: Outcome
    half: Outcome
    gone: Outcome


class NetworksDamage(NamedTuple):
    """By network, with ``size`` neurons and noise of ``sigma``; ``has_cluster``: of one all are a
    cluster.

    ``calm``: networks that stand the noise, ``without``: those of them without the algorithm;
    ``back``: networks that are better without all of the neurons than without half.
    """

    size: int
    sigma: float
    has_cluster: bool
    networks: list[NetworkDamage]
    calm: list[str]
    without: list[str]
    back: list[str]


def networks_damage(
    noise: Mapping[str, pd.DataFrame], removal: Mapping[str, pd.DataFrame], size: int
) -> NetworksDamage:
    """What each network loses with ``size`` of its neurons, first to noise, then altogether.

    ``noise``, ``removal``: by network, ``over_draws`` by sigma and by fraction.
    """
    sigma = _told_level(next(iter(noise.values())).sigma.to_numpy())
    networks = []
    for name, summary in noise.items():
        cut = removal[name].set_index("fraction")
        found = (cut.loc[0.0], summary.set_index("sigma").loc[sigma], cut.loc[0.5], cut.loc[1.0])
        outcomes = (Outcome(float(row.loss), float(row.accuracy)) for row in found)
        networks.append(NetworkDamage(name, *outcomes))
    calm = [name for name, summary in noise.items() if _stands(summary.set_index("sigma"), sigma)]
    return NetworksDamage(
        size=size,
        sigma=sigma,
        has_cluster=any("cluster" in name for name in noise),
        networks=networks,
        calm=calm,
        without=[name for name in calm if sigma > 0 and not name.startswith("trained")],
        back=[one.name for one in networks if one.gone.accuracy > one.half.accuracy + 5 * NOTICED],
    )


def _stands(summary: pd.DataFrame, sigma: float) -> bool:
    calm = summary.loss[sigma] < 2 * summary.loss[0.0]
    return bool(calm and summary.accuracy[sigma] > summary.accuracy[0.0] - 0.005)
