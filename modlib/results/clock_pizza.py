"""Clocks and pizzas in ``results/clock_pizza``: every attention rate, and the published weights."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from modlib.analysis.meso.clock_pizza_lens import describe
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import CLOCK_PIZZA_PRESETS
from modlib.config.rules import seed_range
from modlib.errors import InputError, StoreError, require_choice, require_int
from modlib.machine import RESULTS, one_thread
from modlib.models.clock_pizza import parameter_shapes
from modlib.models.foreign.load import load_checkpoint
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.foreign.published import PUBLISHED
from modlib.progress import Bar
from modlib.results.folder import (
    open_folder,
    origin,
    require_writable,
    write_folder,
)
from modlib.results.schemas import clock_pizza_tables, wrong_clock_pizza
from modlib.runs.clock_pizza import ClockPizzaRun
from modlib.runs.get_or_train import get_or_train
from modlib.runs.one_shard import describing
from modlib.store.folder import provenance
from modlib.store.runs import Store

FOLDER = "clock_pizza"
TABLES = ("networks", "clusters", "circles", "shifts", "history")
SHOWN = ("C59-rate-0", "C59-rate-1")
"""Presets whose first network is kept whole: a pizza and a clock."""
FIRST_CLOCK_PIZZA = 1001
"""First seed of its networks: 1000 was looked at while definitions were still made."""
NUM_SEEDS = 3
EVERY = 4
"""Of a history every fourth evaluation is kept."""
WORTH_A_PROCESS = 8
"""Networks whose description, some five seconds each, is worth the start of a process."""

Described: TypeAlias = tuple[dict[str, pd.DataFrame], Mapping[str, Any], dict[str, np.ndarray]]
"""Of a network: its rows by table, its run's manifest, its parameters."""


@dataclass(frozen=True, kw_only=True)
class ExportedClockPizza:
    """What is committed.

    ``networks``: a row a network, ``source`` (``ours``, ``untrained`` or the published name),
    ``rate``, ``seed`` (-1: published), ``reached_step`` (-1: never), ``steps`` (-1: unknown) and
    the measures of ``clock_pizza.describe``;
    ``clusters``, ``circles``, ``shifts``: ``lens_clusters``, ``circle_table`` and, of networks
    whose view is exact, ``shift_table``, with ``source``, ``rate``, ``seed``; ``history``: a row a
    network and evaluation; ``shown``: the parameters of one network a preset of ``SHOWN``,
    where its networks are among them.
    """

    networks: pd.DataFrame
    clusters: pd.DataFrame
    circles: pd.DataFrame
    shifts: pd.DataFrame
    history: pd.DataFrame
    shown: dict[str, dict[str, np.ndarray]]
    manifest: dict[str, Any]

    def of(self, source: str) -> pd.DataFrame:
        """The rows of ``networks`` of a source; ``published``: of all that are published."""
        own = self.networks.source.isin(["ours", "untrained"])
        return self.networks[~own if source == "published" else self.networks.source == source]


def _rows(network: ForeignNetwork, **place: object) -> dict[str, pd.DataFrame]:
    """A network's rows of the tables; ``place`` says which network it is."""
    described = describe(network)
    found = {
        "networks": pd.DataFrame([described.measures]),
        "clusters": described.clusters,
        "circles": described.circles,
        "shifts": described.shifts,
    }
    return {name: table.assign(**place) for name, table in found.items()}


def _rows_of_run(run: ClockPizzaRun) -> dict[str, pd.DataFrame]:
    source = "ours" if run.config.steps else "untrained"
    place = {"source": source, "rate": run.config.attention_rate, "seed": run.seed}
    tables = _rows(run.network, **place)
    reached = -1 if run.reached_step is None else run.reached_step
    tables["networks"] = tables["networks"].assign(reached_step=reached, steps=run.config.steps)
    return tables | {"history": run.history.iloc[::EVERY].assign(**place)}


def _described(root: Path, config: ClockPizzaConfig, seed: int) -> Described:
    """A network's rows, its manifest and its parameters; for a process of its own too."""
    with one_thread():
        run = get_or_train(config, seed=seed, store=Store(root), progress=False)
        return _rows_of_run(run), run.manifest, run.weights


