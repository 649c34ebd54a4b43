"""Live figures: one front-end module each, for JupyterLab and for a page without a kernel."""

from collections.abc import Mapping

import pandas as pd

from modlib.models.views.transformer_view import TransformerView
from modlib.results.shown import Ablated
from modlib.runs.addition import AdditionRun
from modlib.runs.remainders import RemaindersRun
from modlib.tasks.remainders import RemaindersTask
from modlib.widgets.breaker import BreakIt
from modlib.widgets.choir import Choir
from modlib.widgets.crests import ApproximateCRT
from modlib.widgets.desk import TrainingDesk
from modlib.widgets.film import FilmOfTasks
from modlib.widgets.live import LiveFigure
from modlib.widgets.song import RowSong
from modlib.widgets.spiral import NumberSpiral
from modlib.widgets.trainer import LIVE_N, TrainYourself
from modlib.widgets.workers import WhoWorksForWhom

__all__ = [
    "ApproximateCRT",
    "BreakIt",
    "Choir",
    "FilmOfTasks",
    "LiveFigure",
    "NumberSpiral",
    "RowSong",
    "TrainYourself",
    "TrainingDesk",
    "WhoWorksForWhom",
    "approximate_crt",
    "break_it",
    "choir_on_a_wheel",
    "film_of_tasks",
    "number_spiral",
    "train_yourself",
    "training_desk",
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
    """A network that learns modulo n in the page; ``run``: its seed, and Python's pace."""
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
