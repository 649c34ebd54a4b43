"""A queue of tiny networks of every family, and trainings that run in the test's own process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.remainders import RemaindersConfig
from modlib.errors import ClusterError, InputError, StoreError
from modlib.queue import run
from modlib.queue.jobs import Job
from modlib.queue.run import Runner
from modlib.queue.workers import Call
from modlib.store.runs import Store

ADDITION = AdditionConfig(n=7, num_neurons=8, embed_dim=4, epochs=3)
REMAINDERS = RemaindersConfig(p=11, embed_dim=16, heads=2, steps=40)
PIZZA = ClockPizzaConfig(n=7, embed_dim=8, heads=2, num_neurons=16, steps=60)

JOBS = (
    Job("B11", range(2000, 2003), 0.1, "paper B", side_by_side=True),
    Job("A7", range(20000, 20005), 0.2, "paper A"),
    Job("pizzas", range(2000, 2002), 0.3, "pizzas", ("C59-rate-0",), side_by_side=True),
    Job("A7-more", range(20005, 20008), 0.4, "more of paper A", ("A7",)),
    Job("B11-more", range(2003, 2004), 0.5, "more of paper B", ("B11",)),
    Job("A7-many", range(20008, 20010), 9.9, "for a GPU", ("A7",), gpu=True),
)


class Inline:
    """Workers in this process: what a test has patched holds for them too."""

    made: Sequence[Call] = ()

    def __init__(self, count: int) -> None:
        self.count = count

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(
        self, calls: Sequence[Call], wait_s: Callable[[], float]
    ) -> Iterator[tuple[int | None, str | None]]:
        type(self).made = [*self.made, *calls]
        for index, (call, arguments) in enumerate(calls):
            yield None, None
            try:
                call(*arguments)
            except (InputError, StoreError, ClusterError) as error:
                yield index, str(error)
            else:
                yield index, None


def make_inline(patch) -> None:
    """Trainings in this process, and a machine whose peak is known."""
    patch.setattr(run, "Workers", Inline)
    patch.setattr(Inline, "made", ())
    patch.setattr(run, "machine_peak", lambda **_: 1e9)


def runner(results: Path, lines: list[str], **options) -> Runner:
    """A runner on the store of the environment that says its lines into a list, undated."""
    options = {"threads": 2, **options}
    return Runner(
        store=Store(), results=results, say=lambda line: lines.append(line[21:]), **options
    )
