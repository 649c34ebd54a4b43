"""Facts that several chapters tell; their sentences are the templates beside this file."""

from __future__ import annotations

from typing import NamedTuple

from modlib.analysis.meso.clusters import Cluster, Clustering
from modlib.analysis.micro.neurons import is_live
from modlib.config.addition import AdditionConfig
from modlib.runs.addition import AdditionRun

KNOWN = 0.99
"""Accuracy from which a set of pairs counts as known."""


class RunFacts(NamedTuple):
    """What ``run.md`` tells: set-up, time and outcome."""

    seed: int
    n: int
    trained_now: bool
    wall_s: float
    rate: float | None
    accuracy: float
    num_test: int
    num_pairs: int
    learned: bool
    reached_epoch: int | None
    num_epochs: int
    train_accuracy: float
    memorised: bool


def run_facts(run: AdditionRun) -> RunFacts:
    """Seed, set-up, time and outcome of a run."""
    config, manifest = run.config, run.manifest
    train_accuracy = float(run.history.train_accuracy.iloc[-1])
    return RunFacts(
        seed=run.seed,
        n=config.n,
        trained_now=run.trained_now,
        wall_s=manifest["wall_s"],
        rate=manifest["config"]["steps_per_second"] if config.num_epochs else None,
        accuracy=run.accuracy,
        num_test=run.num_test,
        num_pairs=config.n**2,
        learned=run.learned,
        reached_epoch=run.reached_epoch,
        num_epochs=config.num_epochs,
        train_accuracy=train_accuracy,
        memorised=train_accuracy >= KNOWN and run.accuracy < 0.5,
    )


class Parity(NamedTuple):
    """What ``parity.md`` tells of an even modulus."""

    n: int


def parity(config: AdditionConfig) -> Parity:
    """The modulus; ``parity.md`` is empty for an odd one."""
    return Parity(config.n)


class ClustersFacts(NamedTuple):
    """What ``clusters.md`` tells: ``clusters`` as (freq, neurons, kind); of the live neurons in
    none ``num_diffuse`` have no frequency of their own."""

    num_live: int
    num_neurons: int
    clusters: list[tuple[int, int, str]]
    num_loose: int
    num_diffuse: int


def clusters_facts(clustering: Clustering) -> ClustersFacts:
    """How many clusters, of which frequencies and sizes, and what belongs to none."""
    return ClustersFacts(
        num_live=int(is_live(clustering.table).sum()),
        num_neurons=len(clustering.table),
        clusters=[(c.freq, c.num_neurons, c.kind) for c in clustering.clusters],
        num_loose=len(clustering.loose),
        num_diffuse=int((clustering.table.kind.iloc[clustering.loose] == "diffuse").sum()),
    )


class CosetFacts(NamedTuple):
    """What ``coset.md`` tells of a cluster's frequency: ``gcd`` of it and n."""

    n: int
    freq: int
    gcd: int
    step: int
    period: float


def coset_facts(cluster: Cluster) -> CosetFacts:
    """What a cluster's frequency can tell apart, and where its crests lie."""
    return CosetFacts(
        n=cluster.n,
        freq=cluster.freq,
        gcd=cluster.coset_size,
        step=cluster.step,
        period=cluster.period,
    )


class Choice(NamedTuple):
    """What ``choice.md`` tells of the cluster that a chapter looks at; None: there is none."""

    chosen: int
    num_clusters: int
    num_neurons: int | None
    kind: str | None
    coset: CosetFacts | None


def choice(clustering: Clustering, index: int) -> Choice:
    """Which cluster the chapter looks at, if there is one of that number."""
    clusters = clustering.clusters
    if index >= len(clusters):
        return Choice(index, len(clusters), None, None, None)
    chosen = clusters[index]
    facts = (chosen.num_neurons, chosen.kind, coset_facts(chosen))
    return Choice(index, len(clusters), *facts)


class FineTuning(NamedTuple):
    """What ``fine_tuning.md`` tells: ``example`` as (seed, cluster, neurons, freq); ``kept``: of
    how many networks the committed one like the paper's is, None where it is another."""

    n: int
    learned: bool
    own: bool
    example: tuple[int, int, int, int] | None
    kept: int | None


def fine_tuning(run: AdditionRun, example: AdditionRun | None) -> FineTuning:
    """Where the fine-tuning cluster on show comes from; ``example`` None: there is none to show."""
    found, own, kept = None, False, None
    if example is not None:
        kept = example.manifest.get("sweep")
        cluster = next(c for c in example.clustering.clusters if c.kind == "fine-tuning")
        found = (example.seed, cluster.index, cluster.num_neurons, cluster.freq)
        own = example.seed == run.seed and example.config == run.config
    return FineTuning(run.config.n, run.learned, own, found, kept)
