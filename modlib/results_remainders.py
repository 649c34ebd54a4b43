"""Paper B's tables in ``results/remainders``: many seeds' curves, one network of each preset."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from tqdm import tqdm

from modlib.analysis.digit_spectra import active_cells, number_of_active
from modlib.analysis.transformer_summary import describe
from modlib.analysis.transformer_view import TransformerView
from modlib.config import REMAINDERS_PRESETS, RemaindersConfig, preset_of, require_seed
from modlib.errors import InputError, StoreError, require_choice, require_int
from modlib.experiments_remainders import (
    KIND,
    RemaindersRun,
    get_or_train_remainders,
    unfinished,
)
from modlib.fourier import effective_number
from modlib.models.transformer import parameter_shapes
from modlib.paths import RESULTS
from modlib.results import last_seed, require_writable, write_tables
from modlib.store import Store, provenance, read_manifest
from modlib.tasks import moduli, remainders

FOLDER = "remainders"
TABLES = ("history", "norms", "spectra", "networks", "tasks")
NETWORK, LOGGED = "network.safetensors", "logged.safetensors"
FIRST_COUNTED = 16384
"""Steps from which on an unfinished run of the paper's setting counts."""


@dataclass(frozen=True, kw_only=True)
class ExportedRemainders:
    """What is committed of a preset.

    ``history``: a row a seed, step, split and task with ``accuracy`` and ``loss``; ``norms``: a
    row a seed, step and parameter with its gradient's norm ``raw`` and ``filtered``; ``spectra``:
    a row a seed and step, see ``spectra_table``; ``networks``: a row a seed; ``tasks``: a row a
    seed and task; ``run``: one seed's network with all that was logged.
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
    ``written``: active frequencies as the text has them, over all neurons; ``explained_q``: share
    of a neuron's variance that x mod q explains, mean over neurons.
    """
    spectra = run.spectra
    magnitude = spectra["magnitude"]
    explained = {
        f"explained_{q}": spectra["explained"][:, task] for task, q in enumerate(moduli(run.config))
    }
    columns = {
        "step": run.spectrum_steps,
        "live": spectra["live"],
        "top_share": spectra["top_share"],
        "effective": effective_number(magnitude.reshape(len(magnitude), -1) ** 2) / 2,
        "written": number_of_active(active_cells(magnitude)),
    }
    return pd.DataFrame(columns | explained)


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
    for seed in tqdm(seeds, desc=desc, unit="seed", disable=not progress):
        if partial and (KIND, config.key(), seed) not in store:
            run = unfinished(config, seed=seed, store=store)
            if run is None or run.steps < min(FIRST_COUNTED, config.steps):
                made = 0 if run is None else run.steps
                raise StoreError(
                    f"{store.folder(KIND, config.key(), seed)} has made {made} of {config.steps} "
                    f"steps; a run counts from {FIRST_COUNTED} on"
                )
        else:
            run = get_or_train_remainders(
                config,
                seed=seed,
                device=device,
                threads=threads,
                store=store,
                progress=progress and len(seeds) == 1,
            )
        runs.append(run)
    return runs


def export_remainders(
    preset_name: str,
    *,
    first_seed: int = 1000,
    num_seeds: int = 1,
    threads: int = 1,
    device: str = "auto",
    append: bool = False,
    partial: bool = False,
    progress: bool = True,
    results: Path = RESULTS,
) -> Path:
    """Train and describe seeds of a preset, and write ``results/remainders/<preset>``.

    Runs that the store holds are not trained again. The first seed's network and log are written
    with the tables. ``append``: behind the seeds that the folder holds, whose network stays;
    ``first_seed`` is then the one that follows them (``InputError``). Returns the folder.
    """
    config = REMAINDERS_PRESETS[require_choice("preset", preset_name, REMAINDERS_PRESETS)]
    first_seed = require_seed(first_seed, "first_seed")
    num_seeds = require_int("num_seeds", num_seeds, at_least=1, at_most=10**6)
    require_seed(first_seed + num_seeds - 1, "last seed")
    folder = results / FOLDER / preset_name
    before = _committed_before(preset_name, first_seed, results) if append else None
    require_writable(folder)
    seeds = range(first_seed, first_seed + num_seeds)
    runs = collect(
        config,
        seeds,
        Store(),
        threads=threads,
        device=device,
        partial=partial,
        progress=progress,
    )
    parts: dict[str, list[pd.DataFrame]] = {
        name: [] if before is None else [getattr(before, name)] for name in TABLES
    }
    earlier: dict[str, Any] = {} if before is None else before.manifest
    for run in runs:
        described = describe(view_of(run), remainders(config, run.seed))
        tables = {
            "history": run.history,
            "norms": run.norms,
            "spectra": spectra_table(run),
            "networks": described.networks.assign(steps=run.steps),
            "tasks": described.tasks,
        }
        for name, table in tables.items():
            seeded = table.copy()
            seeded.insert(0, "seed", run.seed)
            parts[name].append(seeded)
    content = {
        "kind": KIND,
        "preset": preset_name,
        "key": config.key(),
        "config": asdict(config),
        "seeds": [earlier.get("seeds", [seeds.start])[0], seeds.stop - 1],
        "steps": [*earlier.get("steps", []), *(run.steps for run in runs)],
        "origins": [*earlier.get("origins", []), *(_origin(run) for run in runs)],
        **provenance("cpu"),
    }
    first = runs[0] if before is None else before.run
    spectra = first.spectra | {"magnitude": _half(first.spectra["magnitude"])}
    logged = {f"spectra/{name}": array for name, array in spectra.items()}
    logged["neuron_zero/smoothed"] = first.neuron_zero["smoothed"]
    write_tables(
        folder,
        {f"{name}.parquet": pd.concat(part, ignore_index=True) for name, part in parts.items()},
        content,
        {NETWORK: first.weights, LOGGED: logged},
    )
    return folder


