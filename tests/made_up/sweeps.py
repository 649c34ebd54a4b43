"""Tables of made-up networks in the columns of ``results/sweeps``, for tests without training."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds import company as co
from modlib.analysis.many_seeds import frequencies as fr
from modlib.analysis.many_seeds import uniformity as un
from modlib.analysis.many_seeds.census import BIN_WIDTH, DEAD_LIMITS, MIN_SIZES, NUM_BINS
from modlib.analysis.many_seeds.sweep_tables import SweepTables


def made_up(
    n: int = 91,
    num_seeds: int = 300,
    *,
    clusters: tuple[int, int] = (4, 6),
    preference: np.ndarray | None = None,
    avoid_doubles: bool = False,
    fine_tuning_every: int = 8,
    related: bool = True,
    failed: int = 0,
    seed: int = 0,
    **columns: object,
) -> SweepTables:
    """Networks of random frequencies; keyword arguments replace columns of ``networks``.

    ``clusters``: fewest and most; one network in ``fine_tuning_every`` has a fine-tuning cluster
    of four neurons whose frequencies are f, 2f and 4f (``related``) or unrelated.
    """
    generator = np.random.default_rng(seed)
    half = n // 2
    numbers = generator.integers(clusters[0], clusters[1] + 1, num_seeds)
    even = np.ones(half + 1) if preference is None else preference
    found = un.planted(numbers, even, seed=seed)
    if avoid_doubles:
        for row in found:
            for f in np.flatnonzero(row):
                double = min(2 * f % n, -2 * f % n)
                if row[f] and double != f:
                    row[double] = False
    seeds = 1000 + np.arange(num_seeds)
    row, freq = np.nonzero(found)
    table = pd.DataFrame({"seed": seeds[row], "freq": freq})
    table.insert(1, "cluster", table.groupby("seed").cumcount())
    tuned = (table["cluster"] == 0) & ((table.seed - 1000) % fine_tuning_every == 0)
    shares = {"amplitude": 2.5, "explained": 0.97, "rank_mean": 5.0, "rank_0": 0.15, "rank_5": 0.6}
    table = table.assign(
        gcd=np.gcd(table.freq, n),
        num_neurons=12,
        kind=np.where(tuned, "fine-tuning", "simple"),
        **shares,
    )
    leading = table[tuned]
    f = leading.freq.to_numpy()
    second = 2 * f if related else 1 + generator.permutation(len(f)) % half
    neurons = pd.DataFrame(
        {
            "seed": leading.seed,
            "cluster": 0,
            "kind": "fine-tuning",
            "freq": f,
            "freq_1": f,
            "freq_2": np.minimum(second % n, -second % n),
            "freq_3": np.minimum(4 * f % n, -4 * f % n),
            "share_1": 0.6,
            "share_2": 0.3,
            "share_3": 0.08,
        }
    )
    neurons = neurons[neurons.freq_2 != neurons.freq_1]
    neurons = neurons.loc[neurons.index.repeat(4)].assign(neuron=0).reset_index(drop=True)
    window = pd.DataFrame({"seed": seeds, "freq": 1 + np.arange(num_seeds) % half})
    window = window.assign(num_neurons=1, num_fine_tuning=1)
    counts = pd.Series(table.groupby("seed").size().reindex(seeds).to_numpy())
    networks = pd.DataFrame({"seed": seeds, "n": n, "num_neurons": 128, "num_live": 80})
    networks = networks.assign(
        num_clusters=counts,
        num_fine_tuning=((networks.seed - 1000) % fine_tuning_every == 0).astype(int),
        neurons_simple=66,
        num_weights=2 * n * 32,
        share_above_1=0.05,
        share_within_025=0.041,
        abs_q999=1.95,
        abs_max=2.05,
        reached_epoch=50,
        test_accuracy=1.0,
        learned=np.arange(num_seeds) >= failed,
    )
    for size in MIN_SIZES:
        for limit in DEAD_LIMITS:
            networks[f"clusters_{size}_{round(100 * limit):02d}"] = counts
    networks = networks.assign(**columns)
    places = {
        "centre": BIN_WIDTH * np.arange(-(NUM_BINS // 2), NUM_BINS // 2 + 1),
        "rank": np.arange(n),
    }
    sums = {}
    for name, place in places.items():
        blocks = []
        for learned in (True, False):
            total = int((networks.learned == learned).sum())
            if total:
                counted = np.zeros(len(place), dtype=int)
                counted[len(place) // 2] = total * 2 * n * 32
                rows = {name: place, "count": counted, "sd": np.where(counted > 0, 10.0, 0.0)}
                blocks.append(pd.DataFrame({"learned": learned, **rows}))
        sums[name] = pd.concat(blocks, ignore_index=True)
    return SweepTables(networks, table, neurons, window, sums["centre"], sums["rank"])


SIZES = np.array([4, 8, 12, 14, 16])


def schema_2(
    tables: SweepTables,
    *,
    clusters: dict[str, object] | None = None,
    networks: dict[str, object] | None = None,
    neurons: dict[str, object] | None = None,
    weights: dict[int, tuple[float, float]] | None = None,
    seed: int = 0,
) -> SweepTables:
    """The tables with the columns of version 2, in which every row on paper A agrees.

    ``clusters``, ``networks``, ``neurons``: columns in place of those; ``weights``: shares of
    weights beyond 1 and near zero by epoch. Sizes of clusters run through ``SIZES``.
    """
    generator = np.random.default_rng(seed)
    of, n = tables.networks, int(tables.networks.n.iloc[0])
    size = SIZES[np.arange(len(tables.clusters)) % len(SIZES)]
    removed = 0.05 * size + generator.normal(0, 0.02, len(size))
    columns: dict[str, object] = {
        "num_neurons": size,
        "amplitude": generator.normal(2.5, 0.3, len(size)),
        "explained": np.where(size >= 12, 0.97, 0.3),
        "removed_accuracy": np.where(np.arange(len(size)) % 4 == 0, 0.98, 0.9999),
        "removed_loss": removed,
        "control_accuracy": 0.97,
        "control_loss": 2 * removed,
        "num_phases": size,
        "nearest_ratio": np.where(generator.random(len(size)) < 0.5, 1.0, 1.9),
        "axes_ratio_a": 0.9,
        "axes_ratio_b": 0.85,
    }
    pairs = co.pairs_of_ratio(n, 2)
    found = fr.presence(tables.clusters, of.seed.tolist(), n)
    f, g = np.array(pairs).T
    pair = (found[:, f] & found[:, g]).any(1)
    tuned = generator.random(len(of)) < np.where(pair, 0.5, 0.05)
    more: dict[str, object] = {
        "margin": 2.0,
        "loss": 0.02,
        "strict_accuracy": 1.0,
        "strict_loss": 0.05,
        "strict_2f_accuracy": 1.0,
        "strict_2f_loss": 0.022,
        "gap": 0.25,
        "delta": 0.156,
        "train_loss": 0.022,
        "neurons_fine-tuning": tuned.astype(int),
    }
    of_neurons: dict[str, object] = {
        "residual": 0.4,
        "strength": 0.5,
        "clustered_1": True,
        "clustered_2": generator.random(len(tables.fine_tuning)) < 0.8,
    }
    epochs = weights or {3: (0.09, 0.03), 30: (0.05, 0.04), 3000: (0.046, 0.64)}
    rows = [
        pd.DataFrame(
            {
                "seed": of.seed,
                "epoch": epoch,
                "share_above_1": beyond + generator.normal(0, 0.002, len(of)),
                "share_within_025": near + generator.normal(0, 0.002, len(of)),
                "abs_max": 2.0,
            }
        )
        for epoch, (beyond, near) in epochs.items()
    ]
    return tables._replace(
        networks=of.assign(**(more | (networks or {}))),
        clusters=tables.clusters.assign(**(columns | (clusters or {}))),
        fine_tuning=tables.fine_tuning.assign(**(of_neurons | (neurons or {}))),
        weights=pd.concat(rows, ignore_index=True),
    )
