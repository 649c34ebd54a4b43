"""Sentences that must hold for any run: with three clusters, with none, learned or not."""

from __future__ import annotations

from modlib.analysis.meso.clusters import Cluster, Clustering
from modlib.analysis.micro.neurons import is_live
from modlib.chapters.words import count, listed, percent
from modlib.config.addition import AdditionConfig
from modlib.runs.addition import AdditionRun


def about_run(run: AdditionRun) -> str:
    """Seed, set-up, time and outcome of a run; a warning where it did not learn."""
    config = run.config
    wall_s = run.manifest["wall_s"]
    rate = run.manifest["config"]["steps_per_second"]
    origin = (
        f"trained here in {wall_s:.1f} s"
        if run.trained_now
        else (f"read from the store, where it was trained in {wall_s:.1f} s")
    )
    pace = f" ({rate:,.0f} steps a second)" if config.num_epochs else ""
    judged = f"the {run.num_test:,} pairs it never saw"
    if not run.num_test:
        judged = f"all {config.n**2:,} pairs, none of which was held out"
    text = (
        f"**Seed {run.seed}, n = {config.n}**: {origin}{pace}; "
        f"{percent(run.accuracy)} right on {judged}"
    )
    if run.learned:
        return f"{text}, first 100 % after epoch {run.reached_epoch} of {config.num_epochs}."
    return f"{text}.\n\n{not_learned(run)}"


def not_learned(run: AdditionRun) -> str:
    """What to make of a run that did not learn; empty for one that did."""
    if run.learned:
        return ""
    train_accuracy = float(run.history.train_accuracy.iloc[-1])
    state = f"It knows {percent(train_accuracy)} of its training pairs"
    if train_accuracy > 0.99 and run.accuracy < 0.5:
        state += ": it memorised them"
    return (
        f"> **This network did not learn the task.** {state}; chance on new pairs is "
        f"{percent(1 / run.config.n)}. Everything below is drawn and counted all the same, so "
        "read it as the picture of a network that lacks the algorithm, or has the beginnings of it "
        "only, not as evidence about networks that have it."
    )


def about_parity(config: AdditionConfig) -> str:
    """What an even modulus changes; empty for an odd one."""
    if config.n % 2:
        return ""
    return (
        f"> **n = {config.n} is even.** The pairs (k, k) reach only even answers, each twice, and "
        f"the frequency n/2 = {config.n // 2} takes only the values +1 and -1: it has no phase, "
        "and where phases are counted it is left out."
    )


def about_clusters(clustering: Clustering) -> str:
    """How many clusters, of which frequencies and sizes, and what belongs to none."""
    clusters = clustering.clusters
    num_live = int(is_live(clustering.table).sum())
    dead = len(clustering.table) - num_live
    neurons = f"{num_live} of {len(clustering.table)} neurons are live"
    if not clusters:
        return (
            f"{neurons}, and none of them form a cluster: {count(len(clustering.loose), 'neuron')}"
            " respond to many frequencies at once."
        )
    parts = [f"f = {c.freq} ({c.num_neurons} neurons{_kind_note(c)})" for c in clusters]
    rest = "Every live neuron belongs to one."
    if len(clustering.loose):
        loose = count(len(clustering.loose), "live neuron")
        belongs = "belongs" if len(clustering.loose) == 1 else "belong"
        rest = f"{loose[0].upper()}{loose[1:]} {belongs} to none."
    return (
        f"{neurons}, {dead} dead. They form {count(len(clusters), 'cluster')}: {listed(parts)}. "
        f"{rest}"
    )


def _kind_note(cluster: Cluster) -> str:
    return "" if cluster.kind == "simple" else f", {cluster.kind}"


def about_choice(clustering: Clustering, index: int) -> str:
    """Which cluster the chapter looks at; what to do where there is none of that number."""
    clusters = clustering.clusters
    if not clusters:
        return (
            "There is no cluster to look at more closely: the figures on one cluster are left out."
        )
    if index >= len(clusters):
        return (
            f"There is no cluster {index}: this network has clusters 0 to {len(clusters) - 1}. "
            "The figures on one cluster are left out; choose another with the parameter `cluster`."
        )
    chosen = clusters[index]
    return (
        f"We look at cluster {index}: {count(chosen.num_neurons, 'neuron')} of frequency "
        f"{chosen.freq} ({chosen.kind}). {about_coset(chosen)}"
    )


def about_fine_tuning(run: AdditionRun, example: AdditionRun | None) -> str:
    """Where the fine-tuning cluster on show comes from; why there is none to show."""
    n = run.config.n
    lacks = "This network has no fine-tuning cluster"
    if not run.learned:
        lacks = "Fine-tuning clusters are looked for in networks that learned; this one did not"
    if example is None:
        return (
            f"{lacks}. No seed that has one is recorded for n = {n} (for 91 and 89 there is one), "
            "so figures of such a cluster are left out. Most seeds have none: try others."
        )
    cluster = next(c for c in example.clustering.clusters if c.kind == "fine-tuning")
    found = (
        f"cluster {cluster.index}, {count(cluster.num_neurons, 'neuron')} led by f = {cluster.freq}"
    )
    if example.seed == run.seed and example.config == run.config:
        return f"This network has a fine-tuning cluster: {found}."
    return (
        f"{lacks}. The rule of the book takes the first seed from 0 "
        f"that has one: for n = {n} that is seed {example.seed} ({found})."
    )


def about_coset(cluster: Cluster) -> str:
    """What a cluster's frequency can tell apart, and where its crests lie."""
    n, freq, size = cluster.n, cluster.freq, cluster.coset_size
    if size > 1:
        return (
            f"gcd({freq}, {n}) = {size}, so frequency {freq} sees only the residue modulo "
            f"{n // size}: it cannot tell the {size} elements of a coset apart, "
            f"and its {n // size} cosets are exact."
        )
    return (
        f"gcd({freq}, {n}) = 1, so no two inputs look the same to frequency {freq}; the ones that "
        f"look almost the same are {cluster.step} apart (the step, inverse of {freq} modulo {n} "
        f"up to sign), while crests come every n/f = {cluster.period:.2f}: an approximate coset."
    )
