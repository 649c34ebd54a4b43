"""How the claims about many adders in one transformer are measured: paper B's own size, p = 113.

What is told of a network stands in the tables of its export (``analysis.remainders.circuits``); the
networks on fresh seeds decide, one by one.
"""

from __future__ import annotations

import pandas as pd

from modlib.analysis.remainders.adders import PAPER_A_PHASE
from modlib.analysis.remainders.task_clusters import LAWS, growth
from modlib.claims import fresh
from modlib.claims.decide import Part, counted, every, judged, over, part
from modlib.claims.fresh import CODE, SHUFFLED, UNTRAINED
from modlib.claims.measures import measures
from modlib.claims.verdict import Measurement, MissingExport, Verdict
from modlib.config.thresholds import DEFAULT
from modlib.maths.intervals import Interval

CONTROLS = {"untrained": UNTRAINED, "on shuffled labels": SHUFFLED}
"""Jobs of networks with nothing to find."""
ADDITIVE, CONTROL, SHARED, OTHERS = 1e-6, 0.2, 0.01, 0.98
"""Bounds of the rules: variance that is no sum, a control's best wave, overlap of two tasks,
the others' mean accuracy."""
REPLACED = ("whole", "one_wave", "own_task", "direct_mean", "own_joint")
"""Columns of accuracies with parts of a network replaced."""
SLOPE = (0.5, 1.5)
"""Bounds of the clusters a task for each unit of ln q."""


def _accuracies() -> pd.Series:
    """Mean accuracy of each fresh network, learned or not, by seed."""
    found = fresh.remainders(CODE)
    accuracy = fresh.columns_of(found, "tasks", ["seed", "whole"]).groupby("seed").whole.mean()
    if accuracy.isna().any():  # appended to by a version that has the columns
        seeds = ", ".join(map(str, accuracy.index[accuracy.isna()]))
        raise MissingExport(
            f"{found.preset}: whole has no number for seed {seeds}; export it again"
        )
    return accuracy


def learned(table: str, *columns: str) -> pd.DataFrame:
    """Columns of the fresh networks that learned, with ``seed``.

    Raises ``MissingExport`` where networks or columns are not there, and where none learned.
    """
    rows = fresh.columns_of(fresh.remainders(CODE), table, ["seed", *columns])
    accuracy = _accuracies()
    kept = accuracy.index[accuracy >= DEFAULT.tasks_learned]
    if not len(kept):
        raise MissingExport(
            f"no network of {CODE} has a mean accuracy of {DEFAULT.tasks_learned:g} or more"
        )
    return rows[rows.seed.isin(kept)]


def _note(*said: str) -> str:
    """What is said of the networks that learned, and how many these are where some did not."""
    right = _accuracies() >= DEFAULT.tasks_learned
    apart = "" if right.all() else f"{right.sum()} of {len(right)} networks learned"
    return "; ".join(filter(None, [*said, apart]))


def _told(values: pd.Series, form: str = ".3f") -> str:
    """``seed 2000 0.931, seed 2001 0.940`` of values by seed."""
    return ", ".join(f"seed {seed} {value:{form}}" for seed, value in values.items())


def _of_networks(*columns: str) -> pd.DataFrame:
    return learned("networks", *columns).set_index("seed")


@measures("B2.additive")
def additive() -> Measurement:
    """The largest share of a neuron's variance that is no f(x0) + g(x1), network by network."""
    rest = _of_networks("not_additive").not_additive
    return counted(
        f"variance that is no sum over digits under {ADDITIVE:g}, largest over neurons",
        rest < ADDITIVE,
        note=_note(_told(rest, ".1e")),
    )


@measures("B2.one_wave")
def one_wave() -> Measurement:
    """Median over neurons of the share of the best single wave, against networks without any."""
    rows = _of_networks("one_wave", "one_wave_random")
    controls = {
        name: fresh.columns_of(fresh.remainders(job), "networks", ["one_wave"]).one_wave
        for name, job in CONTROLS.items()
    }
    plain = max(shares.max() for shares in controls.values()) < CONTROL

    def verdict_at(bound: float) -> Verdict:
        return "agrees" if plain and (rows.one_wave > bound).all() else "differs"

    told = ", ".join(
        f"{name} {shares.max():.3f}" + f", the highest of {len(shares)}" * (len(shares) > 1)
        for name, shares in controls.items()
    )
    return counted(
        f"median share of the best wave over {DEFAULT.one_wave:g}, and under {CONTROL:g} in the "
        "controls",
        (rows.one_wave > DEFAULT.one_wave) & plain,
        note=_note(
            _told(rows.one_wave), f"random pairs of frequencies: {_told(rows.one_wave_random)}"
        ),
        controls=told,
        sensitivity=over((0.7, 0.8, 0.9), verdict_at, "share"),
    )


