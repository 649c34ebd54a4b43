"""What changes when a part of paper B's training is left out, and what a search found.

Histories have a row a seed, step, split and task with ``accuracy``; all steps are evaluated ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.remainders.grokking import EASY, first_steps, seed_steps
from modlib.config.presets import ARMS
from modlib.maths.intervals import LEVELS, NUM_RESAMPLES, Interval, mean_of_few

LAST_PART = 0.05
"""Share of the steps, at the end, over which an accuracy at the end is averaged."""
REACHED = 0.97
"""Accuracy by which masked and unmasked networks are timed."""
MAX_DELAY = 1.25
"""Ratio of steps up to which masked networks count as no later than others."""
TOGETHER = (0.9, 0.97)
"""Accuracies that all tasks have to have at once."""
EASIEST_LEFT = (11, 13, 17, 19)
"""With 2, 3, 5 and 7 masked the paper's network learns these first, its count of active frequencies
rises, and then it learns the others."""
PACE_LEVELS = tuple(round(0.05 * step, 2) for step in range(3, 20))
"""Mean accuracies, .15 to .95, at whose first steps two networks' paces are compared."""
TOP = 0.25
"""Share of the trials that count as the best ones."""


Values: TypeAlias = Sequence[float] | np.ndarray | pd.Series
"""One number a seed."""


def _over_seeds(values: Values, **bounds: float) -> Interval:
    column = np.asarray(values, dtype=float)
    if len(column) < 2:
        return Interval(float(column.mean()) if len(column) else np.nan, np.nan, np.nan)
    return mean_of_few(column, **bounds)


def share_over_seeds(values: Values) -> Interval:
    """Mean over seeds of shares with Student's interval, cut to what a share can be."""
    return _over_seeds(values, lowest=0.0, highest=1.0)


def over_seeds_log(values: Values) -> Interval:
    """Geometric mean over seeds of positive values with Student's interval of the logarithms."""
    return _over_seeds(np.log(values)).map(np.exp)


def over_tasks(history: pd.DataFrame, split: str = "validation") -> pd.DataFrame:
    """Accuracy over tasks: a row a seed and step with the ``mean`` and the ``lowest``."""
    grouped = history[history.split == split].groupby(["seed", "step"]).accuracy
    return grouped.agg(mean="mean", lowest="min").reset_index()


def over_tasks_by_split(
    histories: Mapping[str, pd.DataFrame | None],
) -> dict[str, dict[str, pd.DataFrame]]:
    """``over_tasks`` of each network that is there, on the numbers trained on and on others."""
    splits = {"numbers trained on": "train", "validation numbers": "validation"}
    there = {name: history for name, history in histories.items() if history is not None}
    return {
        title: {name: over_tasks(history, split) for name, history in there.items()}
        for title, split in splits.items()
    }


def at_end(history: pd.DataFrame, split: str = "validation") -> pd.Series:
    """Mean accuracy over tasks and the last part of the steps, by seed."""
    curves = over_tasks(history, split)
    last = curves[curves.step >= (1 - LAST_PART) * curves.step.max()]
    return last.groupby("seed")["mean"].mean()


def at_step(history: pd.DataFrame, step: int) -> pd.Series:
    """Mean accuracy over tasks at the last evaluation up to a step, by seed."""
    curves = over_tasks(history)
    until = curves[curves.step <= step]
    return until[until.step == until.step.max()].set_index("seed")["mean"]


def steps_together(history: pd.DataFrame, level: float) -> pd.Series:
    """First step at which every task is at ``level`` or above, by seed; NaN where never."""
    curves = over_tasks(history)
    first = curves[curves.lowest >= level].groupby("seed").step.min()
    return first.reindex(curves.seed.unique()).astype(float)


