"""The networks of chapter 14: committed ones of several seeds, or one of each trained now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from modlib.config.presets import REMAINDERS_PRESETS
from modlib.machine import RESULTS
from modlib.results.remainders import read_remainders
from modlib.runs.get_or_train import get_or_train

FIRST_SEED = 1000
"""First seed of all committed networks."""
PLAIN = "B37"
ABLATIONS = {
    "masked": "B37-masked",
    "no dropout": "B37-no-dropout",
    "no filter": "B37-lambda-0",
}
"""What is left out, with the preset; the plain network has them all."""
ARMS: dict[tuple[str, float], str] = {
    ("lambda", 1.0): "B37-lambda-0",
    ("lambda", 1.5): "B37",
    ("lambda", 2.0): "B37-lambda-1",
    ("lambda", 3.0): "B37-lambda-2",
    ("learning rate", 1.5): "B37-lr-1.5",
    ("learning rate", 2.0): "B37-lr-2",
    ("learning rate", 3.0): "B37-lr-3",
}
"""Networks whose slow gradient, by 1 + lambda, or whose learning rate is multiplied by a factor.

The latter have no filter, and the plain network's product of learning rate and weight decay.
"""
PAPER_SIZE = {"λ = .5": "B113-code", "λ = 0": "B113-code-lambda-0"}
"""The gradient filter at the paper's own size, one network of each."""
TRAINED_NOW = (PLAIN, *ABLATIONS.values(), "B37-lr-1.5")
"""What is trained at settings that are not committed: each ablation, and one pair of arms."""
MIN_MASKED_P = 13
"""Smallest p with a task that is not masked."""


def histories(
    names: Collection[str],
    *,
    p: int,
    seed: int = FIRST_SEED,
    steps: int | None = None,
    results: Path = RESULTS,
) -> dict[str, pd.DataFrame]:
    """Histories of presets by name, with a column ``seed``, at another p and steps if asked for.

    The presets' own networks are read, all committed seeds; those that are not committed are left
    out. At other settings those of ``TRAINED_NOW`` are trained, or taken from the store, one seed
    each; the masked one is left out where no task would remain. Bad values are refused before any
    work (``InputError``).
    """
    found = {}
    for name in dict.fromkeys(names):
        preset = REMAINDERS_PRESETS[name]
        if preset.task == "masked" and p < MIN_MASKED_P:
            continue
        config = replace(preset, p=p, steps=preset.steps if steps is None else steps)
        if config == preset and seed == FIRST_SEED:
            exported = read_remainders(name, results)
            if exported is not None:
                found[name] = exported.history
        elif name in TRAINED_NOW:
            run = get_or_train(config, seed=seed)
            found[name] = run.history.assign(seed=seed)
    return found


def pair_of_paper_size(results: Path = RESULTS) -> dict[str, pd.DataFrame]:
    """The histories of ``PAPER_SIZE``, up to the last step that both have made; {} unless both are
    committed."""
    found = {kind: read_remainders(name, results) for kind, name in PAPER_SIZE.items()}
    tables = {kind: exported.history for kind, exported in found.items() if exported is not None}
    if len(tables) < len(PAPER_SIZE):
        return {}
    last = min(int(table.step.max()) for table in tables.values())
    return {kind: table[table.step <= last] for kind, table in tables.items()}


def arms_of(
    histories_by_name: Mapping[str, pd.DataFrame],
) -> dict[tuple[str, float], pd.DataFrame]:
    """The arms of ``ARMS`` whose networks there are."""
    return {arm: histories_by_name[name] for arm, name in ARMS.items() if name in histories_by_name}


def of_seed(history: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One network's rows: those of ``seed``, or of the first seed where it is not among them."""
    chosen = seed if (history.seed == seed).any() else history.seed.min()
    return history[history.seed == chosen].drop(columns="seed")
