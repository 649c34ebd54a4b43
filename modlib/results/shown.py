"""What a chapter shows: the committed networks, else those in the store, else some trained now.

One function for each kind of thing that is shown. Bad values are refused before any work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.sweep_tables import SweepTables, concat, select
from modlib.analysis.meso.clock_pizza_lens import CLUSTER_COLUMNS, SHIFT_COLUMNS
from modlib.analysis.micro.harmonics import Portrait
from modlib.config.addition import AdditionConfig
from modlib.config.presets import (
    ABLATIONS,
    ADDITION_PRESETS,
    CLOCK_PIZZA_PRESETS,
    FILTER_AT_PAPER_SIZE,
    FIRST_SEED,
    PLAIN,
    REMAINDERS_PRESETS,
    preset_of,
)
from modlib.config.remainders import MIN_MASKED_P
from modlib.config.rules import require_seed, seed_range
from modlib.errors import StoreError, require_choice
from modlib.machine import EDITIONS, RESULTS, resolve_device, results_of
from modlib.models.foreign.load import load_checkpoint
from modlib.models.foreign.network import ForeignNetwork
from modlib.results.clock_pizza import FIRST_CLOCK_PIZZA, SHOWN, read_clock_pizza
from modlib.results.like_paper import CONFIG as LIKE_PAPER
from modlib.results.like_paper import like_paper
from modlib.results.portraits import PAPER_N, read_paper_neurons
from modlib.results.published_pizza import PublishedPizza, read_published_pizza
from modlib.results.remainders import ExportedRemainders, read_remainders
from modlib.results.sample import has_fine_tuning, recorded_fine_tuning
from modlib.results.sweeps import collect_sweep, read_sweep_export
from modlib.runs.addition import AdditionRun
from modlib.runs.clock_pizza import LAYOUT, as_network
from modlib.runs.get_or_train import get_or_train
from modlib.runs.remainders import RemaindersRun
from modlib.store.runs import Store

Export = TypeVar("Export")

NUM_NEW = 16
"""Networks that are trained where nothing is committed and no number is asked for."""
TRAINED_NOW = (PLAIN, *ABLATIONS.values(), "B37-lr-1.5")
"""What of chapter 14 is trained at settings that are not committed: each ablation, and one pair
of arms."""
PLACE = ("source", "rate", "seed")
"""Columns of the tables of clocks and pizzas that say whose a row is."""
ANOTHER_KIND = "clock-and-pizza/A"
"""The published network on which chapter 15 runs unless it is given one."""
PAPER_OWN = "B113-code"
"""Paper B's own setting, as its authors' program has it."""


# Paper A: many networks, and one with a fine-tuning cluster


def sweep_networks(
    config: AdditionConfig,
    *,
    seed: int = FIRST_SEED,
    num_seeds: int | None = None,
    device: str = "auto",
    progress: bool = True,
) -> SweepTables:
    """Tables of the networks with seeds from ``seed`` on.

    ``num_seeds`` None: all that are committed, and ``NUM_NEW`` where none are. Networks that
    are not committed are taken from the store, or trained now with a progress bar. Histogram
    and ranks, which are committed as sums, stay those of all committed networks.
    """
    seed = require_seed(seed)
    resolve_device(device)
    name = preset_of(config)
    committed = None if name is None else read_sweep_export(name)
    known = set() if committed is None else set(committed.networks.seed.tolist())
    if num_seeds is None and any(other >= seed for other in known):
        wanted = sorted(other for other in known if other >= seed)
    else:
        wanted = list(seed_range(seed, NUM_NEW if num_seeds is None else num_seeds))
    there = [other for other in wanted if other in known]
    missing = [other for other in wanted if other not in known]
    if committed is not None and not missing:
        return select(committed, there)
    # Not at the top: to read what is committed, no trainer is needed.
    from modlib.runs.sweep import sweep

    store = Store()
    new = []
    for block in _runs(missing):
        sweep(config, block, store=store, device=device, progress=progress)
        new.append(collect_sweep(store, config, block))
    return concat(new if committed is None or not there else [committed, *new], wanted)


def committed_sweeps(
    presets: Mapping[str, str], edition: str = EDITIONS[0]
) -> dict[str, SweepTables | None]:
    """Committed tables of an edition by the names given to presets; None where none are.

    A chapter makes names of presets from its modulus: at most moduli there is no such preset.
    """
    results = results_of(edition)
    return {
        name: read_sweep_export(preset, results) if preset in ADDITION_PRESETS else None
        for name, preset in presets.items()
    }


def _runs(seeds: list[int]) -> list[range]:
    """Ascending seeds as ranges without gaps."""
    cuts = [0, *(np.flatnonzero(np.diff(seeds) != 1) + 1).tolist(), len(seeds)]
    return [
        range(seeds[start], seeds[stop - 1] + 1) for start, stop in pairwise(cuts) if stop > start
    ]


def fine_tuning_example(run: AdditionRun, device: str = "auto") -> AdditionRun | None:
    """A run with a fine-tuning cluster at the same modulus: this one, else the network like the
    paper's, else the recorded seed's.

    None where the modulus has no recorded seed, and where its run has none on this device.
    """
    if has_fine_tuning(run):
        return run
    if run.config.n == LIKE_PAPER.n and (kept := like_paper()) is not None:
        return kept
    seed = recorded_fine_tuning(run.config.n)
    if seed is None:
        return None
    recorded = get_or_train(AdditionConfig(n=run.config.n), seed=seed, device=device)
    return recorded if has_fine_tuning(recorded) else None


def paper_neurons(
    own: Mapping[str, Portrait | None], seeds: Mapping[str, int], results: Path = RESULTS
) -> tuple[dict[str, Portrait | None], dict[str, int]]:
    """The neurons of paper A's figure 2, at its n = 89, and their seeds.

    ``own``: those of the run at hand, which are shown where they are at n = 89 too, and where none
    are committed.
    """
    committed = read_paper_neurons(results)
    moduli = {one.preact.shape[1] for one in own.values() if one is not None}
    if committed is None or moduli == {PAPER_N}:
        return dict(own), dict(seeds)
    seed, portraits = committed
    return {**portraits}, dict.fromkeys(portraits, seed)


# Clocks and pizzas


def clock_pizza_network(
    checkpoint: str | None = None,
    *,
    n: int = 59,
    attention_rate: float | None = None,
    seed: int = FIRST_CLOCK_PIZZA,
    results: Path = RESULTS,
) -> ForeignNetwork:
    """A checkpoint; the committed network; else one that is trained.

    ``attention_rate`` None: of a checkpoint, told by the file, its name or its accuracy; of a
    network trained here, 0. ``n`` and ``seed`` are of networks trained here. Raises ``InputError``
    for a checkpoint of another layout than Zhong et al.'s transformer.
    """
    if checkpoint is not None:
        network = load_checkpoint(checkpoint, attention_rate=attention_rate)
        require_choice("layout of checkpoint", network.layout, (LAYOUT,))
        return network
    seed, rate = require_seed(seed), 0.0 if attention_rate is None else attention_rate
    config = replace(CLOCK_PIZZA_PRESETS[SHOWN[0]], n=n, attention_rate=rate)
    committed = read_clock_pizza(results)
    if committed is not None and committed.manifest["seeds"][0] == seed:
        for name in committed.shown:
            if CLOCK_PIZZA_PRESETS[name] == config:
                return as_network(committed.shown[name], config, f"seed {seed}")
    return get_or_train(config, seed=seed).network


class Example(NamedTuple):
    """A network of another kind than the book's own; ``published``: by others, else made here."""

    network: ForeignNetwork
    published: bool