def steps_to_mean(history: pd.DataFrame, levels: Sequence[float]) -> pd.DataFrame:
    """First step at which the mean accuracy over tasks is at each level or above.

    A row a seed, a column a level; NaN where never.
    """
    curves = over_tasks(history)
    high = {level: curves[curves["mean"] >= level].groupby("seed").step.min() for level in levels}
    return pd.DataFrame(high, index=sorted(curves.seed.unique()), columns=list(levels), dtype=float)


def highest_mean(history: pd.DataFrame) -> pd.Series:
    """The highest mean accuracy over tasks at any step, by seed."""
    return over_tasks(history).groupby("seed")["mean"].max()


def share_below(
    without: pd.DataFrame, reference: pd.DataFrame, level: float = 0.99
) -> Float[np.ndarray, " seed"]:
    """Of the steps at which the reference is at ``level``, the share at which another is not.

    Seeds are paired; those whose reference is never there are left out.
    """
    both = over_tasks(reference).merge(over_tasks(without), on=["seed", "step"])
    there = both[both.mean_x >= level]
    return (there.mean_y < level).groupby(there.seed).mean().to_numpy(dtype=float)


class Delays(NamedTuple):
    """Steps to ``REACHED`` with and without masked tasks.

    ``table``: a row a seed and task q > 7 with ``masked``, ``unmasked`` (NaN where never) and
    their ``ratio``; ``ratio``: its geometric mean with its interval over seeds; ``never``: pairs
    that only the masked networks did not reach, counted with all the steps; ``left_out``: those
    that the unmasked ones did not reach.
    """

    table: pd.DataFrame
    ratio: Interval
    never: int
    left_out: int


NO_DELAYS = Delays(
    pd.DataFrame(columns=["seed", "q", "masked", "unmasked", "ratio"], dtype=float),
    Interval(np.nan, np.nan, np.nan),
    0,
    0,
)
"""Where one of the two kinds of network is missing."""


def delays(
    masked: pd.DataFrame,
    unmasked: pd.DataFrame,
    split: str = "validation",
) -> Delays:
    """How much later the other tasks are learned where 2, 3, 5 and 7 are masked."""
    columns = {
        name: pd.concat(
            {seed: first_steps(rows, REACHED, split) for seed, rows in history.groupby("seed")}
        )
        for name, history in (("masked", masked), ("unmasked", unmasked))
    }
    both = pd.DataFrame(columns).rename_axis(["seed", "q"]).reset_index()
    seeds = set(masked.seed) & set(unmasked.seed)
    both = both[both.seed.isin(seeds) & (both.q > EASY[-1])].reset_index(drop=True)
    never = both.masked.isna() & both.unmasked.notna()
    steps = both.masked.fillna(masked.step.max()).clip(lower=1)
    both["ratio"] = steps / both.unmasked.clip(lower=1)
    by_seed = np.log(both.ratio.dropna()).groupby(both.seed).mean()
    return Delays(
        both, over_seeds_log(np.exp(by_seed)), int(never.sum()), int(both.unmasked.isna().sum())
    )


def back_at(history: pd.DataFrame, q: int, after: int) -> pd.Series:
    """The first logged step beyond ``after`` at which a task is known on validation numbers.

    By seed; those that are never there are left out.
    """
    rows = history[(history.split == "validation") & (history.q == q) & (history.step > after)]
    return rows[rows.accuracy >= REACHED].groupby("seed").step.min()


def explained_ends(spectra: pd.DataFrame, q: int) -> pd.DataFrame:
    """What x mod q explains of the live neurons, by seed: at ``most``, and ``last``."""
    shares = spectra.sort_values("step").groupby("seed")[f"explained_{q}"]
    return pd.DataFrame({"most": shares.max(), "last": shares.last()})


