"""The live figure of chapter 11 in Python: steps, accuracies and learned tasks of real networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modlib.analysis.remainders.grokking import by_step, first_steps
from modlib.results.remainders import read_remainders
from modlib.widgets import film_of_tasks
from modlib.widgets.film import KINDS, frames
from modlib.widgets.live import read


@pytest.fixture(scope="module")
def histories():
    runs = {name: read_remainders(name).run for name in ("B37", "B113-code")}
    return {name: run.history for name, run in runs.items()}


def test_it_carries_every_task_at_steps_spaced_by_their_logarithm(histories):
    figure, start = film_of_tasks(histories), 0
    values = np.frombuffer(figure.accuracy, "<u2") / 65535
    for film, history in zip(figure.films, histories.values(), strict=True):
        size = (len(KINDS), len(film["steps"]), len(film["qs"]))
        own = values[start : start + np.prod(size)].reshape(size)
        start += own.size
        for split, table in zip(KINDS, own, strict=True):
            expected = by_step(history, split).loc[film["steps"]]
            np.testing.assert_allclose(table, expected, atol=1e-5)
            assert expected.columns.tolist() == film["qs"]
        assert film["first"] == first_steps(history).fillna(-1).astype(int).tolist()
    assert start == len(values)


def test_frames_hold_both_ends_and_are_few():
    steps = np.concatenate([np.arange(64), np.arange(64, 65_536, 200), [65_536]])
    chosen = frames(steps)
    assert steps[chosen][[0, -1]].tolist() == [0, 65_536]
    assert len(chosen) <= 202
    assert frames(np.array([0])).tolist() == [0]


def test_a_page_carries_at_most_160_kilobytes(histories):
    html = film_of_tasks(histories).html()
    assert len(html.encode()) - len(read("shared/host.js")) <= 160_000


def test_what_has_not_been_trained_has_no_film(histories):
    first = next(iter(histories.values()))
    start: pd.DataFrame = first[first.step == 0]
    figure = film_of_tasks({"at the start": start})
    assert figure.films == []
    assert "has no steps" in figure.html() or "untrained" in figure.html()
