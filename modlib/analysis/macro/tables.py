"""Everything that is kept of a network once its weights are put away: three small tables.

``many_seeds.census`` describes thousands of networks instead: in single precision, with other
random draws, and without phases' spread, waves and noise, so that neither makes the other's
numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import NamedTuple

import numpy as np
import pandas as pd

from modlib.analysis.macro.crt import cluster_report
from modlib.analysis.many_seeds.census import under_one_another
from modlib.analysis.meso.clusters import Clustering, cluster_neurons
from modlib.analysis.meso.interventions import PAPER_SIGMA, noise_curve, removal_curve
from modlib.analysis.micro.embeddings import (
    component_pairs,
    diagonal_embedding,
    principal_components,
)
from modlib.analysis.micro.harmonics import fit_waves
from modlib.analysis.micro.neurons import KINDS, input_magnitude, input_power, is_live
from modlib.maths.circular import mean_resultant_length
from modlib.maths.fourier import power_spectrum
from modlib.maths.groups import remap, remapping_unit
from modlib.models.views.neuron_view import NeuronView

LARGE = 8
"""Neurons from which a cluster counts as large: smaller ones cannot be equivariant (A31)."""
NUM_COMPONENTS = 6
"""Leading components whose pairs are classified: as many as the paper draws (A8 to A16)."""


class NetworkTables(NamedTuple):
    """A row a network, a row a cluster, a row a live neuron."""

    summary: pd.DataFrame
    clusters: pd.DataFrame
    neurons: pd.DataFrame


def neurons_kept(view: NeuronView, clustering: Clustering) -> pd.DataFrame:
    """The live rows of the neuron table with what the claims need beside them.

    ``spike``, ``secondary``: largest and next |h^_A|, unnormalised; ``freq_1`` to ``freq_3``: the
    strongest frequencies in falling order; ``remapped_freq``: dominant frequency after remapping
    by the unit of ``freq``; ``full``, ``hump``, ``flank``: R^2 of ``fit_waves`` on the remapped
    preactivation of a, for fine-tuning neurons (else NaN).
    """
    live = np.flatnonzero(is_live(clustering.table))
    kept = clustering.table.iloc[live].reset_index(drop=True)
    power = input_power(view)[live]
    # A modulus below 6 has fewer than three frequencies: the mean, without power, fills up.
    ranked = np.argsort(-power, axis=1, kind="stable")
    strongest = np.pad(ranked, ((0, 0), (0, max(0, 3 - ranked.shape[1]))))[:, :3]
    magnitude = np.sort(input_magnitude(view)[live] * (np.arange(power.shape[1]) > 0), axis=1)
    kept["spike"], kept["secondary"] = magnitude[:, -1], magnitude[:, -2]
    for place in range(3):
        kept[f"freq_{place + 1}"] = strongest[:, place]
    remapped_freq = []
    waves = pd.DataFrame(np.nan, index=kept.index, columns=["full", "hump", "flank"])
    for row, (neuron, freq, kind) in enumerate(zip(kept.neuron, kept.freq, kept.kind, strict=True)):
        unit = remapping_unit(int(freq), view.n)
        signals = remap(np.stack([view.preact_a[:, neuron], view.preact_b[:, neuron]]), unit)
        spectrum = power_spectrum(signals).sum(0)
        remapped_freq.append(int(spectrum[1:].argmax()) + 1)
        if kind == "fine-tuning":
            fits = fit_waves(signals[0], gcd(int(freq), view.n))
            waves.loc[row] = {name: fit.explained for name, fit in fits.items()}
    return kept.assign(remapped_freq=remapped_freq).join(waves)


def clusters_kept(view: NeuronView, clustering: Clustering) -> pd.DataFrame:
    """``cluster_report`` with each cluster's spread of phases and what breaking it does.

    ``num_phases``, ``resultant``: neurons with a phase and the mean resultant length of their
    t_a; ``noise_accuracy``, ``noise_loss``: at sigma .225, mean over draws; ``removed_accuracy``,
    ``removed_loss``: without the cluster; ``control_loss``: without as many live neurons drawn
    at random, mean over draws.
    """
    report = cluster_report(view, clustering.clusters)
    live = is_live(clustering.table)
    rows = []
    for cluster in clustering.clusters:
        phases = clustering.table.t_a.iloc[cluster.neurons].dropna().to_numpy()
        noise = noise_curve(view, cluster.neurons, sigmas=(PAPER_SIGMA,))
        removed = removal_curve(view, cluster.neurons, fractions=(1.0,), num_draws=1)
        control = removal_curve(view, cluster.neurons, fractions=(1.0,), control=live)
        rows.append(
            {
                "num_phases": len(phases),
                "resultant": mean_resultant_length(phases, view.n) if len(phases) else np.nan,
                "noise_accuracy": noise.accuracy.mean(),
                "noise_loss": noise.loss.mean(),
                "removed_accuracy": removed.accuracy.mean(),
                "removed_loss": removed.loss.mean(),
                "control_loss": control.loss.mean(),
            }
        )
    columns = [
        "num_phases",
        "resultant",
        "noise_accuracy",
        "noise_loss",
        "removed_accuracy",
        "removed_loss",
        "control_loss",
    ]
    return pd.concat([report, pd.DataFrame(rows, columns=columns)], axis=1)


def describe(view: NeuronView) -> NetworkTables:
    """The tables of one network; ``summary`` has one row.

    ``accuracy``, ``loss``, ``margin``: over all pairs, the margin the smallest;
    ``num_pairs``, ``num_pairs_agree``: pairs of leading components and on how many spectra and
    ellipse agree; ``num_pairs_apart``: how many are circular though their dominant frequencies
    differ (0 where the view has no embeddings).
    """
    clustering = cluster_neurons(view)
    scores = view.evaluate()
    pairs = pairs_agree = pairs_apart = 0
    if view.factors is not None:
        embedding = diagonal_embedding(view.factors)
        most = min(NUM_COMPONENTS, *embedding.shape)
        table = component_pairs(principal_components(embedding, most))
        pairs, pairs_agree = len(table), int((table.same_freq == table.circular).sum())
        pairs_apart = int((table.circular & (table.freq_first != table.freq_second)).sum())
    kinds = clustering.table.kind.value_counts()
    summary = {
        "n": view.n,
        "accuracy": scores.accuracy,
        "loss": scores.loss,
        "margin": scores.margin,
        "num_neurons": view.num_neurons,
        "num_live": int(is_live(clustering.table).sum()),
        "num_loose": len(clustering.loose),
        "num_clusters": len(clustering.clusters),
        "num_fine_tuning": sum(c.kind == "fine-tuning" for c in clustering.clusters),
        "num_mixed": sum(c.kind == "mixed" for c in clustering.clusters),
        "num_pairs": pairs,
        "num_pairs_agree": pairs_agree,
        "num_pairs_apart": pairs_apart,
        **{f"neurons_{kind}": int(kinds.get(kind, 0)) for kind in KINDS if kind != "dead"},
    }
    return NetworkTables(
        pd.DataFrame([summary]), clusters_kept(view, clustering), neurons_kept(view, clustering)
    )


def stack(tables: Sequence[NetworkTables], seeds: Sequence[int]) -> NetworkTables:
    """NetworkTables of several networks under one another, with a first column ``seed``."""
    return NetworkTables(*(under_one_another(parts, seeds) for parts in zip(*tables, strict=True)))
