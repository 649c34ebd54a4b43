"""Rows of paper A's second edition against a second computation of their own (``recomputed``).

On made-up tables every part of a rule is compared, and a changed column is noticed; on committed
tables what the ledger says. A row whose networks are not all there has to be pending.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd
import pytest

from made_up.claims import place_fresh
from made_up.sweeps import made_up, schema_2
from modlib.analysis.macro.tables import NetworkTables
from modlib.analysis.many_seeds.sweep_tables import SweepTables
from modlib.claims.ledger import ledger
from modlib.claims.measure import measured, registered
from modlib.machine import results_of
from recomputed import (
    FIRST_KEPT,
    KEPT,
    MODULI,
    ROWS,
    Part,
    Tables,
    deciding,
    frequency_sets,
    gaps,
    place,
    read,
)

OF_HALF_WIDTH = 0.2
"""How far the ends of two bootstraps may lie apart, of the interval's half width.

The 2.5 % quantile of B normal draws has a standard deviation of sqrt(.025 .975 / B) / .0584, which
is 1.36 / sqrt(B) half widths. Both have 2,000: .043 for the difference, of which this is 4.6.
"""
DRAWN = 4
"""How far two numbers may lie apart that rest on random draws, in their standard deviations."""


def unequal(ours: Part, value: float, low: float | None, high: float | None, verdict: str) -> str:
    """In what a part is not what the ledger says of it; empty where it is the same."""
    found = ours.found
    if ours.verdict != verdict:
        return f"verdict: {ours.verdict} here, {verdict} there"
    near = 1e-6 * max(1.0, abs(found.value)) + DRAWN * found.drawn
    if abs(found.value - value) > near:
        return f"number: {found.value:.7g} here, {value:.7g} there"
    low, high = (value, value) if low is None or high is None else (low, high)
    if found.resampled:
        near += OF_HALF_WIDTH * (high - low) / 2
    for here, there in ((found.low, low), (found.high, high)):
        # What the number is divided by divides its ends as well.
        times = abs(here / found.value) if found.drawn and found.value else 1.0
        if abs(here - there) > near * max(1.0, times):
            return f"interval: {found.low:.5g} to {found.high:.5g} here, {low:.5g} to {high:.5g}"
    return ""


# Made-up tables


def columns(n: int, num_seeds: int, seed: int) -> SweepTables:
    """Networks whose every column that a rule asks for varies, some of which did not learn."""
    draw = np.random.default_rng([n, seed])

    def normal(mean: float, sd: float) -> Callable[[pd.DataFrame], np.ndarray]:
        return lambda table: draw.normal(mean, sd, len(table))

    def one_of(*values: object) -> Callable[[pd.DataFrame], np.ndarray]:
        return lambda table: draw.choice(values, len(table))

    tables = schema_2(
        made_up(n, num_seeds=num_seeds, clusters=(2, 7), failed=15, seed=seed),
        seed=seed,
        networks={
            "test_accuracy": lambda t: np.where(t.learned, 1.0, 0.998),
            "reached_epoch": lambda t: np.where(t.learned | (t.seed % 2 == 0), 50, -1),
            "margin": normal(2.0, 1.1),
            "loss": lambda t: np.exp(draw.normal(-3.7, 0.4, len(t))),
            "strict_accuracy": lambda t: 1 - draw.exponential(0.001, len(t)),
            "strict_loss": lambda t: 3.9 * t.loss * np.exp(draw.normal(0, 0.3, len(t))),
            "strict_2f_loss": lambda t: 1.2 * t.loss * np.exp(draw.normal(0, 0.2, len(t))),
        },
        clusters={
            "num_neurons": lambda t: draw.integers(3, 20, len(t)),
            "num_phases": lambda t: t.num_neurons - draw.integers(0, 2, len(t)),
            "kind": one_of("simple", "simple", "simple", "3f", "mixed", "fine-tuning"),
            "explained": lambda t: (0.6 + 0.025 * t.num_neurons) * draw.uniform(0.6, 1, len(t)),
            "amplitude": normal(2.5, 0.7),
            "nearest_ratio": normal(1.15, 0.25),
            "removed_accuracy": one_of(1.0, 0.9995, 0.9985, 0.97),
            "removed_loss": lambda t: t.num_neurons * draw.exponential(0.02, len(t)),
            "control_loss": lambda t: t.removed_loss * draw.choice([0.9, 2, 2, 3, 4], len(t)),
        },
        neurons={
            "residual": lambda t: draw.uniform(0.25, 0.6, len(t)),
            "kind": one_of("fine-tuning", "fine-tuning", "diffuse", "3f"),
            "freq_3": lambda t: np.where(draw.random(len(t)) < 0.3, 40, t.freq_3),
        },
    )
    window = pd.DataFrame(
        {
            "seed": np.repeat(tables.networks.seed, 9),
            "freq": draw.integers(1, n // 2 + 1, 9 * num_seeds),
        }
    ).drop_duplicates()
    counts = {"num_neurons": draw.integers(1, 9, len(window))}
    counts["num_fine_tuning"] = counts["num_neurons"] // 4
    found = frequency_sets(as_tables(tables), n)
    neurons, row = tables.fine_tuning, place(as_tables(tables), tables.fine_tuning)
    another = [draw.choice(np.flatnonzero(of)) for of in found[row]]
    other = (draw.random(len(neurons)) < 0.6) & (another != neurons.freq_1)
    neurons = neurons.assign(freq_2=np.where(other, another, neurons.freq_2))
    leading = {f"clustered_{i}": found[row, neurons[f"freq_{i}"]] for i in (1, 2)}
    return tables._replace(
        networks=tables.networks.assign(gap=gaps(found, n), delta=np.pi / np.e**3),
        window=window.assign(**counts),
        fine_tuning=neurons.assign(**leading),
    )


def described(num_seeds: int, seed: int) -> NetworkTables:
    """Networks described whole, of ten neurons and four clusters each."""
    draw = np.random.default_rng(seed)
    seeds = np.arange(num_seeds)
    learned = draw.random(num_seeds) < 0.95
    neurons = pd.DataFrame({"seed": np.repeat(seeds, 10)})
    tuned = draw.random(len(neurons)) < 0.2
    neurons["kind"] = np.where(tuned, "fine-tuning", "simple")
    for name, mean in {"full": 0.6, "hump": 0.5, "flank": 0.8}.items():
        neurons[name] = np.where(tuned, draw.normal(mean, 0.15, len(neurons)), np.nan)
    clusters = pd.DataFrame({"seed": np.repeat(seeds, 4)})
    clusters["num_neurons"] = draw.integers(3, 20, len(clusters))
    clusters["shift_cosine"] = 1 - draw.exponential(1 / clusters.num_neurons)
    summary = pd.DataFrame({"seed": seeds, "learned": learned, "reached_epoch": 50})
    return NetworkTables(
        summary.assign(test_accuracy=np.where(learned, 1.0, 0.99)), clusters, neurons
    )


def as_tables(tables: SweepTables | NetworkTables) -> Tables:
    found = tables._asdict()
    return {"networks" if name == "summary" else name: table for name, table in found.items()}


@cache
def made_up_for(claim_id: str) -> dict[str, SweepTables | NetworkTables]:
    """Tables of each folder that a row needs, of its preset's name."""
    presets = [name.rpartition("/")[2] for name in ROWS[claim_id].needs]
    if any(name.startswith("sweeps/") for name in ROWS[claim_id].needs):
        return {preset: sweep_of(preset) for preset in presets}
    return {preset: described(150, MODULI[preset]) for preset in presets}


