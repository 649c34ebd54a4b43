"""What became of the tries: rows of counts, and of figures with their bounds."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

OUTCOMES = ("as it was", "refused", "lost", "silent", "traceback", "signal")
"""What can become of a try; the last two are counted together."""
GOOD = OUTCOMES[:2]
Item = TypeVar("Item")


class Figure(NamedTuple):
    """What was measured, and the bound that it is held to."""

    what: str
    value: float
    unit: str
    at_most: float

    @property
    def kept(self) -> bool:
        """Whether it is within its bound."""
        return self.value <= self.at_most


class Battery:
    """The tries of all parts. ``tries``: of a kind; ``work``: a folder that may be filled."""

    def __init__(
        self, tries: int, seed: int, work: Path, say: Callable[[str], None] = print
    ) -> None:
        self.tries, self.seed, self.work, self.say = tries, seed, work, say
        self.counts: dict[tuple[str, str], Counter[str]] = {}
        self.edits: dict[str, Counter[str]] = {}
        self.figures: list[Figure] = []
        self.until = float("inf")

    def note(self, part: str, what: str, outcome: str, how: object = "") -> None:
        """Count one; say what is wrong with it."""
        assert outcome in OUTCOMES, outcome
        self.counts.setdefault((part, what), Counter())[outcome] += 1
        if outcome not in GOOD:
            self.say(f"{part}, {what}: {outcome}: {str(how)[:600]}")

    def note_edit(self, kind: str, outcome: str, how: object) -> None:
        """Count an edit whose checksums fit: apart, since no checksum promises to see it."""
        self.edits.setdefault(kind, Counter())[outcome] += 1
        if outcome != "refused":
            self.say(f"edits that fit, {kind}: {outcome}: {how}")

    def measure(self, what: str, value: float, unit: str, at_most: float) -> None:
        """Note a figure."""
        self.figures.append(Figure(what, value, unit, at_most))
        self.say(f"{what}: {value:.3g} {unit}, at most {at_most:g}")

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """What is tried in here has so many seconds, or what is left of a longer turn around it."""
        before = self.until
        self.until = min(before, time.monotonic() + seconds)
        try:
            yield
        finally:
            self.until = before

    @property
    def left_s(self) -> float:
        """Seconds that are left of the turn."""
        return self.until - time.monotonic()

    def within(self, tries: Iterable[Item]) -> Iterator[Item]:
        """Tries, the first in any case, until the turn is over: others are not counted."""
        for number, one in enumerate(tries):
            if number and self.left_s <= 0:
                return
            yield one

    def some(self, share: float) -> int:
        """A share of the tries, one at least: for what takes long."""
        return max(1, round(share * self.tries))

    def folder(self, name: str) -> Path:
        """An empty folder."""
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def draws(self, what: str) -> random.Random:
        """Random numbers of a part."""
        return random.Random(f"{self.seed} {what}")

    @property
    def wrong(self) -> list[str]:
        """What a promise was broken by: empty where none was."""
        counted = [
            f"{part}, {what}: {outcome}"
            for (part, what), counts in self.counts.items()
            for outcome in counts
            if outcome not in GOOD
        ]
        ended = [f"{kind}: {o}" for kind, c in self.edits.items() for o in c if o in OUTCOMES[4:]]
        late = [f"{one.what}: {one.value:.3g} {one.unit}" for one in self.figures if not one.kept]
        few = [f"edits: {self.caught:.1%} caught"] if self.edits and self.caught < 0.95 else []
        return [*counted, *ended, *late, *few]

    @property
    def caught(self) -> float:
        """Share of the edits whose checksums fit that are seen all the same."""
        every = sum((counts for counts in self.edits.values()), Counter())
        return every["refused"] / max(1, every.total())
