"""The jobs, the most urgent first: networks of the ledger's second edition, on fresh seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modlib.config.presets import GRID, MODULI, SLOW_RATE_MODULI, grid_name, scaled_name
from modlib.errors import InputError, require_choice

PAPER_A, TRANSFORMERS = 20000, 2000
"""First seeds of the second edition: of paper A's networks; of paper B's and of pizzas."""


@dataclass(frozen=True)
class Job:
    """Networks that are wanted together.

    ``presets``: what is trained, each on all of ``seeds``; none: the preset of the job's own name.
    ``core_hours``: estimate for a machine with 512-bit vectors, two cores at once.
    ``purpose``: what rests on it, claims by their id. ``side_by_side``: transformers so small that
    several, of a thread each, are trained at a time; others take all threads for one. ``gpu``:
    taken on a CUDA device only, unless it is named. ``keeps``: what of paper B's first network is
    committed with its tables: ``network``, ``snapshots``. ``described``: paper A's networks are
    described whole, neuron by neuron (``results.sample``), and not as a sweep's.
    """

    name: str
    seeds: range
    core_hours: float
    purpose: str
    presets: tuple[str, ...] = ()
    side_by_side: bool = False
    gpu: bool = False
    keeps: tuple[str, ...] = ()
    described: bool = False

    def __post_init__(self) -> None:
        if not self.presets:
            object.__setattr__(self, "presets", (self.name,))

    @property
    def num_networks(self) -> int:
        """How many networks it asks for."""
        return len(self.presets) * len(self.seeds)


def _seeds(first: int, count: int) -> range:
    return range(first, first + count)


SMALL_SETTING = (
    ("B37", 0.6, "paper B's rows at p = 37, beside those at p = 113"),
    ("B37-nanda", 0.6, "modular addition at p = 37: B2.positions, B2.five, B2.one_digit"),
    ("B37-basis", 0.6, "control with shuffled labels at p = 37: B2.mechanism, B2.positions"),
    ("B37-untrained", 0.1, "control before the first step at p = 37: B2.positions, B2.five"),
    ("B37-lambda-0", 0.6, "no gradient filter at p = 37: B2.lambda"),
    ("B37-masked", 0.6, "four smallest tasks off at p = 37: B2.masked"),
    ("B37-no-dropout", 0.5, "no dropout at p = 37: B2.dropout0"),
    ("B37-ablated", 0.6, "the early wave of q = 2 taken out at p = 37: B2.temporary"),
    ("B37-perturbed", 0.6, "a random change of that size, its control: B2.temporary"),
)
"""The small setting: preset, core-hours of ten networks, and what rests on them."""

JOBS: tuple[Job, ...] = (
    Job(
        "B113-nanda-learns",
        _seeds(TRANSFORMERS, 10),
        0.7,
        "modular addition at p = 113 that does learn: B2.positions, B2.five, B2.one_digit",
        side_by_side=True,
        keeps=("network",),
    ),
    Job(
        "B113-nanda-no-dropout",
        _seeds(TRANSFORMERS, 10),
        0.7,
        "the same without dropout at weight decay 1: B2.positions, B2.five",
        side_by_side=True,
    ),
    Job(
        "B113-code",
        _seeds(TRANSFORMERS, 2),
        11.0,
        "paper B's own setting: B2.order, B2.tab3, B2.mechanism, B2.one_wave and the others",
        keeps=("network",),
    ),
    Job(
        "A91",
        _seeds(PAPER_A, 4000),
        2.3,
        "n = 91: A2.accuracy, A2.fine_tuning.order, A2.origin, A2.selection, A2.secA1.replace",
    ),
    Job(
        "A89",
        _seeds(PAPER_A, 4000),
        2.3,
        "n = 89: A2.accuracy, A2.half_period, A2.fig6, A2.fig31, A2.fig27",
    ),
    Job(
        "pizzas",
        _seeds(TRANSFORMERS, 73),
        1.2,
        "constant attention, 73 networks: A2.pizza.remap, A2.pizza.cosets, A2.pizza.crt",
        presets=("C59-rate-0",),
        side_by_side=True,
    ),
    Job(
        "A91-described",
        _seeds(PAPER_A, 256),
        0.3,
        "every neuron, components, noise: A2.magnitudes, A2.fig8.circular, A2.fig31.equivariant",
        presets=("A91",),
        side_by_side=True,
        described=True,
    ),
    Job(
        "A89-described",
        _seeds(PAPER_A, 400),
        0.5,
        "every neuron, components, noise: A2.half_period, A2.fig8.circular, A2.fig31.equivariant",
        presets=("A89",),
        side_by_side=True,
        described=True,
    ),
    Job(
        "A-full",
        _seeds(PAPER_A, 500),
        2.2,
        "full batch at both moduli: A2.accuracy, A2.fig29.width",
        presets=("A91-full", "A89-full"),
    ),
    Job(
        "clocks",
        _seeds(TRANSFORMERS, 73),
        1.2,
        "learned attention beside them, seed by seed: A2.pizza.crt, A2.pizza.cosets",
        presets=("C59-rate-1",),
        side_by_side=True,
    ),
    Job("A91-width-8192", _seeds(PAPER_A, 20), 1.4, "batch n at the largest width: A2.fig29.width"),
    Job(
        "A91-full-width-8192",
        _seeds(PAPER_A, 20),
        4.4,
        "full batch at the largest width: A2.fig29.width",
    ),
    Job(
        "A91-more",
        _seeds(PAPER_A + 4000, 6500),
        3.7,
        "n = 91, 10,500 networks in all: A2.classes.n91",
        presets=("A91",),
    ),
    Job(
        "B113-code-shuffled",
        _seeds(TRANSFORMERS, 1),
        5.5,
        "control with shuffled labels: B2.tab3.reuse, B2.attention_early, B2.mechanism",
        keeps=("network",),
    ),
    Job("B113-code-lambda-0", _seeds(TRANSFORMERS, 1), 5.5, "no gradient filter: B2.lambda"),
    Job("B113-text", _seeds(TRANSFORMERS, 1), 3.3, "fraction .3, as the text has it: B2.all_tasks"),
    Job("B113-code-masked", _seeds(TRANSFORMERS, 1), 5.5, "four smallest tasks off: B2.masked"),
    Job("B113-code-no-dropout", _seeds(TRANSFORMERS, 1), 5.5, "no dropout: B2.dropout0"),
    Job(
        "B113-code-third",
        _seeds(TRANSFORMERS + 2, 1),
        5.5,
        "a third network of paper B's own setting",
        presets=("B113-code",),
    ),
    Job(
        "B113-code-lr-1.5",
        _seeds(TRANSFORMERS, 1),
        5.5,
        "the filter's rate without a filter, at equal rate x decay: B2.lambda",
    ),
    Job("B113-code-mask-a-sample", _seeds(TRANSFORMERS, 1), 7.0, "a mask a sample: B2.lambda"),
    Job(
        "A91-widths",
        _seeds(PAPER_A, 20),
        1.9,
        "both regimes at the widths between: A2.fig29.width",
        presets=(
            *("A91-width-512", "A91-width-2048"),
            *("A91-full-width-512", "A91-full-width-2048"),
        ),
    ),
    Job(
        "B113-untrained",
        _seeds(TRANSFORMERS, 10),
        0.1,
        "paper B's network before its first step: B2.positions, B2.five",
        side_by_side=True,
    ),
    *(
        Job(name, _seeds(TRANSFORMERS, 10), hours, purpose, side_by_side=True)
        for name, hours, purpose in SMALL_SETTING
    ),
    Job("A91-long", _seeds(PAPER_A, 100), 0.6, "3,000 epochs: A2.fig3.joint, A2.batch_invariance"),
    Job(
        "A91-full-long",
        _seeds(PAPER_A, 100),
        1.1,
        "10,000 steps: A2.fig3.range, A2.batch_invariance",
    ),
    *(
        Job(
            f"grid-{n}",
            _seeds(PAPER_A, 20),
            hours,
            f"n = {n} x L2 x learning rate x width: A2.conjecture1",
            presets=tuple(name for point, name in GRID.items() if point[0] == n),
        )
        for n, hours in {59: 0.2, 91: 0.4, 131: 1.0, 251: 2.6}.items()
    ),
    Job(
        "moduli",
        _seeds(PAPER_A, 60),
        2.4,
        "17 moduli beside 91, L2 in proportion to 1/n: A2.fig30.growth, A2.fig30.broken",
        presets=tuple(scaled_name(n) for n in MODULI if n != 91),
    ),
    Job(
        "moduli-slow-rate",
        _seeds(PAPER_A, 60),
        2.0,
        "small and large moduli at a quarter of the learning rate: A2.fig30.broken",
        presets=tuple(grid_name(n, 1.0, 0.25, 128) for n in SLOW_RATE_MODULI),
    ),
    Job(
        "A91-to-100000",
        range(PAPER_A + 10500, PAPER_A + 100000),
        52.0,
        "n = 91, 100,000 networks in all, where a GPU is at hand: A2.classes.n91, A2.selection",
        presets=("A91",),
        gpu=True,
    ),
)
"""Seeds of one preset in several jobs follow each other, so that the tables are appended to."""


def chosen(names: Sequence[str], jobs: Sequence[Job], *, gpu: bool = False) -> list[Job]:
    """The jobs of these names, in the queue's order; all that this machine is for without names.

    Raises ``InputError`` for a name that no job has.
    """
    for name in names:
        require_choice("job", name, [job.name for job in jobs])
    return [job for job in jobs if (job.name in names if names else gpu or not job.gpu)]


def first_seed(preset: str, jobs: Sequence[Job]) -> int:
    """The first seed that the queue wants of a preset: its tables begin there.

    Raises ``InputError`` for a preset of no job.
    """
    starts = [job.seeds.start for job in jobs if preset in job.presets]
    if not starts:
        raise InputError("preset", "belong to a job", preset)
    return min(starts)
