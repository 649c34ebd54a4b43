"""The arrays beside paper B's tables: the first seed's network, its log, its snapshots.

Spectra, snapshots and large networks are float16, each array multiplied by a power of two; whoever
reads them gets float32 back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.remainders.digit_spectra import active_cells
from modlib.config.remainders import RemaindersConfig
from modlib.errors import StoreError
from modlib.models.transformer import initial_weights, parameter_shapes
from modlib.models.views.transformer_view import TransformerView
from modlib.results.folder import Arrays, Committed, arrays_file
from modlib.results.schemas import logged_arrays
from modlib.runs.remainders import RemaindersRun
from modlib.store.float16 import from_float16, to_float16, wrong_scales
from modlib.store.schema import wrong_arrays
from modlib.tasks.remainders import RemaindersTask, moduli

NETWORK, LOGGED = "network", "logged"
SNAPSHOT = re.compile(r"snapshot-([0-9]+)")
SHOWN = ("B37", "B37-nanda", "B37-basis", "B37-masked", "B113-code", "B113-basis")
"""Presets that chapters look into: their first network is kept where nothing else is said.
Untrained ones need no file."""
SNAPSHOT_STEPS = (1024,)
"""Steps whose weights are kept where asked for, 2.4 MB each at p = 113: the smallest tasks are
learned by then and the others are not. The store keeps all powers of two."""
LARGE = 2**20
"""Bytes from which on a network is rounded: smaller ones cost little, and pages print three digits
of what follows from them."""
MAX_CHANGE = 0.001
"""How far rounded weights may move the accuracy of a task; one number always may change."""

_MAGNITUDE = "spectra/magnitude"
_IN_TABLE = ("step", "live", "top_share", "explained")
"""Spectra that the table of spectra holds."""


class FirstNetwork(NamedTuple):
    """What is read of the first seed: as in ``RemaindersRun``, weights {} where not kept."""

    weights: Arrays
    snapshots: dict[int, Arrays]
    spectra: Arrays
    neuron_zero: Arrays
    first_neurons: Arrays


def arrays_of(run: RemaindersRun, *, network: bool, snapshots: bool) -> dict[str, Arrays]:
    """A run's log and, where asked for, its weights and snapshots, by the names of their files.

    Raises ``StoreError`` for weights that float16 would change, see ``rounded_weights``.
    """
    files = {LOGGED: _logged(run)}
    if network and run.config.steps:
        large = sum(array.nbytes for array in run.weights.values()) >= LARGE
        weights = run.weights
        files[NETWORK] = rounded_weights(weights, run.config, run.seed) if large else weights
    kept = [step for step in SNAPSHOT_STEPS if snapshots and step in run.snapshots]
    return files | {
        f"snapshot-{step}": rounded_weights(run.snapshots[step], run.config, run.seed)
        for step in kept
    }


def rounded_weights(
    weights: Mapping[str, np.ndarray], config: RemaindersConfig, seed: int
) -> Arrays:
    """Weights as ``to_float16`` writes them.

    Raises ``StoreError`` where that moves the accuracy of a task, over all numbers, by more than
    ``MAX_CHANGE``.
    """
    rounded = to_float16(weights)
    before, after = (
        _accuracy(TransformerView(config=config, weights=dict(one)), seed)
        for one in (weights, from_float16(rounded))
    )
    change, allowed = np.abs(after - before), max(MAX_CHANGE, 1 / config.p**2)
    worst = int(change.argmax())
    if not change[worst] <= allowed:
        raise StoreError(
            f"float16 must move the accuracy of q = {moduli(config)[worst]}, seed {seed}, by at "
            f"most {allowed:.4f}, got {change[worst]:.4f}"
        )
    return rounded


def _accuracy(view: TransformerView, seed: int) -> Float[np.ndarray, " task"]:
    return np.asarray(view.accuracy(view.logits, RemaindersTask(view.config, seed).answers).mean(0))


def _logged(run: RemaindersRun) -> Arrays:
    """The spectra that no table holds, neuron 0's magnitudes summed over f0, the first neurons'.

    The power of single cells stays in the store: the table has its shares off the axes.
    """
    others = {
        f"spectra/{name}": array
        for name, array in run.spectra.items()
        if name not in ("magnitude", "power", *_IN_TABLE)
    }
    smoothed = run.neuron_zero["smoothed"].sum(1, dtype=float, keepdims=True)
    zero = {"neuron_zero/smoothed": smoothed.astype(np.float32)}
    followed = {
        f"first_neurons/{name}": run.first_neurons[name]
        for name in ("epochs", "smoothed")
        if name in run.first_neurons
    }
    return to_float16(others) | rounded_magnitude(run.spectra["magnitude"]) | zero | followed


def rounded_magnitude(magnitude: Float[np.ndarray, "time f0 f1"]) -> Arrays:
    """A real image's magnitudes at f1 = 0 .. p // 2 in float16, with the same ``active_cells``.

    Cells that rounding carries across the threshold are moved back by one step. Where that moves
    the threshold past others, the magnitudes stay float32.
    """
    half, active = half_plane(magnitude), active_cells(magnitude)
    rounded = to_float16({_MAGNITUDE: half})

    def wrong() -> np.ndarray:
        return np.asarray(active_cells(whole_plane(from_float16(rounded)[_MAGNITUDE])) != active)

    toward = np.where(half_plane(active), np.float16(np.inf), np.float16(0))
    moved = np.nextafter(rounded[_MAGNITUDE], toward)
    rounded[_MAGNITUDE] = np.where(half_plane(wrong()), moved, rounded[_MAGNITUDE])
    return {_MAGNITUDE: half} if wrong().any() else rounded


def half_plane(image: np.ndarray) -> np.ndarray:
    """The cells f1 = 0 .. p // 2 of a real image's transform; the others mirror them."""
    return np.ascontiguousarray(image[..., : image.shape[-1] // 2 + 1])


def whole_plane(half: np.ndarray) -> np.ndarray:
    """Undo ``half_plane``: the cell (-f0, -f1) equals the cell (f0, f1)."""
    mirrored = np.roll(half[..., ::-1, :0:-1], 1, axis=-2)
    return np.concatenate([half, mirrored], axis=-1)


def known_arrays(folder: Committed) -> set[str]:
    """The sets of arrays that may lie with the tables, those of snapshots that are listed."""
    stems = {Path(file).stem for file in folder.manifest["files"]}
    return {LOGGED, NETWORK} | {stem for stem in stems if SNAPSHOT.fullmatch(stem)}


def read_arrays(folder: Committed, config: RemaindersConfig, spectra: pd.DataFrame) -> FirstNetwork:
    """What ``arrays_of`` wrote, checked; ``spectra``: the table, from which the rest comes.

    Weights without a training are made again.
    """
    sets, seed = folder.arrays(), folder.manifest["seeds"][0]
    for name, arrays in sets.items():
        folder.require(wrong_scales(arrays) and f"{arrays_file(name)}: {wrong_scales(arrays)}")
    networks = {
        name: folder.require_network(name, from_float16(arrays), parameter_shapes(config))
        for name, arrays in sets.items()
        if name != LOGGED
    }
    weights = networks.pop(NETWORK, {})
    if not config.steps and not weights:
        weights = initial_weights(config, seed)
    logged = from_float16(sets[LOGGED])
    reason = wrong_arrays(logged, logged_arrays(config, folder.manifest["steps"][0]))
    folder.require(reason and f"{arrays_file(LOGGED)}: {reason}")
    own = spectra[spectra.seed == seed]
    read = {k.partition("/")[2]: v for k, v in logged.items() if k.startswith("spectra/")}
    explained = own[[f"explained_{q}" for q in moduli(config)]]
    return FirstNetwork(
        weights=weights,
        snapshots={
            int(SNAPSHOT.fullmatch(name)[1]): arrays  # type: ignore[index]
            for name, arrays in networks.items()
        },
        spectra=read
        | {name: own[name].to_numpy() for name in _IN_TABLE[:3]}
        | {"magnitude": whole_plane(read["magnitude"]), "explained": explained.to_numpy()},
        neuron_zero={"smoothed": logged["neuron_zero/smoothed"]},
        first_neurons={
            k.partition("/")[2]: v for k, v in logged.items() if k.startswith("first_neurons/")
        },
    )
