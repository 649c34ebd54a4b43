"""Live figures: one front-end module each, for JupyterLab and for a page without a kernel."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Int

from modlib.analysis.many_seeds.separation import DELTA
from modlib.analysis.many_seeds.sweep_tables import SweepTables
from modlib.analysis.meso.clock_pizza_hands import Hands
from modlib.config.addition import AdditionConfig
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.neuron_view import NeuronView
from modlib.models.views.transformer_view import TransformerView
from modlib.results.shown import Ablated
from modlib.runs.addition import AdditionRun
from modlib.runs.remainders import RemaindersRun
from modlib.tasks.remainders import RemaindersTask
from modlib.widgets.breaker import BreakIt
from modlib.widgets.choir import Choir
from modlib.widgets.cloud import TurnTheCloud
from modlib.widgets.company import Company
from modlib.widgets.crests import ApproximateCRT
from modlib.widgets.desk import TrainingDesk
from modlib.widgets.draw import DrawFrequencies
from modlib.widgets.drop import DropAFile
from modlib.widgets.film import FilmOfTasks
from modlib.widgets.hands import TwoHands
from modlib.widgets.live import LiveFigure
from modlib.widgets.song import RowSong
from modlib.widgets.spiral import NumberSpiral
from modlib.widgets.trainer import LIVE_N, TrainYourself
from modlib.widgets.unit import TurnTheUnit
from modlib.widgets.workers import WhoWorksForWhom

__all__ = [
    "ApproximateCRT",
    "BreakIt",
    "Choir",
    "Company",
    "DrawFrequencies",
    "DropAFile",
    "FilmOfTasks",
    "LiveFigure",
    "NumberSpiral",
    "RowSong",
    "TrainYourself",
    "TrainingDesk",
    "TurnTheCloud",
    "TurnTheUnit",
    "TwoHands",
    "WhoWorksForWhom",
    "approximate_crt",
    "break_it",
    "choir_on_a_wheel",
    "company_of",
    "draw_frequencies",
    "drop_a_file",
    "film_of_tasks",
    "number_spiral",
    "train_yourself",
    "training_desk",
    "turn_the_cloud",
    "turn_the_unit",
    "two_hands",
    "what_a_row_sings",
    "who_works_for_whom",
]


def approximate_crt(
    run: AdditionRun, *, light: bool = False, a: int | None = None, b: int | None = None
) -> ApproximateCRT:
    """A network's clusters at one pair after another: votes, their sum, the sieve, all pairs.

    ``light``: each cluster's mean vote in place of the weights, a hundredth of the bytes.
    ``a``, ``b``: the first pair. Raises ``InputError`` for a pair that is none of Z_n.
    """
    n = run.config.n
    first = (n // 4 if a is None else a, n // 2 if b is None else b)
    return ApproximateCRT(run, light=light, a=first[0], b=first[1])


def train_yourself(run: AdditionRun, *, n: int = LIVE_N) -> TrainYourself:
    """A network that learns modulo n in the page; ``run``: its seed, and the pace of
    the compiled steps in Python."""
    return TrainYourself(run, n=n)


def break_it(run: AdditionRun) -> BreakIt:
    """A network whose neurons are taken out or disturbed, and what that costs on all pairs.

    One too large for a page says so and no more.
    """
    return BreakIt(run)


def choir_on_a_wheel(run: AdditionRun, *, cluster: int = 0) -> Choir:
    """One cluster's neurons at one pair after another: votes one by one, and their sum."""
    n = run.config.n
    return Choir(run, cluster=cluster, a=n // 4, b=n // 2)


def number_spiral(*, q: int = 17, p: int = 11) -> NumberSpiral:
    """Numbers turned step by step, multiples of q in colour; waves over digits in base p.

    Raises ``InputError`` for a q or p that is no prime below 41, or p below 5.
    """
    return NumberSpiral(q=q, p=p)


def film_of_tasks(histories: Mapping[str, pd.DataFrame]) -> FilmOfTasks:
    """Networks by title: each task's accuracy on both kinds of numbers, step after step."""
    return FilmOfTasks(histories)


def who_works_for_whom(view: TransformerView, task: RemaindersTask) -> WhoWorksForWhom:
    """A network's neurons by the task they vote for, and what each task loses without them."""
    return WhoWorksForWhom(view, task.answers, task.held_out)


def what_a_row_sings(runs: Mapping[str, RemaindersRun]) -> RowSong:
    """Networks by name: their digits' rows at any frequency, at the start and after training."""
    return RowSong(runs)


def training_desk(found: Mapping[str, Ablated]) -> TrainingDesk:
    """Paper B's small networks by what was changed in their training, the plain one first."""
    return TrainingDesk(found)


def turn_the_unit(run: AdditionRun, *, place: int = 0) -> TurnTheUnit:
    """A neuron's three signals in steps of a unit of Z_n, and its answer at one pair.

    ``place``: of the simple neurons by strength; the strongest where there are fewer.
    """
    return TurnTheUnit(run, place=place)


def turn_the_cloud(run: AdditionRun) -> TurnTheCloud:
    """The embedding of (k, k), turned from one frequency's plane to another's."""
    return TurnTheCloud(run)


def draw_frequencies(
    n: int,
    counts: Mapping[int, Int[np.ndarray, " network"]],
    *,
    delta: float = DELTA,
    seed: int = 0,
) -> DrawFrequencies:
    """Hands of random frequencies modulo n, and how often they separate the answers by delta.

    ``counts``: by modulus, the number of clusters of each network that is drawn behind.
    """
    return DrawFrequencies(n, counts, delta=delta, seed=seed)


def two_hands(
    networks: Sequence[ForeignNetwork], rates: pd.DataFrame, others: Sequence[Hands] = ()
) -> TwoHands:
    """Two inputs on a circle of networks of Zhong et al., of those that fit into a page.

    ``rates``: rows of ``ExportedClockPizza.networks``, of which means by attention rate are drawn.
    ``others``: what is committed of more networks, shown where the modulus is the same.
    """
    return TwoHands(networks, rates, others)


def company_of(tables: SweepTables | None) -> Company:
    """Frequencies beside a given one in the networks of a sweep; None where too few learned."""
    return Company(tables)


def drop_a_file(
    networks: Mapping[str, NeuronView], untrained: AdditionConfig, seed: int
) -> DropAFile:
    """A file of the reader's, read in the page; beside it a shelf of networks by title.

    ``networks``: with embeddings (``NeuronView.factors``); those beyond what a page carries stay
    out. ``untrained``, ``seed``: the last of the shelf, before its training.
    """
    return DropAFile(networks, untrained, seed)
