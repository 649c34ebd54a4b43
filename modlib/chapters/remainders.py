"""Sentences of chapter 10, and about any of paper B's networks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.chapters.words import count, listed, percent
from modlib.config.presets import REMAINDERS_PRESETS, preset_of
from modlib.config.remainders import RemaindersConfig
from modlib.models.transformer import parameter_shapes
from modlib.runs.remainders import RemaindersRun
from modlib.tasks.remainders import moduli

TASKS = {
    "miiii": "remainders",
    "masked": "remainders, four of them masked",
    "basis": "shuffled remainders",
    "nanda": "modular addition",
}
LEARNED_FROM = 0.99
"""Validation accuracy from which a task is said to be learned."""


def name_of(config: RemaindersConfig) -> str:
    """How figures name a network: its task and share of numbers trained on, or untrained, and p."""
    if not config.steps:
        return f"untrained, p = {config.p}"
    kind = "shuffled" if config.task == "basis" else config.task
    return f"{kind}, p = {config.p} ({100 * config.train_fraction:.0f} %)"


def about_spirals(p: int, series: Mapping[str, Int[np.ndarray, " x"]]) -> str:
    """How many numbers below p^2 each series of figure B1 has."""
    parts = [f"{len(numbers):,} are {label}" for label, numbers in series.items()]
    return f"*Seen here*: of the {p**2:,} numbers below {p}², {listed(parts)}."


def about_leaks(table: pd.DataFrame, p: int) -> str:
    """How far each wave spreads over the cells of the transform."""
    lines = [
        "| wave | share of power in the top cell | in the top six | active frequencies |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {row.wave} | {percent(row.top)} | {percent(row.top_six)} | {row.active} |"
        for row in table.itertuples()
    ]
    spread = table.sort_values("top_six").iloc[0]
    active = count(int(spread.active), "active frequency", "active frequencies")
    return "\n".join(lines) + (
        f"\n\nOf these waves {spread.wave} is spread out the most on the {p} x {p} grid: its six "
        f"strongest cells hold {percent(float(spread.top_six))}, and the rule mean + 2 s.d. counts "
        f"{active} for this one wave."
    )


def about_basis(products: Float[np.ndarray, "p p"]) -> str:
    """How far the Fourier basis is from orthonormal."""
    error = float(np.abs(products - np.eye(len(products))).max())
    return (
        f"*Seen here*: inner products of the {len(products)} vectors differ from those of an "
        f"orthonormal basis by {error:.1e} at most."
    )


def about_zero_free(p: int, kinds: Mapping[str, Int[np.ndarray, " x"]]) -> str:
    """Where "no remainder is zero" and "is prime" part."""
    agree, others, missed = kinds.values()
    return (
        f"p = {p}: {len(agree) + len(others):,} of {p**2:,} numbers have no remainder zero, and "
        f"{len(agree):,} of these are primes; not prime: {listed(others.tolist())}. The "
        f"{len(missed)} primes below {p} each have one, their own."
    )


def about_network(run: RemaindersRun) -> str:
    """What a network is, how long it trained and what it can do with numbers it never saw."""
    config = run.config
    weights = sum(int(np.prod(shape)) for shape in parameter_shapes(config).values())
    steps = f"{run.steps:,} steps" if run.steps else "no training"
    if run.steps < config.steps:
        steps += f" of {config.steps:,}"
    preset = preset_of(config)
    text = (
        f"**Seed {run.seed}, p = {config.p}, {TASKS[config.task]}**"
        f"{f' ({preset})' if preset else ''}: {weights:,} weights, "
        f"{config.num_train:,} of {config.p**2:,} numbers to train on, {steps}."
    )
    rows = run.final[run.final.split == "validation"]
    qs = rows.q[rows.accuracy >= LEARNED_FROM].tolist()
    if len(rows) == 1:
        return f"{text} Right on {percent(float(rows.accuracy.iloc[0]))} of the others."
    done = "all tasks" if len(qs) == len(rows) else f"q = {listed(qs)}" if qs else "no task"
    return (
        f"{text} On the others it is right in {percent(float(rows.accuracy.mean()))}, averaged "
        f"over {count(len(rows), 'task')}; at least {percent(LEARNED_FROM)} on {done}."
    )


def about_accuracy(run: RemaindersRun) -> str:
    """The best and the worst task on numbers not trained on."""
    rows = run.final[run.final.split == "validation"].sort_values("accuracy")
    worst, best = rows.iloc[0], rows.iloc[-1]
    if len(rows) == 1:
        return f"*Seen here*: {percent(float(best.accuracy))}; chance is {percent(1 / best.q)}."
    return (
        f"*Seen here*: from {percent(float(worst.accuracy))} for q = {worst.q:.0f} (chance "
        f"{percent(1 / worst.q)}) to {percent(float(best.accuracy))} for q = {best.q:.0f} (chance "
        f"{percent(1 / best.q)})."
    )


def about_paper_size(runs: Mapping[str, RemaindersRun | None]) -> str:
    """Which trained networks of the paper's own size are committed, and how far each went."""
    runs = {name: run for name, run in runs.items() if REMAINDERS_PRESETS[name].steps}
    wanted = max(config.steps for config in REMAINDERS_PRESETS.values())
    found = [
        f"{name} ({run.steps:,}{'' if run.steps >= wanted else f' of {wanted:,}'} steps)"
        for name, run in runs.items()
        if run is not None
    ]
    missing = [name for name, run in runs.items() if run is None]
    if not found:
        return "No network of the paper's own size, p = 113, is committed; p = 37 stands in."
    text = f"Of the paper's own size, p = 113, we have {listed(found)}"
    return f"{text}; not committed: {listed(missing)}." if missing else f"{text}."


def about_loss(config: RemaindersConfig) -> str:
    """The loss of a guess, task by task, and how the weights even it out."""
    qs = moduli(config)
    return (
        f"For p = {config.p} there {'is' if len(qs) == 1 else 'are'} {count(len(qs), 'task')} with "
        f"{int(qs.sum()):,} answers in all; a blind guess costs from {np.log(qs[0]):.2f} "
        f"(q = {qs[0]}) to {np.log(qs[-1]):.2f} (q = {qs[-1]}), and 1 for every task once divided "
        "by ln q."
    )
