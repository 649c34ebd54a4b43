"""Two hands at every attention rate, in ``results/two_hands``: what a live figure shows of them.

One file for each preset of clock and pizza, with the arrays of ``clock_pizza_hands.Hands`` in
float16: the networks themselves, some 0.8 MB each, would weigh nine times the whole folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modlib.analysis.meso.clock_pizza_hands import Hands, hands_of
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import CLOCK_PIZZA_PRESETS
from modlib.errors import StoreError
from modlib.machine import RESULTS
from modlib.progress import Bar
from modlib.results.clock_pizza import FIRST_CLOCK_PIZZA
from modlib.results.folder import open_folder, require_writable, write_folder
from modlib.results.shown import clock_pizza_network
from modlib.store.folder import provenance
from modlib.store.schema import Table, columns

FOLDER = "two_hands"
NETWORKS = "networks"
N = next(iter(CLOCK_PIZZA_PRESETS.values())).n
SHAPES = {
    "right": (3, N // 2 + 1, N),
    "profile": (3, N // 2 + 1, N // 2 + 1),
    "points": (2, N, 2),
}


def export_two_hands(results: Path = RESULTS) -> Path:
    """Describe one network at each rate, those trained that are not committed; returns the folder.

    Raises ``StoreError`` where a network has no cluster.
    """
    folder = results / FOLDER
    require_writable(folder)
    rows, arrays = [], {}
    for name, config in Bar(CLOCK_PIZZA_PRESETS.items(), desc="two hands", unit="network"):
        hands = hands_of(clock_pizza_network(attention_rate=config.attention_rate))
        if hands is None:
            raise StoreError(f"seed {FIRST_CLOCK_PIZZA} of {name} has no cluster")
        rows.append({"rate": hands.rate, "freq": hands.freq, "unit": hands.unit})
        arrays[name] = {key: getattr(hands, key).astype(np.float16) for key in SHAPES}
    write_folder(folder, {NETWORKS: pd.DataFrame(rows)}, _said(), arrays)
    return folder


def read_two_hands(results: Path = RESULTS) -> list[Hands]:
    """The committed hands by attention rate; none where there are none.

    Raises ``StoreError`` for a damaged folder and one of other configurations.
    """
    folder = open_folder(results / FOLDER, _fits)
    if folder is None:
        return []
    folder.require_files([NETWORKS], CLOCK_PIZZA_PRESETS)
    table, arrays = folder.tables({NETWORKS: _table()})[NETWORKS], folder.arrays()
    title, found = f"seed {folder.manifest['seed']}", []
    for row, (name, config) in zip(table.itertuples(), CLOCK_PIZZA_PRESETS.items(), strict=True):
        kept = {key: array.astype(np.float32) for key, array in arrays[name].items()}
        folder.require_network(name, kept, SHAPES)
        found.append(Hands(title, config.attention_rate, row.freq, row.unit, **kept))
    return found


def _said() -> dict[str, Any]:
    presets = CLOCK_PIZZA_PRESETS.items()
    return {
        "kind": ClockPizzaConfig.KIND,
        "configs": {name: asdict(config) for name, config in presets},
        "keys": {name: config.key() for name, config in presets},
        "seed": FIRST_CLOCK_PIZZA,
        **provenance("cpu"),
    }


def _fits(manifest: Mapping[str, Any]) -> bool:
    keys = {name: config.key() for name, config in CLOCK_PIZZA_PRESETS.items()}
    return (manifest.get("keys"), manifest.get("seed")) == (keys, FIRST_CLOCK_PIZZA)


def _table() -> Table:
    rates = [config.attention_rate for config in CLOCK_PIZZA_PRESETS.values()]
    rows = {
        **columns("rate", "float32", min(rates), max(rates)),
        **columns("freq", "int64", 1, N // 2),
        **columns("unit", "int64", 1, N - 1),
    }
    whole = ("it has not a row for each rate", lambda found: _are(found.rate.to_numpy(), rates))
    return Table(rows, ("rate",), (whole,))


def _are(found: np.ndarray, expected: list[float]) -> bool:
    return found.shape == (len(expected),) and np.allclose(found, expected)
