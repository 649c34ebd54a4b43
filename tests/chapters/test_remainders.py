"""Chapter 10, and what is told of paper B's networks, learned or not."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from modlib.analysis.remainders import tasks as rt
from modlib.chapters import remainders as facts
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.maths.fourier import fourier_basis
from modlib.runs.remainders import RemaindersRun
from modlib.tasks.remainders import as_grid, moduli, primes_below
from told import cells, told

CHAPTER = "10_remainders"


def run(config: RemaindersConfig, accuracy: float, steps: int | None = None) -> RemaindersRun:
    """A run that ends with this accuracy on every task but the last, where it has none."""
    qs = moduli(config)
    steps = config.steps if steps is None else steps
    rows = [
        {"step": steps, "split": split, "q": q, "accuracy": accuracy * (q < qs[-1] or len(qs) == 1)}
        for split in ("train", "validation")
        for q in qs
    ]
    empty = pd.DataFrame()
    return RemaindersRun(
        config=config,
        seed=4,
        steps=steps,
        weights={},
        snapshots={},
        history=pd.DataFrame(rows).assign(loss=1.0),
        norms=empty,
        spectra={},
        neuron_zero={},
        first_neurons={},
        manifest={},
    )


def test_every_cell_that_says_something_is_tested():
    told_of = {"891a0536", "1538627d", "c2785a9d", "522e68d1", "4037a036", "answer"}
    captions = {"ca1c3c8d", "a61d4f71", *(f"{one}-caption" for one in ("b1", "b2", "b3"))}
    assert cells(CHAPTER) == told_of | captions | {"leak-caption", "primes-caption"}


@pytest.mark.parametrize("task", ["miiii", "nanda", "basis", "masked"])
@pytest.mark.parametrize("accuracy", [0.0, 0.5, 1.0])
def test_a_network_is_told_whatever_it_learned(task, accuracy):
    config = RemaindersConfig(p=13, task=task, steps=3)

    def said(of: RemaindersRun) -> str:
        return told(CHAPTER, "4037a036", facts.network(of))

    text = said(run(config, accuracy))
    assert "Seed 4, p = 13" in text
    assert "3 steps." in text
    if task != "nanda":
        assert ("no task" in text) == (accuracy < 0.99)
        assert ("q = 2, 3, 5 and 7" in text) == (accuracy == 1.0)
    assert "chance is" in text or "chance" in told(
        CHAPTER, "a61d4f71", facts.accuracy(run(config, accuracy))
    )
    assert "2 steps of 3" in said(run(config, accuracy, steps=2))
    assert "no training" in said(run(config.untrained(), accuracy))


def test_parameters_of_the_small_network_are_counted():
    network = facts.network(run(REMAINDERS_PRESETS["B37"], 1.0))
    assert "(B37): 222,336 weights" in told(CHAPTER, "4037a036", network)


def test_the_task_is_told_in_numbers():
    waves = {"parity": rt.remainder_wave(RemaindersConfig(p=11), 2)}
    text = told(CHAPTER, "1538627d", facts.leaks(rt.leaks(waves), 11))
    assert "| parity |" in text
    assert "11 x 11" in text
    text = told(CHAPTER, "leak-caption", facts.leaks(rt.leaks(waves), 11))
    assert re.search(r"hold \d\d\.\d % of parity\.$", text)
    waves["sum"] = rt.sum_wave(RemaindersConfig(p=11))
    text = told(CHAPTER, "leak-caption", facts.leaks(rt.leaks(waves), 11))
    assert text.endswith("of parity and 100 % of sum.")
    text = told(CHAPTER, "ca1c3c8d", facts.basis(fourier_basis(11) @ fourier_basis(11).T))
    assert "of its 11 vectors" in text
    assert "e-" in text
    bases = {"bases": [facts.zero_free(11, rt.zero_free_kinds(11))]}
    text = told(CHAPTER, "c2785a9d", bases)
    assert "p = 11: 27 of 121 numbers" in text
    assert "not prime: 1." in text
    assert "The 4 primes below 11" in text
    text = told(CHAPTER, "primes-caption", bases)
    assert text == (
        "p = 11: all numbers without a remainder zero are prime, except 1; 4 primes have one."
    )
    series = {"multiples of 7": np.arange(18), "primes": primes_below(121)}
    text = told(CHAPTER, "891a0536", facts.spirals(11, series))
    assert "of the 121 numbers below 11², 18 are multiples of 7 and 30 are primes." in text
    large = {"primes": primes_below(113**2)}
    text = told(CHAPTER, "b1-caption", facts.spirals(113, large))
    assert text.startswith("B1. The numbers below 12,769 at")
    assert text.endswith("of the 1,523 primes all beyond 11 stand in 20 of 44 arms.")
    text = told(CHAPTER, "522e68d1", facts.loss(RemaindersConfig(p=11)))
    assert "there are four tasks with 17 answers" in text
    text = told(CHAPTER, "522e68d1", facts.loss(RemaindersConfig(p=11, task="nanda")))
    assert "there is one task" in text


def test_the_digits_and_the_edges_of_the_answers_have_captions():
    small = RemaindersConfig(p=11)
    orders = {"low": small, "high": replace(small, digits="high_first")}
    grids = {name: as_grid(order, np.arange(121)) for name, order in orders.items()}
    text = told(CHAPTER, "b2-caption", {"orders": facts.orders(grids)})
    assert text == (
        "B2. Low: a step down adds 1, a step to the right 11. "
        "High: a step down adds 11, a step to the right 1."
    )
    x0, x1 = np.indices((11, 11))
    number = as_grid(small, np.arange(121))
    answers = {"sum": (x0 + x1) % 11} | {f"{q}": number % q for q in (2, 3)}
    text = told(CHAPTER, "b3-caption", facts.edges(answers))
    assert text.endswith("goes on modulo 11; modulo 2 and 3 it is cut.")


@pytest.mark.parametrize("task", ["miiii", "nanda", "basis"])
def test_the_answer_holds_for_every_network(task):
    config = RemaindersConfig(p=13, task=task, steps=3)
    waves = {"parity": rt.remainder_wave(config, 2)}

    def said(of: RemaindersRun) -> str:
        leaks = facts.leaks(rt.leaks(waves), 13)
        return told(CHAPTER, "answer", {"leaks": leaks, "network": facts.network(of)})

    assert "of parity. This network was not trained" in said(run(config.untrained(), 0.5))
    if task == "nanda":
        assert "is answered right for 50.0 % of the numbers" in said(run(config, 0.5))
        return
    assert "This network reaches 99.0 % in 4 of its 5 tasks" in said(run(config, 1.0))
    assert "in 0 of its 5 tasks" in said(run(config, 0.5))
    whole = run(config, 1.0)
    whole.history["accuracy"] = 1.0
    assert "right on at least 99.0 % of the numbers" in said(whole)
    assert "in all its 5 tasks." in said(whole)
