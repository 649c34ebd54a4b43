"""Committed networks that are described neuron by neuron: many of them, or one to show."""

from __future__ import annotations

from modlib.analysis.macro.tables import NetworkTables
from modlib.config.addition import AdditionConfig
from modlib.config.presets import preset_of
from modlib.errors import StoreError
from modlib.results.sample import read_export
from modlib.runs.addition import AdditionRun
from modlib.runs.get_or_train import get_or_train

PLAIN_N = 91
"""The modulus whose networks stand in where none of another are described."""
SMALL = 4
"""Neurons up to which a cluster is shown as a small one."""
TRIED = 5
"""Described networks that are made again in the search for one."""


def learned_networks(n: int, num_seeds: int | None = None) -> tuple[int, NetworkTables]:
    """The described networks of a modulus that learned, else those of n = 91, and the modulus.

    ``num_seeds``: only the first so many. Raises ``StoreError`` where none at all are committed.
    """
    for modulus in (n, PLAIN_N):
        name = preset_of(AdditionConfig(n=modulus))
        tables = None if name is None else read_export(name)
        if tables is not None:
            seeds = tables.summary.seed[tables.summary.learned].tolist()[:num_seeds]
            return modulus, NetworkTables(*(table[table.seed.isin(seeds)] for table in tables))
    raise StoreError("no network of paper A is described in results/: make results writes them")


def small_cluster_example(run: AdditionRun, device: str = "auto") -> AdditionRun:
    """A run with a cluster of at most ``SMALL`` neurons: this one, else the first described one
    that has it when it is trained here, of ``TRIED``.

    This one as well where there is none.
    """
    n = run.config.n
    if _has_small(run):
        return run
    modulus, tables = learned_networks(n)
    seeds = tables.clusters.seed[tables.clusters.num_neurons <= SMALL]
    if modulus != n:
        return run
    # The tables may be of a machine or version that rounded otherwise: each is looked at.
    for seed in seeds.unique()[:TRIED].tolist():
        found = get_or_train(AdditionConfig(n=n), seed=seed, device=device)
        if _has_small(found):
            return found
    return run


def _has_small(run: AdditionRun) -> bool:
    return any(cluster.num_neurons <= SMALL for cluster in run.clustering.clusters)