def learned_first(history: pd.DataFrame) -> pd.Series:
    """Whether ``EASIEST_LEFT`` are all learned before any other task above 7, by seed.

    At logged steps; a tie is no order. Empty where there is no task beyond them.
    """
    first = seed_steps(history[history.q > EASY[-1]], REACHED)
    others = first.drop(columns=list(EASIEST_LEFT), errors="ignore")
    if others.empty or others.shape[1] == first.shape[1]:
        return pd.Series(dtype=bool)
    last = first[list(EASIEST_LEFT)].max(axis=1, skipna=False)
    return last < others.fillna(np.inf).min(axis=1)


def pace(
    slow: pd.DataFrame, fast: pd.DataFrame, levels: Sequence[float] = PACE_LEVELS
) -> pd.DataFrame:
    """``steps_to_mean`` of one history over another's: a row a seed, a column a level.

    NaN where one of the two is not; levels that none reaches in both, and those below twice the
    accuracy of a guess, are left out.
    """
    guess = float((1 / fast.q.drop_duplicates()).mean())
    kept = [level for level in levels if level >= 2 * guess]
    steps = [steps_to_mean(history, kept).clip(lower=1) for history in (slow, fast)]
    return (steps[0] / steps[1]).dropna(how="all").dropna(axis=1, how="all")


def mean_pace(ratios: pd.DataFrame) -> Interval:
    """Geometric mean over levels, then over seeds, of ``pace``."""
    return over_seeds_log(np.exp(np.log(ratios).mean(axis=1)))