def _each(
    work: Sequence[tuple[ClockPizzaConfig, int]], threads: int, store: Store
) -> Iterator[Described]:
    """``_described`` of each, in order; up to ``threads`` at once, as pays."""
    at_once = min(threads, len(work) // WORTH_A_PROCESS)
    if at_once < 2:
        yield from (_described(store.root, *one) for one in work)
        return
    with describing(at_once) as pool:
        yield from pool.map(_described, *zip(*((store.root, *one) for one in work), strict=True))


def published_networks() -> dict[str, ForeignNetwork]:
    """The published networks that stand beside ours; ``StoreError`` where they cannot be had."""
    return {name: load_checkpoint(name) for name in PUBLISHED}


def export_clock_pizza(
    *,
    first_seed: int = FIRST_CLOCK_PIZZA,
    num_seeds: int = NUM_SEEDS,
    presets: Sequence[str] | None = None,
    append: bool = False,
    threads: int = 1,
    progress: bool = True,
    store: Store | None = None,
    results: Path = RESULTS,
) -> Path:
    """Train and describe seeds at every attention rate and write ``results/clock_pizza``.

    ``presets``: at the rates of these only. Runs that the store holds are not trained again. The
    published networks are described beside them: they are fetched first, so that a machine without
    them is told before any work (``StoreError``). ``append``: to the presets that the folder holds,
    on the same seeds; their rows stay. ``threads``: networks at once. Returns the folder.
    """
    seeds = seed_range(first_seed, num_seeds, at_most=1000)
    threads = require_int("threads", threads, at_least=1, at_most=1024)
    chosen = {
        name: CLOCK_PIZZA_PRESETS[require_choice("preset", name, CLOCK_PIZZA_PRESETS)]
        for name in (CLOCK_PIZZA_PRESETS if presets is None else presets)
    }
    folder, store = results / FOLDER, store or Store()
    require_writable(folder)
    begun = _behind(_to_append_to(results, chosen, seeds)) if append else _beside_published()
    parts, shown, origins = begun.parts, begun.shown, begun.origins
    configs = chosen | {
        f"{name}, untrained": replace(chosen[name], steps=0) for name in SHOWN if name in chosen
    }
    wanted = [(name, seed) for name in configs for seed in seeds]
    made = _each([(configs[name], seed) for name, seed in wanted], threads, store)
    bar = Bar(wanted, desc="clock and pizza", unit="network", disable=not progress)
    for (name, seed), (rows, manifest, weights) in zip(bar, made, strict=True):
        for table, part in rows.items():
            parts[table].append(part)
        if name in SHOWN and seed == seeds.start:
            shown[name] = weights
        origins.append(origin(manifest, preset=name, seed=seed))
    whole = {name: CLOCK_PIZZA_PRESETS[name] for name in begun.presets} | chosen
    content = {
        "kind": ClockPizzaConfig.KIND,
        "configs": {name: asdict(config) for name, config in whole.items()},
        "keys": {name: config.key() for name, config in whole.items()},
        "seeds": [seeds.start, seeds.stop - 1],
        "published": {name: source.sha256 for name, source in PUBLISHED.items()},
        "origins": origins,
        **provenance("cpu"),
    }
    tables = {
        name: pd.concat([part for part in rows if len(part)] or rows[:1], ignore_index=True)
        for name, rows in parts.items()
    }
    write_folder(folder, tables, content, shown)
    return folder


class _Begun(NamedTuple):
    """Rows by table, networks kept whole and origins that stand before those to be made, and the
    presets that they are of."""

    parts: dict[str, list[pd.DataFrame]]
    shown: dict[str, dict[str, np.ndarray]]
    origins: list[dict[str, Any]]
    presets: tuple[str, ...]


def _beside_published() -> _Begun:
    """A folder begins with the published networks."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for name, network in published_networks().items():
        rows = _rows(network, source=name, rate=network.attention_rate, seed=-1)
        rows["networks"] = rows["networks"].assign(reached_step=-1, steps=-1)
        for table, part in rows.items():
            parts[table].append(part)
    return _Begun(parts, {}, [], ())


def _behind(before: ExportedClockPizza) -> _Begun:
    """What a folder holds stays before what is appended to it."""
    parts = {name: [getattr(before, name)] for name in TABLES}
    manifest = before.manifest
    return _Begun(parts, dict(before.shown), list(manifest["origins"]), tuple(manifest["keys"]))


def _to_append_to(results: Path, chosen: Collection[str], seeds: range) -> ExportedClockPizza:
    """What the folder holds; refused unless it has these seeds, and none of these presets."""
    before = read_clock_pizza(results)
    if before is None:
        raise StoreError(f"{results / FOLDER} is not there, so that nothing can be appended to it")
    if doubled := sorted(set(chosen) & set(before.manifest["keys"])):
        raise InputError("presets", f"be none that {results / FOLDER} holds", doubled)
    first, last = before.manifest["seeds"]
    if (seeds.start, seeds.stop - 1) != (first, last):
        rule = f"be {first} to {last}, those of {results / FOLDER}"
        raise InputError("seeds", rule, f"{seeds.start} to {seeds.stop - 1}")
    return before


def read_clock_pizza(results: Path = RESULTS) -> ExportedClockPizza | None:
    """The committed tables and networks, checked against their manifest; None where absent.

    Raises ``StoreError`` for a damaged folder and one of other configurations.
    """
    folder = open_folder(results / FOLDER, _fits)
    if folder is None:
        return None
    shown = [name for name in SHOWN if name in folder.manifest["keys"]]
    folder.require_files(TABLES, shown)
    weights = folder.arrays()
    for name in shown:
        shapes = parameter_shapes(CLOCK_PIZZA_PRESETS[name])
        folder.require_network(name, weights[name], shapes)
    sources = ("ours", "untrained", *PUBLISHED)
    tables = folder.tables(clock_pizza_tables(sources))
    folder.require(wrong_clock_pizza(tables, folder.seeds))
    return ExportedClockPizza(**tables, shown=weights, manifest=folder.manifest)


def known_keys(keys: object) -> bool:
    """Whether they are keys that presets of clocks and pizzas have in this version, one or more."""
    known = {name: config.key() for name, config in CLOCK_PIZZA_PRESETS.items()}
    return isinstance(keys, dict) and bool(keys) and keys.items() <= known.items()


def _fits(manifest: Mapping[str, Any]) -> bool:
    """Whether its presets, some of ours, and the published files are those of this version."""
    hashes = {name: source.sha256 for name, source in PUBLISHED.items()}
    return known_keys(manifest.get("keys")) and manifest.get("published") == hashes
