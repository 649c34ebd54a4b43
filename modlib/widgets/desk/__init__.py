"""The training desk: one switch of the training turned, and what its networks come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import traitlets
from jaxtyping import Float
from matplotlib.figure import Figure

from modlib.analysis.remainders.ablations import LAST_PART, at_end, over_tasks
from modlib.analysis.remainders.grokking import EASY
from modlib.config.remainders import RemaindersConfig
from modlib.config.thresholds import DEFAULT
from modlib.plots import ablations as plots
from modlib.plots.base import MARK, NEUTRAL, SPLITS
from modlib.results.shown import Ablated
from modlib.widgets.film import KINDS, frames
from modlib.widgets.live import LiveFigure, shares


def switches(config: RemaindersConfig, plain: RemaindersConfig) -> dict[str, float]:
    """The settings that the desk turns; the learning rate as a multiple of the plain one's."""
    return {
        "dropout": config.dropout,
        "lam": config.lam,
        "rate": round(config.lr / plain.lr, 3),
        "masked": int(config.task == "masked"),
    }


def named(own: Mapping[str, float], plain: Mapping[str, float]) -> str:
    """What of a kind's settings is not the plain one's, in words."""
    words = {
        "dropout": f"dropout {own['dropout']:g}" if own["dropout"] else "no dropout",
        "lam": f"λ = {own['lam']:g}",
        "rate": f"rate × {own['rate']:g}",
        "masked": ", ".join(map(str, EASY)) + " masked",
    }
    changed = [words[name] for name in own if own[name] != plain[name]]
    return ", ".join(changed) or "as it is"


def by_task(history: pd.DataFrame) -> Float[np.ndarray, "seed task"]:
    """Accuracy on validation numbers, mean over the last part of the steps."""
    rows = history[history.split == KINDS[1]]
    last = rows[rows.step >= (1 - LAST_PART) * rows.step.max()]
    table = last.groupby(["seed", "q"]).accuracy.mean().unstack()
    return np.asarray(table.to_numpy())


class TrainingDesk(LiveFigure):
    """Validation curves and accuracy by task of all networks of a kind, beside those before.

    ``kinds``: name, ``switches``, ``steps``, number of ``seeds``, ``ends`` (a seed, see
    ``ablations.at_end``); ``curves``: by kind, (seed, step) mean over the tasks in the loss on
    validation numbers, then (step,) on those trained on, over the seeds; ``tasks``: by kind,
    (seed, task); both as ``live.shares``. ``kind`` and ``before``: places in ``kinds``.
    """

    NAME: ClassVar[str] = "desk"
    LINKED: ClassVar[tuple[str, ...]] = ("before", "kind")
    WORDS: ClassVar[str] = (
        "Accuracy at the end, a row a kind of training and a dot a network; without dropout all "
        "are far to the left."
    )

    kinds = traitlets.List(traitlets.Dict()).tag(sync=True)
    qs = traitlets.List(traitlets.Int()).tag(sync=True)
    easy = traitlets.List(traitlets.Int(), list(EASY)).tag(sync=True)
    curves = traitlets.Bytes().tag(sync=True)
    tasks = traitlets.Bytes().tag(sync=True)
    kind = traitlets.Int(0).tag(sync=True)
    before = traitlets.Int(0).tag(sync=True)
    level = traitlets.Float(DEFAULT.tasks_learned).tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)

    def __init__(self, found: Mapping[str, Ablated]) -> None:
        kinds: list[dict[str, Any]] = []
        curves, tasks = [], []
        trained = {name: one for name, one in found.items() if one.history.step.nunique() > 1}
        configs = [one.run.config for one in trained.values()]
        for history, run in trained.values():
            own = switches(run.config, configs[0])
            counted = history[history.q > EASY[-1]] if own["masked"] else history
            tables = [
                over_tasks(counted, split).pivot(index="seed", columns="step", values="mean")
                for split in KINDS
            ]
            steps = tables[1].columns[frames(tables[1].columns.to_numpy())]
            train, validation = (table[steps].to_numpy() for table in tables)
            ends = at_end(counted)
            kinds.append(
                {
                    "name": named(own, switches(configs[0], configs[0])),
                    "switches": own,
                    "steps": steps.tolist(),
                    "seeds": len(ends),
                    "ends": ends.tolist(),
                }
            )
            curves.append(shares(np.concatenate([validation, train.mean(0)[None]])))
            tasks.append(shares(by_task(history)))
        super().__init__(
            kinds=kinds,
            qs=sorted(next(iter(trained.values())).history.q.unique().tolist()) if trained else [],
            curves=b"".join(curves),
            tasks=b"".join(tasks),
            colors={"validation": SPLITS["validation"], "train": SPLITS["train"]}
            | {"neutral": NEUTRAL, "mark": MARK},
        )

    def picture(self) -> Figure:
        """The end of every network."""
        ends = {kind["name"]: np.array(kind["ends"]) for kind in self.kinds}
        return plots.ends_by_kind(ends, self.level)