@measures("B2.phase_sum")
def phase_sum() -> Measurement:
    """95 % quantile over neurons of one wave of |t_A + t_B - t_D|, in turns."""
    rows = _of_networks("phase_error", "same_output")
    rows = rows.fillna({"phase_error": 0.5})  # no neuron of one wave: no sum to be kept
    turns = f"{_told(rows.phase_error, '.4f')} turns; random phases would give .475"

    def verdict_at(bound: float) -> Verdict:
        return "agrees" if (rows.phase_error <= bound).all() else "differs"

    return counted(
        f"phases add up within {PAPER_A_PHASE:g} turns, 95 % of the neurons of one wave",
        rows.phase_error <= PAPER_A_PHASE,
        note=_note(turns, f"output strongest at the same frequency: {_told(rows.same_output)}"),
        sensitivity=over((0.015, 0.02, 0.03), verdict_at, "turns"),
    )


def _slopes(rows: pd.DataFrame, column: str) -> dict[int, Interval]:
    """Slope of the clusters on ln q with its interval over tasks, by seed."""
    found = {}
    for seed, tasks in rows.groupby("seed"):
        fit = growth(tasks.set_index("q")[column]).loc["ln q"]
        found[int(str(seed))] = Interval(fit.slope, fit.low, fit.high)
    return found


def _parts(rows: pd.DataFrame, column: str) -> list[Part]:
    low, high = SLOPE
    return [
        part(f"clusters a unit of ln q, seed {seed}", slope, at_least=low, at_most=high)
        for seed, slope in _slopes(rows, column).items()
    ]


@measures("B2.clusters")
def clusters() -> Measurement:
    """Slope of a network's clusters a task on ln q, with its interval over the tasks."""
    fewest = {1: "clusters_1", 2: "clusters", 3: "clusters_3"}
    rows = learned("tasks", "q", *fewest.values())

    def verdict_at(size: float) -> Verdict:
        return every(one.verdict for one in _parts(rows, fewest[int(size)]))

    explained = {
        law: [
            growth(tasks.set_index("q").clusters).loc[law, "explained"]
            for _, tasks in rows.groupby("seed")
        ]
        for law in LAWS
    }
    told = "; ".join(
        f"{law} {', '.join(f'{share:.2f}' for share in shares)}"
        for law, shares in explained.items()
    )
    return judged(
        *_parts(rows, "clusters"),
        note=_note(
            f"intervals over the tasks of one network; share of the variance explained by {told}"
        ),
        needs="an interval over the tasks narrows with their number, that is with a larger p",
        sensitivity=over(fewest, verdict_at, "fewest neurons in a cluster"),
    )


@measures("B2.disjoint")
def disjoint() -> Measurement:
    """Whether no two tasks share neurons, and each can be broken without the others."""
    columns = ("shared", "removed_own", "removed_others", "removed_random")
    rows = learned("tasks", *columns).groupby("seed")
    shared, own = rows.shared.max(), rows.removed_own.max()
    others, at_random = rows.removed_others.min(), rows.removed_random.min()
    return counted(
        f"overlap of any two tasks under {SHARED:g}; without its neurons each task under "
        f"{DEFAULT.broken:g}, the others' mean over {OTHERS:g}",
        (shared < SHARED) & (own < DEFAULT.broken) & (others > OTHERS),
        note=_note(
            f"largest overlap {_told(shared)}; largest accuracy of a task without its neurons "
            f"{_told(own)}; least of the others' means {_told(others)}"
        ),
        controls=f"least of the others' means without as many random neurons: {_told(at_random)}",
    )


@measures("B2.replace")
def replaced() -> Measurement:
    """Mean held-out accuracy with every neuron replaced by its one wave a digit."""
    rows = learned("tasks", *REPLACED).groupby("seed").mean()
    beside = {
        "the whole network": rows.whole,
        "writing to their own task only": rows.own_task,
        "the path around the neurons at its mean": rows.direct_mean,
        "both, and only what needs both digits": rows.own_joint,
    }
    rest = "; ".join(f"{name} {_told(values)}" for name, values in beside.items())
    return counted(
        f"mean accuracy {DEFAULT.tasks_learned:g} or more with every neuron replaced by its one "
        "wave a digit",
        rows.one_wave >= DEFAULT.tasks_learned,
        note=_note(_told(rows.one_wave), rest),
    )
