"""What must read as before when code moves: claims, keys of presets, tables, saved states.

``python tests/reference.py`` writes ``tests/data/`` anew: for a change that means to change them.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from modlib.claims.ledger import as_json, ledger
from modlib.claims.measure import measure
from modlib.claims.register import load_claims
from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import ADDITION_PRESETS, CLOCK_PIZZA_PRESETS, REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.machine import RESULTS
from modlib.runs.get_or_train import get_or_train
from modlib.runs.study import Study
from modlib.store.checkpoint import Checkpoint
from modlib.store.runs import Store

DATA = Path(__file__).parent / "data"
FILE = DATA / "reference.json"
SEED = 5
KEPT = ("kind", "preset", "key", "seeds", "tables", "schema")
"""What of a manifest is held on to; the others say when, where and by which commit."""

CONFIGS: dict[str, Any] = {
    AdditionConfig.KIND: AdditionConfig(n=7, embed_dim=4, num_neurons=8, epochs=12),
    RemaindersConfig.KIND: RemaindersConfig(p=5, embed_dim=8, heads=2, steps=12),
    ClockPizzaConfig.KIND: ClockPizzaConfig(n=5, embed_dim=8, heads=2, num_neurons=12, steps=12),
}
"""A small network of each family, by its kind in the store."""
STATE_AT = 6
"""Epochs or steps made when the state was saved."""


class Stop(Exception):
    """Raised where a process would have been killed."""


def claims(ids: list[str] | None = None) -> list[dict[str, Any]]:
    """The first edition as ``claims --edition 1 --json`` prints it, or some rows of it."""
    wanted = list(load_claims(edition=1)) if ids is None else ids
    rows = [row for row in ledger(1, measure(wanted)) if row.claim.id in wanted]
    return json.loads(as_json(rows, edition=1))


def keys() -> dict[str, str]:
    """The key of every preset of the three families, and of the committed search."""
    presets: dict[str, Any] = {**ADDITION_PRESETS, **REMAINDERS_PRESETS, **CLOCK_PIZZA_PRESETS}
    return {**{name: config.key() for name, config in presets.items()}, "search": Study().key()}


def settings() -> dict[str, str]:
    """Every preset's settings, as one hash: what a chapter finds under the name."""
    presets: dict[str, Any] = {**ADDITION_PRESETS, **REMAINDERS_PRESETS, **CLOCK_PIZZA_PRESETS}
    return {name: digest(json.dumps(asdict(config))) for name, config in presets.items()}


def digest(*parts: bytes | str) -> str:
    """Sixteen hexadecimal digits of texts or bytes."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode() if isinstance(part, str) else part)
    return found.hexdigest()[:16]


def of_values(values: Any) -> str:
    """A hash of numbers or texts: floats as float32, whole numbers as int64, else as text."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        # One NaN, and one zero.
        plain = np.where(np.isnan(array), np.float32("nan"), array.astype(np.float32) + 0)
        return digest(str(array.shape), plain.astype("<f4").tobytes())
    if array.dtype.kind in "iub":
        return digest(str(array.shape), array.astype("<i8").tobytes())
    return digest(json.dumps([str(value) for value in array.ravel()]))


def of_column(column: pd.Series) -> tuple[str, str]:
    """The dtype of a column and the hash of its values."""
    values = column.to_numpy()
    if values.dtype == object and len(values) and isinstance(values[0], np.ndarray):
        lengths = [len(value) for value in values]
        return "list", digest(of_values(lengths), of_values(np.concatenate(values)))
    return str(column.dtype), of_values(values)


def table(path: Path) -> dict[str, Any]:
    """Rows, dtype of each column, and a hash of the values, whatever the encoding."""
    frame = pd.read_parquet(path)
    kinds, hashes = zip(*(of_column(frame[name]) for name in frame), strict=True)
    return {
        "rows": len(frame),
        "columns": dict(zip(frame, kinds, strict=True)),
        "values": digest(*hashes),
    }


