"""Clocks and pizzas in ``results/clock_pizza``: every attention rate, and the published weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from tqdm import tqdm

from modlib.analysis.meso.clock_pizza import describe
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import CLOCK_PIZZA_PRESETS
from modlib.config.rules import require_seed
from modlib.errors import StoreError, require_choice, require_int
from modlib.machine import RESULTS
from modlib.models.clock_pizza import parameter_shapes
from modlib.models.foreign.load import load_checkpoint
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.foreign.published import PUBLISHED
from modlib.results.folder import require_writable, write_tables
from modlib.runs.clock_pizza import (
    LAYOUT,
    ClockPizzaRun,
    as_network,
    get_or_train_clock_pizza,
)
from modlib.store.folder import provenance, read_manifest
from modlib.store.runs import Store

FOLDER = "clock_pizza"
TABLES = ("networks", "clusters", "circles", "shifts", "history")
SHOWN = ("C59-rate-0", "C59-rate-1")
"""Presets whose first network is kept whole: a pizza and a clock."""
FIRST_SEED = 1001
"""Seed 1000 was looked at while definitions were still made."""
NUM_SEEDS = 3
EVERY = 4
"""Of a history every fourth evaluation is kept."""


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


def export_clock_pizza(
    *,
    first_seed: int = FIRST_SEED,
    num_seeds: int = NUM_SEEDS,
    presets: Sequence[str] | None = None,
    progress: bool = True,
    results: Path = RESULTS,
) -> Path:
    """Train and describe seeds at every attention rate and write ``results/clock_pizza``.

    ``presets``: at the rates of these only. Runs that the store holds are not trained again. The
    published networks are described beside them: they are fetched first, so that a machine without
    them is told before any work (``StoreError``). Returns the folder.
    """
    first_seed = require_seed(first_seed, "first_seed")
    num_seeds = require_int("num_seeds", num_seeds, at_least=1, at_most=1000)
    require_seed(first_seed + num_seeds - 1, "last seed")
    chosen = {
        name: CLOCK_PIZZA_PRESETS[require_choice("preset", name, CLOCK_PIZZA_PRESETS)]
        for name in (CLOCK_PIZZA_PRESETS if presets is None else presets)
    }
    folder, store = results / FOLDER, Store()
    require_writable(folder)
    published = {name: load_checkpoint(name) for name in PUBLISHED}
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for name, network in published.items():
        rows = _rows(network, source=name, rate=network.attention_rate, seed=-1)
        rows["networks"] = rows["networks"].assign(reached_step=-1, steps=-1)
        for table, part in rows.items():
            parts[table].append(part)
    shown, origins = {}, []
    configs = chosen | {
        f"{name}, untrained": replace(chosen[name], steps=0) for name in SHOWN if name in chosen
    }
    wanted = [
        (name, seed) for name in configs for seed in range(first_seed, first_seed + num_seeds)
    ]
    for name, seed in tqdm(wanted, desc="clock and pizza", unit="network", disable=not progress):
        run = get_or_train_clock_pizza(configs[name], seed=seed, store=store, progress=False)
        for table, part in _rows_of_run(run).items():
            parts[table].append(part)
        if name in SHOWN and seed == first_seed:
            shown[name] = run.weights
        kept = ("command", "commit", "device", "cpu_capability", "wall_s")
        origins.append({"preset": name, "seed": seed} | {key: run.manifest[key] for key in kept})
    content = {
        "kind": ClockPizzaConfig.KIND,
        "configs": {name: asdict(config) for name, config in chosen.items()},
        "keys": {name: config.key() for name, config in chosen.items()},
        "seeds": [first_seed, first_seed + num_seeds - 1],
        "published": {name: source.sha256 for name, source in PUBLISHED.items()},
        "origins": origins,
        **provenance("cpu"),
    }
    tables = {
        f"{name}.parquet": pd.concat(
            [part for part in rows if len(part)] or rows[:1], ignore_index=True
        )
        for name, rows in parts.items()
    }
    arrays = {f"{name}.safetensors": weights for name, weights in shown.items()}
    write_tables(folder, tables, content, arrays)
    return folder


def read_clock_pizza(results: Path = RESULTS) -> ExportedClockPizza | None:
    """The committed tables and networks, checked against their manifest; None where absent.

    Raises ``StoreError`` for a damaged folder and one of other configurations.
    """
    folder = results / FOLDER
    if not folder.is_dir():
        return None
    files = {name: f"{name}.parquet" for name in TABLES}
    manifest = read_manifest(folder)
    keys: Any = manifest.get("keys")
    known = {name: config.key() for name, config in CLOCK_PIZZA_PRESETS.items()}
    hashes = {name: source.sha256 for name, source in PUBLISHED.items()}
    fits = isinstance(keys, dict) and keys and keys.items() <= known.items()
    if not fits or manifest.get("published") != hashes:
        raise StoreError(f"{folder} holds networks of other configurations; export it again")
    shown = {name: f"{name}.safetensors" for name in SHOWN if name in keys}
    read_manifest(folder, [*files.values(), *shown.values()])
    weights = {name: load_file(folder / file) for name, file in shown.items()}
    for name, arrays in weights.items():
        shapes = parameter_shapes(CLOCK_PIZZA_PRESETS[name])
        if {key: array.shape for key, array in arrays.items()} != shapes:
            raise StoreError(f"{folder / shown[name]} holds arrays of other shapes")
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise StoreError(f"{folder / shown[name]} has numbers that are not finite")
    tables = {name: pd.read_parquet(folder / file) for name, file in files.items()}
    return ExportedClockPizza(**tables, shown=weights, manifest=manifest)


def rates_to_show(
    results: Path = RESULTS,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The committed networks: ours, the published, ours untrained; empty where there are none."""
    committed = read_clock_pizza(results)
    if committed is None:
        return pd.DataFrame(), pd.DataFrame(), pd.DataFrame()
    return committed.of("ours"), committed.of("published"), committed.of("untrained")


def network_to_show(
    checkpoint: str | None = None,
    *,
    n: int = 59,
    attention_rate: float | None = None,
    seed: int = FIRST_SEED,
    results: Path = RESULTS,
) -> ForeignNetwork:
    """The network that a chapter looks at: a checkpoint; the committed one; else trained now.

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
    return get_or_train_clock_pizza(config, seed=seed).network