@cache
def sweep_of(preset: str) -> SweepTables:
    return columns(MODULI[preset], 400, len(preset))


def told_parts(monkeypatch: pytest.MonkeyPatch, claim_id: str) -> Sequence[object]:
    """The parts that the measure of a row judges, on its made-up tables."""
    function, kept = registered()[claim_id], []
    module = sys.modules[function.__module__]
    judged = module.judged
    monkeypatch.setattr(
        module, "judged", lambda *parts, **more: kept.extend(parts) or judged(*parts, **more)
    )
    found = made_up_for(claim_id)
    is_sweep = isinstance(next(iter(found.values())), SweepTables)
    place_fresh(monkeypatch, **{"sweep" if is_sweep else "sample": found})
    function()
    return kept


def differences(parts: Sequence[Part], told: Sequence[object]) -> list[str]:
    """What is unequal, part by part."""
    assert len(parts) == len(told)
    return [
        reason
        for ours, part in zip(parts, told, strict=True)
        if (reason := unequal(ours, *part.interval, part.verdict))
    ]


def recompute(claim_id: str, tables: dict[str, Tables]) -> list[Part]:
    return ROWS[claim_id].compute(tables)


PLANTED: dict[str, tuple[str, str, Callable[[pd.DataFrame], object]]] = {
    "A2.accuracy": (
        "networks",
        "test_accuracy",
        lambda t: t.test_accuracy - 0.01 * (t.seed % 9 == 0),
    ),
    "A2.fine_tuning.order": ("fine_tuning", "freq_2", lambda t: np.where(t.seed % 5, t.freq_2, 44)),
    "A2.half_period": ("neurons", "flank", lambda t: t.flank - 0.05),
    "A2.secA1.replace": ("networks", "strict_2f_loss", lambda t: t.strict_2f_loss * 1.001),
    "A2.phases": ("clusters", "nearest_ratio", lambda t: t.nearest_ratio + 0.05),
    "A2.fig27.within": (
        "clusters",
        "removed_loss",
        lambda t: t.removed_loss + 0.02 * (t.cluster == 0),
    ),
    "A2.fig27.control": ("clusters", "removed_loss", lambda t: t.removed_loss * 2.5),
    "A2.sec6.redundancy": ("clusters", "removed_accuracy", lambda t: t.removed_accuracy - 0.0008),
    "A2.fig6.intersection": ("networks", "margin", lambda t: -t.margin),
    "A2.fig6.cosine": ("clusters", "num_neurons", lambda t: t.num_neurons + 1),
    "A2.fig31.equivariant": ("clusters", "num_neurons", lambda t: t.num_neurons + 1),
    "A2.equal_amplitude": ("clusters", "amplitude", lambda t: t.amplitude + 0.1),
    "A2.double": (
        "networks",
        "neurons_fine-tuning",
        lambda t: 1 - t["neurons_fine-tuning"].clip(0, 1),
    ),
    "A2.fig25.count": ("window", "num_neurons", lambda t: t.num_fine_tuning),
    "A2.fig25.prime_factors": ("window", "num_neurons", lambda t: t.num_fine_tuning),
    "A2.fig25.prime_factors.runs": ("window", "num_neurons", lambda t: t.num_fine_tuning),
    "A2.fig25.exact": ("window", "num_fine_tuning", lambda t: t.num_neurons),
    "A2.origin": ("networks", "neurons_fine-tuning", lambda t: (t.seed % 3 == 0).astype(int)),
    "A2.selection": ("clusters", "freq", lambda t: 1 + t.freq // 2),
}
"""A table, one of its columns, and what it is changed to behind the measure's back."""


@pytest.mark.parametrize("claim_id", ROWS)
def test_every_part_of_a_rule_is_the_same_on_made_up_tables_and_a_changed_column_is_noticed(
    monkeypatch, claim_id
):
    told = told_parts(monkeypatch, claim_id)
    tables = {preset: as_tables(found) for preset, found in made_up_for(claim_id).items()}
    assert differences(recompute(claim_id, tables), told) == []
    name, column, change = PLANTED[claim_id]
    for found in tables.values():
        found[name] = found[name].assign(**{column: change})
    assert differences(recompute(claim_id, tables), told)


# Committed tables


def test_the_gap_of_a_network_is_that_of_its_clusters_frequencies():
    tables = committed("sweeps/A91", 4000)
    assert tables is not None
    chosen = tables["networks"].num_clusters.to_numpy() > 0
    found = gaps(frequency_sets(tables, 91)[chosen], 91)
    np.testing.assert_allclose(tables["networks"].gap[chosen], found, atol=1e-6)


@cache
def committed(folder: str, num: int) -> Tables | None:
    return read(results_of("2") / folder, num)


def of_the_ledger(claim_id: str) -> tuple[float | None, float | None, float | None, str]:
    """What the ledger says of a row: its number, of 1, both ends of its interval, its verdict."""
    (row,) = [row for row in ledger(2, measured([claim_id])) if row.claim.id == claim_id]
    told = row.measurement
    assert told is not None, row.missing
    scale = 100 if told.unit == "%" else 1
    value, low, high = (None if x is None else x / scale for x in (told.value, told.low, told.high))
    return value, low, high, told.verdict


CHANGED: dict[str, tuple[str, str, Callable[[pd.DataFrame], object]]] = {
    "A.fig5b.clusters.n91": ("networks", "num_clusters", lambda t: t.num_clusters.clip(4)),
    "A.fig5b.clusters.n89": ("networks", "num_clusters", lambda t: t.num_clusters.clip(4)),
    "A.fig25.bound": ("clusters", "kind", lambda t: t.kind.where(t.seed % 9 > 0, "fine-tuning")),
    "A.fig5a.rank0": ("clusters", "rank_0", lambda t: t.rank_0 * 1.01),
    "A.sec4.most_simple": ("neurons", "kind", lambda t: t.kind.where(t.seed % 5 > 0, "bent")),
    "A.secA1.phase_sum": ("neurons", "t_d", lambda t: t.t_d + 0.1),
    "A.secA1.radius": ("neurons", "r_a", lambda t: t.r_a * 1.01),
}
"""As ``PLANTED``, for the rows that are kept."""


@pytest.mark.parametrize("claim_id", KEPT)
def test_a_row_that_is_kept_says_what_its_tables_say_and_a_changed_column_is_noticed(claim_id):
    tables = {
        folder.rpartition("/")[2]: read(results_of("1") / folder, num, FIRST_KEPT)
        for folder, num in KEPT[claim_id].needs.items()
    }
    found = {preset: one for preset, one in tables.items() if one is not None}
    assert len(found) == len(tables)
    told = of_the_ledger(claim_id)
    assert unequal(deciding(KEPT[claim_id].compute(found)), *told) == ""
    name, column, change = CHANGED[claim_id]
    for one in found.values():
        one[name] = one[name].assign(**{column: change})
    assert unequal(deciding(KEPT[claim_id].compute(found)), *told)


@pytest.mark.parametrize("claim_id", ROWS)
def test_the_ledger_says_what_its_tables_say(claim_id):
    needs = ROWS[claim_id].needs
    tables = {folder: committed(folder, num) for folder, num in needs.items()}
    (row,) = [row for row in ledger(2, measured([claim_id])) if row.claim.id == claim_id]
    lacking = [f"{num:,} networks {folder}" for folder, num in needs.items() if not tables[folder]]
    if lacking:
        assert row.verdict == "pending", f"measured without {', '.join(lacking)}"
        pytest.skip(f"pending until {', '.join(lacking)} are committed")
    sweeps = {folder.rpartition("/")[2]: of for folder, of in tables.items()}
    ours = deciding(recompute(claim_id, sweeps))
    assert unequal(ours, *of_the_ledger(claim_id)) == ""
