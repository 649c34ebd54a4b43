"""Sentences of chapter 01, true of any run: one that memorised, one with nothing held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.micro.progress import settled_epoch
from modlib.chapters.words import count, listed, percent
from modlib.config.addition import AdditionConfig
from modlib.maths.fourier import effective_number
from modlib.runs.addition import Run

KNOWN = 0.99
"""Accuracy from which a set of pairs counts as known."""
PRESENT = 0.03
"""Share of the neurons' power from which a frequency counts as present."""


def first_epoch(history: pd.DataFrame, column: str, at_least: float = KNOWN) -> int | None:
    """The first evaluated epoch at which a column reaches a value; None where it never does."""
    at = np.flatnonzero(history[column] >= at_least)
    return int(history.epoch.iloc[at[0]]) if len(at) else None


def milestones(run: Run) -> dict[str, int | None]:
    """First epochs at which 99 % of the training pairs, and of the held-out pairs, are right."""
    return {
        "training pairs known": first_epoch(run.history, "train_accuracy"),
        "held-out pairs known": first_epoch(run.history, "test_accuracy"),
    }


def about_split(config: AdditionConfig, is_train: Bool[np.ndarray, "a b"]) -> str:
    """How many pairs are trained on and how evenly they cover the answers."""
    n, total = config.n, config.n**2
    held_out = total - config.num_train
    k = np.arange(n)
    counts = np.bincount(((k[:, None] + k) % n)[is_train], minlength=n)
    text = (
        f"{config.num_train:,} of {total:,} pairs ({percent(config.num_train / total)}) are "
        f"trained on, {held_out:,} held out. Of the {n} pairs of an answer, {counts.min()} to "
        f"{counts.max()} are trained on."
    )
    if not held_out:
        text += " With nothing held out, this run cannot show whether it knows the rule."
    elif counts.min() == 0:
        never = int((counts == 0).sum())
        text += f" {count(never, 'answer').capitalize()} occur in no training pair at all."
    return text


def about_network(run: Run) -> str:
    """A table of the parameters: name in the store, shape, how many."""
    tensors = {
        name.removeprefix("model/"): tensor.shape
        for name, tensor in run.stored.tensors.items()
        if name.startswith("model/")
    }
    rows = ["| parameter | shape | numbers |", "|---|---|---:|"]
    for name, shape in tensors.items():
        sizes = " × ".join(str(size) for size in shape)
        rows.append(f"| `{name}` | {sizes} | {np.prod(shape):,} |")
    total = sum(int(np.prod(shape)) for shape in tensors.values())
    return "\n".join([*rows, f"| together | | {total:,} |"])


def about_loss(run: Run, initial: Mapping[str, np.ndarray]) -> str:
    """Both terms of the loss at the start and at the end; ``initial``: the first weights."""
    final = [t for name, t in run.stored.tensors.items() if name.startswith("model/")]
    ends = {"start": list(initial.values()), "end": final}
    rows = ["| | cross-entropy | λ‖θ‖² | together | share of L2 |", "|---|---:|---:|---:|---:|"]
    for (name, weights), row in zip(ends.items(), (0, -1), strict=True):
        entropy = float(run.history.train_loss.iloc[row])
        penalty = run.config.l2 * sum(float((w.astype(np.float64) ** 2).sum()) for w in weights)
        whole = entropy + penalty
        share = percent(float(penalty / whole)) if whole else "-"
        rows.append(f"| {name} | {entropy:.4f} | {penalty:.4f} | {whole:.4f} | {share} |")
    return "\n".join(rows) + "\n\n" + _about_share(run, penalty / whole if whole else 0.0)


def _about_share(run: Run, share: float) -> str:
    """What the part of L2 in the final loss means."""
    if not run.config.l2:
        return "Without L2 nothing holds the weights back: cross-entropy alone is left to fall."
    if run.learned and share > 0.5:
        return (
            "At the end most of the loss is the price of the weights: cross-entropy could still "
            "fall, but only by weights that cost more than they gain."
        )
    return ""


