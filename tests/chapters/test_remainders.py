"""Chapter 10, and what is told of paper B's networks, learned or not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modlib.analysis.remainders import tasks as rt
from modlib.chapters import remainders as facts
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.maths.fourier import fourier_basis
from modlib.runs.remainders import RemaindersRun
from modlib.tasks.remainders import moduli
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
    tested = {"891a0536", "ca1c3c8d", "1538627d", "c2785a9d", "522e68d1", "4037a036", "a61d4f71"}
    assert cells(CHAPTER) == tested


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
    text = told(CHAPTER, "ca1c3c8d", facts.basis(fourier_basis(11) @ fourier_basis(11).T))
    assert "of the 11 vectors" in text
    assert "e-" in text
    bases = {"bases": [facts.zero_free(11, rt.zero_free_kinds(11))]}
    text = told(CHAPTER, "c2785a9d", bases)
    assert "p = 11: 27 of 121 numbers" in text
    assert "not prime: 1." in text
    assert "The 4 primes below 11" in text
    text = told(CHAPTER, "891a0536", facts.spirals(11, {"multiples of 7": np.arange(18)}))
    assert "of the 121 numbers below 11², 18 are multiples of 7." in text
    text = told(CHAPTER, "522e68d1", facts.loss(RemaindersConfig(p=11)))
    assert "there are four tasks with 17 answers" in text
    text = told(CHAPTER, "522e68d1", facts.loss(RemaindersConfig(p=11, task="nanda")))
    assert "there is one task" in text