def _committed_before(preset_name: str, first_seed: int, results: Path) -> ExportedRemainders:
    """The tables that others are appended to."""
    folder, before = results / FOLDER / preset_name, read_remainders(preset_name, results)
    if before is None:
        raise StoreError(f"{folder} is not there, so that nothing can be appended to it")
    last = last_seed(before.manifest, before.seeds, folder)
    if first_seed != last + 1:
        raise InputError("first_seed", f"be {last + 1}, behind the seeds of {folder}", first_seed)
    return before


def _origin(run: RemaindersRun) -> dict[str, Any]:
    """What made a run."""
    names = ("command", "commit", "device", "cpu_capability", "wall_s")
    return {"seed": run.seed} | {name: run.manifest.get(name) for name in names}


def _half(magnitude: np.ndarray) -> np.ndarray:
    """The cells f1 = 0 .. p // 2 of a real image's magnitudes; the others mirror them."""
    return np.ascontiguousarray(magnitude[..., : magnitude.shape[-1] // 2 + 1])


def _whole(half: np.ndarray) -> np.ndarray:
    """Undo ``_half``: the cell (-f0, -f1) equals the cell (f0, f1)."""
    mirrored = np.roll(half[..., ::-1, :0:-1], 1, axis=-2)
    return np.concatenate([half, mirrored], axis=-1)


def view_of(run: RemaindersRun) -> TransformerView:
    """What the analyses of paper B need of a run's network."""
    return TransformerView(config=run.config, weights=run.weights)


def read_remainders(preset_name: str, results: Path = RESULTS) -> ExportedRemainders | None:
    """The committed tables and network of a preset, checked; None where absent.

    Raises ``StoreError`` for a damaged folder and one of another configuration.
    """
    config = REMAINDERS_PRESETS[require_choice("preset", preset_name, REMAINDERS_PRESETS)]
    folder = results / FOLDER / preset_name
    if not folder.is_dir():
        return None
    files = {name: f"{name}.parquet" for name in TABLES}
    manifest = read_manifest(folder, [*files.values(), NETWORK, LOGGED])
    if manifest.get("key") != config.key():
        raise StoreError(
            f"{folder} holds networks of another configuration than preset {preset_name}; "
            "export it again"
        )
    tables = {name: pd.read_parquet(folder / file) for name, file in files.items()}
    last_seed(manifest, tables["networks"].seed.tolist(), folder)
    if manifest.get("steps") != tables["networks"].sort_values("seed").steps.tolist():
        raise StoreError(f"{folder} does not say how many steps were made; export it again")
    weights = load_file(folder / NETWORK)
    if {name: array.shape for name, array in weights.items()} != parameter_shapes(config):
        raise StoreError(f"{folder / NETWORK} holds arrays of other shapes; export it again")
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise StoreError(f"{folder / NETWORK} has numbers that are not finite; export it again")
    seed, logged = manifest["seeds"][0], load_file(folder / LOGGED)
    spectra = {k.partition("/")[2]: v for k, v in logged.items() if k.startswith("spectra/")}
    zero = {k.partition("/")[2]: v for k, v in logged.items() if k.startswith("neuron_zero/")}
    own = {
        name: tables[name][tables[name].seed == seed].drop(columns="seed").reset_index(drop=True)
        for name in ("history", "norms")
    }
    run = RemaindersRun(
        config=config,
        seed=seed,
        steps=manifest["steps"][0],
        weights=weights,
        snapshots={},
        spectra=spectra | {"magnitude": _whole(spectra["magnitude"])},
        neuron_zero=zero,
        first_neurons={},
        manifest=manifest,
        **own,
    )
    return ExportedRemainders(
        preset=preset_name, config=config, run=run, manifest=manifest, **tables
    )


def network_to_show(
    *,
    p: int,
    seed: int,
    steps: int | None = None,
    task: str = "miiii",
    threads: int = 1,
    results: Path = RESULTS,
) -> RemaindersRun:
    """The network that a chapter looks at: the committed one where it is that, else trained now.

    The small setting at base p, with ``steps`` None for its own number. Bad values are refused
    before any work (``InputError``).
    """
    chosen: dict[str, Any] = {"p": p, "task": task} | ({} if steps is None else {"steps": steps})
    config = replace(REMAINDERS_PRESETS["B37"], **chosen)
    name = preset_of(config)
    exported = None if name is None else read_remainders(name, results)
    if exported is not None and exported.run.seed == seed:
        return exported.run
    return get_or_train_remainders(config, seed=seed, threads=threads)
