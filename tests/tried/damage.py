"""Files of every kind damaged, swapped, or edited so that their checksums fit."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import edits
from modlib.machine import RESULTS
from modlib.results.sweeps import read_sweep_export
from modlib.runs.get_or_train import get_or_train
from modlib.store.folder import MANIFEST
from modlib.store.runs import Store
from tried.battery import Battery, Item
from tried.process import apart


def damage(battery: Battery) -> None:
    """A bit flipped, an end cut off, zeros, a file gone, in every kind of folder."""
    every = kinds(battery)
    for kind in every:
        said, whole = apart(partial(kind.read, _copy(kind, battery)[0]))
        assert said == "done", (kind.name, whole)
        draws = battery.draws(kind.name)
        for _ in _turns(battery, every.index(kind), len(every), range(battery.tries)):
            root, folder = _copy(kind, battery)
            files = [MANIFEST, *json.loads((folder / MANIFEST).read_text())["files"]]
            how = _damaged(folder / draws.choice(files), draws)
            said, found = apart(partial(kind.read, root))
            outcome = said
            if said == "done":
                outcome = "as it was" if found == whole else "silent"
            battery.note("damage", kind.name, outcome, f"{how}: {found}")


def _turns(battery: Battery, number: int, total: int, tries: Iterable[Item]) -> Iterator[Item]:
    """Tries at one of several kinds, each of which gets its share of what time is left."""
    with battery.turn(battery.left_s / (total - number)):
        yield from battery.within(tries)


def _damaged(path: Path, draws: random.Random) -> str:
    content = bytearray(path.read_bytes())
    how = draws.choices(("flip", "cut", "zeros", "gone"), (6, 2, 1, 1))[0]
    at = draws.randrange(len(content))
    if how == "gone":
        path.unlink()
        return f"{path.name} is gone"
    if how == "flip":
        content[at] ^= 1 << draws.randrange(8)
    elif how == "cut":
        del content[at:]
    else:
        content[at:] = bytes(len(content) - at)
    path.write_bytes(content)
    return f"{path.name}, {how} at {at}"


def kinds(battery: Battery) -> list[edits.Kind]:
    """Folders of results and of a store that is made now."""
    return [*edits.kinds_of_results(), *edits.kinds_of_store(battery.folder("kinds"))]


def _copy(kind: edits.Kind, battery: Battery) -> tuple[Path, Path]:
    root = battery.folder("copy") / "results" / kind.folder.parent.name / kind.folder.name
    if kind.root != kind.folder:
        root = battery.folder("copy") / kind.root.name
    shutil.copytree(kind.root, root, dirs_exist_ok=True)
    return root, root / kind.folder.relative_to(kind.root)


def edited(battery: Battery, names: Collection[str] | None = None) -> None:
    """Edits whose checksums fit, of some kinds or all: see ``edits``."""
    chosen = [kind for kind in kinds(battery) if names is None or kind.name in names]
    for number, kind in enumerate(chosen):
        every = list(edits.edits_in(kind.folder))
        tries = battery.draws(kind.name).sample(every, min(battery.tries * 2, len(every)))
        for edit in _turns(battery, number, len(chosen), tries):
            said, seen = apart(partial(edits.look, kind, edit, battery.work))
            outcome = seen["outcome"].strip("'") if said == "done" else said
            outcome = "refused" if outcome == "caught" else outcome
            battery.note_edit(kind.name, outcome, f"{edit.file}, {edit.label}: {seen}")


def swaps(battery: Battery) -> None:
    """A folder put in the place of another seed's, configuration's or preset's."""
    configs: list[Any] = list(edits.SMALL.values())
    for config in configs:
        other = replace(config, lr=config.lr / 2)
        root = battery.folder("swapped")
        train = partial(get_or_train, store=Store(root), progress=False, device="cpu")
        for one, seed in ((config, 5), (config, 6), (other, 5)):
            train(one, seed=seed)
        place = Store(root).of(config).folder(5)
        for what, source in (
            ("seed", Store(root).of(config).folder(6)),
            ("configuration", Store(root).of(other).folder(5)),
        ):
            shutil.rmtree(place)
            shutil.copytree(source, place)
            said, found = apart(partial(train, config, seed=5))
            outcome = "silent" if said == "done" else said
            battery.note("swaps", f"runs, another {what}", outcome, found)
    _presets(battery)


def _presets(battery: Battery) -> None:
    names = sorted(path.name for path in (RESULTS / "sweeps").iterdir())
    draws = battery.draws("presets")
    for _ in battery.within(range(battery.tries)):
        one, other = draws.sample(names, 2)
        root = battery.folder("swapped")
        shutil.copytree(RESULTS / "sweeps" / one, root / "sweeps" / other)
        said, found = apart(partial(read_sweep_export, other, root))
        outcome = "silent" if said == "done" else said
        battery.note("swaps", "results of another preset", outcome, f"{one} as {other}: {found}")
