"""Made-up tables of paper B's runs: when each task is learned, and how gradients fall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from modlib.analysis.remainders.grokking import DEPTH
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.results.remainders import ExportedRemainders
from modlib.runs.remainders import RemaindersRun
from modlib.tasks.remainders import moduli

STEPS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def made_up_history(
    first: Mapping[int, int | None],
    *,
    steps: Sequence[int] = STEPS,
    dips: Mapping[int, int] | None = None,
) -> pd.DataFrame:
    """Training is known from step 2 on, validation from the planted steps, with .98 at a dip."""
    rows = []
    for step in steps:
        for q, at in first.items():
            learned = at is not None and step >= at
            accuracy = {
                "train": 1.0 if step >= 2 else 1 / q,
                "validation": 1.0 if learned else 1 / q,
            }
            if (dips or {}).get(q) == step:
                accuracy["validation"] = 0.98
            for split, value in accuracy.items():
                loss = 0.01 if value > 0.9 else 2 * np.log(q)
                rows.append({"step": step, "split": split, "q": q, "accuracy": value, "loss": loss})
    return pd.DataFrame(rows)


def made_up_norms(
    last_high: Mapping[str, int], *, steps: Sequence[int] = STEPS, ratio: float = 1.2
) -> pd.DataFrame:
    """Norm 2 until a planted step, 8 by default, then .9; ``ratio``: what the filter does."""
    rows = [
        {"step": step, "parameter": name, "raw": 2.0 if step <= last_high.get(name, 8) else 0.9}
        for step in steps[1:]
        for name in DEPTH
    ]
    table = pd.DataFrame(rows, columns=["step", "parameter", "raw"])
    return table.assign(filtered=ratio * table.raw)


def made_up_run(
    config: RemaindersConfig, first: Mapping[int, int | None], seed: int = 1000, **options: Any
) -> RemaindersRun:
    """A run without weights; tasks that ``first`` leaves out are never learned."""
    last_high, steps = options.pop("last_high", {}), options.pop("steps", STEPS)
    planned = {int(q): first.get(int(q)) for q in moduli(config)}
    return RemaindersRun(
        config=config,
        seed=seed,
        steps=steps[-1],
        weights={},
        snapshots={},
        history=made_up_history(planned, steps=steps, **options),
        norms=made_up_norms(last_high, steps=steps),
        spectra={},
        neuron_zero={},
        first_neurons={},
        manifest={},
    )


def made_up_export(
    preset: str,
    firsts: Sequence[Mapping[int, int | None]],
    *,
    finished: bool = True,
    last_high: Sequence[Mapping[str, int]] = ({},),
) -> ExportedRemainders:
    """Tables of as many seeds as ``firsts`` has; a finished run has made all its steps."""
    config = REMAINDERS_PRESETS[preset]
    if finished:
        config = replace(config, steps=STEPS[-1])
    runs = [
        made_up_run(config, first, 1000 + i, last_high=last_high[i % len(last_high)])
        for i, first in enumerate(firsts)
    ]
    tables = {
        name: pd.concat([getattr(run, name).assign(seed=run.seed) for run in runs])
        for name in ("history", "norms")
    }
    networks = pd.DataFrame({"seed": [run.seed for run in runs], "steps": STEPS[-1]})
    return ExportedRemainders(
        preset=preset,
        config=config,
        spectra=pd.DataFrame(),
        networks=networks,
        tasks=pd.DataFrame(),
        run=runs[0],
        manifest={},
        **tables,
    )