def arrays(path: Path) -> dict[str, Any]:
    """Number of arrays in a safetensors file, and a hash of their names, dtypes and values."""
    tensors = load_file(path)
    told = [f"{name} {array.dtype} {of_values(array)}" for name, array in sorted(tensors.items())]
    return {"arrays": len(tensors), "values": digest(*told)}


def manifest(path: Path) -> dict[str, Any]:
    """What a manifest says that does not depend on when and where it was written."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return {name: content[name] for name in KEPT if name in content}


READERS = {".parquet": table, ".safetensors": arrays, ".json": manifest}


def committed() -> dict[str, Any]:
    """Everything in ``results/`` by its path, as ``READERS`` give it."""
    files = sorted(path for path in RESULTS.rglob("*") if path.suffix in READERS)
    return {path.relative_to(RESULTS).as_posix(): READERS[path.suffix](path) for path in files}


def checkpoint_of(kind: str, store: Store) -> Checkpoint:
    """Where the state of the small network of a family lies while it is trained."""
    return store.of(CONFIGS[kind]).checkpoint(SEED)


def resumed(kind: str, store: Store) -> dict[str, np.ndarray]:
    """The arrays of the finished run of a family's small network."""
    get_or_train(CONFIGS[kind], seed=SEED, device="cpu", store=store, progress=False)
    return store.of(CONFIGS[kind]).load(SEED).tensors


def interrupted(kind: str, store: Store) -> dict[str, np.ndarray]:
    """The state of a family's small network, saved after ``STATE_AT`` epochs or steps."""
    states: list[Mapping[str, np.ndarray]] = []

    def keep(checkpoint: Checkpoint, state: Mapping[str, np.ndarray]) -> None:
        states.append({name: np.array(value) for name, value in state.items()})
        if len(states) == STATE_AT:
            raise Stop

    at_once = patch("modlib.training.resume.pause_s", lambda took: 0.0)
    with patch.object(Checkpoint, "save", keep), at_once, suppress(Stop):
        resumed(kind, store)
    # Seconds are of this machine.
    last = {name: np.array(value) for name, value in states[-1].items()}
    last["progress"] = last["progress"] * [1.0, 0.0]
    return last


def save_state(kind: str) -> None:
    """Write a family's state, and what its resumed training ends with."""
    with tempfile.TemporaryDirectory() as folder:
        state = interrupted(kind, Store(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        checkpoint_of(kind, store).save(state)
        end = resumed(kind, store)
    names = {f"state|{name}": value for name, value in state.items()}
    names |= {f"end|{name}": value for name, value in end.items()}
    save_file({name: np.array(value, order="C") for name, value in names.items()}, state_file(kind))
    state_file(kind).chmod(0o644)


def state_file(kind: str) -> Path:
    """Where a family's state lies."""
    return DATA / f"state_{kind}.safetensors"


def read_state(kind: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The state that was saved, and the arrays that its training ended with."""
    found = load_file(state_file(kind))
    state, end = (
        {name.partition("|")[2]: array for name, array in found.items() if name.startswith(part)}
        for part in ("state|", "end|")
    )
    return state, end


def main() -> None:
    DATA.mkdir(exist_ok=True)
    for kind in CONFIGS:
        save_state(kind)
    content = {
        "keys": keys(),
        "settings": settings(),
        "results": committed(),
        "claims": claims(),
    }
    FILE.write_text(in_lines(content), encoding="utf-8")


def in_lines(content: dict[str, Any]) -> str:
    """JSON with a line an entry, so that a change shows in a few lines."""
    parts = []
    for name, part in content.items():
        entries = (
            [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in part.items()]
            if isinstance(part, dict)
            else [json.dumps(value) for value in part]
        )
        left, right = "{}" if isinstance(part, dict) else "[]"
        parts.append(f"{json.dumps(name)}: {left}\n" + ",\n".join(entries) + f"\n{right}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
