"""Paper B's tables in ``results/remainders``: many seeds' curves, one network of a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from modlib.analysis.remainders.active_sets import reuse, table_3
from modlib.analysis.remainders.digit_spectra import (
    active_cells,
    active_off_axes,
    number_of_active,
    number_of_outstanding,
)
from modlib.analysis.remainders.summary import describe
from modlib.config.presets import FIRST_SEED, REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.config.rules import seed_range
from modlib.errors import InputError, StoreError, require_choice
from modlib.machine import RESULTS
from modlib.maths.fourier import effective_number
from modlib.progress import Bar
from modlib.results.folder import (
    Committed,
    arrays_file,
    of_preset,
    open_folder,
    open_to_append,
    origin,
    require_writable,
    said_of_networks,
    write_folder,
)
from modlib.results.networks import LOGGED, SHOWN, arrays_of, known_arrays, read_arrays
from modlib.results.schemas import remainders_tables, wrong_remainders
from modlib.runs.get_or_train import get_or_train
from modlib.runs.remainders import RemaindersRun, unfinished
from modlib.store.float16 import rounded_arrays
from modlib.store.folder import provenance
from modlib.store.runs import Store
from modlib.tasks.remainders import moduli

FOLDER = "remainders"
TABLES = ("history", "norms", "spectra", "networks", "tasks")
FIRST_COUNTED = 16384
"""Steps from which on an unfinished run of the paper's setting counts."""


@dataclass(frozen=True, kw_only=True)
class ExportedRemainders:
    """What is committed of a preset.

    ``history``: a row a seed, step, split and task with ``accuracy`` and ``loss``; ``norms``: a
    row a seed, step and parameter with its gradient's norm ``raw`` and ``filtered``; ``spectra``:
    a row a seed and step, see ``spectra_table``; ``networks``: a row a seed; ``tasks``: a row a
    seed and task; ``run``: the first seed with what was logged of it. Its weights and snapshots
    may have float16's precision and are empty where they are not kept (see ``SHOWN``);
    ``neuron_zero["smoothed"]`` is summed over f0, whose axis has length 1.
    """

    preset: str
    config: RemaindersConfig
    history: pd.DataFrame
    norms: pd.DataFrame
    spectra: pd.DataFrame
    networks: pd.DataFrame
    tasks: pd.DataFrame
    run: RemaindersRun
    manifest: dict[str, Any]

    @property
    def seeds(self) -> list[int]:
        """The seeds of the tables."""
        return sorted(self.networks.seed.tolist())

    @cached_property
    def steps(self) -> int:
        """Steps that all seeds have made."""
        return int(self.networks.steps.min())


def spectra_table(run: RemaindersRun) -> pd.DataFrame:
    """A row a step of ``run.spectrum_steps``.

    ``live``: neurons that are not constant; ``top_share``: see ``digit_spectra.top_share``, mean
    over neurons; ``effective``: effective number of frequencies in the neurons' mean magnitudes;
    ``written``: active frequencies as the text has them, over all neurons; ``off_axes``: those of
    both digits, by the same rule among themselves, and ``off_axes_kept``, the Jaccard index of
    their set with that of the last step; ``characters``: waves exp(2 pi i k x / q) whose power is
    active by that rule, where it was logged; ``explained_q``: share of a neuron's variance that
    x mod q explains, mean over neurons.
    """
    spectra = run.spectra
    magnitude = spectra["magnitude"]
    joint = active_off_axes(magnitude)
    explained = {
        f"explained_{q}": spectra["explained"][:, task] for task, q in enumerate(moduli(run.config))
    }
    columns = {
        "step": run.spectrum_steps,
        "live": spectra["live"],
        "top_share": spectra["top_share"],
        "effective": effective_number(magnitude.reshape(len(magnitude), -1) ** 2) / 2,
        "written": number_of_active(active_cells(magnitude)),
        "off_axes": number_of_active(joint),
        "off_axes_kept": [reuse(cells, joint[-1]).jaccard for cells in joint],
    }
    if "character_power" in spectra:
        columns["characters"] = number_of_outstanding(spectra["character_power"])
    return pd.DataFrame(columns | explained)


def coded_counts(run: RemaindersRun) -> dict[str, int]:
    """``coded_<epoch>``: the first neuron's active frequencies at the epochs of table 3."""
    if not run.first_neurons:
        return {}
    followed = run.first_neurons
    counts = table_3(followed["epochs"], followed["smoothed"]).coded
    return {f"coded_{epoch}": int(count) for epoch, count in counts.items()}


def collect(
    config: RemaindersConfig,
    seeds: range,
    store: Store,
    *,
    threads: int,
    device: str,
    partial: bool,
    progress: bool = True,
) -> list[RemaindersRun]:
    """The runs of these seeds, trained where the store lacks them.

    ``partial``: nothing is trained; runs under way are taken as far as they are.
    """
    runs = []
    desc = f"{config.task} p={config.p}"
    for seed in Bar(seeds, desc=desc, unit="seed", disable=not progress):
        if partial and seed not in store.of(config):
            run = unfinished(config, seed=seed, store=store)
            if run is None or run.steps < min(FIRST_COUNTED, config.steps):
                made = 0 if run is None else run.steps
                raise StoreError(
                    f"{store.of(config).folder(seed)} has made {made} of {config.steps} "
                    f"steps; a run counts from {FIRST_COUNTED} on"
                )
        else:
            run = get_or_train(
                config,
                seed=seed,
                device=device,
                threads=threads,
                store=store,
                progress=progress and len(seeds) == 1,
            )
        runs.append(run)
    return runs


