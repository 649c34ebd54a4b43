"""Neurons with their preactivations as tables, and those of paper A's figure 2.

``results/paper_neurons`` holds a simple and a fine-tuning neuron of one network at n = 89.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from modlib.analysis.micro.harmonics import Portrait, portrait, portrait_of
from modlib.analysis.micro.neurons import Kind, by_strength
from modlib.config.addition import AdditionConfig
from modlib.errors import StoreError
from modlib.machine import RESULTS
from modlib.results.folder import (
    of_preset,
    open_folder,
    require_writable,
    said_of_networks,
    write_folder,
)
from modlib.results.sample import recorded_fine_tuning
from modlib.results.schemas import portrait_table
from modlib.runs.get_or_train import get_or_train
from modlib.store.folder import provenance

FOLDER = "paper_neurons"
PAPER_N = 89
"""Modulus of paper A's figure 2."""
KINDS: tuple[Kind, ...] = ("simple", "fine-tuning")


def as_table(portraits: Sequence[Portrait]) -> pd.DataFrame:
    """``freq``, ``neuron``, ``input``, ``preact_a``, ``preact_b``: a row a neuron and residue."""
    parts = [
        pd.DataFrame(
            {"freq": one.freq, "neuron": one.neuron, "input": np.arange(one.preact.shape[1])}
            | {"preact_a": one.preact[0], "preact_b": one.preact[1]}
        )
        for one in portraits
    ]
    return pd.concat(parts, ignore_index=True)


def from_table(table: pd.DataFrame) -> list[Portrait]:
    """Undo ``as_table``."""
    return [
        portrait_of(int(neuron), int(freq), rows[["preact_a", "preact_b"]].to_numpy(dtype=float).T)
        for (freq, neuron), rows in table.groupby(["freq", "neuron"], sort=False)
    ]


def export_paper_neurons(results: Path = RESULTS, device: str = "auto") -> Path:
    """Write the strongest neuron of each of ``KINDS`` of the recorded network at n = 89.

    Returns the folder. Raises ``StoreError`` where no seed is recorded.
    """
    folder, config = results / FOLDER, AdditionConfig(n=PAPER_N)
    require_writable(folder)
    seed = recorded_fine_tuning(PAPER_N)
    if seed is None:
        raise StoreError(f"no network with a fine-tuning cluster is recorded at n = {PAPER_N}")
    run = get_or_train(config, seed=seed, device=device)
    table = run.clustering.table
    chosen = [by_strength(table, kind)[0] for kind in KINDS]
    portraits = [portrait(run.view, i, int(table.freq[i])) for i in chosen]
    content = said_of_networks("A89", config, range(seed, seed + 1)) | provenance(str(device))
    write_folder(folder, {"neurons": as_table(portraits)}, content)
    return folder


def read_paper_neurons(results: Path = RESULTS) -> tuple[int, dict[str, Portrait]] | None:
    """Seed and neurons by kind; None where they are not committed.

    Raises ``StoreError`` for a damaged folder and one of another configuration.
    """
    folder = open_folder(results / FOLDER, of_preset("A89", AdditionConfig(n=PAPER_N)))
    if folder is None:
        return None
    folder.require_files(["neurons"])
    portraits = from_table(folder.tables({"neurons": portrait_table(PAPER_N)})["neurons"])
    folder.require(None if len(portraits) == len(KINDS) else "it has not a neuron of each kind")
    return folder.seeds[0], dict(zip(KINDS, portraits, strict=True))
