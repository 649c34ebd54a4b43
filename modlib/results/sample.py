"""Paper A's networks with all their neurons in ``results/``, and which one is shown."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from modlib.analysis.macro.tables import Tables, describe, stack
from modlib.config.addition import AdditionConfig
from modlib.config.presets import preset
from modlib.config.rules import require_seed
from modlib.errors import StoreError, require_int
from modlib.machine import RESULTS, resolve_device
from modlib.results.folder import require_writable, said_of_networks, write_tables
from modlib.runs.addition import AdditionRun
from modlib.runs.get_or_train import get_or_train
from modlib.store.files import write_atomically
from modlib.store.folder import provenance, read_manifest, write_manifest
from modlib.store.runs import Store

NUM_EXPORTED = 128
"""Networks of an export, unless said."""
SHOWCASE = RESULTS / "showcase" / "fine_tuning.json"
EXPORTED = tuple(f"{name}.parquet" for name in Tables._fields)
"""Files of an export, in the order of ``Tables``."""


def has_fine_tuning(run: AdditionRun) -> bool:
    """Whether a run that learned has a cluster of fine-tuning neurons."""
    return run.learned and any(c.kind == "fine-tuning" for c in run.clustering.clusters)


def first_fine_tuning(
    config: AdditionConfig, seeds: Sequence[int], **options: Any
) -> AdditionRun | None:
    """The first run among ``seeds`` that has a fine-tuning cluster; None if none has."""
    for seed in seeds:
        run = get_or_train(config, seed=seed, **options)
        if has_fine_tuning(run):
            return run
    return None


def recorded_fine_tuning(n: int) -> int | None:
    """The recorded first seed from 0 with a fine-tuning cluster, default set-up at n; or None."""
    if not SHOWCASE.exists():
        return None
    read_manifest(SHOWCASE.parent)
    try:
        seed = json.loads(SHOWCASE.read_text(encoding="utf-8"))["first_seed"].get(str(n))
        return None if seed is None else require_seed(seed)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{SHOWCASE} is not a readable record ({error})") from None


def record_fine_tuning(
    moduli: Sequence[int], limit: int = 64, device: str = "auto"
) -> dict[str, Any]:
    """Find the first seed from 0 with a fine-tuning cluster for each modulus and record it."""
    limit = require_int("limit", limit, at_least=1)
    found: dict[str, Any] = {}
    for n in moduli:
        run = first_fine_tuning(AdditionConfig(n=n), range(limit), device=device)
        found[str(n)] = None if run is None else run.seed
    record = {
        "rule": "first seed from 0 whose run learned and has a cluster of kind fine-tuning",
        "limit": limit,
        "first_seed": found,
    }
    SHOWCASE.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(SHOWCASE, (json.dumps(record, indent=1) + "\n").encode())
    content = {"kind": "showcase", **provenance(str(resolve_device(device)))}
    write_manifest(SHOWCASE.parent, [SHOWCASE.name], content)
    return record


def fine_tuning_example(run: AdditionRun, device: str = "auto") -> AdditionRun | None:
    """A run with a fine-tuning cluster at the same modulus: this one, else the recorded seed's.

    None where the modulus has no recorded seed.
    """
    if has_fine_tuning(run):
        return run
    seed = recorded_fine_tuning(run.config.n)
    if seed is None:
        return None
    return get_or_train(AdditionConfig(n=run.config.n), seed=seed, device=device)


def export(
    preset_name: str,
    *,
    first_seed: int = 1000,
    num_seeds: int = NUM_EXPORTED,
    device: str = "auto",
    results: Path = RESULTS,
) -> Path:
    """Train and describe seeds of a preset, and write ``results/<preset>`` with its manifest.

    Runs that the store holds are not trained again, so an interrupted export goes on where it
    was. The tables that lie there are replaced at the end, all together. Returns the folder.
    """
    config = preset(preset_name, AdditionConfig)
    first_seed = require_seed(first_seed, "first_seed")
    num_seeds = require_int("num_seeds", num_seeds, at_least=1, at_most=10**6)
    require_seed(first_seed + num_seeds - 1, "last seed")
    torch_device = resolve_device(device)
    store = Store()
    folder = results / preset_name
    require_writable(folder)
    began = time.perf_counter()
    seeds = range(first_seed, first_seed + num_seeds)
    described = []
    for seed in tqdm(seeds, desc=preset_name, unit="seed"):
        run = get_or_train(config, seed=seed, device=device, store=store, progress=False)
        tables = describe(run.view)
        reached = -1 if run.reached_epoch is None else run.reached_epoch
        summary = tables.summary.assign(
            reached_epoch=reached, test_accuracy=run.accuracy, learned=run.learned
        )
        described.append(tables._replace(summary=summary))
    content = {
        **said_of_networks(preset_name, config, seeds),
        "wall_s": round(time.perf_counter() - began, 1),
        **provenance(str(torch_device)),
    }
    write_tables(folder, dict(zip(EXPORTED, stack(described, seeds), strict=True)), content)
    return folder


def read_export(preset_name: str, results: Path = RESULTS) -> Tables | None:
    """The committed tables of a preset, checked against their manifest; None where absent."""
    folder = results / preset_name
    if not folder.is_dir():
        return None
    read_manifest(folder, EXPORTED)
    return Tables(*(pd.read_parquet(folder / name) for name in EXPORTED))
