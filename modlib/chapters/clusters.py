"""Sentences of chapter 04."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.meso.clusters import Cluster, Clustering, CosineFit
from modlib.chapters.words import about_clusters, count, percent
from modlib.maths.circular import chance_resultant, mean_resultant_length
from modlib.maths.fourier import power_spectrum


def about_columns(shares: Float[np.ndarray, "neuron freq"], clustering: Clustering) -> str:
    """How much of the clustered neurons' power lies in the clusters' columns."""
    seen = about_clusters(clustering)
    clusters = clustering.clusters
    if not clusters:
        return f"*Seen here*: {seen}"
    members = np.concatenate([cluster.neurons for cluster in clusters])
    freqs = sorted({cluster.freq for cluster in clusters})
    held = shares[members][:, freqs].sum() / len(members)
    return (
        f"*Seen here*: {seen} {count(len(freqs), 'column')[0].upper()}"
        f"{count(len(freqs), 'column')[1:]} hold {percent(float(held))} of the power of all "
        "clustered neurons."
    )


def about_remapping(slow: list[Float[np.ndarray, "member n"]], unit: int, cluster: Cluster) -> str:
    """How many of a cluster's neurons have the frequency gcd(f, n) once remapped."""
    power = sum(power_spectrum(signals)[:, 1:] for signals in slow)
    as_said = int((np.argmax(power, axis=1) + 1 == cluster.coset_size).sum())
    return (
        f"*Seen here*: the unit is {unit}, gcd({cluster.freq}, {cluster.n}) = "
        f"{cluster.coset_size}, and {as_said} of {cluster.num_neurons} neurons have that dominant "
        "frequency once remapped."
    )


def about_phases(phases: pd.DataFrame, cluster: Cluster) -> str:
    """Whether input and output phases agree, and how evenly the phases are spread."""
    if phases.empty:
        return f"*Seen here*: frequency {cluster.freq} is n/2, which has no phase."
    errors = phases.phase_error.abs()
    spread = mean_resultant_length(phases.t_a.to_numpy(), cluster.n)
    chance = chance_resultant(len(phases))
    return (
        f"*Seen here*: over {count(len(phases), 'neuron')} the median of |t_A + t_B - t_D| is "
        f"{errors.median():.2f} and its largest value {errors.max():.2f}, where a whole turn is "
        f"{cluster.n}. The phases t_A have a mean resultant length of {spread:.2f}; as many "
        f"phases drawn at random would have about {chance:.2f}, evenly spaced ones 0."
    )


def about_vote(fit: CosineFit, ranks: Float[np.ndarray, "a b"], cluster: Cluster) -> str:
    """How well one cosine tells a cluster's logits, and where it puts the right answer."""
    first = float((ranks == 0).mean())
    text = (
        f"*Seen here*: one cosine with one amplitude, A = {fit.amplitude:.2f}, and its phase fixed "
        f"at a + b explains {percent(fit.explained)} of the variance of this cluster's logits "
        f"over all {ranks.size:,} pairs. "
    )
    if cluster.coset_size > 1:
        text += (
            f"The {cluster.coset_size} answers of a coset get nearly the same logit, so which of "
            "them comes first is decided by the rest of the variance. "
        )
    return text + (
        f"Left to itself the cluster puts the right answer first for {percent(first)} of the "
        f"pairs; on average {ranks.mean():.1f} others stand before it."
    )