def tables_of(run: RemaindersRun) -> dict[str, pd.DataFrame]:
    """A run's rows of every table, with its seed."""
    described = describe(run.view, run.task.answers, run.task.held_out)
    found = {
        "history": run.history,
        "norms": run.norms,
        "spectra": spectra_table(run),
        "networks": described.networks.assign(steps=run.steps, **coded_counts(run)),
        "tasks": described.tasks,
    }
    return {name: table.assign(seed=run.seed)[["seed", *table]] for name, table in found.items()}


def export_remainders(
    preset_name: str,
    *,
    first_seed: int = FIRST_SEED,
    num_seeds: int = 1,
    threads: int = 1,
    device: str = "auto",
    append: bool = False,
    partial: bool = False,
    network: bool | None = None,
    snapshots: bool = False,
    progress: bool = True,
    store: Store | None = None,
    results: Path = RESULTS,
) -> Path:
    """Train and describe seeds of a preset, and write ``results/remainders/<preset>``.

    Runs that the store holds are not trained again. The first seed's log is written with the
    tables; its network where ``network`` asks for it, None: where the preset is one of ``SHOWN``;
    ``snapshots``: and its weights at ``SNAPSHOT_STEPS``. ``append``: behind the seeds that the
    folder holds, whose network stays; ``first_seed`` is then the one that follows them
    (``InputError``). Returns the folder. Raises ``StoreError`` for weights that float16 changes.
    """
    config = REMAINDERS_PRESETS[require_choice("preset", preset_name, REMAINDERS_PRESETS)]
    seeds = seed_range(first_seed, num_seeds, at_most=10**6)
    if append and (network or snapshots):
        raise InputError("network and snapshots", "be left out with append", True)
    folder = results / FOLDER / preset_name
    before = _behind(folder, preset_name, seeds.start) if append else None
    earlier: dict[str, Any] = {} if before is None else before.manifest
    tables = {} if before is None else _tables(before, preset_name)
    require_writable(folder)
    runs = collect(
        config,
        seeds,
        store or Store(),
        threads=threads,
        device=device,
        partial=partial,
        progress=progress,
    )
    own = [tables_of(run) for run in runs]
    if before is None:
        kept = preset_name in SHOWN if network is None else network
        arrays = arrays_of(runs[0], network=kept or snapshots, snapshots=snapshots)
    else:
        arrays = before.arrays()
    content = _content(preset_name, config, runs, earlier)
    content |= rounded_arrays({arrays_file(name): part for name, part in arrays.items()})
    parts = [tables, *own] if tables else own
    joined = {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in TABLES}
    write_folder(folder, joined, content, arrays)
    return folder


def _content(
    preset_name: str,
    config: RemaindersConfig,
    runs: Sequence[RemaindersRun],
    earlier: Mapping[str, Any],
) -> dict[str, Any]:
    """What the manifest says of ``runs``, behind those of an ``earlier`` one."""
    first = earlier.get("seeds", [runs[0].seed])[0]
    origins = [origin(run.manifest, seed=run.seed) for run in runs]
    return {
        **said_of_networks(preset_name, config, range(first, runs[-1].seed + 1)),
        "steps": [*earlier.get("steps", []), *(run.steps for run in runs)],
        "origins": [*earlier.get("origins", []), *origins],
        **provenance("cpu"),
    }


def _behind(folder: Path, preset_name: str, first_seed: int) -> Committed:
    """The folder to which seeds from ``first_seed`` on are appended."""

    def seeds_in(before: Committed) -> list[int]:
        seeds: list[int] = _tables(before, preset_name)["networks"].seed.tolist()
        return seeds

    return open_to_append(folder, REMAINDERS_PRESETS[preset_name], first_seed, seeds_in)


def _tables(folder: Committed, preset_name: str) -> dict[str, pd.DataFrame]:
    """The tables of a folder that lists its files, and says seeds and steps as they have them."""
    config = REMAINDERS_PRESETS[preset_name]
    folder.require_files(TABLES, {LOGGED}, known_arrays(folder))
    tables = folder.tables(remainders_tables(config), folder.seeds)
    folder.last_seed(tables["networks"].seed.tolist())
    made = folder.manifest.get("steps")
    if made != tables["networks"].sort_values("seed").steps.tolist():
        folder.refuse(f"{folder.path} does not say how many steps were made")
    folder.require(wrong_remainders(tables, dict(zip(folder.seeds, made, strict=True)), config))
    return tables


def read_remainders(preset_name: str, results: Path = RESULTS) -> ExportedRemainders | None:
    """The committed tables and network of a preset, checked; None where absent.

    Raises ``StoreError`` for a damaged folder and one of another configuration.
    """
    config = REMAINDERS_PRESETS[require_choice("preset", preset_name, REMAINDERS_PRESETS)]
    folder = open_folder(results / FOLDER / preset_name, of_preset(preset_name, config))
    if folder is None:
        return None
    tables, manifest = _tables(folder, preset_name), folder.manifest
    first, seed = read_arrays(folder, config, tables["spectra"]), manifest["seeds"][0]
    own = {
        name: tables[name][tables[name].seed == seed].drop(columns="seed").reset_index(drop=True)
        for name in ("history", "norms")
    }
    run = RemaindersRun(
        config=config,
        seed=seed,
        steps=manifest["steps"][0],
        **first._asdict(),
        manifest=manifest,
        **own,
    )
    return ExportedRemainders(
        preset=preset_name, config=config, run=run, manifest=manifest, **tables
    )
