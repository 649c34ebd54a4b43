"""Paper A's networks with all their neurons in ``results/``, and which one is shown."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modlib.analysis.macro.tables import NetworkTables, describe, stack
from modlib.config.addition import AdditionConfig
from modlib.config.presets import FIRST_SEED, preset
from modlib.config.rules import require_seed, seed_range
from modlib.edge import public
from modlib.errors import require_int
from modlib.machine import RESULTS, one_thread, resolve_device
from modlib.progress import Bar
from modlib.results.folder import (
    of_preset,
    open_folder,
    require_writable,
    said_of_networks,
    write_folder,
)
from modlib.results.schemas import sample_tables, wrong_sample
from modlib.runs.addition import AdditionRun
from modlib.runs.get_or_train import get_or_train
from modlib.store.files import reason_of, write_atomically
from modlib.store.folder import UNREADABLE, provenance, write_manifest
from modlib.store.replacing import replacing
from modlib.store.runs import Store

NUM_EXPORTED = 128
"""Networks of an export, unless said."""
SHOWCASE = RESULTS / "showcase" / "fine_tuning.json"


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
    folder = open_folder(SHOWCASE.parent)
    if folder is None:
        return None
    try:
        record = (folder.path / SHOWCASE.name).read_text(encoding="utf-8")
        seed = json.loads(record)["first_seed"].get(str(n))
        return None if seed is None else require_seed(seed)
    except (*UNREADABLE, KeyError, TypeError, AttributeError) as error:
        folder.refuse(f"{SHOWCASE} is not a readable record ({reason_of(error)})")


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
    content = {"kind": "showcase", **provenance(str(resolve_device(device)))}
    with replacing(SHOWCASE.parent) as work:
        write_atomically(work / SHOWCASE.name, (json.dumps(record, indent=1) + "\n").encode())
        write_manifest(work, [SHOWCASE.name], content)
    return record


def export(
    preset_name: str,
    *,
    first_seed: int = FIRST_SEED,
    num_seeds: int = NUM_EXPORTED,
    device: str = "auto",
    store: Store | None = None,
    results: Path = RESULTS,
) -> Path:
    """Train and describe seeds of a preset, and write ``results/<preset>`` with its manifest.

    Runs that the store holds are not trained again, so an interrupted export goes on where it
    was. The tables that lie there are replaced at the end, all together. Returns the folder.
    """
    config = preset(preset_name, AdditionConfig)
    seeds = seed_range(first_seed, num_seeds, at_most=10**6)
    torch_device = resolve_device(device)
    store = store or Store()
    folder = results / preset_name
    require_writable(folder)
    began = time.perf_counter()
    described = []
    for seed in Bar(seeds, desc=preset_name, unit="seed"):
        run = get_or_train(config, seed=seed, device=device, store=store, progress=False)
        with one_thread():
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
    write_folder(folder, stack(described, seeds)._asdict(), content)
    return folder


@public
def read_export(preset_name: str, results: Path = RESULTS) -> NetworkTables | None:
    """The committed tables of a preset, checked; None where absent.

    Raises ``StoreError`` for a damaged folder and one of another configuration.
    """
    config = preset(preset_name, AdditionConfig)
    folder = open_folder(results / preset_name, of_preset(preset_name, config))
    if folder is None:
        return None
    folder.require_files(NetworkTables._fields)
    found = folder.tables(sample_tables(config), folder.seeds)
    folder.require_seeds(found["summary"].seed.tolist())
    folder.require(wrong_sample(found, folder.seeds))
    return NetworkTables(**found)
