"""The film: every task's accuracy through training, on known numbers and on others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import traitlets
from matplotlib.figure import Figure

from modlib.analysis.remainders.grokking import LEARNED, by_step, first_steps
from modlib.plots import grokking as plots
from modlib.plots.base import MARK, SPLITS
from modlib.widgets.live import LiveFigure, in_pixels, shares

FRAMES = 200
"""Steps that a film has at most, evenly spaced by their logarithm."""
KINDS = ("train", "validation")


def frames(steps: np.ndarray) -> np.ndarray:
    """Places of the logged steps that a film shows: the first, the last, and FRAMES between."""
    wanted = np.geomspace(1, max(float(steps[-1]), 1.0), FRAMES)
    return np.union1d([0, len(steps) - 1], np.abs(steps[:, None] - wanted).argmin(0))


class FilmOfTasks(LiveFigure):
    """Bars of accuracy by task, at a step that is dragged.

    ``films``: title, moduli, ``steps`` and, by task, the ``first`` step at which it counts as
    learned (-1: none); ``accuracy``: (split, step, task) of one film after another, see
    ``live.shares``. ``film``, ``frame`` and ``task``: which are looked at; task 0: none.
    """

    NAME: ClassVar[str] = "film"
    LINKED: ClassVar[tuple[str, ...]] = ("film", "frame", "task")
    WORDS: ClassVar[str] = (
        "Rows of brightness, a row a task, by step of training: numbers trained on turn bright "
        "early and together, validation numbers late and one task after another."
    )

    films = traitlets.List(traitlets.Dict()).tag(sync=True)
    accuracy = traitlets.Bytes().tag(sync=True)
    film = traitlets.Int(0).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    task = traitlets.Int(0).tag(sync=True)
    level = traitlets.Float(LEARNED).tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)

    def __init__(self, histories: Mapping[str, pd.DataFrame]) -> None:
        self._histories = {
            title: history for title, history in histories.items() if history.step.nunique() > 1
        }
        films: list[dict[str, Any]] = []
        bits: list[bytes] = []
        for title, history in self._histories.items():
            tables = [by_step(history, split) for split in KINDS]
            chosen = frames(tables[1].index.to_numpy())
            steps = tables[1].index[chosen]
            first = first_steps(history).fillna(-1)
            films.append(
                {
                    "title": title,
                    "qs": [int(q) for q in first.index],
                    "steps": steps.tolist(),
                    "first": first.astype(int).tolist(),
                }
            )
            bits.append(shares(np.stack([table.loc[steps].to_numpy() for table in tables])))
        super().__init__(
            films=films,
            accuracy=b"".join(bits),
            frame=len(films[0]["steps"]) - 1 if films else 0,
            colors={name: SPLITS[name] for name in KINDS} | {"mark": MARK},
        )

    def picture(self) -> Figure:
        """Figure B5 as rows, of the first network."""
        shown = dict(list(self._histories.items())[:1])
        firsts = {title: first_steps(history) for title, history in shown.items()}
        return in_pixels(plots.task_heatmaps(shown, firsts))
