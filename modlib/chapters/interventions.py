"""Sentences of chapter 05."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, factorial

import numpy as np
import pandas as pd

from modlib.analysis.meso.clusters import Cluster
from modlib.analysis.meso.interventions import PAPER_SIGMA, rank_correlation
from modlib.chapters.words import count, listed, percent
from modlib.models.views.neuron_view import NeuronView, Scores

NOTICED = 0.001
"""Change of accuracy, a tenth of a point, from which a sentence mentions it."""
NO_CLUSTER = (
    "*Seen here*: this network has no cluster to break. What it loses with random neurons is in "
    "the last figure."
)


def about_baseline(scores: Scores, n: int) -> str:
    """The untouched network on all pairs, seen and unseen."""
    margin = (
        f"the right answer leads by {scores.margin:.2f} logits where it leads least"
        if scores.margin > 0
        else f"in the worst pair the right answer is {-scores.margin:.2f} logits behind another"
    )
    return (
        f"**Untouched**: {percent(scores.accuracy)} right on all {n * n:,} pairs, trained on or "
        f"not; mean loss {scores.loss:.4f} nats; {margin}."
    )


def about_weights(view: NeuronView, clusters: Sequence[Cluster]) -> str:
    """How many weights belong to a neuron, to a cluster, and to the network."""
    inputs = 2 * view.n
    shared = view.n
    kind = f"{inputs} entries of the preactivation tables"
    if view.factors is not None:
        inputs = view.factors.w_a.shape[0] + view.factors.w_b.shape[0]
        shared += view.factors.embed_a.size + view.factors.embed_b.size
        kind = f"{inputs} input weights"
    each = inputs + 1 + view.n
    text = f"That is {kind}, one bias and {view.n} output weights: {each} numbers a neuron"
    if clusters:
        biggest = clusters[0]
        total = each * view.num_neurons + shared
        number = each * biggest.num_neurons
        text += f", {number:,} of the network's {total:,} for the largest cluster"
    return (
        f"{text}. Two thirds of the factors lie between exp(-σ) and exp(σ): for σ = "
        f"{PAPER_SIGMA:g} between {exp(-PAPER_SIGMA):.2f} and {exp(PAPER_SIGMA):.2f}. No weight "
        "changes its sign."
    )


def about_noise(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> str:
    """Loss and accuracy at the paper's sigma, cluster by cluster, and where accuracy gives way.

    ``summary``: ``over_draws`` of the noise curves by cluster, control and sigma.
    """
    if not clusters:
        return NO_CLUSTER
    levels = np.sort(summary.sigma.unique())
    sigma = PAPER_SIGMA if PAPER_SIGMA in levels else float(levels[-1])
    base = float(summary[summary.sigma == 0.0].loss.iloc[0])
    lines = [
        f"At σ = {sigma:g}, means over draws:\n",
        "| cluster | neurons | loss, times untouched | accuracy | random neurons: loss, times "
        "untouched | accuracy |",
        "|---|---|---|---|---|---|",
    ]
    at = summary[summary.sigma == sigma].set_index(["cluster", "control"])
    for cluster in clusters:
        own, control = at.loc[(cluster.index, False)], at.loc[(cluster.index, True)]
        lines.append(
            f"| f = {cluster.freq} | {cluster.num_neurons} | {own.loss / base:.2f} | "
            f"{percent(own.accuracy)} | {control.loss / base:.2f} | {percent(control.accuracy)} |"
        )
    worse = [
        c.freq for c in clusters if at.loc[(c.index, False)].loss > at.loc[(c.index, True)].loss
    ]
    own = summary[~summary.control.astype(bool)]
    untouched = float(own[own.sigma == 0.0].accuracy.iloc[0])
    fallen = own[own.accuracy < untouched - 0.01]
    gives = (
        f"accuracy first falls by more than a point at σ = {fallen.sigma.min():g} "
        f"({_of_clusters(fallen[fallen.sigma == fallen.sigma.min()].cluster, clusters)})."
        if len(fallen)
        else f"up to σ = {levels[-1]:g} no cluster's noise takes more than a point of accuracy."
    )
    compared = (
        "Noise on the cluster costs more than on as many random neurons for "
        f"{_out_of(len(worse), clusters)}."
    )
    return "\n".join(lines) + f"\n\n*Seen here*: {gives} {compared}"


def _out_of(number: int, clusters: Sequence[Cluster]) -> str:
    return f"{number} of {len(clusters)} cluster{'' if len(clusters) == 1 else 's'}"


def _of_clusters(indices: pd.Series, clusters: Sequence[Cluster]) -> str:
    freq = {cluster.index: cluster.freq for cluster in clusters}
    return f"f = {listed(sorted(freq[int(i)] for i in indices))}"


def about_half(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> str:
    """Whether half of a cluster is worse than none of it, by accuracy and by loss.

    ``summary``: ``over_draws`` of the removal curves by cluster, control and fraction, with the
    shares .5 and 1.
    """
    if not clusters:
        return NO_CLUSTER
    own = summary[~summary.control.astype(bool)]
    at = own.set_index(["cluster", "fraction"])
    dips, louder, spared = [], 0, []
    for cluster in clusters:
        half, none = at.loc[(cluster.index, 0.5)], at.loc[(cluster.index, 1.0)]
        louder += int(half.loss > none.loss)
        if half.accuracy < none.accuracy - NOTICED:
            dips.append(
                f"f = {cluster.freq} ({percent(half.accuracy)} with half of it, "
                f"{percent(none.accuracy)} with none)"
            )
        elif half.accuracy == none.accuracy == at.loc[(cluster.index, 0.0)].accuracy:
            spared.append(cluster.freq)
    text = "*Seen here*: "
    if dips:
        text += f"half of a cluster is worse than none of it for {listed(dips)}. "
    else:
        text += "no cluster is missed more by half than when it is gone. "
    if spared:
        text += f"Accuracy does not notice the loss of f = {listed(spared)}, by half or in full. "
    text += (
        "The loss, which sees margins as well as winners, is larger at half than at the end for "
        f"{_out_of(louder, clusters)}."
    )
    control = summary[summary.control.astype(bool) & (summary.fraction == 1.0)].set_index("cluster")
    harder = [c.freq for c in clusters if control.loss[c.index] > at.loc[(c.index, 1.0)].loss]
    return (
        f"{text} Taking as many random neurons raises the loss more than taking the whole cluster "
        f"for {_out_of(len(harder), clusters)}."
    )


def about_votes(summary: pd.DataFrame, clusters: Sequence[Cluster]) -> str:
    """What is left of the cosine with half of the neurons, and what appears beside it.

    ``summary``: ``over_draws`` of ``votes_left`` by cluster and fraction.
    """
    if not clusters:
        return NO_CLUSTER
    at = summary.set_index(["cluster", "fraction"])
    kept, whole, half = [], [], []
    for cluster in clusters:
        full = at.loc[(cluster.index, 0.0)]
        part = at.loc[(cluster.index, 0.5)]
        kept.append(part.amplitude / full.amplitude if full.amplitude else np.nan)
        whole.append(full.rest)
        half.append(part.rest)
    grows = np.array(half) > np.array(whole)
    return (
        "*Seen here* (medians over clusters): with half of its neurons a cluster keeps "
        f"{percent(float(np.nanmedian(kept)))} of its amplitude. The rest was "
        f"{np.median(whole):.2f} logits with all neurons and is {np.median(half):.2f} with half of "
        f"them; it is larger at half for {_out_of(int(grows.sum()), clusters)}. Once all are gone, "
        "both are 0."
    )


def about_damage(table: pd.DataFrame) -> str:
    """Which cluster matters most, and how well size and margin foretell it.

    ``table``: ``analysis.meso.interventions.damage_table``.
    """
    if table.empty:
        return NO_CLUSTER
    lines = [
        "| cluster | neurons | A | margin left | loss without | accuracy without | "
        "random neurons: loss | accuracy |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table.itertuples():
        lines.append(
            f"| f = {row.freq} | {row.num_neurons} | {row.amplitude:.2f} | {row.margin_left:.2f} | "
            f"{row.loss:.3f} | {percent(row.accuracy)} | {row.control_loss:.3f} | "
            f"{percent(row.control_accuracy)} |"
        )
    worst = table.loc[table.loss.idxmax()]
    biggest = table.loc[table.num_neurons.idxmax()]
    same = "the largest" if worst.num_neurons == biggest.num_neurons else "not the largest"
    if worst.loss > worst.loss_whole:
        text = (
            f"*Seen here*: the network misses f = {int(worst.freq)} most (loss {worst.loss:.3f}, "
            f"{worst.loss / worst.loss_whole:.1f} times untouched); it has "
            f"{int(worst.num_neurons)} neurons and is {same}."
        )
    else:
        text = "*Seen here*: the loss does not rise, whichever cluster is taken."
    loss = table.loss.to_numpy(dtype=float)
    told = []
    for name, column, sign in (("size", "num_neurons", 1), ("margin left", "margin_left", -1)):
        rho, chance = rank_correlation(sign * table[column].to_numpy(dtype=float), loss)
        if not np.isnan(rho):
            less = "" if sign > 0 else "small "
            told.append(f"{rho:.2f} for {less}{name} (random orders: {percent(chance)})")
    if not told:
        note = (
            f"With {count(len(table), 'cluster')} there is no order to correlate."
            if len(table) < 3
            else "Sizes or losses are all equal, so there is no order to correlate."
        )
        return "\n".join(lines) + f"\n\n{text} {note}"
    orders = factorial(len(table))
    return "\n".join(lines) + (
        f"\n\n{text} Spearman's correlation with the loss is {listed(told)}; in brackets the share "
        f"of all orders that reach as much. With {count(len(table), 'cluster')} even a perfect "
        f"order, one way or the other, comes up by chance once in {orders // 2:,}: one network "
        "says little, the claim below pools many."
    )


def about_networks(
    noise: Mapping[str, pd.DataFrame], removal: Mapping[str, pd.DataFrame], size: int
) -> str:
    """What each network loses with ``size`` of its neurons, first to noise, then altogether.

    ``noise``, ``removal``: by network, ``over_draws`` by sigma and by fraction.
    """
    levels = np.sort(next(iter(noise.values())).sigma.to_numpy())
    sigma = PAPER_SIGMA if PAPER_SIGMA in levels else float(levels[-1])
    lines = [
        f"| {count(size, 'neuron')} of | untouched: loss, accuracy | σ = {sigma:g} | half removed "
        "| all removed |",
        "|---|---|---|---|---|",
    ]
    for name in noise:
        at = noise[name].set_index("sigma").loc[sigma]
        cut = removal[name].set_index("fraction")
        cells = (cut.loc[0.0], at, cut.loc[0.5], cut.loc[1.0])
        shown = " | ".join(f"{cell.loss:.3f}, {percent(cell.accuracy)}" for cell in cells)
        lines.append(f"| {name} | {shown} |")
    still = [name for name, summary in noise.items() if _stands(summary.set_index("sigma"), sigma)]
    back = [name for name, summary in removal.items() if _recovers(summary.set_index("fraction"))]
    text = (
        f"*Seen here*: noise of σ = {sigma:g} leaves the loss below twice its value and accuracy "
        f"within half a point in {_named(still)}. Accuracy is higher with all of the neurons gone "
        f"than with half of them in {_named(back)}."
    )
    without = [name for name in still if not name.startswith("trained")]
    if without and sigma > 0:
        text += (
            f" A network without the algorithm ({_named(without)}) stands that noise as well: "
            "to stand it is no sign of the algorithm."
        )
    return "\n".join(lines) + f"\n\n{text}"


def _stands(summary: pd.DataFrame, sigma: float) -> bool:
    calm = summary.loss[sigma] < 2 * summary.loss[0.0]
    return bool(calm and summary.accuracy[sigma] > summary.accuracy[0.0] - 0.005)


def _recovers(summary: pd.DataFrame) -> bool:
    return bool(summary.accuracy[1.0] > summary.accuracy[0.5] + 5 * NOTICED)


def _named(names: Sequence[str]) -> str:
    return "; ".join(f"*{name}*" for name in names) or "none of them"