def about_delay(run: Run) -> str:
    """When the training pairs were known, when the others, and what lay between."""
    marks, history = milestones(run), run.history
    memorised, generalised = marks.values()
    chance = percent(1 / run.config.n)
    if run.config.num_epochs == 0:
        return f"this network was not trained; chance is {chance}."
    if memorised is None:
        final = percent(float(history.train_accuracy.iloc[-1]))
        return (
            f"the network never knows 99 % of its training pairs; it ends at {final} of them "
            f"and {percent(run.accuracy)} of the others."
            if run.num_test
            else f"the network never knows 99 % of its pairs; it ends at {final}."
        )
    known = f"99 % of the training pairs are first right at epoch {memorised}"
    if not run.num_test:
        return f"{known}. No pair is held out, so there is no second curve to wait for."
    then = history[history.epoch == memorised].iloc[0]
    worst = history.iloc[int(np.nanargmax(history.test_loss))]
    held = (
        f"{known}; at that epoch {percent(float(then.test_accuracy))} of the held-out pairs are "
        f"right (chance is {chance}). The loss on held-out pairs is highest at epoch "
        f"{int(worst.epoch)}, {worst.test_loss:.1f} nats, where ln n = {np.log(run.config.n):.1f} "
        "is the loss of a guess"
    )
    worse = f"{held}: the network is then surer of wrong answers than a guess would be."
    held = worse if worst.test_loss > 1.05 * np.log(run.config.n) else f"{held}."
    if generalised is None:
        never = (
            "The rule does not come in time"
            if run.accuracy < 0.5
            else "99 % of the held-out pairs are never right"
        )
        return (
            f"{held} {never}: after {count(run.config.num_epochs, 'epoch')} "
            f"{percent(run.accuracy)} of the held-out pairs are right."
        )
    return (
        f"{held} 99 % of the held-out pairs are first right at epoch {generalised}, "
        f"{generalised / max(1, memorised):.1f} times as late as the training pairs."
    )


def about_speed(run: Run) -> str:
    """Steps, time in them and time around them, from the run's manifest."""
    config, manifest = run.config, run.stored.manifest
    if not config.num_epochs:
        return "No step was made."
    rate = manifest["config"]["steps_per_second"]
    steps = config.num_epochs * config.steps_per_epoch
    stepping = steps / rate
    return (
        f"{config.num_epochs:,} epochs of {count(config.steps_per_epoch, 'step')} are {steps:,} "
        f"steps. They took {stepping:.1f} s on {manifest['device']}: **{rate:,.0f} seed-steps a "
        "second** (a seed-step is one optimiser step of one network). Evaluations, the measuring "
        f"of frequencies and the saving of states took the rest of {manifest['wall_s']:.1f} s."
    )


def latecomers(
    share: Float[np.ndarray, "epoch freq"], clusters: Sequence[int], at_least: float = PRESENT
) -> list[int]:
    """Frequencies that were present once and are no cluster's at the end, at most six.

    The strongest first, by the largest share they ever had. A frequency counts as present when
    it holds ``at_least``, and half more than all would have if they were equal.
    """
    level = max(at_least, 1.5 / max(1, share.shape[1] - 1))
    peak = share.max(0)
    once = [int(f) for f in np.argsort(-peak, kind="stable") if peak[f] >= level]
    return [f for f in once if f not in clusters][:6]


def about_frequencies(
    epochs: Int[np.ndarray, " epoch"], share: Float[np.ndarray, "epoch freq"], run: Run
) -> str:
    """How many frequencies there are at the start and at the end, and since when they stand."""
    number = effective_number(share)
    text = (
        f"at the start the power is spread as if over {number[0]:.0f} equal frequencies of "
        f"{share.shape[1] - 1}, at the end over {number[-1]:.1f}."
    )
    if len(epochs) < 2:
        return text
    kept, since = settled_epoch(epochs, share, PRESENT)
    around = [settled_epoch(epochs, share, level)[1] for level in (PRESENT / 2, 2 * PRESENT)]
    held = share[-1][kept].sum()
    few = f": {listed(kept)}" if 0 < len(kept) <= 8 else ""
    holds = "holds" if len(kept) == 1 else "hold"
    text += (
        f" {count(len(kept), 'frequency', 'frequencies').capitalize()} {holds} at least "
        f"{percent(PRESENT)} of the power at the end{few}, together {percent(float(held))}. None "
        f"has entered or left that set since epoch {since} (thresholds half and twice as high: "
        f"epochs {around[0]} and {around[1]})."
    )
    if run.reached_epoch is not None and run.num_test:
        when = "after" if since > run.reached_epoch else "not later than"
        text += f" That is {when} the first 100 % on held-out pairs, at epoch {run.reached_epoch}."
    return text


