"""One of each live figure, on networks that are made up or small, with states to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from made_up.crooked import crooked_run
from made_up.sweeps import made_up
from modlib import widgets
from modlib.config.addition import AdditionConfig
from modlib.models.foreign.load import from_tensors
from modlib.results.remainders import read_remainders
from modlib.results.shown import ablated_networks


def task_network():
    """Paper B's small network, and what it was asked."""
    run = read_remainders("B37").run
    return run.view, run.task


class Case(NamedTuple):
    """A figure, and what a page's address says of it in each state that is looked at."""

    make: Callable[[], widgets.LiveFigure]
    states: tuple[str, ...]


CASES = {
    "crests": Case(
        lambda: widgets.approximate_crt(crooked_run()),
        ("", "#crests:a=3,b=4,off=0.1,sigma=0.25,order=5"),
    ),
    "crests, light": Case(lambda: widgets.approximate_crt(crooked_run(), light=True), ("",)),
    "trainer": Case(lambda: widgets.train_yourself(crooked_run(), n=7), ("",)),
    "breaker": Case(
        lambda: widgets.break_it(crooked_run()), ("", "#breaker:removed=0.1.2,sigma=0.5,noisy=0")
    ),
    "choir": Case(
        lambda: widgets.choir_on_a_wheel(crooked_run()),
        ("", "#choir:cluster=1,a=2,b=3,silent=0.1"),
    ),
    "cloud": Case(
        lambda: widgets.turn_the_cloud(crooked_run()),
        ("", "#cloud:first=0,second=1,turn=90,spin=30,k=3,d=5"),
    ),
    "company": Case(
        lambda: widgets.company_of(made_up(n=35, num_seeds=60)),
        ("", "#company:freq=5,least=3,pooled=1"),
    ),
    "draw": Case(
        lambda: widgets.draw_frequencies(23, {23: np.array([3, 4, 4])}),
        ("", "#draw:n=23,m=4,delta=0.3,drawn=50,freqs=1.2.5.9"),
    ),
    "drop": Case(
        lambda: widgets.drop_a_file({"one": crooked_run().view}, AdditionConfig(n=11), 7),
        ("", "#drop:net=0,a=3,b=4,off=0,order=5", "#drop:net=1"),
    ),
    "hands": Case(
        lambda: widgets.two_hands([from_tensors(crooked_run().weights)], pd.DataFrame()),
        ("", "#hands:net=0,kept=1,a=3,b=9"),
    ),
    "spiral": Case(widgets.number_spiral, ("", "#spiral:turn=0.142857,q=7,show=2,p=37,wave=1")),
    "film": Case(
        lambda: widgets.film_of_tasks({"": read_remainders("B37").run.history}),
        ("", "#film:film=0,frame=60,task=5"),
    ),
    "song": Case(
        lambda: widgets.what_a_row_sings({"": read_remainders("B37-nanda").run}),
        ("", "#song:network=0,at=0,freq=0.3"),
    ),
    "workers": Case(
        lambda: widgets.who_works_for_whom(*task_network()),
        ("", "#workers:task=29,out=12,neuron=1,joint=0"),
    ),
    "desk": Case(
        lambda: widgets.training_desk(ablated_networks(["B37", "B37-lambda-2"], p=37)),
        ("", "#desk:before=0,kind=1"),
    ),
    "unit": Case(
        lambda: widgets.turn_the_unit(crooked_run()), ("", "#unit:neuron=13,unit=20,a=6,b=11")
    ),
}
