"""What of a job is done, read from the committed tables and from the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modlib.errors import InputError, StoreError
from modlib.queue.families import Part, config_of, exported_seeds, finished_seeds, under_way
from modlib.queue.jobs import Job
from modlib.store.checkpoint import Checkpoint
from modlib.store.files import writing
from modlib.store.folder import read_manifest
from modlib.store.replacing import found
from modlib.store.runs import Store
from modlib.store.shards import shards_on
from modlib.training.speed import total_steps


@dataclass(frozen=True, kw_only=True)
class Done:
    """How far networks are.

    ``exported``: those in committed tables; ``finished``: these, and those that the store holds;
    ``steps``: made by all of them, and in the saved states of others, of ``all_steps``;
    ``seconds``: what they took, where it is known.
    """

    networks: int
    exported: int
    finished: int
    steps: int
    all_steps: int
    seconds: float

    @property
    def words(self) -> str:
        """``done``, ``trained``, the share of the steps that are made, or ``waiting``."""
        if self.exported == self.networks:
            return "done"
        if self.finished == self.networks:
            return "trained"
        return f"{self.steps / self.all_steps:.1%}" if self.steps else "waiting"


def queue_folder(store: Store) -> Path:
    """Where runners on a store keep their locks and their log."""
    folder = store.root / "queue"
    with writing(folder):
        folder.mkdir(exist_ok=True)
    return folder


def parts_of(job: Job) -> list[Part]:
    """A job's presets with their configurations; ``InputError`` where one is not known."""
    return [
        Part(preset, config_of(preset, job.name), job.seeds, job.keeps, job.described)
        for preset in job.presets
    ]


def look(job: Job, store: Store, results: Path) -> Done | str:
    """How far a job is; a refusal in one line where that cannot be said."""
    try:
        found = [look_at(part, store, results) for part in parts_of(job)]
    except (InputError, StoreError) as error:
        return " ".join(str(error).split())
    return together(found)


def together(found: Iterable[Done]) -> Done:
    """The sum over several."""
    names = Done.__dataclass_fields__
    total = dict.fromkeys(names, 0)
    for one in found:
        total = {name: total[name] + getattr(one, name) for name in names}
    return Done(**total)


def look_at(part: Part, store: Store, results: Path) -> Done:
    """How far a part is; raises ``StoreError`` for tables of another version."""
    committed = exported_seeds(part, results)
    exported = {seed for seed in part.seeds if seed in committed}
    finished = finished_seeds(part, store) - exported
    every = total_steps(part.config)
    others = [
        under_way(part, seed, store)
        for seed in part.seeds
        if seed not in exported and seed not in finished
    ]
    return Done(
        networks=len(part.seeds),
        exported=len(exported),
        finished=len(exported) + len(finished),
        steps=every * (len(exported) + len(finished)) + sum(steps for steps, _ in others),
        all_steps=max(1, every * len(part.seeds)),
        seconds=_committed_seconds(part, exported, results)
        + _stored_seconds(part, finished, store)
        + sum(seconds for _, seconds in others),
    )


def _committed_seconds(part: Part, seeds: set[int], results: Path) -> float:
    """What networks in committed tables took, by what their manifest says made them."""
    if not seeds:
        return 0.0
    folder = found(results / part.folder)
    try:
        origins = read_manifest(folder).get("origins", [])
        return sum(_share(origin, part, seeds) for origin in origins)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise StoreError(f"{folder} does not say what made its networks") from None


def _share(origin: dict[str, Any], part: Part, seeds: set[int]) -> float:
    """Seconds of an origin that went to some seeds: of a shard's, in proportion."""
    seconds = float(origin.get("wall_s") or 0.0)
    if part.in_shards:
        made = {seed for first, last in origin["shards"] for seed in range(first, last + 1)}
        return seconds * len(made & seeds) / max(1, len(made))
    own = origin.get("preset", part.preset) == part.preset and origin["seed"] in seeds
    return seconds if own else 0.0


def _stored_seconds(part: Part, seeds: set[int], store: Store) -> float:
    """What networks in the store took."""
    shelf = store.of(part.config)
    if part.in_shards:
        blocks = {block: seeds & set(block) for block in shards_on(shelf)}
        return sum(
            _wall_s(shelf.folder(block)) * len(held) / len(block)
            for block, held in blocks.items()
            if held
        )
    return sum(_wall_s(shelf.folder(seed)) for seed in seeds)


def _wall_s(folder: Path) -> float:
    return float(Checkpoint(folder).manifest().get("wall_s") or 0.0)
