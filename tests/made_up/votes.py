"""Made-up clusters that vote with exact cosines, and the tables that are made of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.macro import crt
from modlib.analysis.meso.clusters import Cluster, in_coset
from modlib.maths.fourier import cosine


def clusters_of(n, freqs, sizes=None):
    """Clusters of these frequencies, of ten neurons each where no sizes are given."""
    sizes = [10] * len(freqs) if sizes is None else sizes
    return [
        Cluster(index=i, freq=freq, n=n, neurons=np.arange(size), kind="simple")
        for i, (freq, size) in enumerate(zip(freqs, sizes, strict=True))
    ]


def votes_of(n, freqs, pairs):
    """Votes that are exact cosines around a + b: (cluster, pair, c)."""
    return np.stack([[cosine(n, f, f * int(sum(pair))) for pair in pairs] for f in freqs])


def sets_table():
    """Sets of one and of two clusters: agreement loses what adding keeps."""
    rows = [
        (1, (0,), 0.1, 5.0, 1.0, 0.0, 5),
        (1, (1,), 0.3, 3.0, 0.8, 0.0, 3),
        (2, (0, 1), 1.0, 0.5, 0.4, 0.3, 1),
    ]
    return pd.DataFrame(rows, columns=crt.SET_COLUMNS)


def report_of(clusters, **columns):
    """A ``cluster_report`` of clusters that are all alike, with other columns where given."""
    rows = [
        {
            "cluster": c.index,
            "freq": c.freq,
            "num_neurons": c.num_neurons,
            "kind": c.kind,
            "coset_size": c.coset_size,
            "step": c.step,
            "period": c.period,
            "amplitude": 2.0 + c.index,
            "explained": 0.9,
            "share_rank_0": 0.1,
            "mean_rank": 4.0,
            "shift_cosine": 0.95,
            "shift_error": 0.3,
        }
        for c in clusters
    ]
    return pd.DataFrame(rows, columns=crt.REPORT_COLUMNS).assign(**columns)


def scales_of(n=15, freqs=(5, 3, 7), pair=(3, 4)):
    """Three scales of clusters of two neurons each that vote with exact cosines."""
    rows = []
    fine = np.linspace(0, n - 1, 8 * (n - 1) + 1)
    for cluster in clusters_of(n, freqs):
        vote = cosine(n, cluster.freq, cluster.freq * sum(pair))
        parts = np.stack([vote / 4, 3 * vote / 4])
        wave = np.cos(2 * np.pi * cluster.freq * fine / n)
        rows.append(
            crt.Scales(cluster, 0, cosine(n, cluster.freq), fine, wave, parts, vote, in_coset(vote))
        )
    return rows


PAIRS = np.array([[3, 4], [10, 5], [1, 1]])
FREQS = [5, 3, 7]
CLUSTERS = clusters_of(15, FREQS)
VOTES = votes_of(15, FREQS, PAIRS)