def another_kind(results: Path = RESULTS) -> Example:
    """The published pizza where it can be had, else the committed clock of ours.

    Raises the published weights' ``StoreError`` where no clock is committed either.
    """
    try:
        return Example(load_checkpoint(ANOTHER_KIND), True)
    except StoreError:
        committed = read_clock_pizza(results)
        clock = SHOWN[1]
        if committed is None or clock not in committed.shown:
            raise
        seed = committed.manifest["seeds"][0]
        name = f"a clock of ours, seed {seed}"
        network = as_network(committed.shown[clock], CLOCK_PIZZA_PRESETS[clock], name)
        return Example(network, False)


def clock_pizza_rates(
    results: Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The committed networks of both editions: ours, the published, ours untrained.

    Empty where there are none. ``results``: of this folder alone.
    """
    networks = _clocks_and_pizzas("networks", results)
    if networks.empty:
        return networks, networks, networks
    sources = networks.source
    named = sources.isin(["ours", "untrained"])
    return networks[sources == "ours"], networks[~named], networks[sources == "untrained"]


def clock_pizza_circles(results: Path | None = None) -> dict[str, pd.DataFrame]:
    """``circles`` of our pizzas and of our clocks, of both editions; {} where there are none."""
    circles = _clocks_and_pizzas("circles", results)
    if circles.empty:
        return {}
    own = circles[circles.source == "ours"]
    return {
        kind: own[own.rate == CLOCK_PIZZA_PRESETS[name].attention_rate]
        for kind, name in zip(("pizzas", "clocks"), SHOWN, strict=True)
    }


def clock_pizza_shifts(results: Path | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``shifts`` and ``clusters`` of the networks trained at rate 0, ours and the published.

    Of both editions, or of the folder ``results``; empty where there are none.
    """
    found = []
    for name, columns in (("shifts", SHIFT_COLUMNS), ("clusters", CLUSTER_COLUMNS)):
        table = _clocks_and_pizzas(name, results)
        if table.empty:
            table = pd.DataFrame(columns=[*columns, *PLACE])
        found.append(table[(table.rate == 0) & (table.source != "untrained")])
    return found[0], found[1]


def _clocks_and_pizzas(table: str, results: Path | None) -> pd.DataFrame:
    """A table of ``results/clock_pizza`` over the editions, the published networks once."""
    tables = [getattr(one, table) for one in _of_editions(read_clock_pizza, results)]
    if not tables:
        return pd.DataFrame()
    own = [rows[rows.source.isin(["ours", "untrained"])] for rows in tables[1:]]
    return pd.concat([tables[0], *own], ignore_index=True)


def published_pizza(results: Path = RESULTS) -> PublishedPizza:
    """Neurons and votes of paper A's own pizza; none where they are not committed."""
    return read_published_pizza(results) or PublishedPizza([], {})


def _of_editions(read: Callable[[Path], Export | None], results: Path | None) -> list[Export]:
    """What ``read`` finds in each edition's folder, or in ``results`` alone."""
    roots = [results_of(edition) for edition in EDITIONS] if results is None else [results]
    return [found for found in map(read, roots) if found is not None]


# Paper B: one network, and those of chapter 14


def remainders_network(
    *,
    p: int,
    seed: int,
    steps: int | None = None,
    task: str = "miiii",
    threads: int = 1,
    results: Path = RESULTS,
) -> RemaindersRun:
    """The committed network in the small setting at base p; else one that is trained.

    ``steps`` None: the setting's own number.
    """
    chosen: dict[str, Any] = {"p": p, "task": task} | ({} if steps is None else {"steps": steps})
    config = replace(REMAINDERS_PRESETS["B37"], **chosen)
    name = preset_of(config)
    exported = None if name is None else read_remainders(name, results)
    if exported is not None and exported.run.seed == seed and exported.run.weights:
        return exported.run
    return get_or_train(config, seed=seed, threads=threads)


def own_size_network(
    *, p: int, seed: int, steps: int | None = None, results: Path | None = None
) -> RemaindersRun:
    """At p = 113 the network of paper B's own setting, else that of ``remainders_network``.

    Committed networks of either edition are read, others trained: at p = 113 for hours.
    """
    preset = REMAINDERS_PRESETS[PAPER_OWN]
    if p != preset.p:
        return remainders_network(p=p, seed=seed, steps=steps)
    config = preset if steps is None else replace(preset, steps=steps)
    exports = _of_editions(partial(read_remainders, PAPER_OWN), results)
    for exported in exports if config == preset else ():
        if exported.run.seed == seed and exported.run.weights:
            return exported.run
    return get_or_train(config, seed=seed)


def committed_remainders(names: Iterable[str], results: Path = RESULTS) -> list[ExportedRemainders]:
    """What is committed of presets, finished or not; those of which nothing is are left out."""
    found = (read_remainders(name, results) for name in names)
    return [exported for exported in found if exported is not None]


class Ablated(NamedTuple):
    """``history``: of all seeds, with a column ``seed``; ``run``: the first of them, with what was
    logged."""

    history: pd.DataFrame
    run: RemaindersRun


def ablated_networks(
    names: Collection[str],
    *,
    p: int,
    seed: int = FIRST_SEED,
    steps: int | None = None,
    results: Path | None = None,
) -> dict[str, Ablated]:
    """Networks of presets by name, at another p and steps if asked for.

    The presets' own networks are read, all committed seeds of both editions; those that are not
    committed are left out. At other settings those of ``TRAINED_NOW`` are trained, or taken from
    the store, one seed each; the masked one is left out where no task would remain.
    """
    found = {}
    for name in dict.fromkeys(names):
        preset = REMAINDERS_PRESETS[name]
        if preset.task == "masked" and p < MIN_MASKED_P:
            continue
        config = replace(preset, p=p, steps=preset.steps if steps is None else steps)
        if config == preset and seed == FIRST_SEED:
            if exports := _of_editions(partial(read_remainders, name), results):
                histories = [one.history for one in exports]
                found[name] = Ablated(pd.concat(histories, ignore_index=True), exports[0].run)
        elif name in TRAINED_NOW:
            run = get_or_train(config, seed=seed)
            found[name] = Ablated(run.history.assign(seed=seed), run)
    return found


def gradient_filter_pair(results: Path = RESULTS) -> dict[str, pd.DataFrame]:
    """The committed histories of ``FILTER_AT_PAPER_SIZE``; {} unless both are there."""
    found = {kind: read_remainders(name, results) for kind, name in FILTER_AT_PAPER_SIZE.items()}
    tables = {kind: exported.history for kind, exported in found.items() if exported is not None}
    return tables if len(tables) == len(found) else {}
