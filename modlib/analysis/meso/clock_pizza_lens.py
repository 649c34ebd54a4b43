"""What paper A's lens sees of a clock and of a pizza: clusters by pairs, circles alone, shifts.

Paper A, section 5.5 and appendix B.1.1, on the networks of Zhong et al. 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from modlib.analysis.meso.clock_pizza import (
    NUM_COMPONENTS,
    circularity,
    distance_irrelevance,
    drawn_symmetricity,
    explained_by_formulas,
    gradient_cosines,
    right_logits,
)
from modlib.analysis.meso.clusters import (
    Cluster,
    centre,
    fit_cosine,
    in_coset,
)
from modlib.analysis.meso.pair_clusters import cluster_by_pairs
from modlib.analysis.micro.neurons import is_live
from modlib.errors import InputError
from modlib.maths.fourier import require_freq
from modlib.maths.groups import approximate_coset, remapping_unit, signed_freq
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.foreign.views_of import Respond
from modlib.models.views.neuron_view import NeuronView
from modlib.models.views.pair_view import PairView

CLUSTER_COLUMNS = (
    *("freq", "num_neurons", "step", "period", "amplitude", "explained", "coset_overlap"),
)


def lens_clusters(pairs: PairView, clusters: Sequence[Cluster]) -> pd.DataFrame:
    """What paper A's lens sees of each cluster at any attention rate: a row each.

    ``freq``, ``num_neurons``, ``step``, ``period``: of the cluster; ``amplitude``, ``explained``:
    ``fit_cosine`` of its contribution, over all pairs; ``coset_overlap``: see there.
    """
    rows = []
    for cluster in clusters:
        contribution = pairs.contribution(cluster.neurons)
        fit = fit_cosine(contribution, cluster.freq)
        rows.append(
            (
                cluster.freq,
                cluster.num_neurons,
                cluster.step,
                cluster.period,
                fit.amplitude,
                fit.explained,
                coset_overlap(contribution, cluster.freq),
            )
        )
    return pd.DataFrame(rows, columns=list(CLUSTER_COLUMNS))


def coset_overlap(
    contribution: Float[np.ndarray, "a b c"], freq: int, threshold: float = 0.5
) -> float:
    """How near the answers that a cluster votes for are to a + b plus its approximate coset.

    Pair by pair, not of an average: the Jaccard index of the answers with ``threshold`` of the
    pair's highest vote or more and those where one cosine has as much; the mean over pairs. Of
    the shape of the votes alone: how loud a pair's votes are, which in a pizza depends on a - b,
    is seen by the share that one cosine explains.
    """
    n = len(contribution)
    voted = in_coset(centre(contribution), threshold)
    k = np.arange(n)
    ideal = np.isin(k, approximate_coset(n, freq, 0, threshold))
    shifted = ideal[(k - k[:, None, None] - k[:, None]) % n]
    return float(((voted & shifted).sum(-1) / (voted | shifted).sum(-1)).mean())


def with_freqs(network: ForeignNetwork, freqs: Sequence[int]) -> Float[np.ndarray, "a b c"]:
    """Logits where the embeddings keep these frequencies and their mean only.

    One frequency is one circle of Zhong et al., section 3. Raises ``InputError`` for a network
    without embeddings.
    """
    respond, embeddings = embedded(network)
    n = network.n
    wanted = {0, *(require_freq(freq, n) for freq in freqs)}
    kept = []
    for embedding in embeddings:
        spectrum = np.fft.rfft(embedding, axis=0)
        spectrum[[f for f in range(len(spectrum)) if f not in wanted]] = 0
        kept.append(torch.tensor(np.fft.irfft(spectrum, n, axis=0)))
    k = torch.arange(n)
    with torch.no_grad():
        logits = respond(kept[0][k.repeat_interleave(n)], kept[1][k.repeat(n)])
    return logits.numpy().reshape(n, n, n)


def embedded(
    network: ForeignNetwork,
) -> tuple[Respond, tuple[Float[np.ndarray, "n embed"], Float[np.ndarray, "n embed"]]]:
    """How a network responds to embeddings, and its own of a and b."""
    if network.respond is None or network.embedding is None or network.embedding_b is None:
        raise InputError("network", "have embeddings of a and of b", network.layout)
    return network.respond, (network.embedding, network.embedding_b)


KEPT = ("the circle alone", "with its double", "the whole cluster")


def circle_table(network: ForeignNetwork, clusters: Sequence[Cluster]) -> pd.DataFrame:
    """What either formula explains of each cluster's frequency: a row a cluster and ``KEPT``.

    ``freq``, ``kept``, ``clock``, ``pizza``: shares of the variance over answers. Of the logits
    where the embeddings keep f alone, and where they keep f and 2 f; and of what the cluster's
    neurons contribute in the whole network.
    """
    rows = []
    pairs = network.pairs
    for cluster in clusters:
        freq = cluster.freq
        double = signed_freq(2 * freq, network.n)
        of_kept = (
            with_freqs(network, [freq]),
            with_freqs(network, [freq, *([double] if double else [])]),
            pairs.contribution(cluster.neurons),
        )
        for kept, logits in zip(KEPT, of_kept, strict=True):
            rows.append((freq, kept, *explained_by_formulas(logits, [freq])))
    return pd.DataFrame(rows, columns=["freq", "kept", "clock", "pizza"])


def circle_maps(
    network: ForeignNetwork, clusters: Sequence[Cluster]
) -> dict[str, Float[np.ndarray, "y x"]]:
    """``right_logits`` of the first cluster by what is kept, as in ``circle_table``.

    Rows are in steps of the unit that remaps f: row y is an angle of 2 pi gcd(f, n) y / n between
    a and b on the circle. Empty where there is no cluster.
    """
    if not clusters:
        return {}
    n, freq = network.n, clusters[0].freq
    double = signed_freq(2 * freq, n)
    parts = {
        f"f = {freq} alone": with_freqs(network, [freq]),
        f"with 2f = {double}": with_freqs(network, [freq, double] if double else [freq]),
        "the whole cluster": network.pairs.contribution(clusters[0].neurons),
    }
    unit = remapping_unit(freq, n)
    return {name: right_logits(part, unit) for name, part in parts.items()}


class Described(NamedTuple):
    """``measures`` of a network by name; its ``lens_clusters``; its ``circle_table``; its
    ``shift_table``, without rows where preactivations are no sums over a and b."""

    measures: dict[str, float | int]
    clusters: pd.DataFrame
    circles: pd.DataFrame
    shifts: pd.DataFrame


def describe(network: ForeignNetwork) -> Described:
    """What tells clock from pizza, and what paper A's lens sees, of one network.

    ``accuracy``, ``margin``: over all pairs; ``norm``; ``symmetricity`` over all triples and
    ``symmetricity_100`` over 100 drawn ones; ``distance_irrelevance``; ``circularity``;
    ``clock``, ``pizza``: shares of the logits' variance that the formulas explain at the
    clusters' frequencies, ``clock_alone``, ``pizza_alone``, ``clock_double``, ``pizza_double``:
    the same in ``circle_table``, mean over clusters; ``preact_error``, ``skip_error``,
    ``view_accuracy``: of the best additive view; ``num_clusters``; ``explained``,
    ``coset_overlap``: of ``lens_clusters``, mean over clusters; ``share_simple``,
    ``median_residual``: of the view's live neurons. Raises ``InputError`` for a network without
    embeddings.
    """
    respond, embeddings = embedded(network)
    pairs = network.pairs
    logits, scores = pairs.logits(), pairs.evaluate()
    cosines = gradient_cosines(respond, *embeddings)
    found, table, _ = cluster_by_pairs(pairs, network.view)
    clusters = lens_clusters(pairs, found)
    freqs = [cluster.freq for cluster in found]
    circles = circle_table(network, found)
    means = circles.groupby("kept")[["clock", "pizza"]].mean().reindex(KEPT)
    whole = explained_by_formulas(logits, freqs)
    live = table[is_live(table)]
    measures: dict[str, float | int] = {
        "accuracy": scores.accuracy,
        "margin": scores.margin,
        "norm": np.nan if network.norm is None else network.norm,
        "symmetricity": float(cosines.mean()),
        "symmetricity_100": drawn_symmetricity(cosines),
        "distance_irrelevance": distance_irrelevance(logits),
        "circularity": circularity(
            embeddings[0], num_components=min(NUM_COMPONENTS, network.n - 1, embeddings[0].shape[1])
        ),
        "clock": whole.clock,
        "pizza": whole.pizza,
        "clock_alone": float(means.clock.iloc[0]),
        "pizza_alone": float(means.pizza.iloc[0]),
        "clock_double": float(means.clock.iloc[1]),
        "pizza_double": float(means.pizza.iloc[1]),
        "preact_error": network.preact_error,
        "skip_error": network.skip_error,
        "view_accuracy": network.view.evaluate().accuracy,
        "num_clusters": len(clusters),
        "explained": float(clusters.explained.mean()),
        "coset_overlap": float(clusters.coset_overlap.mean()),
        "share_simple": float((live.kind == "simple").mean()),
        "median_residual": float(live.residual.median()),
    }
    shifts = shift_table(network.view, found if network.exact else [])
    return Described(measures, clusters, circles, shifts)


def shift_profile(
    preact: Float[np.ndarray, "n neuron"],
) -> Float[np.ndarray, " shift"]:
    """How strong neurons are at a + s where they are strong at a, for s = 0 .. n - 1.

    Each neuron's preactivation less its mean, over its standard deviation, at the shifted inputs,
    averaged over the tenth of the inputs at which it is strongest and over neurons.
    """
    n = len(preact)
    spread = preact.std(0)
    scaled = (preact - preact.mean(0)) / np.where(spread > 0, spread, 1.0)
    count = max(1, round(n / 10))
    strongest = np.argsort(-scaled, axis=0, kind="stable")[:count]
    columns = np.arange(scaled.shape[1])
    return np.array([scaled[(strongest + s) % n, columns].mean() for s in range(n)])


SHIFT_COLUMNS = ("freq", "shift", "strength")


def shift_table(view: NeuronView, clusters: Sequence[Cluster]) -> pd.DataFrame:
    """A row a cluster and shift: ``freq``, ``shift``, ``strength``: ``shift_profile``, the mean
    of both inputs."""
    rows = []
    for cluster in clusters:
        parts = (part[:, cluster.neurons] for part in (view.preact_a, view.preact_b))
        profile = np.mean([shift_profile(part) for part in parts], axis=0)
        rows += [(cluster.freq, shift, strength) for shift, strength in enumerate(profile)]
    return pd.DataFrame(rows, columns=list(SHIFT_COLUMNS))


def shift_rank(profile: Float[np.ndarray, " shift"], freq: int, shift: int) -> float:
    """Share of all other shifts at which neurons of a frequency are weaker than at +- ``shift``.

    The mean of both directions. A wave of frequency f cannot tell shifts that differ by n / g,
    g = gcd(f, n), so none of these is another one, and neither is one that changes nothing. NaN
    where the shift itself changes nothing and where there are no others.
    """
    n = len(profile)
    if shift % n == 0:
        raise InputError("shift", f"be no multiple of {n}", shift)
    period = n // gcd(freq, n)
    moved = np.arange(n) % period
    own = np.isin(moved, [shift % period, -shift % period])
    others = profile[~own & (moved != 0)]
    if shift % period == 0 or not len(others):
        return float("nan")
    return float((others < profile[[shift % n, -shift % n]].mean()).mean())