def about_race(
    epochs: Int[np.ndarray, " epoch"], share: Float[np.ndarray, "epoch freq"], run: Run
) -> str:
    """Where the final frequencies stood at the start and when the network was first right."""
    freqs = [cluster.freq for cluster in run.clustering.clusters]
    if not freqs:
        return "no frequency has a cluster at the end, so there is no race to report."
    if len(epochs) < 2:
        return f"the clusters' frequencies are {listed(freqs)}; nothing was measured in between."
    rank = {f: i + 1 for i, f in enumerate(np.argsort(-share[0, 1:], kind="stable") + 1)}
    ranks = sorted(rank[f] for f in freqs)
    text = (
        f"at epoch 0 the frequencies that will have clusters stand at place {listed(ranks)} of "
        f"{len(rank)}."
    )
    marks = milestones(run)
    generalised = marks["held-out pairs known"]
    if generalised is None:
        return text
    at = int(np.searchsorted(epochs, generalised, side="right")) - 1
    elsewhere = 1 - share[at, freqs].sum()
    grown = max(freqs, key=lambda f: share[-1, f] - share[at, f])
    return text + (
        f" At epoch {epochs[at]}, the last measured one before held-out pairs are known, "
        f"{percent(float(elsewhere))} of the power is still at frequencies that have no cluster "
        "at the end. Afterwards "
        f"f = {grown} gains most: from {percent(float(share[at, grown]))} to "
        f"{percent(float(share[-1, grown]))}."
    )


def about_controls(controls: Mapping[str, Run]) -> str:
    """What each control knows of its training pairs and of the others."""
    parts = []
    for name, run in controls.items():
        last = run.history.iloc[-1]
        parts.append(
            f"*{name}*: {percent(float(last.train_accuracy))} of its {run.config.num_train:,} "
            f"training pairs"
        )
        if run.num_test:
            parts[-1] += (
                f" and {percent(run.accuracy)} of the others, where its loss is "
                f"{last.test_loss:.1f} nats"
            )
        number = float(effective_number(run.frequency_content[-1]))
        parts[-1] += f"; its power is spread as if over {number:.1f} equal frequencies"
    return ". ".join(parts) + f". Chance is {percent(1 / next(iter(controls.values())).config.n)}."


def about_twice(
    first: Mapping[str, np.ndarray],
    second: Mapping[str, np.ndarray],
    shared: float,
    config: AdditionConfig,
) -> str:
    """Whether two trainings of one seed ended alike, and what another seed's split shares."""
    differing = [name for name in first if not np.array_equal(first[name], second[name])]
    numbers = sum(array.size for array in first.values())
    if differing:
        alike = (
            f"Trained twice from the same seed, {count(len(differing), 'array')} of "
            f"{len(first)} differ: this device does not repeat its sums in the same order."
        )
    else:
        alike = f"Trained twice from the same seed, all {numbers:,} numbers agree to the last bit."
    return (
        f"{alike} Another seed draws other training pairs: {percent(shared)} of this seed's are "
        f"among them ({percent(config.num_train / config.n**2)} expected)."
    )


def about_files(run: Run) -> str:
    """A table of the files of a stored run, with what they hold."""
    manifest = run.stored.manifest
    shape = run.frequency_content.shape
    holds = {
        "weights.safetensors": (
            f"{count(len(run.stored.tensors), 'array')}: the parameters, and the share of power at "
            f"{shape[1]} frequencies at {count(shape[0], 'epoch')}"
        ),
        "metrics.parquet": f"{len(run.history)} rows of {', '.join(run.history.columns)}",
    }
    rows = ["| file | bytes | holds |", "|---|---:|---|"]
    for name, entry in manifest["files"].items():
        rows.append(f"| `{name}` | {entry['bytes']:,} | {holds.get(name, '')} |")
    rows.append("| `MANIFEST.json` | | configuration, seed, versions, device, time, checksums |")
    folder = f"`{manifest['kind']}/{manifest['key']}/seed-{run.seed:06d}/`"
    return f"In {folder}:\n\n" + "\n".join(rows)
