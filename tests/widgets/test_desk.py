"""The live figure of chapter 14 in Python: kinds of training, their curves and their ends."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.remainders.ablations import at_end, over_tasks
from modlib.chapters.ablations import KINDS, ends
from modlib.results.shown import Ablated, ablated_networks
from modlib.widgets import training_desk
from modlib.widgets.desk import by_task
from modlib.widgets.live import read


@pytest.fixture(scope="module")
def found():
    return ablated_networks(KINDS, p=37)


@pytest.fixture(scope="module")
def figure(found):
    return training_desk(found)


def test_ends_and_switches_are_those_of_the_chapter(found, figure):
    for kind, expected in zip(figure.kinds, ends(found).values(), strict=True):
        np.testing.assert_allclose(kind["ends"], expected)
    assert figure.kinds[0]["name"] == "as it is"
    assert {kind["name"] for kind in figure.kinds} >= {"no dropout", "λ = 2"}
    assert figure.kinds[-1]["name"] == "λ = 0, rate × 3"
    settings = [tuple(kind["switches"].values()) for kind in figure.kinds]
    assert len(set(settings)) == len(settings)


def test_curves_and_tasks_are_those_of_the_histories(found, figure):
    curves, tasks = (np.frombuffer(b, "<u2") / 65535 for b in (figure.curves, figure.tasks))
    for kind, (name, one) in zip(figure.kinds, found.items(), strict=True):
        seeds, steps = kind["seeds"], kind["steps"]
        own, curves = np.split(curves, [(seeds + 1) * len(steps)])
        own = own.reshape(seeds + 1, -1)
        counted = one.history[one.history.q > 7] if name == "B37-masked" else one.history
        table = over_tasks(counted).pivot(index="seed", columns="step", values="mean")
        np.testing.assert_allclose(own[:-1], table[steps], atol=1e-4)
        train = over_tasks(counted, "train").groupby("step")["mean"].mean()
        np.testing.assert_allclose(own[-1], train[steps], atol=1e-4)
        part, tasks = np.split(tasks, [seeds * len(figure.qs)])
        np.testing.assert_allclose(part.reshape(seeds, -1), by_task(one.history), atol=1e-4)
    assert len(curves) == len(tasks) == 0
    np.testing.assert_allclose(by_task(found["B37"].history).mean(1), at_end(found["B37"].history))


def test_a_page_carries_at_most_160_kilobytes(figure):
    assert len(figure.html().encode()) - len(read("shared/host.js")) <= 160_000


def test_nothing_trained_has_no_desk(found):
    history, run = found["B37"]
    for nothing in ({}, {"B37": Ablated(history[history.step == 0], run)}):
        figure = training_desk(nothing)
        assert figure.kinds == []
        assert "modlibLive.start" in figure.html()