def compare_arms(arms: Mapping[tuple[str, float], pd.DataFrame]) -> pd.DataFrame:
    """Networks whose slow gradient, or whose learning rate, is multiplied by a factor.

    ``arms``: histories by kind (``lambda`` or ``learning rate``) and factor. A row an arm and
    measure with its ``value``, ``low``, ``high``, ``num_seeds`` and how many ``reached`` it.
    Measures: ``steps to all at .9``, ``steps to all at .97`` (at one evaluation, geometric mean;
    all the steps where never), ``accuracy halfway`` and ``accuracy at the end`` (over tasks).
    """
    rows: list[dict[str, Any]] = []
    for (kind, factor), history in arms.items():
        arm = {"kind": kind, "factor": factor, "num_seeds": history.seed.nunique()}
        last = int(history.step.max())
        for level in TOGETHER:
            first = steps_together(history, level)
            interval = over_seeds_log(first.fillna(last).clip(lower=1))
            name = f"steps to all at {level:g}".replace("0.", ".")
            reached = int(first.notna().sum())
            rows.append({**arm, "measure": name, "reached": reached, **interval._asdict()})
        means = {"halfway": at_step(history, last // 2), "at the end": at_end(history)}
        for name, values in means.items():
            interval = share_over_seeds(values)
            rows.append({**arm, "measure": f"accuracy {name}", "reached": len(values)})
            rows[-1] |= interval._asdict()
    columns = ["kind", "factor", "num_seeds", "measure", "reached", *Interval._fields]
    return pd.DataFrame(rows, columns=columns)


def arm_ratios(arms: Mapping[tuple[str, float], pd.DataFrame]) -> pd.DataFrame:
    """Steps until all tasks are at .9 (``TOGETHER``): each arm over another of the same seeds.

    A row a comparison: ``arm`` and ``other`` (kind and factor), ``num_seeds``, ``value``, ``low``
    and ``high`` of the ratio, and ``never``: networks of the two that did not get there and count
    with all their steps. Compared are every arm with the plain one, and with the other kind of the
    same factor.
    """
    plain = ("lambda", 1.0)
    rows: list[dict[str, Any]] = []
    pairs = [(arm, plain) for arm in arms if arm[1] != 1]
    pairs += [(arm, ("learning rate", arm[1])) for arm in arms if arm[0] == "lambda"]
    for arm, other in pairs:
        if arm == other or other not in arms or arm not in arms:
            continue
        times = pd.DataFrame(
            {
                "own": steps_together(arms[arm], TOGETHER[0]),
                "other": steps_together(arms[other], TOGETHER[0]),
            }
        ).reindex(sorted(set(arms[arm].seed) & set(arms[other].seed)))
        if times.empty:
            continue
        last = int(arms[arm].step.max())
        filled = times.fillna(last).clip(lower=1)
        ratio = over_seeds_log(filled.own / filled.other)
        never = int(times.isna().sum().sum())
        rows.append({"arm": arm, "other": other, "num_seeds": len(times), "never": never})
        rows[-1] |= ratio._asdict()
    return pd.DataFrame(rows, columns=["arm", "other", "num_seeds", "never", *Interval._fields])


def by_value(trials: pd.DataFrame, space: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """How many trials a value had: a row a ``setting`` and ``value``.

    ``trials``, ``pruned`` (stopped early), and ``best`` and ``median`` of the accuracies with which
    they ended, NaN where there are none.
    """
    rows: list[dict[str, Any]] = []
    for name, values in space.items():
        for value in values:
            own = trials[np.isclose(trials[name], value)]
            rows.append({"setting": name, "value": value, "trials": len(own)})
            rows[-1] |= {"pruned": int(own.pruned.sum())}
            rows[-1] |= {"best": own.accuracy.max(), "median": own.accuracy.median()}
    return pd.DataFrame(rows)


def _divergences(
    values: np.ndarray, top: np.ndarray, counts: Sequence[int]
) -> Float[np.ndarray, " setting"]:
    """How far the best trials' values lie from all trials', by setting."""
    found = []
    for column, count in zip(values.T, counts, strict=True):
        shares = [
            (np.bincount(rows, minlength=count) + 1 / count) / (len(rows) + 1)
            for rows in (column, column[top])
        ]
        found.append(float((shares[0] * (shares[1] / shares[0] - 1) ** 2).sum()))
    return np.array(found)


def importance(
    trials: pd.DataFrame,
    space: Mapping[str, Sequence[float]],
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of each setting in what tells the best trials from all: a row a ``setting``.

    The best trials' values against all trials' by Pearson's divergence, each share of values
    smoothed by one trial (PED-ANOVA, Watanabe et al. 2023); ``low`` and ``high`` are ends of the
    95 % interval over resampled trials. Without trials the table is empty.
    """
    if trials.empty:
        return pd.DataFrame(columns=["setting", "importance", "low", "high"])
    names = list(space)
    values = np.stack(
        [
            np.abs(trials[name].to_numpy()[:, None] - np.array(space[name])).argmin(1)
            for name in names
        ],
        axis=1,
    )
    accuracy, total = trials.accuracy.to_numpy(), len(trials)
    counts = [len(space[name]) for name in names]

    def shares(chosen: np.ndarray) -> np.ndarray:
        best = np.argsort(-accuracy[chosen], kind="stable")[: max(1, round(TOP * total))]
        found = _divergences(values[chosen], best, counts)
        return found / found.sum() if found.sum() > 0 else found

    generator = np.random.default_rng(seed)
    draws = [shares(generator.integers(total, size=total)) for _ in range(num_resamples)]
    low, high = np.quantile(draws, LEVELS, axis=0)
    own = shares(np.arange(total))
    return pd.DataFrame({"setting": names, "importance": own, "low": low, "high": high})


def arms_of(
    histories_by_name: Mapping[str, pd.DataFrame],
) -> dict[tuple[str, float], pd.DataFrame]:
    """The arms of ``ARMS`` whose networks there are."""
    return {arm: histories_by_name[name] for arm, name in ARMS.items() if name in histories_by_name}


def of_seed(history: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One network's rows: those of ``seed``, or of the first seed where it is not among them."""
    chosen = seed if (history.seed == seed).any() else history.seed.min()
    return history[history.seed == chosen].drop(columns="seed")


def up_to_common_step(histories: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Two histories or more up to the last step that all have made; {} of fewer."""
    if len(histories) < 2:
        return {}
    last = min(int(table.step.max()) for table in histories.values())
    return {kind: table[table.step <= last] for kind, table in histories.items()}
