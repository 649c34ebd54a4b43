"""Made-up histories of networks with and without a part of their training, and trials."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.runs.study import SPACE

QS = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31)
STEPS = np.arange(0, 1001, 10)


def history(reached=400, *, seeds=(1000, 1001, 1002), top=1.0, qs=QS, shift=10, train=1.0):
    """Tasks whose accuracy jumps from 0 to ``top`` at ``reached``, a little later a seed."""
    rows = []
    for place, seed in enumerate(seeds):
        for split, value in (("train", train), ("validation", None)):
            for q in qs:
                own = value if value is not None else top * (reached + shift * place <= STEPS)
                rows.append(pd.DataFrame({"step": STEPS, "accuracy": own, "q": q}))
                rows[-1] = rows[-1].assign(seed=seed, split=split, loss=0.0)
    return pd.concat(rows, ignore_index=True)


def made_up_arms():
    times = {("lambda", 1.0): 600, ("lambda", 2.0): 300, ("learning rate", 2.0): 400}
    return {arm: history(reached, shift=0) for arm, reached in times.items()}


def made_up_trials(num_trials=40, seed=0, setting="lr"):
    """Trials whose accuracy depends on one setting alone."""
    rng, space = np.random.default_rng(seed), SPACE
    rows = []
    for trial in range(num_trials):
        chosen = {name: values[rng.integers(len(values))] for name, values in space.items()}
        accuracy = 0.2 + 0.5 * (chosen[setting] == space[setting][-1]) + 0.01 * rng.random()
        pruned = accuracy < 0.5 and trial > 8
        rows.append({"trial": trial, **chosen, "accuracy": accuracy, "retries": int(trial == 3)})
        rows[-1] |= {"steps": 2048 if pruned else 4096, "pruned": pruned}
    trials = pd.DataFrame(rows)
    reports = pd.DataFrame(
        {"trial": trials.trial, "step": trials.steps, "accuracy": trials.accuracy}
    )
    return trials, pd.concat([reports, reports.assign(step=512, accuracy=0.1)])
